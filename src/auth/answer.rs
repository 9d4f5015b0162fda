//! What S3 answers to a request that is not authenticated: code, message, and extra elements in S3's order.
//! It must not tell more than S3 tells: no secret, no right signature, and with uniform errors nothing about keys.

mod form;

use super::error::{AuthError, Disabled, ExpiresFault, Mismatch};
use super::hex;
use super::scheme::{Form, Scheme, lossy};
use super::sigv4::CONTENT_SHA256;
use super::sigv4::scope::ScopeFault;
use crate::clock::UnixMillis;
use crate::clock::civil::Civil;
use crate::s3::error::{ErrorCode, S3Error};

const ONE_MECHANISM: &str = "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature \
                             query string parameter or the Authorization header should be specified";
const ALGORITHMS: &str = "X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256\"";
const NOT_SIGNED: &str = "There were headers present in the request which were not signed";
const NOT_PRESENT: &str = "There were headers signed which were not present in the request";
const ONE_SPACE: &str = "Authorization header is invalid -- one and only one ' ' (space) required";
const KEY_AND_SIGNATURE: &str = "AWS authorization header is invalid.  Expected AwsAccessKeyId:signature";
const UNSUPPORTED_TYPE: &str = "Unsupported Authorization Type";
const THREE_COMPONENTS: &str =
    "the authorization header requires three components: Credential, SignedHeaders, and Signature.";
const MISSING_PAYLOAD_HASH: &str = "Missing required header for this request: x-amz-content-sha256";
const MISSING_REGION_SET: &str = "Missing required header for this request: x-amz-region-set";
const NO_STREAMING: &str =
    "x-amz-content-sha256 must be UNSIGNED-PAYLOAD or a valid sha256 value for this request.";
const NO_CHUNK_SIGNATURES: &str = "Chunks that carry such signatures are not supported; x-amz-content-sha256 must be \
                                   UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER or a valid sha256 value.";
const NO_SUCH_TRAILER: &str = "The value specified in the x-amz-trailer header is not supported";
const ONE_CHECKSUM: &str =
    "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.";
const SIX_PARAMETERS: &str = "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, \
                              X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.";
const PAYLOAD_HASHES: &str = "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, \
                              STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, \
                              STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD, \
                              STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER or a valid sha256 value.";

