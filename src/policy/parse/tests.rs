//! What is refused, with the exact error and place, and what is taken with a warning.
//! It must not test decisions.

use super::*;
use crate::policy::arn::ArnError;
use crate::policy::error::{Hint, Place};
use crate::policy::operator::OperatorError;
use crate::policy::pattern::PatternError;
use crate::policy::principal::EntryError;
use crate::policy::testing::{document, shared};
use crate::policy::value::IpError;
use proptest::prelude::*;

const OPTIONS: ParseOptions =
    ParseOptions { any_key: false, allow_not_principal_allow: false, unclosed_variable_is_literal: false };

/// Path and kind of each error.
fn errors(text: &str, kind: Kind) -> Vec<(String, ErrorKind)> {
    match parse(text, kind, &OPTIONS) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.into_iter().map(|error| (error.place.path, error.kind)).collect(),
    }
}

fn check(text: &str, kind: Kind, path: &str, expected: ErrorKind) {
    assert_eq!(errors(text, kind), [(path.to_owned(), expected)], "{text}");
}

/// An identity policy with these elements in its only statement.
fn statement(elements: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":{{{elements}}}}}"#)
}

#[test]
fn documents_that_are_refused() {
    use ErrorKind::{
        Duplicate, DuplicateSid, Empty, Missing, NotInKind, Null, Syntax, UnknownElement, WrongType,
    };
    let allow = r#"{"Effect":"Allow","Action":"s3:*","Resource":"*"}"#;
    for (text, path, kind) in [
        ("[]", "", WrongType("an object")),
        ("null", "", Null),
        ("{} {}", "", Syntax("trailing characters".into())),
        ("{}", "", Missing("Statement")),
        (r#"{"Statement":[]}"#, "Statement", Empty),
        (r#"{"Statement":null}"#, "Statement", Null),
        (r#"{"Statement":"x"}"#, "Statement", WrongType("an object")),
        (r#"{"Statement":[[]]}"#, "Statement[0]", WrongType("an object")),
        (
            &format!(r#"{{"Version":"2012-10-18","Statement":{allow}}}"#),
            "Version",
            ErrorKind::Version("2012-10-18".into()),
        ),
        (&format!(r#"{{"Version":2012,"Statement":{allow}}}"#), "Version", WrongType("a text")),
        (
            &format!(r#"{{"Id":"x","Statement":{allow}}}"#),
            "Id",
            NotInKind { element: "Id", kind: Kind::Identity },
        ),
        (&format!(r#"{{"Statement":{allow},"Statement":{allow}}}"#), "", Duplicate("Statement".into())),
        (
            &format!(r#"{{"version":"2012-10-17","Statement":{allow}}}"#),
            "",
            UnknownElement("version".into(), Hint(Some("Version"))),
        ),
        (
            &format!(r#"{{"Statements":[],"Statement":{allow}}}"#),
            "",
            UnknownElement("Statements".into(), Hint(Some("Statement"))),
        ),
        (
            r#"{"Statement":[{"Sid":"a","Effect":"Deny","Action":"*","Resource":"*"},{"Sid":"a","Effect":"Deny","Action":"*","Resource":"*"}]}"#,
            "Statement[1]",
            DuplicateSid("a".into()),
        ),
    ] {
        check(text, Kind::Identity, path, kind);
    }
    let large = format!("{}{{}}", " ".repeat(MAX_BYTES));
    check(&large, Kind::Identity, "", ErrorKind::TooLarge(MAX_BYTES + 2, MAX_BYTES));
}

#[test]
fn statements_that_are_refused() {
    use ErrorKind::{
        Action, ActionService, Both, Duplicate, Effect, Empty, Missing, NotInKind, Null, Resource, Sid,
        UnknownElement, Variable, WrongType,
    };
    let arn = |text: &str, error| Resource(text.into(), error);
    for (elements, path, kind) in [
        (r#""Action":"s3:*","Resource":"*""#, "", Missing("Effect")),
        (r#""Effect":"allow","Action":"s3:*","Resource":"*""#, "Effect", Effect("allow".into())),
        (r#""Effect":null,"Action":"s3:*","Resource":"*""#, "Effect", Null),
        (
            r#""Effect":"Deny","Effect":"Allow","Action":"s3:*","Resource":"*""#,
            "",
            Duplicate("Effect".into()),
        ),
        (r#""Effect":"Allow","Resource":"*""#, "", Missing("Action")),
        (
            r#""Effect":"Allow","Action":"s3:*","NotAction":"s3:*","Resource":"*""#,
            "",
            Both("Action", "NotAction"),
        ),
        (r#""Effect":"Allow","Action":"s3:*""#, "", Missing("Resource")),
        (
            r#""Effect":"Allow","Action":"s3:*","Resource":"*","NotResource":"*""#,
            "",
            Both("Resource", "NotResource"),
        ),
        (
            r#""Effect":"Allow","Action":"s3:*","Resource":"*","Conditions":{}"#,
            "",
            UnknownElement("Conditions".into(), Hint(Some("Condition"))),
        ),
        (
            r#""Effect":"Allow","Action":"s3:*","Resource":"*","Principal":"*""#,
            "",
            NotInKind { element: "Principal", kind: Kind::Identity },
        ),
        (
            r#""Effect":"Allow","Action":"s3:*","Resource":"*","NotPrincipal":"*""#,
            "",
            NotInKind { element: "NotPrincipal", kind: Kind::Identity },
        ),
        (r#""Sid":"","Effect":"Allow","Action":"s3:*","Resource":"*""#, "Sid", Empty),
        (r#""Sid":"a\u0000","Effect":"Allow","Action":"s3:*","Resource":"*""#, "Sid", Sid("a\0".into())),
        (r#""Effect":"Allow","Action":[],"Resource":"*""#, "Action", Empty),
        (r#""Effect":"Allow","Action":["s3:*",7],"Resource":"*""#, "Action[1]", WrongType("a text")),
        (r#""Effect":"Allow","Action":["s3:*",null],"Resource":"*""#, "Action[1]", Null),
        (r#""Effect":"Allow","Action":"","Resource":"*""#, "Action", Action(String::new())),
        (r#""Effect":"Allow","Action":"GetObject","Resource":"*""#, "Action", Action("GetObject".into())),
        (r#""Effect":"Allow","Action":"s3:","Resource":"*""#, "Action", Action("s3:".into())),
        (
            r#""Effect":"Allow","Action":"s3:Get Object","Resource":"*""#,
            "Action",
            Action("s3:Get Object".into()),
        ),
        (
            r#""Effect":"Allow","Action":"s*:GetObject","Resource":"*""#,
            "Action",
            ActionService("s*:GetObject".into()),
        ),
        (r#""Effect":"Allow","Action":"*:*","Resource":"*""#, "Action", ActionService("*:*".into())),
        (r#""Effect":"Allow","Action":"s3:${*}","Resource":"*""#, "Action", Variable("s3:${*}".into())),
        (r#""Effect":"Allow","Action":"s3:*","Resource":"""#, "Resource", arn("", ArnError::Malformed)),
        (
            r#""Effect":"Allow","Action":"s3:*","Resource":"media/*""#,
            "Resource",
            arn("media/*", ArnError::Malformed),
        ),
        (
            r#""Effect":"Allow","Action":"s3:*","Resource":["*","arn:aws:s3:::${x"]"#,
            "Resource[1]",
            arn("arn:aws:s3:::${x", ArnError::Pattern(PatternError::Unterminated)),
        ),
        (
            r#""Effect":"Allow","Action":"s3:*","Resource":"arn:aws:*:::x""#,
            "Resource",
            arn("arn:aws:*:::x", ArnError::ServiceWildcard),
        ),
        (
            r#""Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3::${aws:PrincipalAccount}:x""#,
            "Resource",
            arn("arn:aws:s3::${aws:PrincipalAccount}:x", ArnError::Variable),
        ),
        (
            r#""Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::x/${s3:ExistingObjectTag/a}""#,
            "Resource",
            ErrorKind::UnknowableKey("s3:ExistingObjectTag/a".into()),
        ),
    ] {
        let path = if path.is_empty() { "Statement".to_owned() } else { format!("Statement.{path}") };
        check(&statement(elements), Kind::Identity, &path, kind);
    }
    let long = "x".repeat(MAX_VALUE_BYTES);
    let elements = format!(r#""Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::{long}""#);
    let too_long = ErrorKind::TooLong(MAX_VALUE_BYTES + 13, MAX_VALUE_BYTES);
    check(&statement(&elements), Kind::Identity, "Statement.Resource", too_long);
}

#[test]
fn principals_that_are_refused() {
    use ErrorKind::{CanonicalUser, Empty, Null, Principal, PrincipalText, PrincipalType, WrongType};
    let malformed = |text: &str, error| Principal(text.into(), error);
    for (principal, path, kind) in [
        (r#""alice""#, "", PrincipalText("alice".into())),
        ("{}", "", Empty),
        ("[]", "", WrongType("an object")),
        ("null", "", Null),
        (r#"{"AWS":[]}"#, ".AWS", Empty),
        (r#"{"AWS":null}"#, ".AWS", Null),
        (r#"{"AWS":123456789012}"#, ".AWS", WrongType("a text")),
        (r#"{"aws":"*"}"#, ".aws", PrincipalType("aws".into())),
        (
            r#"{"AWS":["*","arn:aws:iam::*:user/x"]}"#,
            ".AWS[1]",
            malformed("arn:aws:iam::*:user/x", EntryError::Wildcard),
        ),
        (r#"{"AWS":"alice"}"#, ".AWS", malformed("alice", EntryError::Malformed)),
        (r#"{"CanonicalUser":"79a5"}"#, ".CanonicalUser", CanonicalUser("79a5".into())),
        (r#"{"Service":""}"#, ".Service", Empty),
        (r#"{"AWS":"${aws:PrincipalArn}"}"#, ".AWS", malformed("${aws:PrincipalArn}", EntryError::Malformed)),
    ] {
        let text =
            statement(&format!(r#""Effect":"Deny","Principal":{principal},"Action":"s3:*","Resource":"*""#));
        check(&text, Kind::Resource, &format!("Statement.Principal{path}"), kind);
    }
    let without = statement(r#""Effect":"Deny","Action":"s3:*","Resource":"*""#);
    check(&without, Kind::Resource, "Statement", ErrorKind::Missing("Principal"));
    check(&without, Kind::Endpoint, "Statement", ErrorKind::Missing("Principal"));
    let both =
        statement(r#""Effect":"Deny","Principal":"*","NotPrincipal":"*","Action":"s3:*","Resource":"*""#);
    check(&both, Kind::Resource, "Statement", ErrorKind::Both("Principal", "NotPrincipal"));
    let allow =
        statement(r#""Effect":"Allow","NotPrincipal":{"AWS":"111122223333"},"Action":"s3:*","Resource":"*""#);
    check(&allow, Kind::Resource, "Statement", ErrorKind::NotPrincipalAllow);
    assert!(
        parse(&allow, Kind::Resource, &ParseOptions { allow_not_principal_allow: true, ..OPTIONS }).is_ok()
    );
}

#[test]
fn conditions_that_are_refused() {
    use ErrorKind::{
        AmbiguousDate, Arn, Base64, Bool, Date, Duplicate, Empty, Ip, Key, NeedsSetPrefix, Null, Number,
        Operator, UnknowableKey, Variable, WrongType,
    };
    let ip = "IpAddress.aws:SourceIp";
    for (condition, path, kind) in [
        ("[]", "", WrongType("an object")),
        ("null", "", Null),
        (r#"{"StringIs":{"aws:userid":"x"}}"#, "", Operator("StringIs".into(), OperatorError::Unknown)),
        (
            r#"{"NullIfExists":{"aws:userid":true}}"#,
            "",
            Operator("NullIfExists".into(), OperatorError::DecoratedNull),
        ),
        (
            r#"{"ForAnyValue:Null":{"aws:TagKeys":true}}"#,
            "",
            Operator("ForAnyValue:Null".into(), OperatorError::DecoratedNull),
        ),
        (r#"{"Bool":{}}"#, "Bool", Empty),
        (r#"{"Bool":"aws:SecureTransport"}"#, "Bool", WrongType("an object")),
        (
            r#"{"Bool":{"aws:SecureTransport":true},"Bool":{"aws:ViaAWSService":true}}"#,
            "",
            Duplicate("Bool".into()),
        ),
        (r#"{"IpAddress":{"aws:SourceIp":[]}}"#, ip, Empty),
        (r#"{"IpAddress":{"aws:SourceIp":null}}"#, ip, Null),
        (
            r#"{"IpAddress":{"aws:SourceIp":["10.0.0.0/8",{}]}}"#,
            "IpAddress.aws:SourceIp[1]",
            WrongType("a text, number or truth value"),
        ),
        (r#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/33"}}"#, ip, Ip("10.0.0.0/33".into(), IpError::Malformed)),
        (
            r#"{"IpAddress":{"aws:SourceIp":"::ffff:10.0.0.1"}}"#,
            ip,
            Ip("::ffff:10.0.0.1".into(), IpError::MappedIpv4),
        ),
        (r#"{"IpAddress":{"aws:SourceIp":"${aws:VpcSourceIp}"}}"#, ip, Variable("${aws:VpcSourceIp}".into())),
        (
            r#"{"IpAddress":{"aws:SourceIp":"10.0.0.1","AWS:sourceip":"10.0.0.2"}}"#,
            "IpAddress",
            Duplicate("AWS:sourceip".into()),
        ),
        (r#"{"StringEquals":{"SourceIp":"x"}}"#, "StringEquals", Key("SourceIp".into())),
        (r#"{"StringEquals":{"${aws:userid}":"x"}}"#, "StringEquals", Key("${aws:userid}".into())),
        (
            r#"{"StringEquals":{"s3:ExistingObjectTag/a":"x"}}"#,
            "StringEquals",
            UnknowableKey("s3:ExistingObjectTag/a".into()),
        ),
        (
            r#"{"StringEquals":{"S3:buckettag/a":"x"}}"#,
            "StringEquals",
            UnknowableKey("S3:buckettag/a".into()),
        ),
        (r#"{"Null":{"aws:ResourceTag/a":true}}"#, "Null", UnknowableKey("aws:ResourceTag/a".into())),
        (
            r#"{"StringEquals":{"aws:userid":"${s3:BucketTag/a}"}}"#,
            "StringEquals.aws:userid",
            UnknowableKey("s3:BucketTag/a".into()),
        ),
        (r#"{"StringEquals":{"aws:TagKeys":"x"}}"#, "StringEquals", NeedsSetPrefix("aws:TagKeys".into())),
        (
            r#"{"StringEqualsIfExists":{"aws:CalledVia":"x"}}"#,
            "StringEqualsIfExists",
            NeedsSetPrefix("aws:CalledVia".into()),
        ),
        (r#"{"NumericEquals":{"s3:max-keys":"ten"}}"#, "NumericEquals.s3:max-keys", Number("ten".into())),
        (r#"{"NumericEquals":{"s3:max-keys":1e3}}"#, "NumericEquals.s3:max-keys", Number("1e3".into())),
        (r#"{"NumericEquals":{"s3:max-keys":true}}"#, "NumericEquals.s3:max-keys", Number("true".into())),
        (
            r#"{"DateLessThan":{"aws:CurrentTime":"2026"}}"#,
            "DateLessThan.aws:CurrentTime",
            AmbiguousDate("2026".into()),
        ),
        (
            r#"{"DateLessThan":{"aws:CurrentTime":2026}}"#,
            "DateLessThan.aws:CurrentTime",
            AmbiguousDate("2026".into()),
        ),
        (
            r#"{"DateLessThan":{"aws:CurrentTime":"soon"}}"#,
            "DateLessThan.aws:CurrentTime",
            Date("soon".into()),
        ),
        (r#"{"Bool":{"aws:SecureTransport":"yes"}}"#, "Bool.aws:SecureTransport", Bool("yes".into())),
        (r#"{"Null":{"aws:userid":1}}"#, "Null.aws:userid", Bool("1".into())),
        (
            r#"{"Bool":{"aws:SecureTransport":"${aws:userid}"}}"#,
            "Bool.aws:SecureTransport",
            Variable("${aws:userid}".into()),
        ),
        (r#"{"BinaryEquals":{"aws:userid":"a"}}"#, "BinaryEquals.aws:userid", Base64("a".into())),
        (
            r#"{"ArnLike":{"aws:PrincipalArn":"*"}}"#,
            "ArnLike.aws:PrincipalArn",
            Arn("*".into(), ArnError::Malformed),
        ),
        (
            r#"{"StringLike":{"aws:userid":"${"}}"#,
            "StringLike.aws:userid",
            ErrorKind::Pattern(PatternError::Unterminated),
        ),
        (
            r#"{"StringLike":{"aws:userid":"${x}"}}"#,
            "StringLike.aws:userid",
            ErrorKind::Pattern(PatternError::Malformed("x".into())),
        ),
    ] {
        let text =
            statement(&format!(r#""Effect":"Deny","Action":"s3:*","Resource":"*","Condition":{condition}"#));
        let path = if path.is_empty() {
            "Statement.Condition".into()
        } else {
            format!("Statement.Condition.{path}")
        };
        check(&text, Kind::Identity, &path, kind);
    }
}

#[test]
fn all_errors_are_told_with_their_places() {
    let text = "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [{\n    \"Effect\": \"Permit\",\n    \"Action\": \"s3\",\n    \"Resource\": [\"*\", \"mé\", \"x\"]\n  }]\n}";
    let errors = parse(text, Kind::Identity, &OPTIONS).unwrap_err();
    let places: Vec<_> = errors.iter().map(|error| error.place.clone()).collect();
    let place = |path: &str, line, column| Place { path: path.into(), position: Some((line, column)) };
    assert_eq!(
        places,
        [
            place("Statement[0].Effect", 4, 15),
            place("Statement[0].Action", 5, 15),
            place("Statement[0].Resource[1]", 6, 23),
            place("Statement[0].Resource[2]", 6, 29),
        ]
    );
    assert_eq!(
        errors[0].to_string(),
        "4:15: Statement[0].Effect: `Permit` is no effect; write `Allow` or `Deny`"
    );
}

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
