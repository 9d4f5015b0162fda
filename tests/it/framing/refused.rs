//! Heads that are refused as they stand: an S3 error with the gate's own reason, a closed connection, one count and
//! one line in the access log, and not a byte at the upstream.
//! It must not hold requests that could be answered otherwise.

use super::target;
use crate::support::client::Client;
use crate::support::config::Config;
use crate::support::gate::{Gate, poll};
use crate::support::upstream::Upstream;

/// Answers by status, S3's code and the gate's reason.
type Refusal = (u16, &'static str, &'static str);

const HEAD: Refusal = (400, "BadRequest", "malformed_head");
const HOST: Refusal = (400, "BadRequest", "bad_host");
const TARGET: Refusal = (400, "BadRequest", "bad_target");
const URI: Refusal = (400, "InvalidURI", "bad_target");
const VERSION: Refusal = (505, "HTTPVersionNotSupported", "bad_version");
const FRAMING: Refusal = (400, "BadRequest", "bad_framing");
const BODY: Refusal = (400, "InvalidRequest", "bad_framing");
const CONNECTION: Refusal = (400, "InvalidRequest", "bad_connection");
const REPEATED: Refusal = (400, "InvalidRequest", "repeated_header");
const EXPECT: Refusal = (417, "ExpectationFailed", "bad_expect");
const UNSIGNED: Refusal = (403, "AccessDenied", "headers_not_signed");
const LARGE: Refusal = (431, "RequestHeaderSectionTooLarge", "head_too_large");

struct Case {
    upstream: Upstream,
    gate: Gate,
}

impl Case {
    fn start() -> Self {
        let upstream = Upstream::ok();
        let config = Config::resign(upstream.endpoint())
            .more("logs: { access: { path: \"-\", format: json } }")
            .more("expose_reasons: true");
        Self { gate: Gate::start(&config), upstream }
    }

    fn count(&self, reason: &str) -> f64 {
        self.gate.metric("presign_gate_denied_total", &[&format!("reason=\"{reason}\"")])
    }

    /// Sends bytes in which `{GET}` and so on stand for a signed target.
    #[track_caller]
    fn check(&self, bytes: &[u8], (status, code, reason): Refusal) {
        let shown = bytes.escape_ascii().to_string();
        let before = self.count(reason);
        let mut client = Client::connect(self.gate.address());
        client.send(bytes);
        let answer = client.try_response("GET").unwrap_or_else(|broken| panic!("{broken:?} after {shown}"));
        let seen = (answer.status, answer.element("Code"), answer.headers.get("x-gate-reason"));
        assert_eq!(seen, (status, Some(code.to_owned()), Some(reason)), "{shown}: {}", answer.text());
        answer.assert_error(status, code);
        assert_eq!(answer.headers.get("connection"), Some("close"), "{shown}");
        assert!(client.is_closed(), "the connection stays open after {shown}");
        self.upstream.assert_untouched();
        let id = answer.headers.get("x-amz-request-id").unwrap();
        poll(&format!("one count of {shown}"), || (self.count(reason) - before > 0.5).then_some(()));
        assert!(self.count(reason) - before < 1.5, "{shown} was counted twice");
        let line = poll(&format!("a log line of {shown}"), || {
            self.gate.output().lines().find(|line| line.contains(id)).map(str::to_owned)
        });
        assert!(line.contains(&format!("\"event.reason\":\"{reason}\"")), "{line}");
        assert!(line.contains(&format!("\"http.response.status_code\":{status}")), "{line}");
    }

    /// A signed request with these header lines after Host.
    #[track_caller]
    fn lines(&self, method: &str, lines: &str, expected: Refusal) {
        let head = format!("{method} {} HTTP/1.1\r\nHost: s3.test\r\n{lines}\r\n\r\n", target(method));
        self.check(head.as_bytes(), expected);
    }

    /// A signed GET with this in the place of its Host line.
    #[track_caller]
    fn host(&self, lines: &str, expected: Refusal) {
        self.check(format!("GET {} HTTP/1.1\r\n{lines}\r\n", target("GET")).as_bytes(), expected);
    }
}

