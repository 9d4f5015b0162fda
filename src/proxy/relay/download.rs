//! The body of an answer on its way to the client.
//! It must not let an answer that was cut off look complete.

use super::super::conn::Conn;
use super::super::link::Link;
use super::super::peer::Peer;
use super::{Answer, Failure, LinkLimits, Relayed};
use crate::links::claim::Refusal;
use crate::reason::Reason;
use crate::request::framing::{CHUNK_END, Decoder, Framing, LAST_CHUNK, Piece, begin_chunk};
use crate::store::keeper::Held;
use crate::store::pace::Pace;
use crate::upstream::mapping::rewrite::Rewrite;
use tokio::io::{AsyncRead, AsyncWrite};

/// Up to this size head and data leave in one write; larger data is written from where it was read to.
const ONE_WRITE: usize = 64 * 1024;

/// An answer of unknown length to a client of HTTP/1.0, which takes the end of the connection for that of the answer, waits
/// up to this size: then its length is told, and a failure is an error and no end. What is larger goes as it comes.
const WAITING: usize = 1024 * 1024;

/// What bounds the bytes to a client, and how they are framed.
#[derive(Clone, Copy)]
struct Bounds<'l> {
    pace: &'l Pace,
    /// The most bytes of this answer.
    limit: u64,
    sent: Framing,
}

impl Bounds<'_> {
    fn are_none(self) -> bool {
        self.pace.is_free() && self.limit == u64::MAX
    }
}

/// Writes the head that waits in the client's output buffer, and the body behind it.
pub(super) async fn download<S>(
    conn: &mut Conn<S>,
    link: &mut Link,
    peer: &Peer,
    answer: &Answer,
    (mut rewrite, limits): (Option<Rewrite<'_>>, &LinkLimits<'_>),
    relayed: &mut Relayed,
) -> Result<(), Failure>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut decoder = Decoder::new(answer.told);
    let limit = limits.held.as_ref().and_then(Held::download_limit).unwrap_or(u64::MAX);
    let bounds = Bounds { pace: &limits.pace, limit, sent: answer.sent };
    let head_length = conn.out.len();
    loop {
        let mut rest = link.received();
        loop {
            let data = match decoder.next(&mut rest) {
                Ok(Piece::Data(data)) => data,
                Ok(Piece::NeedMore | Piece::End) => break,
                Err(_) => return Err(failed(conn, answer.sent, Reason::UpstreamProtocol)),
            };
            match &mut rewrite {
                None => pass(conn, data, bounds, relayed).await?,
                Some(rewrite) => {
                    let mut changed = Vec::new();
                    let outcome = rewrite.next(data, &mut changed);
                    pass(conn, &changed, bounds, relayed).await?;
                    if outcome.is_err() {
                        return Err(cut_off(conn, answer.sent, Reason::UpstreamProtocol).await);
                    }
                }
            }
        }
        // the last chunk joins what is waiting
        if !(decoder.is_done() || conn.out.is_empty() || waits(conn, answer.sent, 0)) {
            conn.write_out().await.map_err(|_| Failure::client())?;
        }
        let used = link.received().len() - rest.len();
        link.consume(used);
        if !decoder.is_done() {
            match link.read(peer).await {
                Ok(1..) => continue,
                Ok(_) if decoder.may_close() => {}
                Err(error) if error.kind() == std::io::ErrorKind::TimedOut => {
                    return Err(cut_off(conn, answer.sent, Reason::UpstreamTimeout).await);
                }
                Ok(_) | Err(_) => return Err(cut_off(conn, answer.sent, Reason::UpstreamProtocol).await),
            }
        }
        if let Some(rewrite) = &mut rewrite {
            let mut rest = Vec::new();
            if rewrite.finish(&mut rest).is_err() {
                return Err(cut_off(conn, answer.sent, Reason::UpstreamProtocol).await);
            }
            pass(conn, &rest, bounds, relayed).await?;
        }
        if answer.sent == Framing::Chunked {
            conn.out.extend_from_slice(LAST_CHUNK);
        } else if waits(conn, answer.sent, 0) {
            tell_length(&mut conn.out, head_length);
        }
        return conn.write_out().await.map_err(|_| Failure::client());
    }
}

