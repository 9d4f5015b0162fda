//! What S3 answers to a form that is not authenticated, or does not keep to its policy.
//! It must not tell more than S3 tells.

use super::denied;
use crate::auth::post::PolicyFault;
use crate::auth::sigv4::scope::ScopeFault;
use crate::s3::error::{ErrorCode, S3Error};

pub(super) fn missing_field(name: &'static str) -> S3Error {
    // two spaces, as S3 writes them
    let message = format!(
        "Bucket POST must contain a field named '{name}'.  If it is specified, please check the order of the fields."
    );
    S3Error::with_message(ErrorCode::InvalidArgument, message).extra("ArgumentName", name)
}

pub(super) fn scope(credential: &str, fault: &ScopeFault) -> S3Error {
    let error = S3Error::with_message(ErrorCode::InvalidArgument, fault.message())
        .extra("ArgumentName", "x-amz-credential")
        .extra("ArgumentValue", credential);
    match fault {
        ScopeFault::Region { expected, .. } => error.extra("Region", expected),
        _ => error,
    }
}

pub(super) fn policy(fault: &PolicyFault) -> S3Error {
    let refused = |what: &str| denied(format!("Invalid according to Policy: {what}"));
    match fault {
        PolicyFault::Malformed(what) => {
            S3Error::with_message(ErrorCode::InvalidPolicyDocument, format!("Invalid Policy: {what}"))
        }
        PolicyFault::Expired => refused("Policy expired."),
        PolicyFault::Condition(text) => refused(&format!("Policy Condition failed: {text}")),
        PolicyFault::ExtraFields(names) => refused(&format!("Extra input fields: {names}")),
        PolicyFault::TooLarge { proposed, max } => S3Error::new(ErrorCode::EntityTooLarge)
            .extra("ProposedSize", proposed.to_string())
            .extra("MaxSizeAllowed", max.to_string()),
        PolicyFault::TooSmall { proposed, min } => S3Error::new(ErrorCode::EntityTooSmall)
            .extra("ProposedSize", proposed.to_string())
            .extra("MinSizeAllowed", min.to_string()),
    }
}
