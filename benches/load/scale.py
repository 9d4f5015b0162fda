#!/usr/bin/env python3
"""What many of something cost the gate: idle connections in memory, credentials at the start.

It must not compare with others: each number is stated by itself."""

import argparse
import json
import pathlib
import resource
import socket
import subprocess
import tempfile
import time

import contenders
import traffic


class Programs:
    def __init__(self, gate, scratch):
        self.gate, self.other, self.certificate = gate, gate, contenders.certificate(scratch)


class Many(contenders.Contender):
    """A gate with so many credentials."""

    credentials = 1

    def _extend(self, config):
        first = {"policies": ["identity.json"]}
        (self.folder / "identity.json").write_text(json.dumps(config["credentials"][0]["policies"][0]))
        config["credentials"] += [
            {**first, "access_key_id": f"AKIABENCH{number:011}", "secret_access_key": {"value": f"secret-{number}"}}
            for number in range(2, self.credentials + 1)
        ]
        config["limits"] = {"connections": 50000}


def get(sock, target):
    sock.sendall(f"GET {target} HTTP/1.1\r\nHost: s3.test\r\n\r\n".encode())
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += sock.recv(65536)
    if not answer.startswith(b"HTTP/1.1 200"):
        raise SystemExit(answer.decode(errors="replace"))
    left = 1024 - (len(answer) - answer.index(b"\r\n\r\n") - 4)
    while left > 0:
        left -= len(sock.recv(65536))


def idle(gate, count):
    """Connections that have had one request each, and wait for another."""
    target = traffic.link("GET", "/bench/a/1k")
    before = contenders.resident(gate.process.pid)
    host, port = gate.address.split(":")
    kept = []
    for _ in range(count):
        sock = socket.create_connection((host, int(port)))
        get(sock, target)
        kept.append(sock)
    # the gate keeps the room for a request for a second
    time.sleep(3)
    after = contenders.resident(gate.process.pid)
    each = (after - before) / count / 1024
    print(f"{count} idle connections: {after / (1 << 20):.0f} MiB in all, {before / (1 << 20):.0f} MiB before them, "
          f"{each:.1f} KiB each")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gate", required=True, help="the gate's program")
    parser.add_argument("--kit", required=True, help="the folder with store")
    arguments = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory(prefix="presign-gate-bench-") as folder:
        scratch = pathlib.Path(folder)
        store = f"127.0.0.1:{contenders.free_port()}"
        process = subprocess.Popen([f"{arguments.kit}/store", store])
        programs = Programs(arguments.gate, scratch)
        try:
            for credentials in (1, 1000, 100_000):
                gate = Many("gate", scratch, store, programs)
                gate.credentials = credentials
                gate.start()
                took = contenders.cpu_seconds(gate.process.pid)
                used = contenders.resident(gate.process.pid) / (1 << 20)
                print(f"{credentials} credentials: {took:.2f} s of CPU until connections are taken, {used:.0f} MiB")
                if credentials == 1:
                    idle(gate, min(10_000, hard // 2 - 100))
                gate.stop()
        finally:
            process.terminate()
            process.wait()


if __name__ == "__main__":
    main()
