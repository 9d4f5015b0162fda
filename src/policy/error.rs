//! What is wrong or doubtful in a policy document, and where.
//! It must not stop at the first: all findings are shown together.

mod hint;
mod warning;

use super::arn::ArnError;
use super::document::Kind;
use super::operator::OperatorError;
use super::pattern::PatternError;
use super::principal::EntryError;
use super::value::IpError;

pub use warning::{Warning, WarningKind};

/// Where in a document something stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The way from the root: `Statement[0].Condition.IpAddress.aws:SourceIp[1]`; empty for the document itself.
    pub path: String,
    /// Line and column, both from 1, columns in characters; `None` for documents inside other files.
    pub position: Option<(usize, usize)>,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some((line, column)) = self.position {
            write!(f, "{line}:{column}: ")?;
        }
        f.write_str(if self.path.is_empty() { "document" } else { &self.path })
    }
}

/// An error of a policy document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {kind}{}", .kind.hint().map(|hint| format!("; {hint}")).unwrap_or_default())]
pub struct PolicyError {
    /// Where it is.
    pub place: Place,
    /// What it is.
    pub kind: ErrorKind,
}

/// Why a policy document is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ErrorKind {
    /// More bytes than allowed.
    #[error("the document has {0} bytes, more than the {1} that are read")]
    TooLarge(usize, usize),
    /// No JSON.
    #[error("this is no JSON: {0}")]
    Syntax(String),
    /// Deeper than any policy.
    #[error("this is nested deeper than any policy")]
    TooDeep,
    /// More items in a list than allowed.
    #[error("the list has {0} items, more than the {1} that are read")]
    TooMany(usize, usize),
    /// A text that is longer than allowed.
    #[error("the text has {0} bytes, more than the {1} that are read")]
    TooLong(usize, usize),
    /// A value of another JSON type.
    #[error("this must be {0}")]
    WrongType(&'static str),
    /// `null`.
    #[error("this is `null`")]
    Null,
    /// An element that stands twice in its object.
    #[error("`{0}` stands here twice")]
    Duplicate(String),
    /// An element that the policy language does not have, and those that it has in this place.
    #[error("`{0}` is no element of a policy here")]
    UnknownElement(String, &'static [&'static str]),
    /// An element that must be there.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// Two elements that exclude each other.
    #[error("`{0}` and `{1}` exclude each other")]
    Both(&'static str, &'static str),
    /// An empty list or text where something must be named.
    #[error("this is empty")]
    Empty,
    /// A version that does not exist.
    #[error("`{0}` is no version")]
    Version(String),
    /// An element that this kind of document must not have.
    #[error("`{element}` has no place in this {}", .kind.name())]
    NotInKind {
        /// The element.
        element: &'static str,
        /// The kind of document.
        kind: Kind,
    },
    /// A Sid that is used before.
    #[error("the Sid `{0}` is used by an earlier statement")]
    DuplicateSid(String),
    /// A Sid with control characters.
    #[error("the Sid `{0}` has characters that cannot be printed")]
    Sid(String),
    /// Neither Allow nor Deny.
    #[error("`{0}` is no effect")]
    Effect(String),
    /// `NotPrincipal` with Allow.
    #[error("NotPrincipal with Allow grants to everybody else, anonymous too")]
    NotPrincipalAllow,
    /// A type of principal that does not exist.
    #[error("`{0}` is no type of principal")]
    PrincipalType(String),
    /// A principal that is a text other than `*`.
    #[error("`{0}` is no principal")]
    PrincipalText(String),
    /// A malformed principal.
    #[error("the principal `{0}` {1}")]
    Principal(String, EntryError),
    /// Not 64 hexadecimal digits.
    #[error("`{0}` is no canonical user id, which has 64 hexadecimal digits")]
    CanonicalUser(String),
    /// Not `service:Name`.
    #[error("`{0}` is no action")]
    Action(String),
    /// A wildcard in the service of an action.
    #[error("the action `{0}` has a wildcard in its service")]
    ActionService(String),
    /// A malformed resource.
    #[error("the resource `{0}` {1}")]
    Resource(String, ArnError),
    /// A variable where none can stand.
    #[error("`{0}` has a variable, which cannot stand here")]
    Variable(String),
    /// A malformed variable.
    #[error(transparent)]
    Pattern(PatternError),
    /// A malformed operator.
    #[error("`{0}` {1}")]
    Operator(String, OperatorError),
    /// A text that is no name of a key.
    #[error("`{0}` is no condition key")]
    Key(String),
    /// A key whose value the gate cannot know.
    #[error("the gate cannot know `{0}`, which S3 keeps with the object or bucket")]
    UnknowableKey(String),
    /// A key with several values under an operator for one.
    #[error("`{0}` can have several values, and the operator takes one")]
    NeedsSetPrefix(String),
    /// No number.
    #[error("`{0}` is no decimal number")]
    Number(String),
    /// No instant.
    #[error("`{0}` is no date")]
    Date(String),
    /// Exactly four digits.
    #[error("`{0}` could be a year or a number of seconds")]
    AmbiguousDate(String),
    /// Neither true nor false.
    #[error("`{0}` is neither `true` nor `false`")]
    Bool(String),
    /// No base64.
    #[error("`{0}` is no base64")]
    Base64(String),
    /// No address range.
    #[error("`{0}` {1}")]
    Ip(String, IpError),
    /// A condition value that is no ARN.
    #[error("`{0}` {1}")]
    Arn(String, ArnError),
}
