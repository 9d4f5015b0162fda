//! The answer to a browser's preflight.
//! It must not be written before the rules of the bucket allowed it.

use super::error::Manner;
use crate::clock::civil::Civil;
use crate::request::headers::write_line;

/// Appends the whole answer.
pub fn write(manner: Manner<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"HTTP/1.1 200 OK\r\n");
    write_line(out, b"x-amz-request-id", manner.id.as_str().as_bytes());
    write_line(out, b"x-amz-id-2", manner.id.host_id().as_bytes());
    write_line(out, b"Date", Civil::from_instant(manner.now).http().as_bytes());
    out.extend_from_slice(manner.cors);
    out.extend_from_slice(b"Content-Length: 0\r\n");
    if !manner.keep_alive {
        out.extend_from_slice(b"Connection: close\r\n");
    }
    out.extend_from_slice(b"\r\n");
}
