//! Spans of single requests: which are followed, what they took part by part, and where that is sent.
//! It must not make a request wait, nor believe more of a caller's context than its ids.

pub mod context;
#[cfg(feature = "otlp")]
mod encode;
mod export;
pub mod spans;

use std::io;
use std::time::Duration;

use super::metrics::DropCounter;
use crate::clock::UnixMillis;
use crate::config::model::Tracing;
use crate::request::headers::Headers;
use context::{Parent, SpanId, TraceId};
use export::Exporter;
use smallvec::SmallVec;
use spans::Span;

/// A part of a request that takes time of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Finding and proving the signature.
    Auth,
    /// Asking the policies.
    Policy,
    /// Asking the store of link state.
    LinkState,
    /// The store, from the connection to the end of its answer.
    Upstream,
}

/// A request that is followed.
#[derive(Debug)]
pub struct Trace {
    id: TraceId,
    parent: Option<SpanId>,
    root: SpanId,
    upstream: SpanId,
    /// When the request began, in nanoseconds since the epoch.
    began: u64,
    steps: SmallVec<[(Step, Duration, Duration); 4]>,
}

impl Trace {
    /// A part took from here to there, counted from the beginning of the request.
    pub fn took(&mut self, step: Step, from: Duration, to: Duration) {
        self.steps.push((step, from, to));
    }

    /// The header that tells the store which span called it.
    #[must_use]
    pub fn outward(&self) -> String {
        context::traceparent(self.id, self.upstream)
    }
}

/// Where spans go, and of how many requests.
#[derive(Debug)]
pub struct Tracer {
    /// `None`: nothing is followed.
    exporter: Option<Exporter>,
    /// Requests without a caller's context are followed whose random number is below this.
    threshold: u64,
}

impl Tracer {
    /// Follows nothing.
    #[must_use]
    pub const fn off() -> Self {
        Self { exporter: None, threshold: 0 }
    }

    /// Sends spans to a collector.
    ///
    /// # Errors
    /// If the thread that sends cannot be started.
    pub fn start(config: &Tracing, dropped: DropCounter) -> io::Result<Self> {
        let exporter = Exporter::start(&config.otlp, dropped)?;
        Ok(Self { exporter: Some(exporter), threshold: threshold(config.sample) })
    }

    /// A request whose head is there; `elapsed` since it began. `None` if it is not followed.
    #[must_use]
    pub fn begin(&self, headers: &Headers<'_>, now: UnixMillis, elapsed: Duration) -> Option<Box<Trace>> {
        self.exporter.as_ref()?;
        let parent = Parent::of(headers);
        let is_followed =
            parent.as_ref().map_or_else(|| fastrand::u64(..) < self.threshold, |parent| parent.is_sampled);
        if !is_followed {
            return None;
        }
        let now = u64::try_from(now.millis()).unwrap_or(0).saturating_mul(1_000_000);
        let elapsed = u64::try_from(elapsed.as_nanos()).unwrap_or(0);
        Some(Box::new(Trace {
            id: parent.as_ref().map_or_else(TraceId::random, |parent| parent.trace),
            parent: parent.map(|parent| parent.span),
            root: SpanId::random(),
            upstream: SpanId::random(),
            began: now.saturating_sub(elapsed),
            steps: SmallVec::new(),
        }))
    }

    /// Sends the spans of a request that has ended; drops and counts them if too many are waiting.
    pub fn send(&self, spans: Vec<Span>) {
        if let Some(exporter) = &self.exporter {
            exporter.send(spans);
        }
    }

    /// Waits until what was sent before is with the collector, but not for longer than `patience`.
    pub fn flush(&self, patience: Duration) {
        if let Some(exporter) = &self.exporter {
            exporter.flush(patience);
        }
    }
}

/// A share of all 64-bit numbers.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "saturates at both ends, which is what 0 and 1 mean"
)]
fn threshold(share: f64) -> u64 {
    (share * u64::MAX as f64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_of_numbers() {
        assert_eq!(threshold(0.0), 0);
        assert_eq!(threshold(1.0), u64::MAX);
        assert!(threshold(0.5).abs_diff(u64::MAX / 2) < 2048);
    }

    #[test]
    fn nothing_is_followed_that_nobody_wants() {
        let now = UnixMillis::from_secs(1);
        assert!(Tracer::off().begin(&Headers::default(), now, Duration::ZERO).is_none());
    }
}
