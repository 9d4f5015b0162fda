//! What every connection shares: the running configuration, the clock, counters, and how it all ends.
//! It must not hold anything that belongs to one request.

use super::certificates::Certificates;
use super::clinic::Clinic;
use super::keys::Keys;
use super::ledger::Ledger;
use super::peer::Peer;
use super::quotas::Quota;
use super::rates::Rates;
use super::statements::Statements;
use crate::clock::{Clock, UnixMillis};
use crate::config::model::Shutdown;
use crate::net::ListenerIndex;
use crate::secret::Secret;
use crate::signers::Signers;
use crate::snapshot::Snapshot;
use crate::store::keeper::{Keeper, WhenStoreFails};
use crate::store::pace::Paces;
use crate::telemetry::Telemetry;
use crate::telemetry::metrics::{Held, Metrics};
use arc_swap::ArcSwap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tokio::sync::watch;

/// One configuration in force: what the pipeline sees, and how its upstreams are reached.
#[derive(Debug)]
pub struct Running {
    /// The client connections in force.
    pub connections: usize,
    /// The compiled world.
    pub snapshot: Snapshot,
    /// The upstreams, in the order of [`Snapshot::upstreams`].
    pub peers: Vec<Arc<Peer>>,
    /// What its listeners serve TLS with, in the order of [`Snapshot::listeners`]; `None` for cleartext.
    pub tls: Vec<Option<Arc<Certificates>>>,
    /// The credentials of upstreams that come from elsewhere, in the same order.
    pub keys: Vec<Option<Arc<Keys>>>,
    /// Who knows signers that the snapshot does not hold.
    pub signers: Signers,
    /// What is counted for each source.
    pub rates: Rates,
    /// The numbers of its policy statements.
    pub statements: Statements,
    /// The metrics, by the positions in its lists.
    pub metrics: Metrics,
    /// How the gate ends.
    pub shutdown: Shutdown,
    /// The limits that count for keys and links, and those on bytes.
    pub quotas: Vec<Quota>,
    /// What happens to links with state when the store fails.
    pub when_store_fails: WhenStoreFails,
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

/// When credentials expire that do not.
const NEVER: UnixMillis = UnixMillis::from_secs(253_402_300_799);

/// What every connection shares.
#[derive(Debug)]
pub struct World {
    /// The configuration; a request keeps the one that it began with.
    pub running: ArcSwap<Running>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Metrics and logs.
    pub telemetry: Arc<Telemetry>,
    leaving: AtomicBool,
    /// The state of links.
    pub keeper: Arc<Keeper>,
    /// What keys, addresses and links took lately.
    pub paces: Paces,
    /// When the signature doctor is asked.
    pub clinic: Clinic,
    /// The bodies that rules read whole.
    pub buffers: Ledger,
    draining: watch::Sender<bool>,
    connections: AtomicUsize,
    requests: AtomicUsize,
}

impl World {
    /// A world before its first connection.
    #[must_use]
    pub fn new(
        running: Running,
        clock: Arc<dyn Clock>,
        telemetry: Arc<Telemetry>,
        keeper: Arc<Keeper>,
    ) -> Self {
        Self {
            running: ArcSwap::from_pointee(running),
            clock,
            telemetry,
            leaving: AtomicBool::new(false),
            keeper,
            paces: Paces::default(),
            clinic: Clinic::default(),
            buffers: Ledger::default(),
            draining: watch::Sender::new(false),
            connections: AtomicUsize::new(0),
            requests: AtomicUsize::new(0),
        }
    }

    /// Brings the gauges that are asked for, not counted, up to date.
    pub fn measure(&self) {
        let running = self.running.load();
        running.signers.measure(&running.metrics);
        running.metrics.buffered(self.buffers.held());
        for peer in &running.peers {
            running.metrics.upstream_connections(&peer.spec.name, peer.busy());
            running.metrics.upstream_endpoints(&peer.spec.name, peer.states());
        }
        for keys in running.keys.iter().flatten() {
            let expiry = match keys.valid(self.clock.now()) {
                None => UnixMillis::from_secs(0),
                Some(held) => held.expires.unwrap_or(NEVER),
            };
            running.metrics.upstream_credentials_expiry(&keys.source.upstream, expiry);
        }
    }

    /// Lets go of the gauges of upstreams that a new configuration has no more.
    pub fn forget(&self, old: &Running, new: &Running) {
        let gone = |peer: &&Arc<Peer>| !new.peers.iter().any(|kept| kept.spec.name == peer.spec.name);
        for source in old.signers.names().filter(|name| !new.signers.names().any(|kept| kept == *name)) {
            self.telemetry.metrics.forget_key_source(source);
        }
        for peer in old.peers.iter().filter(gone) {
            self.telemetry.metrics.forget_upstream(&peer.spec.name);
        }
    }

    /// Begins to leave: not ready from now on, so that balancers send nothing new; requests are served as before.
    pub fn leave(&self) {
        self.leaving.store(true, Ordering::SeqCst);
    }

    /// Whether the gate is about to end.
    #[must_use]
    pub fn is_leaving(&self) -> bool {
        self.leaving.load(Ordering::SeqCst)
    }

    /// Begins to drain: each answer says that it is the last of its connection. `false` takes it back.
    pub fn drain(&self, draining: bool) {
        self.draining.send_replace(draining);
    }

    /// Whether draining has begun.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        *self.draining.borrow()
    }

    /// Where it stands whether draining has begun.
    pub(super) const fn draining(&self) -> &watch::Sender<bool> {
        &self.draining
    }

    /// Tells when draining begins, and when it is taken back.
    pub fn watch_draining(&self) -> watch::Receiver<bool> {
        self.draining.subscribe()
    }

    /// The open client connections.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
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
