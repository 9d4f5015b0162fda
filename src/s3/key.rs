//! An object key: bytes, decoded once, that every reader of the path must take for the same object.
//! It must not normalise: a key stays what it is, and a second reading is told, not applied.

use super::error::{ErrorCode, S3Error};
use crate::reason::Reason;
use std::borrow::Cow;

/// The longest key, in bytes (S3 User Guide, "Naming Amazon S3 objects").
pub const MAX_KEY: usize = 1024;

/// A key that is not empty, at most [`MAX_KEY`] bytes of UTF-8, without dot segments that could leave the bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key<'a> {
    bytes: Cow<'a, [u8]>,
    resolved: Option<Box<[u8]>>,
}

/// Why a key is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// No byte at all.
    #[error("the key is empty")]
    Empty,
    /// More than [`MAX_KEY`] bytes.
    #[error("the key has {0} bytes, more than {MAX_KEY}")]
    TooLong(usize),
    /// Not UTF-8: S3 keys are.
    #[error("the key is not UTF-8")]
    NotUtf8,
    /// A segment is `.`, or `..` segments lead out of the bucket, to its root, stand at the end or beside empty ones.
    #[error("the key holds dot segments that could name something else than an object of the bucket")]
    DotSegments,
}

impl KeyError {
    /// The reason that stands for this error.
    #[must_use]
    pub const fn reason(self) -> Reason {
        Reason::BadTarget
    }

    /// The answer.
    #[must_use]
    pub fn s3(self) -> S3Error {
        match self {
            Self::TooLong(length) => S3Error::new(ErrorCode::KeyTooLongError)
                .extra("Size", length.to_string())
                .extra("MaxSizeAllowed", MAX_KEY.to_string()),
            Self::Empty | Self::NotUtf8 | Self::DotSegments => S3Error::new(ErrorCode::InvalidURI),
        }
    }
}

impl<'a> Key<'a> {
    /// Takes a decoded key.
    ///
    /// # Errors
    /// See [`KeyError`].
    pub fn parse(bytes: impl Into<Cow<'a, [u8]>>) -> Result<Self, KeyError> {
        let bytes = bytes.into();
        if bytes.is_empty() {
            return Err(KeyError::Empty);
        }
        if bytes.len() > MAX_KEY {
            return Err(KeyError::TooLong(bytes.len()));
        }
        if std::str::from_utf8(&bytes).is_err() {
            return Err(KeyError::NotUtf8);
        }
        let resolved = resolve(&bytes)?;
        Ok(Self { bytes, resolved })
    }

    /// The key as S3 takes it.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The key that a reader who resolves `..` segments takes it for, if that is another one. Whoever may touch the
    /// object must be allowed to touch both.
    #[must_use]
    pub fn resolved(&self) -> Option<&[u8]> {
        self.resolved.as_deref()
    }

    /// Every key that this one may be taken for, itself first.
    pub fn readings(&self) -> impl Iterator<Item = &[u8]> {
        std::iter::once(self.bytes()).chain(self.resolved())
    }

    /// The key with its own copy of the bytes.
    #[must_use]
    pub fn into_owned(self) -> Key<'static> {
        Key { bytes: Cow::Owned(self.bytes.into_owned()), resolved: self.resolved }
    }
}

