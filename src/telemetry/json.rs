//! Text as JSON strings that stay on one line and show no control characters, whatever a client sent.
//! It must not fail: bytes that are no text become replacement characters.

/// Appends a JSON string, quotes included.
pub fn push_string(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    push_escaped(out, text);
    out.push(b'"');
}

/// Appends what stands between the quotes.
pub fn push_escaped(out: &mut Vec<u8>, text: &[u8]) {
    if is_plain(text) {
        out.extend_from_slice(text);
    } else {
        push_unusual(out, text);
    }
}

/// Whether nothing in a text has to be escaped, as in nearly all.
#[must_use]
pub fn is_plain(text: &[u8]) -> bool {
    is_plain_without(text, [])
}

/// Whether nothing in a text has to be escaped, and none of `others`, which are ASCII, is in it. Every byte is looked at,
/// eight in a step.
#[must_use]
pub(super) fn is_plain_without<const N: usize>(text: &[u8], others: [u8; N]) -> bool {
    let unusual = |word: &[u8; 8]| unusual(u64::from_ne_bytes(*word), others);
    let Some(last) = text.last_chunk() else {
        // a short one, filled up with what is neither
        let mut word = [b'a'; 8];
        word.iter_mut().zip(text).for_each(|(place, byte)| *place = *byte);
        return unusual(&word) == 0;
    };
    let (words, _) = text.as_chunks();
    words.iter().fold(unusual(last), |found, word| found | unusual(word)) == 0
}

/// Not zero if any of eight bytes has to be escaped or is one of `others`. A borrow can only come out of such a byte.
fn unusual<const N: usize>(word: u64, others: [u8; N]) -> u64 {
    const EACH: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = EACH << 7;
    let is = |byte: u8| {
        let differs = word ^ (EACH * u64::from(byte));
        differs.wrapping_sub(EACH) & !differs
    };
    let control = word.wrapping_sub(EACH * u64::from(b' ')) & !word;
    let found = word | control | is(b'"') | is(b'\\') | is(0x7f);
    others.into_iter().fold(found, |found, byte| found | is(byte)) & HIGH
}

fn push_unusual(out: &mut Vec<u8>, text: &[u8]) {
    for chunk in text.utf8_chunks() {
        let mut valid = chunk.valid();
        while let Some((at, character)) = valid.char_indices().find(|(_, character)| must_escape(*character))
        {
            let (plain, rest) = valid.split_at(at);
            out.extend_from_slice(plain.as_bytes());
            push_escape(out, character);
            valid = rest.split_at(character.len_utf8()).1;
        }
        out.extend_from_slice(valid.as_bytes());
        if !chunk.invalid().is_empty() {
            out.extend_from_slice("\u{fffd}".as_bytes());
        }
    }
}

/// The two digits of a number below a hundred.
pub(super) fn pair(number: u64) -> [u8; 2] {
    let digit =
        |value: u64| b"0123456789".get(usize::try_from(value % 10).unwrap_or(0)).copied().unwrap_or(b'0');
    [digit(number / 10), digit(number)]
}

/// Appends a number in decimal digits.
pub fn push_number(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Besides what JSON asks for: every control character, other line ends, and what turns the direction of writing.
const fn must_escape(character: char) -> bool {
    matches!(
        character,
        '"' | '\\'
            | '\0'..='\u{1f}'
            | '\u{7f}'..='\u{9f}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
    )
}

fn push_escape(out: &mut Vec<u8>, character: char) {
    match character {
        '"' => out.extend_from_slice(b"\\\""),
        '\\' => out.extend_from_slice(b"\\\\"),
        '\n' => out.extend_from_slice(b"\\n"),
        '\r' => out.extend_from_slice(b"\\r"),
        '\t' => out.extend_from_slice(b"\\t"),
        // none of the others needs more than four digits
        other => out.extend_from_slice(format!("\\u{:04x}", u32::from(other)).as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn string(text: &[u8]) -> String {
        let mut out = Vec::new();
        push_string(&mut out, text);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_are_written_as_usual() {
        for number in [0, 7, 10, 99, 100, 105, 1_234, 12_345, 1_234_567_890, u64::MAX - 1, u64::MAX] {
            let mut out = Vec::new();
            push_number(&mut out, number);
            assert_eq!(String::from_utf8(out).unwrap(), number.to_string());
        }
    }

    #[test]
    fn nothing_escapes_its_line() {
        for (text, expected) in [
            (&b""[..], r#""""#),
            (b"plain", r#""plain""#),
            (b"a\"b\\c", r#""a\"b\\c""#),
            (b"\n\r\t\x1b[31m\0\x7f", r#""\n\r\t\u001b[31m\u0000\u007f""#),
            ("\u{2028}\u{85}\u{202e}é".as_bytes(), r#""\u2028\u0085\u202eé""#),
            (b"a\xff\xfeb", "\"a\u{fffd}\u{fffd}b\""),
        ] {
            assert_eq!(string(text), expected);
        }
    }

    #[test]
    fn every_byte_is_seen_at_every_place() {
        for byte in 0..=u8::MAX {
            let plain = matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
            for (length, at) in (1..20_usize).flat_map(|length| (0..length).map(move |at| (length, at))) {
                let mut text = vec![b'x'; length];
                text[at] = byte;
                assert_eq!(is_plain(&text), plain, "{text:?}");
                assert_eq!(
                    is_plain_without(&text, *b"=%"),
                    plain && byte != b'=' && byte != b'%',
                    "{text:?}"
                );
            }
        }
        assert!(is_plain(b""));
    }

    proptest! {
        #[test]
        fn the_short_way_writes_what_the_long_one_does(bytes in prop::collection::vec(prop_oneof![9 => 0x20_u8..0x7f, 1 => any::<u8>()], 0..60)) {
            let (mut short, mut long) = (Vec::new(), Vec::new());
            push_escaped(&mut short, &bytes);
            push_unusual(&mut long, &bytes);
            prop_assert_eq!(short, long);
        }

        #[test]
        fn a_parser_reads_the_text_back(text in any::<String>()) {
            let read: String = serde_json::from_str(&string(text.as_bytes())).unwrap();
            prop_assert_eq!(read, text);
        }

        #[test]
        fn any_bytes_become_one_line(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let line = string(&bytes);
            prop_assert!(!line.chars().any(char::is_control));
            prop_assert!(serde_json::from_str::<String>(&line).is_ok());
        }
    }
}
