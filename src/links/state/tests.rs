//! The machine step by step: what counts as a use, what is free, what happens to what dead gates held.
//! It must not test interleavings; `explore` tries all of them.

use super::*;
use crate::clock::UnixMillis;
use crate::links::claim::Terms;
use crate::links::identity::LinkId;

const GRACE: u64 = 30_000;

/// A link under test, its clock, and the tokens given out.
struct Link {
    state: LinkState,
    terms: Terms,
    now: i64,
    token: u64,
}

fn link(max_uses: Option<u32>, max_bytes: Option<u64>, grace: u64) -> Link {
    let terms = Terms { max_uses, max_bytes, network: None, grace, until: UnixMillis::from_secs(9000) };
    Link { state: LinkState::default(), terms, now: 1_000_000, token: 0 }
}

impl Link {
    fn claim(&self, client: &str, ask: Ask) -> LinkClaim {
        LinkClaim { id: LinkId::from_bytes([0; 16]), client: client.into(), ask, terms: self.terms.clone() }
    }

    fn ask(&mut self, client: &str, ask: Ask) -> Result<(u64, Option<u64>), Refusal> {
        self.token += 1;
        let claim = self.claim(client, ask);
        match self.state.reserve(&claim, self.token, self.now) {
            Answer::Granted(limit) => Ok((self.token, limit)),
            Answer::Refused(refusal) => Err(refusal),
        }
    }

    #[track_caller]
    fn get(&mut self, client: &str) -> u64 {
        self.ask(client, Ask::Download(None)).unwrap().0
    }

    #[track_caller]
    fn range(&mut self, client: &str, length: u64) -> u64 {
        self.ask(client, Ask::Download(Some(length))).unwrap().0
    }

    /// Its end, after `got` of `size` bytes.
    fn end(&mut self, token: u64, got: u64, size: u64) {
        let delivery = Delivery { got, size, whole: false, moved: got };
        self.state.settle(token, &delivery, self.terms.grace, self.now);
    }

    /// Its end, without anything delivered.
    fn nothing(&mut self, token: u64) {
        self.state.settle(token, &Delivery::default(), self.terms.grace, self.now);
    }

    #[track_caller]
    fn refused(&mut self, client: &str, expected: Refusal) {
        assert_eq!(self.ask(client, Ask::Download(None)), Err(expected), "{:?}", self.state);
    }
}

#[test]
fn one_use_is_one_delivery() {
    let mut link = link(Some(1), None, GRACE);
    let first = link.get("a");
    assert!(!link.state.is_blank(), "{:?}", link.state);
    link.refused("b", Refusal::Uses);
    link.end(first, 100, 100);
    assert!(!link.state.is_blank(), "{:?}", link.state);
    assert_eq!((link.state.spent, link.state.holds.len()), (1, 0));
    link.refused("b", Refusal::Uses);
    // the same client comes back within the grace time, and not later
    link.now += 29_999;
    let again = link.get("a");
    link.end(again, 100, 100);
    assert_eq!(link.state.spent, 1);
    link.now += 1;
    link.refused("a", Refusal::Uses);
    assert!(link.state.uses.is_empty());
}

#[test]
fn without_grace_every_delivery_is_a_use() {
    let mut link = link(Some(2), None, 0);
    let (first, second) = (link.get("a"), link.get("a"));
    link.refused("a", Refusal::Uses);
    link.end(first, 10, 10);
    link.refused("a", Refusal::Uses);
    link.end(second, 10, 10);
    assert_eq!((link.state.spent, link.state.uses.len()), (2, 0));
}

#[test]
fn a_browser_that_looks_first_and_an_answer_without_content_are_free() {
    let mut link = link(Some(1), None, GRACE);
    for client in ["a", "scanner"] {
        link.ask(client, Ask::Look).unwrap();
        let not_modified = link.get(client);
        link.nothing(not_modified);
    }
    assert!(link.state.is_blank(), "{:?}", link.state);
    let token = link.get("a");
    link.end(token, 5, 5);
    // a look at a link that is used up is refused, but to its last user
    assert_eq!(link.ask("b", Ask::Look), Err(Refusal::Uses));
    assert!(link.ask("a", Ask::Look).is_ok());
}

