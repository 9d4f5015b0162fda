//! The access log: one JSON line per request, with names of ECS and OpenTelemetry, written by a thread of its own.
//! It must not hold up a request, nor write a query: that is where signatures are.

use super::metrics::DropCounter;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

/// The lines that may wait to be written; more are dropped and counted.
const WAITING: usize = 16 * 1024;
/// For how long the end of the process waits for the last lines.
const PATIENCE: Duration = Duration::from_secs(5);

/// One request, as the access log shows it.
#[derive(Debug)]
pub struct AccessLine<'a> {
    /// When it was judged: `2026-01-15T12:00:00Z`.
    pub timestamp: String,
    /// Its id, as in `x-amz-request-id`.
    pub request_id: &'a str,
    /// The address of the listener.
    pub listener: &'a str,
    /// The client, as far as it is known.
    pub client_ip: Option<String>,
    /// How that was proven.
    pub proof: Option<&'a str>,
    /// The method.
    pub method: Option<&'a str>,
    /// The path, as sent; never the query.
    pub path: Option<&'a [u8]>,
    /// The client's word about itself.
    pub user_agent: Option<&'a [u8]>,
    /// The S3 operation.
    pub operation: Option<&'a str>,
    /// The bucket as configured.
    pub bucket: Option<&'a str>,
    /// Who signed.
    pub principal: Option<&'a str>,
    /// `allow`, `deny` or `pass`.
    pub decision: &'a str,
    /// Why it was refused or failed.
    pub reason: Option<&'a str>,
    /// The status; 0 if the client got none.
    pub status: u16,
    /// Body bytes taken from the client.
    pub request_bytes: u64,
    /// Body bytes sent to the client.
    pub response_bytes: u64,
    /// From the first byte of the request to the last of the answer.
    pub total: Duration,
}

impl AccessLine<'_> {
    /// The line, its line feed included.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(512);
        out.push(b'{');
        text(&mut out, "@timestamp", Some(self.timestamp.as_bytes()));
        text(&mut out, "http.request.id", Some(self.request_id.as_bytes()));
        text(&mut out, "server.listener", Some(self.listener.as_bytes()));
        text(&mut out, "client.ip", self.client_ip.as_deref().map(str::as_bytes));
        text(&mut out, "network.proof", self.proof.map(str::as_bytes));
        text(&mut out, "http.request.method", self.method.map(str::as_bytes));
        text(&mut out, "url.path", self.path);
        text(&mut out, "user_agent.original", self.user_agent);
        text(&mut out, "rpc.method", self.operation.map(str::as_bytes));
        text(&mut out, "aws.s3.bucket", self.bucket.map(str::as_bytes));
        text(&mut out, "user.id", self.principal.map(str::as_bytes));
        text(&mut out, "event.outcome", Some(self.decision.as_bytes()));
        text(&mut out, "event.reason", self.reason.map(str::as_bytes));
        number(&mut out, "http.response.status_code", u128::from(self.status));
        number(&mut out, "http.request.body.bytes", u128::from(self.request_bytes));
        number(&mut out, "http.response.body.bytes", u128::from(self.response_bytes));
        number(&mut out, "event.duration", self.total.as_nanos());
        out.extend_from_slice(b"}\n");
        out
    }
}

fn name(out: &mut Vec<u8>, name: &str) {
    if out.len() > 1 {
        out.push(b',');
    }
    // names are plain ASCII
    let _ = write!(out, "\"{name}\":");
}

fn text(out: &mut Vec<u8>, key: &str, value: Option<&[u8]>) {
    let Some(value) = value else { return };
    name(out, key);
    // writing to a Vec cannot fail; what is no UTF-8 is replaced
    let _ = serde_json::to_writer(&mut *out, &String::from_utf8_lossy(value));
}

fn number(out: &mut Vec<u8>, key: &str, value: u128) {
    name(out, key);
    let _ = write!(out, "{value}");
}

