//! The table of condition keys: type, number of values, and whether a gate in front of S3 can know the value.
//! It must not hold values: where a value comes from is `context`.

/// What a key's value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyType {
    /// Text.
    String,
    /// A decimal number.
    Numeric,
    /// An instant.
    Date,
    /// An instant as a number of seconds: both Date and Numeric operators apply.
    Epoch,
    /// `true` or `false`.
    Bool,
    /// An address.
    Ip,
    /// An Amazon resource name.
    Arn,
}

/// How many values a key has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Arity {
    /// At most one value.
    One,
    /// A list of values: needs `ForAnyValue:` or `ForAllValues:`.
    Many,
    /// One value for each name that follows the `/` of the key.
    Tagged,
}

/// What a gate can know of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Known {
    /// The value, and whether it is there.
    Gate,
    /// That no request that reaches a gate has it.
    NeverPresent,
    /// Nothing: it is stored with the object or bucket, or in a body that is not read. Policies with it are refused.
    Never,
}

macro_rules! keys {
    ($($variant:ident $name:literal $kind:ident $arity:ident $known:ident)*) => {
        /// A condition key. Keys with [`Arity::Tagged`] stand for all keys that begin with their name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Key { $(#[doc = $name] $variant,)* }

        impl Key {
            /// Every key, in the order of the table; [`Key::index`] is the position here.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name as policies write it; ends in `/` for keys with a tag.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The type of its values.
            #[must_use]
            pub const fn kind(self) -> KeyType {
                match self { $(Self::$variant => KeyType::$kind,)* }
            }

            /// How many values it has.
            #[must_use]
            pub const fn arity(self) -> Arity {
                match self { $(Self::$variant => Arity::$arity,)* }
            }

            /// What a gate can know of it.
            #[must_use]
            pub const fn known(self) -> Known {
                match self { $(Self::$variant => Known::$known,)* }
            }
        }
    };
}

