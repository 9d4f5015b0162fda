//! Which addresses the name of an upstream may lead to, looked at when they are found and again when they are connected to.
//! It must not look a name up.

use ipnet::IpNet;
use std::io;
use std::net::IpAddr;

/// What a name must not lead to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Denied {
    /// This machine, unless the name says so.
    #[default]
    Loopback,
    /// What the config lists.
    Listed(Vec<IpNet>),
}

/// A name leads to where no store may be, and to nowhere else.
#[derive(Debug, thiserror::Error)]
#[error("`{host}` leads to {address}, where no store may be (`deny_addresses`)")]
pub struct Forbidden {
    /// The name.
    pub host: String,
    /// One of its addresses.
    pub address: IpAddr,
}

impl Forbidden {
    /// Whether this is why something failed.
    #[must_use]
    pub fn is_why(error: &io::Error) -> bool {
        error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<Self>)
    }
}

impl From<Forbidden> for io::Error {
    fn from(error: Forbidden) -> Self {
        Self::new(io::ErrorKind::PermissionDenied, error)
    }
}

impl Denied {
    /// Whether this name may lead to that address. An address that stands in the config itself is its author's choice,
    /// and is not asked about.
    #[must_use]
    pub fn permits(&self, host: &str, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        may_be_a_store(ip)
            && match self {
                Self::Loopback => !ip.is_loopback() || is_this_machine(host),
                Self::Listed(ranges) => !ranges.iter().any(|range| range.contains(&ip)),
            }
    }
}

/// The names that mean this machine and nothing else (RFC 6761, section 6.3).
fn is_this_machine(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let label = host.rsplit('.').next().unwrap_or_default();
    label.eq_ignore_ascii_case("localhost")
}

/// A name must never lead to where machines keep their own credentials (link-local addresses hold the metadata services
/// of clouds), nor to no machine or to many.
fn may_be_a_store(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => {
            !(v4.is_link_local() || v4.is_unspecified() || v4.is_multicast() || v4.is_broadcast())
        }
        // fd00:ec2::254 is the same service over IPv6
        IpAddr::V6(v6) => {
            !(v6.is_unicast_link_local()
                || v6.is_unspecified()
                || v6.is_multicast()
                || v6.segments() == [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(denied: &Denied, host: &str, ips: &[&str], expected: bool) {
        for ip in ips {
            assert_eq!(denied.permits(host, ip.parse().unwrap()), expected, "{denied:?} {host} {ip}");
        }
    }

    #[test]
    fn where_a_name_may_lead() {
        let metadata = ["169.254.169.254", "::ffff:169.254.169.254", "fe80::1", "fd00:ec2::254"];
        let nowhere = ["0.0.0.0", "::", "::ffff:0.0.0.0", "224.0.0.1", "ff02::1", "255.255.255.255"];
        let own = ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"];
        let stores = ["10.0.0.1", "192.168.1.1", "52.218.0.1", "fd00:ec2::253", "2600::1"];
        let none = Denied::Listed(Vec::new());
        let listed = Denied::Listed(vec!["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()]);
        for host in ["store.example", "localhost", "a.localhost"] {
            for denied in [&Denied::Loopback, &none, &listed] {
                check(denied, host, &metadata, false);
                check(denied, host, &nowhere, false);
            }
            check(&Denied::Loopback, host, &stores, true);
            check(&none, host, &own, true);
            check(&listed, host, &["10.0.0.1", "::1", "::ffff:10.1.1.1"], false);
            check(&listed, host, &["127.0.0.1", "192.168.1.1"], true);
        }
        for host in ["store.example", "localhost.example", "notlocalhost", ""] {
            check(&Denied::Loopback, host, &own, false);
        }
        for host in ["localhost", "LocalHost.", "a.localhost"] {
            check(&Denied::Loopback, host, &own, true);
        }
    }
}
