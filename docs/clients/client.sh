#!/bin/sh
# sh client.sh http://127.0.0.1:8080 letter.jpg clean.png
# The clean page alone; without the header Accept the answer is JSON.
curl --fail-with-body --silent --show-error --form file=@"$2" --header "Accept: image/png" --output "$3" \
    "$1/document-preprocessing"