/// Where lines go.
#[derive(Debug)]
pub struct AccessLog {
    sender: Option<SyncSender<Message>>,
    dropped: DropCounter,
}

#[derive(Debug)]
enum Message {
    Line(Vec<u8>),
    Flush(SyncSender<()>),
}

impl AccessLog {
    /// Lines to a file, which is added to.
    ///
    /// # Errors
    /// The file cannot be opened, or no thread started.
    pub fn file(path: &Path, dropped: DropCounter) -> io::Result<Self> {
        let file: File = OpenOptions::new().create(true).append(true).open(path)?;
        Self::start(Box::new(file), dropped)
    }

    /// Lines to standard output.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn stdout(dropped: DropCounter) -> io::Result<Self> {
        Self::start(Box::new(io::stdout()), dropped)
    }

    /// No lines at all: for the demo.
    #[must_use]
    pub const fn nowhere(dropped: DropCounter) -> Self {
        Self { sender: None, dropped }
    }

    fn start(target: Box<dyn Write + Send>, dropped: DropCounter) -> io::Result<Self> {
        let (sender, receiver) = sync_channel(WAITING);
        std::thread::Builder::new()
            .name("access-log".to_owned())
            .spawn(move || write_lines(target, &receiver))?;
        Ok(Self { sender: Some(sender), dropped })
    }

    /// Whether lines are written at all.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        self.sender.is_some()
    }

    /// Hands a line over; drops it if too many wait.
    pub fn write(&self, line: Vec<u8>) {
        if let Some(sender) = &self.sender
            && sender.try_send(Message::Line(line)).is_err()
        {
            self.dropped.add(1);
        }
    }

    /// Waits until everything that was handed over is written.
    pub fn flush(&self) {
        let Some(sender) = &self.sender else { return };
        let (done, written) = sync_channel(1);
        if sender.send(Message::Flush(done)).is_ok() {
            // whatever is not written by then is lost
            let _ = written.recv_timeout(PATIENCE);
        }
    }
}

fn write_lines(target: Box<dyn Write + Send>, receiver: &Receiver<Message>) {
    let mut out = BufWriter::with_capacity(64 * 1024, target);
    while let Ok(first) = receiver.recv() {
        let mut next = Some(first);
        while let Some(message) = next {
            match message {
                // a full disk must not end the gate; the next line may fit again
                Message::Line(line) => drop(out.write_all(&line)),
                Message::Flush(done) => {
                    drop(out.flush());
                    let _ = done.send(());
                }
            }
            next = receiver.try_recv().ok();
        }
        drop(out.flush());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_json_and_shows_text_safely() {
        let line = AccessLine {
            timestamp: "2026-01-15T12:00:00Z".to_owned(),
            request_id: "ID",
            listener: "127.0.0.1:1",
            client_ip: None,
            proof: Some("peer"),
            method: Some("GET"),
            path: Some(b"/b/\"k\n\xff"),
            user_agent: None,
            operation: Some("GetObject"),
            bucket: Some("b"),
            principal: None,
            decision: "deny",
            reason: Some("expired"),
            status: 403,
            request_bytes: 0,
            response_bytes: 7,
            total: Duration::from_micros(3),
        };
        let json = line.to_json();
        assert_eq!(json.iter().position(|byte| *byte == b'\n'), Some(json.len() - 1));
        let value: serde_json::Value = serde_json::from_slice(&json).unwrap();
        assert_eq!(value["url.path"], "/b/\"k\n\u{fffd}");
        assert_eq!(value["event.duration"], 3000);
        assert_eq!(value.get("client.ip"), None);
    }

    #[test]
    fn lines_arrive_in_their_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("access.jsonl");
        let metrics =
            super::super::metrics::Metrics::new(&super::super::metrics::MetricsConfig::default()).unwrap();
        let log = AccessLog::file(&path, metrics.log_dropped()).unwrap();
        log.write(b"{}\n".to_vec());
        log.write(b"{1}\n".to_vec());
        log.flush();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{}\n{1}\n");
    }
}
