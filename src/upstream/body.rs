//! What looks at a request body on its way to S3: its size and its SHA-256.
//! It must not let the last bytes go before all of it agrees: the caller asks [`BodyGuard::finish`] first.

use crate::auth::error::AuthError;
use crate::auth::hex;
use crate::reason::Reason;
use crate::s3::error::{ErrorCode, S3Error};
use sha2::{Digest as _, Sha256};

/// What a body must be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BodyRules {
    /// The SHA-256 that was signed; `None` if the body is not covered.
    pub sha256: Option<ExpectedHash>,
    /// The most bytes.
    pub max: u64,
    /// The fewest bytes.
    pub min: u64,
}

/// The SHA-256 that a body must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpectedHash {
    /// The text as sent, for the answer.
    pub claimed: [u8; 64],
    /// What it says.
    pub hash: [u8; 32],
}

impl ExpectedHash {
    /// Reads 64 hexadecimal digits of either case.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        Some(Self { claimed: text.try_into().ok()?, hash: hex::decode(text)? })
    }
}

/// A body that is not what it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BodyFault {
    /// Why.
    pub reason: Reason,
    /// The answer.
    pub error: S3Error,
}

/// Follows one body.
#[derive(Debug)]
pub struct BodyGuard<'r> {
    rules: &'r BodyRules,
    hash: Option<Sha256>,
    seen: u64,
}

impl<'r> BodyGuard<'r> {
    /// Nothing seen yet.
    #[must_use]
    pub fn new(rules: &'r BodyRules) -> Self {
        Self { rules, hash: rules.sha256.as_ref().map(|_| Sha256::new()), seen: 0 }
    }

    /// The bytes seen so far.
    #[must_use]
    pub const fn seen(&self) -> u64 {
        self.seen
    }

    /// Takes note of the next bytes.
    ///
    /// # Errors
    /// The body is larger than it may be.
    pub fn update(&mut self, data: &[u8]) -> Result<(), BodyFault> {
        self.seen = self.seen.saturating_add(u64::try_from(data.len()).unwrap_or(u64::MAX));
        if self.seen > self.rules.max {
            return Err(too_large(self.seen, self.rules.max));
        }
        if let Some(hash) = &mut self.hash {
            hash.update(data);
        }
        Ok(())
    }

    /// Judges the whole body.
    ///
    /// # Errors
    /// The body is too small, or not the one that was signed.
    pub fn finish(&mut self) -> Result<(), BodyFault> {
        if self.seen < self.rules.min {
            return Err(too_small(self.seen, self.rules.min));
        }
        let (Some(hash), Some(expected)) = (self.hash.take(), &self.rules.sha256) else { return Ok(()) };
        let computed: [u8; 32] = hash.finalize().into();
        if expected.hash == computed {
            return Ok(());
        }
        let claimed = String::from_utf8_lossy(&expected.claimed).into_owned();
        let mismatch = AuthError::PayloadMismatch { claimed, computed };
        Err(BodyFault { reason: mismatch.reason(), error: mismatch.s3() })
    }
}

/// The answer to a body larger than allowed.
#[must_use]
pub fn too_large(proposed: u64, max: u64) -> BodyFault {
    let error = S3Error::new(ErrorCode::EntityTooLarge)
        .extra("ProposedSize", proposed.to_string())
        .extra("MaxSizeAllowed", max.to_string());
    BodyFault { reason: Reason::BodyTooLarge, error }
}

fn too_small(proposed: u64, min: u64) -> BodyFault {
    let error = S3Error::new(ErrorCode::EntityTooSmall)
        .extra("ProposedSize", proposed.to_string())
        .extra("MinSizeAllowed", min.to_string());
    BodyFault { reason: Reason::LinkContentLength, error }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rules: &BodyRules, parts: &[&str], expected: Result<(), ErrorCode>) {
        let mut guard = BodyGuard::new(rules);
        let outcome =
            parts.iter().try_for_each(|part| guard.update(part.as_bytes())).and_then(|()| guard.finish());
        assert_eq!(outcome.map_err(|fault| fault.error.code), expected, "{parts:?}");
    }

    fn hashed(text: &str) -> BodyRules {
        let hash: [u8; 32] = Sha256::digest(text).into();
        let expected = ExpectedHash { claimed: hex::encode(&hash), hash };
        BodyRules { sha256: Some(expected), max: 10, min: 0 }
    }

    #[test]
    fn a_body_is_what_was_signed_or_refused() {
        check(&hashed("hello"), &["he", "llo"], Ok(()));
        check(&hashed(""), &[], Ok(()));
        check(&hashed("hello"), &["hello!"], Err(ErrorCode::XAmzContentSHA256Mismatch));
        check(&hashed("hello"), &["hell"], Err(ErrorCode::XAmzContentSHA256Mismatch));
    }

    #[test]
    fn sizes_are_inclusive() {
        let rules = BodyRules { sha256: None, max: 4, min: 2 };
        check(&rules, &["ab"], Ok(()));
        check(&rules, &["ab", "cd"], Ok(()));
        check(&rules, &["a"], Err(ErrorCode::EntityTooSmall));
        check(&rules, &["abcd", "e"], Err(ErrorCode::EntityTooLarge));
    }
}
