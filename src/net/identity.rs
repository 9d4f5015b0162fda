//! The network path of a request and how it was proven: facts and rules in, condition-key values out.
//! It must not guess: where a rule asks for proof that is missing the path is unknown or the request refused.

use std::net::IpAddr;
use std::sync::Arc;

use super::cidr::fold_mapped;
use super::forwarded::{self, ForwardedClient, ForwardedError, ForwardedHeader, PROTO_HEADER, Proto};
use super::proxy_protocol::{ProxyHeader, ProxySource, ProxyVersion};
use super::rules::{ForwardedRules, KnownEndpoint, ListenerRules, NetworkRules};
use super::{ConnFacts, TlsVersion};
use crate::reason::Reason;

macro_rules! proofs {
    ($($variant:ident $code:literal $text:literal)*) => {
        /// How the network path of a request was proven.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Proof { $(#[doc = $text] $variant,)* }

        impl Proof {
            /// Every proof, in the order of the table; [`Proof::index`] is the position here.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name in labels, logs and `explain`; stable.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// What it means, for people.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    };
}

proofs! {
    Peer "peer" "The other end of the socket is the client."
    ProxyV1 "proxy_v1" "A trusted peer sent a PROXY header of version 1."
    ProxyV2 "proxy_v2" "A trusted peer sent a PROXY header of version 2."
    Forwarded "forwarded" "Trusted proxies told the client in a header."
    VpceTlv "vpce_tlv" "A trusted peer sent the id of the VPC endpoint in a PROXY header of version 2."
    VpcCidr "vpc_cidr" "The address of the client lies in a configured range of a VPC."
    Unknown "unknown" "Nothing proves where the request comes from."
}

impl Proof {
    /// The position in [`Proof::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// The classes of paths, each with exactly the addresses and ids that AWS would have for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NetworkPath {
    /// From an address, through no endpoint.
    Direct {
        /// The client.
        source_ip: IpAddr,
    },
    /// Through a VPC endpoint, which the network load balancer in front of the gate names.
    Endpoint {
        /// The id of the endpoint.
        id: Arc<str>,
        /// What the config tells about it.
        known: Option<Arc<KnownEndpoint>>,
        /// The client inside its VPC; such addresses repeat from VPC to VPC.
        vpc_source_ip: IpAddr,
    },
    /// Through the private link of another cloud. As behind an endpoint, the client's address is one of its own choice.
    PrivateLink {
        /// The client inside its network.
        vpc_source_ip: IpAddr,
    },
    /// From an address inside a range that the config gives to a VPC.
    Vpc {
        /// The id of the VPC.
        vpc: Arc<str>,
        /// The client inside the VPC.
        vpc_source_ip: IpAddr,
    },
    /// From nobody knows where: every key is absent, and nothing but health checks may be served.
    Unknown,
}

/// The network side of a request, as the condition keys see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkIdentity {
    path: NetworkPath,
    proof: Proof,
    transport: Transport,
    azure_link_id: Option<u32>,
    gcp_psc_connection_id: Option<u64>,
}

impl NetworkIdentity {
    /// The path.
    #[must_use]
    pub const fn path(&self) -> &NetworkPath {
        &self.path
    }

    /// How the path was proven.
    #[must_use]
    pub const fn proof(&self) -> Proof {
        self.proof
    }

    /// Whether nobody knows where the request comes from.
    #[must_use]
    pub const fn is_unknown(&self) -> bool {
        matches!(self.path, NetworkPath::Unknown)
    }

    /// The client on any path, for logs and limits; conditions must use the keys, which differ by path.
    #[must_use]
    pub const fn client_ip(&self) -> Option<IpAddr> {
        match self.source_ip() {
            None => self.vpc_source_ip(),
            found => found,
        }
    }

    /// `aws:SourceIp`: on the direct path only.
    #[must_use]
    pub const fn source_ip(&self) -> Option<IpAddr> {
        match self.path {
            NetworkPath::Direct { source_ip } => Some(source_ip),
            _ => None,
        }
    }

    /// `aws:VpcSourceIp`: through an endpoint or private link, or from inside a VPC.
    #[must_use]
    pub const fn vpc_source_ip(&self) -> Option<IpAddr> {
        match self.path {
            NetworkPath::Endpoint { vpc_source_ip, .. }
            | NetworkPath::PrivateLink { vpc_source_ip }
            | NetworkPath::Vpc { vpc_source_ip, .. } => Some(vpc_source_ip),
            NetworkPath::Direct { .. } | NetworkPath::Unknown => None,
        }
    }

    /// `aws:SourceVpc`: through a known endpoint, or from inside a VPC.
    #[must_use]
    pub fn source_vpc(&self) -> Option<&str> {
        match &self.path {
            NetworkPath::Vpc { vpc, .. } => Some(vpc),
            _ => self.known_endpoint()?.vpc(),
        }
    }

    /// `aws:SourceVpce`: through an endpoint, known or not.
    #[must_use]
    pub fn source_vpce(&self) -> Option<&str> {
        match &self.path {
            NetworkPath::Endpoint { id, .. } => Some(id),
            _ => None,
        }
    }

    /// `aws:SourceVpcArn`: through a known endpoint.
    #[must_use]
    pub fn source_vpc_arn(&self) -> Option<&str> {
        self.known_endpoint()?.vpc_arn()
    }

    /// `aws:VpceAccount`: through a known endpoint.
    #[must_use]
    pub fn vpce_account(&self) -> Option<&str> {
        self.known_endpoint()?.account()
    }

    /// `aws:VpceOrgID`: through a known endpoint.
    #[must_use]
    pub fn vpce_org_id(&self) -> Option<&str> {
        self.known_endpoint()?.org()
    }

    /// `aws:SecureTransport`: whether the client used TLS, as far as the gate or a believed hop saw it.
    #[must_use]
    pub const fn secure_transport(&self) -> bool {
        self.transport.secure
    }

    /// `s3:TlsVersion`: the version that the client used; absent if unknown or without TLS.
    #[must_use]
    pub const fn tls_version(&self) -> Option<TlsVersion> {
        self.transport.version
    }

    /// `proxy:AzureLinkId`, which is no key of AWS.
    #[must_use]
    pub const fn azure_link_id(&self) -> Option<u32> {
        self.azure_link_id
    }

    /// `proxy:GcpPscConnectionId`, which is no key of AWS.
    #[must_use]
    pub const fn gcp_psc_connection_id(&self) -> Option<u64> {
        self.gcp_psc_connection_id
    }

    fn known_endpoint(&self) -> Option<&KnownEndpoint> {
        match &self.path {
            NetworkPath::Endpoint { known, .. } => known.as_deref(),
            _ => None,
        }
    }

    const fn new(path: NetworkPath, proof: Proof, transport: Transport) -> Self {
        Self { path, proof, transport, azure_link_id: None, gcp_psc_connection_id: None }
    }
}

/// Why a request has no network identity and must be refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetError {
    /// The listener takes connections from its trusted peers only.
    #[error("the peer is not one that this listener expects PROXY headers from")]
    UntrustedPeer,
    /// A trusted peer must send a PROXY header.
    #[error("the trusted peer sent no PROXY header")]
    MissingProxyHeader,
    /// What trusted peers forwarded cannot be read.
    #[error(transparent)]
    Forwarded(#[from] ForwardedError),
}

impl NetError {
    /// The reason in labels and logs.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        match self {
            Self::UntrustedPeer | Self::MissingProxyHeader => Reason::ProxyHeader,
            Self::Forwarded(_) => Reason::ForwardedHeader,
        }
    }
}

