//! Decodes a body in `aws-chunked` framing and checks every signature, the length and the trailer on the way.
//! It must not read or write anything: bytes go in, slices of them come out, or a fault.
//!
//! Data is handed out as it comes, but the last slice of a signed chunk only after the signature of that chunk was
//! found right. The whole body is right only when [`ChunkDecoder::finish`] says so; whoever relays it holds the last
//! bytes back until then (AWS documentation, "Transferring payload in multiple chunks" and "... with trailing headers").

pub mod fault;
pub mod plan;

use crate::auth::checksum::Checksum;
use crate::auth::hex;
use crate::field::trim;
use crate::secret::ct_eq;
use fault::ChunkFault;
use plan::{ChunkPlan, StreamingMode};
use sha2::{Digest as _, Sha256};
use smallvec::SmallVec;

/// The longest line of the framing: a size, a signature, and white space.
const MAX_LINE: usize = 512;

/// The most bytes of all trailer lines together.
const MAX_TRAILER: usize = 4096;

/// The smallest size of a signed chunk that another one follows.
const MIN_CHUNK: u64 = 8192;

/// The hash of nothing: the fifth line of the string to sign of a chunk.
const EMPTY_SHA256: &[u8] = b"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Where in the framing the next byte stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In the line with the size of a chunk.
    Size,
    /// In the data of a chunk; so many bytes are left.
    Data(u64),
    /// In the line end after the data.
    DataEnd,
    /// In the lines after the last chunk.
    Trailer,
    /// After the empty line.
    End,
    /// A fault was found.
    Failed,
}

/// Follows one body.
#[derive(Debug)]
pub struct ChunkDecoder {
    plan: ChunkPlan,
    state: State,
    /// The part of a line that came so far.
    line: SmallVec<[u8; 128]>,
    /// Over the data of the chunk.
    hash: Sha256,
    checksum: Option<Checksum>,
    /// Data bytes so far, the whole of the current chunk included.
    seen: u64,
    /// The chunks begun so far.
    chunks: u64,
    chunk_size: u64,
    claimed: Claimed,
    trailer: Trailer,
}

/// The signature that a chunk carries.
#[derive(Debug, Default)]
struct Claimed {
    text: SmallVec<[u8; 64]>,
    /// Another parameter came first: S3 takes the signature for a wrong one.
    is_misplaced: bool,
}

#[derive(Debug, Default)]
struct Trailer {
    /// `name:value` lines as they are signed.
    signed: Vec<u8>,
    /// The value of the declared one; the last of several.
    value: Option<SmallVec<[u8; 64]>>,
    signature: Option<SmallVec<[u8; 64]>>,
}

impl ChunkDecoder {
    /// At the first byte of a body.
    #[must_use]
    pub fn new(plan: ChunkPlan) -> Self {
        Self {
            checksum: plan.trailer.map(Checksum::new),
            plan,
            state: State::Size,
            line: SmallVec::new(),
            hash: Sha256::new(),
            seen: 0,
            chunks: 0,
            chunk_size: 0,
            claimed: Claimed::default(),
            trailer: Trailer::default(),
        }
    }

    /// The length of the decoded body, as declared; no more than this is ever handed out.
    #[must_use]
    pub const fn decoded_length(&self) -> u64 {
        self.plan.decoded_length
    }

    /// The checksum that came as trailer, in base64; right if [`ChunkDecoder::finish`] said so.
    #[must_use]
    pub fn trailer_value(&self) -> Option<&[u8]> {
        self.trailer.value.as_deref()
    }

