"""The requests that the load consists of, signed here and not by the gate: a gate that signs wrong must not pass.

It must not send anything."""

import hashlib
import hmac
import time
from urllib.parse import quote

ACCESS_KEY, SECRET, HOST, REGION = "AKIABENCH00000000001", "bench-secret", "s3.test", "us-east-1"
SIZES = {"1k": 1024, "64k": 64 << 10, "1m": 1 << 20, "64m": 64 << 20}
# as many links as there are in turn: no two requests in a row are the same
LINKS = 64


def _hmac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def _signature(now, canonical):
    date, day = time.strftime("%Y%m%dT%H%M%SZ", now), time.strftime("%Y%m%d", now)
    scope = f"{day}/{REGION}/s3/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", date, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = ("AWS4" + SECRET).encode()
    for part in (day, REGION, "s3", "aws4_request"):
        key = _hmac(key, part)
    return _hmac(key, text).hex()


def link(method, path, headers=()):
    """A presigned target that is good for an hour; `headers` are signed with it."""
    now = time.gmtime()
    date, day = time.strftime("%Y%m%dT%H%M%SZ", now), time.strftime("%Y%m%d", now)
    signed = sorted([("host", HOST), *headers])
    names = ";".join(name for name, _ in signed)
    query = {
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": f"{ACCESS_KEY}/{day}/{REGION}/s3/aws4_request",
        "X-Amz-Date": date,
        "X-Amz-Expires": "3600",
        "X-Amz-SignedHeaders": names,
    }
    text = "&".join(f"{name}={quote(query[name], safe='')}" for name in sorted(query))
    payload = dict(headers).get("x-amz-content-sha256", "UNSIGNED-PAYLOAD")
    lines = "".join(f"{name}:{value}\n" for name, value in signed)
    canonical = "\n".join([method, quote(path), text, lines, names, payload])
    return f"{path}?{text}&X-Amz-Signature={_signature(now, canonical)}"


def gets(size, traffic):
    """Targets, one a line: `valid`, `denied` (a digit of each signature is wrong), `mixed` (every other one)."""
    lines = []
    for number in range(LINKS):
        target = link("GET", f"/bench/reports/2026/january/{number}/{size}")
        if traffic == "denied" or (traffic == "mixed" and number % 2):
            target = target[:-1] + ("0" if target[-1] != "0" else "1")
        lines.append(target)
    return "\n".join(lines) + "\n"


def puts(body):
    """Targets with the hash of the body as a signed header."""
    header = ("x-amz-content-sha256", hashlib.sha256(body).hexdigest())
    lines = []
    for number in range(LINKS):
        target = link("PUT", f"/bench/uploads/{number}/1m", [header])
        lines.append(f"{target}\t{header[0]}: {header[1]}")
    return "\n".join(lines) + "\n"
