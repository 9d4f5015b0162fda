//! HTTP/1.1 message bodies as state machines: from framed bytes to data, and from data to chunks (RFC 9112 section 7).
//! It must not do IO, nor pass anything on but data: extensions are refused, trailers dropped, what goes out is framed anew.

/// How the length of a message body is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// There is no body.
    None,
    /// So many bytes.
    Known(u64),
    /// Chunks.
    Chunked,
    /// Everything until the sender closes; answers only.
    UntilClose,
}

/// The most bytes of all trailer lines together.
const MAX_TRAILER_BYTES: u32 = 8 * 1024;

/// Why a body cannot be read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FramingError {
    /// A chunk size is no hexadecimal number of 1 to 16 digits, or an extension follows it (nobody who speaks to
    /// S3 sends one, and readers differ in where it ends).
    #[error("a chunk size is malformed")]
    ChunkSize,
    /// A line break is missing or half, or a control character stands in a trailer.
    #[error("the chunk framing is malformed")]
    ChunkFraming,
    /// The trailer lines are longer than 8 KiB together.
    #[error("the trailers are too long")]
    TooLong,
}

/// What comes next in a body.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Data, never empty.
    Data(&'a [u8]),
    /// The body is complete; what follows in the input is not part of it.
    End,
    /// The input is used up.
    NeedMore,
}

/// Takes a body out of its framing.
#[derive(Debug)]
pub struct Decoder(State);

#[derive(Debug, Clone, Copy)]
enum State {
    Known(u64),
    UntilClose,
    Size { value: u64, digits: u8 },
    SizeLf { value: u64 },
    Chunk(u64),
    ChunkCr,
    ChunkLf,
    Trailer { seen: u32, line: u32 },
    TrailerLf { seen: u32, line: u32 },
    End,
}

impl Decoder {
    /// A decoder for a body framed like this.
    #[must_use]
    pub const fn new(framing: Framing) -> Self {
        Self(match framing {
            Framing::None | Framing::Known(0) => State::End,
            Framing::Known(length) => State::Known(length),
            Framing::Chunked => State::Size { value: 0, digits: 0 },
            Framing::UntilClose => State::UntilClose,
        })
    }

    /// Whether the body is complete.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        matches!(self.0, State::End)
    }

    /// Whether the sender may close now without cutting the body off.
    #[must_use]
    pub const fn may_close(&self) -> bool {
        matches!(self.0, State::End | State::UntilClose)
    }

    /// Takes the next piece off the front of `input`.
    ///
    /// # Errors
    /// See [`FramingError`]; the body must not be read on after one.
    pub fn next<'a>(&mut self, input: &mut &'a [u8]) -> Result<Piece<'a>, FramingError> {
        loop {
            match self.0 {
                State::End => return Ok(Piece::End),
                _ if input.is_empty() => return Ok(Piece::NeedMore),
                State::Known(left) => {
                    let (data, left) = take(input, left);
                    self.0 = if left == 0 { State::End } else { State::Known(left) };
                    return Ok(Piece::Data(data));
                }
                State::UntilClose => return Ok(Piece::Data(std::mem::take(input))),
                State::Chunk(left) => {
                    let (data, left) = take(input, left);
                    self.0 = if left == 0 { State::ChunkCr } else { State::Chunk(left) };
                    return Ok(Piece::Data(data));
                }
                state => {
                    let Some((&byte, rest)) = input.split_first() else { return Ok(Piece::NeedMore) };
                    *input = rest;
                    self.0 = step(state, byte)?;
                }
            }
        }
    }
}

/// Takes at most `left` bytes; returns them and what is left then.
fn take<'a>(input: &mut &'a [u8], left: u64) -> (&'a [u8], u64) {
    let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(input.len());
    let (data, rest) = input.split_at_checked(wanted).unwrap_or((input, &[]));
    *input = rest;
    (data, left.saturating_sub(u64::try_from(data.len()).unwrap_or(u64::MAX)))
}

/// One byte of chunk framing.
const fn step(state: State, byte: u8) -> Result<State, FramingError> {
    match (state, byte) {
        (State::Size { value, digits: 1.. }, b'\r') => Ok(State::SizeLf { value }),
        (State::Size { value, digits: digits @ 0..16 }, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
            let Some(digit) = (byte as char).to_digit(16) else { return Err(FramingError::ChunkSize) };
            Ok(State::Size { value: (value << 4) | digit as u64, digits: digits + 1 })
        }
        (State::Size { .. }, _) => Err(FramingError::ChunkSize),
        (State::SizeLf { value: 0 }, b'\n') => Ok(State::Trailer { seen: 0, line: 0 }),
        (State::SizeLf { value }, b'\n') => Ok(State::Chunk(value)),
        (State::ChunkCr, b'\r') => Ok(State::ChunkLf),
        (State::ChunkLf, b'\n') => Ok(State::Size { value: 0, digits: 0 }),
        (State::Trailer { seen, line }, b'\r') => Ok(State::TrailerLf { seen, line }),
        (State::TrailerLf { line: 0, .. }, b'\n') => Ok(State::End),
        (State::TrailerLf { seen, .. }, b'\n') => Ok(State::Trailer { seen, line: 0 }),
        (State::Trailer { seen, .. }, _) if seen >= MAX_TRAILER_BYTES => Err(FramingError::TooLong),
        (State::Trailer { seen, line }, _) if is_text(byte) => {
            Ok(State::Trailer { seen: seen + 1, line: line + 1 })
        }
        _ => Err(FramingError::ChunkFraming),
    }
}

