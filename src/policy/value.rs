//! The typed values that conditions compare: exact decimals, instants, address ranges, booleans and bytes.
//! It must not round, guess a unit or accept a second spelling where two readers could differ.

pub mod base64;
pub mod decimal;
pub mod instant;
pub mod ip;

pub use decimal::Decimal;
pub use instant::Instant;
pub use ip::{IpError, IpRanges};

/// Reads `true` or `false`, letter case ignored.
#[must_use]
pub fn parse_bool(text: &[u8]) -> Option<bool> {
    if text.eq_ignore_ascii_case(b"true") {
        Some(true)
    } else if text.eq_ignore_ascii_case(b"false") {
        Some(false)
    } else {
        None
    }
}
