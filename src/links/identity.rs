//! The name of a link: one for every spelling of what was signed, and none that an outsider could work out.
//! It must not name anything but a request whose signature was verified.

use crate::auth::keyring::{KeyIndex, Keys};
use crate::auth::sigv4::ALGORITHM;
use crate::auth::{Authenticated, Signer, hex};
use crate::clock::UnixMillis;
use crate::clock::civil::Civil;
use crate::request::query::Query;
use std::fmt::Write as _;

/// The name of a link: 128 bits of a keyed digest of access key, date, region and what the signature covers.
///
/// Order and encoding of parameters, letter case of escapes and headers that the signature does not cover make no
/// difference; anything that the signature covers does. The key comes from the secret of the signer, so every gate that
/// can verify the link gives it the same name, also after a restart.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LinkId([u8; 16]);

impl LinkId {
    /// The name of the link that a verified request used; `None` for keys that did not verify it, and where nobody did.
    #[must_use]
    pub fn of<'k>(request: &Authenticated<'_>, keys: impl Into<Keys<'k>>) -> Option<Self> {
        let Signer::Known { key, content, .. } = &request.signer else { return None };
        // a signature without a date covers its end instead
        Self::named(*key, keys.into(), request.dated(), request.region.as_bytes(), content)
    }

    /// The name of the link at a URL, and when it was signed. Nothing is verified: a URL with a wrong signature or date has
    /// a name that no request ever gets. What the name does not cover, as how long the link is valid, is not told.
    ///
    /// # Errors
    /// See [`UrlFault`].
    pub fn of_url<'k>(url: &str, keys: impl Into<Keys<'k>>) -> Result<(Self, UnixMillis), UrlFault> {
        let keys = keys.into();
        let (_, query) = url.split_once('?').ok_or(UrlFault::NotPresigned)?;
        let query = Query::parse(query.as_bytes()).map_err(|_| UrlFault::NotPresigned)?;
        let value = |name: &str| query.first(name.as_bytes()).ok_or(UrlFault::NotPresigned);
        if value("X-Amz-Algorithm")? != ALGORITHM.as_bytes() {
            return Err(UrlFault::Algorithm);
        }
        let scope = value("X-Amz-Credential")?;
        let region = scope.rsplit(|&byte| byte == b'/').nth(2).ok_or(UrlFault::NotPresigned)?;
        let key = key_id(scope).and_then(|id| keys.index(id)).ok_or(UrlFault::UnknownKey)?;
        let date = Civil::parse_basic(value("X-Amz-Date")?).ok_or(UrlFault::NotPresigned)?.instant();
        value("X-Amz-Expires")?;
        let content: [u8; 32] = hex::decode(value("X-Amz-Signature")?).ok_or(UrlFault::NotPresigned)?;
        let name = Self::named(key, keys, date, region, &content).ok_or(UrlFault::UnknownKey)?;
        Ok((name, date))
    }

    /// The access key id in a URL, if it looks like one that names a link.
    #[must_use]
    pub fn key_of_url(url: &str) -> Option<String> {
        let query = Query::parse(url.split_once('?')?.1.as_bytes()).ok()?;
        String::from_utf8(key_id(query.first(b"X-Amz-Credential")?)?.to_vec()).ok()
    }

    fn named(
        key: KeyIndex,
        keys: Keys<'_>,
        signed_at: UnixMillis,
        region: &[u8],
        content: &[u8; 32],
    ) -> Option<Self> {
        let id = keys.credential(key)?.access_key_id.as_bytes();
        let length = u64::try_from(id.len()).unwrap_or(u64::MAX).to_be_bytes();
        let date = signed_at.millis().to_be_bytes();
        // INVARIANT: every part but the last has a length that is fixed or told before it, so no two links share a text
        Some(Self(keys.link_key(key)?.name(&[&length, id, &date, content, region])))
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

    /// Its 32 lower-case hexadecimal digits.
    #[must_use]
    pub fn digits(&self) -> [u8; 32] {
        let mut text = [b'0'; 32];
        for (digits, byte) in text.chunks_exact_mut(2).zip(&self.0) {
            digits.copy_from_slice(&hex::pair(*byte));
        }
        text
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

/// Why a URL names no link of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlFault {
    /// A parameter of the signature is missing or malformed.
    #[error("the URL is not presigned")]
    NotPresigned,
    /// Its signature is not a MAC, so the URL alone does not tell what it covers.
    #[error("links signed so are known by the name that the access log shows: use that")]
    Algorithm,
    /// It was signed with a key that is not configured: no request with it is accepted.
    #[error("the access key of the URL is not configured: no gate with these keys accepts it")]
    UnknownKey,
}

/// What stands before day, region, service and terminator.
fn key_id(scope: &[u8]) -> Option<&[u8]> {
    scope.rsplitn(5, |&byte| byte == b'/').nth(4)
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
        self.digits().iter().try_for_each(|digit| f.write_char(char::from(*digit)))
    }
}

impl std::fmt::Debug for LinkId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LinkId({self})")
    }
}

#[cfg(test)]
mod tests;
