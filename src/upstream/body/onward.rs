//! The form in which a body reaches S3: as it came, without its chunks, or in chunks of the gate's own.
//! It must not decide whether a body is right.
//!
//! A store that the gate signs for cannot check the client's chunk signatures, so they end here. A checksum that came
//! as trailer goes on as one, so that the store checks it too and keeps it with the object: in the form that SDKs
//! send over TLS, `STREAMING-UNSIGNED-PAYLOAD-TRAILER`, which AWS and the stores that speak its current protocol take.
//! Without a trailer the body is plain, which every store takes.

use crate::auth::checksum::Algorithm;
use crate::auth::payload::Payload;
use crate::request::framing::{CHUNK_END, Encoder, Framing, begin_chunk};
use crate::upstream::Credentials;

/// The data of one chunk of the gate's own, but for the last: as SDKs send them; some stores keep one in
/// memory and refuse larger ones.
const CHUNK: u64 = 64 * 1024;

/// How the bytes of a body travel on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Onward {
    /// As they came.
    #[default]
    Same,
    /// Without the framing of `aws-chunked`.
    Decoded,
    /// In chunks of the gate's own, with this checksum as trailer.
    Reframed(Algorithm),
}

impl Onward {
    /// The form for a payload and a store.
    #[must_use]
    pub fn of(payload: &Payload<'_>, credentials: &Credentials) -> Self {
        match (payload, credentials) {
            (Payload::Streaming(plan), Credentials::Static { .. } | Credentials::Provided) => {
                plan.trailer.map_or(Self::Decoded, Self::Reframed)
            }
            // the form of the payload is told by a signature, which such a request does not have
            (Payload::Streaming(_), Credentials::Anonymous) => Self::Decoded,
            (Payload::Streaming(_), Credentials::Passthrough { .. })
            | (Payload::Unsigned | Payload::Sha256(_) | Payload::Unmatchable(_), _) => Self::Same,
        }
    }

    /// How the length is told to the store, if `told` is how the client told it.
    #[must_use]
    pub fn framing(self, told: Framing, decoded_length: u64) -> Framing {
        match self {
            Self::Same => told,
            Self::Decoded => Framing::Known(decoded_length),
            Self::Reframed(algorithm) => Framing::Known(reframed_length(decoded_length, algorithm)),
        }
    }
}

/// The bytes of a body in chunks of the gate's own.
fn reframed_length(data: u64, algorithm: Algorithm) -> u64 {
    let chunk = |size: u64| {
        let digits = u64::from(size.ilog2() / 4 + 1);
        size.saturating_add(digits + 4)
    };
    let last = match data % CHUNK {
        0 => 0,
        size => chunk(size),
    };
    let trailer = algorithm.header().len() + 1 + algorithm.text_length() + 2;
    let end = u64::try_from(trailer + "0\r\n\r\n".len()).unwrap_or(u64::MAX);
    (data / CHUNK).saturating_mul(chunk(CHUNK)).saturating_add(last).saturating_add(end)
}

/// Puts data into chunks of the gate's own.
#[derive(Debug)]
pub(super) struct Chunker {
    algorithm: Algorithm,
    /// Data that no chunk was begun for.
    left: u64,
    /// What is missing of the current chunk.
    in_chunk: u64,
}

impl Chunker {
    pub(super) const fn new(algorithm: Algorithm, decoded_length: u64) -> Self {
        Self { algorithm, left: decoded_length, in_chunk: 0 }
    }

    /// Appends data; together no more than was declared.
    pub(super) fn data(&mut self, mut data: &[u8], out: &mut Encoder<'_>) {
        while !data.is_empty() {
            if self.in_chunk == 0 {
                self.in_chunk = self.left.min(CHUNK);
                self.left -= self.in_chunk;
                let mut line = Vec::with_capacity(20);
                begin_chunk(usize::try_from(self.in_chunk).unwrap_or(usize::MAX), &mut line);
                out.data(&line);
            }
            let here = usize::try_from(self.in_chunk).unwrap_or(usize::MAX).min(data.len());
            let (now, rest) = data.split_at_checked(here).unwrap_or_default();
            if now.is_empty() {
                return;
            }
            out.data(now);
            data = rest;
            self.in_chunk -= u64::try_from(here).unwrap_or(self.in_chunk);
            if self.in_chunk == 0 {
                out.data(CHUNK_END);
            }
        }
    }

    /// Appends the end: the last chunk, and the checksum in base64.
    pub(super) fn end(&self, value: &[u8], out: &mut Encoder<'_>) {
        for part in [b"0\r\n", self.algorithm.header().as_bytes(), b":", value, b"\r\n\r\n"] {
            out.data(part);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reframe(data: &[u8], step: usize, algorithm: Algorithm) -> Vec<u8> {
        let mut out = Vec::new();
        let length = data.len() as u64;
        let Framing::Known(told) = Onward::Reframed(algorithm).framing(Framing::Chunked, length) else {
            panic!("the length is known")
        };
        let mut encoder = Encoder::new(Framing::Known(told), &mut out);
        let mut chunker = Chunker::new(algorithm, length);
        for part in data.chunks(step) {
            chunker.data(part, &mut encoder);
        }
        chunker.end(&vec![b'v'; algorithm.text_length()], &mut encoder);
        assert_eq!(out.len() as u64, told, "{length} bytes with {algorithm:?}");
        out
    }

    #[test]
    fn the_length_is_told_exactly() {
        let (all, end) = (vec![b'a'; 200_000], b"0\r\nx-amz-checksum-crc32:vvvvvvvv\r\n\r\n");
        for length in
            [0, 1, 15, 16, 17, 4095, 4096, 65_535, 65_536, 65_537, 131_071, 131_072, 131_073, 200_000]
        {
            for step in [1, 1000, 65_536, 70_000] {
                let out = reframe(&all[..length], step, Algorithm::Crc32);
                assert!(out.ends_with(end));
            }
        }
        for algorithm in Algorithm::all() {
            reframe(b"hello", 2, algorithm);
        }
        assert_eq!(reframe(b"hello", 2, Algorithm::Crc32), [b"5\r\nhello\r\n", &end[..]].concat());
    }

    #[test]
    fn chunks_have_the_same_size_but_for_the_last() {
        let out = reframe(&vec![b'a'; 140_000], 9999, Algorithm::Crc64Nvme);
        let text = String::from_utf8(out).unwrap();
        let sizes: Vec<_> =
            text.split("\r\n").filter(|line| !line.is_empty() && !line.starts_with('a')).collect();
        assert_eq!(sizes, ["10000", "10000", "22e0", "0", "x-amz-checksum-crc64nvme:vvvvvvvvvvvv"]);
    }
}
