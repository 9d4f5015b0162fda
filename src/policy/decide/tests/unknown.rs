//! Decisions about somebody whom nobody here knows: between nobody and everybody.
//! It must not test what only names decide: that is with the rule of principals.

use super::*;
use crate::policy::context::Issued;

const INSIDE: &str = "203.0.113.7";
const OUTSIDE: &str = "198.51.100.9";

/// The decision on a GET of `public/a.txt`, with a bucket policy and guardrails of these statements.
fn ask(ip: &str, bucket: &str, guardrail: &str) -> (Outcome, bool) {
    let unknown = Principal::unknown();
    let context = Context { issued: Issued::Untold, ..presigned(direct(ip)) };
    let guardrails: Vec<_> = [guardrail]
        .iter()
        .filter(|text| !text.is_empty())
        .map(|text| compiled(Kind::Guardrail, text))
        .collect();
    let resource = (!bucket.is_empty()).then(|| compiled(Kind::Resource, bucket));
    let layers = Layers { resource: resource.as_deref(), guardrails: &guardrails, ..Layers::default() };
    let decision = decide(&layers, &get(&unknown, &context));
    (decision.outcome, decision.is_silent())
}

fn statement(effect: &str, principal: &str, condition: &str) -> String {
    let principal = if principal.is_empty() { String::new() } else { format!(r#""Principal":{principal},"#) };
    format!(
        r#"{{"Effect":"{effect}",{principal}"Action":"s3:*","Resource":"*","Condition":{{{condition}}}}}"#
    )
}

#[test]
fn what_somebody_unknown_may() {
    let alice = r#"{"AWS":"arn:aws:iam::111122223333:user/alice"}"#;
    let account = r#"{"AWS":"111122223333"}"#;
    let (denied, allowed) = ((Outcome::ExplicitlyDenied, false), (Outcome::Allowed, false));
    let (silent, unclear) = ((Outcome::ImplicitlyDenied, true), (Outcome::ImplicitlyDenied, false));
    let about_principal = [
        r#""StringEquals":{"aws:PrincipalAccount":"111122223333"}"#,
        r#""StringNotEquals":{"aws:PrincipalAccount":"111122223333"}"#,
        r#""ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/*"}"#,
        r#""StringEquals":{"aws:PrincipalType":"User"}"#,
        r#""StringNotEquals":{"aws:PrincipalType":"Anonymous"}"#,
        r#""StringLike":{"aws:userid":"AIDA*"}"#,
        r#""StringLike":{"aws:username":"*"}"#,
        r#""StringEqualsIfExists":{"aws:PrincipalTag/team":"red"}"#,
        r#""StringEquals":{"aws:PrincipalOrgID":"o-abcd"}"#,
        r#""Null":{"aws:PrincipalArn":true}"#,
        r#""Null":{"aws:PrincipalArn":false}"#,
        r#""Null":{"aws:TokenIssueTime":true}"#,
        r#""Bool":{"aws:MultiFactorAuthPresent":false}"#,
        r#""BoolIfExists":{"aws:MultiFactorAuthPresent":true}"#,
        r#""Bool":{"aws:PrincipalIsAWSService":false}"#,
        r#""StringEqualsIfExists":{"aws:SourceIdentity":"alice"}"#,
    ];
    for (bucket, guardrail, expected) in [
        ("", "", silent),
        (&*statement("Allow", r#""*""#, ""), "", allowed),
        (&statement("Allow", r#"{"AWS":"*"}"#, ""), "", allowed),
        // it may be somebody else: no statement speaks of it
        (&statement("Allow", alice, ""), "", silent),
        (&statement("Allow", account, ""), "", silent),
        (&statement("Deny", alice, ""), "", denied),
        (&statement("Deny", account, ""), "", denied),
        (&statement("Deny", r#"{"Service":"logging.s3.amazonaws.com"}"#, ""), "", denied),
        (&[statement("Allow", r#""*""#, ""), statement("Deny", alice, "")].join(","), "", denied),
        (&statement("Allow", r#""*""#, ""), &*statement("Deny", "", ""), denied),
    ] {
        assert_eq!(ask(INSIDE, bucket, guardrail), expected, "{bucket} {guardrail}");
    }
    for condition in about_principal {
        assert_eq!(ask(INSIDE, &statement("Allow", r#""*""#, condition), ""), unclear, "{condition}");
        assert_eq!(ask(INSIDE, &statement("Deny", r#""*""#, condition), ""), denied, "{condition}");
        assert_eq!(ask(INSIDE, "", &statement("Deny", "", condition)), denied, "{condition}");
    }
}

/// The rule about networks is the same as for a key that is known, also where it exempts somebody.
#[test]
fn no_network_is_open_to_somebody_unknown_that_is_closed_to_others() {
    let network = r#""NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"}"#;
    let exempt =
        format!(r#"{network},"ArnNotEquals":{{"aws:PrincipalArn":"arn:aws:iam::111122223333:user/ops"}}"#);
    let open = statement("Allow", r#""*""#, "");
    for guardrail in [network, &exempt] {
        let guardrail = statement("Deny", "", guardrail);
        assert_eq!(ask(INSIDE, &open, &guardrail).0, Outcome::Allowed);
        assert_eq!(ask(OUTSIDE, &open, &guardrail).0, Outcome::ExplicitlyDenied);
        assert_eq!(ask(OUTSIDE, "", &guardrail).0, Outcome::ExplicitlyDenied);
    }
}