#[test]
fn request_lines() {
    let case = Case::start();
    let get = target("GET");
    for (line, expected) in [
        (format!("GET  {get} HTTP/1.1"), HEAD),
        (format!("GET {get}  HTTP/1.1"), HEAD),
        (format!("GET {get} HTTP/1.1 "), HEAD),
        (format!("GET\t{get} HTTP/1.1"), HEAD),
        (format!("GET {get}\tHTTP/1.1"), HEAD),
        (format!("GET {get} x HTTP/1.1"), HEAD),
        (format!("GET {get} http/1.1"), HEAD),
        (format!("GET {get}"), HEAD),
        (format!("G(T {get} HTTP/1.1"), (400, "BadRequest", "bad_method")),
        (format!("GET\u{e9} {get} HTTP/1.1"), (400, "BadRequest", "bad_method")),
        (format!("GET {get} HTTP/1.2"), VERSION),
        (format!("GET {get} HTTP/2.0"), VERSION),
        (format!("GET {get} HTTP/0.9"), VERSION),
        (format!("GET {get} HTTP/1.10"), VERSION),
        (format!("GET {get} HTTP/01.1"), VERSION),
        (format!("GET {get}#fragment HTTP/1.1"), TARGET),
        (format!("GET s3.test{get} HTTP/1.1"), TARGET),
        (format!("GET ftp://s3.test{get} HTTP/1.1"), TARGET),
        // the absolute form counts only if it says what Host says
        (format!("GET http://evil.example{get} HTTP/1.1"), TARGET),
        (format!("GET http://s3.test:8080{get} HTTP/1.1"), TARGET),
        (format!("GET http://user@s3.test{get} HTTP/1.1"), TARGET),
        (format!("GET http://s3.test@evil.example{get} HTTP/1.1"), TARGET),
        (format!("GET //evil.example{get} HTTP/1.1"), (403, "SignatureDoesNotMatch", "wrong_signature")),
        ("CONNECT s3.test:80 HTTP/1.1".to_owned(), TARGET),
        ("OPTIONS * HTTP/1.1".to_owned(), TARGET),
        (format!("GET {get}&a=%zz HTTP/1.1"), URI),
        (format!("GET {get}&a=%0 HTTP/1.1"), URI),
        (format!("GET {get}&a=%00 HTTP/1.1"), URI),
        (format!("GET {get}&a=\u{e9} HTTP/1.1"), URI),
        (format!("GET {get}&a=\u{7f} HTTP/1.1"), URI),
    ] {
        if expected.2 == "wrong_signature" {
            // a path that begins with two slashes is a path, and another one than was signed
            let answer = case.gate.ask("GET", format!("{line}\r\nHost: s3.test\r\n\r\n").as_bytes());
            answer.assert_error(expected.0, expected.1);
            continue;
        }
        case.check(format!("{line}\r\nHost: s3.test\r\n\r\n").as_bytes(), expected);
    }
}

