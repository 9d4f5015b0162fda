//! What a link says about its own use, what it is called, and what is known about how it was used.
//! It must not keep anything: stores do, and ask here what comes next.

pub mod claim;
pub mod constraint;
pub mod identity;
pub mod rate;
pub mod revocation;
pub mod state;

use std::time::Duration;

/// What the configuration says about links.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkRules {
    /// For how long requests of one client are one use.
    pub grace: Duration,
    /// How far the clock of a signer may be off.
    pub clock_skew: Duration,
}

impl LinkRules {
    fn skew_millis(&self) -> i64 {
        i64::try_from(self.clock_skew.as_millis()).unwrap_or(i64::MAX)
    }
}
