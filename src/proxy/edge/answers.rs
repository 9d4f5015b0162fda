//! What the gate answers by itself, and whether the connection goes on after it.
//! It must not decide: the answer was.

use super::{Next, Session};
use crate::pipeline::outcome::PLAINEST;
use crate::pipeline::{Denial, Outcome};
use crate::proxy::journal::{self, Entry};
use crate::proxy::relay::Relayed;
use crate::reason::{Reason, Stage};
use crate::request::framing::Framing;
use crate::request::method::Method;
use crate::request::{RawRequest, head};
use crate::response::error::{self, Manner};
use crate::s3::error::{ErrorCode, S3Error};
use crate::snapshot::Snapshot;
use tokio::io::{AsyncRead, AsyncWrite};

impl<S: AsyncRead + AsyncWrite + Unpin> Session<'_, S> {
    /// Answers a head that could not even be read.
    pub(super) async fn unread(&mut self, reason: Reason, code: ErrorCode, entry: &mut Entry) -> Next {
        let denial = Denial { reason, error: S3Error::new(code) };
        entry.deny(&denial);
        let running = self.world.running.load_full();
        self.answer(&denial.error, false, Next::Close, entry, running.snapshot.expose_reasons).await;
        journal::record(self.world, &running, &self.facts, None, entry);
        Next::Close
    }

    /// Ends a request in which the code failed: answers it if nothing of an answer is out, and counts it unless that was
    /// done. What it held was given back when it was dropped.
    pub(super) async fn failed(&mut self, head: &[u8], entry: &mut Entry) -> Next {
        self.world.telemetry.metrics.panicked();
        if entry.is_recorded() {
            return Next::Close;
        }
        let running = self.world.running.load_full();
        let request = head::parse(head).ok();
        if self.conn.has_answered {
            // the status of what is out, if anybody knows it, stays
            entry.decided();
            entry.reason = Some(Reason::Panicked);
        } else {
            let denial = Denial::new(Reason::Panicked, ErrorCode::InternalError);
            entry.deny(&denial);
            let to_head = head.starts_with(b"HEAD ");
            self.answer(&denial.error, to_head, Next::Close, entry, running.snapshot.expose_reasons).await;
        }
        let outcome = Outcome::default();
        let judged = request.as_ref().map(|request| (request, &outcome));
        journal::record(self.world, &running, &self.facts, judged, entry);
        Next::Close
    }

    /// Answers a request that may pass, but that the gate cannot pass on.
    pub(super) async fn unsent(
        &mut self,
        denial: &Denial,
        request: &RawRequest<'_>,
        entry: &mut Entry,
        expose: bool,
    ) -> Next {
        entry.deny(denial);
        self.answer(&denial.error, request.method == Method::Head, Next::Close, entry, expose).await
    }

    /// Whether the connection goes on after a refusal. The client is answered before its body is read away, so this is
    /// a promise: only a body that is there already, or a small one, can be waited for.
    pub(super) fn after_refusal(&self, request: &RawRequest<'_>) -> Next {
        let framing = Framing::from(request.body);
        let waits = request.expects_continue && !request.body.is_empty() && self.conn.input.is_empty();
        if request.keep_alive && !self.world.is_draining() && !waits && self.conn.is_drainable(framing) {
            Next::Request
        } else {
            Next::Close
        }
    }

    pub(super) async fn conclude(
        &mut self,
        relayed: Relayed,
        to_head: bool,
        entry: &mut Entry,
        snapshot: &Snapshot,
    ) -> Next {
        let answer = match relayed.failure {
            None if relayed.keep_client => return Next::Request,
            None => return Next::Close,
            Some(failure) if snapshot.uniform_answers && failure.reason.stage() == Stage::Links => {
                failure.answer.map(|_| PLAINEST.clone())
            }
            Some(failure) => failure.answer,
        };
        match answer {
            Some(error) if relayed.status.is_none() => {
                entry.status = error.status();
                self.answer(&error, to_head, Next::Close, entry, snapshot.expose_reasons).await
            }
            _ => Next::Close,
        }
    }

    /// Writes an error; gives `next`, or `Close` if that failed.
    pub(super) async fn answer(
        &mut self,
        error: &S3Error,
        to_head: bool,
        next: Next,
        entry: &mut Entry,
        expose: bool,
    ) -> Next {
        let manner = Manner {
            id: entry.id,
            now: entry.now,
            to_head,
            keep_alive: next == Next::Request,
            reason: entry.reason.filter(|_| expose).map(Reason::code),
            cors: entry.cors.as_deref().unwrap_or_default(),
        };
        self.conn.out.clear();
        let body = error::write(error, manner, &mut self.conn.out);
        match self.conn.write_out().await {
            Ok(()) => {
                entry.response_bytes += u64::try_from(body).unwrap_or(0);
                next
            }
            Err(_) => Next::Close,
        }
    }
}
