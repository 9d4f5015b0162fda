//! SigV4 from the published rules, by code that shares nothing with the gate.
//! It must not judge what it signs: malformed values too get a right signature, so that a refusal proves the parser
//! and not the MAC.

use super::recorded::Record;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// An access key.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    pub id: &'static str,
    pub secret: &'static str,
    pub token: Option<&'static str>,
}

/// The key that the tests' config allows everything on the bucket `bkt`.
pub const MAIN: Key = Key { id: "AKIDTESTMAIN00000001", secret: "secret/main+0", token: None };
/// A temporary credential with the same rights.
pub const TEMPORARY: Key = Key { id: "ASIATEMPKEY000000001", secret: "temp-secret", token: Some("tok/en+=") };
/// A key that no config knows.
pub const STRANGER: Key = Key { id: "AKIDTESTSTRANGER0001", secret: "who knows", token: None };
/// What the gate signs with towards the upstream.
pub const UPSTREAM: Key = Key { id: "AKIDUPSTREAM0000001", secret: "upstream-secret", token: None };

/// The payload line of a request whose body is not signed.
pub const UNSIGNED: &str = "UNSIGNED-PAYLOAD";

/// The name the tests sign for.
pub const HOST: &str = "s3.test";

pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

pub fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// Percent-encodes everything but unreserved characters and, if asked, `/`.
pub fn encode(bytes: &[u8], keep_slash: bool) -> String {
    bytes.iter().fold(String::new(), |mut text, &byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || (keep_slash && byte == b'/') {
            text.push(char::from(byte));
        } else {
            write!(text, "%{byte:02X}").unwrap();
        }
        text
    })
}

pub fn decode(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let escaped = (bytes[at] == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        let byte = escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        out.push(byte.unwrap_or(bytes[at]));
        at += if byte.is_some() { 3 } else { 1 };
    }
    out
}

/// The path of an object in path style, encoded as SDKs do.
pub fn object_path(bucket: &str, key: &str) -> String {
    format!("/{bucket}/{}", encode(key.as_bytes(), true))
}

/// A query in the order of the pairs.
pub fn joined(query: &[(String, String)]) -> String {
    let pair = |(n, v): &(String, String)| {
        format!("{}={}", encode(n.as_bytes(), false), encode(v.as_bytes(), false))
    };
    query.iter().map(pair).collect::<Vec<_>>().join("&")
}

/// Everything a signature covers.
pub struct Signable<'a> {
    pub method: &'a str,
    /// As on the wire; the canonical form is made from it.
    pub path: &'a str,
    /// Decoded names and values.
    pub query: &'a [(String, String)],
    pub headers: &'a [(String, String)],
    pub payload: &'a str,
    pub key: Key,
    pub date: &'a str,
    pub scope: &'a str,
}

impl Signable<'_> {
    pub fn signed_headers(&self) -> String {
        let mut names: Vec<_> = self.headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
        names.sort();
        names.dedup();
        names.join(";")
    }

    fn canonical_request(&self) -> String {
        let mut query: Vec<_> = self
            .query
            .iter()
            .map(|(n, v)| (encode(n.as_bytes(), false), encode(v.as_bytes(), false)))
            .collect();
        query.sort();
        let query: Vec<_> = query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut lines = String::new();
        let signed = self.signed_headers();
        for name in signed.split(';') {
            let values = self.headers.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
            let values: Vec<_> = values
                .map(|(_, value)| value.split_ascii_whitespace().collect::<Vec<_>>().join(" "))
                .collect();
            writeln!(lines, "{name}:{}", values.join(",")).unwrap();
        }
        let path = encode(&decode(self.path), true);
        format!("{}\n{path}\n{}\n{lines}\n{signed}\n{}", self.method, query.join("&"), self.payload)
    }

    pub fn signature(&self) -> String {
        let hashed = sha256_hex(self.canonical_request().as_bytes());
        let text = format!("AWS4-HMAC-SHA256\n{}\n{}\n{hashed}", self.date, self.scope);
        hex(&hmac(&signing_key(self.key, self.scope), &text))
    }
}

