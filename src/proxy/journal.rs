//! From what happened to one request to what is counted and written about it.
//! It must not change what happens.

use super::relay::Relayed;
use super::world::{Running, World};
use crate::auth::error::AuthError;
use crate::auth::scheme::Scheme;
use crate::auth::sigv4::doctor::Diagnosis;
use crate::clock::{Stopwatch, UnixMillis};
use crate::links::constraint::Constraint;
use crate::net::{ConnFacts, ListenerIndex};
use crate::pipeline::authorize::Access;
use crate::pipeline::limits::link_name;
use crate::pipeline::{Denial, Outcome, Verdict};
use crate::reason::{Reason, Stage};
use crate::request::RawRequest;
use crate::response::error::RequestId;
use crate::s3::key::Key;
use crate::telemetry::Telemetry;
use crate::telemetry::access::{self, AccessRecord};
use crate::telemetry::audit::Event;
use crate::telemetry::record::{
    AuthRecord, AuthResult, ConstraintResult, Decision, RequestRecord, UpstreamRecord,
};
use crate::telemetry::trace::spans::spans;
use crate::telemetry::trace::{Step, Trace};
use smallvec::SmallVec;
use std::cell::RefCell;
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
    /// Body bytes sent to the client.
    pub response_bytes: u64,
    /// Header lines for pages of other origins, as in [`Outcome::cors`].
    pub cors: Option<Vec<u8>>,
    /// What the signature doctor said.
    pub diagnosis: Option<Diagnosis>,
    /// Its spans, if it is followed.
    pub trace: Option<Box<Trace>>,
    listener: ListenerIndex,
    watch: Stopwatch,
    /// From the first byte until the head was there.
    arrived: Duration,
    /// Since then, waiting for a body that a rule must read.
    waited: Duration,
    overhead: Option<Duration>,
    upstream: Option<(u16, Option<Duration>, u32)>,
    request_bytes: u64,
    is_recorded: bool,
}

impl Entry {
    /// A request of which nothing was read.
    #[must_use]
    pub fn new(listener: ListenerIndex, id: RequestId, now: UnixMillis, watch: Stopwatch) -> Self {
        Self {
            id,
            now,
            status: 0,
            reason: None,
            response_bytes: 0,
            cors: None,
            diagnosis: None,
            trace: None,
            listener,
            watch,
            arrived: Duration::ZERO,
            waited: Duration::ZERO,
            overhead: None,
            upstream: None,
            request_bytes: 0,
            is_recorded: false,
        }
    }

    /// Its head is there, and is judged now.
    pub fn arrived(&mut self, now: UnixMillis) {
        self.now = now;
        self.arrived = self.watch.elapsed();
    }

    /// Follows the request from here on, or not.
    pub fn follow(&mut self, begin: impl FnOnce(Duration) -> Option<Box<Trace>>) {
        self.trace = begin(self.arrived);
    }

    /// Whether it was counted.
    #[must_use]
    pub const fn is_recorded(&self) -> bool {
        self.is_recorded
    }

    /// A body that a rule must read was waited for so long.
    pub fn waited(&mut self, took: Duration) {
        self.waited += took;
    }

    /// A part of it begins; `None` where nobody wants to know.
    #[must_use]
    pub fn begins(&self) -> Option<Duration> {
        self.trace.as_ref().map(|_| self.watch.elapsed())
    }

    /// A part of it is over that began at `from`.
    pub fn took(&mut self, step: Step, from: Option<Duration>) {
        if let (Some(trace), Some(from)) = (&mut self.trace, from) {
            trace.took(step, from, self.watch.elapsed());
        }
    }

    /// Judges it, with a look at the clock after each stage if it is followed.
    pub fn judged<T>(&mut self, judge: impl FnOnce(&dyn Fn(Stage)) -> T) -> T {
        let Some(trace) = &mut self.trace else { return judge(&|_| {}) };
        let (watch, done) = (self.watch, RefCell::new(SmallVec::<[(Stage, Duration); 4]>::new()));
        let mut from = watch.elapsed();
        let judged = judge(&|stage| done.borrow_mut().push((stage, watch.elapsed())));
        for (stage, to) in done.into_inner() {
            match stage {
                Stage::Auth => trace.took(Step::Auth, from, to),
                Stage::Policy => trace.took(Step::Policy, from, to),
                Stage::Request | Stage::Links | Stage::Upstream => {}
            }
            from = to;
        }
        judged
    }

    /// It was decided what happens to it: what takes time from here on is not the gate.
    pub fn decided(&mut self) {
        self.overhead.get_or_insert_with(|| self.watch.elapsed().saturating_sub(self.arrived + self.waited));
    }

