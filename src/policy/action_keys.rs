//! The table of the condition keys that each S3 action has: a key that an action does not have is absent for it.
//! It must not hold keys that all actions have; those are the global ones of `key`.

use super::key::Key as K;
use crate::s3::action::Action as A;

/// Keys that every action has, by the service authorization reference of S3. Actions of `s3express` and
/// `s3-object-lambda` have them under names of their own; here they get these, so that a Deny on them holds.
const COMMON: u128 =
    set(&[K::S3ResourceAccount, K::TlsVersion, K::AuthType, K::SignatureAge, K::SignatureVersion]);

/// The headers that set an access control list.
const ACL: u128 = set(&[
    K::XAmzAcl,
    K::XAmzGrantFullControl,
    K::XAmzGrantRead,
    K::XAmzGrantReadAcp,
    K::XAmzGrantWrite,
    K::XAmzGrantWriteAcp,
]);

const fn set(keys: &[K]) -> u128 {
    let mut bits = 0;
    let mut rest = keys;
    while let [key, tail @ ..] = rest {
        bits |= key.bit();
        rest = tail;
    }
    bits
}

/// The keys that a request for this action can have besides the global ones, one bit at each [`K::index`].
#[must_use]
pub fn of(action: A) -> u128 {
    let content = match action {
        A::GetBucketObjectLockConfiguration | A::PutBucketObjectLockConfiguration => 0,
        _ => K::ContentSha256.bit(),
    };
    COMMON | content | special(action)
}

/// The keys of this action that not every action has.
fn special(action: A) -> u128 {
    match action {
        A::AbortMultipartUpload | A::ListMultipartUploadParts => set(&[K::AccessGrantsInstanceArn]),
        A::DeleteObject => set(&[K::AccessGrantsInstanceArn, K::IfMatch]),
        A::DeleteObjectTagging | A::GetObjectAnnotation | A::GetObjectAttributes | A::GetObjectTagging => {
            set(&[K::ExistingObjectTag])
        }
        A::DeleteObjectVersion => set(&[K::AccessGrantsInstanceArn, K::VersionId]),
        A::DeleteObjectVersionTagging
        | A::GetObjectVersionAnnotation
        | A::GetObjectVersionAttributes
        | A::GetObjectVersionTagging => set(&[K::VersionId, K::ExistingObjectTag]),
        A::GetObject | A::GetObjectAcl => set(&[K::AccessGrantsInstanceArn, K::ExistingObjectTag]),
        A::GetObjectVersion | A::GetObjectVersionAcl => {
            set(&[K::AccessGrantsInstanceArn, K::VersionId, K::ExistingObjectTag])
        }
        A::GetObjectVersionTorrent => set(&[K::VersionId]),
        A::ListBucket | A::ListBucketVersions => {
            set(&[K::AccessGrantsInstanceArn, K::Prefix, K::Delimiter, K::MaxKeys])
        }
        A::ListBucketMultipartUploads => set(&[
            K::ResourceTag,
            K::AccessPointNetworkOrigin,
            K::AccessPointTag,
            K::DataAccessPointAccount,
            K::DataAccessPointArn,
            K::AccessGrantsInstanceArn,
        ]),
        A::ListObjectAnnotations => {
            set(&[K::AnnotationPrefix, K::MaxAnnotationResults, K::ExistingObjectTag])
        }
        A::ListObjectVersionAnnotations => {
            set(&[K::VersionId, K::AnnotationPrefix, K::MaxAnnotationResults, K::ExistingObjectTag])
        }
        _ => special_to_writes(action),
    }
}

