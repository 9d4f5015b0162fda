//! Heads that are read, and heads that are refused, each with the exact error.
//! It must not test the parts that have tables of their own (target, host, query).

use super::*;
use proptest::prelude::*;

fn head(text: &str) -> String {
    format!("{text}\r\n\r\n")
}

#[expect(clippy::needless_pass_by_value, reason = "the rows of tables read better without `&`")]
fn check(text: &str, expected: Result<(BodyLength, bool, bool), HeadError>) {
    let head = head(text);
    let seen =
        parse(head.as_bytes()).map(|request| (request.body, request.keep_alive, request.expects_continue));
    assert_eq!(seen, expected, "{text:?}");
}

#[test]
fn heads_that_are_read() {
    use BodyLength::{Chunked, Known, None};
    check("GET / HTTP/1.1\r\nHost: a", Ok((None, true, false)));
    check("GET / HTTP/1.0\r\nHost: a", Ok((None, false, false)));
    check("GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive", Ok((None, false, false)));
    check("GET / HTTP/1.1\r\nHost:\ta \r\nConnection: Keep-Alive, Close", Ok((None, false, false)));
    check("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0", Ok((Known(0), true, false)));
    check(
        "PUT / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\nexpect: 100-Continue",
        Ok((Known(5), true, true)),
    );
    check("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked", Ok((Chunked, true, false)));
    check(
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c",
        Ok((None, true, false)),
    );
    check("purge / HTTP/1.1\r\nHost: a\r\nX: \u{e9}\t,", Ok((None, true, false)));
}

#[test]
fn request_lines_that_are_refused() {
    let host = "\r\nHost: a";
    for line in
        ["", "GET", "GET /", "GET  / HTTP/1.1", "GET /  HTTP/1.1", "GET / HTTP/1.1 ", " GET / HTTP/1.1"]
    {
        check(&format!("{line}{host}"), Err(HeadError::RequestLine));
    }
    check(&format!("GET\t/ HTTP/1.1{host}"), Err(HeadError::RequestLine));
    for beginning in ["\t", "!", "1", "\0", "\u{e9}"] {
        check(&format!("{beginning}GET / HTTP/1.1{host}"), Err(HeadError::RequestLine));
    }
    check(&format!("GET / http/1.1{host}"), Err(HeadError::RequestLine));
    for version in ["HTTP/0.9", "HTTP/1.2", "HTTP/2.0", "HTTP/1.10", "HTTP/1"] {
        check(&format!("GET / {version}{host}"), Err(HeadError::Version));
    }
    check(&format!("G@T / HTTP/1.1{host}"), Err(HeadError::Method));
    check(&format!("GET * HTTP/1.1{host}"), Err(HeadError::Target(TargetError::Form)));
}

#[test]
fn header_lines_that_are_refused() {
    for line in
        ["X", "X: a\u{0}b", "X: a\rb", "X: a\nb", "X: \u{7f}", "X: a\u{b}", "X: a\r\n fold", "X: a\r\n\tfold"]
    {
        let seen = parse(head(&format!("GET / HTTP/1.1\r\nHost: a\r\n{line}")).as_bytes()).unwrap_err();
        assert!(matches!(seen, HeadError::Line | HeadError::Name), "{line:?}: {seen:?}");
    }
    for line in [": a", "X : a", " X: a", "X\u{0}: a", "X_Y: a", "Transfer_Encoding: chunked", "X\u{e9}: a"] {
        check(&format!("GET / HTTP/1.1\r\nHost: a\r\n{line}"), Err(HeadError::Name));
    }
    check("PUT / HTTP/1.1\r\nHost: a\r\nX-AMZ-Copy-Source : b", Err(HeadError::SpacedAmzName));
    check("GET / HTTP/1.1\nHost: a", Err(HeadError::Line));
    assert_eq!(parse(b"GET / HTTP/1.1\r\nHost: a\r\n").unwrap_err(), HeadError::Line);
    let many = "\r\nX: 1".repeat(MAX_LINES);
    check(&format!("GET / HTTP/1.1\r\nHost: a{many}"), Err(HeadError::TooManyLines));
    for host in ["", "\r\nHost: a\r\nHost: a", "\r\nHost:", "\r\nHost: a/b"] {
        check(&format!("GET / HTTP/1.1{host}"), Err(HeadError::Host));
    }
    check(
        "GET / HTTP/1.1\r\nHost: a\r\nX-Amz-Date: 1\r\nx-amz-date: 1",
        Err(HeadError::Repeated("x-amz-date")),
    );
}

