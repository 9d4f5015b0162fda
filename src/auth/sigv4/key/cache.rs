//! Derived keys by name, a bounded number of them, shared by all threads.
//! It must not give a key to anybody but the secret it was derived from, nor keep one past its place.

use super::{KeyName, SigningKey};
use crate::auth::sigv4::asymmetric::PublicKey;
use crate::secret::Secret;
use ahash::{AHashMap, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

/// Keys that were derived before: of SigV4 for one day, region and service, of SigV4A for good.
///
/// A stale key is never given out: an entry keeps the secret that it was derived from, and is derived anew when the
/// caller's secret is another. So one cache can outlive any number of keyrings and rotated credentials.
#[derive(Debug)]
pub struct KeyCache {
    symmetric: Cache<SigningKey>,
    asymmetric: Cache<PublicKey>,
}

impl Default for KeyCache {
    fn default() -> Self {
        Self::new(Self::DEFAULT_CAPACITY)
    }
}

impl KeyCache {
    /// Enough for a thousand credentials a day in one region.
    pub const DEFAULT_CAPACITY: usize = 1024;

    /// A cache of at least this many keys of each kind (rounded up to fill its shards); 0 keeps nothing.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { symmetric: Cache::new(capacity), asymmetric: Cache::new(capacity) }
    }

    /// The key for a name, derived from `secret` unless it is there already.
    #[must_use]
    pub fn signing_key(&self, name: &KeyName<'_>, secret: &Secret) -> SigningKey {
        self.symmetric.get(name, secret, || SigningKey::derive(secret, &name.day, name.region, name.service))
    }

    /// The public key of a SigV4A signer, which depends on its id and secret alone.
    #[must_use]
    pub fn public_key(&self, key_id: &[u8], secret: &Secret) -> PublicKey {
        let name = KeyName { key_id, day: [0; 8], region: "", service: "" };
        self.asymmetric.get(&name, secret, || PublicKey::derive(key_id, secret))
    }

    /// The number of keys that are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.symmetric.len() + self.asymmetric.len()
    }

    /// Whether no key is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[derive(Debug)]
struct Cache<K> {
    shards: Vec<RwLock<AHashMap<u64, Entry<K>>>>,
    shard_capacity: usize,
    hasher: RandomState,
    clock: AtomicU64,
}

#[derive(Debug)]
struct Entry<K> {
    key_id: Box<[u8]>,
    day: [u8; 8],
    region: Box<str>,
    service: Box<str>,
    secret: Secret,
    key: K,
    /// When it was last wanted, in ticks of the cache.
    used: AtomicU64,
}

const SHARDS: usize = 16;

impl<K: Clone> Cache<K> {
    fn new(capacity: usize) -> Self {
        Self {
            shards: (0..SHARDS).map(|_| RwLock::new(AHashMap::new())).collect(),
            shard_capacity: capacity.div_ceil(SHARDS),
            hasher: RandomState::new(),
            clock: AtomicU64::new(0),
        }
    }

    fn get(&self, name: &KeyName<'_>, secret: &Secret, derive: impl FnOnce() -> K) -> K {
        let hash = self.hasher.hash_one((name.key_id, name.day, name.region, name.service));
        let shard = usize::try_from(hash % SHARDS as u64).ok().and_then(|at| self.shards.get(at));
        let tick = self.clock.fetch_add(1, Ordering::Relaxed);
        if let Some(shard) = shard {
            let entries = shard.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(entry) = entries.get(&hash).filter(|entry| entry.is(name, secret)) {
                entry.used.store(tick, Ordering::Relaxed);
                return entry.key.clone();
            }
        }
        let key = derive();
        if let Some(shard) = shard.filter(|_| self.shard_capacity > 0) {
            let entry = Entry::new(name, secret, key.clone(), tick);
            let mut entries = shard.write().unwrap_or_else(PoisonError::into_inner);
            if entries.len() >= self.shard_capacity && !entries.contains_key(&hash) {
                forget_oldest(&mut entries);
            }
            entries.insert(hash, entry);
        }
        key
    }

    fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.read().unwrap_or_else(PoisonError::into_inner).len()).sum()
    }
}

fn forget_oldest<K>(entries: &mut AHashMap<u64, Entry<K>>) {
    let oldest = entries.iter().min_by_key(|(_, entry)| entry.used.load(Ordering::Relaxed));
    if let Some(hash) = oldest.map(|(hash, _)| *hash) {
        entries.remove(&hash);
    }
}

impl<K> Entry<K> {
    fn new(name: &KeyName<'_>, secret: &Secret, key: K, tick: u64) -> Self {
        Self {
            key_id: name.key_id.into(),
            day: name.day,
            region: name.region.into(),
            service: name.service.into(),
            secret: secret.clone(),
            key,
            used: AtomicU64::new(tick),
        }
    }

    fn is(&self, name: &KeyName<'_>, secret: &Secret) -> bool {
        *self.key_id == *name.key_id
            && self.day == name.day
            && *self.region == *name.region
            && *self.service == *name.service
            && self.secret.is(secret)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(key_id: &'static str, day: [u8; 8]) -> KeyName<'static> {
        KeyName { key_id: key_id.as_bytes(), day, region: "us-east-1", service: "s3" }
    }

    #[test]
    fn a_kept_key_serves_only_its_name_and_secret() {
        let cache = KeyCache::default();
        let (old, new) = (Secret::new("old"), Secret::new("new"));
        let first = cache.signing_key(&name("A", *b"20260115"), &old);
        assert_eq!(cache.signing_key(&name("A", *b"20260115"), &old).bytes(), first.bytes());
        assert_eq!(cache.len(), 1);
        let rotated = cache.signing_key(&name("A", *b"20260115"), &new);
        assert_eq!(rotated.bytes(), SigningKey::derive(&new, b"20260115", "us-east-1", "s3").bytes());
        assert_ne!(rotated.bytes(), first.bytes());
        assert_eq!(cache.len(), 1);
        assert_ne!(cache.signing_key(&name("A", *b"20260116"), &new).bytes(), rotated.bytes());
        assert_eq!(cache.len(), 2);
    }

    #[test]
    fn what_is_kept_is_found_by_all_parts_of_its_name() {
        let secret = Secret::new("s");
        let own = name("A", *b"20260115");
        let key = SigningKey::derive(&secret, &own.day, own.region, own.service);
        let entry = Entry::new(&own, &secret, key, 0);
        assert!(entry.is(&own, &secret));
        assert!(!entry.is(&own, &Secret::new("t")));
        for other in [
            name("B", *b"20260115"),
            name("A", *b"20260116"),
            KeyName { region: "eu-west-1", ..own },
            KeyName { service: "s3-outposts", ..own },
        ] {
            assert!(!entry.is(&other, &secret), "{other:?}");
        }
    }

    #[test]
    fn the_number_of_keys_is_bounded_and_the_latest_stay() {
        let cache = KeyCache::new(SHARDS);
        let secret = Secret::new("s");
        for number in 0..200_u32 {
            let day: [u8; 8] = format!("{number:08}").into_bytes().try_into().unwrap();
            let key = cache.signing_key(&name("A", day), &secret);
            assert_eq!(key.bytes(), SigningKey::derive(&secret, &day, "us-east-1", "s3").bytes());
        }
        assert!(cache.len() <= SHARDS, "{}", cache.len());
        let none = KeyCache::new(0);
        let _ = none.signing_key(&name("A", *b"20260115"), &secret);
        assert!(none.is_empty());
    }
}
