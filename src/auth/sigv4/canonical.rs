//! The canonical request and the string to sign, written piece by piece into a hash or a buffer.
//! It must not change a request: one canonical form, no fallback, no path normalisation.

use super::signed_headers::SignedHeaders;
use crate::auth::hex;
use crate::field::trim;
use crate::request::RawRequest;
use crate::request::percent::Sink;
use crate::request::query::Param;
use sha2::{Digest, Sha256};
use smallvec::SmallVec;

/// A canonical request, not yet written out (AWS documentation, "Create a canonical request", S3's variant).
#[derive(Debug)]
pub struct Canonical<'r, 'a> {
    method: &'r str,
    request: &'r RawRequest<'a>,
    params: SmallVec<[Param<'r>; 20]>,
    signed: SignedHeaders<'r>,
    payload: &'r [u8],
}

impl<'r, 'a> Canonical<'r, 'a> {
    /// The canonical request of a request, with the headers and the payload line that its signature claims.
    #[must_use]
    pub fn new(request: &'r RawRequest<'a>, signed: SignedHeaders<'r>, payload: &'r [u8]) -> Self {
        let mut params = request.target.query.sorted();
        params.retain(|param| param.name() != b"X-Amz-Signature");
        Self { method: request.method.as_str(), request, params, signed, payload }
    }

    /// As if the request had another method.
    #[must_use]
    pub fn with_method(self, method: &'r str) -> Self {
        Self { method, ..self }
    }

    /// Writes it out.
    pub fn write(&self, out: &mut impl Sink) {
        out.put(self.method.as_bytes());
        out.put(b"\n");
        self.request.target.path.write_canonical(out);
        out.put(b"\n");
        write_query(&self.params, out);
        out.put(b"\n");
        for name in self.signed.iter() {
            write_header(name, self.request.headers.all(name), out);
        }
        out.put(b"\n");
        out.put(self.signed.as_str().as_bytes());
        out.put(b"\n");
        out.put(self.payload);
    }

    /// Its SHA-256.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        self.write(&mut hash);
        hash.finalize().into()
    }

    /// Its text, for errors and `explain`.
    #[must_use]
    pub fn text(&self) -> Vec<u8> {
        let mut text = Vec::new();
        self.write(&mut text);
        text
    }
}

/// Writes parameters, which are sorted already, as `name=value&...`, `=` always there.
pub fn write_query(params: &[Param<'_>], out: &mut impl Sink) {
    for (at, param) in params.iter().enumerate() {
        if at > 0 {
            out.put(b"&");
        }
        param.name.write_canonical(out);
        out.put(b"=");
        param.value.write_canonical(out);
    }
}

/// Writes `name:value,value` and a line feed. A header that is not there counts as an empty one.
pub fn write_header<'v>(lower_name: &str, values: impl Iterator<Item = &'v [u8]>, out: &mut impl Sink) {
    out.put(lower_name.as_bytes());
    out.put(b":");
    for (at, value) in values.enumerate() {
        if at > 0 {
            out.put(b",");
        }
        write_value(value, out);
    }
    out.put(b"\n");
}

/// Writes a value without the white space around it, runs of spaces inside it as one space.
pub(super) fn write_value(value: &[u8], out: &mut impl Sink) {
    let mut rest = trim(value);
    while let Some((run, after)) =
        memchr::memmem::find(rest, b"  ").and_then(|at| rest.split_at_checked(at + 1))
    {
        out.put(run);
        rest = after;
        while let [b' ', after @ ..] = rest {
            rest = after;
        }
    }
    out.put(rest);
}

/// The pieces of a string to sign; their concatenation is it.
#[derive(Clone, Copy, Debug)]
pub struct StringToSign<'r> {
    /// The algorithm as sent.
    pub algorithm: &'r [u8],
    /// The date as sent.
    pub date: &'r [u8],
    /// The scope as sent, without the access key id.
    pub scope: &'r [u8],
}

impl StringToSign<'_> {
    /// Calls `with` on the pieces.
    pub fn pieces<T>(&self, canonical_digest: &[u8; 32], with: impl FnOnce(&[&[u8]]) -> T) -> T {
        let digest = hex::encode(canonical_digest);
        with(&[self.algorithm, b"\n", self.date, b"\n", self.scope, b"\n", &digest])
    }

    /// Its text, for errors and `explain`.
    #[must_use]
    pub fn text(&self, canonical_digest: &[u8; 32]) -> Vec<u8> {
        self.pieces(canonical_digest, |pieces| pieces.concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(values: &[&str], expected: &str) {
        let mut line = Vec::new();
        write_header("x", values.iter().map(|value| value.as_bytes()), &mut line);
        assert_eq!(String::from_utf8(line).unwrap(), format!("x:{expected}\n"), "{values:?}");
    }

    #[test]
    fn values_are_trimmed_collapsed_and_joined() {
        check(&[], "");
        check(&["", ""], ",");
        check(&["a"], "a");
        check(&["b", "a", "b"], "b,a,b");
        check(&["  a   b  \t ", "\tc"], "a b,c");
        check(&["a  b    c d"], "a b c d");
        check(&["\"a  b\""], "\"a b\"");
        check(&["a\t\tb \t c"], "a\t\tb \t c");
        check(&["   "], "");
    }

    proptest! {
        #[test]
        fn collapsing_equals_splitting_at_spaces(value in "[ a-c\t]{0,24}") {
            let trimmed = value.trim_matches([' ', '\t']);
            let mut expected: Vec<&str> = trimmed.split(' ').collect();
            let inner = expected.len();
            let mut at = 0;
            expected.retain(|word| { at += 1; !word.is_empty() || inner == 1 && at == 1 });
            let mut line = Vec::new();
            write_value(value.as_bytes(), &mut line);
            prop_assert_eq!(String::from_utf8(line).unwrap(), expected.join(" "));
        }
    }
}
