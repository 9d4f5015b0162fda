//! Uploads in chunks with signatures and trailers of their own: what reaches the upstream, and what never does.
//! It must not test each fault of the framing; the decoder has tables beside it.

use crate::support::chunks::{SIGNED, SIGNED_TRAILER, UNSIGNED_TRAILER, Upload, crc32};
use crate::support::client::Client;
use crate::support::config::Config;
use crate::support::gate::Gate;
use crate::support::message::Framing;
use crate::support::pattern;
use crate::support::recorded::Record;
use crate::support::request::Request;
use crate::support::sigv4::{UPSTREAM, assert_signed_by};
use crate::support::upstream::Upstream;

const MODES: [&str; 3] = [SIGNED, SIGNED_TRAILER, UNSIGNED_TRAILER];

/// Around the sizes at which the gate cuts, holds back, or stops to judge first.
const LENGTHS: &[usize] =
    &[0, 1, 2, 8_191, 8_192, 65_400, 65_535, 65_536, 65_537, 131_072, 131_073, 262_145, 3_000_000];

fn resigning() -> (Upstream, Gate) {
    let upstream = Upstream::ok();
    let gate = Gate::start(&Config::resign(upstream.endpoint()));
    (upstream, gate)
}

/// An upload with a trailer where the mode has one.
fn upload(mode: &'static str, body: &[u8], size: usize) -> Upload {
    let upload = Upload::new(mode, body, size);
    if mode == SIGNED { upload } else { upload.crc32() }
}

/// Waits for the request with this number, whole.
#[track_caller]
fn arrived(upstream: &Upstream, number: usize) -> Record {
    let seen = upstream.wait(|seen| seen.requests.get(number).is_some_and(|request| request.complete));
    assert_eq!(seen.requests.len(), number + 1);
    seen.requests[number].clone()
}

/// The chunks that the gate makes: 64 KiB each, and the trailer as it came.
fn reframed(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for piece in body.chunks(65_536) {
        out.extend(format!("{:x}\r\n", piece.len()).bytes());
        out.extend(piece);
        out.extend(b"\r\n");
    }
    out.extend(format!("0\r\nx-amz-checksum-crc32:{}\r\n\r\n", crc32(body)).bytes());
    out
}

#[test]
fn data_arrives_plain_or_with_its_trailer() {
    let (upstream, gate) = resigning();
    let mut sent = 0;
    for &length in LENGTHS {
        let body = pattern::bytes(length);
        for mode in MODES {
            let upload = upload(mode, &body, 65_536)
                .map(|request| request.unsigned("Content-Language", "de").signed("x-amz-meta-a", "b"));
            for bytes in [upload.bytes(), upload.chunked(10_007)] {
                let answer = gate.ask("PUT", &bytes);
                assert_eq!(answer.status, 200, "{mode} {length} {}", answer.text());
                let seen = arrived(&upstream, sent);
                sent += 1;
                let expected = if mode == SIGNED { body.clone() } else { reframed(&body) };
                assert!(seen.body == expected, "{mode} {length}");
                assert_eq!(seen.framing, Framing::Length(expected.len() as u64));
                assert_headers(&seen, mode, length);
                assert_signed_by(&seen, UPSTREAM, "us-east-1");
            }
        }
    }
}

#[track_caller]
fn assert_headers(seen: &Record, mode: &str, length: usize) {
    let (length, is_plain) = (length.to_string(), mode == SIGNED);
    let told = |name: &str| seen.headers.get(name).map(str::to_owned);
    let in_chunks = |value: &str| (!is_plain).then(|| value.to_owned());
    assert_eq!(told("content-encoding"), in_chunks("aws-chunked"));
    assert_eq!(told("x-amz-decoded-content-length"), in_chunks(&length));
    assert_eq!(told("x-amz-trailer"), in_chunks("x-amz-checksum-crc32"));
    let payload = if is_plain { "UNSIGNED-PAYLOAD" } else { UNSIGNED_TRAILER };
    assert_eq!(told("x-amz-content-sha256").as_deref(), Some(payload));
    assert_eq!(
        (told("content-language").as_deref(), told("x-amz-meta-a").as_deref()),
        (Some("de"), Some("b"))
    );
}

