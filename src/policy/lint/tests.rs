//! What is warned of, and what is not.
//! It must not test what the parser warns of.

use super::*;
use crate::policy::document::Kind;
use crate::policy::testing::document;

fn kinds(statement: &str, kind: Kind) -> Vec<WarningKind> {
    let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#);
    lint(&document(&text, kind).document).into_iter().map(|warning| warning.kind).collect()
}

/// A statement of a bucket policy for everybody.
fn bucket(effect: &str, condition: &str) -> String {
    format!(
        r#"{{"Effect":"{effect}","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::media/*","Condition":{condition}}}"#
    )
}

fn check(effect: &str, condition: &str, expected: &[WarningKind]) {
    assert_eq!(kinds(&bucket(effect, condition), Kind::Resource), expected, "{effect} {condition}");
}

#[test]
fn allow_statements_of_bucket_policies() {
    use WarningKind::{AllowsMissing, KeyNotOfActions, NeverTogether, Public, VacuousForAll};
    let missing = |operator: &str, key: &str| AllowsMissing { operator: operator.into(), key: key.into() };
    let together = |test: &str| NeverTogether(test.into());
    for (condition, expected) in [
        ("{}", vec![Public]),
        (r#"{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}"#, vec![]),
        (r#"{"IpAddress":{"aws:SourceIp":"0.0.0.0/0"}}"#, vec![Public]),
        (
            r#"{"IpAddressIfExists":{"aws:SourceIp":"203.0.113.0/24"}}"#,
            vec![Public, missing("IpAddressIfExists", "aws:SourceIp")],
        ),
        (
            r#"{"StringNotEquals":{"aws:SourceVpc":"vpc-1"}}"#,
            vec![Public, missing("StringNotEquals", "aws:SourceVpc")],
        ),
        (r#"{"StringNotEquals":{"aws:SourceVpc":"vpc-1"},"Null":{"aws:SourceVpc":false}}"#, vec![Public]),
        (
            r#"{"StringNotEquals":{"aws:SourceVpc":"vpc-1"},"StringLike":{"aws:SourceVpc":"vpc-*"}}"#,
            vec![Public],
        ),
        (
            r#"{"StringEquals":{"aws:SourceVpc":"vpc-1"},"BoolIfExists":{"aws:SecureTransport":"true"}}"#,
            vec![],
        ),
        (
            r#"{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"},"StringEquals":{"aws:SourceVpce":"vpce-1"}}"#,
            vec![together("IpAddress aws:SourceIp")],
        ),
        // an address is one way not to come through that endpoint
        (
            r#"{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"},"StringNotEquals":{"aws:SourceVpce":"vpce-1"}}"#,
            vec![missing("StringNotEquals", "aws:SourceVpce")],
        ),
        (r#"{"StringEquals":{"aws:SourceVpc":"vpc-1"}}"#, vec![]),
        (r#"{"StringLike":{"aws:SourceVpc":"vpc-*"}}"#, vec![Public]),
        (r#"{"StringEquals":{"aws:UserAgent":"x"}}"#, vec![Public]),
        (r#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/*"}}"#, vec![]),
        (r#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/*"}}"#, vec![Public]),
        (
            r#"{"StringEquals":{"aws:SourceVpc":"vpc-1"},"ForAllValues:StringEquals":{"aws:TagKeys":"a"}}"#,
            vec![KeyNotOfActions("aws:TagKeys".into()), VacuousForAll("aws:TagKeys".into())],
        ),
        // two of several values
        (
            r#"{"StringEquals":{"aws:SourceVpc":"vpc-1"},"ForAnyValue:StringEquals":{"aws:TagKeys":"a"},"ForAnyValue:StringEqualsIfExists":{"aws:TagKeys":"b"}}"#,
            vec![KeyNotOfActions("aws:TagKeys".into()), KeyNotOfActions("aws:TagKeys".into())],
        ),
        (
            r#"{"StringEquals":{"aws:SourceVpc":"vpc-1"},"ForAllValues:StringEquals":{"aws:TagKeys":"a"},"Null":{"AWS:tagkeys":false}}"#,
            vec![KeyNotOfActions("aws:TagKeys".into()), KeyNotOfActions("AWS:tagkeys".into())],
        ),
    ] {
        check("Allow", condition, &expected);
    }
}

#[test]
fn deny_statements_of_bucket_policies() {
    use WarningKind::{
        AgeInSeconds, DeniesEndpoints, DeniesFamily, DeniesOutside, KeyNotOfActions, NeverTogether,
        NeverValue, SparesMissing,
    };
    let spares = |key: &str, who| SparesMissing { key: key.into(), who };
    let together = |test: &str| NeverTogether(test.into());
    for (condition, expected) in [
        (
            r#"{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"},"Null":{"aws:SourceIp":"true"}}"#,
            vec![together("IpAddress aws:SourceIp")],
        ),
        (
            r#"{"StringEquals":{"aws:username":["a","b"]},"StringLike":{"aws:username":"c"}}"#,
            vec![together("StringEquals aws:username")],
        ),
        (r#"{"StringEquals":{"aws:username":["a","b"]},"StringLike":{"aws:username":"b*"}}"#, vec![]),
        (r#"{"StringLike":{"s3:prefix":"a*"}}"#, vec![KeyNotOfActions("s3:prefix".into())]),
        (r#"{"NumericLessThan":{"s3:TlsVersion":1.2}}"#, vec![spares("s3:TlsVersion", "those without TLS")]),
        (r#"{"NumericLessThanIfExists":{"s3:TlsVersion":1.2}}"#, vec![]),
        (r#"{"NumericLessThan":{"s3:TlsVersion":1.2},"Bool":{"aws:SecureTransport":true}}"#, vec![]),
        (r#"{"ForAllValues:StringEquals":{"aws:CalledVia":"a"}}"#, vec![]),
        (
            r#"{"StringNotEquals":{"aws:SourceVpce":["vpce-1","vpce-2"]}}"#,
            vec![DeniesOutside("vpce-1, vpce-2".into())],
        ),
        (
            r#"{"NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"}}"#,
            vec![DeniesEndpoints, DeniesFamily("IPv6")],
        ),
        (r#"{"NotIpAddress":{"aws:SourceIp":"2001:db8::/32"}}"#, vec![DeniesEndpoints, DeniesFamily("IPv4")]),
        (r#"{"NotIpAddress":{"aws:SourceIp":["203.0.113.0/24","2001:db8::/32"]}}"#, vec![DeniesEndpoints]),
        (
            r#"{"NotIpAddressIfExists":{"aws:SourceIp":"203.0.113.0/24"},"StringNotEqualsIfExists":{"aws:SourceVpc":"vpc-1"}}"#,
            vec![],
        ),
        (
            r#"{"NumericGreaterThan":{"s3:signatureAge":600}}"#,
            vec![
                AgeInSeconds("600".into()),
                spares("s3:signatureAge", "those whose signature is in a header"),
            ],
        ),
        (
            r#"{"NumericGreaterThan":{"s3:signatureAge":600000}}"#,
            vec![spares("s3:signatureAge", "those whose signature is in a header")],
        ),
        (r#"{"NumericGreaterThan":{"s3:signatureAge":0},"StringEquals":{"s3:authType":"POST"}}"#, vec![]),
        (
            r#"{"NumericLessThan":{"s3:signatureAge":0},"StringEquals":{"s3:authType":"POST"}}"#,
            vec![NeverValue { key: "s3:signatureAge".into(), found: "0".into(), expected: "0 or more" }],
        ),
        (
            r#"{"NumericGreaterThan":{"s3:signatureAge":-5},"StringEquals":{"s3:authType":"POST"}}"#,
            vec![NeverValue { key: "s3:signatureAge".into(), found: "-5".into(), expected: "0 or more" }],
        ),
        (
            r#"{"StringEquals":{"s3:authType":"REST-query-string"}}"#,
            vec![NeverValue {
                key: "s3:authType".into(),
                found: "REST-query-string".into(),
                expected: "REST-QUERY-STRING",
            }],
        ),
        (r#"{"StringEqualsIgnoreCase":{"s3:authType":"REST-query-string"}}"#, vec![]),
    ] {
        check("Deny", condition, &expected);
    }
}

#[test]
fn statements_of_identity_policies() {
    use WarningKind::{
        AllowNotAction, AllowNotResource, BucketNotListed, DeniesEverybody, LooseBucket, NoServedAction,
        NoServedResource, ObjectsNotListed,
    };
    for (statement, expected) in [
        (r#""Effect":"Allow","Action":"s3:*","Resource":"*""#, vec![]),
        (r#""Effect":"Allow","NotAction":"s3:Delete*","Resource":"*""#, vec![AllowNotAction]),
        (r#""Effect":"Deny","NotAction":"s3:Get*","Resource":"*""#, vec![]),
        (r#""Effect":"Allow","Action":"ec2:*","Resource":"*""#, vec![NoServedAction]),
        (r#""Effect":"Allow","Action":"s3:*","NotResource":"arn:aws:s3:::media""#, vec![AllowNotResource]),
        (
            r#""Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::media*""#,
            vec![LooseBucket("arn:aws:s3:::media*".into())],
        ),
        (r#""Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::media/*""#, vec![]),
        (
            r#""Effect":"Allow","Action":["s3:GetObject","s3:List*"],"Resource":"arn:aws:s3:::media/*""#,
            vec![BucketNotListed { action: "s3:ListBucket", resource: "arn:aws:s3:::media/*".into() }],
        ),
        (
            r#""Effect":"Allow","Action":"s3:ListBucket","Resource":["arn:aws:s3:::media","arn:aws:s3:::media/*"]"#,
            vec![],
        ),
        (
            r#""Effect":"Allow","Action":"s3:Get*","Resource":["arn:aws:s3:::media"]"#,
            vec![ObjectsNotListed { action: "s3:GetObject", resource: "arn:aws:s3:::media".into() }],
        ),
        (r#""Effect":"Allow","Action":"s3:Get*","Resource":"arn:aws:s3:::media?b""#, vec![]),
        (r#""Effect":"Deny","Action":"*","Resource":"*""#, vec![DeniesEverybody("everything")]),
        (
            r#""Effect":"Deny","Action":"s3:*","Resource":"arn:aws:s3:::*","Condition":{"Bool":{"aws:ViaAWSService":"false"}}"#,
            vec![DeniesEverybody("everything")],
        ),
        (r#""Effect":"Deny","Action":"s3:*","Resource":"arn:aws:s3:::media""#, vec![]),
        (r#""Effect":"Deny","Action":"s3:Put*","Resource":"*""#, vec![]),
        (
            r#""Effect":"Allow","Action":"s3:*","Resource":"arn:aws:iam::111122223333:user/x""#,
            vec![NoServedResource("arn:aws:iam::111122223333:user/x".into())],
        ),
        (
            r#""Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:us-east-1::media""#,
            vec![NoServedResource("arn:aws:s3:us-east-1::media".into())],
        ),
    ] {
        assert_eq!(kinds(&format!("{{{statement}}}"), Kind::Identity), expected, "{statement}");
    }
}

/// Paths and kinds of the warnings of a bucket policy.
fn of_bucket_policy(statements: &str) -> Vec<(String, WarningKind)> {
    let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
    let warnings = lint(&document(&text, Kind::Resource).document);
    warnings.into_iter().map(|warning| (warning.place.path, warning.kind)).collect()
}

#[test]
fn those_whom_a_deny_spares_are_denied_by_another_deny_only() {
    let statement = |effect: &str, condition: &str| {
        format!(
            r#"{{"Effect":"{effect}","Principal":{{"AWS":"111122223333"}},"Action":"s3:*","Resource":"arn:aws:s3:::media/*","Condition":{condition}}}"#
        )
    };
    let old = statement("Deny", r#"{"NumericLessThan":{"s3:TlsVersion":1.2}}"#);
    let warning = WarningKind::SparesMissing { key: "s3:TlsVersion".into(), who: "those without TLS" };
    let path = "Statement[0].Condition.NumericLessThan.s3:TlsVersion".to_owned();
    for (effect, condition, are_spared) in [
        ("Deny", r#"{"Bool":{"aws:SecureTransport":false}}"#, false),
        ("Allow", r#"{"Bool":{"aws:SecureTransport":false}}"#, true),
        ("Deny", r#"{"Null":{"s3:TlsVersion":true}}"#, false),
        ("Deny", r#"{"Null":{"s3:TlsVersion":false}}"#, true),
        ("Deny", r#"{"Null":{"aws:SourceVpce":true}}"#, true),
    ] {
        let other = statement(effect, condition);
        let expected = if are_spared { vec![(path.clone(), warning.clone())] } else { vec![] };
        assert_eq!(of_bucket_policy(&format!("{old},{other}")), expected, "{effect} {condition}");
    }
}

#[test]
fn a_bucket_that_nobody_can_reach_any_more() {
    use WarningKind::{DeniesBothWays, DeniesEndpoints, DeniesEverybody, DeniesFamily, DeniesOutside};
    let deny = |sid: &str, condition: &str| {
        format!(
            r#"{{"Sid":"{sid}","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::media/*","Condition":{condition}}}"#
        )
    };
    let address = deny("Address", r#"{"NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"}}"#);
    let endpoint = deny("Endpoint", r#"{"StringNotEquals":{"aws:SourceVpce":"vpce-1"}}"#);
    let path = |statement: u32, test: &str| format!("Statement[{statement}].Condition.{test}");
    assert_eq!(
        of_bucket_policy(&format!("{address},{endpoint}")),
        [
            (path(0, "NotIpAddress.aws:SourceIp"), DeniesEndpoints),
            (path(0, "NotIpAddress.aws:SourceIp"), DeniesFamily("IPv6")),
            (path(1, "StringNotEquals.aws:SourceVpce"), DeniesOutside("vpce-1".into())),
            (path(1, "StringNotEquals.aws:SourceVpce"), DeniesBothWays("Address".into())),
        ]
    );
    let everybody = DeniesEverybody("every action on these resources");
    let never_there = of_bucket_policy(&deny("All", r#"{"Null":{"aws:MultiFactorAuthPresent":true}}"#));
    assert!(never_there.contains(&("Statement[0]".into(), everybody)), "{never_there:?}");
    assert_eq!(
        of_bucket_policy(&deny("All", "{}")),
        [("Statement[0]".into(), DeniesEverybody("every action on these resources"))]
    );
    assert_eq!(of_bucket_policy(&deny("Some", r#"{"Bool":{"aws:SecureTransport":false}}"#)), []);
}

#[test]
fn resources_of_other_buckets() {
    let of = |resource: &str| {
        let text = format!(
            r#"{{"Statement":{{"Effect":"Deny","Principal":"*","Action":"*","Resource":"{resource}"}}}}"#
        );
        foreign(&document(&text, Kind::Resource).document, "media").len()
    };
    for (resource, expected) in [
        ("*", 0),
        ("arn:aws:s3:::media", 0),
        ("arn:aws:s3:::media/*", 0),
        ("arn:aws:s3:::me*", 0),
        ("arn:aws:s3:::*/x", 0),
        ("arn:aws:s3:::medium", 1),
        ("arn:aws:s3:::medium/*", 1),
        ("arn:aws:s3:::media2*", 1),
        ("arn:aws:s3:::med/*", 1),
    ] {
        assert_eq!(of(resource), expected, "{resource}");
    }
}

#[test]
fn a_warning_names_its_element() {
    let text = r#"{"Version":"2012-10-17","Statement":[
        {"Effect":"Deny","NotPrincipal":{"AWS":"111122223333"},"Action":"s3:*","Resource":"*"}]}"#;
    let warnings = lint(&document(text, Kind::Resource).document);
    assert_eq!(warnings[0].place.path, "Statement[0].NotPrincipal");
    assert_eq!(warnings[0].place.position, Some((2, 26)));
    assert_eq!(warnings[0].kind, WarningKind::NotPrincipalDeny);
    assert_eq!(warnings.len(), 1);
}

#[test]
fn every_finding_has_a_hint() {
    use crate::policy::error::ErrorKind;
    for (kind, hint) in [
        (WarningKind::UnknownKey("aws:PrincipleTag/team".into()), "did you mean `aws:PrincipalTag/team`?"),
        (WarningKind::UnknownKey("aws:SourceVPCe2".into()), "did you mean `aws:SourceVpce`?"),
        (WarningKind::UnknownKey("s3:x-amz-grant-reed".into()), "did you mean `s3:x-amz-grant-read`?"),
        (WarningKind::UnknownAction("s3:GetObjects".into()), "did you mean `s3:GetObject`?"),
        (WarningKind::UnknownAction("s3:ListBuckets".into()), "did you mean `s3:ListBucket`?"),
    ] {
        assert_eq!(kind.hint().as_deref(), Some(hint));
    }
    let operator = |name: &str| {
        let error = crate::policy::operator::Operator::parse(name).unwrap_err();
        ErrorKind::Operator(name.into(), error).hint().unwrap()
    };
    assert_eq!(operator("StringEqual"), "did you mean `StringEquals`?");
    assert_eq!(operator("StringNotEqualIfExists"), "did you mean `StringNotEqualsIfExists`?");
    assert_eq!(operator("ForAllValue:StringLikes"), "did you mean `ForAllValues:StringLike`?");
    assert_eq!(
        ErrorKind::UnknownElement("Actions".into(), &["Action", "NotAction"]).hint().unwrap(),
        "did you mean `Action`?"
    );
}
