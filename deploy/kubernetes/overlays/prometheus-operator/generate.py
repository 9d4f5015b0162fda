#!/usr/bin/env python3
"""Writes prometheusrule.yaml beside it: the rules of deploy/prometheus as the Prometheus operator takes them.

usage: generate.py [--check]
"""

import pathlib
import sys

import yaml

HERE = pathlib.Path(__file__).resolve().parent
RULES = HERE.parents[2] / "prometheus"


def text():
    groups = [group for name in ("recording.yaml", "alerts.yaml")
              for group in yaml.safe_load((RULES / name).read_text())["groups"]]
    made = {"apiVersion": "monitoring.coreos.com/v1", "kind": "PrometheusRule", "metadata": {"name": "presign-gate"},
            "spec": {"groups": groups}}
    head = "# Made by generate.py from deploy/prometheus; change it there.\n"
    return head + yaml.safe_dump(made, sort_keys=False, width=110)


path = HERE / "prometheusrule.yaml"
if "--check" not in sys.argv[1:]:
    path.write_text(text())
elif path.read_text() != text():
    sys.exit(f"{path} is not what generate.py makes")
