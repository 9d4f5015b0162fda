//! Links that carry limits, used through the gate: what each lets pass, and what nobody can widen.
//! It must not test how a store counts; tables beside the code do.

mod counting;
mod rates;
mod recipes;
mod revocation;
mod shared;
mod store;

use crate::support::client::{Client, Response};
use crate::support::config::Config;
use crate::support::gate::{Gate, poll};
use crate::support::proxy_header;
use crate::support::recorded::Record;
use crate::support::reply::{self, Reply, Step};
use crate::support::request::Request;
use crate::support::upstream::Upstream;
use std::sync::OnceLock;

/// The object behind every key.
const SIZE: usize = 1000;

fn object() -> Vec<u8> {
    (0..SIZE).map(|at| b'a' + u8::try_from(at % 26).unwrap()).collect()
}

/// What a store answers for the object, ranges and conditions included.
fn serve(request: &Record) -> Reply {
    let object = object();
    let range = request.headers.get("range").and_then(|range| {
        let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
        Some((first.parse::<usize>().ok()?, last.parse::<usize>().unwrap_or(SIZE - 1)))
    });
    match (request.method.as_str(), range) {
        ("HEAD", _) => reply::bare("200 OK", &[("Content-Length", "1000")]),
        ("GET", _) if request.headers.has("if-none-match") => reply::bare("304 Not Modified", &[]),
        ("GET", _) if request.target.contains("absent") => reply::status("404 Not Found", &[], "no such key"),
        ("GET", Some((first, last))) => {
            let total = format!("bytes {first}-{last}/{SIZE}");
            reply::raw(reply::message(
                "206 Partial Content",
                &[("Content-Range", &total)],
                &object[first..=last],
            ))
        }
        ("GET", None) => reply::raw(reply::message("200 OK", &[("ETag", "\"abc\"")], &object)),
        ("PUT", _) if request.target.contains("absent") => {
            reply::status("500 Internal Server Error", &[], "")
        }
        _ => reply::status("200 OK", &[], ""),
    }
}

/// A gate over that store that believes `X-Forwarded-For`, so that a test can be many clients.
fn start(links: &str) -> (Upstream, Gate) {
    let upstream = Upstream::scripted(serve);
    let gate = gate_over(&upstream, links);
    (upstream, gate)
}

fn gate_over(upstream: &Upstream, links: &str) -> Gate {
    let config =
        Config::resign(upstream.endpoint()).more("expose_reasons: true").more(&format!("links: {links}"));
    Gate::start_with(|listener, admin| {
        let forwarded = "    forwarded: { trusted: [127.0.0.0/8] }\n";
        let line = format!("  - address: {listener}\n");
        config.text(listener, admin).replace(&line, &format!("{line}{forwarded}"))
    })
}

/// A link; sent from an address by [`from`]. All of a test are signed at one time: the same link is the same again.
fn link(method: &str, query: &[(&str, &str)]) -> Request {
    static TIME: OnceLock<i64> = OnceLock::new();
    let mut request = Request::new(method, "/bkt/key");
    request.time = *TIME.get_or_init(|| request.time);
    query.iter().fold(request, |request, (name, value)| request.query(name, value))
}

/// The bytes of a request by a client at this address.
fn from(address: &str, request: &Request) -> Vec<u8> {
    request.clone().unsigned("X-Forwarded-For", address).presigned()
}

fn ask(gate: &Gate, address: &str, request: &Request) -> Response {
    gate.ask(&request.method, &from(address, request))
}

fn reason(answer: &Response) -> Option<&str> {
    answer.headers.get("x-gate-reason")
}

#[track_caller]
fn refused(answer: &Response, status: u16, expected: &str) {
    assert_eq!((answer.status, reason(answer)), (status, Some(expected)), "{}", answer.text());
}

/// Asks until the answer has this status: the end of the request before may not have been counted yet.
#[track_caller]
fn comes_to(gate: &Gate, address: &str, request: &Request, status: u16) -> Response {
    poll(&format!("the status {status}"), || {
        Some(ask(gate, address, request)).filter(|answer| answer.status == status)
    })
}

