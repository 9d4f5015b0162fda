#!/usr/bin/env python3
"""`make bench`: the gate beside nginx, nginx with njs, HAProxy and pingora's own proxy, in one run.

Each round measures every contender once, one after the other, so that what else the machine does hits all of them.
CPU time
is what the scheduler counted for the proxy's threads, divided by the requests that were answered; medians over the rounds
go into benches/results and docs/performance.md.
It must not report a cell in which an answer was not the expected one."""

import argparse
import dataclasses
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import contenders
import report
import traffic

HERE = pathlib.Path(__file__).resolve().parent


@dataclasses.dataclass(frozen=True)
class Cell:
    """One kind of load, and who gets it."""

    name: str
    size: str
    who: tuple
    connections: int = 64
    method: str = "GET"
    traffic: str = "valid"


ALL = (
    "nginx", "nginx-log", "nginx-njs", "haproxy", "bare", "floor", "gate", "gate-quiet", "gate-null", "gate-pass",
    "nginx-tls", "gate-tls",
)
PLAIN = ("nginx", "nginx-njs", "haproxy", "bare", "floor", "gate")
UPLOAD = ("nginx", "nginx-stream", "nginx-njs", "haproxy", "bare", "gate", "gate-pass")
# whose answers are timed
PACED = ("nginx", "nginx-log", "haproxy", "bare", "gate", "gate-quiet")
CELLS = [
    Cell("GET 1 KiB", "1k", ALL),
    Cell("GET 64 KiB", "64k", ALL),
    Cell("GET 1 MiB", "1m", ALL, connections=16),
    Cell("GET 64 MiB", "64m", ("nginx", "haproxy", "bare", "gate", "nginx-tls", "gate-tls"), connections=4),
    Cell("PUT 1 MiB", "1m", UPLOAD, connections=16, method="PUT"),
    *(Cell(f"GET 1 KiB, {n} connections", "1k", PLAIN, connections=n) for n in (1, 16, 256, 1000)),
    Cell("GET 1 KiB, denied", "1k", ("nginx-njs", "gate"), traffic="denied"),
    Cell("GET 1 KiB, mixed", "1k", ("nginx-njs", "gate"), traffic="mixed"),
]


class Programs:
    def __init__(self, arguments, scratch):
        self.gate, self.bare, self.floor = arguments.gate, arguments.bare, arguments.floor
        self.store, self.pace = arguments.store, arguments.pace
        self.other = arguments.other
        self.certificate = contenders.certificate(scratch)


def wrk(cell, contender, scratch, seconds):
    """Runs the load; gives what wrk printed and the CPU seconds of the proxy."""
    body = []
    lines = scratch / f"{cell.method}-{cell.size}-{cell.traffic}"
    if cell.method == "PUT":
        body = [str(scratch / "body")]
    threads = ["wrk", "--latency", "-t1", f"-c{cell.connections}", f"-d{seconds}", "--timeout", "20s",
               "-s", str(HERE / "wrk.lua"), contender.url, "--", cell.method, str(lines), *body]
    before = contenders.cpu_seconds(contender.process.pid)
    done = subprocess.run(["taskset", "-c", contenders.LOAD_CPU, *threads], capture_output=True, text=True, check=True)
    spent = contenders.cpu_seconds(contender.process.pid) - before
    return json.loads(done.stdout.strip().splitlines()[-1]), spent


def check(cell, contender, seen):
    """Nobody is compared that answers wrong: a proxy without a check serves what is denied, the others must not."""
    if seen["broken"]:
        raise SystemExit(f"{contender.name}, {cell.name}: {seen['broken']} connections broke")
    share = {"valid": 0, "denied": 1, "mixed": 0.5}[cell.traffic]
    if abs(seen["refused"] / max(seen["requests"], 1) - share) > 0.02:
        raise SystemExit(f"{contender.name}, {cell.name}: {seen['refused']} of {seen['requests']} were refused")


def write_requests(cells, scratch):
    body = os.urandom(1 << 20)
    (scratch / "body").write_bytes(body)
    for cell in cells:
        text = traffic.puts(body) if cell.method == "PUT" else traffic.gets(cell.size, cell.traffic)
        (scratch / f"{cell.method}-{cell.size}-{cell.traffic}").write_text(text)


def measure(cell, contender, scratch, seconds):
    seen, spent = wrk(cell, contender, scratch, seconds)
    check(cell, contender, seen)
    return {
        "cell": cell.name,
        "contender": contender.name,
        "cpu_us": spent / seen["requests"] * 1e6,
        "rate": seen["requests"] / seen["seconds"],
        "busy": spent / seen["seconds"],
        "p50": seen["p50"],
        "p99": seen["p99"],
        "p999": seen["p999"],
        "rss_mib": contenders.resident(contender.process.pid) / (1 << 20),
    }


