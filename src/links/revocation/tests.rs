//! What entries hit, when they lapse, and how they are written.
//! It must not test who may make them.

use super::*;
use crate::auth::keyring::{Credential, Keyring, PrincipalId};
use crate::request::head;
use crate::s3::address::HostRules;
use crate::secret::Secret;
use proptest::prelude::*;
use std::collections::HashSet;

const NOW: UnixMillis = UnixMillis::from_secs(1_768_478_400);
const LIFETIMES: Lifetimes =
    Lifetimes { max_expires: Duration::from_hours(24), clock_skew: Duration::from_mins(15) };

fn link(number: u8) -> LinkId {
    LinkId::from_bytes([number; 16])
}

fn entry(target: Target) -> Revocation {
    Revocation::new(target, NOW, None, LIFETIMES)
}

fn set(targets: &[Target]) -> RevocationSet {
    let mut set = RevocationSet::default();
    for target in targets {
        set.insert(&entry(target.clone()));
    }
    set
}

fn hits(set: &RevocationSet, path: &str, key: &str, signed_at: UnixMillis, id: LinkId) -> bool {
    let text = format!("GET {path} HTTP/1.1\r\nHost: h\r\n\r\n");
    let request = head::parse(text.as_bytes()).unwrap();
    let address = HostRules::any_path_style().address(&request).unwrap();
    set.hits(&Facts { access_key_id: key, signed_at, address: &address }, || Some(id))
}

fn prefix(bucket: &str, prefix: &str, before: UnixMillis) -> Target {
    Target::Prefix { bucket: bucket.into(), prefix: prefix.into(), before }
}

#[test]
fn each_form_hits_what_it_names() {
    let earlier = NOW.plus_millis(-1);
    let key = |id: &str, before| Target::Key { access_key_id: id.into(), before };
    let check = |target: Target, path, id, signed_at, number, expected| {
        assert_eq!(
            hits(&set(std::slice::from_ref(&target)), path, id, signed_at, link(number)),
            expected,
            "{target:?} {path}"
        );
    };
    check(Target::Link(link(1)), "/bkt/k", "A", NOW, 1, true);
    check(Target::Link(link(1)), "/bkt/k", "A", NOW, 2, false);
    check(key("A", NOW), "/bkt/k", "A", earlier, 1, true);
    check(key("A", NOW), "/bkt/k", "A", NOW, 1, false);
    check(key("A", NOW), "/bkt/k", "B", earlier, 1, false);
    check(Target::SignedBefore(NOW), "/bkt/k", "B", earlier, 1, true);
    check(Target::SignedBefore(NOW), "/bkt/k", "B", NOW, 1, false);
    for (path, expected) in [
        ("/bkt/a/b", true),
        ("/bkt/a/bc", true),
        ("/bkt/%61/b", true),
        ("/bkt/a/c", false),
        ("/bkt/a/", false),
        ("/bkt", false),
        ("/bkt2/a/b", false),
        // another reader takes it for a/b
        ("/bkt/x/../a/b", true),
    ] {
        check(prefix("bkt", "a/b", NOW), path, "A", earlier, 1, expected);
        check(prefix("bkt", "a/b", NOW), path, "A", NOW, 1, false);
    }
    check(prefix("bkt", "", NOW), "/bkt", "A", earlier, 1, true);
    check(prefix("bkt", "", NOW), "/bkt/any", "A", earlier, 1, true);
    check(prefix("bkt", "", NOW), "/", "A", earlier, 1, false);
}

#[test]
fn a_link_without_a_name_counts_as_called_back() {
    let text = "GET /bkt/k HTTP/1.1\r\nHost: h\r\n\r\n";
    let request = head::parse(text.as_bytes()).unwrap();
    let address = HostRules::any_path_style().address(&request).unwrap();
    let facts = Facts { access_key_id: "A", signed_at: NOW, address: &address };
    assert!(set(&[Target::Link(link(1))]).hits(&facts, || None));
    assert!(!set(&[]).hits(&facts, || None));
}