#[test]
fn each_limit_lets_pass_what_it_allows() {
    let (_upstream, gate) = start("{ grace: 0s }");
    for (name, value) in [
        ("x-gate-source-ip", "10.0.0.0/8"),
        ("x-gate-not-before", "2020-01-01T00:00:00Z"),
        ("x-gate-max-uses", "1"),
        ("x-gate-max-bytes", "1000"),
        ("x-gate-pin", "ip"),
        ("x-gate-rate", "1000000"),
    ] {
        let answer = ask(&gate, "10.0.0.1", &link("GET", &[(name, value)]));
        assert_eq!((answer.status, answer.body.len()), (200, SIZE), "{name} {}", answer.text());
    }
    for (name, value, code) in [
        ("x-gate-source-ip", "10.1.0.0/16", "link_source_ip"),
        ("x-gate-source-vpce", "vpce-0a1b2c3d", "link_source_vpce"),
        ("x-gate-not-before", "2090-01-01T00:00:00Z", "link_not_before"),
        ("x-gate-max-bytes", "999", "link_max_bytes"),
        ("x-gate-pin", "vpce", "link_pin"),
    ] {
        refused(&ask(&gate, "10.0.0.1", &link("GET", &[(name, value)])), 403, code);
    }
    let upload = |range: &str| link("PUT", &[("x-gate-content-length-range", range)]).with_body(b"hello");
    assert_eq!(ask(&gate, "10.0.0.1", &upload("5,5")).status, 200);
    ask(&gate, "10.0.0.1", &upload("6,9")).assert_error(400, "EntityTooSmall");
    ask(&gate, "10.0.0.1", &upload("1,4")).assert_error(400, "EntityTooLarge");
}

#[test]
fn nothing_that_was_not_signed_widens_a_limit() {
    let (upstream, gate) = start("{ grace: 0s }");
    let narrow = link("GET", &[("x-gate-source-ip", "192.0.2.1"), ("x-gate-max-uses", "1")]);
    let target = narrow.presigned_target();
    let narrow_value = "x-gate-source-ip=192.0.2.1";
    assert!(target.contains(narrow_value), "{target}");
    for (what, changed) in [
        ("repeated", format!("{target}&x-gate-source-ip=0.0.0.0%2F0")),
        ("in front", target.replace('?', "?x-gate-source-ip=0.0.0.0%2F0&")),
        ("left out", target.replace(&format!("{narrow_value}&"), "")),
        ("wider", target.replace("192.0.2.1", "0.0.0.0%2F0")),
        ("another case", target.replace("x-gate-source-ip", "X-Gate-Source-Ip")),
        ("an escaped name", target.replace("x-gate-source-ip", "x-gate-source%2Dip")),
        ("an empty one", target.replace(narrow_value, "x-gate-source-ip=")),
        ("a new kind", format!("{target}&x-gate-source-ips=0.0.0.0%2F0")),
        ("more uses", target.replace("x-gate-max-uses=1", "x-gate-max-uses=9")),
        ("behind a fragment", format!("{target}#x-gate-source-ip=0.0.0.0/0")),
    ] {
        let answer =
            gate.ask("GET", &narrow.clone().unsigned("X-Forwarded-For", "10.0.0.1").bytes(&changed, &[]));
        assert!(matches!(answer.status, 400 | 403), "{what}: {} {}", answer.status, answer.text());
    }
    // in a header it means nothing, and the signed one holds
    let header = narrow.unsigned("x-gate-source-ip", "0.0.0.0/0").unsigned("X-Forwarded-For", "10.0.0.1");
    refused(&gate.ask("GET", &header.presigned()), 403, "link_source_ip");
    upstream.assert_untouched();
}

#[test]
fn what_is_signed_twice_or_in_another_spelling_is_refused() {
    let (upstream, gate) = start("{ grace: 0s }");
    for query in [
        &[("x-gate-max-uses", "1"), ("x-gate-max-uses", "9")][..],
        &[("x-gate-max-uses", "0")],
        &[("x-gate-max-uses", "1000001")],
        &[("x-gate-max-bytes", "1KiB")],
        &[("x-gate-pin", "vpc")],
        &[("x-gate-rate", "-1")],
        &[("X-Gate-Max-Uses", "1")],
        &[("x-gate-max-users", "1")],
        &[("x-gate-", "1")],
    ] {
        ask(&gate, "10.0.0.1", &link("GET", query)).assert_error(400, "InvalidArgument");
    }
    // signatures of the old kind do not cover it
    let v2 = "/bkt/key?AWSAccessKeyId=A&Expires=4000000000&Signature=x&x-gate-max-uses=1";
    assert_eq!(gate.ask("GET", &Request::get("/bkt/key").bytes(v2, &[])).status, 400);
    upstream.assert_untouched();
}

