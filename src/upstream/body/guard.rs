//! Follows one body on its way to S3: takes what came, judges it, and hands on what may leave.
//! It must not hand on the bytes that complete a body before all of it was found right: they are held back here.

use super::digests::Hashing;
use super::form::FormFlow;
use super::onward::{Chunker, Onward};
use super::{BodyFault, BodyRules, too_large, too_small};
use crate::auth::sigv4::chunked::ChunkDecoder;
use crate::auth::sigv4::chunked::fault::ChunkFault;
use crate::request::framing::Encoder;

impl From<ChunkFault> for BodyFault {
    fn from(fault: ChunkFault) -> Self {
        Self { reason: fault.reason(), error: fault.s3() }
    }
}

/// Follows one body.
///
/// INVARIANT: what was appended by [`take`](Self::take) never completes a body in chunks or in a form: its last byte of data, and
/// everything behind that, leaves with [`finish`](Self::finish). A body without chunks is completed by its own framing
/// only, so the caller calls `finish` before it sends the bytes of the last `take`.
#[derive(Debug)]
pub struct BodyGuard<'r> {
    onward: Onward,
    /// Bytes as they came.
    seen: u64,
    tally: Tally<'r>,
    chunks: Option<Box<Chunks>>,
    form: Option<Box<FormFlow>>,
}

/// What is known of the data so far.
#[derive(Debug)]
pub(super) struct Tally<'r> {
    hashing: Hashing<'r>,
    data: u64,
    max: u64,
    min: u64,
}

/// A body in chunks.
#[derive(Debug)]
struct Chunks {
    decoder: ChunkDecoder,
    chunker: Option<Chunker>,
    /// What leaves when all of it was found right: bounded by the longest end that the decoder takes.
    held: Vec<u8>,
}

impl<'r> BodyGuard<'r> {
    /// Nothing seen yet.
    #[must_use]
    pub fn new(rules: &'r BodyRules) -> Self {
        let chunks = rules.chunks.as_deref().map(|plan| {
            let chunker = match rules.onward {
                Onward::Reframed(algorithm) => Some(Chunker::new(algorithm, plan.decoded_length)),
                Onward::Same | Onward::Decoded => None,
            };
            Box::new(Chunks { decoder: ChunkDecoder::new(plan.clone()), chunker, held: Vec::new() })
        });
        let hashing = Hashing::new(&rules.digests);
        let tally = Tally { hashing, data: 0, max: rules.max, min: rules.min };
        let form = rules.form.as_ref().map(|file| Box::new(FormFlow::new(file)));
        Self { onward: rules.onward, seen: 0, tally, chunks, form }
    }

    /// The bytes seen so far, framing of `aws-chunked` included.
    #[must_use]
    pub const fn seen(&self) -> u64 {
        self.seen
    }

    /// The bytes of data among them: without framing, and without what stands around the file of a form.
    #[must_use]
    pub const fn data(&self) -> u64 {
        self.tally.data()
    }

    /// Takes the next bytes and appends those that may leave.
    ///
    /// # Errors
    /// The body is larger than it may be, or a chunk is wrong. Nothing must be sent any more then.
    pub fn take(&mut self, bytes: &[u8], out: &mut Encoder<'_>) -> Result<(), BodyFault> {
        self.seen = self.seen.saturating_add(length(bytes));
        if let Some(form) = &mut self.form {
            return form.take(bytes, &mut self.tally, out);
        }
        match (&mut self.chunks, self.onward) {
            (None, _) => {
                self.tally.add(bytes)?;
                out.data(bytes);
                Ok(())
            }
            (Some(chunks), Onward::Same) => chunks.pass(bytes, &mut self.tally, out),
            (Some(chunks), Onward::Decoded | Onward::Reframed(_)) => {
                chunks.decode(bytes, &mut self.tally, out)
            }
        }
    }

    /// Judges the whole body, then appends what was held back. To be called once, at its end.
    ///
    /// # Errors
    /// The body is too small, not the one that was signed, cut off, or has another checksum. Nothing must be sent any
    /// more then.
    pub fn finish(&mut self, out: &mut Encoder<'_>) -> Result<(), BodyFault> {
        if let Some(chunks) = &mut self.chunks {
            chunks.decoder.finish()?;
        }
        if let Some(form) = &self.form {
            form.finish(&self.tally)?;
        }
        self.tally.finish()?;
        if let Some(form) = &mut self.form {
            form.release(out);
        }
        if let Some(chunks) = &mut self.chunks {
            chunks.release(out);
        }
        out.end();
        Ok(())
    }
}

impl Tally<'_> {
    pub(super) const fn data(&self) -> u64 {
        self.data
    }

    pub(super) fn add(&mut self, data: &[u8]) -> Result<(), BodyFault> {
        self.data = self.data.saturating_add(length(data));
        if self.data > self.max {
            return Err(too_large(self.data, self.max));
        }
        self.hashing.update(data);
        Ok(())
    }

    fn finish(&mut self) -> Result<(), BodyFault> {
        if self.data < self.min {
            return Err(too_small(self.data, self.min));
        }
        self.hashing.finish()
    }
}

impl Chunks {
    /// Passes bytes on as they came, up to the last byte of data.
    fn pass(&mut self, bytes: &[u8], tally: &mut Tally<'_>, out: &mut Encoder<'_>) -> Result<(), BodyFault> {
        let whole = self.decoder.decoded_length();
        let mut may_leave = if tally.data < whole { bytes.len() } else { 0 };
        let mut rest = bytes;
        while let Some(data) = self.decoder.next(&mut rest)? {
            tally.add(data)?;
            if tally.data >= whole {
                may_leave = (bytes.len() - rest.len()).saturating_sub(1);
            }
        }
        let (now, later) = bytes.split_at_checked(may_leave).unwrap_or_default();
        out.data(now);
        self.held.extend_from_slice(later);
        Ok(())
    }

    /// Passes data on, up to its last byte.
    fn decode(
        &mut self,
        bytes: &[u8],
        tally: &mut Tally<'_>,
        out: &mut Encoder<'_>,
    ) -> Result<(), BodyFault> {
        let mut rest = bytes;
        while let Some(mut data) = self.decoder.next(&mut rest)? {
            tally.add(data)?;
            if tally.data >= self.decoder.decoded_length()
                && let Some((last, before)) = data.split_last()
            {
                self.held.push(*last);
                data = before;
            }
            append(&mut self.chunker, data, out);
        }
        Ok(())
    }

    /// Appends what was held back and, in chunks of the gate's own, their end.
    fn release(&mut self, out: &mut Encoder<'_>) {
        append(&mut self.chunker, &std::mem::take(&mut self.held), out);
        if let Some(chunker) = &self.chunker {
            chunker.end(self.decoder.trailer_value().unwrap_or_default(), out);
        }
    }
}

fn append(chunker: &mut Option<Chunker>, data: &[u8], out: &mut Encoder<'_>) {
    match chunker {
        Some(chunker) => chunker.data(data, out),
        None => out.data(data),
    }
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
