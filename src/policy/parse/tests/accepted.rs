//! What is taken, with or without a warning: the corpus, the example of AWS, and texts that must not panic.
//! It must not test decisions.

use super::*;
use crate::policy::testing::{document, shared};
use proptest::prelude::*;

#[test]
fn what_is_taken_with_a_warning() {
    use WarningKind::{
        AllowWithoutEffect, LiteralVariable, NeverPresentKey, NobodyPrincipal, NotForAws, TypeMismatch,
        UnknownAction, UnknownKey,
    };
    let mismatch = |operator: &str, key: &str| TypeMismatch { operator: operator.into(), key: key.into() };
    let condition = |text: &str| {
        statement(&format!(r#""Effect":"Deny","Action":"s3:*","Resource":"*","Condition":{text}"#))
    };
    for (text, kind, expected) in [
        (
            statement(r#""Effect":"Allow","Action":"s3:GetObjects","Resource":"*""#),
            Kind::Identity,
            UnknownAction("s3:GetObjects".into()),
        ),
        (
            statement(r#""Effect":"Allow","Action":"s3:Get*","Resource":"*""#),
            Kind::Guardrail,
            AllowWithoutEffect(Kind::Guardrail),
        ),
        (
            r#"{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::${aws:username}"}}"#
                .into(),
            Kind::Identity,
            LiteralVariable,
        ),
        (
            condition(r#"{"StringEquals":{"aws:SourceIpp":"x"}}"#),
            Kind::Identity,
            UnknownKey("aws:SourceIpp".into()),
        ),
        (
            condition(r#"{"StringEquals":{"aws:userid":"${aws:usrname}"}}"#),
            Kind::Identity,
            UnknownKey("aws:usrname".into()),
        ),
        (
            condition(r#"{"Bool":{"aws:MultiFactorAuthPresent":"false"}}"#),
            Kind::Identity,
            NeverPresentKey("aws:MultiFactorAuthPresent".into()),
        ),
        (
            condition(r#"{"NumericEquals":{"aws:SourceIp":"1"}}"#),
            Kind::Identity,
            mismatch("NumericEquals", "aws:SourceIp"),
        ),
        (
            condition(r#"{"StringEquals":{"aws:SourceIp":"10.0.0.1"}}"#),
            Kind::Identity,
            mismatch("StringEquals", "aws:SourceIp"),
        ),
        (
            condition(r#"{"BinaryEquals":{"aws:userid":"YQ=="}}"#),
            Kind::Identity,
            mismatch("BinaryEquals", "aws:userid"),
        ),
        (
            condition(r#"{"StringEquals":{"aws:userid":"\u20ac €"}}"#),
            Kind::Identity,
            NotForAws("a character beyond U+00FF, or a control character"),
        ),
        (
            statement(
                r#""Effect":"Deny","Principal":{"Service":"x.amazonaws.com"},"Action":"s3:*","Resource":"*""#,
            ),
            Kind::Resource,
            NobodyPrincipal("x.amazonaws.com".into()),
        ),
    ] {
        let warnings = document(&text, kind).warnings;
        assert_eq!(
            warnings.into_iter().map(|warning| warning.kind).collect::<Vec<_>>(),
            [expected],
            "{text}"
        );
    }
}

#[test]
fn the_example_of_the_page_on_presigned_urls_loads_unchanged_everywhere() {
    let seed = |principal: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Sid":"NetworkRestrictions","Effect":"Deny",{principal}"Action":"*","Resource":"*",
            "Condition":{{"NotIpAddressIfExists":{{"aws:SourceIp":"203.0.113.0/24"}},"BoolIfExists":{{"aws:ViaAWSService":"false"}}}}}}]}}"#
        )
    };
    for kind in [Kind::Guardrail, Kind::Identity, Kind::Boundary, Kind::Session] {
        assert_eq!(document(&seed(""), kind).warnings, [], "{kind:?}");
    }
    for kind in [Kind::Resource, Kind::Endpoint] {
        assert_eq!(document(&seed(r#""Principal":"*","#), kind).warnings, [], "{kind:?}");
    }
}

#[test]
fn every_document_of_the_corpus_is_taken_but_for_what_only_test_cases_may() {
    let (mut taken, mut refused) = (0, std::collections::BTreeMap::new());
    for file in ["data/iam/corpus.jsonl", "data/iam/corpus_docs.jsonl"] {
        for line in std::fs::read_to_string(shared(file)).unwrap().lines() {
            let case: serde_json::Value = serde_json::from_str(line).unwrap();
            for (name, kind) in [
                ("identity", Kind::Identity),
                ("resource_policy", Kind::Resource),
                ("boundary", Kind::Boundary),
                ("session", Kind::Session),
                ("vpce", Kind::Endpoint),
            ] {
                let documents = match case.get(name) {
                    None => continue,
                    Some(serde_json::Value::Array(list)) => list.clone(),
                    Some(one) => vec![one.clone()],
                };
                for json in documents {
                    let (text, value) =
                        (parse(&json.to_string(), kind, &OPTIONS), parse_value(&json, kind, &OPTIONS));
                    assert_eq!(text.is_ok(), value.is_ok(), "{json}");
                    match text {
                        Ok(_) => taken += 1,
                        Err(errors) => {
                            for error in errors {
                                let name = match error.kind {
                                    ErrorKind::UnknowableKey(_) => "unknowable key",
                                    ErrorKind::NotPrincipalAllow => "NotPrincipal with Allow",
                                    ErrorKind::Pattern(PatternError::Unterminated) => "unclosed variable",
                                    _ => panic!("{error} in {json}"),
                                };
                                *refused.entry(name).or_insert(0) += 1;
                            }
                        }
                    }
                }
            }
        }
    }
    let expected = [("NotPrincipal with Allow", 4), ("unclosed variable", 1), ("unknowable key", 67)];
    assert_eq!(refused, expected.into());
    // one of the documents holds two such keys
    assert_eq!(taken, 4502 - 71);
}

/// Something that looks like a policy, with parts that are wrong.
fn policy_like() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        Just(r#""*""#.to_owned()),
        Just(r#""s3:Get*""#.to_owned()),
        Just(r#""arn:aws:s3:::${aws:username, 'x'}/*""#.to_owned()),
        Just(r#"["10.0.0.0/8","x"]"#.to_owned()),
        Just("null".to_owned()),
        Just("1.5".to_owned()),
        Just(r#"{"StringLike":{"aws:userid":"${"}}"#.to_owned()),
        Just(r#"{"NotIpAddress":{"aws:SourceIp":["::/0","0.0.0.0/0"]}}"#.to_owned()),
        Just(r#"{"AWS":["111122223333","arn:aws:sts::1:x"]}"#.to_owned()),
        ".{0,12}".prop_map(|text| serde_json::Value::from(text).to_string()),
    ];
    let names = prop::sample::select(vec![
        "Sid",
        "Effect",
        "Principal",
        "Action",
        "NotAction",
        "Resource",
        "NotResource",
        "Condition",
        "x",
    ]);
    prop::collection::vec((names, value), 0..7).prop_map(|pairs| {
        let elements: Vec<_> = pairs.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        statement(&elements.join(","))
    })
}

proptest! {
    #[test]
    fn reading_never_panics(text in ".{0,80}") {
        let _ = parse(&text, Kind::Resource, &OPTIONS);
    }

    #[test]
    fn reading_something_like_a_policy_never_panics_and_explains_itself(text in policy_like()) {
        for kind in [Kind::Identity, Kind::Resource] {
            if let Err(errors) = parse(&text, kind, &OPTIONS) {
                prop_assert!(!errors.is_empty());
                prop_assert!(errors.iter().all(|error| error.place.position.is_some()));
            }
        }
    }
}
