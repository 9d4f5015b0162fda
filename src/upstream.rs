//! The request that S3 gets: its head, its signature, what its body must be.
//! It must not do IO.

pub mod body;
pub mod forwarding;
pub mod head;
pub mod mapping;
pub mod plan;

use crate::secret::Secret;

/// A store behind the gate, as far as a request to it depends on it.
#[derive(Debug)]
pub struct Upstream {
    /// The name in the configuration.
    pub name: String,
    /// Host, and port unless it is the scheme's own: the Host header of a path-style request.
    pub authority: String,
    /// The region that requests are signed for.
    pub region: String,
    /// Where the bucket stands.
    pub addressing: Addressing,
    /// What requests are signed with.
    pub credentials: Credentials,
}

impl Upstream {
    /// Whether what the client signed can be changed on the way.
    #[must_use]
    pub const fn signs_anew(&self) -> bool {
        !matches!(self.credentials, Credentials::Passthrough { .. })
    }

    /// Whether requests of keys that nobody here knows go on, for the store to verify.
    #[must_use]
    pub const fn verifies_unknown_keys(&self) -> bool {
        matches!(self.credentials, Credentials::Passthrough { unknown_keys: true })
    }
}

/// Where the bucket stands in a request to a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Addressing {
    /// `host/bucket/key`
    Path,
    /// `bucket.host/key`
    Virtual,
}

/// What requests to a store are signed with.
#[derive(Debug)]
pub enum Credentials {
    /// The gate's own key; the client's signature ends at the gate.
    Static {
        /// The name of the key.
        access_key_id: String,
        /// Its secret.
        secret: Secret,
        /// The token of a temporary key.
        session_token: Option<Secret>,
    },
    /// The gate's own key as well, which is found and exchanged while the gate runs.
    Provided,
    /// The client's signature goes on untouched.
    // INVARIANT: unknown keys have no other place: whatever the gate signed for them, anybody could have sent
    Passthrough {
        /// Whether one of a key that nobody here knows goes on too: the store verifies it.
        unknown_keys: bool,
    },
    /// Nothing: the store takes anonymous requests from the gate.
    Anonymous,
}

/// A key of the gate at a store.
#[derive(Debug)]
pub struct Key {
    /// The name of the key.
    pub access_key_id: String,
    /// Its secret.
    pub secret: Secret,
    /// The token of a temporary key.
    pub session_token: Option<Secret>,
}