keys! {
    // the network path
    SourceIp "aws:SourceIp" Ip One Gate
    VpcSourceIp "aws:VpcSourceIp" Ip One Gate
    SourceVpce "aws:SourceVpce" String One Gate
    SourceVpc "aws:SourceVpc" String One Gate
    SourceVpcArn "aws:SourceVpcArn" Arn One Gate
    VpceAccount "aws:VpceAccount" String One Gate
    VpceOrgId "aws:VpceOrgID" String One Gate
    VpceOrgPaths "aws:VpceOrgPaths" String Many NeverPresent
    AzureLinkId "proxy:AzureLinkId" String One Gate
    GcpPscConnectionId "proxy:GcpPscConnectionId" String One Gate
    SecureTransport "aws:SecureTransport" Bool One Gate
    // the request
    CurrentTime "aws:CurrentTime" Date One Gate
    EpochTime "aws:EpochTime" Epoch One Gate
    UserAgent "aws:UserAgent" String One Gate
    Referer "aws:referer" String One Gate
    RequestedRegion "aws:RequestedRegion" String One Gate
    ViaAwsService "aws:ViaAWSService" Bool One Gate
    CalledVia "aws:CalledVia" String Many NeverPresent
    CalledViaFirst "aws:CalledViaFirst" String One NeverPresent
    CalledViaLast "aws:CalledViaLast" String One NeverPresent
    // the principal
    PrincipalArn "aws:PrincipalArn" Arn One Gate
    PrincipalAccount "aws:PrincipalAccount" String One Gate
    PrincipalType "aws:PrincipalType" String One Gate
    PrincipalTag "aws:PrincipalTag/" String Tagged Gate
    PrincipalOrgId "aws:PrincipalOrgID" String One Gate
    PrincipalOrgPaths "aws:PrincipalOrgPaths" String Many NeverPresent
    PrincipalIsAwsService "aws:PrincipalIsAWSService" Bool One Gate
    PrincipalServiceName "aws:PrincipalServiceName" String One NeverPresent
    PrincipalServiceNamesList "aws:PrincipalServiceNamesList" String Many NeverPresent
    UserId "aws:userid" String One Gate
    Username "aws:username" String One Gate
    TokenIssueTime "aws:TokenIssueTime" Date One Gate
    MultiFactorAuthPresent "aws:MultiFactorAuthPresent" Bool One NeverPresent
    MultiFactorAuthAge "aws:MultiFactorAuthAge" Numeric One NeverPresent
    FederatedProvider "aws:FederatedProvider" String One NeverPresent
    SourceIdentity "aws:SourceIdentity" String One NeverPresent
    Ec2InstanceSourceVpc "aws:Ec2InstanceSourceVpc" String One NeverPresent
    Ec2InstanceSourcePrivateIpv4 "aws:Ec2InstanceSourcePrivateIPv4" Ip One NeverPresent
    // a service that calls for somebody
    SourceAccount "aws:SourceAccount" String One NeverPresent
    SourceArn "aws:SourceArn" Arn One NeverPresent
    SourceOrgId "aws:SourceOrgID" String One NeverPresent
    SourceOrgPaths "aws:SourceOrgPaths" String Many NeverPresent
    // the resource
    ResourceAccount "aws:ResourceAccount" String One Gate
    ResourceOrgId "aws:ResourceOrgID" String One Gate
    ResourceOrgPaths "aws:ResourceOrgPaths" String Many Never
    ResourceTag "aws:ResourceTag/" String Tagged Never
    RequestTag "aws:RequestTag/" String Tagged Gate
    TagKeys "aws:TagKeys" String Many Gate
    // S3: the signature and the connection
    AuthType "s3:authType" String One Gate
    SignatureVersion "s3:signatureversion" String One Gate
    SignatureAge "s3:signatureAge" Numeric One Gate
    TlsVersion "s3:TlsVersion" Numeric One Gate
    ContentSha256 "s3:x-amz-content-sha256" String One Gate
    // S3: the bucket and how it was reached
    S3ResourceAccount "s3:ResourceAccount" String One Gate
    BucketTag "s3:BucketTag/" String Tagged Never
    AccessPointNetworkOrigin "s3:AccessPointNetworkOrigin" String One NeverPresent
    AccessPointTag "s3:AccessPointTag/" String Tagged NeverPresent
    DataAccessPointAccount "s3:DataAccessPointAccount" String One NeverPresent
    DataAccessPointArn "s3:DataAccessPointArn" Arn One NeverPresent
    AccessGrantScope "s3:AccessGrantScope" String One NeverPresent
    AccessGrantsInstanceArn "s3:AccessGrantsInstanceArn" Arn One NeverPresent
    AccessGrantsLocationScope "s3:AccessGrantsLocationScope" String One NeverPresent
    // S3: the query
    Prefix "s3:prefix" String One Gate
    Delimiter "s3:delimiter" String One Gate
    MaxKeys "s3:max-keys" Numeric One Gate
    VersionId "s3:versionid" String One Gate
    AnnotationPrefix "s3:annotation-prefix" String One Gate
    MaxAnnotationResults "s3:max-annotation-results" Numeric One Gate
    // S3: headers
    XAmzAcl "s3:x-amz-acl" String One Gate
    XAmzGrantFullControl "s3:x-amz-grant-full-control" String One Gate
    XAmzGrantRead "s3:x-amz-grant-read" String One Gate
    XAmzGrantReadAcp "s3:x-amz-grant-read-acp" String One Gate
    XAmzGrantWrite "s3:x-amz-grant-write" String One Gate
    XAmzGrantWriteAcp "s3:x-amz-grant-write-acp" String One Gate
    XAmzCopySource "s3:x-amz-copy-source" String One Gate
    XAmzMetadataDirective "s3:x-amz-metadata-directive" String One Gate
    XAmzObjectAnnotationDirective "s3:x-amz-object-annotation-directive" String One Gate
    XAmzServerSideEncryption "s3:x-amz-server-side-encryption" String One Gate
    XAmzKmsKeyId "s3:x-amz-server-side-encryption-aws-kms-key-id" Arn One Gate
    XAmzCustomerAlgorithm "s3:x-amz-server-side-encryption-customer-algorithm" String One Gate
    XAmzStorageClass "s3:x-amz-storage-class" String One Gate
    XAmzWebsiteRedirectLocation "s3:x-amz-website-redirect-location" String One Gate
    XAmzObjectOwnership "s3:x-amz-object-ownership" String One Gate
    XAmzBucketNamespace "s3:x-amz-bucket-namespace" String One Gate
    IfMatch "s3:if-match" String One Gate
    IfNoneMatch "s3:if-none-match" String One Gate
    XAmzObjectIfMatch "s3:x-amz-object-if-match" String One Gate
    ObjectLockMode "s3:object-lock-mode" String One Gate
    ObjectLockLegalHold "s3:object-lock-legal-hold" String One Gate
    ObjectLockRetainUntilDate "s3:object-lock-retain-until-date" Date One Gate
    ObjectLockRemainingDays "s3:object-lock-remaining-retention-days" Numeric One Gate
    RequestObjectTag "s3:RequestObjectTag/" String Tagged Gate
    RequestObjectTagKeys "s3:RequestObjectTagKeys" String Many Gate
    ObjectCreationOperation "s3:ObjectCreationOperation" Bool One Gate
    LocationConstraint "s3:locationconstraint" String One Gate
    // S3: stored with the object, or in bodies that are not read
    ExistingObjectTag "s3:ExistingObjectTag/" String Tagged Never
    InventoryFields "s3:InventoryAccessibleOptionalFields" String Many Never
    ObjectLockEventHold "s3:object-lock-event-hold" String One Never
    ObjectLockEventHoldDays "s3:object-lock-event-hold-duration-days" Numeric One Never
    ReplicationPause "s3:isReplicationPauseRequest" Bool One Never
    // S3: the control plane, which is not served here
    ExistingJobOperation "s3:ExistingJobOperation" String One NeverPresent
    ExistingJobPriority "s3:ExistingJobPriority" Numeric One NeverPresent
    JobSuspendedCause "s3:JobSuspendedCause" String One NeverPresent
    RequestJobOperation "s3:RequestJobOperation" String One NeverPresent
    RequestJobPriority "s3:RequestJobPriority" Numeric One NeverPresent
    DeliverySourceArn "s3:deliverySourceArn" Arn One NeverPresent
    DestinationRegion "s3:destinationRegion" String One NeverPresent
    LogType "s3:logType" String One NeverPresent
    ResourceArnBeingAuthorized "s3:resourceArnBeingAuthorized" Arn One NeverPresent
}

