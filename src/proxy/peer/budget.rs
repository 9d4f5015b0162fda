//! How many requests may be tried again: few of many, so that retries never multiply the load on a store that fails.
//! It must not wait.

use std::sync::atomic::{AtomicU32, Ordering};

/// What one retry costs, in shares of a request: one retry for five requests.
const COST: u32 = 5;
/// The most that is saved: this many retries at once.
const MOST: u32 = 20 * COST;

/// The budget of one upstream.
#[derive(Debug)]
pub struct Budget(AtomicU32);

impl Default for Budget {
    fn default() -> Self {
        Self(AtomicU32::new(MOST))
    }
}

impl Budget {
    /// A request begins.
    pub fn deposit(&self) {
        // when nothing fails, no request writes here
        if self.0.load(Ordering::Relaxed) < MOST {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Takes the cost of a retry; gives whether it was there.
    pub fn withdraw(&self) -> bool {
        let take = |saved: u32| saved.checked_sub(COST);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_are_a_share_of_requests() {
        let budget = Budget::default();
        let spend = || std::iter::from_fn(|| budget.withdraw().then_some(())).count();
        assert_eq!(spend(), 20);
        (0..100).for_each(|_| budget.deposit());
        assert_eq!(spend(), 20);
        (0..14).for_each(|_| budget.deposit());
        assert_eq!(spend(), 2);
        (0..10_000).for_each(|_| budget.deposit());
        assert_eq!(spend(), 20);
    }
}
