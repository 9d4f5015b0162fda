//! The real binary, running with a config of its own on free ports, ended when dropped.
//! It must not leave a process behind, nor wait without a deadline.

use super::client::{self, Client, Response};
use super::config::Config;
use super::leaks::Watch;
use super::message::Broken;
use super::ports::{self, Reserved};
use super::time::{Deadline, PATIENCE};
use std::fs::File;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tempfile::TempDir;

/// The binary under test.
pub const BINARY: &str = env!("CARGO_BIN_EXE_presign-gate");

/// A child process that is killed when dropped.
#[derive(Debug)]
pub struct Process(Child);

impl Process {
    /// Starts a command with its output in files of `folder`.
    #[track_caller]
    pub fn start(command: &mut Command, folder: &Path) -> Self {
        let file = |name| File::create(folder.join(name)).unwrap();
        let command = command.stdin(Stdio::null()).stdout(file("stdout.log")).stderr(file("stderr.log"));
        Self(command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}")))
    }

    /// Takes care of a process that runs already.
    pub fn adopt(child: Child) -> Self {
        Self(child)
    }

    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// How it ended, if it did.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.0.try_wait().unwrap()
    }

    /// Sends a signal by name, once the process has said what it does on it: before, that is its end.
    #[track_caller]
    pub fn signal(&self, name: &str) {
        let number =
            ["HUP", "INT", "QUIT", "USR1", "TERM"].iter().zip([1_u64, 2, 3, 10, 15]).find(|it| *it.0 == name);
        if let Some((_, number)) = number {
            poll("the process to catch the signal", || {
                (self.caught()? >> (number - 1) & 1 == 1).then_some(())
            });
        }
        self.signal_now(name);
    }

    /// Sends a signal by name, whatever the process does on it by now.
    #[track_caller]
    pub fn signal_now(&self, name: &str) {
        let sent = Command::new("sh").arg("-c").arg(format!("kill -{name} {}", self.id())).status().unwrap();
        assert!(sent.success());
    }

    /// The signals that the process catches, as a mask: proc(5).
    fn caught(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).ok()?;
        let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:"))?;
        u64::from_str_radix(mask.trim(), 16).ok()
    }

    /// Waits for the end.
    #[track_caller]
    pub fn wait(&mut self) -> ExitStatus {
        poll("the end of the process", || self.ended())
    }

    /// Lets the process open so many descriptors more than it has now.
    #[track_caller]
    pub fn limit_descriptors(&self, more: usize) {
        let open = self.descriptors();
        let (pid, limit) = (format!("--pid={}", self.id()), format!("--nofile={}", open + more));
        assert!(Command::new("prlimit").args([pid, limit]).status().unwrap().success());
    }

    /// Its open descriptors.
    pub fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.id())).unwrap().count()
    }

    /// The time of processors that it has used: proc(5), in ticks of a hundredth of a second.
    pub fn cpu_time(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        let ticks: u64 = fields[11..13].iter().map(|ticks| ticks.parse::<u64>().unwrap()).sum();
        Duration::from_millis(ticks * 10)
    }

    /// Resident memory, in KiB.
    pub fn resident_kib(&self) -> u64 {
        resident_kib(self.id())
    }
}

