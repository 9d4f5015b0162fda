//! One endpoint of an upstream: a name or an address, looked up again and again, and how it is connected to.
//! It must not choose between endpoints.

use super::address::{Address, now};
use super::class::{Denied, Forbidden};
use super::names::{self, Found};
use super::stream::PeerStream;
use arc_swap::{ArcSwap, ArcSwapOption, Guard};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::net::TcpStream;

/// From a lookup that failed to the next.
const RETRY: Duration = Duration::from_secs(5);

/// How long requests do without an address after a name could not be looked up, in milliseconds.
const PAUSE_MILLIS: u64 = 1000;

/// An endpoint.
#[derive(Debug)]
pub struct Endpoint {
    /// Tells its pooled connections from those of others.
    pub key: u64,
    /// The Host header of the gate's own probes.
    pub authority: String,
    /// A host name or an address, without brackets.
    host: String,
    port: u16,
    tls: Option<PeerTls>,
    /// Where its name must not lead.
    denied: Denied,
    /// The most requests at a time.
    room: usize,
    /// The requests that have a connection to it.
    busy: Arc<AtomicUsize>,
    addresses: ArcSwap<Vec<Arc<Address>>>,
    turn: AtomicUsize,
    /// Held during the first lookup: requests that need it wait for one, and do not start one each.
    first: Arc<tokio::sync::Mutex<()>>,
    /// When a request may have it looked up again after that failed.
    again: AtomicU64,
    /// Whether the last lookup failed.
    lost: AtomicBool,
    /// What the last lookup found, if it was nothing but addresses that are denied.
    forbidden: ArcSwapOption<IpAddr>,
}

/// The place of one request at an endpoint, until it is dropped.
#[derive(Debug)]
pub struct Seat(Arc<AtomicUsize>);

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// TLS towards an upstream; the name is always checked.
#[derive(Clone)]
pub struct PeerTls {
    /// Trust anchors, versions, resumption.
    pub config: Arc<rustls::ClientConfig>,
    /// The name that the certificate must have, sent as SNI.
    pub name: rustls::pki_types::ServerName<'static>,
}

