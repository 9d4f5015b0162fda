//! Tests of the network identity.
//! It must not test how headers are read: facts come made.

use std::net::SocketAddr;

use super::*;
use crate::net::ListenerIndex;
use crate::net::cidr::{CidrSet, parse_net};
use crate::net::proxy_protocol::{Extra, SslInfo};
use crate::net::rules::Peers;
use crate::net::rules::VpcEndpoint;

const VPCE: &str = "vpce-0a1b2c3d";

/// Every key, as text.
#[derive(Debug, Default, PartialEq, Eq)]
struct Keys {
    proof: &'static str,
    source_ip: &'static str,
    vpc_source_ip: &'static str,
    source_vpc: &'static str,
    source_vpce: &'static str,
    source_vpc_arn: &'static str,
    vpce_account: &'static str,
    vpce_org_id: &'static str,
    secure: bool,
    tls: &'static str,
    azure: &'static str,
    gcp: &'static str,
}

struct Case {
    facts: ConnFacts,
    listener: ListenerRules,
    headers: Vec<(&'static str, &'static str)>,
}

fn set(nets: &[&str]) -> Peers {
    CidrSet::parse(nets.iter().copied()).unwrap().into()
}

fn network() -> NetworkRules {
    let known = VpcEndpoint {
        id: VPCE.to_owned(),
        vpc: Some("vpc-11112222".to_owned()),
        account: Some("111122223333".to_owned()),
        org: Some("o-abcd".to_owned()),
        region: Some("eu-west-1".to_owned()),
    };
    NetworkRules::new([known], [(parse_net("10.20.0.0/16").unwrap(), "vpc-33334444".to_owned())]).unwrap()
}

/// A cleartext connection from an address to a listener without rules.
fn from(peer: &str) -> Case {
    let facts = ConnFacts {
        peer: Some(SocketAddr::new(peer.parse().unwrap(), 40000)),
        local: None,
        tls: None,
        proxy: None,
        listener: ListenerIndex(0),
    };
    Case { facts, listener: ListenerRules::default(), headers: Vec::new() }
}

fn header(version: ProxyVersion, source: &str, extra: Extra) -> ProxyHeader {
    let destination = "10.9.9.9:443".parse().unwrap();
    let source = ProxySource::Client { source: SocketAddr::new(source.parse().unwrap(), 50000), destination };
    ProxyHeader { version, source, extra }
}

fn vpce(id: &str) -> Extra {
    Extra { vpce: Some(id.into()), ..Extra::default() }
}

impl Case {
    fn unix(mut self) -> Self {
        self.facts.peer = None;
        self
    }

    fn tls(mut self, version: TlsVersion) -> Self {
        self.facts.tls = Some(version);
        self
    }

    /// The connection began with this header.
    fn proxy(mut self, header: ProxyHeader) -> Self {
        self.facts.proxy = Some(header);
        self
    }

    /// The listener expects PROXY headers from 10.0.1.0/24.
    fn expects_proxy(mut self) -> Self {
        self.listener.proxy_protocol = Some(set(&["10.0.1.0/24"]));
        self
    }

    /// The listener believes forwarded headers from 10.0.2.0/24.
    fn believes(mut self, header: ForwardedHeader) -> Self {
        self.listener.forwarded = Some(ForwardedRules { trusted: set(&["10.0.2.0/24"]), header });
        self
    }

    fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }

    fn identify(&self) -> Result<NetworkIdentity, NetError> {
        let lines = |name| {
            self.headers.iter().filter(move |(found, _)| *found == name).map(|(_, value)| value.as_bytes())
        };
        identify(&self.facts, &self.listener, &network(), lines)
    }

    fn check(&self, expected: &Keys) {
        let identity = self.identify().unwrap();
        let text = |value: Option<String>| value.unwrap_or_default();
        let found = [
            ("proof", identity.proof().as_str().to_owned(), expected.proof),
            ("source_ip", text(identity.source_ip().map(|ip| ip.to_string())), expected.source_ip),
            (
                "vpc_source_ip",
                text(identity.vpc_source_ip().map(|ip| ip.to_string())),
                expected.vpc_source_ip,
            ),
            ("source_vpc", text(identity.source_vpc().map(str::to_owned)), expected.source_vpc),
            ("source_vpce", text(identity.source_vpce().map(str::to_owned)), expected.source_vpce),
            ("source_vpc_arn", text(identity.source_vpc_arn().map(str::to_owned)), expected.source_vpc_arn),
            ("vpce_account", text(identity.vpce_account().map(str::to_owned)), expected.vpce_account),
            ("vpce_org_id", text(identity.vpce_org_id().map(str::to_owned)), expected.vpce_org_id),
            ("tls", text(identity.tls_version().map(|tls| tls.as_str().to_owned())), expected.tls),
            ("azure", text(identity.azure_link_id().map(|id| id.to_string())), expected.azure),
            ("gcp", text(identity.gcp_psc_connection_id().map(|id| id.to_string())), expected.gcp),
        ];
        for (key, found, expected) in found {
            assert_eq!(found, expected, "{key} of {identity:?}");
        }
        assert_eq!(identity.secure_transport(), expected.secure, "{identity:?}");
        assert_eq!(identity.is_unknown(), expected.proof == "unknown");
        assert_eq!(identity.client_ip().is_none(), identity.is_unknown());
    }

    fn unknown(&self) {
        self.check(&Keys { proof: "unknown", ..Keys::default() });
    }

    fn direct(&self, proof: &'static str, source_ip: &'static str) {
        self.check(&Keys { proof, source_ip, ..Keys::default() });
    }

    fn refused(&self, expected: NetError, reason: Reason) {
        assert_eq!(self.identify().unwrap_err(), expected);
        assert_eq!(expected.reason(), reason);
    }
}

#[test]
fn the_peer_is_the_client_where_nobody_is_believed() {
    from("198.51.100.7").direct("peer", "198.51.100.7");
    from("::ffff:198.51.100.7").direct("peer", "198.51.100.7");
    from("2001:db8::1").direct("peer", "2001:db8::1");
    from("198.51.100.7").header("x-forwarded-for", "10.0.0.1").direct("peer", "198.51.100.7");
    let spoofed = from("10.0.1.7").proxy(header(ProxyVersion::V2, "192.0.2.1", vpce(VPCE)));
    spoofed.direct("peer", "10.0.1.7");
}

#[test]
fn a_peer_without_an_address_is_unknown_unless_it_is_trusted() {
    from("::1").unix().unknown();
    from("::1")
        .unix()
        .believes(ForwardedHeader::XForwardedFor)
        .header("x-forwarded-for", "192.0.2.1")
        .unknown();
    let proxied = from("::1").unix().expects_proxy().proxy(header(ProxyVersion::V2, "192.0.2.1", vpce(VPCE)));
    proxied.refused(NetError::UntrustedPeer, Reason::ProxyHeader);
}

#[test]
fn addresses_in_a_vpc_have_no_source_ip() {
    let expected = |vpc_source_ip| Keys {
        proof: "vpc_cidr",
        vpc_source_ip,
        source_vpc: "vpc-33334444",
        ..Keys::default()
    };
    from("10.20.3.4").check(&expected("10.20.3.4"));
    from("::ffff:10.20.3.4").check(&expected("10.20.3.4"));
    from("10.21.0.1").direct("peer", "10.21.0.1");
    let v1 = from("10.0.1.7").expects_proxy().proxy(header(ProxyVersion::V1, "10.20.3.4", Extra::default()));
    v1.check(&expected("10.20.3.4"));
    let told =
        from("10.0.2.7").believes(ForwardedHeader::XForwardedFor).header("x-forwarded-for", "10.20.3.4");
    told.check(&expected("10.20.3.4"));
}

#[test]
fn proxy_headers_come_from_trusted_peers_and_must_come() {
    let plain = |version| header(version, "192.0.2.1", Extra::default());
    from("10.0.1.7").expects_proxy().proxy(plain(ProxyVersion::V1)).direct("proxy_v1", "192.0.2.1");
    from("::ffff:10.0.1.7").expects_proxy().proxy(plain(ProxyVersion::V2)).direct("proxy_v2", "192.0.2.1");
    let mapped = header(ProxyVersion::V2, "::ffff:192.0.2.1", Extra::default());
    from("10.0.1.7").expects_proxy().proxy(mapped).direct("proxy_v2", "192.0.2.1");
    for source in [ProxySource::Local, ProxySource::Unknown] {
        from("10.0.1.7").expects_proxy().proxy(ProxyHeader { source, ..plain(ProxyVersion::V2) }).unknown();
    }
    from("10.0.1.7").expects_proxy().refused(NetError::MissingProxyHeader, Reason::ProxyHeader);
    from("10.0.3.7").expects_proxy().refused(NetError::UntrustedPeer, Reason::ProxyHeader);
    let untrusted = from("10.0.3.7").expects_proxy().proxy(header(ProxyVersion::V2, "192.0.2.1", vpce(VPCE)));
    untrusted.refused(NetError::UntrustedPeer, Reason::ProxyHeader);
}

