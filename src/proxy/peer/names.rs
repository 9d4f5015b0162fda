//! Addresses of a name: from the hosts file, else from the name servers of `resolv.conf`, and for how long they are good.
//! It must not keep them: the endpoint does, and asks again when they are no longer good.

use hickory_resolver::config::{LookupIpStrategy, NameServerConfig, ResolveHosts, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::op::Query;
use hickory_resolver::proto::rr::{Name, RecordType};
use hickory_resolver::{Hosts, TokioResolver};
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

/// The shortest and the longest time for which an answer is taken for good, whatever it says: name servers are asked
/// once a second at most, and a name that moves is followed even if somebody gave it a day.
const GOOD_FOR: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(30)];

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Every address, of both families; never empty.
    pub addresses: Vec<IpAddr>,
    /// The smallest time to live of the records, within a second and half a minute.
    pub good_for: Duration,
}

impl Found {
    fn new(addresses: Vec<IpAddr>, ttl: Option<u32>) -> Option<Self> {
        let [least, most] = GOOD_FOR;
        let good_for = ttl.map_or(most, |secs| Duration::from_secs(secs.into())).clamp(least, most);
        (!addresses.is_empty()).then_some(Self { addresses, good_for })
    }
}

/// Looks a name up. Both files are read anew each time, since they change without a word.
///
/// # Errors
/// The name is none, nobody knows it, or no name server answers.
pub async fn look_up(host: &str) -> io::Result<Found> {
    let name = Name::from_str_relaxed(host).map_err(io::Error::other)?;
    match in_hosts(&Hosts::from_system().unwrap_or_default(), &name) {
        Some(found) => Ok(found),
        None => ask(name).await,
    }
}

/// What the hosts file says of a name is all of it: a family that it does not have is not asked for elsewhere.
fn in_hosts(hosts: &Hosts, name: &Name) -> Option<Found> {
    let of = |kind| hosts.lookup_static_host(&Query::query(name.clone(), kind));
    let found = [RecordType::A, RecordType::AAAA].into_iter().filter_map(of);
    let addresses = found.flat_map(|lookup| {
        lookup.answers().iter().filter_map(|record| record.data.ip_addr()).collect::<Vec<_>>()
    });
    Found::new(addresses.collect(), None)
}

async fn ask(name: Name) -> io::Result<Found> {
    // without a file, or a server in it, the one of this machine is asked: resolv.conf(5)
    let mut builder = TokioResolver::builder_tokio().unwrap_or_else(|_| {
        let here = NameServerConfig::udp_and_tcp(Ipv4Addr::LOCALHOST.into());
        let config = ResolverConfig::from_name_servers(vec![here]);
        TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
    });
    let options = builder.options_mut();
    options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
    options.use_hosts_file = ResolveHosts::Never;
    options.cache_size = 0;
    // an alias may be good for less than what it leads to
    options.preserve_intermediates = true;
    let resolver = builder.build().map_err(io::Error::other)?;
    let lookup = resolver.lookup_ip(name).await.map_err(io::Error::other)?;
    let ttl = lookup.as_lookup().answers().iter().map(|record| record.ttl).min();
    Found::new(lookup.iter().collect(), ttl)
        .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "it has no address"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hickory_resolver::lookup::Lookup;
    use hickory_resolver::proto::rr::{RData, Record};

    #[test]
    fn times_are_kept_within_bounds() {
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        for (ttl, expected) in [(Some(0), 1), (Some(5), 5), (Some(86_400), 30), (None, 30)] {
            let found = Found::new(vec![address], ttl).unwrap();
            assert_eq!((found.good_for, found.addresses), (Duration::from_secs(expected), vec![address]));
        }
        assert_eq!(Found::new(Vec::new(), Some(5)), None);
    }

    #[test]
    fn what_the_hosts_file_says_is_all() {
        let mut hosts = Hosts::default();
        let name = |text: &str| Name::from_str_relaxed(text).unwrap();
        for address in ["10.0.0.1", "10.0.0.2", "::7"] {
            let address: IpAddr = address.parse().unwrap();
            let kind = if address.is_ipv4() { RecordType::A } else { RecordType::AAAA };
            let query = Query::query(name("store.test"), kind);
            let record = Record::from_rdata(name("store.test"), 9, RData::from(address));
            hosts.insert(name("store.test"), kind, Lookup::new_with_max_ttl(query, [record]));
        }
        let found = in_hosts(&hosts, &name("Store.test")).unwrap();
        let shown: Vec<_> = found.addresses.iter().map(IpAddr::to_string).collect();
        assert_eq!(
            (shown, found.good_for),
            (["10.0.0.1", "10.0.0.2", "::7"].map(str::to_owned).into(), GOOD_FOR[1])
        );
        assert_eq!(in_hosts(&hosts, &name("other.test")), None);
    }
}
