//! What a request claims about its signature, read from either form and not yet proven.
//! It must not be acted upon by anything but `verify`.

use super::canonical::{Canonical, StringToSign};
use super::scope::Scope;
use super::signed_headers::SignedHeaders;
use crate::auth::scheme::Scheme;
use crate::clock::UnixMillis;
use crate::request::RawRequest;

/// A signature and what it is said to cover.
///
/// INVARIANT: dates, lifetime and scope passed S3's checks; only the key, the headers that must be signed and the
/// signature itself are open.
#[derive(Debug)]
pub(in crate::auth) struct Claim<'r> {
    /// Where it stood.
    pub(super) scheme: Scheme,
    /// The algorithm as sent: the header form may spell it in any letter case.
    pub(super) algorithm: &'r [u8],
    /// The date as sent.
    pub(super) date: &'r [u8],
    /// The date.
    pub(super) signed_at: UnixMillis,
    /// The lifetime in seconds of a presigned URL.
    pub(super) lifetime: Option<u32>,
    /// The credential.
    pub(super) scope: Scope<'r>,
    /// The day of the scope, which is that of the date.
    pub(super) day: [u8; 8],
    /// The regions that a SigV4A signature names.
    pub(super) region_set: Option<&'r [u8]>,
    /// The headers it covers.
    pub(super) signed_headers: SignedHeaders<'r>,
    /// The payload line.
    pub(super) payload: &'r [u8],
    /// The signature as sent.
    pub(super) signature: &'r [u8],
    /// The session token.
    pub(super) token: Option<&'r [u8]>,
    /// A reserved query parameter that S3 would read or ignore and that the gate refuses.
    pub(super) reserved: Option<&'static str>,
}

impl<'r> Claim<'r> {
    pub(super) fn canonical<'a>(&self, request: &'r RawRequest<'a>) -> Canonical<'r, 'a> {
        Canonical::new(request, self.signed_headers, self.payload)
    }

    pub(super) const fn string_to_sign(&self) -> StringToSign<'r> {
        StringToSign { algorithm: self.algorithm, date: self.date, scope: self.scope.text }
    }

    /// The end of a presigned URL: the last instant at which it is valid.
    pub(super) fn expires_at(&self) -> Option<UnixMillis> {
        self.lifetime.map(|secs| self.signed_at.plus_millis(i64::from(secs) * 1000))
    }
}
