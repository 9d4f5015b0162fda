#!/usr/bin/env python3
"""Requests of real clients that break on their way through nginx or in the hands of whoever has the link.

  faults.py --log ACCESS_LOG --port NAME=PORT... --key ID:SECRET --temporary ID:SECRET:TOKEN --other ID:SECRET

Each is sent once, alone, and the line that the gate writes about it is read. Prints a row `name | cause that it has |
status | cause that was named` for each, and exits 1 at the first that was served. How many are named rightly is for the
caller to judge.
"""
import argparse
import datetime
import http.client
import json
import os
import re
import socket
import subprocess
import sys
import time
import unicodedata
from urllib.parse import quote, unquote, urlsplit

import boto3
import botocore.auth
import botocore.crt.auth
import minio
from botocore.config import Config
from botocore.exceptions import ClientError

BUCKET = "bkt"
REGION = "us-east-1"
HERE = os.path.dirname(os.path.abspath(__file__))
HOST = "s3.test:9000"

arguments = argparse.ArgumentParser()
for name in ("--log", "--key", "--temporary", "--other"):
    arguments.add_argument(name, required=True)
arguments.add_argument("--port", action="append", required=True)
arguments = arguments.parse_args()
PORTS = {name: int(port) for name, port in (pair.split("=") for pair in arguments.port)}
KEY, SECRET = arguments.key.split(":", 1)
TEMPORARY = arguments.temporary.split(":", 2)
OTHER = arguments.other.split(":", 1)

# every name leads to the server of nginx that the case is about
via = "faithful"
resolve = socket.getaddrinfo


def lead(host, port, *more, **most):
    if host not in ("localhost", "127.0.0.1"):
        host, port = "127.0.0.1", PORTS[via]
    return resolve(host, port, *more, **most)


socket.getaddrinfo = lead


def sdk(host=HOST, key=KEY, secret=SECRET, token=None, region=REGION, style="path", prefix=""):
    return boto3.client(
        "s3", endpoint_url="http://%s%s" % (host, prefix), aws_access_key_id=key, aws_secret_access_key=secret,
        aws_session_token=token, region_name=region,
        config=Config(signature_version="s3v4", s3={"addressing_style": style}, retries={"total_max_attempts": 1},
                      request_checksum_calculation="when_required", response_checksum_validation="when_required"))


def link(name="a.txt", operation="get_object", edit=lambda url: url, method="GET", headers={}, body=None, params={}, **more):
    """A link of boto3, edited and used."""
    parameters = {"Bucket": BUCKET, "Key": name, **params}
    if operation.startswith("list"):
        del parameters["Key"]
    url = sdk(**more).generate_presigned_url(operation, Params=parameters, ExpiresIn=900)
    send(method, edit(url), headers, body)


def send(method, url, headers={}, body=None):
    """Sends exactly the target of a link, as a program does that got it."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection("127.0.0.1", PORTS[via], timeout=20)
    connection.putrequest(method, url[url.index(parts.netloc) + len(parts.netloc):], skip_host=True, skip_accept_encoding=True)
    for name, value in {"Host": parts.netloc, **headers}.items():
        connection.putheader(name, value)
    if body is not None:
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body)
    connection.getresponse().read()
    connection.close()


def boto(call, headers={}, **more):
    """A request of boto3 with an Authorization header, and with headers of one's own signed into it."""
    client = sdk(**more)

    def add(request, **_):
        for name, value in headers.items():
            del request.headers[name]
            request.headers[name] = value

    client.meta.events.register("before-sign.s3", add)
    try:
        call(client)
    except ClientError:
        pass


def get(client):
    client.get_object(Bucket=BUCKET, Key="a.txt")


def put(client):
    client.put_object(Bucket=BUCKET, Key="a.txt", Body=b"hello")


def head(client):
    client.head_object(Bucket=BUCKET, Key="a.txt")


def curl(target, *words, service="s3", host=HOST, query=""):
    """curl signs every header that it is given."""
    url = "http://%s%s%s" % (host, target, query)
    words = ["curl", "-sS", "-o", os.devnull, "--path-as-is", "--connect-to", "::127.0.0.1:%d" % PORTS[via],
             "--aws-sigv4", "aws:amz:%s:%s" % (REGION, service), "--user", "%s:%s" % (KEY, SECRET),
             "-H", "x-amz-content-sha256: UNSIGNED-PAYLOAD", *words, url]
    subprocess.run(words, check=True, timeout=60)


