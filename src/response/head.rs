//! The head of an answer from upstream, read and written anew for the client.
//! It must not change what the answer says: only framing and connection headers are the gate's own.

use crate::field::trim;
use crate::request::Version;
use crate::request::framing::Framing;
use crate::request::headers::{Header, write_line};
use smallvec::SmallVec;

/// The most header lines of an answer.
pub const MAX_LINES: usize = 128;

/// Headers between two hops only (RFC 9110 section 7.6.1), and those that the gate writes itself.
const HOP: &[&str] = &[
    "connection",
    "content-length",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authentication-info",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Why an answer cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// The head breaks the syntax of HTTP/1.1.
    #[error("the head of the answer is malformed")]
    Head,
    /// Content-Length or Transfer-Encoding is malformed, repeated, or both are there.
    #[error("the length of the answer is told in an ambiguous way")]
    Framing,
}

/// The head of an answer.
#[derive(Debug)]
pub struct AnswerHead<'a> {
    /// The status code.
    pub status: u16,
    /// How the length of the body is told.
    pub framing: Framing,
    /// Whether the connection can carry another request after the body.
    pub keep_alive: bool,
    /// The number of bytes of the head.
    pub length: usize,
    reason: &'a str,
    headers: SmallVec<[Header<'a>; 24]>,
}

/// What the client is like that an answer is written for.
#[derive(Clone, Copy, Debug)]
pub struct Client {
    /// The version of its request.
    pub version: Version,
    /// Whether the connection stays open after the answer.
    pub keep_alive: bool,
}

impl<'a> AnswerHead<'a> {
    /// Reads the head of the answer to a request; `None` if more bytes are needed.
    ///
    /// # Errors
    /// See [`AnswerError`].
    pub fn parse(bytes: &'a [u8], to_head: bool) -> Result<Option<Self>, AnswerError> {
        let mut slots = [const { std::mem::MaybeUninit::uninit() }; MAX_LINES];
        let mut answer = httparse::Response::new(&mut []);
        let parsed = httparse::ParserConfig::default()
            .parse_response_with_uninit_headers(&mut answer, bytes, &mut slots)
            .map_err(|_| AnswerError::Head)?;
        let httparse::Status::Complete(length) = parsed else { return Ok(None) };
        let (Some(status), Some(version)) = (answer.code, answer.version) else {
            return Err(AnswerError::Head);
        };
        // the parser takes a bare LF for a line end; two readers could see two answers
        let head = bytes.get(..length).unwrap_or_default();
        if !memchr::memchr_iter(b'\n', head).all(|at| at > 0 && head.get(at - 1) == Some(&b'\r')) {
            return Err(AnswerError::Head);
        }
        let headers: SmallVec<[Header<'a>; 24]> =
            answer.headers.iter().map(|line| Header { name: line.name, value: trim(line.value) }).collect();
        let framing = framing(&headers, status, to_head)?;
        let closes = headers.iter().filter(|header| header.is("connection")).any(|header| {
            header.value.split(|&byte| byte == b',').any(|word| trim(word).eq_ignore_ascii_case(b"close"))
        });
        let keep_alive = version == 1 && !closes && framing != Framing::UntilClose;
        Ok(Some(Self { status, framing, keep_alive, length, reason: answer.reason.unwrap_or(""), headers }))
    }

    /// Whether this is an interim answer (1xx): the real one follows.
    #[must_use]
    pub const fn is_interim(&self) -> bool {
        self.status >= 100 && self.status < 200
    }

    /// The first value of a header.
    #[must_use]
    pub fn first(&self, lower_name: &str) -> Option<&'a [u8]> {
        self.headers.iter().find(|header| header.is(lower_name)).map(|header| header.value)
    }

    /// The lines but those between two hops and, where the gate tells what pages of other origins may see, those that
    /// do so too.
    pub fn headers(&self, cors: Option<&[u8]>) -> impl Iterator<Item = &Header<'a>> {
        self.headers.iter().filter(move |header| {
            let ends = HOP.iter().any(|hop| header.is(hop)) || self.nominates(header.name);
            !ends && (cors.is_none() || !header.has_prefix("access-control-"))
        })
    }

    /// Appends the head for the client and tells how the body has to be framed for it.
    /// A body that ends with the connection is sent in chunks to a client that knows them.
    /// `cors` are the lines for pages of other origins, in place of those that came.
    pub fn write(&self, client: Client, cors: Option<&[u8]>, out: &mut Vec<u8>) -> Framing {
        let framing = match (self.framing, client.version) {
            (Framing::UntilClose, Version::Http11) => Framing::Chunked,
            (Framing::Chunked, Version::Http10) => Framing::UntilClose,
            (framing, _) => framing,
        };
        let mut digits = itoa::Buffer::new();
        out.extend_from_slice(b"HTTP/1.1 ");
        out.extend_from_slice(digits.format(self.status).as_bytes());
        out.push(b' ');
        out.extend_from_slice(self.reason.as_bytes());
        out.extend_from_slice(b"\r\n");
        for header in self.headers(cors) {
            write_line(out, header.name.as_bytes(), header.value);
        }
        out.extend_from_slice(cors.unwrap_or_default());
        match framing {
            Framing::Known(length) => {
                write_line(out, b"Content-Length", digits.format(length).as_bytes());
            }
            Framing::Chunked => out.extend_from_slice(b"Transfer-Encoding: chunked\r\n"),
            // what a body would have measured: HEAD and 304 tell it without sending one
            Framing::None if self.status != 204 && !self.is_interim() => {
                if let Some(length) = self.first("content-length") {
                    write_line(out, b"Content-Length", length);
                }
            }
            Framing::None | Framing::UntilClose => {}
        }
        if !client.keep_alive || framing == Framing::UntilClose {
            out.extend_from_slice(b"Connection: close\r\n");
        }
        out.extend_from_slice(b"\r\n");
        framing
    }

    fn nominates(&self, name: &str) -> bool {
        self.headers.iter().filter(|header| header.is("connection")).any(|header| {
            header
                .value
                .split(|&byte| byte == b',')
                .any(|word| trim(word).eq_ignore_ascii_case(name.as_bytes()))
        })
    }
}

