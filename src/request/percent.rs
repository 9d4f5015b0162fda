//! Percent-encoding as S3 signs it: decode once, encode once, everything but `A-Za-z0-9-._~` escaped in upper case.
//! It must not normalise dots or slashes, and must not accept an escape that is not one.

use crate::field::{ByteSet, byte_set};
use smallvec::SmallVec;

/// Where canonical text is written: a hash on the hot path, a buffer for errors, `explain` and forwarding.
pub trait Sink {
    /// Appends bytes.
    fn put(&mut self, bytes: &[u8]);
}

impl Sink for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

impl<const N: usize> Sink for SmallVec<[u8; N]> {
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

impl Sink for sha2::Sha256 {
    fn put(&mut self, bytes: &[u8]) {
        sha2::Digest::update(self, bytes);
    }
}

/// Which part of a target a text stands in: it decides about `/` and `+`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// `/` separates and stays, `+` is a plus.
    Path,
    /// `/` is escaped in the canonical form, `+` is a space.
    Query,
}

/// How a raw text relates to its canonical form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Nothing is escaped: raw, decoded and canonical are the same bytes.
    Plain,
    /// Raw is the canonical form, but not the decoded one.
    Canonical,
    /// Raw is another spelling; the canonical form has to be made.
    Loose,
}

/// What makes a text no percent-encoded one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PercentError {
    /// `%` is not followed by two hexadecimal digits.
    #[error("a `%` is not followed by two hexadecimal digits")]
    Escape,
    /// `%00`.
    #[error("the text holds `%00`")]
    Nul,
    /// A byte outside 0x21..=0x7e.
    #[error("the text holds the raw byte `{0:#04x}`")]
    Byte(u8),
}

/// Whether a byte stays itself in canonical form.
#[must_use]
pub const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

const fn stays_in_path(byte: u8) -> bool {
    is_unreserved(byte) || byte == b'/'
}

/// The bytes that stay themselves in a part.
fn staying(part: Part) -> &'static ByteSet {
    static IN_PATH: ByteSet = byte_set!(stays_in_path);
    static IN_QUERY: ByteSet = byte_set!(is_unreserved);
    match part {
        Part::Path => &IN_PATH,
        Part::Query => &IN_QUERY,
    }
}

const fn hex_value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// Checks a raw text and tells how it relates to its canonical form.
///
/// # Errors
/// See [`PercentError`].
pub fn classify(raw: &[u8], part: Part) -> Result<Form, PercentError> {
    let stays = staying(part);
    let mut form = Form::Plain;
    let mut rest = raw;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if stays.has(byte) {
            continue;
        }
        if byte == b'%' {
            let [high, low, after @ ..] = rest else { return Err(PercentError::Escape) };
            let (Some(h), Some(l)) = (hex_value(*high), hex_value(*low)) else {
                return Err(PercentError::Escape);
            };
            let decoded = h * 16 + l;
            if decoded == 0 {
                return Err(PercentError::Nul);
            }
            let lower = high.is_ascii_lowercase() || low.is_ascii_lowercase();
            if lower || stays.has(decoded) {
                form = Form::Loose;
            } else if form == Form::Plain {
                form = Form::Canonical;
            }
            rest = after;
        } else if (0x21..=0x7e).contains(&byte) {
            form = Form::Loose;
        } else {
            return Err(PercentError::Byte(byte));
        }
    }
    Ok(form)
}

/// Appends the decoded text. An escape that is not one is copied as it stands ([`classify`] refuses those).
pub fn decode_into(raw: &[u8], part: Part, out: &mut impl Sink) {
    let mut rest = raw;
    loop {
        let run = rest
            .iter()
            .position(|&byte| byte == b'%' || (byte == b'+' && part == Part::Query))
            .unwrap_or(rest.len());
        let (plain, special) = rest.split_at_checked(run).unwrap_or((rest, &[]));
        out.put(plain);
        match special {
            [] => return,
            [b'%', high, low, after @ ..] => {
                match (hex_value(*high), hex_value(*low)) {
                    (Some(h), Some(l)) => out.put(&[h * 16 + l]),
                    _ => out.put(&[b'%', *high, *low]),
                }
                rest = after;
            }
            [first, after @ ..] => {
                out.put(if *first == b'+' { b" " } else { std::slice::from_ref(first) });
                rest = after;
            }
        }
    }
}

