//! The PROXY protocol header that a load balancer sends before everything else, TLS included.
//! It must not accept one from a peer that is not trusted, nor serve without one where it is required.

use std::time::Duration;

use super::within::within;
use crate::net::ConnFacts;
use crate::net::proxy_protocol::{self, Progress, ProxyHeader};
use crate::net::rules::ListenerRules;
use crate::reason::Reason;
use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// For the whole header, from the beginning of the connection: it is the first thing that the sender has to say.
const LIMIT: Duration = Duration::from_secs(3);

/// Reads the header where the listener requires one, and notes it in `facts`. Of what follows not a byte is taken.
///
/// # Errors
/// [`Reason::ProxyHeader`]: the connection must be closed without an answer, for nobody knows who is there.
pub async fn read<S>(stream: &mut S, facts: &mut ConnFacts, rules: &ListenerRules) -> Result<(), Reason>
where
    S: AsyncRead + Unpin,
{
    let Some(trusted) = rules.proxy_protocol.as_ref() else { return Ok(()) };
    if !trusted.contains(facts.peer.map(|peer| peer.ip())) {
        return Err(Reason::ProxyHeader);
    }
    let header = within(LIMIT, header(stream)).await.ok().flatten().ok_or(Reason::ProxyHeader)?;
    facts.proxy = Some(header);
    Ok(())
}

/// INVARIANT: the parser never asks for a byte that lies after the header.
async fn header<S: AsyncRead + Unpin>(stream: &mut S) -> Option<ProxyHeader> {
    let mut seen = BytesMut::with_capacity(128);
    loop {
        match proxy_protocol::parse(&seen).ok()? {
            Progress::Done { header, .. } => return Some(header),
            Progress::NeedMore(missing) => {
                let missing = u64::try_from(missing).ok()?;
                if !matches!((&mut *stream).take(missing).read_buf(&mut seen).await, Ok(1..)) {
                    return None;
                }
            }
        }
    }
}
