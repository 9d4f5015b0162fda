//! Every row and column beside the facts it was made from: `s3_operations.json`.
//! It must not resolve requests.

use super::super::Operation;
use super::row::{Need, On, Row, Term, TermValue, When};
use super::*;
use crate::s3::action::Action;
use crate::s3::address::Endpoint;
use crate::s3::effective::is_amz;
use crate::s3::requirement::Kind;
use crate::s3::testing::shared_json;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap};

const LISTS: &[(&str, &str, Verb, Option<Scope>)] = &[
    ("service", "GET", Verb::Get, Some(Scope::Service)),
    ("service", "POST", Verb::Post, Some(Scope::Service)),
    ("bucket", "GET", Verb::Get, Some(Scope::Bucket)),
    ("bucket", "HEAD", Verb::Head, Some(Scope::Bucket)),
    ("bucket", "PUT", Verb::Put, Some(Scope::Bucket)),
    ("bucket", "POST", Verb::Post, Some(Scope::Bucket)),
    ("bucket", "DELETE", Verb::Delete, Some(Scope::Bucket)),
    ("object", "GET", Verb::Get, Some(Scope::Object)),
    ("object", "HEAD", Verb::Head, Some(Scope::Object)),
    ("object", "PUT", Verb::Put, Some(Scope::Object)),
    ("object", "POST", Verb::Post, Some(Scope::Object)),
    ("object", "DELETE", Verb::Delete, Some(Scope::Object)),
    ("any", "OPTIONS", Verb::Options, None),
];

fn term_json(term: &Term) -> Value {
    match term.value {
        TermValue::Any => json!({"name": term.name}),
        TermValue::Equals(text) => json!({"name": term.name, "equals": text}),
        TermValue::StartsWith(text) => json!({"name": term.name, "starts_with": text}),
    }
}

fn when_json(when: When) -> Value {
    match when {
        When::Query(name) => json!({"query": name}),
        When::NotQuery(name) => json!({"not_query": name}),
        When::Header(name) => json!({"header": name}),
        When::AnyHeader(names) => json!({"any_header": names}),
        When::HeaderEquals(name, value) => json!({"header_equals": [name, value]}),
        When::HeaderNotEquals(name, value) => json!({"header_not_equals": [name, value]}),
        When::CopySourceVersion(named) => json!({"copy_source_version": named}),
        When::BodyKeyVersion(named) => json!({"body_key_version": named}),
        When::FormField(name) => json!({"form_field": name}),
    }
}

fn need_json(need: &Need) -> Value {
    let resource = match need.on {
        On::Service => "service",
        On::Bucket => "bucket",
        On::Object => "object",
        On::CopySource => "copy_source",
        On::BodyObjects => "body_objects",
        On::FormObject => "form_object",
    };
    let mut object = Map::new();
    object.insert("action".into(), json!(need.action.name()));
    object.insert("resource".into(), json!(resource));
    match need.kind {
        Kind::Always => {}
        Kind::IfSourceHasTags => drop(object.insert("kind".into(), json!("if_source_has_tags"))),
        Kind::IfSourceHasAnnotations => {
            drop(object.insert("kind".into(), json!("if_source_has_annotations")));
        }
    }
    if !need.when.is_empty() {
        let when: Vec<Value> = need.when.iter().map(|when| when_json(*when)).collect();
        object.insert("when".into(), json!(when));
    }
    Value::Object(object)
}

/// A row in the form of the data; the selector is one of its query terms there.
fn row_json(row: &Row, scope: &str, method: &str) -> Value {
    let mut query: Vec<Value> = row.query.iter().map(term_json).collect();
    if let Some(selector) = row.selector
        && !row.query.iter().any(|term| term.name == selector)
    {
        query.push(json!({"name": selector}));
    }
    query.sort_by_key(|term| term["name"].as_str().unwrap().to_owned());
    let mut object = Map::new();
    object.insert("op".into(), json!(row.operation.name()));
    object.insert("method".into(), json!(method));
    object.insert("scope".into(), json!(scope));
    object.insert("query".into(), json!(query));
    object.insert("params".into(), json!(row.params));
    object.insert("actions".into(), row.needs.iter().map(need_json).collect());
    if !row.query_absent.is_empty() {
        object.insert("query_absent".into(), json!(row.query_absent));
    }
    if !row.headers.is_empty() {
        object.insert("headers".into(), row.headers.iter().map(term_json).collect());
    }
    if !row.headers_absent.is_empty() {
        object.insert("headers_absent".into(), json!(row.headers_absent));
    }
    if let Some(current) = row.alias_of {
        object.insert("alias_of".into(), json!(current.name()));
    }
    match row.endpoint {
        Endpoint::S3 => {}
        Endpoint::DirectoryControl => drop(object.insert("host".into(), json!("s3express-control"))),
        Endpoint::ObjectLambda => {
            object.insert("host".into(), json!("s3-object-lambda"));
            object.insert("path".into(), json!("/WriteGetObjectResponse"));
        }
    }
    Value::Object(object)
}

