//! The credential scope: access key id, day, region, service and terminator in one text.
//! It must not look the key up nor compare the day with a clock: a link signed yesterday is valid today.

use super::{SERVICE, TERMINATOR};
use crate::auth::scheme::{Version, lossy};
use crate::clock::civil::Civil;
use crate::reason::Reason;

/// A credential whose day, region, service and terminator are right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope<'r> {
    /// The access key id; may be any text.
    pub key_id: &'r [u8],
    /// `day/region/s3/aws4_request`, without region in SigV4A, as sent: a line of the string to sign.
    pub text: &'r [u8],
    /// The day as sent.
    pub day: &'r [u8],
    /// The region, one of those that are accepted; `None` in SigV4A, whose region set stands elsewhere.
    pub region: Option<&'r str>,
}

/// Why a credential scope is refused, in the order in which S3 finds out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScopeFault {
    /// Not five parts, or four in SigV4A.
    Parts(Version),
    /// The day is no date.
    Day(String),
    /// The region is empty.
    EmptyRegion,
    /// The region is not accepted.
    Region {
        /// The region as sent.
        given: String,
        /// The first accepted one.
        expected: String,
    },
    /// The service is not `s3`.
    Service(String),
    /// The terminator is not `aws4_request`.
    Terminator(String),
}

impl ScopeFault {
    /// The reason that stands for this fault.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        match self {
            Self::Parts(_) | Self::Day(_) => Reason::BadScope,
            Self::EmptyRegion | Self::Region { .. } => Reason::WrongRegion,
            Self::Service(_) | Self::Terminator(_) => Reason::WrongService,
        }
    }

    /// S3's words for it, without the prefix that depends on the form.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::Parts(Version::V4a) => "the Credential is mal-formed; expecting \
                                          \"<YOUR-AKID>/YYYYMMDD/SERVICE/aws4_request\"."
                .into(),
            Self::Parts(_) => "the Credential is mal-formed; expecting \
                            \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\"."
                .into(),
            Self::Day(day) => format!(
                "incorrect date format \"{day}\". This date in the credential must be in the format \"yyyyMMdd\"."
            ),
            Self::EmptyRegion => "a non-empty region must be provided in the credential.".into(),
            Self::Region { given, expected } => {
                format!("the region '{given}' is wrong; expecting '{expected}'")
            }
            Self::Service(service) => {
                format!("incorrect service \"{service}\". This endpoint belongs to \"s3\".")
            }
            Self::Terminator(terminator) => {
                format!("incorrect terminal \"{terminator}\". This endpoint uses \"aws4_request\".")
            }
        }
    }
}

/// The pieces of a credential, unchecked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pieces<'r> {
    pub(super) key_id: &'r [u8],
    /// Everything after the access key id and its `/`.
    pub(super) text: &'r [u8],
    pub(super) day: &'r [u8],
    pub(super) region: Option<&'r [u8]>,
    pub(super) service: &'r [u8],
    terminator: &'r [u8],
}

impl<'r> Pieces<'r> {
    /// Splits a credential from the right, since an access key id may hold `/`.
    pub(super) fn split(credential: &'r [u8], version: Version) -> Option<Self> {
        let names_region = version != Version::V4a;
        let mut parts = credential.rsplitn(if names_region { 5 } else { 4 }, |&byte| byte == b'/');
        let (terminator, service) = (parts.next()?, parts.next()?);
        let region = if names_region { Some(parts.next()?) } else { None };
        let day = parts.next()?;
        let key_id = parts.next()?;
        let text = credential.get(key_id.len() + 1..)?;
        Some(Self { key_id, text, day, region, service, terminator })
    }
}

impl<'r> Scope<'r> {
    /// Reads a credential. `may_hold_slash` says whether an access key id with a `/` in it is one.
    ///
    /// # Errors
    /// See [`ScopeFault`].
    pub fn parse(
        credential: &'r [u8],
        version: Version,
        regions: &'r [String],
        may_hold_slash: impl FnOnce(&[u8]) -> bool,
    ) -> Result<Self, ScopeFault> {
        let Pieces { key_id, text, day, region, service, terminator } =
            Pieces::split(credential, version).ok_or(ScopeFault::Parts(version))?;
        if key_id.contains(&b'/') && !may_hold_slash(key_id) {
            return Err(ScopeFault::Parts(version));
        }
        if !names_a_day(day) {
            return Err(ScopeFault::Day(lossy(day)));
        }
        let region = region.map(|region| accepted(region, regions)).transpose()?;
        if service != SERVICE.as_bytes() {
            return Err(ScopeFault::Service(lossy(service)));
        }
        if terminator != TERMINATOR.as_bytes() {
            return Err(ScopeFault::Terminator(lossy(terminator)));
        }
        Ok(Self { key_id, text, day, region })
    }
}

