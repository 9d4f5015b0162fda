//! What must be allowed for an object that only the body of a request names.
//! It must not read the body: `delete_body.rs` does.

use super::Classified;
use crate::s3::bucket::BucketName;
use crate::s3::key::Key;
use crate::s3::operation::row::{On, When};
use crate::s3::operation::table;
use crate::s3::requirement::{Requirement, Resource};
use std::borrow::Cow;

/// An object as the body names it.
#[derive(Clone, Copy, Debug)]
pub struct BodyObject<'b> {
    /// The bucket of the address.
    pub bucket: BucketName,
    /// The key.
    pub key: &'b Key<'b>,
    /// Whether the body names a version of it.
    pub has_version: bool,
    /// The names of the form fields that came with it.
    pub fields: &'b [&'b str],
}

impl Classified<'_> {
    /// Appends what must be allowed for one object of the body, in place of the markers.
    pub fn require_body_object<'b>(&self, object: BodyObject<'b>, out: &mut Vec<Requirement<'b>>) {
        let decided = |when: &When| match *when {
            When::BodyKeyVersion(named) => object.has_version == named,
            When::FormField(name) => object.fields.contains(&name),
            // held when the head was classified, else the action would not be among the markers
            _ => true,
        };
        let marked = |action| {
            self.requirements.iter().any(|known| known.action == action && known.resource.is_marker())
        };
        let needs = table::body_rows()
            .filter(|row| row.operation == self.operation)
            .flat_map(|row| row.needs)
            .filter(|need| matches!(need.on, On::BodyObjects | On::FormObject))
            .filter(|need| marked(need.action) && need.when.iter().all(decided));
        for need in needs {
            for key in object.key.readings() {
                let resource = Resource::Object { bucket: object.bucket, key: Cow::Borrowed(key) };
                out.push(Requirement { action: need.action, resource, kind: need.kind });
            }
        }
    }
}
