//! Just enough of Rust's lexical grammar to tell code from comments and literals.
//! It must not parse: rules search the blanked text for words.

/// Replaces comments and the insides of string and character literals by spaces. Line ends stay, so that positions
/// and line numbers are those of `text`.
pub fn blank(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = match bytes[at] {
            b'/' if bytes[at..].starts_with(b"//") => line_comment(bytes, at),
            b'/' if bytes[at..].starts_with(b"/*") => block_comment(bytes, at),
            b'"' => string(bytes, at + 1),
            b'r' if !is_word(bytes, at.wrapping_sub(1)) => raw_string(bytes, at).unwrap_or(at + 1),
            b'b' if bytes[at..].starts_with(b"br") && !is_word(bytes, at.wrapping_sub(1)) => {
                raw_string(bytes, at + 1).unwrap_or(at + 1)
            }
            b'\'' => character(bytes, at).unwrap_or(at + 1),
            _ => at + 1,
        };
        if end > at + 1 {
            for byte in &mut out[at..end] {
                if *byte != b'\n' {
                    *byte = b' ';
                }
            }
        }
        at = end;
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn is_word(bytes: &[u8], at: usize) -> bool {
    bytes.get(at).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}

fn line_comment(bytes: &[u8], at: usize) -> usize {
    bytes[at..].iter().position(|&byte| byte == b'\n').map_or(bytes.len(), |length| at + length)
}

fn block_comment(bytes: &[u8], mut at: usize) -> usize {
    let mut depth = 0;
    while at < bytes.len() {
        if bytes[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if bytes[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                break;
            }
        } else {
            at += 1;
        }
    }
    at.min(bytes.len())
}

/// The position after the closing quote of a string whose inside begins at `at`.
fn string(bytes: &[u8], mut at: usize) -> usize {
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// `r"..."`, `r#"..."#`, with the `r` at `at`; `None` for a raw identifier or a plain word.
fn raw_string(bytes: &[u8], at: usize) -> Option<usize> {
    let hashes = bytes[at + 1..].iter().take_while(|&&byte| byte == b'#').count();
    let inside = at + 1 + hashes;
    if bytes.get(inside) != Some(&b'"') {
        return None;
    }
    let close: Vec<u8> = std::iter::once(b'"').chain(std::iter::repeat_n(b'#', hashes)).collect();
    let length = bytes[inside + 1..].windows(close.len()).position(|window| window == close)?;
    Some(inside + 1 + length + close.len())
}

/// A character literal at `at`; `None` for a lifetime.
fn character(bytes: &[u8], at: usize) -> Option<usize> {
    if bytes.get(at + 1) == Some(&b'\\') {
        let close = bytes[at + 3..].iter().position(|&byte| byte == b'\'')?;
        return Some(at + 3 + close + 1);
    }
    let text = std::str::from_utf8(&bytes[at + 1..(at + 6).min(bytes.len())]);
    let valid = text.map_or_else(|error| error.valid_up_to(), str::len);
    let first = std::str::from_utf8(&bytes[at + 1..at + 1 + valid]).ok()?.chars().next()?;
    let close = at + 1 + first.len_utf8();
    (bytes.get(close) == Some(&b'\'')).then_some(close + 1)
}

/// Blanks items under `#[cfg(test)]` in text that [`blank`] made: inline test modules, test-only imports.
pub fn without_tests(code: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut out = code.as_bytes().to_vec();
    let mut from = 0;
    while let Some(found) = code[from..].find(MARK) {
        let start = from + found;
        let end = item_end(code, start + MARK.len());
        for byte in &mut out[start..end] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        from = end;
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Where an item ends: after its `;`, or after the block that its first `{` opens.
pub fn item_end(code: &str, from: usize) -> usize {
    let bytes = code.as_bytes();
    let mut nested = 0_usize;
    for (at, byte) in bytes.iter().enumerate().skip(from) {
        match byte {
            b'(' | b'[' => nested += 1,
            b')' | b']' => nested = nested.saturating_sub(1),
            b';' if nested == 0 => return at + 1,
            b'{' if nested == 0 => return block_end(bytes, at),
            _ => {}
        }
    }
    bytes.len()
}

/// The position after the `}` that closes the `{` at `open`.
pub fn block_end(bytes: &[u8], open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, byte) in bytes.iter().enumerate().skip(open) {
        match byte {
            b'{' => depth += 1,
            b'}' => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
    }
    bytes.len()
}

/// Positions at which `word` stands alone: no letter, digit or `_` right before it, nor after it if it ends in one.
pub fn words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let bytes = code.as_bytes();
    let ends_in_word = is_word(word.as_bytes(), word.len() - 1);
    code.match_indices(word).map(|(at, _)| at).filter(move |&at| {
        let before = at > 0 && is_word(bytes, at - 1);
        let after = ends_in_word && is_word(bytes, at + word.len());
        !before && !after
    })
}

/// The identifier that begins at `at`, if there is one.
pub fn identifier(code: &str, at: usize) -> &str {
    let rest = &code[at..];
    let length = rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
    &rest[..length]
}

#[test]
fn comments_and_literals_are_blanked_and_lines_stay() {
    let cases = [
        ("a // b\nc", "a     \nc"),
        ("a /* b /* c */ \n d */ e", "a              \n      e"),
        ("f(\"x { \\\" }\") {", "f(          ) {"),
        ("r#\"a \" b\"# + br\"c\" + b\"d\"", "           +       + b   "),
        ("'{' + '\\'' + '\\u{7f}' + 'é'", "    +      +          +     "),
        ("fn f<'a>(x: &'a str) {}", "fn f<'a>(x: &'a str) {}"),
        ("for r in r#type {}", "for r in r#type {}"),
    ];
    for (text, expected) in cases {
        assert_eq!(blank(text), expected, "{text}");
    }
}

#[test]
fn test_items_are_blanked() {
    let code =
        "use a;\n#[cfg(test)]\nmod tests {\n  fn f() { g() }\n}\n#[cfg(test)]\nuse b::[u8; 4];\nuse c;\n";
    assert_eq!(without_tests(code).split_whitespace().collect::<Vec<_>>(), ["use", "a;", "use", "c;"]);
    assert_eq!(without_tests(code).lines().count(), code.lines().count());
}
