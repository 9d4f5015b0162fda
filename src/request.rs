//! One request head, read strictly from raw bytes into a borrowed view that every later stage shares.
//! It must not accept what two readers could read differently, nor change a byte that was signed.

pub mod form;
pub mod framing;
pub mod head;
pub mod headers;
pub mod host;
pub mod method;
pub mod percent;
pub mod query;
pub mod target;

use headers::Headers;
use host::Host;
use method::Method;
use target::Target;

/// A request head that passed every syntactic check.
///
/// INVARIANT: made by [`head::parse`] only; no later stage reads the bytes of the head again.
#[derive(Debug)]
pub struct RawRequest<'a> {
    /// The method, as sent.
    pub method: Method<'a>,
    /// Path and query of the request target; an absolute form is already reduced to them.
    pub target: Target<'a>,
    /// HTTP/1.1 or HTTP/1.0.
    pub version: Version,
    /// The one Host header.
    pub host: Host<'a>,
    /// Every header line in wire order.
    pub headers: Headers<'a>,
    /// How the length of the body is told.
    pub body: BodyLength,
    /// Whether the client waits for `100 Continue` before it sends the body.
    pub expects_continue: bool,
    /// Whether the client allows another request on this connection.
    pub keep_alive: bool,
}

/// The HTTP version of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// HTTP/1.0: no chunked coding, closes after the answer.
    Http10,
    /// HTTP/1.1.
    Http11,
}

/// How the length of a request body is told (RFC 9112 section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyLength {
    /// No body.
    None,
    /// `Content-Length`, in bytes.
    Known(u64),
    /// `Transfer-Encoding: chunked`.
    Chunked,
}

impl From<BodyLength> for framing::Framing {
    fn from(length: BodyLength) -> Self {
        match length {
            BodyLength::None => Self::None,
            BodyLength::Known(length) => Self::Known(length),
            BodyLength::Chunked => Self::Chunked,
        }
    }
}

impl BodyLength {
    /// Whether not a single body byte follows.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        matches!(self, Self::None | Self::Known(0))
    }
}
