"""What the tests of `deploy/` share: where things are, a running gate, other programs that end with their test.

They are run by `make test`, after the gate is built, with the interpreter of tests/setup. Nothing is skipped: what is
missing is a failure that says how to install it.
"""

import contextlib
import functools
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
PATIENCE = 30


def program(name):
    """The path of a program that tests/setup installs: beside the interpreter, among the tools, or of the system."""
    folders = [os.path.dirname(sys.executable), f"{cache()}/tools/bin", os.environ["PATH"], "/usr/sbin"]
    found = shutil.which(name, path=os.pathsep.join(folders))
    assert found, f"`{name}` is missing: `make test` installs it"
    return found


def cache():
    return os.environ.get("PRESIGN_GATE_CACHE", os.path.expanduser("~/.cache/presign-gate"))


@functools.cache
def gate_binary():
    target = os.environ.get("CARGO_TARGET_DIR", f"{cache()}/target")
    path = pathlib.Path(target) / "debug/presign-gate"
    assert path.exists(), f"`{path}` is missing: `make test` builds it"
    return str(path)


def run(*command, ok=True, **more):
    """Runs a command to its end; fails with its output unless it ends as it should."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, **more)
    assert (done.returncode == 0) == ok, f"{command}: exit {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


GIVEN = set()


def free_port():
    """A port that nobody listens on, and that no other call was given: the kernel gives a port twice if it stayed unused."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        if port not in GIVEN:
            GIVEN.add(port)
            return port


def poll(what, ask, patience=PATIENCE):
    """Asks until there is an answer."""
    deadline = time.monotonic() + patience
    while True:
        answer = ask()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.05)


def fetch(url, **headers):
    """Status and body of an answer, whatever the status; `None` if nobody is there."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
    except OSError:
        return None


@contextlib.contextmanager
def process(*command, ready, **more):
    """A program that runs until the block ends."""
    with tempfile.TemporaryFile("w+") as output:
        child = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, **more)

        def up():
            assert child.poll() is None, f"{command} ended: {output.seek(0) or output.read()}"
            return ready()

        try:
            poll(f"{command[0]} to be ready", up)
            yield child
        finally:
            child.terminate()
            try:
                child.wait(timeout=10)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def listens(port):
    def ask():
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0
    return ask


@contextlib.contextmanager
def gate(config, folder, admin, **environment):
    """The gate with the text of a config, in a folder of its own, and with variables in its environment."""
    path = pathlib.Path(folder) / "gate.yaml"
    path.write_text(config)
    alive = lambda: (fetch(f"http://127.0.0.1:{admin}/livez") or (0,))[0] == 200
    with process(gate_binary(), "run", "--config", str(path), ready=alive, cwd=folder, env={**os.environ, **environment}) as child:
        yield child
