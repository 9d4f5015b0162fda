//! Address ranges: strict parsing, and an immutable table that finds the longest prefix around an address.
//! It must not guess what a malformed range could mean, nor treat one address differently for how it was written.

use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;

/// Why a range was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CidrError {
    /// The part before the `/` is no address: octal, hex, short forms and zone ids are none.
    #[error(
        "`{0}` is no IP address or range: write four decimal numbers or an IPv6 address, and a prefix length after `/`"
    )]
    Address(String),
    /// The part after the `/` is no prefix length of that address family.
    #[error("`{0}` has no valid prefix length: write 0 to 32 for IPv4, 0 to 128 for IPv6")]
    Prefix(String),
    /// An IPv4-mapped IPv6 range; such clients are seen as IPv4, so it would match nobody.
    #[error("`{0}` is an IPv4-mapped range: write it as IPv4")]
    Mapped(String),
    /// More ranges than the table can number.
    #[error("more than {} ranges in one table", u32::MAX - 1)]
    TooMany,
}

/// The one reading of an address: an IPv4-mapped IPv6 address (`::ffff:a.b.c.d`, RFC 4291 section 2.5.5.2) is IPv4.
#[must_use]
pub const fn fold_mapped(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

/// Reads `ADDRESS` or `ADDRESS/PREFIX`; host bits are cleared, an address alone is a range of one.
///
/// # Errors
/// [`CidrError`] for anything that is not exactly that, and for IPv4-mapped IPv6.
pub fn parse_net(text: &str) -> Result<IpNet, CidrError> {
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (text, None),
    };
    let address = IpAddr::from_str(address).map_err(|_| CidrError::Address(text.to_owned()))?;
    let net = match prefix {
        None => IpNet::from(address),
        Some(digits) => decimal_prefix(digits)
            .and_then(|length| IpNet::new(address, length).ok())
            .ok_or_else(|| CidrError::Prefix(text.to_owned()))?,
    };
    masked(net).map_err(|_| CidrError::Mapped(text.to_owned()))
}

