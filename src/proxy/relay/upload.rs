//! The request body on its way to S3, judged as it passes.
//! It must not write the bytes that complete a body before [`BodyGuard::finish`] agreed.

use super::super::buffers::Filled;
use super::super::conn::Conn;
use super::super::link::{First, Link};
use super::super::peer::Peer;
use super::{Failure, Relayed, Request, skip_interim};
use crate::reason::Reason;
use crate::request::framing::{Decoder, Encoder, Framing, Piece};
use crate::s3::error::{ErrorCode, S3Error};
use crate::upstream::body::guard::BodyGuard;
use crate::upstream::plan::Carriage;
use bytes::BytesMut;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};

/// For how long the upstream may keep silent before the gate itself asks a waiting client for its body.
const CONTINUE_AFTER: Duration = Duration::from_secs(1);

/// A body between the framing of the client and that of the upstream.
struct Flow<'r> {
    decoder: Decoder,
    guard: BodyGuard<'r>,
    sent: Framing,
}

/// One upload on its way.
struct Upload<'u, S> {
    conn: &'u mut Conn<S>,
    link: &'u mut Link,
    peer: &'u Peer,
    /// Whether the client still waits to be told to continue.
    waiting: bool,
}

/// Whether the upstream still wants the body.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Yes,
    /// It has answered already.
    Answered,
}

/// Sends head and body. Gives whether all of the body was sent; if not, the final answer has begun to arrive.
pub(super) async fn upload<S>(
    conn: &mut Conn<S>,
    link: &mut Link,
    peer: &Peer,
    request: Request<'_>,
    relayed: &mut Relayed,
) -> Result<bool, Failure>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut flow = Flow::new(request.carriage);
    let waiting = request.carriage.expects_continue && conn.input.is_empty();
    let mut upload = Upload { conn, link, peer, waiting };
    let outcome = upload.run(request, &mut flow).await;
    (relayed.request_bytes, relayed.data_bytes) = (flow.guard.seen(), flow.guard.data());
    outcome
}

/// Reads and judges a small body before the upstream hears of the request; gives head and body.
pub(super) async fn collect<S>(
    conn: &mut Conn<S>,
    request: Request<'_>,
    relayed: &mut Relayed,
) -> Result<Vec<u8>, Failure>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut flow = Flow::new(request.carriage);
    let mut outgoing = request.head.to_vec();
    let outcome = flow.collect(conn, request, &mut outgoing).await;
    (relayed.request_bytes, relayed.data_bytes) = (flow.guard.seen(), flow.guard.data());
    if let Some(replacement) = &request.carriage.replacement {
        // what the client sent was judged; the store gets the same with its own names
        outgoing.truncate(request.head.len());
        outgoing.extend_from_slice(&replacement.body);
    }
    outcome.map(|()| outgoing)
}

/// Sends what [`collect`] gave. Gives whether all of it was sent.
pub(super) async fn send<S>(
    conn: &mut Conn<S>,
    link: &mut Link,
    peer: &Peer,
    mut outgoing: Vec<u8>,
) -> Result<bool, Failure>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut upload = Upload { conn, link, peer, waiting: false };
    Ok(upload.send(&mut outgoing).await? == Wanted::Yes)
}

impl<'r> Flow<'r> {
    fn new(carriage: &'r Carriage) -> Self {
        let decoder = Decoder::new(carriage.framing);
        Self { decoder, guard: BodyGuard::new(&carriage.rules), sent: carriage.sent }
    }

    /// Takes what `rest` holds of the body, judges it, and frames it for the upstream. With nothing in `rest`, ends a
    /// body that is empty.
    ///
    /// INVARIANT: when this fails, nothing that it appended leaves; when it ends the body, all of it was found right.
    fn take(&mut self, rest: &mut &[u8], outgoing: &mut Vec<u8>) -> Result<(), Failure> {
        let mut out = Encoder::new(self.sent, outgoing);
        loop {
            match self.decoder.next(rest).map_err(|_| malformed())? {
                Piece::NeedMore => return Ok(()),
                Piece::Data(data) => self.guard.take(data, &mut out)?,
                Piece::End => return Ok(self.guard.finish(&mut out)?),
            }
        }
    }

