//! A config file as plain typed values: what the rest of the crate is built from.
//! It must not hold text that still needs reading, nor anything that a default was not applied to.

pub mod identity;
pub mod links;
pub mod rates;
pub mod sources;
pub mod storage;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;

use super::scalar::endpoint::Endpoint;
use super::tree::Place;
use crate::net::address::ListenAddress;
use crate::secret::Secret;
use crate::tls::{Files, Served};
use identity::{Credential, PolicyRules};
use links::Links;
use sources::KeySource;
use storage::{Bucket, Upstream};

/// A value and where it stands, for findings that only show when values are compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// Where it stands in the config file.
    pub at: Place,
    /// The keys that lead there.
    pub path: String,
}

/// A whole config file, defaults applied, files and variables read.
#[derive(Debug)]
pub struct Config {
    /// Where clients connect; at least one, each address once.
    pub listeners: Vec<Listener>,
    /// The admin endpoint, if there is one.
    pub admin: Option<Admin>,
    /// The names that clients sign for.
    pub hosts: Hosts,
    /// What is known about VPCs and their endpoints.
    pub network: Network,
    /// Which signatures are accepted.
    pub signing: Signing,
    /// Who may sign; at least one, each access key id once.
    pub credentials: Vec<Credential>,
    /// Who else knows signers, in the order in which they are asked; each name once.
    pub sources: Vec<KeySource>,
    /// Policies that hold for everybody.
    pub policy: PolicyRules,
    /// The buckets that clients see; at least one, each name once.
    pub buckets: Vec<Bucket>,
    /// Where the objects are; at least one, each name once.
    pub upstreams: Vec<Upstream>,
    /// What is kept about links.
    pub links: Links,
    /// What one client may take of the gate.
    pub limits: Limits,
    /// How the gate ends.
    pub shutdown: Shutdown,
    /// Where another gate may ask for this one's place: a Unix socket.
    pub upgrade: Option<PathBuf>,
    /// What is written down.
    pub logs: Logs,
    /// Where spans go; `None`: none are made.
    pub tracing: Option<Tracing>,
    /// Whether answers carry `x-gate-reason`. Default false.
    pub expose_reasons: bool,
    /// The whole file as JSON, defaults filled in, secrets left out.
    pub shown: serde_json::Value,
}

/// An address that clients connect to.
#[derive(Debug)]
pub struct Listener {
    /// Address and port, or a Unix socket.
    pub address: Located<ListenAddress>,
    /// The permissions of a Unix socket. Default 0660.
    pub mode: u32,
    /// Certificates and keys; cleartext without.
    pub tls: Option<Tls>,
    /// Peers that must send a PROXY header; every other peer is refused. `None`: no PROXY header is read.
    pub proxy_protocol: Option<Trusted>,
    /// The header that names the client, and who is believed. `None`: no header is believed.
    pub forwarded: Option<Forwarded>,
    /// As the policy of a VPC endpoint, for all that comes in here.
    pub endpoint_policy: Option<PolicySource>,
}

/// Peers that are believed; somebody at least.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trusted {
    /// Those with an address in one of these ranges.
    pub ranges: Vec<IpNet>,
    /// Those of a Unix socket; only where the listener is one.
    pub unix: bool,
}

/// What a listener serves TLS with, found to be good.
#[derive(Clone, Debug)]
pub struct Tls {
    /// The files that it was made from.
    pub files: Files<LoadedFile>,
    /// What was made from them.
    pub served: Served,
}

/// A file that was read, and its name for reading it again when it changes.
#[derive(Clone, Debug)]
pub struct LoadedFile {
    /// Its name, joined to the folder of the config file.
    pub path: PathBuf,
    /// What it holds.
    pub bytes: Secret,
}

/// Belief in a header that names the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forwarded {
    /// Proxies that are believed.
    pub trusted: Trusted,
    /// The header that they write. Default `X-Forwarded-For`.
    pub header: ForwardedHeader,
}

/// The headers that can name a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForwardedHeader {
    /// `X-Forwarded-For`.
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// The admin endpoint.
#[derive(Debug)]
pub struct Admin {
    /// Address and port.
    pub address: Located<SocketAddr>,
    /// The bearer token for POST and DELETE; without it they are answered on a loopback address only.
    pub token: Option<Secret>,
}

/// The names that clients sign for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hosts {
    /// `hosts` is left out: every valid Host is taken, and the bucket is in the path. A link that was signed for another
    /// name with one of our keys works here too; listing the names closes that.
    AnyPathStyle,
    /// These names in lower case, without port, and `<bucket>.NAME`; every other Host is answered 400. Never empty.
    Listed(Vec<String>),
}

