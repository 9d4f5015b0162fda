//! Operations that change a bucket or its settings, or carry their keys in the body.
//! It must not hold logic; `table.rs` says what the columns mean.

use super::super::Operation;
use super::row::When::{BodyKeyVersion, FormField, Header, HeaderEquals};
use super::row::{ANY_ACL, Row, body_objects, bucket, form_object, has, starts_with};
use crate::s3::action::Action;

/// `PUT` of a bucket.
pub(super) const PUT: &[Row] = &[
    Row::plain(Operation::CreateBucket).needs(&[
        bucket(Action::CreateBucket),
        bucket(Action::PutBucketAcl).when(&[ANY_ACL]),
        bucket(Action::PutBucketObjectLockConfiguration)
            .when(&[HeaderEquals("x-amz-bucket-object-lock-enabled", "true")]),
        bucket(Action::PutBucketVersioning).when(&[HeaderEquals("x-amz-bucket-object-lock-enabled", "true")]),
        bucket(Action::PutBucketOwnershipControls).when(&[Header("x-amz-object-ownership")]),
    ]),
    Row::selected(Operation::PutBucketAbac, "abac").needs(&[bucket(Action::PutBucketAbac)]),
    Row::selected(Operation::PutBucketAccelerateConfiguration, "accelerate")
        .needs(&[bucket(Action::PutAccelerateConfiguration)]),
    Row::selected(Operation::PutBucketAcl, "acl").needs(&[bucket(Action::PutBucketAcl)]),
    Row::selected(Operation::PutBucketAnalyticsConfiguration, "analytics")
        .query(&[has("id")])
        .needs(&[bucket(Action::PutAnalyticsConfiguration)]),
    Row::selected(Operation::PutBucketCors, "cors").needs(&[bucket(Action::PutBucketCORS)]),
    Row::selected(Operation::PutBucketEncryption, "encryption")
        .needs(&[bucket(Action::PutEncryptionConfiguration)]),
    Row::selected(Operation::PutBucketIntelligentTieringConfiguration, "intelligent-tiering")
        .query(&[has("id")])
        .needs(&[bucket(Action::PutIntelligentTieringConfiguration)]),
    Row::selected(Operation::PutBucketInventoryConfiguration, "inventory")
        .query(&[has("id")])
        .needs(&[bucket(Action::PutInventoryConfiguration)]),
    Row::selected(Operation::PutBucketLifecycle, "lifecycle")
        .alias_of(Operation::PutBucketLifecycleConfiguration)
        .needs(&[bucket(Action::PutLifecycleConfiguration)]),
    Row::selected(Operation::PutBucketLifecycleConfiguration, "lifecycle")
        .needs(&[bucket(Action::PutLifecycleConfiguration)]),
    Row::selected(Operation::PutBucketLogging, "logging").needs(&[bucket(Action::PutBucketLogging)]),
    Row::selected(Operation::PutBucketMetricsConfiguration, "metrics")
        .query(&[has("id")])
        .needs(&[bucket(Action::PutMetricsConfiguration)]),
    Row::selected(Operation::PutBucketNotification, "notification")
        .alias_of(Operation::PutBucketNotificationConfiguration)
        .needs(&[bucket(Action::PutBucketNotification)]),
    Row::selected(Operation::PutBucketNotificationConfiguration, "notification")
        .needs(&[bucket(Action::PutBucketNotification)]),
    Row::selected(Operation::PutBucketOwnershipControls, "ownershipControls")
        .needs(&[bucket(Action::PutBucketOwnershipControls)]),
    Row::selected(Operation::PutBucketPolicy, "policy").needs(&[bucket(Action::PutBucketPolicy)]),
    Row::selected(Operation::PutBucketReplication, "replication")
        .needs(&[bucket(Action::PutReplicationConfiguration)]),
    Row::selected(Operation::PutBucketRequestPayment, "requestPayment")
        .needs(&[bucket(Action::PutBucketRequestPayment)]),
    Row::selected(Operation::PutBucketTagging, "tagging").needs(&[bucket(Action::PutBucketTagging)]),
    Row::selected(Operation::PutBucketVersioning, "versioning").needs(&[bucket(Action::PutBucketVersioning)]),
    Row::selected(Operation::PutBucketWebsite, "website").needs(&[bucket(Action::PutBucketWebsite)]),
    Row::selected(Operation::PutObjectLockConfiguration, "object-lock")
        .needs(&[bucket(Action::PutBucketObjectLockConfiguration)]),
    Row::selected(Operation::PutPublicAccessBlock, "publicAccessBlock")
        .needs(&[bucket(Action::PutBucketPublicAccessBlock)]),
    Row::selected(Operation::UpdateBucketMetadataAnnotationTableConfiguration, "metadataAnnotationTable")
        .needs(&[bucket(Action::UpdateBucketMetadataAnnotationTableConfiguration)]),
    Row::selected(Operation::UpdateBucketMetadataInventoryTableConfiguration, "metadataInventoryTable")
        .needs(&[bucket(Action::UpdateBucketMetadataInventoryTableConfiguration)]),
    Row::selected(Operation::UpdateBucketMetadataJournalTableConfiguration, "metadataJournalTable")
        .needs(&[bucket(Action::UpdateBucketMetadataJournalTableConfiguration)]),
];