#[test]
fn entries_lapse_with_the_last_link_they_can_hit() {
    let check = |target, end: Option<i64>, expected: i64| {
        let entry = Revocation::new(target, NOW, end.map(|end| NOW.plus_millis(end)), LIFETIMES);
        assert_eq!(entry.lapses.millis_since(NOW), expected, "{entry:?}");
        let mut set = RevocationSet::default();
        set.insert(&entry);
        set.forget(entry.forget_at().plus_millis(-1));
        assert_eq!(set.len(), 1);
        set.forget(entry.forget_at());
        assert!(set.is_empty() && set.iter().next().is_none());
    };
    let (minute, day) = (60_000, 86_400_000);
    check(Target::Link(link(1)), Some(minute), minute);
    check(Target::Link(link(1)), None, day + 15 * minute);
    check(Target::Key { access_key_id: "A".into(), before: NOW.plus_millis(-minute) }, None, day - minute);
    check(prefix("b", "p", NOW), None, day);
    check(Target::SignedBefore(NOW), None, day);
}

/// Somebody edits `X-Amz-Expires` of the URL that he has called back, so that the entry ends before the link does.
#[test]
fn what_a_url_says_of_its_end_shortens_no_entry() {
    let credential = Credential {
        access_key_id: "AKID".to_owned(),
        secret: Secret::new("secret"),
        session_token: None,
        principal: PrincipalId(0),
        retired: None,
        expires: None,
    };
    let keys = Keyring::new(vec![credential]).unwrap();
    let url = |expires: &str| {
        let (scope, signature) = ("AKID%2F20260115%2Fus-east-1%2Fs3%2Faws4_request", "0a".repeat(32));
        Asked::Url(format!(
            "https://h/b/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={scope}&X-Amz-Date=20260115T120000Z\
             &X-Amz-Expires={expires}&X-Amz-SignedHeaders=host&X-Amz-Signature={signature}"
        ))
    };
    assert_eq!(url("60").access_key_id().as_deref(), Some("AKID"));
    assert_eq!(Asked::Target(prefix("b", "", NOW)).access_key_id(), None);
    let of = |expires| Revocation::of(url(expires), &keys, LIFETIMES, NOW).unwrap();
    for expires in ["1", "86400", "604800", "4294967295", "x"] {
        assert_eq!(of(expires).lapses.millis_since(NOW), 86_400_000, "{expires}");
    }
    let mut set = RevocationSet::default();
    let entry = of("1");
    for lapses in [entry.lapses, NOW] {
        set.insert(&Revocation { lapses, ..entry.clone() });
    }
    set.forget(NOW.plus_millis(CLOCKS_MILLIS));
    assert_eq!(set.iter().map(|entry| entry.lapses).collect::<Vec<_>>(), [entry.lapses]);
}

#[test]
fn entries_are_taken_back_one_by_one() {
    let targets = [
        Target::Link(link(1)),
        Target::Link(link(2)),
        Target::Key { access_key_id: "A".into(), before: NOW },
        Target::Key { access_key_id: "A".into(), before: NOW.plus_millis(1) },
        prefix("b", "p", NOW),
        prefix("b", "", NOW),
        Target::SignedBefore(NOW),
    ];
    let mut set = set(&targets);
    set.insert(&entry(Target::Link(link(1))));
    assert_eq!(set.len(), targets.len());
    let seen: HashSet<Target> = set.iter().map(|entry| entry.target).collect();
    assert_eq!(seen, targets.iter().cloned().collect());
    for (at, target) in targets.iter().enumerate() {
        set.remove(target);
        set.remove(target);
        assert_eq!(set.len(), targets.len() - at - 1);
    }
    assert!(set.is_empty());
}

