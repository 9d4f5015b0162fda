//! One hop as the two headers write it: an address, perhaps with a port.
//! It must not accept names, obfuscated identifiers, zone ids or numbers that are not plain decimal.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::ForwardedError;
use crate::net::cidr::fold_mapped;

/// A hop of X-Forwarded-For: `ip`, `v4:port`, `[v6]`, `[v6]:port`.
pub(super) fn in_x_forwarded_for(text: &[u8]) -> Result<IpAddr, ForwardedError> {
    let text = std::str::from_utf8(text).map_err(|_| ForwardedError::Hop)?;
    let address = match text.parse::<Ipv6Addr>() {
        Ok(bare) => Some(bare.into()),
        Err(_) => with_port(text),
    };
    address.map(fold_mapped).ok_or(ForwardedError::Hop)
}

/// A node of Forwarded (RFC 7239 section 6): `v4`, `v4:port`, `[v6]`, `[v6]:port`.
pub(super) fn in_forwarded(text: &[u8]) -> Result<IpAddr, ForwardedError> {
    let text = std::str::from_utf8(text).map_err(|_| ForwardedError::Hop)?;
    with_port(text).map(fold_mapped).ok_or(ForwardedError::Hop)
}

fn with_port(text: &str) -> Option<IpAddr> {
    let (address, port): (IpAddr, _) = match text.strip_prefix('[') {
        Some(inside) => {
            let (address, after) = inside.split_once(']')?;
            let port = if after.is_empty() { None } else { Some(after.strip_prefix(':')?) };
            (address.parse::<Ipv6Addr>().ok()?.into(), port)
        }
        None => match text.split_once(':') {
            Some((address, port)) => (address.parse::<Ipv4Addr>().ok()?.into(), Some(port)),
            None => (text.parse::<Ipv4Addr>().ok()?.into(), None),
        },
    };
    match port {
        Some(digits) if !is_port(digits) => None,
        _ => Some(address),
    }
}

fn is_port(digits: &str) -> bool {
    digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.len() <= 5 && digits.parse::<u16>().is_ok()
}
