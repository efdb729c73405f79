// java Client.java http://127.0.0.1:8080 letter.jpg clean.png   (Java 11 or newer)
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;

public class Client {
    public static void main(String[] arguments) throws Exception {
        String file = Base64.getEncoder().encodeToString(Files.readAllBytes(Path.of(arguments[1])));
        HttpRequest request = HttpRequest.newBuilder(URI.create(arguments[0] + "/document-preprocessing"))
                .header("Content-Type", "application/json")
                .header("Accept", "image/png")
                .POST(HttpRequest.BodyPublishers.ofString("{\"file\": \"" + file + "\"}"))
                .build();
        HttpResponse<byte[]> answer = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofByteArray());
        if (answer.statusCode() != 200) {
            System.err.println(new String(answer.body(), "UTF-8"));
            System.exit(1);
        }
        Files.write(Path.of(arguments[2]), answer.body());
    }
}
