//! The Host header: a name or an address literal, and a port (RFC 9110 section 7.2, RFC 3986 section 3.2.2).
//! It must not accept user info, empty labels or anything else that two readers could split differently.

/// A valid Host value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Host<'a> {
    raw: &'a str,
    name: &'a str,
}

impl<'a> Host<'a> {
    /// Reads a Host value; `None` if it is not `name[:port]` or `[v6][:port]`.
    #[must_use]
    pub fn parse(raw: &'a [u8]) -> Option<Self> {
        let raw = std::str::from_utf8(raw).ok()?;
        let (name, port) = if raw.starts_with('[') {
            let (address, rest) = raw.strip_prefix('[')?.split_once(']')?;
            address.parse::<std::net::Ipv6Addr>().ok()?;
            (raw.get(..address.len() + 2)?, rest)
        } else {
            let end = raw.find(':').unwrap_or(raw.len());
            let (name, port) = raw.split_at_checked(end)?;
            is_name(name).then_some((name, port))?
        };
        is_port_suffix(port).then_some(Self { raw, name })
    }

    /// The value as sent; a signature covers exactly this.
    #[must_use]
    pub const fn raw(self) -> &'a str {
        self.raw
    }

    /// The name without its port, letter case as sent; compare it without case.
    #[must_use]
    pub const fn name(self) -> &'a str {
        self.name
    }
}

fn is_name(name: &str) -> bool {
    name.len() <= 253
        && name.split('.').all(|label| {
            !label.is_empty()
                && label.len() <= 63
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        })
}

fn is_port_suffix(suffix: &str) -> bool {
    match suffix.strip_prefix(':') {
        None => suffix.is_empty(),
        Some(port) => {
            port.bytes().all(|byte| byte.is_ascii_digit())
                && !port.starts_with('0')
                && port.parse::<u16>().is_ok()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_literals() {
        for (raw, name) in [
            ("s3.test", "s3.test"),
            ("S3.Test:8080", "S3.Test"),
            ("127.0.0.1:1", "127.0.0.1"),
            ("[::1]:8080", "[::1]"),
            ("[2001:db8::1]", "[2001:db8::1]"),
            ("my_bucket.s3.test", "my_bucket.s3.test"),
        ] {
            assert_eq!(Host::parse(raw.as_bytes()).map(Host::name), Some(name), "{raw}");
        }
    }

    #[test]
    fn what_is_no_host() {
        for raw in [
            "", ":80", "a:", "a:0", "a:080", "a:99999", "a:8o", "a b", "a/b", "a?b", "a#b", "u@a", "a,b",
            "a..b", ".a", "a.", "[::1", "::1", "[::1]x", "[v1.a]", "[]", "a:80:80", "a\\b", "a%62",
            "h\u{e9}",
        ] {
            assert_eq!(Host::parse(raw.as_bytes()), None, "{raw}");
        }
    }
}
