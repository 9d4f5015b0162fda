//! Host and path to bucket and key: path-style and virtual-hosted addresses of S3.
//! It must not normalise a path, nor accept a host name that is not configured.

use super::bucket::{BadBucketName, BucketName};
use super::error::{ErrorCode, S3Error};
use super::key::{Key, KeyError};
use crate::reason::Reason;
use crate::request::RawRequest;
use crate::request::host::Host;
use std::net::IpAddr;

/// The only path of an S3 Object Lambda endpoint.
const OBJECT_LAMBDA_PATH: &[u8] = b"/WriteGetObjectResponse";

/// How the bucket is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// As the first segment of the path.
    Path,
    /// As the first labels of the host name.
    VirtualHosted,
}

/// What an address names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// No bucket.
    Service,
    /// A bucket without a key.
    Bucket,
    /// A key in a bucket.
    Object,
}

impl Scope {
    /// The name in error answers.
    #[must_use]
    pub const fn resource_type(self) -> &'static str {
        match self {
            Self::Service => "SERVICE",
            Self::Bucket => "BUCKET",
            Self::Object => "OBJECT",
        }
    }
}

/// Which kind of endpoint a host name belongs to; it is seen from the first label of the configured name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// General S3.
    S3,
    /// `s3express-control…`: the list of directory buckets.
    DirectoryControl,
    /// `s3-object-lambda…`: answers of Object Lambda functions.
    ObjectLambda,
}

/// Bucket and key of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address<'r> {
    bucket: Option<BucketName>,
    key: Option<Key<'r>>,
    style: Style,
    endpoint: Endpoint,
}

impl<'r> Address<'r> {
    /// The bucket; `None` for the service itself.
    #[must_use]
    pub const fn bucket(&self) -> Option<&BucketName> {
        self.bucket.as_ref()
    }

    /// The key; `None` for the service or a bucket itself.
    #[must_use]
    pub const fn key(&self) -> Option<&Key<'r>> {
        self.key.as_ref()
    }

    /// The bucket, if the host names it.
    #[must_use]
    pub fn hosted_bucket(&self) -> Option<&str> {
        self.bucket.as_ref().filter(|_| self.style == Style::VirtualHosted).map(BucketName::as_str)
    }

    /// Where the bucket was named; path-style if there is none.
    #[must_use]
    pub const fn style(&self) -> Style {
        self.style
    }

    /// The kind of endpoint that the host names.
    #[must_use]
    pub const fn endpoint(&self) -> Endpoint {
        self.endpoint
    }

    /// What the address names.
    #[must_use]
    pub const fn scope(&self) -> Scope {
        match (&self.bucket, &self.key) {
            (Some(_), Some(_)) => Scope::Object,
            (Some(_), None) => Scope::Bucket,
            (None, _) => Scope::Service,
        }
    }
}

/// Why a request has no address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// The host is none that is configured.
    #[error("the host `{0}` is not configured; add it to `hosts`")]
    UnknownHost(String),
    /// See [`BadBucketName`].
    #[error(transparent)]
    Bucket(#[from] BadBucketName),
    /// See [`KeyError`].
    #[error(transparent)]
    Key(#[from] KeyError),
    /// An S3 Object Lambda endpoint has one path only.
    #[error("the path is not `/WriteGetObjectResponse`, the only one of this endpoint")]
    ObjectLambdaPath,
}

impl AddressError {
    /// The reason that stands for this error.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        match self {
            Self::UnknownHost(_) => Reason::UnknownHost,
            Self::Bucket(error) => error.reason(),
            Self::Key(error) => error.reason(),
            Self::ObjectLambdaPath => Reason::BadTarget,
        }
    }

    /// The answer.
    #[must_use]
    pub fn s3(&self) -> S3Error {
        match self {
            Self::UnknownHost(_) => S3Error::with_message(
                ErrorCode::InvalidRequest,
                "The Host header names no endpoint that is served.",
            ),
            Self::Bucket(error) => error.s3(),
            Self::Key(error) => error.s3(),
            Self::ObjectLambdaPath => S3Error::new(ErrorCode::InvalidURI),
        }
    }
}

/// The host names that clients sign for.
#[derive(Clone, Debug, Default)]
pub struct HostRules {
    /// Longest first: of `s3.test` and `eu.s3.test` the second is meant by `bkt.eu.s3.test`.
    names: Vec<(String, Endpoint)>,
    addresses: Vec<IpAddr>,
    any: bool,
}

