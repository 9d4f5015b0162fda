"""The proxies that are compared: how each is configured and started, with one worker or thread.

It must not measure. Each has the settings that its users would give it: connections to the store are kept and reused,
and limits that a load would run into are lifted."""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

HERE = pathlib.Path(__file__).resolve().parent
# All on one CPU: what is counted is CPU time, and where the others sleep on another CPU a slow proxy pays for waking them
# again and again, while a fast one keeps them awake.
PROXY_CPU = LOAD_CPU = "0"
# where load and store are when times are measured, and not costs
OTHER_CPU = "1"
# where Debian has its servers
os.environ["PATH"] += ":/usr/sbin"

NGINX = """
load_module /usr/lib/nginx/modules/ngx_http_js_module.so;
daemon off; worker_processes 1; error_log {folder}/error.log warn; pid {folder}/nginx.pid; user root;
events {{ worker_connections 8192; }}
http {{
  access_log {access_log}; keepalive_requests 100000000; keepalive_timeout 300s; tcp_nodelay on;
  client_max_body_size 0; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  js_import gate from {here}/sigv4.js; js_set $verdict gate.verdict;
  upstream store {{ server {store}; keepalive 256; keepalive_requests 100000000; keepalive_timeout 300s; }}
  server {{
    listen {address} backlog=4096 {tls};
    location / {{
      {check}
      proxy_pass http://store; proxy_http_version 1.1; {upload}
      proxy_set_header Connection ""; proxy_set_header Host $http_host;
    }}
  }}
}}
"""
NGINX_TLS = "ssl; ssl_certificate {certificate}; ssl_certificate_key {key}; ssl_session_cache shared:s:1m"

HAPROXY = """
global
  nbthread 1
  maxconn 8192
  stats socket {folder}/stats
defaults
  mode http
  timeout connect 5s
  timeout client 300s
  timeout server 300s
  timeout http-keep-alive 300s
  http-reuse always
frontend clients
  bind {address} backlog 4096
  default_backend store
backend store
  server one {store} pool-max-conn 1024
"""

GATE = {
    "version": 1,
    "hosts": ["s3.test"],
    "credentials": [{
        "access_key_id": "AKIABENCH00000000001",
        "secret_access_key": {"value": "bench-secret"},
        "principal": "arn:aws:iam::111122223333:user/bench",
        "policies": [{
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow",
                "Action": ["s3:GetObject", "s3:PutObject"],
                "Resource": "arn:aws:s3:::bench/*",
            }],
        }],
    }],
    # the policy that the gate was made for: nothing but from these networks, whoever signed
    "policy": {"guardrails": [{
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": "NetworkRestrictions",
            "Effect": "Deny",
            "Action": "*",
            "Resource": "*",
            "Condition": {
                "NotIpAddressIfExists": {"aws:SourceIp": ["127.0.0.1/32", "203.0.113.0/24"]},
                "StringNotEqualsIfExists": {"aws:SourceVpc": "vpc-11112222"},
                "BoolIfExists": {"aws:ViaAWSService": "false"},
            },
        }],
    }]},
    "network": {"vpcs": [{"vpc": "vpc-33334444", "cidrs": ["10.20.0.0/16"]}]},
    "buckets": [{"name": "bench", "upstream": "store"}],
}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Contender:
    """A proxy under its own folder, started with the CPU that all proxies share."""

    def __init__(self, name, scratch, store, programs):
        self.name, self.folder, self.store, self.programs = name, scratch / name, store, programs
        self.tls = name.endswith("-tls")
        self.address = f"127.0.0.1:{free_port()}"
        self.process = None

    @property
    def url(self):
        return f"{'https' if self.tls else 'http'}://{self.address}"

    def start(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        family = self.name.split("-")[0]
        command = getattr(self, f"_{family}")()
        with open(self.folder / "output", "wb") as output:
            self.process = subprocess.Popen(
                ["taskset", "-c", PROXY_CPU, *command], stdout=output, stderr=output, stdin=subprocess.DEVNULL)
        host, port = self.address.split(":")
        deadline = time.monotonic() + 120
        while True:
            try:
                socket.create_connection((host, int(port)), timeout=1).close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit(f"{self.name} does not start: {(self.folder / 'output').read_text()}")
                time.sleep(0.02)

    def stop(self):
        self.process.send_signal(signal.SIGINT if self.name.startswith(("gate", "bare", "floor")) else signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _nginx(self):
        certificate, key = self.programs.certificate
        text = NGINX.format(
            folder=self.folder, here=HERE, store=self.store, address=self.address,
            access_log=f"{self.folder}/access.log" if "-log" in self.name else "off",
            tls=NGINX_TLS.format(certificate=certificate, key=key) if self.tls else "",
            check="if ($verdict != allowed) { return 403; }" if "-njs" in self.name else "",
            upload="proxy_request_buffering off;" if "-stream" in self.name else "",
        )
        (self.folder / "nginx.conf").write_text(text)
        return ["nginx", "-c", str(self.folder / "nginx.conf")]

    def _haproxy(self):
        text = HAPROXY.format(folder=self.folder, store=self.store, address=self.address)
        (self.folder / "haproxy.cfg").write_text(text)
        return ["haproxy", "-f", str(self.folder / "haproxy.cfg")]

    def _bare(self):
        return [self.programs.bare, self.address, self.store]

    def _floor(self):
        return [self.programs.floor, self.address, self.store]

    def _gate(self):
        config = json.loads(json.dumps(GATE))
        listener = {"address": self.address}
        if self.tls:
            certificate, key = self.programs.certificate
            listener["tls"] = {"certificate": str(certificate), "private_key": str(key)}
        config["listeners"] = [listener]
        config["admin"] = {"address": f"127.0.0.1:{free_port()}"}
        access = {"path": "/dev/null" if "-null" in self.name else str(self.folder / "access.log")}
        if "-quiet" in self.name:
            access = {"format": "none"}
        config["logs"] = {"access": access}
        credentials = {"access_key_id": "AKIASTORE", "secret_access_key": {"value": "store"}}
        if "-pass" in self.name:
            credentials = {"passthrough": True}
        config["upstreams"] = [{
            "name": "store", "endpoint": f"http://{self.store}", "region": "us-east-1", "credentials": credentials,
        }]
        self._extend(config)
        (self.folder / "gate.yaml").write_text(json.dumps(config))
        program = self.programs.other if self.name.startswith("gate-other") else self.programs.gate
        return [program, "run", "--config", str(self.folder / "gate.yaml")]

    def _extend(self, config):
        """For the measurements of scale."""


def tasks(pid):
    """The process ids of a process and of its children."""
    found = [pid]
    for child in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        for number in child.read_text().split():
            found += tasks(int(number))
    return found


def cpu_seconds(pid):
    """What all threads have run so far, to the nanosecond, threads that have ended left out."""
    total = 0
    for process in tasks(pid):
        for path in pathlib.Path(f"/proc/{process}/task").glob("*/schedstat"):
            total += int(path.read_text().split()[0])
    return total / 1e9


def resident(pid):
    """Resident memory in bytes, of all processes."""
    total = 0
    for process in tasks(pid):
        for line in pathlib.Path(f"/proc/{process}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                total += int(line.split()[1]) * 1024
    return total


def certificate(folder):
    """A certificate for the listeners with TLS: ECDSA, as most are today."""
    key, file = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=s3.test", "-addext", "subjectAltName=DNS:s3.test", "-keyout", key, "-out", file],
        check=True, capture_output=True)
    os.chmod(key, 0o600)
    return file, key
