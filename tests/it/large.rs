//! Objects of the size limit of one upload stream through in both directions without piling up.
//! It must not measure speed, only that memory stays and bytes are right.

use crate::support::chunks::{Chain, SIGNED, UNSIGNED_TRAILER, base64};
use crate::support::client::Client;
use crate::support::config::Config;
use crate::support::gate::Gate;
use crate::support::pattern;
use crate::support::reply;
use crate::support::request::Request;
use crate::support::time::Deadline;
use crate::support::upstream::Upstream;
use sha2::{Digest, Sha256};
use std::io::Write;
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

/// Writes a body of the pattern in chunks of 64 KiB, each in one of HTTP.
fn send_chunks(out: &mut impl Write, mut chain: Chain, length: u64, is_plain: bool) {
    let mut send = |bytes: &[u8]| {
        let framed = [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat();
        out.write_all(&framed).unwrap();
    };
    let mut hash = Sha256::new();
    for position in (0..length).step_by(65_536) {
        let data = pattern::piece(position, 65_536);
        if !is_plain {
            hash.update(&data);
        }
        send(&chain.chunk(&data));
    }
    let value = base64(&hash.finalize());
    let trailer = (!is_plain).then_some(("x-amz-checksum-sha256", value.as_str()));
    send(&[chain.chunk(b""), chain.end(trailer).into_bytes()].concat());
    out.write_all(b"0\r\n\r\n").unwrap();
}

/// A gigabyte in signed chunks of 64 KiB, as SDKs send it, and the same with a trailer that goes on.
#[test]
fn a_large_upload_in_chunks() {
    const LENGTH: u64 = 1 << 30;
    for mode in [SIGNED, UNSIGNED_TRAILER] {
        let upstream = Upstream::discarding(reply::ok("ok"));
        let mut gate = Gate::start(&Config::resign(upstream.endpoint()));
        watched(&mut gate, |client| {
            let request = Request::new("PUT", "/bkt/large")
                .signed("x-amz-content-sha256", mode)
                .signed("x-amz-decoded-content-length", &LENGTH.to_string())
                .unsigned("Transfer-Encoding", "chunked");
            let request = if mode == SIGNED {
                request
            } else {
                request.signed("x-amz-trailer", "x-amz-checksum-sha256")
            };
            client.send(&request.authorized());
            send_chunks(client.stream(), request.chain(mode), LENGTH, mode == SIGNED);
            client.extend(Deadline::after(PATIENCE));
            assert_eq!(client.response("PUT").status, 200);
        });
        let request = upstream.only_request();
        if mode == SIGNED {
            assert_eq!((request.body_length, request.body_is_pattern), (LENGTH, true));
        } else {
            assert!(request.body_length > LENGTH);
        }
    }
}
