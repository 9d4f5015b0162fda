//! Requests as tests write them, turned into bytes with a signature in the query or in a header.
//! It must not correct them: a malformed part is signed as it stands.

use super::sigv4::{HOST, Key, MAIN, Signable, UNSIGNED, joined};
use super::time::{amz_date, now};
use std::fmt::Write;

/// A request to be signed and sent.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    /// The path as sent.
    pub path: String,
    pub host: String,
    pub query: Vec<(String, String)>,
    /// Header lines that are sent and signed, beside Host.
    pub signed: Vec<(String, String)>,
    /// Header lines that are sent only.
    pub unsigned: Vec<(String, String)>,
    /// The bytes after the head.
    pub body: Vec<u8>,
    pub key: Key,
    pub region: String,
    pub service: String,
    /// When it was signed, in seconds since the epoch.
    pub time: i64,
    /// Seconds; of a presigned URL only.
    pub expires: String,
}

impl Request {
    pub fn new(method: &str, path: &str) -> Self {
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            host: HOST.to_owned(),
            query: Vec::new(),
            signed: Vec::new(),
            unsigned: Vec::new(),
            body: Vec::new(),
            key: MAIN,
            region: "us-east-1".to_owned(),
            service: "s3".to_owned(),
            time: now(),
            expires: "300".to_owned(),
        }
    }

    pub fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    pub fn put(path: &str, body: &[u8]) -> Self {
        Self::new("PUT", path).with_body(body)
    }

    pub fn host(mut self, host: &str) -> Self {
        host.clone_into(&mut self.host);
        self
    }

    pub fn key(mut self, key: Key) -> Self {
        self.key = key;
        self
    }

    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.query.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A header line that the signature covers.
    pub fn signed(mut self, name: &str, value: &str) -> Self {
        self.signed.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A header line that the signature does not cover.
    pub fn unsigned(mut self, name: &str, value: &str) -> Self {
        self.unsigned.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Signed that many seconds after now.
    pub fn at(mut self, offset: i64) -> Self {
        self.time += offset;
        self
    }

    pub fn expires(mut self, seconds: &str) -> Self {
        seconds.clone_into(&mut self.expires);
        self
    }

    /// A body with its Content-Length.
    pub fn with_body(mut self, body: &[u8]) -> Self {
        self.body = body.to_vec();
        self.unsigned("Content-Length", &body.len().to_string())
    }

    /// A body in chunks.
    pub fn chunked(mut self, pieces: &[&[u8]]) -> Self {
        for piece in pieces {
            self.body.extend(format!("{:x}\r\n", piece.len()).bytes());
            self.body.extend_from_slice(piece);
            self.body.extend(b"\r\n");
        }
        self.body.extend(b"0\r\n\r\n");
        self.unsigned("Transfer-Encoding", "chunked")
    }

    /// The credential scope without the key.
    pub fn scope(&self, date: &str) -> String {
        format!("{}/{}/{}/aws4_request", &date[..8], self.region, self.service)
    }

    fn headers_to_sign(&self) -> Vec<(String, String)> {
        let mut headers = vec![("Host".to_owned(), self.host.clone())];
        headers.extend(self.signed.iter().cloned());
        headers
    }

    /// The payload line: what the request says of it, else unsigned.
    fn payload(&self) -> &str {
        let mut headers = self.signed.iter().chain(&self.unsigned);
        headers
            .find(|(name, _)| name.eq_ignore_ascii_case("x-amz-content-sha256"))
            .map_or(UNSIGNED, |(_, value)| value)
    }

    /// The request target with the signature in its query.
    pub fn presigned_target(&self) -> String {
        let date = amz_date(self.time);
        let scope = self.scope(&date);
        let headers = self.headers_to_sign();
        let mut query = self.query.clone();
        let mut signable = Signable {
            method: &self.method,
            path: &self.path,
            query: &[],
            headers: &headers,
            payload: self.payload(),
            key: self.key,
            date: &date,
            scope: &scope,
        };
        let mut add = |name: &str, value: &str| query.push((name.to_owned(), value.to_owned()));
        add("X-Amz-Algorithm", "AWS4-HMAC-SHA256");
        add("X-Amz-Credential", &format!("{}/{scope}", self.key.id));
        add("X-Amz-Date", &date);
        add("X-Amz-Expires", &self.expires);
        add("X-Amz-SignedHeaders", &signable.signed_headers());
        if let Some(token) = self.key.token {
            add("X-Amz-Security-Token", token);
        }
        signable.query = &query;
        let signature = signable.signature();
        format!("{}?{}&X-Amz-Signature={signature}", self.path, joined(&query))
    }

    /// The bytes of the request with its signature in the query.
    pub fn presigned(&self) -> Vec<u8> {
        self.bytes(&self.presigned_target(), &[])
    }

    /// The bytes of the request with its signature in the Authorization header.
    pub fn authorized(&self) -> Vec<u8> {
        self.authorized_with_seed().0
    }

    /// The same, and the signature.
    pub fn authorized_with_seed(&self) -> (Vec<u8>, String) {
        let date = amz_date(self.time);
        let scope = self.scope(&date);
        let mut added = vec![("x-amz-date".to_owned(), date.clone())];
        if !self.signed.iter().any(|(name, _)| name == "x-amz-content-sha256") {
            added.push(("x-amz-content-sha256".to_owned(), self.payload().to_owned()));
        }
        if let Some(token) = self.key.token {
            added.push(("x-amz-security-token".to_owned(), token.to_owned()));
        }
        let mut headers = self.headers_to_sign();
        headers.extend(added.iter().cloned());
        let signable = Signable {
            method: &self.method,
            path: &self.path,
            query: &self.query,
            headers: &headers,
            payload: self.payload(),
            key: self.key,
            date: &date,
            scope: &scope,
        };
        let (names, signature) = (signable.signed_headers(), signable.signature());
        let credential = format!("{}/{scope}", self.key.id);
        let value =
            format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, Signature={signature}");
        added.push(("Authorization".to_owned(), value));
        let target = if self.query.is_empty() {
            self.path.clone()
        } else {
            format!("{}?{}", self.path, joined(&self.query))
        };
        (self.bytes(&target, &added), signature)
    }

    /// The bytes of the request without any authentication, for a target.
    pub fn bytes(&self, target: &str, added: &[(String, String)]) -> Vec<u8> {
        let mut text = format!("{} {target} HTTP/1.1\r\nHost: {}\r\n", self.method, self.host);
        for (name, value) in self.signed.iter().chain(added).chain(&self.unsigned) {
            write!(text, "{name}: {value}\r\n").unwrap();
        }
        text.push_str("\r\n");
        let mut bytes = text.into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }
}
