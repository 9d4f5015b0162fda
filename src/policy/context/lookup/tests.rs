//! Presence and value of every key that a gate fills.
//! It must not test comparisons.

use std::borrow::Cow;

use super::*;
use crate::clock::UnixMillis;
use crate::policy::context::Age;
use crate::policy::key::{Arity, Known};
use crate::policy::value::Instant;

const NOW: UnixMillis = UnixMillis::from_secs(1_795_453_200);

fn alice() -> Principal {
    let alice = Principal::from_arn("arn:aws:iam::111122223333:user/alice").unwrap();
    alice.with_tags([("Team", "blue")]).unwrap().with_userid("AIDAEXAMPLE").with_org_id("o-1")
}

/// The value as text; `-` if missing, `?` if it cannot be known, a list between brackets.
fn show(context: &Context<'_>, principal: &Principal, action: Action, key: &str) -> String {
    let facts = Facts::new(
        context,
        principal,
        Owner { account: Some("111122223333"), org: Some("o-owner") },
        Some(action),
    );
    let text = |value: Value<'_>| String::from_utf8(value.into_text().unwrap().bytes().to_vec()).unwrap();
    match Source::Request(facts).value(&KeyRef::parse(key).unwrap()) {
        Value::Missing => "-".into(),
        Value::Unknown => "?".into(),
        Value::List(list) => format!("{:?}", list.iter().map(text).collect::<Vec<_>>()),
        value => text(value),
    }
}

fn check(context: &Context<'_>, rows: &[(&str, &str)]) {
    for (key, expected) in rows {
        assert_eq!(show(context, &alice(), Action::PutObject, key), *expected, "{key}");
    }
}

#[test]
fn either_an_address_or_an_endpoint() {
    let paths = [
        NetworkPath::Unknown,
        NetworkPath::Direct { ip: "::ffff:203.0.113.7".parse().unwrap() },
        NetworkPath::Vpc { ip: "10.0.0.1".parse().unwrap(), vpc: "vpc-1", vpc_arn: Some("arn:v") },
        NetworkPath::Endpoint {
            ip: Some("10.0.0.2".parse().unwrap()),
            vpce: "vpce-1",
            vpc: Some("vpc-2"),
            vpc_arn: Some("arn:w"),
            account: Some("444455556666"),
            org: Some("o-2"),
        },
        NetworkPath::Endpoint {
            ip: None,
            vpce: "vpce-2",
            vpc: None,
            vpc_arn: None,
            account: None,
            org: None,
        },
    ];
    for (key, expected) in [
        ("aws:SourceIp", ["?", "203.0.113.7", "-", "-", "-"]),
        ("aws:VpcSourceIp", ["?", "-", "10.0.0.1", "10.0.0.2", "?"]),
        ("aws:SourceVpce", ["?", "-", "-", "vpce-1", "vpce-2"]),
        ("aws:SourceVpc", ["?", "-", "vpc-1", "vpc-2", "-"]),
        ("aws:SourceVpcArn", ["?", "-", "arn:v", "arn:w", "-"]),
        ("aws:VpceAccount", ["?", "-", "-", "444455556666", "-"]),
        ("aws:VpceOrgID", ["?", "-", "-", "o-2", "-"]),
        ("aws:VpceOrgPaths", ["-", "-", "-", "-", "-"]),
    ] {
        for (network, expected) in paths.into_iter().zip(expected) {
            let context = Context { network, ..Context::at(NOW) };
            check(&context, &[(key, expected)]);
        }
    }
}

