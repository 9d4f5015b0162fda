//! The condition keys that come from parameters, headers and the body of an operation.
//! It must not know which action has which key: the policy engine drops those that an action does not have.

use crate::auth::sigv4::presigned::reserved;
use crate::clock::UnixMillis;
use crate::policy::context::{OperationValue, Tag, Tags};
use crate::policy::key::Key;
use crate::policy::value::{Decimal, Instant};
use crate::request::RawRequest;
use crate::s3::body::{Body, Permission};
use crate::s3::copy_source::CopySource;
use crate::s3::effective::{effective_header, is_amz};
use crate::s3::operation::Operation;
use crate::s3::tags;
use smallvec::SmallVec;
use std::borrow::Cow;

/// What is read of one request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subject<'q, 'h> {
    pub(super) request: &'q RawRequest<'h>,
    pub(super) operation: Operation,
    /// The body, if a rule has read it.
    pub(super) body: Option<&'q Body>,
    pub(super) copy_source: Option<&'q CopySource>,
    /// The tags of `x-amz-tagging`.
    pub(super) header_tags: Option<&'q [tags::Tag]>,
    pub(super) now: UnixMillis,
}

/// Keys and their values; a key that stands here twice is indeterminate.
pub(super) type Keys<'q> = SmallVec<[(Key, OperationValue<'q>); 8]>;

/// Tags, borrowed from where they were read.
#[derive(Debug)]
pub(super) enum TagList<'q> {
    Absent,
    Present(SmallVec<[Tag<'q>; 4]>),
    Unknown,
}

impl<'q> TagList<'q> {
    fn of(tags: &'q [tags::Tag]) -> Self {
        let text = |text: &'q str| Cow::Borrowed(text.as_bytes());
        Self::Present(tags.iter().map(|tag| (text(&tag.name), text(&tag.value))).collect())
    }

    pub(super) fn tags(&self) -> Tags<'_> {
        match self {
            Self::Absent => Tags::Absent,
            Self::Present(tags) => Tags::Present(tags),
            Self::Unknown => Tags::Unknown,
        }
    }
}

impl<'q> Subject<'q, '_> {
    /// The tags that an object gets.
    pub(super) fn object_tags(&self) -> TagList<'q> {
        match (self.body, self.operation, self.header_tags) {
            (Some(Body::Tagging(tags)), ..) => TagList::of(tags),
            // the header means nothing where the tags are the body
            (_, Operation::PutObjectTagging, _) | (_, _, None) => TagList::Absent,
            // without REPLACE a copy keeps the tags of its source, whatever the header says
            (_, Operation::CopyObject, Some(_))
                if effective_header(self.request, "x-amz-tagging-directive") != Some(b"REPLACE") =>
            {
                TagList::Unknown
            }
            (_, _, Some(tags)) => TagList::of(tags),
        }
    }

    /// The tags that a bucket gets.
    pub(super) fn bucket_tags(&self) -> TagList<'q> {
        match self.body {
            Some(Body::CreateBucket(body)) => body.tags.as_deref().map_or(TagList::Absent, TagList::of),
            _ => TagList::Absent,
        }
    }

    /// Everything else.
    pub(super) fn keys(&self) -> Keys<'q> {
        let mut found = Keys::new();
        let request = self.request;
        for (key, name) in QUERY_KEYS {
            if let Some(value) = request.target.query.first(name.as_bytes()) {
                found.push((*key, OperationValue::Text(value)));
            }
        }
        let from_body = in_body(self.operation);
        let wanted = if has_key_headers(request) { HEADER_KEYS } else { &[] };
        for (key, name) in wanted.iter().filter(|(key, _)| !from_body.contains(key)) {
            if let Some(value) = effective_header(request, name) {
                found.push((*key, OperationValue::Text(value)));
            }
        }
        if let Some(source) = self.copy_source {
            let value = match source.key.resolved() {
                // decoded once, without the version
                None => OperationValue::Path(source.bucket.as_str(), source.key.bytes()),
                // two stores could copy two objects
                Some(_) => OperationValue::Unknown,
            };
            found.push((Key::XAmzCopySource, value));
        }
        // by its own page the key is the header, not the parameter that stands in for it
        if let Some(value) = request.headers.first("x-amz-content-sha256") {
            found.push((Key::ContentSha256, OperationValue::Text(value)));
        }
        found.push((Key::ObjectCreationOperation, OperationValue::Bool(creates(self.operation))));
        self.body_keys(&mut found);
        self.remaining_days(&mut found);
        found
    }

    fn body_keys(&self, found: &mut Keys<'q>) {
        let mut text = |key, value: &'q Option<String>| {
            if let Some(value) = value {
                found.push((key, OperationValue::Text(value.as_bytes())));
            }
        };
        match self.body {
            Some(Body::Retention(retention)) => {
                text(Key::ObjectLockMode, &retention.mode);
                text(Key::ObjectLockRetainUntilDate, &retention.until);
            }
            Some(Body::LegalHold(status)) => text(Key::ObjectLockLegalHold, status),
            Some(Body::CreateBucket(body)) => text(Key::LocationConstraint, &body.location),
            Some(Body::Acl(acl)) => {
                // a body and a header put one grant in different words, so none is compared: a Deny that asks for
                // the key holds, an Allow does not
                let keys = acl.permissions.iter().map(|permission| match permission {
                    Permission::FullControl => Key::XAmzGrantFullControl,
                    Permission::Read => Key::XAmzGrantRead,
                    Permission::ReadAcp => Key::XAmzGrantReadAcp,
                    Permission::Write => Key::XAmzGrantWrite,
                    Permission::WriteAcp => Key::XAmzGrantWriteAcp,
                });
                // what a group gets could be a canned list
                let canned = acl.to_group.then_some(Key::XAmzAcl);
                found.extend(keys.chain(canned).map(|key| (key, OperationValue::Unknown)));
            }
            None if self.operation == Operation::UpdateObjectEncryption && !self.request.body.is_empty() => {
                let unread = [Key::XAmzServerSideEncryption, Key::XAmzKmsKeyId];
                found.extend(unread.map(|key| (key, OperationValue::Unknown)));
            }
            Some(Body::Delete(_) | Body::Tagging(_)) | None => {}
        }
    }

    /// Days from now to the date of the retention, as an exact fraction: a limit of ten days is kept to the moment.
    fn remaining_days(&self, found: &mut Keys<'q>) {
        const DAY_MILLIS: i64 = 86_400_000;
        let until =
            found.iter().find(|(key, _)| *key == Key::ObjectLockRetainUntilDate).map(|(_, value)| *value);
        let Some(until) = until else { return };
        let date = match until {
            OperationValue::Text(text) => std::str::from_utf8(text).ok().and_then(Instant::parse),
            _ => None,
        };
        let days = date
            .and_then(|date| date.millis_since(self.now))
            .and_then(|millis| Decimal::ratio(millis, DAY_MILLIS));
        found.push((
            Key::ObjectLockRemainingDays,
            days.map_or(OperationValue::Unknown, OperationValue::Number),
        ));
    }
}

