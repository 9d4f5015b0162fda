//! The application behind each listener: reads heads, asks the pipeline, answers or relays, records.
//! It must not decide: a refusal is always a value that came from a pure function.

mod answers;
mod waiting;

pub use waiting::PARTING;

use super::admit::admit;
use super::conn::{Conn, ConnLimits, HeadRead};
use super::handshake;
use super::journal::{self, Entry};
use super::listener::Ports;
use super::panics::{Panicked, caught};
use super::peer::Peer;
use super::relay::{self, Bill, LinkLimits};
use super::world::{Running, World};
use crate::auth::keyring::Asked;
use crate::clock::{Stopwatch, UnixMillis};
use crate::net::ConnFacts;
use crate::net::source::Source;
use crate::pipeline::form::FormUpload;
use crate::pipeline::{self, Denial, Outcome, Permit, Verdict};
use crate::reason::Reason;
use crate::request::method::Method;
use crate::request::{BodyLength, RawRequest, head};
use crate::response::error::{Manner, RequestId};
use crate::response::head::Client;
use crate::response::preflight;
use crate::s3::error::ErrorCode;
use crate::signers::Answer;
use crate::snapshot::{Guest, Snapshot};
use crate::telemetry::trace::Step;
use crate::upstream::body::BodyFault;
use bytes::{Buf as _, BytesMut};
use rustls::ServerConfig;
use std::pin::pin;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};

/// All listeners.
#[derive(Debug)]
pub struct Edge {
    /// What their connections share.
    pub world: Arc<World>,
    /// Which address is which listener.
    pub ports: Ports,
}

/// A client connection and how it came.
struct Session<'e, S> {
    world: &'e World,
    conn: Conn<S>,
    facts: ConnFacts,
}

/// Whether the connection can carry another request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Request,
    Close,
}

impl Edge {
    /// Serves one connection to its end, also if the code that does fails.
    ///
    /// The connection counts from here: PROXY header and handshake are within the limit of connections.
    pub async fn serve<S>(&self, stream: S, facts: ConnFacts)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let known = facts.clone();
        if caught(pin!(self.connection(stream, facts))).await == Err(Panicked) {
            // between requests: those catch it themselves
            self.world.telemetry.metrics.panicked();
            journal::refused(&self.world, &known, Reason::Panicked);
        }
    }

    async fn connection<S>(&self, mut stream: S, mut facts: ConnFacts)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let running = self.world.running.load_full();
        let limits = running.snapshot.limits;
        let Some(_connection) = self.world.enter(running.connections) else {
            return journal::refused(&self.world, &facts, Reason::ConnectionLimit);
        };
        let _gauge = self.world.telemetry.connection(facts.listener);
        let Some(listener) = running.snapshot.listener(facts.listener) else { return };
        if let Err(reason) = super::preamble::read(&mut stream, &mut facts, &listener.rules).await {
            return journal::refused(&self.world, &facts, reason);
        }
        let limits = ConnLimits {
            header_bytes: limits.header_bytes,
            header_time: limits.header_time,
            idle: limits.idle_time,
            read: limits.client_time,
            write: limits.client_time,
        };
        let tls = running.tls(facts.listener).map(|certificates| certificates.config());
        drop(running);
        match tls {
            None => Session::new(&self.world, stream, facts, limits).serve().await,
            // on the heap, so that cleartext does not hold the room for it
            Some(config) => Box::pin(self.serve_tls(config, stream, facts, limits)).await,
        }
    }

    async fn serve_tls<S>(
        &self,
        config: Arc<ServerConfig>,
        stream: S,
        mut facts: ConnFacts,
        limits: ConnLimits,
    ) where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        match handshake::accept(config, stream).await {
            Ok((stream, version)) => {
                facts.tls = Some(version);
                Session::new(&self.world, stream, facts, limits).serve().await;
            }
            Err(reason) => journal::refused(&self.world, &facts, reason),
        }
    }
}

/// What a body takes of memory that is read whole: what it tells, or the most that it may.
fn told(body: BodyLength, most: usize) -> u64 {
    let most = u64::try_from(most).unwrap_or(u64::MAX);
    match body {
        BodyLength::None => 0,
        BodyLength::Known(length) => length.min(most),
        BodyLength::Chunked => most,
    }
}

impl<'e, S: AsyncRead + AsyncWrite + Unpin> Session<'e, S> {
    fn new(world: &'e World, stream: S, facts: ConnFacts, limits: ConnLimits) -> Self {
        let conn = Conn { stream, input: BytesMut::new(), out: Vec::new(), has_answered: false, limits };
        Self { world, conn, facts }
    }

