//! The clock of the tests, deadlines, and the date forms of SigV4.
//! It must not sleep: tests wait for a condition.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How long anything on loopback may take before a test gives up.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Seconds since the epoch.
#[expect(clippy::disallowed_methods, reason = "the tests have no clock of the gate to ask")]
pub fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().cast_signed()
}

/// A point in time after which waiting is a failure.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Instant);

impl Deadline {
    #[expect(clippy::disallowed_methods, reason = "the tests have no clock of the gate to ask")]
    pub fn after(patience: Duration) -> Self {
        Self(Instant::now() + patience)
    }

    /// The time that is left; never zero, since sockets take zero for "for ever".
    #[expect(clippy::disallowed_methods, reason = "the tests have no clock of the gate to ask")]
    pub fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now()).max(Duration::from_millis(1))
    }

    #[expect(clippy::disallowed_methods, reason = "the tests have no clock of the gate to ask")]
    pub fn passed(self) -> bool {
        Instant::now() >= self.0
    }
}

/// The time since a moment.
#[derive(Clone, Copy, Debug)]
pub struct Watch(Instant);

impl Watch {
    #[expect(clippy::disallowed_methods, reason = "the tests have no clock of the gate to ask")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

/// `20130524T000000Z` for seconds since the epoch (civil-from-days over a year that begins in March).
pub fn amz_date(seconds: i64) -> String {
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_index + 2) / 5 + 1;
    let month = if month_index < 10 { month_index + 3 } else { month_index - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (rest / 3_600, rest / 60 % 60, rest % 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

/// The seconds of `20130524T000000Z`; `None` for everything that is not written so.
pub fn seconds(date: &str) -> Option<i64> {
    let part = |from: usize, to: usize| date.get(from..to)?.parse::<i64>().ok();
    let (year, month, day) = (part(0, 4)?, part(4, 6)?, part(6, 8)?);
    let (hour, minute, second) = (part(9, 11)?, part(11, 13)?, part(13, 15)?);
    // the same way back
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days =
        365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year - 719_468;
    let seconds = days * 86_400 + hour * 3_600 + minute * 60 + second;
    (amz_date(seconds) == date).then_some(seconds)
}

/// `2013-05-24T00:00:00Z`
pub fn iso_date(seconds: i64) -> String {
    let basic = amz_date(seconds);
    let at = |from: usize, to: usize| &basic[from..to];
    format!("{}-{}-{}T{}:{}:{}Z", at(0, 4), at(4, 6), at(6, 8), at(9, 11), at(11, 13), at(13, 15))
}

#[test]
fn dates_are_right() {
    for (seconds, expected) in [
        (0, "19700101T000000Z"),
        (951_782_399, "20000228T235959Z"),
        (951_782_400, "20000229T000000Z"),
        (1_369_353_600, "20130524T000000Z"),
        (4_107_542_400, "21000301T000000Z"),
    ] {
        assert_eq!(amz_date(seconds), expected);
        assert_eq!(super::time::seconds(expected), Some(seconds));
    }
}
