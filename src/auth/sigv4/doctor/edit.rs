//! One way in which a part may have been when it was signed, and which of them go together.
//! It must not try anything.

use super::cause::Cause;
use crate::auth::sigv4::CONTENT_SHA256;
use crate::auth::sigv4::key::SigningKey;

/// A part as it may have been.
#[derive(Debug)]
pub(super) enum What {
    /// The value of Host.
    Host(Vec<u8>),
    /// The canonical path.
    Path(Vec<u8>),
    /// Both, where the bucket is named.
    HostAndPath(Vec<u8>, Vec<u8>),
    /// The canonical query.
    Query(Vec<u8>),
    /// Both, as a proxy tells that they were.
    PathAndQuery(Vec<u8>, Vec<u8>),
    /// The method.
    Method(&'static str),
    /// The canonical value of a signed header.
    Header(String, Vec<u8>),
    /// The payload line, and the header that tells it.
    Payload(Vec<u8>),
    /// The key.
    Key(SigningKey),
    /// The digits of the signature in upper case.
    UpperCase,
}

/// A part as it may have been, and what that would mean.
#[derive(Debug)]
pub(super) struct Edit {
    pub(super) cause: Cause,
    pub(super) what: What,
    /// What was signed, where it may be shown: a host, a path, the name of a header or parameter, never a value.
    pub(super) signed: Option<String>,
}

/// What an edit is about: two about the same exclude each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Host,
    Path,
    Query,
    Header,
    Payload,
    /// Changes that come alone.
    Alone,
}

impl Edit {
    pub(super) const fn new(cause: Cause, what: What) -> Self {
        Self { cause, what, signed: None }
    }

    pub(super) fn shown(cause: Cause, what: What, signed: impl Into<String>) -> Self {
        Self { cause, what, signed: Some(signed.into()) }
    }

    /// The value that a header gets.
    pub(super) fn header(&self, name: &str) -> Option<&Vec<u8>> {
        match &self.what {
            What::Host(value) | What::HostAndPath(value, _) => (name == "host").then_some(value),
            What::Header(edited, value) => (name == edited).then_some(value),
            What::Payload(value) => (name == CONTENT_SHA256).then_some(value),
            _ => None,
        }
    }

    pub(super) const fn part(&self) -> Part {
        match &self.what {
            What::Host(_) => Part::Host,
            What::Path(_) => Part::Path,
            What::Query(_) => Part::Query,
            What::Header(..) => Part::Header,
            What::Payload(_) => Part::Payload,
            What::HostAndPath(..)
            | What::PathAndQuery(..)
            | What::Method(_)
            | What::Key(_)
            | What::UpperCase => Part::Alone,
        }
    }

    /// Whether this and `other` may both have happened.
    pub(super) fn goes_with(&self, other: &Self) -> bool {
        match (&self.what, &other.what) {
            (What::Header(one, _), What::Header(two, _)) => one != two,
            (What::HostAndPath(..) | What::PathAndQuery(..), _) => {
                matches!(other.part(), Part::Header | Part::Payload)
            }
            (What::Method(_), _) => matches!(other.part(), Part::Host | Part::Path),
            _ => self.part() != other.part() && self.part() != Part::Alone && other.part() != Part::Alone,
        }
    }
}
