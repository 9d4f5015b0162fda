"""Every block of every page is run, checked or linted, or says what it would need; commands in the text exist."""

import functools
import json
import pathlib
import re
import subprocess
import tempfile
import unittest

import yaml

from pages import NEEDS, PAGES, WORLD, blocks, machine, steps
from support import ROOT, gate_binary, run
from test_configs import check

TRIED = {"sh", "yaml", "json", "text"}
MARKS = {"file", "needs", "played by"}


def every():
    return [one for page in PAGES for one in blocks(page)]


def kind(text):
    """What a block of JSON is."""
    documents = [json.loads(text)] if text.count("\n{") == 0 else [json.loads(line) for line in text.splitlines()]
    return "policy" if "Statement" in documents[0] else "cases" if "expect" in documents[0] else "other"


class Marks(unittest.TestCase):
    def test_every_block_is_tried_or_says_why_not(self):
        loose = [f"{one}: a block of `{one.language}`" for one in every() if not one.mark and one.language not in TRIED]
        self.assertEqual(loose, [])

    def test_every_mark_is_known(self):
        for one in every():
            with self.subTest(str(one)):
                self.assertIn(one.mark, MARKS | {""})
                if one.mark == "needs":
                    self.assertIn(one.value, NEEDS)
                if one.mark == "played by":
                    player = ROOT / one.value
                    self.assertTrue(player.is_file(), player)
                    self.assertIn(one.page.stem, player.read_text(), "it does not read the page")

    def test_no_mark_is_far_from_its_block(self):
        for page in PAGES:
            marks = re.findall(r"(?m)^<!-- (?:file|needs|played by): ", page.read_text())
            self.assertEqual(len(marks), sum(1 for one in blocks(page) if one.mark), page)

    def test_no_page_is_left_out(self):
        """The reference is made from the tables, and has a test of its own; it holds no commands to run."""
        others = set(ROOT.rglob("*.md")) - set(PAGES)
        others = {path for path in others if not {"target", ".git", "node_modules", "dist", ".venv"} & set(path.parts)}
        self.assertEqual({path.parent for path in others}, {ROOT / "docs/reference", ROOT})
        self.assertEqual({path.name for path in others if path.parent == ROOT}, {"CHANGELOG.md"})
        for path in others:
            self.assertEqual({one.language for one in blocks(path)} - {"text"}, set(), path)

    def test_no_fence_is_left_out(self):
        for page in PAGES:
            fences = re.findall(r"(?m)^\s*(?:```|~~~)", page.read_text())
            self.assertEqual(len(fences), 2 * len(list(blocks(page))), page)


class Commands(unittest.TestCase):
    """The pages with commands, each on a machine of its own: a method for each is added below."""

    def play(self, page):
        found = [one for one in blocks(page) if one.mark == "file" or (one.language == "sh" and not one.mark)]
        own = any(one.mark == "file" and one.value == "gate.yaml" for one in found)
        with tempfile.TemporaryDirectory() as folder, machine(folder, world=not own) as made:
            for one in found:
                with self.subTest(str(one)):
                    if one.mark == "file":
                        made.write(one.value, one.text)
                        continue
                    for step in steps(one.text):
                        made.run(step)


    def test_a_page_that_is_wrong_is_found(self):
        with tempfile.TemporaryDirectory() as folder, machine(folder) as made:
            for text, says in (("false", "exits 1, not 0"), ("true  # exits 1", "exits 0, not 1"), ("echo a  # → b", "does not print `b`"),
                               ("presign-gate run --config no.yaml", "ended"), ("exit 3", "ended the shell")):
                with self.subTest(text):
                    (step,) = steps(text)
                    with self.assertRaisesRegex(AssertionError, says):
                        made.run(step)

    def test_how_commands_are_read(self):
        read = lambda text: [(step.command, step.prints, step.exits) for step in steps(text)]
        self.assertEqual(read("# about\na \\\n  b\n\nc  # says → d → e\nf '#'  # exits 2 → g"),
                         [("a b", (), 0), ("c", ("d", "e"), 0), ("f '#'", ("g",), 2)])


for _page in PAGES:
    if any(one.language == "sh" and not one.mark for one in blocks(_page)):
        _name = re.sub(r"\W", "_", str(_page.relative_to(ROOT).with_suffix("")).lower())
        setattr(Commands, f"test_{_name}", lambda self, page=_page: self.play(page))


