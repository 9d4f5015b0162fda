//! Why a request resolves to no operation, and the answers to that.
//! It must not decide: `classify.rs` and `names.rs` do.

use crate::reason::Reason;
use crate::s3::address::Scope;
use crate::s3::copy_source::CopySourceError;
use crate::s3::error::{ErrorCode, S3Error};

/// Why a request is not served. Names are those of query parameters or headers as far as they are text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClassifyError {
    /// More query parameters than S3 has names for.
    #[error("there are {0} query parameters, more than {max}", max = super::names::MAX_PARAMS)]
    TooManyParameters(usize),
    /// A parameter stands several times; for `x-amz-` names letter case does not matter.
    #[error("the query parameter `{0}` stands several times")]
    Repeated(String),
    /// A parameter of the signature stands several times.
    #[error("the signature parameter `{0}` stands several times")]
    RepeatedAuth(String),
    /// A parameter that must have a value has none.
    #[error("the query parameter `{0}` is empty")]
    Empty(&'static str),
    /// An `x-amz-` parameter whose name could not be that of a header.
    #[error("the query parameter `{0}` has no valid header name")]
    BadName(String),
    /// An `x-amz-` header stands on several lines.
    #[error("the header `{0}` stands on several lines")]
    RepeatedHeader(String),
    /// A header and the parameter that stands in for it have different values.
    #[error("the header and the query parameter `{0}` have different values")]
    HeaderAndQuery(String),
    /// Several sub-resources at once, sorted.
    #[error("the query names several sub-resources: {}", .0.join(", "))]
    Conflicting(Vec<&'static str>),
    /// No row of the table fits.
    #[error("no operation of S3 is called by `{method}` with these parameters")]
    NoOperation {
        /// The method as sent.
        method: String,
        /// What the address names.
        scope: Scope,
    },
    /// A parameter that the operation does not have.
    #[error("the operation has no query parameter `{0}`")]
    Unknown(String),
    /// See [`CopySourceError`].
    #[error(transparent)]
    CopySource(#[from] CopySourceError),
}

impl ClassifyError {
    /// The reason that stands for this error.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        match self {
            Self::Repeated(_) => Reason::RepeatedParameter,
            Self::RepeatedAuth(_) => Reason::MalformedAuth,
            Self::RepeatedHeader(_) => Reason::RepeatedHeader,
            Self::TooManyParameters(_)
            | Self::Empty(_)
            | Self::BadName(_)
            | Self::HeaderAndQuery(_)
            | Self::CopySource(_) => Reason::BadParameter,
            Self::Conflicting(_) => Reason::ConflictingSubresources,
            Self::NoOperation { .. } => Reason::UnknownOperation,
            Self::Unknown(_) => Reason::UnknownParameter,
        }
    }

    /// The answer.
    #[must_use]
    pub fn s3(&self) -> S3Error {
        let argument = |message: &'static str, name: &str| {
            S3Error::with_message(ErrorCode::InvalidArgument, message).extra("ArgumentName", name)
        };
        match self {
            Self::TooManyParameters(_) => S3Error::with_message(
                ErrorCode::InvalidArgument,
                "The request has too many query string parameters.",
            ),
            Self::Repeated(name) => argument("A query string parameter is given more than once.", name),
            Self::RepeatedAuth(_) => S3Error::with_message(
                ErrorCode::AuthorizationQueryParametersError,
                "A query-string authentication parameter is given more than once.",
            ),
            Self::Empty("versionId") => {
                argument("Version id cannot be the empty string", "versionId").extra("ArgumentValue", "")
            }
            Self::Empty(name) => {
                argument("The parameter cannot be the empty string", name).extra("ArgumentValue", "")
            }
            Self::BadName(name) => argument("The parameter has no valid name.", name),
            Self::RepeatedHeader(name) => argument("A header is given more than once.", name),
            Self::HeaderAndQuery(name) => S3Error::with_message(
                ErrorCode::InvalidRequest,
                "A header and the query string parameter of the same name have different values.",
            )
            .extra("ArgumentName", name.as_str()),
            Self::Conflicting(names) => S3Error::with_message(
                ErrorCode::InvalidArgument,
                format!("Conflicting query string parameters: {}", names.join(", ")),
            )
            .extra("ArgumentName", "ResourceType")
            .extra("ArgumentValue", names.first().copied().unwrap_or_default()),
            Self::NoOperation { method, scope } => S3Error::new(ErrorCode::MethodNotAllowed)
                .extra("Method", method.as_str())
                .extra("ResourceType", scope.resource_type()),
            Self::Unknown(name) => argument("A query string parameter is not known for this request.", name),
            Self::CopySource(_) => argument(
                "Copy Source must mention the source bucket and key: sourcebucket/sourcekey",
                "x-amz-copy-source",
            ),
        }
    }
}
