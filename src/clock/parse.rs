//! Reads the instants that people write: in config files, on the command line and in links.
//! It must not guess: a text in none of the three forms is no time.

use super::UnixMillis;
use super::civil::Civil;

/// The last second of the year 9999.
const MAX_EPOCH: i64 = 253_402_300_799;

/// Reads RFC 3339 (`2026-01-01T00:00:00Z`, fractions and offsets too), whole seconds since the epoch, or
/// `20260101T000000Z`. Fractions finer than a millisecond are cut off; a leap second is no time.
#[must_use]
pub fn parse_time(text: &str) -> Option<UnixMillis> {
    epoch(text).or_else(|| Civil::parse_basic(text.as_bytes()).map(Civil::instant)).or_else(|| rfc3339(text))
}

fn epoch(text: &str) -> Option<UnixMillis> {
    let seconds = number(text)?;
    let plain = text.len() == 1 || !text.starts_with('0');
    (plain && seconds <= MAX_EPOCH).then(|| UnixMillis::from_secs(seconds))
}

fn rfc3339(text: &str) -> Option<UnixMillis> {
    let (date, clock) = text.split_once(['T', 't'])?;
    let (year, month, day) = three(date, '-', 4)?;
    let zone = clock.find(['Z', 'z', '+', '-'])?;
    let (clock, zone) = clock.split_at_checked(zone)?;
    let (clock, millis) = match clock.split_once('.') {
        None => (clock, 0),
        Some((clock, fraction)) => (clock, millis(fraction)?),
    };
    let (hour, minute, second) = three(clock, ':', 2)?;
    let small = |value: i64| u8::try_from(value).ok();
    let civil = Civil::new(
        i32::try_from(year).ok()?,
        small(month)?,
        small(day)?,
        small(hour)?,
        small(minute)?,
        small(second)?,
    )?;
    let offset = offset_minutes(zone)?;
    Some(civil.instant().plus_millis(millis - offset * 60_000))
}

/// Three numbers; the first has `width` digits, the others two.
fn three(text: &str, separator: char, width: usize) -> Option<(i64, i64, i64)> {
    let mut parts = text.split(separator);
    let mut part = |width| number(parts.next().filter(|part| part.len() == width)?);
    let found = (part(width)?, part(2)?, part(2)?);
    parts.next().is_none().then_some(found)
}

fn millis(fraction: &str) -> Option<i64> {
    number(fraction)?;
    let first: String = fraction.chars().chain("00".chars()).take(3).collect();
    number(&first)
}

fn offset_minutes(zone: &str) -> Option<i64> {
    if matches!(zone, "Z" | "z") {
        return Some(0);
    }
    let (sign, rest) =
        zone.strip_prefix('+').map(|rest| (1, rest)).or_else(|| Some((-1, zone.strip_prefix('-')?)))?;
    let (hours, minutes) = rest.split_once(':')?;
    if hours.len() != 2 || minutes.len() != 2 {
        return None;
    }
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

/// A number of 1 to 12 digits without sign.
fn number(text: &str) -> Option<i64> {
    let digits = (1..=12).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, expected: Option<i64>) {
        assert_eq!(parse_time(text).map(UnixMillis::millis), expected, "{text}");
    }

    #[test]
    fn one_instant_in_every_form() {
        let millis = 1_768_478_400_000;
        for text in [
            "1768478400",
            "20260115T120000Z",
            "2026-01-15T12:00:00Z",
            "2026-01-15t12:00:00z",
            "2026-01-15T12:00:00.000Z",
            "2026-01-15T14:30:00+02:30",
            "2026-01-14T12:01:00-23:59",
            "2026-01-15T12:00:00-00:00",
        ] {
            check(text, Some(millis));
        }
        check("2026-01-15T12:00:00.5Z", Some(millis + 500));
        check("2026-01-15T12:00:00.0129999Z", Some(millis + 12));
        check("0", Some(0));
        check("253402300799", Some(253_402_300_799_000));
    }

    #[test]
    fn what_is_no_time() {
        for text in [
            "",
            "-1",
            "+1",
            "01",
            "1.5",
            "253402300800",
            "9999999999999",
            "now",
            "2026-01-15",
            "2026-01-15T12:00:00",
            "2026-01-15 12:00:00Z",
            "2026-01-15T12:00Z",
            "2026-01-15T12:00:60Z",
            "2026-02-29T12:00:00Z",
            "2026-1-15T12:00:00Z",
            "2026-01-15T12:00:00.Z",
            "2026-01-15T12:00:00+2:30",
            "2026-01-15T12:00:00+24:00",
            "2026-01-15T12:00:00+02:60",
            "2026-01-15T12:00:00 02:00",
            "2026-01-15T12:00:00ZZ",
            "2026-01-15T12:00:00Z ",
            "20260115T120000z",
            "٣٠٠",
        ] {
            check(text, None);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(secs in 0..=MAX_EPOCH) {
            let at = UnixMillis::from_secs(secs);
            let civil = Civil::from_instant(at);
            for text in [secs.to_string(), civil.basic(), civil.iso()] {
                prop_assert_eq!(parse_time(&text), Some(at), "{}", text);
            }
        }

        #[test]
        fn no_text_panics(text in "[0-9TZtz:+.é-]{0,30}") {
            let _ = parse_time(&text);
        }
    }
}
