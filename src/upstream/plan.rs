//! What the shell has to know to carry one permitted request to S3 and its answer back.
//! It must not hold anything that has to be decided again.

use super::body::BodyRules;
use super::mapping::{Mapping, Replacement};
use crate::request::framing::Framing;

/// Up to this many bytes, a body that is checked is read and judged before S3 hears of it.
const JUDGED_FIRST: u64 = 64 * 1024;

/// The answer to a form whose file S3 has taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostAnswer {
    /// 200, 201 or 204; 303 with a place to go on to.
    pub status: PostStatus,
    /// The bytes of the form before its file: what the gate has read when it decides.
    pub before: u64,
    /// The URL of the object.
    pub location: String,
    /// The bucket as the client knows it.
    pub bucket: String,
    /// The key.
    pub key: String,
}

/// What a form asks to be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PostStatus {
    /// 200, nothing more.
    Ok,
    /// 201, with a document about the object.
    Created,
    /// 204.
    NoContent,
    /// 303 to this URL, with bucket, key and entity tag added.
    SeeOther(String),
}

impl PostStatus {
    /// The status code.
    #[must_use]
    pub const fn code(&self) -> u16 {
        match self {
            Self::Ok => 200,
            Self::Created => 201,
            Self::NoContent => 204,
            Self::SeeOther(_) => 303,
        }
    }
}

/// One request on its way to S3.
#[derive(Clone, Debug)]
pub struct Carriage {
    /// Whether the request is a HEAD: its answer has no body.
    pub to_head: bool,
    /// How the client tells the length of the request body.
    pub framing: Framing,
    /// How the gate tells it to S3.
    pub sent: Framing,
    /// Whether the client waits for `100 Continue`.
    pub expects_continue: bool,
    /// What the request body must be.
    pub rules: BodyRules,
    /// How a form is answered when S3 has taken its file; `None` if the answer of S3 is passed on.
    pub posted: Option<Box<PostAnswer>>,
    /// How names in the answer are exchanged; `None` if it shows none that the client does not know.
    pub mapping: Option<Box<Mapping>>,
    /// The body that S3 gets in the place of the client's.
    pub replacement: Option<Box<Replacement>>,
}

impl Carriage {
    /// Whether the body is read and judged before a byte of the request leaves: one that can be wrong and is small, or
    /// whose head alone would complete it.
    #[must_use]
    pub const fn is_judged_first(&self) -> bool {
        self.replacement.is_some()
            || matches!(self.sent, Framing::Known(length) if length <= JUDGED_FIRST)
                && self.rules.is_checked()
    }

    /// Whether sending the request twice does no harm and needs nothing of the client: a GET or HEAD without body.
    /// (The head parser refuses bodies of both.)
    #[must_use]
    pub fn is_repeatable(&self, method: crate::request::method::Method<'_>) -> bool {
        use crate::request::method::Method::{Get, Head};
        matches!(method, Get | Head) && self.framing == Framing::None
    }
}
