//! Limits on the requests of a source, which count before a signature is looked at.
//! It must not test the counting itself; that has a table.

use crate::support::config::Config;
use crate::support::gate::{Gate, poll};
use crate::support::request::Request;
use crate::support::sigv4::STRANGER;
use crate::support::time::now;
use crate::support::upstream::Upstream;

const KEY: &str = "/bkt/key.txt";

/// A time whose window does not end while a test runs.
fn long() -> &'static str {
    if now() % 3600 < 3480 { "60m" } else { "50m" }
}

fn start(requests: u64) -> (Upstream, Gate) {
    let upstream = Upstream::ok();
    let limit =
        format!("links: {{ rate_limits: [{{ per: source_ip, requests: {requests}, every: {} }}] }}", long());
    let config = Config::resign(upstream.endpoint())
        .listener("forwarded: { trusted: [127.0.0.1] }")
        .more(&limit)
        .more("expose_reasons: true");
    (upstream, Gate::start(&config))
}

fn from(client: &str, request: &Request) -> Request {
    request.clone().unsigned("X-Forwarded-For", client)
}

#[test]
fn a_source_gets_so_many_requests_whatever_they_are() {
    let (upstream, gate) = start(3);
    let good = Request::get(KEY);
    let ask = |request: &Request| gate.ask("GET", &from("192.0.2.1", request).presigned());
    assert_eq!(ask(&good).status, 200);
    assert_eq!(ask(&good.clone().key(STRANGER)).status, 403);
    assert_eq!(ask(&good.clone().host("elsewhere.test")).status, 400);
    for request in [good.clone(), good.clone().key(STRANGER), good.clone().host("elsewhere.test")] {
        let answer = ask(&request);
        answer.assert_error(503, "SlowDown");
        assert_eq!(answer.headers.get("x-gate-reason"), Some("rate_limited"));
        let wait: u64 = answer.headers.get("retry-after").expect("Retry-After").parse().unwrap();
        assert!((1..=3600).contains(&wait), "{wait}");
    }
    // a client that is told to wait keeps its connection
    let head = gate.ask("HEAD", &from("192.0.2.1", &Request::new("HEAD", KEY)).presigned());
    assert_eq!((head.status, head.headers.get("connection")), (503, None));
    let another = gate.ask("GET", &from("192.0.2.2", &good).presigned());
    assert_eq!(another.status, 200);
    assert_eq!(upstream.recording().requests.len(), 2);
    let limited = gate.metric("presign_gate_rate_limited_total", &["rule=\"source_ip 3/"]);
    assert!((limited - 4.0).abs() < 0.5, "{limited}");
    poll("counted refusals", || {
        (gate.metric("presign_gate_denied_total", &["reason=\"rate_limited\""]) >= 4.0).then_some(())
    });
}

#[test]
fn a_subscriber_is_one_source_and_so_are_those_who_do_not_say() {
    let (_upstream, gate) = start(1);
    let status = |client: &str| gate.ask("GET", &from(client, &Request::get(KEY)).presigned()).status;
    for (client, expected) in [
        ("2001:db8:0:1::1", 200),
        ("2001:db8:0:1::2", 503),
        ("2001:db8:0:2::1", 200),
        // what cannot be read is refused, and is no way around the limit
        ("not an address", 403),
        ("another one", 503),
        ("192.0.2.1", 200),
        ("spoofed, 192.0.2.1", 503),
    ] {
        assert_eq!(status(client), expected, "{client}");
    }
}

#[test]
fn without_a_limit_nothing_is_counted() {
    let upstream = Upstream::ok();
    let gate = Gate::start(&Config::resign(upstream.endpoint()));
    for _ in 0..50 {
        assert_eq!(gate.ask("GET", &Request::get(KEY).presigned()).status, 200);
    }
}
