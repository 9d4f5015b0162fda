//! A file that is closed and opened again: what was answered is there.
//! It must not test the machine.

use super::*;
use crate::clock::{ManualClock, UnixMillis};
use crate::links::claim::{Ask, Refusal, Terms};
use crate::links::revocation::{Lifetimes, Target};
use crate::links::state::delivery::Delivery;
use crate::store::Event;
use std::time::Duration;

const NOW: UnixMillis = UnixMillis::from_secs(1_768_478_400);

fn claim(number: u8, client: &str) -> LinkClaim {
    let terms = Terms {
        max_uses: Some(1),
        max_bytes: None,
        network: None,
        grace: 1000,
        until: NOW.plus_millis(60_000),
    };
    LinkClaim { id: LinkId::from_bytes([number; 16]), client: client.into(), ask: Ask::Download(None), terms }
}

fn entry(number: u8) -> Revocation {
    let lifetimes = Lifetimes { max_expires: Duration::from_mins(1), clock_skew: Duration::ZERO };
    Revocation::new(Target::Link(LinkId::from_bytes([number; 16])), NOW, None, lifetimes)
}

/// Waits until the thread has let go of the file.
async fn open(path: &Path, clock: &Arc<ManualClock>) -> Redb {
    for _ in 0..500 {
        match Redb::open(path, Arc::clone(clock) as Arc<dyn Clock>) {
            Ok(store) => return store,
            Err(OpenError::InUse(_)) => tokio::time::sleep(Duration::from_millis(10)).await,
            Err(error) => panic!("{error}"),
        }
    }
    panic!("the file stays in use");
}

#[tokio::test]
async fn what_was_answered_is_there_after_it_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("links.redb");
    let clock = Arc::new(ManualClock::new(NOW));
    let store = open(&path, &clock).await;
    assert_eq!(store.reserve(&claim(1, "a"), 7).await, Ok(Answer::Granted(None)));
    store.change(&Change { entry: entry(1), is_gone: false }).await.unwrap();
    store.change(&Change { entry: entry(2), is_gone: false }).await.unwrap();
    store.change(&Change { entry: entry(2), is_gone: true }).await.unwrap();
    assert!(matches!(Redb::open(&path, Arc::clone(&clock) as Arc<dyn Clock>), Err(OpenError::InUse(_))));
    drop(store);
    let store = open(&path, &clock).await;
    assert_eq!(store.reserve(&claim(1, "b"), 8).await, Ok(Answer::Refused(Refusal::Uses)));
    let changes = store.changes("", 0).await.unwrap();
    assert_eq!(changes.changes, [Change { entry: entry(1), is_gone: false }]);
    assert!(store.changes(&changes.list, changes.last).await.unwrap().changes.is_empty());
    // the end of a request of the time before
    let delivery = Delivery { got: 5, size: 5, whole: false, moved: 5 };
    store.note(Note { link: claim(1, "a").id, token: 7, grace: 1000, event: Event::Settle(delivery) });
    assert_eq!(store.look(claim(1, "a").id).await.unwrap().map(|state| state.spent), Some(1));
}

#[tokio::test]
async fn many_at_once_are_one_after_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::new(NOW));
    let store = Arc::new(open(&folder.path().join("links.redb"), &clock).await);
    let asked = (0..64_u64).map(|number| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.reserve(&claim(1, &number.to_string()), number + 1).await.unwrap() })
    });
    let mut granted = 0;
    for answer in asked.collect::<Vec<_>>() {
        granted += usize::from(answer.await.unwrap() == Answer::Granted(None));
    }
    assert_eq!(granted, 1);
}

#[tokio::test]
async fn links_and_entries_that_are_over_are_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("links.redb");
    let clock = Arc::new(ManualClock::new(NOW));
    let store = open(&path, &clock).await;
    for number in 0..10 {
        store.reserve(&claim(number, "a"), 1).await.unwrap();
    }
    store.change(&Change { entry: entry(1), is_gone: false }).await.unwrap();
    assert_eq!(store.sweep().await, Ok(10));
    clock.set(NOW.plus_millis(60_000));
    assert_eq!(store.sweep().await, Ok(0));
    clock.set(entry(1).forget_at());
    store.sweep().await.unwrap();
    drop(store);
    assert!(open(&path, &clock).await.changes("", 0).await.unwrap().changes.is_empty());
}

#[test]
fn what_is_no_store_is_not_opened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("links.redb");
    std::fs::write(&path, "something else").unwrap();
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(NOW));
    assert!(matches!(Redb::open(&path, Arc::clone(&clock)), Err(OpenError::Failed { .. })));
    assert!(matches!(Redb::open(&folder.path().join("no/links.redb"), clock), Err(OpenError::Failed { .. })));
}

#[tokio::test]
async fn a_file_goes_to_another_and_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("links.redb");
    let clock = Arc::new(ManualClock::new(NOW));
    let old = open(&path, &clock).await;
    assert_eq!(old.reserve(&claim(1, "a"), 7).await, Ok(Answer::Granted(None)));
    old.close().await.unwrap();
    assert!(matches!(old.reserve(&claim(2, "a"), 8).await, Err(StoreError::Failed(_))));
    old.note(Note {
        link: LinkId::from_bytes([1; 16]),
        token: 7,
        grace: 1000,
        event: Event::Settle(Delivery::default()),
    });
    let new = open(&path, &clock).await;
    assert!(matches!(old.reopen().await, Err(StoreError::Failed(_))), "the other has it");
    assert_eq!(old.lost_notes(), 1);
    // what the old gate could not tell counts as used
    assert_eq!(new.reserve(&claim(1, "b"), 9).await, Ok(Answer::Refused(Refusal::Uses)));
    assert_eq!(new.reserve(&claim(2, "a"), 8).await, Ok(Answer::Granted(None)));
    new.close().await.unwrap();
    old.reopen().await.unwrap();
    assert_eq!(old.reserve(&claim(2, "b"), 10).await, Ok(Answer::Refused(Refusal::Uses)));
}

/// A clock that ran ahead and came back must not give a used-up link another use, not even after a restart.
#[tokio::test]
async fn what_was_forgotten_is_refused_when_the_clock_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("links.redb");
    let clock = Arc::new(ManualClock::new(NOW));
    let store = open(&path, &clock).await;
    assert_eq!(store.reserve(&claim(1, "a"), 1).await, Ok(Answer::Granted(None)));
    clock.set(NOW.plus_millis(60_000));
    assert_eq!(store.sweep().await, Ok(0));
    clock.set(NOW);
    drop(store);
    let store = open(&path, &clock).await;
    assert_eq!(store.reserve(&claim(1, "a"), 2).await, Err(StoreError::forgotten()));
    let mut later = claim(2, "a");
    later.terms.until = later.terms.until.plus_millis(1);
    assert_eq!(store.reserve(&later, 3).await, Ok(Answer::Granted(None)));
    assert!(store.changes("file", 1).await.is_ok());
}
