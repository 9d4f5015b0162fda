//! How many requests each source has made, in memory that does not grow with the number of sources.
//! It must not read a clock, nor answer anybody.
//!
//! A rule counts in fixed windows: within each, a source gets so many requests and no more. Counts lie in a table of a
//! fixed size, each source in one place of each row, found by a hash that nobody outside can predict; the smallest of
//! its places is its count (a count-min sketch). Sources that share places can only be counted too high, and one that
//! shares all four is rare: with 10,000 sources in a window it is one in two thousand.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::clock::UnixMillis;
use crate::config::model::rates::{Per, RateLimit, RateOf};
use crate::net::source::Source;

/// Rows of the table.
const ROWS: u64 = 4;
/// Places of a row; a table takes 2 MiB.
const PLACES: u64 = 64 * 1024;

/// The rules that count before a signature is looked at.
#[derive(Debug, Default)]
pub struct Rates(Vec<Rule>);

/// A rule with its counts.
#[derive(Debug)]
struct Rule {
    /// Its position in the config.
    position: usize,
    requests: u64,
    every: Duration,
    hasher: RandomState,
    /// Row after row. In each place the window (32 bits) and the count in it (32 bits).
    table: Box<[AtomicU64]>,
}

/// A request over a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exceeded {
    /// The position of the rule in the config.
    pub rule: usize,
    /// Until the source may try again.
    pub wait: Duration,
}

impl Rates {
    /// Takes the rules that count for a source.
    #[must_use]
    pub fn new(rules: &[RateLimit]) -> Self {
        let rules = rules.iter().enumerate();
        Self(
            rules
                .filter(|(_, rule)| rule.per == Per::SourceIp)
                .filter_map(|(at, rule)| match rule.of {
                    RateOf::Requests { count, every } => Some(Rule::new(at, count, every)),
                    RateOf::BytesPerSecond(_) => None,
                })
                .collect(),
        )
    }

    /// Whether nothing is counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Counts a request for every rule; gives the first that it is too much for.
    pub fn count(&self, source: Source<'_>, now: UnixMillis) -> Option<Exceeded> {
        // all rules count it, also when one has had enough
        self.0.iter().map(|rule| rule.count(source, now)).fold(None, Option::or)
    }
}

impl Rule {
    fn new(position: usize, requests: u64, every: Duration) -> Self {
        let table = std::iter::repeat_with(AtomicU64::default);
        Self {
            position,
            requests,
            every,
            hasher: RandomState::new(),
            table: table.take(usize::try_from(ROWS * PLACES).unwrap_or(0)).collect(),
        }
    }

    fn count(&self, source: Source<'_>, now: UnixMillis) -> Option<Exceeded> {
        let every = u64::try_from(self.every.as_millis()).unwrap_or(u64::MAX).max(1);
        let millis = u64::try_from(now.millis()).unwrap_or(0);
        // never 0, which is the window of a place that was not used; that it wraps does not matter
        let window = (millis / every) % u64::from(u32::MAX) + 1;
        let hash = self.hasher.hash_one(source);
        let places = (0..ROWS).filter_map(|row| {
            // two halves of one hash give the places of all rows (Kirsch and Mitzenmacher, 2006)
            let mixed = (hash & 0xFFFF_FFFF).wrapping_add(row.wrapping_mul(hash >> 32 | 1));
            self.table.get(usize::try_from(row * PLACES + mixed % PLACES).ok()?)
        });
        let count = places.map(|place| add(place, window)).min().unwrap_or(0);
        let wait = Duration::from_millis(every - millis % every);
        (count > self.requests).then_some(Exceeded { rule: self.position, wait })
    }
}

/// Counts one in a place, from 1 in a new window; gives the count.
fn add(place: &AtomicU64, window: u64) -> u64 {
    let next = |old: u64| {
        let count = if old >> 32 == window { (old & 0xFFFF_FFFF).saturating_add(1) } else { 1 };
        Some(window << 32 | count.min(0xFFFF_FFFF))
    };
    let old = place.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).unwrap_or(0);
    next(old).unwrap_or(0) & 0xFFFF_FFFF
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{IpAddr, Ipv4Addr};

    fn rates(rules: &[(u64, u64)]) -> Rates {
        let rule = |(requests, millis): &(u64, u64)| RateLimit {
            per: Per::SourceIp,
            of: RateOf::Requests { count: *requests, every: Duration::from_millis(*millis) },
        };
        Rates::new(&rules.iter().map(rule).collect::<Vec<_>>())
    }

    fn source(number: u32) -> Source<'static> {
        Source::Unproven(Some(IpAddr::V4(Ipv4Addr::from_bits(number))))
    }

    fn at(millis: i64) -> UnixMillis {
        UnixMillis::from_millis(millis)
    }

    #[test]
    fn each_window_has_room_for_so_many_and_no_more() {
        let rates = rates(&[(2, 1000)]);
        for (millis, who, expected) in [
            (10_000, 1, None),
            (10_500, 1, None),
            (10_700, 1, Some(300)),
            (10_999, 1, Some(1)),
            (10_999, 2, None),
            (11_000, 1, None),
            (11_001, 1, None),
            (11_002, 1, Some(998)),
            // a clock that was set back begins a window of its own
            (10_999, 1, None),
        ] {
            let expected = expected.map(|wait| Exceeded { rule: 0, wait: Duration::from_millis(wait) });
            assert_eq!(rates.count(source(who), at(millis)), expected, "{millis} {who}");
        }
    }

    #[test]
    fn several_rules_count_together() {
        let rates = rates(&[(2, 1000), (3, 60_000)]);
        let rule = |millis| rates.count(source(1), at(millis)).map(|exceeded| exceeded.rule);
        assert_eq!([0, 1, 2].map(rule), [None, None, Some(0)]);
        // the third request was refused, and counted all the same
        assert_eq!([1000, 60_000].map(rule), [Some(1), None]);
    }

    #[test]
    fn many_sources_do_not_count_for_each_other() {
        let rates = rates(&[(1, 1000)]);
        let wrong = (0..10_000).filter(|number| rates.count(source(*number), at(0)).is_some()).count();
        assert!(wrong <= 25, "{wrong} of 10000");
        assert!((0..100).all(|number| rates.count(source(number), at(0)).is_some()));
    }

    #[test]
    fn threads_count_every_request() {
        let rates = rates(&[(1000, 1000)]);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..250).for_each(|_| assert_eq!(rates.count(source(1), at(0)), None)));
            }
        });
        assert!(rates.count(source(1), at(0)).is_some());
    }
}
