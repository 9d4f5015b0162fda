//! The body of `PutObjectAcl` and `PutBucketAcl`: which permissions it grants, and whether to a group.
//! It must not put a grant into words: a header and a body say the same in different ones.

use super::{BodyError, document, once};
use crate::s3::xml::Cursor;

/// What a grant gives (S3 user guide, "access control list overview").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// `FULL_CONTROL`
    FullControl,
    /// `READ`
    Read,
    /// `READ_ACP`
    ReadAcp,
    /// `WRITE`
    Write,
    /// `WRITE_ACP`
    WriteAcp,
}

impl Permission {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "FULL_CONTROL" => Self::FullControl,
            "READ" => Self::Read,
            "READ_ACP" => Self::ReadAcp,
            "WRITE" => Self::Write,
            "WRITE_ACP" => Self::WriteAcp,
            _ => return None,
        })
    }
}

/// An access control list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Acl {
    /// The permissions that it grants, each once.
    pub permissions: Vec<Permission>,
    /// Whether one of them goes to a group: everybody, every account, the log delivery.
    pub to_group: bool,
}

impl Acl {
    pub(super) fn parse(body: &[u8]) -> Result<Self, BodyError> {
        let mut acl = Self::default();
        let (mut owner, mut list) = (false, false);
        document(body, "AccessControlPolicy", |cursor, element| match element.name {
            "Owner" => {
                once(&mut owner)?;
                let mut found = [None, None];
                element.children(cursor, |cursor, element| match (element.name, &mut found) {
                    ("ID", [id, _]) => element.text(cursor, id),
                    ("DisplayName", [_, name]) => element.text(cursor, name),
                    _ => Err(BodyError::Element),
                })
            }
            "AccessControlList" => {
                once(&mut list)?;
                element.children(cursor, |cursor, element| match element.name {
                    "Grant" => {
                        let mut grant = Grant::default();
                        element.children(cursor, |cursor, element| match element.name {
                            "Grantee" => {
                                once(&mut grant.seen)?;
                                element.children(cursor, |cursor, element| grant.part(cursor, element))
                            }
                            "Permission" => element.text(cursor, &mut grant.permission),
                            _ => Err(BodyError::Element),
                        })?;
                        acl.add(&grant)
                    }
                    _ => Err(BodyError::Element),
                })
            }
            _ => Err(BodyError::Element),
        })?;
        Ok(acl)
    }

    fn add(&mut self, grant: &Grant) -> Result<(), BodyError> {
        let named = [&grant.id, &grant.uri, &grant.email].into_iter().flatten().count();
        let permission = grant.permission.as_deref().ok_or(BodyError::Element)?;
        let permission = Permission::parse(permission).ok_or(BodyError::Value)?;
        if named != 1 {
            return Err(BodyError::Element);
        }
        if !self.permissions.contains(&permission) {
            self.permissions.push(permission);
        }
        self.to_group |= grant.uri.is_some();
        Ok(())
    }
}

/// One grant as it is read.
#[derive(Default)]
struct Grant {
    seen: bool,
    permission: Option<String>,
    id: Option<String>,
    uri: Option<String>,
    email: Option<String>,
    name: Option<String>,
    kind: Option<String>,
}

impl Grant {
    fn part(&mut self, cursor: &mut Cursor<'_>, element: super::Element<'_>) -> Result<(), BodyError> {
        let slot = match element.name {
            "ID" => &mut self.id,
            "URI" => &mut self.uri,
            "EmailAddress" => &mut self.email,
            "DisplayName" => &mut self.name,
            "Type" => &mut self.kind,
            _ => return Err(BodyError::Element),
        };
        element.text(cursor, slot)
    }
}