fn special_to_writes(action: A) -> u128 {
    match action {
        A::BypassGovernanceRetention => {
            ACL | set(&[
                K::XAmzCopySource,
                K::XAmzMetadataDirective,
                K::XAmzServerSideEncryption,
                K::XAmzKmsKeyId,
                K::XAmzCustomerAlgorithm,
                K::XAmzStorageClass,
                K::XAmzWebsiteRedirectLocation,
                K::RequestObjectTag,
                K::RequestObjectTagKeys,
            ])
        }
        A::CreateBucket => {
            ACL | set(&[
                K::RequestTag,
                K::TagKeys,
                K::XAmzObjectOwnership,
                K::XAmzBucketNamespace,
                K::LocationConstraint,
            ])
        }
        A::DeleteObjectAnnotation | A::PutObjectAnnotation => {
            set(&[K::XAmzObjectIfMatch, K::ExistingObjectTag])
        }
        A::DeleteObjectVersionAnnotation | A::PutObjectVersionAnnotation => {
            set(&[K::VersionId, K::XAmzObjectIfMatch, K::ExistingObjectTag])
        }
        A::PutBucketAcl => ACL,
        A::PutInventoryConfiguration => set(&[K::InventoryFields]),
        A::PutObject => {
            ACL | set(&[
                K::AccessGrantsInstanceArn,
                K::XAmzCopySource,
                K::XAmzMetadataDirective,
                K::XAmzObjectAnnotationDirective,
                K::XAmzServerSideEncryption,
                K::XAmzKmsKeyId,
                K::XAmzCustomerAlgorithm,
                K::XAmzStorageClass,
                K::XAmzWebsiteRedirectLocation,
                K::IfMatch,
                K::IfNoneMatch,
                K::ObjectLockMode,
                K::ObjectLockLegalHold,
                K::ObjectLockRetainUntilDate,
                K::ObjectLockRemainingDays,
                K::ObjectLockEventHold,
                K::ObjectLockEventHoldDays,
                K::RequestObjectTag,
                K::RequestObjectTagKeys,
                K::ObjectCreationOperation,
            ])
        }
        A::PutObjectAcl => {
            ACL | set(&[K::AccessGrantsInstanceArn, K::XAmzStorageClass, K::ExistingObjectTag])
        }
        A::PutObjectLegalHold => set(&[K::ObjectLockLegalHold]),
        A::PutObjectRetention => set(&[
            K::ObjectLockMode,
            K::ObjectLockRetainUntilDate,
            K::ObjectLockRemainingDays,
            K::ObjectLockEventHold,
            K::ObjectLockEventHoldDays,
        ]),
        A::PutObjectTagging => set(&[K::RequestObjectTag, K::RequestObjectTagKeys, K::ExistingObjectTag]),
        A::PutObjectVersionAcl => {
            ACL | set(&[K::AccessGrantsInstanceArn, K::VersionId, K::XAmzStorageClass, K::ExistingObjectTag])
        }
        A::PutObjectVersionTagging => {
            set(&[K::VersionId, K::RequestObjectTag, K::RequestObjectTagKeys, K::ExistingObjectTag])
        }
        _ => special_to_settings(action),
    }
}

fn special_to_settings(action: A) -> u128 {
    match action {
        A::PutReplicationConfiguration => set(&[K::ReplicationPause]),
        A::UpdateObjectEncryption => {
            set(&[K::XAmzServerSideEncryption, K::XAmzKmsKeyId, K::ExistingObjectTag])
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::testing::shared;

    #[test]
    fn the_table_is_that_of_the_service_authorization_reference() {
        let data: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(shared("data/s3_operations.json")).unwrap())
                .unwrap();
        let actions = data["actions"].as_object().unwrap();
        let mut compared = 0;
        for action in A::ALL {
            let Some(entry) = actions.get(action.name()) else {
                assert!(!action.name().starts_with("s3:"), "{} is not in the data", action.name());
                continue;
            };
            let listed = entry["condition_keys"].as_array().unwrap().iter().map(|name| {
                let name = name.as_str().unwrap().replace("<key>", "").replace("${TagKey}", "");
                let known = K::ALL.iter().find(|key| key.name() == name);
                known.unwrap_or_else(|| panic!("{name} is not in the table of keys")).bit()
            });
            assert_eq!(of(*action), listed.fold(0, |bits, bit| bits | bit), "{}", action.name());
            compared += 1;
        }
        assert_eq!(compared, actions.len());
    }

    #[test]
    fn types_of_keys_are_those_of_the_service_authorization_reference() {
        use crate::policy::key::{Arity, KeyType};
        let data: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(shared("data/s3_operations.json")).unwrap())
                .unwrap();
        for (name, kind) in data["condition_keys"].as_object().unwrap() {
            let name = name.replace("<key>", "").replace("${TagKey}", "");
            let key = K::ALL.iter().find(|key| key.name() == name).unwrap();
            let expected = match kind.as_str().unwrap() {
                "String" | "ArrayOfString" => KeyType::String,
                "ARN" => KeyType::Arn,
                "Bool" => KeyType::Bool,
                "Numeric" => KeyType::Numeric,
                "Date" => KeyType::Date,
                other => panic!("{other}"),
            };
            assert_eq!(key.kind(), expected, "{name}");
            assert_eq!(key.arity() == Arity::Many, kind.as_str().unwrap() == "ArrayOfString", "{name}");
        }
    }
}
