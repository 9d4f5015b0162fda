"""Python libraries: what each calls the steps of `drive.py`.

A step that a class does not have is one that the library cannot do.
"""
import io
from importlib.metadata import version
from urllib.parse import urlsplit

BUCKET = "bkt"
PART = 5 * 1024 * 1024
REGION = "us-east-1"


class Boto3:
    """The AWS SDK, with its default checksums: in a header over HTTP, in a trailer over TLS."""

    version = version("boto3")

    def __init__(self, gate, key, ca):
        import boto3
        from botocore.config import Config

        identity, secret = key.split(":", 1)
        self.s3 = boto3.client(
            "s3",
            endpoint_url=gate,
            aws_access_key_id=identity,
            aws_secret_access_key=secret,
            region_name=REGION,
            verify=ca,
            config=Config(signature_version="s3v4", s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
        )
        if ca:
            self.s3.meta.events.register("before-send.s3.PutObject", self.is_in_chunks)
        algorithms = ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256", "SHA512", "XXHASH64", "XXHASH3", "XXHASH128"]
        self.extra = {name.lower(): self.with_checksum(name) for name in algorithms}
        self.extra["md5"] = self.with_md5

    @staticmethod
    def is_in_chunks(request, **_):
        """What TLS is here for."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        if "content-md5" not in headers and headers["x-amz-content-sha256"] != b"STREAMING-UNSIGNED-PAYLOAD-TRAILER":
            raise AssertionError(headers["x-amz-content-sha256"])

    def with_checksum(self, algorithm):
        return lambda key, body: self.s3.put_object(Bucket=BUCKET, Key=key, Body=body, ChecksumAlgorithm=algorithm)

    def with_md5(self, key, body):
        from base64 import b64encode
        from hashlib import md5

        self.s3.put_object(Bucket=BUCKET, Key=key, Body=body, ContentMD5=b64encode(md5(body).digest()).decode())

    def put(self, key, body):
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=body)

    def stream(self, key, body):
        """From a file, of which the SDK reads the checksum on the way."""
        self.s3.upload_fileobj(io.BytesIO(body), BUCKET, key)

    def empty(self):
        """`put` with nothing."""

    def get(self, key):
        return self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()

    def head(self, key):
        return self.s3.head_object(Bucket=BUCKET, Key=key)["ContentLength"]

    def list(self, prefix):
        return [entry["Key"] for entry in self.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])]

    def range(self, key, first, last):
        return self.s3.get_object(Bucket=BUCKET, Key=key, Range="bytes=%d-%d" % (first, last))["Body"].read()

    def multipart(self, key, body):
        from boto3.s3.transfer import TransferConfig

        config = TransferConfig(multipart_threshold=PART, multipart_chunksize=PART)
        self.s3.upload_fileobj(io.BytesIO(body), BUCKET, key, Config=config)

    def copy(self, key, other):
        self.s3.copy_object(Bucket=BUCKET, Key=other, CopySource={"Bucket": BUCKET, "Key": key})

    def delete(self, key):
        self.s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": key}]})

    def link(self, operation, key):
        return self.s3.generate_presigned_url(operation, Params={"Bucket": BUCKET, "Key": key}, ExpiresIn=300)

    def link_get(self, key):
        return self.link("get_object", key)

    def link_put(self, key):
        return self.link("put_object", key)

    def form(self, key, largest):
        conditions = [["content-length-range", 1, largest], ["starts-with", "$Content-Type", "text/"]]
        fields = {"Content-Type": "text/x-form"}
        form = self.s3.generate_presigned_post(BUCKET, key, Fields=fields, Conditions=conditions, ExpiresIn=300)
        return form["url"], form["fields"]


class Minio:
    """MinIO's SDK."""

    version = version("minio")

    def __init__(self, gate, key, ca):
        from minio import Minio as Client

        self.gate = gate
        identity, secret = key.split(":", 1)
        self.s3 = Client(urlsplit(gate).netloc, identity, secret, secure=False, region=REGION)

    def put(self, key, body):
        self.s3.put_object(BUCKET, key, io.BytesIO(body), len(body))

    def stream(self, key, body):
        """Of a length that is not known."""
        self.s3.put_object(BUCKET, key, io.BytesIO(body), -1, part_size=PART)

    def empty(self):
        """`put` with nothing."""

    def get(self, key):
        return self.s3.get_object(BUCKET, key).read()

    def head(self, key):
        return self.s3.stat_object(BUCKET, key).size

    def list(self, prefix):
        return [entry.object_name for entry in self.s3.list_objects(BUCKET, prefix=prefix, recursive=True)]

    def range(self, key, first, last):
        return self.s3.get_object(BUCKET, key, offset=first, length=last - first + 1).read()

    def multipart(self, key, body):
        self.s3.put_object(BUCKET, key, io.BytesIO(body), len(body), part_size=PART)

    def copy(self, key, other):
        from minio.commonconfig import CopySource

        self.s3.copy_object(BUCKET, other, CopySource(BUCKET, key))

    def delete(self, key):
        self.s3.remove_object(BUCKET, key)

    def link_get(self, key):
        return self.s3.presigned_get_object(BUCKET, key)

    def link_put(self, key):
        return self.s3.presigned_put_object(BUCKET, key)

    def form(self, key, largest):
        from datetime import datetime, timedelta, timezone

        from minio.datatypes import PostPolicy

        policy = PostPolicy(BUCKET, datetime.now(timezone.utc) + timedelta(minutes=5))
        policy.add_equals_condition("key", key)
        policy.add_content_length_range_condition(1, largest)
        return "%s/%s" % (self.gate, BUCKET), {"key": key, **self.s3.presigned_post_policy(policy)}


class PyArrow:
    """Arrow's S3 file system, over the AWS SDK for C++."""

    version = version("pyarrow")

    def __init__(self, gate, key, ca):
        from pyarrow import fs

        identity, secret = key.split(":", 1)
        self.fs, self.selector = fs, fs.FileSelector
        self.s3 = fs.S3FileSystem(
            access_key=identity, secret_key=secret, region=REGION, scheme="http", endpoint_override=urlsplit(gate).netloc
        )

    def put(self, key, body):
        with self.s3.open_output_stream("%s/%s" % (BUCKET, key)) as out:
            out.write(body)

    multipart = put

    def empty(self):
        """`put` with nothing."""

    def get(self, key):
        with self.s3.open_input_stream("%s/%s" % (BUCKET, key)) as data:
            return data.read()

    def head(self, key):
        return self.s3.get_file_info("%s/%s" % (BUCKET, key)).size

    def list(self, prefix):
        selector = self.selector("%s/%s" % (BUCKET, prefix.rstrip("/")), recursive=True, allow_not_found=True)
        return [info.path[len(BUCKET) + 1:] for info in self.s3.get_file_info(selector) if info.is_file]

    def range(self, key, first, last):
        with self.s3.open_input_file("%s/%s" % (BUCKET, key)) as data:
            return data.read_at(last - first + 1, first)

    def copy(self, key, other):
        self.s3.copy_file("%s/%s" % (BUCKET, key), "%s/%s" % (BUCKET, other))

    def delete(self, key):
        self.s3.delete_file("%s/%s" % (BUCKET, key))


class S3Fs:
    """The S3 file system of fsspec, over aiobotocore."""

    version = version("s3fs")

    def __init__(self, gate, key, ca):
        from s3fs import S3FileSystem

        identity, secret = key.split(":", 1)
        self.s3 = S3FileSystem(
            key=identity,
            secret=secret,
            endpoint_url=gate,
            client_kwargs={"region_name": REGION},
            # its links are signed with SigV2 unless it is told otherwise
            config_kwargs={"signature_version": "s3v4"},
            use_listings_cache=False,
        )

    def put(self, key, body):
        self.s3.pipe_file("%s/%s" % (BUCKET, key), body)

    def stream(self, key, body):
        with self.s3.open("%s/%s" % (BUCKET, key), "wb") as out:
            out.write(body)

    def empty(self):
        """`put` with nothing."""

    def get(self, key):
        return self.s3.cat_file("%s/%s" % (BUCKET, key))

    def head(self, key):
        return self.s3.info("%s/%s" % (BUCKET, key))["size"]

    def list(self, prefix):
        return [path[len(BUCKET) + 1:] for path in self.s3.find("%s/%s" % (BUCKET, prefix))]

    def range(self, key, first, last):
        return self.s3.cat_file("%s/%s" % (BUCKET, key), start=first, end=last + 1)

    def multipart(self, key, body):
        with self.s3.open("%s/%s" % (BUCKET, key), "wb", block_size=PART) as out:
            out.write(body)

    def copy(self, key, other):
        self.s3.cp_file("%s/%s" % (BUCKET, key), "%s/%s" % (BUCKET, other))

    def delete(self, key):
        self.s3.rm_file("%s/%s" % (BUCKET, key))

    def link_get(self, key):
        return self.s3.sign("%s/%s" % (BUCKET, key), expiration=300)


class ObjectStore:
    """The Rust crate object_store, by its Python binding."""

    version = version("obstore")

    def __init__(self, gate, key, ca):
        import obstore
        from obstore.store import S3Store

        identity, secret = key.split(":", 1)
        self.lib = obstore
        self.s3 = S3Store(
            BUCKET,
            endpoint=gate,
            access_key_id=identity,
            secret_access_key=secret,
            region=REGION,
            virtual_hosted_style_request=False,
            client_options={"allow_http": True},
        )

    def put(self, key, body):
        self.lib.put(self.s3, key, body, use_multipart=False)

    def empty(self):
        """`put` with nothing."""

    def get(self, key):
        return bytes(self.lib.get(self.s3, key).bytes())

    def head(self, key):
        return self.lib.head(self.s3, key)["size"]

    def list(self, prefix):
        return [entry["path"] for batch in self.lib.list(self.s3, prefix) for entry in batch]

    def range(self, key, first, last):
        return bytes(self.lib.get_range(self.s3, key, start=first, end=last + 1))

    def multipart(self, key, body):
        self.lib.put(self.s3, key, body, use_multipart=True, chunk_size=PART)

    def copy(self, key, other):
        self.lib.copy(self.s3, key, other)

    def delete(self, key):
        self.lib.delete(self.s3, key)

    def link_get(self, key):
        from datetime import timedelta

        return self.lib.sign(self.s3, "GET", key, timedelta(minutes=5))

    def link_put(self, key):
        from datetime import timedelta

        return self.lib.sign(self.s3, "PUT", key, timedelta(minutes=5))


CLIENTS = {"boto3": Boto3, "minio-py": Minio, "pyarrow": PyArrow, "s3fs": S3Fs, "object_store": ObjectStore}
