//! The body of an answer on its way to the client.
//! It must not let an answer that was cut off look complete.

use super::super::conn::Conn;
use super::super::link::Link;
use super::super::peer::Peer;
use super::{Answer, Failure, LinkLimits, Relayed};
use crate::reason::Reason;
use crate::request::framing::{CHUNK_END, Decoder, Framing, LAST_CHUNK, Piece, begin_chunk};
use crate::store::keeper::Held;
use crate::store::pace::Pace;
use tokio::io::{AsyncRead, AsyncWrite};

/// Up to this size head and data leave in one write; larger data is written from where it was read to.
const ONE_WRITE: usize = 64 * 1024;

/// Writes the head that waits in the client's output buffer, and the body behind it.
pub(super) async fn download<S>(
    conn: &mut Conn<S>,
    link: &mut Link,
    peer: &Peer,
    answer: &Answer,
    limits: &LinkLimits<'_>,
    relayed: &mut Relayed,
) -> Result<(), Failure>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut decoder = Decoder::new(answer.told);
    let limit = limits.held.as_ref().and_then(Held::download_limit).unwrap_or(u64::MAX);
    loop {
        let used = if limits.pace.is_free() && limit == u64::MAX {
            forward(conn, link.received(), &mut decoder, answer.sent, relayed).await?
        } else {
            let limits = (&limits.pace, limit);
            forward_limited(conn, link.received(), &mut decoder, answer.sent, limits, relayed).await?
        };
        link.consume(used);
        if !decoder.is_done() {
            match link.read(peer).await {
                Ok(1..) => continue,
                Ok(_) if decoder.may_close() => {}
                Err(error) if error.kind() == std::io::ErrorKind::TimedOut => {
                    return Err(cut_off(conn, Reason::UpstreamTimeout).await);
                }
                Ok(_) | Err(_) => return Err(cut_off(conn, Reason::UpstreamProtocol).await),
            }
        }
        if answer.sent == Framing::Chunked {
            conn.out.extend_from_slice(LAST_CHUNK);
        }
        return conn.write_out().await.map_err(|_| Failure::client());
    }
}

/// Forwards what was received; gives the number of bytes used.
async fn forward<S>(
    conn: &mut Conn<S>,
    received: &[u8],
    decoder: &mut Decoder,
    sent: Framing,
    relayed: &mut Relayed,
) -> Result<usize, Failure>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut rest = received;
    while let Piece::Data(data) = decoder.next(&mut rest).map_err(|_| after(Reason::UpstreamProtocol))? {
        relayed.response_bytes += u64::try_from(data.len()).unwrap_or(0);
        if sent == Framing::Chunked {
            begin_chunk(data.len(), &mut conn.out);
            conn.out.extend_from_slice(data);
            conn.out.extend_from_slice(CHUNK_END);
        } else if !conn.out.is_empty() && conn.out.len() + data.len() <= ONE_WRITE {
            conn.out.extend_from_slice(data);
        } else {
            conn.write_out().await.map_err(|_| Failure::client())?;
            conn.write(data).await.map_err(|_| Failure::client())?;
        }
    }
    // the last chunk joins what is waiting
    if !(decoder.is_done() || conn.out.is_empty()) {
        conn.write_out().await.map_err(|_| Failure::client())?;
    }
    Ok(received.len() - rest.len())
}

/// As [`forward`], in pieces that the rates allow and no further than the limit; the head goes first.
async fn forward_limited<S>(
    conn: &mut Conn<S>,
    received: &[u8],
    decoder: &mut Decoder,
    sent: Framing,
    (pace, limit): (&Pace, u64),
    relayed: &mut Relayed,
) -> Result<usize, Failure>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut rest = received;
    while let Piece::Data(data) = decoder.next(&mut rest).map_err(|_| after(Reason::UpstreamProtocol))? {
        let left = usize::try_from(limit.saturating_sub(relayed.response_bytes)).unwrap_or(usize::MAX);
        let allowed = data.get(..left).unwrap_or(data);
        for piece in allowed.chunks(pace.piece()) {
            if !pace.is_free() {
                conn.write_out().await.map_err(|_| Failure::client())?;
                pace.wait(piece.len()).await;
            }
            relayed.response_bytes += u64::try_from(piece.len()).unwrap_or(0);
            if sent == Framing::Chunked {
                begin_chunk(piece.len(), &mut conn.out);
                conn.out.extend_from_slice(piece);
                conn.out.extend_from_slice(CHUNK_END);
            } else {
                conn.write_out().await.map_err(|_| Failure::client())?;
                conn.write(piece).await.map_err(|_| Failure::client())?;
            }
        }
        if allowed.len() < data.len() {
            return Err(cut_off(conn, Reason::LinkMaxBytes).await);
        }
    }
    if !(decoder.is_done() || conn.out.is_empty()) {
        conn.write_out().await.map_err(|_| Failure::client())?;
    }
    Ok(received.len() - rest.len())
}

/// What was received so far goes out, then the connection ends without the end of the body.
async fn cut_off<S: AsyncRead + AsyncWrite + Unpin>(conn: &mut Conn<S>, reason: Reason) -> Failure {
    match conn.write_out().await {
        Ok(()) => after(reason),
        Err(_) => Failure::client(),
    }
}

/// A failure after the head of the answer was sent: nothing more can be said.
const fn after(reason: Reason) -> Failure {
    Failure { reason, answer: None }
}
