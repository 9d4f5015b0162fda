//! How much memory the bodies hold that rules must read whole, and that it is never more than it may be.
//! It must not wait: who finds no room is told so at once.

use std::sync::atomic::{AtomicU64, Ordering};

/// What is held.
#[derive(Debug, Default)]
pub struct Ledger {
    held: AtomicU64,
}

/// So many bytes, until it is dropped.
#[derive(Debug)]
pub struct Share<'l> {
    ledger: &'l Ledger,
    bytes: u64,
}

impl Ledger {
    /// Room for so many bytes, if then no more than `most` are held.
    pub fn take(&self, bytes: u64, most: u64) -> Option<Share<'_>> {
        let room = |held: u64| held.checked_add(bytes).filter(|held| *held <= most);
        self.held.fetch_update(Ordering::SeqCst, Ordering::SeqCst, room).ok()?;
        Some(Share { ledger: self, bytes })
    }

    /// The bytes that are held.
    #[must_use]
    pub fn held(&self) -> u64 {
        self.held.load(Ordering::SeqCst)
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        self.ledger.held.fetch_sub(self.bytes, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_never_more_than_there_may_be() {
        let ledger = Ledger::default();
        let one = ledger.take(6, 10).unwrap();
        assert!(ledger.take(5, 10).is_none() && ledger.take(u64::MAX, u64::MAX).is_none());
        let two = ledger.take(4, 10).unwrap();
        assert!(ledger.take(1, 10).is_none() && ledger.take(0, 10).is_some());
        drop(one);
        // a smaller limit came with another config
        assert!(ledger.held() == 4 && ledger.take(1, 3).is_none());
        drop(two);
        assert_eq!(ledger.held(), 0);
    }
}
