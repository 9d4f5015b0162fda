//! Signature version 2, as old SDKs still write it: off unless the configuration asks for it.
//! It must not be mistaken for SigV4: it covers neither the host nor ordinary parameters, and a URL has no date.
//!
//! Rules and order of checks: S3 User Guide, "Signing and authenticating REST requests" (AWS signature version 2), and
//! measurements of what S3 does today.

mod string_to_sign;

pub(super) use string_to_sign::hmac;

use super::error::{AuthError, Mismatch};
use super::judge::Presented;
use super::keyring::Keys;
use super::payload::{self, Payload};
use super::scheme::{Scheme, lossy};
use super::sigv4::signed_headers::SignedHeaders;
use super::sigv4::{CONTENT_SHA256, UNSIGNED_PAYLOAD};
use super::{Authenticated, Signer, SigningRules};
use crate::clock::UnixMillis;
use crate::clock::civil::Civil;
use crate::request::RawRequest;
use crate::request::query::{Param, Query};
use crate::s3::effective::is_amz;
use crate::s3::operation::table::SIGV2_PARAMS;
use crate::secret::ct_eq;
use sha2::{Digest as _, Sha256};
use string_to_sign::{SUB_RESOURCES, StringToSign};

/// The headers besides `x-amz-*` that a signature covers.
const COVERED: &str = "content-md5;content-type;date";

/// Sub-resources that select an operation and that a signature does not cover. `list-type` is none of them: what is
/// listed and what it takes are the same with it and without.
const NOT_COVERED: [&str; 2] = ["renameObject", "session"];

/// A signature and what it is said to cover.
#[derive(Debug)]
struct Claim<'r> {
    scheme: Scheme,
    key_id: &'r [u8],
    signature: &'r [u8],
    /// The line of the string to sign where the date stands: `Expires` as sent, `Date` as sent, or nothing.
    date_line: &'r [u8],
    signed_at: UnixMillis,
    expires_at: Option<UnixMillis>,
    token: Option<&'r [u8]>,
}

/// Proves a URL.
pub(super) fn query<'r>(
    request: &'r RawRequest<'_>,
    hosted_bucket: Option<&str>,
    keys: Keys<'_>,
    rules: &'r SigningRules,
    now: UnixMillis,
) -> Result<Authenticated<'r>, AuthError> {
    let query = &request.target.query;
    let (Some(key_id), Some(expires), Some(signature)) =
        (query.first(b"AWSAccessKeyId"), query.first(b"Expires"), query.first(b"Signature"))
    else {
        return Err(AuthError::V2Parameters);
    };
    let expires_at = expiry(expires).ok_or_else(|| AuthError::V2Expires(lossy(expires)))?;
    if now > expires_at {
        return Err(AuthError::Expired { lifetime: None, expires_at, now });
    }
    let claim = Claim {
        scheme: Scheme::QueryV2,
        key_id,
        signature,
        date_line: expires,
        signed_at: now,
        expires_at: Some(expires_at),
        token: request.headers.first("x-amz-security-token").or_else(|| hoisted_token(query)),
    };
    let authenticated = claim.prove(request, hosted_bucket, keys, rules, now)?;
    check_spelling(query)?;
    let max_secs = rules.max_expires.as_secs();
    let max_millis = i64::try_from(rules.max_expires.as_millis()).unwrap_or(i64::MAX);
    // when it was signed nobody knows: at the latest now
    if expires_at.millis_since(now) > max_millis {
        return Err(AuthError::LifetimeTooLong { max_secs });
    }
    Ok(authenticated)
}

/// Proves an Authorization header; `value` is what follows its scheme.
pub(super) fn header<'r>(
    request: &'r RawRequest<'_>,
    value: &'r [u8],
    hosted_bucket: Option<&str>,
    keys: Keys<'_>,
    rules: &'r SigningRules,
    now: UnixMillis,
) -> Result<Authenticated<'r>, AuthError> {
    let amz_date = request.headers.first("x-amz-date");
    let date = amz_date.or_else(|| request.headers.first("date")).ok_or(AuthError::HeaderDate)?;
    let signed_at = instant(date).ok_or(AuthError::HeaderDate)?;
    let max_millis = rules.skew_millis();
    if signed_at.millis_since(now).saturating_abs() > max_millis {
        return Err(AuthError::Skewed { date: lossy(date), now, max_millis });
    }
    let colon = value.iter().rposition(|&byte| byte == b':').filter(|at| *at > 0);
    let (key_id, signature) = colon
        .and_then(|at| Some((value.get(..at)?, value.get(at + 1..)?)))
        .filter(|(_, signature)| !signature.is_empty())
        .ok_or_else(|| AuthError::V2Authorization(lossy(value)))?;
    let claim = Claim {
        scheme: Scheme::HeaderV2,
        key_id,
        signature,
        // x-amz-date is among the headers that are signed by name
        date_line: if amz_date.is_some() { b"" } else { date },
        signed_at,
        expires_at: None,
        token: request.headers.first("x-amz-security-token"),
    };
    claim.prove(request, hosted_bucket, keys, rules, now)
}

