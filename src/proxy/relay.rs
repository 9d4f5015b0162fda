//! One request's journey after the verdict: its head and body to S3, the answer back to the client.
//! It must not let the last bytes of a body go before it was judged, nor retry what could happen twice.

mod download;
mod limits;
mod upload;

pub use limits::{Bill, LinkLimits};

use super::conn::{Conn, write_all};
use super::link::Link;
use super::peer::address::now;
use super::peer::class::Forbidden;
use super::peer::{Peer, Round};
use super::pool;
use crate::clock::Stopwatch;
use crate::links::claim::Refusal;
use crate::links::state::delivery::{AnswerFacts, range_total};
use crate::reason::Reason;
use crate::request::framing::Framing;
use crate::response::form;
use crate::response::head::{AnswerHead, Client};
use crate::s3::error::{ErrorCode, S3Error};
use crate::upstream::body::BodyFault;
use crate::upstream::mapping::Mapping;
use crate::upstream::mapping::rewrite::Rewrite;
use crate::upstream::plan::Carriage;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;

/// The request as the relay carries it.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The head for the upstream, complete.
    pub head: &'a [u8],
    /// How it is carried.
    pub carriage: &'a Carriage,
    /// Whether it can be sent again if a reused connection turns out to be dead.
    pub repeatable: bool,
    /// Whom the answer is written for.
    pub client: Client,
    /// Whether the gate is to end; looked at when the answer is there, which may be long after it was asked for.
    pub draining: &'a watch::Sender<bool>,
    /// What pages of other origins may see, in place of what the upstream says of it.
    pub cors: Option<&'a [u8]>,
    /// What its link lets pass.
    pub limits: &'a LinkLimits<'a>,
}

/// What became of a request.
#[derive(Debug, Default)]
pub struct Relayed {
    /// The status that the client was sent, if any.
    pub status: Option<u16>,
    /// Body bytes taken from the client.
    pub request_bytes: u64,
    /// Bytes of data among them, without framing.
    pub data_bytes: u64,
    /// Body bytes sent to the client.
    pub response_bytes: u64,
    /// The head of the answer.
    pub answer: Option<AnswerFacts>,
    /// Whether the answer was sent to its end.
    pub complete: bool,
    /// Until the first byte of the answer.
    pub first_byte: Option<Duration>,
    /// How often it was tried again.
    pub retries: u32,
    /// Whether the client's connection can carry another request.
    pub keep_client: bool,
    /// What went wrong, if something did.
    pub failure: Option<Failure>,
}

/// What went wrong.
#[derive(Debug, PartialEq, Eq)]
pub struct Failure {
    /// Why.
    pub reason: Reason,
    /// The answer, if the client has not been sent one yet.
    pub answer: Option<S3Error>,
}

impl Failure {
    /// As proxies answer and clients of S3 retry: 503 if nobody is there or has a place left, 504 if nobody answers, 502
    /// for nonsense.
    fn upstream(reason: Reason) -> Self {
        let code = match reason {
            Reason::UpstreamTimeout => ErrorCode::GatewayTimeout,
            Reason::UpstreamProtocol | Reason::UpstreamAddress => ErrorCode::BadGateway,
            Reason::UpstreamBusy => ErrorCode::SlowDown,
            _ => ErrorCode::ServiceUnavailable,
        };
        let retry_after = (reason == Reason::UpstreamBusy).then_some(1);
        Self { reason, answer: Some(S3Error { retry_after, ..S3Error::new(code) }) }
    }

    fn reading(error: &io::Error) -> Self {
        Self::upstream(match error.kind() {
            io::ErrorKind::TimedOut => Reason::UpstreamTimeout,
            _ => Reason::UpstreamProtocol,
        })
    }

    const fn link(refusal: Refusal) -> Self {
        Self { reason: refusal.reason(), answer: Some(refusal.s3()) }
    }

    const fn client() -> Self {
        Self { reason: Reason::ClientAborted, answer: None }
    }
}

impl From<BodyFault> for Failure {
    fn from(fault: BodyFault) -> Self {
        Self { reason: fault.reason, answer: Some(fault.error) }
    }
}

/// Carries a request to an upstream and its answer back; `relayed` tells how far it came at any time.
pub async fn relay<S>(conn: &mut Conn<S>, peer: &Peer, request: Request<'_>, relayed: &mut Relayed)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    if let Err(failure) = run(conn, peer, request, relayed).await {
        relayed.keep_client = false;
        relayed.failure = Some(failure);
    }
}

