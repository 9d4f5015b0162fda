//! The request target: a path and a query, from origin form or an absolute form that agrees with Host.
//! It must not resolve dot segments or merge slashes: S3 signs and stores them as they are.

use super::percent::{self, Form, Part, PercentError, Sink, Text};
use super::query::Query;
use smallvec::SmallVec;

/// Path and query of a request.
#[derive(Debug)]
pub struct Target<'a> {
    /// The path, always beginning with `/`.
    pub path: Path<'a>,
    /// The query, empty if there is none.
    pub query: Query<'a>,
}

/// A path, raw and decoded once.
#[derive(Debug)]
pub struct Path<'a> {
    raw: &'a [u8],
    decoded: SmallVec<[u8; 128]>,
    form: Form,
}

/// Why a target is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Neither a path nor `http(s)://authority/path`.
    #[error("the request target is neither a path nor an absolute http URL")]
    Form,
    /// A fragment was sent.
    #[error("the request target holds a `#`")]
    Fragment,
    /// The authority of an absolute form is not the Host header.
    #[error("the authority of the request target is not the Host header's")]
    Authority,
    /// A part is not properly percent-encoded.
    #[error("the request target is malformed: {0}")]
    Encoding(#[from] PercentError),
}

impl<'a> Target<'a> {
    /// Reads a raw target; `host` is the value of the Host header.
    ///
    /// # Errors
    /// See [`TargetError`].
    pub fn parse(raw: &'a [u8], host: &[u8]) -> Result<Self, TargetError> {
        if memchr::memchr(b'#', raw).is_some() {
            return Err(TargetError::Fragment);
        }
        let origin = if raw.first() == Some(&b'/') { raw } else { origin_of_absolute(raw, host)? };
        let (path, query) = match memchr::memchr(b'?', origin) {
            Some(at) => (origin.get(..at).unwrap_or_default(), origin.get(at + 1..).unwrap_or_default()),
            None => (origin, &[][..]),
        };
        Ok(Self { path: Path::parse(path)?, query: Query::parse(query)? })
    }
}

fn origin_of_absolute<'a>(raw: &'a [u8], host: &[u8]) -> Result<&'a [u8], TargetError> {
    let scheme_end = raw.iter().position(|&byte| byte == b':').ok_or(TargetError::Form)?;
    let (scheme, rest) = raw.split_at_checked(scheme_end).ok_or(TargetError::Form)?;
    if !scheme.eq_ignore_ascii_case(b"http") && !scheme.eq_ignore_ascii_case(b"https") {
        return Err(TargetError::Form);
    }
    let rest = rest.strip_prefix(b"://").ok_or(TargetError::Form)?;
    let path_start = rest.iter().position(|&byte| byte == b'/').ok_or(TargetError::Form)?;
    let (authority, origin) = rest.split_at_checked(path_start).ok_or(TargetError::Form)?;
    if !authority.eq_ignore_ascii_case(host) {
        return Err(TargetError::Authority);
    }
    Ok(origin)
}

impl<'a> Path<'a> {
    fn parse(raw: &'a [u8]) -> Result<Self, PercentError> {
        let form = percent::classify(raw, Part::Path)?;
        let mut decoded = SmallVec::new();
        if form != Form::Plain {
            percent::decode_into(raw, Part::Path, &mut decoded);
        }
        Ok(Self { raw, decoded, form })
    }

    /// The path in its forms.
    #[must_use]
    pub fn text(&self) -> Text<'_> {
        let decoded = if self.form == Form::Plain { self.raw } else { &self.decoded };
        Text { raw: self.raw, decoded, form: self.form, part: Part::Path }
    }

    /// The path decoded once.
    #[must_use]
    pub fn decoded(&self) -> &[u8] {
        self.text().decoded()
    }

    /// Appends the path as it was sent, for a store that checks the client's own signature. Where an escaped `/` or
    /// `.` could be read as another path than the one that was judged, the canonical form is written instead.
    pub fn write_sent(&self, out: &mut impl Sink) {
        let hides =
            |escape: &[u8]| escape.eq_ignore_ascii_case(b"%2f") || escape.eq_ignore_ascii_case(b"%2e");
        if self.raw.windows(3).any(hides) {
            self.write_canonical(out);
        } else {
            out.put(self.raw);
        }
    }

    /// Appends the canonical path: what is signed, authorised and forwarded.
    pub fn write_canonical(&self, out: &mut impl Sink) {
        self.text().write_canonical(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(raw: &str, expected: Result<(&str, &str), TargetError>) {
        let outcome = Target::parse(raw.as_bytes(), b"S3.test:8080").map(|target| {
            let mut path = Vec::new();
            target.path.write_canonical(&mut path);
            (String::from_utf8(path).unwrap(), String::from_utf8(target.query.raw().to_vec()).unwrap())
        });
        assert_eq!(outcome, expected.map(|(path, query)| (path.into(), query.into())), "{raw}");
    }

    #[test]
    fn origin_and_absolute_forms() {
        check("/", Ok(("/", "")));
        check("/b/k?a=1?b", Ok(("/b/k", "a=1?b")));
        check("//b/..//k?", Ok(("//b/..//k", "")));
        check("/b/a%2Fb+%7e", Ok(("/b/a/b%2B~", "")));
        check("http://s3.test:8080/b/k?a", Ok(("/b/k", "a")));
        check("HTTPS://s3.test:8080/", Ok(("/", "")));
    }

    #[test]
    fn what_is_no_target() {
        for raw in ["", "*", "b/k", "s3.test:8080", "ftp://s3.test:8080/", "http:/s3.test:8080/", "?a"] {
            check(raw, Err(TargetError::Form));
        }
        check("http://s3.test/b", Err(TargetError::Authority));
        check("http://u@s3.test:8080/b", Err(TargetError::Authority));
        check("/b#f", Err(TargetError::Fragment));
        check("/b%zz", Err(TargetError::Encoding(PercentError::Escape)));
        check("/b?a=%00", Err(TargetError::Encoding(PercentError::Nul)));
        check("/b\u{e9}", Err(TargetError::Encoding(PercentError::Byte(0xc3))));
    }
}
