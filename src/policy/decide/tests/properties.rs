//! What holds for all policies: a Deny takes away, the order does not count, the index loses nothing.
//! It must not use the index to find what it should have found.

use super::*;
use crate::policy::truth::Truth;
use proptest::prelude::*;

/// Statements drawn from a small world, so that they meet.
fn any_statement() -> impl Strategy<Value = String> {
    let effect = prop::sample::select(vec!["Allow", "Deny"]);
    let action = prop::sample::select(vec![
        r#""Action":"s3:*""#,
        r#""Action":["s3:GetObject","s3:PutObject"]"#,
        r#""Action":"s3:Get*""#,
        r#""NotAction":"s3:GetObject""#,
        r#""Action":"ec2:*""#,
    ]);
    let resource = prop::sample::select(vec![
        r#""Resource":"*""#,
        r#""Resource":"arn:aws:s3:::media/*""#,
        r#""Resource":["arn:aws:s3:::media/a/*","arn:aws:s3:::media/a/b/c"]"#,
        r#""Resource":"arn:aws:s3:::med*""#,
        r#""Resource":"arn:aws:s3:::*/c""#,
        r#""Resource":"arn:aws:s3:::media/${aws:username}/*""#,
        r#""NotResource":"arn:aws:s3:::media/a/*""#,
        r#""Resource":"arn:aws:s3:::other/*""#,
    ]);
    let condition = prop::sample::select(vec![
        "{}",
        r#"{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}"#,
        r#"{"NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"}}"#,
        r#"{"NumericLessThan":{"s3:max-keys":10}}"#,
        r#"{"StringLike":{"aws:username":"a*"}}"#,
        r#"{"StringNotEquals":{"s3:prefix":"${aws:userid}"}}"#,
        r#"{"StringNotEquals":{"s3:prefix":"${aws:username, 'nobody'}"}}"#,
        r#"{"StringEqualsIfExists":{"aws:PrincipalTag/team":"red"}}"#,
        r#"{"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/a*"}}"#,
        r#"{"Null":{"aws:PrincipalArn":true}}"#,
        r#"{"BoolIfExists":{"aws:MultiFactorAuthPresent":false}}"#,
        r#"{"ForAllValues:StringEquals":{"aws:PrincipalOrgPaths":"o-a/"}}"#,
    ]);
    let principal = prop::sample::select(vec![
        r#""Principal":"*""#,
        r#""Principal":{"AWS":["111122223333"]}"#,
        r#""Principal":{"AWS":"arn:aws:iam::111122223333:user/alice"}"#,
        r#""Principal":{"AWS":["arn:aws:iam::111122223333:role/up","444455556666"]}"#,
        r#""NotPrincipal":{"AWS":"arn:aws:iam::111122223333:user/alice"}"#,
        r#""NotPrincipal":{"AWS":"*"}"#,
        r#""Principal":{"Service":"logging.s3.amazonaws.com"}"#,
    ]);
    (effect, action, resource, condition, principal).prop_map(
        |(effect, action, resource, condition, principal)| {
            let principal =
                if effect == "Allow" && principal.contains("Not") { r#""Principal":"*""# } else { principal };
            format!(r#"{{"Effect":"{effect}",{action},{resource},{principal},"Condition":{condition}}}"#)
        },
    )
}

fn without_principal(statement: &str) -> String {
    let mut object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(statement).unwrap();
    object.retain(|name, _| !name.ends_with("Principal"));
    serde_json::Value::Object(object).to_string()
}

/// Questions of the same small world.
fn with_query<T>(seed: u8, ask: impl FnOnce(&Query<'_>) -> T) -> T {
    let principals =
        ["arn:aws:iam::111122223333:user/alice", "arn:aws:sts::111122223333:assumed-role/up/s1", ""];
    let arn = principals[usize::from(seed % 3)];
    let principal = if arn.is_empty() { Principal::anonymous() } else { Principal::from_arn(arn).unwrap() };
    with_query_of(&principal, seed, ask)
}

fn with_query_of<T>(principal: &Principal, seed: u8, ask: impl FnOnce(&Query<'_>) -> T) -> T {
    let operation = [(Key::MaxKeys, OperationValue::Text(b"x")), (Key::Prefix, OperationValue::Text(b"a"))];
    let network = [direct("203.0.113.7"), direct("198.51.100.9"), NetworkPath::Unknown];
    let context = Context { operation: &operation, ..presigned(network[usize::from(seed / 3 % 3)]) };
    let actions = [Action::GetObject, Action::PutObject, Action::ListBucket];
    let keys: [&[u8]; 4] = [b"a/b/c", b"alice/x", b"c", b"a"];
    let action = actions[usize::from(seed / 9 % 3)];
    let resource = match action {
        Action::ListBucket => ResourceRef::bucket("media"),
        _ => ResourceRef::object("media", keys[usize::from(seed / 27 % 4)]),
    };
    let query = Query { action: ActionRef::Known(action), resource, ..get(principal, &context) };
    ask(&query)
}

proptest! {
    #[test]
    fn adding_a_deny_never_allows_more(
        statements in prop::collection::vec(any_statement(), 1..8),
        deny in any_statement(),
        at in any::<prop::sample::Index>(),
        seed: u8,
    ) {
        let deny = deny.replace(r#""Effect":"Allow""#, r#""Effect":"Deny""#);
        let mut more = statements.clone();
        more.insert(at.index(statements.len()), deny);
        let outcome = |list: &[String]| {
            let policy = compiled(Kind::Resource, &list.join(","));
            let layers = Layers { resource: Some(&policy), ..Layers::default() };
            with_query(seed, |query| decide(&layers, query).outcome)
        };
        if outcome(&more) == Outcome::Allowed {
            prop_assert_eq!(outcome(&statements), Outcome::Allowed);
        }
    }

    #[test]
    fn the_index_finds_what_looking_at_every_statement_finds(
        statements in prop::collection::vec(any_statement(), 1..12),
        seed: u8,
        unknown: bool,
    ) {
        let resource = compiled(Kind::Resource, &statements.join(","));
        let plain: Vec<_> = statements.iter().map(|text| without_principal(text)).collect();
        let identity = [compiled(Kind::Identity, &plain.join(","))];
        let identity = if unknown { &[][..] } else { &identity };
        let layers = Layers { resource: Some(&resource), identity, ..Layers::default() };
        let check = |query: &Query<'_>| {
            let decision = decide(&layers, query);
            let traces = trace(&layers, query);
            let of = |effect, truth| {
                traces.iter().filter(move |t| t.statement.effect() == effect && t.truth() == truth)
            };
            let deny = of(Effect::Deny, Truth::Yes).chain(of(Effect::Deny, Truth::Unknown)).count();
            let denied = decision.outcome == Outcome::ExplicitlyDenied;
            if unknown {
                // the index knows of some patterns with variables that no value makes them match
                let certain = of(Effect::Deny, Truth::Yes).count() > 0;
                assert!(denied >= certain && denied <= (deny > 0), "{traces:#?}");
                return;
            }
            assert_eq!(denied, deny > 0, "{traces:#?}");
            for matched in &decision.matched {
                let found = traces.iter().find(|t| t.statement == *matched).unwrap();
                assert_ne!(found.truth(), Truth::No);
            }
            if deny == 0 {
                let named = |t: &&StatementTrace<'_>| t.statement.kind() == Kind::Identity;
                let by_identity = of(Effect::Allow, Truth::Yes).any(|t| named(&t));
                if by_identity && query.principal.kind() != PrincipalKind::Anonymous {
                    assert_eq!(decision.outcome, Outcome::Allowed);
                }
                if of(Effect::Allow, Truth::Yes).count() == 0 {
                    assert_eq!(decision.outcome, Outcome::ImplicitlyDenied);
                    assert_eq!(decision.indeterminate, of(Effect::Allow, Truth::Unknown).count() > 0);
                }
            }
        };
        if unknown { with_query_of(&Principal::unknown(), seed, check) } else { with_query(seed, check) }
    }

    #[test]
    fn whoever_is_unknown_may_no_more_than_anybody(
        bucket in prop::collection::vec(any_statement(), 1..8),
        guardrail in prop::collection::vec(any_statement(), 1..4),
        endpoint in prop::collection::vec(any_statement(), 0..4),
        seed: u8,
        who in 0..5_usize,
    ) {
        let plain = |text: &String| without_principal(text).replace(r#""Allow""#, r#""Deny""#);
        let guardrails = [compiled(Kind::Guardrail, &guardrail.iter().map(plain).collect::<Vec<_>>().join(","))];
        let resource = compiled(Kind::Resource, &bucket.join(","));
        let endpoint: Vec<_> =
            if endpoint.is_empty() { Vec::new() } else { vec![compiled(Kind::Endpoint, &endpoint.join(","))] };
        let layers = Layers {
            resource: Some(&resource),
            guardrails: &guardrails,
            endpoint: &endpoint,
            ..Layers::default()
        };
        let anybody = match who {
            0 => Principal::anonymous(),
            1 => user("alice"),
            2 => user("bob").with_userid("AIDABOB").with_tags([("team", "red")]).unwrap(),
            3 => Principal::from_arn("arn:aws:sts::111122223333:assumed-role/up/s1").unwrap(),
            _ => Principal::from_arn("arn:aws:iam::111122223333:root").unwrap(),
        };
        let ask = |who: &Principal| with_query_of(who, seed, |query| {
            let decision = decide(&layers, query);
            (decision.outcome, decision.is_silent())
        });
        let (known, unknown) = (ask(&anybody), ask(&Principal::unknown()));
        if known.0 == Outcome::ExplicitlyDenied {
            prop_assert_eq!(unknown.0, Outcome::ExplicitlyDenied);
        }
        if unknown.0 == Outcome::Allowed {
            prop_assert_eq!(known.0, Outcome::Allowed);
        }
    }

    #[test]
    fn the_order_of_statements_decides_nothing(
        statements in prop::collection::vec(any_statement(), 1..8),
        seed: u8,
    ) {
        let outcome = |list: &[String]| {
            let policy = compiled(Kind::Resource, &list.join(","));
            let layers = Layers { resource: Some(&policy), ..Layers::default() };
            with_query(seed, |query| {
                let decision = decide(&layers, query);
                (decision.outcome, decision.indeterminate, decision.lacking)
            })
        };
        let reversed: Vec<_> = statements.iter().rev().cloned().collect();
        prop_assert_eq!(outcome(&statements), outcome(&reversed));
    }
}
