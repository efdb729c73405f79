// go run client.go http://127.0.0.1:8080 letter.jpg clean.png
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
)

// []byte is Base64 in Go's JSON.
type request struct {
	File      []byte `json:"file"`
	Visualize bool   `json:"visualize"`
}

type answer struct {
	ErrorCode int    `json:"errorCode"`
	ErrorMsg  string `json:"errorMsg"`
	Result    struct {
		DocPreprocessingResults []struct {
			OutputImage  []byte `json:"outputImage"`
			PrunedResult struct {
				Angle int `json:"angle"`
			} `json:"prunedResult"`
		} `json:"docPreprocessingResults"`
	} `json:"result"`
}

func main() {
	server, source, target := os.Args[1], os.Args[2], os.Args[3]
	file, err := os.ReadFile(source)
	if err != nil {
		log.Fatal(err)
	}
	body, err := json.Marshal(request{File: file})
	if err != nil {
		log.Fatal(err)
	}
	response, err := http.Post(server+"/document-preprocessing", "application/json", bytes.NewReader(body))
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	var content answer
	if err := json.NewDecoder(response.Body).Decode(&content); err != nil {
		log.Fatal(err)
	}
	if content.ErrorCode != 0 {
		log.Fatalf("%d: %s", content.ErrorCode, content.ErrorMsg)
	}
	page := content.Result.DocPreprocessingResults[0]
	if err := os.WriteFile(target, page.OutputImage, 0o644); err != nil {
		log.Fatal(err)
	}
	fmt.Println("angle", page.PrunedResult.Angle)
}