def load(cells, programs, store, scratch, arguments):
    names = sorted({name for cell in cells for name in cell.who}, key=str)
    running = {name: contenders.Contender(name, scratch, store, programs) for name in names}
    rows = []
    try:
        for contender in running.values():
            contender.start()
        write_requests(cells, scratch)
        for number in range(arguments.rounds + 1):
            for cell in cells:
                for name in cell.who:
                    # the first round warms up: pages, pools, caches
                    seconds = arguments.seconds if number else 1
                    row = measure(cell, running[name], scratch, seconds)
                    if number:
                        rows.append({"round": number, **row})
                        print(f"{number} {row['cell']:28} {name:14} {row['cpu_us']:9.2f} us  {row['rate']:9.0f}/s"
                              f"  p99 {row['p99']:8.0f} us  {row['rss_mib']:6.1f} MiB", flush=True)
    finally:
        for contender in running.values():
            if contender.process:
                contender.stop()
    return rows


def at_rate(programs, contender, requests, rate, seconds):
    """Asks at a steady rate from another CPU; gives the times of the answers and how busy the proxy was."""
    before = contenders.cpu_seconds(contender.process.pid)
    done = subprocess.run(
        ["taskset", "-c", contenders.OTHER_CPU, programs.pace, contender.address, str(requests), str(round(rate)),
         str(seconds), "64"],
        capture_output=True, text=True, check=True)
    seen = json.loads(done.stdout)
    if seen["refused"]:
        raise SystemExit(f"{contender.name}: {seen['refused']} were refused")
    return {**seen, "busy": (contenders.cpu_seconds(contender.process.pid) - before) / seconds}


def paced(programs, scratch, arguments):
    """Times of answers where the proxy has a CPU to itself and is busy for four fifths of the time: each at its own such
    rate, and all at the lowest of these. Load and store are on the other CPU, else they are what the proxy waits for."""
    requests = scratch / "GET-1k-valid"
    requests.write_text(traffic.gets("1k", "valid"))
    rows, running, rate = [], {}, {}
    store = f"127.0.0.1:{contenders.free_port()}"
    process = subprocess.Popen(["taskset", "-c", contenders.OTHER_CPU, arguments.store, store])
    try:
        time.sleep(0.2)
        for name in PACED:
            running[name] = contenders.Contender(name, scratch, store, programs)
            running[name].start()
            # the first connections of all, and what a request costs, which is less when there is more to do
            rate[name] = 8000
            for _ in range(4):
                rate[name] *= 0.8 / at_rate(programs, running[name], requests, rate[name], 2)["busy"]
        print("80 % busy at:", {name: round(it) for name, it in rate.items()})
        for cell, rates in (("80 % busy", rate), ("same rate", dict.fromkeys(rate, min(rate.values())))):
            for number in range(1, arguments.rounds + 1):
                for name, contender in running.items():
                    seen = at_rate(programs, contender, requests, rates[name], 3)
                    rows.append({"round": number, "cell": cell, "contender": name, "rate": rates[name],
                                 **{value: seen[value] for value in ("busy", "p50", "p99", "p999")}})
    finally:
        for contender in running.values():
            if contender.process:
                contender.stop()
        process.terminate()
        process.wait()
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gate", required=True, help="the gate's program")
    parser.add_argument("--other", help="another build of it, as contender `gate-other`")
    parser.add_argument("--kit", required=True, help="the folder with store, bare and pace")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--only", default=".*", help="cells whose name is like this pattern")
    parser.add_argument("--who", default="", help="contenders, with commas")
    parser.add_argument("--no-pace", action="store_true")
    parser.add_argument("--results", type=pathlib.Path, help="the folder for the CSV; left out, nothing is written")
    arguments = parser.parse_args()
    kit = pathlib.Path(arguments.kit)
    for name in ("store", "bare", "floor", "pace"):
        setattr(arguments, name, str(kit / name))
    cells = [cell for cell in CELLS if re.fullmatch(arguments.only, cell.name)]
    if arguments.who:
        wanted = arguments.who.split(",")
        cells = [dataclasses.replace(cell, who=tuple(wanted)) for cell in cells]
    with tempfile.TemporaryDirectory(prefix="presign-gate-bench-") as folder:
        scratch = pathlib.Path(folder)
        programs = Programs(arguments, scratch)
        store = f"127.0.0.1:{contenders.free_port()}"
        process = subprocess.Popen(["taskset", "-c", contenders.LOAD_CPU, arguments.store, store])
        try:
            time.sleep(0.2)
            rows = load(cells, programs, store, scratch, arguments)
            if not arguments.no_pace:
                rows += paced(programs, scratch, arguments)
        finally:
            process.terminate()
            process.wait()
    print()
    print(report.tables(rows))
    if arguments.results:
        report.write(rows, arguments)


if __name__ == "__main__":
    sys.exit(main())
