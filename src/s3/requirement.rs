//! What must be allowed for a request: actions on resources.
//! It must not say whether they are: that is the policies' business.

use super::action::Action;
use super::bucket::BucketName;
use crate::request::percent::Sink;
use std::borrow::Cow;

/// One action that must be allowed on one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement<'a> {
    /// The action.
    pub action: Action,
    /// What it is done to.
    pub resource: Resource<'a>,
    /// Whether it must be allowed, or must only not be denied.
    pub kind: Kind,
}

impl Requirement<'_> {
    /// The same, free of what it was read from.
    #[must_use]
    pub fn into_owned<'o>(self) -> Requirement<'o> {
        let resource = match self.resource {
            Resource::Service => Resource::Service,
            Resource::Bucket(bucket) => Resource::Bucket(bucket),
            Resource::Object { bucket, key } => {
                Resource::Object { bucket, key: Cow::Owned(key.into_owned()) }
            }
            Resource::BodyObjects => Resource::BodyObjects,
            Resource::FormObject => Resource::FormObject,
        };
        Requirement { action: self.action, resource, kind: self.kind }
    }
}

/// Whether an action is needed for certain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It must be allowed.
    Always,
    /// Needed only if the source of the copy carries tags. S3 enforces that itself with the credentials of the
    /// upstream; a proxy cannot see it, so here only an explicit Deny counts.
    IfSourceHasTags,
    /// Needed only if the source of the copy carries annotations; as above.
    IfSourceHasAnnotations,
}

/// What an action is done to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resource<'a> {
    /// Everything of the account: `arn:aws:s3:::*`.
    Service,
    /// A bucket.
    Bucket(BucketName),
    /// An object.
    Object {
        /// Its bucket.
        bucket: BucketName,
        /// Its key, exact bytes.
        key: Cow<'a, [u8]>,
    },
    /// Every object that the body of `DeleteObjects` names. A marker: it matches no policy; the body must be read and
    /// the requirements of its keys be asked for instead.
    BodyObjects,
    /// The object that the form of `PostObject` names. A marker, as above.
    FormObject,
}

const PREFIX: &str = "arn:aws:s3:::";

impl Resource<'_> {
    /// Appends the exact ARN that policies match against. Markers have none: nothing is appended.
    pub fn write_arn(&self, out: &mut impl Sink) {
        match self {
            Self::Service => out.put(b"arn:aws:s3:::*"),
            Self::Bucket(bucket) => {
                out.put(PREFIX.as_bytes());
                out.put(bucket.as_bytes());
            }
            Self::Object { bucket, key } => {
                out.put(PREFIX.as_bytes());
                out.put(bucket.as_bytes());
                out.put(b"/");
                out.put(key);
            }
            Self::BodyObjects | Self::FormObject => {}
        }
    }

    /// The bucket, if the resource is one or lies in one.
    #[must_use]
    pub const fn bucket(&self) -> Option<&BucketName> {
        match self {
            Self::Bucket(bucket) | Self::Object { bucket, .. } => Some(bucket),
            Self::Service | Self::BodyObjects | Self::FormObject => None,
        }
    }

    /// Whether it stands for objects that only the body names.
    #[must_use]
    pub const fn is_marker(&self) -> bool {
        matches!(self, Self::BodyObjects | Self::FormObject)
    }
}

/// The ARN for people and logs: what is not text, and every control character, is replaced by U+FFFD.
impl std::fmt::Display for Resource<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        use std::fmt::Write as _;
        match self {
            Self::Service => f.write_str("arn:aws:s3:::*"),
            Self::Bucket(bucket) => write!(f, "{PREFIX}{bucket}"),
            Self::Object { bucket, key } => {
                write!(f, "{PREFIX}{bucket}/")?;
                String::from_utf8_lossy(key)
                    .chars()
                    .try_for_each(|c| f.write_char(if c.is_control() { '\u{fffd}' } else { c }))
            }
            Self::BodyObjects => f.write_str("the objects that the body names"),
            Self::FormObject => f.write_str("the object that the form names"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_are_exact_and_shown_safely() {
        let bucket = BucketName::parse(b"bkt").unwrap();
        let object = |key: &'static [u8]| Resource::Object { bucket, key: Cow::Borrowed(key) };
        for (resource, shown, exact) in [
            (Resource::Service, "arn:aws:s3:::*", &b"arn:aws:s3:::*"[..]),
            (Resource::Bucket(bucket), "arn:aws:s3:::bkt", b"arn:aws:s3:::bkt"),
            (object(b"a/b"), "arn:aws:s3:::bkt/a/b", b"arn:aws:s3:::bkt/a/b"),
            (
                object(b"a\r\nb\xff"),
                "arn:aws:s3:::bkt/a\u{fffd}\u{fffd}b\u{fffd}",
                b"arn:aws:s3:::bkt/a\r\nb\xff",
            ),
            (Resource::BodyObjects, "the objects that the body names", b""),
        ] {
            let mut arn = Vec::new();
            resource.write_arn(&mut arn);
            assert_eq!(arn, exact);
            assert_eq!(resource.to_string(), shown);
        }
        assert_ne!(object(b"\xfe"), object(b"\xff"));
    }
}
