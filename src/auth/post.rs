//! Browser uploads: who signed the policy of a form, and whether the form keeps to it.
//! It must not read the body: the fields come parsed, and the file streams elsewhere.
//!
//! Rules: S3 API reference, "Browser-based uploads using POST" and "POST policy"; measurements where those are silent.

mod document;
pub mod fields;

pub use document::PolicyFault;

use super::error::{AuthError, Mismatch};
use super::judge::Presented;
use super::keyring::Keys;
use super::payload::Payload;
use super::scheme::{Scheme, lossy};
use super::sigv4::key::{KeyCache, KeyName};
use super::sigv4::scope::Scope;
use super::sigv4::signed_headers::SignedHeaders;
use super::sigv4::{ALGORITHM, SERVICE, UNSIGNED_PAYLOAD};
use super::{Authenticated, Signer, SigningRules, hex, sigv2};
use crate::clock::UnixMillis;
use crate::clock::civil::Civil;
use crate::secret::ct_eq;
use document::Policy;
use fields::Fields;
use sha2::{Digest as _, Sha256};
use std::ops::RangeInclusive;

/// A form whose policy is signed and kept to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted<'r> {
    /// The signature.
    pub authenticated: Authenticated<'r>,
    /// The sizes that the file may have.
    pub size: RangeInclusive<u64>,
}

/// What a signature of a form claims.
struct Claim<'f, 'r> {
    scheme: Scheme,
    key_id: &'f [u8],
    signature: &'f str,
    signed_at: UnixMillis,
    /// Day and region of the key; SigV2 signs with the secret itself.
    scope: Option<([u8; 8], &'r str)>,
    token: Option<&'f str>,
}

/// Proves the signature of a form and holds the form against its policy.
///
/// # Errors
/// The first fault: fields, scope, key, signature, policy, conditions.
pub fn authenticate<'r, 'k>(
    fields: &Fields,
    keys: impl Into<Keys<'k>>,
    rules: &'r SigningRules,
    cache: &KeyCache,
    now: UnixMillis,
) -> Result<Posted<'r>, AuthError> {
    let keys = keys.into();
    fields.required("key")?;
    let claim = claim(fields, keys, rules, now)?;
    let policy_text = fields.required("policy")?;
    let found = keys.find(claim.key_id)?;
    let right = match claim.scope {
        Some((day, region)) => {
            let key_id = found.credential.access_key_id.as_bytes();
            let name = KeyName { key_id, day, region, service: SERVICE };
            let mac = cache.signing_key(&name, &found.credential.secret).mac(&[policy_text.as_bytes()]);
            hex::encode(&mac).to_vec()
        }
        None => sigv2::hmac(&found.credential.secret, policy_text.as_bytes()).into_bytes(),
    };
    let (key_id, signed_at, token) = (claim.key_id, claim.signed_at, claim.token.map(str::as_bytes));
    let presented = Presented { key_id, signed_at, token, now };
    let mismatch = || Mismatch {
        key_id: lossy(claim.key_id),
        provided: claim.signature.to_owned(),
        string_to_sign: policy_text.as_bytes().to_vec(),
        canonical_request: Vec::new(),
    };
    let is_right = ct_eq(&right, claim.signature.as_bytes());
    let key = presented.judge(found, is_right, rules.uniform_errors, mismatch)?;
    let policy = Policy::parse(policy_text).map_err(AuthError::Policy)?;
    let size = policy.check(fields, now).map_err(AuthError::Policy)?;
    Ok(Posted {
        authenticated: Authenticated {
            signer: Signer::Known {
                key,
                principal: found.credential.principal,
                content: Sha256::digest(policy_text).into(),
            },
            scheme: claim.scheme,
            signed_at: claim.signed_at,
            expires_at: Some(policy.expiration.min(end_of_life(&claim, rules))),
            region: claim
                .scope
                .map_or_else(|| rules.regions.first().map_or("", String::as_str), |(_, region)| region),
            signed_headers: SignedHeaders::default(),
            payload: Payload::Unsigned,
            payload_line: UNSIGNED_PAYLOAD.as_bytes(),
        },
        size,
    })
}

/// A form is good until its policy expires, and no longer than a link may be.
fn end_of_life(claim: &Claim<'_, '_>, rules: &SigningRules) -> UnixMillis {
    claim.signed_at.plus_millis(i64::try_from(rules.max_expires.as_millis()).unwrap_or(i64::MAX))
}

fn claim<'f, 'r>(
    fields: &'f Fields,
    keys: Keys<'_>,
    rules: &'r SigningRules,
    now: UnixMillis,
) -> Result<Claim<'f, 'r>, AuthError> {
    let any = |names: &[&str]| names.iter().any(|name| fields.get(name).is_some());
    let v4 = any(&["x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-signature"]);
    let v2 = any(&["awsaccesskeyid", "signature"]);
    match (v4, v2) {
        (true, true) => Err(AuthError::SeveralMechanisms { authorization: None }),
        (true, false) => claim_v4(fields, keys, rules, now),
        (false, true) if rules.sigv2 => Ok(Claim {
            scheme: Scheme::PostV2,
            key_id: fields.required("AWSAccessKeyId")?.as_bytes(),
            signature: fields.required("Signature")?,
            signed_at: now,
            scope: None,
            token: fields.get("x-amz-security-token"),
        }),
        (false, true) => Err(AuthError::Disabled(super::error::Disabled::SigV2)),
        (false, false) if fields.get("policy").is_some() => Err(AuthError::FormUnsigned),
        (false, false) => Err(AuthError::Anonymous),
    }
}

fn claim_v4<'f, 'r>(
    fields: &'f Fields,
    keys: Keys<'_>,
    rules: &'r SigningRules,
    now: UnixMillis,
) -> Result<Claim<'f, 'r>, AuthError> {
    fields.required("Policy")?;
    let algorithm = fields.required("X-Amz-Algorithm")?;
    let credential = fields.required("X-Amz-Credential")?;
    let date = fields.required("X-Amz-Date")?;
    let signature = fields.required("X-Amz-Signature")?;
    let argument = |name, value: &str| AuthError::FormArgument { name, value: value.to_owned() };
    if algorithm != ALGORITHM {
        return Err(argument("x-amz-algorithm", algorithm));
    }
    let may_hold_slash = |id: &[u8]| rules.uniform_errors || keys.holds(id);
    let scope = Scope::parse(credential.as_bytes(), Scheme::PostV4.version(), &rules.regions, may_hold_slash)
        .map_err(|fault| AuthError::FormScope { credential: credential.to_owned(), fault })?;
    let signed_at =
        Civil::parse_basic(date.as_bytes()).ok_or_else(|| argument("x-amz-date", date))?.instant();
    let day = date.as_bytes().first_chunk::<8>().filter(|day| *day == scope.day);
    let day = *day.ok_or_else(|| argument("x-amz-date", date))?;
    let region = scope.region.unwrap_or_default();
    let claim = Claim {
        scheme: Scheme::PostV4,
        key_id: credential.as_bytes().get(..scope.key_id.len()).unwrap_or_default(),
        signature,
        signed_at,
        scope: Some((day, rules.regions.iter().find(|known| *known == region).map_or("", String::as_str))),
        token: fields.get("x-amz-security-token"),
    };
    let end = end_of_life(&claim, rules);
    if signed_at.millis_since(now) > rules.skew_millis() {
        return Err(AuthError::NotYetValid { signed_at, expires_at: end, now });
    }
    if now > end {
        return Err(AuthError::Expired { lifetime: None, expires_at: end, now });
    }
    Ok(claim)
}

#[cfg(test)]
mod tests;
