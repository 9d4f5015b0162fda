#!/usr/bin/env python3
"""Puts one client through the life of an object behind the gate.

  drive.py CLIENT --gate http://127.0.0.1:PORT --key ID:SECRET [--ca FILE] [--create http://... --create-key ID:SECRET]

Every client is a class with the steps that it can do; this file says what each step must give. Prints one line a step
and at last `CLIENT VERSION: STEPS`; exits 1 at the first thing that does not hold.
"""
import argparse
import hashlib
import http.client
import os
import ssl
import sys
import tempfile
from urllib.parse import urlsplit

import libraries
import programs

BUCKET = "bkt"
# two parts and a rest: above every client's threshold once it is told to use 5 MiB
LARGE = bytes(range(256)) * (44 * 1024)


def check(what, seen, expected):
    if seen != expected:
        print("FAIL %s: %r, expected %r" % (what, seen, expected))
        sys.exit(1)
    print("ok   %s" % what)


def short(data):
    return (len(data), hashlib.sha256(data).hexdigest())


def posted(form, body, ca):
    """Sends a form as a browser does."""
    url, fields = form
    boundary = "----of-the-form"
    parts = ['--%s\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (boundary, *field) for field in fields.items()]
    parts.append('--%s\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n' % boundary)
    whole = "".join(parts).encode() + body + ("\r\n--%s--\r\n" % boundary).encode()
    return raw("POST", url, whole, ca, {"Content-Type": "multipart/form-data; boundary=%s" % boundary})


def raw(method, url, body, ca, headers=None):
    """Sends exactly the target of a link."""
    parts = urlsplit(url)
    if parts.scheme == "https":
        context = ssl.create_default_context(cafile=ca)
        connection = http.client.HTTPSConnection(parts.hostname, parts.port, timeout=20, context=context)
    else:
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=20)
    connection.request(method, url[len(parts.scheme) + 3 + len(parts.netloc):], body=body, headers=headers or {})
    answer = connection.getresponse()
    data = answer.read()
    connection.close()
    return answer.status, data


def life(client, name, ca):
    """One object after the other; what a client has no step for is left out."""
    steps = []

    def can(step):
        if hasattr(client, step):
            steps.append(step)
            return True
        return False

    folder = "clients/%s" % name
    key, other, large = folder + "/plain file (1).txt", folder + "/other.txt", folder + "/large.bin"
    body = ("sent by %s\n" % name).encode() * 100
    if can("put"):
        client.put(key, body)
    if can("get"):
        check("get", client.get(key), body)
    if can("head"):
        check("head", client.head(key), len(body))
    if can("list"):
        check("list", client.list(folder + "/"), [key])
    if can("range"):
        check("range", client.range(key, 5, 14), body[5:15])
    if can("copy"):
        client.copy(key, other)
        check("copy", client.get(other), body)
        client.delete(other)
    if can("empty"):
        client.put(other, b"")
        check("empty", client.get(other), b"")
        client.delete(other)
    if can("stream"):
        client.stream(other, body)
        check("stream", client.get(other), body)
        client.delete(other)
    if can("multipart"):
        client.multipart(large, LARGE)
        check("multipart", short(client.get(large)), short(LARGE))
        client.delete(large)
    if can("link_get"):
        check("link_get", raw("GET", client.link_get(key), None, ca), (200, body))
    if can("link_put"):
        status, answer = raw("PUT", client.link_put(other), b"by link", ca)
        check("link_put %r" % answer, status, 200)
        check("link_put", client.get(other), b"by link")
        client.delete(other)
    if can("form"):
        status, answer = posted(client.form(other, 100), b"by form", ca)
        check("form %r" % answer, status, 204)
        check("form", client.get(other), b"by form")
        status, answer = posted(client.form(other, 6), b"by form", ca)
        check("form too large", (status, b"<Code>EntityTooLarge</Code>" in answer), (400, True))
        client.delete(other)
    for step in getattr(client, "extra", []):
        steps.append(step)
        client.extra[step](folder + "/extra.txt", body)
        check(step, client.get(folder + "/extra.txt"), body)
        client.delete(folder + "/extra.txt")
    if can("delete"):
        client.delete(key)
        check("delete", client.list(folder + "/"), [])
    return steps


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("client")
    arguments.add_argument("--gate", required=True)
    arguments.add_argument("--key", required=True)
    arguments.add_argument("--ca")
    arguments.add_argument("--create", help="an endpoint at which the bucket is made first")
    arguments.add_argument("--create-key")
    given = arguments.parse_args()
    if given.create:
        libraries.Boto3(given.create, given.create_key, None).s3.create_bucket(Bucket=BUCKET)
    kinds = {**libraries.CLIENTS, **programs.CLIENTS}
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        client = kinds[given.client](given.gate, given.key, given.ca)
        steps = life(client, given.client, given.ca)
    print("%s %s: %s" % (given.client, client.version, " ".join(steps)))


if __name__ == "__main__":
    main()
