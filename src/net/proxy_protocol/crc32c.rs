//! CRC-32C, the checksum of a PROXY header (RFC 3720 appendix B.4, reflected polynomial 0x82F63B78).
//! It must not grow into a checksum of bodies: it is one byte a step, for a few hundred bytes per connection.

const TABLE: [u32; 256] = table();

#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler; the index is below 256")]
#[expect(clippy::cast_possible_truncation, reason = "the index is below 256")]
const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < table.len() {
        let mut remainder = index as u32;
        let mut bit = 0;
        while bit < 8 {
            let carry = remainder & 1;
            remainder >>= 1;
            if carry == 1 {
                remainder ^= 0x82F6_3B78;
            }
            bit += 1;
        }
        table[index] = remainder;
        index += 1;
    }
    table
}

/// The checksum of some bytes.
pub(super) fn checksum(bytes: impl IntoIterator<Item = u8>) -> u32 {
    let remainder = bytes.into_iter().fold(u32::MAX, |remainder, byte| {
        let [low, ..] = remainder.to_le_bytes();
        // INVARIANT: the table has an entry for every byte
        TABLE.get(usize::from(low ^ byte)).copied().unwrap_or_default() ^ (remainder >> 8)
    });
    !remainder
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_values_come_out() {
        let ascending: Vec<u8> = (0..32).collect();
        for (bytes, expected) in [
            (&b""[..], 0),
            (b"123456789", 0xE306_9283),
            (&[0; 32], 0x8A91_36AA),
            (&[0xFF; 32], 0x62A8_AB43),
            (&ascending, 0x46DD_794E),
        ] {
            assert_eq!(checksum(bytes.iter().copied()), expected, "{bytes:?}");
        }
    }
}
