//! What a webhook said and until when that counts; a bounded number of keys.
//! It must not read a clock, nor ask: times are those of one steady clock of the caller.

use crate::snapshot::Guest;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// From a failed question about a known key to the next.
const PAUSE: Duration = Duration::from_secs(1);

/// For how long what was said counts, and for how much of it there is room.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    pub(super) ttl: Duration,
    pub(super) negative_ttl: Duration,
    pub(super) stale: Duration,
    /// The most keys; and as many that are none.
    pub(super) keys: usize,
    /// Questions about new keys in a second.
    pub(super) rate: u32,
}

/// What is known of one key.
#[derive(Clone, Debug)]
pub(super) enum Known {
    /// Whose it is.
    Fresh(Arc<Guest>),
    /// Whose it was; it still counts, since the webhook failed a moment ago.
    Stale(Arc<Guest>),
    /// It is none.
    Absent,
    /// It must be asked for; whose it was counts if that fails.
    Old,
    /// It must be asked for.
    Nothing,
}

#[derive(Debug)]
struct Entry {
    guest: Arc<Guest>,
    fresh_until: Duration,
    stale_until: Duration,
    /// After a failure: not before this.
    ask_at: Option<Duration>,
}

/// Keys and until when they count.
#[derive(Debug)]
pub(super) struct Table {
    terms: Terms,
    keys: HashMap<String, Entry>,
    absent: HashMap<String, Duration>,
    /// When the question that would use up the rate is free again.
    next: Option<Duration>,
}

impl Table {
    pub(super) fn new(terms: Terms) -> Self {
        Self { terms, keys: HashMap::new(), absent: HashMap::new(), next: None }
    }

    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    pub(super) fn look(&self, id: &str, now: Duration) -> Known {
        if let Some(entry) = self.keys.get(id) {
            let guest = || Arc::clone(&entry.guest);
            if now < entry.fresh_until {
                return Known::Fresh(guest());
            }
            if now < entry.stale_until {
                let waits = entry.ask_at.is_some_and(|at| now < at);
                return if waits { Known::Stale(guest()) } else { Known::Old };
            }
        }
        match self.absent.get(id) {
            Some(until) if now < *until => Known::Absent,
            _ => Known::Nothing,
        }
    }

    /// Whether there is room for a question about a new key in this second.
    pub(super) fn may_ask(&mut self, now: Duration) -> bool {
        let each = Duration::from_secs(1) / self.terms.rate.max(1);
        let next = self.next.map_or(now, |next| next.max(now));
        // a second's worth may come at once
        if next.saturating_sub(now) + each > Duration::from_secs(1) {
            return false;
        }
        self.next = Some(next + each);
        true
    }

    /// A key is somebody's, for no longer than the webhook says.
    pub(super) fn found(&mut self, id: &str, guest: &Arc<Guest>, max_age: Option<Duration>, now: Duration) {
        self.absent.remove(id);
        let ttl = max_age.map_or(self.terms.ttl, |age| age.min(self.terms.ttl));
        if ttl.is_zero() {
            // it is good for one request
            self.keys.remove(id);
            return;
        }
        if self.keys.len() >= self.terms.keys && !self.keys.contains_key(id) {
            make_room(&mut self.keys, |entry| entry.stale_until, now);
        }
        let fresh_until = now + ttl;
        let stale_until = fresh_until + self.terms.stale;
        let entry = Entry { guest: Arc::clone(guest), fresh_until, stale_until, ask_at: None };
        self.keys.insert(id.to_owned(), entry);
    }

    /// A key is none, at once, whatever was said before.
    pub(super) fn is_none(&mut self, id: &str, now: Duration) {
        self.keys.remove(id);
        if self.absent.len() >= self.terms.keys && !self.absent.contains_key(id) {
            make_room(&mut self.absent, |until| *until, now);
        }
        self.absent.insert(id.to_owned(), now + self.terms.negative_ttl);
    }

    /// A question failed; what was known counts on for its time.
    pub(super) fn failed(&mut self, id: &str, now: Duration) -> Option<Arc<Guest>> {
        let entry = self.keys.get_mut(id)?;
        if now >= entry.stale_until {
            self.keys.remove(id);
            return None;
        }
        entry.ask_at = Some(now + PAUSE);
        Some(Arc::clone(&entry.guest))
    }
}

/// Lets go of all that does not count any more, or of what would be the first.
fn make_room<V>(map: &mut HashMap<String, V>, until: impl Fn(&V) -> Duration, now: Duration) {
    let before = map.len();
    map.retain(|_, value| until(value) > now);
    if map.len() < before {
        return;
    }
    let first = map.iter().min_by_key(|(_, value)| until(value)).map(|(id, _)| id.clone());
    if let Some(id) = first {
        map.remove(&id);
    }
}

#[cfg(test)]
mod tests;
