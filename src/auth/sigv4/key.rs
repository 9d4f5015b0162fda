//! Signing keys: derived from a secret for one day, region and service, and kept so that this is done once.
//! It must not print a key, nor let one outlive its last user in memory.

mod cache;

pub use cache::KeyCache;

use super::TERMINATOR;
use crate::secret::{Secret, ct_eq};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use zeroize::Zeroizing;

/// The block of SHA-256 in bytes.
const BLOCK: usize = 64;

/// HMAC-SHA256 with a key, before any text: the two blocks that the key fills are behind it.
pub(in crate::auth) fn keyed(key: &[u8]) -> Hmac<Sha256> {
    // RFC 2104: a key longer than a block is hashed, a shorter one is padded with zeros
    let mut block = Zeroizing::new([0_u8; BLOCK]);
    if let Some(start) = block.get_mut(..key.len()) {
        start.copy_from_slice(key);
    } else if let Some(start) = block.get_mut(..32) {
        start.copy_from_slice(&Sha256::digest(key));
    }
    Hmac::new((&*block).into())
}

/// The MAC of the concatenation of `parts`.
pub(in crate::auth) fn finished(mut mac: Hmac<Sha256>, parts: &[&[u8]]) -> [u8; 32] {
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// HMAC-SHA256 of the concatenation of `parts`.
pub(super) fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    finished(keyed(key), parts)
}

/// A key that signs for one day, region and service. Clones share it.
#[derive(Clone)]
pub struct SigningKey(Arc<Kept>);

struct Kept {
    bytes: Zeroizing<[u8; 32]>,
    /// Kept, since it takes as long as hashing a short text. Leaves memory with the key (feature `zeroize` of `hmac`).
    mac: Hmac<Sha256>,
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningKey(redacted)")
    }
}

impl PartialEq for SigningKey {
    fn eq(&self, other: &Self) -> bool {
        ct_eq(&*self.0.bytes, &*other.0.bytes)
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
        let bytes = Zeroizing::new(hmac(&*by_service, &[TERMINATOR.as_bytes()]));
        let mac = keyed(&*bytes);
        Self(Arc::new(Kept { bytes, mac }))
    }

    /// The MAC of the concatenation of `parts`.
    #[must_use]
    pub fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        finished(self.0.mac.clone(), parts)
    }

    #[cfg(test)]
    pub(in crate::auth) fn bytes(&self) -> [u8; 32] {
        *self.0.bytes
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::hex;

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
}
