//! A browser's form as the upload that it stands for: a `PutObject` with the fields as headers, judged as every other.
//! It must not let a field through that it does not know, nor one whose text means something else in a head.
//!
//! The upload is written as a head of its own and parsed like one, so that operation, policies and the request to S3
//! all see what was checked. A constraint of the gate is a field here and a parameter there.

use super::Denial;
use crate::auth::error::{AuthError, Disabled};
use crate::auth::post::fields::Fields;
use crate::auth::scheme::detect_any;
use crate::auth::sigv4::CONTENT_SHA256;
use crate::auth::sigv4::signed_headers::SignedHeaders;
use crate::net::ConnFacts;
use crate::net::forwarded::PROTO_HEADER;
use crate::reason::Reason;
use crate::request::form::{Boundary, Form};
use crate::request::headers::write_line;
use crate::request::percent::{Part, encode_into};
use crate::request::{BodyLength, RawRequest};
use crate::s3::address::{Address, Style};
use crate::s3::body::Body;
use crate::s3::error::{ErrorCode, S3Error};
use crate::s3::operation::Operation;
use crate::s3::tags;
use crate::snapshot::Snapshot;
use crate::upstream::body::{BodyFault, FormFile};
use crate::upstream::plan::{PostAnswer, PostStatus};

/// Headers of the request itself that stay with the upload: who asks, and through whom.
const KEPT: [&str; 10] = [
    "accept",
    "accept-encoding",
    "accept-language",
    "forwarded",
    "origin",
    "referer",
    "user-agent",
    "x-amzn-trace-id",
    "x-forwarded-for",
    PROTO_HEADER,
];

/// Fields that are headers of the upload, by their own names.
const HEADERS: [&str; 7] = [
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-md5",
    "content-type",
    "expires",
];

/// As those, but for what the names begin with.
const HEADER_PREFIXES: [&str; 6] = [
    "x-amz-checksum-",
    "x-amz-meta-",
    "x-amz-object-lock-",
    "x-amz-server-side-encryption",
    "x-amz-storage-class",
    "x-amz-website-redirect-location",
];

/// Fields that end here.
const ENDING: [&str; 5] =
    ["x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-security-token", "x-amz-signature"];

/// A form, and the upload that it stands for.
#[derive(Debug)]
pub struct FormUpload {
    /// Its fields.
    pub fields: Fields,
    /// The head of the upload, to be parsed.
    pub head: Vec<u8>,
    /// What the shell has to know of the file.
    pub(super) file: FormFile,
    /// The bytes of the body from the file on.
    pub(super) rest: u64,
    pub(super) answer: PostAnswer,
}

fn argument(name: &str, value: &str, message: &'static str) -> Denial {
    let error = S3Error::with_message(ErrorCode::InvalidArgument, message)
        .extra("ArgumentName", name)
        .extra("ArgumentValue", value);
    Denial { reason: Reason::BadParameter, error }
}

/// Whether the head of a form lets it be read: nothing but its fields may authenticate it.
pub(super) fn check_head(request: &RawRequest<'_>, post_policy: bool) -> Result<(), AuthError> {
    if !post_policy {
        return Err(AuthError::Disabled(Disabled::Post));
    }
    if detect_any(request) {
        let authorization = request.headers.first("authorization").map(String::from_utf8_lossy);
        return Err(AuthError::SeveralMechanisms { authorization: authorization.map(Into::into) });
    }
    if let Some(value) = request.headers.first(CONTENT_SHA256) {
        let value = String::from_utf8_lossy(value).into_owned();
        return Err(AuthError::FormArgument { name: CONTENT_SHA256, value });
    }
    // the policy covers no header: one that means something to S3 is a field
    let host = SignedHeaders::parse(b"content-md5;host").unwrap_or_default();
    host.unsigned(&request.headers).map_or(Ok(()), |names| Err(AuthError::HeadersNotSigned(names)))
}

/// The boundary of a form whose head lets it be read, and the bytes of its body.
///
/// # Errors
/// The refusal.
pub fn framing(request: &RawRequest<'_>) -> Result<(Boundary, u64), Denial> {
    if !request.target.query.is_empty() {
        return Err(Denial::new(Reason::UnknownParameter, ErrorCode::InvalidArgument));
    }
    let BodyLength::Known(length) = request.body else {
        return Err(Denial::new(Reason::MissingLength, ErrorCode::MissingContentLength));
    };
    let content_type = request.headers.first("content-type").unwrap_or_default();
    let boundary = Boundary::of(content_type).map_err(BodyFault::from)?;
    Ok((boundary, length))
}