impl std::fmt::Debug for PeerTls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PeerTls").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Endpoint {
    /// An endpoint; a name is not looked up yet.
    #[must_use]
    pub fn new(host: &str, port: u16, authority: String, tls: Option<PeerTls>) -> Self {
        /// None is used twice, so that nobody gets a connection that another config made.
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let literal = bare.parse::<IpAddr>().ok().map(|ip| Arc::new(Address::new(SocketAddr::new(ip, port))));
        Self {
            key: NEXT.fetch_add(1, Ordering::Relaxed),
            authority,
            host: bare.to_owned(),
            port,
            tls,
            denied: Denied::default(),
            room: usize::MAX,
            busy: Arc::new(AtomicUsize::new(0)),
            addresses: ArcSwap::from_pointee(literal.into_iter().collect()),
            turn: AtomicUsize::new(0),
            first: Arc::default(),
            again: AtomicU64::new(0),
            lost: AtomicBool::new(false),
            forbidden: ArcSwapOption::empty(),
        }
    }

    /// The same, whose name must not lead there.
    #[must_use]
    pub fn denying(self, denied: Denied) -> Self {
        Self { denied, ..self }
    }

    /// The same, for so many requests at a time.
    #[must_use]
    pub fn with_room(self, room: usize) -> Self {
        Self { room, ..self }
    }

    /// A place for one request, if there is one left.
    #[must_use]
    pub fn seat(&self) -> Option<Seat> {
        let seat = Seat(Arc::clone(&self.busy));
        // counted before it is compared, so that two never take the last one
        (seat.0.fetch_add(1, Ordering::SeqCst) < self.room).then_some(seat)
    }

    /// The requests that have a connection to it.
    #[must_use]
    pub fn busy(&self) -> usize {
        self.busy.load(Ordering::SeqCst)
    }

    /// Whether the host is a name, whose addresses can change.
    #[must_use]
    pub fn is_named(&self) -> bool {
        self.host.parse::<IpAddr>().is_err()
    }

    /// The addresses that are known; none before a name was looked up.
    #[must_use]
    pub fn addresses(&self) -> Guard<Arc<Vec<Arc<Address>>>> {
        self.addresses.load()
    }

    /// Whether there may be an address that should get requests.
    #[must_use]
    pub fn is_usable(&self, at: u64) -> bool {
        let addresses = self.addresses();
        addresses.is_empty() || addresses.iter().any(|address| address.is_usable(at))
    }

    /// The addresses, beginning with another one each time.
    pub(super) fn in_turn(&self) -> Vec<Arc<Address>> {
        let mut addresses = Vec::clone(&self.addresses());
        if addresses.len() > 1 {
            let first = self.turn.fetch_add(1, Ordering::Relaxed) % addresses.len();
            addresses.rotate_left(first);
        }
        addresses
    }

    /// Looks the name up; what is known about addresses that stay is kept, and so are all of them if none is found.
    /// Gives for how long that is good; `None`: for ever.
    ///
    /// # Errors
    /// What the resolver says, or that it gave nothing that may be used.
    pub async fn resolve(&self) -> io::Result<Option<Duration>> {
        if !self.is_named() {
            return Ok(None);
        }
        let Found { mut addresses, good_for } = names::look_up(&self.host).await?;
        let first = addresses.first().copied();
        addresses.retain(|address| self.denied.permits(*address));
        if let (true, Some(address)) = (addresses.is_empty(), first) {
            return Err(self.forbidden(address));
        }
        self.exchange(addresses.into_iter().map(|address| SocketAddr::new(address, self.port)).collect())?;
        Ok(Some(good_for))
    }

    fn forbidden(&self, address: IpAddr) -> io::Error {
        self.forbidden.store(Some(Arc::new(address)));
        Forbidden { host: self.host.clone(), address }.into()
    }

    /// Why there is no address.
    pub(super) fn why_none(&self) -> io::Error {
        match self.forbidden.load_full() {
            Some(address) => Forbidden { host: self.host.clone(), address: *address }.into(),
            None => io::Error::new(io::ErrorKind::NotFound, "no address is known"),
        }
    }

    /// Looks the name up for an upstream, and tells the log when that begins to fail or to work. Gives when to do it again;
    /// `None`: never.
    pub async fn look_up(&self, upstream: &str) -> Option<Duration> {
        let outcome = self.resolve().await;
        let was_lost = self.lost.swap(outcome.is_err(), Ordering::Relaxed);
        match &outcome {
            Err(error) if !was_lost => {
                let known = self.addresses().len();
                log::warn!(
                    "upstream `{upstream}`: `{}` cannot be looked up: {error}; {known} addresses stay",
                    self.host
                );
            }
            Ok(_) if was_lost => log::info!("upstream `{upstream}`: `{}` can be looked up again", self.host),
            Ok(_) | Err(_) => {}
        }
        outcome.unwrap_or(Some(RETRY))
    }

    /// The same, unless another request has done it in the meantime, or tried to.
    ///
    /// A lookup goes on until the resolver gives up, which is later than requests do. So it goes on without the request
    /// that began it, and no other begins before it ends.
    pub(super) async fn look_up_first(self: &Arc<Self>, upstream: &str) {
        let guard = Arc::clone(&self.first).lock_owned().await;
        if !self.addresses().is_empty() || self.again.load(Ordering::Relaxed) > now() {
            return;
        }
        let (endpoint, upstream) = (Arc::clone(self), upstream.to_owned());
        let lookup = tokio::spawn(async move {
            endpoint.look_up(&upstream).await;
            endpoint.again.store(now().saturating_add(PAUSE_MILLIS), Ordering::Relaxed);
            drop(guard);
        });
        // it does not panic, and if it did, no address were known
        let _ = lookup.await;
    }

    fn exchange(&self, mut found: Vec<SocketAddr>) -> io::Result<()> {
        found.sort_unstable();
        found.dedup();
        if found.is_empty() {
            let message = format!("`{}` has no address that may be used", self.host);
            return Err(io::Error::new(io::ErrorKind::NotFound, message));
        }
        let known = self.addresses();
        let keep = |socket: SocketAddr| {
            let known = known.iter().find(|known| known.socket == socket);
            known.map_or_else(|| Arc::new(Address::new(socket)), Arc::clone)
        };
        self.addresses.store(Arc::new(found.into_iter().map(keep).collect()));
        self.forbidden.store(None);
        Ok(())
    }

    /// Connects to an address, with TLS if the endpoint has it.
    ///
    /// # Errors
    /// What the system or the other side says. There is no deadline in here.
    pub async fn connect(&self, address: &Address) -> io::Result<PeerStream> {
        // found long ago or just now, it is what is connected to that counts
        if self.is_named() && !self.denied.permits(address.socket.ip()) {
            return Err(self.forbidden(address.socket.ip()));
        }
        let tcp = TcpStream::connect(address.socket).await?;
        tcp.set_nodelay(true)?;
        match &self.tls {
            None => Ok(PeerStream::Plain(tcp)),
            Some(tls) => {
                let connector = tokio_rustls::TlsConnector::from(Arc::clone(&tls.config));
                Ok(PeerStream::Tls(Box::new(connector.connect(tls.name.clone(), tcp).await?)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(host: &str) -> Endpoint {
        Endpoint::new(host, 9000, host.to_owned(), None)
    }

    fn shown(endpoint: &Endpoint) -> Vec<String> {
        endpoint.addresses().iter().map(|address| address.socket.to_string()).collect()
    }

    #[tokio::test]
    async fn literals_are_their_own_address() {
        for (host, expected) in [("10.0.0.1", "10.0.0.1:9000"), ("[::1]", "[::1]:9000")] {
            let endpoint = endpoint(host);
            endpoint.resolve().await.unwrap();
            assert_eq!((endpoint.is_named(), shown(&endpoint)), (false, vec![expected.to_owned()]));
        }
    }

    #[tokio::test]
    async fn names_are_looked_up() {
        let local = endpoint("localhost");
        assert!(local.is_named() && local.addresses().is_empty());
        local.resolve().await.unwrap();
        assert!(local.addresses().iter().all(|address| address.socket.ip().is_loopback()));
        assert!(endpoint("nowhere.invalid").resolve().await.is_err());
    }

    #[test]
    fn what_is_known_about_an_address_that_stays_is_kept() {
        let store = endpoint("store");
        let sockets = |list: &[&str]| list.iter().map(|it| it.parse().unwrap()).collect::<Vec<SocketAddr>>();
        store.exchange(sockets(&["10.0.0.2:9000", "10.0.0.1:9000", "10.0.0.2:9000"])).unwrap();
        let kept = Arc::clone(&store.addresses()[1]);
        store.exchange(sockets(&["10.0.0.3:9000", "10.0.0.2:9000"])).unwrap();
        assert_eq!(shown(&store), ["10.0.0.2:9000", "10.0.0.3:9000"]);
        assert!(Arc::ptr_eq(&kept, &store.addresses()[0]));
        assert!(store.exchange(Vec::new()).is_err());
        assert_eq!(store.addresses().len(), 2);
    }
}
