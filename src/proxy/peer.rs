//! One upstream as the shell reaches it: its endpoints, their addresses, and a connected stream to one of them.
//! It must not send or read a message of a client.

pub mod address;
pub mod budget;
pub mod class;
pub mod endpoint;
pub mod health;
pub mod names;
pub mod stream;

use super::within::within;
use crate::config::scalar::endpoint::Endpoint as Configured;
use crate::secret::Secret;
use address::{Address, State, now};
use budget::Budget;
use endpoint::{Endpoint, Seat};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;
use stream::PeerStream;
use tokio::task::JoinSet;

/// An upstream.
#[derive(Debug)]
pub struct Peer {
    /// What it was made from.
    pub spec: Spec,
    /// Its endpoints; never empty.
    pub endpoints: Vec<Arc<Endpoint>>,
    /// When its names are to be looked up again.
    pub lookups: Due,
    /// When it is to be probed again.
    pub probes: Due,
    budget: Budget,
    turn: AtomicUsize,
}

/// Everything that the config says about reaching an upstream. Two that are equal are one: a reload keeps the
/// connections and what is known about the addresses.
#[derive(Clone, Debug)]
pub struct Spec {
    /// The name in the config.
    pub name: String,
    /// Where it is; never empty.
    pub endpoints: Vec<Configured>,
    /// The authorities of its certificates, PEM; `None`: the public ones.
    pub ca: Option<Secret>,
    /// How long each step may take.
    pub timeouts: Timeouts,
    /// How often a request may be tried again, beside a pooled connection that turns out to be dead.
    pub retries: u32,
    /// How it is probed, if it is.
    pub health: Option<health::Probe>,
    /// Where its names must not lead.
    pub denied: class::Denied,
    /// How many connections it gets.
    pub pool: Pool,
}

/// How many connections each endpoint gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool {
    /// The most that carry a request.
    pub connections: usize,
    /// The most unused ones that each thread keeps.
    pub idle: usize,
}

impl PartialEq for Spec {
    fn eq(&self, other: &Self) -> bool {
        let ca = match (&self.ca, &other.ca) {
            (None, None) => true,
            (Some(ca), Some(other)) => ca.matches(other.expose()),
            _ => false,
        };
        ca && self.name == other.name
            && self.endpoints == other.endpoints
            && self.timeouts == other.timeouts
            && self.retries == other.retries
            && self.health == other.health
            && self.denied == other.denied
            && self.pool == other.pool
    }
}

/// Timeouts of an upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Name resolution, TCP and TLS together.
    pub connect: Duration,
    /// Between two reads.
    pub read: Duration,
    /// For each write to make progress.
    pub write: Duration,
    /// For which an unused connection is kept.
    pub idle: Duration,
}

/// When something is due that is done again and again, and never twice at a time.
#[derive(Debug, Default)]
pub struct Due(AtomicU64);

impl Due {
    /// Whether it is due; then whoever asked does it and sets the next time.
    pub fn take(&self, at: u64) -> bool {
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |due| (due <= at).then_some(u64::MAX))
            .is_ok()
    }

    /// Sets the next time.
    pub fn again_in(&self, time: Duration) {
        let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.0.store(now().saturating_add(millis), Ordering::Relaxed);
    }
}

/// A connection to an address of an endpoint.
#[derive(Debug)]
pub struct Connected {
    /// The connection.
    pub stream: PeerStream,
    /// Where it leads.
    pub address: Arc<Address>,
    /// The endpoint that the address is one of.
    pub endpoint: Arc<Endpoint>,
    /// The place of the request there.
    pub seat: Seat,
}

/// An endpoint that the next request may go to, and where a request that it fails can go instead.
#[derive(Debug)]
pub struct Round<'p> {
    peer: &'p Peer,
    first: usize,
    tried: Vec<Arc<Address>>,
}

impl Peer {
    /// An upstream that nothing is known about yet.
    #[must_use]
    pub fn new(spec: Spec, endpoints: Vec<Endpoint>) -> Self {
        let endpoints = endpoints.into_iter().map(Arc::new).collect();
        let (lookups, probes) = (Due::default(), Due::default());
        Self { spec, endpoints, lookups, probes, budget: Budget::default(), turn: AtomicUsize::new(0) }
    }

    /// How long each step may take.
    #[must_use]
    pub const fn timeouts(&self) -> Timeouts {
        self.spec.timeouts
    }

