//! What is kept about links, where, and what rates hold.
//! It must not open a store.

use super::rates::RateLimit;
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
    /// Limits, in the order of the file; each once.
    pub rate_limits: Vec<RateLimit>,
}

/// Where the state of links is kept.
#[derive(Clone, Debug)]
pub enum Store {
    /// In this process.
    Memory,
    /// In this file.
    Redb(PathBuf),
    /// In a server that several gates share.
    Redis(RedisServer),
}

/// A Redis or Valkey.
#[derive(Clone, Debug)]
pub struct RedisServer {
    /// Its URL, which may hold a password.
    pub url: Secret,
    /// The authorities that its certificate must come from, PEM; `None`: the public ones.
    pub ca: Option<Secret>,
}

impl PartialEq for Store {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Memory, Self::Memory) => true,
            (Self::Redb(one), Self::Redb(two)) => one == two,
            (Self::Redis(one), Self::Redis(two)) => {
                let ca = |server: &RedisServer| server.ca.as_ref().map(|pem| pem.expose().to_vec());
                one.url.matches(two.url.expose()) && ca(one) == ca(two)
            }
            _ => false,
        }
    }
}
