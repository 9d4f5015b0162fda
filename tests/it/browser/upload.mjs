// A page in a real browser that uploads and downloads across origins:   upload.mjs GATE ID SECRET PORT
// The page is served at 127.0.0.1:PORT, which the gate's rules name, and at localhost:PORT, which they do not.
// Prints one line a step and exits 1 at the first thing that does not hold; the objects are looked at by the caller.
import { createRequire } from "node:module";
import http from "node:http";
import process from "node:process";

const [gate, id, secret, port] = process.argv.slice(2);
// the packages lie in a folder of their own, not beside this file
const require = createRequire(process.env.CLIENTS_NODE + "/");
const { chromium } = require("playwright-core");
const s3 = require("@aws-sdk/client-s3");
const { createPresignedPost } = require("@aws-sdk/s3-presigned-post");
const { getSignedUrl } = require("@aws-sdk/s3-request-presigner");

const sdk = new s3.S3Client({
  endpoint: gate,
  region: "us-east-1",
  forcePathStyle: true,
  credentials: { accessKeyId: id, secretAccessKey: secret },
  requestChecksumCalculation: "WHEN_REQUIRED",
});
const [own, foreign] = [`http://127.0.0.1:${port}`, `http://localhost:${port}`];
// every byte there is, so that nothing can pass that reads text
const FILE = Buffer.from(Array.from({ length: 1024 }, (_, at) => at % 256));

function check(what, seen, expected) {
  if (JSON.stringify(seen) !== JSON.stringify(expected)) {
    console.log(`FAIL ${what}: ${JSON.stringify(seen)}, expected ${JSON.stringify(expected)}`);
    process.exit(1);
  }
  console.log(`ok   ${what}`);
}

const escaped = (text) => text.replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`);

function formPage({ url, fields }) {
  const hidden = Object.entries(fields).map(([name, value]) => `<input type="hidden" name="${escaped(name)}" value="${escaped(value)}">`);
  return `<!doctype html><meta charset="utf-8"><title>upload</title><form action="${escaped(url)}" method="post" enctype="multipart/form-data">
${hidden.join("\n")}<input type="file" name="file"><button>send</button></form>`;
}

const posted = (Key, largest, more = {}) =>
  createPresignedPost(sdk, {
    Bucket: "bkt",
    Key,
    Conditions: [["content-length-range", 1, largest], ...Object.entries(more).map(([name, value]) => ({ [name]: value }))],
    Fields: more,
    Expires: 300,
  });

const pages = {
  "/": () => "<!doctype html><title>page</title>",
  "/done": () => "<!doctype html><title>done</title>",
  "/fits": async () => formPage(await posted("forms/${filename}", 1024, { success_action_redirect: `${own}/done` })),
  "/too-large": async () => formPage(await posted("forms/large.bin", 1023)),
};
const server = http.createServer(async (request, response) => {
  const page = pages[new URL(request.url, own).pathname];
  response.writeHead(page ? 200 : 404, { "content-type": "text/html" });
  response.end(page ? await page() : "");
});
await new Promise((ready) => server.listen(Number(port), "127.0.0.1", ready));

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
});
const page = await browser.newPage();

async function send(path, name) {
  await page.goto(own + path);
  await page.setInputFiles("input[type=file]", { name, mimeType: "application/octet-stream", buffer: FILE });
  const [answer] = await Promise.all([
    page.waitForResponse((response) => response.request().method() === "POST"),
    page.waitForNavigation(),
    page.click("button"),
  ]);
  return answer;
}

const sent = await send("/fits", "ünder file.bin");
check("a form is answered with its redirect", [sent.status(), sent.status() === 303 ? "" : await page.content()], [303, ""]);
const done = new URL(page.url());
check("the browser goes there", [done.origin + done.pathname, done.searchParams.get("key")], [`${own}/done`, "forms/ünder file.bin"]);
const refused = await send("/too-large", "large.bin");
check("a file that is too large is refused", [refused.status(), (await refused.text()).includes("EntityTooLarge")], [400, true]);

// what a page sees of a request, or that it sees nothing
const fetched = ({ url, method, body }) =>
  page.evaluate(async ([url, method, body]) => {
    const headers = method === "PUT" ? { "content-type": "text/x-page" } : {};
    try {
      const answer = await fetch(url, { method, headers, body: body ?? undefined });
      return { status: answer.status, etag: answer.headers.has("etag"), text: method === "GET" ? await answer.text() : "" };
    } catch (error) {
      return error.name;
    }
  }, [url, method, body]);

const link = (Command, Key) => getSignedUrl(sdk, new Command({ Bucket: "bkt", Key }), { expiresIn: 300 });
const put = async (Key) => ({ url: await link(s3.PutObjectCommand, Key), method: "PUT", body: "from a page" });
const get = async (Key) => ({ url: await link(s3.GetObjectCommand, Key), method: "GET" });

await page.goto(own + "/");
check("a page that the rules name uploads", await fetched(await put("pages/own.txt")), { status: 200, etag: true, text: "" });
check("and reads", await fetched(await get("pages/own.txt")), { status: 200, etag: true, text: "from a page" });
check("what is not there", (await fetched(await get("pages/nothing.txt"))).status, 404);
await page.goto(foreign + "/");
check("another page does not upload", await fetched(await put("pages/foreign.txt")), "TypeError");
check("nor read", await fetched(await get("pages/own.txt")), "TypeError");

await browser.close();
server.close();
