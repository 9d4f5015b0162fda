//! What the gate does when there is no more: descriptors, memory for bodies, connections to a store, allowed addresses.
//! It must not test what one request may cost; that is with the limits of a request.

use crate::support::client::Client;
use crate::support::config::Config;
use crate::support::gate::{BINARY, Gate, poll};
use crate::support::reply::{self, Latch};
use crate::support::request::Request;
use crate::support::time::{Deadline, Watch};
use crate::support::upstream::Upstream;
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

fn get() -> Vec<u8> {
    Request::get("/bkt/key").presigned()
}

/// A gate whose process may open so many files.
fn with_files(upstream: &Upstream, files: &str) -> Gate {
    let mut command = Command::new("prlimit");
    command.arg(format!("--nofile={files}")).arg(BINARY);
    Gate::start_by(command, |listener, admin| Config::resign(upstream.endpoint()).text(listener, admin))
}

fn denied(gate: &Gate, reason: &str) -> f64 {
    gate.metric("presign_gate_denied_total", &[&format!("reason=\"{reason}\"")])
}

/// The fault test F-12: a thousand clients at a gate that may open 256 files.
#[test]
fn a_gate_without_descriptors_neither_spins_nor_hangs() {
    let upstream = Upstream::ok();
    let mut gate = with_files(&upstream, "256:256");
    gate.wait_for_message("has room for");
    let mut kept = Client::connect(gate.address());
    let mut ask = || {
        kept.send(&get());
        kept.response("GET").status
    };
    assert_eq!(ask(), 200);
    let address = gate.address();
    let crowd: Vec<_> = (0..1000).map(|_| TcpStream::connect(address).unwrap()).collect();
    poll("refused connections", || (denied(&gate, "connection_limit") >= 1.0).then_some(()));
    let (from, before) = (Watch::start(), gate.process().cpu_time());
    // whoever is there is served, the admin endpoint answers, and whoever finds no room is closed, not left to hang
    let full = Deadline::after(Duration::from_secs(2));
    while !full.passed() {
        assert_eq!(ask(), 200);
        assert_eq!(gate.admin("GET", "/livez").status, 200);
        assert_eq!(gate.admin("GET", "/readyz").status, 200);
        assert!(Client::connect(address).is_closed());
        std::thread::park_timeout(Duration::from_millis(50));
    }
    let used = gate.process().cpu_time().saturating_sub(before);
    assert!(used * 2 < from.elapsed(), "{used:?} of {:?}", from.elapsed());
    let files = std::fs::read_dir(format!("/proc/{}/fd", gate.process().id())).unwrap().count();
    assert!(files < 256, "{files}");
    drop(crowd);
    let gone = Watch::start();
    poll("room for a new client", || {
        let mut client = Client::try_connect(address).ok()?;
        client.send(&get());
        client.try_response("GET").ok().filter(|answer| answer.status == 200)
    });
    assert!(gone.elapsed() < Duration::from_secs(5), "{:?}", gone.elapsed());
    // a burst may meet the limit of the system, and waits then instead of trying again and again
    let met = gate.messages().matches("open files").count();
    assert!(met < 10, "{met} times: {}", gate.messages());
}

#[test]
fn the_limit_of_open_files_is_raised_to_what_is_allowed() {
    let upstream = Upstream::ok();
    let mut gate = with_files(&upstream, "300:4000");
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", gate.process().id())).unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    assert_eq!(line.split_whitespace().nth(3), Some("4000"), "{line}");
    let room = gate.wait_for_message("has room for");
    assert!(room.contains("not for the 50000 of `limits.connections`"), "{room}");
    gate.rewrite(|listener, admin| {
        Config::resign(upstream.endpoint()).more("limits: { connections: 100 }").text(listener, admin)
    });
    assert_eq!(gate.reload().status, 200);
    assert_eq!(gate.messages().matches("has room for").count(), 1, "{}", gate.messages());
}

