//! The table of IAM actions that an S3 request can need.
//! It must not say which request needs which: that is the operation table.

macro_rules! actions {
    ($($variant:ident $name:literal)*) => {
        /// An IAM action of the S3 data plane.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Action { $(#[doc = $name] $variant,)* }

        impl Action {
            /// Every action, in the order of the table; [`Action::index`] is the position here.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name as policies write it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

actions! {
    ObjectLambdaWriteGetObjectResponse "s3-object-lambda:WriteGetObjectResponse"
    AbortMultipartUpload "s3:AbortMultipartUpload"
    BypassGovernanceRetention "s3:BypassGovernanceRetention"
    CreateBucket "s3:CreateBucket"
    CreateBucketMetadataTableConfiguration "s3:CreateBucketMetadataTableConfiguration"
    DeleteBucket "s3:DeleteBucket"
    DeleteBucketMetadataTableConfiguration "s3:DeleteBucketMetadataTableConfiguration"
    DeleteBucketPolicy "s3:DeleteBucketPolicy"
    DeleteBucketWebsite "s3:DeleteBucketWebsite"
    DeleteObject "s3:DeleteObject"
    DeleteObjectAnnotation "s3:DeleteObjectAnnotation"
    DeleteObjectTagging "s3:DeleteObjectTagging"
    DeleteObjectVersion "s3:DeleteObjectVersion"
    DeleteObjectVersionAnnotation "s3:DeleteObjectVersionAnnotation"
    DeleteObjectVersionTagging "s3:DeleteObjectVersionTagging"
    GetAccelerateConfiguration "s3:GetAccelerateConfiguration"
    GetAnalyticsConfiguration "s3:GetAnalyticsConfiguration"
    GetBucketAbac "s3:GetBucketAbac"
    GetBucketAcl "s3:GetBucketAcl"
    GetBucketCORS "s3:GetBucketCORS"
    GetBucketLocation "s3:GetBucketLocation"
    GetBucketLogging "s3:GetBucketLogging"
    GetBucketMetadataTableConfiguration "s3:GetBucketMetadataTableConfiguration"
    GetBucketNotification "s3:GetBucketNotification"
    GetBucketObjectLockConfiguration "s3:GetBucketObjectLockConfiguration"
    GetBucketOwnershipControls "s3:GetBucketOwnershipControls"
    GetBucketPolicy "s3:GetBucketPolicy"
    GetBucketPolicyStatus "s3:GetBucketPolicyStatus"
    GetBucketPublicAccessBlock "s3:GetBucketPublicAccessBlock"
    GetBucketRequestPayment "s3:GetBucketRequestPayment"
    GetBucketTagging "s3:GetBucketTagging"
    GetBucketVersioning "s3:GetBucketVersioning"
    GetBucketWebsite "s3:GetBucketWebsite"
    GetEncryptionConfiguration "s3:GetEncryptionConfiguration"
    GetIntelligentTieringConfiguration "s3:GetIntelligentTieringConfiguration"
    GetInventoryConfiguration "s3:GetInventoryConfiguration"
    GetLifecycleConfiguration "s3:GetLifecycleConfiguration"
    GetMetricsConfiguration "s3:GetMetricsConfiguration"
    GetObject "s3:GetObject"
    GetObjectAcl "s3:GetObjectAcl"
    GetObjectAnnotation "s3:GetObjectAnnotation"
    GetObjectAttributes "s3:GetObjectAttributes"
    GetObjectLegalHold "s3:GetObjectLegalHold"
    GetObjectRetention "s3:GetObjectRetention"
    GetObjectTagging "s3:GetObjectTagging"
    GetObjectTorrent "s3:GetObjectTorrent"
    GetObjectVersion "s3:GetObjectVersion"
    GetObjectVersionAcl "s3:GetObjectVersionAcl"
    GetObjectVersionAnnotation "s3:GetObjectVersionAnnotation"
    GetObjectVersionAttributes "s3:GetObjectVersionAttributes"
    GetObjectVersionTagging "s3:GetObjectVersionTagging"
    GetObjectVersionTorrent "s3:GetObjectVersionTorrent"
    GetReplicationConfiguration "s3:GetReplicationConfiguration"
    ListAllMyBuckets "s3:ListAllMyBuckets"
    ListBucket "s3:ListBucket"
    ListBucketMultipartUploads "s3:ListBucketMultipartUploads"
    ListBucketVersions "s3:ListBucketVersions"
    ListMultipartUploadParts "s3:ListMultipartUploadParts"
    ListObjectAnnotations "s3:ListObjectAnnotations"
    ListObjectVersionAnnotations "s3:ListObjectVersionAnnotations"
    PutAccelerateConfiguration "s3:PutAccelerateConfiguration"
    PutAnalyticsConfiguration "s3:PutAnalyticsConfiguration"
    PutBucketAbac "s3:PutBucketAbac"
    PutBucketAcl "s3:PutBucketAcl"
    PutBucketCORS "s3:PutBucketCORS"
    PutBucketLogging "s3:PutBucketLogging"
    PutBucketNotification "s3:PutBucketNotification"
    PutBucketObjectLockConfiguration "s3:PutBucketObjectLockConfiguration"
    PutBucketOwnershipControls "s3:PutBucketOwnershipControls"
    PutBucketPolicy "s3:PutBucketPolicy"
    PutBucketPublicAccessBlock "s3:PutBucketPublicAccessBlock"
    PutBucketRequestPayment "s3:PutBucketRequestPayment"
    PutBucketTagging "s3:PutBucketTagging"
    PutBucketVersioning "s3:PutBucketVersioning"
    PutBucketWebsite "s3:PutBucketWebsite"
    PutEncryptionConfiguration "s3:PutEncryptionConfiguration"
    PutIntelligentTieringConfiguration "s3:PutIntelligentTieringConfiguration"
    PutInventoryConfiguration "s3:PutInventoryConfiguration"
    PutLifecycleConfiguration "s3:PutLifecycleConfiguration"
    PutMetricsConfiguration "s3:PutMetricsConfiguration"
    PutObject "s3:PutObject"
    PutObjectAcl "s3:PutObjectAcl"
    PutObjectAnnotation "s3:PutObjectAnnotation"
    PutObjectLegalHold "s3:PutObjectLegalHold"
    PutObjectRetention "s3:PutObjectRetention"
    PutObjectTagging "s3:PutObjectTagging"
    PutObjectVersionAcl "s3:PutObjectVersionAcl"
    PutObjectVersionAnnotation "s3:PutObjectVersionAnnotation"
    PutObjectVersionTagging "s3:PutObjectVersionTagging"
    PutReplicationConfiguration "s3:PutReplicationConfiguration"
    RestoreObject "s3:RestoreObject"
    UpdateBucketMetadataAnnotationTableConfiguration "s3:UpdateBucketMetadataAnnotationTableConfiguration"
    UpdateBucketMetadataInventoryTableConfiguration "s3:UpdateBucketMetadataInventoryTableConfiguration"
    UpdateBucketMetadataJournalTableConfiguration "s3:UpdateBucketMetadataJournalTableConfiguration"
    UpdateObjectEncryption "s3:UpdateObjectEncryption"
    ExpressCreateSession "s3express:CreateSession"
    ExpressListAllMyDirectoryBuckets "s3express:ListAllMyDirectoryBuckets"
}

impl Action {
    /// The position in [`Action::ALL`]; below 128, so that a set of actions is one `u128`.
    #[must_use]
    pub const fn index(self) -> u8 {
        self as u8
    }

    /// The action with this name, letter case ignored as IAM does.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|action| action.name().eq_ignore_ascii_case(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_fit_a_set_in_one_word() {
        assert!(Action::ALL.len() <= 128);
        for (position, action) in Action::ALL.iter().enumerate() {
            assert_eq!(usize::from(action.index()), position);
            assert_eq!(Action::from_name(&action.name().to_uppercase()), Some(*action));
        }
    }
}
