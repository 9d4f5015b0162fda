//! The limits of the config that need to know who signed, and those on bytes: which a request falls under, and what they
//! let through. It must not look at a request itself: whose it is comes from its outcome.

use super::world::Running;
use crate::config::model::rates::Per;
use crate::links::constraint::Constraints;
use crate::links::identity::LinkId;
use crate::links::rate::Rate;
use crate::pipeline::limits::link_name;
use crate::pipeline::{Denial, Outcome};
use crate::reason::Reason;
use crate::s3::error::{ErrorCode, S3Error};
use crate::store::pace::{Pace, Paces};
use std::net::{IpAddr, Ipv6Addr};

/// One rate of the config.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Whose requests share it.
    pub per: Per,
    /// The rate.
    pub rate: Rate,
    /// Whether it counts bytes of bodies, which wait, and not requests, which are refused.
    pub of_bytes: bool,
    /// Its position in the config.
    pub position: usize,
}

/// Whose request it is; equal for all that share a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Whose<'o> {
    Key(&'o str),
    Address(IpAddr),
    Link(LinkId),
}

/// What one request is judged and paced by.
pub(super) struct Quotas<'o, 'r> {
    pub(super) running: &'o Running,
    pub(super) paces: &'o Paces,
    pub(super) outcome: &'o Outcome<'r>,
}

impl<'o> Quotas<'o, '_> {
    /// `None`: the rate is not for this request, since nobody knows whose it is.
    fn whose(&self, per: Per) -> Option<Whose<'o>> {
        match per {
            Per::AccessKeyId => {
                Some(Whose::Key(&self.outcome.credential(&self.running.snapshot)?.access_key_id))
            }
            Per::SourceIp => {
                Some(Whose::Address(shared_address(self.outcome.network.as_ref()?.client_ip()?)))
            }
            Per::Link => Some(Whose::Link(link_name(&self.running.snapshot, self.outcome)?)),
        }
    }

    /// Counts the request; the refusal, and the position of its rule, if a rate has no room for it.
    pub(super) fn refusal(&self) -> Option<(usize, Denial)> {
        for rule in self.running.quotas.iter().filter(|rule| !rule.of_bytes) {
            let Some(whose) = self.whose(rule.per) else { continue };
            if let Err(wait) = self.paces.request(&rule.rate, (rule.position, rule.rate, whose)) {
                let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
                let error = S3Error::new(ErrorCode::SlowDown).retry_after(seconds);
                return Some((rule.position, Denial { reason: Reason::LinkRateLimited, error }));
            }
        }
        None
    }

    /// The rates that its bodies are paced by.
    pub(super) fn pace(&self) -> Pace {
        let mut pace = Pace::default();
        for rule in self.running.quotas.iter().filter(|rule| rule.of_bytes) {
            if let Some(whose) = self.whose(rule.per) {
                self.paces.add(&mut pace, rule.rate, (rule.position, rule.rate, whose));
            }
        }
        let own = self.outcome.constraints.as_ref().and_then(Constraints::rate);
        if let (Some(bytes), Some(whose)) = (own, own.and_then(|_| self.whose(Per::Link))) {
            self.paces.add(&mut pace, Rate::bytes_per_second(bytes), ("own", whose));
        }
        pace
    }
}

/// The address that stands for all that one host can have: an IPv6 host has a /64.
fn shared_address(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        address @ IpAddr::V4(_) => address,
    }
}
