//! `Content-MD5` and `x-amz-checksum-*` beside a body: right ones go on, wrong ones never complete a request.
//! It must not test the functions themselves; those have check values beside them.

use crate::support::chunks::{SIGNED, UNSIGNED_TRAILER, Upload, base64, crc32};
use crate::support::config::Config;
use crate::support::gate::Gate;
use crate::support::pattern;
use crate::support::request::Request;
use crate::support::sigv4::{UPSTREAM, assert_signed_by, sha256_hex};
use crate::support::upstream::Upstream;
use md5::{Digest, Md5};

fn start() -> (Upstream, Gate) {
    let upstream = Upstream::ok();
    let gate = Gate::start(&Config::resign(upstream.endpoint()));
    (upstream, gate)
}

fn md5(bytes: &[u8]) -> String {
    base64(&Md5::digest(bytes))
}

/// Every form in which a body can be sent, with headers that are about it.
fn forms(body: &[u8], headers: &[(&str, &str)]) -> Vec<Vec<u8>> {
    let with =
        |request: Request| headers.iter().fold(request, |request, (name, value)| request.signed(name, value));
    let plain = with(Request::put("/bkt/key.txt", body));
    let hashed = plain.clone().signed("x-amz-content-sha256", &sha256_hex(body));
    let chunked = with(Request::new("PUT", "/bkt/key.txt").chunked(&body.chunks(10_007).collect::<Vec<_>>()));
    vec![
        plain.presigned(),
        plain.authorized(),
        hashed.presigned(),
        hashed.authorized(),
        chunked.presigned(),
        Upload::new(SIGNED, body, 65_536).map(with).bytes(),
        Upload::new(UNSIGNED_TRAILER, body, 65_536).map(with).bytes(),
    ]
}

#[test]
fn right_ones_go_on() {
    let (upstream, gate) = start();
    let mut sent = 0;
    for length in [0, 9_000, 200_000] {
        let body = pattern::bytes(length);
        let (md5, crc32) = (md5(&body), crc32(&body));
        for bytes in forms(&body, &[("Content-MD5", &md5), ("x-amz-checksum-crc32", &crc32)]) {
            let answer = gate.ask("PUT", &bytes);
            assert_eq!(answer.status, 200, "{}", answer.text());
            sent += 1;
            let seen = upstream.wait(|seen| seen.requests.len() == sent && seen.requests[sent - 1].complete);
            let seen = &seen.requests[sent - 1];
            assert!(seen.body == body, "{length}");
            assert_eq!(seen.headers.get("content-md5"), Some(md5.as_str()));
            assert_eq!(seen.headers.get("x-amz-checksum-crc32"), Some(crc32.as_str()));
            assert_signed_by(seen, UPSTREAM, "us-east-1");
        }
    }
}

#[test]
fn wrong_ones_never_complete() {
    let (upstream, gate) = start();
    for length in [0, 9_000, 200_000] {
        let body = pattern::bytes(length);
        let other = [&body[..], b"!"].concat();
        for headers in [("Content-MD5", md5(&other)), ("x-amz-checksum-crc32", crc32(&other))] {
            for bytes in forms(&body, &[(headers.0, &headers.1)]) {
                let answer = gate.ask("PUT", &bytes);
                answer.assert_error(400, "BadDigest");
                let expected = (headers.0 == "Content-MD5").then_some(headers.1.clone());
                assert_eq!(answer.element("ExpectedDigest"), expected);
            }
        }
    }
    upstream.assert_nothing_completed();
}

#[test]
fn values_that_are_none() {
    let (upstream, gate) = start();
    let body = b"hello";
    for (headers, code) in [
        (&[("Content-MD5", "x")][..], "InvalidDigest"),
        (&[("Content-MD5", "AAAA")], "InvalidDigest"),
        (&[("x-amz-checksum-crc32", "AAAA")], "InvalidRequest"),
        (
            &[("x-amz-checksum-crc32", "NhCmhg=="), ("x-amz-checksum-sha1", "qvTGHdzF6KLavt4PO0gs2a6pQ00=")],
            "InvalidRequest",
        ),
    ] {
        for bytes in forms(body, headers) {
            gate.ask("PUT", &bytes).assert_error(400, code);
        }
    }
    upstream.assert_untouched();
}

