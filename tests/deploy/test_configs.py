"""Every config of the gate in deploy/ passes `presign-gate check`; units, images and packages are as they say."""

import json
import pathlib
import re
import tempfile
import tomllib
import unittest

import yaml

from support import DEPLOY, ROOT, gate_binary, program, run

CONFIGS = sorted(path for path in DEPLOY.rglob("gate.yaml"))


def check(text, folder):
    """`presign-gate check` of a config, the files and variables that it names being there."""
    folder = pathlib.Path(folder)
    named = set(re.findall(r"\bfile: *([\w./-]+)", text))
    for number, name in enumerate(sorted(named)):
        secret = folder / f"secret-{number}"
        secret.write_text("a secret")
        secret.chmod(0o600)
        text = re.sub(rf"\bfile: *{re.escape(name)}", f"file: {secret}", text)
    path = folder / "gate.yaml"
    path.write_text(text)
    variables = {name: "a secret" for name in re.findall(r"\benv: *(\w+)", text)}
    return run(gate_binary(), "check", str(path), env=variables)


# the one setting that weakens a check in these; nothing else may be warned of
WEAKENED = {
    # the store beside the gate has no certificate
    "deploy/compose/gate.yaml": "upstreams.endpoint",
    # the admin endpoint is for users of the machine
    "deploy/systemd/gate.yaml": "admin.token",
}


class Configs(unittest.TestCase):
    def test_every_config_is_good(self):
        self.assertGreaterEqual(len(CONFIGS), 5)
        for path in CONFIGS:
            with self.subTest(str(path.relative_to(ROOT))), tempfile.TemporaryDirectory() as folder:
                said = check(path.read_text(), folder)
                name = str(path.relative_to(ROOT))
                self.assertIn(f"1 file, 0 errors, {1 if name in WEAKENED else 0} warning", said)
                if name in WEAKENED:
                    self.assertIn(f"checks are weakened by `{WEAKENED[name]}`\n", said)

    def test_a_bad_config_is_found(self):
        with tempfile.TemporaryDirectory() as folder, self.assertRaises(AssertionError):
            check("version: 1\nlisteners: []\n", folder)


class Systemd(unittest.TestCase):
    UNIT = DEPLOY / "systemd/presign-gate.service"

    def test_the_unit_is_tight(self):
        report = run(program("systemd-analyze"), "security", "--offline=true", "--threshold=13", str(self.UNIT))
        self.assertIn("OK", report)

    def test_the_socket_unit_listens_where_the_config_does(self):
        text = (DEPLOY / "systemd/presign-gate.socket").read_text()
        config = yaml.safe_load((DEPLOY / "systemd/gate.yaml").read_text())
        addresses = [listener["address"] for listener in config["listeners"]] + [config["admin"]["address"]]
        self.assertEqual(re.findall(r"(?m)^ListenStream=(.+)$", text), addresses)
        with tempfile.TemporaryDirectory() as folder:
            # systemd looks for the binary and for both units
            for name in ("presign-gate.service", "presign-gate.socket"):
                unit = (DEPLOY / "systemd" / name).read_text().replace("/usr/bin/presign-gate", "/bin/true")
                (pathlib.Path(folder) / name).write_text(unit)
            report = run(program("systemd-analyze"), "verify", "--man=no", f"{folder}/presign-gate.socket")
            self.assertNotIn("presign-gate.socket:", report)

    def test_the_config_is_checked_before_start_and_reload(self):
        text = self.UNIT.read_text()
        for step in ("ExecStartPre", "ExecReload"):
            self.assertIn(f"{step}=/usr/bin/presign-gate check /etc/presign-gate/presign-gate.yaml\n", text)


