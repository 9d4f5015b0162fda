//! Assembles listeners, admin endpoint and signals into one running process.
//! It must not read the configuration file: it takes what was built from it.

mod aws;
pub mod boot;
mod departure;
pub mod descriptors;
mod doors;
pub mod early;
pub mod front;
pub mod handover;
mod keeper;
pub mod links;
mod notify;
pub mod peers;
pub mod reload;
mod signals;
mod signers;
pub mod sockets;
pub mod tls;
pub mod unix;
mod watch;

#[cfg(test)]
mod tests;

use crate::admin::Admin;
use crate::admin::reload::Reloads;
use crate::net::ListenerIndex;
use crate::net::address::ListenAddress;
use crate::proxy::edge::Edge;
use crate::proxy::listener::Ports;
use crate::proxy::world::World;
use departure::Departure;
use doors::{Doors, Guarded, label};
use front::Front;
use pingora_core::listeners::ListenerConfig;
use pingora_core::protocols::l4::stream::L4BufferSettings;
use pingora_core::server::configuration::ServerConf;
use pingora_core::server::{RunArgs, Server};
use pingora_core::services::listening::Service;
use reload::Reloader;
use sockets::Socket;
use std::fs::Permissions;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use watch::Watch;

/// For how long the framework may take to end, after it was told to.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// The framework's own read buffer of each client connection: enough for a PROXY line, which is read in small steps.
/// Larger reads pass it by, and writes are gathered by the data path. Its default of 64 KiB would make an idle connection
/// cost that much.
const READ_AHEAD: usize = 256;

/// Why the process cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The system has no room for a thread.
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
    /// The place of this gate cannot be offered.
    #[error("`upgrade.socket`: cannot listen on `{path}`: {error}; its folder must be there and this user's")]
    Upgrade {
        /// The socket.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
}

/// An admin endpoint that is not loopback; there is always a socket.
const NOWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

/// When to stop.
pub enum Stop {
    /// SIGTERM drains, SIGINT stops at once; SIGQUIT waits for a successor where one can come.
    Signals,
    /// When the sender is dropped or sends.
    When(Mutex<Option<tokio::sync::oneshot::Receiver<()>>>),
}

impl std::fmt::Debug for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Signals => "Signals",
            Self::When(_) => "When",
        })
    }
}

/// Serves until it is told to stop.
///
/// # Errors
/// See [`ServerError`]; nothing was served then.
pub fn run(world: &Arc<World>, front: Front, reloader: Reloader, stop: Stop) -> Result<(), ServerError> {
    let Front { listeners, modes, admin, takeover, upgrade } = front;
    let reloads = reloader.start(Arc::clone(world)).map_err(ServerError::Thread)?;
    keeper::start(world).map_err(ServerError::Thread)?;
    signers::start(world).map_err(ServerError::Thread)?;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut server = Server::new_with_opt_and_conf(None, server_conf(threads));
    server.bootstrap();
    let departure = Arc::new(Departure::new(world));
    server.add_service(edge(world, &listeners, modes, threads, &departure.edge));
    if !admin.is_empty() {
        server.add_service(admin_service(world, &admin, &reloads, &departure.admin));
    }
    tls::tell(world);
    let offer = upgrade.map(|path| offer(path, vec![Arc::clone(&listeners), Arc::clone(&admin)], &departure));
    let offer = offer.transpose()?;
    let (stopping, told) = std::sync::mpsc::channel();
    let watch = Watch {
        stop,
        world: Arc::clone(world),
        departure: Arc::clone(&departure),
        has_admin: !admin.is_empty(),
        reloads,
        takeover: Mutex::new(takeover),
        offers: offer.is_some(),
        stopping: Mutex::new(stopping),
    };
    early::serving();
    let (ended, end) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        server.run(RunArgs { shutdown_signal: Box::new(watch) });
        // nobody waits any more if this comes too late
        let _ = ended.send(());
    });
    // the framework joins its threads when it ends; what it has not joined by then must not keep the process
    let told = told.recv();
    if !departure.is_succeeded() {
        if let Some(offer) = &offer {
            offer.withdraw();
        }
        // still bound here, so that the files cannot be those of another process yet
        listeners.iter().for_each(Socket::remove);
    }
    if told.is_ok() {
        let _ = end.recv_timeout(LAST_WORDS);
    }
    world.keeper.flush(LAST_WORDS);
    world.telemetry.flush();
    Ok(())
}

/// Pingora's own settings; no file of its own is read.
fn server_conf(threads: usize) -> ServerConf {
    ServerConf {
        threads,
        // measured: a request stays on its thread, and so do the upstream connections that it used
        work_stealing: false,
        listener_tasks_per_fd: threads,
        grace_period_seconds: Some(0),
        graceful_shutdown_timeout_seconds: Some(1),
        ..ServerConf::default()
    }
}

/// Offers this gate's place to another.
fn offer(
    path: PathBuf,
    sockets: Vec<Arc<Vec<Socket>>>,
    departure: &Arc<Departure>,
) -> Result<handover::Keep, ServerError> {
    let (acting, ending) = (Arc::clone(departure), Arc::clone(departure));
    let act = move |stage| acting.act(stage);
    let end = move |successor| ending.succeeded(successor);
    handover::offer(&path, sockets, act, end).map_err(|error| ServerError::Upgrade { path, error })
}

/// TLS is made by the edge, since the limits and the PROXY header of a connection come before it.
fn edge(
    world: &Arc<World>,
    sockets: &Arc<Vec<Socket>>,
    modes: Vec<u32>,
    threads: usize,
    doors: &Arc<Doors>,
) -> Guarded<impl Fn() -> Service<Edge> + use<>> {
    let indexes = (0_u16..).map(ListenerIndex);
    let ports = Ports::new(sockets.iter().map(|socket| socket.address.clone()).zip(indexes).collect());
    let (world, theirs) = (Arc::clone(world), Arc::clone(sockets));
    let make = move || {
        let edge = Edge { world: Arc::clone(&world), ports: ports.clone() };
        let mut service = Service::new("edge".to_owned(), edge);
        for (socket, mode) in theirs.iter().zip(&modes) {
            let listener = match &socket.address {
                ListenAddress::Tcp(_) => ListenerConfig::tcp(label(&socket.address)),
                ListenAddress::Unix(_) => {
                    ListenerConfig::uds(label(&socket.address)).permissions(Permissions::from_mode(*mode))
                }
            };
            service.add_listener(listener.l4_buffer(L4BufferSettings::new(READ_AHEAD, 0)));
        }
        service
    };
    Guarded { name: "edge", threads, doors: Arc::clone(doors), sockets: Arc::clone(sockets), make }
}

fn admin_service(
    world: &Arc<World>,
    sockets: &Arc<Vec<Socket>>,
    reloads: &Reloads,
    doors: &Arc<Doors>,
) -> Guarded<impl Fn() -> Service<Admin> + use<>> {
    let (world, reloads, theirs) = (Arc::clone(world), reloads.clone(), Arc::clone(sockets));
    let make = move || {
        let address = theirs.iter().find_map(|socket| socket.address.tcp()).unwrap_or(NOWHERE);
        let admin = Admin { world: Arc::clone(&world), address, reloads: reloads.clone() };
        let mut service = Service::new("admin".to_owned(), admin);
        theirs.iter().for_each(|socket| service.add_tcp(&label(&socket.address)));
        service
    };
    Guarded { name: "admin", threads: 1, doors: Arc::clone(doors), sockets: Arc::clone(sockets), make }
}