/// The signature of a text by itself, as forms carry it.
pub fn text_signature(key: Key, scope: &str, text: &str) -> String {
    hex(&hmac(&signing_key(key, scope), text))
}

pub fn signing_key(key: Key, scope: &str) -> Vec<u8> {
    let first = format!("AWS4{}", key.secret).into_bytes();
    scope.split('/').fold(first, |key, part| hmac(&key, part))
}

/// Fails unless a request at the upstream is signed by `key` in its Authorization header, and everything that
/// matters is covered.
#[track_caller]
pub fn assert_signed_by(record: &Record, key: Key, region: &str) {
    let authorization = record.headers.get("authorization").expect("an Authorization header");
    let part = |name: &str| {
        let (_, rest) = authorization
            .split_once(&format!("{name}="))
            .unwrap_or_else(|| panic!("{name} in {authorization}"));
        rest.split(',').next().unwrap_or_default().trim().to_owned()
    };
    assert!(authorization.starts_with("AWS4-HMAC-SHA256 "), "{authorization}");
    let date = record.headers.get("x-amz-date").expect("x-amz-date");
    let scope = format!("{}/{region}/s3/aws4_request", &date[..8]);
    assert_eq!(part("Credential"), format!("{}/{scope}", key.id));
    let covered = part("SignedHeaders");
    let covered: Vec<_> = covered.split(';').collect();
    for (name, _) in &record.headers.0 {
        let name = name.to_ascii_lowercase();
        let must = name == "host" || name == "content-md5" || name.starts_with("x-amz-");
        assert!(!must || covered.contains(&name.as_str()), "`{name}` is not signed towards the upstream");
    }
    let headers: Vec<_> = covered
        .iter()
        .flat_map(|name| record.headers.all(name).map(|value| ((*name).to_owned(), value.to_owned())))
        .collect();
    let query: Vec<_> = record
        .query()
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (text_of(name), text_of(value)))
        .collect();
    let signable = Signable {
        method: &record.method,
        path: record.path(),
        query: &query,
        headers: &headers,
        payload: record.headers.get("x-amz-content-sha256").expect("x-amz-content-sha256"),
        key,
        date,
        scope: &scope,
    };
    assert_eq!(part("Signature"), signable.signature(), "{}", signable.canonical_request());
}

fn text_of(encoded: &str) -> String {
    String::from_utf8(decode(encoded)).expect("queries of the tests are UTF-8")
}

#[cfg(test)]
mod tests {
    use super::super::request::Request;
    use super::*;

    const EXAMPLE: Key =
        Key { id: "AKIAIOSFODNN7EXAMPLE", secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", token: None };

    /// The worked examples of the S3 API reference: "Authenticating requests: query parameters" and
    /// "Signature calculations for the Authorization header", GET object.
    #[test]
    fn the_published_examples_come_out() {
        let mut request =
            Request::get("/test.txt").host("examplebucket.s3.amazonaws.com").key(EXAMPLE).expires("86400");
        request.time = 1_369_353_600;
        let target = request.presigned_target();
        assert!(
            target.ends_with("aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"),
            "{target}"
        );

        let empty = sha256_hex(b"");
        let request = request.signed("Range", "bytes=0-9").signed("x-amz-content-sha256", &empty);
        let bytes = String::from_utf8(request.authorized()).unwrap();
        assert!(
            bytes.contains("f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"),
            "{bytes}"
        );
    }

    #[test]
    fn paths_are_encoded_once() {
        assert_eq!(object_path("b", "a b/ü%2F+"), "/b/a%20b/%C3%BC%252F%2B");
        assert_eq!(encode(&decode("/b/%41+%zz"), true), "/b/A%2B%25zz");
    }
}
