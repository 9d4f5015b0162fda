//! What is kept about links, where, and what rates hold.
//! It must not open a store.

use crate::secret::Secret;
use std::path::PathBuf;
use std::time::Duration;

/// The state of links.
#[derive(Clone, Debug)]
pub struct Links {
    /// Where it is kept. Default: in memory.
    pub store: Store,
    /// Whether links with state are refused when the store fails. Default true.
    pub deny_when_store_fails: bool,
    /// For how long requests of one client are one use, up to an hour. Default 30 s.
    pub grace: Duration,
    /// Rates, in the order of the file.
    pub rate_limits: Vec<RateLimit>,
}

/// Where the state of links is kept.
#[derive(Clone, Debug)]
pub enum Store {
    /// In this process.
    Memory,
    /// In this file.
    Redb(PathBuf),
    /// In the server at this URL, which may hold a password.
    Redis(Secret),
}

impl PartialEq for Store {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Memory, Self::Memory) => true,
            (Self::Redb(one), Self::Redb(two)) => one == two,
            (Self::Redis(one), Self::Redis(two)) => one.matches(two.expose()),
            _ => false,
        }
    }
}

/// A rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Whose requests share it.
    pub per: RatePer,
    /// What is counted.
    pub of: RateOf,
}

/// Whose requests share a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RatePer {
    /// Those signed with one key.
    AccessKeyId,
    /// Those from one address, or one /64.
    SourceIp,
    /// Those with one link.
    Link,
}

/// What a rate counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateOf {
    /// Requests in a time.
    Requests {
        /// How many, 1 or more.
        count: u64,
        /// In which time.
        every: Duration,
    },
    /// Body bytes in a second, 1 or more.
    BytesPerSecond(u64),
}

impl RatePer {
    /// Every word of the config with what it means.
    pub const WORDS: [(&'static str, Self); 3] =
        [("access_key_id", Self::AccessKeyId), ("source_ip", Self::SourceIp), ("link", Self::Link)];

    /// The word of the config.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AccessKeyId => "access_key_id",
            Self::SourceIp => "source_ip",
            Self::Link => "link",
        }
    }
}
