//! Why a request is not authenticated: exact variants, each with its reason.
//! It must not hold a secret, a derived key or the right signature.

use super::post::PolicyFault;
use super::scheme::Scheme;
use super::sigv4::scope::ScopeFault;
use crate::clock::UnixMillis;
use crate::reason::Reason;

/// A form of authentication that is known and not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Disabled {
    /// SigV2, in the query or the header.
    SigV2,
    /// SigV4A in the query.
    SigV4aQuery,
    /// SigV4A in the header whose value this is.
    SigV4aHeader(String),
    /// SigV4 in the header, which the configuration switches off.
    Header,
    /// Forms, which the configuration switches off.
    Post,
}

/// What is wrong with `X-Amz-Expires`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpiresFault {
    /// Not plain decimal digits without sign and leading zero.
    NotANumber,
    /// Below zero.
    Negative,
    /// Above a week.
    TooLong,
}

/// Why a key counts as unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyFault {
    /// No credential has this access key id.
    Unknown,
    /// The signature is dated after the credential was retired.
    Retired,
    /// The credential is a temporary one and its token is missing or another one was sent.
    Token,
}

impl KeyFault {
    /// Why a request with such a key is refused.
    #[must_use]
    pub const fn reason(self) -> Reason {
        match self {
            Self::Unknown => Reason::UnknownKey,
            Self::Retired => Reason::RetiredKey,
            Self::Token => Reason::BadToken,
        }
    }
}

/// What S3 tells about a signature that is not the right one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// The access key id.
    pub key_id: String,
    /// The signature as sent.
    pub provided: String,
    /// What should have been signed.
    pub string_to_sign: Vec<u8>,
    /// What its last line is the hash of; empty where the form has no canonical request.
    pub canonical_request: Vec<u8>,
}

