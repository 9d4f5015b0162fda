//! Values that signed headers may have had: what proxies, browsers and HTTP libraries make of them.
//! It must not show the value of a header.

use super::Scene;
use super::cause::Cause;
use super::edit::{Edit, What};
use super::letter::Letter;
use crate::auth::sigv4::{CONTENT_SHA256, UNSIGNED_PAYLOAD};
use crate::request::RawRequest;
use crate::secret::Secret;

/// The signed headers that are looked at.
const MANY: usize = 16;
/// The SHA-256 of nothing.
const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Values that a header usually has; the first of them are the likely ones.
fn usual(name: &str) -> &'static [&'static str] {
    match name {
        "accept-encoding" => &[
            "identity",
            "gzip",
            "gzip, deflate",
            "gzip, deflate, br",
            "gzip, deflate, br, zstd",
            "gzip,deflate",
            "gzip, br",
            "br, gzip",
            "deflate, gzip",
            "gzip;q=1.0,deflate;q=0.6,identity;q=0.3",
            "amz-sdk-request",
            "*",
        ],
        "content-type" => &[
            "application/octet-stream",
            "application/x-www-form-urlencoded",
            "binary/octet-stream",
            "text/plain",
            "text/plain;charset=UTF-8",
            "text/plain; charset=utf-8",
            "application/json",
            "application/xml",
            "application/x-www-form-urlencoded; charset=utf-8",
            "application/x-www-form-urlencoded;charset=UTF-8",
            "image/jpeg",
            "image/png",
            "application/pdf",
            "application/zip",
            "video/mp4",
            "text/html",
            "text/csv",
        ],
        "connection" => &["keep-alive", "close", "Keep-Alive", "TE", "upgrade", "Upgrade"],
        "te" => &["trailers", "identity", "gzip", "chunked"],
        "expect" => &["100-continue"],
        "accept" => &["*/*", "application/json, text/plain, */*", "application/xml", "text/html"],
        "cache-control" | "pragma" => &["no-cache", "max-age=0", "no-store"],
        "transfer-encoding" => &["chunked", "identity"],
        "upgrade-insecure-requests" | "dnt" => &["1"],
        "x-forwarded-proto" | "x-forwarded-scheme" => &["https", "http"],
        "x-forwarded-port" => &["443", "80", "8080", "8443"],
        "content-length" => &["0"],
        "content-encoding" => &["aws-chunked", "gzip", "identity", "aws-chunked,gzip"],
        "range" => &["bytes=0-", "bytes=0-0"],
        "keep-alive" => &["timeout=5", "timeout=60"],
        "accept-language" => &["*", "en-US,en;q=0.9", "en-US"],
        _ => &[],
    }
}

/// Collects values of headers, each once.
#[derive(Default)]
struct Values(Vec<Edit>);

impl Values {
    fn add(&mut self, cause: Cause, name: &str, received: &[u8], value: &[u8]) {
        let is_known =
            |edit: &Edit| matches!(&edit.what, What::Header(of, known) if of == name && *known == value);
        if value != received && !self.0.iter().any(is_known) {
            self.0.push(Edit::shown(cause, What::Header(name.to_owned(), value.to_vec()), name));
        }
    }
}

/// Another value of one signed header; the host is another matter.
pub(super) fn edits(
    request: &RawRequest<'_>,
    letter: &Letter<'_>,
    scene: &Scene<'_>,
    token: Option<&Secret>,
) -> Vec<Edit> {
    let mut values = Values::default();
    let looked_at = || letter.headers.iter().filter(|(name, _)| *name != "host").take(MANY);
    for (name, value) in looked_at() {
        let cause = cause(request, name);
        for other in usual(name) {
            values.add(cause, name, value, other.as_bytes());
        }
        values.add(cause, name, value, b"");
        if let Some(token) = token.filter(|_| *name == "x-amz-security-token") {
            values.add(cause, name, value, token.expose());
        }
        known(request, scene, name, value, cause, &mut values);
    }
    for (name, value) in looked_at() {
        written(request, name, value, &mut values);
    }
    values.0
}