fn expected_rows() -> BTreeMap<String, Value> {
    let data = shared_json("data/s3_operations.json");
    data["operations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            let mut row = row.clone();
            let object = row.as_object_mut().unwrap();
            // text for people, and whether SDKs have the operation
            object.remove("note");
            object.remove("model");
            object["query"]
                .as_array_mut()
                .unwrap()
                .sort_by_key(|term| term["name"].as_str().unwrap().to_owned());
            (object["op"].as_str().unwrap().to_owned(), row)
        })
        .collect()
}

#[test]
fn every_row_and_column_is_that_of_the_data() {
    let mut seen = BTreeMap::new();
    for (scope_name, method, verb, scope) in LISTS {
        for row in rows(*verb, scope.unwrap_or(Scope::Object)) {
            let before = seen.insert(row.operation.name().to_owned(), row_json(row, scope_name, method));
            assert_eq!(before, None, "{} stands twice", row.operation);
        }
    }
    let expected = expected_rows();
    assert_eq!(expected.len(), 118);
    for (name, row) in &expected {
        assert_eq!(seen.get(name), Some(row), "{name}");
    }
    assert_eq!(seen.len(), expected.len());
}

#[test]
fn vocabularies_are_those_of_the_data() {
    let data = shared_json("data/s3_operations.json");
    assert_eq!(json!(BUCKET_SELECTORS), data["selectors"]["bucket"]);
    assert_eq!(json!(OBJECT_SELECTORS), data["selectors"]["object"]);
    // `classify::names` does not look for them among such names
    assert!(BUCKET_SELECTORS.iter().chain(OBJECT_SELECTORS).all(|name| !is_amz(name.as_bytes())));
    assert_eq!(json!(BENIGN_PARAMS), data["benign_params"]);
    // the region set of SigV4A is ours
    let auth: Vec<&str> =
        SIGV4_PARAMS.iter().chain(SIGV2_PARAMS).copied().filter(|name| *name != "X-Amz-Region-Set").collect();
    assert_eq!(json!(auth), data["auth_params"]);
    let actions: Vec<&str> = data["actions"].as_object().unwrap().keys().map(String::as_str).collect();
    for action in &actions {
        assert!(Action::from_name(action).is_some(), "{action}");
    }
}

#[test]
fn operations_are_listed_in_the_order_of_the_data() {
    let data = shared_json("data/s3_operations.json");
    let expected: Vec<&str> =
        data["operations"].as_array().unwrap().iter().map(|row| row["op"].as_str().unwrap()).collect();
    let seen: Vec<&str> = Operation::ALL.iter().map(|operation| operation.name()).collect();
    assert_eq!(seen, expected);
    for (position, operation) in Operation::ALL.iter().enumerate() {
        assert_eq!(operation.index(), position);
    }
}

/// Which of several fitting rows wins must not depend on their order.
#[test]
fn no_two_rows_tie() {
    for (_, _, verb, scope) in LISTS {
        let mut seen = HashMap::new();
        for row in rows(*verb, scope.unwrap_or(Scope::Object)).iter().filter(|row| row.alias_of.is_none()) {
            let terms = |terms: &[Term]| terms.iter().map(|term| term.name).collect::<Vec<_>>();
            let key = (
                format!("{:?}", row.endpoint),
                row.selector,
                terms(row.query),
                row.query_absent,
                terms(row.headers),
                row.headers_absent,
            );
            let before = seen.insert(key, row.operation);
            assert_eq!(before, None, "{}", row.operation);
        }
    }
}
