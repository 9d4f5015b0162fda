//! Objects of the size limit of one upload stream through in both directions without piling up.
//! It must not measure speed, only that memory stays and bytes are right.

use crate::support::client::Client;
use crate::support::config::Config;
use crate::support::gate::Gate;
use crate::support::pattern;
use crate::support::reply;
use crate::support::request::Request;
use crate::support::time::Deadline;
use crate::support::upstream::Upstream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const LENGTH: u64 = 5 << 30;
/// For five gigabytes, on a slow machine.
const PATIENCE: Duration = Duration::from_mins(4);
const GROWTH_KIB: u64 = 32 * 1024;

/// Runs `transfer` while watching the memory of the gate, which is warm already.
#[expect(clippy::print_stdout, reason = "the figure is worth seeing, with `--no-capture`")]
fn watched(gate: &mut Gate, transfer: impl FnOnce(&mut Client) + Send) {
    gate.ask(
        "GET",
        &Request::get("/bkt/warm")
            .unsigned("Connection", "close")
            .key(crate::support::sigv4::STRANGER)
            .presigned(),
    );
    let mut client = Client::connect(gate.address());
    let before = gate.process().resident_kib();
    let done = AtomicBool::new(false);
    let mut most = before;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            client.extend(Deadline::after(PATIENCE));
            transfer(&mut client);
            done.store(true, Ordering::Release);
        });
        while !done.load(Ordering::Acquire) {
            most = most.max(gate.process().resident_kib());
            std::thread::park_timeout(Duration::from_millis(20));
        }
    });
    println!("memory grew by {} KiB, from {before} KiB", most - before);
    assert!(most - before < GROWTH_KIB, "memory grew from {before} to {most} KiB");
}

#[test]
fn a_large_download() {
    let upstream = Upstream::discarding(reply::pattern(LENGTH));
    let mut gate = Gate::start(&Config::resign(upstream.endpoint()));
    watched(&mut gate, |client| {
        client.send(&Request::get("/bkt/large").presigned());
        client.extend(Deadline::after(PATIENCE));
        let (mut length, mut right) = (0, true);
        let answer = client.response_into("GET", &mut |piece| {
            right = right && pattern::is_at(length, piece);
            length += piece.len() as u64;
        });
        assert_eq!((answer.map(|answer| answer.status), length, right), (Ok(200), LENGTH, true));
    });
}

#[test]
fn a_large_upload() {
    let upstream = Upstream::discarding(reply::ok("ok"));
    let mut gate = Gate::start(&Config::resign(upstream.endpoint()));
    watched(&mut gate, |client| {
        let request = Request::new("PUT", "/bkt/large").unsigned("Content-Length", &LENGTH.to_string());
        client.send(&request.presigned());
        assert_eq!(pattern::write(client.stream(), LENGTH), LENGTH);
        client.extend(Deadline::after(PATIENCE));
        assert_eq!(client.response("PUT").status, 200);
    });
    let request = upstream.only_request();
    assert_eq!((request.body_length, request.body_is_pattern), (LENGTH, true));
}
