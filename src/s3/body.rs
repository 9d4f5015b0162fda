//! Bodies that a rule must read whole: they name what must be allowed, or carry values of condition keys.
//! It must not accept a document that two XML readers could take for different ones.

mod acl;
mod create_bucket;
mod object_lock;
mod tagging;

use super::delete_body::{DeleteBody, DeleteBodyError};
use super::error::{ErrorCode, S3Error};
use super::operation::Operation;
use super::tags::Tag;
use super::xml::{Cursor, Tag as Markup, XmlError};
use crate::reason::Reason;

pub use acl::{Acl, Permission};
pub use create_bucket::CreateBucket;
pub use object_lock::Retention;

/// A body that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// `DeleteObjects`: the objects.
    Delete(DeleteBody),
    /// `PutObjectTagging`: the tags that the object gets.
    Tagging(Vec<Tag>),
    /// `PutObjectRetention`: how long the object is kept.
    Retention(Retention),
    /// `PutObjectLegalHold`: `ON` or `OFF`; `None` if the body says neither.
    LegalHold(Option<String>),
    /// `PutObjectAcl`, `PutBucketAcl`: who gets what.
    Acl(Acl),
    /// `CreateBucket`: where, and with which tags.
    CreateBucket(CreateBucket),
}

/// Why a body is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// See [`DeleteBodyError`].
    #[error(transparent)]
    Delete(#[from] DeleteBodyError),
    /// See [`XmlError`].
    #[error("the body is malformed: {0}")]
    Xml(#[from] XmlError),
    /// An element where it must not stand, one that stands twice, or one that is missing.
    #[error("the body holds an element that is unknown, misplaced, repeated or missing")]
    Element,
    /// A value that the element does not have.
    #[error("the body holds a value that its element does not have")]
    Value,
    /// Two tags of one name.
    #[error("the body gives a tag twice")]
    RepeatedTag,
}

impl BodyError {
    /// The reason that stands for this error.
    #[must_use]
    pub const fn reason(self) -> Reason {
        Reason::MalformedBody
    }

    /// The answer.
    #[must_use]
    pub fn s3(self) -> S3Error {
        match self {
            Self::Delete(error) => error.s3(),
            Self::Xml(_) | Self::Element | Self::Value => S3Error::new(ErrorCode::MalformedXML),
            Self::RepeatedTag => S3Error::with_message(
                ErrorCode::InvalidArgument,
                "Cannot provide multiple Tags with the same key",
            ),
        }
    }
}

impl Body {
    /// Whether a rule reads the bodies of this operation.
    #[must_use]
    pub const fn is_read(operation: Operation) -> bool {
        matches!(
            operation,
            Operation::DeleteObjects
                | Operation::PutObjectTagging
                | Operation::PutObjectRetention
                | Operation::PutObjectLegalHold
                | Operation::PutObjectAcl
                | Operation::PutBucketAcl
                | Operation::CreateBucket
        )
    }

    /// Reads a whole body; the caller caps its size. `None` for operations whose bodies are not read.
    ///
    /// # Errors
    /// See [`BodyError`].
    pub fn parse(operation: Operation, body: &[u8]) -> Option<Result<Self, BodyError>> {
        Some(match operation {
            Operation::DeleteObjects => DeleteBody::parse(body).map(Self::Delete).map_err(BodyError::Delete),
            Operation::PutObjectTagging => tagging::parse(body).map(Self::Tagging),
            Operation::PutObjectRetention => Retention::parse(body).map(Self::Retention),
            Operation::PutObjectLegalHold => object_lock::legal_hold(body).map(Self::LegalHold),
            Operation::PutObjectAcl | Operation::PutBucketAcl => Acl::parse(body).map(Self::Acl),
            Operation::CreateBucket => CreateBucket::parse(body).map(Self::CreateBucket),
            _ => return None,
        })
    }
}

/// Reads a whole document: each child of the root is given to `child`, which takes it up to its end.
fn document(
    body: &[u8],
    root: &str,
    child: impl FnMut(&mut Cursor<'_>, Element<'_>) -> Result<(), BodyError>,
) -> Result<(), BodyError> {
    let mut cursor = Cursor::new(body)?;
    if cursor.root(root)? {
        children(&mut cursor, root, child)?;
    }
    Ok(cursor.end()?)
}

/// An element that was just opened, or closed at once.
#[derive(Clone, Copy, Debug)]
struct Element<'x> {
    name: &'x str,
    empty: bool,
}

impl Element<'_> {
    /// Its text; it must hold nothing else, and must not have been there before.
    fn text(self, cursor: &mut Cursor<'_>, into: &mut Option<String>) -> Result<(), BodyError> {
        let text = if self.empty { String::new() } else { cursor.text(self.name)? };
        if into.replace(text).is_some() {
            return Err(BodyError::Element);
        }
        Ok(())
    }

    /// Its children.
    fn children(
        self,
        cursor: &mut Cursor<'_>,
        child: impl FnMut(&mut Cursor<'_>, Element<'_>) -> Result<(), BodyError>,
    ) -> Result<(), BodyError> {
        if self.empty { Ok(()) } else { children(cursor, self.name, child) }
    }
}

fn children(
    cursor: &mut Cursor<'_>,
    parent: &str,
    mut child: impl FnMut(&mut Cursor<'_>, Element<'_>) -> Result<(), BodyError>,
) -> Result<(), BodyError> {
    loop {
        let element = match cursor.tag()? {
            Markup::Open(name) => Element { name, empty: false },
            Markup::Empty(name) => Element { name, empty: true },
            Markup::Close(name) if name == parent => return Ok(()),
            Markup::Close(_) => return Err(BodyError::Element),
        };
        child(cursor, element)?;
    }
}

/// Marks an element that may stand once.
fn once(seen: &mut bool) -> Result<(), BodyError> {
    if std::mem::replace(seen, true) { Err(BodyError::Element) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
