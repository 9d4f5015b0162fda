//! Idle upstream connections, kept per thread and looked at before they are used again.
//! It must not share a connection between threads: in a runtime without work stealing each thread has its own driver.

use super::peer::address::{Address, now};
use super::peer::endpoint::Endpoint;
use super::peer::stream::PeerStream;
use super::peer::{Connected, Timeouts};
use crate::clock::Stopwatch;
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Arc, Weak};

thread_local! {
    static IDLE: RefCell<HashMap<u64, Kept>> = RefCell::new(HashMap::new());
}

/// The idle connections to one endpoint, the youngest last. They do not keep the endpoint: a new config lets it go.
struct Kept {
    endpoint: Weak<Endpoint>,
    idle: Vec<Idle>,
}

struct Idle {
    stream: PeerStream,
    address: Arc<Address>,
    since: Stopwatch,
}

/// The youngest idle connection to an endpoint that nothing happened on; older ones that are of no use are dropped.
#[must_use]
pub fn take(endpoint: &Arc<Endpoint>, timeouts: Timeouts) -> Option<Connected> {
    let seat = endpoint.seat()?;
    IDLE.with_borrow_mut(|kept| {
        let kept = &mut kept.get_mut(&endpoint.key)?.idle;
        while let Some(candidate) = kept.pop() {
            if candidate.since.elapsed() > timeouts.idle {
                // the rest is older still
                kept.clear();
                return None;
            }
            let Idle { stream, address, .. } = candidate;
            if stream.is_quiet() && address.is_usable(now()) {
                return Some(Connected { stream, address, endpoint: Arc::clone(endpoint), seat });
            }
        }
        None
    })
}

/// Keeps a connection whose last answer was read to its end, unless `most` are kept already.
pub fn put(connected: Connected, timeouts: Timeouts, most: usize) {
    IDLE.with_borrow_mut(|pool| {
        let Connected { stream, address, endpoint, seat } = connected;
        drop(seat);
        let key = endpoint.key;
        if !pool.contains_key(&key) {
            // an endpoint came, so others may have gone with an old config
            pool.retain(|_, kept| kept.endpoint.strong_count() > 0);
        }
        let new = || Kept { endpoint: Arc::downgrade(&endpoint), idle: Vec::new() };
        let kept = &mut pool.entry(key).or_insert_with(new).idle;
        let expired = kept.iter().take_while(|old| old.since.elapsed() > timeouts.idle).count();
        kept.drain(..expired);
        if kept.len() < most {
            kept.push(Idle { stream, address, since: Stopwatch::start() });
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::{TcpListener, TcpStream};

    fn idle(idle: Duration) -> Timeouts {
        let second = Duration::from_secs(1);
        Timeouts { connect: second, read: second, write: second, idle }
    }

    async fn pair() -> (Arc<Endpoint>, Connected, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let endpoint = Arc::new(Endpoint::new("127.0.0.1", at.port(), at.to_string(), None));
        let address = Arc::clone(&endpoint.addresses()[0]);
        let stream = endpoint.connect(&address).await.unwrap();
        let seat = endpoint.seat().unwrap();
        let connected = Connected { stream, address, endpoint: Arc::clone(&endpoint), seat };
        (endpoint, connected, listener.accept().await.unwrap().0)
    }

    const LONG: Duration = Duration::from_mins(1);

    #[tokio::test]
    async fn a_quiet_connection_comes_back_once() {
        let (endpoint, connected, _server) = pair().await;
        put(connected, idle(LONG), 9);
        assert!(take(&endpoint, idle(LONG)).is_some());
        assert!(take(&endpoint, idle(LONG)).is_none());
    }

    #[tokio::test]
    async fn so_many_are_kept_and_an_idle_one_takes_no_place() {
        let (endpoint, connected, _server) = pair().await;
        assert_eq!(endpoint.busy(), 1);
        put(connected, idle(LONG), 0);
        assert!(endpoint.busy() == 0 && take(&endpoint, idle(LONG)).is_none());
        let (endpoint, connected, _server) = pair().await;
        put(connected, idle(LONG), 1);
        assert_eq!(endpoint.busy(), 0);
        let taken = take(&endpoint, idle(LONG));
        assert!(taken.is_some() && endpoint.busy() == 1);
    }

    #[tokio::test]
    async fn closed_chatty_old_and_failing_connections_do_not() {
        let (endpoint, connected, server) = pair().await;
        drop(server);
        wait_until_noticed(&connected).await;
        put(connected, idle(LONG), 9);
        assert!(take(&endpoint, idle(LONG)).is_none());

        let (endpoint, connected, mut server) = pair().await;
        server.write_all(b"HTTP/1.1 408 \r\n\r\n").await.unwrap();
        wait_until_noticed(&connected).await;
        put(connected, idle(LONG), 9);
        assert!(take(&endpoint, idle(LONG)).is_none());

        let (endpoint, connected, _server) = pair().await;
        put(connected, idle(Duration::ZERO), 9);
        assert!(take(&endpoint, idle(Duration::ZERO)).is_none());

        let (endpoint, connected, _server) = pair().await;
        (0..3).for_each(|_| connected.address.failed(now()));
        put(connected, idle(LONG), 9);
        assert!(take(&endpoint, idle(LONG)).is_none());
    }

    #[tokio::test]
    async fn connections_of_an_old_config_go_when_those_of_a_new_one_come() {
        let (old, connected, mut server) = pair().await;
        put(connected, idle(LONG), 9);
        drop(old);
        let (_new, connected, _other) = pair().await;
        put(connected, idle(LONG), 9);
        let mut byte = [0];
        let closed = tokio::io::AsyncReadExt::read(&mut server, &mut byte);
        assert_eq!(tokio::time::timeout(Duration::from_secs(5), closed).await.unwrap().unwrap(), 0);
    }

    async fn wait_until_noticed(connected: &Connected) {
        let noticed = async {
            while connected.stream.is_quiet() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(5), noticed).await.unwrap();
    }
}
