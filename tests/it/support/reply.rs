//! What the recording upstream answers, as a list of steps: whole answers, torn ones, late ones, endless ones.
//! It must not check itself against HTTP: half of its use is to break it.

use super::time::{Deadline, PATIENCE};
use std::sync::{Arc, Condvar, Mutex};

/// One thing the upstream does after it has read a head.
#[derive(Clone, Debug)]
pub enum Step {
    /// Reads the request body to its end.
    ReadBody,
    /// Sends bytes.
    Send(Vec<u8>),
    /// Sends that many bytes of [`super::pattern`].
    SendPattern(u64),
    /// Waits until the test opens the latch.
    Wait(Latch),
    /// Closes the connection.
    Close,
}

/// The steps for one request. The connection stays open afterwards if the body was read and no step closes it.
pub type Reply = Vec<Step>;

/// A door that a test opens once.
#[derive(Clone, Debug, Default)]
pub struct Latch(Arc<(Mutex<bool>, Condvar)>);

impl Latch {
    pub fn open(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }

    /// Waits; whether the latch was opened in time.
    pub fn wait(&self) -> bool {
        let deadline = Deadline::after(PATIENCE);
        let closed = |open: &mut bool| !*open;
        *self.0.1.wait_timeout_while(self.0.0.lock().unwrap(), deadline.left(), closed).unwrap().0
    }
}

/// The bytes of an answer with a Content-Length.
pub fn message(status: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut bytes = head(status, headers);
    bytes.truncate(bytes.len() - 2);
    bytes.extend(format!("Content-Length: {}\r\n\r\n", body.len()).bytes());
    bytes.extend(body);
    bytes
}

/// The bytes of a head, its empty line included.
pub fn head(status: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    let mut text = format!("HTTP/1.1 {status}\r\n");
    for (name, value) in headers {
        text.extend([name, ": ", value, "\r\n"]);
    }
    text.push_str("\r\n");
    text.into_bytes()
}

/// Reads the request, then sends these bytes.
pub fn raw(bytes: impl Into<Vec<u8>>) -> Reply {
    vec![Step::ReadBody, Step::Send(bytes.into())]
}

/// Reads the request, sends these bytes and closes.
pub fn raw_then_close(bytes: impl Into<Vec<u8>>) -> Reply {
    vec![Step::ReadBody, Step::Send(bytes.into()), Step::Close]
}

/// `200 OK` with a body.
pub fn ok(body: &str) -> Reply {
    raw(message("200 OK", &[("ETag", "\"abc\""), ("Content-Type", "text/plain")], body.as_bytes()))
}

/// An answer with a Content-Length.
pub fn status(status: &str, headers: &[(&str, &str)], body: &str) -> Reply {
    raw(message(status, headers, body.as_bytes()))
}

/// An answer without a body and without length headers (`304`, `204`, an answer to HEAD).
pub fn bare(status: &str, headers: &[(&str, &str)]) -> Reply {
    raw(head(status, headers))
}

/// `200 OK` in chunks.
pub fn chunked(pieces: &[&str]) -> Reply {
    let mut bytes = head("200 OK", &[("Transfer-Encoding", "chunked")]);
    for piece in pieces {
        bytes.extend(format!("{:x}\r\n{piece}\r\n", piece.len()).bytes());
    }
    bytes.extend(b"0\r\n\r\n");
    raw(bytes)
}

/// `200 OK` whose body ends when the connection does.
pub fn until_close(body: &str) -> Reply {
    let mut bytes = head("200 OK", &[("Connection", "close")]);
    bytes.extend(body.bytes());
    raw_then_close(bytes)
}

/// `200 OK` with that many bytes of [`super::pattern`], never held in memory.
pub fn pattern(length: u64) -> Reply {
    let head = head("200 OK", &[("Content-Length", &length.to_string())]);
    vec![Step::ReadBody, Step::Send(head), Step::SendPattern(length)]
}

/// Says `100 Continue`, reads the body, answers.
pub fn continued(body: &str) -> Reply {
    let mut steps = vec![Step::Send(head("100 Continue", &[]))];
    steps.extend(ok(body));
    steps
}

/// Waits for the latch before it answers.
pub fn delayed(latch: &Latch, body: &str) -> Reply {
    let mut steps = ok(body);
    steps.insert(1, Step::Wait(latch.clone()));
    steps
}
