"""The Debian package is built, installed, started and removed; the image's root holds all that the gate needs.

Both happen on this machine's own Debian, in a namespace whose writes go to a scratch folder and whose network is empty, so
that nothing of it stays. What systemd and a container daemon would do around them is not tried: there are none.
"""

import os
import pathlib
import re
import shlex
import shutil
import subprocess
import tempfile
import tomllib
import unittest

from support import DEPLOY, ROOT, cache, gate_binary, program, run

UNIT = DEPLOY / "systemd/presign-gate.service"
DOCKERFILE = DEPLOY / "container/Dockerfile"
# all but the S3 server that is for demos and tests
FEATURES = "aws,otlp"
AS_NOBODY = "setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs"
# ends what it started, prints what failed; `until_ok` waits for an answer
HELPERS = """
set -euo pipefail
ip link set lo up
until_ok() { for _ in $(seq 300); do curl -sf "$1" > /dev/null && return; sleep 0.1; done; echo "no answer: $1"; exit 1; }
is() { [ "$1" = "$2" ] || { echo "line $BASH_LINENO: '$1' is not '$2'"; exit 1; }; }
status() { curl -s -o /dev/null -w '%{http_code}' "$@"; }
"""


# mounts what a system needs over a scratch copy of a root, and goes on in there, or beside it
AROUND = """
set -euo pipefail
mkdir "$SCRATCH/up" "$SCRATCH/work" "$ROOT"
mount -t overlay overlay -o "lowerdir=$LOWER,upperdir=$SCRATCH/up,workdir=$SCRATCH/work" "$ROOT"
mkdir -p "$ROOT/proc" "$ROOT/dev"
mount -t proc proc "$ROOT/proc"
mount --rbind /dev "$ROOT/dev"
if [ "$INSIDE" = yes ]; then cp "$SCRATCH/script" "$ROOT/.script"; exec chroot "$ROOT" bash /.script; fi
exec bash "$SCRATCH/script"
"""


def apart(lower, script, inside):
    """Runs a script in a copy of a root that vanishes (or beside it, at `$ROOT`), with processes and a network of its own."""
    as_root = () if os.geteuid() == 0 else (program("sudo"),)
    with tempfile.TemporaryDirectory() as scratch:
        (pathlib.Path(scratch) / "script").write_text(HELPERS + script)
        names = {"SCRATCH": scratch, "ROOT": f"{scratch}/copy", "LOWER": str(lower), "INSIDE": "yes" if inside else "no"}
        try:
            run(*as_root, "env", *(f"{name}={value}" for name, value in names.items()), program("unshare"), "--mount", "--net",
                "--pid", "--fork", "--kill-child", "bash", "-c", AROUND)
        finally:
            run(*as_root, "rm", "-rf", "--one-file-system", f"{scratch}/up", f"{scratch}/work", f"{scratch}/copy")