/// Frames some data for the client, as fast and as far as its bounds allow; it leaves with the head as long as both are
/// small and nothing bounds them.
async fn pass<S>(
    conn: &mut Conn<S>,
    data: &[u8],
    bounds: Bounds<'_>,
    relayed: &mut Relayed,
) -> Result<(), Failure>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    if bounds.are_none() {
        return write(conn, data, bounds.sent, ONE_WRITE, relayed).await;
    }
    let left = usize::try_from(bounds.limit.saturating_sub(relayed.response_bytes)).unwrap_or(usize::MAX);
    let allowed = data.get(..left).unwrap_or(data);
    for piece in allowed.chunks(bounds.pace.piece()) {
        if !bounds.pace.is_free() {
            if !waits(conn, bounds.sent, 0) {
                conn.write_out().await.map_err(|_| Failure::client())?;
            }
            bounds.pace.wait(piece.len()).await;
        }
        write(conn, piece, bounds.sent, 0, relayed).await?;
    }
    if allowed.len() < data.len() {
        return Err(cut_off(conn, bounds.sent, Reason::LinkMaxBytes).await);
    }
    Ok(())
}

/// Frames data and writes it, unless it and what waits before it are no more than `together`.
async fn write<S>(
    conn: &mut Conn<S>,
    data: &[u8],
    sent: Framing,
    together: usize,
    relayed: &mut Relayed,
) -> Result<(), Failure>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    if data.is_empty() {
        // an empty chunk would be the end
        return Ok(());
    }
    relayed.response_bytes += u64::try_from(data.len()).unwrap_or(0);
    if sent == Framing::Chunked {
        begin_chunk(data.len(), &mut conn.out);
        conn.out.extend_from_slice(data);
        conn.out.extend_from_slice(CHUNK_END);
    } else if !conn.out.is_empty() && conn.out.len() + data.len() <= together || waits(conn, sent, data.len())
    {
        conn.out.extend_from_slice(data);
    } else {
        conn.write_out().await.map_err(|_| Failure::client())?;
        conn.write(data).await.map_err(|_| Failure::client())?;
    }
    Ok(())
}

/// Whether the answer is one that waits, and still does with so much more.
fn waits<S>(conn: &Conn<S>, sent: Framing, more: usize) -> bool {
    sent == Framing::UntilClose && !conn.has_answered && conn.out.len() + more <= WAITING
}

/// Adds the length of the body to the head before it.
fn tell_length(out: &mut Vec<u8>, head_length: usize) {
    let field = format!("Content-Length: {}\r\n", out.len().saturating_sub(head_length));
    // before the empty line
    let at = head_length.saturating_sub(2);
    out.splice(at..at, field.bytes());
}

/// What was received so far goes out, then the connection ends without the end of the body; nothing of it, if it waits.
async fn cut_off<S: AsyncRead + AsyncWrite + Unpin>(
    conn: &mut Conn<S>,
    sent: Framing,
    reason: Reason,
) -> Failure {
    if waits(conn, sent, 0) {
        return failed(conn, sent, reason);
    }
    match conn.write_out().await {
        Ok(()) => after(reason),
        Err(_) => Failure::client(),
    }
}

/// A failure of an answer: it can be told as long as nothing was sent.
fn failed<S>(conn: &mut Conn<S>, sent: Framing, reason: Reason) -> Failure {
    if !waits(conn, sent, 0) {
        return after(reason);
    }
    conn.out.clear();
    match reason {
        Reason::LinkMaxBytes => Failure::link(Refusal::Bytes),
        _ => Failure::upstream(reason),
    }
}

/// A failure after the head of the answer was sent: nothing more can be said.
const fn after(reason: Reason) -> Failure {
    Failure { reason, answer: None }
}
