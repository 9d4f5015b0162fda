//! The header lines of one part of a form.
//! It must not decode anything: names are compared as browsers send them.

/// What a part is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Disposition {
    /// The name of the field.
    pub(super) name: String,
    /// The name of the file, if the part is one.
    pub(super) file_name: Option<String>,
}

/// Reads the header lines of a part; `None` unless exactly one of them is a Content-Disposition of a form field, and
/// nothing asks for the content to be decoded.
pub(super) fn of(lines: &[u8]) -> Option<Disposition> {
    let mut found = None;
    for line in std::str::from_utf8(lines).ok()?.split("\r\n") {
        if line.contains(char::is_control) {
            return None;
        }
        let (name, value) = line.split_once(':')?;
        let value = value.trim_matches([' ', '\t']);
        let token = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if name.is_empty() || !name.bytes().all(token) {
            return None;
        }
        if name.eq_ignore_ascii_case("content-disposition") {
            if found.replace(parse(value)?).is_some() {
                return None;
            }
        } else if name.eq_ignore_ascii_case("content-transfer-encoding") {
            // RFC 7578 section 4.7: nothing is encoded
            let plain = ["7bit", "8bit", "binary"];
            plain.iter().find(|known| value.eq_ignore_ascii_case(known))?;
        }
    }
    found
}

/// `form-data; name="x"; filename="y"`
fn parse(value: &str) -> Option<Disposition> {
    let (kind, mut rest) = value.split_once(';')?;
    if !kind.trim_end().eq_ignore_ascii_case("form-data") {
        return None;
    }
    let (mut name, mut file_name, mut encoded) = (None, None, None);
    loop {
        let (key, after) = rest.trim_start().split_once('=')?;
        let (text, after) = text(after)?;
        let slot = match key.to_ascii_lowercase().as_str() {
            "name" => &mut name,
            "filename" => &mut file_name,
            // RFC 7578 section 4.2 forbids it, some clients add it; what it says does not count
            "filename*" => &mut encoded,
            _ => return None,
        };
        if slot.replace(text).is_some() {
            return None;
        }
        let after = after.trim_start();
        if after.is_empty() {
            break;
        }
        rest = after.strip_prefix(';')?;
    }
    if encoded.is_some() && file_name.is_none() {
        file_name = Some(String::new());
    }
    Some(Disposition { name: name?, file_name })
}

/// A quoted text or a token, and what follows. In quotes only `\"` is an escape: browsers send paths of Windows as
/// they are.
fn text(from: &str) -> Option<(String, &str)> {
    let Some(quoted) = from.strip_prefix('"') else {
        let end = from.find([';', ' ', '\t', '"']).unwrap_or(from.len());
        let (token, rest) = from.split_at_checked(end)?;
        return (!token.is_empty()).then(|| (token.to_owned(), rest));
    };
    let mut text = String::new();
    let mut letters = quoted.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((text, quoted.get(at + 1..)?)),
            '\\' if letters.next_if(|(_, next)| *next == '"').is_some() => text.push('"'),
            letter => text.push(letter),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(lines: &str, expected: Option<(&str, Option<&str>)>) {
        let seen = of(lines.as_bytes()).map(|found| (found.name, found.file_name));
        let expected = expected.map(|(name, file)| (name.to_owned(), file.map(str::to_owned)));
        assert_eq!(seen, expected, "{lines:?}");
    }

    #[test]
    fn what_names_a_part() {
        let of = "Content-Disposition: form-data";
        check(&format!("{of}; name=\"key\""), Some(("key", None)));
        check(&format!("{of};name=key"), Some(("key", None)));
        check(
            &format!("content-type: a/b\r\n{of}; name=\"file\"; filename=\"C:\\a\\\"b.txt\""),
            Some(("file", Some("C:\\a\"b.txt"))),
        );
        check(&format!("{of}; name=\"\u{e9}\"; filename=\"\""), Some(("\u{e9}", Some(""))));
        check(&format!("{of}; name=file; filename*=utf-8''a"), Some(("file", Some(""))));
        check(&format!("{of}; name=a\r\nContent-Transfer-Encoding: BINARY"), Some(("a", None)));
        for lines in [
            "",
            "Content-Type: a/b",
            of,
            &format!("{of};"),
            &format!("{of}; name"),
            &format!("{of}; name="),
            &format!("{of}; name=\"a"),
            &format!("{of}; name=\"a\"b"),
            &format!("{of}; name=a; name=a"),
            &format!("{of}; filename=a"),
            &format!("{of}; name=a; size=1"),
            &format!("{of}; name=a\r\n{of}; name=a"),
            &format!("{of}; name=a\r\n folded"),
            &format!("{of}; name=a\nx: y"),
            &format!(" {of}; name=a"),
            &format!("{of}; name=a\r\nContent-Transfer-Encoding: base64"),
            "Content-Disposition: attachment; name=a",
        ] {
            check(lines, None);
        }
    }
}
