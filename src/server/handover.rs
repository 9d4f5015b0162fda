//! One gate takes the place of another: listening sockets and the right to write go over a Unix socket.
//! It must not leave nobody listening: until the new gate says that it serves, the old one can go on.
//!
//! The new gate connects and asks, the old one answers, one word a message:
//!
//! | new | old |
//! |---|---|
//! | `take 1` | the addresses, a line each, and their sockets |
//! | `release` | stops accepting, ends its connections and closes its files, if two gates cannot share them; `released` |
//! | `ready` | ends as soon as its requests have; `bye` |
//!
//! If the new gate goes away before `ready`, the old one opens its files again and accepts as before.

mod old;
mod wire;

pub(super) use old::{Keep, Stage, Successor, offer};

use super::sockets::Socket;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use wire::Wire;

const TAKE: &str = "take 1";
const RELEASE: &str = "release";
const RELEASED: &str = "released";
const READY: &str = "ready";
const BYE: &str = "bye";

/// How long the old gate may take to answer: it waits for its connections before it closes its files.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why a running gate was not taken over from.
#[derive(Debug, thiserror::Error)]
pub enum TakeoverError {
    /// It does not answer, or not as it should.
    #[error("the gate at `{socket}` cannot be taken over from: {error}; it goes on as before")]
    Failed {
        /// The socket.
        socket: PathBuf,
        /// What went wrong.
        error: io::Error,
    },
    /// Somebody else's process is there.
    #[error("`{0}` belongs to a process of another user, and no socket is taken from that")]
    Stranger(PathBuf),
}

/// A running gate that was asked for its place.
#[derive(Debug)]
pub struct Takeover {
    wire: Wire,
    socket: PathBuf,
}

impl Takeover {
    /// Asks the gate that offers its place at `socket`; `None` if nobody does.
    ///
    /// # Errors
    /// See [`TakeoverError`].
    pub fn begin(socket: &Path) -> Result<Option<(Self, Vec<Socket>)>, TakeoverError> {
        let failed = |error| TakeoverError::Failed { socket: socket.to_owned(), error };
        let Some(wire) = Wire::connect(socket, PATIENCE).map_err(failed)? else { return Ok(None) };
        if !wire.is_friend() {
            return Err(TakeoverError::Stranger(socket.to_owned()));
        }
        wire.send(TAKE, &[]).map_err(failed)?;
        let sockets = wire.receive_sockets().map_err(failed)?;
        Ok(Some((Self { wire, socket: socket.to_owned() }, sockets)))
    }

    /// Waits until the old gate has let go of what two cannot share.
    ///
    /// # Errors
    /// [`TakeoverError::Failed`].
    pub fn release(&self) -> Result<(), TakeoverError> {
        self.say(RELEASE, RELEASED)
    }

    /// Tells the old gate that it is not needed any more.
    pub(super) fn ready(&self) {
        match self.say(READY, BYE) {
            Ok(()) => log::info!("took over from another gate, which ends"),
            Err(error) => log::error!("{error}"),
        }
    }

    fn say(&self, word: &str, expected: &str) -> Result<(), TakeoverError> {
        let failed = |error| TakeoverError::Failed { socket: self.socket.clone(), error };
        self.wire.send(word, &[]).map_err(failed)?;
        let answer = self.wire.receive().map_err(failed)?;
        if answer == expected {
            return Ok(());
        }
        Err(failed(io::Error::new(io::ErrorKind::InvalidData, format!("it said `{answer}`"))))
    }
}

#[cfg(test)]
mod tests;