impl Key {
    /// The position in [`Key::ALL`]; below 128, so that a set of keys is one `u128`.
    #[must_use]
    pub const fn index(self) -> u8 {
        self as u8
    }

    /// The set of just this key.
    #[must_use]
    pub const fn bit(self) -> u128 {
        1 << self.index()
    }

    /// Whether its value depends on who signed: of somebody unknown there is none that could be told, nor that there is
    /// none.
    #[must_use]
    pub const fn is_of_principal(self) -> bool {
        matches!(
            self,
            Self::PrincipalArn
                | Self::PrincipalAccount
                | Self::PrincipalType
                | Self::PrincipalTag
                | Self::PrincipalOrgId
                | Self::PrincipalOrgPaths
                | Self::PrincipalIsAwsService
                | Self::PrincipalServiceName
                | Self::PrincipalServiceNamesList
                | Self::UserId
                | Self::Username
                | Self::TokenIssueTime
                | Self::MultiFactorAuthPresent
                | Self::MultiFactorAuthAge
                | Self::FederatedProvider
                | Self::SourceIdentity
                | Self::Ec2InstanceSourceVpc
                | Self::Ec2InstanceSourcePrivateIpv4
        )
    }

    /// Whether only some actions have the key, by the table of `action_keys`; all actions have the others.
    #[must_use]
    pub fn is_of_actions(self) -> bool {
        self.name().starts_with("s3:") || matches!(self, Self::RequestTag | Self::ResourceTag | Self::TagKeys)
    }
}

