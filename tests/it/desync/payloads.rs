//! Payloads of request smuggling by family, each around a request of its own: one that nobody signed, and one that the
//! attacker signed, whose answer another client would get.
//! It must not hold back what looks harmless.

use crate::support::request::Request;
use crate::support::shared;
use serde_json::Value;

/// What nobody signed, and must not reach the store.
pub(super) const INNER: &str = "GET /bkt/smuggled HTTP/1.1\r\nHost: s3.test\r\n\r\n";

/// The paths of requests that an attacker may have made, since they are signed.
pub(super) const SIGNED: &[&str] = &["/bkt/outer", "/bkt/attacker", "/bkt/key.txt"];

/// Bytes for a connection.
pub(super) struct Payload {
    pub(super) family: &'static str,
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
}

/// Names and spellings of the coding that some servers read and others do not.
const CODINGS: &[&str] = &[
    "Transfer-Encoding: chunked",
    "Transfer-Encoding: xchunked",
    "Transfer-Encoding : chunked",
    "Transfer-Encoding:\tchunked",
    "Transfer-Encoding:\x0bchunked",
    "Transfer-Encoding: \x0cchunked",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: x",
    "Transfer-Encoding: x\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    " Transfer-Encoding: chunked",
    "X: x\nTransfer-Encoding: chunked",
    "X: x\r\n\rTransfer-Encoding: chunked",
    "X: x\rTransfer-Encoding: chunked",
    "Transfer-Encoding\r\n : chunked",
    "Transfer-Encoding:\r\n chunked",
    "Transfer-Encoding: \"chunked\"",
    "Transfer-Encoding: 'chunked'",
    "Transfer-Encoding: chunked, identity",
    "Transfer-Encoding: identity, chunked",
    "Transfer-Encoding: gzip, chunked",
    "Transfer-Encoding: ,chunked",
    "Transfer-Encoding: chunked,",
    "Transfer-Encoding: chunked;q=1",
    "Transfer-Encoding: chunked \x08",
    "Transfer-Encoding: chunk\0ed",
    "Transfer-Encoding: chunked\r",
    "Transfer-Encoding: CHUNKED",
    "TRANSFER-ENCODING: chunked",
    "Transfer_Encoding: chunked",
    "Transfer-Encoding\0: chunked",
    "Transfer-\x7fEncoding: chunked",
    "Transfer-Encoding: \u{ff43}hunked",
    "Content-Encoding: chunked",
    "Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked",
];

/// Spellings of the length of the bytes behind the head, which is written for `N`.
const LENGTHS: &[&str] = &[
    "Content-Length: N",
    "Content-Length: 0\r\nContent-Length: N",
    "Content-Length: N\r\nContent-Length: 0",
    "Content-Length: N\r\nContent-Length: N",
    "Content-Length: +N",
    "Content-Length: 00N",
    "Content-Length: 0xN",
    "Content-Length: N, 0",
    "Content-Length: 0, N",
    "Content-Length: N,N",
    "Content-Length: N 0",
    "Content-Length: N_0",
    "Content-Length : N",
    " Content-Length: N",
    "X: x\r\n Content-Length: N",
    "X: x\nContent-Length: N",
    "X: x\rContent-Length: N",
    "Content-Length: \x0bN",
    "Content-Length:\r\n N",
    "Content-Length: 0\r\nConnection: Content-Length\r\nContent-Length: N",
    "Content-Length: N\r\nConnection: close, Content-Length",
    "Content_Length: N",
    "Content-Length: \r\nX-Content-Length: N",
    "Content-Length: -N",
    "Content-Length: N.0",
    "Content-Length: 1eN",
];

/// `Expect` as it makes one side wait for a body and the other not.
const EXPECTS: &[&str] = &[
    "Expect: 100-continue",
    "Expect: 100-Continue",
    "Expect: y 100-continue",
    "Expect: 100-continue, x",
    "Expect: 100-continue\r\nExpect: 100-continue",
    " Expect: 100-continue",
    "Expect:\r\n 100-continue",
];

