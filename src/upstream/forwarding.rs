//! The table of request headers that reach S3.
//! It must not pass on a header that no rule looked at: what is not listed stays here.

use crate::field::trim;
use crate::request::headers::Header;

/// Headers besides `x-amz-*` that mean something to S3 and are passed on as they came.
const PASSED_ON: &[&str] = &[
    "accept",
    "accept-encoding",
    "accept-language",
    "access-control-request-headers",
    "access-control-request-method",
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-md5",
    "content-type",
    "expires",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "origin",
    "range",
    "user-agent",
    "x-amzn-trace-id",
];

/// Headers that carry the client's own signature: they end here when the gate signs.
const CREDENTIALS: &[&str] =
    &["x-amz-content-sha256", "x-amz-date", "x-amz-region-set", "x-amz-security-token"];

/// Headers that the gate always writes itself, or that concern one hop only.
const OWN: &[&str] = &[
    "authorization",
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// What becomes of the client's signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signature {
    /// It ends at the gate.
    Replaced,
    /// It goes on.
    Kept,
}

/// Whether a header is passed on as it came; `signed` tells whether the client's signature covers it.
#[must_use]
pub fn passes(header: &Header<'_>, signature: Signature, signed: impl FnOnce() -> bool) -> bool {
    if header.has_prefix("x-amz-") {
        return signature == Signature::Kept || !is_one_of(header, CREDENTIALS);
    }
    if is_one_of(header, OWN) {
        return false;
    }
    is_one_of(header, PASSED_ON) || (signature == Signature::Kept && signed())
}

/// The coding in Content-Encoding that stands for chunks with signatures or a trailer of their own.
pub const AWS_CHUNKED: &[u8] = b"aws-chunked";

/// Whether a value of Content-Encoding names `aws-chunked`.
#[must_use]
pub fn mentions_aws_chunked(value: &[u8]) -> bool {
    codings(value).any(|coding| coding.eq_ignore_ascii_case(AWS_CHUNKED))
}

/// The codings of a value of Content-Encoding but `aws-chunked`.
pub fn other_codings(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    codings(value).filter(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case(AWS_CHUNKED))
}

fn codings(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&byte| byte == b',').map(trim)
}

fn is_one_of(header: &Header<'_>, names: &[&str]) -> bool {
    names.iter().any(|name| header.is(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codings_apart_from_chunks() {
        for (value, mentions, others) in [
            ("aws-chunked", true, ""),
            ("gzip", false, "gzip"),
            ("AWS-Chunked , gzip,br", true, "gzip br"),
            ("gzip,aws-chunked", true, "gzip"),
            ("xaws-chunked", false, "xaws-chunked"),
            ("", false, ""),
        ] {
            assert_eq!(mentions_aws_chunked(value.as_bytes()), mentions, "{value}");
            let rest: Vec<_> = other_codings(value.as_bytes()).collect();
            assert_eq!(rest.join(&b' '), others.as_bytes(), "{value}");
        }
    }

    fn check(name: &str, replaced: bool, kept: bool, kept_if_signed: bool) {
        let header = Header { name, value: b"v" };
        assert_eq!(passes(&header, Signature::Replaced, || true), replaced, "{name} replaced");
        assert_eq!(passes(&header, Signature::Kept, || false), kept, "{name} kept");
        assert_eq!(passes(&header, Signature::Kept, || true), kept_if_signed, "{name} kept and signed");
    }

    #[test]
    fn what_reaches_s3() {
        check("Range", true, true, true);
        check("X-Amz-Meta-A", true, true, true);
        check("x-amz-date", false, true, true);
        check("X-Amz-Security-Token", false, true, true);
        check("X-Amz-Content-Sha256", false, true, true);
        for hop in
            ["Connection", "TE", "Trailer", "Upgrade", "Authorization", "Host", "Content-Length", "Expect"]
        {
            check(hop, false, false, false);
        }
        for stranger in ["Cookie", "Referer", "X-Forwarded-For", "Forwarded", "X-Custom"] {
            check(stranger, false, false, true);
        }
    }
}
