// One step of one JavaScript client:   javascript.mjs CLIENT GATE ID SECRET BUCKET STEP [WORD]...
// Bodies come on standard input; what a step gives goes to standard output.
import { createRequire } from "node:module";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import process from "node:process";

const [client, gate, id, secret, bucket, step, ...words] = process.argv.slice(2);
// the packages lie in a folder of their own, not beside this file
const require = createRequire(process.env.CLIENTS_NODE + "/");
const PART = 5 * 1024 * 1024;

// in pieces, as from a socket
const pieces = (body) => Readable.from((function* () {
  for (let at = 0; at < body.length; at += 1000) yield body.subarray(at, at + 1000);
})());

function awsSdk() {
  const s3 = require("@aws-sdk/client-s3");
  const { getSignedUrl } = require("@aws-sdk/s3-request-presigner");
  const { createPresignedPost } = require("@aws-sdk/s3-presigned-post");
  const { Upload } = require("@aws-sdk/lib-storage");
  const credentials = { accessKeyId: id, secretAccessKey: secret };
  const sdk = new s3.S3Client({ endpoint: gate, region: "us-east-1", forcePathStyle: true, credentials, maxAttempts: 1 });
  const at = (Key, more = {}) => ({ Bucket: bucket, Key, ...more });
  const get = async (key, Range) => {
    const answer = await sdk.send(new s3.GetObjectCommand(at(key, { Range })));
    return Buffer.from(await answer.Body.transformToByteArray());
  };
  return {
    version: () => require("@aws-sdk/client-s3/package.json").version,
    put: async (key, body) => void (await sdk.send(new s3.PutObjectCommand(at(key, { Body: body })))),
    stream: async (key, body) =>
      void (await sdk.send(new s3.PutObjectCommand(at(key, { Body: pieces(body), ContentLength: body.length })))),
    multipart: async (key, body) =>
      void (await new Upload({ client: sdk, params: at(key, { Body: pieces(body) }), partSize: PART }).done()),
    get,
    head: async (key) => String((await sdk.send(new s3.HeadObjectCommand(at(key)))).ContentLength),
    list: async (prefix) => {
      const answer = await sdk.send(new s3.ListObjectsV2Command({ Bucket: bucket, Prefix: prefix }));
      return JSON.stringify((answer.Contents ?? []).map((entry) => entry.Key));
    },
    range: (key, first, last) => get(key, `bytes=${first}-${last}`),
    copy: async (key, other) => {
      const source = `${bucket}/${key.split("/").map(encodeURIComponent).join("/")}`;
      await sdk.send(new s3.CopyObjectCommand(at(other, { CopySource: source })));
    },
    delete: async (key) =>
      void (await sdk.send(new s3.DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects: [{ Key: key }] } }))),
    link_get: (key) => getSignedUrl(sdk, new s3.GetObjectCommand(at(key)), { expiresIn: 300 }),
    link_put: (key) => getSignedUrl(sdk, new s3.PutObjectCommand(at(key)), { expiresIn: 300 }),
    form: async (key, largest) => {
      const Conditions = [["content-length-range", 1, Number(largest)]];
      return JSON.stringify(await createPresignedPost(sdk, at(key, { Conditions, Expires: 300 })));
    },
  };
}

function minio() {
  const { Client, CopyConditions } = require("minio");
  const { hostname, port } = new URL(gate);
  const options = { endPoint: hostname, port: Number(port), useSSL: false, region: "us-east-1" };
  const s3 = new Client({ ...options, accessKey: id, secretKey: secret, partSize: PART });
  const list = async (prefix) => {
    const keys = [];
    for await (const entry of s3.listObjectsV2(bucket, prefix, true)) keys.push(entry.name);
    return JSON.stringify(keys);
  };
  return {
    version: () => require("minio/package.json").version,
    put: async (key, body) => void (await s3.putObject(bucket, key, body, body.length)),
    stream: async (key, body) => void (await s3.putObject(bucket, key, pieces(body))),
    multipart: async (key, body) => void (await s3.putObject(bucket, key, pieces(body), body.length)),
    get: async (key) => buffer(await s3.getObject(bucket, key)),
    head: async (key) => String((await s3.statObject(bucket, key)).size),
    list,
    range: async (key, first, last) => buffer(await s3.getPartialObject(bucket, key, Number(first), last - first + 1)),
    copy: async (key, other) =>
      void (await s3.copyObject(bucket, other, `/${bucket}/${key}`, new CopyConditions())),
    delete: async (key) => void (await s3.removeObjects(bucket, [key])),
    link_get: (key) => s3.presignedGetObject(bucket, key, 300),
    link_put: (key) => s3.presignedPutObject(bucket, key, 300),
    form: async (key, largest) => {
      const policy = s3.newPostPolicy();
      policy.setBucket(bucket);
      policy.setKey(key);
      policy.setExpires(new Date(Date.now() + 300_000));
      policy.setContentLengthRange(1, Number(largest));
      const { postURL: url, formData: fields } = await s3.presignedPostPolicy(policy);
      return JSON.stringify({ url, fields });
    },
  };
}

const steps = { "aws-sdk-js": awsSdk, "minio-js": minio }[client]();
const brings = ["put", "stream", "multipart"].includes(step);
const answer = await steps[step](...words, ...(brings ? [await buffer(process.stdin)] : []));
if (answer !== undefined) process.stdout.write(answer);
