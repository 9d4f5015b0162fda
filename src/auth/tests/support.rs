//! Shared data, requests from their parts, and a fixture of keys.
//! It must not hold assertions.

use crate::auth::keyring::{Credential, Keyring, PrincipalId};
use crate::clock::UnixMillis;
use crate::clock::civil::Civil;
use crate::secret::Secret;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use std::path::{Path, PathBuf};

pub(in crate::auth) const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

pub(in crate::auth) fn shared(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/sigv4").join(name);
    assert!(path.exists(), "the test data `{}` is missing", path.display());
    path
}

pub(in crate::auth) fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// `2026-01-15T12:00:30Z`
pub(in crate::auth) fn instant(iso: &str) -> UnixMillis {
    Civil::parse_basic(iso.replace(['-', ':'], "").as_bytes()).unwrap().instant()
}

/// The bytes of a head.
pub(in crate::auth) fn head(method: &str, path: &str, query: &str, headers: &[(String, String)]) -> Vec<u8> {
    let mark = if query.is_empty() { "" } else { "?" };
    let lines: String = headers.iter().flat_map(|(name, value)| [name, ": ", value, "\r\n"]).collect();
    format!("{method} {path}{mark}{query} HTTP/1.1\r\n{lines}\r\n").into_bytes()
}

pub(in crate::auth) fn credential(id: &str, secret: &str, token: Option<&str>) -> Credential {
    Credential {
        access_key_id: id.into(),
        secret: Secret::new(secret),
        session_token: token.map(Secret::new),
        principal: PrincipalId(1),
        retired: None,
        expires: None,
    }
}

pub(in crate::auth) fn keyring(credentials: &[Credential]) -> Keyring {
    Keyring::new(credentials.to_vec()).unwrap()
}

/// A JSON object with its order kept.
#[derive(Clone, Debug, Default)]
pub(in crate::auth) struct Ordered(pub(in crate::auth) Vec<(String, String)>);

impl<'de> Deserialize<'de> for Ordered {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Ordered;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object of texts")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Ordered, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Ordered(pairs))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}