/// One to three digits without a leading zero.
fn decimal_prefix(digits: &str) -> Option<u8> {
    let plain =
        digits.bytes().all(|byte| byte.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'));
    if plain { digits.parse().ok() } else { None }
}

/// The range with its host bits cleared.
fn masked(net: IpNet) -> Result<IpNet, CidrError> {
    match net {
        IpNet::V6(v6) if v6.addr().to_ipv4_mapped().is_some() => Err(CidrError::Mapped(net.to_string())),
        _ => Ok(net.trunc()),
    }
}

/// An immutable map from ranges to values; a lookup is one binary search, however many ranges nest.
#[derive(Clone, Debug)]
pub struct CidrMap<T> {
    v4: Segments<u32>,
    v6: Segments<u128>,
    entries: Box<[(IpNet, T)]>,
}

impl<T> CidrMap<T> {
    /// Builds the table. Of entries with the same range the first one counts.
    ///
    /// # Errors
    /// [`CidrError::Mapped`] for an IPv4-mapped range, [`CidrError::TooMany`] for more than a `u32` can number.
    pub fn new(entries: impl IntoIterator<Item = (IpNet, T)>) -> Result<Self, CidrError> {
        let entries: Box<[(IpNet, T)]> =
            entries.into_iter().map(|(net, value)| Ok((masked(net)?, value))).collect::<Result<_, _>>()?;
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for (index, (net, _)) in entries.iter().enumerate() {
            let owner =
                u32::try_from(index).ok().filter(|owner| *owner != NOBODY).ok_or(CidrError::TooMany)?;
            match net {
                IpNet::V4(net) => v4.push((net.network().to_bits(), net.broadcast().to_bits(), owner)),
                IpNet::V6(net) => v6.push((net.network().to_bits(), net.broadcast().to_bits(), owner)),
            }
        }
        Ok(Self {
            v4: Segments::new(v4, |key| key.checked_add(1)),
            v6: Segments::new(v6, |key| key.checked_add(1)),
            entries,
        })
    }

    /// The narrowest range that holds the address, and its value.
    #[must_use]
    pub fn find(&self, address: IpAddr) -> Option<(IpNet, &T)> {
        let owner = match fold_mapped(address) {
            IpAddr::V4(address) => self.v4.owner(address.to_bits()),
            IpAddr::V6(address) => self.v6.owner(address.to_bits()),
        }?;
        self.entries.get(usize::try_from(owner).ok()?).map(|(net, value)| (*net, value))
    }

    /// The value of the narrowest range that holds the address.
    #[must_use]
    pub fn get(&self, address: IpAddr) -> Option<&T> {
        self.find(address).map(|(_, value)| value)
    }

    /// The ranges, host bits cleared, in the order given.
    pub fn iter(&self) -> impl Iterator<Item = (IpNet, &T)> {
        self.entries.iter().map(|(net, value)| (*net, value))
    }

    /// The number of ranges.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no range, so that no address is found.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// An immutable set of ranges. An empty set holds nobody.
#[derive(Clone, Debug)]
pub struct CidrSet(CidrMap<()>);

impl CidrSet {
    /// Builds the set.
    ///
    /// # Errors
    /// As [`CidrMap::new`].
    pub fn new(nets: impl IntoIterator<Item = IpNet>) -> Result<Self, CidrError> {
        CidrMap::new(nets.into_iter().map(|net| (net, ()))).map(Self)
    }

    /// Builds the set from text, each item read by [`parse_net`].
    ///
    /// # Errors
    /// The first item that is refused, and as [`CidrMap::new`].
    pub fn parse<'t>(texts: impl IntoIterator<Item = &'t str>) -> Result<Self, CidrError> {
        let nets = texts.into_iter().map(parse_net).collect::<Result<Vec<_>, _>>()?;
        Self::new(nets)
    }

    /// Whether a range holds the address.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.get(address).is_some()
    }

    /// The ranges, host bits cleared, in the order given.
    pub fn iter(&self) -> impl Iterator<Item = IpNet> {
        self.0.iter().map(|(net, ())| net)
    }

    /// The number of ranges.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the set holds nobody.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The owner of the addresses that no range holds.
const NOBODY: u32 = u32::MAX;

/// One address family cut into segments, each owned by the narrowest range around it.
///
/// INVARIANT: `starts` is strictly ascending and as long as `owners`; a segment ends before the next one starts.
#[derive(Clone, Debug)]
struct Segments<K> {
    starts: Vec<K>,
    owners: Vec<u32>,
}

impl<K: Copy + Ord> Segments<K> {
    /// Cuts ranges `(first, last, owner)` that either nest or lie apart, as ranges with a prefix length do.
    fn new(mut ranges: Vec<(K, K, u32)>, next: impl Fn(K) -> Option<K>) -> Self {
        // outer ranges come before what they hold; of equal ones the first given comes last and so is the innermost
        ranges.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)).then(b.2.cmp(&a.2)));
        let mut cut = Self { starts: Vec::new(), owners: Vec::new() };
        let mut open: Vec<(K, u32)> = Vec::new();
        for (first, last, owner) in ranges {
            cut.close(&mut open, Some(first), &next);
            cut.begin(first, owner);
            open.push((last, owner));
        }
        cut.close(&mut open, None, &next);
        cut.starts.shrink_to_fit();
        cut.owners.shrink_to_fit();
        cut
    }

    /// Ends the open ranges that lie wholly before `until`, innermost first; all of them if it is `None`.
    fn close(&mut self, open: &mut Vec<(K, u32)>, until: Option<K>, next: &impl Fn(K) -> Option<K>) {
        while let Some((last, _)) = open.pop_if(|(last, _)| until.is_none_or(|first| *last < first)) {
            if let Some(after) = next(last) {
                self.begin(after, open.last().map_or(NOBODY, |(_, owner)| *owner));
            }
        }
    }

    /// From `start` on the addresses are those of `owner`, until told otherwise.
    fn begin(&mut self, start: K, owner: u32) {
        if self.starts.last() == Some(&start) {
            self.owners.pop();
        } else {
            self.starts.push(start);
        }
        self.owners.push(owner);
    }

    fn owner(&self, key: K) -> Option<u32> {
        let after = self.starts.partition_point(|start| *start <= key);
        self.owners.get(after.checked_sub(1)?).copied().filter(|owner| *owner != NOBODY)
    }
}

#[cfg(test)]
mod tests;
