//! The source of a copy, read strictly from `x-amz-copy-source`.
//! It must not accept a spelling that two upstreams could read as two objects.

use super::bucket::BucketName;
use super::key::{Key, KeyError};
use crate::request::percent::{self, Part};
use smallvec::SmallVec;

/// The object that a copy reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopySource {
    /// Its bucket.
    pub bucket: BucketName,
    /// Its key.
    pub key: Key<'static>,
    /// Its version, if one is named.
    pub version: Option<String>,
    /// Whether a `+` was read as a space, as S3 does: other stores take it for a plus, so that they must not see it.
    pub has_plus: bool,
}

/// Why a copy source is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CopySourceError {
    /// Not `bucket/key`, percent-encoded: another form (access point ARNs are such), a raw byte that must be escaped,
    /// or a broken escape.
    #[error("the copy source is not `bucket/key` in percent-encoding")]
    Form,
    /// What precedes the first `/` is no bucket name.
    #[error("the bucket of the copy source is not a valid one")]
    Bucket,
    /// The key is refused.
    #[error("the key of the copy source is refused: {0}")]
    Key(#[from] KeyError),
    /// What follows `?` is not `versionId=` and an id.
    #[error("the version of the copy source is malformed")]
    Version,
}

impl CopySource {
    /// The value of the header that names the same object in a bucket of this name, behind a prefix of unreserved characters and `/`.
    #[must_use]
    pub fn in_bucket(&self, bucket: &str, prefix: &str) -> String {
        let mut value = format!("{bucket}/{prefix}").into_bytes();
        percent::encode_into(self.key.bytes(), Part::Path, &mut value);
        if let Some(version) = &self.version {
            value.extend_from_slice(b"?versionId=");
            percent::encode_into(version.as_bytes(), Part::Query, &mut value);
        }
        String::from_utf8_lossy(&value).into_owned()
    }

    /// Reads the value of the header: a leading `/` is optional, `?versionId=` is split off before the rest is decoded
    /// once (S3 API reference, CopyObject).
    ///
    /// # Errors
    /// See [`CopySourceError`].
    pub fn parse(value: &[u8]) -> Result<Self, CopySourceError> {
        let (path, version) = match memchr::memchr(b'?', value) {
            None => (value, None),
            Some(at) => {
                let (path, tail) = value.split_at_checked(at).ok_or(CopySourceError::Version)?;
                (path, Some(version(tail)?))
            }
        };
        // `#` ends the path for those who take the value for a URL
        if memchr::memchr(b'#', path).is_some() || percent::classify(path, Part::Path).is_err() {
            return Err(CopySourceError::Form);
        }
        let has_plus = memchr::memchr(b'+', path).is_some();
        let mut decoded = SmallVec::<[u8; 256]>::new();
        // S3 decodes it as a form, where `+` is a space
        percent::decode_into(path, Part::Query, &mut decoded);
        let path = decoded.strip_prefix(b"/").unwrap_or(&decoded);
        let slash = memchr::memchr(b'/', path).ok_or(CopySourceError::Form)?;
        let (bucket, key) = path.split_at_checked(slash).ok_or(CopySourceError::Form)?;
        let bucket = BucketName::parse(bucket).map_err(|_| CopySourceError::Bucket)?;
        let key = Key::parse(key.get(1..).unwrap_or_default())?.into_owned();
        Ok(Self { bucket, key, version, has_plus })
    }
}

fn version(tail: &[u8]) -> Result<String, CopySourceError> {
    let id = tail.strip_prefix(b"?versionId=").ok_or(CopySourceError::Version)?;
    let plain = |byte: &u8| percent::is_unreserved(*byte);
    if id.is_empty() || !id.iter().all(plain) {
        return Err(CopySourceError::Version);
    }
    Ok(String::from_utf8_lossy(id).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &str, expected: Result<(&str, &str, Option<&str>), CopySourceError>) {
        let seen = CopySource::parse(value.as_bytes()).map(|source| {
            let key = String::from_utf8(source.key.bytes().to_vec()).unwrap();
            (source.bucket.as_str().to_owned(), key, source.version)
        });
        let expected = expected
            .map(|(bucket, key, version)| (bucket.to_owned(), key.to_owned(), version.map(str::to_owned)));
        assert_eq!(seen, expected, "{value}");
    }

    #[test]
    fn sources_that_are_read() {
        check("src/key", Ok(("src", "key", None)));
        check("/src/key", Ok(("src", "key", None)));
        check("src%2Fa%2Fb", Ok(("src", "a/b", None)));
        check("%2Fsrc/a", Ok(("src", "a", None)));
        check("src//a", Ok(("src", "/a", None)));
        check("src/a%20b%2Bc%3Fd%23", Ok(("src", "a b+c?d#", None)));
        check("src/a+b%2B", Ok(("src", "a b+", None)));
        check("src/a%252Fb", Ok(("src", "a%2Fb", None)));
        check("src/(a)!,=&", Ok(("src", "(a)!,=&", None)));
        check("src/k?versionId=3.a_B-~", Ok(("src", "k", Some("3.a_B-~"))));
        check("src/k%3FversionId=3", Ok(("src", "k?versionId=3", None)));
        check("src/k?versionId=null", Ok(("src", "k", Some("null"))));
    }

    #[test]
    fn one_object_has_one_key_and_one_value() {
        let read = |value: &str| CopySource::parse(value.as_bytes()).unwrap();
        for (value, has_plus) in [("src/a%20b%2B", false), ("/src/%61+b%2b", true), ("src%2Fa%20b%2B", false)]
        {
            let source = read(value);
            assert_eq!(source.key.bytes(), b"a b+", "{value}");
            assert_eq!((source.in_bucket("src", "").as_str(), source.has_plus), ("src/a%20b%2B", has_plus));
        }
    }

    #[test]
    fn sources_that_are_refused() {
        for value in ["", "/", "src", "/src", "src/a#b", "src/a b", "src/%zz", "src/%00", "src/\u{e9}"] {
            check(value, Err(CopySourceError::Form));
        }
        for value in [
            "//src/k",
            "https://src/k",
            "S/k",
            "arn:aws:s3:us-east-1:111122223333:accesspoint/p/object/k",
            "alias-s3alias/k",
            "src%3F/k",
        ] {
            check(value, Err(CopySourceError::Bucket));
        }
        check("src/", Err(CopySourceError::Key(KeyError::Empty)));
        for key in ["..", "../other/k", "a/%2e%2e/../k", "./k"] {
            check(&format!("src/{key}"), Err(CopySourceError::Key(KeyError::DotSegments)));
        }
        for tail in
            ["?", "?versionid=1", "?versionId", "?versionId=", "?versionId=1&versionId=2", "?x&versionId=1"]
        {
            check(&format!("src/k{tail}"), Err(CopySourceError::Version));
        }
        check("src/k?versionId=1%26", Err(CopySourceError::Version));
        check("src/k?versionId=1?versionId=2", Err(CopySourceError::Version));
    }
}
