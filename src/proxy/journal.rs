//! From what happened to one request to what is counted and written about it.
//! It must not change what happens.

use super::relay::Relayed;
use super::world::{Running, World};
use crate::auth::error::AuthError;
use crate::auth::scheme::Scheme;
use crate::clock::{Stopwatch, UnixMillis};
use crate::links::constraint::Constraint;
use crate::net::{ConnFacts, ListenerIndex};
use crate::pipeline::authorize::Access;
use crate::pipeline::{Denial, Outcome, Verdict};
use crate::reason::{Reason, Stage};
use crate::request::RawRequest;
use crate::response::error::RequestId;
use crate::telemetry::access::{self, AccessRecord};
use crate::telemetry::record::{
    AuthRecord, AuthResult, ConstraintResult, Decision, RequestRecord, UpstreamRecord,
};
use smallvec::SmallVec;
use std::time::Duration;

/// The authentication schemes, as metrics label them.
pub const SCHEMES: &[Scheme] = Scheme::ALL;

/// What happened to a request so far.
#[derive(Debug)]
pub struct Entry {
    /// Its id.
    pub id: RequestId,
    /// When it was judged.
    pub now: UnixMillis,
    /// The status of the answer; 0 if there was none.
    pub status: u16,
    /// Why it was refused or failed.
    pub reason: Option<Reason>,
    listener: ListenerIndex,
    watch: Stopwatch,
    upstream: Option<(u16, Option<Duration>)>,
    waited: Duration,
    request_bytes: u64,
    response_bytes: u64,
}

impl Entry {
    /// A request whose head was read.
    #[must_use]
    pub const fn new(listener: ListenerIndex, id: RequestId, now: UnixMillis, watch: Stopwatch) -> Self {
        Self {
            id,
            now,
            status: 0,
            reason: None,
            listener,
            watch,
            upstream: None,
            waited: Duration::ZERO,
            request_bytes: 0,
            response_bytes: 0,
        }
    }

    /// It was refused.
    pub fn deny(&mut self, denial: &Denial) {
        self.status = denial.error.status();
        self.reason = Some(denial.reason);
    }

    /// It was carried to S3 and back, which took so long.
    pub fn relayed(&mut self, relayed: &Relayed, took: Duration) {
        self.status = relayed.status.unwrap_or(0);
        self.reason = relayed.failure.as_ref().map(|failure| failure.reason);
        self.upstream = Some((relayed.status.unwrap_or(0), relayed.first_byte));
        self.waited = took;
        self.request_bytes = relayed.request_bytes;
        self.response_bytes = relayed.response_bytes;
    }
}

/// Counts and writes down a request that has ended.
pub fn record(
    world: &World,
    running: &Running,
    facts: &ConnFacts,
    judged: Option<(&RawRequest<'_>, &Outcome<'_>)>,
    entry: &Entry,
) {
    let outcome = judged.map(|(_, outcome)| outcome);
    let record = numbers(running, outcome, entry);
    world.telemetry.metrics.record(&record);
    if world.telemetry.access.is_on() {
        let shown = shown(running, facts, judged, entry, &record);
        world.telemetry.access.write(access::line(&shown));
    }
}

/// The decision behind an answer: refusals of the checks, not failures of what came after them.
fn decision(outcome: Option<&Outcome<'_>>, entry: &Entry) -> Decision {
    let forwarded = outcome.filter(|outcome| matches!(outcome.verdict, Verdict::Forward(_)));
    match (forwarded, entry.reason.map(Reason::stage)) {
        (None, _) | (Some(_), Some(Stage::Request | Stage::Auth | Stage::Policy | Stage::Links)) => {
            Decision::Deny
        }
        (Some(outcome), _) if outcome.access.said == Access::Silent => Decision::Pass,
        (Some(_), _) => Decision::Allow,
    }
}