/// Resolves `..` segments as RFC 3986 section 5.2.4 does; `None` if there are none.
fn resolve(key: &[u8]) -> Result<Option<Box<[u8]>>, KeyError> {
    let segments = || key.split(|&byte| byte == b'/');
    let mut parents = false;
    for segment in segments() {
        match segment {
            b"." => return Err(KeyError::DotSegments),
            b".." => parents = true,
            _ => {}
        }
    }
    if !parents {
        return Ok(None);
    }
    let mut kept: Vec<&[u8]> = Vec::new();
    let mut rest = segments().peekable();
    while let Some(segment) = rest.next() {
        let last = rest.peek().is_none();
        match segment {
            // at the end it names what others write with or without a `/`
            b".." if last => return Err(KeyError::DotSegments),
            // S3: not more `..` than other segments so far
            b".." => {
                kept.pop().ok_or(KeyError::DotSegments)?;
            }
            // one reader lets `..` take back an empty segment, another has merged it away before
            b"" if !last => return Err(KeyError::DotSegments),
            _ => kept.push(segment),
        }
    }
    let resolved = kept.join(&b'/');
    if resolved.is_empty() {
        // the bucket itself, where the same method is another operation
        return Err(KeyError::DotSegments);
    }
    Ok(Some(resolved.into_boxed_slice()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(key: &str, expected: Result<Option<&str>, KeyError>) {
        let seen = Key::parse(key.as_bytes()).map(|parsed| {
            assert_eq!(parsed.bytes(), key.as_bytes());
            parsed.resolved().map(|bytes| String::from_utf8(bytes.to_vec()).unwrap())
        });
        assert_eq!(seen, expected.map(|resolved| resolved.map(str::to_owned)), "{key}");
    }

    #[test]
    fn keys_with_one_reading() {
        for key in
            ["k", "/k", "a//b", "a/", "//", "...", "a/.b/..c/d..", "a\\..\\b", "%2e%2e/x", "a\r\nX: y", "é"]
        {
            check(key, Ok(None));
        }
        check(&"k".repeat(1024), Ok(None));
    }

    #[test]
    fn keys_with_two_readings() {
        check("a/../b", Ok(Some("b")));
        check("public/../secret", Ok(Some("secret")));
        check("a/b/../../c", Ok(Some("c")));
        check("a/b/../", Ok(Some("a/")));
        check("a/../b/../c/d", Ok(Some("c/d")));
    }

    #[test]
    fn keys_that_are_refused() {
        for key in
            [".", "..", "./k", "a/.", "a/./b", "../k", "../bkt/k", "a/../../k", "a/../..", "a/../b/../../c"]
        {
            check(key, Err(KeyError::DotSegments));
        }
        for key in ["a/..", "a/b/..", "a/../", "a//../b", "/../k", "a/..//k", "/a/../b"] {
            check(key, Err(KeyError::DotSegments));
        }
        check("", Err(KeyError::Empty));
        check(&"k".repeat(1025), Err(KeyError::TooLong(1025)));
        for bytes in [&b"\xc0\xae\xc0\xae/x"[..], b"a\xff", b"\xed\xa0\x80"] {
            assert_eq!(Key::parse(bytes), Err(KeyError::NotUtf8));
        }
    }

    #[test]
    fn answers() {
        assert_eq!(KeyError::DotSegments.s3(), S3Error::new(ErrorCode::InvalidURI));
        let long = KeyError::TooLong(1025).s3();
        assert_eq!((long.code, long.status()), (ErrorCode::KeyTooLongError, 400));
        assert_eq!(long.extras, [("Size", "1025".to_owned()), ("MaxSizeAllowed", "1024".to_owned())]);
    }

    proptest! {
        /// What a path library makes of the key is one of the two readings.
        #[test]
        fn a_resolver_finds_one_of_the_readings(key in "(a|b|\\.|\\.\\.|){1}(/(a|b|\\.|\\.\\.|)){0,6}") {
            if let Ok(parsed) = Key::parse(key.as_bytes()) {
                let mut stack: Vec<&str> = Vec::new();
                for segment in key.split('/').filter(|segment| !segment.is_empty()) {
                    if segment == ".." {
                        prop_assert!(stack.pop().is_some(), "{} leaves the bucket", key);
                    } else {
                        stack.push(segment);
                    }
                }
                prop_assert!(!stack.is_empty() || parsed.resolved().is_none(), "{} is the bucket", key);
                let merged = stack.join("/");
                let trim = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_matches('/').to_owned();
                if let Some(resolved) = parsed.resolved() {
                    prop_assert_eq!(trim(resolved), merged);
                } else {
                    prop_assert!(!key.split('/').any(|segment| segment == "." || segment == ".."));
                }
            }
        }
    }
}
