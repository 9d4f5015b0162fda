//! Which access keys a reload has changed, for the audit log.
//! It must not keep more of a config than that takes.

use crate::clock::UnixMillis;
use crate::config::model::Config;
use crate::config::model::identity::Credential;
use crate::secret::Secret;
use crate::telemetry::audit::CredentialChange;

/// The access keys of a config.
#[derive(Debug)]
pub(super) struct Keys(Vec<Key>);

#[derive(Debug)]
struct Key {
    id: String,
    principal: String,
    secret: Secret,
    session_token: Option<Secret>,
    retired: Option<UnixMillis>,
    expires: Option<UnixMillis>,
}

/// What happened to one key.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Changed<'k> {
    pub(super) id: &'k str,
    pub(super) principal: &'k str,
    pub(super) change: CredentialChange,
}

impl Keys {
    pub(super) fn of(config: &Config) -> Self {
        Self(config.credentials.iter().map(Key::of).collect())
    }

    /// What is other in `new`; of several changes of one key the one that takes most.
    pub(super) fn changes<'k>(&'k self, new: &'k Self) -> Vec<Changed<'k>> {
        let gone = self.0.iter().filter(|old| new.get(&old.id).is_none());
        let gone = gone.map(|old| old.changed(CredentialChange::Removed));
        let other = new.0.iter().filter_map(|key| match self.get(&key.id) {
            None => Some(key.changed(CredentialChange::Added)),
            Some(old) if !old.is_same(key) => Some(key.changed(CredentialChange::Changed)),
            Some(old) if key.retired.is_some() && old.retired != key.retired => {
                Some(key.changed(CredentialChange::Retired))
            }
            // a key that is not retired any more is as good as changed
            Some(old) => (old.retired != key.retired).then(|| key.changed(CredentialChange::Changed)),
        });
        gone.chain(other).collect()
    }

    fn get(&self, id: &str) -> Option<&Key> {
        self.0.iter().find(|key| key.id == id)
    }
}

impl Key {
    fn of(credential: &Credential) -> Self {
        Self {
            id: credential.access_key_id.value.clone(),
            principal: credential.principal.value.clone(),
            secret: credential.secret.clone(),
            session_token: credential.session_token.clone(),
            retired: credential.retired,
            expires: credential.expires,
        }
    }

    fn is_same(&self, other: &Self) -> bool {
        let tokens = match (&self.session_token, &other.session_token) {
            (None, None) => true,
            (Some(one), Some(other)) => one.matches(other.expose()),
            _ => false,
        };
        tokens
            && self.expires == other.expires
            && self.principal == other.principal
            && self.secret.matches(other.secret.expose())
    }

    fn changed(&self, change: CredentialChange) -> Changed<'_> {
        Changed { id: &self.id, principal: &self.principal, change }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Id, principal, secret, session token, and the second of retirement.
    type Told = (&'static str, &'static str, &'static str, Option<&'static str>, Option<i64>);

    fn keys(keys: &[Told]) -> Keys {
        let key = |&(id, principal, secret, token, retired): &Told| Key {
            id: id.to_owned(),
            principal: principal.to_owned(),
            secret: Secret::new(secret),
            session_token: token.map(Secret::new),
            retired: retired.map(UnixMillis::from_secs),
            expires: None,
        };
        Keys(keys.iter().map(key).collect())
    }

    #[test]
    fn each_change_is_told_once() {
        let old = keys(&[
            ("same", "p", "s", Some("t"), Some(1)),
            ("gone", "p", "s", None, None),
            ("secret", "p", "s", None, None),
            ("token", "p", "s", Some("t"), None),
            ("tokenless", "p", "s", Some("t"), None),
            ("principal", "p", "s", None, None),
            ("retired", "p", "s", None, None),
            ("later", "p", "s", None, Some(1)),
            ("back", "p", "s", None, Some(1)),
        ]);
        let new = keys(&[
            ("same", "p", "s", Some("t"), Some(1)),
            ("secret", "p", "other", None, Some(2)),
            ("token", "p", "s", Some("u"), None),
            ("tokenless", "p", "s", None, None),
            ("principal", "q", "s", None, None),
            ("retired", "p", "s", None, Some(2)),
            ("later", "p", "s", None, Some(2)),
            ("back", "p", "s", None, None),
            ("new", "p", "s", None, None),
        ]);
        let found: Vec<_> = old.changes(&new).iter().map(|it| (it.id.to_owned(), it.change)).collect();
        let expected = [
            ("gone", CredentialChange::Removed),
            ("secret", CredentialChange::Changed),
            ("token", CredentialChange::Changed),
            ("tokenless", CredentialChange::Changed),
            ("principal", CredentialChange::Changed),
            ("retired", CredentialChange::Retired),
            ("later", CredentialChange::Retired),
            ("back", CredentialChange::Changed),
            ("new", CredentialChange::Added),
        ];
        assert_eq!(found, expected.map(|(id, change)| (id.to_owned(), change)));
        assert_eq!(old.changes(&old), []);
    }
}
