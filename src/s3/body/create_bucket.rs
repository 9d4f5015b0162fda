//! The body of `CreateBucket`: where the bucket is made, and with which tags.
//! It must not judge regions: S3 and conditions do.

use super::{BodyError, Element, document, once, tagging};
use crate::s3::tags::Tag;
use crate::s3::xml::Cursor;

/// The body of `CreateBucket`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CreateBucket {
    /// The region, as written.
    pub location: Option<String>,
    /// The tags that the bucket gets; `None` without a list of them.
    pub tags: Option<Vec<Tag>>,
}

impl CreateBucket {
    pub(super) fn parse(body: &[u8]) -> Result<Self, BodyError> {
        let mut found = Self::default();
        let (mut zone, mut kind) = (false, false);
        document(body, "CreateBucketConfiguration", |cursor, element| match element.name {
            "LocationConstraint" => element.text(cursor, &mut found.location),
            "Tags" => {
                let mut tags = Vec::new();
                tagging::read(cursor, element, &mut tags)?;
                if found.tags.replace(tags).is_some() { Err(BodyError::Element) } else { Ok(()) }
            }
            // of directory buckets; no condition key asks for them
            "Location" => {
                once(&mut zone)?;
                texts(cursor, element, ["Name", "Type"])
            }
            "Bucket" => {
                once(&mut kind)?;
                texts(cursor, element, ["DataRedundancy", "Type"])
            }
            _ => Err(BodyError::Element),
        })?;
        Ok(found)
    }
}

/// Two texts of these names, each at most once.
fn texts(cursor: &mut Cursor<'_>, parent: Element<'_>, names: [&str; 2]) -> Result<(), BodyError> {
    let mut found = [None, None];
    parent.children(cursor, |cursor, element| {
        let slot = names.iter().zip(&mut found).find(|(name, _)| **name == element.name);
        slot.map_or(Err(BodyError::Element), |(_, slot)| element.text(cursor, slot))
    })
}
