//! What a gate shows to the outside: the sockets of its listeners and its admin endpoint, and where they came from.
//! It must not accept connections.

use super::handover::{Takeover, TakeoverError};
use super::sockets::{self, Socket, SocketError};
use crate::config::model::Config;
use crate::net::address::ListenAddress;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;

/// Where the sockets come from that are not bound here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// From the service manager, if it passes any.
    Plain,
    /// The same, and else from a running gate that offers its place.
    Upgrade,
}

/// Why there is no front.
#[derive(Debug, thiserror::Error)]
pub enum FrontError {
    /// An address is not listened on.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// A running gate does not give its place away.
    #[error(transparent)]
    Takeover(#[from] TakeoverError),
    /// The config does not say where.
    #[error(
        "`--upgrade` needs `upgrade.socket` in the config, where the running gate is asked for its place"
    )]
    NoSocket,
}

/// What a gate shows to the outside.
#[derive(Debug)]
pub struct Front {
    /// The sockets of the listeners, in their order.
    pub(super) listeners: Arc<Vec<Socket>>,
    /// The permissions of each, which count for Unix sockets.
    pub(super) modes: Vec<u32>,
    /// The socket of the admin endpoint; one at most.
    pub(super) admin: Arc<Vec<Socket>>,
    /// The gate whose place this one takes.
    pub(super) takeover: Option<Takeover>,
    /// Where this gate's own place is offered.
    pub(super) upgrade: Option<PathBuf>,
}

impl Front {
    /// Takes over what there is, binds the rest, and waits until the gate before has let go of its files.
    ///
    /// # Errors
    /// See [`FrontError`]; a gate that was asked for its place goes on then.
    pub fn open(config: &Config, start: Start) -> Result<Self, FrontError> {
        let mut at_hand = sockets::passed()?;
        let mut takeover = None;
        if start == Start::Upgrade {
            let path = config.upgrade.as_ref().ok_or(FrontError::NoSocket)?;
            match Takeover::begin(path)? {
                Some((gate, sockets)) => {
                    let is_new = |socket: &Socket| !at_hand.iter().any(|held| held.address == socket.address);
                    let taken: Vec<Socket> = sockets.into_iter().filter(is_new).collect();
                    at_hand.extend(taken);
                    takeover = Some(gate);
                }
                None => log::info!("no gate offers its place at `{}`: starting without", path.display()),
            }
        }
        let modes: Vec<u32> = config.listeners.iter().map(|listener| listener.mode).collect();
        let addresses = config.listeners.iter().map(|listener| listener.address.value.clone());
        let admin = config.admin.as_ref().map(|admin| ListenAddress::Tcp(admin.address.value));
        let all: Vec<ListenAddress> = addresses.chain(admin).collect();
        let mut listeners = sockets::open(&all, at_hand)?;
        let admin = listeners.split_off(modes.len().min(listeners.len()));
        for (socket, mode) in listeners.iter().zip(&modes) {
            // the framework ends the process if this fails when it does it
            if let ListenAddress::Unix(path) = &socket.address {
                std::fs::set_permissions(path, Permissions::from_mode(*mode))
                    .map_err(|error| SocketError::Bind { address: socket.address.clone(), error })?;
            }
        }
        if let Some(takeover) = &takeover {
            takeover.release()?;
        }
        let upgrade = config.upgrade.clone();
        Ok(Self { listeners: Arc::new(listeners), modes, admin: Arc::new(admin), takeover, upgrade })
    }
}