impl AuthError {
    /// The answer.
    #[must_use]
    pub fn s3(&self) -> S3Error {
        use ErrorCode as Code;
        match self {
            Self::Anonymous => S3Error::new(Code::AccessDenied),
            // a 403 would tell a client that its good key is gone
            Self::Unasked(_) | Self::KeySource(_) => S3Error::new(Code::ServiceUnavailable),
            Self::SeveralMechanisms { authorization } => several_mechanisms(authorization.as_deref()),
            Self::RepeatedAuthorization => {
                S3Error::new(Code::NotImplemented).extra("Header", "Authorization")
            }
            Self::Disabled(disabled) => switched_off(disabled),
            Self::Algorithm => query(ALGORITHMS),
            Self::MissingParameter => query(SIX_PARAMETERS),
            Self::QueryDate => {
                query("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"")
            }
            Self::Expires(fault) => query(expires(*fault)),
            Self::NotYetValid { signed_at, expires_at, now } => denied("Request is not yet valid")
                .extra("X-Amz-Date", signed_at.millis().to_string())
                .extra("Expires", iso(*expires_at))
                .extra("ServerTime", iso(*now)),
            Self::Expired { lifetime, expires_at, now } => {
                expired(*lifetime).extra("Expires", iso(*expires_at)).extra("ServerTime", iso(*now))
            }
            Self::V2Parameters => denied(
                "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters",
            ),
            Self::V2Expires(value) => {
                denied(format!("Invalid date (should be seconds since epoch): {value}"))
            }
            Self::FormField(name) => form::missing_field(name),
            Self::FormArgument { name, value } => argument("Invalid Argument", name, value),
            Self::FormScope { credential, fault } => form::scope(credential, fault),
            Self::FormUnsigned => denied("No AWSAccessKey was presented."),
            Self::Policy(fault) => form::policy(fault),
            Self::V2Authorization(value) => argument(KEY_AND_SIGNATURE, "Authorization", value),
            Self::ParameterNotSigned(name) => denied(format!("The parameter {name} is not signed.")),
            Self::LifetimeTooLong { max_secs } => {
                denied(format!("X-Amz-Expires must be at most {max_secs} seconds"))
            }
            Self::Scope { scheme, fault } => scope(*scheme, fault),
            Self::ScopeDate { scheme, scope, date } => scope_date(*scheme, scope, date),
            Self::SignedHeaders(scheme) => signed_headers(*scheme),
            Self::HeadersNotSigned(names) => denied(NOT_SIGNED).extra("HeadersNotSigned", names),
            Self::SignedHeaderMissing(name) => denied(NOT_PRESENT).extra("HeadersNotPresent", name),
            Self::RegionSetMissing(scheme) => missing_region_set(*scheme),
            Self::RegionSet { given, expected } => S3Error::new(Code::RegionSetMismatch)
                .extra("RequestedRegion", expected)
                .extra("RegionSet", given),
            Self::ReservedParameter { name, scheme } => reserved(name, *scheme),
            Self::Key { key_id, .. } => {
                S3Error::new(Code::InvalidAccessKeyId).extra("AWSAccessKeyId", key_id)
            }
            Self::WrongSignature(mismatch) => wrong_signature(mismatch),
            Self::Uniform(_) => S3Error::new(Code::SignatureDoesNotMatch),
            Self::UnexpectedToken { token } => S3Error::new(Code::InvalidToken).extra("Token-0", token),
            Self::AuthorizationSpace(value) => argument(ONE_SPACE, "Authorization", value),
            Self::AuthorizationType(value) => argument(UNSUPPORTED_TYPE, "Authorization", value),
            Self::Components => header(THREE_COMPONENTS),
            Self::MissingPayloadHash => S3Error::with_message(Code::InvalidRequest, MISSING_PAYLOAD_HASH),
            Self::BadPayloadHash(value) => argument(PAYLOAD_HASHES, CONTENT_SHA256, value),
            Self::PayloadMode(_) => S3Error::with_message(Code::NotImplemented, NO_CHUNK_SIGNATURES)
                .extra("Header", CONTENT_SHA256),
            Self::PayloadModeMethod(value) => argument(NO_STREAMING, CONTENT_SHA256, value),
            Self::HeaderDate => denied("AWS authentication requires a valid Date or x-amz-date header"),
            Self::Skewed { date, now, max_millis } => S3Error::new(Code::RequestTimeTooSkewed)
                .extra("RequestTime", date)
                .extra("ServerTime", iso(*now))
                .extra("MaxAllowedSkewMilliseconds", max_millis.to_string()),
            Self::PayloadMismatch { claimed, computed } => S3Error::new(Code::XAmzContentSHA256Mismatch)
                .extra("ClientComputedContentSHA256", claimed)
                .extra("S3ComputedContentSHA256", lossy(&hex::encode(computed))),
            Self::BodyLength { expected, provided } => S3Error::new(Code::IncompleteBody)
                .extra("NumberBytesExpected", expected)
                .extra("NumberBytesProvided", provided.to_string()),
            Self::UnsupportedTrailer => S3Error::with_message(Code::InvalidRequest, NO_SUCH_TRAILER),
            Self::SeveralChecksums => S3Error::with_message(Code::InvalidRequest, ONE_CHECKSUM),
            Self::MissingLength => S3Error::new(Code::MissingContentLength),
        }
    }
}

fn iso(at: UnixMillis) -> String {
    Civil::from_instant(at).iso()
}

fn denied(message: impl Into<std::borrow::Cow<'static, str>>) -> S3Error {
    S3Error::with_message(ErrorCode::AccessDenied, message)
}

fn query(message: impl Into<std::borrow::Cow<'static, str>>) -> S3Error {
    S3Error::with_message(ErrorCode::AuthorizationQueryParametersError, message)
}

fn header(message: &str) -> S3Error {
    let message = format!("The authorization header is malformed; {message}");
    S3Error::with_message(ErrorCode::AuthorizationHeaderMalformed, message)
}

fn signed_headers(scheme: Scheme) -> S3Error {
    match scheme.form() {
        Form::Query => query("X-Amz-SignedHeaders must list distinct lower-case header names in order."),
        Form::Header | Form::Post => {
            header("SignedHeaders must list distinct lower-case header names in order.")
        }
    }
}

fn reserved(name: &str, scheme: Scheme) -> S3Error {
    match scheme.form() {
        Form::Query => query(format!("{name} must be given once, in this spelling.")),
        Form::Header | Form::Post => {
            S3Error::with_message(ErrorCode::InvalidArgument, ONE_MECHANISM).extra("ArgumentName", name)
        }
    }
}

fn argument(message: &'static str, name: &str, value: &str) -> S3Error {
    S3Error::with_message(ErrorCode::InvalidArgument, message)
        .extra("ArgumentName", name)
        .extra("ArgumentValue", value)
}

fn several_mechanisms(authorization: Option<&str>) -> S3Error {
    let error = S3Error::with_message(ErrorCode::InvalidArgument, ONE_MECHANISM)
        .extra("ArgumentName", "Authorization");
    match authorization {
        Some(value) => error.extra("ArgumentValue", value),
        None => error,
    }
}

fn switched_off(disabled: &Disabled) -> S3Error {
    match disabled {
        Disabled::SigV2 => S3Error::with_message(
            ErrorCode::InvalidRequest,
            "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
        ),
        Disabled::SigV4aQuery => query("X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\""),
        Disabled::SigV4aHeader(value) => argument(UNSUPPORTED_TYPE, "Authorization", value),
        Disabled::Post => S3Error::with_message(
            ErrorCode::InvalidRequest,
            "The authorization mechanism you have provided is not supported: uploads with a form are switched off.",
        ),
        Disabled::Header => S3Error::with_message(
            ErrorCode::InvalidRequest,
            "The authorization mechanism you have provided is not supported. Please use a presigned URL.",
        ),
    }
}

fn missing_region_set(scheme: Scheme) -> S3Error {
    match scheme.form() {
        Form::Query => query("SigV4a query auth requires a non empty x-amz-region-set parameter."),
        Form::Header | Form::Post => S3Error::with_message(ErrorCode::InvalidRequest, MISSING_REGION_SET),
    }
}

fn expired(lifetime: Option<u32>) -> S3Error {
    let error = denied("Request has expired");
    match lifetime {
        Some(lifetime) => error.extra("X-Amz-Expires", lifetime.to_string()),
        None => error,
    }
}

const fn expires(fault: ExpiresFault) -> &'static str {
    match fault {
        ExpiresFault::NotANumber => "X-Amz-Expires should be a number",
        ExpiresFault::Negative => "X-Amz-Expires must be non-negative",
        ExpiresFault::TooLong => {
            "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less \
             than 604800 seconds"
        }
    }
}

