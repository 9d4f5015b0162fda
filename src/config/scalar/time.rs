//! Instants as people and tools write them: RFC 3339, epoch seconds, or the basic form of SigV4.
//! It must not guess a time zone or a century.

use super::Malformed;
use crate::clock::UnixMillis;
use crate::clock::civil::Civil;

/// Reads `2026-12-01T00:00:00Z` (with `.123` or `+02:00` if wanted), `1764547200` or `20261201T000000Z`.
///
/// # Errors
/// Anything else. Eight digits are refused: `20261201` would be a day in 1970.
pub fn time(text: &str) -> Result<UnixMillis, Malformed> {
    basic(text).or_else(|| epoch(text)).or_else(|| rfc3339(text.as_bytes())).ok_or_else(|| {
        Malformed::new(
            text,
            "a time",
            "write `2026-12-01T00:00:00Z`, `20261201T000000Z` or the seconds since 1970",
        )
    })
}

fn basic(text: &str) -> Option<UnixMillis> {
    Civil::parse_basic(text.as_bytes()).map(Civil::instant)
}

fn epoch(text: &str) -> Option<UnixMillis> {
    let plain = !text.is_empty() && text.len() <= 12 && text.len() != 8;
    if plain && text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().ok().map(UnixMillis::from_secs)
    } else {
        None
    }
}

/// RFC 3339 section 5.6, upper-case `T` and `Z` only, no leap second.
fn rfc3339(text: &[u8]) -> Option<UnixMillis> {
    let (whole, rest) = text.split_at_checked(19)?;
    let &[y1, y2, y3, y4, b'-', mo1, mo2, b'-', d1, d2, b'T', h1, h2, b':', m1, m2, b':', s1, s2] = whole
    else {
        return None;
    };
    let basic = [y1, y2, y3, y4, mo1, mo2, d1, d2, b'T', h1, h2, m1, m2, s1, s2, b'Z'];
    let at = Civil::parse_basic(&basic)?.instant();
    let (millis, zone) = fraction(rest)?;
    Some(at.plus_millis(millis).plus_millis(-offset(zone)?))
}

/// Milliseconds of a leading `.digits`, further digits cut off, and what follows.
fn fraction(text: &[u8]) -> Option<(i64, &[u8])> {
    let Some(digits) = text.strip_prefix(b".") else { return Some((0, text)) };
    let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if count == 0 {
        return None;
    }
    let (number, rest) = digits.split_at_checked(count)?;
    let padded = number.iter().copied().chain(std::iter::repeat(b'0')).take(3);
    Some((padded.fold(0, |sum, digit| sum * 10 + i64::from(digit.wrapping_sub(b'0'))), rest))
}

/// Milliseconds that `Z` or `+hh:mm` lies ahead of UTC.
fn offset(zone: &[u8]) -> Option<i64> {
    let (sign, hours, minutes) = match zone {
        b"Z" => return Some(0),
        &[b'+', h1, h2, b':', m1, m2] => (1, two(h1, h2)?, two(m1, m2)?),
        &[b'-', h1, h2, b':', m1, m2] => (-1, two(h1, h2)?, two(m1, m2)?),
        _ => return None,
    };
    (hours <= 23 && minutes <= 59).then_some(sign * (hours * 60 + minutes) * 60_000)
}

fn two(tens: u8, ones: u8) -> Option<i64> {
    let digit = |byte: u8| byte.is_ascii_digit().then(|| i64::from(byte - b'0'));
    Some(digit(tens)? * 10 + digit(ones)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_one_instant() {
        const AT: i64 = 1_768_478_400_000;
        for (text, millis) in [
            ("2026-01-15T12:00:00Z", AT),
            ("2026-01-15T14:00:00+02:00", AT),
            ("2026-01-15T06:30:00-05:30", AT),
            ("2026-01-15T12:00:00.5Z", AT + 500),
            ("2026-01-15T12:00:00.1239+00:00", AT + 123),
            ("20260115T120000Z", AT),
            ("1768478400", AT),
            ("0", 0),
        ] {
            assert_eq!(time(text).map(UnixMillis::millis), Ok(millis), "{text}");
        }
    }

    #[test]
    fn what_is_no_time() {
        for text in [
            "",
            "now",
            "20260115",
            "2026-01-15",
            "2026-01-15 12:00:00Z",
            "2026-01-15T12:00:00",
            "2026-01-15t12:00:00z",
            "2026-02-30T12:00:00Z",
            "2026-01-15T12:00:60Z",
            "2026-01-15T12:00:00.Z",
            "2026-01-15T12:00:00+0200",
            "2026-01-15T12:00:00+24:00",
            "2026-01-15T12:00:00Zx",
            "-1",
            "1e9",
            "1768478400.5",
            "1234567890123",
            "2026\u{2d}01-15T12:00:0\u{e9}Z",
        ] {
            assert!(time(text).is_err(), "{text}");
        }
    }
}