def javascript(step, *words, host=HOST, client="aws-sdk-js", secret=SECRET, body=b""):
    done = subprocess.run(
        ["node", os.path.join(HERE, "javascript.mjs"), client, "http://" + host, KEY, secret, BUCKET, step, *words],
        input=body, capture_output=True, timeout=60)
    return done.stdout.decode()


def javascript_link(edit=lambda url: url, step="link_get", method="GET", key="a.txt", **more):
    url = javascript(step, key, **more)
    assert url.startswith("http://"), url
    send(method, edit(url), body=b"x" if method == "PUT" else None)


def mini(call, host=HOST, secret=SECRET):
    client = minio.Minio(host, KEY, secret, secure=False, region=REGION)
    client._http.connection_pool_kw["retries"] = False
    try:
        call(client)
    except (minio.error.S3Error, minio.error.ServerError, minio.error.InvalidResponseError):
        pass


def mini_link(edit=lambda url: url, host=HOST, key="a.txt"):
    client = minio.Minio(host, KEY, SECRET, secure=False, region=REGION)
    send("GET", edit(client.presigned_get_object(BUCKET, key, datetime.timedelta(minutes=15))))


def later(call, hours):
    """With a clock that is ahead."""
    modules = [botocore.auth, botocore.crt.auth]
    real = botocore.auth.get_current_datetime
    for module in modules:
        module.get_current_datetime = lambda *more, **most: real(*more, **most) + datetime.timedelta(hours=hours)
    try:
        call()
    finally:
        for module in modules:
            module.get_current_datetime = real


def replace(old, new, count=-1):
    def edit(url):
        assert old in url, (old, url)
        return url.replace(old, new, count)
    return edit


def unquoted_token(url):
    token = re.search("X-Amz-Security-Token=([^&]*)", url).group(1)
    return url.replace(token, unquote(token))


