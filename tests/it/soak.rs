//! A long life under load: reloads, refusals and uploads for as long as `SOAK_SECONDS` says, and nothing grows.
//! It must not measure speed.

use crate::support::client::Client;
use crate::support::config::{ALLOW_BUCKET, Config};
use crate::support::gate::{Gate, poll};
use crate::support::load::Load;
use crate::support::request::Request;
use crate::support::time::Deadline;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

/// What the short form takes; `make soak` asks for an hour.
const SECONDS: u64 = 20;
const MIB: u64 = 1024;

/// An origin that remembers nothing, so that it can live as long as the gate.
fn origin() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            std::thread::spawn(move || {
                let mut stream = stream.unwrap();
                stream.set_nodelay(true).unwrap();
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                loop {
                    let mut length = 0;
                    loop {
                        let mut line = String::new();
                        if reader.read_line(&mut line).unwrap_or(0) == 0 {
                            return;
                        }
                        if let Some(told) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                            length = told.trim().parse().unwrap();
                        }
                        if line == "\r\n" {
                            break;
                        }
                    }
                    std::io::copy(&mut reader.by_ref().take(length), &mut std::io::sink()).unwrap();
                    if stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

/// What the gate holds: memory in KiB, open descriptors, and links, which it has to know until no clock can take them
/// for valid: a quarter of an hour after their end, longer than most runs.
fn held(gate: &mut Gate) -> (u64, usize, u64) {
    let links = gate.metric("presign_gate_links_tracked", &[]);
    (gate.process().resident_kib(), gate.process().descriptors(), format!("{links:.0}").parse().unwrap())
}

#[test]
fn nothing_grows_and_every_request_is_counted() {
    let seconds = std::env::var_os("SOAK_SECONDS")
        .map_or(SECONDS, |text| text.to_str().and_then(|text| text.parse().ok()).expect("seconds"));
    let config = Config::resign(format!("http://{}", origin()))
        .more("links: { store: { redb: links.redb } }")
        .more("logs: { access: { path: /dev/null } }");
    let mut gate = Gate::start(&config);
    let load = Load::with(gate.address(), 4, |worker, number| {
        let path = format!("/bkt/{worker}/{}", number % 1000);
        match number % 4 {
            0 => ("PUT", Request::put(&path, &[b'x'; 3000]).authorized()),
            // links with state come and go
            1 if number % 400 == 1 => {
                let uses = Request::get(&format!("{path}-{number}")).query("x-gate-max-uses", "3");
                ("GET", uses.expires("30").presigned())
            }
            _ => ("GET", Request::get(&path).presigned()),
        }
    });
    let (mut refused, mut reloads, mut samples) = (0_usize, 0_u64, Vec::new());
    let end = Deadline::after(Duration::from_secs(seconds));
    while !end.passed() {
        // clients that are refused, and one that goes away in the middle
        for _ in 0..5 {
            let answer = gate.ask("GET", &Request::get("/other/key").presigned());
            assert_eq!(answer.status, 403);
            refused += 1;
        }
        let mut client = Client::connect(gate.address());
        client.send(b"GET /bkt/half HTTP/1.1\r\nHost: s3.te");
        drop(client);
        let policy = ALLOW_BUCKET.replace("AllowBkt", if reloads.is_multiple_of(2) { "One" } else { "Two" });
        gate.rewrite(|listener, admin| config.clone().policy(&policy).text(listener, admin));
        assert_eq!(gate.reload().status, 200);
        reloads += 1;
        samples.push(held(&mut gate));
        std::thread::park_timeout(Duration::from_secs((seconds / 100).clamp(1, 20)));
    }
    let served = load.finish();
    // what was allocated once is kept; after the first third nothing may grow but what links need, a KiB each
    let warm = &samples[samples.len() / 3..];
    let most = |part: &[(u64, usize, u64)]| {
        let most = |of: &dyn Fn(&(u64, usize, u64)) -> u64| part.iter().map(of).max().unwrap();
        (most(&|s| s.0), most(&|s| s.1 as u64), most(&|s| s.2))
    };
    let (first, second) = warm.split_at(warm.len() / 2);
    let ((memory, fds, links), (memory_later, fds_later, links_later)) = (most(first), most(second));
    eprintln!(
        "soak: {seconds} s, {served} requests, {refused} refused, {reloads} reloads; at most {memory} KiB, {fds} \
         descriptors, {links} links, then {memory_later} KiB, {fds_later} descriptors, {links_later} links"
    );
    let room = memory / 10 + 4 * MIB + links_later.saturating_sub(links);
    assert!(memory_later <= memory + room, "{samples:?}");
    assert!(fds_later <= fds + 16, "{samples:?}");
    let whole = |value: usize| f64::from(u32::try_from(value).unwrap());
    let count = |labels: &[&str]| gate.metric("presign_gate_requests_total", labels);
    poll("every request to be counted", || {
        let seen = (count(&["decision=\"allow\""]), count(&["operation=\"GetObject\"", "decision=\"deny\""]));
        (seen.0 >= whole(served) && seen.1 >= whole(refused)).then_some(())
    });
    assert!((count(&["decision=\"allow\""]) - whole(served)).abs() < 0.5, "{served}");
    assert!((gate.metric("presign_gate_requests_in_flight", &[])).abs() < 0.5);
    assert!(gate.metric("presign_gate_log_dropped_total", &[]).abs() < 0.5);
}
