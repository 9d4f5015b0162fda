//! Every case of the shared corpus, and what is no case.
//! It must not leave a case out.

use super::*;
use crate::policy::error::ErrorKind;
use crate::policy::testing::shared;

fn run_file(name: &str) -> usize {
    let text = std::fs::read_to_string(shared(name)).unwrap();
    let mut wrong = Vec::new();
    let mut count = 0;
    for line in text.lines().filter(|line| !line.is_empty()) {
        count += 1;
        match run_case(line, true) {
            Ok(result) if result.expected.is_some() && result.agrees() => {}
            Ok(result) => wrong.push(format!("{result:?}\n{line}")),
            Err(error) => wrong.push(format!("{error}\n{line}")),
        }
    }
    let first: Vec<_> = wrong.iter().take(10).map(String::as_str).collect();
    assert!(wrong.is_empty(), "{} of {count} differ, the first:\n{}", wrong.len(), first.join("\n"));
    count
}

#[test]
fn the_corpus_agrees() {
    assert_eq!(run_file("data/iam/corpus.jsonl"), 3306);
}

#[test]
fn the_documented_cases_agree() {
    assert_eq!(run_file("data/iam/corpus_docs.jsonl"), 52);
}

#[test]
fn what_is_no_case() {
    let request = r#"{"principal":"arn:aws:iam::111122223333:user/a","action":"s3:GetObject","resource":"arn:aws:s3:::m/k","context":{}}"#;
    let with = |more: &str| format!(r#"{{"id":"x","request":{request}{more}}}"#);
    let request = |name: &str, value: &str| {
        let mut request: Value = serde_json::from_str(request).unwrap();
        request[name] = serde_json::from_str(value).unwrap();
        format!(r#"{{"id":"x","request":{request}}}"#)
    };
    let malformed = PrincipalError::Malformed("alice".into());
    for (line, error) in [
        ("{}".to_owned(), CaseError::Member("id")),
        (r#"{"id":"x"}"#.into(), CaseError::Member("request")),
        (with(r#","identities":[]"#), CaseError::UnknownMember("identities".into())),
        (with(r#","identity":{}"#), CaseError::Member("identity")),
        (with(r#","session":[]"#), CaseError::Member("session")),
        (with(r#","expect":"Denied""#), CaseError::Expect("Denied".into())),
        (request("principal", "\"alice\""), CaseError::Principal(malformed)),
        (request("principal", r#"{"type":"User"}"#), CaseError::Member("principal")),
        (request("resource", "\"media\""), CaseError::Resource("media".into())),
        (request("action", "7"), CaseError::Member("action")),
        (request("context", "[]"), CaseError::Member("context")),
        (request("context", r#"{"a:b":{}}"#), CaseError::Context(KeyMapError::WrongType("a:b".into()))),
        (request("context", r#"{"a:b":null}"#), CaseError::Context(KeyMapError::WrongType("a:b".into()))),
        (request("context", r#"{"a:b":[[]]}"#), CaseError::Context(KeyMapError::WrongType("a:b".into()))),
        (
            with(
                r#","session":{"Statement":{"Effect":"Allow","Effect":"Deny","Action":"*","Resource":"*"}}"#,
            ),
            CaseError::Repeated("Effect".into()),
        ),
        (
            with(
                r#","session":{"Statement":[{"Effect":"Allow","Effect":"Deny","Action":"*","Resource":"*"}]}"#,
            ),
            CaseError::Repeated("Effect".into()),
        ),
        (
            request("context", r#"{"A:b":"1","a:B":"2"}"#),
            CaseError::Context(KeyMapError::Duplicate("a:B".into())),
        ),
        (request("when", "1"), CaseError::UnknownMember("when".into())),
    ] {
        assert_eq!(run_case(&line, true), Err(error), "{line}");
    }
    assert!(matches!(run_case("[]", true), Err(CaseError::Syntax(_))));
    assert!(matches!(run_case(&with(r#","identity":[{}]"#), true), Err(CaseError::Policy("identity", _))));
}

#[test]
fn a_case_without_expectation_tells_what_decided() {
    let line = r#"{"id":"x","request":{"principal":{"type":"Anonymous"},"action":"s3:GetObject","resource":"arn:aws:s3:::m/k"},
        "resource_policy":{"Statement":{"Sid":"Open","Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::m/*"}}}"#;
    let result = run_case(line, false).unwrap();
    assert_eq!((result.outcome, result.expected, result.agrees()), (Outcome::Allowed, None, true));
    assert_eq!(result.matched, [("resource_policy".into(), "Open".into(), "Allow")]);
}

#[test]
fn keys_that_cannot_be_known_are_told_unless_the_case_may_have_any() {
    let line = r#"{"id":"x","request":{"principal":{"type":"Anonymous"},"action":"s3:GetObject","resource":"arn:aws:s3:::m/k","context":{"s3:ExistingObjectTag/a":"b"}},
        "guardrails":[{"Statement":{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringEquals":{"s3:ExistingObjectTag/a":"b"}}}}],"expect":"ExplicitlyDenied"}"#;
    for any_key in [true, false] {
        let result = run_case(line, any_key).unwrap();
        assert!(result.agrees());
        let told: Vec<_> = result.unknowable.iter().map(|(name, error)| (*name, &error.kind)).collect();
        let key = ErrorKind::UnknowableKey("s3:ExistingObjectTag/a".into());
        let expected: &[_] = if any_key { &[] } else { &[("guardrails", &key)] };
        assert_eq!(told, expected);
    }
}

#[test]
fn numbers_and_truth_values_of_a_context_are_texts() {
    let line = r#"{"id":"x","request":{"principal":"arn:aws:iam::111122223333:user/a","action":"s3:ListBucket","resource":"arn:aws:s3:::m","context":{"s3:max-keys":1.50,"aws:SecureTransport":true,"a:b":[1,false]}},
        "identity":[{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"NumericEquals":{"s3:max-keys":"1.5"},"StringEquals":{"s3:max-keys":"1.50"},"Bool":{"aws:SecureTransport":"true"},"ForAllValues:StringEquals":{"a:b":["1","false"]}}}}]}"#;
    assert_eq!(run_case(line, true).unwrap().outcome, Outcome::Allowed);
}
