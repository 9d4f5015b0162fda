//! Bodies whose hash is signed: what does not match never becomes a complete request at the upstream.
//! It must not test the arithmetic of hashes; that has vectors beside the code.

use crate::support::client::Client;
use crate::support::config::Config;
use crate::support::gate::Gate;
use crate::support::pattern;
use crate::support::request::Request;
use crate::support::sigv4::{UPSTREAM, assert_signed_by, sha256_hex};
use crate::support::upstream::Upstream;

/// Around the sizes at which a relay cuts and holds back.
const LENGTHS: &[usize] = &[1, 2, 1_000, 65_535, 65_536, 65_537, 262_145, 3_000_000];

fn start() -> (Upstream, Gate) {
    let upstream = Upstream::ok();
    let gate = Gate::start(&Config::resign(upstream.endpoint()));
    (upstream, gate)
}

/// An upload whose signature pins the hash of `signed`, while `sent` is sent.
fn upload(signed: &[u8], sent: &[u8], chunked: bool) -> Request {
    let request = Request::new("PUT", "/bkt/key.txt").signed("x-amz-content-sha256", &sha256_hex(signed));
    if chunked { request.chunked(&sent.chunks(10_007).collect::<Vec<_>>()) } else { request.with_body(sent) }
}

#[test]
fn a_body_that_matches_passes() {
    let (upstream, gate) = start();
    let mut sent = 0;
    for &length in &[&[0], LENGTHS].concat() {
        let body = pattern::bytes(length);
        let request = upload(&body, &body, false);
        for bytes in [request.presigned(), request.authorized()] {
            assert_eq!(gate.ask("PUT", &bytes).status, 200, "{length}");
            sent += 1;
            let seen = upstream.wait(|seen| seen.requests.len() == sent && seen.requests[sent - 1].complete);
            assert!(seen.requests[sent - 1].body == body, "{length}");
            assert_signed_by(&seen.requests[sent - 1], UPSTREAM, "us-east-1");
        }
    }
}

#[test]
fn a_body_that_does_not_match_never_completes() {
    let (upstream, gate) = start();
    for &length in LENGTHS {
        let body = pattern::bytes(length);
        for flipped in [0, length / 2, length - 1] {
            let mut other = body.clone();
            other[flipped] ^= 1;
            for chunked in [false, true] {
                let request = upload(&body, &other, chunked);
                for bytes in [request.presigned(), request.authorized()] {
                    let answer = gate.ask("PUT", &bytes);
                    answer.assert_error(400, "XAmzContentSHA256Mismatch");
                    assert_eq!(answer.element("ClientComputedContentSHA256"), Some(sha256_hex(&body)));
                    assert_eq!(answer.element("S3ComputedContentSHA256"), Some(sha256_hex(&other)));
                }
            }
        }
    }
    upstream.assert_nothing_completed();
}

#[test]
fn a_body_that_ends_early_never_completes() {
    let (upstream, gate) = start();
    let body = pattern::bytes(100_000);
    for chunked in [false, true] {
        let bytes = upload(&body, &body, chunked).presigned();
        for missing in [1, 5, 50_000] {
            let mut client = Client::connect(gate.address());
            client.send(&bytes[..bytes.len() - missing]);
            client.finish();
            let answer = client.try_response("PUT");
            assert!(answer.is_err() || answer.is_ok_and(|answer| answer.status == 400));
        }
    }
    upstream.assert_nothing_completed();
}

/// On a link the keyword of a chunked body is a hash that nothing has: the mode of a body never chooses its verifier.
#[test]
fn chunks_are_not_read_behind_a_link() {
    let (upstream, gate) = start();
    for mode in [
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
        "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    ] {
        let request = Request::put("/bkt/key.txt", b"0\r\n\r\n").signed("x-amz-content-sha256", mode);
        gate.ask("PUT", &request.presigned()).assert_error(400, "XAmzContentSHA256Mismatch");
    }
    upstream.assert_untouched();
}