#[test]
fn chunks_without_a_trailer_and_other_codings() {
    let (upstream, gate) = resigning();
    let plain = Upload::new(UNSIGNED_TRAILER, b"hello", 2);
    let mut coded = Upload::new(UNSIGNED_TRAILER, b"hello", 2).crc32();
    coded.request.unsigned = vec![
        ("Content-Encoding".into(), "gzip , AWS-Chunked".into()),
        ("content-encoding".into(), "br".into()),
    ];
    let mut bare = Upload::new(SIGNED, b"hello", 9);
    bare.request.unsigned.clear();
    // not in chunks, whatever its headers say: the store must not think so
    let link = Request::put("/bkt/key.txt", b"5\r\nhello\r\n0\r\n\r\n")
        .unsigned("Content-Encoding", "aws-chunked")
        .signed("x-amz-decoded-content-length", "15");
    for (number, (bytes, coding, body)) in [
        (plain.bytes(), None, &b"hello"[..]),
        (coded.bytes(), Some("aws-chunked,gzip,br"), &reframed(b"hello")),
        (bare.bytes(), None, b"hello"),
        (link.presigned(), None, b"5\r\nhello\r\n0\r\n\r\n"),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(gate.ask("PUT", &bytes).status, 200);
        let seen = arrived(&upstream, number);
        assert_eq!((seen.headers.get("content-encoding"), &seen.body[..]), (coding, body));
        assert_eq!(seen.headers.has("x-amz-decoded-content-length"), coding.is_some());
        assert_signed_by(&seen, UPSTREAM, "us-east-1");
    }
}

#[test]
fn passthrough_changes_nothing() {
    let upstream = Upstream::ok();
    let gate = Gate::start(&Config::passthrough(upstream.endpoint()));
    let mut sent = 0;
    for &length in LENGTHS {
        for mode in MODES {
            let upload = upload(mode, &pattern::bytes(length), 65_536);
            for bytes in [upload.bytes(), upload.chunked(10_007)] {
                assert_eq!(gate.ask("PUT", &bytes).status, 200, "{mode} {length}");
                let seen = arrived(&upstream, sent);
                sent += 1;
                assert!(seen.body == upload.body(), "{mode} {length}");
                let head = String::from_utf8_lossy(&bytes).split("\r\n\r\n").next().unwrap().to_owned();
                for (name, value) in &seen.headers.0 {
                    let line = format!("{}: {value}", name.to_ascii_lowercase());
                    let came = head.lines().any(|other| {
                        other.split_once(':').is_some_and(|(other, rest)| {
                            format!("{}:{rest}", other.to_ascii_lowercase()) == line
                        })
                    });
                    assert!(came, "{line}");
                }
                for name in [
                    "authorization",
                    "content-encoding",
                    "x-amz-content-sha256",
                    "x-amz-decoded-content-length",
                ] {
                    assert!(seen.headers.has(name), "{name}");
                }
            }
        }
    }
}

/// Uploads with one fault each, and the answer; `large` ones reach the upstream in part.
fn faulty(body: &[u8]) -> Vec<(&'static str, Vec<u8>, u16, &'static str)> {
    let middle = body.len() / 2;
    let signed = upload(SIGNED, body, 65_536);
    let trailed = upload(SIGNED_TRAILER, body, 65_536);
    let unsigned = upload(UNSIGNED_TRAILER, body, 65_536);
    let flip = |at: usize| move |bytes: &mut Vec<u8>| bytes[at] ^= 1;
    let from_end = |upload: &Upload, back: usize| upload.body().len() - back;
    let declared =
        |upload: &Upload, length: usize| Upload { declared: Some(length.to_string()), ..upload.clone() };
    let wrong = "SignatureDoesNotMatch";
    vec![
        ("the first byte", signed.edited(flip(100)), 403, wrong),
        ("a byte in the middle", signed.edited(flip(middle + 100)), 403, wrong),
        ("the last byte", signed.edited(flip(from_end(&signed, 95))), 403, wrong),
        ("the signature of the last chunk", signed.edited(flip(from_end(&signed, 10))), 403, wrong),
        ("the signature of the trailer", trailed.edited(flip(from_end(&trailed, 10))), 403, wrong),
        ("the signed trailer", trailed.edited(flip(from_end(&trailed, 100))), 403, wrong),
        (
            "a signed trailer for another body",
            trailed.clone().trailer("x-amz-checksum-crc32", "AAAAAA==").bytes(),
            400,
            "BadDigest",
        ),
        ("an unsigned byte", unsigned.edited(flip(middle + 100)), 400, "BadDigest"),
        (
            "a trailer for another body",
            unsigned.clone().trailer("x-amz-checksum-crc32", "AAAAAA==").bytes(),
            400,
            "BadDigest",
        ),
        (
            "a trailer that is none",
            unsigned.clone().trailer("x-amz-checksum-crc32", "AAAA").bytes(),
            400,
            "InvalidRequest",
        ),
        (
            "no trailer",
            unsigned.edited(|bytes| bytes.truncate(bytes.len() - 33)),
            400,
            "MalformedTrailerError",
        ),
        ("too little data", declared(&unsigned, body.len() + 1).bytes(), 400, "IncompleteBody"),
        ("too much data", declared(&unsigned, body.len() - 1).bytes(), 400, "IncompleteBody"),
        ("too little signed data", declared(&signed, body.len() + 1).bytes(), 400, "IncompleteBody"),
        ("too much signed data", declared(&signed, body.len() - 1).bytes(), 400, "IncompleteBody"),
        ("bytes behind the end", unsigned.edited(|bytes| bytes.push(b'x')), 400, "IncompleteBody"),
        ("no end", signed.edited(|bytes| bytes.truncate(bytes.len() - 90)), 400, "IncompleteBody"),
    ]
}

