//! The bodies that lock an object: `Retention` and `LegalHold`.
//! It must not judge dates: conditions do.

use super::{BodyError, document};

/// The body of `PutObjectRetention`; one without elements lifts the retention.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// `GOVERNANCE` or `COMPLIANCE`.
    pub mode: Option<String>,
    /// Until when, as written.
    pub until: Option<String>,
}

impl Retention {
    pub(super) fn parse(body: &[u8]) -> Result<Self, BodyError> {
        let mut found = Self::default();
        document(body, "Retention", |cursor, element| match element.name {
            "Mode" => element.text(cursor, &mut found.mode),
            "RetainUntilDate" => element.text(cursor, &mut found.until),
            _ => Err(BodyError::Element),
        })?;
        match found.mode.as_deref() {
            None | Some("GOVERNANCE" | "COMPLIANCE") => Ok(found),
            Some(_) => Err(BodyError::Value),
        }
    }
}

/// Reads the body of `PutObjectLegalHold`.
pub(super) fn legal_hold(body: &[u8]) -> Result<Option<String>, BodyError> {
    let mut status = None;
    document(body, "LegalHold", |cursor, element| match element.name {
        "Status" => element.text(cursor, &mut status),
        _ => Err(BodyError::Element),
    })?;
    match status.as_deref() {
        None | Some("ON" | "OFF") => Ok(status),
        Some(_) => Err(BodyError::Value),
    }
}