class Newcomer(unittest.TestCase):
    def test_the_readme_counts_its_commands(self):
        text = (ROOT / "README.md").read_text()
        commands = [step for one in blocks(ROOT / "README.md") if one.language == "sh" and not one.mark for step in steps(one.text)]
        first = lambda printed: 1 + next(i for i, step in enumerate(commands) if printed in step.prints)
        self.assertEqual((first("200"), first("SignatureDoesNotMatch")), (7, 8))
        self.assertRegex(text, r"the seventh command below is the first\s+that gets an object, the eighth the first that is refused")


class Snippets(unittest.TestCase):
    def test_configs_and_their_parts(self):
        seen = 0
        for one in every():
            if one.language != "yaml" or one.mark not in ("", "file"):
                continue
            seen += 1
            text = one.text if one.text.startswith("version: 1") else self.completed(one.text)
            with self.subTest(str(one)), tempfile.TemporaryDirectory() as folder:
                for other in blocks(one.page):
                    if other.mark == "file":
                        (pathlib.Path(folder) / other.value).write_text(other.text)
                self.assertIn("0 errors", check(text, folder))
        self.assertGreaterEqual(seen, 9)

    @staticmethod
    def completed(part):
        """The config of WORLD with these keys instead of its own."""
        world = re.sub(r"\{ file: [\w.]+ \}", '{ value: "a token" }', WORLD)
        return yaml.safe_dump({**yaml.safe_load(world), **yaml.safe_load(part)}, sort_keys=False)

    def test_a_part_that_is_wrong_is_found(self):
        with tempfile.TemporaryDirectory() as folder, self.assertRaisesRegex(AssertionError, "graze"):
            check(self.completed("links: { graze: 30s }\n"), folder)

    def test_policies_and_their_cases(self):
        seen = {"policy": 0, "cases": 0}
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "block.json"
            for one in every():
                if one.language != "json" or one.mark not in ("", "file"):
                    continue
                path.write_text(one.text)
                command = {"policy": ("policy", "lint"), "cases": ("policy", "test")}.get(kind(one.text))
                with self.subTest(str(one)):
                    self.assertTrue(command, "neither a policy nor cases")
                    run(gate_binary(), *command, str(path))
                    seen[kind(one.text)] += 1
        self.assertTrue(all(seen.values()), seen)


class Mentions(unittest.TestCase):
    """Commands in the running text, which are too short to be run: they exist, with these arguments."""

    @staticmethod
    @functools.cache
    def usage(names):
        """The help of a command, which also says whether there is one."""
        done = subprocess.run([gate_binary(), *names, "--help"], capture_output=True, text=True, timeout=30)
        return done.stdout if done.returncode == 0 else None

    def wrong(self, command):
        names = tuple(re.match(r"presign-gate((?: [a-z]+){1,2})", command)[1].split())
        usage = self.usage(names) if names[0] in ("policy", "audit") else self.usage(names[:1])
        if not usage:
            return f"there is no `{' '.join(names)}`"
        known = set(re.findall(r"--[a-z][a-z-]+", usage))
        unknown = [word for word in re.findall(r"(?<!\S)--[a-z][a-z-]+", command) if word not in known]
        return f"`{names[0]}` has no {unknown}" if unknown else None

    def mentioned(self, pattern):
        for page in PAGES:
            for command in re.findall(rf"`({pattern}[^`\n]*)`", re.sub(r"```.*?```", "", page.read_text(), flags=re.S)):
                yield page.relative_to(ROOT), command

    def test_commands_exist(self):
        found = [(page, command) for page, command in self.mentioned("presign-gate [a-z]")]
        self.assertGreaterEqual(len(found), 5)
        self.assertEqual([f"{page}: {self.wrong(command)}" for page, command in found if self.wrong(command)], [])
        for command in ("presign-gate check --strict a", "presign-gate frobnicate", "presign-gate policy mint"):
            self.assertTrue(self.wrong(command), command)

    def test_targets_of_make_exist(self):
        targets = set(re.findall(r"(?m)^(\w+):", (ROOT / "Makefile").read_text()))
        blocks_of_shell = "\n".join(one.text for one in every() if one.language == "sh")
        named = {command.split()[1] for _, command in self.mentioned("make ")}
        named |= set(re.findall(r"(?m)^make (\w+)", blocks_of_shell))
        self.assertGreaterEqual(len(named), 4)
        self.assertEqual(named - targets, set())


if __name__ == "__main__":
    unittest.main()
