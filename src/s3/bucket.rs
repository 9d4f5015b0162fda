//! A bucket name that is valid, kept inline so that passing it on costs no allocation.
//! It must not know whether a bucket exists or is configured.

use super::error::{ErrorCode, S3Error};
use crate::reason::Reason;

const MIN: usize = 3;
const MAX: usize = 63;

/// Endings that S3 reserves for aliases and other kinds of bucket. Behind an alias stands a resource with another
/// ARN, so policies about the real one would not match.
const RESERVED_ENDINGS: &[&[u8]] = &[b"-s3alias", b"--ol-s3", b".mrap", b"--x-s3", b"--table-s3"];

/// The name of a general purpose bucket (S3 User Guide, "General purpose bucket naming rules").
///
/// INVARIANT: 3 to 63 bytes out of `a-z0-9.-`, the rest of the array is zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BucketName {
    text: [u8; MAX],
    length: u8,
}

/// Not a bucket name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a valid bucket name")]
pub struct BadBucketName(pub String);

impl BadBucketName {
    fn new(name: &[u8]) -> Self {
        let shown = name.get(..MAX + 1).unwrap_or(name);
        Self(String::from_utf8_lossy(shown).into_owned())
    }

    /// The reason that stands for this error.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        Reason::BadBucketName
    }

    /// The answer.
    #[must_use]
    pub fn s3(&self) -> S3Error {
        S3Error::new(ErrorCode::InvalidBucketName).extra("BucketName", self.0.as_str())
    }
}

impl BucketName {
    /// Reads a name as it stands in a path or a config file: lower case only.
    ///
    /// # Errors
    /// [`BadBucketName`] if the name breaks a rule of S3.
    pub fn parse(name: &[u8]) -> Result<Self, BadBucketName> {
        let bad = || BadBucketName::new(name);
        let edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
        let fits = (MIN..=MAX).contains(&name.len())
            && name.iter().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-'))
            && edge(name.first())
            && edge(name.last())
            && !name.windows(2).any(|pair| pair == b"..")
            && !looks_like_ipv4(name)
            && !RESERVED_ENDINGS.iter().any(|ending| name.ends_with(ending));
        if !fits {
            return Err(bad());
        }
        let mut text = [0; MAX];
        text.get_mut(..name.len()).ok_or_else(bad)?.copy_from_slice(name);
        Ok(Self { text, length: u8::try_from(name.len()).map_err(|_| bad())? })
    }

    /// Reads a name as it stands in a host name, where letter case does not matter.
    ///
    /// # Errors
    /// As [`BucketName::parse`].
    pub fn parse_label(label: &[u8]) -> Result<Self, BadBucketName> {
        let mut lower = [0; MAX];
        let Some(lower) = lower.get_mut(..label.len()) else { return Err(BadBucketName::new(label)) };
        lower.copy_from_slice(label);
        lower.make_ascii_lowercase();
        Self::parse(lower)
    }

    /// The name.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.text.get(..usize::from(self.length)).unwrap_or_default()
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }
}

fn looks_like_ipv4(name: &[u8]) -> bool {
    let mut labels = name.split(|&byte| byte == b'.');
    labels.clone().count() == 4 && labels.all(|label| label.iter().all(u8::is_ascii_digit))
}

impl std::fmt::Display for BucketName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::fmt::Debug for BucketName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_valid() {
        for name in
            ["bkt", "a-b", "a.b", "0ab", "my-bucket.2026", "1.2.3", "1.2.3.x", "a.-b", &"a".repeat(63)]
        {
            assert_eq!(BucketName::parse(name.as_bytes()).unwrap().as_str(), name);
        }
    }

    #[test]
    fn names_that_are_not() {
        for name in [
            "",
            "b",
            "ab",
            &"a".repeat(64),
            "Abc",
            "a_b",
            "-ab",
            "ab-",
            ".ab",
            "ab.",
            "a..b",
            "192.168.5.4",
            "999.1.1.1",
            "evil.example#",
            "a@evil.example",
            "abc:80",
            "a/b",
            "ab%23",
            "a b",
            "ab\n",
            "b\u{e9}t",
            "arn:aws:s3:::bkt",
            "point-abc123-s3alias",
            "lambda-abc--ol-s3",
            "m1abc.mrap",
            "bkt--usw2-az1--x-s3",
            "t--table-s3",
        ] {
            assert_eq!(BucketName::parse(name.as_bytes()), Err(BadBucketName(name.to_owned())), "{name}");
        }
    }

    #[test]
    fn case_is_folded_in_host_names_only() {
        assert_eq!(BucketName::parse_label(b"BKT").unwrap().as_str(), "bkt");
        assert!(BucketName::parse(b"BKT").is_err());
        assert!(BucketName::parse_label("a".repeat(64).as_bytes()).is_err());
    }

    #[test]
    fn the_answer_names_the_bucket() {
        let error = BucketName::parse(b"B").unwrap_err();
        assert_eq!(error.s3(), S3Error::new(ErrorCode::InvalidBucketName).extra("BucketName", "B"));
        assert_eq!(error.reason(), Reason::BadBucketName);
    }
}
