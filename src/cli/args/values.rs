//! The values of arguments, each read by one function; the forms are those of the config file where both have them.
//! It must not fill in what is missing.

use std::time::Duration;

use ipnet::IpNet;

use crate::clock::UnixMillis;
use crate::config::scalar::{self, Malformed, time::time as parse_time};
use crate::request::host::Host;

/// A header or a query parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its value; may be empty.
    pub value: String,
}

/// An object, or a bucket if the key is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectUrl {
    /// The bucket.
    pub bucket: String,
    /// The key, not percent-encoded.
    pub key: String,
}

impl ObjectUrl {
    /// Reads `s3://BUCKET/KEY` or `s3://BUCKET`; the key is taken as it is, `?` and `%` included.
    ///
    /// # Errors
    /// Another scheme, or no bucket.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let wrong = || Malformed::new(text, "an object", "write `s3://BUCKET/KEY`");
        let rest = text.strip_prefix("s3://").ok_or_else(wrong)?;
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() {
            return Err(wrong());
        }
        Ok(Self { bucket: bucket.to_owned(), key: key.to_owned() })
    }
}

/// The scheme of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Scheme {
    /// `https`
    Https,
    /// `http`
    Http,
}

impl Scheme {
    /// The scheme as a URL begins with it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Http => "http",
        }
    }
}

/// The least and the most bytes of an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteRange {
    /// The least, in bytes.
    pub min: u64,
    /// The most, in bytes; not below the least.
    pub max: u64,
}

impl ByteRange {
    /// Reads `MIN,MAX`, both sizes.
    ///
    /// # Errors
    /// Not two sizes, or the first above the second.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let wrong = || Malformed::new(text, "a range of sizes", "write `MIN,MAX`, as `1,5MiB`");
        let (min, max) = text.split_once(',').ok_or_else(wrong)?;
        let (min, max) = (scalar::size(min)?, scalar::size(max)?);
        if min > max { Err(wrong()) } else { Ok(Self { min, max }) }
    }
}

pub(super) fn expires(text: &str) -> Result<Duration, Malformed> {
    let value = scalar::duration(text)?;
    // the bounds of X-Amz-Expires; it counts whole seconds
    let whole = value.subsec_millis() == 0;
    if whole && (1..=604_800).contains(&value.as_secs()) {
        return Ok(value);
    }
    Err(Malformed::new(text, "a validity", "write whole seconds from `1s` to `7d`"))
}

/// A size of at least one byte, below 2^53.
pub(super) fn bytes(text: &str) -> Result<u64, Malformed> {
    let value = scalar::size(text)?;
    if (1..1 << 53).contains(&value) {
        return Ok(value);
    }
    Err(Malformed::new(text, "a number of bytes", "write 1 or more"))
}

pub(super) fn time(text: &str) -> Result<UnixMillis, Malformed> {
    parse_time(text)
}

pub(super) fn cidr(text: &str) -> Result<IpNet, Malformed> {
    scalar::cidr(text)
}

pub(super) fn vpc(text: &str) -> Result<String, Malformed> {
    scalar::identifier(text, "vpc-", "a VPC id")
}

pub(super) fn vpce(text: &str) -> Result<String, Malformed> {
    scalar::identifier(text, "vpce-", "a VPC endpoint id")
}

pub(super) fn host(text: &str) -> Result<String, Malformed> {
    match Host::parse(text.as_bytes()) {
        Some(_) => Ok(text.to_owned()),
        None => Err(Malformed::new(text, "a host", "write a name or an address, with `:PORT` if it has one")),
    }
}

/// A method is a token (RFC 9110 section 9.1) and case-sensitive; S3's are upper case.
pub(super) fn method(text: &str) -> Result<String, Malformed> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Ok(text.to_owned());
    }
    Err(Malformed::new(text, "a method", "write it in upper case, as `GET`"))
}

/// `NAME: VALUE`; white space around the value is not part of it (RFC 9112 section 5).
pub(super) fn header(text: &str) -> Result<Field, Malformed> {
    let wrong = || Malformed::new(text, "a header", "write `NAME: VALUE`");
    let (name, value) = text.split_once(':').ok_or_else(wrong)?;
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let clean = !value.contains(['\r', '\n', '\0']);
    if name.is_empty() || !name.bytes().all(token) || !clean {
        return Err(wrong());
    }
    Ok(Field { name: name.to_owned(), value: value.trim_matches([' ', '\t']).to_owned() })
}

/// `NAME=VALUE`, not percent-encoded; without `=` the value is empty, as in `acl`.
pub(super) fn parameter(text: &str) -> Result<Field, Malformed> {
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    if name.is_empty() {
        return Err(Malformed::new(text, "a query parameter", "write `NAME=VALUE`"));
    }
    Ok(Field { name: name.to_owned(), value: value.to_owned() })
}
