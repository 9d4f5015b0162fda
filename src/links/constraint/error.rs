//! Why a constraint refuses a request, and the answers to that.
//! It must not tell a client which network a link is bound to.

use super::Constraint;
use crate::reason::Reason;
use crate::s3::error::{ErrorCode, S3Error};

/// Why a constraint refuses a request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConstraintError {
    /// No constraint has this name, as it was sent.
    #[error("there is no constraint `{0}`; names are plain and in lower case")]
    Unknown(String),
    /// The value cannot be read.
    #[error("the value of `{}` is malformed: {}", .0.parameter(), .0.text())]
    Malformed(Constraint),
    /// It stands twice.
    #[error("the constraint `{}` stands several times", .0.parameter())]
    Repeated(Constraint),
    /// Network or time are not as the link asks, or not known.
    #[error("the constraint `{}` is not met", .0.parameter())]
    Unmet(Constraint),
    /// The upload is larger than the link allows.
    #[error("the upload has {proposed} bytes, more than {max}")]
    TooLarge {
        /// Its size in bytes.
        proposed: u64,
        /// The most that is allowed.
        max: u64,
    },
    /// The upload is smaller than the link allows.
    #[error("the upload has {proposed} bytes, less than {min}")]
    TooSmall {
        /// Its size in bytes.
        proposed: u64,
        /// The least that is allowed.
        min: u64,
    },
    /// The link limits the size of the upload, which is not told in advance.
    #[error("the link limits the size of the upload; send its length")]
    UnknownLength,
}

impl ConstraintError {
    pub(super) fn unknown(name: &[u8]) -> Self {
        Self::Unknown(String::from_utf8_lossy(name.get(..128).unwrap_or(name)).into_owned())
    }

    /// The reason that stands for this error.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        match self {
            Self::Unknown(_) => Reason::UnknownConstraint,
            Self::Malformed(_) | Self::Repeated(_) => Reason::MalformedConstraint,
            Self::Unmet(constraint) => match constraint {
                Constraint::SourceIp => Reason::LinkSourceIp,
                Constraint::SourceVpc => Reason::LinkSourceVpc,
                Constraint::SourceVpce => Reason::LinkSourceVpce,
                Constraint::NotBefore => Reason::LinkNotBefore,
                Constraint::ContentLengthRange => Reason::LinkContentLength,
                Constraint::Pin => Reason::LinkPin,
                Constraint::MaxUses => Reason::LinkMaxUses,
                Constraint::MaxBytes => Reason::LinkMaxBytes,
                Constraint::Rate => Reason::LinkRateLimited,
            },
            Self::TooLarge { .. } | Self::TooSmall { .. } | Self::UnknownLength => Reason::LinkContentLength,
        }
    }

    /// The answer.
    #[must_use]
    pub fn s3(&self) -> S3Error {
        let argument = |message: &'static str, name: &str| {
            S3Error::with_message(ErrorCode::InvalidArgument, message).extra("ArgumentName", name)
        };
        match self {
            Self::Unknown(name) => argument("A query string parameter is not known.", name),
            Self::Malformed(constraint) => {
                argument("A query string parameter is malformed.", constraint.parameter())
            }
            Self::Repeated(constraint) => {
                argument("A query string parameter is given more than once.", constraint.parameter())
            }
            Self::Unmet(_) => S3Error::new(ErrorCode::AccessDenied),
            Self::TooLarge { proposed, max } => S3Error::new(ErrorCode::EntityTooLarge)
                .extra("ProposedSize", proposed.to_string())
                .extra("MaxSizeAllowed", max.to_string()),
            Self::TooSmall { proposed, min } => S3Error::new(ErrorCode::EntityTooSmall)
                .extra("ProposedSize", proposed.to_string())
                .extra("MinSizeAllowed", min.to_string()),
            Self::UnknownLength => S3Error::new(ErrorCode::MissingContentLength),
        }
    }
}
