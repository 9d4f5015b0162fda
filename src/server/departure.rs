//! How a gate stops: who is let in no more, who is served to the end, what another gate may have meanwhile.
//! It must not decide when; signals and successors do.

use super::doors::Doors;
use super::handover::{Stage, Successor};
use super::notify;
use crate::clock::Stopwatch;
use crate::proxy::edge::PARTING;
use crate::proxy::world::World;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::watch;

/// How long files that two gates cannot share are kept for requests under way. What those take from a link after that
/// counts as used, as if the gate had died.
const LET_GO: Duration = Duration::from_secs(5);
/// How long it is tried to open files again that a new gate had.
const TAKE_BACK: Duration = Duration::from_secs(20);
/// How long acceptors may take to end.
const DOORS: Duration = Duration::from_secs(1);
/// How long writing down what was told may take.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// How this gate stops.
#[derive(Debug)]
pub(super) struct Departure {
    world: Arc<World>,
    /// Where clients come in.
    pub(super) edge: Arc<Doors>,
    /// Where operators come in.
    pub(super) admin: Arc<Doors>,
    /// Whether it has begun for good.
    ending: AtomicBool,
    successor: watch::Sender<Option<Successor>>,
}

impl Departure {
    pub(super) fn new(world: &Arc<World>) -> Self {
        Self {
            world: Arc::clone(world),
            edge: Doors::new(),
            admin: Doors::new(),
            ending: AtomicBool::new(false),
            successor: watch::Sender::new(None),
        }
    }

    /// Does what a new gate wants; blocks.
    pub(super) fn act(&self, stage: Stage) {
        // Redis and memory need no turns
        if self.world.keeper.is_exclusive() || self.world.telemetry.audit.is_on() {
            match stage {
                Stage::Release => self.let_go(),
                Stage::Resume => self.take_back(),
            }
        }
    }

    /// Clients that come now wait in the queue of the socket, which the new gate has as well.
    fn let_go(&self) {
        self.edge.shut();
        self.admin.shut();
        self.world.drain(true);
        let begin = Stopwatch::start();
        while (self.edge.is_open() || self.world.connections() > 0) && begin.elapsed() < LET_GO {
            std::thread::sleep(Duration::from_millis(2));
        }
        if self.world.connections() > 0 {
            log::warn!("{} connections outlast the link store", self.world.connections());
        }
        let closed = block_on(self.world.keeper.close());
        let released = self.world.telemetry.audit.release(true, LAST_WORDS);
        if !matches!(closed, Some(Ok(()))) || !released {
            log::error!("the link store or the audit log cannot be handed over: {closed:?}");
        }
        log::info!("another gate may have the link store and the audit log, after {:?}", begin.elapsed());
    }

    fn take_back(&self) {
        let begin = Stopwatch::start();
        loop {
            match block_on(self.world.keeper.reopen()) {
                Some(Ok(())) => break,
                failed if begin.elapsed() > TAKE_BACK => {
                    log::error!("the link store cannot be opened again: {failed:?}");
                    break;
                }
                // the other gate may not be quite dead
                _ => std::thread::sleep(Duration::from_millis(50)),
            }
        }
        // if it is not done in time, the next line does it
        let _ = self.world.telemetry.audit.release(false, LAST_WORDS);
        if !self.ending.load(Ordering::SeqCst) {
            self.world.drain(false);
            self.edge.reopen();
            self.admin.reopen();
        }
    }

    /// Another gate serves in this one's place.
    pub(super) fn succeeded(&self, successor: Successor) {
        log::info!("another gate has taken over; this one ends with its requests");
        if let Some(pid) = successor.pid {
            notify::tell_successor(pid);
        }
        self.successor.send_replace(Some(successor));
    }

    pub(super) fn is_succeeded(&self) -> bool {
        self.successor.borrow().is_some()
    }

    /// Waits for a successor.
    pub(super) async fn succession(&self) {
        // the sender is here
        let _ = self.successor.subscribe().wait_for(Option::is_some).await;
    }

    /// Lets nobody in any more, and has each connection end with its request.
    pub(super) fn begin(&self) {
        self.ending.store(true, Ordering::SeqCst);
        self.edge.shut();
        if self.is_succeeded() {
            // what is asked about the gate is asked of the other one
            self.admin.shut();
        }
        self.world.drain(true);
    }

    /// Lets nobody in any more, and waits a moment until all acceptors have ended.
    pub(super) async fn close_doors(&self) {
        self.ending.store(true, Ordering::SeqCst);
        self.edge.shut();
        self.admin.shut();
        let begin = Stopwatch::start();
        while (self.edge.is_open() || self.admin.is_open()) && begin.elapsed() < DOORS {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Waits until there are no connections, or none that could still carry a request.
    pub(super) async fn done(&self) {
        let mut quiet = Stopwatch::start();
        // acceptors that are told to end may let one more in
        while self.edge.is_open() || self.world.connections() > 0 {
            if self.edge.is_open() || self.world.requests() > 0 {
                quiet = Stopwatch::start();
            } else if quiet.elapsed() > PARTING + PARTING / 2 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// For the threads without a runtime; `None` if there is no room for one, or it takes too long.
fn block_on<T>(future: impl Future<Output = T>) -> Option<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    runtime.block_on(async { tokio::time::timeout(LAST_WORDS, future).await }).ok()
}
