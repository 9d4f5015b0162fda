//! Counting: one call per request, through handles that were resolved when the config was loaded.
//! It must not look up a label by its text on the way of a request, nor let the library's types out of this module.

mod handles;
mod register;

use prometheus::{Registry, TextEncoder};

use super::record::RequestRecord;
use crate::clock::UnixMillis;
use crate::net::ListenerIndex;
use crate::reason::Reason;
use handles::Handles;
use register::Vectors;

/// The label values that are known when a config is loaded.
#[derive(Clone, Debug, Default)]
pub struct MetricsConfig {
    /// The version of the gate.
    pub version: String,
    /// The source revision of the gate.
    pub revision: String,
    /// The listeners, in the order of the config.
    pub listeners: Vec<String>,
    /// The names of the buckets as clients see them; any other bucket counts as `other`.
    pub buckets: Vec<String>,
    /// The names of the upstreams.
    pub upstreams: Vec<String>,
    /// The policy statements, in the order of their numbers.
    pub statements: Vec<StatementLabels>,
    /// The shadow policies, in the order of the config.
    pub shadow: Vec<String>,
    /// The names of the operations; what is none of them counts as `unknown`.
    pub operations: Vec<&'static str>,
    /// The names of the authentication schemes.
    pub auth_schemes: Vec<&'static str>,
    /// The names of the sources of access keys, in the order of the config.
    pub key_sources: Vec<String>,
    /// The limits on requests in a time, in the order of the config.
    pub rate_limits: Vec<String>,
    /// The settings that can weaken a check, and whether they do.
    pub weakened: Vec<(&'static str, bool)>,
    /// The names of the constraints that a link can carry.
    pub constraints: Vec<&'static str>,
}

/// The labels of a policy statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementLabels {
    /// The document, as the config names it.
    pub document: String,
    /// The `Sid`, or a number if there is none.
    pub sid: String,
    /// `Allow` or `Deny`.
    pub effect: &'static str,
}

/// Why the metrics could not be set up: a fault of the gate's own tables.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the metrics cannot be registered: {0}")]
pub struct MetricsError(String);

impl From<prometheus::Error> for MetricsError {
    fn from(error: prometheus::Error) -> Self {
        Self(error.to_string())
    }
}

/// What came of asking or looking at a source of access keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyResult {
    /// What was said before still counts.
    Hit,
    /// What was said before counts for want of another answer.
    Stale,
    /// Somebody has the key.
    Found,
    /// Nobody has it.
    Absent,
    /// No answer, or one that cannot be read.
    Failed,
    /// Not asked, since there are too many questions.
    Limited,
    /// A file was read and is good.
    Loaded,
    /// A key is gone with its file.
    Removed,
    /// A file was read and is no key, or one that another file has.
    Refused,
}

impl KeyResult {
    /// Every result, in the order of its series.
    pub const ALL: [Self; 9] = [
        Self::Hit,
        Self::Stale,
        Self::Found,
        Self::Absent,
        Self::Failed,
        Self::Limited,
        Self::Loaded,
        Self::Removed,
        Self::Refused,
    ];

    /// The label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Stale => "stale",
            Self::Found => "found",
            Self::Absent => "absent",
            Self::Failed => "failed",
            Self::Limited => "limited",
            Self::Loaded => "loaded",
            Self::Removed => "removed",
            Self::Refused => "refused",
        }
    }
}

/// The states of an address of an upstream.
pub const UPSTREAM_STATES: [&str; 3] = ["up", "ejected", "unhealthy"];

/// All metrics.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    vectors: Vectors,
    handles: Handles,
}

