"""Pages as programs: the blocks of a page, what is done with each, and a machine on which its commands run.

What a block is good for is its language, or a comment on the line above it, which no reader sees:

  ```sh                                      run, command after command; `# → text` is what a command must print, and
                                             `# exits 1` how it must end (else with success)
  ```yaml                                    a config, or a part of one: checked
  ```json                                    a policy, or cases of policies: linted, or tested
  ```text                                    for people
  <!-- file: NAME -->                        written there, for the commands further down
  <!-- needs: WHAT -->                       not tried: it needs something that tests do not have; WHAT is in NEEDS
  <!-- played by: tests/deploy/test_X.py -->  taken out of the page and tried there

A block of any other language must have such a comment. On the machine, `presign-gate` is the one that was built, ports of
this host are free ones, the names of `S3` are a store in memory, and a gate runs with the config of WORLD, unless the
page has a `gate.yaml` of its own.
"""

import contextlib
import dataclasses
import http.server
import os
import pathlib
import re
import socketserver
import subprocess
import threading
import time
import urllib.parse

from support import PATIENCE, ROOT, cache, fetch, free_port, gate_binary, listens, poll, program

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", ROOT / "ARCHITECTURE.md",
         *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "deploy").rglob("*.md"))]
NEEDS = {
    "aws": "an account of AWS",
    "docker": "a container daemon",
    "kubernetes": "a cluster",
    "a build": "a build of its own, of minutes",
    "systemd": "a machine that systemd runs",
    "root": "a machine that may be changed",
    "network": "sources of another project, from the network",
    "go": "a Go toolchain and a module cache",
    "java": "a JDK and the AWS SDK",
    "rust": "a crate of its own, with the AWS SDK",
}
S3 = ("https://s3.eu-west-1.amazonaws.com", "https://s3.us-east-1.amazonaws.com")
FENCE = re.compile(r"(?m)^(?:<!-- (?P<mark>[a-z ]+): (?P<value>.+?) -->\n)?^```(?P<language>\S*)[^\n]*\n(?P<text>.*?)^```$", re.S)
LOCAL = re.compile(r"\b(?:127\.0\.0\.1|localhost|0\.0\.0\.0):(\d{2,5})\b")
WORLD = """\
version: 1
listeners:
  - address: 127.0.0.1:8080
  - { address: "127.0.0.1:8081", proxy_protocol: { trusted: [10.9.0.0/24] } }
admin: { address: 127.0.0.1:9090, token: { file: admin.token } }
hosts: [s3.example.internal]
network: { vpc_endpoints: [{ id: vpce-0a1b2c3d, vpc: vpc-11112222 }] }
expose_reasons: true
credentials:
  - access_key_id: AKIAREPORTS000000001
    secret_access_key: { value: "a secret" }
    principal: arn:aws:iam::111122223333:user/reports
    policies:
      - Version: "2012-10-17"
        Statement:
          - { Sid: Reports, Effect: Allow, Action: "s3:*", Resource: ["arn:aws:s3:::reports/*", "arn:aws:s3:::inbox/*"] }
buckets: [{ name: reports, upstream: main }, { name: inbox, upstream: main }]
upstreams:
  - name: main
    endpoint: https://s3.eu-west-1.amazonaws.com
    region: eu-west-1
    credentials: { access_key_id: AKIAGATE000000000001, secret_access_key: { value: "of the store" } }
logs: { access: { path: access.jsonl }, audit: { path: audit.jsonl } }
"""


@dataclasses.dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: pathlib.Path
    line: int
    language: str
    text: str
    mark: str
    value: str

    def __str__(self):
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(page):
    text = page.read_text()
    for found in FENCE.finditer(text):
        mark, value = found["mark"] or "", found["value"] or ""
        yield Block(page, text.count("\n", 0, found.start("text")), found["language"], found["text"], mark, value)


