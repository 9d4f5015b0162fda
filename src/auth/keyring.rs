//! The credentials that may sign requests: an immutable table from access key id to secret and principal.
//! It must not say anything about a key that it does not hold, nor print a secret.

use super::link_key::LinkKey;
use crate::clock::UnixMillis;
use crate::secret::Secret;
use std::collections::HashMap;

/// The principal that a credential belongs to: an index into the table of whoever built the keyring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PrincipalId(pub u32);

/// The place of a credential in its keyring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyIndex(u32);

/// One credential.
#[derive(Clone, Debug)]
pub struct Credential {
    /// The access key id: printable ASCII without `,`; may hold `/`.
    pub access_key_id: String,
    /// The secret that signs.
    pub secret: Secret,
    /// The token of a temporary credential; requests must then carry exactly this one.
    pub session_token: Option<Secret>,
    /// Whom the credential stands for.
    pub principal: PrincipalId,
    /// Signatures dated at this instant or later are refused.
    pub retired: Option<UnixMillis>,
}

/// Why credentials make no keyring.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyringError {
    /// An access key id is empty, or holds something else than printable ASCII without `,`.
    #[error("the access key id `{0}` is empty or holds a character other than printable ASCII without `,`")]
    AccessKeyId(String),
    /// Two credentials have one access key id.
    #[error("the access key id `{0}` is listed twice; remove one of the two")]
    Repeated(String),
    /// A secret or session token is empty: anybody could sign with it.
    #[error("the secret or session token of `{0}` is empty")]
    EmptySecret(String),
    /// More credentials than can be counted in 32 bits.
    #[error("there are too many credentials")]
    TooMany,
}

/// All credentials, found by access key id.
#[derive(Debug)]
pub struct Keyring {
    credentials: Vec<Credential>,
    link_keys: Vec<LinkKey>,
    by_id: HashMap<Box<[u8]>, u32>,
    decoy: Credential,
}

/// What a lookup gives: for an unknown id a decoy, so that the caller does the same work either way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found<'k> {
    pub(super) credential: &'k Credential,
    /// `None`: the id is unknown and `credential` is the decoy; nothing that it verifies counts.
    pub(super) index: Option<KeyIndex>,
}

impl Keyring {
    /// Builds the table.
    ///
    /// # Errors
    /// See [`KeyringError`].
    pub fn new(credentials: Vec<Credential>) -> Result<Self, KeyringError> {
        let mut by_id = HashMap::with_capacity(credentials.len());
        for (at, credential) in credentials.iter().enumerate() {
            let id = &credential.access_key_id;
            if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',') {
                return Err(KeyringError::AccessKeyId(id.clone()));
            }
            let is_empty = |secret: &Secret| secret.expose().is_empty();
            if is_empty(&credential.secret) || credential.session_token.as_ref().is_some_and(is_empty) {
                return Err(KeyringError::EmptySecret(id.clone()));
            }
            let index = u32::try_from(at).map_err(|_| KeyringError::TooMany)?;
            if by_id.insert(id.as_bytes().into(), index).is_some() {
                return Err(KeyringError::Repeated(id.clone()));
            }
        }
        let decoy = Credential {
            access_key_id: String::new(),
            secret: Secret::new(*b"no request is ever accepted by this one."),
            session_token: None,
            principal: PrincipalId(u32::MAX),
            retired: None,
        };
        let link_keys = credentials.iter().map(|credential| LinkKey::derive(&credential.secret)).collect();
        Ok(Self { credentials, link_keys, by_id, decoy })
    }

    /// The credential with this access key id.
    #[must_use]
    pub fn get(&self, access_key_id: &[u8]) -> Option<&Credential> {
        self.credential(self.index(access_key_id)?)
    }

    /// The place of the credential with this access key id.
    #[must_use]
    pub fn index(&self, access_key_id: &[u8]) -> Option<KeyIndex> {
        self.by_id.get(access_key_id).copied().map(KeyIndex)
    }

    /// The credential at a place of this keyring.
    #[must_use]
    pub fn credential(&self, index: KeyIndex) -> Option<&Credential> {
        self.credentials.get(usize::try_from(index.0).ok()?)
    }

    /// The key that names the links of the credential at a place of this keyring.
    #[must_use]
    pub fn link_key(&self, index: KeyIndex) -> Option<&LinkKey> {
        self.link_keys.get(usize::try_from(index.0).ok()?)
    }

    /// Every credential, in the order given.
    pub fn iter(&self) -> std::slice::Iter<'_, Credential> {
        self.credentials.iter()
    }

    pub(super) fn find(&self, access_key_id: &[u8]) -> Found<'_> {
        let index = self.index(access_key_id);
        match index.and_then(|index| self.credential(index)) {
            Some(credential) => Found { credential, index },
            None => Found { credential: &self.decoy, index: None },
        }
    }
}

impl<'k> IntoIterator for &'k Keyring {
    type Item = &'k Credential;
    type IntoIter = std::slice::Iter<'k, Credential>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credential(id: &str, secret: &str) -> Credential {
        Credential {
            access_key_id: id.into(),
            secret: Secret::new(secret),
            session_token: None,
            principal: PrincipalId(7),
            retired: None,
        }
    }

    #[test]
    fn keys_are_found_by_their_exact_id() {
        let keyring = Keyring::new(vec![credential("A", "a"), credential("A/B", "b")]).unwrap();
        assert!(keyring.get(b"A/B").unwrap().secret.matches(b"b"));
        assert_eq!(keyring.index(b"A"), Some(KeyIndex(0)));
        for id in ["", "a", "A/", "B"] {
            assert!(keyring.get(id.as_bytes()).is_none(), "{id}");
            assert_eq!(keyring.find(id.as_bytes()).index, None, "{id}");
        }
    }

    #[test]
    fn what_makes_no_keyring() {
        let check = |credentials, expected| assert_eq!(Keyring::new(credentials).map(|_| ()), Err(expected));
        for id in ["", "A B", "A,B", "\u{e9}", "A\n"] {
            check(vec![credential(id, "s")], KeyringError::AccessKeyId(id.into()));
        }
        check(vec![credential("A", "")], KeyringError::EmptySecret("A".into()));
        let token = Credential { session_token: Some(Secret::new("")), ..credential("A", "s") };
        check(vec![token], KeyringError::EmptySecret("A".into()));
        check(vec![credential("A", "s"), credential("A", "t")], KeyringError::Repeated("A".into()));
    }
}