    /// It was refused.
    pub fn deny(&mut self, denial: &Denial) {
        self.decided();
        self.status = denial.error.status();
        self.reason = Some(denial.reason);
    }

    /// It was carried to S3 and back.
    pub fn relayed(&mut self, relayed: &Relayed) {
        self.status = relayed.status.unwrap_or(0);
        self.reason = relayed.failure.as_ref().map(|failure| failure.reason);
        self.upstream = Some((relayed.status.unwrap_or(0), relayed.first_byte, relayed.retries));
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
    entry: &mut Entry,
) {
    let record = numbers(running, judged, entry);
    // should something fail from here on, it is not counted twice
    entry.is_recorded = true;
    running.metrics.record(&record);
    let entry = &*entry;
    write(world, running, facts, judged, entry, &record);
    if let Some(trace) = &entry.trace {
        world.telemetry.tracer.send(spans(trace, &shown(running, facts, judged, entry, &record)));
    }
}

/// Counts and writes down a connection that was refused before its first request.
pub fn refused(world: &World, facts: &ConnFacts, reason: Reason) {
    let running = &*world.running.load();
    let now = world.clock.now();
    let id = RequestId::new(fastrand::u64(..));
    let entry = Entry { reason: Some(reason), ..Entry::new(facts.listener, id, now, Stopwatch::start()) };
    world.telemetry.metrics.refused(reason);
    write(world, running, facts, None, &entry, &numbers(running, None, &entry));
}

/// Writes the lines of a request, and keeps it as an example of its reason, where that is wanted.
fn write(
    world: &World,
    running: &Running,
    facts: &ConnFacts,
    judged: Option<(&RawRequest<'_>, &Outcome<'_>)>,
    entry: &Entry,
    record: &RequestRecord,
) {
    let Telemetry { access, access_format, audit, recent, .. } = &*world.telemetry;
    let audited = audit.is_on() && is_refusal(record);
    let example = record.reason.filter(|reason| recent.wants(*reason, entry.now));
    if !access.is_on() && !audited && example.is_none() {
        return;
    }
    let outcome = judged.map(|(_, outcome)| outcome);
    let denied = outcome.into_iter().flat_map(|outcome| &outcome.access.shadow_denied);
    let shadow: SmallVec<[&str; 2]> =
        denied.filter_map(|at| running.snapshot.shadow.get(*at)).map(|document| document.name()).collect();
    let diagnosis: SmallVec<[&str; 2]> = record.diagnosis.iter().map(|cause| cause.code()).collect();
    let shown = AccessRecord {
        shadow_denied: &shadow,
        diagnosis: &diagnosis,
        ..shown(running, facts, judged, entry, record)
    };
    if access.is_on() {
        access.write_with(|line| access::push_line(*access_format, &shown, line));
    }
    if audited {
        audit.record(entry.now, &Event::Denied(&shown));
    }
    if let Some(reason) = example {
        recent.keep(reason, &shown);
    }
}

/// Whether the gate has refused, rather than somebody else failed.
fn is_refusal(record: &RequestRecord) -> bool {
    let by_gate = |reason: Reason| {
        reason.stage() != Stage::Upstream || matches!(reason, Reason::Internal | Reason::Panicked)
    };
    record.decision == Decision::Deny && record.reason.is_some_and(by_gate)
}

/// The decision behind an answer: refusals of the checks, not failures of what came after them.
fn decision(outcome: Option<&Outcome<'_>>, entry: &Entry) -> Decision {
    let passes =
        |outcome: &&Outcome<'_>| matches!(outcome.verdict, Verdict::Forward(_) | Verdict::Preflight(_));
    let forwarded = outcome.filter(passes);
    match (forwarded, entry.reason.map(Reason::stage)) {
        (None, _) | (Some(_), Some(Stage::Request | Stage::Auth | Stage::Policy | Stage::Links)) => {
            Decision::Deny
        }
        (Some(outcome), _) if outcome.access.said == Access::Silent => Decision::Pass,
        (Some(_), _) => Decision::Allow,
    }
}

fn numbers(
    running: &Running,
    judged: Option<(&RawRequest<'_>, &Outcome<'_>)>,
    entry: &Entry,
) -> RequestRecord {
    let outcome = judged.map(|(_, outcome)| outcome);
    let total = entry.watch.elapsed();
    let mut record = RequestRecord {
        decision: decision(outcome, entry),
        status: entry.status,
        reason: entry.reason,
        total,
        overhead: entry.overhead.unwrap_or_default(),
        request_body_bytes: entry.request_bytes,
        response_body_bytes: entry.response_bytes,
        ..RequestRecord::new(entry.listener)
    };
    let Some((request, outcome)) = judged else { return record };
    let small = |number: usize| u16::try_from(number).ok();
    record.operation = outcome.operation.and_then(|operation| small(operation.index()));
    record.bucket = outcome.bucket.and_then(small);
    record.proof = outcome.proof;
    record.auth = outcome.auth.as_ref().map(|auth| match auth {
        Ok(found) => {
            let result = if found.is_verified() { AuthResult::Verified } else { AuthResult::Unverified };
            AuthRecord { scheme: scheme_index(found.scheme), result }
        }
        Err(AuthError::Anonymous) => AuthRecord { scheme: None, result: AuthResult::Anonymous },
        Err(_) => AuthRecord { scheme: claimed(request).and_then(scheme_index), result: AuthResult::Refused },
    });
    if let (Verdict::Forward(permit), Some((status, first_byte, retries))) =
        (&outcome.verdict, entry.upstream)
    {
        record.upstream =
            small(permit.upstream).map(|upstream| UpstreamRecord { upstream, status, first_byte, retries });
    }
    if let Some(found) = outcome.authenticated().filter(|found| found.is_verified()) {
        let positive = |millis: i64| Duration::from_millis(u64::try_from(millis).unwrap_or(0));
        if let Some(expires) = found.expires_at {
            record.link_validity = Some(positive(expires.millis_since(entry.now)));
            record.link_age = Some(positive(entry.now.millis_since(found.signed_at)));
        }
    }
    record.constraints = constraints(outcome, record.decision, entry.reason);
    record.matched =
        outcome.access.matched.iter().filter_map(|statement| running.statements.number(*statement)).collect();
    let findings = entry.diagnosis.iter().flat_map(|diagnosis| &diagnosis.findings);
    record.diagnosis = findings.map(|finding| finding.cause).collect();
    record.shadow_denied = outcome.access.shadow_denied.iter().copied().filter_map(small).collect();
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
        Some(Reason::LinkPin) => Some(Constraint::Pin),
        Some(Reason::LinkMaxUses) => Some(Constraint::MaxUses),
        Some(Reason::LinkMaxBytes) => Some(Constraint::MaxBytes),
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

/// The form of the authentication that was refused, from what the request looks like: for counting only.
fn claimed(request: &RawRequest<'_>) -> Option<Scheme> {
    let header = request.headers.first("authorization").is_some_and(|value| value.starts_with(b"AWS4-"));
    match (request.target.query.has(b"X-Amz-Algorithm"), header) {
        (true, false) => Some(Scheme::QueryV4),
        (false, true) => Some(Scheme::HeaderV4),
        _ => None,
    }
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
    let identity = outcome.and_then(|outcome| outcome.identity(snapshot));
    let bucket = outcome.and_then(|outcome| outcome.bucket).and_then(|at| snapshot.buckets.get(at));
    let upstream = counted.upstream.and_then(|asked| snapshot.upstreams.get(usize::from(asked.upstream)));
    let scheme =
        authenticated.map(|authenticated| authenticated.scheme).or_else(|| request.and_then(claimed));
    let denial = outcome.and_then(|outcome| match &outcome.verdict {
        Verdict::Answer(denial) => Some(denial),
        Verdict::Forward(_)
        | Verdict::Preflight(_)
        | Verdict::AskKey(_)
        | Verdict::ReadBody
        | Verdict::ReadForm => None,
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
        query: request.map(|request| request.target.query.raw()),
        version: request.map(|request| request.version),
        referer: request.and_then(|request| request.headers.first("referer")),
        key: outcome.and_then(|outcome| outcome.address.as_ref()?.key()).map(Key::bytes),
        version_id: request.and_then(|request| request.target.query.first(b"versionId")),
        region: upstream.map(|upstream| upstream.region.as_str()),
        user_agent: request.and_then(|request| request.headers.first("user-agent")),
        operation: outcome
            .and_then(|outcome| outcome.operation)
            .map(super::super::s3::operation::Operation::name),
        bucket: bucket.map(|bucket| bucket.name.as_str()),
        link: outcome.and_then(|outcome| link_name(snapshot, outcome)),
        auth_scheme: scheme.map(Scheme::as_str),
        principal: identity.and_then(|identity| identity.principal.arn()),
        access_key_id: outcome.and_then(|outcome| outcome.access_key_id(snapshot)),
        error_code: denial.map(|denial| denial.error.code.as_str()),
        upstream: upstream.map(|upstream| upstream.name.as_str()),
        shadow_denied: &[],
        diagnosis: &[],
        counted,
    }
}
