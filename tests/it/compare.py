#!/usr/bin/env python3
"""Runs the same operations at an S3 server and at the gate in front of another one, and compares what comes back.

  compare.py --direct http://... --behind http://... --gate http://... --key ID:SECRET

Answers must be equal but for ids, dates and hosts. Prints each difference; exits 1 if there is one.
"""
import argparse
import datetime
import re
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

BUCKET = "bkt"
IDS = {"VersionId", "DeleteMarkerVersionId", "UploadId", "RequestId", "HostId", "ID", "x-amz-id-2", "NextUploadIdMarker", "CopySourceVersionId"}
PART = b"p" * (5 << 20)
CASES = []


def case(name, call):
    CASES.append((name, call))


def op(method, /, **arguments):
    """A case that is one call with these arguments."""
    shown = " ".join("%s=%.40r" % item for item in arguments.items())
    case("%s %s" % (method, shown), lambda client, state: getattr(client, method)(Bucket=BUCKET, **arguments))


def plain(value, hosts):
    """What is the same at both."""
    if isinstance(value, dict):
        return {
            # where an object is, each server says in its own way
            name: "an id" if name in IDS | {"Location"} and inner else plain(inner, hosts)
            for name, inner in sorted(value.items())
            if name not in ("HTTPHeaders", "RetryAttempts")
        }
    if isinstance(value, list):
        return [plain(inner, hosts) for inner in value]
    if isinstance(value, datetime.datetime):
        return "a date"
    if hasattr(value, "read"):
        return value.read()
    if isinstance(value, str):
        for host in hosts:
            value = value.replace(host, "HOST")
        return re.sub(r"\d{4}-\d\d-\d\dT[0-9:.]+Z", "a date", value)
    return value


def outcome(client, state, call, hosts):
    try:
        return plain(call(client, state), hosts)
    except ClientError as error:
        answer = dict(error.response)
        answer["ResponseMetadata"] = {"HTTPStatusCode": error.response["ResponseMetadata"]["HTTPStatusCode"]}
        return {"ClientError": plain(answer, hosts)}
    except BotoCoreError as error:
        return {"BotoCoreError": type(error).__name__}


def objects():
    for size in (0, 1, 17, 5000, 70000):
        op("put_object", Key="size/%d" % size, Body=b"s" * size)
        op("head_object", Key="size/%d" % size)
    for key in (
        "a b", "a+b", "a%20b", "\u00fc/\u65e5\u672c", "q?x=1#y", "x&y=z", "(1)!*'", "~t;,:@$", "<xml>\"", "dir/", "a//b",
    ):
        op("put_object", Key=key, Body=key.encode())
        op("get_object", Key=key)
    for name, arguments in (
        ("type", {"ContentType": "text/x-test"}), ("cache", {"CacheControl": "max-age=5"}),
        ("disposition", {"ContentDisposition": "attachment"}), ("encoding", {"ContentEncoding": "gzip"}),
        ("language", {"ContentLanguage": "de"}), ("meta", {"Metadata": {"one": "1", "two": "a b"}}),
        ("class", {"StorageClass": "STANDARD_IA"}), ("tags", {"Tagging": "a=1&b=2"}),
        ("sse", {"ServerSideEncryption": "AES256"}), ("acl", {"ACL": "public-read"}),
        ("redirect", {"WebsiteRedirectLocation": "/other"}), ("crc32", {"ChecksumAlgorithm": "CRC32"}),
        ("sha256", {"ChecksumAlgorithm": "SHA256"}), ("sha1", {"ChecksumAlgorithm": "SHA1"}),
    ):
        op("put_object", Key="with/" + name, Body=b"body", **arguments)
        op("get_object", Key="with/" + name)
        op("head_object", Key="with/" + name)


