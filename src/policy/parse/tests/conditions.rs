//! Conditions that are refused: operators, keys and values.
//! It must not test comparisons.

use super::*;

/// Checks a statement with this condition.
fn check_condition(condition: &str, path: &str, kind: ErrorKind) {
    let text =
        statement(&format!(r#""Effect":"Deny","Action":"s3:*","Resource":"*","Condition":{condition}"#));
    let path =
        if path.is_empty() { "Statement.Condition".into() } else { format!("Statement.Condition.{path}") };
    check(&text, Kind::Identity, &path, kind);
}

#[test]
fn operators_and_lists_that_are_refused() {
    use ErrorKind::{Duplicate, Empty, Ip, Key, Null, Operator, Variable, WrongType};
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
    ] {
        check_condition(condition, path, kind);
    }
}

#[test]
fn keys_and_values_that_are_refused() {
    use ErrorKind::{
        AmbiguousDate, Arn, Base64, Bool, Date, NeedsSetPrefix, Number, UnknowableKey, Variable,
    };
    for (condition, path, kind) in [
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
        check_condition(condition, path, kind);
    }
}
