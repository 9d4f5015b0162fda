//! Proves a claim: headers, key, signature, token, in S3's order, with the same work for keys that nobody has.
//! It must not tell a caller anything but the verdict, nor accept what only the decoy of the keyring verifies; what it
//! leaves to the store to verify says so.

use super::SERVICE;
use super::asymmetric::region_set;
use super::chunked::plan::{Chain, ChunkSigner, Told};
use super::claim::Claim;
use super::key::{KeyCache, KeyName, SigningKey};
use crate::auth::error::{AuthError, Mismatch};
use crate::auth::judge::Presented;
use crate::auth::keyring::{self, Credential, Keys};
use crate::auth::payload::{self, Payload};
use crate::auth::scheme::{Form, Version, lossy};
use crate::auth::{Authenticated, Place, Signer, SigningRules, hex};
use crate::clock::UnixMillis;
use crate::request::RawRequest;
use crate::request::method::Method;
use crate::secret::ct_eq;

/// The one way from a claim to an authenticated request.
pub(in crate::auth) fn verify<'r>(
    request: &'r RawRequest<'_>,
    claim: &Claim<'r>,
    place: Place<'_>,
    keys: Keys<'_>,
    rules: &'r SigningRules,
    (cache, now): (&KeyCache, UnixMillis),
) -> Result<Authenticated<'r>, AuthError> {
    if let Some(names) = claim.signed_headers.unsigned(&request.headers) {
        return Err(AuthError::HeadersNotSigned(names));
    }
    let region = region(claim, rules)?;
    let found = keys.find(claim.scope.key_id)?;
    if found.index.is_none()
        && place.unknown_keys
        && let Some(key_id) = key_of_the_store(claim)
    {
        return unverified(request, claim, (key_id, region), rules);
    }
    let canonical = claim.canonical(request);
    let digest = canonical.digest();
    let mut proof = prove(claim, found.credential, region, &digest, cache);
    let mut signed = digest;
    if proof.is_none() && place.head_for_get && is_link_for_head(request, claim) {
        signed = claim.canonical(request).with_method("GET").digest();
        proof = prove(claim, found.credential, region, &signed, cache);
    }
    let (key_id, signed_at, token) = (claim.scope.key_id, claim.signed_at, claim.token);
    let presented = Presented { key_id, signed_at, token, now };
    let mismatch = || Mismatch {
        key_id: lossy(claim.scope.key_id),
        provided: lossy(claim.signature),
        string_to_sign: claim.string_to_sign().text(&digest),
        canonical_request: canonical.text(),
    };
    let index = presented.judge(found, proof.is_some(), rules.uniform_errors, mismatch)?;
    let content = proof.as_ref().map_or(signed, |proof| proof.content(signed));
    check_strictness(request, claim, rules)?;
    if claim.scheme.form() == Form::Query {
        payload::check_presigned_length(request)?;
    }
    let chunk_signer = || {
        // chunks of SigV4A carry signatures that are not checked here
        let Some(Proof::Symmetric(key, mac)) = proof else { return None };
        let told = (!rules.uniform_errors)
            .then(|| Told { key_id: lossy(claim.scope.key_id), canonical_request: canonical.text() });
        Some(ChunkSigner::new(key, claim.date, claim.scope.text, &hex::encode(&mac), told))
    };
    let payload = Payload::of(request, claim.scheme, claim.payload, || chunk_signer().map(Chain::Checked))?;
    let known = Signer::Known { key: index, principal: found.credential.principal, content };
    Ok(authenticated(claim, known, region, payload))
}

fn authenticated<'r>(
    claim: &Claim<'r>,
    signer: Signer<'r>,
    region: &'r str,
    payload: Payload<'r>,
) -> Authenticated<'r> {
    Authenticated {
        signer,
        scheme: claim.scheme,
        signed_at: claim.signed_at,
        expires_at: claim.expires_at(),
        region,
        signed_headers: claim.signed_headers,
        payload,
        payload_line: claim.payload,
    }
}

