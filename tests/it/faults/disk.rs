//! Disks that are full and logs that nobody takes: requests go on, what cannot be written is counted, and what must be
//! written before an answer is refused.
//! It must not test what a log says.

use super::{after, get, in_own_mounts};
use crate::support::client::Client;
use crate::support::config::Config;
use crate::support::gate::{BINARY, Gate, Process, poll};
use crate::support::ports;
use crate::support::redis::RedisServer;
use crate::support::request::Request;
use crate::support::time::{Deadline, Watch};
use crate::support::upstream::Upstream;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

fn dropped(gate: &Gate) -> f64 {
    gate.metric("presign_gate_log_dropped_total", &[])
}

fn links(upstream: &Upstream, store: &str) -> Config {
    Config::resign(upstream.endpoint())
        .more("expose_reasons: true")
        .more(&format!("links: {{ store: {store} }}"))
}

/// F-13: a file that takes nothing.
#[test]
fn an_access_log_on_a_full_disk_is_counted_and_requests_go_on() {
    let upstream = Upstream::ok();
    let gate =
        Gate::start(&Config::resign(upstream.endpoint()).more("logs: { access: { path: /dev/full } }"));
    for _ in 0..20 {
        assert_eq!(gate.ask("GET", &get("key")).status, 200);
    }
    poll("the lines to be counted", || (dropped(&gate) >= 20.0).then_some(()));
}

/// A disk of a megabyte that only the gate sees, and a way to look at it.
struct Disk {
    root: PathBuf,
}

