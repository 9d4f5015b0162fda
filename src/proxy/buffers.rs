//! Relay buffers, reused within a thread: an idle connection holds none.
//! It must not hand out a buffer with bytes of an earlier request in its readable part.

use std::cell::RefCell;
use std::io;
use std::ops::{Deref, DerefMut};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, ReadBuf};

/// The size of a relay buffer, in bytes.
pub const SIZE: usize = 64 * 1024;

/// The most buffers that a thread keeps for later.
const KEPT: usize = 64;

thread_local! {
    static FREE: RefCell<Vec<Box<[u8]>>> = const { RefCell::new(Vec::new()) };
}

/// A buffer of [`SIZE`] bytes that goes back to the thread when it is dropped.
#[derive(Debug)]
pub struct Buffer(Box<[u8]>);

impl Buffer {
    /// A buffer; its content is arbitrary.
    #[must_use]
    pub fn take() -> Self {
        let kept = FREE.with_borrow_mut(Vec::pop);
        Self(kept.unwrap_or_else(|| vec![0; SIZE].into_boxed_slice()))
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let buffer = std::mem::take(&mut self.0);
        FREE.with_borrow_mut(|free| {
            if free.len() < KEPT {
                free.push(buffer);
            }
        });
    }
}

/// What a stream had: the first bytes of a buffer.
#[derive(Debug)]
pub struct Filled {
    buffer: Buffer,
    length: usize,
}

impl Filled {
    /// Some bytes of `input`, `most` or all of them.
    #[must_use]
    pub fn copied(input: &[u8], most: usize) -> Self {
        let mut buffer = Buffer::take();
        let length = input.len().min(most).min(SIZE);
        for (place, bytes) in buffer.get_mut(..length).into_iter().zip(input.get(..length)) {
            place.copy_from_slice(bytes);
        }
        Self { buffer, length }
    }

    /// Reads once, `most` bytes or fewer; none if the stream has ended. One that has to wait is lent no buffer meanwhile.
    ///
    /// # Errors
    /// What the stream says.
    pub fn poll_read<S: AsyncRead + Unpin>(
        stream: &mut S,
        cx: &mut Context<'_>,
        most: usize,
    ) -> Poll<io::Result<Self>> {
        let mut buffer = Buffer::take();
        let mut filled = ReadBuf::new(buffer.get_mut(..most.min(SIZE)).unwrap_or_default());
        ready!(Pin::new(stream).poll_read(cx, &mut filled))?;
        let length = filled.filled().len();
        Poll::Ready(Ok(Self { buffer, length }))
    }
}

impl Deref for Filled {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.buffer.get(..self.length).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use tokio::io::AsyncWriteExt as _;

    #[tokio::test]
    async fn a_stream_is_read_as_far_as_was_asked() {
        let (mut near, mut far) = tokio::io::duplex(64);
        assert!(poll_fn(|cx| Poll::Ready(Filled::poll_read(&mut near, cx, 3).is_pending())).await);
        far.write_all(b"abcd").await.unwrap();
        drop(far);
        for (most, expected) in [(3, &b"abc"[..]), (SIZE + 1, b"d"), (3, b"")] {
            assert_eq!(&*poll_fn(|cx| Filled::poll_read(&mut near, cx, most)).await.unwrap(), expected);
        }
    }

    #[test]
    fn bytes_are_copied_as_far_as_there_is_room() {
        let input = vec![7; SIZE + 1];
        for (most, expected) in [(0, 0), (3, 3), (SIZE, SIZE), (SIZE + 1, SIZE)] {
            assert_eq!(&*Filled::copied(&input, most), &input[..expected]);
        }
        assert_eq!(&*Filled::copied(b"ab", 3), b"ab");
    }

    #[test]
    fn a_dropped_buffer_is_used_again() {
        let first = Buffer::take();
        let address = first.as_ptr();
        drop(first);
        let second = Buffer::take();
        assert_eq!(second.as_ptr(), address);
        assert_eq!(second.len(), SIZE);
    }
}
