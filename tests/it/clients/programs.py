"""Programs: what each is called with for the steps of `drive.py`.

A step that a class does not have is one that the program cannot do, or not in a form that the gate takes by default.
"""
import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from urllib.parse import quote, urlsplit

BUCKET = "bkt"
PART = 5 * 1024 * 1024
REGION = "us-east-1"
HERE = os.path.dirname(os.path.abspath(__file__))


def run(*words, **environment):
    """Runs a program; gives what it printed."""
    done = subprocess.run(words, capture_output=True, env={**os.environ, **environment}, timeout=60)
    if done.returncode != 0:
        print("FAIL %r ended with %d\n%s%s" % (words, done.returncode, done.stdout[-2000:], done.stderr[-4000:]))
        sys.exit(1)
    return done.stdout


def beside(name):
    """A program that was installed with this interpreter."""
    return os.path.join(os.path.dirname(sys.executable), name)


def write(body):
    with open("body", "wb") as file:
        file.write(body)
    return "body"


def read(name):
    with open(name, "rb") as file:
        return file.read()


class Program:
    def __init__(self, gate, key, ca):
        self.gate, self.at, self.ca = gate, urlsplit(gate), ca
        self.identity, self.secret = key.split(":", 1)
        self.environment = {
            "AWS_ACCESS_KEY_ID": self.identity,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
        }

    def empty(self):
        """`put` with nothing."""


class Aws(Program):
    """The AWS command line interface."""

    version = run(beside("aws"), "--version").decode().split()[0].split("/")[1]

    def aws(self, *words):
        # its links are signed with SigV2 unless it is told otherwise
        with open("config", "w") as file:
            file.write("[default]\ns3 =\n  signature_version = s3v4\n")
        trust = ["--ca-bundle", self.ca] if self.ca else []
        environment = {**self.environment, "AWS_CONFIG_FILE": "config"}
        return run(beside("aws"), "--endpoint-url", self.gate, *trust, *words, **environment)

    def api(self, *words):
        return self.aws("s3api", *words, "--bucket", BUCKET)

    def put(self, key, body):
        self.aws("s3", "cp", "--no-progress", write(body), "s3://%s/%s" % (BUCKET, key))

    multipart = put

    def get(self, key):
        return self.aws("s3", "cp", "s3://%s/%s" % (BUCKET, key), "-")

    def head(self, key):
        return json.loads(self.api("head-object", "--key", key))["ContentLength"]

    def list(self, prefix):
        return [entry["Key"] for entry in json.loads(self.api("list-objects-v2", "--prefix", prefix) or b"{}").get("Contents", [])]

    def range(self, key, first, last):
        self.api("get-object", "--key", key, "--range", "bytes=%d-%d" % (first, last), "part")
        return read("part")

    def copy(self, key, other):
        self.aws("s3", "cp", "--no-progress", "s3://%s/%s" % (BUCKET, key), "s3://%s/%s" % (BUCKET, other))

    def delete(self, key):
        self.aws("s3", "rm", "s3://%s/%s" % (BUCKET, key))

    def link_get(self, key):
        return self.aws("s3", "presign", "s3://%s/%s" % (BUCKET, key)).decode().strip()


class S3cmd(Program):
    """s3cmd. Its links are signed with SigV2."""

    version = run(beside("s3cmd"), "--version").decode().split()[-1]

    def s3cmd(self, *words):
        options = ["--config=/dev/null", "--access_key=" + self.identity, "--secret_key=" + self.secret, "--no-ssl"]
        options += ["--host=" + self.at.netloc, "--host-bucket=" + self.at.netloc, "--region=" + REGION, "--no-progress"]
        return run(beside("s3cmd"), *options, *words)

    def put(self, key, body):
        self.s3cmd("put", write(body), "s3://%s/%s" % (BUCKET, key))

    def multipart(self, key, body):
        self.s3cmd("put", "--multipart-chunk-size-mb=5", write(body), "s3://%s/%s" % (BUCKET, key))

    def get(self, key):
        self.s3cmd("get", "--force", "s3://%s/%s" % (BUCKET, key), "got")
        return read("got")

    def head(self, key):
        return int(re.search(r"File size:\s+(\d+)", self.s3cmd("info", "s3://%s/%s" % (BUCKET, key)).decode()).group(1))

    def list(self, prefix):
        lines = self.s3cmd("ls", "--recursive", "s3://%s/%s" % (BUCKET, prefix)).decode().splitlines()
        return [line.split("s3://%s/" % BUCKET, 1)[1] for line in lines]

    def copy(self, key, other):
        self.s3cmd("cp", "s3://%s/%s" % (BUCKET, key), "s3://%s/%s" % (BUCKET, other))

    def delete(self, key):
        self.s3cmd("del", "s3://%s/%s" % (BUCKET, key))


