//! HTTP/1.1 messages read strictly from a socket: heads, and bodies by their framing.
//! It must not be lenient: what the gate writes has to be exact.

use super::time::Deadline;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// Header lines in wire order, names as written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(pub Vec<(String, String)>);

impl Headers {
    /// Every value of a header, in wire order.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The value of a header that stands at most once.
    #[track_caller]
    pub fn get(&self, name: &str) -> Option<&str> {
        assert!(self.all(name).count() < 2, "`{name}` stands several times: {self:?}");
        self.0.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub fn has(&self, name: &str) -> bool {
        self.all(name).next().is_some()
    }
}

/// What a message said about the length of its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    None,
    Length(u64),
    Chunked,
    UntilClose,
}

/// The first line and the header lines.
#[derive(Clone, Debug)]
pub struct Head {
    pub first_line: String,
    pub headers: Headers,
}

/// Why a message could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Broken {
    /// The peer closed before the first byte of a message.
    Closed,
    /// The peer closed or reset in the middle.
    Cut,
    /// Nothing came in time.
    TimedOut,
    /// It is not what HTTP allows.
    Syntax(String),
}

fn syntax<T>(text: impl Into<String>) -> Result<T, Broken> {
    Err(Broken::Syntax(text.into()))
}

/// A byte stream whose reads can have a deadline.
pub trait Wire: Read + Write {
    /// The time that one read may take.
    fn patience(&self, time: Duration);
}

impl Wire for TcpStream {
    fn patience(&self, time: Duration) {
        self.set_read_timeout(Some(time)).unwrap();
    }
}

impl Wire for UnixStream {
    fn patience(&self, time: Duration) {
        self.set_read_timeout(Some(time)).unwrap();
    }
}

/// A socket with the bytes that were read ahead.
#[derive(Debug)]
pub struct Reader<S = TcpStream> {
    pub stream: S,
    buffer: Vec<u8>,
    deadline: Deadline,
    /// Everything that arrived, if it is kept.
    kept: Option<Vec<u8>>,
}

impl<S: Wire> Reader<S> {
    pub fn new(stream: S, deadline: Deadline) -> Self {
        Self { stream, buffer: Vec::new(), deadline, kept: None }
    }

    /// From here on, keeps every byte that arrives.
    pub fn keep(&mut self) {
        self.kept = Some(Vec::new());
    }

    /// Hands over the bytes that were kept.
    pub fn take_kept(&mut self) -> Vec<u8> {
        self.kept.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Starts a new period of patience.
    pub fn extend(&mut self, deadline: Deadline) {
        self.deadline = deadline;
    }

    /// Bytes that arrived and belong to no message yet.
    pub fn pending(&self) -> &[u8] {
        &self.buffer
    }

    /// Reads more into the buffer; `false` at the end of the stream.
    fn fill(&mut self) -> Result<bool, Broken> {
        if self.deadline.passed() {
            return Err(Broken::TimedOut);
        }
        self.stream.patience(self.deadline.left());
        let held = self.buffer.len();
        self.buffer.resize(held + 65_536, 0);
        let result = self.stream.read(&mut self.buffer[held..]);
        self.buffer.truncate(held + result.as_ref().map_or(0, |length| *length));
        match result {
            Ok(0) => Ok(false),
            Ok(_) => {
                if let Some(kept) = &mut self.kept {
                    kept.extend_from_slice(&self.buffer[held..]);
                }
                Ok(true)
            }
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::TimedOut => Err(Broken::TimedOut),
                ErrorKind::Interrupted => Ok(true),
                _ => Err(Broken::Cut),
            },
        }
    }

    /// Whether the peer closes, in time, without sending another byte.
    pub fn closes_silently(&mut self) -> bool {
        self.buffer.is_empty() && matches!(self.fill(), Ok(false) | Err(Broken::Cut))
    }

    /// One line without its CR LF. A CR or LF elsewhere is an error.
    fn line(&mut self) -> Result<String, Broken> {
        let end = loop {
            if let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\r\n") {
                break end;
            }
            if !self.fill()? {
                return Err(if self.buffer.is_empty() { Broken::Closed } else { Broken::Cut });
            }
        };
        let line: Vec<u8> = self.buffer.drain(..end + 2).take(end).collect();
        if line.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
            return syntax(format!("stray CR, LF or NUL in {:?}", String::from_utf8_lossy(&line)));
        }
        // header values are bytes; each becomes the character of the same number
        Ok(line.iter().map(|&byte| char::from(byte)).collect())
    }

    /// The head of the next message.
    pub fn head(&mut self) -> Result<Head, Broken> {
        let first_line = self.line()?;
        let mut headers = Headers::default();
        loop {
            let line =
                self.line().map_err(|error| if error == Broken::Closed { Broken::Cut } else { error })?;
            if line.is_empty() {
                return Ok(Head { first_line, headers });
            }
            let Some((name, value)) = line.split_once(':') else {
                return syntax(format!("no colon in {line:?}"));
            };
            let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
            if name.is_empty() || !name.chars().all(token) {
                return syntax(format!("`{name}` is no header name"));
            }
            headers.0.push((name.to_owned(), value.trim_matches([' ', '\t']).to_owned()));
        }
    }

    /// Hands `sink` the body piece by piece.
    pub fn body(&mut self, framing: Framing, sink: &mut dyn FnMut(&[u8])) -> Result<(), Broken> {
        match framing {
            Framing::None => Ok(()),
            Framing::Length(length) => self.exactly(length, sink),
            Framing::Chunked => self.chunks(sink),
            Framing::UntilClose => loop {
                sink(&self.buffer);
                self.buffer.clear();
                if !self.fill()? {
                    return Ok(());
                }
            },
        }
    }

    fn exactly(&mut self, mut length: u64, sink: &mut dyn FnMut(&[u8])) -> Result<(), Broken> {
        loop {
            let here = usize::try_from(length).unwrap_or(usize::MAX).min(self.buffer.len());
            sink(&self.buffer[..here]);
            self.buffer.drain(..here);
            length -= here as u64;
            if length == 0 {
                return Ok(());
            }
            if !self.fill()? {
                return Err(Broken::Cut);
            }
        }
    }

    /// Chunks without extensions, an empty trailer section.
    fn chunks(&mut self, sink: &mut dyn FnMut(&[u8])) -> Result<(), Broken> {
        let whole = |error| if error == Broken::Closed { Broken::Cut } else { error };
        loop {
            let line = self.line().map_err(whole)?;
            if line.is_empty() || line.len() > 16 || !line.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return syntax(format!("`{line}` is no chunk size"));
            }
            let size = u64::from_str_radix(&line, 16).unwrap();
            if size > 0 {
                self.exactly(size, sink)?;
            }
            let end = self.line().map_err(whole)?;
            if !end.is_empty() {
                return syntax(format!("{end:?} after a chunk"));
            }
            if size == 0 {
                return Ok(());
            }
        }
    }
}

/// The framing that length headers tell; `None` if there are none.
pub fn framing(headers: &Headers) -> Result<Option<Framing>, Broken> {
    let lengths: Vec<_> = headers.all("content-length").collect();
    let codings: Vec<_> = headers.all("transfer-encoding").collect();
    match (lengths.as_slice(), codings.as_slice()) {
        ([], []) => Ok(None),
        ([], [coding]) if *coding == "chunked" => Ok(Some(Framing::Chunked)),
        ([length], []) if !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit()) => {
            Ok(Some(Framing::Length(length.parse().unwrap())))
        }
        _ => syntax(format!("body length told as {lengths:?} and {codings:?}")),
    }
}
