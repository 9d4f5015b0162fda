//! A bucket under another name, or inside another one: what a request says of it there, and an answer here.
//! It must not let a name from beyond the prefix through, nor guess what it cannot read.

pub mod rewrite;

use crate::request::percent::{Part, encode_into};
use crate::request::query::Query;
use crate::s3::delete_body::DeleteBody;
use crate::s3::operation::Operation;
use md5::{Digest as _, Md5};
use sha2::Sha256;

/// The longest prefix, in bytes: keys of a useful length must fit behind it.
const LONGEST: usize = 512;

/// What the keys of a bucket begin with in the bucket of the store: segments of letters, digits, `-`, `_` and `.`, each
/// followed by `/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefix(String);

impl Prefix {
    /// `None` for a text that could mean something else to somebody: no escapes, no dot segments, no half segment.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let good = |segment: &str| !matches!(segment, "" | "." | "..") && segment.bytes().all(known);
        let inner = text.strip_suffix('/')?;
        (text.len() <= LONGEST && inner.split('/').all(good)).then(|| Self(text.to_owned()))
    }

    /// The text, `/` at its end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key or the beginning of keys there.
    #[must_use]
    pub fn join(&self, rest: &[u8]) -> Vec<u8> {
        [self.0.as_bytes(), rest].concat()
    }
}

/// Whether an operation stays inside a prefix: it names its keys in the path, in the source of a copy, in the parameters
/// of a listing or in the body of `DeleteObjects`, or tells of the bucket what holds for any part of it. What is not
/// here is refused.
#[must_use]
pub const fn stays_inside(operation: Operation) -> bool {
    matches!(
        operation,
        Operation::AbortMultipartUpload
            | Operation::CompleteMultipartUpload
            | Operation::CopyObject
            | Operation::CreateMultipartUpload
            | Operation::DeleteObject
            | Operation::DeleteObjectTagging
            | Operation::DeleteObjects
            | Operation::GetBucketLocation
            | Operation::GetBucketVersioning
            | Operation::GetObject
            | Operation::GetObjectAcl
            | Operation::GetObjectAttributes
            | Operation::GetObjectLegalHold
            | Operation::GetObjectRetention
            | Operation::GetObjectTagging
            | Operation::HeadBucket
            | Operation::HeadObject
            | Operation::ListMultipartUploads
            | Operation::ListObjectVersions
            | Operation::ListObjects
            | Operation::ListObjectsV2
            | Operation::ListParts
            | Operation::PostObject
            | Operation::PutObject
            | Operation::PutObjectAcl
            | Operation::PutObjectLegalHold
            | Operation::PutObjectRetention
            | Operation::PutObjectTagging
            | Operation::UploadPart
            | Operation::UploadPartCopy
    )
}

/// Whether the answer names a bucket or keys in its body when all is well.
const fn names_something(operation: Operation) -> bool {
    matches!(
        operation,
        Operation::CompleteMultipartUpload
            | Operation::CopyObject
            | Operation::CreateMultipartUpload
            | Operation::DeleteObjects
            | Operation::ListMultipartUploads
            | Operation::ListObjectVersions
            | Operation::ListObjects
            | Operation::ListObjectsV2
            | Operation::ListParts
            | Operation::UploadPartCopy
    )
}

/// The parameters of a listing that are keys or beginnings of keys.
fn is_key_parameter(name: &[u8]) -> bool {
    matches!(name, b"prefix" | b"marker" | b"start-after" | b"key-marker")
}

/// The query of a listing as the store gets it, in canonical form; `None` if the operation is no listing.
#[must_use]
pub fn listing(operation: Operation, query: &Query<'_>, prefix: &Prefix) -> Option<Vec<u8>> {
    if !matches!(
        operation,
        Operation::ListMultipartUploads
            | Operation::ListObjectVersions
            | Operation::ListObjects
            | Operation::ListObjectsV2
    ) {
        return None;
    }
    let mut out = Vec::with_capacity(query.raw().len() + 2 * prefix.0.len() + 16);
    out.extend_from_slice(b"prefix=");
    let told = query.first(b"prefix").unwrap_or_default();
    encode_into(&prefix.join(told), Part::Query, &mut out);
    for param in query.iter().filter(|param| param.name() != b"prefix") {
        out.push(b'&');
        param.name.write_canonical(&mut out);
        if param.has_equals {
            out.push(b'=');
        }
        if is_key_parameter(param.name()) && !param.value.decoded().is_empty() {
            encode_into(&prefix.join(param.value.decoded()), Part::Query, &mut out);
        } else {
            param.value.write_canonical(&mut out);
        }
    }
    Some(out)
}