def reads():
    op("put_object", Key="read", Body=b"0123456789", ContentType="text/plain")
    for given in ("bytes=0-0", "bytes=2-5", "bytes=-3", "bytes=7-", "bytes=5-100", "bytes=100-", "bytes=-0"):
        op("get_object", Key="read", Range=given)
    right = '"781e5e245d69b566979b86e28d23f2c7"'
    for name in ("IfMatch", "IfNoneMatch"):
        for tag in (right, '"no"'):
            op("get_object", Key="read", **{name: tag})
            op("head_object", Key="read", **{name: tag})
    for year in (2001, 2035):
        for name in ("IfModifiedSince", "IfUnmodifiedSince"):
            op("get_object", Key="read", **{name: datetime.datetime(year, 1, 1)})
    for name, value in (
        ("CacheControl", "no-store"), ("ContentDisposition", "inline"), ("ContentEncoding", "br"),
        ("ContentLanguage", "en"), ("ContentType", "a/b"),
    ):
        op("get_object", Key="read", **{"Response" + name: value})
    op("get_object", Key="missing")
    op("head_object", Key="missing")
    op("get_object_attributes", Key="read", ObjectAttributes=["ETag", "ObjectSize"])
    op("get_object_tagging", Key="read")
    op("put_object_tagging", Key="read", Tagging={"TagSet": [{"Key": "k", "Value": "v"}]})
    op("get_object_tagging", Key="read")
    op("delete_object_tagging", Key="read")
    op("get_object_tagging", Key="missing")
    op("get_object_acl", Key="read")
    op("put_object_acl", Key="read", ACL="public-read")
    op("get_object_acl", Key="read")


def listings():
    for method in ("list_objects", "list_objects_v2", "list_object_versions"):
        for arguments in (
            {}, {"Prefix": "size/"}, {"Delimiter": "/"}, {"Prefix": "with/", "Delimiter": "/"}, {"MaxKeys": 2},
            {"MaxKeys": 0}, {"Prefix": "nothing"}, {"Prefix": "a"}, {"EncodingType": "url"},
        ):
            op(method, **arguments)
    op("list_objects", Marker="size/17")
    op("list_objects_v2", StartAfter="with/acl", MaxKeys=3)
    op("list_objects_v2", FetchOwner=True, MaxKeys=1)

    def pages(client, _):
        return [page.get("Contents") for page in client.get_paginator("list_objects_v2").paginate(
            Bucket=BUCKET, PaginationConfig={"PageSize": 7})]

    case("pages of list_objects_v2", pages)


def copies():
    source = {"Bucket": BUCKET, "Key": "read"}
    op("copy_object", Key="copy/1", CopySource=source)
    op("get_object", Key="copy/1")
    op("copy_object", Key="copy/2", CopySource=source, MetadataDirective="REPLACE", Metadata={"x": "y"})
    op("head_object", Key="copy/2")
    op("copy_object", Key="copy/3", CopySource=source, TaggingDirective="REPLACE", Tagging="a=b")
    op("get_object_tagging", Key="copy/3")
    op("copy_object", Key="copy/4", CopySource={"Bucket": BUCKET, "Key": "missing"})
    op("copy_object", Key="copy/5", CopySource={"Bucket": BUCKET, "Key": "a b"})
    op("copy_object", Key="copy/6", CopySource=source, CopySourceIfMatch='"no"')


def uploads():
    def create(client, state):
        answer = client.create_multipart_upload(Bucket=BUCKET, Key="parts", Metadata={"m": "1"})
        state["id"] = answer["UploadId"]
        return answer

    def part(number, body):
        def call(client, state):
            answer = client.upload_part(Bucket=BUCKET, Key="parts", UploadId=state["id"], PartNumber=number, Body=body)
            state.setdefault("tags", {})[number] = answer["ETag"]
            return answer
        return call

    def complete(numbers):
        def call(client, state):
            parts = [{"PartNumber": number, "ETag": state["tags"][number]} for number in numbers]
            return client.complete_multipart_upload(
                Bucket=BUCKET, Key="parts", UploadId=state["id"], MultipartUpload={"Parts": parts})
        return call

    def of_upload(method, **arguments):
        return lambda client, state: getattr(client, method)(
            Bucket=BUCKET, Key="parts", UploadId=state["id"], **arguments)

    case("create_multipart_upload", create)
    case("upload_part 1", part(1, PART))
    case("upload_part 2", part(2, b"the end"))
    case("list_parts", of_upload("list_parts"))
    case("list_parts one", of_upload("list_parts", MaxParts=1))
    case("list_multipart_uploads", lambda client, _: client.list_multipart_uploads(Bucket=BUCKET))
    case("complete in the wrong order", complete([2, 1]))
    case("complete", complete([1, 2]))
    op("head_object", Key="parts")
    op("get_object", Key="parts", Range="bytes=%d-" % (len(PART) - 2))
    case("create again", create)
    case("upload_part_copy", of_upload("upload_part_copy", PartNumber=1, CopySource={"Bucket": BUCKET, "Key": "parts"}))
    case("abort", of_upload("abort_multipart_upload"))
    case("list_parts of none", of_upload("list_parts"))
    case("abort again", of_upload("abort_multipart_upload"))


