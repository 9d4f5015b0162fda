//! A body of any length whose bytes depend on their position, so that loss, repetition and shifts show.
//! It must not need memory that grows with the length.

use std::io::Write;
use std::sync::OnceLock;

/// A prime, so that it fits no buffer size.
const PERIOD: usize = 1_048_573;

fn period() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| {
        let mut state = 0x2545_F491_4F6C_DD1D_u64;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[3]
        };
        (0..PERIOD).map(|_| next()).collect()
    })
}

/// The bytes from `position` to the end of the period.
fn from(position: u64) -> &'static [u8] {
    let at = usize::try_from(position % PERIOD as u64).unwrap();
    &period()[at..]
}

/// Whether `bytes` are those at `position`.
pub fn is_at(mut position: u64, mut bytes: &[u8]) -> bool {
    while !bytes.is_empty() {
        let expected = from(position);
        let length = expected.len().min(bytes.len());
        if bytes[..length] != expected[..length] {
            return false;
        }
        bytes = &bytes[length..];
        position += length as u64;
    }
    true
}

/// Writes the first `length` bytes; says how many went out.
pub fn write(out: &mut impl Write, length: u64) -> u64 {
    let mut position = 0;
    while position < length {
        let piece = from(position);
        let piece = &piece[..piece.len().min(usize::try_from(length - position).unwrap_or(usize::MAX))];
        if out.write_all(piece).is_err() {
            break;
        }
        position += piece.len() as u64;
    }
    position
}

/// That many bytes from a position.
pub fn piece(mut position: u64, length: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(length);
    while out.len() < length {
        let bytes = from(position);
        let bytes = &bytes[..bytes.len().min(length - out.len())];
        out.extend_from_slice(bytes);
        position += bytes.len() as u64;
    }
    out
}

/// The first `length` bytes.
pub fn bytes(length: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(length);
    assert_eq!(write(&mut out, length as u64), length as u64);
    out
}

#[test]
fn positions_matter() {
    let body = bytes(3_000_000);
    assert!(piece(1_000_000, 1_500_000) == body[1_000_000..2_500_000]);
    assert!(is_at(0, &body) && is_at(2_000_001, &body[2_000_001..]));
    assert!(!is_at(1, &body) && !is_at(0, &body[1..]));
}
