//! The list of headers that a signature covers.
//! It must not sort or repair a list: one that is not in canonical form has two readings.

use crate::request::headers::{Header, Headers};

/// A list of distinct lower-case header names in order; may be empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SignedHeaders<'r>(&'r str);

impl<'r> SignedHeaders<'r> {
    /// Reads `name;name;...`; `None` unless the names are lower case, distinct and in order.
    #[must_use]
    pub fn parse(list: &'r [u8]) -> Option<Self> {
        let list = std::str::from_utf8(list).ok()?;
        let mut previous = "";
        for name in list.split(';').filter(|_| !list.is_empty()) {
            if name <= previous || !name.bytes().all(is_name_byte) {
                return None;
            }
            previous = name;
        }
        Some(Self(list))
    }

    /// The list as sent.
    #[must_use]
    pub const fn as_str(self) -> &'r str {
        self.0
    }

    /// The names in order.
    pub fn iter(self) -> impl Iterator<Item = &'r str> {
        self.0.split(';').filter(|name| !name.is_empty())
    }

    /// Whether the signature covers the header with this name, in any letter case.
    #[must_use]
    pub fn contains(self, name: &str) -> bool {
        self.iter().any(|signed| signed.eq_ignore_ascii_case(name))
    }

    /// The names, in the order in which S3 lists them, of headers that had to be signed and are not.
    #[must_use]
    pub fn unsigned(self, headers: &Headers<'_>) -> Option<String> {
        let is_unsigned = |header: &&Header<'_>| must_be_signed(header) && !self.contains(header.name);
        headers.iter().find(is_unsigned)?;
        let mut names: Vec<_> =
            headers.iter().filter(is_unsigned).map(|header| header.name.to_ascii_lowercase()).collect();
        names.sort_unstable();
        names.dedup();
        hash_set_order(&mut names);
        Some(names.join(", "))
    }

    /// The first name that no line of the request has.
    #[must_use]
    pub fn missing(self, headers: &Headers<'_>) -> Option<String> {
        self.iter().find(|name| !headers.has(name)).map(str::to_owned)
    }
}

const fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() && !byte.is_ascii_uppercase() && !matches!(byte, b':' | b',' | b';')
}

/// S3's rule, for both forms: everything that could change what the request does is signed. The payload hash is
/// exempt because it becomes a line of the canonical request whether signed or not.
fn must_be_signed(header: &Header<'_>) -> bool {
    header.has_prefix("x-amz-") && !header.is(super::CONTENT_SHA256)
        || header.is("host")
        || header.is("content-md5")
}

/// Orders sorted names as Java's `HashSet` iterates over them: by bucket, then by insertion.
fn hash_set_order(names: &mut [String]) {
    let mut buckets = 16;
    while names.len() > buckets / 4 * 3 {
        buckets *= 2;
    }
    let mask = u32::try_from(buckets - 1).unwrap_or(u32::MAX);
    names.sort_by_key(|name| {
        let hash = name.bytes().fold(0_u32, |hash, byte| hash.wrapping_mul(31).wrapping_add(byte.into()));
        (hash ^ (hash >> 16)) & mask
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_canonical_list_is_one() {
        for list in ["", "host", "host;x-amz-date", "a;b;c"] {
            assert_eq!(SignedHeaders::parse(list.as_bytes()).map(SignedHeaders::as_str), Some(list));
        }
        for list in
            [";", "host;", ";host", "a;;b", "Host", "b;a", "a;a", "a b", "a:b", "a,b", "h\u{e9}", "a\n"]
        {
            assert_eq!(SignedHeaders::parse(list.as_bytes()), None, "{list}");
        }
    }

    fn check(list: &str, names: &[&str], unsigned: Option<&str>, missing: Option<&str>) {
        let headers: Headers<'_> = names.iter().map(|name| Header { name, value: b"" }).collect();
        let list = SignedHeaders::parse(list.as_bytes()).unwrap();
        assert_eq!(list.unsigned(&headers).as_deref(), unsigned, "{names:?}");
        assert_eq!(list.missing(&headers).as_deref(), missing, "{names:?}");
    }

    #[test]
    fn what_must_be_signed_and_what_must_be_there() {
        check("host", &["Host"], None, None);
        check(
            "host",
            &["Host", "x-amz-content-sha256", "Range", "x-amzn-trace-id", "Content-Type"],
            None,
            None,
        );
        check("", &["Host"], Some("host"), None);
        check("host", &["Host", "Content-MD5"], Some("content-md5"), None);
        check("host", &["Host", "X-Amz-Acl", "x-amz-acl"], Some("x-amz-acl"), None);
        check("host", &["Host", "x-amz-"], Some("x-amz-"), None);
        check("host;x-amz-meta-a", &["Host"], None, Some("x-amz-meta-a"));
    }

    #[test]
    fn names_come_in_the_order_of_a_java_hash_set() {
        let mut names = vec![
            "host",
            "content-md5",
            "x-amz-acl",
            "x-amz-copy-source",
            "x-amz-date",
            "x-amz-tagging",
            "x-amz-storage-class",
            "x-amz-meta-a",
        ];
        check(
            "",
            &names,
            Some(
                "x-amz-meta-a, x-amz-acl, x-amz-date, content-md5, host, x-amz-tagging, x-amz-copy-source, \
                 x-amz-storage-class",
            ),
            None,
        );
        // more than twelve names: 32 buckets
        names.extend([
            "x-amz-meta-b",
            "x-amz-meta-c",
            "x-amz-meta-d",
            "x-amz-meta-e",
            "x-amz-meta-f",
            "x-amz-meta-g",
        ]);
        check(
            "",
            &names,
            Some(
                "x-amz-acl, x-amz-date, x-amz-meta-e, x-amz-copy-source, x-amz-meta-d, x-amz-meta-g, \
                 x-amz-meta-f, x-amz-meta-a, x-amz-meta-c, x-amz-meta-b, content-md5, host, x-amz-tagging, \
                 x-amz-storage-class",
            ),
            None,
        );
    }
}
