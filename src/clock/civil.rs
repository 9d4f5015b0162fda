//! Calendar dates in UTC and the text forms that S3 and HTTP write them in.
//! It must not read a clock nor know a time zone other than UTC.

use super::UnixMillis;

/// A date and time of day in UTC, proleptic Gregorian calendar, whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Civil {
    year: i32,
    month: u8,
    day: u8,
    hour: u8,
    minute: u8,
    second: u8,
}

const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Days in a month of the Gregorian calendar; 0 for a month that does not exist.
const fn days_in_month(year: i32, month: u8) -> u8 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 0,
    }
}

impl Civil {
    /// A date that exists, years 0 to 9999, seconds 0 to 59; `None` otherwise.
    #[must_use]
    pub const fn new(year: i32, month: u8, day: u8, hour: u8, minute: u8, second: u8) -> Option<Self> {
        if year < 0 || year > 9999 || day == 0 || day > days_in_month(year, month) {
            return None;
        }
        if hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        Some(Self { year, month, day, hour, minute, second })
    }

    /// The date of an instant, its milliseconds cut off; instants outside years 0 to 9999 are clamped.
    #[must_use]
    pub fn from_instant(at: UnixMillis) -> Self {
        // Howard Hinnant's civil_from_days, over 400-year eras that begin on 1 March.
        const MIN: i64 = -62_167_219_200;
        const MAX: i64 = 253_402_300_799;
        let secs = at.secs().clamp(MIN, MAX);
        let (days, rest) = (secs.div_euclid(86_400), secs.rem_euclid(86_400));
        let z = days + 719_468;
        let era = z.div_euclid(146_097);
        let doe = z.rem_euclid(146_097);
        let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
        let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
        let mp = (5 * doy + 2) / 153;
        let day = doy - (153 * mp + 2) / 5 + 1;
        let month = if mp < 10 { mp + 3 } else { mp - 9 };
        let year = yoe + era * 400 + i64::from(month <= 2);
        let small = |value: i64| u8::try_from(value).unwrap_or(0);
        Self {
            year: i32::try_from(year).unwrap_or(0),
            month: small(month),
            day: small(day),
            hour: small(rest / 3600),
            minute: small(rest / 60 % 60),
            second: small(rest % 60),
        }
    }

    /// The instant at the start of this second.
    #[must_use]
    pub fn instant(self) -> UnixMillis {
        let year = i64::from(self.year) - i64::from(self.month <= 2);
        let (month, day) = (i64::from(self.month), i64::from(self.day));
        let era = year.div_euclid(400);
        let yoe = year.rem_euclid(400);
        let doy = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
        let days = era * 146_097 + doe - 719_468;
        let clock = i64::from(self.hour) * 3600 + i64::from(self.minute) * 60 + i64::from(self.second);
        UnixMillis::from_secs(days * 86_400 + clock)
    }

    /// Reads `yyyyMMdd'T'HHmmss'Z'`, exactly 16 characters naming a second that exists
    /// (the only form of `X-Amz-Date` in a query).
    #[must_use]
    pub fn parse_basic(text: &[u8]) -> Option<Self> {
        let [date @ .., b'T', h1, h2, m1, m2, s1, s2, b'Z'] = text else { return None };
        let &[y1, y2, y3, y4, mo1, mo2, d1, d2] = date else { return None };
        let year = i32::from(digits([y1, y2])?) * 100 + i32::from(digits([y3, y4])?);
        Self::new(
            year,
            digits([mo1, mo2])?,
            digits([d1, d2])?,
            digits([*h1, *h2])?,
            digits([*m1, *m2])?,
            digits([*s1, *s2])?,
        )
    }

    /// Reads one of the three date forms of HTTP (RFC 9110 section 5.6.7): IMF-fixdate, RFC 850, asctime.
    #[must_use]
    pub fn parse_http(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?;
        let words: Vec<&str> = text.split([' ', '-']).filter(|word| !word.is_empty()).collect();
        match words.as_slice() {
            [_, day, month, year, clock, "GMT"] if text.contains(',') => {
                Self::from_words(year, month, day, clock)
            }
            [_, month, day, clock, year] => Self::from_words(year, month, day, clock),
            _ => None,
        }
    }