/// Appends the canonical form of a decoded text.
pub fn encode_into(decoded: &[u8], part: Part, out: &mut impl Sink) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let digit = |nibble: u8| HEX.get(usize::from(nibble)).copied().unwrap_or(b'0');
    let stays = staying(part);
    let mut rest = decoded;
    loop {
        let run = rest.iter().position(|&byte| !stays.has(byte)).unwrap_or(rest.len());
        let (plain, special) = rest.split_at_checked(run).unwrap_or((rest, &[]));
        out.put(plain);
        let Some((&byte, after)) = special.split_first() else { return };
        out.put(&[b'%', digit(byte >> 4), digit(byte & 15)]);
        rest = after;
    }
}

/// A checked text in its three forms.
#[derive(Clone, Copy, Debug)]
pub struct Text<'a> {
    pub(super) raw: &'a [u8],
    pub(super) decoded: &'a [u8],
    pub(super) form: Form,
    pub(super) part: Part,
}

impl<'a> Text<'a> {
    /// The bytes as sent.
    #[must_use]
    pub const fn raw(self) -> &'a [u8] {
        self.raw
    }

    /// The bytes decoded once.
    #[must_use]
    pub const fn decoded(self) -> &'a [u8] {
        self.decoded
    }

    /// Whether the bytes as sent are the canonical form.
    #[must_use]
    pub const fn is_canonical(self) -> bool {
        !matches!(self.form, Form::Loose)
    }

    /// Appends the canonical form.
    pub fn write_canonical(self, out: &mut impl Sink) {
        if self.is_canonical() {
            out.put(self.raw);
        } else {
            encode_into(self.decoded, self.part, out);
        }
    }

    /// Compares canonical forms bytewise.
    #[must_use]
    pub fn cmp_canonical(self, other: Text<'_>) -> std::cmp::Ordering {
        if self.is_canonical() && other.is_canonical() {
            return self.raw.cmp(other.raw);
        }
        let canonical = |text: Text<'_>| {
            let mut bytes = SmallVec::<[u8; 128]>::new();
            text.write_canonical(&mut bytes);
            bytes
        };
        canonical(self).cmp(&canonical(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(raw: &str, part: Part, expected: Result<(Form, &str), PercentError>) {
        let form = classify(raw.as_bytes(), part);
        let outcome = form.map(|form| {
            let mut decoded = Vec::new();
            decode_into(raw.as_bytes(), part, &mut decoded);
            let mut canonical = Vec::new();
            encode_into(&decoded, part, &mut canonical);
            (form, String::from_utf8(canonical).unwrap())
        });
        assert_eq!(outcome, expected.map(|(form, text)| (form, text.to_owned())), "{raw}");
        if let Ok((form, canonical)) = outcome {
            assert_eq!(form == Form::Loose, canonical != raw, "{raw}");
        }
    }

    #[test]
    fn forms_of_paths_and_queries() {
        use Form::{Canonical, Loose, Plain};
        use Part::{Path, Query};
        check("", Query, Ok((Plain, "")));
        check("aZ09-._~", Query, Ok((Plain, "aZ09-._~")));
        check("/b//../k", Path, Ok((Plain, "/b//../k")));
        check("a/b", Query, Ok((Loose, "a%2Fb")));
        check("a%2Fb", Query, Ok((Canonical, "a%2Fb")));
        check("a%2Fb", Path, Ok((Loose, "a/b")));
        check("a%2fb", Query, Ok((Loose, "a%2Fb")));
        check("a+b", Query, Ok((Loose, "a%20b")));
        check("a+b", Path, Ok((Loose, "a%2Bb")));
        check("%41", Query, Ok((Loose, "A")));
        check("a%20b", Path, Ok((Canonical, "a%20b")));
        check("(!)", Path, Ok((Loose, "%28%21%29")));
        check("%C3%A9", Path, Ok((Canonical, "%C3%A9")));
        for broken in ["%", "%1", "a%", "%zz", "%1g", "%%41"] {
            check(broken, Path, Err(PercentError::Escape));
        }
        check("%00", Query, Err(PercentError::Nul));
        check("a b", Path, Err(PercentError::Byte(b' ')));
        check("é", Path, Err(PercentError::Byte(0xc3)));
        check("\x7f", Query, Err(PercentError::Byte(0x7f)));
    }

    proptest! {
        #[test]
        fn encoding_is_canonical_and_decodes_to_the_same(bytes in proptest::collection::vec(1..=255_u8, 0..40)) {
            for part in [Part::Path, Part::Query] {
                let mut encoded = Vec::new();
                encode_into(&bytes, part, &mut encoded);
                prop_assert!(classify(&encoded, part).unwrap() != Form::Loose);
                let mut decoded = Vec::new();
                decode_into(&encoded, part, &mut decoded);
                prop_assert_eq!(&decoded, &bytes);
            }
        }
    }
}
