//! The list of revocations, laid out for the question that every request asks.
//! It must not answer in more time the longer the list is: links and keys are looked up, prefixes walked by length.

use super::{Revocation, Target};
use crate::clock::UnixMillis;
use crate::links::identity::LinkId;
use crate::s3::address::Address;
use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;

/// What is known about a request.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'f> {
    /// The key that signed it.
    pub access_key_id: &'f str,
    /// The date of the signature.
    pub signed_at: UnixMillis,
    /// What it is for.
    pub address: &'f Address<'f>,
}

/// Every entry in force.
#[derive(Debug, Default)]
pub struct RevocationSet {
    links: HashMap<LinkId, Moment>,
    keys: HashMap<Box<str>, Moments>,
    prefixes: HashMap<Box<str>, BTreeMap<Box<[u8]>, Moments>>,
    all: Moments,
    len: usize,
}

/// When an entry was made and when it lapses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Moment {
    created: UnixMillis,
    lapses: UnixMillis,
}

/// Instants before which signatures are void, each with its moment. Few: one an act of revoking.
#[derive(Debug, Default)]
struct Moments(Vec<(UnixMillis, Moment)>);

impl Moments {
    fn hits(&self, signed_at: UnixMillis) -> bool {
        self.0.iter().any(|(before, _)| signed_at < *before)
    }

    /// Gives whether it is a new one.
    fn insert(&mut self, before: UnixMillis, moment: Moment) -> bool {
        if let Some((_, known)) = self.0.iter_mut().find(|(known, _)| *known == before) {
            known.lapses = known.lapses.max(moment.lapses);
            return false;
        }
        self.0.push((before, moment));
        true
    }

    fn remove(&mut self, before: UnixMillis) -> bool {
        let count = self.0.len();
        self.0.retain(|(known, _)| *known != before);
        self.0.len() < count
    }

    /// Gives how many went.
    fn forget(&mut self, now: UnixMillis) -> usize {
        let count = self.0.len();
        self.0.retain(|(_, moment)| !moment.is_over(now));
        count - self.0.len()
    }
}

impl Moment {
    const fn is_over(self, now: UnixMillis) -> bool {
        now.millis() >= self.lapses.plus_millis(super::CLOCKS_MILLIS).millis()
    }
}

impl RevocationSet {
    /// The number of entries.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no entry.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds an entry; one for the same target takes the later of both ends. Gives whether the target is a new one.
    pub fn insert(&mut self, entry: &Revocation) -> bool {
        let moment = Moment { created: entry.created, lapses: entry.lapses };
        let is_new = match &entry.target {
            Target::Link(id) => {
                let known = self.links.get(id).map(|known| known.lapses);
                let lapses = known.map_or(moment.lapses, |known| known.max(moment.lapses));
                self.links.insert(*id, Moment { lapses, ..moment }).is_none()
            }
            Target::Key { access_key_id, before } => {
                self.keys.entry(access_key_id.clone()).or_default().insert(*before, moment)
            }
            Target::Prefix { bucket, prefix, before } => {
                let prefixes = self.prefixes.entry(bucket.clone()).or_default();
                prefixes.entry(prefix.as_bytes().into()).or_default().insert(*before, moment)
            }
            Target::SignedBefore(before) => self.all.insert(*before, moment),
        };
        self.len += usize::from(is_new);
        is_new
    }

    /// Takes an entry back; gives whether there was one.
    pub fn remove(&mut self, target: &Target) -> bool {
        let went = match target {
            Target::Link(id) => self.links.remove(id).is_some(),
            Target::Key { access_key_id, before } => {
                self.keys.get_mut(access_key_id).is_some_and(|moments| moments.remove(*before))
            }
            Target::Prefix { bucket, prefix, before } => self
                .prefixes
                .get_mut(bucket)
                .and_then(|prefixes| prefixes.get_mut(prefix.as_bytes()))
                .is_some_and(|moments| moments.remove(*before)),
            Target::SignedBefore(before) => self.all.remove(*before),
        };
        self.len -= usize::from(went);
        self.drop_empty();
        went
    }

