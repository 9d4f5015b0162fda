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