async fn run<S>(
    conn: &mut Conn<S>,
    peer: &Peer,
    request: Request<'_>,
    relayed: &mut Relayed,
) -> Result<(), Failure>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let watch = Stopwatch::start();
    let (mut link, uploaded);
    if request.carriage.framing == Framing::None {
        link = open(peer, relayed).await?;
        (link, uploaded) = (ask(link, peer, request, relayed).await?, true);
    } else if request.carriage.is_judged_first() {
        let outgoing = upload::collect(conn, request, relayed).await?;
        link = open(peer, relayed).await?;
        uploaded = upload::send(conn, &mut link, peer, outgoing).await?;
    } else {
        link = open(peer, relayed).await?;
        uploaded = upload::upload(conn, &mut link, peer, request, relayed).await?;
    }
    let answer = answer_head(conn, &mut link, peer, request, uploaded).await;
    let answer = noted(&link, answer)?;
    link.address().answered();
    relayed.first_byte = Some(watch.elapsed());
    relayed.answer = Some(answer.facts());
    if let Some(held) = &request.limits.held {
        // nothing of the answer has been sent yet
        held.answered(&answer.facts()).map_err(Failure::link)?;
    }
    relayed.status = Some(answer.status);
    let rewrite = request.carriage.mapping.as_deref().filter(|_| answer.rewritten).map(Rewrite::new);
    download::download(conn, &mut link, peer, &answer, (rewrite, request.limits), relayed)
        .await
        .inspect_err(|failure| {
            if failure.answer.is_some() {
                // nothing of the answer was sent: the client gets another one
                (relayed.status, relayed.response_bytes) = (None, 0);
            }
        })?;
    relayed.complete = true;
    relayed.keep_client = answer.client.keep_alive && answer.sent != Framing::UntilClose;
    if uploaded && answer.keep_upstream && link.received().is_empty() {
        pool::put(link.into_connected(), peer.timeouts(), peer.spec.pool.idle);
    }
    Ok(())
}

/// Notes a request that was sent and not answered: an address that is silent again and again is put aside.
fn noted<T>(link: &Link, outcome: Result<T, Failure>) -> Result<T, Failure> {
    outcome.inspect_err(|_| link.address().failed(now()))
}

async fn open(peer: &Peer, relayed: &mut Relayed) -> Result<Link, Failure> {
    let mut round = peer.round();
    let pooled = round.endpoints().next().and_then(pool::take);
    match pooled {
        Some(connected) => Ok(Link::new(connected, true)),
        None => connect(&mut round, relayed).await,
    }
}

/// Nothing was sent yet: whatever the request is, another address may be tried.
async fn connect(round: &mut Round<'_>, relayed: &mut Relayed) -> Result<Link, Failure> {
    let (outcome, retries) = round.connect().await;
    relayed.retries += retries;
    let connected = outcome.map_err(|error| {
        if error.kind() == io::ErrorKind::ResourceBusy {
            // as many lines would be written as requests come
            return Failure::upstream(Reason::UpstreamBusy);
        }
        log::warn!("cannot connect to upstream `{}`: {error}", round.name());
        Failure::upstream(match error.kind() {
            io::ErrorKind::TimedOut => Reason::UpstreamTimeout,
            _ if Forbidden::is_why(&error) => Reason::UpstreamAddress,
            _ => Reason::UpstreamConnect,
        })
    })?;
    Ok(Link::new(connected, false))
}

/// Sends a request without a body and waits for the first bytes of the answer. A reused connection may have died
/// unnoticed: then the request goes out once more, on a fresh one, if that can do no harm.
async fn ask(
    mut link: Link,
    peer: &Peer,
    request: Request<'_>,
    relayed: &mut Relayed,
) -> Result<Link, Failure> {
    let outcome = ask_once(&mut link, peer, request.head).await;
    if let Err(error) = &outcome
        && link.reused
        && request.repeatable
        && error.kind() != io::ErrorKind::TimedOut
    {
        relayed.retries += 1;
        // its place is that of the next one
        drop(link);
        let mut link = connect(&mut peer.round(), relayed).await?;
        let outcome = ask_once(&mut link, peer, request.head).await;
        noted(&link, outcome.map_err(|error| Failure::reading(&error)))?;
        return Ok(link);
    }
    noted(&link, outcome.map_err(|error| Failure::reading(&error)))?;
    Ok(link)
}

async fn ask_once(link: &mut Link, peer: &Peer, head: &[u8]) -> io::Result<()> {
    write_all(&mut link.stream, head, peer.timeouts().write).await?;
    match link.read(peer).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(()),
    }
}

/// The head of the final answer, already written to the client's output buffer.
#[derive(Debug)]
struct Answer {
    status: u16,
    range_total: Option<u64>,
    told: Framing,
    sent: Framing,
    keep_upstream: bool,
    /// Whether names in the body are exchanged.
    rewritten: bool,
    client: Client,
}

