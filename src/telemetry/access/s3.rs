//! The access log as S3 writes it, field for field: Amazon S3 User Guide, "Amazon S3 server access log format".
//! It must not write a character that moves the borders of a field, nor what makes a link usable.

use std::io::Write as _;

use super::{AccessRecord, redact};
use crate::clock::UnixMillis;
use crate::clock::civil::Civil;
use crate::net::TlsVersion;
use crate::net::identity::NetworkIdentity;
use crate::request::Version;

/// What stands for a value that is unknown or does not apply.
const ABSENT: &[u8] = b"-";

/// Appends the line of a request, with its line end: 27 fields, those that S3 has added over the years included.
pub(super) fn push_line(out: &mut Vec<u8>, record: &AccessRecord<'_>) {
    let counted = record.counted;
    let client = record.identity.and_then(NetworkIdentity::client_ip);
    let remote = client.or_else(|| record.peer.map(|peer| peer.ip().to_canonical()));
    let scheme = record.auth_scheme.and_then(signature);
    let (version, kind) = scheme.unwrap_or((Field::Absent, Field::Absent));
    let millis = |time: std::time::Duration| number(time.as_millis().try_into().unwrap_or(u64::MAX));
    let fields: [Field<'_>; 27] = [
        // the canonical id of the owner: nobody has told the gate
        Field::Absent,
        Field::text(record.bucket),
        Field::Time(record.at),
        remote.map_or(Field::Absent, |ip| Field::Owned(ip.to_string())),
        Field::text(record.principal),
        Field::Text(record.request_id.as_bytes()),
        operation(record).map_or(Field::Absent, Field::Owned),
        Field::key(record.key),
        request_line(record).map_or(Field::Absent, Field::Quoted),
        status(counted.status),
        Field::text(record.error_code),
        number(counted.response_body_bytes),
        // the size of the object: not part of what is measured
        Field::Absent,
        millis(counted.total),
        counted.upstream.and_then(|upstream| upstream.first_byte).map_or(Field::Absent, millis),
        Field::quoted(record.referer),
        Field::quoted(record.user_agent),
        Field::key(record.version_id),
        // x-amz-id-2 and the cipher suite are not kept
        Field::Absent,
        version,
        Field::Absent,
        kind,
        Field::key(record.host.map(str::as_bytes)),
        tls(record),
        // access points and access control lists are not served
        Field::Absent,
        Field::Absent,
        Field::text(record.region),
    ];
    for (position, field) in fields.iter().enumerate() {
        if position > 0 {
            out.push(b' ');
        }
        field.push(out);
    }
    out.push(b'\n');
}

/// One field.
enum Field<'a> {
    Absent,
    /// Text of the gate's own tables or of the config.
    Text(&'a [u8]),
    /// Text made here.
    Owned(String),
    Time(UnixMillis),
    /// Text of a client, percent-encoded.
    Key(String),
    /// Text of a client, between quotes.
    Quoted(String),
}

impl<'a> Field<'a> {
    fn text(text: Option<&'a str>) -> Self {
        text.map_or(Self::Absent, |text| Self::Text(text.as_bytes()))
    }

    fn key(bytes: Option<&[u8]>) -> Self {
        bytes.map_or(Self::Absent, |bytes| Self::Key(clean(bytes)))
    }

    fn quoted(bytes: Option<&[u8]>) -> Self {
        Self::Quoted(bytes.map_or_else(|| "-".to_owned(), clean))
    }

    fn push(&self, out: &mut Vec<u8>) {
        match self {
            Self::Absent => out.extend_from_slice(ABSENT),
            // the name of a listener or bucket has no spaces, but a config can hold any text
            Self::Text(text) => push_encoded(out, text, |byte| byte.is_ascii_graphic() && byte != b'"'),
            Self::Owned(text) => out.extend_from_slice(text.as_bytes()),
            Self::Time(at) => push_time(out, *at),
            Self::Key(text) => {
                let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/:".contains(&byte);
                push_encoded(out, text.as_bytes(), plain);
            }
            Self::Quoted(text) => {
                out.push(b'"');
                // S3 leaves quotes as they come, and parsers stumble
                push_encoded(out, text.as_bytes(), |byte| {
                    (byte.is_ascii_graphic() || byte == b' ') && byte != b'"' && byte != b'\\'
                });
                out.push(b'"');
            }
        }
    }
}

