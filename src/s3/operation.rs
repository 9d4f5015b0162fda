//! The operations of S3 by name; the table below says by which requests each is called and what it needs.
//! It must not read a request: `classify.rs` does.

pub mod reference;
pub(crate) mod row;
pub(crate) mod table;

/// The headers that set an access control list.
pub const ACL_HEADERS: &[&str] = &[
    "x-amz-acl",
    "x-amz-grant-full-control",
    "x-amz-grant-read",
    "x-amz-grant-read-acp",
    "x-amz-grant-write",
    "x-amz-grant-write-acp",
];

macro_rules! operations {
    ($($variant:ident)*) => {
        /// An operation of S3 (S3 API reference; the names of the SDKs).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Operation { $(#[doc = stringify!($variant)] $variant,)* }

        impl Operation {
            /// Every operation, in the order of the table; [`Operation::index`] is the position here.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name as SDKs, labels and logs write it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => stringify!($variant),)* }
            }
        }
    };
}

operations! {
    AbortMultipartUpload CompleteMultipartUpload CopyObject CreateBucket CreateBucketMetadataConfiguration
    CreateBucketMetadataTableConfiguration CreateMultipartUpload CreateSession DeleteBucket
    DeleteBucketAnalyticsConfiguration DeleteBucketCors DeleteBucketEncryption
    DeleteBucketIntelligentTieringConfiguration DeleteBucketInventoryConfiguration DeleteBucketLifecycle
    DeleteBucketMetadataConfiguration DeleteBucketMetadataTableConfiguration
    DeleteBucketMetricsConfiguration DeleteBucketOwnershipControls DeleteBucketPolicy
    DeleteBucketReplication DeleteBucketTagging DeleteBucketWebsite DeleteObject DeleteObjectAnnotation
    DeleteObjectTagging DeleteObjects DeletePublicAccessBlock GetBucketAbac
    GetBucketAccelerateConfiguration GetBucketAcl GetBucketAnalyticsConfiguration GetBucketCors
    GetBucketEncryption GetBucketIntelligentTieringConfiguration GetBucketInventoryConfiguration
    GetBucketLifecycle GetBucketLifecycleConfiguration GetBucketLocation GetBucketLogging
    GetBucketMetadataConfiguration GetBucketMetadataTableConfiguration GetBucketMetricsConfiguration
    GetBucketNotification GetBucketNotificationConfiguration GetBucketOwnershipControls GetBucketPolicy
    GetBucketPolicyStatus GetBucketReplication GetBucketRequestPayment GetBucketTagging
    GetBucketVersioning GetBucketWebsite GetObject GetObjectAcl GetObjectAnnotation GetObjectAttributes
    GetObjectLegalHold GetObjectLockConfiguration GetObjectRetention GetObjectTagging GetObjectTorrent
    GetPublicAccessBlock HeadBucket HeadObject ListBucketAnalyticsConfigurations
    ListBucketIntelligentTieringConfigurations ListBucketInventoryConfigurations
    ListBucketMetricsConfigurations ListBuckets ListDirectoryBuckets ListMultipartUploads
    ListObjectAnnotations ListObjectVersions ListObjects ListObjectsV2 ListParts PutBucketAbac
    PutBucketAccelerateConfiguration PutBucketAcl PutBucketAnalyticsConfiguration PutBucketCors
    PutBucketEncryption PutBucketIntelligentTieringConfiguration PutBucketInventoryConfiguration
    PutBucketLifecycle PutBucketLifecycleConfiguration PutBucketLogging PutBucketMetricsConfiguration
    PutBucketNotification PutBucketNotificationConfiguration PutBucketOwnershipControls PutBucketPolicy
    PutBucketReplication PutBucketRequestPayment PutBucketTagging PutBucketVersioning PutBucketWebsite
    PutObject PutObjectAcl PutObjectAnnotation PutObjectLegalHold PutObjectLockConfiguration
    PutObjectRetention PutObjectTagging PutPublicAccessBlock RenameObject RestoreObject
    SelectObjectContent UpdateBucketMetadataAnnotationTableConfiguration
    UpdateBucketMetadataInventoryTableConfiguration UpdateBucketMetadataJournalTableConfiguration
    UpdateObjectEncryption UploadPart UploadPartCopy WriteGetObjectResponse PostObject CORSPreflight
}

impl Operation {
    /// The position in [`Operation::ALL`], for tables by operation.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}

impl std::fmt::Display for Operation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
