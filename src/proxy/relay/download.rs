//! The body of an answer on its way to the client.
//! It must not let an answer that was cut off look complete.

use super::super::conn::Conn;
use super::super::link::Link;
use super::super::peer::Peer;
use super::{Answer, Failure, Relayed};
use crate::reason::Reason;
use crate::request::framing::{CHUNK_END, Decoder, Framing, LAST_CHUNK, Piece, begin_chunk};
use crate::upstream::rename::Rename;
use tokio::io::{AsyncRead, AsyncWrite};

/// Up to this size head and data leave in one write; larger data is written from where it was read to.
const ONE_WRITE: usize = 64 * 1024;

/// Writes the head that waits in the client's output buffer, and the body behind it.
pub(super) async fn download<S>(
    conn: &mut Conn<S>,
    link: &mut Link,
    peer: &Peer,
    answer: &Answer,
    mut rename: Option<Rename<'_>>,
    relayed: &mut Relayed,
) -> Result<(), Failure>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut decoder = Decoder::new(answer.told);
    loop {
        let used = forward(conn, link.received(), &mut decoder, answer.sent, &mut rename, relayed).await?;
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
        if let Some(rest) = rename.as_mut().map(Rename::rest).filter(|rest| !rest.is_empty()) {
            pass(conn, &rest, answer.sent, relayed).await?;
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
    rename: &mut Option<Rename<'_>>,
    relayed: &mut Relayed,
) -> Result<usize, Failure>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut rest = received;
    while let Piece::Data(data) = decoder.next(&mut rest).map_err(|_| after(Reason::UpstreamProtocol))? {
        match rename {
            None => pass(conn, data, sent, relayed).await?,
            Some(rename) => {
                let mut changed = Vec::new();
                pass(conn, rename.next(data, &mut changed), sent, relayed).await?;
            }
        }
    }
    // the last chunk joins what is waiting
    if !(decoder.is_done() || conn.out.is_empty()) {
        conn.write_out().await.map_err(|_| Failure::client())?;
    }
    Ok(received.len() - rest.len())
}

/// Frames some data for the client; it leaves with the head as long as both are small.
async fn pass<S>(conn: &mut Conn<S>, data: &[u8], sent: Framing, relayed: &mut Relayed) -> Result<(), Failure>
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
    } else if !conn.out.is_empty() && conn.out.len() + data.len() <= ONE_WRITE {
        conn.out.extend_from_slice(data);
    } else {
        conn.write_out().await.map_err(|_| Failure::client())?;
        conn.write(data).await.map_err(|_| Failure::client())?;
    }
    Ok(())
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
