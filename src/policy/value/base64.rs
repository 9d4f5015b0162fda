//! Base64 of `BinaryEquals` conditions (RFC 4648 section 4), with or without padding.
//! It must not skip characters it does not know, nor accept bits that belong to no byte.

/// The bytes that `text` encodes; `None` if it is no base64.
#[must_use]
pub fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let body = strip_padding(text)?;
    let mut out = Vec::with_capacity(body.len() / 4 * 3 + 2);
    let (mut bits, mut held) = (0_u32, 0_u32);
    for byte in body {
        bits = (bits << 6 | sextet(*byte)?) & 0xffff;
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push(u8::try_from(bits >> held & 0xff).ok()?);
        }
    }
    // what is left over are padding bits: fewer than six, all zero
    (held < 6 && bits & ((1 << held) - 1) == 0).then_some(out)
}

fn strip_padding(text: &[u8]) -> Option<&[u8]> {
    match text {
        [body @ .., b'=', b'='] | [body @ .., b'='] => {
            (text.len().is_multiple_of(4) && !body.contains(&b'=')).then_some(body)
        }
        _ => Some(text),
    }
}

const fn sextet(byte: u8) -> Option<u32> {
    let value = match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    };
    Some(value as u32)
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn padded_and_unpadded_are_one() {
        for (text, bytes) in [
            ("", &b""[..]),
            ("Zg==", b"f"),
            ("Zg", b"f"),
            ("Zm8=", b"fo"),
            ("Zm8", b"fo"),
            ("Zm9v", b"foo"),
            ("Zm9vYmFy", b"foobar"),
            ("+/+/", &[0xfb, 0xff, 0xbf]),
        ] {
            assert_eq!(decode(text.as_bytes()).as_deref(), Some(bytes), "{text}");
        }
    }

    #[test]
    fn what_is_no_base64() {
        for text in
            ["Z", "Zg=", "Zh==", "Zm9", "Zg===", "=", "====", "Z=g=", "Zm 8", "Zm8\n", "-_-_", "Zm9vY"]
        {
            assert_eq!(decode(text.as_bytes()), None, "{text}");
        }
    }
}
