//! Instants of Date conditions: the W3C profile of ISO 8601, or seconds since the epoch.
//! It must not read a time of day without a zone, nor a bare year, which could as well be seconds.

use crate::clock::UnixMillis;
use crate::clock::civil::Civil;

const NANOS_PER_SEC: i128 = 1_000_000_000;

/// An instant, exact to the nanosecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(i128);

impl Instant {
    /// The instant that lies this many whole seconds after the epoch.
    #[must_use]
    pub fn from_secs(secs: i64) -> Self {
        Self(i128::from(secs) * NANOS_PER_SEC)
    }

    /// The same instant, from the clock of the gate.
    #[must_use]
    pub fn from_millis(at: UnixMillis) -> Self {
        Self(i128::from(at.millis()) * 1_000_000)
    }

    /// Milliseconds from an instant of the clock to this one, cut off below; `None` beyond the range.
    #[must_use]
    pub fn millis_since(self, earlier: UnixMillis) -> Option<i64> {
        i64::try_from((self.0 - Self::from_millis(earlier).0) / 1_000_000).ok()
    }

    /// Reads `2026-11`, `2026-11-23`, `2026-11-23T17:00Z`, `…:00Z`, `…:00.5+01:00` (up to nine decimals) or whole
    /// seconds since the epoch. `None` for anything else, also for exactly four digits: year and epoch second alike.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
        if all_digits(digits) {
            // INVARIANT: a bare four-digit number never gets past here
            return (digits.len() != 4)
                .then(|| digits.parse::<i64>().ok())
                .flatten()
                .map(|n| Self::from_secs(sign * n));
        }
        let (date, time) = text.split_once('T').map_or((text, None), |(date, time)| (date, Some(time)));
        let (year, month, day) = parse_date(date)?;
        let Some(time) = time else {
            return Some(Self::from_secs(Civil::new(year, month, day, 0, 0, 0)?.instant().secs()));
        };
        if date.len() != "yyyy-mm-dd".len() {
            return None;
        }
        let (clock, offset_secs) = split_zone(time)?;
        let (hour, minute, second, nanos) = parse_clock(clock)?;
        let local = Civil::new(year, month, day, hour, minute, second)?.instant().secs();
        Some(Self(i128::from(local - offset_secs) * NANOS_PER_SEC + nanos))
    }
}

fn parse_date(text: &str) -> Option<(i32, u8, u8)> {
    let mut parts = text.split('-');
    let year = fixed(parts.next()?, 4)?;
    let month = fixed(parts.next()?, 2)?;
    let day = parts.next().map_or(Some(1), |day| fixed(day, 2))?;
    if parts.next().is_some() {
        return None;
    }
    Some((i32::try_from(year).ok()?, u8::try_from(month).ok()?, u8::try_from(day).ok()?))
}

/// Cuts `Z` or `±hh:mm` off; the offset is in seconds east of UTC.
fn split_zone(time: &str) -> Option<(&str, i64)> {
    if let Some(clock) = time.strip_suffix('Z') {
        return Some((clock, 0));
    }
    let at = time.rfind(['+', '-'])?;
    let (clock, zone) = time.split_at_checked(at)?;
    let (hours, minutes) = zone.get(1..)?.split_once(':')?;
    let (hours, minutes) = (fixed(hours, 2)?, fixed(minutes, 2)?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    let offset = i64::from(hours) * 3600 + i64::from(minutes) * 60;
    Some((clock, if zone.starts_with('-') { -offset } else { offset }))
}

fn parse_clock(text: &str) -> Option<(u8, u8, u8, i128)> {
    let mut parts = text.split(':');
    let hour = u8::try_from(fixed(parts.next()?, 2)?).ok()?;
    let minute = u8::try_from(fixed(parts.next()?, 2)?).ok()?;
    let Some(seconds) = parts.next() else { return Some((hour, minute, 0, 0)) };
    if parts.next().is_some() {
        return None;
    }
    let (second, nanos) = match seconds.split_once('.') {
        None => (seconds, 0),
        Some((second, fraction)) if all_digits(fraction) && fraction.len() <= 9 => {
            (second, format!("{fraction:0<9}").parse::<i128>().ok()?)
        }
        Some(_) => return None,
    };
    Some((hour, minute, u8::try_from(fixed(second, 2)?).ok()?, nanos))
}

/// A number written with exactly this many digits.
fn fixed(text: &str, digits: usize) -> Option<u32> {
    (text.len() == digits && all_digits(text)).then(|| text.parse().ok()).flatten()
}

fn all_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spellings_of_one_instant() {
        let at = Instant::from_secs(1_795_453_200);
        for text in [
            "2026-11-23T17:00Z",
            "2026-11-23T17:00:00Z",
            "2026-11-23T17:00:00.000Z",
            "2026-11-23T18:00:00+01:00",
            "2026-11-23T11:30:00-05:30",
            "1795453200",
        ] {
            assert_eq!(Instant::parse(text), Some(at), "{text}");
        }
        assert_eq!(Instant::parse("2026-11-23"), Instant::parse("2026-11-23T00:00:00Z"));
        assert_eq!(Instant::parse("2026-11"), Instant::parse("2026-11-01T00:00:00Z"));
        assert_eq!(Instant::parse("-1"), Some(Instant::from_secs(-1)));
        assert!(Instant::parse("2026-11-23T17:00:00.5Z") > Some(at));
        assert_eq!(Instant::from_millis(UnixMillis::from_secs(7)), Instant::from_secs(7));
    }

    #[test]
    fn time_from_the_clock_to_an_instant() {
        let check = |text: &str, expected| {
            let at = Instant::parse(text).unwrap();
            assert_eq!(at.millis_since(UnixMillis::from_secs(1_795_453_200)), expected, "{text}");
        };
        check("2026-11-23T17:00:00Z", Some(0));
        check("2026-11-23T17:00:01.5Z", Some(1500));
        check("2026-11-23T16:59:59.999Z", Some(-1));
        check("2026-11-23T17:00:00.000999999Z", Some(0));
        check("9223372036854775807", None);
    }

    #[test]
    fn what_is_no_instant() {
        for text in [
            "",
            "-",
            "2026",
            "-2026",
            "1.5",
            "1e9",
            "2026-13-01",
            "2026-02-29",
            "2026-1-1",
            "2026-11-23T17:00",
            "2026-11-23T17Z",
            "2026-11-23t17:00Z",
            "2026-11-23T17:00z",
            "2026-11-23 17:00Z",
            "2026-11T17:00Z",
            "2026-11-23T17:00:00,5Z",
            "2026-11-23T17:00:00.Z",
            "2026-11-23T17:00:00.0123456789Z",
            "2026-11-23T17:00:60Z",
            "2026-11-23T17:00:00+0100",
            "2026-11-23T17:00:00+24:00",
            "20261123T170000Z",
            "99999999999999999999",
        ] {
            assert_eq!(Instant::parse(text), None, "{text}");
        }
    }
}