#[test]
fn endpoints_have_the_keys_that_the_config_tells() {
    let through =
        |source, extra| from("10.0.1.7").expects_proxy().proxy(header(ProxyVersion::V2, source, extra));
    through("172.31.7.113", vpce(VPCE)).check(&Keys {
        proof: "vpce_tlv",
        vpc_source_ip: "172.31.7.113",
        source_vpc: "vpc-11112222",
        source_vpce: VPCE,
        source_vpc_arn: "arn:aws:ec2:eu-west-1:111122223333:vpc/vpc-11112222",
        vpce_account: "111122223333",
        vpce_org_id: "o-abcd",
        ..Keys::default()
    });
    // an address that happens to lie in a configured VPC does not change which VPC the endpoint stands in
    through("10.20.3.4", vpce("vpce-99999999")).check(&Keys {
        proof: "vpce_tlv",
        vpc_source_ip: "10.20.3.4",
        source_vpce: "vpce-99999999",
        ..Keys::default()
    });
}

#[test]
fn behind_a_link_nobody_is_believed_about_forwarded_requests() {
    let xff = |extra| {
        from("10.0.1.7")
            .expects_proxy()
            .believes(ForwardedHeader::XForwardedFor)
            .proxy(header(ProxyVersion::V2, "10.0.2.7", extra))
            .header("x-forwarded-for", "192.0.2.1")
    };
    let expected = Keys { vpc_source_ip: "10.0.2.7", ..Keys::default() };
    xff(Extra::default()).direct("forwarded", "192.0.2.1");
    let id = "vpce-99999999";
    xff(vpce(id)).check(&Keys { proof: "vpce_tlv", source_vpce: id, ..expected });
    let azure = Extra { azure_link_id: Some(7), ..Extra::default() };
    xff(azure).check(&Keys { proof: "proxy_v2", azure: "7", vpc_source_ip: "10.0.2.7", ..Keys::default() });
}

#[test]
fn private_links_of_other_clouds_have_no_source_ip_and_no_vpc() {
    let through =
        |extra| from("10.0.1.7").expects_proxy().proxy(header(ProxyVersion::V2, "10.20.3.4", extra));
    let expected = || Keys { proof: "proxy_v2", vpc_source_ip: "10.20.3.4", ..Keys::default() };
    let azure = Extra { azure_link_id: Some(268_435_456), ..Extra::default() };
    let gcp = Extra { gcp_psc_connection_id: Some(u64::MAX), ..Extra::default() };
    through(azure).check(&Keys { azure: "268435456", ..expected() });
    through(gcp).check(&Keys { gcp: "18446744073709551615", ..expected() });
}

#[test]
fn forwarded_clients_are_believed_from_trusted_peers_only() {
    let front = |peer: &str| from(peer).believes(ForwardedHeader::XForwardedFor);
    front("10.0.2.7")
        .header("x-forwarded-for", "10.0.0.1, 192.0.2.1, 10.0.2.9")
        .direct("forwarded", "192.0.2.1");
    front("10.0.3.7").header("x-forwarded-for", "192.0.2.1").direct("peer", "10.0.3.7");
    front("10.0.3.7").header("x-forwarded-for", "unknown").direct("peer", "10.0.3.7");
    front("10.0.2.7").unknown();
    front("10.0.2.7").header("forwarded", "for=192.0.2.1").unknown();
    front("10.0.2.7").header("x-real-ip", "192.0.2.1").unknown();
    let bad = front("10.0.2.7").header("x-forwarded-for", "192.0.2.1, unknown");
    bad.refused(NetError::Forwarded(ForwardedError::Hop), Reason::ForwardedHeader);
    let rfc = from("10.0.2.7").believes(ForwardedHeader::Forwarded);
    rfc.header("forwarded", "for=192.0.2.1")
        .header("x-forwarded-for", "192.0.2.9")
        .direct("forwarded", "192.0.2.1");
}

