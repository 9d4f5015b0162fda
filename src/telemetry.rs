//! What operators see: metrics, the access log, and the gate's own messages.
//! It must not take part in a decision, nor let a usable link into any output.

pub mod access;
pub mod audit;
pub mod build;
pub mod families;
pub mod file;
pub mod json;
pub mod log;
pub mod metrics;
pub mod recent;
pub mod record;
pub mod redact;
pub mod trace;
pub mod writer;

use std::time::Duration;

use crate::config::model::LogFormat;
use crate::net::ListenerIndex;
use audit::AuditLog;
use metrics::{Held, Metrics};
use recent::Recent;
use trace::Tracer;
use writer::LineWriter;

/// For how long the end of the process waits for the last lines of a log.
const PATIENCE: Duration = Duration::from_secs(5);

/// Metrics and logs of one process.
#[derive(Debug)]
pub struct Telemetry {
    /// The metrics.
    pub metrics: Metrics,
    /// The access log.
    pub access: LineWriter,
    /// The form of its lines.
    pub access_format: LogFormat,
    /// The audit log.
    pub audit: AuditLog,
    /// The last refusals, for the console.
    pub recent: Recent,
    /// The spans.
    pub tracer: Tracer,
}

impl Telemetry {
    /// Counts a connection as open until the guard is dropped.
    #[must_use]
    pub fn connection(&self, listener: ListenerIndex) -> Option<Held> {
        self.metrics.connection(listener)
    }

    /// Waits until what was sent to the logs is written, but not for long.
    pub fn flush(&self) {
        // what is not written by then is lost: the reader of the log has stopped reading
        let _ = self.access.flush(PATIENCE);
        let _ = self.audit.flush(PATIENCE);
        self.tracer.flush(PATIENCE);
    }
}