#[test]
fn annotations_pass_and_limits_end_at_the_gate() {
    let (upstream, gate) = start("{ grace: 0s }");
    let request = link("GET", &[("x-note", "a b"), ("x-gate-max-uses", "5"), ("x-gate-pin", "net")]);
    assert_eq!(ask(&gate, "10.0.0.1", &request).status, 200);
    let target = upstream.only_request().target;
    assert!(target.contains("x-note=a%20b") && !target.contains("x-gate"), "{target}");
    drop(gate);
    let upstream = Upstream::scripted(serve);
    let gate = Gate::start(&Config::passthrough(upstream.endpoint()));
    assert_eq!(gate.ask("GET", &request.presigned()).status, 200);
    assert!(upstream.only_request().target.contains("x-gate-max-uses=5"));
}

#[test]
fn limits_hold_for_signatures_in_headers_too() {
    let (_upstream, gate) = start("{ grace: 0s }");
    let request =
        |at| link("GET", &[("x-gate-max-uses", "1")]).at(at).unsigned("X-Forwarded-For", "10.0.0.1");
    assert_eq!(gate.ask("GET", &request(0).authorized()).status, 200);
    refused(&gate.ask("GET", &request(0).authorized()), 403, "link_max_uses");
    // a new signature is a new request
    assert_eq!(gate.ask("GET", &request(-1).authorized()).status, 200);
}

#[test]
fn the_first_network_is_the_only_one() {
    let (_upstream, gate) = start("{ grace: 0s }");
    let pinned = |pin| link("GET", &[("x-gate-pin", pin)]);
    for (pin, first, same, other) in [
        ("ip", "10.0.0.1", "10.0.0.1", "10.0.0.2"),
        ("net", "10.0.0.1", "10.0.0.250", "10.0.1.1"),
        ("net", "2001:db8::1", "2001:db8::ffff:1", "2001:db8:0:1::1"),
    ] {
        let request = pinned(pin).query("x-note", first);
        // who gets nothing binds nobody
        let absent = Request { path: "/bkt/absent".to_owned(), ..request.clone() };
        assert_eq!(ask(&gate, other, &absent).status, 404);
        comes_to(&gate, first, &absent, 404);
        assert_eq!(ask(&gate, first, &request).status, 200, "{pin} {first}");
        refused(&ask(&gate, other, &request), 403, "link_pin");
        assert_eq!(ask(&gate, same, &request).status, 200, "{pin} {same}");
        refused(&ask(&gate, other, &request), 403, "link_pin");
    }
}

/// A gate behind a balancer that tells through which endpoint a client came.
fn behind_endpoints() -> (Upstream, Gate) {
    let upstream = Upstream::scripted(serve);
    let endpoints = "network: { vpc_endpoints: [{ id: vpce-0a1b2c3d, vpc: vpc-11112222 }, { id: vpce-0f0f0f0f, vpc: vpc-33334444 }] }";
    let config = Config::resign(upstream.endpoint())
        .listener("proxy_protocol: { trusted: [127.0.0.0/8] }")
        .more(endpoints)
        .more("expose_reasons: true")
        .more("links: { grace: 0s }");
    let gate = Gate::start(&config);
    (upstream, gate)
}

/// Sends a link through an endpoint, or none.
fn through(gate: &Gate, endpoint: Option<&str>, request: &Request) -> Response {
    let mut bytes = match endpoint {
        Some(id) => proxy_header::balanced("10.0.0.1", id),
        None => proxy_header::line("10.0.0.1"),
    };
    bytes.extend(request.presigned());
    gate.ask(&request.method, &bytes)
}

