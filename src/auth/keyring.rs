//! The credentials that may sign requests: an immutable table from access key id to secret and principal.
//! It must not say anything about a key that it does not hold, nor print a secret.

use super::error::AuthError;
use super::link_key::LinkKey;
use super::scheme::lossy;
use crate::clock::UnixMillis;
use crate::secret::Secret;
use ahash::AHashMap;

/// The principal that a credential belongs to: an index into the table of whoever built the keyring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PrincipalId(pub u32);

/// Which credential: one of a keyring by its place, or the one that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyIndex {
    /// A place in the keyring.
    Own(u32),
    /// The guest of [`Keys`].
    Guest,
}

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
    /// After this instant nothing that it has signed is accepted, whenever that was; of temporary credentials only.
    pub expires: Option<UnixMillis>,
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
    /// An id that only a keyring can hold.
    #[error(
        "the access key id `{0}` holds `/` or is longer than 128 characters: such a key can only stand in the config file"
    )]
    NoGuest(String),
    /// More credentials than can be counted in 32 bits.
    #[error("there are too many credentials")]
    TooMany,
}

/// All credentials, found by access key id.
#[derive(Debug)]
pub struct Keyring {
    credentials: Vec<Credential>,
    link_keys: Vec<LinkKey>,
    by_id: AHashMap<Box<[u8]>, u32>,
    decoy: Credential,
}

/// A credential that is not in the keyring, brought by somebody who was asked for it.
#[derive(Debug)]
pub struct GuestKey {
    credential: Credential,
    link_key: LinkKey,
}

impl GuestKey {
    /// A credential that could stand in a keyring, but for ids with `/`: those are told from a malformed scope only
    /// by being known.
    ///
    /// # Errors
    /// See [`KeyringError`].
    pub fn new(credential: Credential) -> Result<Self, KeyringError> {
        check(&credential)?;
        if !may_be_asked_for(credential.access_key_id.as_bytes()) {
            return Err(KeyringError::NoGuest(credential.access_key_id));
        }
        let link_key = LinkKey::derive(&credential.secret);
        Ok(Self { credential, link_key })
    }

    /// The credential.
    #[must_use]
    pub const fn credential(&self) -> &Credential {
        &self.credential
    }
}

/// What is known about an access key that the keyring does not hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Asked<G> {
    /// Nobody was asked yet: an unknown key is a question.
    NotYet,
    /// There is nobody to be asked, or nobody knows it: an unknown key is unknown.
    #[default]
    Nobody,
    /// This one was found.
    Known(G),
    /// Whoever should know cannot tell.
    Unavailable,
}

impl<G> Asked<G> {
    /// The same about a part of what was found.
    pub fn map<T>(self, part: impl FnOnce(G) -> T) -> Asked<T> {
        match self {
            Self::NotYet => Asked::NotYet,
            Self::Nobody => Asked::Nobody,
            Self::Known(found) => Asked::Known(part(found)),
            Self::Unavailable => Asked::Unavailable,
        }
    }
}

/// The longest access key id that anybody is asked for.
const MAX_ASKED: usize = 128;

/// Whether an access key id is one that somebody else could know.
fn may_be_asked_for(id: &[u8]) -> bool {
    let is_plain = |&byte: &u8| byte.is_ascii_graphic() && byte != b',' && byte != b'/';
    !id.is_empty() && id.len() <= MAX_ASKED && id.iter().all(is_plain)
}

/// The access key id of somebody whom nobody here knows, if it is one that somebody could have.
pub(super) fn foreign_id(id: &[u8]) -> Option<&str> {
    if may_be_asked_for(id) { std::str::from_utf8(id).ok() } else { None }
}

/// All credentials that a request may be signed with: those of the keyring, which come first, and a guest.
#[derive(Clone, Copy, Debug)]
pub struct Keys<'k> {
    keyring: &'k Keyring,
    asked: Asked<&'k GuestKey>,
}

impl<'k> From<&'k Keyring> for Keys<'k> {
    fn from(keyring: &'k Keyring) -> Self {
        Self { keyring, asked: Asked::Nobody }
    }
}

impl<'k> Keys<'k> {
    /// A keyring and what is known beside it.
    #[must_use]
    pub const fn new(keyring: &'k Keyring, asked: Asked<&'k GuestKey>) -> Self {
        Self { keyring, asked }
    }

