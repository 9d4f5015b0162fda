//! Ties the edge to pingora's listeners: what a stream tells about its connection.
//! It must not read a byte of the stream.

use super::edge::Edge;
use crate::net::address::ListenAddress;
use crate::net::{ConnFacts, ListenerIndex};
use async_trait::async_trait;
use pingora_core::apps::ServerApp;
use pingora_core::protocols::Stream;
use pingora_core::protocols::l4::socket::SocketAddr as PingoraAddr;
use pingora_core::server::ShutdownWatch;
use std::net::SocketAddr;
use std::sync::Arc;

#[async_trait]
impl ServerApp for Edge {
    async fn process_new(self: &Arc<Self>, stream: Stream, _: &ShutdownWatch) -> Option<Stream> {
        let facts = facts(&stream, &self.ports);
        self.serve(stream, facts).await;
        None
    }
}

/// Which listener an accepted connection belongs to, by its local address.
#[derive(Clone, Debug)]
pub struct Ports(Vec<(ListenAddress, ListenerIndex)>);

impl Ports {
    /// The listeners and their addresses.
    #[must_use]
    pub const fn new(known: Vec<(ListenAddress, ListenerIndex)>) -> Self {
        Self(known)
    }

    /// The listener with this address, else the one that listens on every address of the port. A connection that
    /// matches none cannot exist; it gets an index without rules, and is refused.
    fn find(&self, local: Option<&PingoraAddr>) -> ListenerIndex {
        let tcp = local.and_then(PingoraAddr::as_inet);
        let unix = local.and_then(PingoraAddr::as_unix).and_then(|local| local.as_pathname());
        let exact = |(address, _): &&(ListenAddress, _)| match address {
            ListenAddress::Tcp(address) => Some(address) == tcp,
            ListenAddress::Unix(path) => Some(path.as_path()) == unix,
        };
        let any = |(address, _): &&(ListenAddress, _)| {
            let on_any = |at: SocketAddr| {
                at.ip().is_unspecified() && tcp.is_some_and(|local| local.port() == at.port())
            };
            address.tcp().is_some_and(on_any)
        };
        let found = self.0.iter().find(exact).or_else(|| self.0.iter().find(any));
        found.map_or(ListenerIndex(u16::MAX), |(_, index)| *index)
    }
}

/// What the connection itself tells before its first byte.
fn facts(stream: &Stream, ports: &Ports) -> ConnFacts {
    let socket = stream.get_socket_digest();
    let inet = |address: Option<&PingoraAddr>| address.and_then(PingoraAddr::as_inet).copied();
    let local = socket.as_ref().and_then(|socket| socket.local_addr());
    ConnFacts {
        peer: socket.as_ref().and_then(|socket| inet(socket.peer_addr())),
        local: inet(local),
        tls: None,
        proxy: None,
        listener: ports.find(local),
    }
}