/// Why a request is not authenticated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// No form of authentication at all.
    #[error("the request carries no authentication")]
    Anonymous,
    /// Two forms at once; the value of the Authorization header if that is one of them.
    #[error("the request carries two forms of authentication; send one")]
    SeveralMechanisms {
        /// The Authorization header.
        authorization: Option<String>,
    },
    /// Two Authorization headers.
    #[error("the request carries two Authorization headers; send one")]
    RepeatedAuthorization,
    /// See [`Disabled`].
    #[error("the form of authentication `{0:?}` is switched off")]
    Disabled(Disabled),
    /// `X-Amz-Algorithm` names no algorithm that S3 has.
    #[error("`X-Amz-Algorithm` is not `AWS4-HMAC-SHA256`")]
    Algorithm,
    /// One of the six parameters of a presigned URL is missing.
    #[error("one of the six X-Amz- parameters of a presigned URL is missing")]
    MissingParameter,
    /// `X-Amz-Date` is not `yyyyMMdd'T'HHmmss'Z'` or names no second that exists.
    #[error("`X-Amz-Date` is no date")]
    QueryDate,
    /// See [`ExpiresFault`].
    #[error("`X-Amz-Expires` is not a whole number of seconds from 0 to 604800")]
    Expires(ExpiresFault),
    /// The presigned URL is dated further ahead than clocks may differ.
    #[error("the presigned URL is dated in the future")]
    NotYetValid {
        /// Its date.
        signed_at: UnixMillis,
        /// Its end.
        expires_at: UnixMillis,
        /// The time of the gate.
        now: UnixMillis,
    },
    /// The presigned URL is past its end.
    #[error("the presigned URL has expired")]
    Expired {
        /// Its lifetime in seconds, where it tells one.
        lifetime: Option<u32>,
        /// Its end.
        expires_at: UnixMillis,
        /// The time of the gate.
        now: UnixMillis,
    },
    /// The lifetime is valid for S3 but longer than the configuration allows.
    #[error("the presigned URL lives longer than {max_secs} seconds")]
    LifetimeTooLong {
        /// The longest allowed lifetime.
        max_secs: u64,
    },
    /// The credential scope is refused.
    #[error("the credential scope is refused: {}", fault.message())]
    Scope {
        /// Where it stood.
        scheme: Scheme,
        /// What is wrong.
        fault: ScopeFault,
    },
    /// The day of the scope is not that of the date.
    #[error("the day `{scope}` of the credential scope is not that of the signature, `{date}`")]
    ScopeDate {
        /// Where it stood.
        scheme: Scheme,
        /// The day of the scope.
        scope: String,
        /// The day of the date.
        date: String,
    },
    /// The list of signed headers is not sorted, distinct, lower case.
    #[error("the list of signed headers is not one of distinct lower-case names in order")]
    SignedHeaders(Scheme),
    /// These headers had to be signed; in the order in which S3 lists them.
    #[error("the headers `{0}` are not signed")]
    HeadersNotSigned(String),
    /// This header is signed, but the request does not carry it. S3 takes it as empty.
    #[error("the signed header `{0}` is not in the request")]
    SignedHeaderMissing(String),
    /// A SigV4A signature names no regions.
    #[error("the region set of the signature is missing")]
    RegionSetMissing(Scheme),
    /// The regions that a SigV4A signature names are not accepted here.
    #[error("the region set `{given}` names no accepted region, as `{expected}`")]
    RegionSet {
        /// The set as sent.
        given: String,
        /// The first accepted region.
        expected: String,
    },
    /// A reserved parameter is repeated, in another letter case or percent-encoded, or stands beside a header
    /// signature.
    #[error("the query parameter `{name}` is repeated or in another spelling; send it once, as it is")]
    ReservedParameter {
        /// Its right spelling.
        name: &'static str,
        /// What signed the request.
        scheme: Scheme,
    },
    /// The key is unknown or counts as unknown.
    #[error("the access key `{key_id}` is not accepted: {fault:?}")]
    Key {
        /// The access key id.
        key_id: String,
        /// What is wrong with it.
        fault: KeyFault,
    },
    /// The keyring does not hold the key, and nobody else was asked yet: a question, not a refusal.
    #[error("nobody was asked for the access key `{0}`")]
    Unasked(String),
    /// Whoever should know the key cannot tell.
    #[error("whether there is an access key `{0}` cannot be known now")]
    KeySource(String),
    /// The signature is not the right one.
    #[error("the signature is not the right one")]
    WrongSignature(Box<Mismatch>),
    /// An unknown key or a wrong signature, told apart in logs only.
    #[error("the signature is not the right one, or nobody has the key: {0}")]
    Uniform(Reason),
    /// One of the three parameters of a URL signed with SigV2 is missing.
    #[error("one of the parameters AWSAccessKeyId, Expires and Signature is missing")]
    V2Parameters,
    /// `Expires` is not plain seconds since 1970.
    #[error("`Expires` is `{0}`, not a number of seconds since 1970")]
    V2Expires(String),
    /// An Authorization header of SigV2 is not a key and a signature.
    #[error("the Authorization header is not `AWS AccessKeyId:signature`")]
    V2Authorization(String),
    /// A parameter decides on the operation, and the signature does not cover it.
    #[error("the parameter `{0}` is not covered by this version of the signature; sign with SigV4")]
    ParameterNotSigned(&'static str),
    /// A field of a form is missing; its name as S3 writes it.
    #[error("the form has no field `{0}` before its file")]
    FormField(&'static str),
    /// A field of a form is malformed or stands twice.
    #[error("the field `{name}` of the form is malformed, repeated or does not fit the others: `{value}`")]
    FormArgument {
        /// Its name.
        name: &'static str,
        /// Its value.
        value: String,
    },
    /// The credential scope of a form is refused.
    #[error("the credential scope of the form is refused: {}", fault.message())]
    FormScope {
        /// The credential as sent.
        credential: String,
        /// What is wrong.
        fault: ScopeFault,
    },
    /// A form has a policy that nobody signed.
    #[error("the form has a policy and no signature")]
    FormUnsigned,
    /// The form does not keep to its policy.
    #[error("the policy of the form refuses it: {0:?}")]
    Policy(PolicyFault),
    /// A token came with a long-lived key.
    #[error("a session token came with a key that has none")]
    UnexpectedToken {
        /// The token as sent.
        token: String,
    },
    /// The Authorization header holds no space.
    #[error("the Authorization header holds no space")]
    AuthorizationSpace(String),
    /// The scheme of the Authorization header is none that S3 has.
    #[error("the Authorization scheme is not `AWS4-HMAC-SHA256`")]
    AuthorizationType(String),
    /// The Authorization header has not exactly the three components.
    #[error("the Authorization header has not exactly one Credential, SignedHeaders and Signature")]
    Components,
    /// `x-amz-content-sha256` is missing beside a header signature.
    #[error("the x-amz-content-sha256 header is missing")]
    MissingPayloadHash,
    /// `x-amz-content-sha256` is neither a digest nor a keyword.
    #[error("the x-amz-content-sha256 header `{0}` is neither a SHA-256 nor a keyword of S3")]
    BadPayloadHash(String),
    /// The keyword of `x-amz-content-sha256` asks for something that is not supported.
    #[error("the payload mode `{0}` is not supported")]
    PayloadMode(String),
    /// The keyword of `x-amz-content-sha256` is for uploads, and this is none.
    #[error("the payload mode `{0}` is for uploads only")]
    PayloadModeMethod(String),
    /// Neither `x-amz-date` nor `Date` is a date.
    #[error("neither `x-amz-date` nor `Date` is a date")]
    HeaderDate,
    /// The date of a header signature is too far from the time of the gate.
    #[error("the request is dated `{date}`, too far from the time of the gate")]
    Skewed {
        /// The date as sent.
        date: String,
        /// The time of the gate.
        now: UnixMillis,
        /// The largest allowed difference in milliseconds.
        max_millis: i64,
    },
    /// The body is not the one that was signed.
    #[error("the body is not the one that was signed")]
    PayloadMismatch {
        /// `x-amz-content-sha256` as sent.
        claimed: String,
        /// The SHA-256 of the body.
        computed: [u8; 32],
    },
    /// `x-amz-decoded-content-length` is not the length of the body of a presigned request, which is never decoded.
    #[error("the body has {provided} bytes, `x-amz-decoded-content-length` says `{expected}`")]
    BodyLength {
        /// The header as sent.
        expected: String,
        /// The bytes that the body has.
        provided: u64,
    },
    /// `x-amz-trailer` names no checksum that S3 has.
    #[error("the x-amz-trailer header names no checksum")]
    UnsupportedTrailer,
    /// More than one checksum comes with the body.
    #[error("more than one checksum comes with the body; send one")]
    SeveralChecksums,
    /// The length of the body must be told up front and is not.
    #[error("the length of the body is missing or no number")]
    MissingLength,
}

impl AuthError {
    /// The reason that stands for this error.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        match self {
            Self::Anonymous | Self::FormUnsigned => Reason::Anonymous,
            Self::SeveralMechanisms { .. } | Self::RepeatedAuthorization => Reason::SeveralMechanisms,
            Self::Disabled(_) => Reason::SchemeDisabled,
            Self::Algorithm | Self::AuthorizationType(_) => Reason::UnsupportedAlgorithm,
            Self::MissingParameter
            | Self::Components
            | Self::RegionSetMissing(_)
            | Self::V2Parameters
            | Self::FormField(_) => Reason::MissingParameter,
            Self::QueryDate | Self::HeaderDate => Reason::BadDate,
            Self::Expires(_) | Self::V2Expires(_) => Reason::BadExpires,
            Self::NotYetValid { .. } => Reason::NotYetValid,
            Self::Expired { .. } => Reason::Expired,
            Self::LifetimeTooLong { .. } => Reason::LifetimeTooLong,
            Self::Scope { fault, .. } | Self::FormScope { fault, .. } => fault.reason(),
            Self::ScopeDate { .. } => Reason::ScopeDate,
            Self::SignedHeaders(_)
            | Self::ReservedParameter { .. }
            | Self::AuthorizationSpace(_)
            | Self::V2Authorization(_)
            | Self::FormArgument { .. } => Reason::MalformedAuth,
            Self::HeadersNotSigned(_) => Reason::HeadersNotSigned,
            Self::SignedHeaderMissing(_) => Reason::SignedHeaderMissing,
            Self::Policy(fault) => match fault {
                PolicyFault::Malformed(_) => Reason::FormPolicy,
                PolicyFault::Expired => Reason::Expired,
                PolicyFault::Condition(_) | PolicyFault::ExtraFields(_) => Reason::FormCondition,
                PolicyFault::TooLarge { .. } | PolicyFault::TooSmall { .. } => Reason::FormSize,
            },
            Self::ParameterNotSigned(_) => Reason::ParameterNotSigned,
            Self::RegionSet { .. } => Reason::WrongRegion,
            Self::Key { fault, .. } => fault.reason(),
            Self::UnexpectedToken { .. } => Reason::BadToken,
            // a question that nobody answers is not an answer
            Self::Unasked(_) | Self::KeySource(_) => Reason::KeySource,
            Self::WrongSignature(_) => Reason::WrongSignature,
            Self::Uniform(reason) => *reason,
            Self::MissingPayloadHash | Self::BadPayloadHash(_) => Reason::BadPayloadHash,
            Self::PayloadMode(_) | Self::PayloadModeMethod(_) => Reason::PayloadMode,
            Self::Skewed { .. } => Reason::ClockSkew,
            Self::PayloadMismatch { .. } | Self::BodyLength { .. } => Reason::PayloadMismatch,
            Self::UnsupportedTrailer | Self::SeveralChecksums => Reason::BadParameter,
            Self::MissingLength => Reason::MissingLength,
        }
    }
}
