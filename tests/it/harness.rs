//! The harness judged by itself: what the client, the upstream and the signer claim to see is what was sent.
//! It must not start the gate.

use crate::support::client::{Client, ask};
use crate::support::message::{Broken, Framing};
use crate::support::pattern;
use crate::support::reply::{self, Latch, Step};
use crate::support::request::Request;
use crate::support::sigv4::{MAIN, STRANGER, assert_signed_by};
use crate::support::upstream::Upstream;

#[test]
fn what_is_sent_is_recorded_to_the_byte() {
    let upstream = Upstream::ok();
    let bytes = Request::put("/bkt/key", b"body").signed("x-amz-meta-a", "b").authorized();
    let answer = ask(upstream.address, "PUT", &bytes);
    assert_eq!((answer.status, answer.text().as_str()), (200, "ok"));
    let request = upstream.only_request();
    assert_eq!(
        (request.method.as_str(), request.target.as_str(), request.body.as_slice()),
        ("PUT", "/bkt/key", &b"body"[..])
    );
    assert_signed_by(&request, MAIN, "us-east-1");
    assert_eq!(upstream.recording().wire[0], bytes);
}

#[test]
#[should_panic(expected = "left == right")]
fn a_wrong_signature_is_seen() {
    let upstream = Upstream::ok();
    ask(upstream.address, "PUT", &Request::put("/bkt/key", b"body").key(STRANGER).authorized());
    let imposter = crate::support::sigv4::Key { id: STRANGER.id, ..MAIN };
    assert_signed_by(&upstream.only_request(), imposter, "us-east-1");
}

#[test]
#[should_panic(expected = "what is not HTTP/1.1")]
fn a_request_that_is_not_http_is_seen() {
    let upstream = Upstream::ok();
    let mut client = Client::connect(upstream.address);
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert!(client.is_closed());
}

#[test]
fn an_upload_that_breaks_off_is_not_complete() {
    let upstream = Upstream::ok();
    let mut client = Client::connect(upstream.address);
    client.send(b"PUT /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nfour");
    client.finish();
    assert_eq!(client.try_response("PUT").unwrap_err(), Broken::Closed);
    drop(upstream.wait(|seen| seen.closed == 1 && seen.requests[0].body_length == 4));
    upstream.assert_nothing_completed();
}

#[test]
fn every_framing_is_read() {
    let latch = Latch::default();
    latch.open();
    let torn = || {
        vec![
            Step::Send(reply::head("200 OK", &[("Content-Length", "5")])),
            Step::Send(b"four".to_vec()),
            Step::Close,
        ]
    };
    let get = Request::get("/a").bytes("/a", &[]);
    for (answer, expected) in [
        (reply::ok("ok"), Ok((Framing::Length(2), "ok"))),
        (reply::chunked(&["a", "bc"]), Ok((Framing::Chunked, "abc"))),
        (reply::until_close("to the end"), Ok((Framing::UntilClose, "to the end"))),
        (reply::bare("304 Not Modified", &[("ETag", "\"a\"")]), Ok((Framing::None, ""))),
        (reply::delayed(&latch, "late"), Ok((Framing::Length(4), "late"))),
        (torn(), Err(Broken::Cut)),
        (vec![Step::Close], Err(Broken::Closed)),
        (
            reply::raw_then_close("HTTP/1.1 200 OK\r\nA : b\r\n\r\n"),
            Err(Broken::Syntax("`A ` is no header name".to_owned())),
        ),
        (
            reply::raw_then_close(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;x\r\na\r\n0\r\n\r\n",
            ),
            Err(Broken::Syntax("`1;x` is no chunk size".to_owned())),
        ),
    ] {
        let upstream = Upstream::always(answer);
        let mut client = Client::connect(upstream.address);
        client.send(&get);
        let seen = client.try_response("GET").map(|answer| (answer.framing, answer.text()));
        assert_eq!(seen, expected.map(|(framing, text)| (framing, text.to_owned())));
    }
}

#[test]
fn interim_answers_come_before_the_final_one() {
    let upstream = Upstream::always(reply::continued("ok"));
    let answer = ask(upstream.address, "PUT", &Request::put("/a", b"body").bytes("/a", &[]));
    assert_eq!((answer.interim.as_slice(), answer.status), (&[100][..], 200));
}

#[test]
fn long_bodies_are_compared_without_being_kept() {
    const LENGTH: u64 = 3_000_000;
    let upstream = Upstream::discarding(reply::pattern(LENGTH));
    let mut client = Client::connect(upstream.address);
    client.send(format!("PUT /a HTTP/1.1\r\nHost: a\r\nContent-Length: {LENGTH}\r\n\r\n").as_bytes());
    assert_eq!(pattern::write(client.stream(), LENGTH), LENGTH);
    let (mut length, mut right) = (0, true);
    let answer = client.response_into("PUT", &mut |piece| {
        right &= pattern::is_at(length, piece);
        length += piece.len() as u64;
    });
    assert_eq!((answer.unwrap().status, length, right), (200, LENGTH, true));
    let request = upstream.only_request();
    assert_eq!((request.body_length, request.body_is_pattern, request.body.len()), (LENGTH, true, 0));
}
