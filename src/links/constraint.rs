//! The constraints that a link carries in signed `x-gate-` query parameters; each can only narrow.
//! It must not ignore one that it does not know, nor take an unknown fact for a good one.

mod error;
mod value;

pub use error::ConstraintError;
pub use value::Pin;

use crate::clock::UnixMillis;
use crate::request::query::Query;
use ipnet::IpNet;
use std::net::IpAddr;
use std::ops::RangeInclusive;

/// What the names of all constraints begin with.
pub const PREFIX: &str = "x-gate-";

macro_rules! constraints {
    ($($variant:ident $name:literal $text:literal)*) => {
        /// A constraint by name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Constraint { $(#[doc = $text] $variant,)* }

        impl Constraint {
            /// Every constraint, in the order in which they are checked.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The query parameter.
            #[must_use]
            pub const fn parameter(self) -> &'static str {
                match self { $(Self::$variant => concat!("x-gate-", $name),)* }
            }

            /// What it means, for people.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    };
}

constraints! {
    SourceIp "source-ip" "comma-separated addresses or CIDRs; the request must come from one"
    SourceVpc "source-vpc" "comma-separated ids of VPCs; the request must come through one"
    SourceVpce "source-vpce" "comma-separated ids of VPC endpoints; the request must come through one"
    NotBefore "not-before" "a time; earlier use is refused"
    ContentLengthRange "content-length-range" "`min,max`: the size of an upload in bytes, ends included"
    Pin "pin" "`ip`, `net` or `vpce`: the first user's network becomes the only one"
    MaxUses "max-uses" "deliveries, 1 to 1000000"
    MaxBytes "max-bytes" "bytes sent to or taken from clients in total, 1 or more"
    Rate "rate" "bytes per second, 1 or more"
}

/// The constraints of one link.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Constraints {
    source_ip: Option<Vec<IpNet>>,
    source_vpc: Option<Vec<Box<str>>>,
    source_vpce: Option<Vec<Box<str>>>,
    not_before: Option<UnixMillis>,
    content_length: Option<RangeInclusive<u64>>,
    pin: Option<Pin>,
    max_uses: Option<u32>,
    max_bytes: Option<u64>,
    rate: Option<u64>,
}

/// What is known about a request when its constraints are checked. `None` is "not known".
#[derive(Clone, Copy, Debug)]
pub struct LinkFacts<'f> {
    /// The address that the request came from.
    pub source_ip: Option<IpAddr>,
    /// The VPC that it came from.
    pub source_vpc: Option<&'f str>,
    /// The VPC endpoint that it came through.
    pub source_vpce: Option<&'f str>,
    /// The time of the request.
    pub now: UnixMillis,
    /// The size of the upload.
    pub upload: UploadLength,
}

/// What is known of the size of an upload before it arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UploadLength {
    /// The request is no upload, and no size is asked of it.
    NoUpload,
    /// So many bytes, without chunk framing.
    Told(u64),
    /// The client does not tell.
    Unknown,
}

impl Constraints {
    /// Reads the constraints of a query.
    ///
    /// # Errors
    /// [`ConstraintError`] for one that is unknown, spelled otherwise than in plain lower case, malformed or repeated.
    pub fn parse(query: &Query<'_>) -> Result<Self, ConstraintError> {
        let mut constraints = Self::default();
        for param in query.iter().filter(|param| is_gate_name(param.name.decoded())) {
            // another letter case or an escape would be another parameter to whoever reads the bytes
            constraints.add(param.name.raw(), param.value.decoded())?;
        }
        Ok(constraints)
    }

