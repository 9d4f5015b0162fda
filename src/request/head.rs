//! Reads a request head strictly (RFC 9112, sections 2 to 6): what two readers could read differently is refused.
//! It must not repair anything, nor look at what S3 or a signature make of the request.

use super::headers::{Header, Headers};
use super::host::Host;
use super::method::Method;
use super::target::{Target, TargetError};
use super::{BodyLength, RawRequest, Version};
use crate::field::{is_token_byte, trim};
use crate::reason::Reason;

/// The most header lines of a request.
pub const MAX_LINES: usize = 100;

/// Headers that must stand on one line at most. Host and Content-Length have rules of their own, and so has
/// Authorization: S3 answers a second one in its own way, so `auth` refuses it, before anything reads its value.
const SINGLE: &[&str] = &[
    "content-md5",
    "content-type",
    "expect",
    "if-match",
    "if-none-match",
    "if-modified-since",
    "if-unmodified-since",
    "if-range",
    "range",
    "x-amz-content-sha256",
    "x-amz-copy-source",
    "x-amz-date",
    "x-amz-decoded-content-length",
    "x-amz-security-token",
    "x-amz-trailer",
];

/// Why a head is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeadError {
    /// The request line is not `METHOD SP target SP HTTP/x.y`.
    #[error("the request line is malformed")]
    RequestLine,
    /// The method is no token.
    #[error("the method is not a token")]
    Method,
    /// The version is not HTTP/1.0 or HTTP/1.1.
    #[error("the HTTP version is not 1.0 or 1.1")]
    Version,
    /// A line does not end in CR LF, is folded, has no colon, or holds a control character.
    #[error("a header line is malformed")]
    Line,
    /// A header name is empty, no token, or holds `_`.
    #[error("a header name is malformed")]
    Name,
    /// White space stands before the colon of an `x-amz-` header: an unsigned one in a spelling that some readers
    /// repair.
    #[error("an x-amz- header has white space before its colon")]
    SpacedAmzName,
    /// More than [`MAX_LINES`] header lines.
    #[error("there are more than {MAX_LINES} header lines")]
    TooManyLines,
    /// See [`TargetError`].
    #[error("{0}")]
    Target(#[from] TargetError),
    /// Host is missing, repeated or malformed.
    #[error("the Host header is missing, repeated or malformed")]
    Host,
    /// A header that must stand once stands on several lines.
    #[error("the header `{0}` stands on several lines")]
    Repeated(&'static str),
    /// Content-Length or Transfer-Encoding is malformed, repeated, or both are there.
    #[error("Content-Length or Transfer-Encoding is malformed, repeated, or both are there")]
    Framing,
    /// A GET or HEAD request carries a body.
    #[error("a {0} request carries a body")]
    UnexpectedBody(&'static str),
    /// The Connection header names something other than `close`, `keep-alive`, `te`, `upgrade`, `http2-settings`.
    #[error("the Connection header names a header that it must not")]
    Connection,
    /// Expect asks for something other than `100-continue`.
    #[error("the Expect header is not `100-continue`")]
    Expect,
}

impl HeadError {
    /// The reason that stands for this error.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        match self {
            Self::RequestLine | Self::Line | Self::Name => Reason::MalformedHead,
            Self::Method => Reason::BadMethod,
            Self::Version => Reason::BadVersion,
            Self::SpacedAmzName => Reason::HeadersNotSigned,
            Self::TooManyLines => Reason::HeadTooLarge,
            Self::Target(_) => Reason::BadTarget,
            Self::Host => Reason::BadHost,
            Self::Repeated(_) => Reason::RepeatedHeader,
            Self::Framing | Self::UnexpectedBody(_) => Reason::BadFraming,
            Self::Connection => Reason::BadConnection,
            Self::Expect => Reason::BadExpect,
        }
    }
}

/// Where a head ends: the position after the first empty line, if `bytes` holds it.
/// `seen` bytes at the start were searched before.
#[must_use]
pub fn find_end(bytes: &[u8], seen: usize) -> Option<usize> {
    let from = seen.saturating_sub(3).min(bytes.len());
    memchr::memmem::find(bytes.get(from..)?, b"\r\n\r\n").map(|at| from + at + 4)
}

/// Whether bytes that do not hold a whole head yet can still become one: the line ends so far are CR LF and
/// the first byte begins a method. Lets the edge refuse `\n\n` or a TLS hello at once instead of waiting.
#[must_use]
pub fn may_become_head(bytes: &[u8]) -> bool {
    bytes.first().is_none_or(u8::is_ascii_alphabetic)
        && memchr::memchr_iter(b'\n', bytes).all(|at| at > 0 && bytes.get(at - 1) == Some(&b'\r'))
}

/// Reads a whole head, its empty line included.
///
/// # Errors
/// See [`HeadError`].
pub fn parse(head: &[u8]) -> Result<RawRequest<'_>, HeadError> {
    let lines = head.strip_suffix(b"\r\n\r\n").ok_or(HeadError::Line)?;
    let (request_line, mut rest) = split_line(lines)?;
    let (method, raw_target, version) = request_line_parts(request_line)?;
    let mut headers = Headers::default();
    while let Some(bytes) = rest {
        let (line, after) = split_line(bytes)?;
        if headers.len() == MAX_LINES {
            return Err(HeadError::TooManyLines);
        }
        headers.push(header_line(line)?);
        rest = after;
    }
    let host = single_host(&headers)?;
    let target = Target::parse(raw_target, host.raw().as_bytes())?;
    if let Some(name) = SINGLE.iter().find(|name| headers.all(name).nth(1).is_some()) {
        return Err(HeadError::Repeated(name));
    }
    let body = body_length(&headers, version)?;
    if let (Method::Get | Method::Head, false) = (method, body.is_empty()) {
        return Err(HeadError::UnexpectedBody(if method == Method::Get { "GET" } else { "HEAD" }));
    }
    let close = connection_closes(&headers)?;
    let expects_continue = expects_continue(&headers)?;
    let keep_alive = version == Version::Http11 && !close;
    Ok(RawRequest { method, target, version, host, headers, body, expects_continue, keep_alive })
}

