//! The body, where a rule must read it, and the headers that say as much as a body.
//! It must not ask the policies.

use super::outcome::Denial;
use super::{Judge, unreadable_body};
use crate::reason::Reason;
use crate::request::{BodyLength, RawRequest};
use crate::s3::address::Address;
use crate::s3::body::Body;
use crate::s3::classify::Classified;
use crate::s3::effective::effective_header;
use crate::s3::error::{ErrorCode, S3Error};
use crate::s3::operation::{ACL_HEADERS, Operation};
use crate::s3::requirement::Requirement;
use crate::s3::tags::{self, Tag};
use smallvec::SmallVec;

impl Judge<'_, '_, '_> {
    /// The body, if a rule must read it.
    pub(super) fn body(self, operation: Operation, body: Option<&[u8]>) -> Result<Reading, Denial> {
        if operation == Operation::PostObject {
            // browser forms carry their signature in the body
            return Err(super::internal());
        }
        // without a body there is nothing to be deleted, and no key
        let optional = operation != Operation::DeleteObjects;
        if !Body::is_read(operation) || (optional && self.request.body.is_empty()) {
            return Ok(Reading::Unneeded);
        }
        if matches!(self.request.body, BodyLength::Known(length) if length > self.buffered_limit()) {
            return Err(unreadable_body());
        }
        let Some(bytes) = body else { return Ok(Reading::Missing) };
        if optional && bytes.is_empty() {
            return Ok(Reading::Unneeded);
        }
        match Body::parse(operation, bytes) {
            None => Ok(Reading::Unneeded),
            Some(Err(error)) => Err(Denial { reason: error.reason(), error: error.s3() }),
            Some(Ok(Body::Acl(_))) if has_acl_header(self.request) => Err(Denial {
                reason: Reason::BadParameter,
                error: S3Error::with_message(
                    ErrorCode::InvalidRequest,
                    "An access control list is given in a header and in the body",
                ),
            }),
            Some(Ok(body)) => Ok(Reading::Read(body)),
        }
    }

    /// The tags of `x-amz-tagging`.
    pub(super) fn header_tags(self) -> Result<Option<Vec<Tag>>, Denial> {
        let value = effective_header(self.request, "x-amz-tagging");
        let tags = value.map(tags::parse_header).transpose();
        tags.map_err(|error| Denial { reason: error.reason(), error: error.s3() })
    }

    fn buffered_limit(self) -> u64 {
        u64::try_from(self.snapshot.limits.buffered_body).unwrap_or(u64::MAX)
    }
}

/// What is known of the body of a request.
pub(super) enum Reading {
    /// No rule reads it.
    Unneeded,
    /// It has to be read first.
    Missing,
    Read(Body),
}

/// What must be allowed: for each object that a body names, or as the head alone says.
pub(super) fn requirements_of<'a>(
    classified: Classified<'a>,
    address: &Address<'_>,
    body: Option<&Body>,
) -> SmallVec<[Requirement<'a>; 4]> {
    match (body, address.bucket()) {
        (Some(Body::Delete(body)), Some(bucket)) => {
            body.requirements(*bucket, &classified).into_iter().map(Requirement::into_owned).collect()
        }
        _ => classified.requirements,
    }
}

fn has_acl_header(request: &RawRequest<'_>) -> bool {
    ACL_HEADERS.iter().any(|name| effective_header(request, name).is_some())
}