/// Finds the network path of a request; once per request, since one connection may forward for many clients.
///
/// `lines` gives the values of all header lines with a name, in wire order; it is asked only if a peer that is
/// believed about forwarded requests sent this one. On the direct path nothing is allocated.
///
/// A balancer that forwards a private link without PROXY headers cannot be told from a client at its own address, so
/// its address must not lie in a range of a VPC.
///
/// # Errors
/// [`NetError`] if the listener's rules ask for something that the connection or the request did not bring.
pub fn identify<'h, I: Iterator<Item = &'h [u8]>>(
    facts: &ConnFacts,
    listener: &ListenerRules,
    network: &NetworkRules,
    lines: impl Fn(&'static str) -> I,
) -> Result<NetworkIdentity, NetError> {
    let own = Transport::own(facts.tls);
    let unknown = NetworkIdentity::new(NetworkPath::Unknown, Proof::Unknown, own);
    // the peer of a Unix socket has no address: it proves nothing, but may be believed about others
    let peer = facts.peer.map(|peer| fold_mapped(peer.ip()));
    let mut origin = peer.map(|address| Origin { address, proof: Proof::Peer, transport: own });
    if let Some(header) = believed(facts, listener, peer)? {
        let ProxySource::Client { source, .. } = header.source else { return Ok(unknown) };
        let told = Origin {
            address: fold_mapped(source.ip()),
            proof: match header.version {
                ProxyVersion::V1 => Proof::ProxyV1,
                ProxyVersion::V2 => Proof::ProxyV2,
            },
            transport: Transport::before(header, facts.tls),
        };
        // no forwarded headers here: a proxy inside another network can have any address, also a trusted one
        if let Some(identity) = through_link(header, told, network) {
            return Ok(identity);
        }
        origin = Some(told);
    }
    let nearest = origin.map(|origin| origin.address);
    if let Some(rules) = listener.forwarded.as_ref().filter(|rules| rules.trusted.contains(nearest)) {
        let Some(client) = told(rules, lines)? else { return Ok(unknown) };
        let transport = origin.map_or(own, |origin| origin.transport);
        origin = Some(Origin {
            address: client.address,
            proof: Proof::Forwarded,
            transport: client.proto.map_or(transport, Transport::forwarded),
        });
    }
    Ok(origin.map_or(unknown, |origin| at_address(origin, network)))
}

/// Where a request comes from, as far as it is followed.
#[derive(Clone, Copy)]
struct Origin {
    address: IpAddr,
    proof: Proof,
    transport: Transport,
}

/// The PROXY header, if the listener expects one.
fn believed<'f>(
    facts: &'f ConnFacts,
    listener: &ListenerRules,
    peer: Option<IpAddr>,
) -> Result<Option<&'f ProxyHeader>, NetError> {
    let Some(trusted) = &listener.proxy_protocol else { return Ok(None) };
    if !trusted.contains(peer) {
        return Err(NetError::UntrustedPeer);
    }
    facts.proxy.as_ref().map(Some).ok_or(NetError::MissingProxyHeader)
}

