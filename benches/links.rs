//! What a million links and a million revocations take of memory, and how long looking one up takes.
//! It must not check anything: tests do, and its numbers stand in docs/links.md.

#![expect(clippy::print_stdout, reason = "a benchmark prints")]
#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use presign_gate::clock::{Stopwatch, SystemClock, UnixMillis};
use presign_gate::links::claim::{Ask, LinkClaim, Terms};
use presign_gate::links::identity::LinkId;
use presign_gate::links::revocation::{Facts, Revocation, RevocationSet, Target};
use presign_gate::links::state::delivery::Delivery;
use presign_gate::request::head;
use presign_gate::s3::address::HostRules;
use presign_gate::store::memory::Memory;
use presign_gate::store::{Event, LinkStore, Note};
use std::sync::Arc;
use std::time::Duration;

const MANY: u32 = 1_000_000;
const ASKED: u32 = 100_000;

fn link(number: u32) -> LinkId {
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&number.wrapping_mul(2_654_435_761).to_le_bytes());
    bytes[4..8].copy_from_slice(&number.to_le_bytes());
    LinkId::from_bytes(bytes)
}

/// Resident memory, in bytes.
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

/// Gives the store back: memory that it freed would pass for memory that nobody took.
async fn links() -> Memory {
    let store = Memory::new(Arc::new(SystemClock));
    let before = resident();
    let delivery = Delivery { got: 1, size: 1, whole: false, moved: 1 };
    for number in 0..MANY {
        let claim = claim(number, "203.0.113.7");
        store.reserve(&claim, 1).await.unwrap();
        store.note(Note { link: claim.id, token: 1, grace: 0, event: Event::Settle(delivery) });
    }
    let taken = resident() - before;
    let claims: Vec<LinkClaim> = (0..ASKED).map(|number| claim(number * 10, "198.51.100.1")).collect();
    let watch = Stopwatch::start();
    for claim in &claims {
        store.reserve(claim, 2).await.unwrap();
    }
    println!("a link: {} bytes, {:?} to ask for", taken / u64::from(MANY), watch.elapsed() / ASKED);
    store
}

fn revocations() {
    let before = resident();
    let mut list = RevocationSet::default();
    let at = UnixMillis::from_secs(2_000_000_000);
    for number in 0..MANY {
        list.insert(&Revocation { target: Target::Link(link(number)), created: at, lapses: at });
    }
    let taken = resident() - before;
    let request = head::parse(b"GET /bkt/some/key HTTP/1.1\r\nHost: h\r\n\r\n").unwrap();
    let address = HostRules::any_path_style().address(&request).unwrap();
    let facts = Facts { access_key_id: "A", signed_at: at, address: &address };
    let mut cost = [Duration::ZERO; 2];
    for (cost, first) in cost.iter_mut().zip([0, MANY]) {
        let watch = Stopwatch::start();
        let hits = (0..ASKED).filter(|number| list.hits(&facts, || Some(link(first + number)))).count();
        *cost = watch.elapsed() / ASKED;
        assert_eq!(hits == 0, first == MANY);
    }
    let each = taken / u64::from(MANY);
    println!("a revocation: {each} bytes, {:?} to find it, {:?} to find none", cost[0], cost[1]);
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let kept = runtime.block_on(links());
    revocations();
    drop(kept);
}
