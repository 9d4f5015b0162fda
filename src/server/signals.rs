//! What the signals of the system mean to the gate.
//! It must not act on them but for a reload: who waits for one is told.

use super::early::Early;
use crate::admin::reload::Reloads;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// How the process is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// After the requests in flight.
    Drain,
    /// At once.
    Fast,
    /// SIGQUIT: after a gate has taken over, if one may; else at once.
    Quit,
    /// A gate has taken over.
    Succeeded,
}

/// Waits until the process is told to end; orders a reload for each SIGHUP until then.
pub(super) async fn wait(reloads: &Reloads) -> Ending {
    let open = |kind| signal(kind).ok();
    let (mut terminate, mut interrupt, mut quit, mut hang_up, mut user) = (
        open(SignalKind::terminate()),
        open(SignalKind::interrupt()),
        open(SignalKind::quit()),
        open(SignalKind::hangup()),
        open(SignalKind::user_defined1()),
    );
    // what came before these were open; what comes now shows in both, and the first counts
    if let Some(early) = Early::noted() {
        if early.interrupt() {
            return Ending::Fast;
        }
        if early.terminate() {
            return Ending::Drain;
        }
        if early.quit() {
            return Ending::Quit;
        }
        if early.hang_up() {
            reloads.order();
        }
    }
    loop {
        tokio::select! {
            Some(()) = next(&mut terminate) => return Ending::Drain,
            Some(()) = next(&mut interrupt) => return Ending::Fast,
            Some(()) = next(&mut quit) => return Ending::Quit,
            Some(()) = next(&mut hang_up) => reloads.order(),
            // asks other servers to open their logs anew; the default action would end the process
            Some(()) = next(&mut user) => log::info!("SIGUSR1 does nothing: log files are followed by their name"),
            else => std::future::pending().await,
        }
    }
}

/// Waits until a process that is ending is told to end at once; SIGQUIT may mean that, or what it does already.
pub(super) async fn hurry(quit_counts: bool) {
    let open = |kind| signal(kind).ok();
    let (mut interrupt, mut quit) = (open(SignalKind::interrupt()), open(SignalKind::quit()));
    tokio::select! {
        Some(()) = next(&mut interrupt) => {}
        Some(()) = next(&mut quit), if quit_counts => {}
        else => std::future::pending().await,
    }
}

async fn next(signal: &mut Option<Signal>) -> Option<()> {
    signal.as_mut()?.recv().await
}