#[test]
fn a_small_upload_with_a_fault_never_touches_the_upstream() {
    for config in [Config::resign as fn(String) -> Config, Config::passthrough] {
        let upstream = Upstream::ok();
        let gate = Gate::start(&config(upstream.endpoint()));
        for (what, bytes, status, code) in faulty(&pattern::bytes(9_000)) {
            let answer = gate.ask("PUT", &bytes);
            assert_eq!((answer.status, answer.element("Code").as_deref()), (status, Some(code)), "{what}");
            answer.assert_error(status, code);
        }
        upstream.assert_untouched();
    }
}

#[test]
fn a_large_upload_with_a_fault_never_completes() {
    for config in [Config::resign as fn(String) -> Config, Config::passthrough] {
        let upstream = Upstream::ok();
        let gate = Gate::start(&config(upstream.endpoint()));
        let body = pattern::bytes(200_000);
        let faults = faulty(&body);
        let count = faults.len();
        for (what, bytes, status, code) in faults {
            let answer = gate.ask("PUT", &bytes);
            assert_eq!((answer.status, answer.element("Code").as_deref()), (status, Some(code)), "{what}");
        }
        let seen = upstream.wait(|seen| seen.closed == seen.wire.len());
        assert!(seen.requests.len() <= count);
        // not one was shown all of its data
        assert!(
            seen.requests
                .iter()
                .all(|request| !request.complete && !request.body.ends_with(&body[body.len() - 9..]))
        );
    }
}

/// What the upstream was sent of a body whose second chunk is wrong: the first one and nothing else.
#[test]
fn a_wrong_chunk_stops_there() {
    let (upstream, gate) = resigning();
    let body = pattern::bytes(300_000);
    let (request, parts) = upload(SIGNED, &body, 100_000).parts();
    let length: usize = parts.iter().map(Vec::len).sum();
    let mut client = Client::connect(gate.address());
    client.send(&request.unsigned("Content-Length", &length.to_string()).authorized());
    client.send(&parts[0]);
    drop(upstream.wait(|seen| seen.requests.iter().any(|request| request.body_length == 100_000)));
    let mut wrong = parts[1].clone();
    wrong[50_000] ^= 1;
    client.send(&wrong);
    let answer = client.response("PUT");
    answer.assert_error(403, "SignatureDoesNotMatch");
    assert!(answer.element("StringToSign").unwrap().starts_with("AWS4-HMAC-SHA256-PAYLOAD\n"));
    assert!(client.is_closed());
    let seen = upstream.wait(|seen| seen.closed == 1);
    assert!(!seen.requests[0].complete && seen.requests[0].body.len() < 200_000);
}

#[test]
fn an_upload_that_is_cut_off_never_completes() {
    for config in [Config::resign as fn(String) -> Config, Config::passthrough] {
        let upstream = Upstream::ok();
        let gate = Gate::start(&config(upstream.endpoint()));
        for length in [9_000, 200_000] {
            for mode in MODES {
                let upload = upload(mode, &pattern::bytes(length), 65_536);
                for bytes in [upload.bytes(), upload.chunked(10_007)] {
                    for missing in [1, 2, 40, 100, length / 2] {
                        let mut client = Client::connect(gate.address());
                        client.send(&bytes[..bytes.len() - missing]);
                        client.finish();
                        let answer = client.try_response("PUT");
                        assert!(answer.is_err() || answer.is_ok_and(|answer| answer.status == 400));
                    }
                }
            }
        }
        upstream.assert_nothing_completed();
    }
}

#[test]
fn a_client_that_waits_is_told_to_continue() {
    let (upstream, gate) = resigning();
    for (number, length) in [9_000, 200_000].into_iter().enumerate() {
        let upload = upload(UNSIGNED_TRAILER, &pattern::bytes(length), 65_536)
            .map(|request| request.unsigned("Expect", "100-continue"));
        let bytes = upload.bytes();
        let head = bytes.len() - upload.body().len();
        let mut client = Client::connect(gate.address());
        client.send(&bytes[..head]);
        assert_eq!(client.interim(), 100);
        client.send(&bytes[head..]);
        assert_eq!(client.response("PUT").status, 200);
        let seen = arrived(&upstream, number);
        assert!(seen.body == reframed(&pattern::bytes(length)));
        // a body that was read first is not asked for again
        assert_eq!(seen.headers.has("expect"), length > 65_536);
    }
}

