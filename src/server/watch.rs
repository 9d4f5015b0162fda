//! Turns signals and successors into what the framework understands.
//! It must not serve; it tells when serving ends.

use super::Stop;
use super::departure::Departure;
use super::handover::Takeover;
use super::notify::{self, News};
use super::signals::{self, Ending};
use crate::admin::reload::Reloads;
use crate::proxy::world::World;
use async_trait::async_trait;
use pingora_core::server::{ShutdownSignal, ShutdownSignalWatch};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How long a gate that was told of a successor waits for it (SIGQUIT), before it ends without.
const SUCCESSION: Duration = Duration::from_secs(30);

/// What the framework waits on.
pub(super) struct Watch {
    pub(super) stop: Stop,
    pub(super) world: Arc<World>,
    pub(super) departure: Arc<Departure>,
    pub(super) has_admin: bool,
    pub(super) reloads: Reloads,
    /// The gate before, until it was told.
    pub(super) takeover: Mutex<Option<Takeover>>,
    /// Whether this gate's place is offered.
    pub(super) offers: bool,
    pub(super) stopping: Mutex<Sender<()>>,
}

#[async_trait]
impl ShutdownSignalWatch for Watch {
    async fn recv(&self) -> ShutdownSignal {
        let signal = self.wait().await;
        // an acceptor whose runtime goes first fails, and tries again, and fails, as long as the process takes to end
        self.departure.close_doors().await;
        if let Ok(stopping) = self.stopping.lock() {
            // the receiver outlives this
            let _ = stopping.send(());
        }
        signal
    }
}

impl Watch {
    /// Waits until connections are accepted, then says so: to the gate before, to the service manager.
    async fn ready(&self) {
        while !self.departure.edge.is_open() || (self.has_admin && !self.departure.admin.is_open()) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let takeover = self.takeover.lock().ok().and_then(|mut takeover| takeover.take());
        if let Some(takeover) = takeover {
            // the socket blocks
            let told = tokio::task::spawn_blocking(move || takeover.ready()).await;
            if told.is_err() {
                log::error!("the gate before could not be told");
            }
        }
        notify::tell(News::Ready);
    }

    async fn wait(&self) -> ShutdownSignal {
        let told = match &self.stop {
            Stop::When(receiver) => receiver.lock().ok().and_then(|mut receiver| receiver.take()),
            Stop::Signals => None,
        };
        if let Some(told) = told {
            // a dropped sender means the same
            let _ = told.await;
            return ShutdownSignal::FastShutdown;
        }
        let ending = async {
            tokio::select! {
                ending = signals::wait(&self.reloads) => ending,
                () = self.departure.succession() => Ending::Succeeded,
            }
        };
        // signals are heard from the start
        let ending = tokio::select! {
            ending = ending => ending,
            () = async { self.ready().await; std::future::pending().await } => Ending::Fast,
        };
        match ending {
            Ending::Quit if self.offers => {
                // as others that hand sockets over understand it
                log::info!("waiting for a gate that takes over");
                drop(tokio::time::timeout(SUCCESSION, self.departure.succession()).await);
            }
            Ending::Fast | Ending::Quit => return ShutdownSignal::FastShutdown,
            Ending::Succeeded => {}
            Ending::Drain => {
                if self.leave().await {
                    return ShutdownSignal::FastShutdown;
                }
            }
        }
        self.drain().await
    }

    /// Is not ready, and serves on until balancers have noticed; whether it was told to end at once meanwhile.
    async fn leave(&self) -> bool {
        let delay = self.world.running.load().shutdown.drain_delay;
        self.world.leave();
        notify::tell(News::Stopping);
        log::info!("not ready any more; draining in {delay:?}");
        if delay.is_zero() {
            return false;
        }
        tokio::select! {
            () = tokio::time::sleep(delay) => false,
            () = self.departure.succession() => false,
            () = signals::hurry(!self.offers) => true,
        }
    }

    async fn drain(&self) -> ShutdownSignal {
        self.departure.begin();
        log::info!("draining: {} requests in flight", self.world.requests());
        let limit = self.world.running.load().shutdown.drain_time;
        tokio::select! {
            // whoever is still there after that is cut off
            _ = tokio::time::timeout(limit, self.departure.done()) => ShutdownSignal::GracefulTerminate,
            () = signals::hurry(!self.offers) => ShutdownSignal::FastShutdown,
        }
    }
}