    /// Takes bytes off the front of `input` up to the next data and gives that; `None` when all are taken.
    ///
    /// # Errors
    /// See [`ChunkFault`]. After a fault every call gives one.
    pub fn next<'d>(&mut self, input: &mut &'d [u8]) -> Result<Option<&'d [u8]>, ChunkFault> {
        self.step(input).inspect_err(|_| self.state = State::Failed)
    }

    /// Judges the body at its end.
    ///
    /// # Errors
    /// See [`ChunkFault`].
    pub fn finish(&mut self) -> Result<(), ChunkFault> {
        // S3 takes an unsigned body without its very last line end
        if self.state == State::Trailer
            && self.plan.mode == StreamingMode::UnsignedTrailer
            && self.line.is_empty()
        {
            self.end().inspect_err(|_| self.state = State::Failed)?;
        }
        if self.state == State::End { Ok(()) } else { Err(ChunkFault::Framing) }
    }

    fn step<'d>(&mut self, input: &mut &'d [u8]) -> Result<Option<&'d [u8]>, ChunkFault> {
        while !input.is_empty() {
            match self.state {
                State::Data(left) => return self.data(left, input).map(Some),
                State::End | State::Failed => return Err(ChunkFault::Framing),
                State::Size | State::DataEnd | State::Trailer => {
                    if self.take_line(input)? {
                        let line = std::mem::take(&mut self.line);
                        self.line(&line)?;
                    }
                }
            }
        }
        Ok(None)
    }

    /// Moves bytes into the line; whether it is whole now, and then without its line end.
    fn take_line(&mut self, input: &mut &[u8]) -> Result<bool, ChunkFault> {
        let end = memchr::memchr(b'\n', input).map(|at| at + 1);
        let (part, rest) = input.split_at_checked(end.unwrap_or(input.len())).unwrap_or_default();
        if self.line.len() + part.len() > MAX_LINE {
            return Err(ChunkFault::Framing);
        }
        self.line.extend_from_slice(part);
        *input = rest;
        if end.is_none() {
            return Ok(false);
        }
        let length = self.line.strip_suffix(b"\r\n").ok_or(ChunkFault::Framing)?.len();
        self.line.truncate(length);
        if memchr::memchr(b'\r', &self.line).is_some() { Err(ChunkFault::Framing) } else { Ok(true) }
    }

    fn line(&mut self, line: &[u8]) -> Result<(), ChunkFault> {
        match self.state {
            State::Size => self.size_line(line),
            State::DataEnd if line.is_empty() => {
                self.state = State::Size;
                Ok(())
            }
            State::Trailer if line.is_empty() => self.end(),
            State::Trailer => self.trailer_line(line),
            State::DataEnd | State::Data(_) | State::End | State::Failed => Err(ChunkFault::Framing),
        }
    }

    fn size_line(&mut self, line: &[u8]) -> Result<(), ChunkFault> {
        let mut pieces = line.split(|&byte| byte == b';');
        let size = pieces.next().and_then(|text| hex_number(trim(text))).ok_or(ChunkFault::Framing)?;
        self.claimed = claimed(pieces, self.plan.mode)?;
        if size == 0 {
            self.check_chunk()?;
            self.state = State::Trailer;
            return Ok(());
        }
        self.chunks += 1;
        let is_signed = self.plan.mode != StreamingMode::UnsignedTrailer;
        if is_signed && self.chunks > 1 && self.chunk_size < MIN_CHUNK {
            return Err(ChunkFault::Size { chunk: self.chunks, size: self.chunk_size });
        }
        self.chunk_size = size;
        self.seen = self.seen.saturating_add(size);
        if self.seen > self.plan.decoded_length {
            return Err(self.length_fault());
        }
        self.state = State::Data(size);
        Ok(())
    }

    fn data<'d>(&mut self, left: u64, input: &mut &'d [u8]) -> Result<&'d [u8], ChunkFault> {
        let length = usize::try_from(left).unwrap_or(usize::MAX).min(input.len());
        let (data, rest) = input.split_at_checked(length).unwrap_or_default();
        *input = rest;
        if self.plan.signer.is_some() {
            self.hash.update(data);
        }
        if let Some(checksum) = &mut self.checksum {
            checksum.update(data);
        }
        let left = left.saturating_sub(u64::try_from(length).unwrap_or(u64::MAX));
        self.state = State::Data(left);
        if left == 0 {
            self.check_chunk()?;
            self.state = State::DataEnd;
        }
        Ok(data)
    }

    /// Checks the signature of the chunk whose data is complete, and makes it the previous one.
    fn check_chunk(&mut self) -> Result<(), ChunkFault> {
        let Some(signer) = &mut self.plan.signer else { return Ok(()) };
        let digest = hex::encode(&self.hash.finalize_reset().into());
        let last = [EMPTY_SHA256, b"\n", &digest];
        let right = signer.signature("AWS4-HMAC-SHA256-PAYLOAD", &last);
        if self.claimed.is_misplaced || !ct_eq(&right, &self.claimed.text) {
            return Err(signer.mismatch("AWS4-HMAC-SHA256-PAYLOAD", &last, &self.claimed.text));
        }
        signer.previous = right;
        Ok(())
    }

    fn trailer_line(&mut self, line: &[u8]) -> Result<(), ChunkFault> {
        let (name, value) = memchr::memchr(b':', line)
            .and_then(|colon| Some((trim(line.get(..colon)?), trim(line.get(colon + 1..)?))))
            .ok_or(ChunkFault::Trailer)?;
        if self.trailer.signature.is_some() || self.trailer.signed.len() + line.len() > MAX_TRAILER {
            return Err(ChunkFault::Trailer);
        }
        let is_signed = self.plan.mode == StreamingMode::SignedTrailer;
        if is_signed && name.eq_ignore_ascii_case(b"x-amz-trailer-signature") {
            self.trailer.signature = Some(SmallVec::from_slice(value));
            return Ok(());
        }
        let declared = self.plan.trailer.map(|algorithm| algorithm.header().as_bytes());
        if self.plan.mode == StreamingMode::Signed
            || !declared.is_some_and(|declared| name.eq_ignore_ascii_case(declared))
        {
            return Err(ChunkFault::Trailer);
        }
        let signed = &mut self.trailer.signed;
        signed.extend(name.iter().map(u8::to_ascii_lowercase));
        for part in [b":", value, b"\n"] {
            signed.extend_from_slice(part);
        }
        self.trailer.value = Some(SmallVec::from_slice(value));
        Ok(())
    }

    /// The end of the trailer: its signature, the length, the checksum.
    fn end(&mut self) -> Result<(), ChunkFault> {
        self.check_trailer_signature()?;
        if self.seen != self.plan.decoded_length {
            return Err(self.length_fault());
        }
        if let (Some(algorithm), Some(checksum)) = (self.plan.trailer, self.checksum.take()) {
            let value = self.trailer.value.as_deref().ok_or(ChunkFault::Trailer)?;
            let claimed = algorithm.decode(value).ok_or(ChunkFault::TrailerValue(algorithm))?;
            if claimed != checksum.finish() {
                return Err(ChunkFault::Checksum(algorithm));
            }
        }
        self.state = State::End;
        Ok(())
    }

    fn check_trailer_signature(&self) -> Result<(), ChunkFault> {
        let Some(signer) =
            self.plan.signer.as_ref().filter(|_| self.plan.mode == StreamingMode::SignedTrailer)
        else {
            return Ok(());
        };
        let claimed = self.trailer.signature.as_deref().ok_or(ChunkFault::Framing)?;
        let digest = hex::encode(&Sha256::digest(&self.trailer.signed).into());
        let right = signer.signature("AWS4-HMAC-SHA256-TRAILER", &[&digest]);
        if ct_eq(&right, claimed) {
            return Ok(());
        }
        Err(signer.mismatch("AWS4-HMAC-SHA256-TRAILER", &[&digest], claimed))
    }

    const fn length_fault(&self) -> ChunkFault {
        ChunkFault::Length { expected: self.plan.decoded_length, provided: self.seen }
    }
}