/// The accepted region that a scope names.
fn accepted<'r>(region: &[u8], regions: &'r [String]) -> Result<&'r str, ScopeFault> {
    if region.is_empty() {
        return Err(ScopeFault::EmptyRegion);
    }
    regions.iter().find(|accepted| accepted.as_bytes() == region).map(String::as_str).ok_or_else(|| {
        ScopeFault::Region { given: lossy(region), expected: regions.first().cloned().unwrap_or_default() }
    })
}

/// S3 reads four, two and any number of digits here, ignores what follows, and compares the day as text later: the
/// two faults have messages of their own.
fn names_a_day(text: &[u8]) -> bool {
    let leading = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let digits = text.get(..leading).and_then(|digits| std::str::from_utf8(digits).ok()).unwrap_or_default();
    let (Some(year), Some(month), Some(day)) = (digits.get(..4), digits.get(4..6), digits.get(6..)) else {
        return false;
    };
    let (Ok(year), Ok(month), Ok(day)) = (year.parse(), month.parse(), day.parse()) else { return false };
    Civil::new(year, month, day, 0, 0, 0).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(credential: &str, expected: Result<(&str, &str), ScopeFault>) {
        let regions = ["us-east-1".to_owned(), "eu-west-1".to_owned()];
        let slash = |id: &[u8]| id == b"A/B";
        let outcome = Scope::parse(credential.as_bytes(), Version::V4, &regions, slash).map(|scope| {
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
            (text(scope.key_id), text(scope.text), scope.region.unwrap().to_owned())
        });
        let expected = expected.map(|(id, region)| {
            (id.to_owned(), format!("20260115/{region}/s3/aws4_request"), region.to_owned())
        });
        assert_eq!(outcome, expected, "{credential}");
    }

    #[test]
    fn faults_come_in_the_order_of_s3() {
        let day = |text: &str| Err(ScopeFault::Day(text.into()));
        let region =
            |given: &str| Err(ScopeFault::Region { given: given.into(), expected: "us-east-1".into() });
        check("A/20260115/us-east-1/s3/aws4_request", Ok(("A", "us-east-1")));
        check("A/20260115/eu-west-1/s3/aws4_request", Ok(("A", "eu-west-1")));
        check("/20260115/us-east-1/s3/aws4_request", Ok(("", "us-east-1")));
        check("A/B/20260115/us-east-1/s3/aws4_request", Ok(("A/B", "us-east-1")));
        for text in ["", "A", "A/20260115/us-east-1/s3", "C/B/20260115/us-east-1/s3/aws4_request"] {
            check(text, Err(ScopeFault::Parts(Version::V4)));
        }
        for text in ["", "2026-01-15", "202601", "20260230", "202601150", "x20260115"] {
            check(&format!("A/{text}/x/x/x"), day(text));
        }
        check("A/20260115//x/x", Err(ScopeFault::EmptyRegion));
        check("A/20260115/US-EAST-1/x/x", region("US-EAST-1"));
        check("A/20260115x/us-west-2/x/x", region("us-west-2"));
        check("A/20260115/us-east-1/sts/x", Err(ScopeFault::Service("sts".into())));
        check("A/2026011/us-east-1/s3/", Err(ScopeFault::Terminator(String::new())));
    }

    #[test]
    fn a_scope_of_several_regions_names_none() {
        let parse = |text: &'static str| Scope::parse(text.as_bytes(), Version::V4a, &[], |_| false);
        let scope = parse("A/20260115/s3/aws4_request").unwrap();
        assert_eq!(
            (scope.key_id, scope.text, scope.region),
            (&b"A"[..], &b"20260115/s3/aws4_request"[..], None)
        );
        for text in ["A/20260115/us-east-1/s3/aws4_request", "20260115/s3/aws4_request", "A"] {
            assert_eq!(parse(text), Err(ScopeFault::Parts(Version::V4a)), "{text}");
        }
        assert_eq!(parse("A/2026/s3/aws4_request"), Err(ScopeFault::Day("2026".into())));
        assert_eq!(parse("A/20260115/sts/aws4_request"), Err(ScopeFault::Service("sts".into())));
    }
}
