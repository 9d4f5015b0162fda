#!/usr/bin/env python3
"""Drives the gate with boto3, and with raw HTTP for the URLs that boto3 signed.

  sdk.py --gate http://127.0.0.1:PORT --key ID:SECRET --store s3s|moto [--create http://... --create-key ID:SECRET]

Raw HTTP, because libraries rewrite `..`, `//` and escapes in paths, and the point is that the gate must not.
Prints one line a check; exits 1 at the first that does not hold.
"""
import argparse
import hashlib
import http.client
import sys
from urllib.parse import unquote_plus, urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

BUCKET = "bkt"
# what a file system and an object store both keep as it is
KEYS = [
    "plain.txt",
    "dir/with space.txt",
    "\u00fc/\u65e5\u672c\u8a9e.txt",
    "a+b=c",
    "literal%2Fslash",
    "quotes'\"and<xml>&amp;",
    "..a/b../c..d",
    "semi;colon,at@x~!()*$",
    "question?hash#end",
]
# what only an object store keeps
STORE_KEYS = ["double//slash", "a/../b", "trailing/"]
PART = bytes(range(256)) * (5 * 4096)  # 5 MiB, the smallest part but for the last


def check(what, seen, expected):
    if seen != expected:
        print("FAIL %s: %r, expected %r" % (what, seen, expected))
        sys.exit(1)
    print("ok   %s" % what)


def client(endpoint, key, style="path"):
    identity, secret = key.split(":", 1)
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id=identity,
        aws_secret_access_key=secret,
        region_name="us-east-1",
        config=Config(signature_version="s3v4", s3={"addressing_style": style}, retries={"total_max_attempts": 1}),
    )


def raw(gate, method, url, body=None, headers=()):
    """Sends exactly the target and Host of the URL to the gate, wherever the URL's name points."""
    parts = urlsplit(url)
    at = urlsplit(gate)
    connection = http.client.HTTPConnection(at.hostname, at.port, timeout=20)
    connection.putrequest(method, url[url.index("/", len("http://")):], skip_host=True, skip_accept_encoding=True)
    connection.putheader("Host", parts.netloc)
    for name, value in headers:
        connection.putheader(name, value)
    if body is not None:
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body)
    answer = connection.getresponse()
    data = answer.read()
    connection.close()
    return answer.status, dict((k.lower(), v) for k, v in answer.getheaders()), data


def presigned_object(gate, s3, key):
    """The life of one object by links alone."""
    body = ("body of " + key).encode() * 3
    link = lambda operation, **more: s3.generate_presigned_url(operation, Params=dict(Bucket=BUCKET, Key=key, **more), ExpiresIn=300)
    status, _, data = raw(gate, "PUT", link("put_object"), body)
    check("presigned PUT %r %r" % (key, data[:200] if status != 200 else b""), status, 200)
    status, headers, data = raw(gate, "HEAD", link("head_object"))
    check("presigned HEAD %r" % key, (status, headers.get("content-length"), data), (200, str(len(body)), b""))
    status, _, data = raw(gate, "GET", link("get_object"))
    check("presigned GET %r" % key, (status, data), (200, body))
    status, headers, data = raw(gate, "GET", link("get_object"), headers=[("Range", "bytes=2-5")])
    check("presigned GET of a range of %r" % key, (status, data), (206, body[2:6]))
    status, headers, data = raw(gate, "GET", link("get_object", ResponseContentType="text/x-test"))
    check("presigned GET with an override of %r" % key, (status, headers.get("content-type")), (200, "text/x-test"))
    status, _, _ = raw(gate, "GET", link("get_object").replace("X-Amz-Expires=300", "X-Amz-Expires=301"))
    check("altered GET %r" % key, status, 403)
    listing = s3.generate_presigned_url("list_objects_v2", Params=dict(Bucket=BUCKET, Prefix=key), ExpiresIn=300)
    status, _, data = raw(gate, "GET", listing)
    check("presigned ListObjectsV2 for %r" % key, (status, b"<KeyCount>1</KeyCount>" in data), (200, True))
    status, _, _ = raw(gate, "DELETE", link("delete_object"))
    check("presigned DELETE %r" % key, status, 204)
    status, _, _ = raw(gate, "GET", link("get_object"))
    check("presigned GET of what is gone %r" % key, status, 404)


