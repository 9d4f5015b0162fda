//! Signs requests: the header form for the upstream, and presigned URLs.
//! It must not decide what is signed: the caller lists every header and parameter.

use super::canonical::{self, StringToSign};
use super::key::{KeyCache, KeyName};
use super::presigned::RESERVED;
use super::{ALGORITHM, CONTENT_SHA256, SERVICE, TERMINATOR, UNSIGNED_PAYLOAD};
use crate::auth::hex;
use crate::clock::UnixMillis;
use crate::clock::civil::Civil;
use crate::request::percent::{Part, Sink, encode_into};
use crate::secret::Secret;
use sha2::{Digest, Sha256};
use smallvec::SmallVec;

/// Who signs, and for which region.
#[derive(Clone, Copy, Debug)]
pub struct Signer<'a> {
    /// The access key id.
    pub access_key_id: &'a str,
    /// The secret.
    pub secret: &'a Secret,
    /// The token of a temporary credential.
    pub session_token: Option<&'a Secret>,
    /// The region of the scope.
    pub region: &'a str,
}

/// A header to sign: its name in lower case, and its value as it is sent.
pub type SignedHeader<'a> = (&'a str, &'a [u8]);

/// `yyyymmdd'T'hhmmss'Z'` of an instant.
#[must_use]
pub fn date_text(at: UnixMillis) -> [u8; 16] {
    let day = Civil::from_instant(at).day_number();
    let second = u32::try_from(at.secs().rem_euclid(86_400)).unwrap_or(0);
    let mut text = *b"00000000T000000Z";
    let (date, time) = text.split_at_mut(9);
    digits(day, date.get_mut(..8).unwrap_or_default());
    let clock = second / 3600 * 10_000 + second / 60 % 60 * 100 + second % 60;
    digits(clock, time.get_mut(..6).unwrap_or_default());
    text
}

/// `yyyymmdd`, of a date as [`date_text`] writes it.
fn day_of([y1, y2, y3, y4, m1, m2, d1, d2, ..]: [u8; 16]) -> [u8; 8] {
    [y1, y2, y3, y4, m1, m2, d1, d2]
}

/// `yyyymmdd` of an instant.
#[must_use]
pub fn day_text(at: UnixMillis) -> [u8; 8] {
    let mut text = [b'0'; 8];
    digits(Civil::from_instant(at).day_number(), &mut text);
    text
}

fn digits(mut number: u32, text: &mut [u8]) {
    for digit in text.iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
    }
}

impl Signer<'_> {
    /// Appends `day/region/s3/aws4_request`.
    fn write_scope(&self, day: [u8; 8], out: &mut impl Sink) {
        for part in [&day[..], b"/", self.region.as_bytes(), b"/", SERVICE.as_bytes(), b"/"] {
            out.put(part);
        }
        out.put(TERMINATOR.as_bytes());
    }

    /// The signature over a canonical request with this digest.
    fn signature(&self, date: [u8; 16], canonical_digest: &[u8; 32], cache: &KeyCache) -> [u8; 64] {
        let day = day_of(date);
        let name =
            KeyName { key_id: self.access_key_id.as_bytes(), day, region: self.region, service: SERVICE };
        let key = cache.signing_key(&name, self.secret);
        let mut scope = SmallVec::<[u8; 64]>::new();
        self.write_scope(day, &mut scope);
        let text = StringToSign { algorithm: ALGORITHM.as_bytes(), date: &date, scope: &scope };
        hex::encode(&text.pieces(canonical_digest, |pieces| key.mac(pieces)))
    }
}

/// A request to the upstream, as far as its signature covers it.
#[derive(Clone, Copy, Debug)]
pub struct Upstream<'a, Q> {
    /// The method.
    pub method: &'a str,
    /// The canonical path, which must be the one that is sent.
    pub path: &'a [u8],
    /// Writes the canonical query (see [`canonical::write_query`]).
    pub query: Q,
    /// The headers to sign, sorted by name, equal names in the order in which they are sent, `host` among them;
    /// without the ones that [`sign_headers`] adds.
    pub headers: &'a [SignedHeader<'a>],
    /// The payload line: 64 hexadecimal digits or a keyword.
    pub payload: &'a [u8],
}

