// node client.mjs http://127.0.0.1:8080 letter.jpg clean.png
import { readFile, writeFile } from "node:fs/promises";

const [server, source, target] = process.argv.slice(2);
const answer = await fetch(`${server}/document-preprocessing`, {
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify({ file: (await readFile(source)).toString("base64"), visualize: false }),
});
const content = await answer.json();
if (!answer.ok) {
  console.error(`${content.errorCode}: ${content.errorMsg}`);
  process.exit(1);
}
const page = content.result.docPreprocessingResults[0];
await writeFile(target, Buffer.from(page.outputImage, "base64"));
console.log("angle", page.prunedResult.angle);
