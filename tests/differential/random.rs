//! Random cases of `policy test`, drawn from a small world so that policies and requests meet.
//! It must not draw documents that the engine refuses.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

const NAMES: &[&str] = &["alice", "bob", "a*", "*", ""];
const PRINCIPALS: &[&str] = &[
    "arn:aws:iam::111122223333:user/alice",
    "arn:aws:iam::444455556666:user/bob",
    "arn:aws:sts::111122223333:assumed-role/up/s1",
];
const ACTIONS: &[&str] = &[
    "s3:GetObject",
    "S3:getobject",
    "s3:Get*",
    "s3:*",
    "*",
    "s3:?etObject",
    "s3:PutObject",
    "s3:List*",
    "ec2:*",
];
const RESOURCES: &[&str] = &[
    "*",
    "arn:aws:s3:::*",
    "arn:aws:s3:::media",
    "arn:aws:s3:::media/*",
    "arn:aws:s3:::med*",
    "arn:aws:s3:::media/a/?/c",
    "arn:aws:s3:::media/${aws:username}/*",
    "arn:aws:s3:::media/${aws:username, 'public'}/*",
    "arn:aws:s3:::media/${*}",
    "arn:aws:s3:::*/c",
    "arn:aws:iam::*:user/*",
];
const KEYS: &[&str] = &[
    "media/a/b/c",
    "media/alice/x",
    "media/*",
    "media//c",
    "media/é/c",
    "media",
    "other/c",
    "media/public/x",
];

/// Texts that mean something to every kind of operator, and some that mean nothing to most.
fn value_of(kind: &str) -> BoxedStrategy<String> {
    let list: &[&str] = match kind {
        "String" => &[
            "alice",
            "Alice",
            "a*",
            "a?ice",
            "*",
            "${aws:username}",
            "${aws:username}*",
            "${aws:PrincipalTag/x, 'alice'}",
            "${*}",
            "${$}",
            "media/${aws:userid}",
            "",
            "é",
            "a b",
            "bob",
        ],
        "Numeric" => &["0", "-0", "1", "1.0", "1.10", "1.1", "-5", "10", "600000", "0.5", "00010", "-5.25"],
        "Date" => &[
            "2026-11-23",
            "2026-11-23T00:00Z",
            "2026-11-23T01:00:00+01:00",
            "2026-11-23T00:00:00.5Z",
            "1795392000",
            "0",
            "2026-02",
            "1969-12-31T23:59:59Z",
            "-1",
        ],
        "Bool" | "Null" => &["true", "false", "True", "FALSE"],
        "Binary" => &["YQ==", "YQ", "YWI=", "", "/+8="],
        "Ip" => &[
            "203.0.113.0/24",
            "203.0.113.7",
            "203.0.113.7/25",
            "0.0.0.0/0",
            "::/0",
            "2001:db8::/32",
            "2001:db8::1",
            "10.0.0.0/8",
        ],
        _ => &[
            "arn:aws:iam::111122223333:user/alice",
            "arn:aws:iam::*:user/*",
            "arn:*:*:*:*:*",
            "arn:aws:iam::111122223333:user/${aws:username}",
            "arn:aws:s3:::a:b",
            "arn:aws:s3:::a*",
        ],
    };
    select(list.to_vec()).prop_map(str::to_owned).boxed()
}

/// A value of a request: sometimes of the type, sometimes not.
fn request_value() -> BoxedStrategy<Value> {
    let one = prop_oneof![
        4 => select(vec!["alice", "bob", "Alice", "a*", "*", "", "1", "1.10", "-5", "600000", "abc", "true", "FALSE", "YQ==",
            "203.0.113.7", "2001:db8::1", "10.1.2.3", "203.0.113.200", "2026-11-23T00:00:00Z", "1795392000", "2026-11-24",
            "arn:aws:iam::111122223333:user/alice", "arn:aws:s3:::a:b", "arn:x", "é", "media/alice", "$"]),
    ]
    .prop_map(|text| json!(text));
    prop_oneof![6 => one.clone(), 1 => prop::collection::vec(one, 0..3).prop_map(|list| json!(list))].boxed()
}

const CONTEXT: &[&str] = &["aws:username", "aws:userid", "test:a", "test:b", "aws:PrincipalTag/x", "TEST:A"];

const OPERATORS: &[(&str, &str)] = &[
    ("StringEquals", "String"),
    ("StringNotEquals", "String"),
    ("StringEqualsIgnoreCase", "String"),
    ("StringNotEqualsIgnoreCase", "String"),
    ("StringLike", "String"),
    ("StringNotLike", "String"),
    ("NumericEquals", "Numeric"),
    ("NumericNotEquals", "Numeric"),
    ("NumericLessThan", "Numeric"),
    ("NumericLessThanEquals", "Numeric"),
    ("NumericGreaterThan", "Numeric"),
    ("NumericGreaterThanEquals", "Numeric"),
    ("DateEquals", "Date"),
    ("DateNotEquals", "Date"),
    ("DateLessThan", "Date"),
    ("DateLessThanEquals", "Date"),
    ("DateGreaterThan", "Date"),
    ("DateGreaterThanEquals", "Date"),
    ("Bool", "Bool"),
    ("BinaryEquals", "Binary"),
    ("IpAddress", "Ip"),
    ("NotIpAddress", "Ip"),
    ("ArnEquals", "Arn"),
    ("ArnNotEquals", "Arn"),
    ("ArnLike", "Arn"),
    ("ArnNotLike", "Arn"),
    ("Null", "Null"),
];

