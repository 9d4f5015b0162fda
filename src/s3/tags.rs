//! Tags of objects and buckets, as a header carries them.
//! It must not judge names and values: S3 does.

use super::error::{ErrorCode, S3Error};
use crate::reason::Reason;
use crate::request::percent::{self, Part};

/// A tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// Its name; S3 keeps letter case apart.
    pub name: String,
    /// Its value, perhaps empty.
    pub value: String,
}

/// The value of `x-amz-tagging` cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TagsError {
    /// Not `name=value&name=value` in percent-encoding of UTF-8.
    #[error("`x-amz-tagging` is not a list of `name=value` in percent-encoding")]
    Form,
    /// A name that stands twice.
    #[error("`x-amz-tagging` gives a tag twice")]
    Repeated,
}

impl TagsError {
    /// The reason that stands for this error.
    #[must_use]
    pub const fn reason(self) -> Reason {
        Reason::BadParameter
    }

    /// The answer.
    #[must_use]
    pub fn s3(self) -> S3Error {
        S3Error::with_message(
            ErrorCode::InvalidArgument,
            "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag \
             name duplicates.",
        )
        .extra("ArgumentName", "x-amz-tagging")
    }
}

/// Writes tags as the value of `x-amz-tagging`.
#[must_use]
pub fn write_header(tags: &[Tag]) -> String {
    let mut value = Vec::new();
    for (at, tag) in tags.iter().enumerate() {
        if at > 0 {
            value.push(b'&');
        }
        percent::encode_into(tag.name.as_bytes(), Part::Query, &mut value);
        value.push(b'=');
        percent::encode_into(tag.value.as_bytes(), Part::Query, &mut value);
    }
    // what is percent-encoded is ASCII
    String::from_utf8(value).unwrap_or_default()
}

/// Reads the value of `x-amz-tagging` (S3 API reference, `PutObject`): the query part of a URL, `+` being a space.
///
/// # Errors
/// See [`TagsError`].
pub fn parse_header(value: &[u8]) -> Result<Vec<Tag>, TagsError> {
    let mut tags: Vec<Tag> = Vec::new();
    if value.is_empty() {
        return Ok(tags);
    }
    for pair in value.split(|byte| *byte == b'&') {
        let mut halves = pair.splitn(2, |byte| *byte == b'=');
        let name = decode(halves.next().unwrap_or_default())?;
        let value = decode(halves.next().unwrap_or_default())?;
        if name.is_empty() {
            return Err(TagsError::Form);
        }
        if tags.iter().any(|tag| tag.name == name) {
            return Err(TagsError::Repeated);
        }
        tags.push(Tag { name, value });
    }
    Ok(tags)
}

fn decode(text: &[u8]) -> Result<String, TagsError> {
    // a second `=` ends the value for some readers
    if text.contains(&b'=') || percent::classify(text, Part::Query).is_err() {
        return Err(TagsError::Form);
    }
    let mut decoded = Vec::with_capacity(text.len());
    percent::decode_into(text, Part::Query, &mut decoded);
    String::from_utf8(decoded).map_err(|_| TagsError::Form)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_with_tags() {
        let tag = |name: &str, value: &str| Tag { name: name.into(), value: value.into() };
        for (value, expected) in [
            ("", Ok(vec![])),
            ("a=b", Ok(vec![tag("a", "b")])),
            ("a=b&A=b", Ok(vec![tag("a", "b"), tag("A", "b")])),
            ("a=&b", Ok(vec![tag("a", ""), tag("b", "")])),
            ("cost%20center=x%26y%3Dz", Ok(vec![tag("cost center", "x&y=z")])),
            ("a=b+c%2B", Ok(vec![tag("a", "b c+")])),
            ("k%C3%A4=%E2%82%AC", Ok(vec![tag("kä", "€")])),
            ("a=b&a=c", Err(TagsError::Repeated)),
            ("a=b&%61=c", Err(TagsError::Repeated)),
            ("a=b=c", Err(TagsError::Form)),
            ("=b", Err(TagsError::Form)),
            ("a=b&", Err(TagsError::Form)),
            ("a=%zz", Err(TagsError::Form)),
            ("a=%ff", Err(TagsError::Form)),
            ("a=b c", Err(TagsError::Form)),
            ("a=%00", Err(TagsError::Form)),
        ] {
            assert_eq!(parse_header(value.as_bytes()), expected, "{value}");
            if let Ok(tags) = expected {
                assert_eq!(parse_header(write_header(&tags).as_bytes()), Ok(tags), "{value}");
            }
        }
    }
}