/// Bodies in chunks that end somewhere else for a reader who is lenient about line ends, sizes or extensions.
const CHUNKS: &[&str] = &[
    "0\r\n\r\nINNER",
    "0\r\n\nINNER",
    "0\n\r\nINNER",
    "0\n\nINNER",
    "0\r\rINNER",
    "0;\nINNER\r\n\r\n",
    "0;a=\"\nINNER\"\r\n\r\n",
    "0\r\nX: x\n\nINNER",
    "0\r\nX: x\r\rINNER",
    "0\r\nContent-Length: 5\r\n\r\nINNER",
    "0\r\nHost: other\r\nTransfer-Encoding: chunked\r\n\r\nINNER",
    "0\r\nINNER",
    "2;\nxx\r\nSIZE\r\nINNER\r\n0\r\n\r\n",
    "2;a\rb\r\nxx\r\n0\r\n\r\nINNER",
    "2;a=\r\nxx\r\n0\r\n\r\nINNER",
    "2;\0\r\nxx\r\n0\r\n\r\nINNER",
    "2\nxx\r\n0\r\n\r\nINNER",
    "2\r\nxx\n0\r\n\r\nINNER",
    "2\r\nxx0\r\n\r\nINNER",
    "2\r\nxxxx0\r\n\r\nINNER",
    "2 \r\nxx\r\n0\r\n\r\nINNER",
    " 2\r\nxx\r\n0\r\n\r\nINNER",
    "2\t\r\nxx\r\n0\r\n\r\nINNER",
    "0x2\r\nxx\r\n0\r\n\r\nINNER",
    "+2\r\nxx\r\n0\r\n\r\nINNER",
    "-0\r\n\r\nINNER",
    "2_0\r\nxx\r\n0\r\n\r\nINNER",
    "\r\nxx\r\n0\r\n\r\nINNER",
    "0000000000000000000002\r\nxx\r\n0\r\n\r\nINNER",
    "10000000000000002\r\nxx\r\n0\r\n\r\nINNER",
    "2g\r\nxx\r\n0\r\n\r\nINNER",
    "00\r\n\r\nINNER",
];

/// Whole heads around `TARGET`, the signed target of a GET; `INNER` may follow.
const HEADS: &[(&str, &str)] = &[
    ("pipelined", "GET TARGET HTTP/1.1\r\nHost: s3.test\r\n\r\nINNER"),
    ("bare LF", "GET TARGET HTTP/1.1\nHost: s3.test\n\nINNER"),
    ("bare LF", "GET TARGET HTTP/1.1\r\nHost: s3.test\n\r\nINNER"),
    ("bare LF", "GET TARGET HTTP/1.1\r\nHost: s3.test\r\nX: x\n\nINNER"),
    ("bare LF", "GET TARGET HTTP/1.1\r\nHost: s3.test\r\nX: x\r\r\n\r\nINNER"),
    ("folded", "GET TARGET HTTP/1.1\r\nHost: s3.test\r\nX: x\r\n y\r\n\r\nINNER"),
    ("folded", "GET TARGET HTTP/1.1\r\n Host: s3.test\r\nHost: s3.test\r\n\r\nINNER"),
    ("hosts", "GET TARGET HTTP/1.1\r\nHost: s3.test\r\nHost: other.test\r\n\r\nINNER"),
    ("hosts", "GET TARGET HTTP/1.1\r\nHost: other.test\r\nHost: s3.test\r\n\r\nINNER"),
    ("hosts", "GET TARGET HTTP/1.1\r\nHost : other.test\r\nHost: s3.test\r\n\r\nINNER"),
    ("hosts", "GET TARGET HTTP/1.1\r\nHost: s3.test\r\n Host: other.test\r\n\r\nINNER"),
    ("hosts", "GET TARGET HTTP/1.1\r\nHost: s3.test, other.test\r\n\r\nINNER"),
    ("hosts", "GET TARGET HTTP/1.1\r\nHost: s3.test\r\nX-Forwarded-Host: other.test\r\n\r\nINNER"),
    ("absolute", "GET http://other.testTARGET HTTP/1.1\r\nHost: s3.test\r\n\r\nINNER"),
    ("absolute", "GET http://s3.testTARGET HTTP/1.1\r\nHost: other.test\r\n\r\nINNER"),
    ("absolute", "GET http://s3.test@other.testTARGET HTTP/1.1\r\nHost: s3.test\r\n\r\nINNER"),
    ("absolute", "GET http://s3.test:80TARGET HTTP/1.1\r\nHost: s3.test\r\n\r\nINNER"),
    ("absolute", "GET //other.testTARGET HTTP/1.1\r\nHost: s3.test\r\n\r\nINNER"),
    ("request line", "GET TARGET HTTP/1.1 HTTP/1.1\r\nHost: s3.test\r\n\r\nINNER"),
    ("request line", "GET  TARGET HTTP/1.1\r\nHost: s3.test\r\n\r\nINNER"),
    ("request line", "GET\tTARGET\tHTTP/1.1\r\nHost: s3.test\r\n\r\nINNER"),
    ("request line", "GET TARGET HTTP/1.0\r\nHost: s3.test\r\nConnection: keep-alive\r\n\r\nINNER"),
    (
        "request line",
        "GET TARGET HTTP/1.0\r\nHost: s3.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nINNER",
    ),
    ("request line", "GET TARGET HTTP/0.9\r\nHost: s3.test\r\n\r\nINNER"),
    ("request line", "GET TARGET\r\n\r\nINNER"),
    ("request line", "\r\n\r\nGET TARGET HTTP/1.1\r\nHost: s3.test\r\n\r\nINNER"),
    ("request line", "GET TARGET#\r\nX HTTP/1.1\r\nHost: s3.test\r\n\r\nINNER"),
    (
        "upgrade",
        "GET TARGET HTTP/1.1\r\nHost: s3.test\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\nPRI * HTTP/2.0\r\n\r\nSM\r\n\r\nINNER",
    ),
    (
        "upgrade",
        "GET TARGET HTTP/1.1\r\nHost: s3.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\nINNER",
    ),
    ("hop by hop", "GET TARGET HTTP/1.1\r\nHost: s3.test\r\nConnection: Host\r\n\r\nINNER"),
    ("hop by hop", "GET TARGET HTTP/1.1\r\nHost: s3.test\r\nConnection: close, X-Amz-Date\r\n\r\nINNER"),
];