class Container(unittest.TestCase):
    FILE = DEPLOY / "container/Dockerfile"

    def test_hadolint_finds_nothing(self):
        self.assertEqual(run(program("hadolint"), "--no-color", "--failure-threshold", "info", str(self.FILE)), "")

    def test_the_image_is_small_and_nobodys(self):
        _, build, final = self.FILE.read_text().split("\nFROM ")
        self.assertTrue(final.startswith("gcr.io/distroless/"))
        self.assertNotRegex(final, r"(?m)^RUN|^ADD")
        self.assertRegex(final, r"(?m)^USER [1-9]\d*:[1-9]\d*$")
        self.assertRegex(final, r"(?m)^STOPSIGNAL SIGTERM$")
        for label in ("title", "description", "licenses", "version", "revision"):
            self.assertIn(f"org.opencontainers.image.{label}=", final)
        self.assertIn("--locked", build)
        version = tomllib.loads((ROOT / "Cargo.toml").read_text())["package"]["version"]
        self.assertIn(f"ARG VERSION={version}\n", final)

    def test_the_compiler_is_the_pinned_one(self):
        pinned = tomllib.loads((ROOT / "rust-toolchain.toml").read_text())["toolchain"]["channel"]
        self.assertIn(f"FROM rust:{pinned}-", self.FILE.read_text())

    def test_what_the_build_needs_is_sent(self):
        sent = (DEPLOY / "container/Dockerfile.dockerignore").read_text().split()
        for name in [line[1:] for line in sent if line.startswith("!")]:
            self.assertTrue((ROOT / name).exists(), name)


class Compose(unittest.TestCase):
    def test_every_file_is_there_and_nothing_but_two_ports_is_open(self):
        made = yaml.safe_load((DEPLOY / "compose/compose.yaml").read_text())
        for name, service in made["services"].items():
            for volume in service.get("volumes", []):
                source = volume.split(":")[0]
                if source.startswith("."):
                    self.assertTrue((DEPLOY / "compose" / source).exists(), source)
                else:
                    self.assertIn(source, made["volumes"])
            for secret in service.get("secrets", []):
                self.assertIn(secret, made["secrets"])
        ports = {name: service["ports"] for name, service in made["services"].items() if "ports" in service}
        self.assertEqual(ports, {"gate": ["8080:8080"], "grafana": ["127.0.0.1:3000:3000"]})
        self.assertTrue(made["networks"]["store"]["internal"])


class Debian(unittest.TestCase):
    def test_everything_in_the_package_is_there(self):
        package = tomllib.loads((ROOT / "Cargo.toml").read_text())["package"]
        deb = package["metadata"]["deb"]
        for source, _, mode in deb["assets"]:
            if not source.startswith("target/"):
                self.assertTrue(list(ROOT.glob(source)), source)
            self.assertRegex(mode, r"^[67][0-7][0-7]$")
        installed = {f"/{target}" for _, target, _ in deb["assets"]}
        self.assertEqual([name for name in deb["conf-files"] if name not in installed], [])
        unit = deb["systemd-units"]
        self.assertTrue((ROOT / unit["unit-scripts"] / f"{unit['unit-name']}.service").exists())


class Aws(unittest.TestCase):
    def test_the_template_is_good(self):
        self.assertEqual(run(program("cfn-lint"), "-t", str(DEPLOY / "aws/cloudformation.yaml")), "")

    def test_terraform_parses_and_names_what_it_has(self):
        import hcl2

        text, blocks = "", {"resource": set(), "data": set(), "variable": set()}
        for path in sorted((DEPLOY / "aws/terraform").glob("*.tf")):
            source = path.read_text()
            text += source
            parsed = hcl2.loads(source)
            for kind in ("resource", "data"):
                for block in parsed.get(kind, []):
                    for type_, named in block.items():
                        blocks[kind] |= {f"{type_}.{name}".replace('"', "") for name in named}
            blocks["variable"] |= {name.strip('"') for block in parsed.get("variable", []) for name in block}
        self.assertGreater(len(blocks["resource"]), 15)
        self.assertEqual(set(re.findall(r"\bvar\.(\w+)", text)), blocks["variable"])
        self.assertEqual(set(re.findall(r"\bdata\.(\w+\.\w+)", text)) - blocks["data"], set())
        used = set(re.findall(r"(?<![\w.])(aws_\w+\.\w+)\.", text))
        self.assertEqual(used - blocks["resource"], set())

    def test_both_ask_for_the_same(self):
        template = (DEPLOY / "aws/cloudformation.yaml").read_text()
        terraform = (DEPLOY / "aws/terraform/main.tf").read_text()
        for name in ("OnlyThroughTheGatesEndpoint", "TheBucketByTheGate", "GATE_CONFIG", "/readyz", "9090",
                     "ELBSecurityPolicy-TLS13-1-2-2021-06", "aws:SourceVpce"):
            self.assertIn(name, template)
            self.assertIn(name, terraform)


if __name__ == "__main__":
    unittest.main()
