//! An S3 error as a whole HTTP answer.
//! It must not add anything that identifies the gate, nor a body to the answer to a HEAD request.

use crate::clock::UnixMillis;
use crate::clock::civil::Civil;
use crate::request::headers::write_line;
use crate::s3::error::S3Error;
use std::io::Write as _;

/// The ids of one request, as S3 gives them out: made by the shell, shown in headers, body and logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestId([u8; 16]);

impl RequestId {
    /// An id from 64 random bits.
    #[must_use]
    pub fn new(bits: u64) -> Self {
        const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
        let mut text = [b'0'; 16];
        for (position, byte) in text.iter_mut().enumerate() {
            let shifted = bits.rotate_left(u32::try_from(position * 4).unwrap_or(0));
            *byte = DIGITS.get(usize::try_from(shifted % 32).unwrap_or(0)).copied().unwrap_or(b'0');
        }
        Self(text)
    }

    /// The text of `x-amz-request-id`: 16 characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("")
    }

    /// The text of `x-amz-id-2`.
    #[must_use]
    pub fn host_id(&self) -> String {
        format!("{}{}=", self.as_str(), self.as_str().to_ascii_lowercase())
    }
}

/// How an error answer is written.
#[derive(Clone, Copy, Debug)]
pub struct Manner<'a> {
    /// The ids of the request.
    pub id: RequestId,
    /// The time of the answer.
    pub now: UnixMillis,
    /// Whether the request was a HEAD: no body then.
    pub to_head: bool,
    /// Whether the connection stays open.
    pub keep_alive: bool,
    /// The code for `x-gate-reason`, if reasons are exposed.
    pub reason: Option<&'a str>,
    /// Header lines that tell a page of another origin what it may see.
    pub cors: &'a [u8],
}

/// Appends the answer; gives the length of its body.
pub fn write(error: &S3Error, manner: Manner<'_>, out: &mut Vec<u8>) -> usize {
    let host_id = manner.id.host_id();
    let body = error.to_xml(manner.id.as_str(), &host_id);
    // writing to a Vec cannot fail
    let _ = write!(out, "HTTP/1.1 {} {}\r\n", error.status(), phrase(error.status()));
    write_line(out, b"x-amz-request-id", manner.id.as_str().as_bytes());
    write_line(out, b"x-amz-id-2", host_id.as_bytes());
    write_line(out, b"Date", Civil::from_instant(manner.now).http().as_bytes());
    write_line(out, b"Content-Type", b"application/xml");
    if let Some(seconds) = error.retry_after {
        let _ = write!(out, "Retry-After: {seconds}\r\n");
    }
    if let Some(reason) = manner.reason {
        write_line(out, b"x-gate-reason", reason.as_bytes());
    }
    if let Some((_, region)) = error.extras.iter().find(|(name, _)| *name == "Region") {
        write_line(out, b"x-amz-bucket-region", region.as_bytes());
    }
    out.extend_from_slice(manner.cors);
    if manner.to_head {
        let _ = write!(out, "Content-Length: 0\r\n");
    } else {
        let _ = write!(out, "Content-Length: {}\r\n", body.len());
    }
    if !manner.keep_alive {
        out.extend_from_slice(b"Connection: close\r\n");
    }
    out.extend_from_slice(b"\r\n");
    if manner.to_head {
        return 0;
    }
    out.extend_from_slice(body.as_bytes());
    body.len()
}

/// The reason phrase of a status that the table of errors uses.
const fn phrase(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        411 => "Length Required",
        412 => "Precondition Failed",
        417 => "Expectation Failed",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        _ => "Error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::s3::error::ErrorCode;

    fn answer(to_head: bool, keep_alive: bool, reason: Option<&str>) -> String {
        let mut out = Vec::new();
        let manner = Manner {
            id: RequestId::new(0),
            now: UnixMillis::from_secs(0),
            to_head,
            keep_alive,
            reason,
            cors: b"",
        };
        write(&S3Error::new(ErrorCode::AccessDenied), manner, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn an_error_is_a_whole_answer() {
        let whole = answer(false, false, Some("expired"));
        let (head, body) = whole.split_once("\r\n\r\n").unwrap();
        assert_eq!(
            head,
            format!(
                "HTTP/1.1 403 Forbidden\r\nx-amz-request-id: 0000000000000000\r\n\
                 x-amz-id-2: 00000000000000000000000000000000=\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n\
                 Content-Type: application/xml\r\nx-gate-reason: expired\r\nContent-Length: {}\r\nConnection: close",
                body.len()
            )
        );
        assert!(body.ends_with("<RequestId>0000000000000000</RequestId><HostId>00000000000000000000000000000000=</HostId></Error>"));
    }

    #[test]
    fn who_shall_wait_is_told_how_long() {
        let error = S3Error { retry_after: Some(3), ..S3Error::new(ErrorCode::SlowDown) };
        let (id, now) = (RequestId::new(0), UnixMillis::from_secs(0));
        let mut out = Vec::new();
        write(&error, Manner { id, now, to_head: true, keep_alive: true, reason: None, cors: b"" }, &mut out);
        let text = String::from_utf8(out).unwrap();
        assert!(text.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{text}");
        assert!(text.contains("\r\nRetry-After: 3\r\n"), "{text}");
    }

    #[test]
    fn head_gets_no_body() {
        let head = answer(true, true, None);
        assert!(head.ends_with("Content-Length: 0\r\n\r\n") && !head.contains("Connection"), "{head}");
    }

    #[test]
    fn every_status_has_its_phrase() {
        for code in ErrorCode::ALL {
            assert_ne!(phrase(code.status()), "Error", "{}", code.as_str());
        }
    }
}
