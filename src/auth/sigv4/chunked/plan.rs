//! What a chunked body must be: mode, decoded length, trailer, and where its chain of signatures begins.
//! It must not be made for a request whose own signature was not proven, or left to the store.

use super::fault::ChunkFault;
use crate::auth::checksum::Algorithm;
use crate::auth::error::{AuthError, Mismatch};
use crate::auth::hex;
use crate::auth::sigv4::key::SigningKey;
use crate::request::RawRequest;

/// How the body is signed in chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamingMode {
    /// Every chunk carries a signature.
    Signed,
    /// Every chunk and the trailer carry a signature.
    SignedTrailer,
    /// Neither does; a trailer may carry a checksum.
    UnsignedTrailer,
}

impl StreamingMode {
    const TABLE: [(Self, &'static str); 3] = [
        (Self::Signed, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
        (Self::SignedTrailer, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"),
        (Self::UnsignedTrailer, "STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
    ];

    /// The keyword in `x-amz-content-sha256`.
    #[must_use]
    pub fn keyword(self) -> &'static str {
        Self::TABLE.into_iter().find(|(mode, _)| *mode == self).map_or("", |(_, text)| text)
    }

    /// The mode with this keyword, letter case kept.
    #[must_use]
    pub fn from_keyword(keyword: &[u8]) -> Option<Self> {
        Self::TABLE.into_iter().find(|(_, text)| text.as_bytes() == keyword).map(|(mode, _)| mode)
    }
}

/// What a chunked body must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChunkPlan {
    /// How it is signed.
    pub mode: StreamingMode,
    /// The length of the data without its framing.
    pub decoded_length: u64,
    /// The checksum that the trailer is declared to carry.
    pub trailer: Option<Algorithm>,
    /// Who looks at the signatures; `None` exactly if the mode is unsigned.
    pub(in crate::auth) chain: Option<Chain>,
}

/// Who looks at the signatures of chunks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::auth) enum Chain {
    /// The gate: they must be right.
    Checked(ChunkSigner),
    /// The store, as at that of the request: they must be there.
    Unchecked,
}

/// The chain of signatures of one body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::auth) struct ChunkSigner {
    key: SigningKey,
    /// `\n`, the date, `\n`, the scope, `\n`: the lines between the algorithm and the previous signature.
    middle: Box<[u8]>,
    /// The signature of the request, then that of each chunk.
    pub(super) previous: [u8; 64],
    /// What an answer may tell; nothing with uniform errors.
    told: Option<Told>,
}

/// What S3 tells about a wrong signature of a chunk besides the chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::auth) struct Told {
    pub(in crate::auth) key_id: String,
    /// That of the request.
    pub(in crate::auth) canonical_request: Vec<u8>,
}

impl ChunkSigner {
    /// At the first chunk. `signature` is that of the request, found right.
    pub(in crate::auth) fn new(
        key: SigningKey,
        date: &[u8],
        scope: &[u8],
        signature: &[u8; 64],
        told: Option<Told>,
    ) -> Self {
        let middle = [b"\n", date, b"\n", scope, b"\n"].concat().into();
        Self { key, middle, previous: *signature, told }
    }

    #[cfg(test)]
    pub(super) fn tell_nothing(&mut self) {
        self.told = None;
    }

    fn with_text<T>(&self, algorithm: &str, last: &[&[u8]], with: impl FnOnce(&[&[u8]]) -> T) -> T {
        let mut pieces = smallvec::SmallVec::<[&[u8]; 8]>::new();
        pieces.extend_from_slice(&[algorithm.as_bytes(), &self.middle, &self.previous, b"\n"]);
        pieces.extend_from_slice(last);
        with(&pieces)
    }

    /// The right signature over the string to sign that ends in the pieces `last`.
    pub(in crate::auth) fn signature(&self, algorithm: &str, last: &[&[u8]]) -> [u8; 64] {
        hex::encode(&self.with_text(algorithm, last, |pieces| self.key.mac(pieces)))
    }

