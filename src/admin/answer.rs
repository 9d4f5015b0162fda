//! One answer of the admin endpoint, and its bytes.
//! It must not know who asked.

use crate::request::headers::write_line;
use std::io::Write as _;

/// One answer.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    status: u16,
    content_type: &'static str,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl Answer {
    /// Text for people.
    #[must_use]
    pub fn text(status: u16, body: impl Into<String>) -> Self {
        Self::new(status, "text/plain; charset=utf-8", body)
    }

    /// A JSON value.
    #[must_use]
    pub fn json(status: u16, value: &serde_json::Value) -> Self {
        Self::new(status, "application/json", format!("{value}\n"))
    }

    /// Anything else; JSON and HTML among it.
    #[must_use]
    pub fn new(status: u16, content_type: &'static str, body: impl Into<String>) -> Self {
        Self { status, content_type, headers: Vec::new(), body: body.into() }
    }

    /// `{"error": ..}`, in one line.
    #[must_use]
    pub fn refusal(status: u16, error: &str) -> Self {
        Self::json(status, &serde_json::json!({ "error": error }))
    }

    /// Adds a header line.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Appends head and body; no body to a HEAD.
    pub(super) fn write(&self, to_head: bool, keep_alive: bool, out: &mut Vec<u8>) {
        // writing to a Vec cannot fail
        let _ = write!(out, "HTTP/1.1 {} {}\r\n", self.status, phrase(self.status));
        write_line(out, b"Content-Type", self.content_type.as_bytes());
        write_line(out, b"Cache-Control", b"no-store");
        write_line(out, b"X-Content-Type-Options", b"nosniff");
        for (name, value) in &self.headers {
            write_line(out, name.as_bytes(), value.as_bytes());
        }
        let _ = write!(out, "Content-Length: {}\r\n", self.body.len());
        if !keep_alive {
            write_line(out, b"Connection", b"close");
        }
        out.extend_from_slice(b"\r\n");
        if !to_head {
            out.extend_from_slice(self.body.as_bytes());
        }
    }
}

const fn phrase(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        204 => "No Content",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        413 => "Content Too Large",
        503 => "Service Unavailable",
        _ => "Internal Server Error",
    }
}
