//! Rates in force: how much each key, address and link has taken lately, in the memory of this process.
//! It must not share anything with other gates: a rate holds for each of them.

use crate::clock::Stopwatch;
use crate::links::rate::Rate;
use smallvec::SmallVec;
use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hash, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

const SHARDS: usize = 16;
/// The flows of a shard beyond which those that are full again are dropped.
const MANY: usize = 4096;
/// A piece of a body that is written at once.
const PIECE: usize = 64 * 1024;

type Flows = HashMap<u64, Arc<AtomicU64>>;

/// Every flow that is under way.
#[derive(Debug)]
pub struct Paces {
    since: Stopwatch,
    hasher: RandomState,
    shards: Box<[Mutex<Flows>]>,
}

impl Default for Paces {
    fn default() -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Self { since: Stopwatch::start(), hasher: RandomState::new(), shards }
    }
}

impl Paces {
    fn now(&self) -> u64 {
        // a flow begins with 0, which must lie a burst behind
        u64::try_from(self.since.elapsed().as_nanos()).unwrap_or(u64::MAX).saturating_add(1 << 40)
    }

    fn flow(&self, of: impl Hash) -> Arc<AtomicU64> {
        let hash = self.hasher.hash_one(of);
        let at = usize::try_from(hash % SHARDS as u64).unwrap_or(0);
        let Some(shard) = self.shards.get(at) else { return Arc::default() };
        let mut flows = shard.lock().unwrap_or_else(PoisonError::into_inner);
        if flows.len() > MANY && flows.len() == flows.capacity() {
            let now = self.now();
            flows.retain(|_, flow| Arc::strong_count(flow) > 1 || flow.load(Ordering::Relaxed) > now);
        }
        Arc::clone(flows.entry(hash).or_default())
    }

    /// Counts one request of whoever `of` is.
    ///
    /// # Errors
    /// How long to wait, if there were too many.
    pub fn request(&self, rate: &Rate, of: impl Hash) -> Result<(), Duration> {
        let flow = self.flow(of);
        let mut seen = flow.load(Ordering::Relaxed);
        loop {
            let taken = rate.take(seen, self.now(), 1);
            if taken.wait > Duration::ZERO {
                return Err(taken.wait);
            }
            match flow.compare_exchange_weak(seen, taken.state, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Ok(()),
                Err(other) => seen = other,
            }
        }
    }

    /// Adds a rate to those that a body is paced by.
    pub fn add(&self, pace: &mut Pace, rate: Rate, of: impl Hash) {
        pace.0.push((rate, self.flow(of), self.since));
    }
}

/// The rates that one body is paced by; none costs nothing.
#[derive(Clone, Debug, Default)]
pub struct Pace(SmallVec<[(Rate, Arc<AtomicU64>, Stopwatch); 1]>);

impl Pace {
    /// Whether nothing slows it down.
    #[must_use]
    pub fn is_free(&self) -> bool {
        self.0.is_empty()
    }

    /// How many bytes may be moved at a time.
    #[must_use]
    pub fn piece(&self) -> usize {
        let bursts = self.0.iter().map(|(rate, ..)| usize::try_from(rate.burst_units()).unwrap_or(PIECE));
        bursts.min().unwrap_or(PIECE).clamp(1, PIECE)
    }

    /// Waits until so many bytes may be moved.
    pub async fn wait(&self, bytes: usize) {
        let mut longest = Duration::ZERO;
        for (rate, flow, since) in &self.0 {
            let now = u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX).saturating_add(1 << 40);
            let mut wait = Duration::ZERO;
            // bytes are taken now and waited for: whoever comes later waits longer
            let _ = flow.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |state| {
                let taken = rate.take(state, now, u64::try_from(bytes).unwrap_or(u64::MAX));
                wait = taken.wait;
                Some(taken.state)
            });
            longest = longest.max(wait);
        }
        if longest > Duration::ZERO {
            tokio::time::sleep(longest).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flows_are_apart_and_dropped_when_they_are_full_again() {
        let paces = Paces::default();
        let rate = Rate::requests(1, Duration::from_hours(1));
        assert_eq!(paces.request(&rate, "a"), Ok(()));
        assert_eq!(paces.request(&rate, "b"), Ok(()));
        let wait = paces.request(&rate, "a").unwrap_err();
        assert!(wait > Duration::from_mins(59) && wait <= Duration::from_hours(1), "{wait:?}");
        let short = Rate::requests(1, Duration::from_nanos(1));
        for number in 0..200_000 {
            paces.request(&short, number).unwrap();
        }
        let kept: usize = paces.shards.iter().map(|shard| shard.lock().unwrap().len()).sum();
        assert!(kept < 150_000, "{kept}");
        paces.request(&rate, "b").unwrap_err();
    }

    #[tokio::test]
    async fn a_body_takes_its_time() {
        let paces = Paces::default();
        let mut pace = Pace::default();
        assert!(pace.is_free() && pace.piece() == PIECE);
        paces.add(&mut pace, Rate::bytes_per_second(10_000), "link");
        assert_eq!(pace.piece(), 1000);
        let watch = Stopwatch::start();
        for _ in 0..4 {
            pace.wait(1000).await;
        }
        assert!(watch.elapsed() >= Duration::from_millis(300), "{:?}", watch.elapsed());
        // another request of the same flow shares it
        let mut other = Pace::default();
        paces.add(&mut other, Rate::bytes_per_second(10_000), "link");
        other.wait(1000).await;
        assert!(watch.elapsed() >= Duration::from_millis(400), "{:?}", watch.elapsed());
    }
}