    async fn collect<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        conn: &mut Conn<S>,
        request: Request<'_>,
        outgoing: &mut Vec<u8>,
    ) -> Result<(), Failure> {
        self.take(&mut &[][..], outgoing)?;
        if request.carriage.expects_continue && conn.input.is_empty() && !self.decoder.is_done() {
            conn.invite().await.map_err(|_| Failure::client())?;
        }
        while !self.decoder.is_done() {
            let read = conn.read_body(request.limits.pace.piece()).await.map_err(|_| Failure::client())?;
            request.limits.pace.wait(read.len()).await;
            let mut rest = &read[..];
            if rest.is_empty() {
                return Err(Failure::client());
            }
            self.take(&mut rest, outgoing)?;
            put_back(conn, rest);
        }
        Ok(())
    }
}

fn malformed() -> Failure {
    Failure { reason: Reason::BadFraming, answer: Some(S3Error::new(ErrorCode::IncompleteBody)) }
}

/// Gives bytes behind the body back: they begin the next request.
fn put_back<S>(conn: &mut Conn<S>, rest: &[u8]) {
    if !rest.is_empty() {
        let mut input = BytesMut::from(rest);
        input.extend_from_slice(&conn.input);
        conn.input = input;
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Upload<'_, S> {
    async fn run(&mut self, request: Request<'_>, flow: &mut Flow<'_>) -> Result<bool, Failure> {
        // the head leaves with the first bytes of the body if they are there already
        let mut outgoing = request.head.to_vec();
        flow.take(&mut &[][..], &mut outgoing)?;
        loop {
            if !flow.decoder.is_done() {
                if self.conn.input.is_empty() && self.send(&mut outgoing).await? == Wanted::Answered {
                    return Ok(false);
                }
                let Some(read) = self.receive(request.limits.pace.piece()).await? else { return Ok(false) };
                request.limits.pace.wait(read.len()).await;
                let mut rest = &read[..];
                flow.take(&mut rest, &mut outgoing)?;
                put_back(self.conn, rest);
            }
            if self.send(&mut outgoing).await? == Wanted::Answered {
                return Ok(false);
            }
            if flow.decoder.is_done() {
                return Ok(true);
            }
        }
    }

    /// The next bytes of the client; `None` if the upstream has answered.
    async fn receive(&mut self, most: usize) -> Result<Option<Filled>, Failure> {
        if let Some(read) = self.conn.take_input(most) {
            return Ok(Some(read));
        }
        loop {
            let limit = if self.waiting { CONTINUE_AFTER } else { self.conn.limits.read };
            match self.link.read_listening(&mut self.conn.stream, most, limit).await {
                Ok(Some(read)) if read.is_empty() => return Err(Failure::client()),
                Ok(Some(read)) => {
                    self.waiting = false;
                    return Ok(Some(read));
                }
                Ok(None) if self.heed().await? == Wanted::Answered => return Ok(None),
                Ok(None) => {}
                Err(error) if self.waiting && error.kind() == std::io::ErrorKind::TimedOut => {
                    self.tell_to_continue().await?;
                }
                Err(_) => return Err(Failure::client()),
            }
        }
    }

    /// Writes and empties `outgoing`.
    async fn send(&mut self, outgoing: &mut Vec<u8>) -> Result<Wanted, Failure> {
        let mut rest = &outgoing[..];
        while !rest.is_empty() {
            match self.link.write_listening(rest, self.peer.timeouts().write).await {
                Ok(First::Moved(length @ 1..)) => rest = rest.get(length..).unwrap_or_default(),
                Ok(First::Moved(_)) => return Err(Failure::upstream(Reason::UpstreamProtocol)),
                Ok(First::Spoke) if self.heed().await? == Wanted::Answered => return Ok(Wanted::Answered),
                Ok(First::Spoke) => {}
                Err(error) => return Err(Failure::reading(&error)),
            }
        }
        outgoing.clear();
        tokio::io::AsyncWriteExt::flush(&mut self.link.stream)
            .await
            .map_err(|error| Failure::reading(&error))?;
        Ok(Wanted::Yes)
    }

    /// Looks at what the upstream said while the body is under way.
    async fn heed(&mut self) -> Result<Wanted, Failure> {
        if self.link.received().is_empty() {
            // it closed without a word
            return Err(Failure::upstream(Reason::UpstreamProtocol));
        }
        let (continued, answered) = skip_interim(self.link)?;
        if continued && self.waiting {
            self.tell_to_continue().await?;
        }
        Ok(if answered { Wanted::Answered } else { Wanted::Yes })
    }

    async fn tell_to_continue(&mut self) -> Result<(), Failure> {
        self.waiting = false;
        self.conn.invite().await.map_err(|_| Failure::client())
    }
}
