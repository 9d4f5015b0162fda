//! Rounds over the addresses of an upstream: who is asked, how often, and who is left alone.
//! It must not send a message.

use super::class::Denied;
use super::*;
use tokio::net::TcpListener;

const POOL: Pool = Pool { connections: usize::MAX, idle: 9 };

fn spec(retries: u32) -> Spec {
    let time = Duration::from_secs(5);
    let timeouts = Timeouts { connect: time, read: time, write: time, idle: time };
    let endpoints = vec![Configured::parse("http://a").unwrap()];
    Spec {
        name: "u".to_owned(),
        endpoints,
        ca: None,
        timeouts,
        retries,
        health: None,
        denied: Denied::default(),
        pool: POOL,
    }
}

fn peer(ports: &[u16], retries: u32) -> Peer {
    let endpoint = |port: &u16| Endpoint::new("127.0.0.1", *port, "u".to_owned(), None);
    Peer::new(spec(retries), ports.iter().map(endpoint).collect())
}

async fn listen() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// A port on which nobody listens.
async fn nobody() -> u16 {
    listen().await.1
}

async fn port(peer: &Peer) -> (Option<u16>, u32) {
    let (outcome, retries) = peer.round().connect().await;
    (outcome.ok().map(|connected| connected.address.socket.port()), retries)
}

#[tokio::test]
async fn endpoints_take_turns() {
    let ((_a, a), (_b, b)) = (listen().await, listen().await);
    let peer = peer(&[a, b], 0);
    let mut asked = Vec::new();
    for _ in 0..4 {
        asked.push(port(&peer).await.0.unwrap());
    }
    assert_eq!(asked, [a, b, a, b]);
}

#[tokio::test]
async fn another_address_is_tried_before_giving_up() {
    let ((_good, good), bad) = (listen().await, nobody().await);
    let peer = peer(&[bad, good], 1);
    assert_eq!(port(&peer).await, (Some(good), 1));
    assert_eq!(port(&peer).await, (Some(good), 0));
    for _ in 0..10 {
        assert_eq!(port(&peer).await.0, Some(good));
    }
    // three failures put it aside: nobody runs into it any more
    assert_eq!(peer.states(), [1, 1, 0]);
    for _ in 0..4 {
        assert_eq!(port(&peer).await, (Some(good), 0));
    }
}

#[tokio::test]
async fn retries_are_counted_and_end() {
    let bad = nobody().await;
    assert_eq!(port(&peer(&[bad], 0)).await, (None, 0));
    assert_eq!(port(&peer(&[bad], 2)).await, (None, 2));
    // all are put aside: they are asked all the same, since nobody else is there
    let peer = peer(&[bad], 0);
    for _ in 0..5 {
        assert_eq!(port(&peer).await, (None, 0));
    }
    assert_eq!(peer.states(), [0, 1, 0]);
}

#[tokio::test]
async fn many_failures_use_up_the_budget() {
    let peer = peer(&[nobody().await], 10);
    let mut retries = 0;
    for _ in 0..100 {
        retries += port(&peer).await.1;
    }
    assert!((20..=40).contains(&retries), "{retries} retries of 100 requests");
}

#[tokio::test]
async fn an_endpoint_has_so_many_places_and_the_next_gets_the_rest() {
    let ((_a, a), (_b, b)) = (listen().await, listen().await);
    let endpoint = |port: u16| Endpoint::new("127.0.0.1", port, "u".to_owned(), None).with_room(1);
    let peer = Peer::new(spec(5), vec![endpoint(a), endpoint(b)]);
    let one = peer.round().connect().await.0.unwrap();
    let two = peer.round().connect().await.0.unwrap();
    assert_ne!(one.address.socket, two.address.socket);
    assert_eq!(peer.busy(), 2);
    let (error, retries) = peer.round().connect().await;
    assert_eq!((error.unwrap_err().kind(), retries), (io::ErrorKind::ResourceBusy, 0));
    // nobody failed: they are full
    assert_eq!(peer.states(), [2, 0, 0]);
    let free = one.address.socket.port();
    drop(one);
    for _ in 0..3 {
        assert_eq!(port(&peer).await.0, Some(free));
    }
    drop(two);
    assert_eq!(peer.busy(), 0);
}

#[tokio::test]
async fn a_name_that_leads_where_it_must_not_is_not_connected_to() {
    let (listener, port) = listen().await;
    let denied = Denied(vec!["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()]);
    let endpoint = |denied| Endpoint::new("localhost", port, "u".to_owned(), None).denying(denied);
    let peer = Peer::new(spec(0), vec![endpoint(denied)]);
    let error = peer.round().connect().await.0.unwrap_err();
    assert!(class::Forbidden::is_why(&error), "{error}");
    // also where the address was found before it was denied
    let late = Peer::new(spec(0), vec![endpoint(Denied::default())]);
    late.resolve().await;
    let address = late.addresses().find(|address| address.socket.is_ipv4()).unwrap();
    let strict = endpoint(Denied(vec!["127.0.0.0/8".parse().unwrap()]));
    assert!(class::Forbidden::is_why(&strict.connect(&address).await.unwrap_err()));
    assert!(late.round().connect().await.0.is_ok());
    drop(listener);
}

#[test]
fn what_is_due_is_done_by_one() {
    let due = Due::default();
    assert!(due.take(0) && !due.take(u64::MAX - 1));
    due.again_in(Duration::from_mins(1));
    assert!(!due.take(now()) && due.take(now() + 61_000));
}

#[test]
fn specs_differ_in_every_part() {
    let ca = |text: &str| Spec { ca: Some(Secret::new(text)), ..spec(0) };
    assert_eq!(spec(0), spec(0));
    assert_eq!(ca("a"), ca("a"));
    let others = [
        Spec { name: "v".to_owned(), ..spec(0) },
        Spec { endpoints: vec![Configured::parse("http://b").unwrap()], ..spec(0) },
        Spec { timeouts: Timeouts { connect: Duration::ZERO, ..spec(0).timeouts }, ..spec(0) },
        Spec { health: Some(health::Probe { path: "/".to_owned(), interval: Duration::ZERO }), ..spec(0) },
        ca("a"),
        Spec { denied: Denied(vec!["127.0.0.0/8".parse().unwrap()]), ..spec(0) },
        Spec { pool: Pool { idle: 8, ..POOL }, ..spec(0) },
        Spec { pool: Pool { connections: 8, ..POOL }, ..spec(0) },
        spec(1),
    ];
    for other in others {
        assert_ne!(other, spec(0));
    }
    assert_ne!(ca("a"), ca("b"));
}
