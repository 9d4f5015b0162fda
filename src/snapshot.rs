//! One immutable compiled world: keys, policies, buckets, hosts, limits.
//! It must not change once built, nor hold anything that the shell alone needs.

use crate::auth::SigningRules;
use crate::auth::keyring::{Asked, GuestKey, Keyring, Keys, PrincipalId};
use crate::auth::sigv4::key::KeyCache;
use crate::links::LinkRules;
use crate::net::ListenerIndex;
use crate::net::rules::{ListenerRules, NetworkRules};
use crate::policy::compile::Compiled;
use crate::policy::context::Issued;
use crate::policy::principal::Principal;
use crate::s3::address::HostRules;
use crate::s3::cors::CorsRule;
use crate::upstream::Upstream;
use crate::upstream::mapping::Prefix;
use ahash::AHashMap;
use std::sync::Arc;
use std::time::Duration;

/// The world that one request is judged in.
#[derive(Debug)]
pub struct Snapshot {
    /// The names that clients sign for.
    pub hosts: HostRules,
    /// What is known about VPCs and their endpoints.
    pub network: NetworkRules,
    /// The listeners, by [`ListenerIndex`].
    pub listeners: Vec<Listener>,
    /// Which signatures are accepted.
    pub signing: SigningRules,
    /// Who may sign.
    pub keyring: Keyring,
    /// Signing keys that were derived before, of clients and upstreams.
    pub key_cache: KeyCache,
    /// Whom the keys stand for, by [`PrincipalId`].
    pub identities: Vec<Identity>,
    /// Policies of everybody.
    pub guardrails: Vec<Arc<Compiled>>,
    /// Guardrails on trial: they are asked what they would deny, and decide nothing.
    pub shadow: Vec<Arc<Compiled>>,
    /// What happens when no statement matches.
    pub default: Default,
    /// The buckets.
    pub buckets: Buckets,
    /// The stores behind them.
    pub upstreams: Vec<Upstream>,
    /// How requests count for their links.
    pub links: LinkRules,
    /// What one client may take of the gate.
    pub limits: Limits,
    /// Whether answers carry `x-gate-reason`.
    pub expose_reasons: bool,
    /// Whether every refusal that depends on key, signature, policy, network or link is answered the same.
    pub uniform_answers: bool,
}

/// A listener.
#[derive(Debug)]
pub struct Listener {
    /// Its address: the label of its metrics.
    pub name: String,
    /// How its connections prove their network path.
    pub rules: ListenerRules,
    /// As the policy of a VPC endpoint, for all that comes in here.
    pub endpoint_policy: Vec<Arc<Compiled>>,
}

/// Whom a key stands for.
#[derive(Debug)]
pub struct Identity {
    /// Who it is.
    pub principal: Principal,
    /// Its policies.
    pub policies: Vec<Arc<Compiled>>,
    /// Its permissions boundary.
    pub boundary: Option<Arc<Compiled>>,
    /// When its credential was issued.
    pub issued: Issued,
}

static UNKNOWN: Identity = Identity {
    principal: Principal::unknown(),
    policies: Vec::new(),
    boundary: None,
    issued: Issued::Untold,
};

impl Identity {
    /// Whoever signed with a key that nobody here knows: no policy is its own.
    #[must_use]
    pub const fn unknown() -> &'static Self {
        &UNKNOWN
    }
}

/// A signer that the snapshot does not hold, brought by somebody who was asked for its key.
#[derive(Debug)]
pub struct Guest {
    /// Its credential. The principal that it names means nothing.
    pub key: GuestKey,
    /// Whom it stands for.
    pub identity: Identity,
}

/// What happens when no statement matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Default {
    /// The request is refused, as in IAM.
    Deny,
    /// The request is forwarded: S3 decides.
    Pass,
}

/// Limits on one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes of a request head.
    pub header_bytes: usize,
    /// For a request head to arrive.
    pub header_time: Duration,
    /// For the first byte of a request.
    pub idle_time: Duration,
    /// Between two reads of a request body, and for a write to a client to make progress.
    pub client_time: Duration,
    /// Client connections at a time.
    pub connections: usize,
    /// The most bytes of a request body.
    pub body: u64,
    /// The most bytes of a request body that a rule must read whole.
    pub buffered_body: usize,
    /// The most bytes of all of them together.
    pub buffered_bodies: u64,
}

/// A bucket.
#[derive(Debug)]
pub struct Bucket {
    /// The name that clients use, or `*`: the label of its metrics.
    pub name: String,
    /// Its store, by position in [`Snapshot::upstreams`].
    pub upstream: usize,
    /// Its name there, if it is another one.
    pub upstream_bucket: Option<String>,
    /// What its keys begin with there.
    pub upstream_prefix: Option<Prefix>,
    /// What pages of other origins may do.
    pub cors: Vec<CorsRule>,
    /// Whether a link signed for GET answers HEAD too.
    pub head_for_get: bool,
    /// Its bucket policy.
    pub policy: Option<Arc<Compiled>>,
    /// The account that owns it.
    pub account: Option<String>,
    /// The organization of that account.
    pub org: Option<String>,
}

/// The buckets by name.
#[derive(Debug, std::default::Default)]
pub struct Buckets {
    entries: Vec<Bucket>,
    by_name: AHashMap<String, usize>,
    rest: Option<usize>,
}

impl Buckets {
    /// Indexes buckets; the one named `*` stands for every name that is not listed.
    #[must_use]
    pub fn new(entries: Vec<Bucket>) -> Self {
        let rest = entries.iter().position(|bucket| bucket.name == "*");
        let by_name = entries.iter().enumerate().map(|(at, bucket)| (bucket.name.clone(), at)).collect();
        Self { entries, by_name, rest }
    }

    /// Every bucket, in the order of the configuration.
    #[must_use]
    pub fn entries(&self) -> &[Bucket] {
        &self.entries
    }

    /// The position of a bucket that a client names.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied().or(self.rest)
    }

    /// The bucket at a position.
    #[must_use]
    pub fn get(&self, position: usize) -> Option<&Bucket> {
        self.entries.get(position)
    }

    /// The store that answers for the service itself (`ListBuckets`): that of `*`, else the only one there is.
    #[must_use]
    pub fn service_upstream(&self) -> Option<usize> {
        if let Some(rest) = self.rest.and_then(|at| self.entries.get(at)) {
            return Some(rest.upstream);
        }
        let first = self.entries.first()?.upstream;
        self.entries.iter().all(|bucket| bucket.upstream == first).then_some(first)
    }
}

impl Snapshot {
    /// All keys that a request may be signed with.
    #[must_use]
    pub fn keys<'k>(&'k self, asked: Asked<&'k Guest>) -> Keys<'k> {
        Keys::new(&self.keyring, asked.map(|guest| &guest.key))
    }

    /// Whom a key stands for.
    #[must_use]
    pub fn identity(&self, id: PrincipalId) -> Option<&Identity> {
        self.identities.get(usize::try_from(id.0).ok()?)
    }

    /// A listener.
    #[must_use]
    pub fn listener(&self, index: ListenerIndex) -> Option<&Listener> {
        self.listeners.get(usize::from(index.0))
    }
}
