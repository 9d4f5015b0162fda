//! Requests in every spelling that is accepted, and the exact bytes that the upstream gets for each.
//! It must not look at signatures of the gate: the upstream here is asked without one.

use super::target;
use crate::support::client::Client;
use crate::support::config::Config;
use crate::support::gate::Gate;
use crate::support::request::Request;
use crate::support::upstream::Upstream;

fn start() -> (Upstream, Gate) {
    let upstream = Upstream::ok();
    let config =
        Config { credentials: "{ anonymous: true }".to_owned(), ..Config::resign(upstream.endpoint()) };
    let gate = Gate::start(&config);
    (upstream, gate)
}

/// The bytes that the upstream got, its own name replaced.
fn wire(upstream: &Upstream) -> String {
    let bytes = upstream.recording().wire.concat();
    String::from_utf8(bytes).unwrap().replace(&upstream.address.to_string(), "UPSTREAM")
}

/// Sends the bytes; the client must get `200`, and the upstream exactly these.
#[track_caller]
fn check(method: &str, bytes: &str, expected: &str) {
    let (upstream, gate) = start();
    let mut client = Client::connect(gate.address());
    client.send(bytes.as_bytes());
    let answer = client.response(method);
    assert_eq!(answer.status, 200, "{bytes:?}: {}", answer.text());
    drop(upstream.wait(|seen| seen.requests.first().is_some_and(|request| request.complete)));
    assert_eq!(wire(&upstream), expected, "{bytes:?}");
}

/// A signed GET with these header lines, and the lines that the upstream gets of them.
#[track_caller]
fn check_lines(lines: &str, expected: &str) {
    let bytes = format!("GET {} HTTP/1.1\r\nHost: s3.test\r\n{lines}\r\n", target("GET"));
    check("GET", &bytes, &format!("GET /bkt/key.txt HTTP/1.1\r\nHost: UPSTREAM\r\n{expected}\r\n"));
}

#[test]
fn request_lines() {
    let get = target("GET");
    let plain = "GET /bkt/key.txt HTTP/1.1\r\nHost: UPSTREAM\r\n\r\n";
    for (line, host) in [
        (format!("GET {get} HTTP/1.1"), "Host: s3.test"),
        (format!("GET {get} HTTP/1.0"), "Host: s3.test"),
        (format!("GET http://s3.test{get} HTTP/1.1"), "Host: s3.test"),
        (format!("GET HTTPS://s3.test{get} HTTP/1.1"), "Host: s3.test"),
        (format!("GET {get} HTTP/1.1"), "hOST:\t s3.test \t"),
    ] {
        check("GET", &format!("{line}\r\n{host}\r\n\r\n"), plain);
    }
}

/// Neither accepted nor forwarded: what a client offers to switch to, and what concerns one hop.
#[test]
fn offers_of_the_client_end_here() {
    for lines in [
        "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\n",
        "Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: a\r\nSec-WebSocket-Version: 13\r\n",
        "Connection: keep-alive\r\nKeep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\n",
        "Connection: TE, close\r\nTE: trailers\r\nTrailer: x-amz-acl\r\n",
        "Connection: ,\r\nConnection: ,keep-alive ,\r\n",
        "Proxy-Authorization: Basic YTpi\r\nCookie: a=b\r\nReferer: http://evil.example/\r\n",
        "X-Forwarded-For: 10.0.0.1\r\nX-Forwarded-Host: evil.example\r\nForwarded: for=10.0.0.1\r\nVia: 1.1 a\r\n",
    ] {
        check_lines(lines, "");
    }
    // an answer with 101 that nobody asked for is no answer
    let upstream = Upstream::always(crate::support::reply::raw_then_close(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
    ));
    let gate = Gate::start(&Config::resign(upstream.endpoint()));
    let offer = format!(
        "GET {} HTTP/1.1\r\nHost: s3.test\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
        target("GET")
    );
    gate.ask("GET", offer.as_bytes()).assert_error(502, "BadGateway");
}

#[test]
fn header_lines_keep_their_names_and_order() {
    check_lines(
        "RANGE:bytes=0-1\r\naccept: a\r\nAccept:  b , c\t\r\nUser-Agent: \u{e9} \"x\"\r\nif-match:\r\n",
        "RANGE: bytes=0-1\r\naccept: a\r\nAccept: b , c\r\nUser-Agent: \u{e9} \"x\"\r\nif-match: \r\n",
    );
}

/// A signed PUT with these header lines and body, and what the upstream gets after the Host line.
#[track_caller]
fn check_upload(lines: &str, body: &str, expected: &str) {
    let bytes = format!("PUT {} HTTP/1.1\r\nHost: s3.test\r\n{lines}\r\n{body}", target("PUT"));
    check("PUT", &bytes, &format!("PUT /bkt/key.txt HTTP/1.1\r\nHost: UPSTREAM\r\n{expected}"));
}