#[test]
fn parallel_ranges_of_one_client_are_one_use() {
    for grace in [0, GRACE] {
        let mut link = link(Some(1), None, grace);
        let first = link.range("a", 25);
        link.state.keep(first, Some(Told { size: 100, length: 25 }), link.now);
        let parts: Vec<u64> = (0..3).map(|_| link.range("a", 25)).collect();
        link.refused("b", Refusal::Uses);
        for token in parts.into_iter().chain([first]) {
            assert_eq!(link.state.spent, 0);
            link.end(token, 25, 100);
        }
        assert_eq!(link.state.spent, 1);
        link.refused("b", Refusal::Uses);
    }
}

#[test]
fn ranges_that_add_up_to_more_than_the_object_are_more_than_one_use() {
    let mut link = link(Some(1), None, 0);
    let first = link.range("a", 60);
    link.state.keep(first, Some(Told { size: 100, length: 60 }), link.now);
    assert_eq!(link.ask("a", Ask::Download(Some(41))), Err(Refusal::Uses));
    let second = link.range("a", 40);
    link.end(first, 60, 100);
    link.end(second, 40, 100);
    assert_eq!(link.state.spent, 1);
    link.refused("a", Refusal::Uses);
}

#[test]
fn a_download_that_broke_off_can_be_resumed() {
    for (wait, grace) in [(0, GRACE), (10_000, GRACE), (3_600_000, GRACE), (0, 0)] {
        let mut link = link(Some(1), None, grace);
        let first = link.get("a");
        link.end(first, 40, 100);
        assert_eq!(link.state.spent, 0);
        link.now += wait;
        let rest = link.ask("a", Ask::Download(None)).unwrap().0;
        link.end(rest, 60, 100);
        assert_eq!((link.state.spent, link.state.carry), (1, 0), "{wait} {grace}");
        link.refused("b", Refusal::Uses);
    }
}

#[test]
fn a_scanner_that_reads_the_beginning_does_not_use_the_link_up() {
    let mut link = link(Some(1), None, GRACE);
    let scan = link.range("scanner", 10);
    link.end(scan, 10, 100);
    // while the scanner may come back, the link is its
    link.refused("a", Refusal::Uses);
    link.now += 30_000;
    let token = link.get("a");
    link.end(token, 100, 100);
    assert_eq!(link.state.spent, 1);
}

#[test]
fn broken_downloads_do_not_deliver_more_than_allowed() {
    let mut link = link(Some(2), None, 0);
    let mut delivered = 0;
    while let Ok((token, _)) = link.ask("a", Ask::Download(None)) {
        delivered += 99;
        link.end(token, 99, 100);
        assert!(delivered < 400, "{:?}", link.state);
    }
    assert!(delivered >= 200);
    assert_eq!(link.state.spent, 2);
}

#[test]
fn uploads_count_when_they_succeed() {
    let mut link = link(Some(1), None, 0);
    let failed = link.ask("a", Ask::Upload(Some(5))).unwrap().0;
    link.refused("b", Refusal::Uses);
    link.state.settle(failed, &Delivery { moved: 5, ..Delivery::default() }, 0, link.now);
    let stored = link.ask("b", Ask::Upload(Some(5))).unwrap().0;
    link.state.settle(stored, &Delivery { moved: 5, whole: true, ..Delivery::default() }, 0, link.now);
    assert_eq!(link.state.spent, 1);
    link.refused("a", Refusal::Uses);
}

#[test]
fn what_a_dead_gate_held_counts_as_used() {
    let mut link = link(Some(1), Some(1000), GRACE);
    link.terms.network = Some("net".into());
    let lost = link.get("a");
    link.state.keep(lost, Some(Told { size: 100, length: 100 }), link.now);
    link.now += 29_999;
    link.refused("b", Refusal::Uses);
    // its client may come back to the use that it had
    let token = link.get("a");
    link.nothing(token);
    link.now += LEASE_MILLIS;
    link.refused("b", Refusal::Uses);
    link.now += 3_600_000;
    link.refused("a", Refusal::Uses);
    assert_eq!((link.state.spent, link.state.bytes, link.state.pinned), (1, 100, true));
    // an end that comes too late changes nothing
    let before = link.state.clone();
    link.end(lost, 1, 100);
    assert_eq!(link.state, before);
}

#[test]
fn a_sign_of_life_keeps_a_hold() {
    let mut link = link(Some(1), None, GRACE);
    let token = link.get("a");
    for _ in 0..10 {
        link.now += LEASE_MILLIS - 1;
        link.state.keep(token, None, link.now);
        link.refused("b", Refusal::Uses);
    }
    link.nothing(token);
    assert!(link.state.is_blank());
}

