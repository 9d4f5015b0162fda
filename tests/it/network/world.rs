//! A gate that can be reached on every kind of path, with one of the example policies in force, and the senders of a
//! request on each path.
//! It must not know what any of them should be answered.

use crate::support::client::Client;
use crate::support::config::Config;
use crate::support::gate::{Gate, poll};
use crate::support::message::Broken;
use crate::support::message::Wire;
use crate::support::ports::{self, Reserved};
use crate::support::proxy_header as proxy;
use crate::support::request::Request;
use crate::support::tls::Authority;
use crate::support::upstream::Upstream;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Endpoints and ranges of the VPC that the policies mean, and of another one.
const NETWORKS: &str = r"network:
  vpc_endpoints:
    - { id: vpce-1a2b3c4d, vpc: vpc-111bbb22 }
    - { id: vpce-08d2bf15fac5001c9, vpc: vpc-111bbb22 }
    - { id: vpce-99999999, vpc: vpc-99999999 }
  vpcs:
    - { vpc: vpc-111bbb22, cidrs: [10.20.0.0/16, 127.0.0.4/32] }
    - { vpc: vpc-99999999, cidrs: [10.30.0.0/16, 127.0.0.5/32] }
expose_reasons: true";

/// The example policy of this name.
pub fn document(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("conf/policies").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The same policy, its addresses and endpoint replaced by those that exist on loopback.
pub fn on_loopback(document: &str) -> String {
    document.replace("203.0.113.0/24", "127.0.0.2/32").replace("vpce-1a2b3c4d", proxy::CAPTURED_ENDPOINT)
}

/// The versions of TLS that a client offers.
pub type Versions = &'static [&'static rustls::SupportedProtocolVersion];
pub const TLS12: Versions = &[&rustls::version::TLS12];
pub const TLS13: Versions = &[&rustls::version::TLS13];

