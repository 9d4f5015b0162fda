//! What the recording upstream saw: requests as parsed, and the bytes of each connection.
//! It must not judge them; tests do.

use super::message::{Framing, Head, Headers};

/// One request that reached the upstream, whole or in part.
#[derive(Clone, Debug)]
pub struct Record {
    /// The number of the connection, from 0.
    pub connection: usize,
    pub method: String,
    /// The request target, as received.
    pub target: String,
    pub headers: Headers,
    pub framing: Framing,
    /// The body, unless the upstream was told to discard bodies.
    pub body: Vec<u8>,
    /// Bytes of the body that arrived.
    pub body_length: u64,
    /// Whether the body is that of [`super::pattern`].
    pub body_is_pattern: bool,
    /// Whether the whole request arrived.
    pub complete: bool,
}

impl Record {
    /// Reads the request line; says what is wrong with it otherwise.
    pub fn new(connection: usize, head: Head, framing: Framing) -> Result<Self, String> {
        let words: Vec<_> = head.first_line.split(' ').collect();
        let [method, target, "HTTP/1.1"] = words.as_slice() else {
            return Err(format!("request line `{}`", head.first_line));
        };
        if head.headers.all("host").count() != 1 {
            return Err(format!("Host lines: {:?}", head.headers.all("host").collect::<Vec<_>>()));
        }
        Ok(Self {
            connection,
            method: (*method).to_owned(),
            target: (*target).to_owned(),
            headers: head.headers,
            framing,
            body: Vec::new(),
            body_length: 0,
            body_is_pattern: true,
            complete: false,
        })
    }

    /// The target up to the query.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// The query as received, without the `?`.
    pub fn query(&self) -> &str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }
}

/// Everything that the upstream saw.
#[derive(Debug, Default)]
pub struct Recording {
    pub requests: Vec<Record>,
    /// The bytes of each connection, unless the upstream was told to discard bodies.
    pub wire: Vec<Vec<u8>>,
    /// What broke HTTP/1.1 as a strict origin reads it.
    pub violations: Vec<String>,
    /// Connections that ended.
    pub closed: usize,
}
