//! Decisions over all layers, and the worked examples of network rules.
//! It must not repeat the corpus, which holds the matrix of layers.

mod examples;
mod properties;
mod unknown;

use super::*;
use crate::clock::UnixMillis;
use crate::policy::context::{
    Age, Context, KeyMap, NetworkPath, OperationValue, SignatureVersion, Signed, TlsVersion, Transport,
};
use crate::policy::document::{Effect, Kind};
use crate::policy::key::Key;
use crate::policy::principal::Principal;
use crate::policy::query::{ActionRef, ContextRef, Owner, ResourceRef};
use crate::policy::testing::document;
use crate::policy::truth::Truth;
use crate::s3::action::Action;

const NOW: UnixMillis = UnixMillis::from_secs(1_795_453_200);

fn compiled(kind: Kind, statements: &str) -> Arc<Compiled> {
    let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
    Arc::new(Compiled::compile(kind.name(), &document(&text, kind).document))
}

fn user(name: &str) -> Principal {
    Principal::from_arn(&format!("arn:aws:iam::111122223333:user/{name}")).unwrap()
}

fn direct(ip: &str) -> NetworkPath<'static> {
    NetworkPath::Direct { ip: ip.parse().unwrap() }
}

fn endpoint<'a>(vpce: &'a str, vpc: &'a str, account: Option<&'a str>) -> NetworkPath<'a> {
    let ip = Some("10.1.2.3".parse().unwrap());
    NetworkPath::Endpoint { ip, vpce, vpc: Some(vpc), vpc_arn: None, account, org: None }
}

/// The circumstances of the worked examples: a presigned request over TLS 1.3, ten minutes old.
fn presigned(network: NetworkPath<'_>) -> Context<'_> {
    let age = Age::between(NOW.plus_millis(-600_000), NOW);
    Context {
        network,
        transport: Transport::Tls(TlsVersion::V1_3),
        signed: Signed::Query(SignatureVersion::V4, age),
        region: "us-east-1",
        ..Context::at(NOW)
    }
}

fn get<'a>(principal: &'a Principal, context: &'a Context<'a>) -> Query<'a> {
    Query {
        principal,
        owner: Owner::default(),
        action: ActionRef::Known(Action::GetObject),
        resource: ResourceRef::object("media", b"public/a.txt"),
        context: ContextRef::Request(context),
    }
}

