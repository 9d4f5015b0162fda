//! Names of statements, and that a large document costs what a small one does.
//! It must not measure time: it counts the statements that are looked at.

use super::*;
use crate::policy::testing::document;
use crate::s3::action::Action;

fn compiled(kind: Kind, statements: &[String]) -> Compiled {
    let text = format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(","));
    Compiled::compile("large.json", &document(&text, kind).document)
}

/// How many statements the index hands out for a GET of this path.
fn candidates(document: &Compiled, principal: &Principal, path: &str) -> Vec<u32> {
    let mut found = Vec::new();
    let action = Some(1 << Action::GetObject.index());
    for effect in [Effect::Deny, Effect::Allow] {
        let numbers = document.numbers(principal);
        document.index(effect).visit(path.as_bytes(), &numbers, action, |posting, _| {
            found.push(posting.statement);
            false
        });
    }
    found
}

fn user(n: usize) -> Principal {
    Principal::from_arn(&format!("arn:aws:iam::111122223333:user/u{n}")).unwrap()
}

#[test]
fn ten_thousand_prefixes_cost_one() {
    let statement = |n| {
        format!(r#"{{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::media/home-{n}/*"}}"#)
    };
    let document = compiled(Kind::Identity, &(0..10_000).map(statement).collect::<Vec<_>>());
    assert_eq!(candidates(&document, &user(1), "media/home-77/x"), [77]);
    assert_eq!(candidates(&document, &user(1), "media/home-77"), [] as [u32; 0]);
    assert_eq!(candidates(&document, &user(1), "media/home-77x/y"), [] as [u32; 0]);
}

#[test]
fn ten_thousand_principals_cost_one() {
    let statement = |n| {
        format!(
            r#"{{"Effect":"Deny","Principal":{{"AWS":"arn:aws:iam::111122223333:user/u{n}"}},"Action":"s3:*","Resource":"*"}}"#
        )
    };
    let document = compiled(Kind::Resource, &(0..10_000).map(statement).collect::<Vec<_>>());
    assert_eq!(candidates(&document, &user(77), "media/x"), [77]);
    assert_eq!(candidates(&document, &user(10_001), "media/x"), [] as [u32; 0]);
    assert_eq!(candidates(&document, &Principal::anonymous(), "media/x"), [] as [u32; 0]);
}

#[test]
fn ten_thousand_statements_for_other_actions_cost_nothing() {
    let statement =
        |n| format!(r#"{{"Sid":"S{n}","Effect":"Deny","Action":"s3:DeleteObject","Resource":"*"}}"#);
    let document = compiled(Kind::Identity, &(0..10_000).map(statement).collect::<Vec<_>>());
    assert_eq!(candidates(&document, &user(1), "media/x"), [] as [u32; 0]);
}

#[test]
fn prefixes_within_prefixes_are_all_found() {
    let resources = [
        "media",
        "media/*",
        "media/a/*",
        "media/ab/*",
        "media/a/b*",
        "*",
        "m?dia/*",
        "other/*",
        "media/a/b/c",
    ];
    let statement = |resource: &&str| {
        let arn = if *resource == "*" { "*".to_owned() } else { format!("arn:aws:s3:::{resource}") };
        format!(r#"{{"Effect":"Allow","Action":"s3:*","Resource":"{arn}"}}"#)
    };
    let document = compiled(Kind::Identity, &resources.iter().map(statement).collect::<Vec<_>>());
    let mut found = candidates(&document, &user(1), "media/a/b/c");
    found.sort_unstable();
    // `media` is handed out as well: the index is an upper bound
    assert_eq!(found, [0, 1, 2, 4, 5, 6, 8]);
    let mut found = candidates(&document, &user(1), "media");
    found.sort_unstable();
    assert_eq!(found, [0, 5, 6]);
    assert_eq!(candidates(&document, &user(1), "aaa"), [5]);
}

#[test]
fn statements_are_named() {
    let statements = [
        r#"{"Sid":"One","Effect":"Deny","Action":"*","Resource":"*"}"#,
        r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#,
    ];
    let document = compiled(Kind::Session, &statements.map(str::to_owned));
    let named: Vec<_> =
        document.statements().map(|s| (s.document(), s.label(), s.effect(), s.position())).collect();
    assert_eq!(
        named,
        [("large.json", "One", Effect::Deny, 0), ("large.json", "statement[1]", Effect::Allow, 1)]
    );
    assert_eq!(document.kind(), Kind::Session);
}