    fn from_words(year: &str, month: &str, day: &str, clock: &str) -> Option<Self> {
        let month = MONTHS.iter().position(|name| *name == month)?;
        let mut year_number: i32 = all_digits(year)?.parse().ok()?;
        if year.len() == 2 {
            // RFC 9110: a two-digit year more than 50 years ahead is in the past century
            year_number += if year_number >= 70 { 1900 } else { 2000 };
        }
        let mut parts = clock.split(':').map(|part| all_digits(part)?.parse::<u8>().ok());
        let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
        if parts.next().is_some() {
            return None;
        }
        Self::new(
            year_number,
            u8::try_from(month + 1).ok()?,
            all_digits(day)?.parse().ok()?,
            hour,
            minute,
            second,
        )
    }

    /// `20260115T120000Z`
    #[must_use]
    pub fn basic(self) -> String {
        let Self { year, month, day, hour, minute, second } = self;
        format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
    }

    /// `2026-01-15T12:00:00Z`
    #[must_use]
    pub fn iso(self) -> String {
        let Self { year, month, day, hour, minute, second } = self;
        let century = |year: i32| u8::try_from(year).unwrap_or(0);
        let mut text = String::with_capacity(20);
        // a line of the access log has one: without the machinery of `format!`
        let parts = [
            (century(year / 100), ""),
            (century(year % 100), "-"),
            (month, "-"),
            (day, "T"),
            (hour, ":"),
            (minute, ":"),
            (second, "Z"),
        ];
        for (number, after) in parts {
            text.push(char::from(b'0' + number / 10));
            text.push(char::from(b'0' + number % 10));
            text.push_str(after);
        }
        text
    }

    /// `Thu, 15 Jan 2026 12:00:00 GMT`
    #[must_use]
    pub fn http(self) -> String {
        let Self { year, month, day, hour, minute, second } = self;
        let days = self.instant().secs().div_euclid(86_400);
        let weekday = usize::try_from((days + 4).rem_euclid(7)).unwrap_or(0);
        let weekday = DAYS.get(weekday).copied().unwrap_or("");
        let month = MONTHS.get(usize::from(month).wrapping_sub(1)).copied().unwrap_or("");
        format!("{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
    }

    /// The day as the number `yyyymmdd`, as it stands in a credential scope.
    #[must_use]
    pub fn day_number(self) -> u32 {
        let year = u32::try_from(self.year).unwrap_or(0);
        year * 10_000 + u32::from(self.month) * 100 + u32::from(self.day)
    }
}

fn digits(text: [u8; 2]) -> Option<u8> {
    let [tens, ones] = text.map(|byte| byte.wrapping_sub(b'0'));
    (tens <= 9 && ones <= 9).then(|| tens * 10 + ones)
}

fn all_digits(text: &str) -> Option<&str> {
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_forms_of_one_instant() {
        let civil = Civil::parse_basic(b"20260115T120000Z").unwrap();
        assert_eq!(civil.instant(), UnixMillis::from_secs(1_768_478_400));
        assert_eq!(civil.basic(), "20260115T120000Z");
        assert_eq!(civil.iso(), "2026-01-15T12:00:00Z");
        assert_eq!(civil.http(), "Thu, 15 Jan 2026 12:00:00 GMT");
        assert_eq!(civil.day_number(), 20_260_115);
        for text in
            ["Thu, 15 Jan 2026 12:00:00 GMT", "Thursday, 15-Jan-26 12:00:00 GMT", "Thu Jan 15 12:00:00 2026"]
        {
            assert_eq!(Civil::parse_http(text.as_bytes()), Some(civil), "{text}");
        }
    }

    #[test]
    fn what_is_no_basic_date() {
        for text in [
            "",
            "20260115",
            "20260115T120000",
            "20260115T120000z",
            "20260115t120000Z",
            "20260230T120000Z",
            "20260015T120000Z",
            "20260115T240000Z",
            "20260115T126000Z",
            "20260115T120060Z",
            "2026-01-15T12:00:00Z",
            "020260115T120000Z",
            "20260115T1200000Z",
            "+0260115T120000Z",
            " 20260115T120000Z",
        ] {
            assert_eq!(Civil::parse_basic(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn what_is_no_http_date() {
        for text in ["", "GMT", "Thu, 15 Jan 2026 12:00:00", "Thu, 15 Jan 2026 12:00 GMT", "15 Jan 2026"] {
            assert_eq!(Civil::parse_http(text.as_bytes()), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_second_survives_the_round_trip(secs in -62_167_219_200_i64..=253_402_300_799) {
            let civil = Civil::from_instant(UnixMillis::from_secs(secs));
            prop_assert_eq!(civil.instant().secs(), secs);
            prop_assert_eq!(Civil::parse_basic(civil.basic().as_bytes()), Some(civil));
            prop_assert_eq!(Civil::parse_http(civil.http().as_bytes()), Some(civil));
        }
    }
}
