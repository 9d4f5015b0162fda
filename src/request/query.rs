//! The query of a target: ordered pairs, raw and decoded, duplicates kept.
//! It must not merge, drop or reorder a parameter: callers see what a signature covers.

use super::percent::{self, Form, Part, PercentError, Text};
use smallvec::SmallVec;
use std::ops::Range;

/// A query split at `&` and the first `=`, every part checked and decoded once.
#[derive(Debug, Default)]
pub struct Query<'a> {
    raw: &'a [u8],
    pairs: SmallVec<[Pair; 12]>,
    decoded: SmallVec<[u8; 128]>,
}

#[derive(Clone, Debug)]
struct Pair {
    name: Slot,
    value: Slot,
    has_equals: bool,
}

/// A text by position: in the raw query and, if it had to be decoded, in the decoded buffer.
#[derive(Clone, Debug)]
struct Slot {
    raw: Range<usize>,
    decoded: Range<usize>,
    form: Form,
}

/// One query parameter.
#[derive(Clone, Copy, Debug)]
pub struct Param<'q> {
    /// The name; compared in its decoded form, letter case kept.
    pub name: Text<'q>,
    /// The value; empty without `=`.
    pub value: Text<'q>,
    /// Whether an `=` was sent: `?acl` and `?acl=` mean the same but are forwarded as they came.
    pub has_equals: bool,
}

impl Param<'_> {
    /// The decoded name.
    #[must_use]
    pub const fn name(&self) -> &[u8] {
        self.name.decoded()
    }
}

impl<'a> Query<'a> {
    /// Splits and checks the raw query (without `?`). Empty pieces between `&` are dropped.
    ///
    /// # Errors
    /// [`PercentError`] for the first part that is not properly encoded.
    pub fn parse(raw: &'a [u8]) -> Result<Self, PercentError> {
        let mut query = Self { raw, ..Self::default() };
        let mut start = 0;
        for end in memchr::memchr_iter(b'&', raw).chain(std::iter::once(raw.len())) {
            if end > start {
                let piece = raw.get(start..end).unwrap_or_default();
                let equals = memchr::memchr(b'=', piece).map(|at| start + at);
                let name = query.slot(start..equals.unwrap_or(end))?;
                let value = query.slot(equals.map_or(end, |at| at + 1)..end)?;
                query.pairs.push(Pair { name, value, has_equals: equals.is_some() });
            }
            start = end + 1;
        }
        Ok(query)
    }

    fn slot(&mut self, raw: Range<usize>) -> Result<Slot, PercentError> {
        let bytes = self.raw.get(raw.clone()).unwrap_or_default();
        let form = percent::classify(bytes, Part::Query)?;
        let start = self.decoded.len();
        if form != Form::Plain {
            percent::decode_into(bytes, Part::Query, &mut self.decoded);
        }
        Ok(Slot { raw, decoded: start..self.decoded.len(), form })
    }

    fn text(&self, slot: &Slot) -> Text<'_> {
        let raw = self.raw.get(slot.raw.clone()).unwrap_or_default();
        let decoded = match slot.form {
            Form::Plain => raw,
            _ => self.decoded.get(slot.decoded.clone()).unwrap_or_default(),
        };
        Text { raw, decoded, form: slot.form, part: Part::Query }
    }

    fn param(&self, pair: &Pair) -> Param<'_> {
        Param { name: self.text(&pair.name), value: self.text(&pair.value), has_equals: pair.has_equals }
    }

    /// The query as sent.
    #[must_use]
    pub const fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// The parameters in wire order.
    pub fn iter(&self) -> impl Iterator<Item = Param<'_>> {
        self.pairs.iter().map(|pair| self.param(pair))
    }

    /// The number of parameters.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Whether there is no parameter.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// The decoded value of the first parameter with this decoded name.
    #[must_use]
    pub fn first(&self, name: &[u8]) -> Option<&[u8]> {
        self.value_of(|found| found == name)
    }

    /// The decoded names, in wire order.
    pub fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.pairs.iter().map(|pair| self.text(&pair.name).decoded)
    }

    /// The decoded value of the first parameter with this decoded name in any letter case.
    #[must_use]
    pub fn first_ignoring_case(&self, name: &[u8]) -> Option<&[u8]> {
        self.value_of(|found| found.eq_ignore_ascii_case(name))
    }

    /// Looks at names alone: most are asked for in vain.
    fn value_of(&self, is_it: impl Fn(&[u8]) -> bool) -> Option<&[u8]> {
        let pair = self.pairs.iter().find(|pair| is_it(self.text(&pair.name).decoded))?;
        Some(self.text(&pair.value).decoded)
    }

    /// Whether a parameter has this decoded name.
    #[must_use]
    pub fn has(&self, name: &[u8]) -> bool {
        self.first(name).is_some()
    }

    /// The parameters ordered by (canonical name, canonical value), as a canonical query lists them.
    #[must_use]
    pub fn sorted(&self) -> SmallVec<[Param<'_>; 20]> {
        let mut params: SmallVec<[Param<'_>; 20]> = self.iter().collect();
        params.sort_unstable_by(|left, right| {
            left.name.cmp_canonical(right.name).then_with(|| left.value.cmp_canonical(right.value))
        });
        params
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(raw: &str, expected: &[(&str, &str, bool)]) {
        let query = Query::parse(raw.as_bytes()).unwrap();
        let seen: Vec<_> = query
            .iter()
            .map(|param| {
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                (text(param.name.decoded()), text(param.value.decoded()), param.has_equals)
            })
            .collect();
        let expected: Vec<_> =
            expected.iter().map(|(name, value, equals)| ((*name).into(), (*value).into(), *equals)).collect();
        assert_eq!(seen, expected, "{raw}");
    }

    #[test]
    fn pieces_of_a_query() {
        check("", &[]);
        check("&&", &[]);
        check("acl", &[("acl", "", false)]);
        check("acl=", &[("acl", "", true)]);
        check("a=1&a=2", &[("a", "1", true), ("a", "2", true)]);
        check("a=b=c", &[("a", "b=c", true)]);
        check("=x&&%61%20=+%2B", &[("", "x", true), ("a ", " +", true)]);
        check("x-amz-acl=a;b", &[("x-amz-acl", "a;b", true)]);
    }

    #[test]
    fn order_is_by_encoded_name_then_value() {
        let query = Query::parse(b"k0=1&k.y=1&k-x=1&k=2&k=%20&k=1&%6b=0").unwrap();
        let sorted: Vec<_> = query
            .sorted()
            .iter()
            .map(|param| {
                let mut text = Vec::new();
                param.name.write_canonical(&mut text);
                text.push(b'=');
                param.value.write_canonical(&mut text);
                String::from_utf8(text).unwrap()
            })
            .collect();
        assert_eq!(sorted, ["k=%20", "k=0", "k=1", "k=2", "k-x=1", "k.y=1", "k0=1"]);
    }

    #[test]
    fn broken_escapes_are_refused_in_names_and_values() {
        assert_eq!(Query::parse(b"a=%").unwrap_err(), PercentError::Escape);
        assert_eq!(Query::parse(b"%=a").unwrap_err(), PercentError::Escape);
        assert_eq!(Query::parse(b"a=%00").unwrap_err(), PercentError::Nul);
    }
}