    /// Those of the keyring.
    pub(super) const fn keyring(self) -> &'k Keyring {
        self.keyring
    }

    /// The place of the credential with this access key id.
    #[must_use]
    pub fn index(self, access_key_id: &[u8]) -> Option<KeyIndex> {
        self.keyring.index(access_key_id).or_else(|| self.guest(access_key_id).map(|_| KeyIndex::Guest))
    }

    /// The credential at a place.
    #[must_use]
    pub fn credential(self, index: KeyIndex) -> Option<&'k Credential> {
        match (index, self.asked) {
            (KeyIndex::Guest, Asked::Known(guest)) => Some(&guest.credential),
            (KeyIndex::Guest, _) => None,
            (KeyIndex::Own(_), _) => self.keyring.credential(index),
        }
    }

    /// The key that names the links of the credential at a place.
    #[must_use]
    pub fn link_key(self, index: KeyIndex) -> Option<&'k LinkKey> {
        match (index, self.asked) {
            (KeyIndex::Guest, Asked::Known(guest)) => Some(&guest.link_key),
            (KeyIndex::Guest, _) => None,
            (KeyIndex::Own(_), _) => self.keyring.link_key(index),
        }
    }

    /// Whether the keyring holds an id: only then may it hold `/`.
    pub(super) fn holds(self, access_key_id: &[u8]) -> bool {
        self.keyring.index(access_key_id).is_some()
    }

    fn guest(self, access_key_id: &[u8]) -> Option<&'k GuestKey> {
        match self.asked {
            // whoever was asked for one key does not get to bring another
            Asked::Known(guest) if guest.credential.access_key_id.as_bytes() == access_key_id => Some(guest),
            _ => None,
        }
    }

    /// What a request is verified with.
    ///
    /// # Errors
    /// [`AuthError::Unasked`] and [`AuthError::KeySource`]: the keyring does not hold it and nothing else is known.
    pub(super) fn find(self, access_key_id: &[u8]) -> Result<Found<'k>, AuthError> {
        if let Some(index) = self.index(access_key_id)
            && let Some(credential) = self.credential(index)
        {
            return Ok(Found { credential, index: Some(index) });
        }
        match self.asked {
            Asked::NotYet if may_be_asked_for(access_key_id) => {
                return Err(AuthError::Unasked(lossy(access_key_id)));
            }
            Asked::Unavailable if may_be_asked_for(access_key_id) => {
                return Err(AuthError::KeySource(lossy(access_key_id)));
            }
            Asked::NotYet | Asked::Unavailable | Asked::Nobody | Asked::Known(_) => {}
        }
        Ok(Found { credential: &self.keyring.decoy, index: None })
    }
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
        let mut by_id = AHashMap::with_capacity(credentials.len());
        for (at, credential) in credentials.iter().enumerate() {
            let id = &credential.access_key_id;
            check(credential)?;
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
            expires: None,
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
        self.by_id.get(access_key_id).copied().map(KeyIndex::Own)
    }

    /// The credential at a place of this keyring.
    #[must_use]
    pub fn credential(&self, index: KeyIndex) -> Option<&Credential> {
        let KeyIndex::Own(at) = index else { return None };
        self.credentials.get(usize::try_from(at).ok()?)
    }

    /// The key that names the links of the credential at a place of this keyring.
    #[must_use]
    pub fn link_key(&self, index: KeyIndex) -> Option<&LinkKey> {
        let KeyIndex::Own(at) = index else { return None };
        self.link_keys.get(usize::try_from(at).ok()?)
    }

    /// Every credential, in the order given.
    pub fn iter(&self) -> std::slice::Iter<'_, Credential> {
        self.credentials.iter()
    }
}

/// What no credential may be.
fn check(credential: &Credential) -> Result<(), KeyringError> {
    let id = &credential.access_key_id;
    if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',') {
        return Err(KeyringError::AccessKeyId(id.clone()));
    }
    let is_empty = |secret: &Secret| secret.expose().is_empty();
    if is_empty(&credential.secret) || credential.session_token.as_ref().is_some_and(is_empty) {
        return Err(KeyringError::EmptySecret(id.clone()));
    }
    Ok(())
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
            expires: None,
        }
    }

    #[test]
    fn keys_are_found_by_their_exact_id() {
        let keyring = Keyring::new(vec![credential("A", "a"), credential("A/B", "b")]).unwrap();
        assert!(keyring.get(b"A/B").unwrap().secret.matches(b"b"));
        assert_eq!(keyring.index(b"A"), Some(KeyIndex::Own(0)));
        for id in ["", "a", "A/", "B"] {
            assert!(keyring.get(id.as_bytes()).is_none(), "{id}");
            assert_eq!(Keys::from(&keyring).find(id.as_bytes()).unwrap().index, None, "{id}");
        }
    }

    #[test]
    fn what_is_known_of_a_key_that_the_keyring_does_not_hold() {
        let keyring = Keyring::new(vec![credential("A", "a")]).unwrap();
        let guest = GuestKey::new(credential("G", "g")).unwrap();
        let twin = GuestKey::new(credential("A", "other")).unwrap();
        let check = |asked, id: &str, expected: Result<Option<KeyIndex>, AuthError>| {
            let found = Keys::new(&keyring, asked).find(id.as_bytes());
            assert_eq!(found.map(|found| found.index), expected, "{asked:?} {id}");
        };
        let (not_yet, nobody) = (Asked::NotYet, Asked::Nobody);
        for asked in [not_yet, nobody, Asked::Known(&guest), Asked::Known(&twin), Asked::Unavailable] {
            // what the keyring holds is asked of nobody, and nobody else's word counts
            check(asked, "A", Ok(Some(KeyIndex::Own(0))));
            for id in ["", "G/H", "G,", "\u{e9}", &"G".repeat(129)] {
                check(asked, id, Ok(None));
            }
        }
        check(not_yet, "G", Err(AuthError::Unasked("G".into())));
        check(nobody, "G", Ok(None));
        check(Asked::Known(&guest), "G", Ok(Some(KeyIndex::Guest)));
        check(Asked::Known(&guest), "H", Ok(None));
        check(Asked::Unavailable, "G", Err(AuthError::KeySource("G".into())));
        let keys = Keys::new(&keyring, Asked::Known(&guest));
        assert!(keys.credential(KeyIndex::Guest).unwrap().secret.matches(b"g"));
        assert!(Keys::new(&keyring, nobody).credential(KeyIndex::Guest).is_none());
        assert!(keyring.credential(KeyIndex::Guest).is_none() && keyring.link_key(KeyIndex::Guest).is_none());
    }

    #[test]
    fn what_makes_no_guest() {
        let check = |id: &str, expected| {
            assert_eq!(GuestKey::new(credential(id, "s")).map(|_| ()), Err(expected));
        };
        check("", KeyringError::AccessKeyId(String::new()));
        check("A/B", KeyringError::NoGuest("A/B".into()));
        check(&"A".repeat(129), KeyringError::NoGuest("A".repeat(129)));
        let empty = GuestKey::new(credential("A", ""));
        assert_eq!(empty.map(|_| ()), Err(KeyringError::EmptySecret("A".into())));
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