def signed_object(s3, key, store):
    """The life of one object by a client that signs in headers."""
    body = ("header-signed " + key).encode()
    s3.put_object(Bucket=BUCKET, Key=key, Body=body, Metadata={"name": "value"}, ContentType="text/x-test")
    head = s3.head_object(Bucket=BUCKET, Key=key)
    check("HeadObject %r" % key, (head["ContentLength"], head["Metadata"]), (len(body), {"name": "value"}))
    check("GetObject %r" % key, s3.get_object(Bucket=BUCKET, Key=key)["Body"].read(), body)
    check("GetObject of a range of %r" % key, s3.get_object(Bucket=BUCKET, Key=key, Range="bytes=0-3")["Body"].read(), body[:4])
    listed = [entry["Key"] for entry in s3.list_objects_v2(Bucket=BUCKET, Prefix=key)["Contents"]]
    # boto3 asks for keys in URL encoding and decodes them; s3s-fs says yes to that and does not encode
    check("ListObjectsV2 for %r" % key, listed, [unquote_plus(key) if store == "s3s" else key])
    s3.delete_object(Bucket=BUCKET, Key=key)
    try:
        s3.get_object(Bucket=BUCKET, Key=key)
        check("GetObject of what is gone", "an object", "NoSuchKey")
    except ClientError as error:
        check("GetObject of what is gone %r" % key, error.response["Error"]["Code"], "NoSuchKey")


def multipart(gate, s3, key):
    """Parts by links, the rest by a client that signs in headers."""
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key=key)["UploadId"]
    parts = []
    for number, body in enumerate([PART, PART[::-1], b"the last one"], start=1):
        url = s3.generate_presigned_url(
            "upload_part", Params=dict(Bucket=BUCKET, Key=key, UploadId=upload, PartNumber=number), ExpiresIn=300
        )
        status, headers, _ = raw(gate, "PUT", url, body)
        check("presigned part %d" % number, status, 200)
        parts.append({"PartNumber": number, "ETag": headers["etag"]})
    listed = s3.list_parts(Bucket=BUCKET, Key=key, UploadId=upload)["Parts"]
    check("ListParts", sorted(part["PartNumber"] for part in listed), [1, 2, 3])
    s3.complete_multipart_upload(Bucket=BUCKET, Key=key, UploadId=upload, MultipartUpload={"Parts": parts})
    whole = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    expected = PART + PART[::-1] + b"the last one"
    check("the whole object", hashlib.sha256(whole).hexdigest(), hashlib.sha256(expected).hexdigest())
    s3.delete_object(Bucket=BUCKET, Key=key)
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key=key)["UploadId"]
    s3.abort_multipart_upload(Bucket=BUCKET, Key=key, UploadId=upload)


def virtual_hosted(gate, key):
    """A link signed for `bkt.s3.test`, sent to the gate under that name."""
    port = urlsplit(gate).port
    s3 = client("http://s3.test:%d" % port, key, style="virtual")
    link = lambda operation: s3.generate_presigned_url(operation, Params=dict(Bucket=BUCKET, Key="v/h.txt"), ExpiresIn=300)
    check("the link names the bucket in its host", urlsplit(link("get_object")).hostname, "bkt.s3.test")
    check("virtual-hosted PUT", raw(gate, "PUT", link("put_object"), b"body")[0], 200)
    check("virtual-hosted GET", raw(gate, "GET", link("get_object"))[2], b"body")
    check("virtual-hosted DELETE", raw(gate, "DELETE", link("delete_object"))[0], 204)


def refusals(gate, key):
    """What boto3 makes of the gate's own errors."""
    for wrong, code in [(key + "x", "SignatureDoesNotMatch"), ("AKIDTESTSTRANGER0001:x", "InvalidAccessKeyId")]:
        try:
            client(gate, wrong).get_object(Bucket=BUCKET, Key="plain.txt")
            check("a wrong key", "an object", code)
        except ClientError as error:
            check("a wrong key", error.response["Error"]["Code"], code)


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--gate", required=True)
    arguments.add_argument("--key", required=True)
    arguments.add_argument("--store", choices=["s3s", "moto"], required=True)
    arguments.add_argument("--create", help="an endpoint at which the bucket is made first")
    arguments.add_argument("--create-key")
    given = arguments.parse_args()
    if given.create:
        client(given.create, given.create_key).create_bucket(Bucket=BUCKET)
    s3 = client(given.gate, given.key)
    for key in KEYS + (STORE_KEYS if given.store == "moto" else []):
        presigned_object(given.gate, s3, key)
    for key in KEYS:
        signed_object(s3, key, given.store)
    multipart(given.gate, s3, "multi/part.bin")
    virtual_hosted(given.gate, given.key)
    refusals(given.gate, given.key)
    print("all checks hold")


if __name__ == "__main__":
    main()
