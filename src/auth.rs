//! Who signed a request, and whether the signature is right and fresh.
//! It must not authorise anything: who may do what is policy.
//!
//! [`authenticate`] is the whole stage: it finds the one form of authentication, reads the claim in S3's order of
//! checks, and proves it. Nothing else makes an [`Authenticated`].

pub mod answer;
pub mod checksum;
pub mod error;
pub mod hex;
mod judge;
pub mod keyring;
pub mod link_key;
pub mod payload;
pub mod post;
pub mod scheme;
mod sigv2;
pub mod sigv4;

use crate::clock::UnixMillis;
use crate::request::RawRequest;
use error::AuthError;
use keyring::{KeyIndex, Keys, PrincipalId};
use payload::Payload;
use scheme::{Mechanism, Scheme};
use sigv4::key::KeyCache;
use sigv4::signed_headers::SignedHeaders;
use sigv4::{header, presigned, verify};
use std::time::Duration;

/// What the configuration says about signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "the switches of the configuration, each by itself")]
pub struct SigningRules {
    /// The regions that a credential scope may name; with none, nothing is accepted.
    pub regions: Vec<String>,
    /// The longest lifetime of a presigned URL; S3 itself takes a week at most. Fractions of a second do not count.
    pub max_expires: Duration,
    /// How far a date may lie in the future and, in the header form, in the past.
    pub clock_skew: Duration,
    /// Whether signatures for several regions are accepted, in the forms that are.
    pub sigv4a: bool,
    /// Whether signatures of the old kind are accepted, in the forms that are.
    pub sigv2: bool,
    /// Whether the header form is accepted at all.
    pub header_auth: bool,
    /// Whether browser uploads with a signed policy are accepted.
    pub post_policy: bool,
    /// Whether an unknown key, a wrong token and a wrong signature get one and the same answer.
    pub uniform_errors: bool,
}

impl SigningRules {
    fn skew_millis(&self) -> i64 {
        i64::try_from(self.clock_skew.as_millis()).unwrap_or(i64::MAX)
    }
}

impl Default for SigningRules {
    fn default() -> Self {
        Self {
            regions: vec!["us-east-1".into()],
            max_expires: Duration::from_hours(7 * 24),
            clock_skew: Duration::from_mins(15),
            sigv4a: true,
            sigv2: false,
            header_auth: true,
            post_policy: true,
            uniform_errors: false,
        }
    }
}

/// Who signed a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signer<'r> {
    /// Somebody whose key is known: the signature was found right.
    Known {
        /// The credential that signed.
        key: KeyIndex,
        /// Whom it stands for.
        principal: PrincipalId,
        /// What stands for all that the signature covers, and is equal for every spelling of it: the bytes of a MAC. (A
        /// signature that is no MAC can be written anew without the key; the digest of the canonical request stands
        /// there, and that of the string to sign where there is no canonical request.)
        content: [u8; 32],
    },
    /// Somebody whose key only the store knows, by the access key id as sent. Whether the signature is right, and so
    /// whether the id is the signer's, is not known: nothing may be counted for it.
    // INVARIANT: only where `Place::unknown_keys` says so, which is at stores that check the client's own signature
    Unknown(&'r str),
}

/// A request whose signature is fresh and, unless the [`Signer`] is unknown, right.
///
/// INVARIANT: made by [`authenticate`] and [`post::authenticate`] only. Every header that S3 wants signed is signed, every signed header is
/// there, and every query parameter but the signature itself is covered; by SigV2, only those that decide on the
/// operation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Authenticated<'r> {
    /// Who signed.
    pub signer: Signer<'r>,
    /// The form of the signature.
    pub scheme: Scheme,
    /// Its date; of a URL or a form signed with SigV2, which tells none, the time of the gate: it may be much older. See
    /// [`Authenticated::is_dated`].
    pub signed_at: UnixMillis,
    /// The last instant at which a presigned URL is valid.
    pub expires_at: Option<UnixMillis>,
    /// The region of the scope, or the first accepted one that a region set names.
    pub region: &'r str,
    /// The headers that the signature covers.
    pub signed_headers: SignedHeaders<'r>,
    /// What it says about the body.
    pub payload: Payload<'r>,
    /// `x-amz-content-sha256` as sent, or `UNSIGNED-PAYLOAD`.
    pub payload_line: &'r [u8],
}

impl Authenticated<'_> {
    /// Whether the signature was found right; if not, the store has to.
    #[must_use]
    pub const fn is_verified(&self) -> bool {
        matches!(self.signer, Signer::Known { .. })
    }

    /// Whether the signature covers the header with this name, in any letter case.
    #[must_use]
    pub fn signs_header(&self, name: &str) -> bool {
        self.signed_headers.contains(name)
    }

    /// Whether the signature tells its date. If not, whoever refuses old signatures must refuse this one.
    #[must_use]
    pub fn is_dated(&self) -> bool {
        !matches!(self.scheme, Scheme::QueryV2 | Scheme::PostV2)
    }

    /// The date that the signature covers. One that covers none may be of any age, so it counts as older than all others.
    #[must_use]
    pub fn dated(&self) -> UnixMillis {
        if self.is_dated() { self.signed_at } else { UnixMillis::from_millis(0) }
    }

    /// Checks a whole body by its SHA-256. One that comes in chunks is never right here: its decoder judges it.
    ///
    /// # Errors
    /// [`AuthError::PayloadMismatch`] if it is not the body that was signed.
    pub fn check_body(&self, sha256: [u8; 32]) -> Result<(), AuthError> {
        let is_signed = match self.payload {
            Payload::Unsigned => true,
            Payload::Sha256(expected) => expected == sha256,
            Payload::Unmatchable(_) | Payload::Streaming(_) => false,
        };
        let claimed = || scheme::lossy(self.payload_line);
        if is_signed {
            Ok(())
        } else {
            Err(AuthError::PayloadMismatch { claimed: claimed(), computed: sha256 })
        }
    }
}

/// What a signature depends on beside the request itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Place<'p> {
    /// The bucket, if the host names it: SigV2 covers it.
    pub hosted_bucket: Option<&'p str>,
    /// Whether a link signed for GET answers HEAD too.
    pub head_for_get: bool,
    /// Whether what is signed with a key that nobody here knows goes on, for the store to verify.
    pub unknown_keys: bool,
}

/// Finds and proves the signature of a request; where the place has it so, one of a key that nobody here knows is only
/// found ([`Signer::Unknown`]).
///
/// # Errors
/// The first fault in the order in which S3 finds them, then those that only the gate minds; see [`AuthError`].
pub fn authenticate<'r, 'k>(
    request: &'r RawRequest<'_>,
    place: Place<'_>,
    keys: impl Into<Keys<'k>>,
    rules: &'r SigningRules,
    cache: &KeyCache,
    now: UnixMillis,
) -> Result<Authenticated<'r>, AuthError> {
    let keys = keys.into();
    let claim = match scheme::detect(request, rules)? {
        Mechanism::QueryV2 => return sigv2::query(request, place.hosted_bucket, keys, rules, now),
        Mechanism::HeaderV2(value) => {
            return sigv2::header(request, value, place.hosted_bucket, keys, rules, now);
        }
        Mechanism::Query => presigned::parse(request, keys, rules, now)?,
        Mechanism::Header(value) => header::parse(request, value, keys, rules, now)?,
    };
    verify::verify(request, &claim, place, keys, rules, (cache, now))
}

#[cfg(test)]
mod tests;