/// Writes the upload that a form stands for; `before` is the bytes of its body before the file.
///
/// # Errors
/// The refusal of a field that is repeated, malformed or unknown.
pub fn read(
    snapshot: &Snapshot,
    facts: &ConnFacts,
    request: &RawRequest<'_>,
    form: &Form,
    before: u64,
) -> Result<FormUpload, Denial> {
    let refused = |error: AuthError| Denial { reason: error.reason(), error: error.s3() };
    let address = snapshot
        .hosts
        .address(request)
        .map_err(|error| Denial { reason: error.reason(), error: error.s3() })?;
    let bucket = address.bucket().ok_or_else(super::internal)?.as_str();
    let fields = Fields::of(form, bucket).map_err(refused)?;
    let key = fields.required("key").map_err(refused)?;
    if key.is_empty() {
        return Err(argument("key", "", "User key must have a length greater than 0."));
    }
    let mut target = Vec::new();
    write_target(&address, key, &fields, &mut target);
    let mut head = b"PUT ".to_vec();
    head.extend_from_slice(&target);
    head.extend_from_slice(b" HTTP/1.1\r\n");
    write_line(&mut head, b"Host", request.host.raw().as_bytes());
    write_line(&mut head, b"Content-Length", form.file_length.to_string().as_bytes());
    for header in request.headers.iter().filter(|header| KEPT.iter().any(|kept| header.is(kept))) {
        write_line(&mut head, header.name.as_bytes(), header.value);
    }
    for field in fields.iter() {
        if let Some((name, value)) = header(&field.name, &field.value)? {
            write_line(&mut head, name.as_bytes(), value.as_bytes());
        }
    }
    head.extend_from_slice(b"\r\n");
    let path = target.split(|&byte| byte == b'?').next().unwrap_or_default();
    let scheme = if facts.tls.is_some() { "https" } else { "http" };
    let location = format!("{scheme}://{}{}", request.host.raw(), String::from_utf8_lossy(path));
    let answer = PostAnswer {
        status: status(&fields),
        before,
        location,
        bucket: bucket.to_owned(),
        key: key.to_owned(),
    };
    let file = FormFile { boundary: form.boundary.clone(), length: form.file_length };
    let rest = match request.body {
        BodyLength::Known(length) => length.saturating_sub(before),
        BodyLength::None | BodyLength::Chunked => 0,
    };
    Ok(FormUpload { fields, head, file, rest, answer })
}

/// Path and query: the key where the address has it, and the constraints.
fn write_target(address: &Address<'_>, key: &str, fields: &Fields, out: &mut Vec<u8>) {
    if let (Style::Path, Some(bucket)) = (address.style(), address.bucket()) {
        out.push(b'/');
        encode_into(bucket.as_bytes(), Part::Path, out);
    }
    out.push(b'/');
    encode_into(key.as_bytes(), Part::Path, out);
    let mut separator = b'?';
    for field in fields.iter().filter(|field| field.name.starts_with(crate::links::constraint::PREFIX)) {
        out.push(separator);
        // the spelling is judged with the value
        encode_into(field.sent_name.as_bytes(), Part::Query, out);
        out.push(b'=');
        encode_into(field.value.as_bytes(), Part::Query, out);
        separator = b'&';
    }
}

/// The header that a field is, if it is one.
fn header(name: &str, value: &str) -> Result<Option<(String, String)>, Denial> {
    let found = match name {
        "acl" => Some(("x-amz-acl".to_owned(), value.to_owned())),
        "tagging" => {
            // the same document as a body of its own
            match Body::parse(Operation::PutObjectTagging, value.as_bytes()) {
                Some(Ok(Body::Tagging(tags))) => {
                    Some(("x-amz-tagging".to_owned(), tags::write_header(&tags)))
                }
                Some(Err(error)) => return Err(Denial { reason: error.reason(), error: error.s3() }),
                _ => return Err(super::internal()),
            }
        }
        _ if HEADERS.contains(&name) || HEADER_PREFIXES.iter().any(|prefix| name.starts_with(prefix)) => {
            Some((name.to_owned(), value.to_owned()))
        }
        _ if name.starts_with("x-amz-") && !ENDING.contains(&name) => {
            return Err(argument(name, value, "A field of the form is not known."));
        }
        // of no meaning to S3: the name of a button, or one of those that were looked at elsewhere
        _ => None,
    };
    let Some((name, value)) = found else { return Ok(None) };
    let token = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if !name.bytes().all(token) || value.contains(char::is_control) {
        return Err(argument(&name, "", "A field of the form cannot be a header."));
    }
    Ok(Some((name, value)))
}

/// What the form asks to be answered. What cannot be understood counts as nothing, as on S3.
fn status(fields: &Fields) -> PostStatus {
    let redirect = fields.get("success_action_redirect").or_else(|| fields.get("redirect"));
    let is_url = |url: &&str| {
        let web = url.starts_with("http://") || url.starts_with("https://");
        web && url.bytes().all(|byte| byte.is_ascii_graphic())
    };
    if let Some(url) = redirect.filter(is_url) {
        return PostStatus::SeeOther(url.to_owned());
    }
    match fields.get("success_action_status") {
        Some("200") => PostStatus::Ok,
        Some("201") => PostStatus::Created,
        _ => PostStatus::NoContent,
    }
}

/// The refusal of a form whose fields make no head.
#[must_use]
pub fn unfit() -> Denial {
    argument("key", "", "The fields of the form make no request.")
}