/// Every payload, each around both requests.
pub(super) fn all() -> Vec<Payload> {
    let attacker = String::from_utf8(Request::get("/bkt/attacker").presigned()).unwrap();
    let mut out = framing_cases();
    for inner in [INNER, &attacker] {
        coded(&mut out, inner);
        told(&mut out, inner);
        for (family, text) in HEADS {
            let target = Request::get("/bkt/outer").presigned_target();
            let bytes = text.replace("TARGET", &target).replace("INNER", inner).into_bytes();
            out.push(Payload { family, name: (*text).to_owned(), bytes });
        }
    }
    out
}

/// The first lines of a signed request.
fn head(method: &str) -> String {
    let target = Request::new(method, "/bkt/outer").presigned_target();
    format!("{method} {target} HTTP/1.1\r\nHost: s3.test\r\n")
}

/// A length and a coding; and chunks.
fn coded(out: &mut Vec<Payload>, inner: &str) {
    let mut push = |family, name: &str, text: String| {
        out.push(Payload { family, name: name.to_owned(), bytes: text.into_bytes() });
    };
    let (hidden, size) = (format!("0\r\n\r\n{inner}"), format!("{:x}", inner.len()));
    for (number, coding) in CODINGS.iter().enumerate() {
        let (before, after) = if number == 0 { ("CL.TE", "TE.CL") } else { ("TE.TE", "TE.TE") };
        let length = hidden.len();
        push(before, coding, format!("{}Content-Length: {length}\r\n{coding}\r\n\r\n{hidden}", head("PUT")));
        let length = size.len() + 2;
        let body = format!("{size}\r\n{inner}\r\n0\r\n\r\n");
        push(after, coding, format!("{}{coding}\r\nContent-Length: {length}\r\n\r\n{body}", head("PUT")));
    }
    for chunks in CHUNKS {
        let body = chunks.replace("SIZE", &size).replace("INNER", inner);
        push("chunks", chunks, format!("{}Transfer-Encoding: chunked\r\n\r\n{body}", head("PUT")));
    }
}

/// A length that one side does not see, with and without a wait for the body.
fn told(out: &mut Vec<Payload>, inner: &str) {
    let mut push = |family, name: String, text: String| {
        out.push(Payload { family, name, bytes: text.into_bytes() });
    };
    for method in ["GET", "HEAD", "PUT", "DELETE"] {
        for length in LENGTHS {
            if method != "GET" && !length.starts_with("Content-Length: N") {
                continue;
            }
            let line = length.replace('N', &inner.len().to_string());
            push("CL.0", format!("{method} {length}"), format!("{}{line}\r\n\r\n{inner}", head(method)));
        }
    }
    for expect in EXPECTS {
        for method in ["GET", "PUT"] {
            let length = inner.len();
            let text = format!("{}{expect}\r\nContent-Length: {length}\r\n\r\n{inner}", head(method));
            push("0.CL", format!("{method} {expect}"), text);
        }
    }
}

/// The attack cases about framing that are plain bytes.
fn framing_cases() -> Vec<Payload> {
    let file = std::fs::read(shared("threats/cases.json")).unwrap();
    let file: Value = serde_json::from_slice(&file).unwrap();
    let cases = file["cases"].as_array().unwrap().iter();
    let raw = cases.filter(|case| case["category"] == "framing" && case["request"]["kind"] == "raw");
    raw.map(|case| {
        let bytes = filled(case["request"]["data"].as_str().unwrap()).into_bytes();
        Payload { family: "attack cases", name: case["id"].to_string(), bytes }
    })
    .collect()
}

/// Fills the places of a case: `{{HOST}}`, `{{PRESIGNQ:METHOD:/path}}`, `{{BODY:..}}` to the end, and its `{{LEN}}`.
fn filled(text: &str) -> String {
    let text = text.replace("{{HOST}}", "s3.test");
    let mut parts = text.split("{{PRESIGNQ:");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (what, rest) = part.split_once("}}").expect("an end");
        let (method, path) = what.split_once(':').expect("a method");
        let target = Request::new(method, path).presigned_target();
        out.push_str(target.split_once('?').unwrap().1);
        out.push_str(rest);
    }
    if let Some((head, body)) = out.clone().split_once("{{BODY:") {
        let body = body.strip_suffix("}}").expect("a body to the end");
        out = head.replace("{{LEN}}", &body.len().to_string()) + body;
    }
    assert!(!out.contains("{{"), "{out}");
    out
}
