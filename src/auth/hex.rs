//! Lower-case hexadecimal text of digests and MACs.
//! It must not accept upper case where S3 writes lower case: callers choose.

use crate::request::percent::Sink;

/// The two digits of every byte.
#[expect(clippy::indexing_slicing, reason = "runs in the compiler, which checks it")]
const PAIRS: [[u8; 2]; 256] = {
    let digits = b"0123456789abcdef";
    let mut pairs = [[0; 2]; 256];
    let mut byte = 0;
    while byte < 256 {
        pairs[byte] = [digits[byte >> 4], digits[byte & 15]];
        byte += 1;
    }
    pairs
};

/// The two lower-case digits of a byte.
#[must_use]
pub fn pair(byte: u8) -> [u8; 2] {
    PAIRS.get(usize::from(byte)).copied().unwrap_or_default()
}

/// The 64 lower-case digits of a digest.
#[must_use]
pub fn encode(digest: &[u8; 32]) -> [u8; 64] {
    let mut text = [b'0'; 64];
    for (digits, byte) in text.chunks_exact_mut(2).zip(digest) {
        digits.copy_from_slice(&pair(*byte));
    }
    text
}

/// Reads exactly 64 hexadecimal digits of either case.
#[must_use]
pub fn decode(text: &[u8]) -> Option<[u8; 32]> {
    if text.len() != 64 {
        return None;
    }
    let mut digest = [0; 32];
    for (byte, pair) in digest.iter_mut().zip(text.chunks_exact(2)) {
        let [high, low] = pair else { return None };
        *byte = value(*high)? * 16 + value(*low)?;
    }
    Some(digest)
}

/// Reads pairs of hexadecimal digits of either case: at most `max` bytes of them.
#[must_use]
pub fn decode_up_to(text: &[u8], max: usize) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || text.len() / 2 > max {
        return None;
    }
    text.chunks_exact(2)
        .map(|pair| match pair {
            [high, low] => Some(value(*high)? * 16 + value(*low)?),
            _ => None,
        })
        .collect()
}

const fn value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// Appends the bytes as pairs of digits separated by one space, as S3 writes `StringToSignBytes`.
pub fn write_pairs(bytes: &[u8], out: &mut impl Sink) {
    for (at, byte) in bytes.iter().enumerate() {
        if at > 0 {
            out.put(b" ");
        }
        out.put(&pair(*byte));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_no_digest() {
        let good = "0123456789abcdefABCDEF0123456789abcdef0123456789abcdef0123456789";
        assert!(decode(good.as_bytes()).is_some());
        for bad in [
            "",
            good.get(1..).unwrap(),
            &format!("{good}0"),
            &good.replace('a', "g"),
            &good.replace('a', " "),
        ] {
            assert_eq!(decode(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn pairs_are_read_up_to_a_length() {
        for (text, max, expected) in [
            ("", 0, Some(&[][..])),
            ("aB0f", 2, Some(&[0xab, 0x0f][..])),
            ("aB0f", 3, Some(&[0xab, 0x0f][..])),
            ("aB0f", 1, None),
            ("aB0", 2, None),
            ("a", 0, None),
            ("g0", 1, None),
            ("0 ", 1, None),
        ] {
            assert_eq!(decode_up_to(text.as_bytes(), max).as_deref(), expected, "{text} {max}");
        }
    }

    #[test]
    fn pairs_are_separated_by_one_space() {
        let mut text = Vec::new();
        write_pairs(b"AW\n", &mut text);
        assert_eq!(text, b"41 57 0a");
    }

    proptest! {
        #[test]
        fn a_digest_survives_the_round_trip(digest: [u8; 32]) {
            prop_assert_eq!(decode(&encode(&digest)), Some(digest));
        }
    }
}
