#!/usr/bin/env python3
"""What access log, audit log and spans cost: CPU of the gate per request, with and without, side by side.

  benches/log-cost.py BINARY [--requests 20000] [--rounds 7]

BINARY is a release build; numbers of any other say nothing. Two gates run at once and take turns under the same load of links over kept connections;
what counts is the CPU time that the kernel books to each, the median of the rounds. Metrics are always on; what counting a
request costs is in `cargo bench --bench observe`.
"""

import argparse
import asyncio
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests/deploy"))
import support  # noqa: E402

CONFIG = """\
version: 1
listeners: [{{ address: "127.0.0.1:{port}" }}]
admin: {{ address: "127.0.0.1:{admin}" }}
hosts: [s3.test]
credentials:
  - access_key_id: AKIDLOGCOST000000001
    secret_access_key: {{ value: of-the-bench }}
    policies:
      - {{ Version: "2012-10-17", Statement: [{{ Effect: Allow, Action: "s3:GetObject", Resource: "arn:aws:s3:::data/*" }}] }}
buckets: [{{ name: data, upstream: store }}]
upstreams:
  - name: store
    endpoint: "http://127.0.0.1:{store}"
    region: us-east-1
    credentials: {{ access_key_id: AKIDSTORE0000000001, secret_access_key: {{ value: of-the-store }} }}
"""
CONNECTIONS = 8
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 1000
LOGS = {
    "off": "logs: { access: { format: none } }\n",
    "access and audit": "logs: { access: { path: access.log }, audit: { path: audit.jsonl } }\n",
}


class Store(asyncio.Protocol):
    """Answers every request head, at little cost."""

    def connection_made(self, transport):
        self.transport, self.rest = transport, b""

    def data_received(self, data):
        *heads, self.rest = (self.rest + data).split(b"\r\n\r\n")
        self.transport.write(ANSWER * len(heads))


async def load(port, target, requests):
    head = f"GET {target} HTTP/1.1\r\nHost: s3.test\r\nUser-Agent: log-cost/1\r\n\r\n".encode()

    async def connection(count):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(count):
            writer.write(head)
            answer = await reader.readuntil(b"\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 200"), answer
            await reader.readexactly(1000)
        writer.close()

    await asyncio.gather(*(connection(requests // CONNECTIONS) for _ in range(CONNECTIONS)))


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def serve(port):
    async def run():
        server = await asyncio.get_running_loop().create_server(Store, "127.0.0.1", port)
        await server.serve_forever()

    threading.Thread(target=lambda: asyncio.run(run()), daemon=True).start()


def presigned(binary, config):
    """The target of a link, as the gate's own command makes it."""
    command = [binary, "presign", "GET", "s3://data/key", "--config", str(config), "--access-key-id", "AKIDLOGCOST000000001"]
    url = subprocess.run([*command, "--host", "s3.test"], check=True, capture_output=True, text=True).stdout.strip()
    return "/" + url.split("/", 3)[3]


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("binary")
    arguments.add_argument("--requests", type=int, default=20000)
    arguments.add_argument("--rounds", type=int, default=7)
    arguments = arguments.parse_args()
    support.gate_binary = lambda: arguments.binary
    store = support.free_port()
    serve(store)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        gates, open_gates = {}, []
        for name, logs in LOGS.items():
            port, admin = support.free_port(), support.free_port()
            own = folder / name.replace(" ", "-")
            own.mkdir()
            running = support.gate(CONFIG.format(port=port, admin=admin, store=store) + logs, own, admin)
            gates[name] = (port, running.__enter__().pid, [])
            open_gates.append(running)
        target = presigned(arguments.binary, own / "gate.yaml")
        try:
            for _ in range(arguments.rounds + 1):
                for port, pid, rounds in gates.values():
                    before = cpu_seconds(pid)
                    asyncio.run(load(port, target, arguments.requests))
                    rounds.append((cpu_seconds(pid) - before) / arguments.requests * 1e6)
        finally:
            for running in open_gates:
                running.__exit__(None, None, None)
        # the first round warms up
        medians = {name: statistics.median(rounds[1:]) for name, (_, _, rounds) in gates.items()}
        for name, median in medians.items():
            print(f"{name}: {median:.1f} us of CPU a request")
        off = medians.pop("off")
        for name, median in medians.items():
            print(f"{name} cost {(median / off - 1) * 100:.1f} %")


main()