#[test]
fn keys_that_are_always_present() {
    let context = Context { region: "eu-west-1", ..Context::at(NOW) };
    check(
        &context,
        &[
            ("aws:SecureTransport", "false"),
            ("aws:ViaAWSService", "false"),
            ("aws:PrincipalIsAWSService", "-"),
            ("aws:CurrentTime", "2026-11-23T17:00:00Z"),
            ("aws:EpochTime", "1795453200"),
            ("aws:UserAgent", ""),
            ("aws:referer", "-"),
            ("aws:RequestedRegion", "eu-west-1"),
            ("aws:ResourceAccount", "111122223333"),
            ("s3:ResourceAccount", "111122223333"),
            ("aws:ResourceOrgID", "o-owner"),
            ("aws:TokenIssueTime", "-"),
            ("aws:MultiFactorAuthPresent", "-"),
            ("aws:CalledVia", "-"),
            ("proxy:AzureLinkId", "-"),
            ("test:unknown", "-"),
        ],
    );
    let context = Context {
        azure_link_id: Some(7),
        gcp_psc_connection_id: Some(u64::MAX),
        issued: Issued::At(UnixMillis::from_secs(0)),
        transport: Transport::Tls(TlsVersion::V1_2),
        user_agent: b"curl",
        referer: Some(b"https://x/"),
        ..context
    };
    check(
        &context,
        &[
            ("proxy:azurelinkid", "7"),
            ("proxy:GcpPscConnectionId", "18446744073709551615"),
            ("aws:TokenIssueTime", "1970-01-01T00:00:00Z"),
            ("aws:SecureTransport", "true"),
            ("s3:TlsVersion", "1.2"),
            ("AWS:USERAGENT", "curl"),
            ("aws:Referer", "https://x/"),
        ],
    );
}

#[test]
fn the_time_is_one_instant_under_both_keys() {
    let (context, alice) = (Context::at(NOW), alice());
    let seconds = Decimal::from_int(NOW.secs());
    for (key, number) in [("aws:CurrentTime", None), ("aws:EpochTime", Some(seconds))] {
        let facts = Facts::new(&context, &alice, Owner::default(), Some(Action::GetObject));
        let value = Source::Request(facts).value(&KeyRef::parse(key).unwrap());
        assert_eq!(value.instant(), Instant::parse("2026-11-23T17:00:00Z"), "{key}");
        assert_eq!(value.number(), number, "{key}");
    }
}

#[test]
fn the_principal() {
    let session = Principal::from_arn("arn:aws:sts::111122223333:assumed-role/up/s1").unwrap();
    let nobody = Principal::anonymous();
    let context = Context::at(NOW);
    for (key, expected) in [
        (
            "aws:PrincipalArn",
            ["arn:aws:iam::111122223333:user/alice", "arn:aws:iam::111122223333:role/up", "-"],
        ),
        ("aws:PrincipalAccount", ["111122223333", "111122223333", "anonymous"]),
        ("aws:PrincipalType", ["User", "AssumedRole", "Anonymous"]),
        ("aws:userid", ["AIDAEXAMPLE", "?", "anonymous"]),
        ("aws:username", ["alice", "-", "-"]),
        ("aws:PrincipalTag/team", ["blue", "-", "-"]),
        ("aws:PrincipalTag/other", ["-", "-", "-"]),
        ("aws:PrincipalOrgID", ["o-1", "-", "-"]),
    ] {
        for (principal, expected) in [&alice(), &session, &nobody].into_iter().zip(expected) {
            assert_eq!(show(&context, principal, Action::GetObject, key), expected, "{key}");
        }
    }
}

#[test]
fn the_signature() {
    use SignatureVersion::{V2, V4, V4A};
    let old = Age::between(NOW.plus_millis(-600_001), NOW);
    let future = Age::between(NOW.plus_millis(5), NOW);
    for (signed, kind, version, age, service) in [
        (Signed::Not, "-", "-", "-", "-"),
        (Signed::Header(V4), "REST-HEADER", "AWS4-HMAC-SHA256", "-", "false"),
        (Signed::Query(V4, old), "REST-QUERY-STRING", "AWS4-HMAC-SHA256", "600001", "false"),
        (Signed::Query(V4A, future), "REST-QUERY-STRING", "AWS4-ECDSA-P256-SHA256", "0", "false"),
        (Signed::Query(V2, old), "REST-QUERY-STRING", "AWS", "0", "false"),
        (Signed::Post(V4, old), "POST", "AWS4-HMAC-SHA256", "600001", "false"),
    ] {
        let context = Context { signed, ..Context::at(NOW) };
        check(
            &context,
            &[
                ("s3:authType", kind),
                ("s3:signatureversion", version),
                ("s3:signatureAge", age),
                ("aws:PrincipalIsAWSService", service),
            ],
        );
    }
}

