//! The name of a link: one for every spelling of what was signed, and none that an outsider could work out.
//! It must not name anything but a request whose signature was verified.

use crate::auth::Authenticated;
use crate::auth::keyring::Keyring;

/// The name of a link: 128 bits of a keyed digest of access key, date, region and the canonical request.
///
/// Order and encoding of parameters, letter case of escapes and headers that the signature does not cover make no
/// difference; anything that the signature covers does. The key comes from the secret of the signer, so every gate that
/// can verify the link gives it the same name, also after a restart.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LinkId([u8; 16]);

impl LinkId {
    /// The name of the link that a verified request used; `None` only for a keyring that did not verify it.
    #[must_use]
    pub fn of(request: &Authenticated<'_>, keyring: &Keyring) -> Option<Self> {
        let credential = keyring.credential(request.key)?;
        let id = credential.access_key_id.as_bytes();
        let length = u64::try_from(id.len()).unwrap_or(u64::MAX).to_be_bytes();
        let date = request.signed_at.millis().to_be_bytes();
        // INVARIANT: every part but the last has a length that is fixed or told before it, so no two links share a text
        let parts: [&[u8]; 5] = [&length, id, &date, &request.content, request.region.as_bytes()];
        Some(Self(keyring.link_key(request.key)?.name(&parts)))
    }

    /// The name as it was kept somewhere.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The name as it is kept.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Reads 32 lower-case hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits: &[u8; 32] = text.as_bytes().try_into().ok()?;
        let mut bytes = [0_u8; 16];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let [high, low] = *pair else { return None };
            *byte = digit(high)? << 4 | digit(low)?;
        }
        Some(Self(bytes))
    }
}

const fn digit(letter: u8) -> Option<u8> {
    match letter {
        b'0'..=b'9' => Some(letter - b'0'),
        b'a'..=b'f' => Some(letter - b'a' + 10),
        _ => None,
    }
}

impl std::fmt::Display for LinkId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl std::fmt::Debug for LinkId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LinkId({self})")
    }
}

#[cfg(test)]
mod tests;
