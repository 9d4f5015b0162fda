//! Operations that read a bucket: listings and settings.
//! It must not hold logic; `table.rs` says what the columns mean.

use super::super::Operation;
use super::row::{Row, bucket, equals, has};
use crate::s3::action::Action;

/// `GET` of a bucket.
pub(super) const GET: &[Row] = &[
    Row::selected(Operation::CreateSession, "session").needs(&[bucket(Action::ExpressCreateSession)]),
    Row::selected(Operation::GetBucketAbac, "abac").needs(&[bucket(Action::GetBucketAbac)]),
    Row::selected(Operation::GetBucketAccelerateConfiguration, "accelerate")
        .needs(&[bucket(Action::GetAccelerateConfiguration)]),
    Row::selected(Operation::GetBucketAcl, "acl").needs(&[bucket(Action::GetBucketAcl)]),
    Row::selected(Operation::GetBucketAnalyticsConfiguration, "analytics")
        .query(&[has("id")])
        .needs(&[bucket(Action::GetAnalyticsConfiguration)]),
    Row::selected(Operation::GetBucketCors, "cors").needs(&[bucket(Action::GetBucketCORS)]),
    Row::selected(Operation::GetBucketEncryption, "encryption")
        .needs(&[bucket(Action::GetEncryptionConfiguration)]),
    Row::selected(Operation::GetBucketIntelligentTieringConfiguration, "intelligent-tiering")
        .query(&[has("id")])
        .needs(&[bucket(Action::GetIntelligentTieringConfiguration)]),
    Row::selected(Operation::GetBucketInventoryConfiguration, "inventory")
        .query(&[has("id")])
        .needs(&[bucket(Action::GetInventoryConfiguration)]),
    Row::selected(Operation::GetBucketLifecycle, "lifecycle")
        .alias_of(Operation::GetBucketLifecycleConfiguration)
        .needs(&[bucket(Action::GetLifecycleConfiguration)]),
    Row::selected(Operation::GetBucketLifecycleConfiguration, "lifecycle")
        .needs(&[bucket(Action::GetLifecycleConfiguration)]),
    Row::selected(Operation::GetBucketLocation, "location").needs(&[bucket(Action::GetBucketLocation)]),
    Row::selected(Operation::GetBucketLogging, "logging").needs(&[bucket(Action::GetBucketLogging)]),
    Row::selected(Operation::GetBucketMetadataConfiguration, "metadataConfiguration")
        .needs(&[bucket(Action::GetBucketMetadataTableConfiguration)]),
    Row::selected(Operation::GetBucketMetadataTableConfiguration, "metadataTable")
        .needs(&[bucket(Action::GetBucketMetadataTableConfiguration)]),
    Row::selected(Operation::GetBucketMetricsConfiguration, "metrics")
        .query(&[has("id")])
        .needs(&[bucket(Action::GetMetricsConfiguration)]),
    Row::selected(Operation::GetBucketNotification, "notification")
        .alias_of(Operation::GetBucketNotificationConfiguration)
        .needs(&[bucket(Action::GetBucketNotification)]),
    Row::selected(Operation::GetBucketNotificationConfiguration, "notification")
        .needs(&[bucket(Action::GetBucketNotification)]),
    Row::selected(Operation::GetBucketOwnershipControls, "ownershipControls")
        .needs(&[bucket(Action::GetBucketOwnershipControls)]),
    Row::selected(Operation::GetBucketPolicy, "policy").needs(&[bucket(Action::GetBucketPolicy)]),
    Row::selected(Operation::GetBucketPolicyStatus, "policyStatus")
        .needs(&[bucket(Action::GetBucketPolicyStatus)]),
    Row::selected(Operation::GetBucketReplication, "replication")
        .needs(&[bucket(Action::GetReplicationConfiguration)]),
    Row::selected(Operation::GetBucketRequestPayment, "requestPayment")
        .needs(&[bucket(Action::GetBucketRequestPayment)]),
    Row::selected(Operation::GetBucketTagging, "tagging").needs(&[bucket(Action::GetBucketTagging)]),
    Row::selected(Operation::GetBucketVersioning, "versioning").needs(&[bucket(Action::GetBucketVersioning)]),
    Row::selected(Operation::GetBucketWebsite, "website").needs(&[bucket(Action::GetBucketWebsite)]),
    Row::selected(Operation::GetObjectLockConfiguration, "object-lock")
        .needs(&[bucket(Action::GetBucketObjectLockConfiguration)]),
    Row::selected(Operation::GetPublicAccessBlock, "publicAccessBlock")
        .needs(&[bucket(Action::GetBucketPublicAccessBlock)]),
    Row::selected(Operation::ListBucketAnalyticsConfigurations, "analytics")
        .query_absent(&["id"])
        .params(&["continuation-token"])
        .needs(&[bucket(Action::GetAnalyticsConfiguration)]),
    Row::selected(Operation::ListBucketIntelligentTieringConfigurations, "intelligent-tiering")
        .query_absent(&["id"])
        .params(&["continuation-token"])
        .needs(&[bucket(Action::GetIntelligentTieringConfiguration)]),
    Row::selected(Operation::ListBucketInventoryConfigurations, "inventory")
        .query_absent(&["id"])
        .params(&["continuation-token"])
        .needs(&[bucket(Action::GetInventoryConfiguration)]),
    Row::selected(Operation::ListBucketMetricsConfigurations, "metrics")
        .query_absent(&["id"])
        .params(&["continuation-token"])
        .needs(&[bucket(Action::GetMetricsConfiguration)]),
    Row::selected(Operation::ListMultipartUploads, "uploads")
        .params(&["delimiter", "encoding-type", "key-marker", "max-uploads", "prefix", "upload-id-marker"])
        .needs(&[bucket(Action::ListBucketMultipartUploads)]),
    Row::selected(Operation::ListObjectVersions, "versions")
        .params(&["delimiter", "encoding-type", "key-marker", "max-keys", "prefix", "version-id-marker"])
        .needs(&[bucket(Action::ListBucketVersions)]),
    Row::plain(Operation::ListObjects)
        .params(&["delimiter", "encoding-type", "marker", "max-keys", "prefix"])
        .needs(&[bucket(Action::ListBucket)]),
    Row::selected(Operation::ListObjectsV2, "list-type")
        .query(&[equals("list-type", "2")])
        .params(&[
            "continuation-token",
            "delimiter",
            "encoding-type",
            "fetch-owner",
            "max-keys",
            "prefix",
            "start-after",
        ])
        .needs(&[bucket(Action::ListBucket)]),
];

/// `HEAD` of a bucket.
pub(super) const HEAD: &[Row] = &[Row::plain(Operation::HeadBucket).needs(&[bucket(Action::ListBucket)])];
