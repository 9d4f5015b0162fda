//! The operation table: which requests call which operation, and what that needs (S3 API reference, IAM service
//! authorization reference). It must not decide anything: `classify.rs` walks it.

mod bucket_change;
mod bucket_read;
mod object;
mod service;

use super::row::{self, Row};
use crate::s3::address::Scope;

/// The query parameters that name a sub-resource of a bucket. At most one can stand in a request.
pub(crate) const BUCKET_SELECTORS: &[&str] = &[
    "abac",
    "accelerate",
    "acl",
    "analytics",
    "cors",
    "delete",
    "encryption",
    "intelligent-tiering",
    "inventory",
    "lifecycle",
    "list-type",
    "location",
    "logging",
    "metadataAnnotationTable",
    "metadataConfiguration",
    "metadataInventoryTable",
    "metadataJournalTable",
    "metadataTable",
    "metrics",
    "notification",
    "object-lock",
    "ownershipControls",
    "policy",
    "policyStatus",
    "publicAccessBlock",
    "replication",
    "requestPayment",
    "session",
    "tagging",
    "uploads",
    "versioning",
    "versions",
    "website",
];

/// The query parameters that name a sub-resource of an object. At most one can stand in a request.
pub(crate) const OBJECT_SELECTORS: &[&str] = &[
    "acl",
    "annotation",
    "attributes",
    "encryption",
    "legal-hold",
    "renameObject",
    "restore",
    "retention",
    "select",
    "tagging",
    "torrent",
    "uploadId",
    "uploads",
];

/// The signature parameters of SigV2; those of SigV4 begin with `x-amz-`.
pub(crate) const SIGV2_PARAMS: &[&str] = &["AWSAccessKeyId", "Expires", "Signature"];

/// The parameters of a SigV4 signature, letter case as S3 reads them.
pub(crate) const SIGV4_PARAMS: &[&str] = &[
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-SignedHeaders",
    "X-Amz-Signature",
    "X-Amz-Security-Token",
    "X-Amz-Region-Set",
    "X-Amz-S3session-Token",
];

/// Parameters that SDKs add and S3 ignores.
pub(crate) const BENIGN_PARAMS: &[&str] = &["x-id"];

/// The methods that operations have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Get,
    Head,
    Put,
    Post,
    Delete,
    Options,
}

/// The rows of a method and scope.
pub(crate) const fn rows(verb: Verb, scope: Scope) -> &'static [Row] {
    match (scope, verb) {
        (_, Verb::Options) => service::OPTIONS,
        (Scope::Service, Verb::Get) => service::GET,
        (Scope::Service, Verb::Post) => service::POST,
        (Scope::Service, _) => &[],
        (Scope::Bucket, Verb::Get) => bucket_read::GET,
        (Scope::Bucket, Verb::Head) => bucket_read::HEAD,
        (Scope::Bucket, Verb::Put) => bucket_change::PUT,
        (Scope::Bucket, Verb::Post) => bucket_change::POST,
        (Scope::Bucket, Verb::Delete) => bucket_change::DELETE,
        (Scope::Object, Verb::Get) => object::GET,
        (Scope::Object, Verb::Head) => object::HEAD,
        (Scope::Object, Verb::Put) => object::PUT,
        (Scope::Object, Verb::Post) => object::POST,
        (Scope::Object, Verb::Delete) => object::DELETE,
    }
}

/// The sub-resources of a scope.
pub(crate) const fn selectors(scope: Scope) -> &'static [&'static str] {
    match scope {
        Scope::Service => &[],
        Scope::Bucket => BUCKET_SELECTORS,
        Scope::Object => OBJECT_SELECTORS,
    }
}

/// The rows of operations whose objects the body names.
pub(crate) fn body_rows() -> impl Iterator<Item = &'static Row> {
    bucket_change::POST.iter()
}

#[cfg(test)]
mod tests;
