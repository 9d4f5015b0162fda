//! One question to the policies: who wants to do what to which resource, under which circumstances.
//! It must not answer it.

use smallvec::SmallVec;

use super::arn::{self, Parts};
use super::context::{Context, Facts, KeyMap, Source};
use super::principal::Principal;
use crate::s3::action::Action;

/// An action: one of the table, or the name of any other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActionRef<'a> {
    /// An action that requests to the gate can need.
    Known(Action),
    /// The name of an action that is not in the table.
    Name(&'a str),
}

impl<'a> ActionRef<'a> {
    /// The action of this name, letter case ignored.
    #[must_use]
    pub fn from_name(name: &'a str) -> Self {
        Action::from_name(name).map_or(Self::Name(name), Self::Known)
    }

    pub(super) const fn known(self) -> Option<Action> {
        match self {
            Self::Known(action) => Some(action),
            Self::Name(_) => None,
        }
    }
}

/// A resource. Keys are as decoded once, never normalised; a `*` in them is an ordinary character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResourceRef<'a> {
    /// All buckets: what `ListAllMyBuckets` is asked for on.
    AllBuckets,
    /// A bucket.
    Bucket {
        /// The partition of ARNs: `aws`, `aws-cn`, `aws-us-gov`.
        partition: &'a str,
        /// The name.
        bucket: &'a str,
    },
    /// An object.
    Object {
        /// The partition of ARNs: `aws`, `aws-cn`, `aws-us-gov`.
        partition: &'a str,
        /// The name of the bucket.
        bucket: &'a str,
        /// The key.
        key: &'a [u8],
    },
    /// Any ARN, cut into its parts.
    Arn(Parts<'a>),
}

impl<'a> ResourceRef<'a> {
    /// A bucket of the partition `aws`.
    #[must_use]
    pub const fn bucket(bucket: &'a str) -> Self {
        Self::Bucket { partition: "aws", bucket }
    }

    /// An object in a bucket of the partition `aws`.
    #[must_use]
    pub const fn object(bucket: &'a str, key: &'a [u8]) -> Self {
        Self::Object { partition: "aws", bucket, key }
    }

    /// The resource of this ARN; `None` if it is none. `*` is read as all buckets.
    #[must_use]
    pub fn from_arn(text: &'a str) -> Option<Self> {
        if text == "*" {
            return Some(Self::AllBuckets);
        }
        arn::split(text.as_bytes()).map(Self::Arn)
    }
}

impl std::fmt::Display for ResourceRef<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AllBuckets => f.write_str("arn:aws:s3:::*"),
            Self::Bucket { partition, bucket } => write!(f, "arn:{partition}:s3:::{bucket}"),
            Self::Object { partition, bucket, key } => {
                write!(f, "arn:{partition}:s3:::{bucket}/{}", String::from_utf8_lossy(key))
            }
            Self::Arn(parts) => {
                for (at, part) in parts.iter().enumerate() {
                    write!(f, "{}{}", if at == 0 { "" } else { ":" }, String::from_utf8_lossy(part))?;
                }
                Ok(())
            }
        }
    }
}

/// Where the values of condition keys come from.
#[derive(Clone, Copy, Debug)]
pub enum ContextRef<'a> {
    /// A request: keys that the action does not have are absent, whatever the request says.
    Request(&'a Context<'a>),
    /// A test case: every key that it names, for every action.
    Keys(&'a KeyMap),
}

/// Who owns a resource, as far as the configuration tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Owner<'a> {
    /// The account; `None` counts as that of the principal.
    pub account: Option<&'a str>,
    /// Its organization.
    pub org: Option<&'a str>,
}

/// One question to the policies.
#[derive(Clone, Copy, Debug)]
pub struct Query<'a> {
    /// Who asks.
    pub principal: &'a Principal,
    /// Who owns the resource.
    pub owner: Owner<'a>,
    /// What for.
    pub action: ActionRef<'a>,
    /// On what.
    pub resource: ResourceRef<'a>,
    /// Under which circumstances.
    pub context: ContextRef<'a>,
}

impl<'a> Query<'a> {
    pub(super) fn source(&self) -> Source<'a> {
        match self.context {
            ContextRef::Request(context) => {
                let action = self.action.known();
                Source::Request(Facts::new(context, self.principal, self.owner, action))
            }
            ContextRef::Keys(map) => Source::Map(map),
        }
    }

    /// Whether the principal and the resource belong to the same account.
    pub(super) fn same_account(&self) -> bool {
        self.owner.account.is_none_or(|account| self.principal.account() == Some(account))
    }
}

/// Bucket and key as one text; the longest that S3 has fit without the heap.
#[derive(Debug, Default)]
pub(super) struct ResourceText(SmallVec<[u8; 1152]>);

impl ResourceText {
    /// The parts of the ARN of a resource, without writing the ARN.
    pub(super) fn parts<'s>(&'s mut self, resource: &ResourceRef<'s>) -> Parts<'s> {
        let (partition, bucket, key) = match *resource {
            ResourceRef::Arn(parts) => return parts,
            // INVARIANT: the star is text here, as every character of a request
            ResourceRef::AllBuckets => ("aws", "*", None),
            ResourceRef::Bucket { partition, bucket } => (partition, bucket, None),
            ResourceRef::Object { partition, bucket, key } => (partition, bucket, Some(key)),
        };
        self.0.extend_from_slice(bucket.as_bytes());
        if let Some(key) = key {
            self.0.push(b'/');
            self.0.extend_from_slice(key);
        }
        [b"arn", partition.as_bytes(), b"s3", b"", b"", &self.0]
    }
}