    /// Serves one request, also if the code that does fails.
    async fn request(&mut self) -> Next {
        let _in_flight = self.world.begin();
        let id = RequestId::new(fastrand::u64(..));
        let mut entry = Entry::new(self.facts.listener, id, UnixMillis::from_millis(0), Stopwatch::start());
        let mut head = BytesMut::new();
        self.conn.has_answered = false;
        let caught = caught(pin!(self.course(&mut head, &mut entry))).await;
        match caught {
            Ok(next) => next,
            Err(Panicked) => self.failed(&head, &mut entry).await,
        }
    }

    /// Serves one request from its head on, which is left in `kept`.
    async fn course(&mut self, kept: &mut BytesMut, entry: &mut Entry) -> Next {
        let read = self.conn.read_head().await;
        let running = self.world.running.load_full();
        let now = self.world.clock.now();
        entry.arrived(now);
        let head = match read {
            HeadRead::Head(head) => {
                *kept = head;
                &*kept
            }
            HeadRead::Gone => {
                entry.reason = Some(Reason::ClientAborted);
                journal::record(self.world, &running, &self.facts, None, entry);
                return Next::Close;
            }
            HeadRead::Late => {
                return self.unread(Reason::HeadTimeout, ErrorCode::RequestTimeout, entry).await;
            }
            HeadRead::TooLarge => {
                return self
                    .unread(Reason::HeadTooLarge, ErrorCode::RequestHeaderSectionTooLarge, entry)
                    .await;
            }
            HeadRead::Hopeless => {
                return self.unread(Reason::MalformedHead, ErrorCode::BadRequest, entry).await;
            }
        };
        match head::parse(head) {
            Ok(request) => {
                entry.follow(|elapsed| self.world.telemetry.tracer.begin(&request.headers, now, elapsed));
                self.judged(&running, &request, entry).await
            }
            Err(error) => {
                let denial = pipeline::malformed(&error);
                entry.deny(&denial);
                // a HEAD must not get a body, even if the rest of it is malformed
                let to_head = head.starts_with(b"HEAD ");
                self.answer(&denial.error, to_head, Next::Close, entry, running.snapshot.expose_reasons)
                    .await;
                journal::record(self.world, &running, &self.facts, None, entry);
                Next::Close
            }
        }
    }

    /// Serves a request whose head was read.
    async fn judged(&mut self, running: &Running, request: &RawRequest<'_>, entry: &mut Entry) -> Next {
        let snapshot = &running.snapshot;
        let found;
        let mut asked = running.signers.unasked();
        let mut outcome = self
            .too_often(running, request, entry.now)
            .unwrap_or_else(|| self.decide(snapshot, request, None, asked, entry));
        if let Verdict::AskKey(id) = &outcome.verdict {
            found = self.find(running, id, entry).await;
            asked = found.asked();
            outcome = self.decide(snapshot, request, None, asked, entry);
        }
        entry.cors = outcome.cors.take();
        let (body, upload, share);
        if matches!(outcome.verdict, Verdict::ReadForm) {
            let watch = Stopwatch::start();
            let read = self.read_form(snapshot, request).await;
            entry.waited(watch.elapsed());
            match read {
                Ok(found) => {
                    upload = found;
                    // on the heap: most requests are no forms
                    return Box::pin(self.posted(running, request, &upload, entry)).await;
                }
                Err(denial) => outcome.refuse(denial),
            }
        }
        if matches!(outcome.verdict, Verdict::ReadBody) {
            let limits = &snapshot.limits;
            // held until the request has ended, since the body stays in the input until then
            share = self.world.buffers.take(told(request.body, limits.buffered_body), limits.buffered_bodies);
            let watch = Stopwatch::start();
            let read = match share {
                Some(_) => self.buffer_body(request, limits.buffered_body).await,
                None => None,
            };
            entry.waited(watch.elapsed());
            match read {
                Some(bytes) => {
                    body = bytes;
                    outcome = self.decide(snapshot, request, Some(&body), asked, entry);
                }
                None if share.is_some() => outcome.refuse(pipeline::unreadable_body()),
                None => outcome.refuse(pipeline::buffers_full()),
            }
        }
        self.act(running, request, request, &mut outcome, entry).await
    }

