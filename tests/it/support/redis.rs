//! A Redis of its own that writes down every command before it answers.
//! It must not outlive its test, nor forget what it was told.

use super::gate::{Process, poll_connect};
use super::ports::{self, Reserved};
use std::net::SocketAddr;
use std::process::Command;
use tempfile::TempDir;

/// A running Redis.
#[derive(Debug)]
pub struct RedisServer {
    process: Process,
    at: Reserved,
    folder: TempDir,
}

impl RedisServer {
    pub fn start(more: &[&str]) -> Self {
        let (at, folder) = (ports::reserve(), tempfile::tempdir().unwrap());
        let process = Self::run(&at, &folder, more);
        Self { process, at, folder }
    }

    fn run(at: &Reserved, folder: &TempDir, more: &[&str]) -> Process {
        let port = at.address.port().to_string();
        let mut command = Command::new("redis-server");
        command.args(["--bind", "127.0.0.1", "--port", &port, "--save", "", "--dir"]).arg(folder.path());
        command.args(["--appendonly", "yes", "--appendfsync", "always"]).args(more);
        let mut process = Process::start(&mut command, folder.path());
        poll_connect(&mut process, at.address);
        process
    }

    /// Ends it as a power cut does, and starts it again over what it had written.
    pub fn kill_and_start(&mut self) {
        self.process.signal("KILL");
        self.process.wait();
        self.process = Self::run(&self.at, &self.folder, &[]);
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.at.address
    }

    pub fn kill(&mut self) {
        self.process.signal("KILL");
        self.process.wait();
    }

    /// The section `links` of a config.
    pub fn links(&self, more: &str) -> String {
        format!("{{ store: {{ redis: \"redis://{}/0\" }}{more} }}", self.at.address)
    }
}
