<?php
// php client.php http://127.0.0.1:8080 letter.jpg clean.png   (needs the extension curl)
[, $server, $source, $target] = $argv;
$request = json_encode(["file" => base64_encode(file_get_contents($source)), "visualize" => false]);
$curl = curl_init("$server/document-preprocessing");
curl_setopt_array($curl, [
    CURLOPT_POSTFIELDS => $request,
    CURLOPT_HTTPHEADER => ["Content-Type: application/json"],
    CURLOPT_RETURNTRANSFER => true,
]);
$answer = curl_exec($curl);
if ($answer === false) {
    fwrite(STDERR, curl_error($curl) . "\n");
    exit(1);
}
$content = json_decode($answer, true);
if ($content["errorCode"] !== 0) {
    fwrite(STDERR, "{$content['errorCode']}: {$content['errorMsg']}\n");
    exit(1);
}
$page = $content["result"]["docPreprocessingResults"][0];
file_put_contents($target, base64_decode($page["outputImage"]));
echo "angle {$page['prunedResult']['angle']}\n";
