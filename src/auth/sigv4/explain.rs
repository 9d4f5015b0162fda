//! What a request says that it signed, for people: the texts that the signer must have hashed.
//! It must not check anything, nor know a key: a text is no verdict.

use super::canonical::{Canonical, StringToSign};
use super::header::{self, Components};
use super::presigned::Params;
use super::scope::Pieces;
use super::signed_headers::SignedHeaders;
use super::{ALGORITHM_V4A, CONTENT_SHA256, UNSIGNED_PAYLOAD};
use crate::auth::scheme::Version;
use crate::request::RawRequest;

/// The texts behind a signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedTexts {
    /// The access key id.
    pub access_key_id: Vec<u8>,
    /// The canonical request, with all that opens a door; see [`SignedTexts::shown`].
    pub canonical_request: Vec<u8>,
    /// The string to sign.
    pub string_to_sign: Vec<u8>,
}

impl SignedTexts {
    /// The canonical request for people: with the number of bytes in the place of each value that is for the gate alone,
    /// tokens, keys and what else lets somebody in. The string to sign still has the digest of the true text.
    #[must_use]
    pub fn shown(&self) -> Vec<u8> {
        shown(&self.canonical_request)
    }
}

/// The texts of a request, expired or not, for the form that is there; `None` if a part that they are made of is
/// missing or cannot be read.
#[must_use]
pub fn signed_texts(request: &RawRequest<'_>) -> Option<SignedTexts> {
    let header_payload = request.headers.first(CONTENT_SHA256);
    let params = Params::read(&request.target.query);
    if let Some(algorithm) = params.algorithm {
        let payload = header_payload.unwrap_or(UNSIGNED_PAYLOAD.as_bytes());
        let parts = (params.date?, params.credential?, params.signed_headers?);
        return texts(request, algorithm, parts, payload);
    }
    let (algorithm, rest) = header::split(request.headers.first("authorization")?)?;
    let Components { credential, signed_headers, .. } = Components::read(rest)?;
    texts(request, algorithm, (header::date(request)?, credential, signed_headers), header_payload?)
}

fn texts(
    request: &RawRequest<'_>,
    algorithm: &[u8],
    (date, credential, signed_headers): (&[u8], &[u8], &[u8]),
    payload: &[u8],
) -> Option<SignedTexts> {
    let is_asymmetric = algorithm.eq_ignore_ascii_case(ALGORITHM_V4A.as_bytes());
    let version = if is_asymmetric { Version::V4a } else { Version::V4 };
    let Pieces { key_id, text: scope, .. } = Pieces::split(credential, version)?;
    let canonical = Canonical::new(request, SignedHeaders::parse(signed_headers)?, payload);
    let string_to_sign = StringToSign { algorithm, date, scope }.text(&canonical.digest());
    Some(SignedTexts { access_key_id: key_id.to_vec(), canonical_request: canonical.text(), string_to_sign })
}

/// Parameters whose values are not shown.
const HIDDEN_PARAMETERS: [&str; 2] = ["X-Amz-Security-Token", "X-Amz-Signature"];
/// Headers whose values are not shown.
const HIDDEN_HEADERS: [&str; 6] = [
    "x-amz-security-token",
    "authorization",
    "cookie",
    "proxy-authorization",
    "x-amz-server-side-encryption-customer-key",
    "x-amz-copy-source-server-side-encryption-customer-key",
];

fn shown(canonical: &[u8]) -> Vec<u8> {
    let mut lines = canonical.split(|&byte| byte == b'\n');
    let mut out = Vec::with_capacity(canonical.len());
    for line in lines.by_ref().take(2) {
        out.extend([line, b"\n"].concat());
    }
    let params = lines.next().unwrap_or_default().split(|&byte| byte == b'&');
    let is_parameter =
        |name: &[u8]| HIDDEN_PARAMETERS.iter().any(|it| name.eq_ignore_ascii_case(it.as_bytes()));
    let params: Vec<_> = params.map(|param| without_value(param, b'=', is_parameter)).collect();
    out.extend(params.join(&b'&'));
    let is_header = |name: &[u8]| HIDDEN_HEADERS.iter().any(|it| name == it.as_bytes());
    // behind the empty line there is no colon
    for line in lines {
        out.push(b'\n');
        out.extend(without_value(line, b':', is_header));
    }
    out
}

/// A name and its value, or how long that is if it is hidden.
fn without_value(pair: &[u8], separator: u8, is_hidden: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let at = pair.iter().position(|&byte| byte == separator).unwrap_or(pair.len());
    let (name, value) = pair.split_at_checked(at).unwrap_or((pair, &[]));
    if value.is_empty() || !is_hidden(name) {
        return pair.to_vec();
    }
    let escapes = if separator == b'=' { memchr::memchr_iter(b'%', value).count() } else { 0 };
    let length = value.len() - 1 - 2 * escapes;
    [name, &[separator], format!("[redacted, {length} bytes]").as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(canonical: &str, expected: &str) {
        assert_eq!(String::from_utf8(shown(canonical.as_bytes())).unwrap(), expected);
    }

    #[test]
    fn what_opens_a_door_is_not_shown() {
        check(
            "GET\n/b/k\nX-Amz-Date=1&X-Amz-Security-Token=a%2Fb%3D&X-Amz-SignedHeaders=host\nhost:h\n\nhost\nP",
            "GET\n/b/k\nX-Amz-Date=1&X-Amz-Security-Token=[redacted, 4 bytes]&X-Amz-SignedHeaders=host\nhost:h\n\n\
             host\nP",
        );
        check(
            "GET\n/\nx-amz-security-token=t&x-amz-SIGNATURE=s\nhost:h\nx-amz-security-token:a/b:c\n\nhost\nP",
            "GET\n/\nx-amz-security-token=[redacted, 1 bytes]&x-amz-SIGNATURE=[redacted, 1 bytes]\nhost:h\n\
             x-amz-security-token:[redacted, 5 bytes]\n\nhost\nP",
        );
        let key = "x-amz-server-side-encryption-customer-key";
        check(
            &format!("PUT\n/\n\ncookie:a\n{key}:abcd\n{key}-md5:m\n\ncookie;{key}\nP"),
            &format!(
                "PUT\n/\n\ncookie:[redacted, 1 bytes]\n{key}:[redacted, 4 bytes]\n{key}-md5:m\n\ncookie;{key}\nP"
            ),
        );
        check("GET\n/\n\nhost:h\n\nhost\nP", "GET\n/\n\nhost:h\n\nhost\nP");
    }
}
