//! What operators see: metrics, the access log, and the gate's own messages.
//! It must not take part in a decision, nor let a usable link into any output.

pub mod access;
pub mod families;
pub mod log;
pub mod metrics;
pub mod record;
pub mod redact;

use crate::net::ListenerIndex;
use crate::reason::Reason;
use access::AccessLog;
use metrics::{Held, Metrics};
use record::RequestRecord;

/// Metrics and logs of one process.
#[derive(Debug)]
pub struct Telemetry {
    /// The metrics.
    pub metrics: Metrics,
    /// The access log.
    pub access: AccessLog,
}

impl Telemetry {
    /// Counts a connection that was refused before its first request.
    pub fn refused(&self, listener: ListenerIndex, reason: Reason) {
        self.metrics.record(&RequestRecord { reason: Some(reason), ..RequestRecord::new(listener) });
    }

    /// Counts a connection as open until the guard is dropped.
    #[must_use]
    pub fn connection(&self, listener: ListenerIndex) -> Option<Held> {
        self.metrics.connection(listener)
    }

    /// Writes out what waits to be written.
    pub fn flush(&self) {
        self.access.flush();
    }
}
