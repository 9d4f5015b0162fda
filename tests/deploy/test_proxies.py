"""nginx, HAProxy and Envoy as docs/proxies.md sets them up, before a gate with the config of that page: signatures survive,
bodies too, and the gate knows who is there.
"""

import functools
import http.client
import pathlib
import tempfile
import unittest

from pages import Step, block, machine
from support import free_port, listens, process, program, run
from test_prometheus import presign as presigned

HOST = "s3.example.internal"
presign = functools.partial(presigned, key="AKIAREPORTS000000001", secret="a secret", host=HOST)


class Proxies(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.machine = cls.enterClassContext(machine(cls.folder, world=False))
        # only the address of the proxy is another here
        cls.machine.write("gate.yaml", block("proxies.md", "yaml").text.replace("10.0.2.7/32", "127.0.0.1/32"))
        cls.machine.run(Step("presign-gate run --config gate.yaml", (), 0))
        cls.forwarded, cls.proxied = (int(cls.machine.here(f"127.0.0.1:{port}").split(":")[1]) for port in (8080, 8081))
        cls.objects = cls.machine.objects
        for key in ("a", "a b", "a//b", "\u00e9+", "a+b=c&d;e~f", "x/./y"):
            cls.objects[f"/reports/{key}"] = b"x" * 1000

    def filled(self, snippet):
        """The snippet with ports of this machine, and the ports that clients use."""
        web, raw = free_port(), free_port()
        for theirs, ours in (
                ("gate.example.internal:8080", f"127.0.0.1:{self.forwarded}"),
                ("gate.example.internal:8081", f"127.0.0.1:{self.proxied}"),
                ("address: gate.example.internal, port_value: 8080", f"address: 127.0.0.1, port_value: {self.forwarded}"),
                ("address: gate.example.internal, port_value: 8081", f"address: 127.0.0.1, port_value: {self.proxied}"),
                ("listen 80;", f"listen 127.0.0.1:{web};"), ("listen 81;", f"listen 127.0.0.1:{raw};"),
                ("bind :80\n", f"bind 127.0.0.1:{web}\n"), ("bind :81\n", f"bind 127.0.0.1:{raw}\n"),
                ("address: 0.0.0.0, port_value: 80 ", f"address: 127.0.0.1, port_value: {web} "),
                ("address: 0.0.0.0, port_value: 81 ", f"address: 127.0.0.1, port_value: {raw} ")):
            snippet = snippet.replace(theirs, ours)
        self.assertNotIn("example.internal", snippet)
        return snippet, web, raw

    def status(self, port, target, client="127.0.0.1", **headers):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10, source_address=(client, 0))
        try:
            connection.request("GET", target, headers={"Host": HOST, **headers})
            return connection.getresponse().status
        finally:
            connection.close()

    def check(self, port):
        bound = presign("/reports/a", **{"x-gate-source-ip": "127.0.0.2/32"})
        self.assertEqual(self.status(port, bound, "127.0.0.2"), 200, "from the network of the link")
        self.assertEqual(self.status(port, bound), 403, "from another")
        self.assertEqual(self.status(port, bound, **{"X-Forwarded-For": "127.0.0.2"}), 403, "with a forged address")
        # what a proxy could change on the way
        for path in ("/reports/a%20b", "/reports/a//b", "/reports/%C3%A9+%2B", "/reports/a%2Bb=c&d;e~f", "/reports/x/./y"):
            expected = self.status(self.forwarded, presign(path), **{"X-Forwarded-For": "127.0.0.9"})
            self.assertEqual(self.status(port, presign(path)), expected, path)
        for path in ("/reports/a%20b", "/reports/a//b"):
            self.assertEqual(self.status(port, presign(path)), 200, path)
        # what an ALB adds, which nobody has signed
        added = {"X-Amzn-Trace-Id": "Root=1-67891233-abcdef012345678912345678", "X-Forwarded-Port": "443", "X-Forwarded-Proto": "http"}
        self.assertEqual(self.status(port, presign("/reports/a"), **added), 200)
        self.assertEqual(self.status(port, presign("/reports/a", secret="wrong")), 403)
        self.upload(port)

    def upload(self, port):
        """Bodies that wait to be asked for: the one that is refused leaves nothing, the other arrives."""
        # what the gate reads of a refused body, so that a proxy which sends it all the same sees the answer
        small, content = bytes(range(256)) * 100, bytes(range(256)) * 12000
        path = self.folder / "body"
        put = lambda target: run(program("curl"), "-s", "-o", "/dev/null", "-w", "%{http_code}", "-T", str(path),
                                 "-H", "Expect: 100-continue", "--connect-to", f"::127.0.0.1:{port}", f"http://{HOST}{target}")
        path.write_bytes(small)
        self.objects.pop("/reports/up", None)
        self.assertEqual(put(presign("/reports/up", method="PUT", secret="wrong")), "403")
        self.assertNotIn("/reports/up", self.objects)
        path.write_bytes(content)
        self.assertEqual(put(presign("/reports/up", method="PUT")), "200")
        self.assertEqual(self.objects["/reports/up"], content)

    def test_past_the_proxy_nobody_gets_in(self):
        with self.assertRaises((http.client.HTTPException, OSError)):
            self.status(self.proxied, presign("/reports/a"))

    def test_nginx(self):
        web_text, web, _ = self.filled(block("proxies.md", "nginx").text)
        stream_text, _, raw = self.filled(block("proxies.md", "nginx", 1).text)
        module = next(pathlib.Path("/usr/lib/nginx/modules").glob("ngx_stream_module.so"), None)
        load = f"load_module {module};\n" if module else ""
        path = self.folder / "nginx.conf"
        temp = "".join(f"  {name}_temp_path {self.folder}/{name};\n"
                       for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        path.write_text(f"{load}daemon off;\nmaster_process off;\npid {self.folder}/nginx.pid;\nerror_log stderr;\n"
                        f"events {{}}\nhttp {{\n  access_log off;\n{temp}{web_text}}}\n{stream_text}")
        with process(program("nginx"), "-c", str(path), "-e", "stderr", ready=listens(web)):
            self.check(web)
            self.check(raw)

    def test_haproxy(self):
        text, web, raw = self.filled(block("proxies.md", "haproxy").text)
        path = self.folder / "haproxy.cfg"
        path.write_text(f"defaults\n    timeout connect 5s\n    timeout client 10s\n    timeout server 10s\n{text}")
        with process(program("haproxy"), "-f", str(path), "-db", ready=listens(web)):
            self.check(web)
            self.check(raw)

    def test_envoy(self):
        text, web, raw = self.filled(block("proxies.md", "envoy").text)
        path = self.folder / "envoy.yaml"
        path.write_text(text)
        up = lambda: listens(web)() and listens(raw)()
        with process(program("envoy"), "-c", str(path), "--concurrency", "1", "--disable-hot-restart", "--log-level", "warn",
                     ready=up):
            self.check(web)
            self.check(raw)


if __name__ == "__main__":
    unittest.main()
