//! The body of `DeleteObjects`: the keys that must be allowed one by one.
//! It must not accept a document that two XML readers could take for different keys.

use super::bucket::BucketName;
use super::classify::{BodyObject, Classified};
use super::error::{ErrorCode, S3Error};
use super::key::{Key, KeyError};
use super::requirement::Requirement;
use super::xml::{Cursor, Tag, XmlError};
use crate::reason::Reason;
use crate::request::percent::is_unreserved;

/// The most objects of one request (S3 API reference, DeleteObjects).
pub const MAX_OBJECTS: usize = 1000;

/// One object to delete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeletedObject {
    /// Its key.
    pub key: Key<'static>,
    /// The version to delete, if one is named.
    pub version: Option<String>,
    /// What must be so for it to be deleted, by element, as it came: S3 looks at it.
    pub conditions: Vec<(&'static str, String)>,
}

/// Elements that make a deletion conditional; none names another object.
const CONDITIONS: [&str; 3] = ["ETag", "LastModifiedTime", "Size"];

/// A body that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeleteBody {
    /// The objects in the order of the body; at least one, at most [`MAX_OBJECTS`].
    pub objects: Vec<DeletedObject>,
    /// Whether only failures are to be told.
    pub quiet: bool,
}

/// Why a body is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeleteBodyError {
    /// See [`XmlError`].
    #[error("the body is malformed: {0}")]
    Xml(#[from] XmlError),
    /// An element where it must not stand, or one that stands twice.
    #[error("the body holds an element that is unknown, misplaced or repeated")]
    Element,
    /// `Quiet` is neither `true` nor `false`.
    #[error("`Quiet` is neither `true` nor `false`")]
    Quiet,
    /// A key is refused.
    #[error("a key of the body is refused: {0}")]
    Key(#[from] KeyError),
    /// A key begins or ends with white space, which some XML readers drop.
    #[error("a key of the body begins or ends with white space")]
    KeySpace,
    /// A version id is empty or no token.
    #[error("a version id of the body is malformed")]
    Version,
    /// No object, or more than [`MAX_OBJECTS`].
    #[error("the body must name 1 to {MAX_OBJECTS} objects")]
    Count,
}

impl DeleteBodyError {
    /// The reason that stands for this error.
    #[must_use]
    pub const fn reason(self) -> Reason {
        Reason::MalformedBody
    }

    /// The answer.
    #[must_use]
    pub fn s3(self) -> S3Error {
        match self {
            Self::Key(error @ KeyError::TooLong(_)) => error.s3(),
            _ => S3Error::new(ErrorCode::MalformedXML),
        }
    }
}

impl DeleteBody {
    /// Reads a whole body; the caller caps its size.
    ///
    /// # Errors
    /// See [`DeleteBodyError`].
    pub fn parse(body: &[u8]) -> Result<Self, DeleteBodyError> {
        let mut cursor = Cursor::new(body)?;
        if !cursor.root("Delete")? {
            return Err(DeleteBodyError::Count);
        }
        let mut objects = Vec::new();
        let mut quiet = None;
        loop {
            match cursor.tag()? {
                Tag::Open("Object") if objects.len() == MAX_OBJECTS => return Err(DeleteBodyError::Count),
                Tag::Open("Object") => objects.push(object(&mut cursor)?),
                Tag::Open("Quiet") if quiet.is_none() => {
                    quiet = Some(match cursor.text("Quiet")?.as_str() {
                        "true" => true,
                        "false" => false,
                        _ => return Err(DeleteBodyError::Quiet),
                    });
                }
                Tag::Close("Delete") => break,
                Tag::Open(_) | Tag::Close(_) | Tag::Empty(_) => return Err(DeleteBodyError::Element),
            }
        }
        cursor.end()?;
        if objects.is_empty() {
            return Err(DeleteBodyError::Count);
        }
        Ok(Self { objects, quiet: quiet.unwrap_or(false) })
    }

    /// All that must be allowed, for each object of the body, in place of the markers of `classified`.
    #[must_use]
    pub fn requirements(&self, bucket: BucketName, classified: &Classified<'_>) -> Vec<Requirement<'_>> {
        let mut out = Vec::with_capacity(self.objects.len());
        for object in &self.objects {
            let has_version = object.version.is_some();
            let object = BodyObject { bucket, key: &object.key, has_version, fields: &[] };
            classified.require_body_object(object, &mut out);
        }
        out
    }
}

fn object(cursor: &mut Cursor<'_>) -> Result<DeletedObject, DeleteBodyError> {
    let mut key = None;
    let mut version = None;
    let mut conditions: Vec<(&str, String)> = Vec::new();
    loop {
        match cursor.tag()? {
            Tag::Open("Key") if key.is_none() => {
                let text = cursor.text("Key")?;
                if text.trim_ascii().len() != text.len() {
                    return Err(DeleteBodyError::KeySpace);
                }
                key = Some(Key::parse(text.into_bytes())?);
            }
            Tag::Open("VersionId") if version.is_none() => {
                let text = cursor.text("VersionId")?;
                if text.is_empty() || !text.bytes().all(is_unreserved) {
                    return Err(DeleteBodyError::Version);
                }
                version = Some(text);
            }
            Tag::Open(name) => {
                let known =
                    *CONDITIONS.iter().find(|known| **known == name).ok_or(DeleteBodyError::Element)?;
                if conditions.iter().any(|(seen, _)| *seen == known) {
                    return Err(DeleteBodyError::Element);
                }
                conditions.push((known, cursor.text(name)?));
            }
            Tag::Close("Object") => break,
            Tag::Close(_) | Tag::Empty(_) => return Err(DeleteBodyError::Element),
        }
    }
    Ok(DeletedObject { key: key.ok_or(DeleteBodyError::Element)?, version, conditions })
}

#[cfg(test)]
mod tests;
