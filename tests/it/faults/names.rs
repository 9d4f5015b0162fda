//! Names of stores that cannot be looked up, move, or are looked up slowly: the last good addresses serve, and nobody piles
//! up behind the resolver.
//! It must not need the machine's own resolver: the gate gets files of its own to read.

use super::in_own_mounts;
use crate::support::config::Config;
use crate::support::gate::{Gate, at_rest, poll};
use crate::support::request::Request;
use crate::support::time::Watch;
use crate::support::upstream::Upstream;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// What a name server says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    Address(Ipv4Addr),
    NoSuchName,
    Failure,
    Nothing,
}

/// A name server that answers every question the same.
struct NameServer {
    address: SocketAddr,
    says: Arc<(Mutex<(Says, usize)>, Condvar)>,
}

impl NameServer {
    /// What it says is good for a second.
    #[track_caller]
    fn start(last: u8, says: Says) -> Self {
        Self::start_with_ttl(last, says, 1)
    }

    /// Resolvers ask at port 53 alone; each test has an address of the machine's own.
    #[track_caller]
    fn start_with_ttl(last: u8, says: Says, ttl: u32) -> Self {
        let address = SocketAddr::from(([127, 53, 0, last], 53));
        let socket = UdpSocket::bind(address).expect("port 53 of a loopback address, which takes root");
        let shared = Arc::new((Mutex::new((says, 0)), Condvar::new()));
        let server = Arc::clone(&shared);
        std::thread::spawn(move || {
            let mut packet = [0; 512];
            while let Ok((length, from)) = socket.recv_from(&mut packet) {
                let says = {
                    let mut state = server.0.lock().unwrap();
                    state.1 += 1;
                    server.1.notify_all();
                    state.0
                };
                if let Some(answer) = answer(&packet[..length], says, ttl) {
                    let _ = socket.send_to(&answer, from);
                }
            }
        });
        Self { address, says: shared }
    }

    fn set(&self, says: Says) {
        self.says.0.lock().unwrap().0 = says;
    }

    fn asked(&self) -> usize {
        self.says.0.lock().unwrap().1
    }
}

/// RFC 1035, 4.1: the question again, and an A record if it asked for one.
fn answer(question: &[u8], says: Says, ttl: u32) -> Option<Vec<u8>> {
    let name = question.get(12..)?.iter().position(|byte| *byte == 0)?;
    let kind = question.get(12 + name + 1..12 + name + 3)?;
    let end = 12 + name + 5;
    let (code, address) = match says {
        Says::Nothing => return None,
        Says::Failure => (2, None),
        Says::NoSuchName => (3, None),
        Says::Address(address) => (0, (kind == [0, 1]).then_some(address)),
    };
    let mut out = question.get(..end)?.to_vec();
    out[2..12].copy_from_slice(&[0x81, 0x80 | code, 0, 1, 0, u8::from(address.is_some()), 0, 0, 0, 0]);
    if let Some(address) = address {
        // the name of the question, type A, class IN, time to live, four bytes
        out.extend([0xC0, 12, 0, 1, 0, 1]);
        out.extend(ttl.to_be_bytes());
        out.extend([0, 4]);
        out.extend(address.octets());
    }
    Some(out)
}

/// A gate for `store.test`, whose resolver is this server alone.
fn gate(upstream: &Upstream, server: &NameServer, folder: &Path, more: &str) -> Gate {
    let at = folder.display();
    std::fs::write(
        folder.join("resolv.conf"),
        format!("nameserver {}\noptions timeout:1 attempts:1\n", server.address.ip()),
    )
    .unwrap();
    std::fs::write(folder.join("hosts"), "127.0.0.1 localhost\n").unwrap();
    let command = in_own_mounts(&format!(
        "mount --bind {at}/resolv.conf /etc/resolv.conf\nmount --bind {at}/hosts /etc/hosts"
    ));
    let mut config = Config::resign(format!("http://store.test:{}", upstream.address.port()));
    config.credentials.push_str(more);
    Gate::start_by(command, |listener, admin| config.text(listener, admin))
}

fn ask(gate: &Gate) -> u16 {
    gate.ask("GET", &Request::get("/bkt/key").presigned()).status
}

const HERE: Says = Says::Address(Ipv4Addr::LOCALHOST);
/// A machine of the loopback network where nobody listens.
const ELSEWHERE: Says = Says::Address(Ipv4Addr::new(127, 77, 0, 1));