    /// Reads the constraints among the fields of a signed form, names and values as they were sent.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn from_fields<'f>(
        fields: impl IntoIterator<Item = (&'f [u8], &'f [u8])>,
    ) -> Result<Self, ConstraintError> {
        let mut constraints = Self::default();
        for (name, value) in fields.into_iter().filter(|(name, _)| is_gate_name(name)) {
            constraints.add(name, value)?;
        }
        Ok(constraints)
    }

    /// Whether a decoded name is that of a constraint or looks like one.
    #[must_use]
    pub fn claims(name: &[u8]) -> bool {
        is_gate_name(name)
    }

    fn add(&mut self, name: &[u8], value: &[u8]) -> Result<(), ConstraintError> {
        let found = Constraint::ALL.iter().find(|known| known.parameter().as_bytes() == name);
        self.set(*found.ok_or_else(|| ConstraintError::unknown(name))?, value)
    }

    /// Refuses a query that carries a constraint: signatures of SigV2 do not cover it.
    ///
    /// # Errors
    /// [`ConstraintError::Unknown`] for the first one.
    pub fn refuse_all(query: &Query<'_>) -> Result<(), ConstraintError> {
        match query.iter().find(|param| is_gate_name(param.name.decoded())) {
            Some(param) => Err(ConstraintError::unknown(param.name.raw())),
            None => Ok(()),
        }
    }

    fn set(&mut self, constraint: Constraint, value: &[u8]) -> Result<(), ConstraintError> {
        let malformed = || ConstraintError::Malformed(constraint);
        let text = std::str::from_utf8(value).map_err(|_| malformed())?;
        let repeated = match constraint {
            Constraint::SourceIp => {
                self.source_ip.replace(value::networks(text).ok_or_else(malformed)?).is_some()
            }
            Constraint::SourceVpc => {
                self.source_vpc.replace(value::ids(text, "vpc-").ok_or_else(malformed)?).is_some()
            }
            Constraint::SourceVpce => {
                self.source_vpce.replace(value::ids(text, "vpce-").ok_or_else(malformed)?).is_some()
            }
            Constraint::NotBefore => {
                self.not_before.replace(value::time(text).ok_or_else(malformed)?).is_some()
            }
            Constraint::ContentLengthRange => {
                self.content_length.replace(value::range(text).ok_or_else(malformed)?).is_some()
            }
            Constraint::Pin => self.pin.replace(value::pin(text).ok_or_else(malformed)?).is_some(),
            Constraint::MaxUses => self.max_uses.replace(value::uses(text).ok_or_else(malformed)?).is_some(),
            Constraint::MaxBytes => {
                self.max_bytes.replace(value::bytes(text).ok_or_else(malformed)?).is_some()
            }
            Constraint::Rate => self.rate.replace(value::bytes(text).ok_or_else(malformed)?).is_some(),
        };
        if repeated { Err(ConstraintError::Repeated(constraint)) } else { Ok(()) }
    }

    /// Whether the link carries this constraint.
    #[must_use]
    pub const fn has(&self, constraint: Constraint) -> bool {
        match constraint {
            Constraint::SourceIp => self.source_ip.is_some(),
            Constraint::SourceVpc => self.source_vpc.is_some(),
            Constraint::SourceVpce => self.source_vpce.is_some(),
            Constraint::NotBefore => self.not_before.is_some(),
            Constraint::ContentLengthRange => self.content_length.is_some(),
            Constraint::Pin => self.pin.is_some(),
            Constraint::MaxUses => self.max_uses.is_some(),
            Constraint::MaxBytes => self.max_bytes.is_some(),
            Constraint::Rate => self.rate.is_some(),
        }
    }

    /// Whether the link carries no constraint.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        Constraint::ALL.iter().all(|constraint| !self.has(*constraint))
    }

    /// The first constraint that something has to be counted for: what is moved, how often, how fast, or who was first.
    #[must_use]
    pub fn counted(&self) -> Option<Constraint> {
        let counted = [Constraint::MaxUses, Constraint::MaxBytes, Constraint::Pin, Constraint::Rate];
        counted.into_iter().find(|constraint| self.has(*constraint))
    }

    /// The sizes that an upload may have, to be held against the bytes as they stream.
    #[must_use]
    pub const fn content_length_range(&self) -> Option<&RangeInclusive<u64>> {
        self.content_length.as_ref()
    }

    /// The kind of network that the first user binds the link to.
    #[must_use]
    pub const fn pin(&self) -> Option<Pin> {
        self.pin
    }

    /// How often the link may be used, 1 to 1000000.
    #[must_use]
    pub const fn max_uses(&self) -> Option<u32> {
        self.max_uses
    }

    /// How many bytes the link may move in total.
    #[must_use]
    pub const fn max_bytes(&self) -> Option<u64> {
        self.max_bytes
    }

    /// How many bytes the link may move in a second.
    #[must_use]
    pub const fn rate(&self) -> Option<u64> {
        self.rate
    }

    /// Whether one of them depends on how the link was used before.
    #[must_use]
    pub const fn needs_state(&self) -> bool {
        self.pin.is_some() || self.max_uses.is_some() || self.max_bytes.is_some()
    }

    /// Checks every constraint that this request alone can answer; an unknown fact meets none.
    ///
    /// # Errors
    /// [`ConstraintError`] for the first one, in the order of [`Constraint::ALL`], that is not met.
    pub fn check(&self, facts: &LinkFacts<'_>) -> Result<(), ConstraintError> {
        if let Some(networks) = &self.source_ip {
            // a dual-stack socket shows an IPv4 peer as a mapped address
            let address = facts.source_ip.map(|address| address.to_canonical());
            let inside =
                address.is_some_and(|address| networks.iter().any(|network| network.contains(&address)));
            unmet_unless(inside, Constraint::SourceIp)?;
        }
        let among =
            |ids: &[Box<str>], id: Option<&str>| id.is_some_and(|id| ids.iter().any(|known| **known == *id));
        if let Some(ids) = &self.source_vpc {
            unmet_unless(among(ids, facts.source_vpc), Constraint::SourceVpc)?;
        }
        if let Some(ids) = &self.source_vpce {
            unmet_unless(among(ids, facts.source_vpce), Constraint::SourceVpce)?;
        }
        if let Some(not_before) = self.not_before {
            unmet_unless(facts.now >= not_before, Constraint::NotBefore)?;
        }
        match (&self.content_length, facts.upload) {
            (None, _) | (_, UploadLength::NoUpload) => Ok(()),
            (Some(range), UploadLength::Told(length)) => check_length(range, length),
            (Some(_), UploadLength::Unknown) => Err(ConstraintError::UnknownLength),
        }
    }
}

/// Checks the size of an upload against the range that a link sets.
///
/// # Errors
/// [`ConstraintError::TooLarge`], [`ConstraintError::TooSmall`].
pub fn check_length(range: &RangeInclusive<u64>, proposed: u64) -> Result<(), ConstraintError> {
    if proposed > *range.end() {
        Err(ConstraintError::TooLarge { proposed, max: *range.end() })
    } else if proposed < *range.start() {
        Err(ConstraintError::TooSmall { proposed, min: *range.start() })
    } else {
        Ok(())
    }
}

const fn unmet_unless(met: bool, constraint: Constraint) -> Result<(), ConstraintError> {
    if met { Ok(()) } else { Err(ConstraintError::Unmet(constraint)) }
}

/// Whether a decoded name is meant as one of ours, in whatever letter case.
fn is_gate_name(name: &[u8]) -> bool {
    name.get(..PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(PREFIX.as_bytes()))
}

#[cfg(test)]
mod tests;
