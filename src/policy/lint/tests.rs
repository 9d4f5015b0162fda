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

#[test]
fn statements_of_bucket_policies() {
    use WarningKind::{
        AgeInSeconds, DeniesEndpoints, DeniesFamily, DeniesOutside, NeverValue, Public, VacuousForAll,
    };
    for (effect, condition, expected) in [
        ("Allow", "{}", vec![Public]),
        ("Allow", r#"{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}"#, vec![]),
        ("Allow", r#"{"IpAddress":{"aws:SourceIp":"0.0.0.0/0"}}"#, vec![Public]),
        ("Allow", r#"{"IpAddressIfExists":{"aws:SourceIp":"203.0.113.0/24"}}"#, vec![Public]),
        ("Allow", r#"{"StringEquals":{"aws:SourceVpc":"vpc-1"}}"#, vec![]),
        ("Allow", r#"{"StringLike":{"aws:SourceVpc":"vpc-*"}}"#, vec![Public]),
        ("Allow", r#"{"StringEquals":{"aws:UserAgent":"x"}}"#, vec![Public]),
        ("Allow", r#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/*"}}"#, vec![]),
        ("Allow", r#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/*"}}"#, vec![Public]),
        (
            "Allow",
            r#"{"StringEquals":{"aws:SourceVpc":"vpc-1"},"ForAllValues:StringEquals":{"aws:TagKeys":"a"}}"#,
            vec![VacuousForAll("aws:TagKeys".into())],
        ),
        (
            "Allow",
            r#"{"StringEquals":{"aws:SourceVpc":"vpc-1"},"ForAllValues:StringEquals":{"aws:TagKeys":"a"},"Null":{"AWS:tagkeys":false}}"#,
            vec![],
        ),
        ("Deny", r#"{"ForAllValues:StringEquals":{"aws:TagKeys":"a"}}"#, vec![]),
        (
            "Deny",
            r#"{"StringNotEquals":{"aws:SourceVpce":["vpce-1","vpce-2"]}}"#,
            vec![DeniesOutside("vpce-1, vpce-2".into())],
        ),
        (
            "Deny",
            r#"{"NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"}}"#,
            vec![DeniesEndpoints, DeniesFamily("IPv6")],
        ),
        (
            "Deny",
            r#"{"NotIpAddress":{"aws:SourceIp":["203.0.113.0/24","2001:db8::/32"]}}"#,
            vec![DeniesEndpoints],
        ),
        (
            "Deny",
            r#"{"NotIpAddressIfExists":{"aws:SourceIp":"203.0.113.0/24"},"StringNotEqualsIfExists":{"aws:SourceVpc":"vpc-1"}}"#,
            vec![],
        ),
        ("Deny", r#"{"NumericGreaterThan":{"s3:signatureAge":600}}"#, vec![AgeInSeconds("600".into())]),
        ("Deny", r#"{"NumericGreaterThan":{"s3:signatureAge":600000}}"#, vec![]),
        (
            "Deny",
            r#"{"StringEquals":{"s3:authType":"REST-query-string"}}"#,
            vec![NeverValue {
                key: "s3:authType".into(),
                found: "REST-query-string".into(),
                expected: "REST-QUERY-STRING",
            }],
        ),
        ("Deny", r#"{"StringEqualsIgnoreCase":{"s3:authType":"REST-query-string"}}"#, vec![]),
    ] {
        assert_eq!(kinds(&bucket(effect, condition), Kind::Resource), expected, "{effect} {condition}");
    }
}

#[test]
fn statements_of_identity_policies() {
    use WarningKind::{
        AllowNotAction, AllowNotResource, BucketNotListed, LooseBucket, NoServedAction, NoServedResource,
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

#[test]
fn a_warning_names_its_statement() {
    let text = r#"{"Version":"2012-10-17","Statement":[
        {"Effect":"Deny","NotPrincipal":{"AWS":"111122223333"},"Action":"s3:*","Resource":"*"}]}"#;
    let warnings = lint(&document(text, Kind::Resource).document);
    assert_eq!(warnings[0].place.path, "Statement[0]");
    assert_eq!(warnings[0].place.position, Some((2, 9)));
    assert_eq!(warnings[0].kind, WarningKind::NotPrincipalDeny);
    assert_eq!(warnings.len(), 1);
}