/// The access key id of a claim that only the store could find right: SigV4, an id that somebody could have, and a
/// signature that could be one. Anything else is refused as an unknown key is.
fn key_of_the_store<'r>(claim: &Claim<'r>) -> Option<&'r str> {
    let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let could_be_right = claim.scheme.version() == Version::V4
        && claim.signature.len() == 64
        && claim.signature.iter().all(is_digit);
    keyring::foreign_id(claim.scope.key_id).filter(|_| could_be_right)
}

/// A request whose signature the store is to verify: everything else about it is checked as ever.
fn unverified<'r>(
    request: &'r RawRequest<'_>,
    claim: &Claim<'r>,
    (key_id, region): (&'r str, &'r str),
    rules: &'r SigningRules,
) -> Result<Authenticated<'r>, AuthError> {
    check_strictness(request, claim, rules)?;
    if claim.scheme.form() == Form::Query {
        payload::check_presigned_length(request)?;
    }
    let payload = Payload::of(request, claim.scheme, claim.payload, || Some(Chain::Unchecked))?;
    Ok(authenticated(claim, Signer::Unknown(key_id), region, payload))
}

/// Whether the request is a HEAD with a presigned URL.
fn is_link_for_head(request: &RawRequest<'_>, claim: &Claim<'_>) -> bool {
    request.method == Method::Head && claim.scheme.form() == Form::Query
}

/// The accepted region that the signature is for.
fn region<'r>(claim: &Claim<'r>, rules: &'r SigningRules) -> Result<&'r str, AuthError> {
    if let Some(region) = claim.scope.region {
        return Ok(region);
    }
    let set = claim.region_set.ok_or(AuthError::RegionSetMissing(claim.scheme))?;
    region_set::matching(set, &rules.regions).ok_or_else(|| AuthError::RegionSet {
        given: lossy(set),
        expected: rules.regions.first().cloned().unwrap_or_default(),
    })
}

/// A signature that is the right one.
enum Proof {
    /// The key that made it, and itself: the chunks of a body go on from there.
    Symmetric(SigningKey, [u8; 32]),
    Asymmetric,
}

impl Proof {
    /// What stands for all that the signature covers: anybody can write an ECDSA signature anew.
    const fn content(&self, digest: [u8; 32]) -> [u8; 32] {
        match self {
            Self::Symmetric(_, mac) => *mac,
            Self::Asymmetric => digest,
        }
    }
}

/// Whether this credential made the signature.
fn prove(
    claim: &Claim<'_>,
    credential: &Credential,
    region: &str,
    digest: &[u8; 32],
    cache: &KeyCache,
) -> Option<Proof> {
    if claim.scheme.version() == Version::V4a {
        let key = cache.public_key(credential.access_key_id.as_bytes(), &credential.secret);
        let is_right = claim.string_to_sign().pieces(digest, |pieces| key.verifies(pieces, claim.signature));
        return is_right.then_some(Proof::Asymmetric);
    }
    let name = KeyName {
        // an unknown id is never a name in the cache: the decoy has its own
        key_id: credential.access_key_id.as_bytes(),
        day: claim.day,
        region,
        service: SERVICE,
    };
    let key = cache.signing_key(&name, &credential.secret);
    let mac = claim.string_to_sign().pieces(digest, |pieces| key.mac(pieces));
    // takes the same time wherever the first difference is; upper-case digits never match
    ct_eq(&hex::encode(&mac), claim.signature).then_some(Proof::Symmetric(key, mac))
}

/// What S3 would serve and the gate does not. It comes last, so that everything else gets the answer of S3.
fn check_strictness(
    request: &RawRequest<'_>,
    claim: &Claim<'_>,
    rules: &SigningRules,
) -> Result<(), AuthError> {
    if let Some(name) = claim.reserved {
        return Err(AuthError::ReservedParameter { name, scheme: claim.scheme });
    }
    if let Some(name) = claim.signed_headers.missing(&request.headers) {
        return Err(AuthError::SignedHeaderMissing(name));
    }
    let max_secs = rules.max_expires.as_secs();
    if claim.lifetime.is_some_and(|secs| u64::from(secs) > max_secs) {
        return Err(AuthError::LifetimeTooLong { max_secs });
    }
    Ok(())
}