    fn decide<'r>(
        &self,
        snapshot: &'r Snapshot,
        request: &'r RawRequest<'_>,
        body: Option<&[u8]>,
        asked: Asked<&'r Guest>,
        entry: &mut Entry,
    ) -> Outcome<'r> {
        let now = entry.now;
        #[cfg(test)]
        super::panics::faults::at("judge");
        entry
            .judged(|watch| pipeline::decide_watched(snapshot, &self.facts, request, body, asked, now, watch))
    }

    fn decide_form<'r>(
        &self,
        snapshot: &'r Snapshot,
        upload: &FormUpload,
        put: &'r RawRequest<'_>,
        asked: Asked<&'r Guest>,
        entry: &mut Entry,
    ) -> Outcome<'r> {
        let now = entry.now;
        entry.judged(|watch| pipeline::decide_form(snapshot, &self.facts, upload, put, asked, now, watch))
    }

    /// Serves a form whose fields were read.
    async fn posted(
        &mut self,
        running: &Running,
        request: &RawRequest<'_>,
        upload: &FormUpload,
        entry: &mut Entry,
    ) -> Next {
        let Ok(put) = head::parse(&upload.head) else {
            let mut outcome = Outcome::default();
            outcome.refuse(pipeline::form::unfit());
            return self.act(running, request, request, &mut outcome, entry).await;
        };
        let found;
        let mut outcome = self.decide_form(&running.snapshot, upload, &put, running.signers.unasked(), entry);
        if let Verdict::AskKey(id) = &outcome.verdict {
            found = self.find(running, id, entry).await;
            outcome = self.decide_form(&running.snapshot, upload, &put, found.asked(), entry);
        }
        self.act(running, request, &put, &mut outcome, entry).await
    }

    /// Finds out whose a key is that the snapshot does not hold; on the heap, since most requests have another.
    async fn find(&self, running: &Running, id: &str, entry: &mut Entry) -> Answer {
        let watch = Stopwatch::start();
        let answer = Box::pin(running.signers.find(id, &running.metrics)).await;
        entry.waited(watch.elapsed());
        answer
    }

    /// Does what was decided and records it; `carried` is the request as it goes on.
    async fn act(
        &mut self,
        running: &Running,
        request: &RawRequest<'_>,
        carried: &RawRequest<'_>,
        outcome: &mut Outcome<'_>,
        entry: &mut Entry,
    ) -> Next {
        let snapshot = &running.snapshot;
        let (from, asks) = (entry.begins(), outcome.asks_store());
        let limits = admit(self.world, running, outcome).await.unwrap_or_else(|denial| {
            outcome.refuse(denial);
            LinkLimits::default()
        });
        let mut bill = Bill::new(limits, request.method);
        if asks {
            entry.took(Step::LinkState, from);
        }
        let next = match &outcome.verdict {
            Verdict::Forward(permit) => {
                self.pass(running, (request, carried), outcome, (permit, &mut bill), entry).await
            }
            Verdict::Answer(denial) => {
                entry.deny(denial);
                let told = outcome.told(denial, snapshot.uniform_answers);
                entry.status = told.status();
                let next = self.after_refusal(request);
                self.answer(told, request.method == Method::Head, next, entry, snapshot.expose_reasons).await
            }
            Verdict::Preflight(lines) => {
                entry.status = 200;
                let next = self.after_refusal(request);
                let keep_alive = next == Next::Request;
                let manner = Manner {
                    id: entry.id,
                    now: entry.now,
                    to_head: false,
                    keep_alive,
                    reason: None,
                    cors: lines,
                };
                self.conn.out.clear();
                preflight::write(manner, &mut self.conn.out);
                if self.conn.write_out().await.is_ok() { next } else { Next::Close }
            }
            // the second call of `decide` had a body, and an answer about the key
            Verdict::ReadBody | Verdict::ReadForm | Verdict::AskKey(_) => Next::Close,
        };
        if matches!(outcome.verdict, Verdict::Answer(_)) {
            // the client has its answer: looking takes none of its time
            entry.diagnosis = self.world.clinic.examine(running, request, outcome);
        }
        journal::record(self.world, running, &self.facts, Some((request, outcome)), entry);
        let refused = matches!(outcome.verdict, Verdict::Answer(_) | Verdict::Preflight(_));
        if refused && next == Next::Request && !self.conn.drain(request.body.into()).await {
            return Next::Close;
        }
        next
    }

    /// Passes on what was permitted, if there are a head, a store and the keys to sign with.
    async fn pass(
        &mut self,
        running: &Running,
        (request, carried): (&RawRequest<'_>, &RawRequest<'_>),
        outcome: &Outcome<'_>,
        (permit, bill): (&Permit, &mut Bill<'_, '_>),
        entry: &mut Entry,
    ) -> Next {
        let snapshot = &running.snapshot;
        let keys = running.keys.get(permit.upstream).and_then(Option::as_ref);
        let valid = keys.and_then(|keys| keys.valid(entry.now));
        let traceparent = entry.trace.as_ref().map(|trace| trace.outward());
        let head = outcome.outgoing(snapshot, carried).map(|mut outgoing| {
            let mut head = Vec::with_capacity(1024);
            outgoing.traceparent = traceparent.as_deref();
            outgoing.provided = valid.as_ref().map(|valid| &valid.key);
            outgoing.write(&snapshot.key_cache, entry.now, &mut head);
            head
        });
        entry.decided();
        let denial = match (head, running.peers.get(permit.upstream)) {
            (Some(head), Some(peer)) if keys.is_some() == valid.is_some() => {
                return self.forward(running, peer, request, (permit, bill), &head, entry).await;
            }
            (Some(_), Some(_)) => Denial::new(Reason::UpstreamCredentials, ErrorCode::ServiceUnavailable),
            // without a head, the body would be taken for one
            _ => Denial::new(Reason::Internal, ErrorCode::InternalError),
        };
        // nothing came of it, and its link must not lose a use by it
        bill.settle();
        self.unsent(&denial, request, entry, snapshot.expose_reasons).await
    }

    /// Reads the fields of a form; they stay in the input.
    async fn read_form(
        &mut self,
        snapshot: &Snapshot,
        request: &RawRequest<'_>,
    ) -> Result<FormUpload, Denial> {
        let (boundary, length) = pipeline::form::framing(request)?;
        self.invite(request).await;
        let (form, before) = self.conn.read_form(boundary, length).await.map_err(BodyFault::from)?;
        pipeline::form::read(snapshot, &self.facts, request, &form, before)
    }

    /// Tells a client that waits for it to send its body.
    async fn invite(&mut self, request: &RawRequest<'_>) {
        if request.expects_continue && self.conn.input.is_empty() {
            // a client that is gone shows when it is read from
            let _ = self.conn.invite().await;
        }
    }

    /// Counts the request for its source; a refusal if that has sent too many. Nothing costly has been done for it yet.
    fn too_often<'r>(
        &self,
        running: &Running,
        request: &RawRequest<'_>,
        now: UnixMillis,
    ) -> Option<Outcome<'r>> {
        if running.rates.is_empty() {
            return None;
        }
        let network = pipeline::network(&running.snapshot, &self.facts, request);
        let exceeded = running.rates.count(Source::of(network.as_ref(), &self.facts), now)?;
        running.metrics.rate_limited(exceeded.rule);
        Some(pipeline::slow_down(network, exceeded.wait))
    }

    /// Reads a body that a rule must see; it stays in the input for the relay.
    async fn buffer_body(&mut self, request: &RawRequest<'_>, max: usize) -> Option<Vec<u8>> {
        self.invite(request).await;
        self.conn.buffer_body(request.body.into(), max).await
    }

    async fn forward(
        &mut self,
        running: &Running,
        peer: &Peer,
        request: &RawRequest<'_>,
        (permit, bill): (&Permit, &mut Bill<'_, '_>),
        head: &[u8],
        entry: &mut Entry,
    ) -> Next {
        if let Some(posted) = &permit.carriage.posted {
            // the fields were read; the file follows
            let read = usize::try_from(posted.before).unwrap_or(0);
            self.conn.input.advance(read.min(self.conn.input.len()));
        }
        let Bill { limits, relayed, .. } = &mut *bill;
        let limits = &*limits;
        let carriage = limits.carriage(&permit.carriage);
        let from = entry.begins();
        {
            let relay = pin!(relay::relay(
                &mut self.conn,
                peer,
                relay::Request {
                    head,
                    carriage: &carriage,
                    repeatable: carriage.is_repeatable(request.method),
                    client: Client { version: request.version, keep_alive: request.keep_alive },
                    draining: self.world.draining(),
                    cors: entry.cors.as_deref(),
                    limits,
                },
                relayed,
            ));
            limits.alive(relay).await;
        }
        entry.took(Step::Upstream, from);
        entry.relayed(relayed);
        bill.settle();
        let relayed = std::mem::take(&mut bill.relayed);
        self.conclude(relayed, request.method == Method::Head, entry, &running.snapshot).await
    }
}
