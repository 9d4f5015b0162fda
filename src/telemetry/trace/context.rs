//! The trace context of the W3C: ids, read strictly and written.
//! It must not take a context that is malformed for less than none, nor read anything from it but ids and one flag.

use std::fmt::Write as _;

use crate::request::headers::Headers;

/// The id of a trace: not all zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceId(pub [u8; 16]);

/// The id of a span: not all zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpanId(pub [u8; 8]);

impl TraceId {
    /// A new one.
    #[must_use]
    pub fn random() -> Self {
        Self(fastrand::u128(1..).to_be_bytes())
    }
}

impl SpanId {
    /// A new one.
    #[must_use]
    pub fn random() -> Self {
        Self(fastrand::u64(1..).to_be_bytes())
    }
}

/// The span of a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parent {
    /// The trace that it belongs to.
    pub trace: TraceId,
    /// Its id.
    pub span: SpanId,
    /// Whether the caller follows the trace.
    pub is_sampled: bool,
}

impl Parent {
    /// The context of a request; `None` if there is none, several, or one that is malformed.
    #[must_use]
    pub fn of(headers: &Headers<'_>) -> Option<Self> {
        let mut lines = headers.all("traceparent");
        let line = lines.next()?;
        lines.next().is_none().then(|| Self::parse(line)).flatten()
    }

    /// Reads `version-traceid-spanid-flags` (W3C Trace Context, section 3.2). Later versions may have more behind it.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        let (known, more) = value.split_at_checked(55)?;
        let mut parts = known.split(|&byte| byte == b'-');
        let version: [u8; 1] = digits(parts.next()?)?;
        let trace: [u8; 16] = digits(parts.next()?)?;
        let span: [u8; 8] = digits(parts.next()?)?;
        let [flags] = digits::<1>(parts.next()?)?;
        let ends_well = match version {
            [0] => more.is_empty(),
            [0xff] => false,
            _ => more.is_empty() || more.starts_with(b"-"),
        };
        let is_valid = parts.next().is_none() && ends_well && trace != [0; 16] && span != [0; 8];
        is_valid.then_some(Self { trace: TraceId(trace), span: SpanId(span), is_sampled: flags & 1 == 1 })
    }
}

/// Exactly so many bytes in lower-case digits.
fn digits<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let is_lower = text.iter().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte));
    let bytes = crate::auth::hex::decode_up_to(text, N).filter(|_| is_lower)?;
    bytes.try_into().ok()
}

/// The header of a span that is followed.
#[must_use]
pub fn traceparent(trace: TraceId, span: SpanId) -> String {
    let mut text = String::with_capacity(55);
    // writing to a String cannot fail
    let _ = write!(text, "00-{:032x}-{:016x}-01", u128::from_be_bytes(trace.0), u64::from_be_bytes(span.0));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::headers::Header;
    use proptest::prelude::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn contexts() {
        let parent = Parent::parse(GOOD.as_bytes()).unwrap();
        assert_eq!(traceparent(parent.trace, parent.span), GOOD);
        assert!(parent.is_sampled);
        for (text, sampled) in [
            ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00", false),
            (&format!("01{}-more", GOOD.split_at(2).1), true),
        ] {
            assert_eq!(
                Parent::parse(text.as_bytes()).map(|parent| parent.is_sampled),
                Some(sampled),
                "{text}"
            );
        }
        for text in [
            "",
            "00",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01more",
            "00-4bf92f3577b34da6a3ce929d0e0e473-600f067aa0ba902b7-01",
            "00_4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7_01",
            "00-4bf92f3577b34da6a3ce929d0e0e47zz-00f067aa0ba902b7-01",
        ] {
            assert_eq!(Parent::parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn two_contexts_are_none() {
        let line = Header { name: "TraceParent", value: GOOD.as_bytes() };
        assert!(Parent::of(&[line].into_iter().collect()).is_some());
        assert!(Parent::of(&[line, line].into_iter().collect()).is_none());
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(trace in 1_u128.., span in 1_u64..) {
            let (trace, span) = (TraceId(trace.to_be_bytes()), SpanId(span.to_be_bytes()));
            let parent = Parent { trace, span, is_sampled: true };
            prop_assert_eq!(Parent::parse(traceparent(trace, span).as_bytes()), Some(parent));
        }
    }
}
