//! The PROXY protocol header that a load balancer sends before the first request.
//! It must not accept one from a peer that is not trusted, nor serve without one where it is required.

use super::conn::Conn;
use crate::net::ConnFacts;
use crate::net::proxy_protocol::{self, Progress};
use crate::net::rules::ListenerRules;
use crate::reason::Reason;
use bytes::Buf as _;
use pingora_timeout::fast_timeout::fast_timeout;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};

/// Reads the header where the listener requires one, and notes it in `facts`.
///
/// # Errors
/// [`Reason::ProxyHeader`]: the connection must be closed without an answer, for nobody knows who is there.
pub async fn read<S>(conn: &mut Conn<S>, facts: &mut ConnFacts, rules: &ListenerRules) -> Result<(), Reason>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let Some(trusted) = rules.proxy_protocol.as_ref() else { return Ok(()) };
    let is_trusted = facts.peer.is_some_and(|peer| trusted.contains(peer.ip()));
    if !is_trusted {
        return Err(Reason::ProxyHeader);
    }
    let limit = conn.limits.header_time;
    let header = fast_timeout(limit, header(conn)).await.ok().flatten().ok_or(Reason::ProxyHeader)?;
    facts.proxy = Some(header);
    Ok(())
}

async fn header<S: AsyncRead + AsyncWrite + Unpin>(
    conn: &mut Conn<S>,
) -> Option<proxy_protocol::ProxyHeader> {
    loop {
        match proxy_protocol::parse(&conn.input).ok()? {
            Progress::Done { header, len } => {
                conn.input.advance(len);
                return Some(header);
            }
            Progress::NeedMore(_) => {
                conn.input.reserve(512);
                if !matches!(conn.stream.read_buf(&mut conn.input).await, Ok(1..)) {
                    return None;
                }
            }
        }
    }
}