#[test]
fn framing_that_is_refused() {
    for line in [
        "Content-Length: +5",
        "Content-Length: -5",
        "Content-Length: 0x5",
        "Content-Length: 5_0",
        "Content-Length: 5 5",
        "Content-Length:",
        "Content-Length: 18446744073709551621",
        "Content-Length: 9223372036854775808",
        "Content-Length: 5,5",
        "Content-Length: 5\r\nContent-Length: 5",
        "Transfer-Encoding: ,chunked",
        "Transfer-Encoding: chunked, chunked",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: identity",
        "Transfer-Encoding:",
        "Transfer-Encoding: \"chunked\"",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 5",
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
    ] {
        check(&format!("PUT / HTTP/1.1\r\nHost: a\r\n{line}"), Err(HeadError::Framing));
    }
    check("PUT / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked", Err(HeadError::Framing));
    check("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1", Err(HeadError::UnexpectedBody("GET")));
    check("HEAD / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked", Err(HeadError::UnexpectedBody("HEAD")));
    for named in ["x-amz-date", "close, host", "authorization", "keep-alive, x-amz-acl", "trailer"] {
        check(&format!("GET / HTTP/1.1\r\nHost: a\r\nConnection: {named}"), Err(HeadError::Connection));
    }
    for expect in ["y 100-continue", "100-continue, x", "", "200-ok"] {
        check(&format!("PUT / HTTP/1.1\r\nHost: a\r\nExpect: {expect}"), Err(HeadError::Expect));
    }
}

#[test]
fn the_end_of_a_head_is_found_across_reads() {
    let bytes = b"GET / HTTP/1.1\r\nHost: a\r\n\r\nbody";
    for seen in 0..27 {
        assert_eq!(find_end(bytes, seen), Some(27), "{seen}");
    }
    assert_eq!(find_end(b"GET / HTTP/1.1\r\n\r", 0), None);
    for hopeless in ["\r\nGET", " GET", "\u{16}\u{3}", "GET / HTTP/1.1\nHost", "\n"] {
        assert!(!may_become_head(hopeless.as_bytes()), "{hopeless:?}");
    }
    for hopeful in ["", "G", "GET / HTTP/1.1\r", "GET / HTTP/1.1\r\nH"] {
        assert!(may_become_head(hopeful.as_bytes()), "{hopeful:?}");
    }
}

proptest! {
    #[test]
    fn what_is_accepted_reads_the_same_in_another_parser(text in "(GET|PUT) /[ -~]{0,12} HTTP/1.1\r\nHost: a\r\n([A-Za-z_-]{0,12}:[ -~\t]{0,12}\r\n){0,3}\r\n") {
        if let Ok(request) = parse(text.as_bytes()) {
            let mut slots = [httparse::EMPTY_HEADER; MAX_LINES];
            let mut other = httparse::Request::new(&mut slots);
            prop_assert!(other.parse(text.as_bytes()).unwrap().is_complete());
            prop_assert_eq!(other.method, Some(request.method.as_str()));
            prop_assert_eq!(other.headers.len(), request.headers.len());
            for (theirs, ours) in other.headers.iter().zip(request.headers.iter()) {
                prop_assert_eq!(theirs.name, ours.name);
                prop_assert_eq!(trim(theirs.value), ours.value);
            }
        }
    }

    #[test]
    fn no_input_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        drop(parse(&bytes));
        let mut closed = bytes;
        closed.extend_from_slice(b"\r\n\r\n");
        drop(parse(&closed));
    }
}
