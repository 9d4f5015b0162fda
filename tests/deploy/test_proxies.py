"""nginx and HAProxy with the snippets of docs/proxies.md: signatures survive, and the gate knows who is there."""

import http.client
import http.server
import pathlib
import re
import tempfile
import threading
import unittest

from support import ROOT, free_port, gate, listens, process, program
from test_prometheus import CONFIG, KEY, SECRET, Store, presign

GUIDE = (ROOT / "docs/proxies.md").read_text()


def snippets(language):
    return re.findall(rf"```{language}\n(.*?)```", GUIDE, re.S)


class Proxies(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        store = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Store)
        threading.Thread(target=store.serve_forever, daemon=True).start()
        cls.addClassCleanup(store.server_close)
        cls.addClassCleanup(store.shutdown)
        cls.forwarded, cls.proxied, admin = free_port(), free_port(), free_port()
        text = CONFIG.format(port=cls.forwarded, admin=admin, key=KEY, secret=SECRET, store=store.server_port)
        listeners = (
            "listeners:\n"
            f'  - {{ address: "127.0.0.1:{cls.forwarded}", forwarded: {{ trusted: [127.0.0.1/32] }} }}\n'
            f'  - {{ address: "127.0.0.1:{cls.proxied}", proxy_protocol: {{ trusted: [127.0.0.1/32] }} }}\n')
        text = re.sub(r"listeners: .*\n", listeners, text)
        cls.enterClassContext(gate(text, cls.folder, admin))

    def filled(self, snippet):
        """The snippet with ports of this machine, and the ports that clients use."""
        web, raw = free_port(), free_port()
        text = snippet.replace("gate.example.internal:8080", f"127.0.0.1:{self.forwarded}")
        text = text.replace("gate.example.internal:8081", f"127.0.0.1:{self.proxied}")
        text = text.replace("listen 80;", f"listen 127.0.0.1:{web};").replace("listen 81;", f"listen 127.0.0.1:{raw};")
        text = text.replace("bind :80\n", f"bind 127.0.0.1:{web}\n").replace("bind :81\n", f"bind 127.0.0.1:{raw}\n")
        self.assertNotIn("example.internal", text)
        return text, web, raw

    def status(self, port, target, client="127.0.0.1", **headers):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10, source_address=(client, 0))
        try:
            connection.request("GET", target, headers={"Host": "s3.test", **headers})
            return connection.getresponse().status
        finally:
            connection.close()

    def check(self, port):
        bound = presign("/data/a", **{"x-gate-source-ip": "127.0.0.2/32"})
        self.assertEqual(self.status(port, bound, "127.0.0.2"), 200, "from the network of the link")
        self.assertEqual(self.status(port, bound), 403, "from another")
        self.assertEqual(self.status(port, bound, **{"X-Forwarded-For": "127.0.0.2"}), 403, "with a forged address")
        # what a proxy could change on the way
        for path in ("/data/a%20b", "/data/a//b", "/data/%C3%A9+%2B", "/data/a%2Bb=c&d;e~f", "/data/x/./y"):
            expected = self.status(self.forwarded, presign(path), **{"X-Forwarded-For": "127.0.0.9"})
            self.assertEqual(self.status(port, presign(path)), expected, path)
        self.assertEqual(self.status(port, presign("/data/a//b")), 200)
        self.assertEqual(self.status(port, presign("/data/a", secret="wrong")), 403)

    def test_past_the_proxy_nobody_gets_in(self):
        with self.assertRaises((http.client.HTTPException, OSError)):
            self.status(self.proxied, presign("/data/a"))

    def test_nginx(self):
        web_text, stream_text = snippets("nginx")
        web_text, web, _ = self.filled(web_text)
        stream_text, _, raw = self.filled(stream_text)
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
        (text,) = snippets("haproxy")
        text, web, raw = self.filled(text)
        path = self.folder / "haproxy.cfg"
        path.write_text(f"defaults\n    timeout connect 5s\n    timeout client 10s\n    timeout server 10s\n{text}")
        with process(program("haproxy"), "-f", str(path), "-db", ready=listens(web)):
            self.check(web)
            self.check(raw)


if __name__ == "__main__":
    unittest.main()
