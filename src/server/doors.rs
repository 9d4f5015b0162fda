//! One service of the framework whose listening can be stopped and taken up again, while its connections go on.
//! It must not end connections: who serves them does.

use super::sockets::Socket;
use crate::net::address::ListenAddress;
use async_trait::async_trait;
use pingora_core::apps::ServerApp;
use pingora_core::server::{ListenFds, ShutdownWatch};
use pingora_core::services::Service as Framework;
use pingora_core::services::listening::Service;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::watch;

/// Whether connections are accepted, and who may change that.
#[derive(Debug)]
pub(super) struct Doors {
    /// What the acceptors watch: `true` tells them to end.
    shut: watch::Sender<bool>,
    /// Whether there are any.
    open: AtomicBool,
}

impl Doors {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { shut: watch::Sender::new(false), open: AtomicBool::new(false) })
    }

    /// Whether connections are accepted now.
    pub(super) fn is_open(&self) -> bool {
        self.open.load(Ordering::SeqCst)
    }

    /// Stops accepting; clients that come now wait in the socket's queue, if anybody else has the socket.
    pub(super) fn shut(&self) {
        self.shut.send_replace(true);
    }

    /// Accepts again.
    pub(super) fn reopen(&self) {
        self.shut.send_replace(false);
    }
}

/// What the framework knows an address by.
pub(super) fn label(address: &ListenAddress) -> String {
    match address {
        ListenAddress::Tcp(address) => address.to_string(),
        ListenAddress::Unix(path) => path.to_string_lossy().into_owned(),
    }
}

/// A service behind doors. It is made anew for each time that they open, since the framework's can start only once.
pub(super) struct Guarded<F> {
    pub(super) name: &'static str,
    pub(super) threads: usize,
    pub(super) doors: Arc<Doors>,
    pub(super) sockets: Arc<Vec<Socket>>,
    pub(super) make: F,
}

#[async_trait]
impl<A, F> Framework for Guarded<F>
where
    A: ServerApp + Send + Sync + 'static,
    F: Fn() -> Service<A> + Send + Sync,
{
    async fn start_service(&mut self, fds: Option<ListenFds>, mut end: ShutdownWatch, acceptors: usize) {
        loop {
            let mut shut = self.doors.shut.subscribe();
            let opened = tokio::select! {
                biased;
                _ = end.wait_for(|end| *end) => false,
                opened = shut.wait_for(|shut| !*shut) => opened.is_ok(),
            };
            if !opened {
                return;
            }
            if let Some(table) = &fds {
                for socket in self.sockets.iter() {
                    match socket.duplicate() {
                        // the framework takes over what it finds under the address, and closes it when it is done
                        Ok(fd) => table.lock().add(label(&socket.address), fd),
                        Err(error) => return log::error!("cannot listen on `{}`: {error}", socket.address),
                    }
                }
            }
            let mut service = (self.make)();
            self.doors.open.store(true, Ordering::SeqCst);
            tokio::select! {
                () = Framework::start_service(&mut service, fds.clone(), self.doors.shut.subscribe(), acceptors) => {}
                _ = end.wait_for(|end| *end) => {}
            }
            self.doors.open.store(false, Ordering::SeqCst);
        }
    }

    fn name(&self) -> &str {
        self.name
    }

    fn threads(&self) -> Option<usize> {
        Some(self.threads)
    }
}