#[test]
fn a_link_can_be_bound_to_an_endpoint_or_a_vpc() {
    const OURS: Option<&str> = Some("vpce-0a1b2c3d");
    const OTHER: Option<&str> = Some("vpce-0f0f0f0f");
    let (_upstream, gate) = behind_endpoints();
    for (name, value, code) in [
        ("x-gate-source-vpce", "vpce-0a1b2c3d", "link_source_vpce"),
        ("x-gate-source-vpce", "vpce-12345678,vpce-0a1b2c3d", "link_source_vpce"),
        ("x-gate-source-vpc", "vpc-11112222", "link_source_vpc"),
    ] {
        let request = link("GET", &[(name, value)]);
        assert_eq!(through(&gate, OURS, &request).status, 200, "{name}");
        refused(&through(&gate, OTHER, &request), 403, code);
        refused(&through(&gate, None, &request), 403, code);
    }
    let request = link("GET", &[("x-gate-pin", "vpce")]);
    // without an endpoint there is nothing to be bound to
    refused(&through(&gate, None, &request), 403, "link_pin");
    for _ in 0..2 {
        assert_eq!(through(&gate, OURS, &request).status, 200);
        refused(&through(&gate, OTHER, &request), 403, "link_pin");
        refused(&through(&gate, None, &request), 403, "link_pin");
    }
}

#[test]
fn every_spelling_of_a_link_is_one_link() {
    let (upstream, gate) = start("{ grace: 0s }");
    let request = link("GET", &[("x-gate-max-uses", "1"), ("x-note", "a b")]);
    let target = request.presigned_target();
    let (path, query) = target.split_once('?').unwrap();
    let mut reversed: Vec<&str> = query.split('&').collect();
    reversed.reverse();
    let send = |target: &str| {
        gate.ask("GET", &request.clone().unsigned("X-Forwarded-For", "10.0.0.1").bytes(target, &[]))
    };
    assert_eq!(send(&format!("{path}?{}", reversed.join("&"))).status, 200);
    for target in [target.clone(), target.replace("%2F", "%2f"), target.replace("/bkt/key", "/bkt/%6bey")] {
        refused(&send(&target), 403, "link_max_uses");
    }
    assert_eq!(upstream.recording().requests.len(), 1);
}

#[test]
fn an_upload_that_is_too_long_is_refused_before_it_is_sent() {
    let (upstream, gate) = start("{ grace: 0s }");
    for query in [("x-gate-content-length-range", "1,4"), ("x-gate-max-bytes", "4")] {
        let mut client = Client::connect(gate.address());
        let waiting =
            link("PUT", &[query]).unsigned("Content-Length", "5").unsigned("Expect", "100-continue");
        client.send(&from("10.0.0.1", &waiting));
        let answer = client.response("PUT");
        assert!(answer.status >= 400 && answer.interim.is_empty(), "{}", answer.text());
    }
    upstream.assert_untouched();
}

/// A size is asked of what brings data: parts are, the beginning of their upload and downloads are not.
#[test]
fn a_size_of_uploads_is_asked_of_nothing_else() {
    let (_upstream, gate) = start("{ grace: 0s }");
    let range = ("x-gate-content-length-range", "5,10");
    for (request, status) in [
        (link("GET", &[range]), 200),
        (link("HEAD", &[range]), 200),
        (link("POST", &[("uploads", ""), range]), 200),
        (link("PUT", &[range]).with_body(b"body"), 400),
        (link("PUT", &[range]).with_body(b"a body"), 200),
        (link("PUT", &[("partNumber", "1"), ("uploadId", "u"), range]).with_body(b"body"), 400),
    ] {
        assert_eq!(ask(&gate, "10.0.0.1", &request).status, status, "{request:?}");
    }
}

/// An answer whose end the test decides about.
fn slowly(pieces: Vec<Step>) -> Upstream {
    Upstream::scripted(move |_| {
        let mut steps = vec![Step::ReadBody];
        steps.extend(pieces.iter().cloned());
        steps
    })
}

#[test]
fn a_stock_sdk_signs_limits() {
    let upstream = Upstream::scripted(serve);
    let gate = Gate::start(&Config::resign(upstream.endpoint()).more("links: { grace: 0s }"));
    let endpoint = format!("http://{}", gate.address());
    let mut command = crate::support::python::script("links.py");
    command.args(["--gate", &endpoint, "--key", "AKIDTESTMAIN00000001:secret/main+0"]);
    let text = crate::support::python::run(&mut command);
    assert!(text.contains("all checks hold"), "{text}");
}