def block(page, language, number=0):
    """A block of a page under docs/, for a test that plays it."""
    found = [one for one in blocks(ROOT / "docs" / page) if one.language == language]
    assert len(found) > number, f"{page} has {len(found)} blocks of {language}"
    return found[number]


@dataclasses.dataclass(frozen=True)
class Step:
    """A command of a page with what it must print and how it must end."""

    command: str
    prints: tuple
    exits: int


def steps(text):
    """The commands of a block of shell."""
    for line in re.sub(r"\s*\\\n\s*", " ", text).splitlines():
        command, _, comment = re.match(r"(.*?)(?:(^|\s{2,})#\s(.*))?$", line).groups(default="")
        if not command.strip():
            # a comment on a line of its own says what comes next
            continue
        head, *prints = re.split(r"\s*→\s*", comment)
        exits = re.search(r"\bexits (\d+)", head)
        yield Step(command, tuple(prints), int(exits[1]) if exits else 0)


class Store(http.server.BaseHTTPRequestHandler):
    """As much of a store as pages need: objects in memory, ranges, no signatures."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), "ETag": '"1"', **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def key(self):
        return urllib.parse.unquote(urllib.parse.urlsplit(self.path).path)

    def do_GET(self):
        body = self.server.objects.get(self.key())
        if body is None:
            return self.answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
        span = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if not span:
            return self.answer(200, body)
        first, last = int(span[1]), min(int(span[2] or len(body) - 1), len(body) - 1)
        self.answer(206, body[first:last + 1], Content_Range=f"bytes {first}-{last}/{len(body)}")

    do_HEAD = do_GET

    def do_PUT(self):
        self.server.objects[self.key()] = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.answer(200)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def store(port=0):
    """A store with an object in each bucket of WORLD."""
    class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
        daemon_threads = True
        # a gate keeps connections; the end of the test is the end of them
        block_on_close = False

    with Server(("127.0.0.1", port), Store) as server:
        server.objects = {f"/{bucket}/q3.pdf": b"%PDF-1.7 " + b"x" * 991 for bucket in ("reports", "inbox", "prod-reports")}
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()


class Machine:
    """A folder and a shell in which the commands of one page run."""

    def __init__(self, folder, server):
        self.folder, self.store, self.objects = pathlib.Path(folder), server.server_port, server.objects
        self.ports, self.count, self.children = {}, 0, []
        tools = self.folder / ".bin"
        tools.mkdir()
        (tools / "presign-gate").symlink_to(gate_binary())
        for name in ("conf", "deploy"):
            (self.folder / name).symlink_to(ROOT / name)
        path = os.pathsep.join([str(tools), os.path.dirname(program("promtool")), f"{cache()}/clients/venv/bin",
                                os.environ["PATH"], "/usr/sbin"])
        environment = {"PATH": path, "HOME": str(folder), "LC_ALL": "C.UTF-8", "GATE_REPORTS_SECRET": "a secret",
                       "GATE_STORE_SECRET": "of the store", "GATE_OLD_SECRET": "old", "GATE_NEW_SECRET": "a secret",
                       "STORE_SECRET": "of the store", "AWS_ACCESS_KEY_ID": "AKIAGATE000000000001",
                       "AWS_SECRET_ACCESS_KEY": "of the store", "AWS_EC2_METADATA_DISABLED": "true"}
        self.shell = subprocess.Popen(["bash"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, cwd=folder,
                                      stderr=subprocess.DEVNULL, env=environment, text=True, start_new_session=True)

    def here(self, text):
        """The text with the ports and the store of this machine."""
        def local(found):
            port = self.ports.setdefault(found[1], free_port())
            return f"127.0.0.1:{port}"
        text = LOCAL.sub(local, text)
        text = re.sub(r"(?<=redis-cli -p )\d+|(?<=--port )\d+", lambda found: local([None, found[0]])[10:], text)
        for name in S3:
            text = text.replace(name, f"http://127.0.0.1:{self.store}")
        return text.replace("addressing: virtual", "addressing: path")

    def write(self, name, text):
        assert "/" not in name and not name.startswith("."), name
        (self.folder / name).write_text(self.here(text))
        (self.folder / name).chmod(0o600)

    def run(self, step):
        """What a command prints; fails unless it is what the page says."""
        self.count += 1
        out, end = self.folder / f".out-{self.count}", self.folder / f".end-{self.count}"
        command = self.here(step.command)
        serves = re.match(r"\s*(presign-gate run|redis-server|nginx)\b", command)
        if serves:
            self.say(f"{command} > {out} 2>&1 < /dev/null & echo $! > {end}.new; mv {end}.new {end}\n")
        else:
            self.say(f"{{ {command}\n}} > {out} 2>&1 < /dev/null; echo $? > {end}.new; mv {end}.new {end}\n")
        # interpreters start slowly on a busy machine
        poll(f"`{step.command}`", lambda: end.exists() or self.broken(step), 4 * PATIENCE)
        code, text = int(end.read_text()), lambda: out.read_text(errors="replace")
        if serves:
            self.children.append(code)
            poll(f"`{step.command}` to listen", lambda: self.alive(code, step, text) and self.ready(command))
            return text()
        assert code == step.exits, f"`{step.command}` exits {code}, not {step.exits}:\n{text()}"
        for expected in step.prints:
            assert expected in text(), f"`{step.command}` does not print `{expected}`:\n{text()}"
        return text()

    def say(self, line):
        self.shell.stdin.write(line)
        self.shell.stdin.flush()

    def broken(self, step):
        assert self.shell.poll() is None, f"`{step.command}` ended the shell"

    @staticmethod
    def alive(pid, step, text):
        try:
            ended = ") Z " in pathlib.Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            ended = True
        assert not ended, f"`{step.command}` ended:\n{text()}"
        return True

    def ready(self, command):
        """Whether the server that a command started listens where its config, or the command, says."""
        config = re.search(r"(?:--config|-c) (\S+)", command)
        if not config:
            return listens(int(re.search(r"--port (\d+)", command)[1]))()
        if not (self.folder / config[1]).exists():
            # the program will say so
            return False
        text = (self.folder / config[1]).read_text()
        if command.startswith("nginx"):
            return listens(int(re.search(r"listen 127\.0\.0\.1:(\d+)", text)[1]))()
        admin = re.search(r"admin:\s*\{?\s*address: [\"']?127\.0\.0\.1:(\d+)", text)
        if admin:
            return (fetch(f"http://127.0.0.1:{admin[1]}/readyz") or (0,))[0] == 200
        return listens(int(re.search(r"address: [\"']?127\.0\.0\.1:(\d+)", text)[1]))()

    def close(self):
        for pid in reversed(self.children):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, 15)
        deadline = time.monotonic() + 10
        while self.children and time.monotonic() < deadline:
            # children of the shell, which reaps them
            self.children = [pid for pid in self.children if pathlib.Path(f"/proc/{pid}").exists()]
            time.sleep(0.02)
        for pid in self.children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, 9)
        self.shell.stdin.close()
        self.shell.wait(timeout=PATIENCE)


@contextlib.contextmanager
def machine(folder, world=True):
    """A machine with a store, and with a gate and a link unless the page brings its own."""
    with store() as server:
        made = Machine(folder, server)
        try:
            if world:
                made.write("gate.yaml", WORLD)
                made.write("admin.token", "a token of the test\n")
                for command in ("presign-gate run --config gate.yaml",
                                "URL=$(presign-gate presign GET s3://reports/q3.pdf --config gate.yaml "
                                "--access-key-id AKIAREPORTS000000001 --scheme http)",
                                "ADMIN=127.0.0.1:9090"):
                    made.run(Step(command, (), 0))
            yield made
        finally:
            made.close()