#[test]
fn entries_are_read_as_they_are_written() {
    for target in [
        Target::Link(link(7)),
        Target::Key { access_key_id: "A/B".into(), before: NOW.plus_millis(250) },
        prefix("b", "p/q?%\u{e9}", NOW),
        prefix("b", "", NOW),
        Target::SignedBefore(NOW),
    ] {
        let entry = entry(target);
        assert_eq!(Revocation::from_json(&entry.to_json()), Some(entry.clone()), "{}", entry.to_json());
    }
    let key = entry(Target::Key { access_key_id: "A".into(), before: NOW });
    assert_ne!(key.id(), entry(Target::SignedBefore(NOW)).id());
    assert_eq!(key.id(), Revocation { lapses: NOW, ..key.clone() }.id());
    assert_eq!(key.id().len(), 16);
}

#[test]
fn what_the_admin_endpoint_takes() {
    let read = |text: &str| Asked::from_json(&serde_json::from_str(text).unwrap(), NOW);
    let target = |target| Ok(Asked::Target(target));
    let name = link(0xab).to_string();
    assert_eq!(read(&format!(r#"{{"link": "{name}"}}"#)), target(Target::Link(link(0xab))));
    assert_eq!(read(r#"{"link": "https://h/b/k?x"}"#), Ok(Asked::Url("https://h/b/k?x".to_owned())));
    let key = |before| Target::Key { access_key_id: "A".into(), before };
    assert_eq!(read(r#"{"access_key_id": "A"}"#), target(key(NOW)));
    let at = UnixMillis::from_secs(1_767_225_600);
    for before in [r#""2026-01-01T00:00:00Z""#, r#""20260101T000000Z""#, r#""1767225600""#, "1767225600"] {
        assert_eq!(
            read(&format!(r#"{{"access_key_id": "A", "before": {before}}}"#)),
            target(key(at)),
            "{before}"
        );
        assert_eq!(read(&format!(r#"{{"signed_before": {before}}}"#)), target(Target::SignedBefore(at)));
    }
    assert_eq!(read(r#"{"prefix": "s3://b/p/q"}"#), target(prefix("b", "p/q", NOW)));
    assert_eq!(read(r#"{"prefix": "s3://b"}"#), target(prefix("b", "", NOW)));
    for text in ["[]", "1", "{}", r#"{"before": "0"}"#, r#"{"link": "a", "prefix": "s3://b"}"#] {
        assert_eq!(read(text), Err(RevocationError::Form), "{text}");
    }
    assert_eq!(
        read(r#"{"prefix": "s3://b", "before": "0"}"#),
        Err(RevocationError::Field("before".to_owned()))
    );
    for text in [
        r#"{"link": "k"}"#,
        r#"{"link": ["a"]}"#,
        r#"{"access_key_id": ""}"#,
        r#"{"access_key_id": "A", "before": "soon"}"#,
        r#"{"prefix": "b/p"}"#,
        r#"{"prefix": "s3:///p"}"#,
        r#"{"signed_before": "soon"}"#,
        r#"{"signed_before": null}"#,
    ] {
        assert!(matches!(read(text), Err(RevocationError::Value(..))), "{text}");
    }
}

proptest! {
    /// The walk over the tree finds what looking at every entry finds.
    #[test]
    fn prefixes_are_found_like_one_by_one(
        entries in proptest::collection::vec(("[ab]{0,4}", 0_i64..3), 0..12),
        key in "[ab]{1,5}",
        signed_at in 0_i64..3,
    ) {
        let targets: Vec<_> = entries.iter().map(|(text, before)| prefix("bkt", text, UnixMillis::from_secs(*before))).collect();
        let signed = UnixMillis::from_secs(signed_at);
        let expected = entries.iter().any(|(text, before)| key.starts_with(text.as_str()) && signed_at < *before);
        prop_assert_eq!(hits(&set(&targets), &format!("/bkt/{key}"), "A", signed, link(1)), expected);
    }
}