/// Bodies that a rule reads whole have a ceiling together, and what is over it is told so, not kept waiting.
#[test]
fn bodies_that_are_read_whole_have_a_ceiling_together() {
    let upstream = Upstream::ok();
    let config = Config::resign(upstream.endpoint());
    let gate = Gate::start(&config.more("limits: { buffered_body: 64KiB, buffered_bodies: 100KiB }"));
    let list = format!("<Delete><Object><Key>{}</Key></Object></Delete>", "k".repeat(60_000 / 100));
    let padded = format!("{list}{}", " ".repeat(60_000 - list.len()));
    let delete = || Request::new("POST", "/bkt").query("delete", "").with_body(padded.as_bytes()).presigned();
    let held = || gate.metric("presign_gate_buffered_body_bytes", &[]);
    let mut slow = Client::connect(gate.address());
    let bytes = delete();
    let (first, rest) = bytes.split_at(bytes.len() - 100);
    slow.send(first);
    poll("the first body", || (held() >= 60_000.0).then_some(()));
    let answer = gate.ask("POST", &delete());
    answer.assert_error(503, "SlowDown");
    assert_eq!(answer.headers.get("retry-after"), Some("1"));
    poll("a counted refusal", || (denied(&gate, "buffers_full") >= 1.0).then_some(()));
    // other requests need no such memory
    assert_eq!(gate.ask("GET", &get()).status, 200);
    slow.send(rest);
    let answer = slow.response("POST");
    assert_eq!(answer.status, 200, "{}", answer.text());
    poll("the memory to be given back", || (held() < 1.0).then_some(()));
    assert_eq!(gate.ask("POST", &delete()).status, 200);
    // and so it is when a client goes away in the middle
    let mut gone = Client::connect(gate.address());
    gone.send(first);
    poll("the body", || (held() >= 60_000.0).then_some(()));
    drop(gone);
    poll("the memory to be given back", || (held() < 1.0).then_some(()));
}

#[test]
fn an_upstream_gets_no_more_connections_than_it_may() {
    let latch = Latch::default();
    let held = latch.clone();
    let upstream = Upstream::scripted(move |request| {
        if request.path() == "/bkt/slow" { reply::delayed(&held, "slow") } else { reply::ok("ok") }
    });
    let gate =
        Gate::start(&Config::resign(upstream.endpoint()).more("    pool: { connections: 2, idle: 1 }"));
    let busy = || gate.metric("presign_gate_upstream_connections", &[]);
    let mut slow: Vec<_> = (0..2).map(|_| Client::connect(gate.address())).collect();
    for client in &mut slow {
        client.send(&Request::get("/bkt/slow").presigned());
    }
    poll("two busy connections", || (busy() > 1.5).then_some(()));
    for _ in 0..10 {
        let answer = gate.ask("GET", &get());
        answer.assert_error(503, "SlowDown");
        assert_eq!(answer.headers.get("retry-after"), Some("1"));
    }
    poll("counted refusals", || (denied(&gate, "upstream_busy") >= 10.0).then_some(()));
    // no third one comes, and the two are there
    assert_eq!(upstream.wait(|seen| seen.requests.len() >= 2).requests.len(), 2);
    // full is not broken
    assert!(gate.metric("presign_gate_upstream_endpoints", &["state=\"up\""]) > 0.5);
    latch.open();
    for client in &mut slow {
        assert_eq!(client.response("GET").status, 200);
    }
    poll("no busy connection", || (busy() < 0.5).then_some(()));
    assert_eq!(gate.ask("GET", &get()).status, 200);
}

/// The attack case UPS-10: a name of a store that leads to this machine.
#[test]
fn a_name_that_leads_where_it_must_not() {
    let upstream = Upstream::ok();
    let named = upstream.endpoint().replace("127.0.0.1", "localhost");
    let denying = "    deny_addresses: [127.0.0.0/8, \"::1/128\"]";
    let gate = Gate::start(&Config::resign(named.clone()).more(denying));
    for _ in 0..3 {
        gate.ask("GET", &get()).assert_error(502, "BadGateway");
    }
    upstream.assert_untouched();
    poll("counted refusals", || (denied(&gate, "upstream_address") >= 3.0).then_some(()));
    gate.wait_for_message("`deny_addresses`");
    // nothing is denied that the config does not list, and an address that stands in it is what its author means
    for config in [Config::resign(named), Config::resign(upstream.endpoint()).more(denying)] {
        let gate = Gate::start(&config);
        assert_eq!(gate.ask("GET", &get()).status, 200);
    }
}
