//! What came of a request, as the state of its link counts it.
//! It must not count what a client did not get: refusals, "not modified" and answers to HEAD are free.

use crate::request::framing::Framing;
use crate::request::method::Method;

/// What a request delivered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delivery {
    /// Bytes of the object that went to the client.
    pub got: u64,
    /// Bytes of the object in all; 0 is not known.
    pub size: u64,
    /// Whether it counts as a whole use, however many bytes it were.
    pub whole: bool,
    /// Bytes of the body, of the answer for a GET and of the request for everything else.
    pub moved: u64,
}

/// The head of an answer, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnswerFacts {
    /// Its status.
    pub status: u16,
    /// How the length of its body is told.
    pub framing: Framing,
    /// Bytes of the object in all, as `Content-Range` tells them.
    pub range_total: Option<u64>,
}

/// The total of a `Content-Range: bytes first-last/total` (RFC 9110 section 14.4).
#[must_use]
pub fn range_total(value: &[u8]) -> Option<u64> {
    let (range, total) = std::str::from_utf8(value).ok()?.strip_prefix("bytes ")?.split_once('/')?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (first, last) = range.split_once('-')?;
    if digits(first) && digits(last) && digits(total) { total.parse().ok() } else { None }
}

impl Delivery {
    /// Whether anything was delivered.
    #[must_use]
    pub const fn delivered(&self) -> bool {
        self.got > 0 || self.whole
    }

    /// What came of a request: the head of its answer, if there was one, the bytes of data in both directions, and whether the
    /// answer reached its end.
    #[must_use]
    pub fn of(
        method: Method<'_>,
        answer: Option<AnswerFacts>,
        data_bytes: u64,
        response_bytes: u64,
        complete: bool,
    ) -> Self {
        // the short answer to an upload is not what the link is for
        let moved = if method == Method::Get { response_bytes } else { data_bytes };
        let none = Self { moved, ..Self::default() };
        let Some(answer) = answer else { return none };
        if !(200..300).contains(&answer.status) || method == Method::Head {
            return none;
        }
        if method != Method::Get {
            // an upload, a copy, a deletion: it happened, whether the client read the answer or not
            return Self { whole: true, ..none };
        }
        let size = match (answer.status, answer.framing, answer.range_total) {
            (206, _, Some(total)) => total,
            (206, _, None) => 0,
            (_, Framing::Known(length), _) => length,
            // an answer without a body is a delivery of nothing; the rest has no length to measure it by
            _ => 0,
        };
        if size == 0 {
            let whole = response_bytes > 0 || complete;
            return Self { whole, ..none };
        }
        Self { got: response_bytes, size, ..none }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(method: Method<'_>, status: u16, framing: Framing, total: Option<u64>, expected: Delivery) {
        let answer = AnswerFacts { status, framing, range_total: total };
        let seen = Delivery::of(method, Some(answer), expected.moved, expected.moved, true);
        assert_eq!(seen, expected, "{status} {framing:?}");
    }

    #[test]
    fn what_counts() {
        let nothing = Delivery { moved: 9, ..Delivery::default() };
        let whole = Delivery { whole: true, ..nothing };
        let some = |got, size| Delivery { got, size, whole: false, moved: got };
        check(Method::Get, 200, Framing::Known(9), None, some(9, 9));
        check(Method::Get, 206, Framing::Known(9), Some(100), some(9, 100));
        check(Method::Get, 206, Framing::Known(9), None, whole);
        check(Method::Get, 200, Framing::Chunked, None, whole);
        check(Method::Get, 200, Framing::UntilClose, None, whole);
        check(Method::Get, 200, Framing::Known(0), None, Delivery { moved: 0, ..whole });
        check(Method::Get, 304, Framing::None, None, nothing);
        check(Method::Get, 404, Framing::Known(9), None, nothing);
        check(Method::Get, 416, Framing::Known(9), None, nothing);
        check(Method::Head, 200, Framing::None, None, nothing);
        check(Method::Put, 200, Framing::Known(0), None, whole);
        check(Method::Put, 403, Framing::Known(9), None, nothing);
        check(Method::Delete, 204, Framing::None, None, whole);
        assert_eq!(
            Delivery::of(Method::Put, None, 5, 0, false),
            Delivery { moved: 5, ..Delivery::default() }
        );
    }

    #[test]
    fn a_broken_answer_counts_by_its_bytes() {
        let known = AnswerFacts { status: 200, framing: Framing::Known(10), range_total: None };
        let broken = Delivery::of(Method::Get, Some(known), 0, 4, false);
        assert_eq!(broken, Delivery { got: 4, size: 10, whole: false, moved: 4 });
        assert!(!Delivery::of(Method::Get, Some(known), 0, 0, false).delivered());
        let unknown = AnswerFacts { framing: Framing::Chunked, ..known };
        assert!(Delivery::of(Method::Get, Some(unknown), 0, 1, false).whole);
        assert!(!Delivery::of(Method::Get, Some(unknown), 0, 0, false).whole);
    }

    #[test]
    fn totals_of_ranges() {
        for (value, total) in [
            ("bytes 0-9/100", Some(100)),
            ("bytes 0-9/*", None),
            ("bytes */100", None),
            ("bytes 0-9/+1", None),
            ("0-9/100", None),
            ("bytes 0-9/18446744073709551616", None),
        ] {
            assert_eq!(range_total(value.as_bytes()), total, "{value}");
        }
    }
}
