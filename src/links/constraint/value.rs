//! The values of constraints, read strictly.
//! It must not accept white space, empty items or anything that two readers could take for two values.

use crate::clock::UnixMillis;
use crate::clock::parse::parse_time;
use ipnet::IpNet;
use std::net::IpAddr;
use std::ops::RangeInclusive;

/// Comma-separated addresses and CIDRs; bits beyond the prefix are dropped. IPv4 written as IPv6 is refused: it looks
/// like a rule about IPv6 and would never match.
pub(super) fn networks(text: &str) -> Option<Vec<IpNet>> {
    text.split(',').map(network).collect()
}

fn network(text: &str) -> Option<IpNet> {
    let (address, prefix) = match text.split_once('/') {
        None => (text, None),
        Some((address, prefix)) => (address, Some(number(prefix)?)),
    };
    let address: IpAddr = address.parse().ok()?;
    if let IpAddr::V6(v6) = address
        && v6.to_ipv4_mapped().is_some()
    {
        return None;
    }
    match prefix {
        None => Some(IpNet::from(address)),
        Some(prefix) => IpNet::new(address, u8::try_from(prefix).ok()?).ok().map(|network| network.trunc()),
    }
}

/// Comma-separated ids: the prefix and 8 to 32 lower-case hexadecimal digits.
pub(super) fn ids(text: &str, prefix: &str) -> Option<Vec<Box<str>>> {
    let valid = |id: &str| {
        id.strip_prefix(prefix).is_some_and(|digits| {
            (8..=32).contains(&digits.len())
                && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        })
    };
    text.split(',').map(|id| valid(id).then(|| Box::from(id))).collect()
}

/// A time in one of the forms of [`parse_time`].
pub(super) fn time(text: &str) -> Option<UnixMillis> {
    parse_time(text)
}

/// `min,max`, with `min` not above `max`.
pub(super) fn range(text: &str) -> Option<RangeInclusive<u64>> {
    let (min, max) = text.split_once(',')?;
    let (min, max) = (number(min)?, number(max)?);
    (min <= max).then_some(min..=max)
}

/// What a link is bound to by its first use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pin {
    /// The address.
    Ip,
    /// The /24 of an IPv4 address, the /64 of an IPv6 one.
    Net,
    /// The VPC endpoint.
    Vpce,
}

/// One of the words of [`Pin`].
pub(super) fn pin(text: &str) -> Option<Pin> {
    match text {
        "ip" => Some(Pin::Ip),
        "net" => Some(Pin::Net),
        "vpce" => Some(Pin::Vpce),
        _ => None,
    }
}

/// 1 to 1000000.
pub(super) fn uses(text: &str) -> Option<u32> {
    number(text).and_then(|uses| u32::try_from(uses).ok()).filter(|uses| (1..=1_000_000).contains(uses))
}

/// 1 to 2^53 - 1: more is no limit, and not every store could count it.
pub(super) fn bytes(text: &str) -> Option<u64> {
    number(text).filter(|bytes| (1..1 << 53).contains(bytes))
}

/// Digits without sign and leading zeros.
fn number(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text.len() == 1 || !text.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}