/// Signs a request and appends the header lines that the signature adds: `x-amz-content-sha256`, `x-amz-date`,
/// `x-amz-security-token` if the signer has a token, and `Authorization`. Nothing else is written to `head`, and
/// nothing is allocated besides what `head` needs to grow.
pub fn sign_headers<Q: Fn(&mut Sha256)>(
    head: &mut Vec<u8>,
    request: &Upstream<'_, Q>,
    signer: &Signer<'_>,
    cache: &KeyCache,
    now: UnixMillis,
) {
    let date = date_text(now);
    let mut headers = SmallVec::<[SignedHeader<'_>; 24]>::new();
    headers.extend_from_slice(request.headers);
    let mut add = |name, value| {
        let at = headers.partition_point(|(other, _)| *other <= name);
        headers.insert(at, (name, value));
        write_line(name, value, head);
    };
    add(CONTENT_SHA256, request.payload);
    add("x-amz-date", &date);
    if let Some(token) = signer.session_token {
        add("x-amz-security-token", token.expose());
    }
    let mut hash = Sha256::new();
    hash.put(request.method.as_bytes());
    hash.put(b"\n");
    hash.put(request.path);
    hash.put(b"\n");
    (request.query)(&mut hash);
    hash.put(b"\n");
    write_headers(&headers, &mut hash);
    hash.put(b"\n");
    write_names(&headers, &mut hash);
    hash.put(b"\n");
    hash.put(request.payload);
    let signature = signer.signature(date, &hash.finalize().into(), cache);

    head.put(b"Authorization: ");
    head.put(ALGORITHM.as_bytes());
    head.put(b" Credential=");
    head.put(signer.access_key_id.as_bytes());
    head.put(b"/");
    signer.write_scope(day_of(date), head);
    head.put(b", SignedHeaders=");
    write_names(&headers, head);
    head.put(b", Signature=");
    head.put(&signature);
    head.put(b"\r\n");
}

fn write_line(name: &str, value: &[u8], out: &mut impl Sink) {
    for part in [name.as_bytes(), b": ", value, b"\r\n"] {
        out.put(part);
    }
}

/// The lists of one name each, in order.
fn by_name<'h>(headers: &'h [SignedHeader<'h>]) -> impl Iterator<Item = &'h [SignedHeader<'h>]> {
    headers.chunk_by(|(left, _), (right, _)| left == right)
}

fn write_headers(headers: &[SignedHeader<'_>], out: &mut impl Sink) {
    for lines in by_name(headers) {
        let Some((name, _)) = lines.first() else { continue };
        canonical::write_header(name, lines.iter().map(|(_, value)| *value), out);
    }
}

fn write_names(headers: &[SignedHeader<'_>], out: &mut impl Sink) {
    for (at, lines) in by_name(headers).enumerate() {
        let Some((name, _)) = lines.first() else { continue };
        if at > 0 {
            out.put(b";");
        }
        out.put(name.as_bytes());
    }
}

/// What a presigned URL is to allow.
#[derive(Clone, Copy, Debug)]
pub struct Grant<'a> {
    /// The method.
    pub method: &'a str,
    /// The value of the Host header.
    pub host: &'a str,
    /// The path, decoded.
    pub path: &'a [u8],
    /// Parameters besides the reserved ones, decoded.
    pub query: &'a [(&'a [u8], &'a [u8])],
    /// Headers that the request must carry besides `host`, names in lower case, in any order.
    pub headers: &'a [SignedHeader<'a>],
    /// When its life begins.
    pub signed_at: UnixMillis,
    /// How many seconds it lasts: 0 to 604800.
    pub expires_secs: u32,
}

/// The target of a presigned URL: canonical path and query, its signature last.
///
/// `x-amz-content-sha256` among the headers becomes the payload line, else the body is not signed. A reserved
/// parameter in `query` makes a link that the gate refuses; see [`RESERVED`].
#[must_use]
pub fn presign(grant: &Grant<'_>, signer: &Signer<'_>, cache: &KeyCache) -> Vec<u8> {
    let mut headers: Vec<SignedHeader<'_>> = vec![("host", grant.host.as_bytes())];
    headers.extend_from_slice(grant.headers);
    headers.sort_by_key(|(name, _)| *name);
    let payload = headers.iter().find(|(name, _)| *name == CONTENT_SHA256).map(|(_, value)| *value);
    let query = presigned_query(grant, signer, &headers);
    let mut path = Vec::new();
    encode_into(if grant.path.is_empty() { b"/" } else { grant.path }, Part::Path, &mut path);

    let mut canonical = Vec::new();
    for line in [grant.method.as_bytes(), &path, &query] {
        canonical.put(line);
        canonical.put(b"\n");
    }
    write_headers(&headers, &mut canonical);
    canonical.put(b"\n");
    write_names(&headers, &mut canonical);
    canonical.put(b"\n");
    canonical.put(payload.unwrap_or(UNSIGNED_PAYLOAD.as_bytes()));
    let signature = signer.signature(date_text(grant.signed_at), &Sha256::digest(&canonical).into(), cache);

    let mut target = path;
    target.put(b"?");
    target.put(&query);
    target.put(b"&X-Amz-Signature=");
    target.put(&signature);
    target
}

/// The canonical query without the signature.
fn presigned_query(grant: &Grant<'_>, signer: &Signer<'_>, headers: &[SignedHeader<'_>]) -> Vec<u8> {
    let [algorithm, credential, date, expires, signed_headers, _, token, _] = RESERVED;
    let mut scope = Vec::from(signer.access_key_id);
    scope.put(b"/");
    signer.write_scope(day_text(grant.signed_at), &mut scope);
    let mut names = Vec::new();
    write_names(headers, &mut names);
    let date_value = date_text(grant.signed_at);
    let expires_value = grant.expires_secs.to_string();
    let mut params: Vec<(&[u8], &[u8])> = vec![
        (algorithm.as_bytes(), ALGORITHM.as_bytes()),
        (credential.as_bytes(), &scope),
        (date.as_bytes(), &date_value),
        (expires.as_bytes(), expires_value.as_bytes()),
        (signed_headers.as_bytes(), &names),
    ];
    params.extend(signer.session_token.map(|value| (token.as_bytes(), value.expose())));
    params.extend_from_slice(grant.query);
    let encode = |text: &[u8]| {
        let mut encoded = Vec::new();
        encode_into(text, Part::Query, &mut encoded);
        encoded
    };
    let mut encoded: Vec<_> = params.into_iter().map(|(name, value)| (encode(name), encode(value))).collect();
    encoded.sort();
    let pairs: Vec<_> = encoded.iter().map(|(name, value)| [name.as_slice(), value].join(&b'=')).collect();
    pairs.join(&b'&')
}
