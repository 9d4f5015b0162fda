//! The scripts against the machine in Rust, step by step over random histories, on a real server.
//! It must not test a gate; the integration tests do.

use super::super::Event;
use super::*;
use crate::clock::UnixMillis;
use crate::links::claim::Terms;
use crate::links::revocation::{Lifetimes, Target};
use crate::links::state::Told;
use crate::links::state::delivery::Delivery;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// A server of its own on a socket in a folder that vanishes.
struct Server {
    process: Child,
    folder: TempDir,
}

impl Server {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let process = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--unixsocket"])
            .arg(folder.path().join("s"))
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server; `make test` installs it");
        Self { process, folder }
    }

    async fn store(&self) -> Redis {
        let url = format!("redis+unix://{}", self.folder.path().join("s").display());
        let store = Redis::new(&Secret::new(url), None).unwrap();
        for _ in 0..500 {
            if store.sweep().await.is_ok() {
                return store;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("redis-server does not answer");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A history of one link: who asks for what, and how it goes on.
struct History {
    random: fastrand::Rng,
    now: i64,
    tokens: Vec<u64>,
    terms: Terms,
}

impl History {
    fn new(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let now = 1_900_000_000_000;
        let terms = Terms {
            max_uses: random.bool().then(|| random.u32(1..4)),
            max_bytes: random.bool().then(|| random.u64(1..400)),
            network: None,
            grace: [0, 5_000, 30_000][random.usize(..3)],
            until: UnixMillis::from_millis(now + 100_000_000),
        };
        Self { random, now, tokens: Vec::new(), terms }
    }

    fn claim(&mut self, link: LinkId) -> LinkClaim {
        let random = &mut self.random;
        let length = random.bool().then(|| random.u64(0..150));
        let ask =
            [Ask::Look, Ask::Download(None), Ask::Download(length), Ask::Upload(length)][random.usize(..4)];
        let network = ["10.0.0.0/24", "10.0.1.0/24"][random.usize(..2)];
        let pinned = self.terms.max_uses.is_none();
        let terms = Terms { network: pinned.then(|| network.into()), ..self.terms.clone() };
        LinkClaim { id: link, client: ["a", "b b", "vpce-1 c"][random.usize(..3)].into(), ask, terms }
    }

    fn note(&mut self, link: LinkId) -> Option<Note> {
        let random = &mut self.random;
        let token = *self.tokens.get(random.usize(..self.tokens.len().max(1)))?;
        let event = match random.u8(..5) {
            0 => Event::Keep(None),
            1 => Event::Keep(Some(Told { size: random.u64(0..120), length: random.u64(0..120) })),
            _ => Event::Settle(Delivery {
                got: [0, 40, 100][random.usize(..3)],
                size: [0, 100][random.usize(..2)],
                whole: random.u8(..4) == 0,
                moved: random.u64(0..120),
            }),
        };
        Some(Note { link, token, grace: self.terms.grace, event })
    }
}

#[tokio::test]
async fn the_scripts_are_the_same_machine() {
    let server = Server::start();
    let mut store = server.store().await;
    for seed in 0..150 {
        let mut history = History::new(seed);
        let link = LinkId::from_bytes((u128::from(seed) + 1).to_be_bytes());
        let mut state = LinkState::default();
        for step in 0..40 {
            history.now += [0, 1, 4_000, 31_000, 61_000][history.random.usize(..5)];
            store.now = Some(history.now);
            if history.random.bool() {
                let token = 1 + step + (seed << 20);
                let claim = history.claim(link);
                let expected = state.reserve(&claim, token, history.now);
                assert_eq!(
                    store.reserve(&claim, token).await,
                    Ok(expected),
                    "{seed} {step} {claim:?} {state:?}"
                );
                history.tokens.push(token);
            } else if let Some(note) = history.note(link) {
                note.apply(&mut state, history.now);
                store.server.ask(store.note_call(&note)).await.unwrap();
            }
            let seen = store.look(link).await.unwrap();
            let expected = Some(state.clone()).filter(|state| !state.is_blank());
            match (&seen, &expected) {
                // what is blank is not kept, and with it goes what was learned about the object
                (None, None) => state = LinkState::default(),
                _ => assert_eq!(seen, expected, "{seed} {step}"),
            }
        }
    }
}

#[tokio::test]
async fn large_numbers_survive() {
    let server = Server::start();
    let mut store = server.store().await;
    store.now = Some(1_900_000_000_000);
    let most = (1 << 53) - 1;
    let terms = Terms {
        max_uses: Some(1_000_000),
        max_bytes: Some(most),
        network: None,
        grace: 0,
        until: UnixMillis::from_secs(2_000_000_000),
    };
    let link = LinkId::from_bytes([9; 16]);
    let claim = LinkClaim { id: link, client: "a".into(), ask: Ask::Upload(None), terms };
    assert_eq!(store.reserve(&claim, most).await, Ok(Answer::Granted(Some(most))));
    let state = store.look(link).await.unwrap().unwrap();
    assert_eq!((state.holds[0].limit, state.holds[0].token), (most, most));
}

/// A connection was given up, the end of the request went over a new one, and then the network brought its beginning.
#[tokio::test]
async fn a_beginning_that_comes_after_its_end_counts_nothing() {
    let server = Server::start();
    let store = server.store().await;
    let until = UnixMillis::from_secs(4_000_000_000);
    let terms = Terms { max_uses: Some(1), max_bytes: None, network: None, grace: 0, until };
    let link = LinkId::from_bytes([3; 16]);
    let claim = LinkClaim { id: link, client: "a".into(), ask: Ask::Download(None), terms };
    let end = Note { link, token: 7, grace: 0, event: Event::Settle(Delivery::default()) };
    for _ in 0..2 {
        store.server.ask(store.note_call(&end)).await.unwrap();
        assert_eq!(store.reserve(&claim, 7).await, Ok(Answer::Refused(Refusal::Busy)));
        assert_eq!(store.look(link).await, Ok(None));
    }
    assert_eq!(store.reserve(&claim, 8).await, Ok(Answer::Granted(None)));
}

fn entry(number: u8, lapses: UnixMillis) -> Revocation {
    let lifetimes = Lifetimes { max_expires: Duration::from_hours(1), clock_skew: Duration::from_mins(15) };
    let target = Target::Link(LinkId::from_bytes([number; 16]));
    Revocation::new(target, UnixMillis::from_secs(1), Some(lapses), lifetimes)
}

#[tokio::test]
async fn every_gate_sees_every_change_of_the_list() {
    let server = Server::start();
    let (one, other) = (server.store().await, server.store().await);
    let far = UnixMillis::from_secs(4_000_000_000);
    let change = |number, is_gone| Change { entry: entry(number, far), is_gone };
    let empty = other.changes("", 0).await.unwrap();
    assert!(empty.changes.is_empty() && !empty.list.is_empty());
    one.change(&change(1, false)).await.unwrap();
    one.change(&change(2, false)).await.unwrap();
    let seen = other.changes(&empty.list, empty.last).await.unwrap();
    assert_eq!(seen.changes, [change(1, false), change(2, false)]);
    other.change(&change(1, true)).await.unwrap();
    let seen = one.changes(&seen.list, seen.last).await.unwrap();
    assert_eq!(seen.changes, [change(1, true)]);
    assert!(one.changes(&seen.list, seen.last).await.unwrap().changes.is_empty());
    // a gate that starts now gets all of it
    let all = one.changes("", 0).await.unwrap();
    assert_eq!((all.changes.len(), &all.list), (2, &seen.list));
    // a list that was lost is read from the beginning
    assert_eq!(one.changes("another", 7).await.unwrap().last, 0);
}

#[tokio::test]
async fn entries_leave_the_list_when_they_are_over() {
    let server = Server::start();
    let store = server.store().await;
    let over = Change { entry: entry(1, UnixMillis::from_secs(2)), is_gone: false };
    store.change(&over).await.unwrap();
    assert!(store.changes("", 0).await.unwrap().changes.is_empty());
    assert_eq!(store.sweep().await.unwrap(), 0);
}

#[tokio::test]
async fn a_server_that_is_gone_is_an_error_and_not_a_wait() {
    let server = Server::start();
    let store = server.store().await;
    let link = LinkId::from_bytes([1; 16]);
    assert_eq!(store.look(link).await, Ok(None));
    drop(server);
    assert!(matches!(store.look(link).await, Err(StoreError::Unreachable(_))));
    assert!(
        matches!(Redis::new(&Secret::new("http://h"), None), Err(StoreError::Failed(text)) if !text.contains("h:"))
    );
}