/// Resident memory of a process, in KiB.
pub fn resident_kib(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Asks again and again, with a pause, until there is an answer.
#[track_caller]
pub fn poll<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Deadline::after(PATIENCE);
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(!deadline.passed(), "waited in vain for {what}");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

/// Waits until a number stays as it is: each thread of a gate begins, and opens files of its own, a while after the first
/// answers.
#[track_caller]
pub fn at_rest(what: &str, mut ask: impl FnMut() -> usize) -> usize {
    let (mut last, mut times) = (0, 0);
    poll(what, || {
        let now = ask();
        times = if now == last { times + 1 } else { 0 };
        last = now;
        (times == 40).then_some(now)
    })
}

/// Waits until something listens.
#[track_caller]
pub fn poll_connect(process: &mut Process, address: SocketAddr) {
    poll(&format!("a listener on {address}"), || {
        assert!(process.ended().is_none(), "the process ended: {:?}", process.ended());
        TcpStream::connect(address).ok()
    });
}

/// A running gate.
#[derive(Debug)]
pub struct Gate {
    process: Process,
    listener: Reserved,
    admin: Reserved,
    folder: TempDir,
    watch: Mutex<Watch>,
}

impl Gate {
    /// Starts the gate and waits until it is alive.
    #[track_caller]
    pub fn start(config: &Config) -> Self {
        Self::start_with(|listener, admin| config.text(listener, admin))
    }

    /// The same, with the text of the config made from the two addresses.
    #[track_caller]
    pub fn start_with(text: impl FnOnce(SocketAddr, SocketAddr) -> String) -> Self {
        Self::start_in(&[], text)
    }

    /// The same, with variables in its environment.
    #[track_caller]
    pub fn start_in(
        environment: &[(&str, &str)],
        text: impl FnOnce(SocketAddr, SocketAddr) -> String,
    ) -> Self {
        let mut command = Command::new(BINARY);
        command.envs(environment.iter().copied());
        Self::start_by(command, text)
    }

    /// The same, by a command that `run --config FILE` is added to. It must become the gate, not start one beside it.
    #[track_caller]
    pub fn start_by(mut command: Command, text: impl FnOnce(SocketAddr, SocketAddr) -> String) -> Self {
        let (listener, admin) = (ports::reserve(), ports::reserve());
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("gate.yaml");
        let text = text(listener.address, admin.address);
        std::fs::write(&config, &text).unwrap();
        command.arg("run").arg("--config").arg(&config);
        let process = Process::start(&mut command, folder.path());
        let mut watch = Watch::default();
        watch.config(&text, folder.path());
        let mut gate = Self { process, listener, admin, folder, watch: Mutex::new(watch) };
        gate.wait_until_alive();
        gate
    }

    #[track_caller]
    fn wait_until_alive(&mut self) {
        poll_connect(&mut self.process, self.admin.address);
        poll_connect(&mut self.process, self.listener.address);
        let alive = self.admin("GET", "/livez");
        assert_eq!(alive.status, 200, "{}", alive.text());
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.listener.address
    }

    /// Where the admin endpoint is.
    pub fn admin_address(&self) -> SocketAddr {
        self.admin.address
    }

    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// The config file.
    pub fn config(&self) -> PathBuf {
        self.folder.path().join("gate.yaml")
    }

    /// Puts another config in the place of the file, as editors do: a new file under the old name.
    pub fn rewrite(&self, text: impl FnOnce(SocketAddr, SocketAddr) -> String) {
        let new = self.folder.path().join("gate.yaml.new");
        let text = text(self.listener.address, self.admin.address);
        std::fs::write(&new, &text).unwrap();
        self.watch().config(&text, self.folder.path());
        std::fs::rename(new, self.config()).unwrap();
    }

    /// Tells the gate to read its config again; its answer.
    #[track_caller]
    pub fn reload(&self) -> Response {
        self.admin_with("POST", "/reload", &[], "")
    }

    /// What nothing that the gate writes or says may hold.
    pub fn watch(&self) -> MutexGuard<'_, Watch> {
        self.watch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything the gate wrote, standard output first.
    pub fn output(&self) -> String {
        let read = |name| std::fs::read(self.folder.path().join(name)).unwrap_or_default();
        String::from_utf8_lossy(&[read("stdout.log"), read("stderr.log")].concat()).into_owned()
    }

    /// The gate's own messages so far, which a thread of its own writes.
    pub fn messages(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("stderr.log")).unwrap()
    }

    /// The gate's own messages, once this is among them.
    #[track_caller]
    pub fn wait_for_message(&self, text: &str) -> String {
        poll(text, || Some(self.messages()).filter(|messages| messages.contains(text)))
    }

    /// The files that the gate writes to.
    pub fn logs(&self) -> [PathBuf; 2] {
        ["stdout.log", "stderr.log"].map(|name| self.folder.path().join(name))
    }

    /// Sends bytes on a new connection and reads the one answer.
    #[track_caller]
    pub fn ask(&self, method: &str, bytes: &[u8]) -> Response {
        let answer = client::ask(self.address(), method, bytes);
        self.watch().answer(&answer);
        answer
    }

    /// Asks the admin endpoint.
    #[track_caller]
    pub fn admin(&self, method: &str, path: &str) -> Response {
        self.try_admin(method, path).expect("an answer of the admin endpoint")
    }

    /// Asks the admin endpoint; it may be gone.
    pub fn try_admin(&self, method: &str, path: &str) -> Result<Response, Broken> {
        let request =
            format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.admin.address);
        let mut client = Client::try_connect(self.admin.address)?;
        client.send(request.as_bytes());
        client.try_response(method).inspect(|answer| self.watch().answer(answer))
    }

    /// Asks the admin endpoint with header lines and a body.
    #[track_caller]
    pub fn admin_with(&self, method: &str, path: &str, lines: &[(&str, &str)], body: &str) -> Response {
        let mut request = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
        if !lines.iter().any(|(name, _)| *name == "Host") {
            request.extend(["Host: ", &self.admin.address.to_string(), "\r\n"]);
        }
        for (name, value) in lines {
            request.extend([name, ": ", value, "\r\n"]);
        }
        request.extend(["Content-Length: ", &body.len().to_string(), "\r\n\r\n", body]);
        let answer = client::ask(self.admin.address, method, request.as_bytes());
        self.watch().answer(&answer);
        answer
    }

    /// The value of a series on the metrics page; `labels` as printed, or empty.
    #[track_caller]
    pub fn metric(&self, name: &str, labels: &[&str]) -> f64 {
        let page = self.admin("GET", "/metrics").text();
        let series = |line: &&str| {
            let (series, _) = line.rsplit_once(' ').unwrap_or_default();
            series.split('{').next() == Some(name) && labels.iter().all(|label| series.contains(label))
        };
        let values: Vec<f64> = page
            .lines()
            .filter(series)
            .map(|line| line.rsplit(' ').next().unwrap_or_default().parse().expect("a number"))
            .collect();
        assert!(!values.is_empty(), "no series `{name}` with {labels:?} in\n{page}");
        values.iter().sum()
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // whatever a test was about: nothing that the gate wrote opens a door
            let found = self.watch().leak(self.output().as_bytes());
            assert!(found.is_none(), "the gate has written a signature or a secret: {found:?}");
            let found = self.watch().files();
            assert!(found.is_none(), "the gate has written a signature or a secret into a file: {found:?}");
            for page in ["/metrics", "/denials", "/config", "/revocations", "/readyz?verbose", "/"] {
                // it may have ended
                let Ok(answer) = self.try_admin("GET", page) else { break };
                let found = self.watch().leak(&answer.body);
                assert!(found.is_none(), "{page} tells a signature or a secret: {found:?}");
            }
        }
        if std::thread::panicking() {
            let output = self.output();
            let tail: Vec<_> = output.lines().rev().take(40).collect();
            for line in tail.iter().rev() {
                eprintln!("gate: {line}");
            }
        }
    }
}
