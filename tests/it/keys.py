#!/usr/bin/env python3
"""Links to keys of every byte and many characters, signed by boto3.

  keys.py --gate http://127.0.0.1:PORT --key ID:SECRET

Prints a JSON list of [key, URL].
"""
import argparse
import json
import random

import boto3
from botocore.config import Config


def keys():
    # a key is text; each of the first 256 characters, then mixtures; whole segments of dots are refused by the gate
    yield from ("k%sz/%s" % (chr(point), chr(point)) for point in range(256) if chr(point) not in "./\0")
    source = random.Random(7)
    alphabet = [chr(point) for point in range(1, 0x250)] + list("日本語🗝️ﬁé") + list("%+ &=?#;:@$,~'()!*") * 4
    for _ in range(200):
        yield "r" + "".join(source.choice(alphabet) for _ in range(source.randint(1, 40))) + "e"


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
    sign = lambda key: client.generate_presigned_url("get_object", Params={"Bucket": "bkt", "Key": key}, ExpiresIn=300)
    print(json.dumps([[key, sign(key)] for key in keys() if "/./" not in key and "/../" not in key]))


main()
