//! Takes what makes a link usable out of text that is about to be written: signatures, credentials, tokens.
//! It must not need the text to be well-formed: it is often a piece of a request that was refused.

use std::borrow::Cow;

/// What stands in the place of a value.
pub const REDACTED: &str = "REDACTED";

/// How far the value of a name goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extent {
    /// A query parameter, form field or header: `name=value` or `name: value`.
    Field,
    /// A parameter whose name is also a plain word: `name=value` only.
    Parameter,
    /// A header with several words: to the end of the line.
    Line,
}

/// The names, in lower case; a name that begins another one stands after it.
///
/// The parameters are those that OpenTelemetry wants redacted (semantic conventions, HTTP spans, `url.query`), and
/// those of headers that carry the same.
const NAMES: &[(&str, Extent)] = &[
    ("x-amz-signature", Extent::Field),
    ("x-amz-credential", Extent::Field),
    ("x-amz-security-token", Extent::Field),
    ("x-amz-s3session-token", Extent::Field),
    ("x-goog-signature", Extent::Field),
    ("x-goog-credential", Extent::Field),
    ("awsaccesskeyid", Extent::Field),
    ("authorization", Extent::Line),
    ("signature", Extent::Parameter),
    ("credential", Extent::Parameter),
    ("sig", Extent::Parameter),
];

/// The text with the values of those names replaced, wherever they stand, in any letter case and percent-encoding.
#[must_use]
pub fn redact(text: &str) -> Cow<'_, str> {
    if may_hold_values(text.as_bytes()) { replaced(text) } else { Cow::Borrowed(text) }
}

