//! Exact decimal numbers of Numeric conditions, scaled integers instead of floating point.
//! It must not read exponents, signs other than `-`, or digits that it cannot keep.

/// Digits kept after the decimal point.
const SCALE_DIGITS: usize = 18;
const SCALE: i128 = 1_000_000_000_000_000_000;
/// Digits taken before the decimal point; 10^19 * SCALE still fits an `i128`.
const WHOLE_DIGITS: usize = 19;

/// A decimal number with up to 19 digits before and 18 after the point; `1.10` equals `1.1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decimal(i128);

impl Decimal {
    /// A whole number.
    #[must_use]
    pub const fn from_int(value: i64) -> Self {
        Self(value as i128 * SCALE)
    }

    /// One whole number divided by another, cut off after 18 decimals; `None` for a divisor of 0.
    #[must_use]
    pub fn ratio(value: i64, divisor: i64) -> Option<Self> {
        (i128::from(value) * SCALE).checked_div(i128::from(divisor)).map(Self)
    }

    /// Reads `-?[0-9]+(\.[0-9]+)?`; zeros that change nothing are ignored.
    /// `None` for any other text and for more digits than are kept.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let (negative, digits) = match text.split_first() {
            Some((b'-', rest)) => (true, rest),
            _ => (false, text),
        };
        let mut halves = digits.splitn(2, |byte| *byte == b'.');
        let whole = all_digits(halves.next()?)?;
        let fraction = halves.next().map_or(Some(&b""[..]), all_digits)?;
        let whole = trim_start(whole);
        let fraction = trim_end(fraction);
        if whole.len() > WHOLE_DIGITS || fraction.len() > SCALE_DIGITS {
            return None;
        }
        let padding = std::iter::repeat_n(&b'0', SCALE_DIGITS - fraction.len());
        let value = whole
            .iter()
            .chain(fraction)
            .chain(padding)
            .fold(0_i128, |value, digit| value * 10 + i128::from(digit - b'0'));
        Some(Self(if negative { -value } else { value }))
    }

    /// The whole number that this is; `None` if it has a fraction or is out of range.
    #[must_use]
    pub fn to_int(self) -> Option<i64> {
        (self.0 % SCALE == 0).then(|| i64::try_from(self.0 / SCALE).ok()).flatten()
    }
}

impl std::fmt::Display for Decimal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, fraction) = (self.0.unsigned_abs() / SCALE.unsigned_abs(), self.0 % SCALE);
        write!(f, "{sign}{whole}")?;
        if fraction == 0 {
            return Ok(());
        }
        let digits = format!("{:018}", fraction.unsigned_abs());
        write!(f, ".{}", digits.trim_end_matches('0'))
    }
}

fn all_digits(text: &[u8]) -> Option<&[u8]> {
    (!text.is_empty() && text.iter().all(u8::is_ascii_digit)).then_some(text)
}

fn trim_start(mut digits: &[u8]) -> &[u8] {
    while let Some((b'0', rest)) = digits.split_first() {
        digits = rest;
    }
    digits
}

fn trim_end(mut digits: &[u8]) -> &[u8] {
    while let Some((b'0', rest)) = digits.split_last() {
        digits = rest;
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_and_what_is_none() {
        for (text, shown) in [
            ("0", "0"),
            ("-0", "0"),
            ("007", "7"),
            ("1.10", "1.1"),
            ("-12.5", "-12.5"),
            ("9999999999999999999", "9999999999999999999"),
            ("0.000000000000000001", "0.000000000000000001"),
            ("1.0000000000000000000000", "1"),
        ] {
            assert_eq!(Decimal::parse(text.as_bytes()).map(|n| n.to_string()), Some(shown.into()), "{text}");
        }
        for text in [
            "",
            "-",
            "+1",
            "1.",
            ".5",
            "1e3",
            "0x10",
            " 1",
            "1 ",
            "1.2.3",
            "1_000",
            "99999999999999999999",
            "0.0000000000000000001",
        ] {
            assert_eq!(Decimal::parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn ratios() {
        for (value, divisor, shown) in
            [(1, 2, "0.5"), (-3, 4, "-0.75"), (10, 5, "2"), (1, 3, "0.333333333333333333")]
        {
            assert_eq!(Decimal::ratio(value, divisor).map(|n| n.to_string()), Some(shown.into()));
        }
        assert_eq!(Decimal::ratio(i64::MIN, 1), Some(Decimal::from_int(i64::MIN)));
        assert_eq!(Decimal::ratio(1, 0), None);
    }

    proptest! {
        #[test]
        fn order_is_that_of_integers(left: i64, right: i64) {
            let parse = |n: i64| Decimal::parse(n.to_string().as_bytes()).unwrap();
            prop_assert_eq!(parse(left).cmp(&parse(right)), left.cmp(&right));
            prop_assert_eq!(parse(left), Decimal::from_int(left));
            prop_assert_eq!(parse(left).to_int(), Some(left));
        }

        #[test]
        fn any_text_is_read_or_refused_and_shown_alike(text in "-?[0-9]{1,19}(\\.[0-9]{1,18})?") {
            let number = Decimal::parse(text.as_bytes()).unwrap();
            prop_assert_eq!(Decimal::parse(number.to_string().as_bytes()), Some(number));
        }
    }
}
