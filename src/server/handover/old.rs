//! The side that gives its place away.
//! It must not stop accepting before it was asked to, nor forget to go on if nobody comes in its place.

use super::wire::{Hook, Wire};
use super::{BYE, READY, RELEASE, RELEASED, TAKE};
use crate::server::sockets::Socket;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long a new gate may take for its next word: it loads its config and opens its files meanwhile.
const PATIENCE: Duration = Duration::from_mins(1);

/// What a new gate wants of this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server) enum Stage {
    /// Let go of what two gates cannot share.
    Release,
    /// Take it up again: the new gate is gone.
    Resume,
}

/// Who took this gate's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server) struct Successor {
    /// Its process.
    pub(in crate::server) pid: Option<i32>,
}

/// Keeps the offer open; whoever ends without a successor takes it back.
#[derive(Debug)]
pub(in crate::server) struct Keep(Arc<Offer>);

#[derive(Debug)]
struct Offer {
    hook: Hook,
    /// Whether the file is still this gate's.
    own: Mutex<bool>,
}

impl Keep {
    /// Takes the offer back.
    pub(in crate::server) fn withdraw(&self) {
        let mut own = self.0.own.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::replace(&mut *own, false) {
            self.0.hook.remove();
        }
    }
}

/// Offers the sockets at `path`: each stage is told to `act`, and a successor to `end`, once.
///
/// # Errors
/// The socket cannot be made, or there is no room for a thread.
pub(in crate::server) fn offer(
    path: &Path,
    sockets: Vec<Arc<Vec<Socket>>>,
    act: impl Fn(Stage) + Send + 'static,
    end: impl FnOnce(Successor) + Send + 'static,
) -> io::Result<Keep> {
    let offer = Arc::new(Offer { hook: Hook::new(path)?, own: Mutex::new(true) });
    let kept = Arc::clone(&offer);
    let serve = move || {
        while let Ok(wire) = offer.hook.accept(PATIENCE) {
            if !wire.is_friend() {
                log::warn!("a process of another user asked for the listening sockets, in vain");
                continue;
            }
            match hand_over(&wire, &offer, &sockets, &act) {
                Ok(successor) => return end(successor),
                Err(error) => log::warn!("the gate was not taken over from, and goes on: {error}"),
            }
        }
    };
    std::thread::Builder::new().name("upgrade".to_owned()).spawn(serve)?;
    Ok(Keep(kept))
}

/// Speaks with one new gate, to the end.
fn hand_over(
    wire: &Wire,
    offer: &Offer,
    sockets: &[Arc<Vec<Socket>>],
    act: &impl Fn(Stage),
) -> io::Result<Successor> {
    expect(wire, TAKE)?;
    let all: Vec<&Socket> = sockets.iter().flat_map(|sockets| sockets.iter()).collect();
    wire.send_sockets(&all)?;
    expect(wire, RELEASE)?;
    act(Stage::Release);
    let outcome = wire.send(RELEASED, &[]).and_then(|()| expect(wire, READY));
    if let Err(error) = outcome {
        act(Stage::Resume);
        return Err(error);
    }
    // the new gate has put its own in the place of the file
    *offer.own.lock().unwrap_or_else(PoisonError::into_inner) = false;
    let successor = Successor { pid: wire.peer() };
    // it serves, whether it hears this or not
    let _ = wire.send(BYE, &[]);
    Ok(successor)
}

fn expect(wire: &Wire, word: &str) -> io::Result<()> {
    let said = wire.receive()?;
    if said == word {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, format!("the new gate said `{said}`")))
}
