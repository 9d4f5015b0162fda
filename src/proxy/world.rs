//! What every connection shares: the running configuration, the clock, counters, and how it all ends.
//! It must not hold anything that belongs to one request.

use super::certificates::Certificates;
use super::peer::Peer;
use super::rates::Rates;
use super::statements::Statements;
use crate::clock::Clock;
use crate::net::ListenerIndex;
use crate::secret::Secret;
use crate::snapshot::Snapshot;
use crate::telemetry::Telemetry;
use crate::telemetry::metrics::{Held, Metrics};
use arc_swap::ArcSwap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// One configuration in force: what the pipeline sees, and how its upstreams are reached.
#[derive(Debug)]
pub struct Running {
    /// The compiled world.
    pub snapshot: Snapshot,
    /// The upstreams, in the order of [`Snapshot::upstreams`].
    pub peers: Vec<Peer>,
    /// What its listeners serve TLS with, in the order of [`Snapshot::listeners`]; `None` for cleartext.
    pub tls: Vec<Option<Arc<Certificates>>>,
    /// What is counted for each source.
    pub rates: Rates,
    /// The numbers of its policy statements.
    pub statements: Statements,
    /// The metrics, by the positions in its lists.
    pub metrics: Metrics,
    /// The bearer token of the admin endpoint, if there is one.
    pub admin_token: Option<Secret>,
    /// The config file as the admin endpoint shows it.
    pub shown: serde_json::Value,
}

impl Running {
    /// The certificates of a listener; `None` for cleartext.
    #[must_use]
    pub fn tls(&self, listener: ListenerIndex) -> Option<&Arc<Certificates>> {
        self.tls.get(listener.get())?.as_ref()
    }
}

/// What every connection shares.
#[derive(Debug)]
pub struct World {
    /// The configuration; a request keeps the one that it began with.
    pub running: ArcSwap<Running>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Metrics and logs.
    pub telemetry: Arc<Telemetry>,
    draining: AtomicBool,
    connections: AtomicUsize,
    requests: AtomicUsize,
}

impl World {
    /// A world before its first connection.
    #[must_use]
    pub fn new(running: Running, clock: Arc<dyn Clock>, telemetry: Arc<Telemetry>) -> Self {
        Self {
            running: ArcSwap::from_pointee(running),
            clock,
            telemetry,
            draining: AtomicBool::new(false),
            connections: AtomicUsize::new(0),
            requests: AtomicUsize::new(0),
        }
    }

    /// Begins to drain: not ready from now on, connections close after their current request.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::SeqCst);
    }

    /// Whether draining has begun.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::SeqCst)
    }

    /// The requests being served.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    /// Counts a connection until the guard is dropped; `None` over the limit.
    pub fn enter(&self, limit: usize) -> Option<Guard<'_>> {
        let guard = Guard::count(&self.connections);
        (guard.before < limit).then_some(guard)
    }

    /// Counts a request until the guards are dropped.
    pub fn begin(&self) -> (Guard<'_>, Held) {
        (Guard::count(&self.requests), self.telemetry.metrics.request())
    }
}

/// Counts one until it is dropped, also when its task ends in the middle.
#[derive(Debug)]
pub struct Guard<'w> {
    counter: &'w AtomicUsize,
    before: usize,
}

impl<'w> Guard<'w> {
    fn count(counter: &'w AtomicUsize) -> Self {
        Self { counter, before: counter.fetch_add(1, Ordering::SeqCst) }
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        self.counter.fetch_sub(1, Ordering::SeqCst);
    }
}