#[test]
fn bytes_are_set_aside_and_given_back() {
    let limit = |link: &mut Link, ask| link.ask("a", ask).map(|(_, limit)| limit.unwrap());
    let mut link = link(None, Some(100), GRACE);
    // nobody knows how long the answer is: all of it is held until its head comes
    let first = link.ask("a", Ask::Download(None)).unwrap();
    assert_eq!(first.1, Some(100));
    link.refused("b", Refusal::Busy);
    link.state.keep(first.0, Some(Told { size: 30, length: 30 }), link.now);
    assert_eq!(limit(&mut link, Ask::Download(Some(20))), Ok(20));
    assert_eq!(limit(&mut link, Ask::Upload(Some(51))), Err(Refusal::Busy));
    assert_eq!(limit(&mut link, Ask::Upload(Some(101))), Err(Refusal::Bytes));
    assert_eq!(limit(&mut link, Ask::Upload(Some(50))), Ok(50));
    assert_eq!(limit(&mut link, Ask::Upload(Some(0))), Ok(0));
    link.refused("b", Refusal::Busy);
    link.end(first.0, 10, 30);
    assert_eq!(limit(&mut link, Ask::Download(Some(500))), Ok(20));
    let mut used = self::link(None, Some(10), GRACE);
    let token = used.get("a");
    used.end(token, 10, 10);
    used.refused("a", Refusal::Bytes);
    assert!(used.ask("a", Ask::Look).is_ok());
}

#[test]
fn the_first_network_stays_the_only_one_once_it_got_something() {
    let mut link = link(None, None, GRACE);
    let from = |link: &mut Link, network: &str, ask| {
        link.terms.network = Some(network.into());
        link.ask(network, ask)
    };
    from(&mut link, "a", Ask::Look).unwrap();
    let failed = from(&mut link, "b", Ask::Download(None)).unwrap().0;
    assert_eq!(from(&mut link, "a", Ask::Download(None)), Err(Refusal::Pin));
    assert_eq!(from(&mut link, "a", Ask::Look), Err(Refusal::Pin));
    // nothing came of it: nobody is bound
    link.nothing(failed);
    assert!(link.state.is_blank());
    let served = from(&mut link, "a", Ask::Download(None)).unwrap().0;
    link.end(served, 1, 100);
    link.now += 3_600_000;
    assert_eq!(from(&mut link, "b", Ask::Download(None)), Err(Refusal::Pin));
    assert!(from(&mut link, "a", Ask::Download(None)).is_ok());
}

#[test]
fn asked_twice_it_answers_the_same() {
    let mut link = link(Some(1), Some(100), 0);
    let claim = link.claim("a", Ask::Download(Some(7)));
    let first = link.state.reserve(&claim, 5, link.now);
    let before = link.state.clone();
    assert_eq!(link.state.reserve(&claim, 5, link.now), first);
    assert_eq!((first, link.state), (Answer::Granted(Some(7)), before));
}

#[test]
fn the_state_outlives_the_link() {
    let mut link = link(Some(1), None, GRACE);
    link.get("a");
    assert_eq!(link.state.until, 9_000_000);
    link.terms.until = UnixMillis::from_secs(1);
    link.ask("b", Ask::Look).unwrap_err();
    assert_eq!(link.state.until, 9_000_000);
}

#[test]
fn states_are_read_as_they_are_written() {
    let mut link = link(Some(3), Some(1 << 52), GRACE);
    link.terms.network = Some("203.0.113.0/24".into());
    let token = link.range("a", 7);
    link.range("a b", 7);
    link.end(token, 5, 100);
    let text = serde_json::to_string(&link.state).unwrap();
    assert_eq!(serde_json::from_str::<LinkState>(&text).unwrap(), link.state, "{text}");
    let blank = serde_json::to_string(&LinkState::default()).unwrap();
    assert_eq!(serde_json::from_str::<LinkState>(&blank).unwrap(), LinkState::default());
}

/// A million links that were used up must not hold the room that their lists needed once.
#[test]
fn a_link_at_rest_holds_no_more_than_it_tells() {
    let mut link = link(Some(3), None, GRACE);
    for _ in 0..2 {
        let (first, second) = (link.range("a", 10), link.range("a", 10));
        link.end(first, 10, 20);
        link.end(second, 10, 20);
    }
    let LinkState { uses, holds, .. } = &link.state;
    assert_eq!((uses.len(), uses.capacity(), holds.capacity()), (1, 1, 0));
}
