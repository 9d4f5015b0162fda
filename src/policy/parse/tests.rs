//! What is refused, with the exact error and place, and what is taken with a warning.
//! It must not test decisions.

mod accepted;
mod conditions;

use super::*;
use crate::policy::arn::ArnError;
use crate::policy::error::Place;
use crate::policy::operator::OperatorError;
use crate::policy::pattern::PatternError;
use crate::policy::principal::EntryError;
use crate::policy::value::IpError;

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
fn whether_a_document_says_for_whom_it_is() {
    let check = |text: &str, expected: bool| assert_eq!(names_principals(text), expected, "{text}");
    check(r#"{"Statement":{"Principal":"*"}}"#, true);
    check(r#"{"Statement":[{"Effect":"Deny"},{"NotPrincipal":{"AWS":"*"}}]}"#, true);
    check(r#"{"Statement":[{"Effect":"Allow"}],"Principal":"*"}"#, false);
    check(r#"{"Statement":[{"principal":"*"}]}"#, false);
    for text in ["", "[]", r#"{"Statement":"Principal"}"#, r#"{"Statement":[{"Principal":"*"}]"#] {
        check(text, false);
    }
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
            UnknownElement("version".into(), DOCUMENT),
        ),
        (
            &format!(r#"{{"Statements":[],"Statement":{allow}}}"#),
            "",
            UnknownElement("Statements".into(), DOCUMENT),
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
        Action, ActionService, Both, Duplicate, Effect, Empty, Missing, NotInKind, Null, Sid, UnknownElement,
        Variable, WrongType,
    };
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
            UnknownElement("Conditions".into(), statement::ELEMENTS),
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
    ] {
        let path = if path.is_empty() { "Statement".to_owned() } else { format!("Statement.{path}") };
        check(&statement(elements), Kind::Identity, &path, kind);
    }
}

#[test]
fn resources_that_are_refused() {
    let arn = |text: &str, error| ErrorKind::Resource(text.into(), error);
    for (elements, path, kind) in [
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
        check(&statement(elements), Kind::Identity, &format!("Statement.{path}"), kind);
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
