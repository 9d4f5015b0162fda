//! What HTTP's field values are made of: tokens and the optional white space around them (RFC 9110 section 5.6).
//! It must not know a field.

/// A set of bytes as a table: one look for each byte of a text, where a condition takes a handful of steps.
#[derive(Debug)]
pub struct ByteSet([bool; 256]);

impl ByteSet {
    /// The bytes that `members` is true for at their place.
    #[must_use]
    pub const fn new(members: [bool; 256]) -> Self {
        Self(members)
    }

    /// Whether a byte is in it.
    #[must_use]
    pub fn has(&self, byte: u8) -> bool {
        self.0.get(usize::from(byte)).copied().unwrap_or(false)
    }
}

/// The set of the bytes for which a `const fn` is true.
macro_rules! byte_set {
    ($holds:expr) => {
        $crate::field::ByteSet::new({
            let (mut members, mut byte) = ([false; 256], 0_u8);
            loop {
                #[expect(
                    clippy::indexing_slicing,
                    reason = "a byte is less than 256, and the compiler does this"
                )]
                {
                    members[byte as usize] = $holds(byte);
                }
                if byte == u8::MAX {
                    break members;
                }
                byte += 1;
            }
        })
    };
}

pub(crate) use byte_set;

/// Whether a token may hold this byte (RFC 9110 section 5.6.2).
#[must_use]
pub fn is_token_byte(byte: u8) -> bool {
    static TOKEN: ByteSet = byte_set!(is_tchar);
    TOKEN.has(byte)
}

const fn is_tchar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        )
}

/// Cuts the optional white space of RFC 9110 section 5.6.3 off both ends, and nothing else.
#[must_use]
pub fn trim(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_is_two_bytes() {
        for (text, expected) in [
            ("", ""),
            (" \t ", ""),
            (" a b\t", "a b"),
            ("\u{b}a\u{c}", "\u{b}a\u{c}"),
            ("\r\na", "\r\na"),
            ("\u{a0}a", "\u{a0}a"),
        ] {
            assert_eq!(trim(text.as_bytes()), expected.as_bytes(), "{text:?}");
        }
    }

    #[test]
    fn what_separates_is_in_no_token() {
        let separators = b"\"(),/:;<=>?@[\\]{} \t\x00\x1f\x7f\x80\xff";
        assert!(!separators.iter().any(|byte| is_token_byte(*byte)));
        assert_eq!((0..=u8::MAX).filter(|byte| is_token_byte(*byte)).count(), 77);
    }
}