/// The same for any text, byte by byte.
fn replaced(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let mut out = String::new();
    let (mut at, mut copied) = (0, 0);
    while at < bytes.len() {
        let Some(value) = value_at(bytes, at) else {
            // byte by byte: a name may begin inside what looks like an escape, as in `%0awsaccesskeyid`
            at += 1;
            continue;
        };
        // INVARIANT: values begin and end beside ASCII, so the cuts are between characters
        out.push_str(text.get(copied..value.start).unwrap_or_default());
        out.push_str(REDACTED);
        (at, copied) = (value.end, value.end);
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(text.get(copied..).unwrap_or_default());
    Cow::Owned(out)
}

/// The bytes without which no text holds a value: separators, and the begin of those that are encoded.
pub(super) const SEPARATORS: [u8; 4] = *b"=:,%";

/// Whether anything stands here that ends a name: most texts hold no separator, and need not be searched for names.
/// A comma is one only behind a quote, and each of them can be percent-encoded, more than once.
#[must_use]
pub(super) fn may_hold_values(bytes: &[u8]) -> bool {
    let is_separator = |at: usize| {
        let digits = at.checked_add(1).and_then(|from| bytes.get(from..)?.get(..2));
        matches!(digits, Some(b"3D" | b"3d" | b"3A" | b"3a" | b"2C" | b"2c" | b"25"))
    };
    memchr::memchr2(b'=', b':', bytes).is_some()
        || memchr::memchr(b',', bytes).is_some()
            && bytes.iter().any(|byte| matches!(byte, b'"' | b'\'' | b'\\' | b'%'))
        || memchr::memchr_iter(b'%', bytes).any(is_separator)
}

/// The range of the value, if one of the names begins here and has one.
fn value_at(bytes: &[u8], at: usize) -> Option<std::ops::Range<usize>> {
    let first = bytes.get(at)?.to_ascii_lowercase();
    if !matches!(first, b'x' | b'a' | b's' | b'c' | b'%') {
        return None;
    }
    let found = |(name, extent): &(&str, Extent)| Some((name_end(bytes, at, name)?, *extent));
    let (after_name, extent) = NAMES.iter().find_map(found)?;
    let start = value_start(bytes, after_name, extent)?;
    let end = value_end(bytes, start, extent);
    (start < end).then_some(start..end)
}

/// Where a name ends that begins here.
fn name_end(bytes: &[u8], mut at: usize, name: &str) -> Option<usize> {
    for expected in name.bytes() {
        let (found, width) = unit(bytes, at)?;
        if found.to_ascii_lowercase() != expected {
            return None;
        }
        at += width;
    }
    Some(at)
}

/// Where the value begins that belongs to the name before: past quotes, space and one separator.
fn value_start(bytes: &[u8], mut at: usize, extent: Extent) -> Option<usize> {
    let mut quoted = false;
    loop {
        let (found, width) = unit(bytes, at)?;
        at += width;
        match found {
            b'=' => break,
            b':' if extent != Extent::Parameter => break,
            // as debug output writes pairs
            b',' if quoted && extent != Extent::Parameter => break,
            b'"' | b'\'' | b'\\' => quoted = true,
            b' ' if extent != Extent::Parameter => {}
            _ => return None,
        }
    }
    while let Some((b' ' | b'\t' | b'"' | b'\'' | b'\\', width)) = unit(bytes, at) {
        at += width;
    }
    Some(at)
}

fn value_end(bytes: &[u8], mut at: usize, extent: Extent) -> usize {
    while let Some((found, width)) = unit(bytes, at) {
        let ends = match extent {
            Extent::Line => found.is_ascii_control() || matches!(found, b'"' | b'\\'),
            Extent::Field | Extent::Parameter => {
                found.is_ascii_control()
                    || matches!(
                        found,
                        b'&' | b' ' | b'"' | b'\'' | b'\\' | b'`' | b'<' | b'>' | b'#' | b';' | b','
                    )
                    || matches!(found, b'(' | b')' | b'[' | b']' | b'{' | b'}')
            }
        };
        if ends {
            break;
        }
        at += width;
    }
    at
}

/// The character that stands here, percent-decoded however often it was encoded, and its width in bytes.
fn unit(bytes: &[u8], at: usize) -> Option<(u8, usize)> {
    let first = *bytes.get(at)?;
    if first != b'%' {
        return Some((first, 1));
    }
    let mut digits = at + 1;
    while bytes.get(digits..digits + 2) == Some(b"25") && pair(bytes, digits + 2).is_some() {
        digits += 2;
    }
    match pair(bytes, digits) {
        Some(decoded) => Some((decoded, digits + 2 - at)),
        None => Some((first, 1)),
    }
}

/// The byte that two hex digits name.
fn pair(bytes: &[u8], at: usize) -> Option<u8> {
    let digits = std::str::from_utf8(bytes.get(at..at + 2)?).ok()?;
    if digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        u8::from_str_radix(digits, 16).ok()
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(redact(text), expected);
        assert_eq!(redact(expected), expected, "a second time");
    }

    #[test]
    fn values_are_replaced_and_names_kept() {
        for (text, expected) in [
            ("", ""),
            ("GET /b/k done", "GET /b/k done"),
            ("/b/k?X-Amz-Signature=0a1b&x-id=GetObject", "/b/k?X-Amz-Signature=REDACTED&x-id=GetObject"),
            ("x-amz-signature=0a1b", "x-amz-signature=REDACTED"),
            (
                "X-AMZ-CREDENTIAL=AKID%2F20260101%2Fus-east-1%2Fs3%2Faws4_request&y",
                "X-AMZ-CREDENTIAL=REDACTED&y",
            ),
            ("X-Amz-Security-Token=Fwo%2B/w%3D%3D HTTP/1.1", "X-Amz-Security-Token=REDACTED HTTP/1.1"),
            (
                "?AWSAccessKeyId=AKID&Expires=1&Signature=a%2Bb%3D",
                "?AWSAccessKeyId=REDACTED&Expires=1&Signature=REDACTED",
            ),
            ("X-Amz-Signature=1&X-Amz-Signature=2", "X-Amz-Signature=REDACTED&X-Amz-Signature=REDACTED"),
            ("X%2DAmz%2dSignature=0a1b&z", "X%2DAmz%2dSignature=REDACTED&z"),
            ("/k%3FX-Amz-Signature%3D0a1b%26z%3D1", "/k%3FX-Amz-Signature%3DREDACTED%26z%3D1"),
            ("/k%253FX-Amz-Signature%253D0a1b%2526z", "/k%253FX-Amz-Signature%253DREDACTED%2526z"),
            (
                "url=http:\\u002f\\u0026X-Amz-Signature=0a1b\\u0026z",
                "url=http:\\u002f\\u0026X-Amz-Signature=REDACTED\\u0026z",
            ),
            ("Referer: http://h/?X-Amz-Signature=0a1b#f", "Referer: http://h/?X-Amz-Signature=REDACTED#f"),
            ("<a href=\"?X-Amz-Signature=0a1b\">", "<a href=\"?X-Amz-Signature=REDACTED\">"),
            ("x-amz-security-token: FwoG/+==\r\nhost: h", "x-amz-security-token: REDACTED\r\nhost: h"),
            (
                "{\"x-amz-security-token\": \"FwoG\", \"a\": 1}",
                "{\"x-amz-security-token\": \"REDACTED\", \"a\": 1}",
            ),
            ("(\"x-amz-security-token\", \"FwoG\")", "(\"x-amz-security-token\", \"REDACTED\")"),
            ("\\\"X-Amz-Signature\\\":\\\"0a1b\\\"}", "\\\"X-Amz-Signature\\\":\\\"REDACTED\\\"}"),
            (
                "Authorization: AWS4-HMAC-SHA256 Credential=AKID/x, SignedHeaders=host, Signature=0a1b\r\nA: b",
                "Authorization: REDACTED\r\nA: b",
            ),
            ("\"authorization\": \"AWS AKID:c2ln\", \"b\"", "\"authorization\": \"REDACTED\", \"b\""),
            (
                "AWS4-HMAC-SHA256 Credential=AKID/x, SignedHeaders=host, Signature=0a1b",
                "AWS4-HMAC-SHA256 Credential=REDACTED, SignedHeaders=host, Signature=REDACTED",
            ),
            ("https://c/?sv=1&sig=abc%3D&se=2", "https://c/?sv=1&sig=REDACTED&se=2"),
            ("é X-Amz-Signature=é€&ü", "é X-Amz-Signature=REDACTED&ü"),
            ("%0awsaccesskeyid=AKID", "%0awsaccesskeyid=REDACTED"),
            ("X-Amz-Signature=0a1b", "X-Amz-Signature=REDACTED"),
        ] {
            check(text, expected);
        }
    }

    #[test]
    fn words_without_a_value_stay() {
        for text in [
            "the signature is wrong",
            "wrong signature: it has 63 digits",
            "credential scope",
            "X-Amz-Signature",
            "X-Amz-Signature=",
            "X-Amz-Signature=&x=1",
            "X-Amz-SignedHeaders=host&X-Amz-Date=20260101T000000Z",
            "config: signal=9",
            "100% of x",
            "%",
            "x%2",
        ] {
            assert!(matches!(redact(text), Cow::Borrowed(_)), "{text}");
        }
    }

    /// Names, separators and quotes in any order and encoding.
    fn pieces() -> impl Strategy<Value = String> {
        let piece = prop::sample::select(vec![
            "x-amz-signature",
            "Authorization",
            "%53ignature",
            "sig",
            "%2573ig",
            "=",
            ":",
            ",",
            "%3D",
            "%3a",
            "%2c",
            "%253D",
            "%25252C",
            "\"",
            "'",
            "\\",
            "%22",
            "%20",
            "%2F",
            "%",
            " ",
            "value",
            "&",
            "%2",
            "é",
        ]);
        prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
    }

    /// A name spelled with any letter case, and any of its characters percent-encoded.
    fn spelled(name: &'static str) -> impl Strategy<Value = String> {
        prop::collection::vec((any::<bool>(), 0u8..3), name.len()).prop_map(move |how| {
            let spell = |(character, (upper, encoded)): (char, (bool, u8))| {
                let character = if upper { character.to_ascii_uppercase() } else { character };
                match encoded {
                    0 => format!("%{:02X}", u32::from(character)),
                    1 => format!("%25{:02x}", u32::from(character)),
                    _ => character.to_string(),
                }
            };
            name.chars().zip(how).map(spell).collect()
        })
    }

    proptest! {
        #[test]
        fn the_short_way_overlooks_nothing(text in pieces()) {
            prop_assert_eq!(redact(&text), replaced(&text));
        }

        #[test]
        fn no_spelling_of_a_name_lets_its_value_through(
            before in "[ -~é]{0,20}",
            name in prop::sample::select(NAMES).prop_flat_map(|(name, _)| spelled(name)),
            equals in prop::sample::select(&["=", "%3D", "%3d", "%253D"][..]),
            after in "(&[ -~é]{0,20})?",
        ) {
            let text = format!("{before}{name}{equals}5ec4e75ec4e7{after}");
            prop_assert!(!redact(&text).contains("5ec4e75ec4e7"), "{}", text);
        }

        #[test]
        fn a_text_that_is_not_searched_holds_no_value(text in "([%&=:\", \\\\é\']|25|3D|X-Amz-Signature|sig|.){0,40}") {
            let bytes = text.as_bytes();
            let found = (0..bytes.len()).any(|at| value_at(bytes, at).is_some());
            prop_assert!(may_hold_values(bytes) || !found);
        }

        #[test]
        fn any_text_is_survived_and_stays_text(text in "([%&=:\", \\\\é]|25|3D|X-Amz-Signature|sig|.){0,40}") {
            let once = redact(&text).into_owned();
            prop_assert_eq!(redact(&once).into_owned(), once);
        }
    }
}