class Debian(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        # where the package is unpacked by a user that is not the one who made it
        cls.folder.chmod(0o755)
        # the binary of the tests in place of the one that `deploy/debian/build` makes first
        target = pathlib.Path(gate_binary()).parents[1]
        run(program("cargo-deb"), "deb", "--no-build", "--profile", "dev", "--fast", "--output", str(cls.folder / "gate.deb"),
            cwd=ROOT, env={**os.environ, "CARGO_TARGET_DIR": str(target)})
        cls.version = tomllib.loads((ROOT / "Cargo.toml").read_text())["package"]["version"]

    def test_its_metadata(self):
        fields = dict(line.strip().split(": ", 1) for line in run("dpkg-deb", "--field", str(self.folder / "gate.deb")).splitlines()
                      if re.match(r"\w[\w-]*: ", line))
        self.assertEqual((fields["Package"], fields["Section"]), ("presign-gate", "net"))
        self.assertTrue(fields["Version"].startswith(self.version), fields["Version"])
        self.assertIn("libc6", fields["Depends"])

    def test_it_is_installed_started_and_removed(self):
        unit = UNIT.read_text()
        check, start = (re.search(rf"(?m)^{step}=(.*)$", unit)[1] for step in ("ExecStartPre", "ExecStart"))
        key = re.search(r"access_key_id: (AKIAREPORTS\w+)", (DEPLOY / "systemd/gate.yaml").read_text())[1]
        config = "/etc/presign-gate/presign-gate.yaml"
        apart("/", inside=True, script=f"""
export DEBIAN_FRONTEND=noninteractive
dpkg --install {self.folder}/gate.deb > /dev/null
dpkg --verify presign-gate
is "$(presign-gate version --json | grep -o '"version":"[^"]*"')" '"version":"{self.version}"'
systemd-analyze verify presign-gate.service
test ! -e /etc/systemd/system/multi-user.target.wants/presign-gate.service   # nothing runs without a config of yours

# what the unit has systemd do: credentials, a folder for logs, somebody without rights
install -d -m 755 /run/credentials/presign-gate.service
for name in reports store; do echo "the secret of $name" > /run/credentials/presign-gate.service/$name.secret; done
chown -R 65534:65534 /run/credentials
install -d -o 65534 -g 65534 /var/log/presign-gate
cd /
{AS_NOBODY} {check}
{AS_NOBODY} {start} > /var/log/messages-of-the-gate 2>&1 &
gate=$!
until_ok http://127.0.0.1:9090/readyz
is "$(status -H 'Host: s3.example.internal' http://127.0.0.1:8080/reports/q3.pdf)" 403
sign() {{ presign-gate presign GET s3://reports/q3.pdf --config {config} --access-key-id {key} --scheme http; }}
# from loopback, which the shipped policy does not allow
is "$(status --connect-to ::127.0.0.1:8080 "$(sign)")" 403
# lines gather for a moment before they are written
for _ in $(seq 100); do grep -q implicit_deny /var/log/presign-gate/audit.jsonl && break; sleep 0.1; done
grep -q implicit_deny /var/log/presign-gate/audit.jsonl
# with a policy that allows it, the gate asks the store, which is not there
sed -i 's|10.0.0.0/8|127.0.0.0/8|' {config}
kill -HUP $gate
for _ in $(seq 100); do [ "$(status --connect-to ::127.0.0.1:8080 "$(sign)")" = 403 ] || break; sleep 0.1; done
is "$(status --connect-to ::127.0.0.1:8080 "$(sign)")" 503
kill -TERM $gate
wait $gate
presign-gate audit verify /var/log/presign-gate/audit.jsonl > /dev/null

# a config that was changed stays when the package goes, and goes when it is purged
dpkg --remove presign-gate > /dev/null
test ! -e /usr/bin/presign-gate -a -e {config}
dpkg --purge presign-gate > /dev/null
test ! -e {config}
""")
        self.assertFalse(pathlib.Path("/usr/bin/presign-gate").exists(), "it was installed on this machine")


class Image(unittest.TestCase):
    def test_the_c_library_is_all_it_needs(self):
        """The last stage of the Dockerfile, with the base image's C library taken from this Debian."""
        final = DOCKERFILE.read_text().split("\nFROM ")[2]
        user = re.search(r"(?m)^USER (\d+):(\d+)$", final)
        entry, command = (re.search(rf"(?m)^{step} \[(.*)\]$", final)[1] for step in ("ENTRYPOINT", "CMD"))
        words = [word.strip().strip('"') for word in f"{entry}, {command}".split(",")]
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder) / "root"
            self.copy(gate_binary(), root / words[0].lstrip("/"))
            libraries = re.findall(r"(?:=> )?(/\S+) \(0x", run("ldd", gate_binary()))
            # distroless/cc: the C library, its loader, and the unwinder of the compiler
            self.assertLessEqual({pathlib.Path(path).name for path in libraries},
                                 {"libc.so.6", "libm.so.6", "libgcc_s.so.1", "libstdc++.so.6", "ld-linux-x86-64.so.2",
                                  "ld-linux-aarch64.so.1"})
            for path in libraries:
                self.copy(path, root / path.lstrip("/"))
            config = root / "etc/presign-gate/gate.yaml"
            config.parent.mkdir(parents=True)
            config.write_text(re.sub(r"\{ env: \w+ \}", '{ value: "a secret" }', (ROOT / "conf/minimal.yaml").read_text())
                              + "admin: { address: 127.0.0.1:9090 }\n")
            root.chmod(0o755)
            folder = pathlib.Path(folder)
            folder.chmod(0o755)
            apart(root, inside=False, script=f"""
mount -o remount,ro $ROOT
chroot --userspec={user[1]}:{user[2]} $ROOT {shlex.join(words)} > $ROOT/../messages 2>&1 &
gate=$!
until_ok http://127.0.0.1:9090/readyz || cat $ROOT/../messages
is "$(status http://127.0.0.1:8080/reports/q3.pdf)" 403
is "$(stat -c %u $ROOT/proc/$gate)" {user[1]}
touch $ROOT/new 2> /dev/null && exit 1
kill -TERM $gate
wait $gate
""")

    @staticmethod
    def copy(source, target):
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)


class Features(unittest.TestCase):
    def test_what_is_shipped_has_all_but_the_store_of_the_demo(self):
        default = tomllib.loads((ROOT / "Cargo.toml").read_text())["features"]["default"]
        self.assertEqual(set(FEATURES.split(",")), set(default) - {"embedded-s3"})
        for path in ("container/Dockerfile", "debian/build"):
            self.assertIn(f"--no-default-features --features {FEATURES}", (DEPLOY / path).read_text(), path)
        self.assertIn(f"\nfeatures={FEATURES}\n", (DEPLOY / "dist/build").read_text())


if __name__ == "__main__":
    unittest.main()