/// Splits off one line; its bytes hold no CR and no LF.
fn split_line(bytes: &[u8]) -> Result<(&[u8], Option<&[u8]>), HeadError> {
    let Some(end) = memchr::memchr2(b'\r', b'\n', bytes) else { return Ok((bytes, None)) };
    let (line, rest) = bytes.split_at_checked(end).ok_or(HeadError::Line)?;
    let rest = rest.strip_prefix(b"\r\n").ok_or(HeadError::Line)?;
    Ok((line, Some(rest)))
}

fn request_line_parts(line: &[u8]) -> Result<(Method<'_>, &[u8], Version), HeadError> {
    // tokens may begin with other characters, methods of S3 do not, and the edge gives up on such bytes at once
    if !line.first().is_some_and(u8::is_ascii_alphabetic) {
        return Err(HeadError::RequestLine);
    }
    let mut words = line.split(|&byte| byte == b' ');
    let (Some(method), Some(target), Some(version), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(HeadError::RequestLine);
    };
    let version = match version {
        b"HTTP/1.1" => Version::Http11,
        b"HTTP/1.0" => Version::Http10,
        [b'H', b'T', b'T', b'P', b'/', ..] => return Err(HeadError::Version),
        _ => return Err(HeadError::RequestLine),
    };
    let method = token(method).ok_or(HeadError::Method)?;
    Ok((Method::from_token(method), target, version))
}

/// The text of a token (RFC 9110 section 5.6.2).
fn token(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?;
    (!text.is_empty() && text.bytes().all(is_token_byte)).then_some(text)
}

fn header_line(line: &[u8]) -> Result<Header<'_>, HeadError> {
    let colon = memchr::memchr(b':', line).ok_or(HeadError::Line)?;
    let (name, value) = line.split_at_checked(colon).ok_or(HeadError::Line)?;
    let Some(name) = token(name).filter(|name| !name.contains('_')) else {
        let spaced = trim(name).get(..6).is_some_and(|start| start.eq_ignore_ascii_case(b"x-amz-"));
        return Err(if spaced && trim(name) != name { HeadError::SpacedAmzName } else { HeadError::Name });
    };
    let value = trim(value.get(1..).unwrap_or_default());
    let is_text = |byte: u8| byte == b'\t' || (byte >= 0x20 && byte != 0x7f);
    // to the end, whatever is found: so the compiler looks at many bytes in a step
    if !value.iter().fold(true, |text, byte| text & is_text(*byte)) {
        return Err(HeadError::Line);
    }
    Ok(Header { name, value })
}

fn single_host<'a>(headers: &Headers<'a>) -> Result<Host<'a>, HeadError> {
    let mut lines = headers.all("host");
    match (lines.next(), lines.next()) {
        (Some(host), None) => Host::parse(host).ok_or(HeadError::Host),
        _ => Err(HeadError::Host),
    }
}

/// RFC 9112 section 6, with every case refused that a lenient reader would have to resolve.
fn body_length(headers: &Headers<'_>, version: Version) -> Result<BodyLength, HeadError> {
    let mut codings = headers.all("transfer-encoding");
    let mut lengths = headers.all("content-length");
    match (codings.next(), lengths.next()) {
        (None, None) => Ok(BodyLength::None),
        (Some(coding), None) => {
            let chunked = coding.eq_ignore_ascii_case(b"chunked") && codings.next().is_none();
            let allowed = chunked && version == Version::Http11;
            allowed.then_some(BodyLength::Chunked).ok_or(HeadError::Framing)
        }
        (None, Some(length)) if lengths.next().is_none() => {
            digits(length).map(BodyLength::Known).ok_or(HeadError::Framing)
        }
        _ => Err(HeadError::Framing),
    }
}

fn digits(text: &[u8]) -> Option<u64> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok().filter(|length| *length <= i64::MAX.unsigned_abs())
}

fn connection_closes(headers: &Headers<'_>) -> Result<bool, HeadError> {
    const ALLOWED: [&[u8]; 5] = [b"close", b"keep-alive", b"te", b"upgrade", b"http2-settings"];
    let mut close = false;
    for option in headers.all("connection").flat_map(|value| value.split(|&byte| byte == b',')) {
        let option = trim(option);
        if option.is_empty() {
            continue;
        }
        if !ALLOWED.iter().any(|allowed| option.eq_ignore_ascii_case(allowed)) {
            return Err(HeadError::Connection);
        }
        close |= option.eq_ignore_ascii_case(b"close");
    }
    Ok(close)
}

fn expects_continue(headers: &Headers<'_>) -> Result<bool, HeadError> {
    match headers.first("expect") {
        None => Ok(false),
        Some(value) if value.eq_ignore_ascii_case(b"100-continue") => Ok(true),
        Some(_) => Err(HeadError::Expect),
    }
}

#[cfg(test)]
mod tests;
