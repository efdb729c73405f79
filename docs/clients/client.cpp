// g++ -std=c++17 client.cpp -lcurl -o client && ./client http://127.0.0.1:8080 letter.jpg clean.png
#include <curl/curl.h>

#include <fstream>
#include <iostream>
#include <string>

static size_t append(char *data, size_t size, size_t count, void *answer) {
  static_cast<std::string *>(answer)->append(data, size * count);
  return size * count;
}

int main(int, char **arguments) {
  curl_global_init(CURL_GLOBAL_DEFAULT);
  CURL *curl = curl_easy_init();
  curl_mime *form = curl_mime_init(curl);
  curl_mimepart *file = curl_mime_addpart(form);
  curl_mime_name(file, "file");
  curl_mime_filedata(file, arguments[2]);
  curl_slist *headers = curl_slist_append(nullptr, "Accept: image/png");
  std::string answer;
  curl_easy_setopt(curl, CURLOPT_URL, (std::string(arguments[1]) + "/document-preprocessing").c_str());
  curl_easy_setopt(curl, CURLOPT_MIMEPOST, form);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, append);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
  CURLcode code = curl_easy_perform(curl);
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  curl_slist_free_all(headers);
  curl_mime_free(form);
  curl_easy_cleanup(curl);
  if (code != CURLE_OK || status != 200) {
    std::cerr << (code != CURLE_OK ? curl_easy_strerror(code) : answer) << "\n";
    return 1;
  }
  std::ofstream(arguments[3], std::ios::binary) << answer;
}
