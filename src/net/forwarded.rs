//! The client behind trusted HTTP proxies, from X-Forwarded-For or RFC 7239 Forwarded.
//! It must not believe a hop that the hops to its right do not vouch for, nor pass over one that it cannot read.

mod element;
mod hop;

use std::net::IpAddr;

use smallvec::SmallVec;

use super::cidr::CidrSet;
use crate::field::trim;

/// The header in which trusted peers tell the client's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForwardedHeader {
    /// `X-Forwarded-For`, with `X-Forwarded-Proto` for the scheme.
    XForwardedFor,
    /// `Forwarded` of RFC 7239, which tells the scheme itself.
    Forwarded,
}

impl ForwardedHeader {
    /// The name in lower case, as in requests and in the config.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::XForwardedFor => "x-forwarded-for",
            Self::Forwarded => "forwarded",
        }
    }
}

/// The header in which trusted peers that write X-Forwarded-For tell the client's scheme.
pub const PROTO_HEADER: &str = "x-forwarded-proto";

/// The client as the trusted hops tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForwardedClient {
    /// The address nearest to the gate that is not a trusted proxy; the farthest one if all are.
    pub address: IpAddr,
    /// The scheme that this client used, if the hops tell it.
    pub proto: Option<Proto>,
}

/// The scheme of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proto {
    /// Cleartext.
    Http,
    /// TLS.
    Https,
}

impl Proto {
    fn read(value: &[u8]) -> Result<Self, ForwardedError> {
        if value.eq_ignore_ascii_case(b"https") {
            Ok(Self::Https)
        } else if value.eq_ignore_ascii_case(b"http") {
            Ok(Self::Http)
        } else {
            Err(ForwardedError::Proto)
        }
    }
}

/// Why what trusted peers forwarded cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ForwardedError {
    /// A hop is empty, `unknown`, obfuscated, or no address with an optional port.
    #[error("a hop of the forwarded-address header is no IP address")]
    Hop,
    /// The header breaks the syntax of RFC 7239, or an element repeats a parameter.
    #[error("the Forwarded header is malformed")]
    Syntax,
    /// A scheme is neither `http` nor `https`.
    #[error("a forwarded scheme is neither `http` nor `https`")]
    Proto,
    /// There are several schemes, but none for the client.
    #[error("the forwarded schemes do not tell that of the client")]
    ProtoMissing,
}

/// The client according to X-Forwarded-For, all lines in order, and X-Forwarded-Proto; `None` if there is no address.
///
/// Of several schemes the one counts that stands as far from the right as the client does, since each proxy adds both
/// at the right; a single one counts for the client.
///
/// # Errors
/// [`ForwardedError`] if anything in either header cannot be read, wherever it stands.
pub fn x_forwarded_for<'h>(
    lines: impl Iterator<Item = &'h [u8]>,
    protos: impl Iterator<Item = &'h [u8]>,
    trusted: &CidrSet,
) -> Result<Option<ForwardedClient>, ForwardedError> {
    let mut walk = Walk::default();
    for text in items(lines) {
        walk.push(ForwardedClient { address: hop::in_x_forwarded_for(text)?, proto: None }, trusted);
    }
    let protos = items(protos).map(Proto::read).collect::<Result<SmallVec<[Proto; 4]>, _>>()?;
    let Some((client, distance)) = walk.client() else { return Ok(None) };
    let proto = match protos[..] {
        [] => None,
        [only] => Some(only),
        _ => Some(protos.iter().rev().nth(distance).copied().ok_or(ForwardedError::ProtoMissing)?),
    };
    Ok(Some(ForwardedClient { proto, ..client }))
}

/// The client according to Forwarded (RFC 7239 section 4), all lines in order; `None` if there is none.
///
/// # Errors
/// [`ForwardedError`] if anything in the header cannot be read, wherever it stands; each element must tell `for`.
pub fn forwarded<'h>(
    lines: impl Iterator<Item = &'h [u8]>,
    trusted: &CidrSet,
) -> Result<Option<ForwardedClient>, ForwardedError> {
    let mut walk = Walk::default();
    for line in lines {
        for element in element::Elements::of(line) {
            let element = element?;
            let address = hop::in_forwarded(element.node.ok_or(ForwardedError::Hop)?)?;
            walk.push(ForwardedClient { address, proto: element.proto }, trusted);
        }
    }
    Ok(walk.client().map(|(client, _)| client))
}

/// The items of comma-separated lines, without the white space around them.
fn items<'h>(lines: impl Iterator<Item = &'h [u8]>) -> impl Iterator<Item = &'h [u8]> {
    lines.flat_map(|line| line.split(|byte| *byte == b',')).map(trim)
}

/// The walk over the hops. They come from the left, the far end; what it keeps is what a walk from the right finds.
#[derive(Debug, Default)]
struct Walk {
    count: usize,
    farthest: Option<ForwardedClient>,
    /// With its position from the left.
    nearest_untrusted: Option<(ForwardedClient, usize)>,
}

impl Walk {
    /// Takes the next hop to the right.
    fn push(&mut self, hop: ForwardedClient, trusted: &CidrSet) {
        self.farthest.get_or_insert(hop);
        if !trusted.contains(hop.address) {
            self.nearest_untrusted = Some((hop, self.count));
        }
        self.count += 1;
    }

    /// The client, and the number of hops to its right.
    fn client(&self) -> Option<(ForwardedClient, usize)> {
        let (hop, position) = self.nearest_untrusted.or_else(|| self.farthest.map(|hop| (hop, 0)))?;
        Some((hop, self.count - 1 - position))
    }
}

#[cfg(test)]
mod tests;