/// A configured host that is neither a name nor an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a host name or an IP address; write it without scheme, port and trailing dot")]
pub struct BadHostName(pub String);

impl HostRules {
    /// Takes the configured names and addresses, without ports. Without any, every request is refused.
    ///
    /// # Errors
    /// [`BadHostName`] for one that can stand in no Host header.
    pub fn new(hosts: impl IntoIterator<Item = String>) -> Result<Self, BadHostName> {
        let mut rules = Self::default();
        for host in hosts {
            if let Some(address) = ip_literal(&host) {
                rules.addresses.push(address);
                continue;
            }
            let valid = Host::parse(host.as_bytes()).is_some_and(|parsed| parsed.raw() == parsed.name());
            if !valid {
                return Err(BadHostName(host));
            }
            let name = host.to_ascii_lowercase();
            let endpoint = match name.split('.').next() {
                Some("s3express-control") => Endpoint::DirectoryControl,
                Some("s3-object-lambda") => Endpoint::ObjectLambda,
                _ => Endpoint::S3,
            };
            rules.names.push((name, endpoint));
        }
        rules
            .names
            .sort_by(|(left, _), (right, _)| right.len().cmp(&left.len()).then_with(|| left.cmp(right)));
        rules.names.dedup();
        Ok(rules)
    }

    /// Takes every host, and the bucket from the path. Not for stores that check the client's own signature: they
    /// could read a bucket out of the same Host.
    #[must_use]
    pub fn any_path_style() -> Self {
        Self { any: true, ..Self::default() }
    }

    /// The configured names, the longest first; none if every host is taken.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|(name, _)| name.as_str())
    }

    /// The address of a request.
    ///
    /// # Errors
    /// See [`AddressError`].
    pub fn address<'r>(&self, request: &'r RawRequest<'_>) -> Result<Address<'r>, AddressError> {
        let host = request.host.name();
        let path = request.target.path.decoded();
        let (virtual_bucket, endpoint) =
            self.locate(host).ok_or_else(|| AddressError::UnknownHost(host.to_owned()))?;
        if endpoint == Endpoint::ObjectLambda {
            if path != OBJECT_LAMBDA_PATH {
                return Err(AddressError::ObjectLambdaPath);
            }
            return Ok(Address { bucket: None, key: None, style: Style::Path, endpoint });
        }
        // INVARIANT: a target path begins with `/`
        let rest = path.get(1..).unwrap_or_default();
        let (bucket, key, style) = match virtual_bucket {
            Some(label) => (Some(BucketName::parse_label(label.as_bytes())?), rest, Style::VirtualHosted),
            None if rest.is_empty() => (None, rest, Style::Path),
            None => {
                let end = memchr::memchr(b'/', rest).unwrap_or(rest.len());
                let bucket = BucketName::parse(rest.get(..end).unwrap_or_default())?;
                (Some(bucket), rest.get(end + 1..).unwrap_or_default(), Style::Path)
            }
        };
        let key = if key.is_empty() { None } else { Some(Key::parse(key)?) };
        Ok(Address { bucket, key, style, endpoint })
    }

    /// Finds a host: what precedes the configured name, if anything, and the kind of endpoint.
    fn locate<'h>(&self, host: &'h str) -> Option<(Option<&'h str>, Endpoint)> {
        if self.any {
            return Some((None, Endpoint::S3));
        }
        if let Some(exact) = self.names.iter().find(|(name, _)| name.eq_ignore_ascii_case(host)) {
            return Some((None, exact.1));
        }
        if !self.addresses.is_empty() && ip_literal(host).is_some_and(|ip| self.addresses.contains(&ip)) {
            return Some((None, Endpoint::S3));
        }
        self.names.iter().filter(|(_, endpoint)| *endpoint == Endpoint::S3).find_map(|(name, endpoint)| {
            let at = host.len().checked_sub(name.len())?;
            let (before, suffix) = host.split_at_checked(at)?;
            let label = before.strip_suffix('.')?;
            suffix.eq_ignore_ascii_case(name).then_some((Some(label), *endpoint))
        })
    }
}

/// An address literal as a Host header writes it; IPv6 with or without brackets, for config files.
fn ip_literal(host: &str) -> Option<IpAddr> {
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    match bare {
        Some(v6) => v6.parse().ok().map(IpAddr::V6),
        None => host.parse().ok(),
    }
}

#[cfg(test)]
mod tests;
