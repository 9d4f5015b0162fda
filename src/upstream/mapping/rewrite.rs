//! The XML of an answer on its way to the client: names as it knows them.
//! It must not hold more than one text, nor let a document that it cannot read pass where keys have a prefix.

use super::{Mapping, Prefix};

/// The most bytes of a tag or a text: a key with every byte of it as an entity or in percent-encoding.
const MOST: usize = 16 * 1024;

/// The documents that have names in them.
const ROOTS: [&[u8]; 11] = [
    b"CompleteMultipartUploadResult",
    b"CopyObjectResult",
    b"CopyPartResult",
    b"DeleteResult",
    ERROR,
    b"InitiateMultipartUploadResult",
    b"ListBucketResult",
    b"ListMultipartUploadsResult",
    // as moto calls it
    b"ListPartsResponse",
    b"ListPartsResult",
    b"ListVersionsResult",
];
const ERROR: &[u8] = b"Error";

/// Why an answer goes no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RewriteError {
    /// It is no plain XML of a document that is known.
    #[error("the answer is not a document that S3 has")]
    Unreadable,
    /// It names a key beyond the prefix.
    #[error("the answer names a key beyond the prefix")]
    Outside,
}

/// What the text of an element is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// A key, or the beginning of keys.
    Key,
    Bucket,
    Location,
    Resource,
    Other,
}

impl Role {
    /// By its name and how deep it stands; 1 is the root.
    fn of(name: &[u8], depth: u16) -> Self {
        match name {
            b"Key" | b"Prefix" | b"Marker" | b"NextMarker" | b"StartAfter" | b"KeyMarker"
            | b"NextKeyMarker" => Self::Key,
            b"Name" | b"Bucket" | b"BucketName" if depth == 2 => Self::Bucket,
            b"Location" if depth == 2 => Self::Location,
            b"Resource" => Self::Resource,
            _ => Self::Other,
        }
    }
}

/// Follows one body.
#[derive(Debug)]
pub struct Rewrite<'m> {
    mapping: &'m Mapping,
    /// What is not a whole tag or text yet.
    held: Vec<u8>,
    depth: u16,
    /// Of the element that was just opened.
    role: Option<Role>,
    has_root: bool,
    is_error: bool,
    /// Whether the rest passes as it is: nothing in it is secret, and it is no document of S3.
    passes: bool,
}

impl<'m> Rewrite<'m> {
    /// Nothing seen yet.
    #[must_use]
    pub const fn new(mapping: &'m Mapping) -> Self {
        Self {
            mapping,
            held: Vec::new(),
            depth: 0,
            role: None,
            has_root: false,
            is_error: false,
            passes: false,
        }
    }

    /// Takes the next bytes of the body; appends what can go on.
    ///
    /// # Errors
    /// See [`RewriteError`]: nothing more may go on.
    pub fn next(&mut self, data: &[u8], out: &mut Vec<u8>) -> Result<(), RewriteError> {
        if self.passes {
            out.extend_from_slice(data);
            return Ok(());
        }
        let mut held = std::mem::take(&mut self.held);
        held.extend_from_slice(data);
        let mut rest = &held[..];
        let mut outcome = Ok(());
        while outcome.is_ok() {
            let Some((token, after)) = self.token(rest) else { break };
            outcome = self.take(token, out);
            if outcome.is_ok() {
                rest = after;
            }
        }
        if outcome.is_ok() && rest.len() > MOST {
            outcome = Err(RewriteError::Unreadable);
        }
        if outcome.is_err() && self.mapping.prefix.is_none() {
            // it shows what it showed before there was anything to change
            self.passes = true;
            out.extend_from_slice(rest);
            return Ok(());
        }
        self.held = rest.to_vec();
        outcome
    }

