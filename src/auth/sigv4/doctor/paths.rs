//! Paths that may have been signed: what proxies, browsers and signers make of one.
//! It must not change what is forwarded: these are guesses about the past.

use super::Scene;
use super::cause::Cause;
use super::edit::{Edit, What};
use super::letter::Letter;
use crate::request::RawRequest;
use crate::request::percent::{Part, decode_into, encode_into};
use unicode_normalization::UnicodeNormalization as _;

/// Prefixes under which people put S3 behind a proxy.
const USUAL_PREFIXES: [&str; 20] = [
    "/s3",
    "/minio",
    "/storage",
    "/files",
    "/api",
    "/objects",
    "/object",
    "/data",
    "/media",
    "/assets",
    "/static",
    "/download",
    "/downloads",
    "/upload",
    "/uploads",
    "/bucket",
    "/buckets",
    "/gateway",
    "/proxy",
    "/v1",
];
/// The segments that are tried one by one.
const MANY: usize = 6;

/// The canonical form of a decoded path.
pub(super) fn encoded(decoded: &[u8]) -> Vec<u8> {
    let mut path = Vec::with_capacity(decoded.len() + 8);
    encode_into(decoded, Part::Path, &mut path);
    path
}

fn decoded(raw: &[u8]) -> Vec<u8> {
    let mut path = Vec::with_capacity(raw.len());
    decode_into(raw, Part::Path, &mut path);
    path
}

fn replaced(text: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) =
        memchr::memmem::find(rest, from).and_then(|at| rest.split_at_checked(at))
    {
        out.extend_from_slice(before);
        out.extend_from_slice(to);
        rest = after.get(from.len()..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
    out
}

/// Collects paths, each once.
struct Paths<'l> {
    received: &'l [u8],
    edits: Vec<Edit>,
}

impl Paths<'_> {
    fn add(&mut self, cause: Cause, path: Vec<u8>) {
        let is_known = |edit: &Edit| matches!(&edit.what, What::Path(known) if *known == path);
        if path != self.received && !self.edits.iter().any(is_known) {
            let shown = String::from_utf8_lossy(&path).into_owned();
            self.edits.push(Edit::shown(cause, What::Path(path), shown));
        }
    }
}

/// Another path, the likely ones first.
pub(super) fn edits(request: &RawRequest<'_>, letter: &Letter<'_>, scene: &Scene<'_>) -> Vec<Edit> {
    let mut paths = Paths { received: &letter.path, edits: Vec::new() };
    prefixes(request, scene, &mut paths);
    encodings(request, &mut paths);
    slashes(request, &mut paths);
    for prefix in USUAL_PREFIXES {
        paths.add(Cause::PathPrefixRemoved, [prefix.as_bytes(), &letter.path].concat());
    }
    paths.edits
}

/// Segments that were taken off or put in front.
fn prefixes(request: &RawRequest<'_>, scene: &Scene<'_>, paths: &mut Paths<'_>) {
    let path = paths.received;
    let told = request.headers.first("x-forwarded-prefix").unwrap_or_default();
    if told.starts_with(b"/") {
        let prefix = told.strip_suffix(b"/").unwrap_or(told);
        paths.add(Cause::PathPrefixRemoved, [prefix, path].concat());
    }
    let ends = memchr::memchr_iter(b'/', path).filter(|at| *at > 0).take(2);
    for end in ends {
        paths.add(Cause::PathPrefixAdded, path.get(end..).unwrap_or_default().to_vec());
    }
    for bucket in scene.buckets.iter().take(MANY) {
        paths.add(Cause::PathPrefixRemoved, [b"/", bucket.as_bytes(), path].concat());
    }
}

/// Another spelling of the same characters.
fn encodings(request: &RawRequest<'_>, paths: &mut Paths<'_>) {
    let path = paths.received;
    let (raw, plain) = (request.target.path.text().raw(), request.target.path.decoded());
    paths.add(Cause::PathEncodedMore, encoded(path));
    paths.add(Cause::PathEncodedMore, encoded(raw));
    paths.add(Cause::PathEncodedLess, encoded(&decoded(plain)));
    paths.add(Cause::PathPlus, replaced(path, b"%20", b"%2B"));
    paths.add(Cause::PathPlus, replaced(path, b"%2B", b"%20"));
    paths.add(Cause::PathPlus, replaced(path, b"%20", b"+"));
    if let Ok(text) = std::str::from_utf8(plain)
        .map_err(drop)
        .and_then(|text| if text.is_ascii() { Err(()) } else { Ok(text) })
    {
        paths.add(Cause::PathUnicode, encoded(text.nfc().collect::<String>().as_bytes()));
        paths.add(Cause::PathUnicode, encoded(text.nfd().collect::<String>().as_bytes()));
    }
    paths.add(Cause::PathEncodedLess, raw.to_vec());
    paths.add(Cause::PathEncodedLess, plain.to_vec());
    // what `encodeURI` and most HTTP libraries leave as it is
    let mut lenient = path.to_vec();
    for (escape, byte) in [("%21", "!"), ("%27", "'"), ("%28", "("), ("%29", ")"), ("%2A", "*")] {
        lenient = replaced(&lenient, escape.as_bytes(), byte.as_bytes());
    }
    paths.add(Cause::PathEncodedLess, lenient.clone());
    for (escape, byte) in [
        ("%3A", ":"),
        ("%40", "@"),
        ("%26", "&"),
        ("%3D", "="),
        ("%2B", "+"),
        ("%24", "$"),
        ("%2C", ","),
        ("%3B", ";"),
    ] {
        lenient = replaced(&lenient, escape.as_bytes(), byte.as_bytes());
    }
    paths.add(Cause::PathEncodedLess, lenient);
    let lower = |cut: &[u8]| cut.to_ascii_lowercase();
    paths.add(Cause::PathEncodedLess, escapes(path, lower));
}

/// A canonical path with its escapes changed.
fn escapes(path: &[u8], change: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let mut out = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some((&byte, after)) = rest.split_first() {
        if let (b'%', Some(digits)) = (byte, after.get(..2)) {
            out.push(byte);
            out.extend(change(digits));
            rest = after.get(2..).unwrap_or_default();
        } else {
            out.push(byte);
            rest = after;
        }
    }
    out
}

/// Slashes and dots.
fn slashes(request: &RawRequest<'_>, paths: &mut Paths<'_>) {
    let path = paths.received;
    match path.strip_suffix(b"/") {
        Some(b"") | None => paths.add(Cause::TrailingSlash, [path, b"/"].concat()),
        Some(bare) => paths.add(Cause::TrailingSlash, bare.to_vec()),
    }
    paths.add(Cause::PathNormalised, encoded(&normalised(request.target.path.decoded())));
    for at in memchr::memchr_iter(b'/', path).take(MANY) {
        let (before, after) = path.split_at_checked(at).unwrap_or_default();
        paths.add(Cause::SlashesMerged, [before, b"/", after].concat());
    }
    // where the key itself begins with a slash, or every join doubled it
    paths.add(Cause::SlashesMerged, replaced(path, b"/", b"//"));
}

/// As RFC 3986 and most services of AWS other than S3 want it.
fn normalised(path: &[u8]) -> Vec<u8> {
    let mut kept: Vec<&[u8]> = Vec::new();
    for segment in path.split(|&byte| byte == b'/') {
        match segment {
            b"" | b"." => {}
            b".." => drop(kept.pop()),
            segment => kept.push(segment),
        }
    }
    let end: &[u8] = if path.ends_with(b"/") && !kept.is_empty() { b"/" } else { b"" };
    [b"/", kept.join(&b'/').as_slice(), end].concat()
}
