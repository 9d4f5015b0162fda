//! The query form: reads the reserved `X-Amz-` parameters once and checks them in S3's order.
//! It must not look at the Authorization header, nor let two spellings of a parameter mean something.

use super::claim::Claim;
use super::scope::Scope;
use super::signed_headers::SignedHeaders;
use super::{ALGORITHM, ALGORITHM_V4A, CONTENT_SHA256, UNSIGNED_PAYLOAD};
use crate::auth::SigningRules;
use crate::auth::error::{AuthError, Disabled, ExpiresFault};
use crate::auth::keyring::Keys;
use crate::auth::scheme::{Scheme, lossy};
use crate::clock::UnixMillis;
use crate::clock::civil::Civil;
use crate::request::RawRequest;
use crate::request::query::Query;

/// The longest lifetime that S3 takes, in seconds.
const WEEK: u64 = 604_800;

/// The parameters that belong to the signature and not to the operation. Whoever signs a request again leaves them out.
pub const RESERVED: [&str; 8] = [
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-SignedHeaders",
    "X-Amz-Signature",
    "X-Amz-Security-Token",
    "X-Amz-Region-Set",
];

/// The reserved parameter that a decoded name spells in any letter case.
#[must_use]
pub fn reserved(name: &[u8]) -> Option<&'static str> {
    place(name).and_then(|at| RESERVED.get(at)).copied()
}

fn place(name: &[u8]) -> Option<usize> {
    // most names are settled by the prefix
    let prefix = name.get(..6)?;
    if !prefix.eq_ignore_ascii_case(b"x-amz-") {
        return None;
    }
    let place = |is_it: fn(&[u8], &[u8]) -> bool| {
        RESERVED.iter().position(|reserved| is_it(name, reserved.as_bytes()))
    };
    // nearly all are spelled as they should be
    place(|left, right| left == right).or_else(|| place(<[u8]>::eq_ignore_ascii_case))
}

/// The decoded values of the reserved parameters: the first of each in its exact spelling.
#[derive(Debug, Default)]
pub(super) struct Params<'r> {
    pub(super) algorithm: Option<&'r [u8]>,
    pub(super) credential: Option<&'r [u8]>,
    pub(super) date: Option<&'r [u8]>,
    pub(super) expires: Option<&'r [u8]>,
    pub(super) signed_headers: Option<&'r [u8]>,
    pub(super) signature: Option<&'r [u8]>,
    pub(super) token: Option<&'r [u8]>,
    pub(super) region_set: Option<&'r [u8]>,
    /// One that stands twice, in another letter case, or with its name percent-encoded.
    pub(super) irregular: Option<&'static str>,
}

impl<'r> Params<'r> {
    pub(super) fn read(query: &'r Query<'_>) -> Self {
        let mut values: [Option<&'r [u8]>; RESERVED.len()] = [None; RESERVED.len()];
        let mut irregular = None;
        for param in query.iter() {
            let Some(at) = place(param.name()) else { continue };
            let (Some(spelling), Some(value)) = (RESERVED.get(at), values.get_mut(at)) else { continue };
            if param.name() != spelling.as_bytes()
                || param.name.raw() != spelling.as_bytes()
                || value.is_some()
            {
                irregular = irregular.or(Some(*spelling));
            }
            if param.name() == spelling.as_bytes() && value.is_none() {
                *value = Some(param.value.decoded());
            }
        }
        let [algorithm, credential, date, expires, signed_headers, signature, token, region_set] = values;
        Self { algorithm, credential, date, expires, signed_headers, signature, token, region_set, irregular }
    }
}

/// Reads the claim of a presigned URL.
pub(in crate::auth) fn parse<'r>(
    request: &'r RawRequest<'_>,
    keys: Keys<'_>,
    rules: &'r SigningRules,
    now: UnixMillis,
) -> Result<Claim<'r>, AuthError> {
    let params = Params::read(&request.target.query);
    let (algorithm, scheme) = algorithm(params.algorithm, rules)?;
    let (Some(credential), Some(date), Some(expires), Some(signed_headers), Some(signature)) =
        (params.credential, params.date, params.expires, params.signed_headers, params.signature)
    else {
        return Err(AuthError::MissingParameter);
    };
    let signed_at = Civil::parse_basic(date).ok_or(AuthError::QueryDate)?.instant();
    let lifetime = lifetime(expires).map_err(AuthError::Expires)?;
    check_window(signed_at, lifetime, rules, now)?;
    let may_hold_slash = |id: &[u8]| rules.uniform_errors || keys.holds(id);
    let scope = Scope::parse(credential, scheme.version(), &rules.regions, may_hold_slash)
        .map_err(|fault| AuthError::Scope { scheme, fault })?;
    let day = date.first_chunk::<8>().filter(|day| *day == scope.day).ok_or_else(|| {
        let date = lossy(date.get(..8).unwrap_or_default());
        AuthError::ScopeDate { scheme, scope: lossy(scope.day), date }
    })?;
    let signed_headers = SignedHeaders::parse(signed_headers).ok_or(AuthError::SignedHeaders(scheme))?;
    Ok(Claim {
        scheme,
        algorithm,
        date,
        signed_at,
        lifetime: Some(lifetime),
        scope,
        day: *day,
        region_set: params.region_set.filter(|set| !set.is_empty()),
        signed_headers,
        payload: request.headers.first(CONTENT_SHA256).unwrap_or(UNSIGNED_PAYLOAD.as_bytes()),
        signature,
        token: request.headers.first("x-amz-security-token").or(params.token),
        reserved: params.irregular,
    })
}

