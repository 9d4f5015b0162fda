//! What is legal in a policy document, but probably not what was meant.
//! It must not change a decision.

use super::Place;
use crate::policy::document::Kind;

/// A warning about a policy document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {kind}")]
pub struct Warning {
    /// Where it is.
    pub place: Place,
    /// What it is.
    pub kind: WarningKind,
}

/// What a warning is about.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WarningKind {
    /// `${` in a document of version 2008-10-17.
    #[error("`${{` is literal text in version 2008-10-17")]
    LiteralVariable,
    /// Characters or a size that AWS would not take.
    #[error("AWS does not take this: {0}")]
    NotForAws(&'static str),
    /// A key that no table knows.
    #[error("`{0}` is no known condition key and is treated as always missing")]
    UnknownKey(String),
    /// A key that no request here has.
    #[error("no request that reaches the gate has `{0}`")]
    NeverPresentKey(String),
    /// An operator of another type than the key.
    #[error("`{operator}` does not fit `{key}`, whose value is of another type")]
    TypeMismatch {
        /// The operator.
        operator: String,
        /// The key.
        key: String,
    },
    /// An action that S3 does not have.
    #[error("S3 has no action `{0}`")]
    UnknownAction(String),
    /// A statement without an action that a request here can need.
    #[error("no request that reaches the gate needs one of these actions: the statement never matches")]
    NoServedAction,
    /// A statement without a resource that a request here can name.
    #[error("`{0}` matches no bucket and no object")]
    NoServedResource(String),
    /// A principal that nobody is.
    #[error("`{0}` matches no principal of the gate")]
    NobodyPrincipal(String),
    /// Allow in a document that only denies.
    #[error("this {} grants nothing: an Allow has no effect", .0.name())]
    AllowWithoutEffect(Kind),
    /// Allow for everybody.
    #[error("this grants to everybody, anonymous too")]
    Public,
    /// Allow with `NotAction`.
    #[error("Allow with NotAction grants every action that is not listed, also future ones")]
    AllowNotAction,
    /// Allow with `NotResource`.
    #[error(
        "Allow with NotResource grants everything that is not listed, also buckets that do not exist yet"
    )]
    AllowNotResource,
    /// A wildcard inside a bucket name.
    #[error("`{0}` also matches other buckets whose names begin alike")]
    LooseBucket(String),
    /// Bucket actions on objects only.
    #[error("`{action}` is asked for on the bucket, which `{resource}` does not match")]
    BucketNotListed {
        /// An action on buckets.
        action: &'static str,
        /// The pattern of objects.
        resource: String,
    },
    /// Object actions on buckets only.
    #[error("`{action}` is asked for on objects, which `{resource}` does not match")]
    ObjectsNotListed {
        /// An action on objects.
        action: &'static str,
        /// The pattern of the bucket.
        resource: String,
    },
    /// `ForAllValues:` in an Allow, without a test that the key is there.
    #[error("`ForAllValues:` passes requests without `{0}`, and this Allow with it")]
    VacuousForAll(String),
    /// `NotPrincipal` with Deny.
    #[error("NotPrincipal with Deny always denies principals that have a permissions boundary")]
    NotPrincipalDeny,
    /// A Deny of everything for everybody, without condition.
    #[error("this denies {0} to everybody, whatever allows it")]
    DeniesEverybody(&'static str),
    /// Two Deny statements of which one always holds.
    #[error(
        "together with `{0}` this denies every request: one has a source address or a VPC endpoint, never both"
    )]
    DeniesBothWays(String),
    /// An Allow whose test a request without the key passes.
    #[error("`{operator}` also passes requests without `{key}`, and this Allow with it")]
    AllowsMissing {
        /// The operator.
        operator: String,
        /// The key.
        key: String,
    },
    /// A Deny whose test a request without the key does not pass.
    #[error("requests without `{key}` are not denied here: {who}")]
    SparesMissing {
        /// The key.
        key: String,
        /// Which requests those are.
        who: &'static str,
    },
    /// Tests that no request passes together.
    #[error("no request passes this together with `{0}`: the statement never matches")]
    NeverTogether(String),
    /// A key that the actions of the statement do not have.
    #[error("none of these actions has `{0}`: it is always missing")]
    KeyNotOfActions(String),
    /// A resource outside the bucket that the policy is attached to.
    #[error("`{resource}` is not in bucket `{bucket}`, to which this policy is attached: it never matches")]
    ForeignBucket {
        /// The pattern.
        resource: String,
        /// The bucket.
        bucket: String,
    },
    /// A Deny that holds whenever a network key is another or missing.
    #[error("this denies every request outside {0}")]
    DeniesOutside(String),
    /// A Deny for addresses out of a range that also hits requests without a source address.
    #[error(
        "this also denies every request through a VPC endpoint or from inside a VPC: those have no `aws:SourceIp`"
    )]
    DeniesEndpoints,
    /// A Deny for addresses out of a range that names one family only.
    #[error("this also denies every {0} client: the list has no range of that family")]
    DeniesFamily(&'static str),
    /// An age that looks like seconds.
    #[error("`s3:signatureAge` counts milliseconds: {0} is less than a second")]
    AgeInSeconds(String),
    /// A spelling that never matches.
    #[error("`{found}` is never a value of `{key}`; it is `{expected}`")]
    NeverValue {
        /// The key.
        key: String,
        /// What stands in the policy.
        found: String,
        /// What was meant.
        expected: &'static str,
    },
}