#[test]
fn a_request_without_a_body_has_an_empty_one() {
    let (upstream, gate) = start();
    let post = Request::new("POST", "/bkt/key.txt").query("uploads", "");
    let hash = sha256_hex(b"hello");
    gate.ask("POST", &post.clone().signed("x-amz-content-sha256", &hash).presigned())
        .assert_error(400, "XAmzContentSHA256Mismatch");
    gate.ask("POST", &post.clone().signed("Content-MD5", &md5(b"hello")).authorized())
        .assert_error(400, "BadDigest");
    upstream.assert_untouched();
    assert_eq!(gate.ask("POST", &post.signed("Content-MD5", &md5(b"")).authorized()).status, 200);
}

/// The checksum of a completed upload is that of the object, not that of the list of parts.
#[test]
fn a_checksum_of_an_object_is_not_one_of_a_body() {
    let (upstream, gate) = start();
    let list = "<CompleteMultipartUpload><Part><ETag>e</ETag><PartNumber>1</PartNumber></Part></CompleteMultipartUpload>";
    let complete = Request::new("POST", "/bkt/key.txt")
        .query("uploadId", "u")
        .signed("x-amz-checksum-crc32", "AAAAAA==")
        .signed("x-amz-checksum-type", "COMPOSITE")
        .with_body(list.as_bytes());
    for bytes in [complete.presigned(), complete.authorized()] {
        assert_eq!(gate.ask("POST", &bytes).status, 200);
    }
    let seen = upstream.wait(|seen| seen.requests.len() == 2);
    assert!(
        seen.requests.iter().all(|request| request.headers.get("x-amz-checksum-crc32") == Some("AAAAAA=="))
    );
}

/// The list of what goes is bound to its checksum, also where the signature does not cover it.
#[test]
fn a_list_of_objects_to_delete() {
    let (upstream, gate) = start();
    let list = b"<Delete><Object><Key>a</Key></Object></Delete>";
    let other = b"<Delete><Object><Key>b</Key></Object></Delete>";
    let request = |hashed: &[u8]| {
        Request::new("POST", "/bkt").query("delete", "").signed("Content-MD5", &md5(hashed)).with_body(list)
    };
    for bytes in [request(other).presigned(), request(other).authorized()] {
        gate.ask("POST", &bytes).assert_error(400, "BadDigest");
    }
    upstream.assert_untouched();
    assert_eq!(gate.ask("POST", &request(list).authorized()).status, 200);
    assert_eq!(upstream.only_request().body, list);
}

/// Attack case PAY-14: without a checksum the store is the one to ask for one, and a list too long to be read is refused.
#[test]
fn a_list_of_objects_without_a_checksum() {
    let (upstream, gate) = start();
    let list = |length| {
        let keys = "<Object><Key>a</Key></Object>".repeat(length);
        let list = format!("<Delete>{keys}</Delete>");
        Request::new("POST", "/bkt").query("delete", "").with_body(list.as_bytes()).authorized()
    };
    gate.ask("POST", &list(200_000)).assert_error(400, "MalformedXML");
    upstream.assert_untouched();
    assert_eq!(gate.ask("POST", &list(1)).status, 200);
}

/// SDKs that sign a link without a body put the checksum of nothing into its query, and S3 does not look at it there.
#[test]
fn a_checksum_in_the_query_of_a_link_is_the_stores_affair() {
    let (upstream, gate) = start();
    let link = Request::put("/bkt/key.txt", b"hello")
        .query("x-amz-checksum-crc32", "AAAAAA==")
        .query("x-amz-sdk-checksum-algorithm", "CRC32");
    assert_eq!(gate.ask("PUT", &link.presigned()).status, 200);
    assert!(upstream.only_request().query().contains("x-amz-checksum-crc32=AAAAAA%3D%3D"));
}
