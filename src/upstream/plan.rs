//! What the shell has to know to carry one permitted request to S3 and its answer back.
//! It must not hold anything that has to be decided again.

use super::body::BodyRules;
use super::rename::Renamed;
use crate::request::framing::Framing;

/// Up to this many bytes, a body that is checked is read and judged before S3 hears of it.
const JUDGED_FIRST: u64 = 64 * 1024;

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
    /// The bucket, where the answer names it and the store knows it by another name.
    pub renamed: Option<Box<Renamed>>,
}

impl Carriage {
    /// Whether the body is read and judged before a byte of the request leaves: one that can be wrong and is small, or
    /// whose head alone would complete it.
    #[must_use]
    pub const fn is_judged_first(&self) -> bool {
        matches!(self.sent, Framing::Known(length) if length <= JUDGED_FIRST) && self.rules.is_checked()
    }

    /// Whether sending the request twice does no harm and needs nothing of the client: a GET or HEAD without body.
    /// (The head parser refuses bodies of both.)
    #[must_use]
    pub fn is_repeatable(&self, method: crate::request::method::Method<'_>) -> bool {
        use crate::request::method::Method::{Get, Head};
        matches!(method, Get | Head) && self.framing == Framing::None
    }
}
