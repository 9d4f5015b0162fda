//! Several requests on one connection: each is judged by itself, and no body is read as a request.
//! It must not test single requests.

use crate::support::client::Client;
use crate::support::config::Config;
use crate::support::gate::Gate;
use crate::support::message::Broken;
use crate::support::request::Request;
use crate::support::sigv4::STRANGER;
use crate::support::upstream::Upstream;

fn start() -> (Upstream, Gate, Client) {
    let upstream = Upstream::ok();
    let gate = Gate::start(&Config::resign(upstream.endpoint()));
    let client = Client::connect(gate.address());
    (upstream, gate, client)
}

#[test]
fn a_connection_is_used_again_on_both_sides() {
    let (upstream, gate, mut client) = start();
    for number in 0..20 {
        let path = format!("/bkt/{number}");
        match number % 3 {
            0 => client.send(&Request::get(&path).presigned()),
            1 => client.send(&Request::put(&path, b"some body").authorized()),
            _ => client.send(&Request::new("HEAD", &path).presigned()),
        }
        assert_eq!(client.response(["GET", "PUT", "HEAD"][number % 3]).status, 200);
    }
    let seen = upstream.recording();
    assert_eq!(seen.requests.len(), 20);
    assert_eq!(seen.wire.len(), 1, "connections to the upstream");
    drop(seen);
    // a request is counted after its answer has left
    crate::support::gate::poll("20 counted requests", || {
        (gate.metric("presign_gate_requests_total", &["decision=\"allow\""]) >= 20.0).then_some(())
    });
}

#[test]
fn pipelined_requests_are_judged_one_by_one() {
    let (upstream, _gate, mut client) = start();
    let refused = |path: &str| Request::get(path).key(STRANGER).presigned();
    let bytes = [
        refused("/bkt/a"),
        Request::get("/bkt/b").presigned(),
        Request::put("/bkt/c", b"body").presigned(),
        refused("/bkt/d"),
        Request::get("/bkt/e").presigned(),
    ];
    client.send(&bytes.concat());
    let statuses: Vec<_> =
        ["GET", "GET", "PUT", "GET", "GET"].map(|method| client.response(method).status).to_vec();
    assert_eq!(statuses, [403, 200, 200, 403, 200]);
    let seen: Vec<_> = upstream.recording().requests.iter().map(|request| request.target.clone()).collect();
    assert_eq!(seen, ["/bkt/b", "/bkt/c", "/bkt/e"]);
}

#[test]
fn a_refused_body_is_drained_or_the_connection_closes() {
    let inner = Request::get("/bkt/smuggled").presigned();
    for outer in [
        Request::put("/bkt/key", &inner).key(STRANGER),
        Request::new("PUT", "/bkt/key").chunked(&[&inner]).key(STRANGER),
        Request::put("/bkt/key", &[inner.clone(), vec![b'a'; 1_000_000]].concat()).key(STRANGER),
    ] {
        let (upstream, _gate, mut client) = start();
        client.send(&outer.presigned());
        assert_eq!(client.response("PUT").status, 403);
        client.send(&Request::get("/bkt/next").presigned());
        match client.try_response("GET") {
            Ok(answer) => {
                assert_eq!(answer.status, 200);
                let seen: Vec<_> =
                    upstream.recording().requests.iter().map(|request| request.target.clone()).collect();
                assert_eq!(seen, ["/bkt/next"]);
            }
            Err(Broken::Closed | Broken::Cut) => upstream.assert_untouched(),
            Err(broken) => panic!("{broken:?}"),
        }
    }
}

#[test]
fn a_refusal_does_not_wait_for_the_body() {
    let body = vec![b'a'; 60_000];
    for (length, sent, keeps) in [("60000", 60_000, true), ("60000", 0, true), ("70000", 0, false)] {
        let (upstream, _gate, mut client) = start();
        let upload = Request::new("PUT", "/bkt/key").unsigned("Content-Length", length).key(STRANGER);
        client.send(&upload.presigned());
        client.send(&body[..sent]);
        // the rest of the body comes only after the answer
        let answer = client.response("PUT");
        assert_eq!((answer.status, answer.headers.get("connection")), (403, (!keeps).then_some("close")));
        client.send(&body[sent..]);
        client.send(&Request::get("/bkt/next").presigned());
        match client.try_response("GET") {
            Ok(answer) => assert!(keeps && answer.status == 200, "{length}: {answer:?}"),
            Err(_) => assert!(!keeps, "{length}: the connection was promised to stay"),
        }
        if keeps {
            assert_eq!(upstream.only_request().target, "/bkt/next");
        } else {
            upstream.assert_untouched();
        }
    }
}

#[test]
fn a_refused_upload_in_chunks_that_came_whole_keeps_the_connection() {
    let (upstream, _gate, mut client) = start();
    client.send(&Request::new("PUT", "/bkt/key").chunked(&[b"some", b"data"]).key(STRANGER).presigned());
    assert_eq!(client.response("PUT").status, 403);
    client.send(&Request::get("/bkt/next").presigned());
    assert_eq!(client.response("GET").status, 200);
    assert_eq!(upstream.only_request().target, "/bkt/next");
}

#[test]
fn a_refused_upload_that_waits_for_permission_ends_cleanly() {
    let (upstream, _gate, mut client) = start();
    let waiting =
        Request::new("PUT", "/bkt/key").unsigned("Content-Length", "5").unsigned("Expect", "100-continue");
    client.send(&waiting.key(STRANGER).presigned());
    let answer = client.response("PUT");
    assert_eq!((answer.status, answer.interim), (403, vec![]));
    // the body was never sent: what comes next must not be taken for it, so the connection has to close
    client.send(&Request::get("/bkt/next").presigned());
    assert!(client.try_response("GET").is_err());
    upstream.assert_untouched();
}

#[test]
fn the_client_decides_when_to_close() {
    let (_upstream, gate, mut client) = start();
    client.send(&Request::get("/bkt/a").unsigned("Connection", "close").presigned());
    let answer = client.response("GET");
    assert_eq!((answer.status, answer.headers.get("connection")), (200, Some("close")));
    assert!(client.is_closed());

    let old =
        String::from_utf8(Request::get("/bkt/a").presigned()).unwrap().replacen("HTTP/1.1", "HTTP/1.0", 1);
    let mut client = Client::connect(gate.address());
    client.send(old.as_bytes());
    assert_eq!(client.response("GET").status, 200);
    assert!(client.is_closed());
}

#[test]
fn a_request_in_single_bytes_is_the_same_request() {
    let (upstream, _gate, mut client) = start();
    for byte in Request::put("/bkt/key", b"body").presigned() {
        client.send(&[byte]);
    }
    assert_eq!(client.response("PUT").status, 200);
    assert_eq!(upstream.only_request().body, b"body");
}

#[test]
fn a_head_that_never_ends_is_given_up() {
    let upstream = Upstream::ok();
    let gate = Gate::start(&Config::resign(upstream.endpoint()).more("limits: { header_time: 1s }"));
    let mut client = Client::connect(gate.address());
    client.send(b"GET /bkt/key HTTP/1.1\r\nHost: s3.test\r\n");
    let answer = client.try_response("GET");
    assert!(
        matches!(answer, Err(Broken::Closed | Broken::Cut))
            || answer.is_ok_and(|answer| matches!(answer.status, 400 | 408))
    );
    assert!(client.is_closed());
}
