//! The tags of a body: `Tagging`, and the tags of a new bucket.
//! It must not judge names and values: S3 does.

use super::{BodyError, Element, document, once};
use crate::s3::tags::Tag;
use crate::s3::xml::Cursor;

/// Reads the body of `PutObjectTagging`.
pub(super) fn parse(body: &[u8]) -> Result<Vec<Tag>, BodyError> {
    let mut tags = Vec::new();
    let mut seen = false;
    document(body, "Tagging", |cursor, element| match element.name {
        "TagSet" => {
            once(&mut seen)?;
            read(cursor, element, &mut tags)
        }
        _ => Err(BodyError::Element),
    })?;
    if seen { Ok(tags) } else { Err(BodyError::Element) }
}

/// Reads the `Tag` elements inside one that was just opened.
pub(super) fn read(
    cursor: &mut Cursor<'_>,
    parent: Element<'_>,
    tags: &mut Vec<Tag>,
) -> Result<(), BodyError> {
    parent.children(cursor, |cursor, element| {
        if element.name != "Tag" {
            return Err(BodyError::Element);
        }
        let (mut key, mut value) = (None, None);
        element.children(cursor, |cursor, element| match element.name {
            "Key" => element.text(cursor, &mut key),
            "Value" => element.text(cursor, &mut value),
            _ => Err(BodyError::Element),
        })?;
        let (Some(key), Some(value)) = (key, value) else { return Err(BodyError::Element) };
        if tags.iter().any(|tag| tag.name == key) {
            return Err(BodyError::RepeatedTag);
        }
        tags.push(Tag { name: key, value });
        Ok(())
    })
}
