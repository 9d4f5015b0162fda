//! Which addresses the name of an upstream may lead to, looked at when they are found and again when they are connected to.
//! It must not look a name up.

use ipnet::IpNet;
use std::io;
use std::net::IpAddr;

/// What a name must not lead to, besides where no store can be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Denied(pub Vec<IpNet>);

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
    /// Whether a name may lead to this address. An address that stands in the config itself is its author's choice,
    /// and is not asked about.
    #[must_use]
    pub fn permits(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        may_be_a_store(ip) && !self.0.iter().any(|range| range.contains(&ip))
    }
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

    fn check(denied: &Denied, ips: &[&str], expected: bool) {
        for ip in ips {
            assert_eq!(denied.permits(ip.parse().unwrap()), expected, "{denied:?} {ip}");
        }
    }

    #[test]
    fn where_a_name_may_lead() {
        let metadata = ["169.254.169.254", "::ffff:169.254.169.254", "fe80::1", "fd00:ec2::254"];
        let nowhere = ["0.0.0.0", "::", "::ffff:0.0.0.0", "224.0.0.1", "ff02::1", "255.255.255.255"];
        let own = ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"];
        let stores = ["10.0.0.1", "192.168.1.1", "52.218.0.1", "fd00:ec2::253", "2600::1"];
        let none = Denied::default();
        let listed = Denied(vec!["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()]);
        for denied in [&none, &listed] {
            check(denied, &metadata, false);
            check(denied, &nowhere, false);
        }
        check(&none, &stores, true);
        check(&none, &own, true);
        check(&listed, &["10.0.0.1", "::1", "::ffff:10.1.1.1"], false);
        check(&listed, &["127.0.0.1", "192.168.1.1", "11.0.0.0"], true);
    }
}
