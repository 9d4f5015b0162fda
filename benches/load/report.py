"""What was measured as tables and as CSV with the facts of the machine. It must not measure."""

import csv
import pathlib
import platform
import statistics
import subprocess
import time

COLUMNS = ["round", "cell", "contender", "cpu_us", "rate", "busy", "p50", "p99", "p999", "rss_mib"]


def medians(rows, value):
    """By cell and contender, in the order in which they were measured."""
    found = {}
    for row in rows:
        if row.get(value) is not None:
            found.setdefault(row["cell"], {}).setdefault(row["contender"], []).append(row[value])
    return {cell: {name: statistics.median(values) for name, values in by.items()} for cell, by in found.items()}


def tables(rows):
    """A table of the cost of each kind of load, with ratios to plain nginx, in Markdown."""
    lines = []
    cost, rate = medians(rows, "cpu_us"), medians(rows, "rate")
    p50, p99, p999 = (medians(rows, value) for value in ("p50", "p99", "p999"))
    memory = medians(rows, "rss_mib")
    for cell, by in rate.items():
        base = next((name for name in ("nginx", "nginx-njs") if name in by), None)
        lines += [f"**{cell}**", "",
                  "| | CPU µs | to " + (base or "-") + " | requests/s | p50 µs | p99 µs | p99.9 µs | RSS MiB |",
                  "|---|---|---|---|---|---|---|---|"]
        for name in by:
            spent = cost.get(cell, {}).get(name)
            ratio = f"{spent / cost[cell][base]:.2f}" if spent and base else ""
            shown = f"{spent:.1f}" if spent else ""
            rss = memory.get(cell, {}).get(name)
            lines.append(f"| {name} | {shown} | {ratio} | {by[name]:.0f} | {p50[cell][name]:.0f} | {p99[cell][name]:.0f}"
                         f" | {p999[cell][name]:.0f} | {f'{rss:.0f}' if rss else ''} |")
        lines.append("")
    return "\n".join(lines)


def _said(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr).strip().splitlines()[0]


def machine(arguments):
    """What has to be known to compare these numbers with others."""
    model = next((line.split(":")[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), "unknown")
    flags = pathlib.Path("/proc/cpuinfo").read_text()
    return {
        "date": time.strftime("%Y-%m-%d"),
        "cpu": model,
        "sha_ni": str(" sha_ni" in flags),
        "kernel": platform.release(),
        "rounds": str(arguments.rounds),
        "seconds": str(arguments.seconds),
        "gate": _said(arguments.gate, "version"),
        "nginx": _said("nginx", "-v"),
        "haproxy": _said("haproxy", "-v"),
        "rustc": _said("rustc", "--version"),
    }


def write(rows, arguments):
    arguments.results.mkdir(parents=True, exist_ok=True)
    with open(arguments.results / "load.csv", "w", newline="") as file:
        for name, value in machine(arguments).items():
            file.write(f"# {name}: {value}\n")
        writer = csv.DictWriter(file, COLUMNS, restval="", extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({name: f"{value:.2f}" if isinstance(value, float) else value for name, value in row.items()})
