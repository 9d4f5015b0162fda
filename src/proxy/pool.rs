//! Idle upstream connections, kept per thread, looked at before they are used again, and closed in time if they are not.
//! It must not share a connection between threads: in a runtime without work stealing each thread has its own driver.

use super::peer::address::{Address, now};
use super::peer::endpoint::Endpoint;
use super::peer::stream::PeerStream;
use super::peer::{Connected, Timeouts};
use ahash::AHashMap;
use std::cell::{Cell, RefCell};
use std::sync::{Arc, Weak};
use std::time::Duration;

/// How often a thread looks for connections that nobody will want any more.
const SWEEP: Duration = Duration::from_secs(1);

thread_local! {
    static IDLE: RefCell<AHashMap<u64, Kept>> = RefCell::new(AHashMap::new());
    static SWEEPS: Cell<bool> = const { Cell::new(false) };
}

/// The idle connections to one endpoint, the youngest last. They do not keep the endpoint: a new config lets it go.
struct Kept {
    endpoint: Weak<Endpoint>,
    idle: Vec<Idle>,
}

struct Idle {
    stream: PeerStream,
    address: Arc<Address>,
    /// Until when it may be kept, in the time of [`now`].
    until: u64,
}

impl Idle {
    const fn is_over(&self, now: u64) -> bool {
        now >= self.until
    }
}

/// The youngest idle connection to an endpoint that nothing happened on; older ones that are of no use are dropped.
#[must_use]
pub fn take(endpoint: &Arc<Endpoint>) -> Option<Connected> {
    let (seat, now) = (endpoint.seat()?, now());
    IDLE.with_borrow_mut(|kept| {
        let kept = &mut kept.get_mut(&endpoint.key)?.idle;
        while let Some(candidate) = kept.pop() {
            if candidate.is_over(now) {
                // the rest is older still
                kept.clear();
                return None;
            }
            let Idle { stream, address, .. } = candidate;
            if stream.is_quiet() && address.is_usable(now) {
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
        let now = now();
        let expired = kept.iter().take_while(|old| old.is_over(now)).count();
        kept.drain(..expired);
        if kept.len() < most {
            let limit = u64::try_from(timeouts.idle.as_millis()).unwrap_or(u64::MAX);
            kept.push(Idle { stream, address, until: now.saturating_add(limit) });
        }
    });
    // INVARIANT: a task stays on the thread that it was begun on, since no runtime steals work
    if !SWEEPS.replace(true) {
        tokio::spawn(sweep());
    }
}

/// Closes what was kept too long, what the other side has closed, and what belongs to an old config, until nothing is left.
async fn sweep() {
    let mut is_empty = false;
    while !is_empty {
        tokio::time::sleep(SWEEP).await;
        let now = now();
        is_empty = IDLE.with_borrow_mut(|pool| {
            pool.retain(|_, kept| {
                kept.idle.retain(|idle| !idle.is_over(now) && idle.stream.is_quiet());
                kept.endpoint.strong_count() > 0 && !kept.idle.is_empty()
            });
            pool.is_empty()
        });
    }
    SWEEPS.set(false);
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};

    fn idle(idle: Duration) -> Timeouts {
        let second = Duration::from_secs(1);
        Timeouts { connect: second, read: second, write: second, idle }
    }

    /// A connection to an endpoint, and the other end of it.
    pub(in crate::proxy) async fn pair() -> (Arc<Endpoint>, Connected, TcpStream) {
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
        assert!(take(&endpoint).is_some());
        assert!(take(&endpoint).is_none());
    }

    #[tokio::test]
    async fn so_many_are_kept_and_an_idle_one_takes_no_place() {
        let (endpoint, connected, _server) = pair().await;
        assert_eq!(endpoint.busy(), 1);
        put(connected, idle(LONG), 0);
        assert!(endpoint.busy() == 0 && take(&endpoint).is_none());
        let (endpoint, connected, _server) = pair().await;
        put(connected, idle(LONG), 1);
        assert_eq!(endpoint.busy(), 0);
        let taken = take(&endpoint);
        assert!(taken.is_some() && endpoint.busy() == 1);
    }

    #[tokio::test]
    async fn closed_chatty_old_and_failing_connections_do_not() {
        let (endpoint, connected, server) = pair().await;
        drop(server);
        wait_until_noticed(&connected).await;
        put(connected, idle(LONG), 9);
        assert!(take(&endpoint).is_none());

        let (endpoint, connected, mut server) = pair().await;
        server.write_all(b"HTTP/1.1 408 \r\n\r\n").await.unwrap();
        wait_until_noticed(&connected).await;
        put(connected, idle(LONG), 9);
        assert!(take(&endpoint).is_none());

        let (endpoint, connected, _server) = pair().await;
        put(connected, idle(Duration::ZERO), 9);
        assert!(take(&endpoint).is_none());

        let (endpoint, connected, _server) = pair().await;
        (0..3).for_each(|_| connected.address.failed(now()));
        put(connected, idle(LONG), 9);
        assert!(take(&endpoint).is_none());
    }

    #[tokio::test]
    async fn connections_of_an_old_config_go_when_those_of_a_new_one_come() {
        let (old, connected, mut server) = pair().await;
        put(connected, idle(LONG), 9);
        drop(old);
        let (_new, connected, _other) = pair().await;
        put(connected, idle(LONG), 9);
        until_closed(&mut server).await;
    }

    /// Nobody asks for them: the thread is quiet.
    #[tokio::test]
    async fn what_nobody_wants_any_more_is_closed() {
        let (_endpoint, connected, mut server) = pair().await;
        put(connected, idle(Duration::from_millis(100)), 9);
        until_closed(&mut server).await;
        let (old, connected, mut server) = pair().await;
        put(connected, idle(LONG), 9);
        drop(old);
        until_closed(&mut server).await;
        let (endpoint, connected, mut server) = pair().await;
        let key = endpoint.key;
        server.shutdown().await.unwrap();
        put(connected, idle(LONG), 9);
        until_closed(&mut server).await;
        assert!(IDLE.with_borrow(|pool| !pool.contains_key(&key)));
    }

    async fn until_closed(server: &mut TcpStream) {
        let mut byte = [0];
        let closed = tokio::time::timeout(Duration::from_secs(5), server.read(&mut byte));
        assert_eq!(closed.await.unwrap().unwrap(), 0);
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
