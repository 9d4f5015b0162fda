//! The header lines of a request in wire order.
//! It must not merge or reorder lines: a signature covers them as they came.

use smallvec::SmallVec;

/// One header line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    /// The name as sent: a token without `_`.
    pub name: &'a str,
    /// The value without the white space around it; no control characters but tab.
    pub value: &'a [u8],
}

impl Header<'_> {
    /// Whether this header has a name, which is given in lower case.
    #[must_use]
    pub const fn is(&self, lower_name: &str) -> bool {
        self.name.eq_ignore_ascii_case(lower_name)
    }

    /// Whether the name begins with a prefix, which is given in lower case.
    #[must_use]
    pub fn has_prefix(&self, lower_prefix: &str) -> bool {
        self.name.get(..lower_prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(lower_prefix))
    }
}

/// All header lines.
#[derive(Debug, Default)]
pub struct Headers<'a> {
    lines: SmallVec<[Header<'a>; 20]>,
}

impl<'a> Headers<'a> {
    /// Adds a line at the end.
    pub fn push(&mut self, header: Header<'a>) {
        self.lines.push(header);
    }

    /// The lines in wire order.
    pub fn iter(&self) -> std::slice::Iter<'_, Header<'a>> {
        self.lines.iter()
    }

    /// The number of lines.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether there is no line.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The values of every line with this name, in wire order.
    pub fn all<'h>(&'h self, lower_name: &'h str) -> impl Iterator<Item = &'a [u8]> + 'h {
        self.lines.iter().filter(move |header| header.is(lower_name)).map(|header| header.value)
    }

    /// The value of the first line with this name.
    #[must_use]
    pub fn first(&self, lower_name: &str) -> Option<&'a [u8]> {
        self.lines.iter().find(|header| header.is(lower_name)).map(|header| header.value)
    }

    /// The value of the first line with this name, if it is text in UTF-8.
    #[must_use]
    pub fn text(&self, lower_name: &str) -> Option<&'a str> {
        std::str::from_utf8(self.first(lower_name)?).ok()
    }

    /// Whether a line has this name.
    #[must_use]
    pub fn has(&self, lower_name: &str) -> bool {
        self.lines.iter().any(|header| header.is(lower_name))
    }
}

impl<'a> FromIterator<Header<'a>> for Headers<'a> {
    fn from_iter<I: IntoIterator<Item = Header<'a>>>(lines: I) -> Self {
        Self { lines: lines.into_iter().collect() }
    }
}

impl<'h, 'a> IntoIterator for &'h Headers<'a> {
    type Item = &'h Header<'a>;
    type IntoIter = std::slice::Iter<'h, Header<'a>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Appends one header line.
pub fn write_line(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_without_case_and_lines_kept_apart() {
        let headers: Headers<'_> = [("X-Amz-Date", "1"), ("accept", "a"), ("x-amz-date", "2")]
            .into_iter()
            .map(|(name, value)| Header { name, value: value.as_bytes() })
            .collect();
        assert_eq!(headers.first("x-amz-date"), Some(&b"1"[..]));
        assert_eq!(headers.all("x-amz-date").collect::<Vec<_>>(), [b"1", b"2"]);
        assert!(headers.has("accept") && !headers.has("accept-encoding"));
        assert!(headers.iter().next().is_some_and(|header| header.has_prefix("x-amz-")));
    }
}