class S5cmd(Program):
    """s5cmd, over the AWS SDK for Go."""

    version = run(beside("s5cmd"), "version").decode().split("-")[0].lstrip("v")

    def s5cmd(self, *words):
        return run(beside("s5cmd"), "--endpoint-url", self.gate, *words, **self.environment)

    def put(self, key, body):
        self.s5cmd("cp", write(body), "s3://%s/%s" % (BUCKET, key))

    def stream(self, key, body):
        command = [beside("s5cmd"), "--endpoint-url", self.gate, "pipe", "s3://%s/%s" % (BUCKET, key)]
        subprocess.run(command, input=body, check=True, env={**os.environ, **self.environment}, timeout=60)

    def multipart(self, key, body):
        self.s5cmd("cp", "--part-size", "5", write(body), "s3://%s/%s" % (BUCKET, key))

    def get(self, key):
        return self.s5cmd("cat", "s3://%s/%s" % (BUCKET, key))

    def head(self, key):
        return json.loads(self.s5cmd("head", "s3://%s/%s" % (BUCKET, key)))["size"]

    def list(self, prefix):
        done = subprocess.run(
            [beside("s5cmd"), "--json", "--endpoint-url", self.gate, "ls", "s3://%s/%s*" % (BUCKET, prefix)],
            capture_output=True, env={**os.environ, **self.environment}, timeout=60,
        )
        # it takes an empty list for a failure
        if b"no object found" in done.stderr:
            return []
        return [json.loads(line)["key"].split("s3://%s/" % BUCKET, 1)[1] for line in done.stdout.splitlines()]

    def copy(self, key, other):
        self.s5cmd("cp", "s3://%s/%s" % (BUCKET, key), "s3://%s/%s" % (BUCKET, other))

    def delete(self, key):
        self.s5cmd("rm", "s3://%s/%s" % (BUCKET, key))

    def link_get(self, key):
        return self.s5cmd("presign", "--expire", "5m", "s3://%s/%s" % (BUCKET, key)).decode().strip()


class Rclone(Program):
    """rclone, over the AWS SDK for Go."""

    version = run("rclone", "version").decode().split()[1].lstrip("v").split("-")[0]

    def rclone(self, *words):
        remote = {
            "TYPE": "s3", "PROVIDER": "Other", "ENDPOINT": self.gate, "REGION": REGION, "NO_CHECK_BUCKET": "true",
            "ACCESS_KEY_ID": self.identity, "SECRET_ACCESS_KEY": self.secret,
        }
        environment = {"RCLONE_CONFIG_GATE_" + name: value for name, value in remote.items()}
        return run("rclone", "--config", "/dev/null", "--retries", "1", *words, **environment)

    def put(self, key, body):
        self.rclone("copyto", write(body), "gate:%s/%s" % (BUCKET, key))

    def multipart(self, key, body):
        sizes = ["--s3-upload-cutoff", "5Mi", "--s3-chunk-size", "5Mi"]
        self.rclone("copyto", *sizes, write(body), "gate:%s/%s" % (BUCKET, key))

    def get(self, key):
        return self.rclone("cat", "gate:%s/%s" % (BUCKET, key))

    def head(self, key):
        return json.loads(self.rclone("lsjson", "--stat", "gate:%s/%s" % (BUCKET, key)))["Size"]

    def list(self, prefix):
        return [prefix + line for line in self.rclone("lsf", "gate:%s/%s" % (BUCKET, prefix)).decode().splitlines()]

    def range(self, key, first, last):
        count = str(last - first + 1)
        return self.rclone("cat", "--offset", str(first), "--count", count, "gate:%s/%s" % (BUCKET, key))

    def copy(self, key, other):
        self.rclone("copyto", "gate:%s/%s" % (BUCKET, key), "gate:%s/%s" % (BUCKET, other))

    def delete(self, key):
        self.rclone("deletefile", "gate:%s/%s" % (BUCKET, key))

    def link_get(self, key):
        return self.rclone("link", "--expire", "5m", "gate:%s/%s" % (BUCKET, key)).decode().strip()


