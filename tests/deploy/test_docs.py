"""The guides: links lead somewhere, and what they show happens when it is done."""

import hashlib
import json
import pathlib
import re
import tempfile
import unittest

import boto3
from botocore.config import Config

from pages import block
from support import ROOT, gate_binary, run

GUIDES = [*sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "deploy").rglob("*.md")), *sorted(ROOT.glob("*.md"))]
GATE = """
version: 1
listeners: [{ address: "127.0.0.1:8080" }, { address: "127.0.0.1:8081", proxy_protocol: { trusted: [10.9.0.0/24] } }]
hosts: [s3.example.internal]
network: { vpc_endpoints: [{ id: vpce-0a1b2c3d, vpc: vpc-11112222 }] }
credentials:
  - access_key_id: AKIAREPORTS000000001
    secret_access_key: { value: "a secret" }
    policies:
      - { Version: "2012-10-17", Statement: [{ Effect: Allow, Action: "s3:GetObject", Resource: "arn:aws:s3:::reports/*" }] }
buckets: [{ name: reports, upstream: main }]
upstreams: [{ name: main, endpoint: "http://127.0.0.1:9000", region: us-east-1, credentials: { passthrough: true } }]
"""


def anchors(text):
    heads = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", text, flags=re.S), re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


class Docs(unittest.TestCase):
    def test_links_lead_somewhere(self):
        broken = []
        for guide in GUIDES:
            text = re.sub(r"```.*?```", "", guide.read_text(), flags=re.S)
            for target in re.findall(r"\]\(([^)\s]+)\)", text):
                name, _, anchor = target.partition("#")
                if re.match(r"[a-z]+:", name):
                    continue
                path = (guide.parent / name).resolve() if name else guide
                if not path.exists() or (anchor and anchor not in anchors(path.read_text())):
                    broken.append(f"{guide.relative_to(ROOT)}: {target}")
        self.assertEqual(broken, [])

    def test_every_guide_is_listed(self):
        index = (ROOT / "docs/README.md").read_text()
        for guide in (ROOT / "docs").glob("*.md"):
            self.assertTrue(guide.name == "README.md" or f"({guide.name})" in index, guide.name)


class Shown(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.config = self.folder / "gate.yaml"
        self.config.write_text(GATE)

    def explain(self, url, *more, allowed):
        text = run(gate_binary(), "explain", url, "--config", str(self.config), "--json", *more, ok=allowed)
        return json.loads(text)

    def test_a_link_that_boto3_binds_to_a_network(self):
        code = block("networks.md", "python").text
        client = boto3.client(
            "s3", region_name="us-east-1", endpoint_url="http://s3.example.internal", aws_access_key_id="AKIAREPORTS000000001",
            aws_secret_access_key="a secret", config=Config(signature_version="s3v4", s3={"addressing_style": "path"}))
        names = {"client": client}
        exec(code, names)
        self.assertIn("x-gate-source-ip=10.20.0.0%2F16", names["url"])
        self.explain(names["url"], "--source-ip", "10.20.1.2", allowed=True)
        self.assertEqual(self.explain(names["url"], "--source-ip", "203.0.113.9", allowed=False)["reason"], "link_source_ip")

    def test_the_guardrail_of_the_guide(self):
        (self.folder / "network.json").write_text(block("networks.md", "json").text)
        self.config.write_text(GATE + "policy: { guardrails: [network.json] }\n")
        url = run(gate_binary(), "presign", "GET", "s3://reports/q3.pdf", "--config", str(self.config),
                  "--access-key-id", "AKIAREPORTS000000001").strip()
        self.explain(url, "--source-ip", "10.1.2.3", allowed=True)
        self.explain(url, "--vpce", "vpce-0a1b2c3d", allowed=True)
        self.assertEqual(self.explain(url, "--source-ip", "203.0.113.9", allowed=False)["reason"], "explicit_deny")

    def test_the_hash_of_an_audit_line_is_as_described(self):
        zeros = "0" * 64
        content = f'{{"seq":1,"prev":"{zeros}","kind":"started"'
        line = f'{content},"hash":"{hashlib.sha256(content.encode()).hexdigest()}"}}\n'
        path = self.folder / "audit.jsonl"
        path.write_text(line)
        self.assertIn("1 lines, 1 to 1", run(gate_binary(), "audit", "verify", str(path)))
        path.write_text(line.replace("started", "stopped"))
        self.assertIn("line 1:", run(gate_binary(), "audit", "verify", str(path), ok=False))


if __name__ == "__main__":
    unittest.main()