#[test]
fn beginnings_that_are_no_request() {
    let case = Case::start();
    let request = format!("GET {} HTTP/1.1\r\nHost: s3.test\r\n\r\n", target("GET"));
    for before in ["\r\n", "\n", " ", "\t", "\0", "\u{16}\u{3}\u{1}", "\r\n\r\n\0\r\nQUIT\n"] {
        case.check(format!("{before}{request}").as_bytes(), HEAD);
    }
    case.check(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", VERSION);
    case.check(format!("PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n{request}").as_bytes(), HEAD);
}

#[test]
fn hosts() {
    let case = Case::start();
    for lines in [
        "",
        "Host:\r\n",
        "Host: s3.test\r\nHost: s3.test\r\n",
        "Host: s3.test\r\nhost: evil.example\r\n",
        "Host: s3.test, evil.example\r\n",
        "Host: s3.test evil.example\r\n",
        "Host: user@s3.test\r\n",
        "Host: s3.test/x\r\n",
        "Host: s3.test?x\r\n",
        "Host: s3.test#x\r\n",
        "Host: s3.test:99999\r\n",
        "Host: s3.test:\r\n",
        "Host: s3.test:80:80\r\n",
        "Host: s3.test.\r\n",
        "Host: .s3.test\r\n",
        "Host: s3%2etest\r\n",
        "Host: [::1\r\n",
        "Host: [fe80::1%25eth0]\r\n",
        "Host: \u{e9}\r\n",
    ] {
        case.host(lines, HOST);
    }
    let old = format!("GET {} HTTP/1.0\r\n\r\n", target("GET"));
    case.check(old.as_bytes(), HOST);
    for name in ["evil.example", "s3.test.evil.example", "xs3.test"] {
        // well formed, but not ours; the connection may go on
        let head = format!("GET {} HTTP/1.1\r\nHost: {name}\r\n\r\n", target("GET"));
        let answer = case.gate.ask("GET", head.as_bytes());
        assert_eq!(
            (answer.status, answer.headers.get("x-gate-reason")),
            (400, Some("unknown_host")),
            "{name}"
        );
    }
    case.upstream.assert_untouched();
}

#[test]
fn header_lines() {
    let case = Case::start();
    for lines in [
        "no colon",
        ": no name",
        "A : b",
        "A\t: b",
        " A: b",
        "A: b\r\n folded",
        "A: b\r\n\tfolded",
        "A: b\0c",
        "A: b\u{b}c",
        "A: b\u{7f}c",
        "A: b\rc",
        "A\0: b",
        "A\u{e9}: b",
        "x_amz_acl: public-read",
        "Content_Length: 5",
        "Transfer_Encoding: chunked",
        "X_Forwarded_For: 10.0.0.1",
        "A(: b",
    ] {
        case.lines("GET", lines, HEAD);
    }
    for lines in ["x-amz-acl : public-read", "A: b\r\n x-amz-acl: public-read"] {
        case.lines("GET", lines, UNSIGNED);
    }
    for lf in ["GET {} HTTP/1.1\nHost: s3.test\r\n\r\n", "GET {} HTTP/1.1\r\nHost: s3.test\n\r\n\r\n"] {
        case.check(lf.replace("{}", &target("GET")).as_bytes(), HEAD);
    }
    for name in ["x-amz-date", "x-amz-security-token", "x-amz-content-sha256", "x-amz-copy-source", "Range"] {
        case.lines("GET", &format!("{name}: a\r\n{name}: a"), REPEATED);
    }
    case.lines("PUT", "Content-MD5: a\r\nContent-MD5: a\r\nContent-Length: 0", REPEATED);
    case.lines("GET", "A: b\r\n".repeat(100).trim_end(), LARGE);
    case.lines("GET", &format!("A: {}", "b".repeat(32 * 1024)), LARGE);
}

#[test]
fn lengths_of_bodies() {
    let case = Case::start();
    for lines in [
        "Content-Length: +5",
        "Content-Length: -5",
        "Content-Length: 0x5",
        "Content-Length: 5_0",
        "Content-Length: 5 5",
        "Content-Length: 5,5",
        "Content-Length: 5,6",
        "Content-Length: 5;",
        "Content-Length: \"5\"",
        "Content-Length:",
        "Content-Length: 18446744073709551621",
        "Content-Length: 9223372036854775808",
        "Content-Length: 5\r\nContent-Length: 5",
        "Content-Length: 0\r\nContent-Length: 44",
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 4",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
        "Transfer-Encoding: ,chunked",
        "Transfer-Encoding: chunked,",
        "Transfer-Encoding: chunked, chunked",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: chunked, gzip",
        "Transfer-Encoding: identity",
        "Transfer-Encoding: chunked;q=1",
        "Transfer-Encoding: \"chunked\"",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding:",
    ] {
        case.lines("PUT", lines, FRAMING);
    }
    case.lines("PUT", "Content-Length: \u{b}5", HEAD);
    case.lines("PUT", "Transfer-Encoding: \u{b}chunked", HEAD);
    let old =
        format!("PUT {} HTTP/1.0\r\nHost: s3.test\r\nTransfer-Encoding: chunked\r\n\r\n", target("PUT"));
    case.check(old.as_bytes(), FRAMING);
    // what follows is never taken for a request
    let inner = "GET /bkt/smuggled HTTP/1.1\r\nHost: s3.test\r\n\r\n";
    for method in ["GET", "HEAD"] {
        let head = format!("{method} {} HTTP/1.1\r\nHost: s3.test\r\n", target(method));
        let bytes = format!("{head}Content-Length: {}\r\n\r\n{inner}", inner.len());
        if method == "GET" {
            case.check(bytes.as_bytes(), BODY);
            case.check(format!("{head}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n").as_bytes(), BODY);
        } else {
            let answer = case.gate.ask("HEAD", bytes.as_bytes());
            assert_eq!((answer.status, answer.body.len()), (400, 0));
        }
    }
    case.upstream.assert_untouched();
}

#[test]
fn connection_and_expect() {
    let case = Case::start();
    for named in [
        "x-amz-acl",
        "host",
        "authorization",
        "content-length",
        "transfer-encoding",
        "expect",
        "trailer",
        "close, x-amz-date",
        "keep-alive, x-forwarded-for",
        "close;q=1",
        "\"close\"",
        "close\r\nConnection: x-amz-date",
    ] {
        case.lines("GET", &format!("Connection: {named}"), CONNECTION);
    }
    for expect in ["", "200-ok", "y 100-continue", "100-continue, x", "100-continue;x", "\"100-continue\""] {
        case.lines("PUT", &format!("Content-Length: 1\r\nExpect: {expect}"), EXPECT);
    }
    case.lines("PUT", "Content-Length: 1\r\nExpect: 100-continue\r\nExpect: 100-continue", REPEATED);
}

/// Methods that S3 does not have are refused after their signature was judged, like every other operation.
#[test]
fn methods_that_are_no_operations() {
    let case = Case::start();
    for method in ["TRACE", "CONNECT", "PATCH", "get", "PROPFIND", "PURGE", "PRI"] {
        let head = format!("{method} {} HTTP/1.1\r\nHost: s3.test\r\n\r\n", target(method));
        let answer = case.gate.ask("GET", head.as_bytes());
        answer.assert_error(405, "MethodNotAllowed");
        let unsigned = format!("{method} /bkt/key.txt HTTP/1.1\r\nHost: s3.test\r\n\r\n");
        case.gate.ask("GET", unsigned.as_bytes()).assert_error(403, "AccessDenied");
    }
    case.upstream.assert_untouched();
}