impl Disk {
    fn of(gate: &mut Gate, folder: &Path) -> Self {
        let inside = format!("/proc/{}/root{}", gate.process().id(), folder.display());
        Self { root: PathBuf::from(inside) }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Takes all the room that is left.
    fn fill(&self) {
        use std::io::Write as _;
        let mut file = std::fs::File::options().create(true).append(true).open(self.path("filler")).unwrap();
        for size in [65_536, 4096, 1] {
            while file.write_all(&vec![0; size]).is_ok() {}
        }
    }

    fn free(&self) {
        std::fs::remove_file(self.path("filler")).unwrap();
    }
}

/// F-13: the disk with access log, audit log and link store is full, and has room again.
#[test]
fn a_full_disk_refuses_links_with_state_alone_and_heals_without_a_restart() {
    let upstream = Upstream::ok();
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().display();
    let config = links(&upstream, &format!("{{ redb: {at}/links.redb }}, grace: 0s")).more(&format!(
        "logs: {{ access: {{ path: {at}/access.jsonl }}, audit: {{ path: {at}/audit.jsonl }} }}"
    ));
    let command = in_own_mounts(&format!("mount -t tmpfs -o size=6m tmpfs {at}"));
    let mut gate = Gate::start_by(command, |listener, admin| config.text(listener, admin));
    let disk = Disk::of(&mut gate, folder.path());
    let limited = |note: &str| Request::get("/bkt/key").query("x-gate-max-uses", "1").query("x-note", note);
    let ask = |request: &Request| gate.ask("GET", &request.presigned());
    let spent = limited("spent");
    assert_eq!(ask(&spent).status, 200);
    let before = dropped(&gate);

    disk.fill();
    // as many as it takes until the store wants a page that it does not have
    let watch = Watch::start();
    poll("the store to fail", || {
        let answer = ask(&limited(&fastrand::u64(..).to_string()));
        let reason = answer.headers.get("x-gate-reason").map(str::to_owned);
        match (answer.status, reason.as_deref()) {
            (200, None) => None,
            (503, Some("link_store")) => Some(()),
            other => panic!("{other:?}"),
        }
    });
    // what needs no state goes on, and so do refusals
    for _ in 0..20 {
        assert_eq!(ask(&Request::get("/bkt/key")).status, 200);
        assert_eq!(ask(&Request::get("/other/key")).status, 403);
    }
    let refused = ask(&spent);
    assert!(matches!(refused.status, 403 | 503), "{}", refused.text());
    poll("lines to be counted", || (dropped(&gate) > before).then_some(()));
    println!("the store failed after {:?}; {} lines were dropped", watch.elapsed(), dropped(&gate) - before);
    // a revocation holds on this gate, and its caller is told if it could not be written
    let revoked = Request::get("/bkt/key").query("x-note", "revoked");
    let link = format!("http://{}{}", gate.address(), revoked.presigned_target());
    let answer = gate.admin_with("POST", "/revocations", &[], &json!({ "link": link }).to_string());
    assert!(answer.status == 201 || answer.status >= 500, "{} {}", answer.status, answer.text());
    assert_eq!(ask(&revoked).status, 403);
    poll("the gate to be not ready", || {
        ask(&limited(&fastrand::u64(..).to_string()));
        (gate.admin("GET", "/readyz").status == 503).then_some(())
    });
    assert_eq!(gate.admin("GET", "/livez").status, 200);

    disk.free();
    poll("the store to work again", || {
        (ask(&limited(&fastrand::u64(..).to_string())).status == 200).then_some(())
    });
    assert_eq!(ask(&spent).headers.get("x-gate-reason"), Some("link_max_uses"));
    assert_eq!(ask(&revoked).status, 403);
    poll("the gate to be ready", || (gate.admin("GET", "/readyz").status == 200).then_some(()));
    // the logs go on in whole lines, and the chain tells what is missing
    let read = |name| std::fs::read_to_string(disk.path(name)).unwrap();
    poll("lines of the audit log", || {
        assert_eq!(ask(&Request::get("/other/key")).status, 403);
        read("audit.jsonl").contains("\"kind\":\"dropped\"").then_some(())
    });
    assert!(read("access.jsonl").lines().all(|line| line.starts_with('{') && line.ends_with('}')));
    let verified =
        Command::new(BINARY).args(["audit", "verify"]).arg(disk.path("audit.jsonl")).output().unwrap();
    assert!(verified.status.success(), "{verified:?}");
}

/// F-13: standard output is closed, or its reader is gone.
#[test]
fn a_gate_without_standard_output_goes_on() {
    let upstream = Upstream::ok();
    let config = Config::resign(upstream.endpoint()).more("logs: { access: { path: \"-\" } }");
    for (script, counts) in [
        ("exec >&-", false),
        ("exec 2>&-", false),
        // the reader of the pipe has ended before the gate begins
        ("mkfifo \"$0.fifo\"; (: < \"$0.fifo\") & exec > \"$0.fifo\"; wait", true),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let script = script.replace("$0", &folder.path().join("out").display().to_string());
        let mut gate = Gate::start_by(after(&script), |listener, admin| config.text(listener, admin));
        for _ in 0..20 {
            assert_eq!(gate.ask("GET", &get("key")).status, 200);
        }
        if counts {
            poll("the lines to be counted", || (dropped(&gate) >= 20.0).then_some(()));
        }
        gate.process().signal("TERM");
        assert_eq!(gate.process().wait().code(), Some(0), "{script}");
    }
}

/// A gate whose standard output or error is a pipe that nobody reads.
fn unread(config: &Config, output: Stdio, errors: Stdio, folder: &Path) -> (Process, [ports::Reserved; 2]) {
    let at = [ports::reserve(), ports::reserve()];
    let path = folder.join("gate.yaml");
    std::fs::write(&path, config.text(at[0].address, at[1].address)).unwrap();
    let mut command = Command::new(BINARY);
    command.args(["run", "--config"]).arg(path).stdin(Stdio::null()).stdout(output).stderr(errors);
    let mut process = Process::adopt(command.spawn().unwrap());
    for reserved in &at {
        crate::support::gate::poll_connect(&mut process, reserved.address);
    }
    (process, at)
}

fn metric(at: &ports::Reserved, name: &str) -> f64 {
    let request = "GET /metrics HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n";
    let page = crate::support::client::ask(at.address, "GET", request.as_bytes()).text();
    let line = page.lines().find(|line| line.split(' ').next() == Some(name)).expect("the series");
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

/// F-13: the reader of the access log stands still. The queue takes so many lines, then they are counted.
#[test]
fn an_access_log_that_nobody_reads_keeps_nobody_waiting() {
    let upstream = Upstream::ok();
    let config = Config::resign(upstream.endpoint()).more("logs: { access: { path: \"-\" } }");
    let folder = tempfile::tempdir().unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    let (mut gate, at) = unread(&config, writer.into(), Stdio::null(), folder.path());
    let mut client = Client::connect(at[0].address);
    // refusals are quick, and each is a line
    let batch = b"GET /bkt/key HTTP/1.1\r\nHost: s3.test\r\n\r\n".repeat(50);
    let end = Deadline::after(Duration::from_mins(1));
    let mut sent = 0;
    while metric(&at[1], "presign_gate_log_dropped_total") < 0.5 {
        assert!(!end.passed(), "no line was dropped after {sent}");
        for _ in 0..20 {
            client.send(&batch);
            for _ in 0..50 {
                assert_eq!(client.response("GET").status, 403);
            }
            sent += 50;
        }
    }
    println!("{sent} requests until a line was dropped");
    assert_eq!(crate::support::client::ask(at[0].address, "GET", &get("key")).status, 200);
    gate.signal("TERM");
    assert_eq!(gate.wait().code(), Some(0));
    drop(reader);
}

/// F-13: the reader of the messages stands still, while there is a message for each request.
#[test]
fn messages_that_nobody_reads_keep_nobody_waiting() {
    const REQUESTS: usize = 1000;
    let upstream = Upstream::ok();
    let mut server = RedisServer::start(&[]);
    let config = Config::resign(upstream.endpoint())
        .more(&format!("links: {}", server.links(", when_store_fails: allow")));
    let folder = tempfile::tempdir().unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    let (mut gate, at) = unread(&config, Stdio::null(), writer.into(), folder.path());
    let mut client = Client::connect(at[0].address);
    let link = Request::get("/bkt/key").query("x-gate-max-uses", "1").presigned();
    let mut ask = || {
        client.send(&link);
        client.response("GET").status
    };
    assert_eq!(ask(), 200);
    server.kill();
    let watch = Watch::start();
    for _ in 0..REQUESTS {
        assert_eq!(ask(), 200);
    }
    println!(
        "{REQUESTS} requests with a message each, and nobody who reads them, took {:?}",
        watch.elapsed()
    );
    let lost = metric(&at[1], "presign_gate_log_dropped_total");
    println!("{lost} messages were dropped");
    gate.signal("TERM");
    assert_eq!(gate.wait().code(), Some(0));
    drop(reader);
}
