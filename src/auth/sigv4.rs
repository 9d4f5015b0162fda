//! Signature version 4 as S3 verifies it (AWS documentation "Authenticating Requests", and `notes` of measurements).
//! It must not normalise paths, fall back to another canonical form, or choose a verifier by anything in the body.
//!
//! Both forms are parsed into one `Claim`, in the order of checks that S3 keeps; `verify` alone turns a claim into
//! [`Authenticated`](super::Authenticated). Where the gate is stricter than S3 it refuses only what S3 would have
//! served, so that everything S3 refuses is answered as S3 answers it.

pub mod asymmetric;
pub mod canonical;
pub mod chunked;
pub(super) mod claim;
pub mod doctor;
pub mod explain;
pub(super) mod header;
pub mod key;
pub mod presigned;
pub mod scope;
pub mod sign;
pub mod signed_headers;
pub(super) mod verify;

/// The algorithm name of HMAC signatures.
pub const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// The algorithm name of SigV4A signatures.
pub const ALGORITHM_V4A: &str = "AWS4-ECDSA-P256-SHA256";

/// The payload line of a request whose signature does not cover its body.
pub const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";

/// The header that tells the payload line.
pub const CONTENT_SHA256: &str = "x-amz-content-sha256";

/// The service of every scope.
pub const SERVICE: &str = "s3";

/// The last part of every scope.
pub const TERMINATOR: &str = "aws4_request";