impl Answer {
    const fn facts(&self) -> AnswerFacts {
        AnswerFacts { status: self.status, framing: self.told, range_total: self.range_total }
    }
}

/// Reads the head of the final answer, interim ones skipped, and writes it for the client.
async fn answer_head<S>(
    conn: &mut Conn<S>,
    link: &mut Link,
    peer: &Peer,
    request: Request<'_>,
    uploaded: bool,
) -> Result<Answer, Failure>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    loop {
        // a client that has not sent all of its body cannot be asked for another request
        let keep_alive = request.client.keep_alive && uploaded && !*request.draining.borrow();
        let client = Client { keep_alive, ..request.client };
        let (length, answer) = next_answer(link, request, client, &mut conn.out)?;
        link.consume(length);
        if let Some(answer) = answer {
            return Ok(answer);
        }
        if length == 0 {
            match link.read(peer).await {
                Ok(0) => return Err(Failure::upstream(Reason::UpstreamProtocol)),
                Ok(_) => {}
                Err(error) => return Err(Failure::reading(&error)),
            }
        }
    }
}

/// Reads one head off what was received; gives its length (0 if more bytes are needed), and the answer if it is
/// the final one, its head then written to `out`.
fn next_answer(
    link: &Link,
    request: Request<'_>,
    client: Client,
    out: &mut Vec<u8>,
) -> Result<(usize, Option<Answer>), Failure> {
    let malformed = || Failure::upstream(Reason::UpstreamProtocol);
    let Some(mut head) =
        AnswerHead::parse(link.received(), request.carriage.to_head).map_err(|_| malformed())?
    else {
        return Ok((0, None));
    };
    if head.status == 101 {
        // nobody asked for an upgrade
        return Err(malformed());
    }
    if head.is_interim() {
        return Ok((head.length, None));
    }
    let carriage = request.carriage;
    let told = head.framing;
    let rewritten = is_rewritten(&head, carriage.mapping.as_deref()).map_err(|()| malformed())?;
    if rewritten {
        // its length is not known before the body is
        head.framing = Framing::UntilClose;
    }
    out.clear();
    if let Some(posted) = carriage.posted.as_deref().filter(|_| head.status == 200) {
        form::write(posted, &head, client, request.cors, out);
        // S3 says nothing more about an object that it took; should a store do so, nobody reads it
        let answer = Answer {
            status: posted.status.code(),
            range_total: None,
            told: Framing::None,
            sent: Framing::None,
            keep_upstream: head.keep_alive && matches!(head.framing, Framing::None | Framing::Known(0)),
            rewritten: false,
            client,
        };
        return Ok((head.length, Some(answer)));
    }
    let sent = head.write(client, request.cors, out);
    let answer = Answer {
        status: head.status,
        range_total: head.first("content-range").and_then(range_total),
        told,
        sent,
        keep_upstream: head.keep_alive,
        rewritten,
        client,
    };
    Ok((head.length, Some(answer)))
}

/// Whether names in the body are exchanged.
///
/// # Errors
/// Keys have a prefix that must not show, and the body cannot be read; or it leads elsewhere.
fn is_rewritten(head: &AnswerHead<'_>, mapping: Option<&Mapping>) -> Result<bool, ()> {
    let Some(mapping) = mapping.filter(|mapping| mapping.changes(head.status)) else { return Ok(false) };
    let strict = mapping.prefix.is_some();
    if strict && matches!(head.status, 300..=303 | 305..=399) {
        return Err(());
    }
    if matches!(head.framing, Framing::None | Framing::Known(0)) {
        return Ok(false);
    }
    let is_xml = head.first("content-type").is_none_or(|kind| memchr::memmem::find(kind, b"xml").is_some());
    match (head.first("content-encoding").is_none() && (is_xml || !strict), strict) {
        (true, _) => Ok(true),
        (false, false) => Ok(false),
        (false, true) => Err(()),
    }
}

/// Consumes interim answers; gives whether one of them was `100 Continue`, and whether the final answer has begun.
fn skip_interim(link: &mut Link) -> Result<(bool, bool), Failure> {
    let mut continued = false;
    loop {
        let (length, status) = match AnswerHead::parse(link.received(), false) {
            Ok(None) => return Ok((continued, false)),
            Ok(Some(head)) if head.is_interim() && head.status != 101 => (head.length, head.status),
            Ok(Some(_)) => return Ok((continued, true)),
            Err(_) => return Err(Failure::upstream(Reason::UpstreamProtocol)),
        };
        continued |= status == 100;
        link.consume(length);
    }
}

#[cfg(test)]
mod tests;
