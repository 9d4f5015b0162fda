//! What is remembered of a webhook's answers, second by second.
//! It must not wait: times are values.

use super::*;
use crate::config::resolve::guest;
use crate::config::source::NoSource;
use crate::secret::Secret;
use std::path::Path;

const TERMS: Terms = Terms {
    ttl: Duration::from_mins(1),
    negative_ttl: Duration::from_secs(5),
    stale: Duration::from_mins(10),
    keys: 3,
    rate: 2,
};

fn guest() -> Arc<Guest> {
    let text = Secret::new("{access_key_id: A, secret_access_key: {value: s}}");
    Arc::new(guest::build(&NoSource, "hook", Path::new("hook"), &text).guest.unwrap())
}

#[track_caller]
fn check(table: &Table, id: &str, now: Duration, expected: &str) {
    let known = match table.look(id, now) {
        Known::Fresh(_) => "fresh",
        Known::Stale(_) => "stale",
        Known::Absent => "absent",
        Known::Old => "old",
        Known::Nothing => "nothing",
    };
    assert_eq!(known, expected);
}

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn a_key_counts_for_its_time_and_a_bound_beyond_it() {
    let start = secs(1_000_000);
    let mut table = Table::new(TERMS);
    check(&table, "A", start, "nothing");
    table.found("A", &guest(), None, start);
    check(&table, "A", start + secs(59), "fresh");
    check(&table, "A", start + secs(60), "old");
    assert!(table.failed("A", start + secs(60)).is_some());
    check(&table, "A", start + secs(60), "stale");
    check(&table, "A", start + secs(61), "old");
    assert!(table.failed("A", start + secs(659)).is_some());
    check(&table, "A", start + secs(660), "nothing");
    assert!(table.failed("A", start + secs(660)).is_none());
    assert_eq!(table.len(), 0);
}

#[test]
fn an_answer_may_count_for_less_time_and_never_for_more() {
    let start = secs(1_000_000);
    for (max_age, fresh, later) in [(Some(10), 9, 10), (Some(1000), 59, 60)] {
        let mut table = Table::new(TERMS);
        table.found("A", &guest(), max_age.map(secs), start);
        check(&table, "A", start + secs(fresh), "fresh");
        check(&table, "A", start + secs(later), "old");
    }
    let mut table = Table::new(TERMS);
    table.found("A", &guest(), None, start);
    table.found("A", &guest(), Some(secs(0)), start);
    check(&table, "A", start, "nothing");
}

#[test]
fn a_key_that_is_none_is_gone_at_once() {
    let start = secs(1_000_000);
    let mut table = Table::new(TERMS);
    table.found("A", &guest(), None, start);
    table.is_none("A", start);
    check(&table, "A", start + secs(4), "absent");
    check(&table, "A", start + secs(5), "nothing");
    table.found("A", &guest(), None, start + secs(1));
    check(&table, "A", start + secs(2), "fresh");
}

#[test]
fn memory_is_bounded_and_the_newest_stay() {
    let start = secs(1_000_000);
    let mut table = Table::new(TERMS);
    for number in 0..100 {
        let at = start + Duration::from_millis(number);
        table.found(&format!("K{number}"), &guest(), None, at);
        table.is_none(&format!("N{number}"), at);
        assert!(table.keys.len() <= 3 && table.absent.len() <= 3);
    }
    check(&table, "K99", start + secs(1), "fresh");
    check(&table, "N99", start + secs(1), "absent");
    check(&table, "K0", start + secs(1), "nothing");
    check(&table, "N0", start + secs(1), "nothing");
}

#[test]
fn keys_that_are_none_do_not_push_out_those_that_are() {
    let start = secs(1_000_000);
    let mut table = Table::new(TERMS);
    table.found("A", &guest(), None, start);
    (0..100).for_each(|number| table.is_none(&format!("N{number}"), start));
    check(&table, "A", start, "fresh");
}

#[test]
fn questions_about_new_keys_have_a_rate() {
    let start = secs(1_000_000);
    let mut table = Table::new(TERMS);
    let mut asked = |millis| (0..5).filter(|_| table.may_ask(start + Duration::from_millis(millis))).count();
    assert_eq!([asked(0), asked(100), asked(500), asked(1000), asked(60_000)], [2, 0, 1, 1, 2]);
}
