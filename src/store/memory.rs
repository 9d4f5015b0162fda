//! Link state in the memory of this process: gone when it ends, for a gate that stands alone or is being tried.
//! It must not hold one lock for all links.

use super::{Change, Changes, LinkStore, Note, StoreError};
use crate::clock::Clock;
use crate::links::claim::LinkClaim;
use crate::links::identity::LinkId;
use crate::links::state::{Answer, LinkState};
use async_trait::async_trait;
use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const SHARDS: usize = 64;

type Shard = HashMap<LinkId, LinkState>;

/// Links in memory.
#[derive(Debug)]
pub struct Memory {
    shards: Box<[Mutex<Shard>]>,
    clock: Arc<dyn Clock>,
    /// The shard that is swept next.
    next: AtomicUsize,
    /// The latest end of a link that was forgotten, in milliseconds since the epoch.
    forgotten: AtomicI64,
}

impl Memory {
    /// A store without links.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Self { shards, clock, next: AtomicUsize::new(0), forgotten: AtomicI64::new(i64::MIN) }
    }

    fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
        // a panic in between left a state that is at worst one step old
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs one step on the state of a link; what is blank afterwards is not kept.
    fn step<T>(&self, link: LinkId, step: impl FnOnce(&mut LinkState, i64) -> T) -> T {
        let now = self.clock.now().millis();
        let at = usize::from(link.bytes()[0]) % SHARDS;
        let Some(shard) = self.shards.get(at) else { return step(&mut LinkState::default(), now) };
        let mut shard = Self::lock(shard);
        let state = shard.entry(link).or_default();
        let outcome = step(state, now);
        if state.is_blank() {
            shard.remove(&link);
        }
        outcome
    }
}

#[async_trait]
impl LinkStore for Memory {
    async fn reserve(&self, claim: &LinkClaim, token: u64) -> Result<Answer, StoreError> {
        self.step(claim.id, |state, now| {
            let may_be_forgotten = claim.terms.until.millis() <= self.forgotten.load(Ordering::Relaxed);
            if may_be_forgotten && state.is_blank() {
                return Err(StoreError::forgotten());
            }
            Ok(state.reserve(claim, token, now))
        })
    }

    fn note(&self, note: Note) {
        self.step(note.link, |state, now| note.apply(state, now));
    }

    async fn look(&self, link: LinkId) -> Result<Option<LinkState>, StoreError> {
        Ok(self.step(link, |state, _| Some(state.clone()).filter(|state| !state.is_blank())))
    }

    async fn change(&self, _change: &Change) -> Result<(), StoreError> {
        // the list of this process is the only one
        Ok(())
    }

    async fn changes(&self, list: &str, number: u64) -> Result<Changes, StoreError> {
        Ok(Changes { list: list.to_owned(), last: number, ..Changes::default() })
    }

    async fn sweep(&self) -> Result<u64, StoreError> {
        let now = self.clock.now().millis();
        let at = self.next.fetch_add(1, Ordering::Relaxed) % SHARDS;
        if let Some(shard) = self.shards.get(at) {
            let mut shard = Self::lock(shard);
            shard.retain(|_, state| {
                let stays = state.until > now;
                if !stays {
                    self.forgotten.fetch_max(state.until, Ordering::Relaxed);
                }
                stays
            });
            if shard.capacity() > 4 * shard.len() + 64 {
                shard.shrink_to_fit();
            }
        }
        let known = self.shards.iter().map(|shard| Self::lock(shard).len()).sum::<usize>();
        Ok(u64::try_from(known).unwrap_or(u64::MAX))
    }

    fn lost_notes(&self) -> u64 {
        0
    }
}

#[cfg(test)]
mod tests;
