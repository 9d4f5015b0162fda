//! From what the config says about links to a store and to rates.
//! It must not ask the store anything.

use crate::clock::SystemClock;
use crate::config::model::links::{Links, RateLimit, RateOf, RatePer, Store};
use crate::config::scalar::{show_duration, show_size};
use crate::links::rate::Rate;
use crate::proxy::rates::{Per, RateRule};
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
        Store::Redis(url) => Arc::new(Redis::new(url).map_err(LinkStoreError::Redis)?),
    })
}

pub(super) fn rates(links: &Links) -> Vec<RateRule> {
    links.rate_limits.iter().map(rule).collect()
}

fn rule(limit: &RateLimit) -> RateRule {
    let per = match limit.per {
        RatePer::AccessKeyId => Per::AccessKeyId,
        RatePer::SourceIp => Per::SourceIp,
        RatePer::Link => Per::Link,
    };
    let (rate, of_bytes, text) = match limit.of {
        RateOf::Requests { count, every } => {
            (Rate::requests(count, every), false, format!("{count}/{}", show_duration(every)))
        }
        RateOf::BytesPerSecond(bytes) => {
            (Rate::bytes_per_second(bytes), true, format!("{}/s", show_size(bytes)))
        }
    };
    RateRule { per, rate, of_bytes, name: format!("{}:{text}", limit.per.as_str()) }
}
