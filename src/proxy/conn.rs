//! One client connection: reading heads under a deadline, writing answers, closing without losing them.
//! It must not know what a request means.

use bytes::{Buf as _, BytesMut};
use std::future::poll_fn;
use std::io;
use std::task::{Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::buffers::Filled;
use super::within::{Late, within};
use crate::request::framing::{Decoder, Framing, Piece};
use crate::request::head;

/// Limits of a connection.
#[derive(Clone, Copy, Debug)]
pub struct ConnLimits {
    /// The most bytes of a request head.
    pub header_bytes: usize,
    /// For a head to arrive completely, counted from its first byte.
    pub header_time: Duration,
    /// For the first byte of a request.
    pub idle: Duration,
    /// Between two reads of a body.
    pub read: Duration,
    /// For a write to make progress.
    pub write: Duration,
}

/// The most bytes of the first read of a request: a head as most are, and little of a body, which goes on without a copy.
const FIRST_READ: usize = 4096;
/// A buffer for answers that grew larger than this is given back.
const KEPT_OUTPUT: usize = 16 * 1024;
/// The most bytes of a refused body that are read so that the connection can stay open.
const DRAIN_BYTES: u64 = 64 * 1024;
/// For how long a refused body is read.
const DRAIN_TIME: Duration = Duration::from_secs(2);
/// The most bytes that are read after the last answer, so that it is not lost to a reset.
const LINGER_BYTES: usize = 1024 * 1024;
/// For how long a connection lingers after the last answer.
const LINGER_TIME: Duration = Duration::from_secs(1);

/// A client connection.
#[derive(Debug)]
pub struct Conn<S> {
    /// The socket or TLS stream.
    pub stream: S,
    /// Bytes that were read and belong to nothing yet.
    pub input: BytesMut,
    /// A reused buffer for heads and small answers.
    pub out: Vec<u8>,
    /// Whether anything of an answer was sent since this was last reset; an invitation to send a body is none.
    pub has_answered: bool,
    /// See [`ConnLimits`].
    pub limits: ConnLimits,
}

/// What came of waiting for a request head.
#[derive(Debug, PartialEq, Eq)]
pub enum HeadRead {
    /// A whole head, its empty line included.
    Head(BytesMut),
    /// The client closed in the middle: nobody is there to be answered.
    Gone,
    /// The head did not arrive in time.
    Late,
    /// The head is larger than the limit.
    TooLarge,
    /// The bytes so far cannot become a head.
    Hopeless,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Conn<S> {
    /// Waits for the first byte of the next request; gives whether one came. Can be cancelled.
    ///
    /// # Errors
    /// Nothing came for so long.
    pub async fn wait(&mut self, limit: Duration) -> Result<bool, Late> {
        if !self.input.is_empty() {
            return Ok(true);
        }
        let (stream, input) = (&mut self.stream, &mut self.input);
        // a connection that waits holds no buffer: one of the thread's is lent to it for each look
        let first_bytes = poll_fn(|cx| {
            input.extend_from_slice(&ready!(Filled::poll_read(stream, cx, FIRST_READ))?);
            Poll::Ready(io::Result::Ok(!input.is_empty()))
        });
        Ok(within(limit, first_bytes).await?.unwrap_or(false))
    }

    /// Reads a request head that has begun to arrive.
    pub async fn read_head(&mut self) -> HeadRead {
        if let Some(read) = self.try_head(0) {
            return read;
        }
        match within(self.limits.header_time, self.rest_of_head()).await {
            Ok(read) => read,
            Err(_) => HeadRead::Late,
        }
    }

    async fn rest_of_head(&mut self) -> HeadRead {
        loop {
            let seen = self.input.len();
            self.input.reserve(4096);
            match self.stream.read_buf(&mut self.input).await {
                Ok(1..) => {}
                _ => return HeadRead::Gone,
            }
            if let Some(read) = self.try_head(seen) {
                return read;
            }
        }
    }

    fn try_head(&mut self, seen: usize) -> Option<HeadRead> {
        match head::find_end(&self.input, seen) {
            Some(end) if end > self.limits.header_bytes => Some(HeadRead::TooLarge),
            Some(end) => Some(HeadRead::Head(self.input.split_to(end))),
            None if !head::may_become_head(&self.input) => Some(HeadRead::Hopeless),
            None if self.input.len() >= self.limits.header_bytes => Some(HeadRead::TooLarge),
            None => None,
        }
    }

    /// Tells a client that waits for it to send its body (RFC 9110 section 10.1.1).
    ///
    /// # Errors
    /// As [`Conn::write`].
    pub async fn invite(&mut self) -> io::Result<()> {
        write_all(&mut self.stream, b"HTTP/1.1 100 Continue\r\n\r\n", self.limits.write).await
    }

    /// Writes all of `bytes`, each step under the write timeout.
    ///
    /// # Errors
    /// The client is gone or does not read.
    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.has_answered = true;
        write_all(&mut self.stream, bytes, self.limits.write).await
    }

    /// Writes and empties [`Conn::out`]; a large one is given back, since what follows may take its time.
    ///
    /// # Errors
    /// As [`Conn::write`].
    pub async fn write_out(&mut self) -> io::Result<()> {
        self.has_answered |= !self.out.is_empty();
        let outcome = write_all(&mut self.stream, &self.out, self.limits.write).await;
        if self.out.capacity() > KEPT_OUTPUT {
            self.out = Vec::new();
        } else {
            self.out.clear();
        }
        outcome
    }

    /// Reads `most` bytes or fewer; none if the client closed. What is left in [`Conn::input`] comes first.
    ///
    /// # Errors
    /// The client is gone or sends nothing.
    pub async fn read_body(&mut self, most: usize) -> io::Result<Filled> {
        match self.take_input(most) {
            Some(filled) => Ok(filled),
            None => {
                within(self.limits.read, poll_fn(|cx| Filled::poll_read(&mut self.stream, cx, most))).await?
            }
        }
    }

    /// `most` or fewer of the bytes that were read before; `None` if there are none.
    pub fn take_input(&mut self, most: usize) -> Option<Filled> {
        if self.input.is_empty() {
            return None;
        }
        let filled = Filled::copied(&self.input, most);
        self.input.advance(filled.len());
        Some(filled)
    }

    /// Reads a whole body into memory, framing included, and leaves it in [`Conn::input`] for the relay;
    /// gives the data. `None` if it is larger than `max`, malformed, late, or cut off.
    pub async fn buffer_body(&mut self, framing: Framing, max: usize) -> Option<Vec<u8>> {
        let mut decoder = Decoder::new(framing);
        let (mut data, mut looked_at) = (Vec::new(), 0);
        loop {
            let mut rest = self.input.get(looked_at..)?;
            loop {
                match decoder.next(&mut rest).ok()? {
                    Piece::Data(piece) if data.len() + piece.len() <= max => data.extend_from_slice(piece),
                    Piece::Data(_) => return None,
                    Piece::NeedMore => break,
                    Piece::End => return Some(data),
                }
            }
            looked_at = self.input.len();
            self.input.reserve(4096);
            match within(self.limits.read, self.stream.read_buf(&mut self.input)).await {
                Ok(Ok(1..)) => {}
                _ => return None,
            }
        }
    }

    /// Whether [`Conn::drain`] is worth trying: the body is small by what it tells, or arrived whole already.
    #[must_use]
    pub fn is_drainable(&self, framing: Framing) -> bool {
        match framing {
            Framing::None => true,
            Framing::Known(length) => length <= DRAIN_BYTES,
            Framing::UntilClose => false,
            Framing::Chunked => {
                let mut rest = &self.input[..];
                let mut decoder = Decoder::new(framing);
                loop {
                    match decoder.next(&mut rest) {
                        Ok(Piece::Data(_)) => {}
                        Ok(Piece::End) => return true,
                        Ok(Piece::NeedMore) | Err(_) => return false,
                    }
                }
            }
        }
    }

    /// Reads and drops a small body that nobody wants, so that the next request can be read.
    /// Gives whether the connection can stay open.
    pub async fn drain(&mut self, framing: Framing) -> bool {
        if !self.is_drainable(framing) {
            return false;
        }
        within(DRAIN_TIME, self.drain_now(framing)).await.unwrap_or(false)
    }

    async fn drain_now(&mut self, framing: Framing) -> bool {
        let mut decoder = Decoder::new(framing);
        let mut dropped = 0;
        loop {
            let before = self.input.len();
            let mut rest = &self.input[..];
            let ended = loop {
                match decoder.next(&mut rest) {
                    Ok(Piece::Data(_)) => {}
                    Ok(Piece::NeedMore) => break false,
                    Ok(Piece::End) => break true,
                    Err(_) => return false,
                }
            };
            let left = rest.len();
            self.input.advance(before - left);
            dropped += before - left;
            if ended {
                return true;
            }
            if u64::try_from(dropped).is_ok_and(|dropped| dropped > DRAIN_BYTES) {
                return false;
            }
            self.input.reserve(4096);
            if !matches!(self.stream.read_buf(&mut self.input).await, Ok(1..)) {
                return false;
            }
        }
    }

    /// Closes the connection so that the last answer arrives even if the client still sends.
    pub async fn close(&mut self) {
        let lingering = async {
            if self.stream.shutdown().await.is_err() {
                return;
            }
            let mut dropped = 0;
            while dropped < LINGER_BYTES {
                self.input.clear();
                self.input.reserve(4096);
                match self.stream.read_buf(&mut self.input).await {
                    Ok(length @ 1..) => dropped += length,
                    _ => return,
                }
            }
        };
        // whatever happens now, the connection ends
        let _ = within(LINGER_TIME, lingering).await;
    }
}

/// Writes all of `bytes` and flushes; each step must make progress within `limit`.
///
/// # Errors
/// What the stream says, or `TimedOut`.
pub async fn write_all<S: AsyncWrite + Unpin>(
    stream: &mut S,
    mut bytes: &[u8],
    limit: Duration,
) -> io::Result<()> {
    while !bytes.is_empty() {
        let written = within(limit, stream.write(bytes)).await??;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        bytes = bytes.get(written..).unwrap_or_default();
    }
    within(limit, stream.flush()).await?
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_millis(50);

    fn conn(input: &[u8]) -> (Conn<tokio::io::DuplexStream>, tokio::io::DuplexStream) {
        let (ours, theirs) = tokio::io::duplex(1024 * 1024);
        let limits = ConnLimits {
            header_bytes: 100,
            header_time: SHORT,
            idle: SHORT,
            read: SHORT,
            write: Duration::from_secs(1),
        };
        (
            Conn { stream: ours, input: BytesMut::from(input), out: Vec::new(), has_answered: false, limits },
            theirs,
        )
    }

    #[tokio::test]
    async fn heads_end_at_the_limit_of_size_and_time() {
        for (input, expected) in [
            ("GET / HTTP/1.1\r\n\r\nrest", HeadRead::Head(BytesMut::from("GET / HTTP/1.1\r\n\r\n"))),
            ("GET / HTTP/1.1\r\n", HeadRead::Late),
            ("\r\nGET / HTTP/1.1\r\n\r", HeadRead::Hopeless),
        ] {
            let (mut conn, _client) = conn(input.as_bytes());
            assert_eq!(conn.wait(SHORT).await, Ok(true));
            assert_eq!(conn.read_head().await, expected, "{input:?}");
        }
        let (mut idle, _client) = conn(b"");
        assert_eq!(idle.wait(SHORT).await, Err(Late));
        let (mut conn, _client) = conn(&[b'a'; 100]);
        assert_eq!(conn.read_head().await, HeadRead::TooLarge);
    }

    #[tokio::test]
    async fn a_head_may_come_in_pieces() {
        let (mut conn, mut client) = conn(b"");
        let send = async {
            for byte in b"GET / HTTP/1.1\r\nA: b\r\n\r\nx" {
                client.write_all(&[*byte]).await.unwrap();
                tokio::task::yield_now().await;
            }
        };
        let (read, ()) = tokio::join!(conn.read_head(), send);
        assert_eq!(read, HeadRead::Head(BytesMut::from("GET / HTTP/1.1\r\nA: b\r\n\r\n")));
    }

    #[tokio::test]
    async fn small_bodies_are_drained_to_their_exact_end() {
        let (mut small, _client) = conn(b"helloGET");
        assert!(small.drain(Framing::Known(5)).await);
        assert_eq!(&small.input[..], b"GET");
        let (mut chunked, _client) = conn(b"5\r\nhello\r\n0\r\n\r\nGET");
        assert!(chunked.drain(Framing::Chunked).await);
        assert_eq!(&chunked.input[..], b"GET");
        let (mut large, _client) = conn(b"hello");
        assert!(!large.drain(Framing::Known(DRAIN_BYTES + 1)).await);
        for unknown in ["5\r\nhello\r\n", "5\r\nhello!\r\n0\r\n\r\n"] {
            let (mut chunked, _client) = conn(unknown.as_bytes());
            assert!(!chunked.drain(Framing::Chunked).await, "{unknown:?}");
        }
    }

    #[tokio::test]
    async fn a_buffered_body_stays_in_the_input() {
        let (mut conn, _client) = conn(b"5\r\nhello\r\n0\r\n\r\nGET");
        assert_eq!(conn.buffer_body(Framing::Chunked, 5).await.as_deref(), Some(&b"hello"[..]));
        assert_eq!(conn.input.len(), 18);
        assert_eq!(conn.buffer_body(Framing::Chunked, 4).await, None);
        conn.input.clear();
        assert_eq!(conn.buffer_body(Framing::Known(1), 4).await, None);
    }
}
