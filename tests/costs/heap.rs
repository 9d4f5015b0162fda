//! What a decision takes from the heap: for a plain presigned link nothing.
//! It must not count what is done once for many requests.

use super::scene::{NOW, facts, link, snapshot};
use allocation_counter::{AllocationInfo, measure};
use presign_gate::auth::keyring::Asked;
use presign_gate::pipeline::{Verdict, decide};
use presign_gate::request::head;

/// What reading and judging a plain link from this peer allocates, once the keys are known.
fn allocations(peer: &str, expected: fn(&Verdict) -> bool) -> AllocationInfo {
    let (snapshot, bytes, facts) = (snapshot(), link(), facts(peer));
    let judge = || {
        let request = head::parse(&bytes).unwrap();
        let outcome = decide(&snapshot, &facts, &request, None, Asked::Nobody, NOW);
        assert!(expected(&outcome.verdict), "{:?}", outcome.verdict);
    };
    // the first request derives the signing key
    judge();
    measure(judge)
}

#[test]
fn a_plain_link_is_judged_without_the_heap() {
    for peer in ["127.0.0.1:5000", "[::ffff:127.0.0.1]:5000", "10.20.0.7:5000"] {
        let info = allocations(peer, |verdict| matches!(verdict, Verdict::Forward(_)));
        assert_eq!((info.count_total, info.bytes_total), (0, 0), "{peer}");
    }
}

#[test]
fn a_link_from_elsewhere_is_refused_without_the_heap() {
    let info = allocations("192.0.2.1:5000", |verdict| matches!(verdict, Verdict::Answer(_)));
    assert_eq!(info.count_total, 0);
}

#[test]
fn allocations_are_seen() {
    assert_eq!(measure(|| drop(std::hint::black_box(vec![1_u8]))).count_total, 1);
}
