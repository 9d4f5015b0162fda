//! Listeners on Unix sockets: their file, and where their requests come from.
//! It must not test what is the same over TCP.

use crate::support::client::Client;
use crate::support::config::Config;
use crate::support::gate::{BINARY, Gate, poll};
use crate::support::request::Request;
use crate::support::upstream::Upstream;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

const KEY: &str = "/bkt/key.txt";
const POLICY: &str = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", "Condition": {"IpAddress": {"aws:SourceIp": "203.0.113.7"}}}]}"#;

/// A gate with a second listener, on a Unix socket.
struct Case {
    upstream: Upstream,
    gate: Gate,
    folder: TempDir,
}

impl Case {
    #[track_caller]
    fn start(keys: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let upstream = Upstream::ok();
        let gate = Gate::start(&config(&upstream, &folder, keys));
        let case = Self { upstream, gate, folder };
        poll("the socket", || UnixStream::connect(case.path()).ok());
        case
    }

    fn path(&self) -> PathBuf {
        socket(&self.folder)
    }

    /// The status of a good request after these bytes; `None` if the connection was closed.
    #[track_caller]
    fn get(&self, before: &[u8], request: &Request) -> Option<u16> {
        let mut client = Client::over(UnixStream::connect(self.path()).unwrap());
        client.send(&[before, &request.presigned()].concat());
        client.try_response("GET").ok().map(|answer| answer.status)
    }
}

fn socket(folder: &TempDir) -> PathBuf {
    folder.path().join("gate.sock")
}

fn config(upstream: &Upstream, folder: &TempDir, keys: &str) -> Config {
    let second = format!("- {{ address: \"unix:{}\"{keys} }}", socket(folder).display());
    Config::resign(upstream.endpoint()).policy(POLICY).another_listener(second)
}

#[test]
fn without_a_word_of_its_peer_nothing_is_served() {
    let case = Case::start("");
    let forged = Request::get(KEY).unsigned("X-Forwarded-For", "203.0.113.7");
    for request in [Request::get(KEY), forged] {
        assert_eq!(case.get(b"", &request), Some(403));
    }
    assert_eq!(case.get(b"PROXY TCP4 203.0.113.7 10.0.0.2 1 2\r\n", &Request::get(KEY)), Some(400));
    case.upstream.assert_untouched();
    let label = format!("listener=\"unix:{}\"", case.path().display());
    poll("counted requests", || {
        (case.gate.metric("presign_gate_requests_total", &[&label, "decision=\"deny\""]) >= 3.0).then_some(())
    });
}

#[test]
fn a_trusted_peer_tells_who_is_there() {
    let case = Case::start(", proxy_protocol: { trusted: [unix] }");
    for (header, expected) in [
        ("PROXY TCP4 203.0.113.7 10.0.0.2 1 2\r\n", Some(200)),
        ("PROXY TCP4 203.0.113.8 10.0.0.2 1 2\r\n", Some(403)),
        ("PROXY UNKNOWN\r\n", Some(403)),
        ("", None),
    ] {
        assert_eq!(case.get(header.as_bytes(), &Request::get(KEY)), expected, "{header}");
    }
    let case = Case::start(", forwarded: { trusted: [unix] }");
    for (client, expected) in [("203.0.113.7", 200), ("203.0.113.8", 403), ("203.0.113.7, 10.0.0.1", 403)] {
        let request = Request::get(KEY).unsigned("X-Forwarded-For", client);
        assert_eq!(case.get(b"", &request), Some(expected), "{client}");
    }
}

#[test]
fn the_file_has_its_mode_and_vanishes_with_the_gate() {
    for (keys, mode, signal) in [("", 0o660, "TERM"), (", mode: 0600", 0o600, "INT")] {
        let mut case = Case::start(keys);
        poll("the mode", || {
            let permissions = std::fs::metadata(case.path()).unwrap().permissions();
            (permissions.mode() & 0o777 == mode).then_some(())
        });
        case.gate.process().signal(signal);
        assert!(case.gate.process().wait().success());
        assert!(!case.path().exists(), "{signal}");
    }
}

#[test]
fn a_stale_file_is_replaced_and_one_in_use_is_refused() {
    let mut case = Case::start("");
    case.gate.process().signal("KILL");
    case.gate.process().wait();
    assert!(case.path().exists());
    let second = Gate::start(&config(&case.upstream, &case.folder, ""));
    poll("the socket", || UnixStream::connect(case.path()).ok());
    drop(second);
    std::fs::remove_file(case.path()).unwrap();
    let live = UnixListener::bind(case.path()).unwrap();
    refuses_to_start(&case, "in use");
    drop(live);
    std::fs::remove_file(case.path()).unwrap();
    std::fs::write(case.path(), "a file").unwrap();
    refuses_to_start(&case, "no socket");
    assert_eq!(std::fs::read(case.path()).unwrap(), b"a file");
}

#[track_caller]
fn refuses_to_start(case: &Case, why: &str) {
    let (listener, admin) = (crate::support::ports::reserve(), crate::support::ports::reserve());
    let text = config(&case.upstream, &case.folder, "").text(listener.address, admin.address);
    let file = case.folder.path().join("gate.yaml");
    std::fs::write(&file, text).unwrap();
    let (code, errors) = run(&file);
    assert!(code == Some(1) && errors.contains(why) && !errors.contains("panicked"), "{code:?} {errors}");
}

fn run(config: &Path) -> (Option<i32>, String) {
    let output = Command::new(BINARY).args(["run", "--config"]).arg(config).output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}
