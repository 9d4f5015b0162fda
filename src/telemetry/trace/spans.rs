//! The spans of a request, with the attribute names of OpenTelemetry.
//! It must not hold a query, a header that could carry a link, or anything that the access log does not hold.

use std::time::Duration;

use super::context::{SpanId, TraceId};
use super::{Step, Trace};
use crate::net::identity::NetworkIdentity;
use crate::reason::{Reason, Stage};
use crate::request::Version;
use crate::telemetry::access::AccessRecord;
use crate::telemetry::redact::redact;

/// On which side of a call a span is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It answers.
    Server,
    /// It asks.
    Client,
    /// It is inside.
    Internal,
}

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Text.
    Text(String),
    /// A number.
    Number(i64),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<u16> for Value {
    fn from(number: u16) -> Self {
        Self::Number(number.into())
    }
}

/// A part of a request that took time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The trace.
    pub trace: TraceId,
    /// Its id.
    pub id: SpanId,
    /// The span that it is a part of.
    pub parent: Option<SpanId>,
    /// What it did; one of few texts.
    pub name: String,
    /// See [`Kind`].
    pub kind: Kind,
    /// Nanoseconds since the epoch.
    pub start: u64,
    /// Nanoseconds since the epoch.
    pub end: u64,
    /// Whether it ended in an error, as OpenTelemetry means it: an answer of 4xx is none for who answers.
    pub is_failed: bool,
    /// Attributes by name, each once.
    pub attributes: Vec<(&'static str, Value)>,
}

impl Span {
    fn tell(&mut self, name: &'static str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.attributes.push((name, value.into()));
        }
    }
}

/// The spans of a request that has ended.
#[must_use]
pub fn spans(trace: &Trace, record: &AccessRecord<'_>) -> Vec<Span> {
    let mut spans = vec![root(trace, record)];
    spans.extend(trace.steps.iter().map(|(step, from, to)| part(trace, record, *step, *from, *to)));
    spans
}

fn span(trace: &Trace, id: SpanId, kind: Kind, from: Duration, to: Duration) -> Span {
    let at =
        |offset: Duration| trace.began.saturating_add(u64::try_from(offset.as_nanos()).unwrap_or(u64::MAX));
    Span {
        trace: trace.id,
        id,
        parent: Some(trace.root),
        name: String::new(),
        kind,
        start: at(from),
        end: at(to.max(from)),
        is_failed: false,
        attributes: Vec::new(),
    }
}

/// The method as OpenTelemetry wants it: one that is known, or this word.
fn method(record: &AccessRecord<'_>) -> &'static str {
    let known = ["GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS", "PATCH", "CONNECT", "TRACE"];
    known.into_iter().find(|known| record.method == Some(*known)).unwrap_or("_OTHER")
}

fn root(trace: &Trace, record: &AccessRecord<'_>) -> Span {
    let counted = record.counted;
    let mut root = span(trace, trace.root, Kind::Server, Duration::ZERO, counted.total);
    root.parent = trace.parent;
    root.name = match record.operation {
        Some(operation) => format!("{} {operation}", method(record)),
        None => method(record).to_owned(),
    };
    root.is_failed = counted.status == 0 || counted.status >= 500;
    let clean = |bytes: &[u8]| redact(&String::from_utf8_lossy(bytes)).to_string();
    root.tell("http.request.method", Some(method(record)));
    root.tell("http.response.status_code", Some(counted.status).filter(|status| *status > 0));
    root.tell("url.path", record.path.map(clean).as_deref());
    let is_tls = record.identity.is_some_and(NetworkIdentity::secure_transport);
    root.tell("url.scheme", Some(if is_tls { "https" } else { "http" }));
    root.tell("server.address", record.host.map(host));
    root.tell(
        "client.address",
        record.identity.and_then(NetworkIdentity::client_ip).map(|ip| ip.to_string()).as_deref(),
    );
    root.tell("user_agent.original", record.user_agent.map(clean).as_deref());
    let version = record.version.map(|version| match version {
        Version::Http10 => "1.0",
        Version::Http11 => "1.1",
    });
    root.tell("network.protocol.version", version);
    root.tell("aws.request_id", Some(record.request_id));
    root.tell("aws.s3.bucket", record.bucket);
    root.tell("presign_gate.decision", Some(counted.decision.as_str()));
    root.tell("presign_gate.reason", counted.reason.map(Reason::code));
    root.tell("presign_gate.listener", Some(record.listener));
    root.tell("error.type", counted.reason.map(Reason::code).filter(|_| root.is_failed));
    root
}

/// A host without its port.
fn host(host: &str) -> &str {
    host.rsplit_once(':')
        .filter(|(_, port)| port.bytes().all(|it| it.is_ascii_digit()))
        .map_or(host, |(name, _)| name)
}

fn part(trace: &Trace, record: &AccessRecord<'_>, step: Step, from: Duration, to: Duration) -> Span {
    let counted = record.counted;
    let refused = |stage: Stage| counted.reason.filter(|reason| reason.stage() == stage).map(Reason::code);
    let (kind, id) = match step {
        Step::Upstream => (Kind::Client, trace.upstream),
        Step::Auth | Step::Policy | Step::LinkState => (Kind::Internal, SpanId::random()),
    };
    let mut part = span(trace, id, kind, from, to);
    match step {
        Step::Auth => {
            "auth".clone_into(&mut part.name);
            part.tell("presign_gate.auth.scheme", record.auth_scheme);
            part.tell("presign_gate.auth.result", counted.auth.map(|auth| auth.result.as_str()));
            part.tell("presign_gate.reason", refused(Stage::Auth));
        }
        Step::Policy => {
            "policy".clone_into(&mut part.name);
            part.tell("presign_gate.reason", refused(Stage::Policy));
        }
        Step::LinkState => {
            "link state".clone_into(&mut part.name);
            part.tell("presign_gate.reason", refused(Stage::Links));
        }
        Step::Upstream => {
            let status = counted.upstream.map_or(0, |upstream| upstream.status);
            part.name = format!("S3.{}", record.operation.unwrap_or("request"));
            part.is_failed = status == 0 || status >= 400;
            part.tell("http.request.method", Some(method(record)));
            part.tell("http.response.status_code", Some(status).filter(|status| *status > 0));
            part.tell("rpc.system.name", Some("aws-api"));
            part.tell("rpc.method", record.operation);
            part.tell("aws.s3.bucket", record.bucket);
            part.tell("cloud.region", record.region);
            part.tell("presign_gate.upstream.name", record.upstream);
            let resends = counted.upstream.map(|upstream| upstream.retries).filter(|retries| *retries > 0);
            part.tell("http.request.resend_count", resends.and_then(|it| u16::try_from(it).ok()));
            part.tell("error.type", counted.reason.map(Reason::code).filter(|_| part.is_failed));
        }
    }
    part
}