#[test]
fn the_transport_is_that_of_the_clients_leg() {
    let direct = |secure, tls| Keys { proof: "peer", source_ip: "192.0.2.1", secure, tls, ..Keys::default() };
    from("192.0.2.1").check(&direct(false, ""));
    from("192.0.2.1").tls(TlsVersion::Tls13).check(&direct(true, "1.3"));
    from("192.0.2.1").header("x-forwarded-proto", "https").check(&direct(false, ""));

    let proxied = |secure, tls| Keys { proof: "proxy_v2", ..direct(secure, tls) };
    let ssl = |ssl: Option<SslInfo>| {
        let extra = Extra { ssl, ..Extra::default() };
        from("10.0.1.7").expects_proxy().proxy(header(ProxyVersion::V2, "192.0.2.1", extra))
    };
    let said = |client_tls, version| Some(SslInfo { client_tls, version });
    ssl(None).check(&proxied(false, ""));
    ssl(None).tls(TlsVersion::Tls12).check(&proxied(true, "1.2"));
    ssl(said(true, Some(TlsVersion::Tls11))).check(&proxied(true, "1.1"));
    ssl(said(true, Some(TlsVersion::Tls11))).tls(TlsVersion::Tls13).check(&proxied(true, "1.1"));
    ssl(said(true, None)).tls(TlsVersion::Tls13).check(&proxied(true, ""));
    ssl(said(false, None)).tls(TlsVersion::Tls13).check(&proxied(false, ""));

    let forwarded = |secure, tls| Keys { proof: "forwarded", ..direct(secure, tls) };
    let xff =
        || from("10.0.2.7").believes(ForwardedHeader::XForwardedFor).header("x-forwarded-for", "192.0.2.1");
    xff().check(&forwarded(false, ""));
    xff().tls(TlsVersion::Tls13).check(&forwarded(true, "1.3"));
    xff().header("x-forwarded-proto", "https").check(&forwarded(true, ""));
    xff().tls(TlsVersion::Tls13).header("x-forwarded-proto", "http").check(&forwarded(false, ""));
    let rfc = || from("10.0.2.7").believes(ForwardedHeader::Forwarded);
    rfc().header("forwarded", "for=192.0.2.1;proto=https").check(&forwarded(true, ""));
    rfc()
        .header("forwarded", "for=192.0.2.1")
        .header("x-forwarded-proto", "https")
        .check(&forwarded(false, ""));
}

#[test]
fn proofs_have_distinct_names_and_keep_their_positions() {
    for (position, proof) in Proof::ALL.iter().enumerate() {
        assert_eq!(proof.index(), position);
        assert!(Proof::ALL.iter().filter(|other| other.as_str() == proof.as_str()).count() == 1);
    }
}

#[test]
fn the_peer_of_a_unix_socket_proves_nothing_and_may_be_believed_about_others() {
    let unix = || Peers::new(CidrSet::parse(["10.0.2.0/24"]).unwrap(), true);
    let told = || header(ProxyVersion::V1, "203.0.113.7", Extra::default());
    let listener = |proxy: Option<Peers>, forwarded: Option<Peers>| {
        let forwarded =
            forwarded.map(|trusted| ForwardedRules { trusted, header: ForwardedHeader::XForwardedFor });
        let mut case = from("127.0.0.1").unix();
        case.listener = ListenerRules { proxy_protocol: proxy, forwarded };
        case.header("x-forwarded-for", "198.51.100.9, 10.0.2.5").header("x-forwarded-proto", "https")
    };
    let nowhere = Keys { proof: "unknown", ..Keys::default() };
    let direct = |proof, source_ip, secure| Keys { proof, source_ip, secure, ..Keys::default() };
    listener(None, None).check(&nowhere);
    listener(None, Some(set(&["0.0.0.0/0"]))).check(&nowhere);
    listener(None, Some(unix())).check(&direct("forwarded", "198.51.100.9", true));
    listener(Some(unix()), None).proxy(told()).check(&direct("proxy_v1", "203.0.113.7", false));
    // a client that the PROXY header names is no peer of the socket
    listener(Some(unix()), Some(unix())).proxy(told()).check(&direct("proxy_v1", "203.0.113.7", false));
    listener(Some(unix()), None).refused(NetError::MissingProxyHeader, Reason::ProxyHeader);
    listener(Some(set(&["0.0.0.0/0"])), None)
        .proxy(told())
        .refused(NetError::UntrustedPeer, Reason::ProxyHeader);
}
