//! What the memory store keeps and what it forgets.
//! It must not test the machine.

use super::*;
use crate::clock::{ManualClock, SystemClock, UnixMillis};
use crate::links::claim::{Ask, Refusal, Terms};
use crate::links::state::delivery::Delivery;
use crate::store::Event;

fn claim(number: u32, client: &str) -> LinkClaim {
    let terms = Terms {
        max_uses: Some(1),
        max_bytes: None,
        network: Some("203.0.113.0/24".into()),
        grace: 0,
        until: UnixMillis::from_secs(4_000_000_000),
    };
    LinkClaim {
        id: LinkId::from_bytes(u128::from(number).to_be_bytes()),
        client: client.into(),
        ask: Ask::Download(None),
        terms,
    }
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

/// A clock that ran ahead and came back must not give a used-up link another use.
#[tokio::test]
async fn what_was_forgotten_is_refused_when_the_clock_comes_back() {
    let clock = Arc::new(ManualClock::new(UnixMillis::from_secs(3_999_999_000)));
    let store = Memory::new(Arc::clone(&clock) as Arc<dyn Clock>);
    assert_eq!(store.reserve(&claim(1, "a"), 1).await, Ok(Answer::Granted(None)));
    clock.set(UnixMillis::from_secs(4_000_000_001));
    for _ in 0..SHARDS {
        store.sweep().await.unwrap();
    }
    clock.set(UnixMillis::from_secs(3_999_999_001));
    assert_eq!(store.reserve(&claim(1, "a"), 2).await, Err(StoreError::forgotten()));
    let mut later = claim(2, "a");
    later.terms.until = later.terms.until.plus_millis(1);
    assert_eq!(store.reserve(&later, 3).await, Ok(Answer::Granted(None)));
}
