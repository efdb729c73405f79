// mcs -r:System.Net.Http Client.cs && mono Client.exe http://127.0.0.1:8080 letter.jpg clean.png   (or .NET 6 and newer)
using System;
using System.IO;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Text;
using System.Threading.Tasks;

public static class Client
{
    public static int Main(string[] arguments)
    {
        return Run(arguments).GetAwaiter().GetResult();
    }

    private static async Task<int> Run(string[] arguments)
    {
        string file = Convert.ToBase64String(File.ReadAllBytes(arguments[1]));
        using (var http = new HttpClient())
        {
            http.DefaultRequestHeaders.Accept.Add(new MediaTypeWithQualityHeaderValue("image/png"));
            var body = new StringContent("{\"file\": \"" + file + "\"}", Encoding.UTF8, "application/json");
            HttpResponseMessage answer = await http.PostAsync(arguments[0] + "/document-preprocessing", body);
            if (!answer.IsSuccessStatusCode)
            {
                Console.Error.WriteLine(await answer.Content.ReadAsStringAsync());
                return 1;
            }
            File.WriteAllBytes(arguments[2], await answer.Content.ReadAsByteArrayAsync());
            return 0;
        }
    }
}
