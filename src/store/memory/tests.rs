//! What a link and a revocation take of memory, and how long looking them up takes when there are a million.
//! It must not run by default: it is a measurement, and its numbers stand in docs/links.md.

use super::*;
use crate::clock::{Stopwatch, SystemClock, UnixMillis};
use crate::links::claim::{Ask, Refusal, Terms};
use crate::links::revocation::{Facts, Revocation, RevocationSet, Target};
use crate::links::state::delivery::Delivery;
use crate::request::head;
use crate::s3::address::HostRules;
use crate::store::Event;

const MANY: u32 = 1_000_000;

fn link(number: u32) -> LinkId {
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&number.wrapping_mul(2_654_435_761).to_le_bytes());
    bytes[4..8].copy_from_slice(&number.to_le_bytes());
    LinkId::from_bytes(bytes)
}

fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

fn claim(number: u32, client: &str) -> LinkClaim {
    let terms = Terms {
        max_uses: Some(1),
        max_bytes: None,
        network: Some("203.0.113.0/24".into()),
        grace: 0,
        until: UnixMillis::from_secs(4_000_000_000),
    };
    LinkClaim { id: link(number), client: client.into(), ask: Ask::Download(None), terms }
}

#[tokio::test]
async fn a_link_that_was_used_up_is_remembered_and_a_blank_one_is_not() {
    let store = Memory::new(Arc::new(SystemClock));
    let claim = claim(1, "a");
    let (link, grace) = (claim.id, 0);
    assert_eq!(store.reserve(&claim, 1).await, Ok(Answer::Granted(None)));
    store.note(Note { link, token: 1, grace, event: Event::Settle(Delivery::default()) });
    assert_eq!(store.look(link).await, Ok(None));
    assert_eq!(store.reserve(&claim, 2).await, Ok(Answer::Granted(None)));
    let delivery = Delivery { got: 1, size: 1, whole: false, moved: 1 };
    store.note(Note { link, token: 2, grace, event: Event::Settle(delivery) });
    assert_eq!(store.reserve(&claim, 3).await, Ok(Answer::Refused(Refusal::Uses)));
    let mut known = 0;
    for _ in 0..SHARDS {
        known = store.sweep().await.unwrap();
    }
    assert_eq!(known, 1);
}

#[tokio::test]
#[ignore = "a measurement; run it with --run-ignored and --no-capture"]
async fn a_million_links_and_a_million_revocations() {
    let store = Memory::new(Arc::new(SystemClock));
    let before = resident();
    let delivery = Delivery { got: 1, size: 1, whole: false, moved: 1 };
    for number in 0..MANY {
        let claim = claim(number, "203.0.113.7");
        store.reserve(&claim, 1).await.unwrap();
        store.note(Note { link: claim.id, token: 1, grace: 0, event: Event::Settle(delivery) });
    }
    let links = resident() - before;
    let watch = Stopwatch::start();
    for number in 0..100_000 {
        let refused = store.reserve(&claim(number * 10, "198.51.100.1"), 2).await;
        assert!(matches!(refused, Ok(Answer::Refused(_))));
    }
    let asked = watch.elapsed() / 100_000;

    let before = resident();
    let mut list = RevocationSet::default();
    let at = UnixMillis::from_secs(2_000_000_000);
    for number in 0..MANY {
        list.insert(&Revocation { target: Target::Link(link(number)), created: at, lapses: at });
    }
    let revocations = resident() - before;
    let request = head::parse(b"GET /bkt/some/key HTTP/1.1\r\nHost: h\r\n\r\n").unwrap();
    let address = HostRules::any_path_style().address(&request).unwrap();
    let facts = Facts { access_key_id: "A", signed_at: at, address: &address };
    let mut cost = [Default::default(); 2];
    for (cost, first) in cost.iter_mut().zip([0, MANY]) {
        let watch = Stopwatch::start();
        let hits = (0..100_000).filter(|number| list.hits(&facts, || Some(link(first + number)))).count();
        *cost = watch.elapsed() / 100_000;
        assert_eq!(hits, if first == 0 { 100_000 } else { 0 });
    }
    let each = u64::from(MANY);
    println!("a link: {} bytes, {asked:?} to ask for", links / each);
    println!("a revocation: {} bytes, {:?} for a hit, {:?} for none", revocations / each, cost[0], cost[1]);
}