class Curl(Program):
    """curl with --aws-sigv4."""

    version = run("curl", "--version").decode().split()[1]

    def curl(self, key, *words, query=""):
        sign = ["--aws-sigv4", "aws:amz:%s:s3" % REGION, "--user", "%s:%s" % (self.identity, self.secret)]
        # S3 wants it, and not every version adds it
        sign += ["--header", "x-amz-content-sha256: UNSIGNED-PAYLOAD"]
        target = "%s/%s%s%s" % (self.gate, BUCKET, "/" + quote(key) if key else "", query)
        return run("curl", "--fail-with-body", "--silent", "--show-error", *sign, *words, target)

    def put(self, key, body):
        self.curl(key, "--upload-file", write(body))

    def get(self, key):
        return self.curl(key)

    def head(self, key):
        return int(re.search(rb"(?i)content-length: (\d+)", self.curl(key, "--head")).group(1))

    def list(self, prefix):
        answer = ElementTree.fromstring(self.curl("", query="?list-type=2&prefix=" + quote(prefix, safe="")))
        return [key.text for key in answer.iter() if key.tag.endswith("Key")]

    def range(self, key, first, last):
        return self.curl(key, "--range", "%d-%d" % (first, last))

    def copy(self, key, other):
        self.curl(other, "--request", "PUT", "--header", "x-amz-copy-source: /%s/%s" % (BUCKET, quote(key)))

    def delete(self, key):
        self.curl(key, "--request", "DELETE")


class JavaScript(Program):
    """A client in JavaScript: one process for each step."""

    def js(self, step, *words, body=b""):
        options = [self.gate, self.identity, self.secret, BUCKET]
        command = ["node", os.path.join(HERE, "javascript.mjs"), self.name, *options, step, *words]
        done = subprocess.run(command, input=body, capture_output=True, timeout=60)
        if done.returncode != 0:
            print("FAIL %s %r\n%s" % (step, words, done.stderr.decode()[-4000:]))
            sys.exit(1)
        return done.stdout

    @property
    def version(self):
        return self.js("version").decode()

    def put(self, key, body):
        self.js("put", key, body=body)

    def stream(self, key, body):
        self.js("stream", key, body=body)

    def multipart(self, key, body):
        self.js("multipart", key, body=body)

    def get(self, key):
        return self.js("get", key)

    def head(self, key):
        return int(self.js("head", key))

    def list(self, prefix):
        return json.loads(self.js("list", prefix))

    def range(self, key, first, last):
        return self.js("range", key, str(first), str(last))

    def copy(self, key, other):
        self.js("copy", key, other)

    def delete(self, key):
        self.js("delete", key)

    def link_get(self, key):
        return self.js("link_get", key).decode()

    def link_put(self, key):
        return self.js("link_put", key).decode()

    def form(self, key, largest):
        form = json.loads(self.js("form", key, str(largest)))
        return form["url"], form["fields"]


class AwsJs(JavaScript):
    name = "aws-sdk-js"


class MinioJs(JavaScript):
    name = "minio-js"


CLIENTS = {
    "aws-cli": Aws, "s3cmd": S3cmd, "s5cmd": S5cmd, "rclone": Rclone, "curl": Curl,
    "aws-sdk-js": AwsJs, "minio-js": MinioJs,
}