#[test]
fn keys_of_the_operation() {
    let operation = [
        (Key::Prefix, OperationValue::Text(b"")),
        (Key::XAmzAcl, OperationValue::Text(b"private")),
        (Key::ObjectLockMode, OperationValue::Unknown),
        (Key::IfMatch, OperationValue::Text(b"a")),
        (Key::IfMatch, OperationValue::Text(b"b")),
        // has a field of its own: not read from here
        (Key::SourceIp, OperationValue::Text(b"10.0.0.1")),
        (Key::ExistingObjectTag, OperationValue::Text(b"x")),
        (Key::ObjectCreationOperation, OperationValue::Bool(true)),
    ];
    let network = NetworkPath::Direct { ip: "203.0.113.7".parse().unwrap() };
    let context = Context { operation: &operation, network, ..Context::at(NOW) };
    for (action, key, expected) in [
        (Action::ListBucket, "s3:prefix", ""),
        (Action::GetObject, "s3:prefix", "-"),
        (Action::ListBucket, "s3:max-keys", "1000"),
        (Action::GetObject, "s3:max-keys", "-"),
        (Action::ListBucket, "s3:delimiter", "-"),
        (Action::PutObject, "s3:x-amz-acl", "private"),
        (Action::GetObject, "s3:x-amz-acl", "-"),
        (Action::PutObject, "s3:object-lock-mode", "?"),
        (Action::PutObject, "s3:if-match", "?"),
        (Action::PutObject, "aws:SourceIp", "203.0.113.7"),
        (Action::GetObject, "s3:ExistingObjectTag/a", "?"),
        (Action::PutObject, "s3:ObjectCreationOperation", "true"),
    ] {
        assert_eq!(show(&context, &alice(), action, key), expected, "{key} of {}", action.name());
    }
}

#[test]
fn tags() {
    let text = |text: &'static str| Cow::Borrowed(text.as_bytes());
    let tags = [(text("Project"), text("x")), (text("team"), text("a")), (text("Team"), text("b"))];
    let context =
        Context { object_tags: Tags::Present(&tags), bucket_tags: Tags::Unknown, ..Context::at(NOW) };
    for (action, key, expected) in [
        (Action::PutObject, "s3:RequestObjectTag/project", "x"),
        (Action::PutObject, "s3:RequestObjectTag/none", "-"),
        // S3 keeps the two apart, the key does not
        (Action::PutObject, "s3:RequestObjectTag/team", "?"),
        (Action::PutObject, "s3:RequestObjectTagKeys", r#"["Project", "team", "Team"]"#),
        (Action::GetObject, "s3:RequestObjectTagKeys", "-"),
        (Action::CreateBucket, "aws:RequestTag/x", "?"),
        (Action::CreateBucket, "aws:TagKeys", "?"),
        (Action::PutObject, "aws:TagKeys", "-"),
    ] {
        assert_eq!(show(&context, &alice(), action, key), expected, "{key} of {}", action.name());
    }
    let bare = Context::at(NOW);
    assert_eq!(show(&bare, &alice(), Action::PutObject, "s3:RequestObjectTagKeys"), "-");
}

#[test]
fn a_key_that_cannot_be_known_has_no_value_and_is_not_missing() {
    let context = Context::at(NOW);
    for key in Key::ALL {
        let name =
            if key.arity() == Arity::Tagged { format!("{}x", key.name()) } else { key.name().to_owned() };
        // an action that has every key of the table does not exist: ask for those that have this one
        let action = Action::ALL.iter().copied().find(|action| action_keys::of(*action) & key.bit() != 0);
        if key.is_of_actions() && action.is_none() {
            continue;
        }
        let shown = show(&context, &alice(), action.unwrap_or(Action::GetObject), &name);
        match key.known() {
            Known::Never => assert_eq!(shown, "?", "{name}"),
            Known::NeverPresent => assert_eq!(shown, "-", "{name}"),
            Known::Gate => {}
        }
    }
}
