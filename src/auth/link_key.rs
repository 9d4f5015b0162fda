//! The key that names the links of a credential: derived from its secret, so that every gate that can verify a link
//! gives it the same name, and nobody else can work it out. It must not sign anything that a store would accept.

use super::sigv4::key::{finished, keyed};
use crate::secret::Secret;
use hmac::Hmac;
use sha2::Sha256;
use zeroize::Zeroizing;

/// What the key is derived for; another purpose would be another text.
const PURPOSE: &[u8] = b"presign-gate/link-id/v1";

/// The key of one credential. Rotating the secret changes it, and the names of links with it: those links are void too.
///
/// It is kept as the state of a MAC before any text, which leaves memory with it (feature `zeroize` of `hmac`).
#[derive(Clone)]
pub struct LinkKey(Hmac<Sha256>);

impl std::fmt::Debug for LinkKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LinkKey(redacted)")
    }
}

impl LinkKey {
    /// `HMAC-SHA256(secret, purpose)`. Signing keys begin with `HMAC-SHA256("AWS4" + secret, day)`: the two never meet.
    #[must_use]
    pub fn derive(secret: &Secret) -> Self {
        let key = Zeroizing::new(finished(keyed(secret.expose()), &[PURPOSE]));
        Self(keyed(&*key))
    }

    /// The first half of the MAC of the concatenation of `parts`.
    #[must_use]
    pub fn name(&self, parts: &[&[u8]]) -> [u8; 16] {
        let mac = finished(self.0.clone(), parts);
        mac.first_chunk::<16>().copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_depend_on_the_secret_and_the_text() {
        let (one, other) = (LinkKey::derive(&Secret::new("a")), LinkKey::derive(&Secret::new("b")));
        assert_eq!(one.name(&[b"x", b"y"]), one.name(&[b"xy"]));
        assert_ne!(one.name(&[b"x"]), one.name(&[b"y"]));
        assert_ne!(one.name(&[b"x"]), other.name(&[b"x"]));
        assert_eq!(format!("{one:?}"), "LinkKey(redacted)");
    }
}