    /// The end of the body.
    ///
    /// # Errors
    /// The document is not complete.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), RewriteError> {
        let rest = std::mem::take(&mut self.held);
        if self.mapping.prefix.is_none() {
            out.extend_from_slice(&rest);
            return Ok(());
        }
        if rest.is_empty() && self.depth == 0 { Ok(()) } else { Err(RewriteError::Unreadable) }
    }

    /// The next tag or text and what follows; `None` if it is not whole yet.
    fn token<'d>(&self, bytes: &'d [u8]) -> Option<(&'d [u8], &'d [u8])> {
        let end = match bytes.first()? {
            b'<' => memchr::memchr(b'>', bytes)? + 1,
            // white space before a document keeps a connection alive, and must not wait
            _ if self.role.is_none() && bytes.iter().all(u8::is_ascii_whitespace) => bytes.len(),
            _ => memchr::memchr(b'<', bytes)?,
        };
        bytes.split_at_checked(end)
    }

    fn take(&mut self, token: &[u8], out: &mut Vec<u8>) -> Result<(), RewriteError> {
        let Some(tag) = token.strip_prefix(b"<") else {
            return self.text(token, out);
        };
        self.tag(tag.strip_suffix(b">").unwrap_or(tag))?;
        out.extend_from_slice(token);
        Ok(())
    }

    fn tag(&mut self, tag: &[u8]) -> Result<(), RewriteError> {
        match tag.first() {
            Some(b'?') if !self.has_root => Ok(()),
            Some(b'?' | b'!') | None => Err(RewriteError::Unreadable),
            Some(b'/') => {
                self.depth = self.depth.checked_sub(1).ok_or(RewriteError::Unreadable)?;
                self.role = None;
                Ok(())
            }
            Some(_) => {
                let end = tag.iter().position(|byte| byte.is_ascii_whitespace() || *byte == b'/');
                let name = tag.get(..end.unwrap_or(tag.len())).unwrap_or_default();
                if self.depth == 0 {
                    if self.has_root || !ROOTS.contains(&name) {
                        return Err(RewriteError::Unreadable);
                    }
                    (self.has_root, self.is_error) = (true, name == ERROR);
                }
                if tag.ends_with(b"/") {
                    self.role = None;
                } else {
                    self.depth = self.depth.checked_add(1).ok_or(RewriteError::Unreadable)?;
                    self.role = Some(Role::of(name, self.depth));
                }
                Ok(())
            }
        }
    }

    fn text(&self, text: &[u8], out: &mut Vec<u8>) -> Result<(), RewriteError> {
        let blank = text.iter().all(u8::is_ascii_whitespace);
        if self.depth == 0 && !blank {
            return Err(RewriteError::Unreadable);
        }
        let mapping = self.mapping;
        let prefix = mapping.prefix.as_ref();
        match (self.role.unwrap_or(Role::Other), prefix) {
            _ if blank => out.extend_from_slice(text),
            (Role::Key, Some(prefix)) => match strip(text, prefix, mapping.encoded) {
                Some(rest) => out.extend_from_slice(rest),
                // the error may be about another object; whose, is not said
                None if self.is_error => {}
                None => return Err(RewriteError::Outside),
            },
            (Role::Bucket, _) if prefix.is_some() || text == mapping.there.as_bytes() => {
                out.extend_from_slice(mapping.here.as_bytes());
            }
            (Role::Location, _) => out.extend_from_slice(mapping.location.as_bytes()),
            (Role::Resource, Some(_)) => out.extend_from_slice(mapping.resource.as_bytes()),
            (_, Some(prefix)) if mentions(text, prefix) => {}
            _ => out.extend_from_slice(text),
        }
        Ok(())
    }
}

/// A key without the prefix.
fn strip<'t>(text: &'t [u8], prefix: &Prefix, encoded: bool) -> Option<&'t [u8]> {
    if !encoded {
        return text.strip_prefix(prefix.as_str().as_bytes());
    }
    let mut rest = text;
    for byte in prefix.as_str().bytes() {
        rest = match rest {
            [b'%', high, low, after @ ..] => {
                let escape = [*high, *low];
                let value =
                    std::str::from_utf8(&escape).ok().and_then(|hex| u8::from_str_radix(hex, 16).ok());
                (value == Some(byte)).then_some(after)?
            }
            [first, after @ ..] => (*first == byte).then_some(after)?,
            [] => return None,
        };
    }
    Some(rest)
}

fn mentions(text: &[u8], prefix: &Prefix) -> bool {
    memchr::memmem::find(text, prefix.as_str().as_bytes()).is_some()
}
