//! The thread that keeps the list of revocations up to date and has expired links forgotten.
//! It must not end while the gate runs, nor keep the gate from ending.

use super::Keeper;
use crate::clock::{Clock as _, SystemClock};
use crate::store::StoreError;
use crate::telemetry::audit::Actor;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

/// Between two questions for changes: a revocation reaches every gate within this and two ways to the store.
const EVERY: Duration = Duration::from_millis(250);
/// Between two sweeps, in questions.
const SWEEP_EVERY: u32 = 8;
/// Between two looks for revocations that are over, in questions. Each goes through all of them while requests wait.
const FORGET_EVERY: u32 = 240;
/// How long the start of the gate waits for the first answer.
const FIRST: Duration = Duration::from_secs(2);

/// Where the last question ended.
#[derive(Debug, Default)]
struct Place {
    list: String,
    number: u64,
}

pub(super) fn start(keeper: &Arc<Keeper>) {
    let (told, first) = channel();
    let weak = Arc::downgrade(keeper);
    let spawned = std::thread::Builder::new().name("revocations".to_owned()).spawn(move || {
        if let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() {
            runtime.block_on(run(weak, told));
        }
    });
    match spawned {
        // without an answer the gate starts all the same: it is not ready, and refuses
        Ok(_) => drop(first.recv_timeout(FIRST)),
        Err(error) => log::error!("no thread for the list of revocations: {error}"),
    }
}

async fn run(keeper: Weak<Keeper>, told: Sender<()>) {
    let mut place = Place::default();
    let mut told = Some(told);
    let mut round = 0_u32;
    while let Some(keeper) = keeper.upgrade() {
        let outcome = keeper.refresh(&mut place).await;
        let was_well = keeper.well.swap(outcome.is_ok(), Ordering::Relaxed);
        match outcome {
            Ok(()) => {
                keeper.known.store(true, Ordering::Release);
                // whoever started the gate may have stopped waiting
                let _ = told.take().map(|told| told.send(()));
                if round.is_multiple_of(SWEEP_EVERY) {
                    keeper.sweep().await;
                }
                if round.is_multiple_of(FORGET_EVERY) {
                    keeper.forget();
                }
            }
            Err(error) if was_well || round == 0 => log::error!("the link store: {error}"),
            Err(_) => {}
        }
        round = round.wrapping_add(1);
        drop(keeper);
        tokio::time::sleep(EVERY).await;
    }
}

impl Keeper {
    async fn refresh(&self, place: &mut Place) -> Result<(), StoreError> {
        loop {
            let changes = self.timed(self.store.changes(&place.list, place.number)).await?;
            *place = Place { list: changes.list, number: changes.last };
            if !changes.changes.is_empty() {
                let (audit, now) = (&self.telemetry.audit, SystemClock.now());
                // what the list holds when a gate starts is no event of this gate
                let is_news = self.known.load(Ordering::Relaxed);
                self.apply(&changes.changes, |change| {
                    if is_news {
                        audit.revocation(now, &change.entry, change.is_gone, Actor::Store);
                    }
                });
            }
            if !changes.more {
                return Ok(());
            }
        }
    }

    async fn sweep(&self) {
        match self.timed(self.store.sweep()).await {
            Ok(links) => self.telemetry.metrics.links_tracked(links),
            Err(error) => log::warn!("the link store: {error}"),
        }
        self.telemetry.metrics.store_lost(self.store.lost_notes());
    }

    fn forget(&self) {
        let mut list = self.revoked.write().unwrap_or_else(PoisonError::into_inner);
        if !list.is_empty() {
            list.forget(SystemClock.now());
            self.any.store(!list.is_empty(), Ordering::Release);
            self.telemetry.metrics.revocations(list.len());
        }
    }
}
