//! Sets of address ranges of `IpAddress` conditions: merged, sorted, found by halving.
//! It must not match one family against the other, nor accept an IPv4 address in IPv6 clothes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// What makes a text no address range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IpError {
    /// Neither an address nor a CIDR range.
    #[error("is no IP address and no CIDR range")]
    Malformed,
    /// `::ffff:a.b.c.d`, which would match no client: addresses of clients are canonical.
    #[error("is an IPv4 address written as IPv6")]
    MappedIpv4,
}

/// Reads an address (its own full length) or a CIDR range; host bits are masked off.
///
/// # Errors
/// Zone ids, octal and short forms, and IPv4-mapped IPv6 are refused.
pub fn parse_range(text: &str) -> Result<IpNet, IpError> {
    let net = match text.parse::<IpNet>() {
        Ok(net) => net.trunc(),
        Err(_) => IpNet::from(text.parse::<IpAddr>().map_err(|_| IpError::Malformed)?),
    };
    // `.addr()` of the text, not of the masked range: `::ffff:10.0.0.1/95` would lose its marker
    let first = text.split('/').next().and_then(|addr| addr.parse::<IpAddr>().ok());
    match first {
        Some(IpAddr::V6(addr)) if addr.to_ipv4_mapped().is_some() => Err(IpError::MappedIpv4),
        _ => Ok(net),
    }
}

/// Many address ranges; membership costs a binary search, so a long list is as fast as a short one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IpRanges {
    v4: Sorted<u32>,
    v6: Sorted<u128>,
}

/// First and last addresses of ranges, apart: the search reads the first ones only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Sorted<T> {
    // INVARIANT: sorted, ranges disjoint and not adjacent, as many last ones as first ones
    first: Box<[T]>,
    last: Box<[T]>,
}

impl IpRanges {
    /// The union of these ranges.
    pub fn new(nets: impl IntoIterator<Item = IpNet>) -> Self {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for net in nets {
            match net {
                IpNet::V4(net) => v4.push((net.network().to_bits(), net.broadcast().to_bits())),
                IpNet::V6(net) => v6.push((net.network().to_bits(), net.broadcast().to_bits())),
            }
        }
        Self { v4: merge(v4, |end| end.checked_add(1)), v6: merge(v6, |end| end.checked_add(1)) }
    }

    /// Whether one of the ranges holds this address; an IPv4-mapped address counts as the IPv4 address it is.
    #[must_use]
    pub fn contains(&self, addr: IpAddr) -> bool {
        match addr.to_canonical() {
            IpAddr::V4(addr) => self.v4.holds(addr.to_bits()),
            IpAddr::V6(addr) => self.v6.holds(addr.to_bits()),
        }
    }

    /// Whether there is a range of IPv4 and one of IPv6.
    #[must_use]
    pub fn families(&self) -> (bool, bool) {
        (!self.v4.first.is_empty(), !self.v6.first.is_empty())
    }

    /// Whether a single range is wider than a /8 of IPv4 or a /32 of IPv6, which S3's Block Public Access calls public.
    #[must_use]
    pub fn is_public(&self) -> bool {
        self.v4.iter().any(|(first, last)| last - first > u32::from(Ipv4Addr::new(0, 255, 255, 255)))
            || self.v6.iter().any(|(first, last)| {
                last - first
                    > u128::from(Ipv6Addr::new(
                        0,
                        0,
                        u16::MAX,
                        u16::MAX,
                        u16::MAX,
                        u16::MAX,
                        u16::MAX,
                        u16::MAX,
                    ))
            })
    }
}

/// Sorts ranges and joins those that overlap or touch.
fn merge<T: Ord + Copy>(mut ranges: Vec<(T, T)>, after: impl Fn(T) -> Option<T>) -> Sorted<T> {
    ranges.sort_unstable();
    let mut merged: Vec<(T, T)> = Vec::with_capacity(ranges.len());
    for (first, last) in ranges {
        match merged.last_mut() {
            // nothing lies after the highest address, so a range that ends there takes in all that follow
            Some((_, end)) if after(*end).is_none_or(|next| first <= next) => *end = last.max(*end),
            _ => merged.push((first, last)),
        }
    }
    let (first, last): (Vec<T>, Vec<T>) = merged.into_iter().unzip();
    Sorted { first: first.into(), last: last.into() }
}

impl<T: Ord + Copy> Sorted<T> {
    fn iter(&self) -> impl Iterator<Item = (T, T)> {
        self.first.iter().copied().zip(self.last.iter().copied())
    }

    fn holds(&self, addr: T) -> bool {
        let after = self.first.partition_point(|first| *first <= addr);
        after.checked_sub(1).and_then(|at| self.last.get(at)).is_some_and(|last| addr <= *last)
    }
}

#[cfg(test)]
mod tests;