fn scope(scheme: Scheme, fault: &ScopeFault) -> S3Error {
    let error = match scheme.form() {
        Form::Query => query(format!("Error parsing the X-Amz-Credential parameter; {}", fault.message())),
        Form::Header | Form::Post => header(&fault.message()),
    };
    match fault {
        ScopeFault::Region { expected, .. } => error.extra("Region", expected),
        _ => error,
    }
}

fn scope_date(scheme: Scheme, scope: &str, date: &str) -> S3Error {
    match scheme.form() {
        Form::Query => query(format!(
            "Invalid credential date \"{scope}\". This date is not the same as X-Amz-Date: \"{date}\"."
        )),
        Form::Header | Form::Post => header("Invalid credential date. Date is not the same as X-Amz-Date."),
    }
}

pub(super) fn wrong_signature(mismatch: &Mismatch) -> S3Error {
    let pairs = |bytes: &[u8]| {
        let mut text = Vec::with_capacity(bytes.len() * 3);
        hex::write_pairs(bytes, &mut text);
        // digits and spaces
        String::from_utf8(text).unwrap_or_default()
    };
    let error = S3Error::new(ErrorCode::SignatureDoesNotMatch)
        .extra("AWSAccessKeyId", &mismatch.key_id)
        .extra("StringToSign", lossy(&mismatch.string_to_sign))
        .extra("SignatureProvided", &mismatch.provided)
        .extra("StringToSignBytes", pairs(&mismatch.string_to_sign));
    if mismatch.canonical_request.is_empty() {
        return error;
    }
    error
        .extra("CanonicalRequest", lossy(&mismatch.canonical_request))
        .extra("CanonicalRequestBytes", pairs(&mismatch.canonical_request))
}