const fn is_text(byte: u8) -> bool {
    byte == b'\t' || (byte >= 0x20 && byte != 0x7f)
}

/// Appends the line that begins a chunk of `length` bytes, which must not be 0.
pub fn begin_chunk(length: usize, out: &mut Vec<u8>) {
    use std::io::Write as _;
    // writing to a Vec cannot fail
    let _ = write!(out, "{length:x}\r\n");
}

/// What ends a chunk.
pub const CHUNK_END: &[u8] = b"\r\n";

/// What ends a chunked body.
pub const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// Puts a body into its framing.
#[derive(Debug)]
pub struct Encoder<'o> {
    framing: Framing,
    out: &'o mut Vec<u8>,
}

impl<'o> Encoder<'o> {
    /// Appends to `out`. For a known length it is the caller who keeps count.
    #[must_use]
    pub const fn new(framing: Framing, out: &'o mut Vec<u8>) -> Self {
        Self { framing, out }
    }

    /// Appends data; none is nothing, not the last chunk.
    pub fn data(&mut self, data: &[u8]) {
        if self.framing != Framing::Chunked {
            self.out.extend_from_slice(data);
        } else if !data.is_empty() {
            begin_chunk(data.len(), self.out);
            self.out.extend_from_slice(data);
            self.out.extend_from_slice(CHUNK_END);
        }
    }

    /// Appends what ends the body.
    pub fn end(&mut self) {
        if self.framing == Framing::Chunked {
            self.out.extend_from_slice(LAST_CHUNK);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Reads a body from input that comes in pieces of `step` bytes; gives the data and what was left over.
    fn read(framing: Framing, input: &[u8], step: usize) -> Result<(Vec<u8>, Option<usize>), FramingError> {
        let mut decoder = Decoder::new(framing);
        let (mut data, mut used) = (Vec::new(), 0);
        for part in input.chunks(step.max(1)) {
            let mut rest = part;
            loop {
                match decoder.next(&mut rest)? {
                    Piece::Data(piece) => data.extend_from_slice(piece),
                    Piece::NeedMore => break,
                    Piece::End => return Ok((data, Some(used + part.len() - rest.len()))),
                }
            }
            used += part.len();
        }
        Ok((data, decoder.is_done().then_some(used)))
    }

    fn check(framing: Framing, input: &str, expected: Result<(&str, Option<usize>), FramingError>) {
        for step in [1, 2, 3, 7, 1000] {
            let seen = read(framing, input.as_bytes(), step);
            let expected = expected.map(|(data, end)| (data.as_bytes().to_vec(), end));
            assert_eq!(seen, expected, "{input:?} in steps of {step}");
        }
    }

    #[test]
    fn bodies_end_where_they_say() {
        check(Framing::None, "abc", Ok(("", Some(0))));
        check(Framing::Known(0), "abc", Ok(("", Some(0))));
        check(Framing::Known(2), "abc", Ok(("ab", Some(2))));
        check(Framing::Known(4), "abc", Ok(("abc", None)));
        check(Framing::UntilClose, "abc", Ok(("abc", None)));
        check(Framing::Chunked, "0\r\n\r\nGET", Ok(("", Some(5))));
        check(
            Framing::Chunked,
            "3\r\nabc\r\n00A\r\n0123456789\r\n0\r\n\r\n",
            Ok(("abc0123456789", Some(30))),
        );
        check(Framing::Chunked, "3\r\nabc\r\n0\r\nA: b\r\nC:\r\n\r\nx", Ok(("abc", Some(23))));
        check(Framing::Chunked, "3\r\nab", Ok(("ab", None)));
    }

    #[test]
    fn chunk_framing_that_is_refused() {
        for size in ["0x5", "+5", "5_", " 5", "5 ", "-5", "", "5;a=b", "5\t", "g", "fffffffffffffffff"] {
            check(Framing::Chunked, &format!("{size}\r\nhello\r\n0\r\n\r\n"), Err(FramingError::ChunkSize));
        }
        check(Framing::Chunked, "5\nhello\r\n0\r\n\r\n", Err(FramingError::ChunkSize));
        for broken in [
            "5\r\nhello\n0\r\n\r\n",
            "5\r\nhello!\r\n",
            "5\r\nhello\r0",
            "5\r\rhello",
            "0\r\n\n",
            "0\r\nA\u{0}\r\n",
        ] {
            check(Framing::Chunked, broken, Err(FramingError::ChunkFraming));
        }
        let long = format!("0\r\n{}", "a: b\r\n".repeat(3000));
        check(Framing::Chunked, &long, Err(FramingError::TooLong));
    }

    proptest! {
        #[test]
        fn what_was_chunked_is_read_back(parts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 0..6), step in 1..400_usize) {
            let mut framed = Vec::new();
            let mut encoder = Encoder::new(Framing::Chunked, &mut framed);
            for part in &parts {
                encoder.data(part);
            }
            encoder.end();
            let length = framed.len();
            framed.extend_from_slice(b"next");
            prop_assert_eq!(read(Framing::Chunked, &framed, step), Ok((parts.concat(), Some(length))));
        }
    }
}
