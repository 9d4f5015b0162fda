"""A real Prometheus scrapes a gate under load: every query of a dashboard and every rule is answered, with data.

The gate has all that a family asks for: limits, a store of links, shadow policies, a certificate, credentials that expire.
"""

import datetime
import hashlib
import hmac
import http.server
import json
import pathlib
import re
import tempfile
import threading
import time
import unittest
import urllib.parse

import yaml

from support import DEPLOY, fetch, free_port, gate, poll, process, program, run
from test_dashboards import dashboards, filled, queries

SECRET = "a secret of the test"
KEY = "AKIDDEPLOYTEST000001"
CONFIG = """
version: 1
listeners:
  - {{ address: "127.0.0.1:{port}" }}
  - {{ address: "127.0.0.1:{tls}", tls: {{ certificate: tls.crt, private_key: tls.key }} }}
admin: {{ address: "127.0.0.1:{admin}" }}
hosts: [s3.test]
credentials:
  - access_key_id: {key}
    secret_access_key: {{ value: "{secret}" }}
    policies:
      - Version: "2012-10-17"
        Statement:
          - {{ Sid: Objects, Effect: Allow, Action: "s3:*", Resource: "arn:aws:s3:::data/*" }}
          - {{ Sid: NoSecrets, Effect: Deny, Action: "s3:*", Resource: "arn:aws:s3:::data/secret/*" }}
buckets: [{{ name: data, upstream: store }}]
upstreams:
  - name: store
    endpoint: http://127.0.0.1:{store}
    region: us-east-1
    credentials: {{ access_key_id: AKIDSTORE00000000001, secret_access_key: {{ value: "of the store" }} }}
  - name: role
    endpoint: http://127.0.0.1:{store}
    region: us-east-1
    credentials: {{ provider: aws }}
policy:
  shadow:
    - Version: "2012-10-17"
      Statement: [{{ Effect: Deny, Action: "s3:*", Resource: "arn:aws:s3:::data/a" }}]
links:
  store: {{ memory: true }}
  grace: 0s
  rate_limits: [{{ per: source_ip, requests: 100000, every: 1s }}]
logs: {{ access: {{ path: access.log }}, audit: {{ path: audit.jsonl }} }}
"""


def presign(path, expires=900, age=0, secret=SECRET, method="GET", key=KEY, host="s3.test", region="us-east-1", **query):
    """The target of a presigned URL."""
    date = (datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=age)).strftime("%Y%m%dT%H%M%SZ")
    scope = f"{date[:8]}/{region}/s3/aws4_request"
    query = {"X-Amz-Algorithm": "AWS4-HMAC-SHA256", "X-Amz-Credential": f"{key}/{scope}", "X-Amz-Date": date,
             "X-Amz-Expires": str(expires), "X-Amz-SignedHeaders": "host", **query}
    quote = lambda text: urllib.parse.quote(text, safe="-._~")
    text = "&".join(f"{quote(name)}={quote(query[name])}" for name in sorted(query))
    canonical = f"{method}\n{path}\n{text}\nhost:{host}\n\nhost\nUNSIGNED-PAYLOAD"
    signing = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        signing = hmac.digest(signing, part.encode(), "sha256")
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    to_sign = f"AWS4-HMAC-SHA256\n{date}\n{scope}\n{digest}"
    return f"{path}?{text}&X-Amz-Signature={hmac.digest(signing, to_sign.encode(), 'sha256').hex()}"


