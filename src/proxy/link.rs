//! One upstream connection in use: writing while listening, reading an answer into one buffer.
//! It must not know the client.

use super::buffers::Buffer;
use super::peer::address::Address;
use super::peer::endpoint::{Endpoint, Seat};
use super::peer::stream::PeerStream;
use super::peer::{Connected, Peer};
use super::within::within;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// An upstream connection and what it sent.
#[derive(Debug)]
pub struct Link {
    /// The connection.
    pub stream: PeerStream,
    address: Arc<Address>,
    endpoint: Arc<Endpoint>,
    seat: Seat,
    /// Whether it had carried a request before.
    pub reused: bool,
    buffer: Buffer,
    start: usize,
    end: usize,
}

/// What came first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum First {
    /// So many bytes were moved from or to the other side; 0 is its end.
    Moved(usize),
    /// The upstream sent something, or closed.
    Spoke,
}

impl Link {
    /// A link over a fresh or a pooled connection.
    #[must_use]
    pub fn new(connected: Connected, reused: bool) -> Self {
        let Connected { stream, address, endpoint, seat } = connected;
        Self { stream, address, endpoint, seat, reused, buffer: Buffer::take(), start: 0, end: 0 }
    }

    /// The connection for another request.
    #[must_use]
    pub fn into_connected(self) -> Connected {
        Connected { stream: self.stream, address: self.address, endpoint: self.endpoint, seat: self.seat }
    }

    /// Where it leads.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// What was received and not used yet.
    #[must_use]
    pub fn received(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// Marks the first `length` bytes of what was received as used.
    pub fn consume(&mut self, length: usize) {
        self.start = (self.start + length).min(self.end);
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
    }

    /// Reads more; 0 if the upstream closed.
    ///
    /// # Errors
    /// What the stream says; `TimedOut`; `OutOfMemory` if the buffer is full of unused bytes.
    pub async fn read(&mut self, peer: &Peer) -> io::Result<usize> {
        within(peer.timeouts().read, poll_fn(|cx| self.poll_fill(cx))).await?
    }

    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.start > 0 && self.end == self.buffer.len() {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        let mut free = ReadBuf::new(self.buffer.get_mut(self.end..).unwrap_or_default());
        if free.remaining() == 0 {
            return Poll::Ready(Err(io::ErrorKind::OutOfMemory.into()));
        }
        std::task::ready!(Pin::new(&mut self.stream).poll_read(cx, &mut free))?;
        let length = free.filled().len();
        self.end += length;
        Poll::Ready(Ok(length))
    }

    /// Writes some of `bytes`, unless the upstream speaks first.
    ///
    /// # Errors
    /// What the stream says, or `TimedOut`.
    pub async fn write_listening(&mut self, bytes: &[u8], limit: Duration) -> io::Result<First> {
        let step = poll_fn(|cx| {
            if self.poll_spoke(cx)? {
                return Poll::Ready(Ok(First::Spoke));
            }
            Pin::new(&mut self.stream).poll_write(cx, bytes).map_ok(First::Moved)
        });
        within(limit, step).await?
    }

    /// Reads some bytes from `client`, unless the upstream speaks first.
    ///
    /// # Errors
    /// What the client's stream says, or `TimedOut`.
    pub async fn read_listening<S: AsyncRead + Unpin>(
        &mut self,
        client: &mut S,
        bytes: &mut [u8],
        limit: Duration,
    ) -> io::Result<First> {
        let step = poll_fn(|cx| {
            if self.poll_spoke(cx)? {
                return Poll::Ready(Ok(First::Spoke));
            }
            let mut free = ReadBuf::new(bytes);
            std::task::ready!(Pin::new(&mut *client).poll_read(cx, &mut free))?;
            Poll::Ready(Ok(First::Moved(free.filled().len())))
        });
        within(limit, step).await?
    }

    fn poll_spoke(&mut self, cx: &mut Context<'_>) -> io::Result<bool> {
        match self.poll_fill(cx) {
            Poll::Ready(outcome) => outcome.map(|_| true),
            Poll::Pending => Ok(false),
        }
    }
}
