//! Clients and lines that are slow, torn or gone: nothing is left behind, and nobody else notices.
//! It must not send anything malformed.

use super::{get, in_flight};
use crate::support::between::{Between, Manner};
use crate::support::chunks::{SIGNED, UNSIGNED_TRAILER, Upload};
use crate::support::client::Client;
use crate::support::config::Config;
use crate::support::gate::{Gate, at_rest, poll};
use crate::support::pattern;
use crate::support::reply;
use crate::support::request::Request;
use crate::support::time::Watch;
use crate::support::upstream::Upstream;
use std::io::Read as _;
use std::net::SocketAddr;
use std::time::Duration;

/// What a client sees of an answer that does not depend on when it was made.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    status: u16,
    tag: Option<String>,
    range: Option<String>,
    body: String,
}

/// Takes elements out of a document.
fn without(text: &str, names: &[&str]) -> String {
    names.iter().fold(text.to_owned(), |text, name| {
        let (open, close) = (format!("<{name}>"), format!("</{name}>"));
        let mut rest = text.as_str();
        let mut out = String::new();
        while let Some((before, after)) = rest.split_once(&open) {
            out.push_str(before);
            rest = after.split_once(&close).map_or("", |(_, rest)| rest);
        }
        out + rest
    })
}

/// One operation of each kind over one connection.
fn operations(address: SocketAddr) -> Vec<Seen> {
    let mut client = Client::connect(address);
    let mut ask = |method: &str, bytes: &[u8]| {
        client.send(bytes);
        let answer = client.response(method);
        let told = |name| answer.headers.get(name).map(str::to_owned);
        let body = without(&answer.text(), &["LastModified", "RequestId", "HostId", "UploadId", "Location"]);
        let seen = Seen { status: answer.status, tag: told("etag"), range: told("content-range"), body };
        (seen, answer.element("UploadId"))
    };
    let body = pattern::bytes(20_000);
    let upload = |mode| Upload::new(mode, &body, 8192);
    let key = Request::get("/bkt/key.txt");
    let list = Request::get("/bkt").query("list-type", "2");
    let delete = b"<Delete><Object><Key>key.txt</Key></Object></Delete>";
    let sum = crate::support::chunks::crc32(delete);
    let mut seen = Vec::new();
    for (method, bytes) in [
        ("PUT", Request::put("/bkt/key.txt", &body[..3000]).presigned()),
        ("PUT", Request::put("/bkt/key.txt", &body[..500]).authorized()),
        ("PUT", upload(SIGNED).bytes()),
        ("PUT", upload(UNSIGNED_TRAILER).crc32().chunked(1000)),
        ("GET", key.presigned()),
        ("GET", key.clone().unsigned("Range", "bytes=100-2099").presigned()),
        ("HEAD", Request::new("HEAD", "/bkt/key.txt").presigned()),
        ("GET", Request::get("/bkt/absent").presigned()),
        ("GET", key.key(crate::support::sigv4::STRANGER).presigned()),
        ("GET", list.presigned()),
    ] {
        seen.push(ask(method, &bytes).0);
    }
    let (begun, id) =
        ask("POST", &Request::new("POST", "/bkt/parts").query("uploads", "").with_body(b"").presigned());
    seen.push(begun);
    let id = id.expect("an upload");
    let part = Request::put("/bkt/parts", &body).query("partNumber", "1").query("uploadId", &id);
    let (part, _) = ask("PUT", &part.presigned());
    let tag = part.tag.clone().expect("an entity tag");
    let parts = format!(
        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{tag}</ETag></Part></CompleteMultipartUpload>"
    );
    let complete = Request::new("POST", "/bkt/parts").query("uploadId", &id).with_body(parts.as_bytes());
    seen.push(part);
    for (method, bytes) in [
        ("POST", complete.presigned()),
        ("GET", Request::get("/bkt/parts").presigned()),
        (
            "POST",
            Request::new("POST", "/bkt")
                .query("delete", "")
                .signed("x-amz-checksum-crc32", &sum)
                .with_body(delete)
                .presigned(),
        ),
        ("DELETE", Request::new("DELETE", "/bkt/parts").presigned()),
    ] {
        seen.push(ask(method, &bytes).0);
    }
    seen
}

