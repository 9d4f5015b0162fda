//! Limits on how often one may ask.
//! It must not hold counts.

use std::time::Duration;

/// A limit on requests in a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Whom it counts for.
    pub per: Per,
    /// The requests that are served in the time; at least one.
    pub requests: u64,
    /// The time.
    pub every: Duration,
}

/// Whom a limit counts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Per {
    /// An IPv4 address, or an IPv6 network of 64 bits.
    SourceIp,
}

impl Per {
    /// The word of the config.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SourceIp => "source_ip",
        }
    }
}

impl std::fmt::Display for RateLimit {
    /// The label of its metrics, as `source_ip 100/1s`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let every = super::super::scalar::show_duration(self.every);
        write!(f, "{} {}/{every}", self.per.as_str(), self.requests)
    }
}