/// How a request comes to the gate.
#[derive(Clone, Debug)]
pub enum Via {
    /// From this address, in clear.
    Socket(&'static str),
    /// From this address to a listener on all addresses of both families.
    DualStack(&'static str),
    /// Behind these first bytes of the connection, from the trusted balancer.
    Proxy(Vec<u8>),
    /// Behind these first bytes of the connection, from somebody else.
    Stranger(Vec<u8>),
    /// With these headers: from the trusted proxy if they name X-Forwarded-For, or Forwarded.
    Headers(&'static [(&'static str, &'static str)]),
    /// In clear from no trusted proxy, with these headers.
    Forged(&'static [(&'static str, &'static str)]),
    /// Over TLS of this version.
    Tls(Versions),
    /// Over TLS behind these first bytes of the connection, from the trusted balancer.
    ProxyTls(Vec<u8>),
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The status, and the gate's own reason if it refused.
    Of(u16, Option<String>),
    /// The connection was closed without a word.
    Closed,
}

// the further listeners, by position
const V6: usize = 0;
const DUAL: usize = 1;
pub const PROXIED: usize = 2;
pub const XFF: usize = 3;
const RFC: usize = 4;
const TLS: usize = 5;
pub const PROXIED_TLS: usize = 6;

/// A gate with listeners for every path.
pub struct World {
    pub upstream: Upstream,
    pub gate: Gate,
    pub authority: Authority,
    _folder: TempDir,
    /// In the order of [`listeners`].
    ports: [Reserved; 7],
}

impl World {
    /// A gate with this policy in force: for its bucket if it names a principal, for everybody if not.
    #[track_caller]
    pub fn start(document: &str) -> Self {
        let upstream = Upstream::ok();
        let (authority, folder) = (Authority::new(), tempfile::tempdir().unwrap());
        let pair = authority.issue(&["s3.test"]).write(folder.path(), "tls");
        let ports = std::array::from_fn(|_| ports::reserve());
        let base = Config::resign(upstream.endpoint()).more(NETWORKS);
        let document = document.replace(":media", ":bkt").replace('\n', " ");
        let gate = Gate::start_with(|listener, admin| {
            let text = base.text(listener, admin);
            let text = replaced(&text, "admin:\n", &format!("{}admin:\n", listeners(&ports, &pair)));
            if document.contains("\"Principal\"") {
                replaced(&text, "  - name: bkt\n", &format!("  - name: bkt\n    policy: {document}\n"))
            } else {
                replaced(&text, "\nbuckets:", &format!("\n  guardrails: [{document}]\nbuckets:"))
            }
        });
        let world = Self { upstream, gate, authority, _folder: folder, ports };
        for at in 0..world.ports.len() {
            let address = world.port(at);
            poll("a listener", || TcpStream::connect(address).ok());
        }
        // two of them wanted a header from these connections
        poll("the end of the first connections", || (world.refused_headers() > 1.5).then_some(()));
        world
    }

    /// The address of a further listener.
    pub fn port(&self, at: usize) -> SocketAddr {
        let address = self.ports[at].address;
        if at == V6 { SocketAddr::new(Ipv6Addr::LOCALHOST.into(), address.port()) } else { address }
    }

    /// How many connections were refused for their PROXY header.
    #[track_caller]
    pub fn refused_headers(&self) -> f64 {
        self.gate.metric("presign_gate_denied_total", &["reason=\"proxy_header\""])
    }

    /// Sends the request on this path.
    #[track_caller]
    pub fn ask(&self, via: &Via, request: &Request) -> Answer {
        match via {
            Via::Socket(source) => {
                let source: IpAddr = source.parse().unwrap();
                let address = if source.is_ipv6() { self.port(V6) } else { self.gate.address() };
                answer_of(Client::connect_from(source, address), &request.presigned())
            }
            Via::DualStack(source) => answer_of(
                Client::connect_from(source.parse().unwrap(), self.port(DUAL)),
                &request.presigned(),
            ),
            Via::Proxy(header) => {
                answer_of(Client::connect(self.port(PROXIED)), &[&header[..], &request.presigned()].concat())
            }
            Via::Stranger(header) => {
                let client = Client::connect_from("127.0.0.9".parse().unwrap(), self.port(PROXIED));
                answer_of(client, &[&header[..], &request.presigned()].concat())
            }
            Via::Headers(lines) => {
                let rfc = lines.iter().any(|(name, _)| *name == "Forwarded");
                answer_of(Client::connect(self.port(if rfc { RFC } else { XFF })), &with(request, lines))
            }
            Via::Forged(lines) => answer_of(Client::connect(self.gate.address()), &with(request, lines)),
            Via::Tls(version) => {
                let dial = self.authority.dial("s3.test").versions(version);
                answer_of(dial.connect(self.port(TLS)).unwrap(), &request.presigned())
            }
            Via::ProxyTls(header) => {
                let dial = self.authority.dial("s3.test").before(header);
                answer_of(dial.connect(self.port(PROXIED_TLS)).unwrap(), &request.presigned())
            }
        }
    }
}

/// The further listeners, as YAML: IPv6, both families, behind a balancer, behind proxies of both kinds, TLS, and TLS
/// behind a balancer.
fn listeners(ports: &[Reserved; 7], pair: &[PathBuf; 2]) -> String {
    let [v6, dual, proxied, xff, rfc, tls, proxied_tls] =
        ports.each_ref().map(|reserved| reserved.address.port());
    let pair = format!("tls: {{ certificate: {}, private_key: {} }}", pair[0].display(), pair[1].display());
    let proxy = "proxy_protocol: { trusted: [127.0.0.1/32] }";
    let forwarded = |header| format!("forwarded: {{ trusted: [127.0.0.1/32], header: {header} }}");
    [
        format!("'[::1]:{v6}'"),
        format!("'[::]:{dual}'"),
        format!("127.0.0.1:{proxied}\n    {proxy}"),
        format!("127.0.0.1:{xff}\n    {}", forwarded("x-forwarded-for")),
        format!("127.0.0.1:{rfc}\n    {}", forwarded("forwarded")),
        format!("127.0.0.1:{tls}\n    {pair}"),
        format!("127.0.0.1:{proxied_tls}\n    {proxy}\n    {pair}"),
    ]
    .map(|listener| format!("  - address: {listener}\n"))
    .concat()
}

#[track_caller]
fn replaced(text: &str, from: &str, to: &str) -> String {
    assert_eq!(text.matches(from).count(), 1, "`{from}` in\n{text}");
    text.replacen(from, to, 1)
}

fn with(request: &Request, lines: &[(&str, &str)]) -> Vec<u8> {
    lines.iter().fold(request.clone(), |request, (name, value)| request.unsigned(name, value)).presigned()
}

#[track_caller]
pub fn answer_of<S: Wire>(mut client: Client<S>, bytes: &[u8]) -> Answer {
    client.send(bytes);
    match client.try_response("GET") {
        Ok(answer) => Answer::Of(answer.status, answer.headers.get("x-gate-reason").map(str::to_owned)),
        Err(Broken::Closed | Broken::Cut) => Answer::Closed,
        Err(broken) => panic!("{broken:?}"),
    }
}