CASES = [
    # Host
    ("boto3 link, nginx default Host", "host-default", "host_rewritten", lambda: link(host="s3.test")),
    ("boto3 GET, nginx default Host", "host-default", "host_rewritten", lambda: boto(get, host="s3.test")),
    ("boto3 PUT, nginx default Host", "host-default", "host_rewritten", lambda: boto(put, host="s3.test")),
    ("boto3 link with port, nginx default Host", "host-default", "host_rewritten", link),
    ("minio-py link, Host fixed", "host-fixed", "host_rewritten", mini_link),
    ("minio-py stat, Host fixed", "host-fixed", "host_rewritten", lambda: mini(lambda it: it.stat_object(BUCKET, "a.txt"))),
    ("aws-sdk-js link, nginx default Host", "host-default", "host_rewritten", lambda: javascript_link(host="s3.test")),
    ("aws-sdk-js GET, nginx default Host", "host-default", "host_rewritten",
     lambda: javascript("get", "a.txt", host="localhost:%d" % PORTS["host-default"])),
    ("curl, nginx default Host", "host-default", "host_rewritten", lambda: curl("/bkt/a.txt", host="s3.test")),
    ("boto3 link, Host of no config", "host-unknown", "host_rewritten", lambda: link(host="s3.test")),
    ("boto3 link for a name of no config", "faithful", "host_not_configured", lambda: link(host="cdn.example")),
    ("boto3 link for another name, told", "host-told", "host_rewritten", lambda: link(host="cdn.example:8443")),
    # ports
    ("boto3 link, port dropped", "host-without-port", "port_removed", link),
    ("boto3 HEAD, port dropped", "host-without-port", "port_removed", lambda: boto(head)),
    ("minio-py list, port dropped", "host-without-port", "port_removed",
     lambda: mini(lambda it: list(it.list_objects(BUCKET)))),
    ("aws-sdk-js link, port dropped", "host-without-port", "port_removed", javascript_link),
    ("curl, port dropped", "host-without-port", "port_removed", lambda: curl("/bkt/a.txt")),
    ("aws-sdk-js GET, unusual port dropped, told", "host-and-port-told", "port_removed",
     lambda: javascript("get", "a.txt", host="localhost:%d" % PORTS["host-and-port-told"])),
    ("boto3 link, port added", "host-with-port", "port_added", lambda: link(host="s3.test")),
    ("curl, port changed", "host-with-other-port", "port_changed", lambda: curl("/bkt/a.txt")),
    # buckets
    ("boto3 link, bucket from name to path", "bucket-to-path", "bucket_moved",
     lambda: link(host="s3.test", style="virtual")),
    ("boto3 GET, bucket from path to name", "bucket-to-host", "bucket_moved", lambda: boto(get, host="s3.test")),
    # paths
    ("boto3 link, prefix stripped", "prefix-off", "path_prefix_removed", lambda: link(prefix="/s3")),
    ("curl, prefix stripped, told", "prefix-off-told", "path_prefix_removed", lambda: curl("/tenant-7/bkt/a.txt")),
    ("boto3 GET, prefix stripped and Host", "prefix-and-host", "host_rewritten,path_prefix_removed",
     lambda: boto(get, host="s3.test", prefix="/minio")),
    ("aws-sdk-js link, prefix added", "prefix-on", "path_prefix_added", javascript_link),
    ("curl, path rewritten, told", "original-told", "path_rewritten",
     lambda: curl("/public/a.txt")),
    ("boto3 link, path decoded", "decoded", "path_encoded_once_more", lambda: link("a%20b%2Fc")),
    ("minio-py link, path decoded", "decoded", "path_encoded_once_more", lambda: mini_link(key="100%25.txt")),
    ("boto3 link, slashes merged", "merged", "slashes_merged", lambda: link("a//b.txt")),
    ("curl, slashes merged", "merged", "slashes_merged", lambda: curl("/bkt//a.txt")),
    ("boto3 link, slash at the end dropped", "slash-off", "trailing_slash", lambda: link("folder/")),
    ("minio-py link, slash at the end added", "slash-on", "trailing_slash", mini_link),
    ("boto3 link, encoded again by an app", "faithful", "path_encoded_once_less",
     lambda: link("a b.txt", edit=replace("a%20b", "a%2520b"))),
    ("aws-sdk-js link, `+` for a space", "faithful", "path_plus",
     lambda: javascript_link(key="a b.txt", edit=replace("a%20b", "a+b"))),
    ("boto3 link, key normalised by an app", "faithful", "path_unicode_form",
     lambda: link("caf\u00e9.txt", edit=replace(quote("caf\u00e9"), quote(unicodedata.normalize("NFD", "caf\u00e9"))))),
    # methods
    ("boto3 link for GET, HEAD", "faithful", "method", lambda: link(method="HEAD")),
    ("aws-sdk-js link for PUT, GET", "faithful", "method", lambda: javascript_link(step="link_put")),
    ("boto3 HEAD made a GET", "get-for-head", "method", lambda: boto(head)),
    ("boto3 PUT made a POST", "post-for-put", "method", lambda: boto(put)),
    # queries
    ("boto3 link, parameter added by nginx", "query-more", "parameter_added", link),
    ("minio-py link, parameter added by a mailer", "faithful", "parameter_added",
     lambda: mini_link(edit=lambda url: url + "&fbclid=IwAR0")),
    ("aws-sdk-js link, x-id dropped", "query-less", "parameter_removed", javascript_link),
    ("boto3 link, lifetime edited", "faithful", "lifetime_edited",
     lambda: link(edit=replace("X-Amz-Expires=900", "X-Amz-Expires=86400"))),
    ("boto3 link, `%2B` became `+`", "faithful", "query_plus",
     lambda: link(params={"ResponseContentDisposition": "a+b"}, edit=replace("a%2Bb", "a+b"))),
    ("boto3 link, token unquoted", "faithful", "query_plus",
     lambda: link(edit=unquoted_token, **temporary(TEMPORARY[2]))),
    ("curl 7, parameters not sorted", "faithful", "query_order",
     lambda: curl("/bkt", query="?prefix=a&list-type=2")),
    ("boto3 link out of HTML", "faithful", "html_escaped", lambda: link(edit=replace("&", "&amp;"))),
    ("boto3 link, cut", "faithful", "signature_form", lambda: link(edit=lambda url: url[:-7])),
    # headers
    ("boto3 GET, Accept-Encoding changed", "gzip", "accept_encoding",
     lambda: boto(get, headers={"Accept-Encoding": "identity"})),
    ("curl, Accept-Encoding removed", "no-encoding", "accept_encoding",
     lambda: curl("/bkt/a.txt", "-H", "Accept-Encoding: identity")),
    ("curl, Accept-Encoding changed", "gzip", "accept_encoding",
     lambda: curl("/bkt/a.txt", "-H", "Accept-Encoding: gzip, deflate, br")),
    ("boto3 GET, Accept-Encoding and Host", "gzip-and-host", "host_rewritten,accept_encoding",
     lambda: boto(get, headers={"Accept-Encoding": "identity"}, host="s3.test")),
    ("boto3 link for a type, another sent", "faithful", "content_type",
     lambda: link(operation="put_object", params={"ContentType": "text/plain"}, method="PUT", body=b"x",
                  headers={"Content-Type": "text/plain;charset=UTF-8"})),
    ("boto3 link for a type, none sent", "faithful", "content_type",
     lambda: link(operation="put_object", params={"ContentType": "image/png"}, method="PUT", body=b"x")),
    ("boto3 PUT, type changed", "type", "content_type",
     lambda: boto(lambda it: it.put_object(Bucket=BUCKET, Key="a.txt", Body=b"x", ContentType="application/json"))),
    ("curl PUT, type removed", "no-type", "content_type",
     lambda: curl("/bkt/a.txt", "-X", "PUT", "-H", "Content-Type: application/pdf")),
    ("curl, TE removed", "faithful", "header_removed", lambda: curl("/bkt/a.txt", "-H", "TE: trailers")),
    ("curl, X-Forwarded-For appended to", "forwarded", "header_changed",
     lambda: curl("/bkt/a.txt", "-H", "X-Forwarded-For: 10.0.0.1")),
    ("curl, X-Forwarded-Proto changed", "forwarded", "header_changed",
     lambda: curl("/bkt/a.txt", "-H", "X-Forwarded-Proto: https")),
    ("boto3 GET, Cache-Control removed", "no-cache", "header_removed",
     lambda: boto(get, headers={"Cache-Control": "no-cache"})),
    ("curl, User-Agent removed", "no-user-agent", "header_removed",
     lambda: curl("/bkt/a.txt", "-H", "User-Agent: backup/1.0")),
    ("minio-py stat, hash replaced", "hash", "payload_hash", lambda: mini(lambda it: it.stat_object(BUCKET, "a.txt"))),
    ("boto3 link, hash added", "hash-of-nothing", "payload_hash", link),
    ("boto3 link, header added", "header-more", "header_added", link),
    # keys and clocks
    ("boto3 link, secret of another key", "faithful", "other_secret", lambda: link(secret=OTHER[1])),
    ("minio-py stat, line end in the secret", "faithful", "secret_whitespace",
     lambda: mini(lambda it: it.stat_object(BUCKET, "a.txt"), secret=SECRET + "\n")),
    ("aws-sdk-js link, blank in the secret", "faithful", "secret_whitespace", lambda: javascript_link(secret=SECRET + " ")),
    ("boto3 link for another region", "faithful", "region", lambda: link(region="eu-west-1")),
    ("curl for another service", "faithful", "service", lambda: curl("/bkt/a.txt", service="execute-api")),
    ("boto3 link without its token", "faithful", "session_token", lambda: link(**temporary(None))),
    ("boto3 GET with another token", "faithful", "session_token", lambda: boto(get, **temporary("another"))),
    ("boto3 link, clock ahead", "faithful", "clock", lambda: later(link, 1)),
    ("boto3 GET, clock behind", "faithful", "clock", lambda: later(lambda: boto(get), -2)),
    ("boto3 link, a secret of nobody", "faithful", "unknown", lambda: link(secret="nobody's")),
]


def temporary(token):
    return {"key": TEMPORARY[0], "secret": TEMPORARY[1], "token": token}


def written():
    with open(arguments.log) as file:
        return [line for line in file.read().split("\n") if line]


def line_about(name, call):
    """Sends a request; the line that the gate writes about it."""
    before = len(written())
    call()
    deadline = time.monotonic() + 20
    while len(written()) == before and time.monotonic() < deadline:
        time.sleep(0.002)
    lines = [json.loads(line) for line in written()[before:]]
    assert lines, "%s: the gate has written nothing" % name
    return lines[-1]


def main():
    global via
    for name, via, expected, call in CASES:
        named, deadline = ["skipped"], time.monotonic() + 20
        # the doctor has its limits
        while named == ["skipped"] and time.monotonic() < deadline:
            line = line_about(name, call)
            named = line.get("presign_gate.auth.diagnosis", [])
        status = line.get("http.response.status_code", 0)
        print("%s | %s | %s %s | %s" % (name, expected, status, line.get("event.reason"), ",".join(named) or "-"))
        if status < 400 or line["presign_gate.decision"] != "deny":
            print("FAIL served: %s" % name)
            sys.exit(1)


main()