    /// Begins a request: endpoints take turns.
    #[must_use]
    pub fn round(&self) -> Round<'_> {
        self.budget.deposit();
        let first = match self.endpoints.len() {
            0 | 1 => 0,
            several => self.turn.fetch_add(1, Ordering::Relaxed) % several,
        };
        Round { peer: self, first, tried: Vec::new() }
    }

    /// How many of its addresses are up, ejected and unhealthy.
    #[must_use]
    pub fn states(&self) -> [usize; 3] {
        let at = now();
        let states: Vec<State> = self.addresses().map(|address| address.state(at)).collect();
        [State::Up, State::Ejected, State::Unhealthy]
            .map(|state| states.iter().filter(|it| **it == state).count())
    }

    /// The requests that have a connection to it.
    #[must_use]
    pub fn busy(&self) -> usize {
        self.endpoints.iter().map(|endpoint| endpoint.busy()).sum()
    }

    /// Looks up every name of its endpoints, and sets when that is due again: when the first of them is no longer good.
    pub async fn resolve(&self) {
        let mut lookups = JoinSet::new();
        for endpoint in &self.endpoints {
            let (endpoint, upstream) = (Arc::clone(endpoint), self.spec.name.clone());
            lookups.spawn(async move { endpoint.look_up(&upstream).await });
        }
        if let Some(time) = lookups.join_all().await.into_iter().flatten().min() {
            self.lookups.again_in(time);
        }
    }

    /// Every address that is known.
    pub fn addresses(&self) -> impl Iterator<Item = Arc<Address>> + '_ {
        self.endpoints.iter().flat_map(|endpoint| endpoint.addresses().iter().cloned().collect::<Vec<_>>())
    }
}

impl Round<'_> {
    /// The name of the upstream.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.peer.spec.name
    }

    /// The endpoints, the one whose turn it is first, those without a usable address last.
    pub fn endpoints(&self) -> impl Iterator<Item = &Arc<Endpoint>> + '_ {
        let (before, after) = self.peer.endpoints.split_at_checked(self.first).unwrap_or_default();
        let turn = || after.iter().chain(before);
        let at = now();
        turn().filter(move |it| it.is_usable(at)).chain(turn().filter(move |it| !it.is_usable(at)))
    }

    /// Connects, to an address that was not tried in this round if there is one left. An address that does not answer
    /// is tried once; one that refuses is asked again.
    ///
    /// # Errors
    /// The last error, or `TimedOut`, and the number of attempts that were made beside the first.
    pub async fn connect(&mut self) -> (io::Result<Connected>, u32) {
        let mut retries = 0;
        loop {
            let error = match self.attempt().await {
                Ok(connected) => return (Ok(connected), retries),
                Err(error) => error,
            };
            let again = retries < self.peer.spec.retries
                && (error.kind() != io::ErrorKind::TimedOut || self.untried())
                && error.kind() != io::ErrorKind::ResourceBusy
                && self.peer.budget.withdraw();
            if !again {
                return (Err(error), retries);
            }
            retries += 1;
        }
    }

    /// Whether an address is left that was not tried.
    fn untried(&self) -> bool {
        self.peer.addresses().any(|address| !self.tried.iter().any(|tried| Arc::ptr_eq(tried, &address)))
    }

    async fn attempt(&mut self) -> io::Result<Connected> {
        let limit = self.peer.spec.timeouts.connect;
        let attempt = self.attempt_now();
        within(limit, attempt).await?
    }

    async fn attempt_now(&mut self) -> io::Result<Connected> {
        let (endpoint, address, seat) = self.choose().await?;
        self.tried.push(Arc::clone(&address));
        let mut attempt = Attempt { address: &address, good: false };
        let stream = endpoint.connect(&address).await?;
        // what it will answer is not known yet
        attempt.good = true;
        drop(attempt);
        Ok(Connected { stream, address, endpoint, seat })
    }

    /// The best address: usable and not tried, then not tried, then usable, then any; of the endpoints that have a place
    /// left.
    async fn choose(&self) -> io::Result<(Arc<Endpoint>, Arc<Address>, Seat)> {
        let at = now();
        let mut best: Option<(u8, Arc<Endpoint>, Arc<Address>, Seat)> = None;
        let mut why = None;
        for endpoint in self.endpoints() {
            let Some(seat) = endpoint.seat() else {
                why = Some(io::ErrorKind::ResourceBusy.into());
                continue;
            };
            if endpoint.addresses().is_empty() {
                // nobody has looked the name up yet
                endpoint.look_up_first(&self.peer.spec.name).await;
            }
            let addresses = endpoint.in_turn();
            if addresses.is_empty() {
                why = why.or_else(|| Some(endpoint.why_none()));
            }
            let mut ranked: Option<(u8, Arc<Address>)> = None;
            for address in addresses {
                let tried = self.tried.iter().any(|tried| Arc::ptr_eq(tried, &address));
                let rank = u8::from(tried) * 2 + u8::from(!address.is_usable(at));
                if rank == 0 {
                    return Ok((Arc::clone(endpoint), address, seat));
                }
                if ranked.as_ref().is_none_or(|(other, _)| rank < *other) {
                    ranked = Some((rank, address));
                }
            }
            if let Some((rank, address)) = ranked
                && best.as_ref().is_none_or(|(other, ..)| rank < *other)
            {
                best = Some((rank, Arc::clone(endpoint), address, seat));
            }
        }
        let unknown = || io::Error::new(io::ErrorKind::NotFound, "no address is known");
        best.map(|(_, endpoint, address, seat)| (endpoint, address, seat))
            .ok_or_else(|| why.unwrap_or_else(unknown))
    }
}

/// Notes an attempt that failed; one that is given up in the middle has.
struct Attempt<'a> {
    address: &'a Address,
    good: bool,
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if !self.good {
            self.address.failed(now());
        }
    }
}

#[cfg(test)]
mod tests;
