//! The header form: splits the Authorization header and checks it in S3's order.
//! It must not take a date, hash or token from the query.

use super::claim::Claim;
use super::presigned;
use super::scope::Scope;
use super::signed_headers::SignedHeaders;
use super::{ALGORITHM, ALGORITHM_V4A, CONTENT_SHA256};
use crate::auth::SigningRules;
use crate::auth::error::{AuthError, Disabled};
use crate::auth::keyring::Keys;
use crate::auth::payload;
use crate::auth::scheme::{Scheme, lossy};
use crate::clock::UnixMillis;
use crate::clock::civil::Civil;
use crate::field::trim;
use crate::request::RawRequest;

/// The three components of an Authorization header, as sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Components<'r> {
    pub(super) credential: &'r [u8],
    pub(super) signed_headers: &'r [u8],
    pub(super) signature: &'r [u8],
}

impl<'r> Components<'r> {
    /// Splits what follows the scheme; `None` unless each component is there exactly once and nothing else is.
    pub(super) fn read(text: &'r [u8]) -> Option<Self> {
        let (mut credential, mut signed_headers, mut signature) = (None, None, None);
        for piece in text.split(|&byte| byte == b',') {
            let piece = trim(piece);
            let (name, value) = piece.split_at_checked(memchr::memchr(b'=', piece)?)?;
            let slot = match name {
                b"Credential" => &mut credential,
                b"SignedHeaders" => &mut signed_headers,
                b"Signature" => &mut signature,
                _ => return None,
            };
            if slot.replace(value.get(1..)?).is_some() {
                return None;
            }
        }
        Some(Self { credential: credential?, signed_headers: signed_headers?, signature: signature? })
    }
}

/// Splits an Authorization header at its first space.
pub(super) fn split(authorization: &[u8]) -> Option<(&[u8], &[u8])> {
    let (scheme, rest) = authorization.split_at_checked(memchr::memchr(b' ', authorization)?)?;
    Some((scheme, rest.get(1..)?))
}

/// The date of a header signature as sent: `x-amz-date` even if it cannot be read, else `Date`.
pub(super) fn date<'r>(request: &RawRequest<'r>) -> Option<&'r [u8]> {
    request.headers.first("x-amz-date").or_else(|| request.headers.first("date"))
}

/// Reads the claim of an Authorization header.
pub(in crate::auth) fn parse<'r>(
    request: &'r RawRequest<'_>,
    authorization: &'r [u8],
    keys: Keys<'_>,
    rules: &'r SigningRules,
    now: UnixMillis,
) -> Result<Claim<'r>, AuthError> {
    let (algorithm, rest) =
        split(authorization).ok_or_else(|| AuthError::AuthorizationSpace(lossy(authorization)))?;
    let scheme = scheme(algorithm, authorization, rules)?;
    let payload = request.headers.first(CONTENT_SHA256).ok_or(AuthError::MissingPayloadHash)?;
    if !payload::is_valid(payload) {
        return Err(AuthError::BadPayloadHash(lossy(payload)));
    }
    let date = date(request).ok_or(AuthError::HeaderDate)?;
    let civil = Civil::parse_basic(date).or_else(|| Civil::parse_http(date)).ok_or(AuthError::HeaderDate)?;
    let signed_at = civil.instant();
    let (skew, max_millis) = (signed_at.millis_since(now), rules.skew_millis());
    if skew.saturating_abs() > max_millis {
        return Err(AuthError::Skewed { date: lossy(date), now, max_millis });
    }
    let components = Components::read(rest).ok_or(AuthError::Components)?;
    let may_hold_slash = |id: &[u8]| rules.uniform_errors || keys.holds(id);
    let scope = Scope::parse(components.credential, scheme.version(), &rules.regions, may_hold_slash)
        .map_err(|fault| AuthError::Scope { scheme, fault })?;
    let day = super::sign::day_text(signed_at);
    if scope.day != day {
        return Err(AuthError::ScopeDate { scheme, scope: lossy(scope.day), date: lossy(&day) });
    }
    let signed_headers =
        SignedHeaders::parse(components.signed_headers).ok_or(AuthError::SignedHeaders(scheme))?;
    Ok(Claim {
        scheme,
        algorithm,
        date,
        signed_at,
        lifetime: None,
        scope,
        day,
        region_set: request.headers.first("x-amz-region-set"),
        signed_headers,
        payload,
        signature: components.signature,
        token: request.headers.first("x-amz-security-token"),
        // `X-Amz-Signature` is in no canonical query, so nothing would cover it
        reserved: request.target.query.iter().find_map(|param| presigned::reserved(param.name())),
    })
}

fn scheme(name: &[u8], authorization: &[u8], rules: &SigningRules) -> Result<Scheme, AuthError> {
    let scheme = if name.eq_ignore_ascii_case(ALGORITHM.as_bytes()) {
        Scheme::HeaderV4
    } else if !name.eq_ignore_ascii_case(ALGORITHM_V4A.as_bytes()) {
        return Err(AuthError::AuthorizationType(lossy(authorization)));
    } else if rules.sigv4a {
        Scheme::HeaderV4a
    } else {
        return Err(AuthError::Disabled(Disabled::SigV4aHeader(lossy(authorization))));
    };
    if rules.header_auth { Ok(scheme) } else { Err(AuthError::Disabled(Disabled::Header)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<(&str, &str, &str)>) {
        let expected = expected.map(|(credential, signed_headers, signature)| Components {
            credential: credential.as_bytes(),
            signed_headers: signed_headers.as_bytes(),
            signature: signature.as_bytes(),
        });
        assert_eq!(Components::read(text.as_bytes()), expected, "{text}");
    }

    #[test]
    fn each_component_stands_exactly_once() {
        check("Credential=a/b,SignedHeaders=h;x,Signature=0", Some(("a/b", "h;x", "0")));
        check("Signature=0, \tCredential=a=b ,  SignedHeaders=", Some(("a=b", "", "0")));
        for text in [
            "",
            "Credential=a,SignedHeaders=h",
            "Credential=a,SignedHeaders=h,Signature",
            "Credential=a,SignedHeaders=h,Signature=0,",
            "Credential=a,SignedHeaders=h,Signature=0,Signature=0",
            "Credential=a,SignedHeaders=h,Signature=0,Extra=1",
            "credential=a,SignedHeaders=h,Signature=0",
            "Credential =a,SignedHeaders=h,Signature=0",
            "Credential=a SignedHeaders=h Signature=0",
        ] {
            check(text, None);
        }
    }
}
