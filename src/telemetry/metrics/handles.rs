//! The series themselves, found by small numbers.
//! It must not make a series that the config does not allow for: what lies outside a list counts as its rest.

use std::sync::OnceLock;

use prometheus::{Histogram, HistogramVec, IntCounter, IntCounterVec, IntGauge};

use super::register::Vectors;
use super::{KeyResult, MetricsConfig};
use crate::auth::sigv4::doctor::Cause;
use crate::net::ListenerIndex;
use crate::net::identity::Proof;
use crate::reason::Reason;
use crate::telemetry::record::{AuthResult, ConstraintResult, Decision, RequestRecord, StatusClass};

/// The label of an operation that is none of the list.
const UNKNOWN_OPERATION: &str = "unknown";
/// The label of a bucket that is not configured.
const OTHER_BUCKET: &str = "other";
/// The label of a request without an authentication scheme.
const NO_SCHEME: &str = "none";
/// The operations whose series exist from the start, so that the first request already shows in a rate.
const USUAL_OPERATIONS: [&str; 4] = ["GetObject", "HeadObject", "PutObject", "ListObjectsV2"];
/// With more buckets than this none of their series are made at the start.
const USUAL_BUCKETS: usize = 50;

/// Every series that requests count into.
#[derive(Debug)]
pub(super) struct Handles {
    requests: Requests,
    request_duration: Lazy<Histogram>,
    request_duration_vector: HistogramVec,
    operations: Box<[&'static str]>,
    overhead: Box<[Histogram]>,
    pub(super) in_flight: IntGauge,
    pub(super) connections: Box<[IntGauge]>,
    /// By scheme, the last being none, then by result.
    auth: Box<[IntCounter]>,
    denied: Box<[IntCounter]>,
    /// By cause.
    diagnoses: Box<[IntCounter]>,
    policy_matches: Box<[IntCounter]>,
    shadow_denied: Box<[IntCounter]>,
    network_identity: Box<[IntCounter]>,
    link_validity: Histogram,
    link_age: Histogram,
    /// By constraint, then by result.
    link_constraints: Box<[IntCounter]>,
    /// By upstream, then by status class.
    upstream_requests: Box<[IntCounter]>,
    upstream_first_byte: Box<[Histogram]>,
    upstream_retries: Box<[IntCounter]>,
    pub(super) buffered: IntGauge,
    pub(super) links_tracked: IntGauge,
    pub(super) revocations: IntGauge,
    pub(super) store_errors: IntCounter,
    pub(super) store_duration: Histogram,
    request_body_bytes: IntCounter,
    response_body_bytes: IntCounter,
    pub(super) reload_successful: IntGauge,
    pub(super) reload_timestamp: IntGauge,
    pub(super) reloads_loaded: IntCounter,
    pub(super) reloads_refused: IntCounter,
    /// By source, then by result.
    pub(super) key_sources: Box<[IntCounter]>,
    /// By limit.
    pub(super) rate_limited: Box<[IntCounter]>,
    pub(super) panics: IntCounter,
    pub(super) spans_dropped: IntCounter,
    pub(super) log_dropped: IntCounter,
}

impl Handles {
    pub(super) fn new(vectors: &Vectors, config: &MetricsConfig) -> Self {
        vectors.build_info.with_label_values(&[&config.version, &config.revision]).set(1);
        let operations: Box<[&'static str]> =
            config.operations.iter().copied().chain([UNKNOWN_OPERATION]).collect();
        let schemes = || config.auth_schemes.iter().copied().chain([NO_SCHEME]);
        let results: Vec<&str> = AuthResult::ALL.iter().map(|result| result.as_str()).collect();
        let kept: Vec<&str> = ConstraintResult::ALL.iter().map(|result| result.as_str()).collect();
        let classes: Vec<&str> = StatusClass::ALL.iter().map(|class| class.as_str()).collect();
        let upstreams = || config.upstreams.iter().map(String::as_str);
        let handles = Self {
            requests: Requests::new(vectors, config, &operations),
            request_duration: lazy(operations.len()),
            request_duration_vector: vectors.request_duration.clone(),
            overhead: each(Decision::ALL, |it| vectors.overhead.with_label_values(&[it.as_str()])),
            in_flight: vectors.in_flight.with_label_values::<&str>(&[]),
            connections: each(&config.listeners, |it| vectors.connections.with_label_values(&[it])),
            auth: product(&vectors.auth, schemes(), &results),
            denied: each(Reason::ALL, |it| {
                vectors.denied.with_label_values(&[it.stage().as_str(), it.code()])
            }),
            diagnoses: each(Cause::ALL, |it| vectors.diagnoses.with_label_values(&[it.code()])),
            policy_matches: each(&config.statements, |it| {
                vectors.policy_matches.with_label_values(&[it.document.as_str(), &it.sid, it.effect])
            }),
            shadow_denied: each(&config.shadow, |it| vectors.shadow_denied.with_label_values(&[it])),
            network_identity: each(Proof::ALL, |it| {
                vectors.network_identity.with_label_values(&[it.as_str()])
            }),
            link_validity: vectors.link_validity.with_label_values::<&str>(&[]),
            link_age: vectors.link_age.with_label_values::<&str>(&[]),
            link_constraints: product(&vectors.link_constraints, config.constraints.iter().copied(), &kept),
            upstream_requests: product(&vectors.upstream_requests, upstreams(), &classes),
            upstream_first_byte: upstreams()
                .map(|it| vectors.upstream_first_byte.with_label_values(&[it]))
                .collect(),
            upstream_retries: upstreams()
                .map(|it| vectors.upstream_retries.with_label_values(&[it]))
                .collect(),
            buffered: vectors.buffered.with_label_values::<&str>(&[]),
            links_tracked: vectors.links_tracked.with_label_values::<&str>(&[]),
            revocations: vectors.revocations.with_label_values::<&str>(&[]),
            store_errors: vectors.store_errors.with_label_values::<&str>(&[]),
            store_duration: vectors.store_duration.with_label_values::<&str>(&[]),
            request_body_bytes: vectors.request_body_bytes.with_label_values::<&str>(&[]),
            response_body_bytes: vectors.response_body_bytes.with_label_values::<&str>(&[]),
            reload_successful: vectors.reload_successful.with_label_values::<&str>(&[]),
            reload_timestamp: vectors.reload_timestamp.with_label_values::<&str>(&[]),
            reloads_loaded: vectors.reloads.with_label_values(&["loaded"]),
            reloads_refused: vectors.reloads.with_label_values(&["refused"]),
            key_sources: product(
                &vectors.credential_source_results,
                config.key_sources.iter().map(String::as_str),
                &KeyResult::ALL.map(KeyResult::as_str),
            ),
            rate_limited: each(&config.rate_limits, |it| vectors.rate_limited.with_label_values(&[it])),
            panics: vectors.panics.with_label_values::<&str>(&[]),
            spans_dropped: vectors.spans_dropped.with_label_values::<&str>(&[]),
            log_dropped: vectors.log_dropped.with_label_values::<&str>(&[]),
            operations,
        };
        for (setting, is_set) in &config.weakened {
            vectors.weakened.with_label_values(&[setting]).set(i64::from(*is_set));
        }
        for source in &config.key_sources {
            // made here, set when they are asked for
            let _ = vectors.credential_source_keys.with_label_values(&[source]);
        }
        handles.make_usual(config);
        for (upstream, state) in upstreams().flat_map(|it| super::UPSTREAM_STATES.map(|state| (it, state))) {
            // made here, set when they are asked for
            let _ = vectors.upstream_endpoints.with_label_values(&[upstream, state]);
        }
        for upstream in upstreams() {
            let _ = vectors.upstream_connections.with_label_values(&[upstream]);
        }
        handles
    }

    /// The label of a listener.
    pub(super) fn listener(&self, listener: ListenerIndex) -> Option<&str> {
        self.requests.listeners.get(listener.get()).map(String::as_str)
    }

    /// Makes the series of what is certain to be asked.
    fn make_usual(&self, config: &MetricsConfig) {
        let usual =
            |operation: &&str| USUAL_OPERATIONS.contains(operation) || *operation == UNKNOWN_OPERATION;
        let operations =
            || self.operations.iter().enumerate().filter(|(_, name)| usual(name)).map(|(at, _)| at);
        operations().for_each(|operation| {
            self.duration(operation);
        });
        let buckets = if config.buckets.len() > USUAL_BUCKETS { 0 } else { config.buckets.len() };
        for listener in 0..config.listeners.len() {
            for bucket in (0..buckets).chain([config.buckets.len()]) {
                for operation in operations() {
                    self.requests.series(listener, bucket, operation, Decision::Allow, StatusClass::Success);
                    self.requests.series(
                        listener,
                        bucket,
                        operation,
                        Decision::Deny,
                        StatusClass::ClientError,
                    );
                }
            }
        }
    }

    pub(super) fn record(&self, record: &RequestRecord) {
        let operation = or_rest(record.operation, self.operations.len());
        let bucket = or_rest(record.bucket, self.requests.buckets.len());
        let class = StatusClass::of(record.status);
        count(self.requests.series(record.listener.get(), bucket, operation, record.decision, class));
        observe(self.duration(operation), record.total);
        observe(self.overhead.get(record.decision.index()), record.overhead);
        if let Some(auth) = record.auth {
            let scheme = or_rest(auth.scheme, self.auth.len() / AuthResult::ALL.len());
            count(self.auth.get(scheme * AuthResult::ALL.len() + auth.result.index()));
        }
        record.reason.into_iter().for_each(|reason| self.refused(reason));
        for cause in &record.diagnosis {
            count(self.diagnoses.get(*cause as usize));
        }
        if let Some(proof) = record.proof {
            count(self.network_identity.get(proof.index()));
        }
        for statement in &record.matched {
            count(usize::try_from(*statement).ok().and_then(|at| self.policy_matches.get(at)));
        }
        for document in &record.shadow_denied {
            count(self.shadow_denied.get(usize::from(*document)));
        }
        for (constraint, result) in &record.constraints {
            let at = usize::from(*constraint) * ConstraintResult::ALL.len() + result.index();
            count(self.link_constraints.get(at));
        }
        if let Some(upstream) = record.upstream {
            let at = usize::from(upstream.upstream);
            let class = StatusClass::of(upstream.status).index();
            count(self.upstream_requests.get(at * StatusClass::ALL.len() + class));
            if upstream.retries > 0
                && let Some(series) = self.upstream_retries.get(at)
            {
                series.inc_by(u64::from(upstream.retries));
            }
            upstream.first_byte.inspect(|time| observe(self.upstream_first_byte.get(at), *time));
        }
        record.link_validity.inspect(|time| self.link_validity.observe(time.as_secs_f64()));
        record.link_age.inspect(|time| self.link_age.observe(time.as_secs_f64()));
        self.request_body_bytes.inc_by(record.request_body_bytes);
        self.response_body_bytes.inc_by(record.response_body_bytes);
    }

    pub(super) fn refused(&self, reason: Reason) {
        count(self.denied.get(reason as usize));
    }

    fn duration(&self, operation: usize) -> Option<&Histogram> {
        let name = self.operations.get(operation)?;
        let make = || self.request_duration_vector.with_label_values(&[name]);
        self.request_duration.get(operation).map(|cell| cell.get_or_init(make))
    }
}

/// Series that are made when they are first counted into.
type Lazy<S> = Box<[OnceLock<S>]>;

/// The cross product of `requests_total`: a row per listener and bucket, made when its first request comes, holds a
/// place for each operation, decision and class.
#[derive(Debug)]
struct Requests {
    vector: IntCounterVec,
    listeners: Box<[String]>,
    /// The last is the rest.
    buckets: Box<[String]>,
    operations: Box<[&'static str]>,
    rows: Lazy<Lazy<IntCounter>>,
}

impl Requests {
    fn new(vectors: &Vectors, config: &MetricsConfig, operations: &[&'static str]) -> Self {
        let buckets: Box<[String]> =
            config.buckets.iter().cloned().chain([OTHER_BUCKET.to_owned()]).collect();
        Self {
            vector: vectors.requests.clone(),
            listeners: config.listeners.clone().into_boxed_slice(),
            operations: operations.into(),
            rows: lazy(config.listeners.len() * buckets.len()),
            buckets,
        }
    }

    fn series(
        &self,
        listener: usize,
        bucket: usize,
        operation: usize,
        decision: Decision,
        class: StatusClass,
    ) -> Option<&IntCounter> {
        let (decisions, classes) = (Decision::ALL.len(), StatusClass::ALL.len());
        let row = self.rows.get(listener * self.buckets.len() + bucket)?;
        let row = row.get_or_init(|| lazy(self.operations.len() * decisions * classes));
        let cell = row.get((operation * decisions + decision.index()) * classes + class.index())?;
        if let Some(series) = cell.get() {
            return Some(series);
        }
        let labels = [
            self.listeners.get(listener)?.as_str(),
            self.operations.get(operation)?,
            self.buckets.get(bucket)?,
            decision.as_str(),
            class.as_str(),
        ];
        Some(cell.get_or_init(|| self.vector.with_label_values(&labels)))
    }
}

/// A position, or the last of a list that ends with its rest.
fn or_rest(position: Option<impl Into<usize>>, len: usize) -> usize {
    let rest = len.saturating_sub(1);
    position.map_or(rest, |position| position.into().min(rest))
}

fn lazy<S>(len: usize) -> Lazy<S> {
    std::iter::repeat_with(OnceLock::new).take(len).collect()
}

fn each<T, S>(values: &[T], series: impl Fn(&T) -> S) -> Box<[S]> {
    values.iter().map(series).collect()
}

/// The series of each pair of labels, in the order of the first.
fn product<'l>(
    vector: &IntCounterVec,
    first: impl Iterator<Item = &'l str>,
    second: &[&str],
) -> Box<[IntCounter]> {
    first.flat_map(|one| second.iter().map(move |other| vector.with_label_values(&[one, other]))).collect()
}

fn count(series: Option<&IntCounter>) {
    if let Some(series) = series {
        series.inc();
    }
}

fn observe(series: Option<&Histogram>, time: std::time::Duration) {
    if let Some(series) = series {
        series.observe(time.as_secs_f64());
    }
}
