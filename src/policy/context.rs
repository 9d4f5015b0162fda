//! What the gate knows of one request, as condition keys see it.
//! It must not read a key from anything a client may name: every field is filled by the stage that proved it.

mod lookup;
mod map;
mod value;

use std::borrow::Cow;
use std::net::IpAddr;

use super::key::Key;
use super::value::Decimal;
use crate::clock::UnixMillis;

pub use lookup::{Facts, Source};
pub use map::{KeyMap, KeyMapError};
pub use value::{List, Text, Value};

/// How the request came here (`aws:SourceIp`, `aws:SourceVpc`, `aws:SourceVpce`, …). The variants keep AWS's rule
/// that a request has either a source address or an endpoint, never both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NetworkPath<'a> {
    /// Not known: every network key is indeterminate.
    #[default]
    Unknown,
    /// Not through a VPC endpoint.
    Direct {
        /// The client, proven by the connection or a trusted front.
        ip: IpAddr,
    },
    /// From inside a VPC, without an endpoint of its own.
    Vpc {
        /// The client.
        ip: IpAddr,
        /// Its VPC, `vpc-…`.
        vpc: &'a str,
        /// `arn:aws:ec2:REGION:ACCOUNT:vpc/ID`, if configured.
        vpc_arn: Option<&'a str>,
    },
    /// Through a VPC endpoint.
    Endpoint {
        /// The client behind the endpoint, if the PROXY header told it.
        ip: Option<IpAddr>,
        /// The endpoint, `vpce-…`.
        vpce: &'a str,
        /// Its VPC, if configured.
        vpc: Option<&'a str>,
        /// `arn:aws:ec2:REGION:ACCOUNT:vpc/ID`, if configured.
        vpc_arn: Option<&'a str>,
        /// The account that owns the endpoint, if configured.
        account: Option<&'a str>,
        /// The organization of that account, if configured.
        org: Option<&'a str>,
    },
}

/// Whether the request came encrypted (`aws:SecureTransport`, `s3:TlsVersion`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transport {
    /// In clear text.
    #[default]
    Plain,
    /// Under TLS of a known version.
    Tls(TlsVersion),
    /// Under TLS that a trusted front ended without telling the version.
    TlsOfUnknownVersion,
}

/// Versions of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsVersion {
    /// TLS 1.0
    V1_0,
    /// TLS 1.1
    V1_1,
    /// TLS 1.2
    V1_2,
    /// TLS 1.3
    V1_3,
}

/// The algorithm family of a signature (`s3:signatureversion`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureVersion {
    /// `AWS`
    V2,
    /// `AWS4-HMAC-SHA256`
    V4,
    /// `AWS4-ECDSA-P256-SHA256`
    V4A,
}

/// Where the signature stood (`s3:authType`, `s3:signatureAge`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Signed {
    /// Nowhere: the request is anonymous.
    #[default]
    Not,
    /// In the `Authorization` header.
    Header(SignatureVersion),
    /// In the query: a presigned URL.
    Query(SignatureVersion, Age),
    /// In the fields of a form.
    Post(SignatureVersion, Age),
}

/// Milliseconds from the date of a signature to now; 0 for dates in the future and for signatures of version 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Age(i64);

impl Age {
    /// The age at `now` of a signature dated `signed`.
    #[must_use]
    pub fn between(signed: UnixMillis, now: UnixMillis) -> Self {
        Self(now.millis_since(signed).max(0))
    }

    /// No age.
    pub const ZERO: Self = Self(0);

    /// The age in milliseconds.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.0
    }
}

/// When a credential was issued.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Issued {
    /// It is a permanent one, or the request is not signed.
    #[default]
    Never,
    /// It is a temporary one, issued at this time.
    At(UnixMillis),
    /// It is a temporary one, and nobody has told the gate when it was issued.
    Untold,
}

/// A tag: name and value, decoded.
pub type Tag<'a> = (Cow<'a, [u8]>, Cow<'a, [u8]>);

/// The tags that a request carries.
#[derive(Clone, Copy, Debug, Default)]
pub enum Tags<'a> {
    /// None.
    #[default]
    Absent,
    /// These.
    Present(&'a [Tag<'a>]),
    /// The body that holds them has not been read.
    Unknown,
}

/// What the gate knows of one request. Keys that AWS calls "always present" are no options here.
#[derive(Clone, Debug)]
pub struct Context<'a> {
    /// The time of the request, read once (`aws:CurrentTime`, `aws:EpochTime`).
    pub now: UnixMillis,
    /// The way it came.
    pub network: NetworkPath<'a>,
    /// The id of an Azure Private Link connection (`proxy:AzureLinkId`).
    pub azure_link_id: Option<u32>,
    /// The id of a Google Private Service Connect connection (`proxy:GcpPscConnectionId`).
    pub gcp_psc_connection_id: Option<u64>,
    /// Encryption on that way.
    pub transport: Transport,
    /// Where the signature stood.
    pub signed: Signed,
    /// When the credential of the signer was issued (`aws:TokenIssueTime`).
    pub issued: Issued,
    /// The region that the request is for (`aws:RequestedRegion`).
    pub region: &'a str,
    /// The `User-Agent` header, empty if there is none.
    pub user_agent: &'a [u8],
    /// The `Referer` header.
    pub referer: Option<&'a [u8]>,
    /// The tags that an object gets (`s3:RequestObjectTag/…`, `s3:RequestObjectTagKeys`).
    pub object_tags: Tags<'a>,
    /// The tags that a bucket gets (`aws:RequestTag/…`, `aws:TagKeys`).
    pub bucket_tags: Tags<'a>,
    /// Headers and parameters of the S3 operation. A key that stands here twice is indeterminate; keys whose values
    /// have fields of their own are not read from here.
    pub operation: &'a [(Key, OperationValue<'a>)],
}

impl Context<'_> {
    /// A request of which nothing is known but the time.
    #[must_use]
    pub fn at(now: UnixMillis) -> Self {
        Self {
            now,
            network: NetworkPath::Unknown,
            azure_link_id: None,
            gcp_psc_connection_id: None,
            transport: Transport::Plain,
            signed: Signed::Not,
            issued: Issued::Never,
            region: "",
            user_agent: b"",
            referer: None,
            object_tags: Tags::Absent,
            bucket_tags: Tags::Absent,
            operation: &[],
        }
    }
}

/// A value that S3 reads from headers, query or body of its operation (`s3:prefix`, `s3:x-amz-acl`, …).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperationValue<'a> {
    /// Decoded once, else as it came.
    Text(&'a [u8]),
    /// `bucket/key`.
    Path(&'a str, &'a [u8]),
    /// A number that was worked out.
    Number(Decimal),
    /// A truth value that follows from the operation.
    Bool(bool),
    /// In a body that has not been read, or said in words that cannot be compared.
    Unknown,
}
