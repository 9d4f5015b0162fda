//! The admin endpoint and the signals: what operators see and how they stop a gate.
//! It must not test the data port beyond what makes the numbers move.

use crate::support::client::Client;
use crate::support::config::Config;
use crate::support::gate::{Gate, poll};
use crate::support::reply::{self, Latch};
use crate::support::request::Request;
use crate::support::sigv4::STRANGER;
use crate::support::upstream::Upstream;
use std::io::Write;
use std::process::{Command, Stdio};

fn start() -> (Upstream, Gate) {
    let upstream = Upstream::ok();
    let gate = Gate::start(&Config::resign(upstream.endpoint()));
    (upstream, gate)
}

#[test]
fn probes_and_version() {
    let (_upstream, gate) = start();
    assert_eq!(gate.admin("GET", "/livez").status, 200);
    assert_eq!(gate.admin("GET", "/readyz").status, 200);
    assert_eq!(gate.admin("GET", "/readyz?verbose").status, 200);
    let version = gate.admin("GET", "/version");
    assert!(
        version.status == 200 && version.text().contains(env!("CARGO_PKG_VERSION")),
        "{}",
        version.text()
    );
    assert_eq!(gate.admin("GET", "/nowhere").status, 404);
    assert!(matches!(gate.admin("POST", "/metrics").status, 404 | 405));
}

#[test]
fn the_data_port_has_no_endpoints_of_its_own() {
    let (upstream, gate) = start();
    for path in ["/metrics", "/livez", "/readyz", "/version", "/config"] {
        let answer = gate.ask("GET", &Request::get(path).bytes(path, &[]));
        answer.assert_error(403, "AccessDenied");
    }
    upstream.assert_untouched();
}

#[test]
fn the_metrics_page_is_one_that_prometheus_reads() {
    let (_upstream, gate) = start();
    let page = gate.admin("GET", "/metrics");
    assert!(page.headers.get("content-type").unwrap().starts_with("text/plain; version=0.0.4"));
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool; `make test` installs it");
    promtool.stdin.take().unwrap().write_all(&page.body).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && text.is_empty(), "{text}");
}

#[test]
fn requests_are_counted_by_what_became_of_them() {
    let (_upstream, gate) = start();
    let allowed = ["decision=\"allow\"", "operation=\"GetObject\"", "bucket=\"bkt\""];
    let before = gate.metric("presign_gate_requests_total", &["decision=\"allow\""]);
    for _ in 0..3 {
        gate.ask("GET", &Request::get("/bkt/key").presigned());
    }
    gate.ask("GET", &Request::get("/bkt/key").key(STRANGER).presigned());
    poll("the requests to be counted", || {
        (gate.metric("presign_gate_requests_total", &allowed) >= before + 3.0).then_some(())
    });
    let denied = ["stage=\"auth\"", "reason=\"unknown_key\""];
    poll("the denial to be counted", || {
        (gate.metric("presign_gate_denied_total", &denied) >= 1.0).then_some(())
    });
    // series that can exist at the start exist at the start
    assert!(gate.metric("presign_gate_denied_total", &["reason=\"expired\""]).abs() < f64::EPSILON);
    assert!((gate.metric("presign_gate_build_info", &["version="]) - 1.0).abs() < f64::EPSILON);
    assert!(gate.metric("process_open_fds", &[]) > 0.0);
}

#[test]
fn terminated_it_finishes_what_it_began() {
    let latch = Latch::default();
    let upstream = Upstream::always(reply::delayed(&latch, "late"));
    let mut gate = Gate::start(&Config::resign(upstream.endpoint()));
    let mut client = Client::connect(gate.address());
    client.send(&Request::get("/bkt/key").presigned());
    drop(upstream.wait(|seen| seen.requests.len() == 1));
    gate.process().signal("TERM");
    poll("the gate to be not ready", || {
        // once it drains, the port may be gone as well
        let Ok(answer) = gate.try_admin("GET", "/readyz") else { return Some(()) };
        (answer.status == 503).then_some(())
    });
    latch.open();
    let answer = client.response("GET");
    assert_eq!((answer.status, answer.text().as_str()), (200, "late"));
    assert_eq!(gate.process().wait().code(), Some(0));
}

#[test]
fn interrupted_it_ends_at_once() {
    for _ in 0..12 {
        let (_upstream, mut gate) = start();
        gate.process().signal("INT");
        assert_eq!(gate.process().wait().code(), Some(0));
        // acceptors that outlived their runtime wrote a hundred megabytes here
        let messages = gate.messages();
        assert!(!messages.contains("ERROR"), "{}", messages.get(..2000).unwrap_or(&messages));
    }
}
