//! What is wrong with a chunked body, and S3's answer to it.
//! It must not hold a right signature.

use crate::auth::answer::wrong_signature;
use crate::auth::checksum::Algorithm;
use crate::auth::error::Mismatch;
use crate::reason::Reason;
use crate::s3::error::{ErrorCode, S3Error};

/// Why a body in chunks is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChunkFault {
    /// The framing is broken, or the body ends too early or too late.
    #[error("the framing of the chunked body is broken or cut off")]
    Framing,
    /// The data is not as long as `x-amz-decoded-content-length` says.
    #[error("the decoded body has {provided} bytes instead of {expected}")]
    Length {
        /// The length as declared.
        expected: u64,
        /// The length of all chunks so far.
        provided: u64,
    },
    /// The signature of a chunk or of the trailer is not the right one.
    #[error("the signature of a chunk or of the trailer is not the right one")]
    WrongSignature(Box<Mismatch>),
    /// The same, where nothing is told about it.
    #[error("the signature of a chunk or of the trailer is not the right one")]
    Uniform,
    /// A signed chunk that is not the last one is smaller than 8192 bytes.
    #[error("the signed chunk before chunk {chunk} has only {size} bytes")]
    Size {
        /// The number, from 1, of the chunk that follows it: where S3 finds out.
        chunk: u64,
        /// Its size.
        size: u64,
    },
    /// The declared trailer is missing, another one came, or a line of it is none.
    #[error("the trailer is malformed, or not the declared one")]
    Trailer,
    /// The value of the trailer is not base64 of the right width.
    #[error("the trailer `{}` is no checksum", .0.header())]
    TrailerValue(Algorithm),
    /// The checksum is not that of the body.
    #[error("the {} of the body is not the one in the trailer", .0.name())]
    Checksum(Algorithm),
}

impl ChunkFault {
    /// The reason that stands for this fault.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        match self {
            Self::Framing | Self::Size { .. } | Self::Trailer | Self::TrailerValue(_) => {
                Reason::MalformedBody
            }
            Self::Length { .. } => Reason::PayloadMismatch,
            Self::WrongSignature(_) | Self::Uniform => Reason::WrongSignature,
            Self::Checksum(_) => Reason::BadDigest,
        }
    }

    /// The answer.
    #[must_use]
    pub fn s3(&self) -> S3Error {
        match self {
            Self::Framing => {
                S3Error::with_message(ErrorCode::IncompleteBody, "The request body terminated unexpectedly")
            }
            Self::Length { expected, provided } => S3Error::new(ErrorCode::IncompleteBody)
                .extra("NumberBytesExpected", expected.to_string())
                .extra("NumberBytesProvided", provided.to_string()),
            Self::WrongSignature(mismatch) => wrong_signature(mismatch),
            Self::Uniform => S3Error::new(ErrorCode::SignatureDoesNotMatch),
            Self::Size { chunk, size } => S3Error::new(ErrorCode::InvalidChunkSizeError)
                .extra("Chunk", chunk.to_string())
                .extra("BadChunkSize", size.to_string()),
            Self::Trailer => S3Error::new(ErrorCode::MalformedTrailerError),
            Self::TrailerValue(algorithm) => {
                let message = format!("Value for {} trailing header is invalid.", algorithm.header());
                S3Error::with_message(ErrorCode::InvalidRequest, message)
            }
            Self::Checksum(algorithm) => {
                let message =
                    format!("The {} you specified did not match the calculated checksum.", algorithm.name());
                S3Error::with_message(ErrorCode::BadDigest, message)
            }
        }
    }
}
