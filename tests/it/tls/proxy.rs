//! The PROXY header before the TLS handshake, as network load balancers write it.
//! It must not test the forms of the header; those have tables.

use super::{Case, tls};
use crate::support::client::Client;
use crate::support::gate::poll;
use crate::support::proxy_header::CAPTURED as FROM_NLB;
use crate::support::request::Request;
use std::io::Write as _;

const LOCAL: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";
const UNSPECIFIED: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x21\0\0\0";

/// Through that endpoint over TLS, or from one address; each proves what the other cannot.
const POLICY: &str = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", "Condition": {"StringEquals": {"aws:SourceVpce": "vpce-08d2bf15fac5001c9"}, "Bool": {"aws:SecureTransport": "true"}}}, {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", "Condition": {"IpAddress": {"aws:SourceIp": ["203.0.113.7", "2001:db8::7"]}, "Bool": {"aws:SecureTransport": "true"}}}]}"#;

fn start(trusted: &str) -> Case {
    Case::start(|config, _, folder| {
        config
            .policy(POLICY)
            .listener(tls(folder, "first", ""))
            .listener(format!("proxy_protocol: {{ trusted: [{trusted}] }}"))
    })
}

#[test]
fn the_header_before_tls_proves_the_path() {
    let case = start("127.0.0.0/8");
    for (header, expected) in [
        (FROM_NLB, Some(200)),
        (b"PROXY TCP4 203.0.113.7 10.0.0.2 4711 443\r\n", Some(200)),
        (b"PROXY TCP6 2001:db8::7 2001:db8::1 4711 443\r\n", Some(200)),
        (b"PROXY TCP4 203.0.113.8 10.0.0.2 4711 443\r\n", Some(403)),
        // nobody knows where these come from
        (b"PROXY UNKNOWN\r\n", Some(403)),
        (LOCAL, Some(403)),
        (UNSPECIFIED, Some(403)),
    ] {
        let dial = case.dial().before(header);
        assert_eq!(case.get(&dial), expected, "{}", header.escape_ascii());
    }
    assert_eq!(case.upstream.recording().requests.len(), 3);
}

#[test]
fn exactly_one_good_header_is_needed() {
    let case = start("127.0.0.0/8");
    let good = b"PROXY TCP4 203.0.113.7 10.0.0.2 4711 443\r\n";
    let mut bad_sum = FROM_NLB.to_vec();
    bad_sum[31] ^= 1;
    let before = case.counted("proxy_header");
    let refused: &[&[u8]] = &[b"", b"PROXY TCP4 203.0.113.7 10.0.0.2 04711 443\r\n", &bad_sum];
    for header in refused {
        assert_eq!(case.get(&case.dial().before(header)), None, "{}", header.escape_ascii());
    }
    poll("counted refusals", || (case.counted("proxy_header") >= before + 3.0).then_some(()));
    // the second header stands where the handshake must begin, or inside it where the request must
    assert_eq!(case.get(&case.dial().before(&[&good[..], good].concat())), None);
    let mut client = case.dial().before(good).connect(case.gate.address()).unwrap();
    client.send(&[&good[..], &Request::get(super::KEY).presigned()].concat());
    assert_eq!(client.response("GET").status, 400);
    case.upstream.assert_untouched();
    // anybody can cause these: they have their lines in the access log, and are no messages
    let messages = case.gate.messages();
    assert!(!messages.contains("andshake") && !messages.contains("PROXY"), "{messages}");
}

#[test]
fn the_header_may_come_in_pieces() {
    let case = start("127.0.0.0/8");
    let mut client = Client::connect(case.gate.address());
    for byte in &FROM_NLB[..FROM_NLB.len() - 1] {
        client.stream().write_all(&[*byte]).unwrap();
    }
    let mut socket = client.stream().try_clone().unwrap();
    socket.write_all(&FROM_NLB[FROM_NLB.len() - 1..]).unwrap();
    let mut client = case.dial().over(socket).unwrap();
    client.send(&Request::get(super::KEY).presigned());
    assert_eq!(client.response("GET").status, 200);
}

#[test]
fn who_is_not_trusted_is_refused_with_or_without_a_header() {
    let case = start("10.0.0.0/8");
    for header in [b"".as_slice(), FROM_NLB, b"PROXY TCP4 203.0.113.7 10.0.0.2 4711 443\r\n"] {
        assert_eq!(case.get(&case.dial().before(header)), None, "{}", header.escape_ascii());
    }
    case.upstream.assert_untouched();
}

#[test]
fn who_sends_half_a_header_is_not_waited_for() {
    let case = start("127.0.0.0/8");
    let before = case.counted("proxy_header");
    let mut client = Client::connect(case.gate.address());
    client.send(b"PROXY TCP4 203.0.113.7");
    assert!(client.is_closed());
    assert!(case.counted("proxy_header") > before);
}
