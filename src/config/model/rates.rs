//! Limits on how often one may ask, and how much one may move in a time.
//! It must not hold counts.

use std::time::Duration;

/// A limit on what one may do in a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Whom it counts for.
    pub per: Per,
    /// What it counts.
    pub of: RateOf,
}

/// What a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateOf {
    /// Requests in a time.
    Requests {
        /// How many are served in the time; at least one.
        count: u64,
        /// The time.
        every: Duration,
    },
    /// Bytes of bodies in a second; at least one.
    BytesPerSecond(u64),
}

/// Whom a limit counts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Per {
    /// An IPv4 address, or an IPv6 network of 64 bits.
    SourceIp,
    /// Who signs with one key.
    AccessKeyId,
    /// Who uses one link.
    Link,
}

impl Per {
    /// Every word of the config with what it means.
    pub const WORDS: [(&'static str, Self); 3] =
        [("source_ip", Self::SourceIp), ("access_key_id", Self::AccessKeyId), ("link", Self::Link)];

    /// The word of the config.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SourceIp => "source_ip",
            Self::AccessKeyId => "access_key_id",
            Self::Link => "link",
        }
    }
}

impl std::fmt::Display for RateLimit {
    /// The label of its metrics, as `source_ip 100/1s` or `link 10MiB/s`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        use super::super::scalar::{show_duration, show_size};
        match self.of {
            RateOf::Requests { count, every } => {
                write!(f, "{} {count}/{}", self.per.as_str(), show_duration(every))
            }
            RateOf::BytesPerSecond(bytes) => write!(f, "{} {}/s", self.per.as_str(), show_size(bytes)),
        }
    }
}
