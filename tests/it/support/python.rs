//! Scripts that tests run: SDKs, a second S3 server, the attack runner, a browser.
//! It must not install anything; `make test` does.

use super::gate::{Process, poll_connect};
use super::ports::{self, Reserved};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// A file of the cache folder that `make test` fills.
#[track_caller]
pub fn installed(path: &str) -> PathBuf {
    let in_home = || Path::new(&std::env::var_os("HOME").expect("a HOME")).join(".cache/presign-gate");
    let cache = std::env::var_os("PRESIGN_GATE_CACHE").map_or_else(in_home, PathBuf::from);
    let file = cache.join(path);
    assert!(file.exists(), "`{}` is missing: `make test` installs it", file.display());
    file
}

/// The interpreter with the SDK.
fn interpreter() -> PathBuf {
    installed("venv/bin/python")
}

/// A command that runs a Python file of `tests/it`.
pub fn script(name: &str) -> Command {
    run_by(&interpreter(), name)
}

/// A command that sends one client through the gate.
pub fn client(name: &str) -> Command {
    let mut command = of_clients("clients/drive.py");
    command.arg(name);
    command
}

/// A command that runs a Python file of `tests/it` with the clients beside it.
pub fn of_clients(name: &str) -> Command {
    let mut command = run_by(&installed("clients/venv/bin/python"), name);
    command.env("CLIENTS_NODE", installed("clients/node"));
    command
}

/// A command that runs a JavaScript file of `tests/it`, with the browser and the packages that `make test` installs.
pub fn node(name: &str) -> Command {
    let mut command = run_by(Path::new("node"), name);
    command.env("CLIENTS_NODE", installed("clients/node")).env("CHROMIUM", "/usr/bin/chromium");
    command
}

fn run_by(interpreter: &Path, name: &str) -> Command {
    let mut command = Command::new(interpreter);
    if interpreter.file_name().is_some_and(|name| name.to_string_lossy().starts_with("python")) {
        // no compiled files beside the sources
        command.arg("-B");
    }
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it").join(name));
    isolated(&mut command);
    command
}

/// Keeps what the machine itself is set up for out of a client.
pub fn isolated(command: &mut Command) -> &mut Command {
    for (variable, _) in std::env::vars_os() {
        if variable.to_string_lossy().starts_with("AWS_") {
            command.env_remove(variable);
        }
    }
    command.env("AWS_CONFIG_FILE", "/dev/null").env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
    command.env("AWS_EC2_METADATA_DISABLED", "true")
}

/// Runs a command to its end and fails with its output unless it exits with 0.
#[track_caller]
pub fn run(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{command:?}: {status}\n{text}");
    text
}

/// Moto's S3, a process of its own.
#[derive(Debug)]
pub struct Moto {
    _process: Process,
    at: Reserved,
    _folder: TempDir,
}

impl Moto {
    #[track_caller]
    pub fn start() -> Self {
        let (at, folder) = (ports::reserve(), tempfile::tempdir().unwrap());
        let port = at.address.port().to_string();
        let mut command = Command::new(interpreter());
        command.args(["-B", "-m", "moto.server", "-H", "127.0.0.1", "-p", &port]);
        let mut process = Process::start(&mut command, folder.path());
        poll_connect(&mut process, at.address);
        Self { _process: process, at, _folder: folder }
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.at.address)
    }
}
