//! The buckets that clients see, and the stores behind them.
//! It must not open connections nor sign.

use std::time::Duration;

use ipnet::IpNet;

use super::super::scalar::endpoint::Endpoint;
use super::{LoadedFile, Located, PolicySource};
use crate::s3::cors::CorsRule;
use crate::secret::Secret;
use crate::upstream::mapping::Prefix;

/// A bucket as clients see it.
#[derive(Debug)]
pub struct Bucket {
    /// The name that clients use.
    pub name: Located<BucketName>,
    /// The name of its upstream; exists in [`super::Config::upstreams`].
    pub upstream: Located<String>,
    /// Its name there; `None`: the same.
    pub upstream_bucket: Option<Located<String>>,
    /// What its keys begin with there.
    pub upstream_prefix: Option<Located<Prefix>>,
    /// What pages of other origins may do.
    pub cors: Vec<CorsRule>,
    /// Whether a link signed for GET answers HEAD too. Default false.
    pub head_for_get: bool,
    /// Its bucket policy.
    pub policy: Option<PolicySource>,
    /// The account that owns it, 12 digits.
    pub account: Option<String>,
    /// The organization of that account, `o-..`.
    pub org: Option<String>,
}

/// The name of a bucket in the config file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum BucketName {
    /// This bucket.
    Named(String),
    /// `*`: every bucket that is not named.
    Rest,
}

impl std::fmt::Display for BucketName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Named(name) => name,
            Self::Rest => "*",
        })
    }
}

/// A store.
#[derive(Debug)]
pub struct Upstream {
    /// The name that buckets refer to.
    pub name: Located<String>,
    /// Scheme, host and port; never empty, each once, all with TLS or none.
    pub endpoints: Vec<Located<Endpoint>>,
    /// The region that requests are signed for.
    pub region: String,
    /// Where the bucket stands in a request. Default path.
    pub addressing: Addressing,
    /// What requests are signed with.
    pub credentials: UpstreamCredentials,
    /// The authorities that its certificate must come from, PEM; `None`: the public ones.
    pub ca: Option<LoadedFile>,
    /// How long the gate waits for it.
    pub timeouts: Timeouts,
    /// How often a connection is tried again. Default 2.
    pub retries: u32,
    /// How its addresses are probed; `None`: not.
    pub health: Option<Health>,
    /// Where its names must not lead, besides where no store can be.
    pub deny_addresses: Vec<IpNet>,
    /// How many connections it gets.
    pub pool: Pool,
}

/// How many connections each endpoint of a store gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pool {
    /// The most that carry a request at a time; `None`: as many as there are requests.
    pub connections: Option<u64>,
    /// The most unused ones that each thread keeps. Default 128.
    pub idle: u64,
}

/// How the addresses of a store are probed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// The path of the probe, as sent. Default `/`.
    pub path: String,
    /// From one probe to the next. Default 5 s.
    pub interval: Duration,
}

/// Where the bucket stands in a request to the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Addressing {
    /// `host/bucket/key`.
    Path,
    /// `bucket.host/key`.
    Virtual,
}

/// What requests to a store are signed with.
#[derive(Clone, Debug)]
pub enum UpstreamCredentials {
    /// The gate's own key; the client's signature ends at the gate.
    Static {
        /// The name of the key.
        access_key_id: String,
        /// Its secret; never empty.
        secret: Secret,
        /// The token of a temporary key.
        session_token: Option<Secret>,
    },
    /// The gate's own key, found as AWS tools find theirs.
    Aws {
        /// A role that is assumed with it, and the external id that goes with that.
        role: Option<(String, Option<String>)>,
    },
    /// The client's signature goes on, since the store knows the keys.
    Passthrough {
        /// Whether one of a key that nobody here knows goes on too. Default false.
        unknown_keys: bool,
    },
    /// Nothing.
    Anonymous,
}

/// How long the gate waits for a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Until a connection stands, TLS included. Default 2 s.
    pub connect: Duration,
    /// Between two reads. Default 60 s.
    pub read: Duration,
    /// Between two writes. Default 60 s.
    pub write: Duration,
    /// That an unused connection is kept. Default 50 s.
    pub idle: Duration,
}
