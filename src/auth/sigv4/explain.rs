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
    /// The canonical request.
    pub canonical_request: Vec<u8>,
    /// The string to sign.
    pub string_to_sign: Vec<u8>,
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