/// What another value of this header would mean.
fn cause(request: &RawRequest<'_>, name: &str) -> Cause {
    match name {
        "accept-encoding" => Cause::AcceptEncoding,
        "content-type" => Cause::ContentType,
        "x-amz-security-token" => Cause::SessionToken,
        _ if request.headers.has(name) => Cause::HeaderChanged,
        _ => Cause::HeaderRemoved,
    }
}

/// Values that follow from what arrived.
fn known(
    request: &RawRequest<'_>,
    scene: &Scene<'_>,
    name: &str,
    value: &[u8],
    cause: Cause,
    values: &mut Values,
) {
    match name {
        "content-type" => {
            let bare = value.split(|&byte| byte == b';').next().unwrap_or_default();
            values.add(cause, name, value, bare);
            for charset in [&b"; charset=utf-8"[..], b";charset=UTF-8", b"; charset=UTF-8", b";charset=utf-8"]
            {
                values.add(cause, name, value, &[bare, charset].concat());
            }
        }
        "x-forwarded-for" | "via" | "forwarded" | "x-forwarded-proto" | "x-forwarded-port" => {
            // every proxy appends one
            let mut rest = value;
            for _ in 0..3 {
                let Some(at) = memchr::memrchr(b',', rest) else { break };
                rest = rest.get(..at).unwrap_or_default().trim_ascii_end();
                values.add(cause, name, value, rest);
            }
        }
        "x-forwarded-host" => {
            let hosts = scene.hosts.iter().map(|host| host.as_bytes());
            for host in hosts.chain([request.host.raw().as_bytes()]).take(MANY) {
                values.add(cause, name, value, host);
            }
        }
        "x-amzn-trace-id" => {
            // a load balancer puts its own field in front
            let root = value.split(|&byte| byte == b';').filter(|field| !field.starts_with(b"Self="));
            values.add(cause, name, value, &root.collect::<Vec<_>>().join(&b';'));
        }
        "content-length" => {
            let told = request.headers.first("x-amz-decoded-content-length").unwrap_or_default();
            values.add(cause, name, value, told);
        }
        "if-none-match" | "if-match" => {
            values.add(cause, name, value, value.strip_prefix(b"W/").unwrap_or(value));
        }
        _ => {}
    }
}

/// The same value, written in another way.
fn written(request: &RawRequest<'_>, name: &str, value: &[u8], values: &mut Values) {
    let lines: Vec<&[u8]> = request.headers.all(name).collect();
    values.add(Cause::HeaderSpacing, name, value, &lines.join(&b','));
    values.add(Cause::HeaderSpacing, name, value, &lines.join(&b", "[..]));
    if let [first, .., last] = lines.as_slice() {
        values.add(Cause::HeaderChanged, name, value, first);
        values.add(Cause::HeaderChanged, name, value, last);
    }
    let mut compact = Vec::with_capacity(value.len());
    for (at, piece) in value.split(|&byte| byte == b',').enumerate() {
        if at > 0 {
            compact.push(b',');
        }
        compact.extend_from_slice(piece.trim_ascii());
    }
    values.add(Cause::HeaderChanged, name, value, &compact);
    values.add(
        Cause::HeaderChanged,
        name,
        value,
        &compact.split(|&byte| byte == b',').collect::<Vec<_>>().join(&b", "[..]),
    );
    values.add(Cause::HeaderChanged, name, value, &value.to_ascii_lowercase());
    values.add(Cause::HeaderSpacing, name, value, &[b" ", value].concat());
    values.add(Cause::HeaderSpacing, name, value, &[value, b" "].concat());
}

/// Another payload line.
pub(super) fn payloads(request: &RawRequest<'_>, letter: &Letter<'_>) -> Vec<Edit> {
    let told = request
        .target
        .query
        .iter()
        .find(|param| param.name().eq_ignore_ascii_case(CONTENT_SHA256.as_bytes()));
    let told = told.map(|param| param.value.decoded().to_vec());
    let usual = [
        UNSIGNED_PAYLOAD,
        EMPTY,
        "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
        "",
    ];
    let usual = usual.iter().map(|text| text.as_bytes().to_vec());
    let lower = std::iter::once(letter.payload.to_ascii_lowercase());
    told.into_iter()
        .chain(usual)
        .chain(lower)
        .filter(|line| line != letter.payload)
        .map(|line| Edit::new(Cause::PayloadHash, What::Payload(line)))
        .collect()
}
