//! One address of an upstream and what is known about it: how often it failed lately, and what its probes say.
//! It must not connect.

use crate::clock::Stopwatch;
use std::net::SocketAddr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

/// Failures in a row that put an address aside.
const FAILURES: u32 = 3;
/// For how long the first time, in milliseconds; twice as long each time that it fails again right after.
const ASIDE: u64 = 2_000;
/// At most this long, in milliseconds.
const LONGEST: u64 = 60_000;

/// One address.
#[derive(Debug)]
pub struct Address {
    /// Where.
    pub socket: SocketAddr,
    failures: AtomicU32,
    /// Until then it is put aside, in the time of [`now`].
    aside_until: AtomicU64,
    /// Its last probes failed.
    unhealthy: AtomicBool,
    /// Probes in a row that came out other than `unhealthy` says.
    against: AtomicU32,
}

/// How an address is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It gets requests.
    Up,
    /// It failed too often and is put aside for a while.
    Ejected,
    /// Its probes fail.
    Unhealthy,
}

/// Milliseconds since the process first asked; the clock of addresses.
#[must_use]
pub fn now() -> u64 {
    static START: OnceLock<Stopwatch> = OnceLock::new();
    u64::try_from(START.get_or_init(Stopwatch::start).elapsed().as_millis()).unwrap_or(u64::MAX)
}

impl Address {
    /// An address that nothing is known about: it is trusted.
    #[must_use]
    pub const fn new(socket: SocketAddr) -> Self {
        Self {
            socket,
            failures: AtomicU32::new(0),
            aside_until: AtomicU64::new(0),
            unhealthy: AtomicBool::new(false),
            against: AtomicU32::new(0),
        }
    }

    /// How it is doing at a time of [`now`].
    #[must_use]
    pub fn state(&self, at: u64) -> State {
        if self.unhealthy.load(Ordering::Relaxed) {
            State::Unhealthy
        } else if at < self.aside_until.load(Ordering::Relaxed) {
            State::Ejected
        } else {
            State::Up
        }
    }

    /// Whether it should get requests.
    #[must_use]
    pub fn is_usable(&self, at: u64) -> bool {
        self.state(at) == State::Up
    }

    /// It answered a request, with whatever status.
    pub fn answered(&self) {
        if self.failures.load(Ordering::Relaxed) != 0 {
            self.failures.store(0, Ordering::Relaxed);
            self.aside_until.store(0, Ordering::Relaxed);
        }
    }

    /// It could not be connected to, or did not answer. After three in a row it is put aside.
    pub fn failed(&self, at: u64) {
        // those who were on their way when it was put aside say nothing new
        if at < self.aside_until.load(Ordering::Relaxed) {
            return;
        }
        let before = self.failures.fetch_add(1, Ordering::Relaxed);
        if let Some(times) = before.saturating_add(1).checked_sub(FAILURES) {
            let time = ASIDE.saturating_mul(1 << times.min(10)).min(LONGEST);
            self.aside_until.store(at.saturating_add(time), Ordering::Relaxed);
        }
    }

    /// A probe came out; two in a row change the opinion.
    pub fn probed(&self, good: bool) {
        if good != self.unhealthy.load(Ordering::Relaxed) {
            self.against.store(0, Ordering::Relaxed);
        } else if self.against.fetch_add(1, Ordering::Relaxed) >= 1 {
            self.against.store(0, Ordering::Relaxed);
            self.unhealthy.store(!good, Ordering::Relaxed);
            let word = if good { "answers its probes again" } else { "does not answer its probes" };
            log::warn!("upstream address {} {word}", self.socket);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address() -> Address {
        Address::new("127.0.0.1:1".parse().unwrap())
    }

    #[test]
    fn failures_in_a_row_put_an_address_aside_for_longer_and_longer() {
        let address = address();
        let mut at = 1_000;
        for (failures, aside) in [(3, ASIDE), (1, 2 * ASIDE), (1, 4 * ASIDE), (1, 8 * ASIDE)] {
            for _ in 0..failures {
                assert_eq!(address.state(at), State::Up);
                address.failed(at);
            }
            address.failed(at + 1);
            assert_eq!(address.state(at + aside - 1), State::Ejected, "{aside}");
            at += aside;
        }
        for _ in 0..200 {
            address.failed(at);
            assert_eq!(address.state(at + LONGEST), State::Up);
            at += LONGEST;
        }
        address.failed(at);
        address.answered();
        assert_eq!(address.state(at), State::Up);
        address.failed(at);
        assert_eq!(address.state(at), State::Up);
    }

    #[test]
    fn answers_in_between_keep_an_address() {
        let address = address();
        for at in 0..100 {
            address.failed(at);
            address.failed(at);
            address.answered();
        }
        assert_eq!(address.state(100), State::Up);
    }

    #[test]
    fn two_probes_change_the_opinion() {
        let address = address();
        for (good, state) in [
            (true, State::Up),
            (false, State::Up),
            (true, State::Up),
            (false, State::Up),
            (false, State::Unhealthy),
            (true, State::Unhealthy),
            (false, State::Unhealthy),
            (true, State::Unhealthy),
            (true, State::Up),
        ] {
            address.probed(good);
            assert_eq!(address.state(0), state);
        }
    }
}