class Store(http.server.BaseHTTPRequestHandler):
    """A store that has every object."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = b"x" * 1000
        if self.path == "/credentials":
            # as a container's agent answers (AWS SDKs: AWS_CONTAINER_CREDENTIALS_FULL_URI)
            end = (datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=6)).strftime("%Y-%m-%dT%H:%M:%SZ")
            body = json.dumps({"AccessKeyId": "ASIAROLE", "SecretAccessKey": "role", "Token": "t", "Expiration": end}).encode()
        self.send_response(503 if "broken" in self.path else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def recorded():
    """The names of the series that rules record."""
    groups = yaml.safe_load((DEPLOY / "prometheus/recording.yaml").read_text())["groups"]
    return [rule["record"] for group in groups for rule in group["rules"]]


def names(expr):
    """The names of the metrics in an expression."""
    return {re.sub(r"_(bucket|sum|count)$", "", name) for name in
            re.findall(r"\b((?:presign_gate|process)_\w+)", re.sub(r"\w+:(\w+):\w+", "", expr))}


class Prometheus(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = cls.enterClassContext
        folder = cls.stack(tempfile.TemporaryDirectory())
        store = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Store)
        threading.Thread(target=store.serve_forever, daemon=True).start()
        cls.addClassCleanup(store.server_close)
        cls.addClassCleanup(store.shutdown)
        cls.port, cls.admin, prometheus = free_port(), free_port(), free_port()
        config = CONFIG.format(port=cls.port, admin=cls.admin, key=KEY, secret=SECRET, store=store.server_port, tls=free_port())
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
            "-subj", "/CN=s3.test", "-addext", "subjectAltName=DNS:s3.test", "-keyout", f"{folder}/tls.key",
            "-out", f"{folder}/tls.crt")
        credentials = f"http://127.0.0.1:{store.server_port}/credentials"
        cls.stack(gate(config, folder, cls.admin, AWS_CONTAINER_CREDENTIALS_FULL_URI=credentials))
        for name in ("recording.yaml", "alerts.yaml"):
            (pathlib.Path(folder) / name).write_text((DEPLOY / "prometheus" / name).read_text())
        settings = yaml.safe_load((DEPLOY / "prometheus/prometheus.yaml").read_text())
        settings["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
        settings["scrape_configs"][0]["static_configs"][0]["targets"] = [f"127.0.0.1:{cls.admin}"]
        path = pathlib.Path(folder) / "prometheus.yaml"
        path.write_text(yaml.safe_dump(settings))
        cls.api = f"http://127.0.0.1:{prometheus}/api/v1"
        cls.stack(process(
            program("prometheus"), f"--config.file={path}", f"--storage.tsdb.path={folder}/data",
            f"--web.listen-address=127.0.0.1:{prometheus}", cwd=folder,
            ready=lambda: (fetch(f"http://127.0.0.1:{prometheus}/-/ready") or (0,))[0] == 200))
        cls.load()

    @classmethod
    def load(cls):
        """Requests of every outcome, until Prometheus has seen their rates."""
        outcomes = {
            presign("/data/a"): 200, presign("/data/broken"): 503, presign("/data/a", secret="wrong"): 403,
            presign("/data/a", expires=1, age=60): 403, presign("/data/secret/a"): 403, "/data/a": 403,
            presign("/data/a", **{"x-gate-source-ip": "10.0.0.0/8"}): 403,
            presign("/data/a", **{"x-gate-source-ip": "127.0.0.0/8"}): 200,
            # used once, and spent from then on
            presign("/data/once", **{"x-gate-max-uses": "1"}): (200, 403),
        }
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            for target, expected in outcomes.items():
                status, body = fetch(f"http://127.0.0.1:{cls.port}{target}", Host="s3.test")
                assert status in (expected if isinstance(expected, tuple) else (expected,)), (target, status, body)
            # each group of rules has its own turn, and a rate needs two scrapes before it
            awaited = ["rate(presign_gate_requests_total[10s]) > 0", *recorded()]
            missing = [expr for expr in awaited if not cls.query(expr)]
            if not missing:
                return
            time.sleep(0.2)
        raise AssertionError(f"Prometheus has no value of {missing}")

    @classmethod
    def query(cls, expr):
        status, body = fetch(f"{cls.api}/query?query={urllib.parse.quote(expr)}")
        answer = json.loads(body)
        assert status == 200 and answer["status"] == "success", f"{expr}: {answer}"
        return answer["data"]["result"]

    def families(self):
        page = fetch(f"http://127.0.0.1:{self.admin}/metrics")[1].decode()
        return set(re.findall(r"^# TYPE (\S+)", page, re.M))

    def test_every_query_of_a_dashboard_has_data(self):
        families, without = self.families(), []
        for board in dashboards().values():
            for panel, expr in queries(board):
                unknown = names(expr) - families
                self.assertEqual(unknown, set(), f"{panel['title']}: no such metric")
                result = self.query(filled(expr, __rate_interval="30s", __range="5m"))
                if not result:
                    without.append(f"{board['title']}, {panel['title']}: {expr}")
        self.assertEqual(without, [])

    def test_every_variable_has_values(self):
        for board in dashboards().values():
            for variable in board["templating"]["list"][1:]:
                series = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"])
                found = self.query(filled(series.group(1)))
                self.assertTrue(all(one["metric"][series.group(2)] for one in found) and found, variable)

    def test_every_rule_is_healthy(self):
        def rules():
            groups = json.loads(fetch(f"{self.api}/rules")[1])["data"]["groups"]
            found = [rule for group in groups for rule in group["rules"]]
            return all(rule["health"] != "unknown" for rule in found) and found

        found = poll("the rules to be evaluated", rules)
        self.assertEqual([rule for rule in found if rule["health"] != "ok"], [])
        self.assertEqual({rule["name"] for rule in found if rule["type"] == "recording"}, set(recorded()))

    def test_every_rule_names_metrics_that_exist(self):
        families = self.families()
        for name in ("recording.yaml", "alerts.yaml"):
            for group in yaml.safe_load((DEPLOY / "prometheus" / name).read_text())["groups"]:
                for rule in group["rules"]:
                    self.assertEqual(names(rule["expr"]) - families, set(), rule)

    def test_the_page_is_clean(self):
        page = fetch(f"http://127.0.0.1:{self.admin}/metrics")[1].decode()
        self.assertEqual(run(program("promtool"), "check", "metrics", input=page), "")


if __name__ == "__main__":
    unittest.main()
