"""What a release says of itself: the bill of materials is valid and complete, every licence is there, nothing varies."""

import hashlib
import json
import os
import pathlib
import re
import tempfile
import tomllib
import unittest

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from support import DEPLOY, ROOT, gate_binary, program, run
from test_packages import FEATURES

# for other systems, or for tests
ABSENT = {"windows-sys", "proptest", "divan", "s3s", "s3s-fs"}
PRESENT = {"pingora-core", "ring", "redb", "redis", "rustls", "aws-config", "opentelemetry-proto"}


class Materials(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.bill, cls.licences = (path.read_text() for path in cls.made("first"))
        cls.components = {one["name"]: one for one in json.loads(cls.bill)["components"]}

    @classmethod
    def made(cls, name):
        paths = cls.folder / f"{name}.json", cls.folder / f"{name}.txt"
        run(program("python"), "-B", str(DEPLOY / "dist/materials.py"), "--features", FEATURES, "--binary", gate_binary(),
            "--sbom", str(paths[0]), "--licences", str(paths[1]),
            env={**os.environ, "SOURCE_DATE_EPOCH": "1767225600", "PRESIGN_GATE_REVISION": "a revision"})
        return paths

    def test_it_keeps_to_the_schema(self):
        validator = JsonStrictValidator(SchemaVersion.V1_6)
        self.assertIsNone(validator.validate_str(self.bill))
        self.assertIsNotNone(validator.validate_str(self.bill.replace('"purl"', '"pearl"')))

    def test_it_names_what_is_in_the_binary(self):
        self.assertEqual(PRESENT - set(self.components), set())
        self.assertEqual(ABSENT & set(self.components), set())
        subject = json.loads(self.bill)["metadata"]["component"]
        self.assertEqual(subject["hashes"][0]["content"], hashlib.sha256(pathlib.Path(gate_binary()).read_bytes()).hexdigest())

    def test_every_crate_has_checksum_and_licence(self):
        locked = {(one["name"], one["version"]): one.get("checksum")
                  for one in tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]}
        for name, one in self.components.items():
            self.assertEqual(one["hashes"][0]["content"], locked[name, one["version"]])
            self.assertTrue(one["licenses"][0]["expression"])
            self.assertIn(f"\n{name} {one['version']}: ", self.licences)

    def test_what_a_crate_needs_is_listed(self):
        made = json.loads(self.bill)
        names = {one["bom-ref"] for one in made["components"]} | {made["metadata"]["component"]["bom-ref"]}
        self.assertEqual({one["ref"] for one in made["dependencies"]}, names)
        self.assertEqual({ref for one in made["dependencies"] for ref in one["dependsOn"]} - names, set())

    def test_texts_of_licences_are_there(self):
        for words in ("Permission is hereby granted, free of charge", "Apache License", "Redistribution and use in source"):
            self.assertIn(words, self.licences)
        # their licence is named, but its text is not in the package that was published
        self.assertLess(self.licences.count("(its package holds no text)"), 12)

    def test_a_second_time_it_is_the_same(self):
        self.assertEqual([path.read_text() for path in self.made("second")], [self.bill, self.licences])
        for text in (self.bill, self.licences):
            self.assertNotRegex(text, re.escape(str(ROOT)))
            self.assertNotRegex(text, r"/\.cargo/registry")


if __name__ == "__main__":
    unittest.main()