/// RFC 9112 section 6.3, ambiguous cases refused.
fn framing(headers: &[Header<'_>], status: u16, to_head: bool) -> Result<Framing, AnswerError> {
    let all =
        |name: &'static str| headers.iter().filter(move |header| header.is(name)).map(|header| header.value);
    let (mut codings, mut lengths) = (all("transfer-encoding"), all("content-length"));
    let told = match (codings.next(), lengths.next()) {
        (None, None) => Framing::UntilClose,
        (Some(coding), None) if coding.eq_ignore_ascii_case(b"chunked") && codings.next().is_none() => {
            Framing::Chunked
        }
        (None, Some(length)) if lengths.next().is_none() => {
            let digits = !length.is_empty() && length.iter().all(u8::is_ascii_digit);
            let number =
                std::str::from_utf8(length).ok().filter(|_| digits).and_then(|text| text.parse().ok());
            Framing::Known(number.ok_or(AnswerError::Framing)?)
        }
        _ => return Err(AnswerError::Framing),
    };
    let bodiless = to_head || matches!(status, 100..=199 | 204 | 304);
    Ok(if bodiless { Framing::None } else { told })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(
        answer: &str,
        to_head: bool,
        version: Version,
        expected: Result<(Framing, Framing, bool, &str), AnswerError>,
    ) {
        let answer = format!("HTTP/1.1 {answer}\r\n\r\n");
        let seen = AnswerHead::parse(answer.as_bytes(), to_head).map(|head| {
            let head = head.unwrap();
            let mut out = Vec::new();
            let sent = head.write(Client { version, keep_alive: true }, None, &mut out);
            let text = String::from_utf8(out).unwrap();
            let text = text.strip_prefix("HTTP/1.1 ").and_then(|text| text.strip_suffix("\r\n\r\n")).unwrap();
            (head.framing, sent, head.keep_alive, text.to_owned())
        });
        let expected = expected.map(|(told, sent, reuse, text)| (told, sent, reuse, text.to_owned()));
        assert_eq!(seen, expected, "{answer:?}");
    }

    #[test]
    fn answers_are_framed_anew() {
        use Framing::{Chunked, Known, None, UntilClose};
        use Version::{Http10, Http11};
        check(
            "200 OK\r\nContent-Length: 3\r\nETag: \"x\"",
            false,
            Http11,
            Ok((Known(3), Known(3), true, "200 OK\r\nETag: \"x\"\r\nContent-Length: 3")),
        );
        check(
            "200 OK\r\ntransfer-encoding: Chunked",
            false,
            Http11,
            Ok((Chunked, Chunked, true, "200 OK\r\nTransfer-Encoding: chunked")),
        );
        check(
            "200 OK\r\nTransfer-Encoding: chunked",
            false,
            Http10,
            Ok((Chunked, UntilClose, true, "200 OK\r\nConnection: close")),
        );
        check(
            "200 OK\r\nX: y",
            false,
            Http11,
            Ok((UntilClose, Chunked, false, "200 OK\r\nX: y\r\nTransfer-Encoding: chunked")),
        );
        check(
            "200 OK\r\nContent-Length: 3",
            true,
            Http11,
            Ok((None, None, true, "200 OK\r\nContent-Length: 3")),
        );
        check(
            "304 Not Modified\r\nContent-Length: 3",
            false,
            Http11,
            Ok((None, None, true, "304 Not Modified\r\nContent-Length: 3")),
        );
        check("204 No Content", false, Http11, Ok((None, None, true, "204 No Content")));
        check(
            "206 Partial\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nContent-Length: 1",
            false,
            Http11,
            Ok((Known(1), Known(1), false, "206 Partial\r\nContent-Length: 1")),
        );
    }

    #[test]
    fn the_gate_alone_tells_pages_what_they_may_see() {
        let answer =
            b"HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\nETag: x\r\nContent-Length: 0\r\n\r\n";
        let head = AnswerHead::parse(answer, false).unwrap().unwrap();
        let client = Client { version: Version::Http11, keep_alive: true };
        for (cors, lines) in [
            (None, "Access-Control-Allow-Origin: *\r\nETag: x\r\n"),
            (Some(&b""[..]), "ETag: x\r\n"),
            (Some(b"A: b\r\n"), "ETag: x\r\nA: b\r\n"),
        ] {
            let mut out = Vec::new();
            head.write(client, cors, &mut out);
            let expected = format!("HTTP/1.1 200 OK\r\n{lines}Content-Length: 0\r\n\r\n");
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }

    #[test]
    fn answers_that_cannot_be_used() {
        for lines in [
            "Content-Length: 1\r\nContent-Length: 1",
            "Content-Length: +1",
            "Content-Length: 1\r\nTransfer-Encoding: chunked",
            "Transfer-Encoding: gzip",
        ] {
            check(&format!("200 OK\r\n{lines}"), false, Version::Http11, Err(AnswerError::Framing));
        }
        let bare = b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok";
        assert_eq!(AnswerHead::parse(bare, false).map(|head| head.is_some()), Err(AnswerError::Head));
        check("abc OK", false, Version::Http11, Err(AnswerError::Head));
        assert!(AnswerHead::parse(b"HTTP/1.1 200 OK\r\nA: b\r\n", false).unwrap().is_none());
    }
}
