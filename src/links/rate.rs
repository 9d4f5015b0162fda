//! The arithmetic of a rate: GCRA, one number of state a flow. It must not ask a clock or keep a flow.

use std::time::Duration;

/// So many units in a time, with a burst. Times are nanoseconds on any clock that does not jump.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rate {
    units: u64,
    period: u64,
    burst: u64,
}

/// What came of taking units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The new state.
    pub state: u64,
    /// How long to wait until they are there; 0 if they are.
    pub wait: Duration,
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

impl Rate {
    /// Requests in a time, all of them at once if they like.
    #[must_use]
    pub fn requests(count: u64, every: Duration) -> Self {
        Self { units: count.max(1), period: nanos(every).max(1), burst: nanos(every) }
    }

    /// Bytes a second, in bursts of a tenth of one.
    #[must_use]
    pub fn bytes_per_second(bytes: u64) -> Self {
        let second = nanos(Duration::from_secs(1));
        Self { units: bytes.max(1), period: second, burst: second / 10 }
    }

    /// The units of one burst, at least one.
    #[must_use]
    pub fn burst_units(&self) -> u64 {
        let units = u128::from(self.units) * u128::from(self.burst) / u128::from(self.period);
        u64::try_from(units).unwrap_or(u64::MAX).max(1)
    }

    fn cost(&self, units: u64) -> u64 {
        let cost = u128::from(units) * u128::from(self.period) / u128::from(self.units);
        u64::try_from(cost).unwrap_or(u64::MAX)
    }

    /// Takes units at a time; a flow begins with a state of 0.
    #[must_use]
    pub fn take(&self, state: u64, now: u64, units: u64) -> Taken {
        let state = state.max(now).saturating_add(self.cost(units));
        let wait = state.saturating_sub(now.saturating_add(self.burst));
        Taken { state, wait: Duration::from_nanos(wait) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn a_burst_and_then_the_rate() {
        let rate = Rate::requests(3, Duration::from_secs(3));
        let mut state = 0;
        for (at, wait) in
            [(0, 0), (0, 0), (0, 0), (0, 1), (1, 0), (1, 1), (100, 0), (100, 0), (100, 0), (100, 1)]
        {
            let taken = rate.take(state, at * SECOND, 1);
            assert_eq!(taken.wait, Duration::from_secs(wait), "at {at}");
            if wait == 0 {
                state = taken.state;
            }
        }
    }

    #[test]
    fn bytes_wait_for_their_turn() {
        let rate = Rate::bytes_per_second(1000);
        assert_eq!(rate.burst_units(), 100);
        let first = rate.take(0, SECOND, 100);
        assert_eq!(first.wait, Duration::ZERO);
        assert_eq!(rate.take(first.state, SECOND, 500).wait, Duration::from_millis(500));
        assert_eq!(Rate::bytes_per_second(1).burst_units(), 1);
    }

    proptest! {
        /// In any time no more is let through than burst and rate allow.
        #[test]
        fn the_rate_is_kept(units in 1_u64..50, gaps in proptest::collection::vec(0_u64..SECOND, 1..60)) {
            let rate = Rate::requests(units, Duration::from_secs(1));
            let (mut state, mut now, mut passed) = (0, SECOND, 0);
            let begin = now;
            for gap in gaps {
                now += gap;
                let taken = rate.take(state, now, 1);
                if taken.wait == Duration::ZERO {
                    state = taken.state;
                    passed += 1;
                }
            }
            let most = units + (now - begin) * units / SECOND + 1;
            prop_assert!(passed <= most, "{} of {}", passed, most);
        }
    }
}