impl<'r> Claim<'r> {
    fn prove(
        &self,
        request: &'r RawRequest<'_>,
        hosted_bucket: Option<&str>,
        keys: Keys<'_>,
        rules: &'r SigningRules,
        now: UnixMillis,
    ) -> Result<Authenticated<'r>, AuthError> {
        let found = keys.find(self.key_id)?;
        let text = StringToSign { request, date_line: self.date_line, hosted_bucket };
        let right = text.signature(&found.credential.secret);
        let presented = Presented { key_id: self.key_id, signed_at: self.signed_at, token: self.token, now };
        let mismatch = || Mismatch {
            key_id: lossy(self.key_id),
            provided: lossy(self.signature),
            string_to_sign: text.text(),
            canonical_request: Vec::new(),
        };
        let is_right = ct_eq(right.as_bytes(), self.signature);
        let key = presented.judge(found, is_right, rules.uniform_errors, mismatch)?;
        check_coverage(request)?;
        payload::check_presigned_length(request)?;
        let payload_line = request.headers.first(CONTENT_SHA256).unwrap_or(UNSIGNED_PAYLOAD.as_bytes());
        Ok(Authenticated {
            signer: Signer::Known {
                key,
                principal: found.credential.principal,
                content: Sha256::digest(text.text()).into(),
            },
            scheme: self.scheme,
            signed_at: self.signed_at,
            expires_at: self.expires_at,
            region: rules.regions.first().map_or("", String::as_str),
            signed_headers: SignedHeaders::parse(COVERED.as_bytes()).unwrap_or_default(),
            // no form of this version signs chunks: the line is a hash, whatever it says
            payload: Payload::of(request, self.scheme, payload_line, || None)?,
            payload_line,
        })
    }
}

/// Parameters that stand in for headers count in any letter case.
fn hoisted_token<'r>(query: &'r Query<'_>) -> Option<&'r [u8]> {
    query
        .iter()
        .find(|param| param.name().eq_ignore_ascii_case(b"x-amz-security-token"))
        .map(|param| param.value.decoded())
}

/// Seconds since 1970 in plain digits. S3 reads a sign too, and wraps what is too large in odd ways.
fn expiry(text: &[u8]) -> Option<UnixMillis> {
    let digits = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    let seconds: i32 = std::str::from_utf8(text).ok().filter(|_| digits)?.parse().ok()?;
    Some(UnixMillis::from_secs(seconds.into()))
}

/// A date of HTTP; old signers write the zone as `+0000`.
fn instant(date: &[u8]) -> Option<UnixMillis> {
    let parse = |text: &[u8]| Civil::parse_basic(text).or_else(|| Civil::parse_http(text));
    let civil = match date.strip_suffix(b"+0000") {
        Some(start) => parse(&[start, b"GMT"].concat()),
        None => parse(date),
    };
    civil.map(Civil::instant)
}

/// What S3 would serve and the gate does not: a parameter of the signature twice, or with its name percent-encoded.
fn check_spelling(query: &Query<'_>) -> Result<(), AuthError> {
    for name in SIGV2_PARAMS {
        let mut spelled = query.iter().filter(|param| param.name() == name.as_bytes());
        let is_plain = spelled.next().is_none_or(|param| param.name.raw() == name.as_bytes());
        if !is_plain || spelled.next().is_some() {
            return Err(AuthError::ReservedParameter { name, scheme: Scheme::QueryV2 });
        }
    }
    Ok(())
}

/// A parameter whose decoded value holds what separates lines or parameters in the string to sign: with another split
/// the same signature would fit a request that means something else.
fn blurred(param: &Param<'_>) -> Option<&'static str> {
    let value = param.value.decoded();
    if is_amz(param.name()) {
        return value.iter().any(u8::is_ascii_control).then_some("x-amz-*");
    }
    let name = SUB_RESOURCES.into_iter().find(|name| name.as_bytes() == param.name())?;
    let mut pieces = value.split(|&byte| byte == b'&').skip(1);
    let is_another = |piece: &[u8]| {
        let end = piece.iter().position(|&byte| byte == b'=').unwrap_or(piece.len());
        SUB_RESOURCES.iter().any(|name| piece.get(..end) == Some(name.as_bytes()))
    };
    pieces.any(is_another).then_some(name)
}

/// What could change the meaning of the request without changing the signature.
fn check_coverage(request: &RawRequest<'_>) -> Result<(), AuthError> {
    if let Some(name) = NOT_COVERED.into_iter().find(|name| request.target.query.has(name.as_bytes())) {
        return Err(AuthError::ParameterNotSigned(name));
    }
    if let Some(name) = request.target.query.iter().find_map(|param| blurred(&param)) {
        return Err(AuthError::ParameterNotSigned(name));
    }
    let v4 = request.target.query.iter().find_map(|param| super::sigv4::presigned::reserved(param.name()));
    match v4.filter(|name| *name != "X-Amz-Security-Token" && *name != "X-Amz-Date") {
        Some(name) => Err(AuthError::ReservedParameter { name, scheme: Scheme::QueryV2 }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