    /// Forgets entries whose last link has expired everywhere.
    pub fn forget(&mut self, now: UnixMillis) {
        let before = self.links.len();
        self.links.retain(|_, moment| !moment.is_over(now));
        let mut went = before - self.links.len();
        went += self.keys.values_mut().map(|moments| moments.forget(now)).sum::<usize>();
        went += self
            .prefixes
            .values_mut()
            .flat_map(BTreeMap::values_mut)
            .map(|moments| moments.forget(now))
            .sum::<usize>();
        went += self.all.forget(now);
        self.len = self.len.saturating_sub(went);
        self.drop_empty();
    }

    fn drop_empty(&mut self) {
        self.keys.retain(|_, moments| !moments.0.is_empty());
        self.prefixes.retain(|_, prefixes| {
            prefixes.retain(|_, moments| !moments.0.is_empty());
            !prefixes.is_empty()
        });
    }

    /// Whether a request used a link that was called back. Its name is worked out only if links were called back one
    /// by one; one that cannot be worked out counts as called back.
    #[must_use]
    pub fn hits(&self, facts: &Facts<'_>, name: impl FnOnce() -> Option<LinkId>) -> bool {
        self.hits_many(facts)
            || (!self.links.is_empty() && name().is_none_or(|id| self.links.contains_key(&id)))
    }

    /// Whether a request is one of many that were called back together: by key, prefix or date.
    #[must_use]
    pub fn hits_many(&self, facts: &Facts<'_>) -> bool {
        self.all.hits(facts.signed_at)
            || self.keys.get(facts.access_key_id).is_some_and(|moments| moments.hits(facts.signed_at))
            || self.prefix_hits(facts)
    }

    fn prefix_hits(&self, facts: &Facts<'_>) -> bool {
        let Some(bucket) = facts.address.bucket() else { return false };
        let Some(prefixes) = self.prefixes.get(bucket.as_str()) else { return false };
        match facts.address.key() {
            None => any_prefix(prefixes, b"", facts.signed_at),
            Some(key) => key.readings().any(|reading| any_prefix(prefixes, reading, facts.signed_at)),
        }
    }

    /// Whether a link itself is called back.
    #[must_use]
    pub fn has_link(&self, link: LinkId) -> bool {
        self.links.contains_key(&link)
    }

    /// The entries, in no order.
    pub fn iter(&self) -> impl Iterator<Item = Revocation> {
        let entry =
            |target, moment: &Moment| Revocation { target, created: moment.created, lapses: moment.lapses };
        let links = self.links.iter().map(move |(id, moment)| entry(Target::Link(*id), moment));
        let keys = self.keys.iter().flat_map(move |(id, moments)| {
            moments.0.iter().map(move |(before, moment)| {
                entry(Target::Key { access_key_id: id.clone(), before: *before }, moment)
            })
        });
        let prefixes = self.prefixes.iter().flat_map(move |(bucket, prefixes)| {
            prefixes.iter().flat_map(move |(prefix, moments)| {
                moments.0.iter().map(move |(before, moment)| {
                    let prefix = String::from_utf8_lossy(prefix).into_owned().into_boxed_str();
                    entry(Target::Prefix { bucket: bucket.clone(), prefix, before: *before }, moment)
                })
            })
        });
        let all = self.all.0.iter().map(move |(before, moment)| entry(Target::SignedBefore(*before), moment));
        links.chain(keys).chain(prefixes).chain(all)
    }
}

/// Whether an entry for a beginning of `key` hits: from the longest that can be one to the shortest, each step to a
/// beginning of what the last one shares with the key.
fn any_prefix(prefixes: &BTreeMap<Box<[u8]>, Moments>, key: &[u8], signed_at: UnixMillis) -> bool {
    let mut bound = key;
    let mut edge = Bound::Included(key);
    while let Some((candidate, moments)) = prefixes.range::<[u8], _>((Bound::Unbounded, edge)).next_back() {
        if key.starts_with(candidate) {
            if moments.hits(signed_at) {
                return true;
            }
            bound = key.get(..candidate.len()).unwrap_or_default();
            edge = Bound::Excluded(bound);
        } else {
            let shared = candidate.iter().zip(bound).take_while(|(left, right)| left == right).count();
            bound = key.get(..shared).unwrap_or_default();
            edge = Bound::Included(bound);
        }
    }
    false
}
