//! From what the config says about links to a store and to rates.
//! It must not ask the store anything.

use crate::clock::SystemClock;
use crate::config::model::links::{Links, Store};
use crate::config::model::rates::{Per, RateLimit, RateOf};
use crate::links::rate::Rate;
use crate::proxy::quotas::Quota;
use crate::store::memory::Memory;
use crate::store::redb::{OpenError, Redb};
use crate::store::redis::Redis;
use crate::store::{LinkStore, StoreError};
use std::sync::Arc;

/// Why there is no store.
#[derive(Debug, thiserror::Error)]
pub enum LinkStoreError {
    /// The file cannot be used.
    #[error(transparent)]
    File(#[from] OpenError),
    /// The server cannot be used.
    #[error("`links.store.redis`: {0}")]
    Redis(StoreError),
}

/// The store that the config names.
///
/// # Errors
/// See [`LinkStoreError`]. A server that cannot be reached is no error: it may come up later.
pub fn store(store: &Store) -> Result<Arc<dyn LinkStore>, LinkStoreError> {
    Ok(match store {
        Store::Memory => Arc::new(Memory::new(Arc::new(SystemClock))),
        Store::Redb(path) => Arc::new(Redb::open(path, Arc::new(SystemClock))?),
        Store::Redis(server) => {
            Arc::new(Redis::new(&server.url, server.ca.as_ref()).map_err(LinkStoreError::Redis)?)
        }
    })
}

/// The limits that are counted once it is known who signed, and those on bytes; the rest counts before.
pub(super) fn quotas(links: &Links) -> Vec<Quota> {
    let quota = |(position, limit): (usize, &RateLimit)| {
        let (rate, of_bytes) = match limit.of {
            RateOf::Requests { .. } if limit.per == Per::SourceIp => return None,
            RateOf::Requests { count, every } => (Rate::requests(count, every), false),
            RateOf::BytesPerSecond(bytes) => (Rate::bytes_per_second(bytes), true),
        };
        Some(Quota { position, per: limit.per, rate, of_bytes })
    };
    links.rate_limits.iter().enumerate().filter_map(quota).collect()
}