#[test]
fn bodies_are_framed_anew() {
    check_upload("Content-Length: 0\r\n", "", "Content-Length: 0\r\n\r\n");
    check_upload("content-length:\t005 \r\n", "hello", "Content-Length: 5\r\n\r\nhello");
    let chunked = "Transfer-Encoding: chunked\r\n\r\n";
    for (coding, body, expected) in [
        ("chunked", "5\r\nhello\r\n0\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n"),
        ("Chunked", "0005\r\nhello\r\n000\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n"),
        ("CHUNKED", "A\r\n0123456789\r\n1\r\n\r\r\n0\r\n\r\n", "a\r\n0123456789\r\n1\r\n\r\r\n0\r\n\r\n"),
        ("chunked", "0\r\n\r\n", "0\r\n\r\n"),
        // trailers end here, whatever they are called
        (
            "chunked",
            "1\r\nx\r\n0\r\nAuthorization: x\r\nx-amz-acl: public-read\r\nContent-Length: 99\r\n\r\n",
            "1\r\nx\r\n0\r\n\r\n",
        ),
        ("chunked", "1\r\nx\r\n0\r\nX-Amz-Acl\r\n\r\n", "1\r\nx\r\n0\r\n\r\n"),
    ] {
        check_upload(&format!("Transfer-Encoding: {coding}\r\n"), body, &format!("{chunked}{expected}"));
    }
}

/// An object must not become an empty one because somebody forgot to send it.
#[test]
fn an_upload_that_tells_no_length_is_none() {
    let (upstream, gate) = start();
    let put = Request::new("PUT", "/bkt/key.txt");
    let part = put.clone().query("partNumber", "1").query("uploadId", "u");
    for request in [&put, &part] {
        for bytes in [request.presigned(), request.authorized()] {
            gate.ask("PUT", &bytes).assert_error(411, "MissingContentLength");
        }
    }
    upstream.assert_untouched();
    // what brings no object needs none
    let copy = put.signed("x-amz-copy-source", "/bkt/other");
    assert_eq!(gate.ask("PUT", &copy.authorized()).status, 200);
    let seen = upstream.only_request();
    assert_eq!((seen.headers.get("content-length"), seen.body.len()), (None, 0));
}

#[test]
fn what_follows_a_body_is_the_next_request() {
    let (upstream, gate) = start();
    let mut client = Client::connect(gate.address());
    let (put, get) = (target("PUT"), target("GET"));
    let next = format!("GET {get} HTTP/1.1\r\nHost: s3.test\r\n\r\n");
    client.send(
        format!(
            "PUT {put} HTTP/1.1\r\nHost: s3.test\r\nContent-Length: 5\r\n\r\nhello{next}\
             PUT {put} HTTP/1.1\r\nHost: s3.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n{next}"
        )
        .as_bytes(),
    );
    for method in ["PUT", "GET", "PUT", "GET"] {
        assert_eq!(client.response(method).status, 200);
    }
    let host = "/bkt/key.txt HTTP/1.1\r\nHost: UPSTREAM\r\n";
    assert_eq!(
        wire(&upstream),
        format!(
            "PUT {host}Content-Length: 5\r\n\r\nhelloGET {host}\r\n\
             PUT {host}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\nGET {host}\r\n"
        )
    );
}

/// Chunks that two readers could read differently: no stray byte reaches the upstream, and no whole request.
#[test]
fn chunks_that_are_refused() {
    let head = "PUT /bkt/key.txt HTTP/1.1\r\nHost: UPSTREAM\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (body, good) in [
        ("0x5\r\nhello\r\n0\r\n\r\n", ""),
        ("+5\r\nhello\r\n0\r\n\r\n", ""),
        ("-5\r\nhello\r\n0\r\n\r\n", ""),
        ("5_\r\nhello\r\n0\r\n\r\n", ""),
        (" 5\r\nhello\r\n0\r\n\r\n", ""),
        ("5 \r\nhello\r\n0\r\n\r\n", ""),
        ("5\t\r\nhello\r\n0\r\n\r\n", ""),
        ("\r\nhello\r\n0\r\n\r\n", ""),
        ("g\r\nhello\r\n0\r\n\r\n", ""),
        ("fffffffffffffffff\r\nhello\r\n0\r\n\r\n", ""),
        ("5;a=b\r\nhello\r\n0\r\n\r\n", ""),
        ("5;\nxx\r\nhello\r\n0\r\n\r\n", ""),
        ("5\nhello\r\n0\r\n\r\n", ""),
        ("5\r\r\nhello\r\n0\r\n\r\n", ""),
        ("5\r\nhelloX\r\n0\r\n\r\n", "5\r\nhello\r\n"),
        ("5\r\nhello\n0\r\n\r\n", "5\r\nhello\r\n"),
        ("5\r\nhello0\r\n\r\n", "5\r\nhello\r\n"),
        ("5\r\nhello\r\n0\n\n", "5\r\nhello\r\n"),
        ("5\r\nhello\r\n0\r\n\n", "5\r\nhello\r\n"),
        ("5\r\nhello\r\n0;x\r\n\r\n", "5\r\nhello\r\n"),
        ("5\r\nhello\r\n0\r\nA: b\0\r\n\r\n", "5\r\nhello\r\n"),
        ("5\r\nhello\r\n0\r\nA: b\n\r\n", "5\r\nhello\r\n"),
    ] {
        let (upstream, gate) = start();
        let mut client = Client::connect(gate.address());
        let lines = "Host: s3.test\r\nTransfer-Encoding: chunked\r\n\r\n";
        client.send(format!("PUT {} HTTP/1.1\r\n{lines}{body}", target("PUT")).as_bytes());
        client.response("PUT").assert_error(400, "IncompleteBody");
        assert!(client.is_closed(), "the connection stays open after {body:?}");
        upstream.assert_nothing_completed();
        let (wire, most) = (wire(&upstream), format!("{head}{good}"));
        assert!(most.starts_with(&wire), "{body:?} reached the upstream as {wire:?}");
    }
}