/// F-22.
#[test]
fn the_last_good_address_serves_while_a_name_cannot_be_looked_up() {
    let (upstream, folder) = (Upstream::ok(), tempfile::tempdir().unwrap());
    let server = NameServer::start(1, HERE);
    let gate = gate(&upstream, &server, folder.path(), "");
    assert_eq!(ask(&gate), 200);
    server.set(Says::NoSuchName);
    let before = server.asked();
    poll("the next lookup", || (server.asked() > before).then_some(()));
    poll("a word about it", || gate.messages().contains("1 addresses stay").then_some(()));
    assert_eq!((ask(&gate), gate.admin("GET", "/readyz").status), (200, 200));
}

/// F-22: NXDOMAIN and failures from the start, and then the name is there.
#[test]
fn a_name_that_nobody_knows_is_a_5xx_and_is_followed_when_it_appears() {
    for (last, says) in [(2, Says::NoSuchName), (3, Says::Failure)] {
        let (upstream, folder) = (Upstream::ok(), tempfile::tempdir().unwrap());
        let server = NameServer::start(last, says);
        let gate = gate(&upstream, &server, folder.path(), "\n    retries: 0");
        let watch = Watch::start();
        let answer = gate.ask("GET", &Request::get("/bkt/key").presigned());
        answer.assert_error(503, "ServiceUnavailable");
        assert!(watch.elapsed() < Duration::from_secs(5), "{says:?} {:?}", watch.elapsed());
        upstream.assert_untouched();
        server.set(HERE);
        poll("the name", || (ask(&gate) == 200).then_some(()));
    }
}

/// F-22.
#[test]
fn an_address_that_changes_is_followed() {
    let (upstream, folder) = (Upstream::ok(), tempfile::tempdir().unwrap());
    let server = NameServer::start(4, ELSEWHERE);
    let gate = gate(&upstream, &server, folder.path(), "\n    retries: 0");
    assert_eq!(ask(&gate), 503);
    server.set(HERE);
    let watch = Watch::start();
    poll("the new address", || (ask(&gate) == 200).then_some(()));
    println!("a new address was followed after {:?}", watch.elapsed());
    assert!(watch.elapsed() < Duration::from_secs(10), "{:?}", watch.elapsed());
}

/// Two answers that are good for a second and for twenty: both gates ask for both families, one of them again and again.
#[test]
fn a_name_is_looked_up_again_when_its_time_is_over() {
    let upstream = Upstream::ok();
    let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let servers = [NameServer::start(6, HERE), NameServer::start_with_ttl(7, HERE, 20)];
    let gates = [0, 1].map(|at| gate(&upstream, &servers[at], folders[at].path(), ""));
    let [short, long] = &servers;
    poll("the first lookups", || (short.asked() >= 2 && long.asked() >= 2).then_some(()));
    let before = long.asked();
    poll("four more lookups", || (short.asked() >= 10).then_some(()));
    assert_eq!(long.asked(), before);
    assert_eq!(gates.each_ref().map(ask), [200, 200]);
}

/// F-22.
#[test]
fn a_resolver_that_says_nothing_is_given_up_in_time_and_nobody_piles_up_behind_it() {
    const CLIENTS: usize = 40;
    let (upstream, folder) = (Upstream::ok(), tempfile::tempdir().unwrap());
    let server = NameServer::start(5, Says::Nothing);
    let mut gate = gate(&upstream, &server, folder.path(), "\n    retries: 0\n    timeouts: { connect: 2s }");
    let threads =
        |gate: &mut Gate| std::fs::read_dir(format!("/proc/{}/task", gate.process().id())).unwrap().count();
    let before = at_rest("the threads to stay as many", || threads(&mut gate));
    let watch = Watch::start();
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(|| ask(&gate))).collect();
        clients.into_iter().map(|client| client.join().unwrap()).collect()
    });
    let (took, more) = (watch.elapsed(), threads(&mut gate) - before);
    println!(
        "{CLIENTS} requests behind a silent resolver took {took:?}, {more} threads more, {} questions",
        server.asked()
    );
    assert!(statuses.iter().all(|status| (503..=504).contains(status)), "{statuses:?}");
    assert!(took < Duration::from_secs(5), "{took:?}");
    // a lookup for all, and one of the keeper; each asks for both families, and again what is not answered
    assert!(more == 0 && server.asked() < CLIENTS, "{more} threads, {} questions", server.asked());
    assert_eq!(gate.admin("GET", "/livez").status, 200);
    server.set(HERE);
    poll("the name", || (ask(&gate) == 200).then_some(()));
}