/// What is known about VPCs and their endpoints.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Network {
    /// The endpoints that a PROXY header may name; each id once.
    pub vpc_endpoints: Vec<VpcEndpoint>,
    /// The address ranges of VPCs; each range once.
    pub vpcs: Vec<Vpc>,
}

/// A VPC endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VpcEndpoint {
    /// `vpce-..`
    pub id: Located<String>,
    /// `vpc-..`
    pub vpc: String,
    /// The account that owns it, 12 digits.
    pub account: Option<String>,
    /// The organization of that account, `o-..`.
    pub org: Option<String>,
    /// The region that it is in.
    pub region: Option<String>,
}

/// A VPC and the addresses in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vpc {
    /// `vpc-..`
    pub vpc: String,
    /// The addresses of its peers; never empty.
    pub cidrs: Vec<Located<IpNet>>,
}

/// Which signatures are accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "the switches of the configuration, each by itself")]
pub struct Signing {
    /// Regions accepted in credential scopes; never empty. Default `us-east-1`.
    pub regions: Vec<String>,
    /// The longest a link may be valid, 1 s to 7 d. Default 7 d.
    pub max_expires: Duration,
    /// How far the clock of a signer may be off, up to 15 min. Default 15 min.
    pub clock_skew: Duration,
    /// Whether signatures for several regions are accepted. Default true.
    pub sigv4a: bool,
    /// Whether signatures of the old kind are accepted. Default false.
    pub sigv2: bool,
    /// Whether browser uploads with a signed form are accepted. Default true.
    pub post_policy: bool,
    /// Whether signatures in the Authorization header are accepted. Default true.
    pub header_auth: bool,
    /// Which refusals look the same. Default none.
    pub uniform_errors: Uniform,
}

/// Which refusals look the same to a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uniform {
    /// None: as S3 answers.
    Off,
    /// An unknown key and a wrong signature.
    Keys,
    /// Every one that depends on key, signature, lifetime, policy, network or the state of the link.
    All,
}

/// How the gate ends when it is told to in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shutdown {
    /// The time to be not ready and serve on. Default 0.
    pub drain_delay: Duration,
    /// The time for requests in flight after that. Default 25 s.
    pub drain_time: Duration,
}

/// What one client may take of the gate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest request head, in bytes. Default 32 KiB.
    pub header_bytes: u64,
    /// The time to send a request head, from its first byte. Default 5 s.
    pub header_time: Duration,
    /// How long a client connection may stay open without a request. Default 60 s.
    pub idle_time: Duration,
    /// How long a client may send nothing of a body that it owes, or take nothing of an answer. Default 60 s.
    pub client_time: Duration,
    /// Client connections at a time. Default 50000.
    pub connections: u64,
    /// The largest request body, in bytes. Default 5 TiB.
    pub body: u64,
    /// The largest request body that a rule must read whole, in bytes. Default 2 MiB.
    pub buffered_body: u64,
    /// All of them together, in bytes; no less than one. Default 256 MiB.
    pub buffered_bodies: u64,
}

/// What is written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logs {
    /// Where access lines go. Default standard output.
    pub access: LogTarget,
    /// The form of an access line. Default JSON.
    pub access_format: LogFormat,
    /// The file of the audit log; `None`: there is none.
    pub audit: Option<PathBuf>,
}

/// Where spans go, and of how many requests.
#[derive(Clone, Debug, PartialEq)]
pub struct Tracing {
    /// The collector.
    pub otlp: Endpoint,
    /// The share of requests without a caller's context that are followed, from 0 to 1. Default 1.
    pub sample: f64,
}

/// The form of an access line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object, with the field names of ECS and OpenTelemetry.
    Json,
    /// As S3 writes its server access log.
    S3,
}

/// Where lines of a log go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogTarget {
    /// Nowhere.
    Nowhere,
    /// Standard output.
    Stdout,
    /// Added to this file.
    File(PathBuf),
}

/// The text of a policy document and where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicySource {
    /// Its name in metrics and explanations: the file as written in the config, or the path of the inline document.
    pub name: String,
    /// JSON. An inline document is laid out as in the config file, so that its lines can be mapped back.
    pub text: Arc<str>,
    /// The file that findings about it point into.
    pub file: String,
    /// What to add to a line of `text` to get the line in `file`: 0 for a file of its own.
    pub line_offset: u32,
    /// Where the config file names it, or holds it.
    pub at: Place,
    /// The keys that lead there.
    pub path: String,
}
