//! Credentials of an upstream that come from elsewhere and expire: the last good ones, for as long as they are valid.
//! It must not fetch any: a task beside the data path does.

use super::peer::Due;
use crate::clock::UnixMillis;
use crate::upstream::Key;
use arc_swap::ArcSwapOption;
use std::sync::Arc;
use std::time::Duration;

/// So long before they expire new ones are fetched.
const AHEAD: i64 = 5 * 60 * 1000;
/// The time between two attempts that fail.
const RETRY: Duration = Duration::from_secs(5);
/// Credentials that do not expire are looked at again after this time: files and variables change.
const AGAIN: Duration = Duration::from_mins(5);

/// Where the credentials of an upstream come from. Two that are equal give the same credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The upstream.
    pub upstream: String,
    /// The region in which a role is assumed.
    pub region: String,
    /// A role that is assumed with what is found.
    pub role: Option<Role>,
}

/// A role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// Its ARN.
    pub arn: String,
    /// What its owner wants to be told, so that nobody else makes the gate use it.
    pub external_id: Option<String>,
}

/// Credentials and how long they are valid.
#[derive(Debug)]
pub struct Held {
    /// The credentials.
    pub key: Key,
    /// When they expire; `None`: not by themselves.
    pub expires: Option<UnixMillis>,
}

/// The credentials of an upstream.
#[derive(Debug)]
pub struct Keys {
    /// Where they come from.
    pub source: Source,
    /// When they are to be fetched again.
    pub fetches: Due,
    held: ArcSwapOption<Held>,
}

impl Keys {
    /// Credentials that were not fetched yet.
    #[must_use]
    pub fn new(source: Source) -> Self {
        Self { source, fetches: Due::default(), held: ArcSwapOption::empty() }
    }

    /// The credentials, if there are any that are valid.
    #[must_use]
    pub fn valid(&self, now: UnixMillis) -> Option<Arc<Held>> {
        self.held.load_full().filter(|held| held.expires.is_none_or(|expires| now < expires))
    }

    /// Takes over what was fetched, and sets when to do it again; what fails leaves the last good ones.
    pub fn fetched(&self, outcome: Result<Held, String>, now: UnixMillis) {
        let upstream = &self.source.upstream;
        match outcome {
            Ok(held) if held.expires.is_some_and(|expires| expires <= now) => {
                log::warn!("upstream `{upstream}`: the credentials that were found have expired");
                self.fetches.again_in(RETRY);
            }
            Ok(held) => {
                self.fetches.again_in(next(held.expires, now));
                self.held.store(Some(Arc::new(held)));
            }
            Err(error) => {
                log::warn!("upstream `{upstream}`: no credentials: {error}");
                self.fetches.again_in(RETRY);
            }
        }
    }
}

/// Well ahead of the end, but not over and over for credentials that live shortly.
fn next(expires: Option<UnixMillis>, now: UnixMillis) -> Duration {
    let Some(expires) = expires else { return AGAIN };
    let left = expires.millis_since(now).max(0);
    let wait = (left - AHEAD).max(left / 2);
    Duration::from_millis(u64::try_from(wait).unwrap_or(0)).max(Duration::from_secs(1))
}

#[cfg(test)]
mod tests {
    use super::super::peer::address::now as uptime;
    use super::*;
    use crate::secret::Secret;

    const NOW: UnixMillis = UnixMillis::from_secs(1_000_000);

    fn keys() -> Keys {
        Keys::new(Source { upstream: "u".to_owned(), region: "r".to_owned(), role: None })
    }

    fn held(id: &str, expires: Option<i64>) -> Held {
        let key = Key { access_key_id: id.to_owned(), secret: Secret::new("s"), session_token: None };
        Held { key, expires: expires.map(|secs| NOW.plus_millis(secs * 1000)) }
    }

    fn id(keys: &Keys, secs: i64) -> Option<String> {
        keys.valid(NOW.plus_millis(secs * 1000)).map(|held| held.key.access_key_id.clone())
    }

    #[test]
    fn the_last_good_ones_are_kept_while_they_are_valid() {
        let keys = keys();
        assert_eq!(id(&keys, 0), None);
        keys.fetched(Ok(held("one", Some(60))), NOW);
        keys.fetched(Err("down".to_owned()), NOW);
        keys.fetched(Ok(held("old", Some(0))), NOW);
        assert_eq!((id(&keys, 59).as_deref(), id(&keys, 60)), (Some("one"), None));
        keys.fetched(Ok(held("two", None)), NOW);
        assert_eq!(id(&keys, 1 << 40).as_deref(), Some("two"));
    }

    #[test]
    fn new_ones_are_fetched_ahead() {
        for (expires, wait) in
            [(None, 300), (Some(3600), 3300), (Some(600), 300), (Some(60), 30), (Some(1), 1)]
        {
            let expires = expires.map(|secs| NOW.plus_millis(secs * 1000));
            assert_eq!(next(expires, NOW), Duration::from_secs(wait), "{expires:?}");
        }
        let keys = keys();
        assert!(keys.fetches.take(uptime()) && !keys.fetches.take(uptime()));
        keys.fetched(Err("down".to_owned()), NOW);
        assert!(!keys.fetches.take(uptime()) && keys.fetches.take(uptime() + 6_000));
    }
}