/// F-08.
#[cfg(feature = "embedded-s3")]
#[test]
fn single_bytes_on_both_legs_change_no_result() {
    let run = |manner| {
        let s3 = crate::support::s3::S3::start(&["bkt"]);
        let behind = Between::start(s3.address, manner);
        let gate = Gate::start(&Config::resign(format!("http://{}", behind.address)));
        let before = Between::start(gate.address(), manner);
        let watch = Watch::start();
        let results = operations(before.address);
        (results, watch.elapsed(), [before.writes(), behind.writes()])
    };
    let ((whole, quick, _), (bytes, slow, writes)) = (run(Manner::Whole), run(Manner::Bytes));
    println!("{} operations: {quick:?}, byte by byte {slow:?} in {writes:?} writes", whole.len());
    assert!(writes.iter().all(|leg| *leg > 100_000), "{writes:?}");
    assert_eq!(whole, bytes);
    assert!(whole.iter().filter(|seen| seen.status < 300).count() >= 14, "{whole:#?}");
}

const KIB64: usize = 65_536;

/// F-09.
#[test]
fn uploads_cut_off_at_every_64_kib_are_aborted_within_a_second_and_leave_nothing() {
    const ROUNDS: usize = 64;
    let upstream = Upstream::discarding(reply::ok("ok"));
    let mut gate = Gate::start(&Config::resign(upstream.endpoint()));
    let body = pattern::bytes(KIB64);
    let base = descriptors_at_rest(&mut gate);
    let mut slowest = Duration::ZERO;
    for round in 0..ROUNDS {
        let mut client = Client::connect(gate.address());
        let length = (ROUNDS * KIB64).to_string();
        client.send(&Request::new("PUT", "/bkt/key").unsigned("Content-Length", &length).presigned());
        for _ in 0..round {
            client.send(&body);
        }
        // the last bytes are held back, so the first pieces do not reach the store
        let reaches = round > 1;
        if reaches {
            drop(upstream.wait(|seen| seen.requests.len() + 2 > round));
        }
        let watch = Watch::start();
        drop(client);
        drop(upstream.wait(|seen| seen.closed == seen.wire.len()));
        slowest = slowest.max(watch.elapsed());
    }
    println!("{ROUNDS} uploads cut off; the slowest ended at the store after {slowest:?}");
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
    upstream.assert_nothing_completed();
    assert!(upstream.recording().requests.len() >= ROUNDS - 4);
    nothing_is_left(&mut gate, base);
    poll("64 uploads in the metrics", || {
        let aborted = gate.metric("presign_gate_denied_total", &["reason=\"client_aborted\""]);
        ((aborted - 64.0).abs() < 0.5).then_some(())
    });
}

/// F-09.
#[test]
fn downloads_cut_off_at_every_64_kib_are_aborted_within_a_second_and_leave_nothing() {
    const ROUNDS: usize = 64;
    // more than any buffer on the way
    let upstream = Upstream::discarding(reply::pattern(1 << 30));
    let mut gate = Gate::start(&Config::resign(upstream.endpoint()));
    let base = descriptors_at_rest(&mut gate);
    let mut slowest = Duration::ZERO;
    for round in 0..ROUNDS {
        let mut client = Client::connect(gate.address());
        client.send(&get("key"));
        let mut seen = vec![0; (round * KIB64).max(1)];
        client.stream().read_exact(&mut seen).unwrap();
        let watch = Watch::start();
        drop(client);
        drop(upstream.wait(|seen| seen.requests.len() > round && seen.closed == seen.wire.len()));
        slowest = slowest.max(watch.elapsed());
    }
    println!("{ROUNDS} downloads cut off; the slowest ended at the store after {slowest:?}");
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
    nothing_is_left(&mut gate, base);
}

/// The descriptors of a gate whose threads have all begun.
pub(super) fn descriptors_at_rest(gate: &mut Gate) -> usize {
    at_rest("the descriptors to stay as many", || gate.process().descriptors())
}

/// Nothing is under way any more, and every descriptor is back.
#[track_caller]
pub(super) fn nothing_is_left(gate: &mut Gate, base: usize) {
    poll("the end of all requests", || (in_flight(gate) < 0.5).then_some(()));
    poll("the descriptors", || (gate.process().descriptors() <= base + 1).then_some(()));
}