/// A key as a policy names it. Two spellings that differ in letter case are the same key.
#[derive(Clone, Debug)]
pub struct KeyRef {
    key: Option<Key>,
    spelled: Box<str>,
    lower: Box<str>,
    tag_at: usize,
}

impl KeyRef {
    /// Reads a key name, known or not: a service prefix, `:`, and a name. `None` for any other text.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let (service, rest) = name.split_once(':')?;
        let word = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let (base, tag) = rest.split_once('/').map_or((rest, None), |(base, tag)| (base, Some(tag)));
        let plain = !service.is_empty() && !base.is_empty() && service.bytes().chain(base.bytes()).all(word);
        if !plain || tag.is_some_and(|tag| tag.is_empty() || tag.chars().any(char::is_control)) {
            return None;
        }
        let lower = name.to_ascii_lowercase().into_boxed_str();
        let tag_at = tag.map_or(name.len(), |tag| name.len() - tag.len());
        let head = lower.get(..tag_at).unwrap_or_default();
        let key = Key::ALL.iter().copied().find(|key| key.name().eq_ignore_ascii_case(head));
        // a known key that takes no tag, followed by `/`, ends in another name and was not found above
        let key = key.filter(|key| (key.arity() == Arity::Tagged) == tag.is_some());
        Some(Self { key, spelled: name.into(), lower, tag_at })
    }

    /// The key of the table; `None` if it is not in there.
    #[must_use]
    pub const fn key(&self) -> Option<Key> {
        self.key
    }

    /// The whole name in lower case.
    #[must_use]
    pub fn lower(&self) -> &str {
        &self.lower
    }

    /// What follows the `/` of a tagged key, in lower case; empty for other keys.
    #[must_use]
    pub fn tag(&self) -> &str {
        self.lower.get(self.tag_at..).unwrap_or_default()
    }
}

impl PartialEq for KeyRef {
    fn eq(&self, other: &Self) -> bool {
        self.lower == other.lower
    }
}

impl Eq for KeyRef {}

impl std::fmt::Display for KeyRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.spelled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn positions_fit_a_set_in_one_word_and_names_are_distinct() {
        assert!(Key::ALL.len() <= 128);
        let names: HashSet<_> = Key::ALL.iter().map(|key| key.name().to_ascii_lowercase()).collect();
        assert_eq!(names.len(), Key::ALL.len());
        for (position, key) in Key::ALL.iter().enumerate() {
            assert_eq!(usize::from(key.index()), position);
            assert_eq!(key.name().ends_with('/'), key.arity() == Arity::Tagged, "{}", key.name());
        }
    }

    #[test]
    fn names_are_found_in_any_case() {
        for (name, key, tag) in [
            ("aws:SourceIp", Some(Key::SourceIp), ""),
            ("AWS:SOURCEIP", Some(Key::SourceIp), ""),
            ("aws:PrincipalTag/Cost Center/x:y", Some(Key::PrincipalTag), "cost center/x:y"),
            ("s3:existingobjecttag/A", Some(Key::ExistingObjectTag), "a"),
            ("aws:SourceIp/x", None, "x"),
            ("aws:PrincipalTag", None, ""),
            ("aws:SourceIP2", None, ""),
            ("test:nums", None, ""),
        ] {
            let found = KeyRef::parse(name).unwrap();
            assert_eq!((found.key(), found.tag()), (key, tag), "{name}");
            assert_eq!(found.to_string(), name);
        }
        assert_eq!(KeyRef::parse("aws:PrincipalTag/A"), KeyRef::parse("AWS:principaltag/a"));
        assert_ne!(KeyRef::parse("aws:PrincipalTag/A"), KeyRef::parse("aws:PrincipalTag/B"));
        for name in ["", "SourceIp", ":x", "aws:", "aws:a b", "aws:PrincipalTag/", "aws:${x}", "a ws:x"] {
            assert_eq!(KeyRef::parse(name), None, "{name}");
        }
    }
}