#[test]
fn the_connection_goes_on_behind_the_end() {
    let (upstream, gate) = resigning();
    let mut client = Client::connect(gate.address());
    for (number, mode) in MODES.into_iter().enumerate() {
        let upload = upload(mode, &pattern::bytes(100_000 * number), 65_536);
        let mut bytes = upload.bytes();
        bytes.extend(Request::get("/bkt/key.txt").presigned());
        client.send(&bytes);
        assert_eq!((client.response("PUT").status, client.response("GET").status), (200, 200));
        drop(upstream.wait(|seen| seen.requests.len() == 2 * (number + 1)));
    }
}

#[test]
fn the_length_of_a_link_is_that_of_the_data() {
    let (upstream, gate) = resigning();
    for (length, range, code) in [
        (9_000, "9000,9000", None),
        (9_000, "0,8999", Some("EntityTooLarge")),
        (9_000, "9001,20000", Some("EntityTooSmall")),
    ] {
        let upload = upload(UNSIGNED_TRAILER, &pattern::bytes(length), 100)
            .map(|request| request.query("x-gate-content-length-range", range));
        let answer = gate.ask("PUT", &upload.bytes());
        assert_eq!(answer.element("Code").as_deref(), code, "{range}");
    }
    let seen = upstream.only_request();
    assert_eq!(seen.query(), "");
}

#[test]
fn what_chunks_need() {
    let (upstream, gate) = resigning();
    let upload = upload(UNSIGNED_TRAILER, b"hello", 5);
    let without_length = Upload { declared: None, ..upload.clone() };
    gate.ask("PUT", &without_length.bytes()).assert_error(411, "MissingContentLength");
    for length in ["", "5x", "05", "-5"] {
        let bytes = Upload { declared: Some(length.into()), ..upload.clone() }.bytes();
        gate.ask("PUT", &bytes).assert_error(411, "MissingContentLength");
    }
    let other = upload.clone().trailer("x-amz-meta-a", "b");
    gate.ask("PUT", &other.bytes()).assert_error(400, "InvalidRequest");
    let two = upload.clone().map(|request| request.signed("x-amz-checksum-crc32", "NhCmhg=="));
    gate.ask("PUT", &two.bytes()).assert_error(400, "InvalidRequest");
    // only what uploads has chunks
    for method in ["POST", "DELETE", "GET"] {
        let mut other = upload.clone();
        method.clone_into(&mut other.request.method);
        let bytes = other.edited(|body| body.truncate(if method == "GET" { 0 } else { body.len() }));
        let answer = gate.ask(method, &bytes);
        assert!(matches!(answer.status, 400 | 403), "{method} {}", answer.status);
    }
    let (request, _) = upload.parts();
    gate.ask("PUT", &request.authorized()).assert_error(411, "MissingContentLength");
    upstream.assert_untouched();
}

/// Attack case PAY-09: framing that is none gets an answer of the client's fault, however it is cut into writes.
#[test]
fn malformed_chunks_are_the_clients_fault() {
    let (upstream, gate) = resigning();
    let upload = Upload::new(UNSIGNED_TRAILER, b"hello", 5).crc32();
    for body in [
        "ffffffffffffffff\r\nhello\r\n0\r\n\r\n",
        "fffffffffffffffff\r\nhello\r\n0\r\n\r\n",
        "-1\r\nhello\r\n0\r\n\r\n",
        "0x5\r\nhello\r\n0\r\n\r\n",
        "5;chunk-signature=\r\nhello\r\n0\r\n\r\n",
        "5hello0\r\n\r\n",
        "5\nhello\n0\n\n",
        "5\r\nhello\r\n0\r\nx-amz-checksum-crc32\r\n\r\n",
        "5\r\nhello\r\n0\r\n:NhCmhg==\r\n\r\n",
        "\r\n",
        "0\r\n\r\n",
    ] {
        let bytes = upload.edited(|sent| *sent = body.as_bytes().to_vec());
        let answer = gate.ask("PUT", &bytes);
        assert!(matches!(answer.status, 400 | 403), "{body:?}: {}", answer.status);
        let mut client = Client::connect(gate.address());
        for byte in &bytes {
            client.send(&[*byte]);
        }
        assert_eq!(client.response("PUT").status, answer.status, "{body:?}");
    }
    upstream.assert_untouched();
}