/// Reads 1 to 16 hexadecimal digits and nothing else.
fn hex_number(text: &[u8]) -> Option<u64> {
    if !(1..=16).contains(&text.len()) || !text.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u64::from_str_radix(std::str::from_utf8(text).ok()?, 16).ok()
}

/// Reads the parameters of a chunk: exactly a signature in the signed modes, nothing in the other.
fn claimed<'l>(pieces: impl Iterator<Item = &'l [u8]>, mode: StreamingMode) -> Result<Claimed, ChunkFault> {
    let mut claimed = None;
    let mut is_misplaced = false;
    for piece in pieces {
        let (name, value) = memchr::memchr(b'=', piece)
            .and_then(|at| Some((trim(piece.get(..at)?), trim(piece.get(at + 1..)?))))
            .unwrap_or((piece, &[]));
        if claimed.is_some() || mode == StreamingMode::UnsignedTrailer {
            return Err(ChunkFault::Framing);
        }
        if name == b"chunk-signature" {
            claimed = Some(SmallVec::from_slice(value));
        } else {
            is_misplaced = true;
        }
    }
    match claimed {
        Some(text) => Ok(Claimed { text, is_misplaced }),
        None if mode == StreamingMode::UnsignedTrailer => Ok(Claimed::default()),
        None => Err(ChunkFault::Framing),
    }
}

#[cfg(test)]
mod tests;