fn numbers(running: &Running, outcome: Option<&Outcome<'_>>, entry: &Entry) -> RequestRecord {
    let total = entry.watch.elapsed();
    let mut record = RequestRecord {
        decision: decision(outcome, entry),
        status: entry.status,
        reason: entry.reason,
        total,
        overhead: total.saturating_sub(entry.waited),
        request_body_bytes: entry.request_bytes,
        response_body_bytes: entry.response_bytes,
        ..RequestRecord::new(entry.listener)
    };
    let Some(outcome) = outcome else { return record };
    let small = |number: usize| u16::try_from(number).ok();
    record.operation = outcome.operation.and_then(|operation| small(operation.index()));
    record.bucket = outcome.bucket.and_then(small);
    record.proof = outcome.proof;
    record.auth = outcome.auth.as_ref().map(|auth| match auth {
        Ok(found) => AuthRecord { scheme: scheme_index(found.scheme), result: AuthResult::Verified },
        Err(AuthError::Anonymous) => AuthRecord { scheme: None, result: AuthResult::Anonymous },
        Err(_) => AuthRecord { scheme: None, result: AuthResult::Refused },
    });
    if let (Verdict::Forward(permit), Some((status, first_byte))) = (&outcome.verdict, entry.upstream) {
        record.upstream =
            small(permit.upstream).map(|upstream| UpstreamRecord { upstream, status, first_byte });
    }
    if let Some(found) = outcome.authenticated() {
        let positive = |millis: i64| Duration::from_millis(u64::try_from(millis).unwrap_or(0));
        if let Some(expires) = found.expires_at {
            record.link_validity = Some(positive(expires.millis_since(entry.now)));
            record.link_age = Some(positive(entry.now.millis_since(found.signed_at)));
        }
    }
    record.constraints = constraints(outcome, record.decision, entry.reason);
    record.matched =
        outcome.access.matched.iter().filter_map(|statement| running.statements.number(*statement)).collect();
    record
}

/// What became of the constraints of a link: kept if the request went on, broken if one of them stopped it.
fn constraints(
    outcome: &Outcome<'_>,
    decision: Decision,
    reason: Option<Reason>,
) -> SmallVec<[(u8, ConstraintResult); 4]> {
    let Some(constraints) = &outcome.constraints else { return SmallVec::new() };
    let broken = match reason {
        Some(Reason::LinkSourceIp) => Some(Constraint::SourceIp),
        Some(Reason::LinkSourceVpc) => Some(Constraint::SourceVpc),
        Some(Reason::LinkSourceVpce) => Some(Constraint::SourceVpce),
        Some(Reason::LinkNotBefore) => Some(Constraint::NotBefore),
        Some(Reason::LinkContentLength) => Some(Constraint::ContentLengthRange),
        _ => None,
    };
    let present = Constraint::ALL.iter().zip(0_u8..).filter(|(constraint, _)| constraints.has(**constraint));
    present
        .filter_map(|(constraint, at)| match broken {
            Some(broken) => (broken == *constraint).then_some((at, ConstraintResult::Broken)),
            None => (decision != Decision::Deny).then_some((at, ConstraintResult::Kept)),
        })
        .collect()
}

fn scheme_index(scheme: Scheme) -> Option<u8> {
    SCHEMES.iter().position(|known| *known == scheme).and_then(|at| u8::try_from(at).ok())
}

/// What the access log shows.
fn shown<'l>(
    running: &'l Running,
    facts: &ConnFacts,
    judged: Option<(&'l RawRequest<'_>, &'l Outcome<'_>)>,
    entry: &'l Entry,
    counted: &'l RequestRecord,
) -> AccessRecord<'l> {
    let snapshot = &running.snapshot;
    let outcome = judged.map(|(_, outcome)| outcome);
    let request = judged.map(|(request, _)| request);
    let authenticated = outcome.and_then(Outcome::authenticated);
    let identity = authenticated.and_then(|authenticated| snapshot.identity(authenticated.principal));
    let bucket = outcome.and_then(|outcome| outcome.bucket).and_then(|at| snapshot.buckets.get(at));
    let upstream = counted.upstream.and_then(|asked| snapshot.upstreams.get(usize::from(asked.upstream)));
    let denial = outcome.and_then(|outcome| match &outcome.verdict {
        Verdict::Answer(denial) => Some(denial),
        Verdict::Forward(_) | Verdict::ReadBody | Verdict::ReadForm => None,
    });
    AccessRecord {
        at: entry.now,
        request_id: entry.id.as_str(),
        listener: snapshot.listener(entry.listener).map_or("", |listener| &listener.name),
        peer: facts.peer,
        identity: outcome.and_then(|outcome| outcome.network.as_ref()),
        method: request.map(|request| request.method.as_str()),
        host: request.map(|request| request.host.raw()),
        path: request.map(|request| request.target.path.text().raw()),
        user_agent: request.and_then(|request| request.headers.first("user-agent")),
        operation: outcome
            .and_then(|outcome| outcome.operation)
            .map(super::super::s3::operation::Operation::name),
        bucket: bucket.map(|bucket| bucket.name.as_str()),
        auth_scheme: authenticated.map(|authenticated| authenticated.scheme.as_str()),
        principal: identity.and_then(|identity| identity.principal.arn()),
        error_code: denial.map(|denial| denial.error.code.as_str()),
        upstream: upstream.map(|upstream| upstream.name.as_str()),
        counted,
    }
}