    /// The fault for a signature that is not that one.
    pub(super) fn mismatch(&self, algorithm: &str, last: &[&[u8]], provided: &[u8]) -> ChunkFault {
        let Some(told) = &self.told else { return ChunkFault::Uniform };
        ChunkFault::WrongSignature(Box::new(Mismatch {
            key_id: told.key_id.clone(),
            provided: String::from_utf8_lossy(provided).into_owned(),
            string_to_sign: self.with_text(algorithm, last, |pieces| pieces.concat()),
            canonical_request: told.canonical_request.clone(),
        }))
    }
}

impl ChunkPlan {
    /// A body in chunks that carry no signatures.
    #[must_use]
    pub const fn unsigned(decoded_length: u64, trailer: Option<Algorithm>) -> Self {
        Self { mode: StreamingMode::UnsignedTrailer, decoded_length, trailer, chain: None }
    }

    /// Reads what the headers of a proven request declare. `chain` is asked for in the signed modes only, and they are
    /// refused if there is none.
    pub(in crate::auth) fn of(
        request: &RawRequest<'_>,
        mode: StreamingMode,
        chain: impl FnOnce() -> Option<Chain>,
    ) -> Result<Self, AuthError> {
        let headers = &request.headers;
        let decoded_length = headers
            .text("x-amz-decoded-content-length")
            .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
            // the store may get this very text: no leading zeros, which not everybody reads as decimal
            .filter(|text| text.len() == 1 || !text.starts_with('0'))
            .and_then(|text| text.parse().ok())
            .ok_or(AuthError::MissingLength)?;
        let trailer = match headers.first("x-amz-trailer") {
            Some(name) => Some(Algorithm::from_header(name).ok_or(AuthError::UnsupportedTrailer)?),
            None => None,
        };
        let in_headers =
            headers.iter().filter(|header| Algorithm::from_header(header.name.as_bytes()).is_some()).count();
        if in_headers + usize::from(trailer.is_some()) > 1 {
            return Err(AuthError::SeveralChecksums);
        }
        let chain = match mode {
            StreamingMode::UnsignedTrailer => None,
            StreamingMode::Signed | StreamingMode::SignedTrailer => {
                Some(chain().ok_or_else(|| AuthError::PayloadMode(mode.keyword().to_owned()))?)
            }
        };
        Ok(Self { mode, decoded_length, trailer, chain })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::head;

    fn check(lines: &[&str], expected: &Result<(u64, Option<Algorithm>), AuthError>) {
        let text = format!("PUT /k HTTP/1.1\r\nHost: h\r\n{}\r\n\r\n", lines.join("\r\n"));
        let request = head::parse(text.as_bytes()).unwrap();
        let signer = || panic!("an unsigned mode has no signer");
        let plan = ChunkPlan::of(&request, StreamingMode::UnsignedTrailer, signer);
        let outcome = plan.map(|plan| (plan.decoded_length, plan.trailer));
        assert_eq!(outcome, *expected, "{lines:?}");
    }

    #[test]
    fn what_headers_declare() {
        let length = "x-amz-decoded-content-length: 5";
        check(&[length], &Ok((5, None)));
        check(&[length, "x-amz-trailer: X-Amz-Checksum-CRC32C"], &Ok((5, Some(Algorithm::Crc32c))));
        check(&[length, "x-amz-checksum-sha1: x", "x-amz-checksum-algorithm: SHA1"], &Ok((5, None)));
        for value in ["", "5a", "-5", "+5", "5 5", "05", "99999999999999999999"] {
            check(&[&format!("x-amz-decoded-content-length: {value}")], &Err(AuthError::MissingLength));
        }
        check(&["x-amz-trailer: x-amz-checksum-crc32"], &Err(AuthError::MissingLength));
        for name in ["", "x-amz-meta-a", "x-amz-checksum-crc32,x-amz-checksum-sha1"] {
            check(&[length, &format!("x-amz-trailer: {name}")], &Err(AuthError::UnsupportedTrailer));
        }
        let trailer = "x-amz-trailer: x-amz-checksum-crc32";
        for second in ["x-amz-checksum-crc32: x", "x-amz-checksum-sha256: x"] {
            check(&[length, trailer, second], &Err(AuthError::SeveralChecksums));
        }
        check(
            &[length, "x-amz-checksum-sha1: x", "x-amz-checksum-crc32: x"],
            &Err(AuthError::SeveralChecksums),
        );
    }
}