/// The identity behind an endpoint or private link that the PROXY header names.
fn through_link(header: &ProxyHeader, origin: Origin, network: &NetworkRules) -> Option<NetworkIdentity> {
    let Origin { address: vpc_source_ip, proof, transport } = origin;
    let extra = &header.extra;
    if let Some(id) = &extra.vpce {
        let known = network.endpoint(id).cloned();
        let path = NetworkPath::Endpoint { id: id.clone(), known, vpc_source_ip };
        return Some(NetworkIdentity::new(path, Proof::VpceTlv, transport));
    }
    if extra.azure_link_id.is_none() && extra.gcp_psc_connection_id.is_none() {
        return None;
    }
    let identity = NetworkIdentity::new(NetworkPath::PrivateLink { vpc_source_ip }, proof, transport);
    let (azure_link_id, gcp_psc_connection_id) = (extra.azure_link_id, extra.gcp_psc_connection_id);
    Some(NetworkIdentity { azure_link_id, gcp_psc_connection_id, ..identity })
}

/// The client that a believed peer tells; `None` if it tells none.
fn told<'h, I: Iterator<Item = &'h [u8]>>(
    rules: &ForwardedRules,
    lines: impl Fn(&'static str) -> I,
) -> Result<Option<ForwardedClient>, ForwardedError> {
    let chain = lines(rules.header.name());
    match rules.header {
        ForwardedHeader::XForwardedFor => {
            forwarded::x_forwarded_for(chain, lines(PROTO_HEADER), rules.trusted.ranges())
        }
        ForwardedHeader::Forwarded => forwarded::forwarded(chain, rules.trusted.ranges()),
    }
}

/// The identity of a client at an address that was reached through no link.
fn at_address(origin: Origin, network: &NetworkRules) -> NetworkIdentity {
    let Origin { address, proof, transport } = origin;
    match network.vpcs().get(address) {
        Some(vpc) => {
            let path = NetworkPath::Vpc { vpc: vpc.clone(), vpc_source_ip: address };
            NetworkIdentity::new(path, Proof::VpcCidr, transport)
        }
        None => NetworkIdentity::new(NetworkPath::Direct { source_ip: address }, proof, transport),
    }
}

/// What is known about TLS on the client's own leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Transport {
    secure: bool,
    version: Option<TlsVersion>,
}

impl Transport {
    /// The client's leg ends here.
    const fn own(tls: Option<TlsVersion>) -> Self {
        Self { secure: tls.is_some(), version: tls }
    }

    /// The client's leg ends at the sender of a PROXY header, which may tell about it; else TLS passed through it.
    ///
    /// A sender that denies TLS is believed even if our own leg has it: it may have encrypted what it got in clear.
    const fn before(header: &ProxyHeader, tls: Option<TlsVersion>) -> Self {
        match header.extra.ssl {
            Some(ssl) => Self { secure: ssl.client_tls, version: ssl.version },
            None => Self::own(tls),
        }
    }

    /// The client's leg ends at a proxy that tells the scheme; the version is not told.
    const fn forwarded(proto: Proto) -> Self {
        Self { secure: matches!(proto, Proto::Https), version: None }
    }
}

#[cfg(test)]
mod tests;