/// `POST` of a bucket.
pub(super) const POST: &[Row] = &[
    Row::selected(Operation::CreateBucketMetadataConfiguration, "metadataConfiguration")
        .needs(&[bucket(Action::CreateBucketMetadataTableConfiguration)]),
    Row::selected(Operation::CreateBucketMetadataTableConfiguration, "metadataTable")
        .needs(&[bucket(Action::CreateBucketMetadataTableConfiguration)]),
    Row::selected(Operation::DeleteObjects, "delete").needs(&[
        body_objects(Action::DeleteObject).when(&[BodyKeyVersion(false)]),
        body_objects(Action::DeleteObjectVersion).when(&[BodyKeyVersion(true)]),
        body_objects(Action::BypassGovernanceRetention)
            .when(&[HeaderEquals("x-amz-bypass-governance-retention", "true")]),
    ]),
    Row::plain(Operation::PostObject).headers(&[starts_with("content-type", "multipart/form-data")]).needs(
        &[
            form_object(Action::PutObject),
            form_object(Action::PutObjectAcl).when(&[FormField("acl")]),
            form_object(Action::PutObjectTagging).when(&[FormField("tagging")]),
        ],
    ),
];

/// `DELETE` of a bucket.
pub(super) const DELETE: &[Row] = &[
    Row::plain(Operation::DeleteBucket).needs(&[bucket(Action::DeleteBucket)]),
    Row::selected(Operation::DeleteBucketAnalyticsConfiguration, "analytics")
        .query(&[has("id")])
        .needs(&[bucket(Action::PutAnalyticsConfiguration)]),
    Row::selected(Operation::DeleteBucketCors, "cors").needs(&[bucket(Action::PutBucketCORS)]),
    Row::selected(Operation::DeleteBucketEncryption, "encryption")
        .needs(&[bucket(Action::PutEncryptionConfiguration)]),
    Row::selected(Operation::DeleteBucketIntelligentTieringConfiguration, "intelligent-tiering")
        .query(&[has("id")])
        .needs(&[bucket(Action::PutIntelligentTieringConfiguration)]),
    Row::selected(Operation::DeleteBucketInventoryConfiguration, "inventory")
        .query(&[has("id")])
        .needs(&[bucket(Action::PutInventoryConfiguration)]),
    Row::selected(Operation::DeleteBucketLifecycle, "lifecycle")
        .needs(&[bucket(Action::PutLifecycleConfiguration)]),
    Row::selected(Operation::DeleteBucketMetadataConfiguration, "metadataConfiguration")
        .needs(&[bucket(Action::DeleteBucketMetadataTableConfiguration)]),
    Row::selected(Operation::DeleteBucketMetadataTableConfiguration, "metadataTable")
        .needs(&[bucket(Action::DeleteBucketMetadataTableConfiguration)]),
    Row::selected(Operation::DeleteBucketMetricsConfiguration, "metrics")
        .query(&[has("id")])
        .needs(&[bucket(Action::PutMetricsConfiguration)]),
    Row::selected(Operation::DeleteBucketOwnershipControls, "ownershipControls")
        .needs(&[bucket(Action::PutBucketOwnershipControls)]),
    Row::selected(Operation::DeleteBucketPolicy, "policy").needs(&[bucket(Action::DeleteBucketPolicy)]),
    Row::selected(Operation::DeleteBucketReplication, "replication")
        .needs(&[bucket(Action::PutReplicationConfiguration)]),
    Row::selected(Operation::DeleteBucketTagging, "tagging").needs(&[bucket(Action::PutBucketTagging)]),
    Row::selected(Operation::DeleteBucketWebsite, "website").needs(&[bucket(Action::DeleteBucketWebsite)]),
    Row::selected(Operation::DeletePublicAccessBlock, "publicAccessBlock")
        .needs(&[bucket(Action::PutBucketPublicAccessBlock)]),
];