/// A body that goes to the store in the place of the client's, which was judged before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replacement {
    /// The body.
    pub body: Vec<u8>,
    /// Its SHA-256, hexadecimal: what the signature covers.
    pub sha256: String,
    /// Its MD5 in base64, which S3 wants with a list of objects to delete (S3 API reference, DeleteObjects).
    pub md5: String,
}

/// The list of objects to delete as the store gets it.
#[must_use]
pub fn deletion(list: &DeleteBody, prefix: &Prefix) -> Replacement {
    use base64::Engine as _;
    let mut body = String::from("<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
    if list.quiet {
        body.push_str("<Quiet>true</Quiet>");
    }
    for object in &list.objects {
        body.push_str("<Object><Key>");
        body.push_str(prefix.as_str());
        // INVARIANT: a key is UTF-8
        escape(&String::from_utf8_lossy(object.key.bytes()), &mut body);
        body.push_str("</Key>");
        if let Some(version) = &object.version {
            body.push_str("<VersionId>");
            escape(version, &mut body);
            body.push_str("</VersionId>");
        }
        for (name, value) in &object.conditions {
            body.extend(["<", name, ">"]);
            escape(value, &mut body);
            body.extend(["</", name, ">"]);
        }
        body.push_str("</Object>");
    }
    body.push_str("</Delete>");
    let body = body.into_bytes();
    let sha256 = crate::auth::hex::encode(&Sha256::digest(&body).into());
    let md5 = base64::engine::general_purpose::STANDARD.encode(Md5::digest(&body));
    Replacement { sha256: String::from_utf8_lossy(&sha256).into_owned(), md5, body }
}

/// Text between tags. What a reader could change on its way stands as a reference.
fn escape(text: &str, out: &mut String) {
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\r' => out.push_str("&#13;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push_str("&#9;"),
            other => out.push(other),
        }
    }
}

/// What answers are changed by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// The bucket as the store knows it.
    pub there: String,
    /// As clients know it.
    pub here: String,
    /// What keys begin with there. With it every answer is changed, and one that cannot be read is cut off.
    pub prefix: Option<Prefix>,
    /// The object or bucket as clients know it, as `/bucket/key`.
    pub resource: String,
    /// The URL that the client has asked, without its query.
    pub location: String,
    /// Whether the client wants keys in percent-encoding (`encoding-type=url`).
    pub encoded: bool,
    /// Whether the answer has names in it when all is well.
    pub names: bool,
}

impl Mapping {
    /// Whether the answer to this operation can name what the client does not know.
    #[must_use]
    pub const fn is_needed(operation: Operation, renamed: bool, prefix: Option<&Prefix>) -> bool {
        prefix.is_some()
            || matches!(operation, Operation::CompleteMultipartUpload)
            || (renamed && names_something(operation))
    }

    /// For an operation; `location` is the URL that the client has asked.
    #[must_use]
    pub fn new(
        operation: Operation,
        (here, there): (&str, &str),
        key: Option<&[u8]>,
        prefix: Option<Prefix>,
        location: &str,
        query: &Query<'_>,
    ) -> Self {
        let key = key.map(String::from_utf8_lossy).unwrap_or_default();
        let (mut resource, mut shown) = (String::new(), String::new());
        escape(&format!("/{here}/{key}"), &mut resource);
        escape(location, &mut shown);
        Self {
            there: there.to_owned(),
            here: here.to_owned(),
            prefix,
            resource,
            location: shown,
            encoded: query.first(b"encoding-type") == Some(b"url"),
            names: names_something(operation),
        }
    }

    /// Whether the body of an answer with this status is changed.
    #[must_use]
    pub const fn changes(&self, status: u16) -> bool {
        match status {
            200 => self.names,
            300.. => self.prefix.is_some(),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests;