#[test]
fn what_cannot_be_answered_denies_and_does_not_allow() {
    let operation = [(Key::MaxKeys, OperationValue::Text(b"abc"))];
    let context = Context { operation: &operation, ..presigned(direct("203.0.113.7")) };
    let alice = user("alice");
    let list = Query {
        action: ActionRef::Known(Action::ListBucket),
        resource: ResourceRef::bucket("media"),
        ..get(&alice, &context)
    };
    let statement = |effect: &str| {
        let text =
            r#""Action":"s3:ListBucket","Resource":"*","Condition":{"NumericLessThan":{"s3:max-keys":10}}"#;
        compiled(Kind::Identity, &format!(r#"{{"Effect":"{effect}",{text}}}"#))
    };
    let (allow, deny) = ([statement("Allow")], [statement("Deny")]);
    let decision = decide(&Layers { identity: &allow, ..Layers::default() }, &list);
    assert_eq!((decision.outcome, decision.indeterminate), (Outcome::ImplicitlyDenied, true));
    assert!(!decision.is_silent());
    assert_eq!(decision.lacking, Some(Lacking::Grant));
    let decision = decide(&Layers { guardrails: &deny, ..Layers::default() }, &list);
    assert_eq!((decision.outcome, decision.indeterminate), (Outcome::ExplicitlyDenied, true));
    assert_eq!(decision.matched.len(), 1);
    let decision = decide(&Layers::default(), &list);
    assert!(decision.is_silent());
}

#[test]
fn statements_that_decide_are_named() {
    let context = presigned(direct("203.0.113.7"));
    let alice = user("alice");
    let query = get(&alice, &context);
    let identity = [compiled(
        Kind::Identity,
        r#"{"Effect":"Allow","Action":"s3:Put*","Resource":"*"},{"Sid":"Read","Effect":"Allow","Action":"s3:Get*","Resource":"*"}"#,
    )];
    let boundary = compiled(Kind::Boundary, r#"{"Effect":"Allow","Action":"s3:*","Resource":"*"}"#);
    let layers = Layers { identity: &identity, boundary: Some(&boundary), ..Layers::default() };
    let decision = decide(&layers, &query);
    let named: Vec<_> = decision.matched.iter().map(|s| (s.document(), s.label(), s.effect())).collect();
    assert_eq!(
        named,
        [("identity policy", "Read", Effect::Allow), ("permissions boundary", "statement[0]", Effect::Allow)]
    );
    let guardrail =
        [compiled(Kind::Guardrail, r#"{"Effect":"Deny","Action":"s3:GetObject","Resource":"*"}"#)];
    assert_eq!(guardrail.each_ref().map(|document| document.name()), ["guardrail"]);
    let decision = decide(&Layers { guardrails: &guardrail, ..layers }, &query);
    assert_eq!(decision.outcome, Outcome::ExplicitlyDenied);
    assert_eq!(format!("{:?}", decision.matched), "[guardrail#statement[0] (Deny)]");
}

#[test]
fn layers_that_lack_an_allow_are_named() {
    let all = r#"{"Effect":"Allow","Action":"s3:*","Resource":"*"}"#;
    let none = r#"{"Effect":"Allow","Action":"s3:ListBucket","Resource":"*"}"#;
    let public = r#"{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}"#;
    let identity = [compiled(Kind::Identity, all)];
    let (narrow, other) = (compiled(Kind::Boundary, none), compiled(Kind::Session, none));
    let open = compiled(Kind::Resource, public);
    let closed = [compiled(
        Kind::Endpoint,
        r#"{"Effect":"Allow","Principal":{"AWS":"444455556666"},"Action":"s3:*","Resource":"*"}"#,
    )];
    let context = presigned(direct("203.0.113.7"));
    let (alice, nobody) = (user("alice"), Principal::anonymous());
    let ours = get(&alice, &context);
    let foreign = Query { owner: Owner { account: Some("444455556666"), org: None }, ..ours };
    let anonymous = Query { principal: &nobody, ..ours };
    let base = Layers { identity: &identity, ..Layers::default() };
    for (layers, query, expected) in [
        (base, ours, None),
        (Layers { boundary: Some(&narrow), ..base }, ours, Some(Lacking::Boundary)),
        (Layers { session: Some(&other), ..base }, ours, Some(Lacking::Session)),
        (Layers { endpoint: &closed, ..base }, ours, Some(Lacking::Endpoint)),
        (Layers::default(), ours, Some(Lacking::Grant)),
        // a direct grant is not limited by what boundary and session leave out
        (
            Layers { resource: Some(&open), boundary: Some(&narrow), session: Some(&other), ..base },
            ours,
            None,
        ),
        (base, foreign, Some(Lacking::Resource)),
        (Layers { resource: Some(&open), ..base }, foreign, None),
        (Layers { resource: Some(&open), boundary: Some(&narrow), ..base }, foreign, Some(Lacking::Boundary)),
        (Layers { resource: Some(&open), ..Layers::default() }, foreign, Some(Lacking::Identity)),
        (base, anonymous, Some(Lacking::Resource)),
        (Layers { resource: Some(&open), ..Layers::default() }, anonymous, None),
        (Layers { resource: Some(&open), endpoint: &closed, ..base }, anonymous, Some(Lacking::Endpoint)),
    ] {
        let decision = decide(&layers, &query);
        assert_eq!(decision.lacking, expected, "{layers:?} {query:?}");
        assert_eq!(decision.is_allowed(), expected.is_none());
    }
}

#[test]
fn guardrails_hold_for_everybody_and_grant_nothing() {
    let context = presigned(direct("198.51.100.9"));
    let nobody = Principal::anonymous();
    let open =
        compiled(Kind::Resource, r#"{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}"#);
    let rules = |text: &str| [compiled(Kind::Guardrail, text)];
    let deny = rules(
        r#"{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"NotIpAddressIfExists":{"aws:SourceIp":"203.0.113.0/24"}}}"#,
    );
    let allow = rules(r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#);
    let query = get(&nobody, &context);
    let layers = Layers { resource: Some(&open), guardrails: &deny, ..Layers::default() };
    assert_eq!(decide(&layers, &query).outcome, Outcome::ExplicitlyDenied);
    let alice = user("alice");
    let layers = Layers { guardrails: &allow, ..Layers::default() };
    assert!(decide(&layers, &get(&alice, &context)).is_silent());
}

#[test]
fn documents_that_would_deny_are_named_by_position() {
    let alice = user("alice");
    let deny = |condition: &str| {
        let rest = r#""Effect":"Deny","Action":"*","Resource":"*","Condition""#;
        compiled(Kind::Guardrail, &format!("{{{rest}:{condition}}}"))
    };
    let documents = [
        deny(r#"{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}"#),
        deny(r#"{"IpAddress":{"aws:SourceIp":"198.51.100.0/24"}}"#),
        compiled(Kind::Guardrail, r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#),
        deny("{}"),
    ];
    let check = |network: NetworkPath<'_>, expected: &[usize]| {
        let context = presigned(network);
        let found: Vec<_> = would_deny(&documents, &Layers::default(), &get(&alice, &context)).collect();
        assert_eq!(found, expected, "{network:?}");
    };
    check(direct("198.51.100.9"), &[1, 3]);
    check(direct("192.0.2.1"), &[3]);
    // not known, and so denied
    check(NetworkPath::Unknown, &[0, 1, 3]);
}

#[test]
fn each_part_of_a_statement_has_an_answer_of_its_own() {
    use Truth::{No, Yes};
    let context = presigned(direct("203.0.113.7"));
    let alice = user("alice");
    let check = |elements: &str, expected: (Truth, bool, Truth, Option<Truth>)| {
        let policy = compiled(Kind::Resource, &format!(r#"{{"Effect":"Allow",{elements}}}"#));
        let layers = Layers { resource: Some(&policy), ..Layers::default() };
        let traces = trace(&layers, &get(&alice, &context));
        let seen = traces.iter().map(|trace| {
            (trace.principal, trace.action, trace.resource, trace.tests.first().map(|test| test.truth))
        });
        assert_eq!(seen.collect::<Vec<_>>(), [expected], "{elements}");
    };
    let media = r#""Resource":"arn:aws:s3:::media/*""#;
    check(&format!(r#""Principal":"*","Action":"s3:GetObject",{media}"#), (Yes, true, Yes, None));
    check(
        &format!(r#""Principal":{{"AWS":"444455556666"}},"Action":"s3:Get*",{media}"#),
        (No, true, Yes, None),
    );
    check(&format!(r#""Principal":"*","Action":"s3:PutObject",{media}"#), (Yes, false, Yes, None));
    check(&format!(r#""Principal":"*","NotAction":"s3:PutObject",{media}"#), (Yes, true, Yes, None));
    check(r#""Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::m/*""#, (Yes, true, No, None));
    let of = |address: &str| {
        let test = format!(r#""Condition":{{"IpAddress":{{"aws:SourceIp":"{address}"}}}}"#);
        format!(r#""Principal":"*","Action":"s3:GetObject",{media},{test}"#)
    };
    check(&of("203.0.113.7"), (Yes, true, Yes, Some(Yes)));
    check(&of("203.0.113.8"), (Yes, true, Yes, Some(No)));
}

#[test]
fn not_principal_denies_whoever_has_a_boundary() {
    let all = r#"{"Effect":"Allow","Action":"s3:*","Resource":"*"}"#;
    let identity = [compiled(Kind::Identity, all)];
    let boundary = compiled(Kind::Boundary, all);
    let deny = compiled(
        Kind::Resource,
        r#"{"Effect":"Deny","NotPrincipal":{"AWS":["111122223333","arn:aws:iam::111122223333:user/alice"]},"Action":"s3:*","Resource":"*"}"#,
    );
    let context = presigned(direct("203.0.113.7"));
    let alice = user("alice");
    let layers = Layers { identity: &identity, resource: Some(&deny), ..Layers::default() };
    assert_eq!(decide(&layers, &get(&alice, &context)).outcome, Outcome::Allowed);
    let layers = Layers { boundary: Some(&boundary), ..layers };
    assert_eq!(decide(&layers, &get(&alice, &context)).outcome, Outcome::ExplicitlyDenied);
}

#[test]
fn a_role_whose_path_is_not_known_is_denied_under_any_path_and_granted_under_none() {
    let statement = |effect: &str| {
        let role = "arn:aws:iam::111122223333:role/team/up";
        compiled(
            Kind::Resource,
            &format!(
                r#"{{"Effect":"{effect}","Principal":{{"AWS":"{role}"}},"Action":"s3:*","Resource":"*"}}"#
            ),
        )
    };
    let context = presigned(direct("203.0.113.7"));
    let session = Principal::from_arn("arn:aws:sts::111122223333:assumed-role/up/s1").unwrap();
    let told = session.clone().with_role_arn("arn:aws:iam::111122223333:role/team/up").unwrap();
    let other = Principal::from_arn("arn:aws:sts::111122223333:assumed-role/down/s1").unwrap();
    let elsewhere = Principal::from_arn("arn:aws:sts::444455556666:assumed-role/up/s1").unwrap();
    for (principal, effect, expected) in [
        (&session, "Deny", Outcome::ExplicitlyDenied),
        (&session, "Allow", Outcome::ImplicitlyDenied),
        (&told, "Deny", Outcome::ExplicitlyDenied),
        (&told, "Allow", Outcome::Allowed),
        (&other, "Deny", Outcome::ImplicitlyDenied),
        (&elsewhere, "Deny", Outcome::ImplicitlyDenied),
    ] {
        let policy = statement(effect);
        let layers = Layers { resource: Some(&policy), ..Layers::default() };
        assert_eq!(decide(&layers, &get(principal, &context)).outcome, expected, "{effect}");
    }
}

#[test]
fn keys_of_objects_are_matched_as_they_are() {
    let deny = [compiled(
        Kind::Guardrail,
        r#"{"Effect":"Deny","Action":"s3:GetObject","Resource":["arn:aws:s3:::media/*/test/*","arn:aws:s3:::media/${aws:username}/?"]}"#,
    )];
    let context = presigned(direct("203.0.113.7"));
    let star = Principal::from_arn("arn:aws:iam::111122223333:user/bob").unwrap();
    let layers = Layers { guardrails: &deny, ..Layers::default() };
    for (key, denied) in [
        (&b"1/test/object.jpg"[..], true),
        (b"1///test///object.jpg", true),
        (b"1-test/object.jpg", false),
        (b"../test/x", true),
        (b"*/test/x", true),
        (b"bob/x", true),
        (b"bob/xy", false),
        (b"bob/\xff", true),
        (b"alice/x", false),
        (b"?/x", false),
    ] {
        let query = Query { resource: ResourceRef::object("media", key), ..get(&star, &context) };
        let outcome = decide(&layers, &query).outcome;
        assert_eq!(outcome == Outcome::ExplicitlyDenied, denied, "{}", String::from_utf8_lossy(key));
    }
    let other = ResourceRef::Object { partition: "aws-cn", bucket: "media", key: b"1/test/x" };
    let query = Query { resource: other, ..get(&star, &context) };
    assert_eq!(decide(&layers, &query).outcome, Outcome::ImplicitlyDenied);
}

#[test]
fn listing_all_buckets_matches_star_in_both_forms() {
    let context = presigned(direct("203.0.113.7"));
    let alice = user("alice");
    for (resource, expected) in [
        ("*", Outcome::Allowed),
        ("arn:aws:s3:::*", Outcome::Allowed),
        ("arn:aws:s3:::?", Outcome::Allowed),
        ("arn:aws:s3:::media", Outcome::ImplicitlyDenied),
    ] {
        let identity = [compiled(
            Kind::Identity,
            &format!(r#"{{"Effect":"Allow","Action":"s3:ListAllMyBuckets","Resource":"{resource}"}}"#),
        )];
        let query = Query {
            action: ActionRef::Known(Action::ListAllMyBuckets),
            resource: ResourceRef::AllBuckets,
            ..get(&alice, &context)
        };
        assert_eq!(
            decide(&Layers { identity: &identity, ..Layers::default() }, &query).outcome,
            expected,
            "{resource}"
        );
    }
}

#[test]
fn a_case_of_any_key_needs_no_typed_context() {
    let allow = [compiled(
        Kind::Identity,
        r#"{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringEquals":{"s3:prefix":"a"}}}"#,
    )];
    let keys = KeyMap::from_pairs([("S3:Prefix", "a")]);
    let alice = user("alice");
    let context = presigned(direct("203.0.113.7"));
    let layers = Layers { identity: &allow, ..Layers::default() };
    // GetObject has no prefix: a request cannot bring one in, a test case can
    let operation = [(Key::Prefix, OperationValue::Text(b"a"))];
    let smuggled = Context { operation: &operation, ..context };
    assert_eq!(decide(&layers, &get(&alice, &smuggled)).outcome, Outcome::ImplicitlyDenied);
    let case = Query { context: ContextRef::Keys(&keys), ..get(&alice, &smuggled) };
    assert_eq!(decide(&layers, &case).outcome, Outcome::Allowed);
    let other = Query { action: ActionRef::from_name("s3:CreateJob"), ..case };
    assert_eq!(decide(&layers, &other).outcome, Outcome::Allowed);
}
