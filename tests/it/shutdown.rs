//! How a gate begins and ends: what the service manager hears, and who is still served meanwhile.
//! It must not test what requests are answered otherwise.

use crate::support::client::Client;
use crate::support::config::Config;
use crate::support::gate::{BINARY, Gate, Process, poll};
use crate::support::ports;
use crate::support::reply::{self, Latch};
use crate::support::request::Request;
use crate::support::time::PATIENCE;
use crate::support::upstream::Upstream;
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Command;

#[test]
fn the_service_manager_hears_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    manager.set_read_timeout(Some(PATIENCE)).unwrap();
    let heard = || {
        let mut line = [0; 100];
        let length = manager.recv(&mut line).expect("a line");
        String::from_utf8(line[..length].to_vec()).unwrap()
    };
    let (listener, admin) = (ports::reserve(), ports::reserve());
    let config = folder.path().join("gate.yaml");
    std::fs::write(&config, Config::resign("http://127.0.0.1:1").text(listener.address, admin.address))
        .unwrap();
    let mut command = Command::new(BINARY);
    command.arg("run").arg("--config").arg(&config).env("NOTIFY_SOCKET", &path);
    let mut process = Process::start(&mut command, folder.path());
    assert_eq!(heard(), "READY=1");
    assert!(std::net::TcpStream::connect(admin.address).is_ok());
    process.signal("HUP");
    assert_eq!((heard(), heard()), ("RELOADING=1".to_owned(), "READY=1".to_owned()));
    process.signal("TERM");
    assert_eq!(heard(), "STOPPING=1");
    assert_eq!(process.wait().code(), Some(0));
}

#[test]
fn in_the_delay_it_is_not_ready_and_serves_on() {
    let upstream = Upstream::ok();
    let config = Config::resign(upstream.endpoint()).more("shutdown: { drain_delay: 1h }");
    let mut gate = Gate::start(&config);
    let mut client = Client::connect(gate.address());
    gate.process().signal("TERM");
    poll("the gate to be not ready", || (gate.admin("GET", "/readyz").status == 503).then_some(()));
    let verbose = gate.admin("GET", "/readyz?verbose").text();
    assert!(verbose.contains("[-] not-draining failed\n"), "{verbose}");
    assert_eq!(gate.admin("GET", "/livez").status, 200);
    for _ in 0..2 {
        client.send(&Request::get("/bkt/key").presigned());
        let answer = client.response("GET");
        assert_eq!((answer.status, answer.headers.get("connection")), (200, None));
    }
    // who does not want to wait says so
    gate.process().signal("INT");
    assert_eq!(gate.process().wait().code(), Some(0));
}

#[test]
fn who_waits_is_let_go_while_others_are_still_served() {
    let latch = Latch::default();
    let upstream = Upstream::always(reply::delayed(&latch, "late"));
    let config = Config::resign(upstream.endpoint()).more("shutdown: { drain_time: 1h }");
    let mut gate = Gate::start(&config);
    let (mut idle, mut busy) = (Client::connect(gate.address()), Client::connect(gate.address()));
    busy.send(&Request::get("/bkt/key").presigned());
    drop(upstream.wait(|seen| seen.requests.len() == 1));
    gate.process().signal("TERM");
    assert!(idle.is_closed());
    latch.open();
    let answer = busy.response("GET");
    assert_eq!((answer.text().as_str(), answer.headers.get("connection")), ("late", Some("close")));
    assert_eq!(gate.process().wait().code(), Some(0));
}

#[test]
fn requests_in_flight_have_so_long_and_no_longer() {
    let latch = Latch::default();
    let upstream = Upstream::always(reply::delayed(&latch, "late"));
    let config = Config::resign(upstream.endpoint()).more("shutdown: { drain_time: 200ms }");
    let mut gate = Gate::start(&config);
    let mut client = Client::connect(gate.address());
    client.send(&Request::get("/bkt/key").presigned());
    drop(upstream.wait(|seen| seen.requests.len() == 1));
    gate.process().signal("TERM");
    assert_eq!(gate.process().wait().code(), Some(0));
    assert!(client.try_response("GET").is_err());
    latch.open();
}

/// Whoever tells a gate to end while it starts is not told that it crashed.
#[test]
fn a_gate_that_is_told_to_end_while_it_starts_ends_well() {
    let folder = tempfile::tempdir().unwrap();
    let (listener, admin) = (ports::reserve(), ports::reserve());
    let config = folder.path().join("gate.yaml");
    std::fs::write(&config, Config::resign("http://127.0.0.1:1").text(listener.address, admin.address))
        .unwrap();
    let start = |config: &std::path::Path| {
        Process::start(Command::new(BINARY).arg("run").arg("--config").arg(config), folder.path())
    };
    for round in 0..40 {
        let mut process = start(&config);
        let name = ["TERM", "INT"][round % 2];
        if round < 20 {
            // at once: only before the program itself runs, signals have the meaning that the system gives them
            process.signal_now(name);
        } else {
            // as soon as it knows what to do
            process.signal(name);
        }
        let ended = process.wait();
        let is_early = round < 20 && ended.signal().is_some();
        assert!(is_early || ended.code() == Some(0), "round {round}: {ended:?}");
        // its sockets are gone
        for address in [listener.address, admin.address] {
            drop(std::net::TcpListener::bind(address).unwrap());
        }
    }
    // before it has read its config, which nobody ever writes here
    let never = folder.path().join("never.yaml");
    assert!(Command::new("mkfifo").arg(&never).status().unwrap().success());
    for name in ["TERM", "INT", "QUIT"] {
        let mut process = start(&never);
        // neither of these is the end
        process.signal("HUP");
        process.signal("USR1");
        process.signal(name);
        assert_eq!(process.wait().code(), Some(0), "{name}");
    }
}
