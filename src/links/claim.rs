//! What one request asks of the state of its link: who asks, for how much, and what the link allows in total.
//! It must not know what was used before: the state does.

use super::constraint::{Constraints, Pin};
use super::identity::LinkId;
use crate::clock::UnixMillis;
use crate::net::identity::NetworkIdentity;
use crate::request::method::Method;
use crate::request::{BodyLength, RawRequest};
use crate::s3::error::{ErrorCode, S3Error};
use crate::{auth::Authenticated, reason::Reason};
use std::net::IpAddr;

/// How long after its end the state of a link is kept: by so much may the clocks of gates that share it differ.
pub const CLOCKS_MILLIS: i64 = 15 * 60 * 1000;

/// A request for the state of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkClaim {
    /// The link.
    pub id: LinkId,
    /// Who asks: the address (the /64 of an IPv6 one), and the VPC endpoint if there is one.
    pub client: Box<str>,
    /// For how much.
    pub ask: Ask,
    /// What the link allows in total.
    pub terms: Terms,
}

/// What a link allows in total.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// How many uses.
    pub max_uses: Option<u32>,
    /// How many bytes.
    pub max_bytes: Option<u64>,
    /// The network of this client, if the link is to be bound to that of the first.
    pub network: Option<Box<str>>,
    /// For how long requests of one client are one use, in milliseconds.
    pub grace: u64,
    /// When the state can be forgotten.
    pub until: UnixMillis,
}

/// What a request moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Nothing: a HEAD.
    Look,
    /// Bytes of an answer, at most so many if that is known.
    Download(Option<u64>),
    /// Bytes of a body, exactly so many if that was told.
    Upload(Option<u64>),
}

impl Ask {
    /// What a request moves, as far as its head tells.
    #[must_use]
    pub fn of(request: &RawRequest<'_>) -> Self {
        match request.method {
            Method::Head => Self::Look,
            Method::Get => Self::Download(request.headers.first("range").and_then(range_length)),
            _ => Self::Upload(match (request.body, request.headers.text("x-amz-decoded-content-length")) {
                (BodyLength::None, _) => Some(0),
                // what is inside the framing of a signed body; whoever understates it is stopped there
                (_, Some(length)) => length.parse().ok(),
                (BodyLength::Known(length), None) => Some(length),
                (BodyLength::Chunked, None) => None,
            }),
        }
    }
}

/// The most bytes of `bytes=first-last` or `bytes=-last`; `None` for everything else, which may be the whole object.
fn range_length(value: &[u8]) -> Option<u64> {
    let (first, last) = std::str::from_utf8(value).ok()?.strip_prefix("bytes=")?.split_once('-')?;
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if digits { text.parse::<u64>().ok() } else { None }
    };
    match (first, number(last)?) {
        ("", last) => Some(last),
        (first, last) => last.checked_sub(number(first)?)?.checked_add(1),
    }
}

/// Why a link cannot be used now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// Another network was first.
    #[error("the link is bound to the network of its first user")]
    Pin,
    /// All uses are gone or under way.
    #[error("the link was used as often as it may be")]
    Uses,
    /// All bytes are gone, or too few are left.
    #[error("the link has moved as many bytes as it may")]
    Bytes,
    /// Other requests hold what is left; some of it may come back.
    #[error("other requests hold what is left of the link")]
    Busy,
    /// The network that the link is to be bound to is not known.
    #[error("the network that the link is bound to by its first use is not known")]
    UnknownNetwork,
}

impl Refusal {
    /// The reason that stands for it.
    #[must_use]
    pub const fn reason(self) -> Reason {
        match self {
            Self::Pin | Self::UnknownNetwork => Reason::LinkPin,
            Self::Uses => Reason::LinkMaxUses,
            Self::Bytes => Reason::LinkMaxBytes,
            Self::Busy => Reason::LinkBusy,
        }
    }

    /// The answer: nothing about the link, but for one that is worth another try.
    #[must_use]
    pub const fn s3(self) -> S3Error {
        match self {
            Self::Busy => S3Error::new(ErrorCode::SlowDown).retry_after(1),
            _ => S3Error::new(ErrorCode::AccessDenied),
        }
    }
}

impl LinkClaim {
    /// The claim of a request; `None` if its link limits nothing that needs state.
    ///
    /// # Errors
    /// [`Refusal::UnknownNetwork`] if the link is to be bound to a network that nobody knows.
    pub fn of(
        id: LinkId,
        constraints: &Constraints,
        request: &RawRequest<'_>,
        signature: &Authenticated<'_>,
        network: &NetworkIdentity,
        rules: &super::LinkRules,
    ) -> Result<Option<Self>, Refusal> {
        if !constraints.needs_state() {
            return Ok(None);
        }
        let address = network.client_ip();
        let pinned = constraints.pin().map(|pin| {
            let known = match pin {
                Pin::Ip => address.map(|address| address.to_canonical().to_string()),
                Pin::Net => address.map(network_of),
                Pin::Vpce => network.source_vpce().map(str::to_owned),
            };
            known.map(String::into_boxed_str).ok_or(Refusal::UnknownNetwork)
        });
        let end =
            signature.expires_at.unwrap_or_else(|| signature.signed_at.plus_millis(rules.skew_millis()));
        Ok(Some(Self {
            id,
            client: client(network.source_vpce(), address),
            ask: Ask::of(request),
            terms: Terms {
                max_uses: constraints.max_uses(),
                max_bytes: constraints.max_bytes(),
                network: pinned.transpose()?,
                grace: u64::try_from(rules.grace.as_millis()).unwrap_or(u64::MAX),
                until: end.plus_millis(CLOCKS_MILLIS),
            },
        }))
    }
}

/// Who counts as one client.
fn client(vpce: Option<&str>, address: Option<IpAddr>) -> Box<str> {
    let address = match address.map(|address| address.to_canonical()) {
        None => String::new(),
        Some(address @ IpAddr::V4(_)) => address.to_string(),
        Some(address @ IpAddr::V6(_)) => network_of(address),
    };
    match vpce {
        None => address.into_boxed_str(),
        Some(vpce) => format!("{vpce} {address}").into_boxed_str(),
    }
}

/// The /24 of an IPv4 address, the /64 of an IPv6 one.
fn network_of(address: IpAddr) -> String {
    let address = address.to_canonical();
    let prefix = if address.is_ipv4() { 24 } else { 64 };
    match ipnet::IpNet::new(address, prefix) {
        Ok(network) => network.trunc().to_string(),
        Err(_) => address.to_string(),
    }
}

#[cfg(test)]
mod tests;
