//! Signing keys: derived from a secret for one day, region and service, and kept so that this is done once.
//! It must not keep a key past its place in the cache, nor give one to anybody but the secret it was derived from.

use super::TERMINATOR;
use crate::secret::{Secret, ct_eq};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};
use zeroize::Zeroizing;

/// The block of SHA-256 in bytes.
const BLOCK: usize = 64;

/// HMAC-SHA256 of the concatenation of `parts`.
fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    // RFC 2104: a key longer than a block is hashed, a shorter one is padded with zeros
    let mut block = Zeroizing::new([0_u8; BLOCK]);
    if let Some(start) = block.get_mut(..key.len()) {
        start.copy_from_slice(key);
    } else if let Some(start) = block.get_mut(..32) {
        start.copy_from_slice(&Sha256::digest(key));
    }
    let mut mac = Hmac::<Sha256>::new((&*block).into());
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// A key that signs for one day, region and service.
#[derive(Clone)]
pub struct SigningKey(Zeroizing<[u8; 32]>);

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningKey(redacted)")
    }
}

impl PartialEq for SigningKey {
    fn eq(&self, other: &Self) -> bool {
        ct_eq(&*self.0, &*other.0)
    }
}

impl Eq for SigningKey {}

impl SigningKey {
    /// Derives the key (AWS documentation, "Signature calculations": four HMACs from the secret to the terminator).
    #[must_use]
    pub fn derive(secret: &Secret, day: &[u8], region: &str, service: &str) -> Self {
        let mut first = Zeroizing::new(Vec::with_capacity(BLOCK));
        first.extend_from_slice(b"AWS4");
        first.extend_from_slice(secret.expose());
        let by_day = Zeroizing::new(hmac(&first, &[day]));
        let by_region = Zeroizing::new(hmac(&*by_day, &[region.as_bytes()]));
        let by_service = Zeroizing::new(hmac(&*by_region, &[service.as_bytes()]));
        Self(Zeroizing::new(hmac(&*by_service, &[TERMINATOR.as_bytes()])))
    }

    /// The MAC of the concatenation of `parts`.
    #[must_use]
    pub fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        hmac(&*self.0, parts)
    }

    #[cfg(test)]
    pub(in crate::auth) fn bytes(&self) -> [u8; 32] {
        *self.0
    }
}

/// Whose key, and what for.
#[derive(Clone, Copy, Debug)]
pub struct KeyName<'a> {
    /// The access key id; one that is known, or empty for the decoy of a keyring.
    pub key_id: &'a [u8],
    /// `yyyymmdd`
    pub day: [u8; 8],
    /// The region.
    pub region: &'a str,
    /// The service.
    pub service: &'a str,
}

/// Signing keys by name, a bounded number of them, shared by all threads.
///
/// A stale key is never given out: an entry keeps the secret that it was derived from, and is derived anew when the
/// caller's secret is another. So one cache can outlive any number of keyrings and rotated credentials.
#[derive(Debug)]
pub struct KeyCache {
    shards: Vec<RwLock<HashMap<u64, Entry>>>,
    shard_capacity: usize,
    hasher: RandomState,
    clock: AtomicU64,
}

#[derive(Debug)]
struct Entry {
    key_id: Box<[u8]>,
    day: [u8; 8],
    region: Box<str>,
    service: Box<str>,
    secret: Secret,
    key: SigningKey,
    /// When it was last wanted, in ticks of the cache.
    used: AtomicU64,
}

const SHARDS: usize = 16;

impl Default for KeyCache {
    fn default() -> Self {
        Self::new(Self::DEFAULT_CAPACITY)
    }
}

impl KeyCache {
    /// Enough for a thousand credentials a day in one region.
    pub const DEFAULT_CAPACITY: usize = 1024;

    /// A cache of at least this many entries (rounded up to fill its shards); 0 keeps nothing.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self {
            shards: (0..SHARDS).map(|_| RwLock::default()).collect(),
            shard_capacity: capacity.div_ceil(SHARDS),
            hasher: RandomState::new(),
            clock: AtomicU64::new(0),
        }
    }

    /// The key for a name, derived from `secret` unless it is there already.
    #[must_use]
    pub fn signing_key(&self, name: &KeyName<'_>, secret: &Secret) -> SigningKey {
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
        let key = SigningKey::derive(secret, &name.day, name.region, name.service);
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

    /// The number of keys that are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.read().unwrap_or_else(PoisonError::into_inner).len()).sum()
    }

    /// Whether no key is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn forget_oldest(entries: &mut HashMap<u64, Entry>) {
    let oldest = entries.iter().min_by_key(|(_, entry)| entry.used.load(Ordering::Relaxed));
    if let Some(hash) = oldest.map(|(hash, _)| *hash) {
        entries.remove(&hash);
    }
}

impl Entry {
    fn new(name: &KeyName<'_>, secret: &Secret, key: SigningKey, tick: u64) -> Self {
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
            && self.secret.matches(secret.expose())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::hex;

    fn name(key_id: &'static str, day: [u8; 8]) -> KeyName<'static> {
        KeyName { key_id: key_id.as_bytes(), day, region: "us-east-1", service: "s3" }
    }

    #[test]
    fn the_worked_example_of_the_documentation() {
        let secret = Secret::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
        let key = SigningKey::derive(&secret, b"20130524", "us-east-1", "s3");
        let expected = "dbb893acc010964918f1fd433add87c70e8b0db6be30c1fbeafefa5ec6ba8378";
        assert_eq!(hex::encode(&key.bytes()), expected.as_bytes());
        assert_eq!(format!("{key:?}"), "SigningKey(redacted)");
    }

    #[test]
    fn hmac_pads_and_hashes_long_keys() {
        // RFC 4231, test cases 1, 2 and 6
        let check = |key: &[u8], data: &[u8], expected: &str| {
            assert_eq!(hex::encode(&hmac(key, &[data])), expected.as_bytes());
        };
        check(&[0x0b; 20], b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
        check(
            b"Jefe",
            b"what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        );
        check(
            &[0xaa; 131],
            b"Test Using Larger Than Block-Size Key - Hash Key First",
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
        );
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