/// The algorithm as sent and what it is.
fn algorithm<'r>(name: Option<&'r [u8]>, rules: &SigningRules) -> Result<(&'r [u8], Scheme), AuthError> {
    let name = name.ok_or(AuthError::Algorithm)?;
    if name == ALGORITHM.as_bytes() {
        return Ok((name, Scheme::QueryV4));
    }
    if name != ALGORITHM_V4A.as_bytes() {
        return Err(AuthError::Algorithm);
    }
    if rules.sigv4a { Ok((name, Scheme::QueryV4a)) } else { Err(AuthError::Disabled(Disabled::SigV4aQuery)) }
}

/// Reads a lifetime in seconds, 0 to a week. S3 reads a Java `long`; the gate takes the one spelling that survives a
/// round trip. 0 is valid for the very second of the date, as on S3.
fn lifetime(text: &[u8]) -> Result<u32, ExpiresFault> {
    let (is_negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.is_empty()
        || !digits.iter().all(u8::is_ascii_digit)
        || digits.starts_with(b"0") && digits.len() > 1
    {
        return Err(ExpiresFault::NotANumber);
    }
    let number: u64 =
        std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok()).unwrap_or(u64::MAX);
    let limit = i64::MAX.unsigned_abs() + u64::from(is_negative);
    match number {
        _ if number > limit => Err(ExpiresFault::NotANumber),
        0 if is_negative => Err(ExpiresFault::NotANumber),
        _ if is_negative => Err(ExpiresFault::Negative),
        _ if number > WEEK => Err(ExpiresFault::TooLong),
        _ => u32::try_from(number).map_err(|_| ExpiresFault::TooLong),
    }
}

/// The two ends of validity; both ends belong to it.
fn check_window(
    signed_at: UnixMillis,
    lifetime: u32,
    rules: &SigningRules,
    now: UnixMillis,
) -> Result<(), AuthError> {
    let expires_at = signed_at.plus_millis(i64::from(lifetime) * 1000);
    if signed_at.millis_since(now) > rules.skew_millis() {
        return Err(AuthError::NotYetValid { signed_at, expires_at, now });
    }
    if now > expires_at {
        return Err(AuthError::Expired { lifetime: Some(lifetime), expires_at, now });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lifetimes() {
        use ExpiresFault::{Negative, NotANumber, TooLong};
        let check = |text: &str, expected| assert_eq!(lifetime(text.as_bytes()), expected, "{text}");
        check("0", Ok(0));
        check("1", Ok(1));
        check("604800", Ok(604_800));
        check("604801", Err(TooLong));
        check("9223372036854775807", Err(TooLong));
        check("-1", Err(Negative));
        check("-9223372036854775808", Err(Negative));
        for text in [
            "",
            "-",
            "-0",
            "+1",
            "00",
            "0300",
            "-01",
            "3e2",
            "300.0",
            "0x12c",
            " 300",
            "300 ",
            "1h",
            "3_00",
            "300,300",
            "9223372036854775808",
            "-9223372036854775809",
            "99999999999999999999",
            "\u{663}\u{660}",
        ] {
            check(text, Err(NotANumber));
        }
    }

    proptest! {
        #[test]
        fn an_accepted_lifetime_survives_the_round_trip(text in "[-+0-9]{0,7}") {
            if let Ok(secs) = lifetime(text.as_bytes()) {
                prop_assert_eq!(secs.to_string(), text);
            }
        }
    }

    #[test]
    fn irregular_parameters_are_seen() {
        let check = |query: &str, irregular: Option<&str>, date: Option<&str>| {
            let query = Query::parse(query.as_bytes()).unwrap();
            let params = Params::read(&query);
            assert_eq!(params.irregular, irregular, "{query:?}");
            assert_eq!(params.date, date.map(str::as_bytes), "{query:?}");
        };
        check("a=1&X-Amz-Date=x&x-amz-meta-a=1&X-Amz-Dates=1&X-Amz-Content-Sha256=u", None, Some("x"));
        check("X-Amz-Date=x&X-Amz-Date=y", Some("X-Amz-Date"), Some("x"));
        check("x-amz-date=y&X-Amz-Date=x", Some("X-Amz-Date"), Some("x"));
        check("X-Amz-Date=x&X-AMZ-DATE=x", Some("X-Amz-Date"), Some("x"));
        check("X-Amz-%44ate=x", Some("X-Amz-Date"), Some("x"));
        check("X%2DAmz-Date=x", Some("X-Amz-Date"), Some("x"));
        check("x-amz-security-token=t", Some("X-Amz-Security-Token"), None);
    }
}
