//! What a request body must be, and how it travels on to S3.
//! It must not look at bytes: [`guard`] does.

pub mod digests;
mod form;
pub mod guard;
pub mod onward;

use crate::auth::sigv4::chunked::plan::ChunkPlan;
use crate::reason::Reason;
use crate::request::form::Boundary;
use crate::s3::error::{ErrorCode, S3Error};
use digests::Digests;
use onward::Onward;

/// What a body must be. "Data" is what becomes the object: the body without the framing of `aws-chunked`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BodyRules {
    /// What the data must hash to.
    pub digests: Digests,
    /// The framing around the data, its signatures and its trailer; `None` if the body is the data itself.
    pub chunks: Option<Box<ChunkPlan>>,
    /// The form around the data; `None` if the body is none.
    pub form: Option<FormFile>,
    /// How it travels on.
    pub onward: Onward,
    /// The most bytes of data.
    pub max: u64,
    /// The fewest bytes of data.
    pub min: u64,
}

impl BodyRules {
    /// Whether the body can turn out wrong by more than its length.
    #[must_use]
    pub const fn is_checked(&self) -> bool {
        self.chunks.is_some() || self.form.is_some() || !self.digests.is_empty()
    }
}

/// The file in a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormFile {
    /// What ends it.
    pub boundary: Boundary,
    /// Its bytes, as S3 is told.
    pub length: u64,
}

/// A body that is not what it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BodyFault {
    /// Why.
    pub reason: Reason,
    /// The answer.
    pub error: S3Error,
}

/// The answer to a body larger than allowed.
#[must_use]
pub fn too_large(proposed: u64, max: u64) -> BodyFault {
    let error = S3Error::new(ErrorCode::EntityTooLarge)
        .extra("ProposedSize", proposed.to_string())
        .extra("MaxSizeAllowed", max.to_string());
    BodyFault { reason: Reason::BodyTooLarge, error }
}

/// The answer to a body smaller than allowed.
fn too_small(proposed: u64, min: u64) -> BodyFault {
    let error = S3Error::new(ErrorCode::EntityTooSmall)
        .extra("ProposedSize", proposed.to_string())
        .extra("MinSizeAllowed", min.to_string());
    BodyFault { reason: Reason::LinkContentLength, error }
}
