//! What arrived, taken apart so that single parts can be put back as they may have been when it was signed.
//! It must not give a signature away: it tells whether the one that arrived holds, and nothing else.

use super::edit::{Edit, What};
use crate::auth::hex;
use crate::auth::scheme::Version;
use crate::auth::sigv4::canonical::{StringToSign, write_query, write_value};
use crate::auth::sigv4::header::{self, Components};
use crate::auth::sigv4::key::SigningKey;
use crate::auth::sigv4::presigned::Params;
use crate::auth::sigv4::scope::Pieces;
use crate::auth::sigv4::signed_headers::SignedHeaders;
use crate::auth::sigv4::{ALGORITHM, CONTENT_SHA256, UNSIGNED_PAYLOAD};
use crate::request::RawRequest;
use crate::request::percent::Sink as _;
use crate::secret::{Secret, ct_eq};
use sha2::{Digest as _, Sha256};

/// The signature of a request and all that it should cover, in canonical form.
#[derive(Debug)]
pub(super) struct Letter<'r> {
    pub(super) method: &'r str,
    pub(super) path: Vec<u8>,
    pub(super) query: Vec<u8>,
    /// The signed headers in order; the value of one that did not arrive is empty.
    pub(super) headers: Vec<(&'r str, Vec<u8>)>,
    pub(super) payload: &'r [u8],
    pub(super) key_id: &'r [u8],
    pub(super) day: &'r [u8],
    pub(super) region: &'r str,
    pub(super) service: &'r str,
    pub(super) signature: &'r [u8],
    /// Whether it stands in the query.
    pub(super) is_presigned: bool,
    list: &'r str,
    text: StringToSign<'r>,
}

impl<'r> Letter<'r> {
    /// Reads a SigV4 signature, whatever its date and scope; `None` if there is none or a part cannot be read.
    pub(super) fn read(request: &'r RawRequest<'_>) -> Option<Self> {
        let sent_hash = request.headers.first(CONTENT_SHA256);
        let params = Params::read(&request.target.query);
        if let Some(algorithm) = params.algorithm {
            let parts = [params.date?, params.credential?, params.signed_headers?, params.signature?];
            let payload = sent_hash.unwrap_or(UNSIGNED_PAYLOAD.as_bytes());
            return Self::of(request, algorithm, parts, payload, true);
        }
        let (algorithm, rest) = header::split(request.headers.first("authorization")?)?;
        let Components { credential, signed_headers, signature } = Components::read(rest)?;
        let parts = [header::date(request)?, credential, signed_headers, signature];
        Self::of(request, algorithm, parts, sent_hash?, false)
    }

    fn of(
        request: &'r RawRequest<'_>,
        algorithm: &'r [u8],
        [date, credential, signed_headers, signature]: [&'r [u8]; 4],
        payload: &'r [u8],
        is_presigned: bool,
    ) -> Option<Self> {
        if !algorithm.eq_ignore_ascii_case(ALGORITHM.as_bytes()) {
            return None;
        }
        let pieces = Pieces::split(credential, Version::V4)?;
        let list = SignedHeaders::parse(signed_headers)?;
        let mut path = Vec::new();
        request.target.path.write_canonical(&mut path);
        let mut params = request.target.query.sorted();
        params.retain(|param| param.name() != b"X-Amz-Signature");
        let mut query = Vec::new();
        write_query(&params, &mut query);
        let headers = list.iter().map(|name| (name, value_of(request, name))).collect();
        Some(Self {
            method: request.method.as_str(),
            path,
            query,
            headers,
            payload,
            key_id: pieces.key_id,
            day: pieces.day,
            region: std::str::from_utf8(pieces.region?).ok()?,
            service: std::str::from_utf8(pieces.service).ok()?,
            signature,
            is_presigned,
            list: list.as_str(),
            text: StringToSign { algorithm, date, scope: pieces.text },
        })
    }

    /// The key that a secret makes for the scope of this signature.
    pub(super) fn key(&self, secret: &Secret) -> SigningKey {
        SigningKey::derive(secret, self.day, self.region, self.service)
    }

    /// The bytes that one trial hashes, more or less.
    pub(super) fn size(&self) -> usize {
        let headers: usize = self.headers.iter().map(|(name, value)| name.len() + value.len() + 2).sum();
        self.path.len() + self.query.len() + headers + self.list.len() + self.payload.len() + 192
    }

    /// Whether the signature holds with these parts as they are said to have been.
    pub(super) fn holds(&self, key: &SigningKey, edits: &[&Edit]) -> bool {
        let right = hex::encode(&self.mac(key, edits));
        if edits.iter().any(|edit| matches!(edit.what, What::UpperCase)) {
            return ct_eq(&right, &self.signature.to_ascii_lowercase());
        }
        ct_eq(&right, self.signature)
    }

    /// What the signature would be; nobody but [`Letter::holds`] may know.
    pub(in crate::auth::sigv4::doctor) fn mac(&self, key: &SigningKey, edits: &[&Edit]) -> [u8; 32] {
        let other =
            edits.iter().find_map(|edit| if let What::Key(other) = &edit.what { Some(other) } else { None });
        self.text.pieces(&self.digest(edits), |pieces| other.unwrap_or(key).mac(pieces))
    }

    fn digest(&self, edits: &[&Edit]) -> [u8; 32] {
        let (mut method, mut path, mut query) = (self.method, &self.path, &self.query);
        let mut payload = self.payload;
        for edit in edits {
            match &edit.what {
                What::Method(other) => method = other,
                What::Path(other) | What::HostAndPath(_, other) => path = other,
                What::Query(other) => query = other,
                What::PathAndQuery(one, other) => (path, query) = (one, other),
                What::Payload(other) => payload = other,
                What::Host(_) | What::Header(..) | What::Key(_) | What::UpperCase => {}
            }
        }
        let mut hash = Sha256::new();
        for piece in [method.as_bytes(), b"\n", path, b"\n", query, b"\n"] {
            hash.put(piece);
        }
        for (name, value) in &self.headers {
            let value = edits.iter().find_map(|edit| edit.header(name)).unwrap_or(value);
            for piece in [name.as_bytes(), b":", value, b"\n"] {
                hash.put(piece);
            }
        }
        for piece in [b"\n", self.list.as_bytes(), b"\n", payload] {
            hash.put(piece);
        }
        hash.finalize().into()
    }
}

/// The canonical value of a header, all its lines joined.
fn value_of(request: &RawRequest<'_>, name: &str) -> Vec<u8> {
    let mut value = Vec::new();
    for (at, line) in request.headers.all(name).enumerate() {
        if at > 0 {
            value.push(b',');
        }
        write_value(line, &mut value);
    }
    value
}
