//! Whom requests are counted for before anybody has proven who they are: the source of the network path.
//! It must not let a request without a source go uncounted.

use std::net::{IpAddr, Ipv6Addr};

use super::ConnFacts;
use super::cidr::fold_mapped;
use super::identity::NetworkIdentity;

/// The bits of an IPv6 address that name a subscriber; the rest is theirs to choose (RFC 6177).
const SUBSCRIBER: u32 = 64;

/// The source that a request counts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source<'n> {
    /// A client whose path is proven; an address in another network counts with the link it came through, since such
    /// addresses repeat from network to network.
    Client {
        /// The IPv4 address, or the first 64 bits of the IPv6 address.
        address: IpAddr,
        /// The VPC endpoint.
        vpce: Option<&'n str>,
        /// The Azure Private Link id.
        azure: Option<u32>,
        /// The Google Private Service Connect connection id.
        gcp: Option<u64>,
    },
    /// All others behind one peer together; `None` is a Unix socket.
    Unproven(Option<IpAddr>),
}

impl<'n> Source<'n> {
    /// The source of a request whose path could be proven, or not.
    #[must_use]
    pub fn of(identity: Option<&'n NetworkIdentity>, facts: &ConnFacts) -> Self {
        let proven = identity.and_then(|identity| Some((identity, identity.client_ip()?)));
        match proven {
            Some((identity, address)) => Self::Client {
                address: subscriber(address),
                vpce: identity.source_vpce(),
                azure: identity.azure_link_id(),
                gcp: identity.gcp_psc_connection_id(),
            },
            None => Self::Unproven(facts.peer.map(|peer| subscriber(peer.ip()))),
        }
    }
}

fn subscriber(address: IpAddr) -> IpAddr {
    match fold_mapped(address) {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> SUBSCRIBER << SUBSCRIBER)),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::ListenerIndex;
    use crate::net::cidr::CidrSet;
    use crate::net::identity::identify;
    use crate::net::proxy_protocol::{Extra, ProxyHeader, ProxySource, ProxyVersion};
    use crate::net::rules::{ListenerRules, NetworkRules};
    use std::collections::HashSet;
    use std::net::SocketAddr;

    fn facts(peer: &str, proxy: Option<ProxyHeader>) -> ConnFacts {
        let peer = Some(SocketAddr::new(peer.parse().unwrap(), 1));
        ConnFacts { peer, local: None, tls: None, proxy, listener: ListenerIndex(0) }
    }

    fn identity(facts: &ConnFacts) -> NetworkIdentity {
        let trusted = facts.proxy.is_some().then(|| CidrSet::parse(["192.0.2.0/24"]).unwrap().into());
        let rules = ListenerRules { proxy_protocol: trusted, forwarded: None };
        identify(facts, &rules, &NetworkRules::new([], []).unwrap(), |_| std::iter::empty()).unwrap()
    }

    #[test]
    fn addresses_of_one_subscriber_are_one_source() {
        for (one, other, same) in [
            ("198.51.100.7", "198.51.100.7", true),
            ("198.51.100.7", "::ffff:198.51.100.7", true),
            ("198.51.100.7", "198.51.100.8", false),
            ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true),
            ("2001:db8:1:2::1", "2001:db8:1:3::1", false),
        ] {
            let [one, other] = [one, other].map(|peer| facts(peer, None));
            let (a, b) = (identity(&one), identity(&other));
            assert_eq!(Source::of(Some(&a), &one) == Source::of(Some(&b), &other), same, "{one:?} {other:?}");
            // whose path is not proven does not count for those whose is
            assert_ne!(Source::of(None, &one), Source::of(Some(&a), &one));
            assert_eq!(Source::of(None, &one) == Source::of(None, &other), same);
        }
    }

    #[test]
    fn addresses_behind_different_links_are_different_sources() {
        let source = ProxySource::Client {
            source: "10.0.0.5:1".parse().unwrap(),
            destination: "10.0.0.6:1".parse().unwrap(),
        };
        let extras = [
            Extra { vpce: Some("vpce-00000001".into()), ..Extra::default() },
            Extra { vpce: Some("vpce-00000002".into()), ..Extra::default() },
            Extra { azure_link_id: Some(1), ..Extra::default() },
            Extra { gcp_psc_connection_id: Some(1), ..Extra::default() },
            Extra::default(),
        ];
        let facts = extras
            .map(|extra| facts("192.0.2.1", Some(ProxyHeader { version: ProxyVersion::V2, source, extra })));
        let identities = facts.each_ref().map(identity);
        let sources: HashSet<_> =
            identities.iter().zip(&facts).map(|(i, f)| Source::of(Some(i), f)).collect();
        assert_eq!(sources.len(), 5);
    }
}
