//! One upstream connection in use: writing while listening, reading an answer into one buffer.
//! It must not know the client.

use super::buffers::{Buffer, Filled};
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
    /// Of the thread, as long as something in it was not used: a connection that waits holds none.
    buffer: Option<Buffer>,
    start: usize,
    end: usize,
}

/// What came first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum First {
    /// So many bytes were moved to it; 0 is its end.
    Moved(usize),
    /// The upstream sent something, or closed.
    Spoke,
}

impl Link {
    /// A link over a fresh or a pooled connection.
    #[must_use]
    pub fn new(connected: Connected, reused: bool) -> Self {
        let Connected { stream, address, endpoint, seat } = connected;
        Self { stream, address, endpoint, seat, reused, buffer: None, start: 0, end: 0 }
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
        self.buffer.as_ref().and_then(|buffer| buffer.get(self.start..self.end)).unwrap_or_default()
    }

    /// Marks the first `length` bytes of what was received as used.
    pub fn consume(&mut self, length: usize) {
        self.start = (self.start + length).min(self.end);
        if self.start == self.end {
            (self.start, self.end, self.buffer) = (0, 0, None);
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
        let mut buffer = self.buffer.take().unwrap_or_else(Buffer::take);
        if self.start > 0 && self.end == buffer.len() {
            buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        let mut free = ReadBuf::new(buffer.get_mut(self.end..).unwrap_or_default());
        let outcome = match free.remaining() {
            0 => Poll::Ready(Err(io::ErrorKind::OutOfMemory.into())),
            _ => Pin::new(&mut self.stream).poll_read(cx, &mut free).map_ok(|()| free.filled().len()),
        };
        if let Poll::Ready(Ok(length)) = outcome {
            self.end += length;
        }
        self.buffer = (self.start < self.end).then_some(buffer);
        outcome
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

    /// Reads `most` bytes or fewer from `client`; `None` if the upstream speaks first.
    ///
    /// # Errors
    /// What the client's stream says, or `TimedOut`.
    pub async fn read_listening<S: AsyncRead + Unpin>(
        &mut self,
        client: &mut S,
        most: usize,
        limit: Duration,
    ) -> io::Result<Option<Filled>> {
        let step = poll_fn(|cx| {
            if self.poll_spoke(cx)? {
                return Poll::Ready(Ok(None));
            }
            Filled::poll_read(client, cx, most).map_ok(Some)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::pool::tests::pair;
    use tokio::io::AsyncWriteExt as _;

    #[tokio::test]
    async fn a_link_holds_a_buffer_only_while_something_in_it_was_not_used() {
        let (_endpoint, connected, mut store) = pair().await;
        let mut link = Link::new(connected, false);

        assert!(poll_fn(|cx| Poll::Ready(link.poll_fill(cx).is_pending())).await && link.buffer.is_none());
        for _ in 0..2 {
            store.write_all(b"abc").await.unwrap();
            while link.received().len() < 3 {
                poll_fn(|cx| link.poll_fill(cx)).await.unwrap();
            }
            assert!(link.received() == b"abc" && link.buffer.is_some());
            // what came behind is still there
            link.consume(2);
            assert!(poll_fn(|cx| Poll::Ready(link.poll_fill(cx).is_pending())).await);
            assert_eq!((link.received(), link.buffer.is_some()), (&b"c"[..], true));
            link.consume(1);
            assert!(link.buffer.is_none());
        }
        drop(store);
        assert_eq!(poll_fn(|cx| link.poll_fill(cx)).await.unwrap(), 0);
        assert!(link.buffer.is_none() && link.received().is_empty());
    }
}