/// Whether a header of [`HEADER_KEYS`] can be there, or a parameter that stands in for one. With a plain link there is
/// none, and it need not be searched for each.
fn has_key_headers(request: &RawRequest<'_>) -> bool {
    let conditional = |name: &str| name.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("if-"));
    request.headers.iter().any(|header| is_amz(header.name.as_bytes()) || conditional(header.name))
        || request.target.query.names().any(|name| is_amz(name) && reserved(name).is_none())
}

/// Whether the operation makes an object; multipart uploads make theirs when they are completed.
const fn creates(operation: Operation) -> bool {
    matches!(
        operation,
        Operation::PutObject
            | Operation::CopyObject
            | Operation::CompleteMultipartUpload
            | Operation::PostObject
    )
}

/// The keys whose values are in the body of an operation: S3 does not look at headers for them.
const fn in_body(operation: Operation) -> &'static [Key] {
    match operation {
        Operation::PutObjectRetention => &[Key::ObjectLockMode, Key::ObjectLockRetainUntilDate],
        Operation::PutObjectLegalHold => &[Key::ObjectLockLegalHold],
        Operation::UpdateObjectEncryption => &[Key::XAmzServerSideEncryption, Key::XAmzKmsKeyId],
        _ => &[],
    }
}

const QUERY_KEYS: &[(Key, &str)] = &[
    (Key::Prefix, "prefix"),
    (Key::Delimiter, "delimiter"),
    (Key::MaxKeys, "max-keys"),
    (Key::VersionId, "versionId"),
    (Key::AnnotationPrefix, "annotation-prefix"),
    (Key::MaxAnnotationResults, "max-annotation-results"),
];

const HEADER_KEYS: &[(Key, &str)] = &[
    (Key::XAmzAcl, "x-amz-acl"),
    (Key::XAmzGrantFullControl, "x-amz-grant-full-control"),
    (Key::XAmzGrantRead, "x-amz-grant-read"),
    (Key::XAmzGrantReadAcp, "x-amz-grant-read-acp"),
    (Key::XAmzGrantWrite, "x-amz-grant-write"),
    (Key::XAmzGrantWriteAcp, "x-amz-grant-write-acp"),
    (Key::XAmzMetadataDirective, "x-amz-metadata-directive"),
    (Key::XAmzObjectAnnotationDirective, "x-amz-object-annotation-directive"),
    (Key::XAmzServerSideEncryption, "x-amz-server-side-encryption"),
    (Key::XAmzKmsKeyId, "x-amz-server-side-encryption-aws-kms-key-id"),
    (Key::XAmzCustomerAlgorithm, "x-amz-server-side-encryption-customer-algorithm"),
    (Key::XAmzStorageClass, "x-amz-storage-class"),
    (Key::XAmzWebsiteRedirectLocation, "x-amz-website-redirect-location"),
    (Key::XAmzObjectOwnership, "x-amz-object-ownership"),
    (Key::XAmzBucketNamespace, "x-amz-bucket-namespace"),
    (Key::IfMatch, "if-match"),
    (Key::IfNoneMatch, "if-none-match"),
    (Key::XAmzObjectIfMatch, "x-amz-object-if-match"),
    (Key::ObjectLockMode, "x-amz-object-lock-mode"),
    (Key::ObjectLockLegalHold, "x-amz-object-lock-legal-hold"),
    (Key::ObjectLockRetainUntilDate, "x-amz-object-lock-retain-until-date"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_searched_for_has_other_names() {
        for (_, name) in HEADER_KEYS {
            assert!(is_amz(name.as_bytes()) || name.starts_with("if-"), "{name}");
            assert_eq!(reserved(name.as_bytes()), None, "{name}");
        }
    }
}
