//! Assembles listeners, admin endpoint and signals into one running process.
//! It must not read the configuration file: it takes what was built from it.

mod aws;
pub mod boot;
mod keeper;
pub mod links;
mod notify;
pub mod peers;
pub mod reload;
mod signals;
mod signers;
pub mod tls;
pub mod unix;

use crate::admin::Admin;
use crate::admin::reload::Reloads;
use crate::net::ListenerIndex;
use crate::net::address::ListenAddress;
use crate::proxy::edge::Edge;
use crate::proxy::listener::Ports;
use crate::proxy::world::World;
use async_trait::async_trait;
use notify::News;
use pingora_core::listeners::ListenerConfig;
use pingora_core::protocols::l4::stream::L4BufferSettings;
use pingora_core::server::configuration::ServerConf;
use pingora_core::server::{RunArgs, Server, ShutdownSignal, ShutdownSignalWatch};
use pingora_core::services::listening::Service;
use reload::Reloader;
use signals::Ending;
use std::fs::Permissions;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::Duration;

/// For how long the framework may take to end, after it was told to.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// The framework's own read buffer of each client connection: enough for a PROXY line, which is read in small steps.
/// Larger reads pass it by, and writes are gathered by the data path. Its default of 64 KiB would make an idle connection
/// cost that much.
const READ_AHEAD: usize = 256;

/// An address that clients connect to.
#[derive(Clone, Debug)]
pub struct Port {
    /// Address and port, or a Unix socket.
    pub address: ListenAddress,
    /// The permissions of a Unix socket.
    pub mode: u32,
}

/// Why the process cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// An address cannot be listened on.
    #[error("cannot listen on `{address}`: {error}; stop what uses it or choose another address")]
    Bind {
        /// The address.
        address: ListenAddress,
        /// What the system says.
        error: std::io::Error,
    },
    /// The system has no room for a thread.
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
}

/// When to stop.
pub enum Stop {
    /// SIGTERM drains, SIGINT and SIGQUIT stop at once.
    Signals,
    /// When the sender is dropped or sends.
    When(std::sync::Mutex<Option<tokio::sync::oneshot::Receiver<()>>>),
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
pub fn run(
    world: &Arc<World>,
    ports: &[Port],
    admin: Option<SocketAddr>,
    reloader: Reloader,
    stop: Stop,
) -> Result<(), ServerError> {
    for address in ports.iter().map(|port| port.address.clone()).chain(admin.map(ListenAddress::Tcp)) {
        // pingora retries for half a minute and then panics: ask before
        let bound = match &address {
            ListenAddress::Tcp(address) => TcpListener::bind(address).map(drop),
            ListenAddress::Unix(path) => unix::claim(path),
        };
        bound.map_err(|error| ServerError::Bind { address, error })?;
    }
    let reloads = reloader.start(Arc::clone(world)).map_err(ServerError::Thread)?;
    keeper::start(world).map_err(ServerError::Thread)?;
    signers::start(world).map_err(ServerError::Thread)?;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut server = Server::new_with_opt_and_conf(None, server_conf(threads));
    server.bootstrap();
    server.add_service(edge_service(world, ports, threads));
    if let Some(address) = admin {
        let mut service = Service::new(
            "admin".to_owned(),
            Admin { world: Arc::clone(world), address, reloads: reloads.clone() },
        );
        service.add_tcp(&address.to_string());
        service.threads = Some(1);
        server.add_service(service);
    }
    tls::tell(world);
    let (stopping, told) = std::sync::mpsc::channel();
    let watch =
        Watch { stop, world: Arc::clone(world), admin, reloads, stopping: std::sync::Mutex::new(stopping) };
    let (ended, end) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        server.run(RunArgs { shutdown_signal: Box::new(watch) });
        // nobody waits any more if this comes too late
        let _ = ended.send(());
    });
    // the framework joins its threads when it ends; what it has not joined by then must not keep the process
    let told = told.recv();
    // still bound here, so that the files cannot be those of another process yet
    ports.iter().filter_map(|port| port.address.unix()).for_each(unix::remove);
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

/// TLS is made by the edge, since the limits and the PROXY header of a connection come before it.
fn edge_service(world: &Arc<World>, ports: &[Port], threads: usize) -> Service<Edge> {
    let indexes = (0_u16..).map(ListenerIndex);
    let known = ports.iter().map(|port| port.address.clone()).zip(indexes).collect();
    let edge = Edge { world: Arc::clone(world), ports: Ports::new(known) };
    let mut service = Service::new("edge".to_owned(), edge);
    service.threads = Some(threads);
    for port in ports {
        let listener = match &port.address {
            ListenAddress::Tcp(address) => ListenerConfig::tcp(address.to_string()),
            ListenAddress::Unix(path) => {
                ListenerConfig::uds(path.to_string_lossy()).permissions(Permissions::from_mode(port.mode))
            }
        };
        service.add_listener(listener.l4_buffer(L4BufferSettings::new(READ_AHEAD, 0)));
    }
    service
}

/// Turns signals into what pingora understands.
struct Watch {
    stop: Stop,
    world: Arc<World>,
    admin: Option<SocketAddr>,
    reloads: Reloads,
    stopping: std::sync::Mutex<std::sync::mpsc::Sender<()>>,
}

#[async_trait]
impl ShutdownSignalWatch for Watch {
    async fn recv(&self) -> ShutdownSignal {
        let signal = self.wait().await;
        if let Ok(stopping) = self.stopping.lock() {
            // the receiver outlives this
            let _ = stopping.send(());
        }
        signal
    }
}

impl Watch {
    /// Waits until the admin endpoint, which comes after all listeners, takes connections.
    async fn listening(&self) {
        let Some(admin) = self.admin else { return };
        let connected = async {
            while tokio::net::TcpStream::connect(admin).await.is_err() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        // what comes later than that comes without a word
        let _ = tokio::time::timeout(Duration::from_secs(5), connected).await;
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
        let ready = async {
            self.listening().await;
            notify::tell(News::Ready);
        };
        // signals are heard from the start
        let (ending, ()) = tokio::join!(signals::wait(&self.reloads), ready);
        if ending == Ending::Fast {
            return ShutdownSignal::FastShutdown;
        }
        let shutdown = self.world.running.load().shutdown;
        self.world.leave();
        notify::tell(News::Stopping);
        log::info!("not ready any more; draining in {:?}", shutdown.drain_delay);
        if !shutdown.drain_delay.is_zero() && self.hurried(shutdown.drain_delay).await {
            return ShutdownSignal::FastShutdown;
        }
        self.world.drain();
        log::info!("draining: {} requests in flight", self.world.requests());
        let idle = async {
            while self.world.requests() > 0 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::select! {
            // whoever is still there after that is cut off
            _ = tokio::time::timeout(shutdown.drain_time, idle) => ShutdownSignal::GracefulTerminate,
            () = signals::hurry() => ShutdownSignal::FastShutdown,
        }
    }

    /// Waits; whether it was told to end at once meanwhile.
    async fn hurried(&self, delay: Duration) -> bool {
        tokio::select! {
            () = tokio::time::sleep(delay) => false,
            () = signals::hurry() => true,
        }
    }
}