def settings():
    op("head_bucket")
    op("get_bucket_location")
    rules = [{"ID": "r", "Status": "Enabled", "Filter": {"Prefix": "tmp/"}, "Expiration": {"Days": 3}}]
    encryption = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}
    block = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": True}
    cors = {"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}]}
    for get, put, arguments, delete in (
        ("get_bucket_versioning", "put_bucket_versioning", {"VersioningConfiguration": {"Status": "Enabled"}}, None),
        ("get_bucket_tagging", "put_bucket_tagging", {"Tagging": {"TagSet": [{"Key": "a", "Value": "b"}]}},
         "delete_bucket_tagging"),
        ("get_bucket_lifecycle_configuration", "put_bucket_lifecycle_configuration",
         {"LifecycleConfiguration": {"Rules": rules}}, "delete_bucket_lifecycle"),
        ("get_bucket_encryption", "put_bucket_encryption", {"ServerSideEncryptionConfiguration": encryption},
         "delete_bucket_encryption"),
        ("get_public_access_block", "put_public_access_block", {"PublicAccessBlockConfiguration": block},
         "delete_public_access_block"),
        ("get_bucket_cors", "put_bucket_cors", {"CORSConfiguration": cors}, "delete_bucket_cors"),
        ("get_bucket_website", "put_bucket_website",
         {"WebsiteConfiguration": {"IndexDocument": {"Suffix": "i.html"}}}, "delete_bucket_website"),
        ("get_bucket_policy", "put_bucket_policy", {"Policy": '{"Version":"2012-10-17","Statement":[]}'},
         "delete_bucket_policy"),
        ("get_bucket_acl", "put_bucket_acl", {"ACL": "private"}, None),
        ("get_bucket_accelerate_configuration", "put_bucket_accelerate_configuration",
         {"AccelerateConfiguration": {"Status": "Enabled"}}, None),
        ("get_bucket_ownership_controls", "put_bucket_ownership_controls",
         {"OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}},
         "delete_bucket_ownership_controls"),
    ):
        op(get)
        op(put, **arguments)
        op(get)
        if delete:
            op(delete)
    op("get_bucket_logging")
    op("get_bucket_notification_configuration")
    op("get_object_lock_configuration")


def deletions():
    op("delete_object", Key="missing")
    op("delete_object", Key="size/0")
    op("get_object", Key="size/0")
    op("list_object_versions", Prefix="size/0")
    op("delete_objects", Delete={"Objects": [{"Key": "size/1"}, {"Key": "a b"}, {"Key": "missing"}]})
    op("delete_objects", Delete={"Objects": [{"Key": "x&y=z"}, {"Key": "<xml>\""}], "Quiet": True})
    op("list_objects_v2", Prefix="size/")


def main():
    parser = argparse.ArgumentParser()
    for name in ("direct", "behind", "gate", "key"):
        parser.add_argument("--" + name, required=True)
    options = parser.parse_args()
    identity, secret = options.key.split(":", 1)

    def client(endpoint):
        return boto3.client(
            "s3", endpoint_url=endpoint, aws_access_key_id=identity, aws_secret_access_key=secret,
            region_name="us-east-1",
            config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}))

    for endpoint in (options.direct, options.behind):
        client(endpoint).create_bucket(Bucket=BUCKET)
    for part in (objects, reads, listings, copies, uploads, settings, deletions):
        part()
    hosts = [options.direct, options.behind, options.gate]
    direct, gate, states, different = client(options.direct), client(options.gate), ({}, {}), 0
    for name, call in CASES:
        expected = outcome(direct, states[0], call, hosts)
        seen = outcome(gate, states[1], call, hosts)
        if seen != expected:
            different += 1
            print("DIFF %s\n  direct: %.600r\n  gate:   %.600r" % (name, expected, seen))
    print("%d operations compared" % len(CASES))
    if different or len(CASES) < 150:
        print("%d differ" % different)
        sys.exit(1)
    print("all answers are equal")


main()
