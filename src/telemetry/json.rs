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

/// Whether nothing in a text has to be escaped, as in nearly all. Every byte is looked at, which compilers turn into
/// steps of many bytes.
#[must_use]
pub fn is_plain(text: &[u8]) -> bool {
    let is_unusual = |byte: &u8| !matches!(byte, b' ' | b'!' | b'#'..=b'[' | b']'..=b'~');
    text.iter().fold(0, |unusual, byte| unusual | u8::from(is_unusual(byte))) == 0
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

/// The decimal digits of the numbers below a hundred.
const PAIRS: [[u8; 2]; 100] = pairs();

const fn pairs() -> [[u8; 2]; 100] {
    let mut pairs = [[b'0'; 2]; 100];
    let mut number: u8 = 0;
    let mut rest = pairs.as_mut_slice();
    while let Some((pair, more)) = rest.split_first_mut() {
        *pair = [b'0' + number / 10, b'0' + number % 10];
        (number, rest) = (number + 1, more);
    }
    pairs
}

/// The two digits of a number below a hundred.
pub(super) fn pair(number: u64) -> [u8; 2] {
    usize::try_from(number).ok().and_then(|at| PAIRS.get(at)).copied().unwrap_or(*b"00")
}

/// Appends a number in decimal digits.
pub fn push_number(out: &mut Vec<u8>, mut number: u64) {
    // as many as the largest has
    let mut digits = [*b"00"; 10];
    let mut count = 0;
    for digit in digits.iter_mut().rev() {
        *digit = pair(number % 100);
        number /= 100;
        count += 2;
        if number == 0 {
            break;
        }
    }
    let digits = digits.as_flattened();
    let digits = digits.get(digits.len() - count..).unwrap_or_default();
    let is_odd = digits.len() > 1 && digits.first() == Some(&b'0');
    out.extend_from_slice(digits.get(usize::from(is_odd)..).unwrap_or_default());
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