fn condition() -> BoxedStrategy<Value> {
    let test = (
        select(OPERATORS.to_vec()),
        select(vec!["", "", "ForAnyValue:", "ForAllValues:"]),
        any::<bool>(),
        select(CONTEXT.to_vec()),
    )
        .prop_flat_map(|((name, kind), prefix, if_exists, key)| {
            let (prefix, suffix) =
                if name == "Null" { ("", "") } else { (prefix, if if_exists { "IfExists" } else { "" }) };
            let operator = format!("{prefix}{name}{suffix}");
            prop::collection::vec(value_of(kind), 1..3)
                .prop_map(move |values| (operator.clone(), key, values))
        });
    prop::collection::vec(test, 0..3)
        .prop_map(|tests| {
            let mut condition = Map::new();
            for (operator, key, values) in tests {
                let keys = condition.entry(operator).or_insert_with(|| json!({}));
                // two spellings of one key are refused
                let spelled =
                    keys.as_object().into_iter().flatten().find(|(name, _)| name.eq_ignore_ascii_case(key));
                let key = spelled.map_or_else(|| key.to_owned(), |(name, _)| name.clone());
                keys[key] = json!(values);
            }
            Value::Object(condition)
        })
        .boxed()
}

/// A statement, with or without a principal.
pub fn statement(principals: bool) -> BoxedStrategy<Value> {
    let entries = select(vec![
        json!("*"),
        json!({"AWS": "*"}),
        json!({"AWS": "111122223333"}),
        json!({"AWS": ["arn:aws:iam::444455556666:root", "arn:aws:iam::111122223333:role/up"]}),
        json!({"AWS": "arn:aws:iam::111122223333:user/alice"}),
        json!({"AWS": "arn:aws:sts::111122223333:assumed-role/up/s1"}),
        json!({"Service": "cloudfront.amazonaws.com"}),
    ]);
    let list = |texts: &'static [&'static str]| prop::collection::vec(select(texts.to_vec()), 1..3);
    let nots = (prop::bool::weighted(0.15), prop::bool::weighted(0.15), prop::bool::weighted(0.15));
    (select(vec!["Allow", "Allow", "Deny"]), list(ACTIONS), list(RESOURCES), entries, nots, condition())
        .prop_map(
            move |(
                effect,
                actions,
                resources,
                entry,
                (not_action, not_resource, not_principal),
                condition,
            )| {
                let mut statement = json!({"Effect": effect, "Condition": condition});
                statement[if not_action { "NotAction" } else { "Action" }] = json!(actions);
                statement[if not_resource { "NotResource" } else { "Resource" }] = json!(resources);
                if principals {
                    statement[if not_principal { "NotPrincipal" } else { "Principal" }] = entry;
                }
                statement
            },
        )
        .boxed()
}

fn document(principals: bool) -> BoxedStrategy<Value> {
    let version = select(vec!["2012-10-17", "2012-10-17", "2012-10-17", "2008-10-17"]);
    (version, prop::collection::vec(statement(principals), 1..5))
        .prop_map(|(version, statements)| json!({"Version": version, "Statement": statements}))
        .boxed()
}

/// A whole case: a request and the policies around it.
pub fn case() -> BoxedStrategy<Value> {
    let principal = prop_oneof![
        5 => select(PRINCIPALS.to_vec()).prop_map(|arn| json!(arn)),
        1 => Just(json!({"type": "Anonymous"})),
    ];
    let keys = ["aws:username", "aws:userid", "test:a", "test:b", "aws:PrincipalTag/x"];
    let context = prop::collection::vec(prop::option::weighted(0.7, request_value()), keys.len()).prop_map(
        move |values| {
            let present =
                keys.iter().zip(values).filter_map(|(key, value)| Some(((*key).to_owned(), value?)));
            Value::Object(present.collect())
        },
    );
    let named = select(NAMES.to_vec());
    let request = (principal, select(vec!["s3:GetObject", "s3:PutObject", "s3:ListBucket", "ec2:RunInstances"]), select(KEYS.to_vec()), prop::bool::weighted(0.8), context, named)
        .prop_map(|(principal, action, key, same, context, name)| {
            let mut context = context;
            if !name.is_empty() {
                context["aws:username"] = json!(name);
            }
            let account = if same { "111122223333" } else { "444455556666" };
            json!({"principal": principal, "action": action, "resource": format!("arn:aws:s3:::{key}"), "resource_account": account, "context": context})
        });
    let layer = |principals| prop::option::weighted(0.2, document(principals));
    (request, document(false), document(true), layer(false), layer(false), layer(true), layer(false))
        .prop_map(|(request, identity, resource, boundary, session, endpoint, guardrail)| {
            let mut case =
                json!({"id": "x", "request": request, "identity": [identity], "resource_policy": resource});
            for (name, document) in [("boundary", boundary), ("vpce", endpoint), ("guardrails", guardrail)] {
                if let Some(document) = document {
                    case[name] = json!([document]);
                }
            }
            if let Some(session) = session {
                case["session"] = session;
            }
            case
        })
        .boxed()
}