impl Metrics {
    /// Registers every family of the table, and makes the series that can exist from the start.
    ///
    /// # Errors
    /// [`MetricsError`] if the table holds what Prometheus does not allow.
    pub fn new(config: &MetricsConfig) -> Result<Self, MetricsError> {
        let registry = Registry::new();
        let vectors = Vectors::new(&registry)?;
        registry.register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))?;
        let handles = Handles::new(&vectors, config);
        Ok(Self { registry, vectors, handles })
    }

    /// The same metrics for another config: what was counted stays, positions follow the new lists.
    #[must_use]
    pub fn with_config(&self, config: &MetricsConfig) -> Self {
        let handles = Handles::new(&self.vectors, config);
        Self { registry: self.registry.clone(), vectors: self.vectors.clone(), handles }
    }

    /// Counts a request that has ended.
    pub fn record(&self, record: &RequestRecord) {
        self.handles.record(record);
    }

    /// Counts a connection that was refused before its first request.
    pub fn refused(&self, reason: Reason) {
        self.handles.refused(reason);
    }

    /// Counts a request or a connection in which the code failed.
    pub fn panicked(&self) {
        self.handles.panics.inc();
    }

    /// Counts a request as in flight until the guard is dropped.
    #[must_use]
    pub fn request(&self) -> Held {
        Held::new(&self.handles.in_flight)
    }

    /// Counts a connection as open until the guard is dropped.
    #[must_use]
    pub fn connection(&self, listener: ListenerIndex) -> Option<Held> {
        self.handles.connections.get(listener.get()).map(Held::new)
    }

    /// How many addresses an upstream has in each state.
    pub fn upstream_endpoints(&self, upstream: &str, counts: [usize; 3]) {
        for (state, count) in UPSTREAM_STATES.iter().zip(counts) {
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            self.vectors.upstream_endpoints.with_label_values(&[upstream, state]).set(count);
        }
    }

    /// How many connections to an upstream carry a request.
    pub fn upstream_connections(&self, upstream: &str, busy: usize) {
        let busy = i64::try_from(busy).unwrap_or(i64::MAX);
        self.vectors.upstream_connections.with_label_values(&[upstream]).set(busy);
    }

    /// So many bytes are set aside for bodies that rules read whole.
    pub fn buffered(&self, bytes: u64) {
        self.handles.buffered.set(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    /// When the credentials of an upstream expire.
    pub fn upstream_credentials_expiry(&self, upstream: &str, at: UnixMillis) {
        self.vectors.upstream_credentials_expiry.with_label_values(&[upstream]).set(at.secs());
    }

    /// An upstream is configured no more: what was true of it is no longer; what was counted stays.
    pub fn forget_upstream(&self, upstream: &str) {
        // they may never have been there
        let _ = self.vectors.upstream_credentials_expiry.remove_label_values(&[upstream]);
        let _ = self.vectors.upstream_connections.remove_label_values(&[upstream]);
        for state in UPSTREAM_STATES {
            let _ = self.vectors.upstream_endpoints.remove_label_values(&[upstream, state]);
        }
    }

    /// Counts what came of a source of access keys, by its position.
    pub fn key_source(&self, source: usize, result: KeyResult) {
        let at = source.saturating_mul(KeyResult::ALL.len()).saturating_add(result as usize);
        if let Some(series) = self.handles.key_sources.get(at) {
            series.inc();
        }
    }

    /// So many keys are known from a source.
    pub fn key_source_keys(&self, source: &str, keys: usize) {
        let keys = i64::try_from(keys).unwrap_or(i64::MAX);
        self.vectors.credential_source_keys.with_label_values(&[source]).set(keys);
    }

    /// A source is configured no more.
    pub fn forget_key_source(&self, source: &str) {
        // it may never have been there
        let _ = self.vectors.credential_source_keys.remove_label_values(&[source]);
    }

    /// The store knows so many links.
    pub fn links_tracked(&self, links: u64) {
        self.handles.links_tracked.set(i64::try_from(links).unwrap_or(i64::MAX));
    }

    /// So many revocations are in force.
    pub fn revocations(&self, entries: usize) {
        self.handles.revocations.set(i64::try_from(entries).unwrap_or(i64::MAX));
    }

    /// The link store was asked, which took so long.
    pub fn store_call(&self, took: std::time::Duration, good: bool) {
        self.handles.store_duration.observe(took.as_secs_f64());
        if !good {
            self.handles.store_errors.inc();
        }
    }

    /// So many ends of requests were never told to the link store.
    pub fn store_lost(&self, notes: u64) {
        self.handles.store_errors.inc_by(notes);
    }

    /// The first config was read at this time and is in force.
    pub fn config_loaded(&self, at: UnixMillis) {
        self.handles.reload_successful.set(1);
        self.handles.reload_timestamp.set(at.secs());
    }

    /// The config was read again at this time and has come into force.
    pub fn config_reloaded(&self, at: UnixMillis) {
        self.config_loaded(at);
        self.handles.reloads_loaded.inc();
    }

    /// The config was read again and refused; the old one stays in force.
    pub fn config_refused(&self) {
        self.handles.reload_successful.set(0);
        self.handles.reloads_refused.inc();
    }

    /// Counts a request that was too much for a limit, by its position.
    pub fn rate_limited(&self, rule: usize) {
        if let Some(series) = self.handles.rate_limited.get(rule) {
            series.inc();
        }
    }

    /// The first certificate of a listener expires at this time, in seconds since the epoch; `None` for cleartext.
    pub fn certificates_expire(&self, listener: ListenerIndex, not_after: Option<i64>) {
        let Some(name) = self.handles.listener(listener) else { return };
        match not_after {
            Some(at) => self.vectors.tls_expiry.with_label_values(&[name]).set(at),
            // there may have been one before the config was read again
            None => drop(self.vectors.tls_expiry.remove_label_values(&[name])),
        }
    }

    /// The counter of dropped log lines, for those who write logs.
    #[must_use]
    pub fn log_dropped(&self) -> DropCounter {
        DropCounter(self.handles.log_dropped.clone())
    }

    /// The counter of dropped spans, for who sends them.
    #[must_use]
    pub fn spans_dropped(&self) -> DropCounter {
        DropCounter(self.handles.spans_dropped.clone())
    }

    /// The page in the text format of Prometheus, version 0.0.4.
    ///
    /// # Errors
    /// [`MetricsError`] if two series collide, which the registry should have refused.
    pub fn render(&self) -> Result<String, MetricsError> {
        Ok(TextEncoder::new().encode_to_string(&self.registry.gather())?)
    }
}

/// Something that is counted while it lasts.
#[derive(Debug)]
pub struct Held(prometheus::IntGauge);

impl Held {
    fn new(gauge: &prometheus::IntGauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Counts dropped log lines or spans.
#[derive(Clone, Debug)]
pub struct DropCounter(prometheus::IntCounter);

impl DropCounter {
    /// A number of lines was dropped.
    pub fn add(&self, lines: u64) {
        self.0.inc_by(lines);
    }

    /// The lines dropped so far.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.get()
    }
}

#[cfg(test)]
mod tests;