fn push_encoded(out: &mut Vec<u8>, bytes: &[u8], is_plain: impl Fn(u8) -> bool) {
    for byte in bytes {
        if is_plain(*byte) {
            out.push(*byte);
        } else {
            // writing to memory cannot fail
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

fn clean(bytes: &[u8]) -> String {
    redact(&String::from_utf8_lossy(bytes)).into_owned()
}

/// `[06/Feb/2019:00:00:38 +0000]`.
fn push_time(out: &mut Vec<u8>, at: UnixMillis) {
    // `Wed, 06 Feb 2019 00:00:38 GMT`
    let http = Civil::from_instant(at).http();
    let mut words = http.split(' ').skip(1);
    let mut word = || words.next().unwrap_or_default();
    let (day, month, year, time) = (word(), word(), word(), word());
    // writing to memory cannot fail
    let _ = write!(out, "[{day}/{month}/{year}:{time} +0000]");
}

/// S3 writes `-` for no bytes.
fn number(value: u64) -> Field<'static> {
    if value == 0 { Field::Absent } else { Field::Owned(value.to_string()) }
}

fn status(status: u16) -> Field<'static> {
    number(status.into())
}

fn tls(record: &AccessRecord<'_>) -> Field<'static> {
    let version = record.identity.and_then(NetworkIdentity::tls_version).map(TlsVersion::as_str);
    version.map_or(Field::Absent, |version| Field::Owned(format!("TLSv{version}")))
}

/// `GET /b/k?X-Amz-Signature=REDACTED HTTP/1.1`.
fn request_line(record: &AccessRecord<'_>) -> Option<String> {
    let (method, path) = (record.method?, clean(record.path?));
    let query = record.query.filter(|query| !query.is_empty()).map(clean);
    let mark = if query.is_some() { "?" } else { "" };
    let version = match record.version {
        Some(Version::Http10) => "HTTP/1.0",
        _ => "HTTP/1.1",
    };
    Some(format!("{method} {path}{mark}{} {version}", query.unwrap_or_default()))
}

/// The signature version and the kind of authentication, from the name of a scheme as `query_v4`.
fn signature(scheme: &str) -> Option<(Field<'static>, Field<'static>)> {
    let (kind, version) = scheme.split_once('_')?;
    let kind = match kind {
        "query" => Field::text(Some("QueryString")),
        "header" => Field::text(Some("AuthHeader")),
        _ => Field::Absent,
    };
    Some((Field::Owned(format!("Sig{}", version.to_ascii_uppercase())), kind))
}

/// `REST.GET.OBJECT`: the method, and what it was about.
fn operation(record: &AccessRecord<'_>) -> Option<String> {
    let (name, method) = (record.operation?, record.method?);
    let (method, resource) = match name {
        "ListBuckets" | "ListDirectoryBuckets" => (method, "SERVICE".to_owned()),
        "CopyObject" => ("COPY", "OBJECT".to_owned()),
        "UploadPartCopy" => ("COPY", "PART".to_owned()),
        "UploadPart" => (method, "PART".to_owned()),
        "CreateMultipartUpload" | "ListMultipartUploads" => (method, "UPLOADS".to_owned()),
        "CompleteMultipartUpload" | "AbortMultipartUpload" | "ListParts" => (method, "UPLOAD".to_owned()),
        "DeleteObjects" => (method, "MULTI_OBJECT_DELETE".to_owned()),
        "ListObjectVersions" => (method, "BUCKETVERSIONS".to_owned()),
        "ListObjects" | "ListObjectsV2" | "CreateBucket" | "DeleteBucket" | "HeadBucket" => {
            (method, "BUCKET".to_owned())
        }
        "GetBucketPolicy" | "PutBucketPolicy" | "DeleteBucketPolicy" => (method, "BUCKETPOLICY".to_owned()),
        "GetBucketLogging" | "PutBucketLogging" => (method, "LOGGING_STATUS".to_owned()),
        "GetObjectAcl" | "PutObjectAcl" => (method, "ACL".to_owned()),
        "GetObject" | "HeadObject" | "PutObject" | "DeleteObject" | "PostObject" => {
            (method, "OBJECT".to_owned())
        }
        "CORSPreflight" => (method, "PREFLIGHT".to_owned()),
        other => (method, resource(other)),
    };
    Some(format!("REST.{method}.{resource}"))
}

/// `LIFECYCLE` of `GetBucketLifecycleConfiguration`: for the many that have a sub-resource of their own.
fn resource(operation: &str) -> String {
    let after = |text: &'static str| operation.strip_prefix(text);
    let verbs = ["Get", "Put", "Delete", "List", "Create", "Update"];
    let rest = verbs.into_iter().find_map(after).unwrap_or(operation);
    let rest = rest.strip_prefix("Bucket").filter(|rest| !rest.is_empty()).unwrap_or(rest);
    let rest = rest.strip_suffix("Configuration").filter(|rest| !rest.is_empty()).unwrap_or(rest);
    let mut out = String::new();
    for (position, character) in rest.char_indices() {
        if position > 0 && character.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(character.to_ascii_uppercase());
    }
    out
}

#[cfg(test)]
mod tests;
