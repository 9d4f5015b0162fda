//! What the shell has to know to carry one permitted request to S3 and its answer back.
//! It must not hold anything that has to be decided again.

use super::body::BodyRules;
use super::rename::Renamed;
use crate::request::framing::Framing;

/// One request on its way to S3.
#[derive(Clone, Debug)]
pub struct Carriage {
    /// Whether the request is a HEAD: its answer has no body.
    pub to_head: bool,
    /// How the length of the request body is told, to the gate and to S3 alike.
    pub framing: Framing,
    /// Whether the client waits for `100 Continue`.
    pub expects_continue: bool,
    /// What the request body must be.
    pub rules: BodyRules,
    /// The bucket, where the answer names it and the store knows it by another name.
    pub renamed: Option<Renamed>,
}

impl Carriage {
    /// Whether sending the request twice does no harm and needs nothing of the client: a GET or HEAD without body.
    /// (The head parser refuses bodies of both.)
    #[must_use]
    pub fn is_repeatable(&self, method: crate::request::method::Method<'_>) -> bool {
        use crate::request::method::Method::{Get, Head};
        matches!(method, Get | Head) && self.framing == Framing::None
    }
}
