"""python client.py http://127.0.0.1:8080 letter.jpg clean.png"""

import base64
import sys

import requests

server, source, target = sys.argv[1:]
with open(source, "rb") as file:
    request = {"file": base64.b64encode(file.read()).decode("ascii"), "visualize": False}
answer = requests.post(f"{server}/document-preprocessing", json=request, timeout=120)
content = answer.json()
if answer.status_code != 200:
    sys.exit(f"{content['errorCode']}: {content['errorMsg']}")
page = content["result"]["docPreprocessingResults"][0]
with open(target, "wb") as file:
    file.write(base64.b64decode(page["outputImage"]))
print("angle", page["prunedResult"]["angle"])
