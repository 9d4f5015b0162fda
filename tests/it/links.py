#!/usr/bin/env python3
"""Links with limits, signed by boto3 and used through the gate.

  links.py --gate http://127.0.0.1:PORT --key ID:SECRET

Prints one line a check; exits 1 at the first that does not hold.
"""
import argparse
import sys
import urllib.error
import urllib.request

import boto3
from botocore.config import Config


def limited_url(client, operation, params, limits, expires=300):
    """A presigned URL with more parameters, which boto3 signs like its own."""
    event = "before-sign.s3.%s" % operation

    def add(request, **_):
        request.params.update(limits)

    client.meta.events.register(event, add)
    try:
        method = {"GetObject": "get_object", "PutObject": "put_object"}[operation]
        return client.generate_presigned_url(method, Params=params, ExpiresIn=expires)
    finally:
        client.meta.events.unregister(event, add)


def status(url, method="GET", body=None):
    request = urllib.request.Request(url, method=method, data=body)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            answer.read()
            return answer.status
    except urllib.error.HTTPError as error:
        print("     %s %s" % (error.code, error.headers.get("x-gate-reason")))
        return error.code


def check(what, seen, expected):
    if seen != expected:
        print("FAIL %s: %r, expected %r" % (what, seen, expected))
        sys.exit(1)
    print("ok   %s" % what)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--gate", required=True)
    parser.add_argument("--key", required=True)
    arguments = parser.parse_args()
    identity, secret = arguments.key.split(":", 1)
    client = boto3.client(
        "s3",
        endpoint_url=arguments.gate,
        aws_access_key_id=identity,
        aws_secret_access_key=secret,
        region_name="us-east-1",
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
    )
    get = {"Bucket": "bkt", "Key": "key"}

    url = limited_url(client, "GetObject", get, {"x-gate-max-uses": "1", "x-gate-pin": "ip"})
    check("the limit is in the URL", "x-gate-max-uses=1" in url, True)
    check("first use", status(url), 200)
    check("second use", status(url), 403)
    check("more uses", status(url.replace("max-uses=1", "max-uses=2")), 403)

    url = limited_url(client, "GetObject", get, {"x-gate-source-ip": "192.0.2.0/24,198.51.100.7"})
    check("from elsewhere", status(url), 403)

    put = {"Bucket": "bkt", "Key": "new"}
    url = limited_url(client, "PutObject", put, {"x-gate-content-length-range": "1,5", "x-gate-max-uses": "1"})
    check("too long an upload", status(url, "PUT", b"123456"), 400)
    check("an upload", status(url, "PUT", b"12345"), 200)
    check("another", status(url, "PUT", b"12345"), 403)
    url = limited_url(client, "GetObject", get, {"x-gate-max-users": "1"})
    check("a limit that does not exist", status(url), 400)
    print("all checks hold")


main()
