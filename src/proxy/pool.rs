//! Idle upstream connections, kept per thread and looked at before they are used again.
//! It must not share a connection between threads: in a runtime without work stealing each thread has its own driver.

use super::peer::{Peer, PeerStream};
use crate::clock::Stopwatch;
use std::cell::RefCell;
use std::collections::HashMap;

/// The most idle connections to one endpoint that a thread keeps.
const KEPT: usize = 128;

thread_local! {
    static IDLE: RefCell<HashMap<u64, Vec<Idle>>> = RefCell::new(HashMap::new());
}

struct Idle {
    stream: PeerStream,
    since: Stopwatch,
}

/// The youngest idle connection to an endpoint that nothing happened on; older ones that are of no use are dropped.
#[must_use]
pub fn take(peer: &Peer) -> Option<PeerStream> {
    IDLE.with_borrow_mut(|idle| {
        let kept = idle.get_mut(&peer.key)?;
        while let Some(candidate) = kept.pop() {
            if candidate.since.elapsed() > peer.timeouts.idle {
                // the rest is older still
                kept.clear();
                return None;
            }
            if candidate.stream.is_quiet() {
                return Some(candidate.stream);
            }
        }
        None
    })
}

/// Keeps a connection whose last answer was read to its end.
pub fn put(peer: &Peer, stream: PeerStream) {
    IDLE.with_borrow_mut(|idle| {
        let kept = idle.entry(peer.key).or_default();
        let expired = kept.iter().take_while(|old| old.since.elapsed() > peer.timeouts.idle).count();
        kept.drain(..expired);
        if kept.len() < KEPT {
            kept.push(Idle { stream, since: Stopwatch::start() });
        }
    });
}

#[cfg(test)]
mod tests {
    use super::super::peer::Timeouts;
    use super::*;
    use std::time::Duration;
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::TcpListener;

    async fn pair(idle: Duration) -> (Peer, PeerStream, tokio::net::TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let second = Duration::from_secs(1);
        let peer = Peer {
            key: u64::from(address.port()),
            host: address.ip().to_string(),
            port: address.port(),
            tls: None,
            timeouts: Timeouts { connect: second, read: second, write: second, idle },
        };
        let stream = peer.connect().await.unwrap();
        (peer, stream, listener.accept().await.unwrap().0)
    }

    #[tokio::test]
    async fn a_quiet_connection_comes_back_once() {
        let (peer, stream, _server) = pair(Duration::from_mins(1)).await;
        put(&peer, stream);
        assert!(take(&peer).is_some());
        assert!(take(&peer).is_none());
    }

    #[tokio::test]
    async fn closed_chatty_and_old_connections_do_not() {
        let (peer, stream, server) = pair(Duration::from_mins(1)).await;
        drop(server);
        wait_until_noticed(&stream).await;
        put(&peer, stream);
        assert!(take(&peer).is_none());

        let (peer, stream, mut server) = pair(Duration::from_mins(1)).await;
        server.write_all(b"HTTP/1.1 408 \r\n\r\n").await.unwrap();
        wait_until_noticed(&stream).await;
        put(&peer, stream);
        assert!(take(&peer).is_none());

        let (peer, stream, _server) = pair(Duration::ZERO).await;
        put(&peer, stream);
        assert!(take(&peer).is_none());
    }

    async fn wait_until_noticed(stream: &PeerStream) {
        let noticed = async {
            while stream.is_quiet() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(5), noticed).await.unwrap();
    }
}
