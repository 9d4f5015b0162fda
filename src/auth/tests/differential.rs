//! Canonical requests against a second implementation that knows nothing of the first: whole strings, no streaming.
//! It must not share code with what it tests.

use crate::auth::sigv4::canonical::Canonical;
use crate::auth::sigv4::signed_headers::SignedHeaders;
use crate::request::head as heads;
use proptest::prelude::*;

fn decode(text: &str, plus: bool) -> Vec<u8> {
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        if bytes[at] == b'%' {
            out.push(u8::from_str_radix(text.get(at + 1..at + 3).unwrap(), 16).unwrap());
            at += 3;
        } else {
            out.push(if plus && bytes[at] == b'+' { b' ' } else { bytes[at] });
            at += 1;
        }
    }
    out
}

fn encode(bytes: &[u8], keep_slash: bool) -> String {
    bytes.iter().fold(String::new(), |text, &byte| {
        let plain = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || keep_slash && byte == b'/';
        if plain { format!("{text}{}", char::from(byte)) } else { format!("{text}%{byte:02X}") }
    })
}

/// The canonical request, as the documentation describes it and S3 departs from it.
fn slow(method: &str, path: &str, query: &str, headers: &[(String, String)], signed: &[&str]) -> String {
    let mut pairs: Vec<(String, String)> = query
        .split('&')
        .filter(|piece| !piece.is_empty())
        .map(|piece| piece.split_once('=').unwrap_or((piece, "")))
        .map(|(name, value)| (decode(name, true), decode(value, true)))
        .filter(|(name, _)| name != b"X-Amz-Signature")
        .map(|(name, value)| (encode(&name, false), encode(&value, false)))
        .collect();
    pairs.sort();
    let pairs: Vec<_> = pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    let lines = signed.iter().fold(String::new(), |lines, name| {
        let values: Vec<_> = headers
            .iter()
            .filter(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| {
                let mut value = value.trim_matches([' ', '\t']).to_owned();
                while value.contains("  ") {
                    value = value.replace("  ", " ");
                }
                value
            })
            .collect();
        format!("{lines}{name}:{}\n", values.join(","))
    });
    format!(
        "{method}\n{}\n{}\n{lines}\n{}\nUNSIGNED-PAYLOAD",
        encode(&decode(path, false), true),
        pairs.join("&"),
        signed.join(";")
    )
}

const NAMES: [&str; 4] = ["host", "range", "x-amz-meta-a", "x-amz-meta-b"];

fn piece() -> impl Strategy<Value = String> {
    // what is plain, what must be encoded, escapes in both letter cases, and what separates
    prop::collection::vec(
        prop_oneof![
            "[a-zA-Z0-9._~-]{1,3}",
            "[!$'()*+,;:@\"<>^`{|}-]",
            Just("%2F".to_owned()),
            Just("%c3%A9".to_owned()),
            Just("%41".to_owned()),
            Just("%20".to_owned()),
            Just("%25".to_owned()),
            Just("%ff".to_owned()),
            Just("/".to_owned()),
        ],
        0..5,
    )
    .prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn both_write_the_same_canonical_request(
        method in prop_oneof![Just("GET"), Just("PUT"), Just("get"), Just("DELETE")],
        path in piece(),
        query in prop::collection::vec((piece(), prop::option::of(piece())), 0..6),
        repeated in any::<bool>(),
        values in prop::collection::vec((0..4_usize, "[ -~\t]{0,12}"), 0..6),
        signed in prop::sample::subsequence(NAMES.to_vec(), 0..=4),
    ) {
        let mut pieces: Vec<_> = query
            .iter()
            .map(|(name, value)| match value {
                Some(value) => format!("{name}={value}"),
                None => name.clone(),
            })
            .collect();
        if repeated {
            pieces.push("X-Amz-Signature=0".to_owned());
            pieces.extend(pieces.first().cloned());
        }
        let query = pieces.join("&");
        let mut headers = vec![("Host".to_owned(), "s3.test".to_owned())];
        for (at, value) in values {
            // single headers stand once
            let name = NAMES[2 + at % 2];
            headers.push((name.to_owned(), value));
        }
        let lines: Vec<_> = headers.iter().map(|(name, value)| format!("{name}:{value}\r\n")).collect();
        let lines = lines.concat();
        let head = format!("{method} /{path}?{query} HTTP/1.1\r\n{lines}\r\n");
        let Ok(request) = heads::parse(head.as_bytes()) else { return Ok(()) };
        let list = signed.join(";");
        let list = SignedHeaders::parse(list.as_bytes()).unwrap();
        let text = Canonical::new(&request, list, b"UNSIGNED-PAYLOAD").text();
        let expected = slow(method, &format!("/{path}"), &query, &headers, &signed);
        prop_assert_eq!(String::from_utf8(text).unwrap(), expected);
    }
}
