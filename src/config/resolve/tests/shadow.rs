//! Shadow policies: they count what they would deny as guardrails, and change nothing.
//! It must not test the policy language.

use super::*;
use proptest::prelude::*;

/// The config with this document as a guardrail or a shadow policy beside its own guardrail.
fn with(document: &str, list: &str) -> Snapshot {
    let guardrails =
        CONFIG.replace("policy:\n  guardrails:\n", &format!("policy:\n  guardrails:\n    - {document}\n"));
    match list {
        "guardrails" => world(&guardrails),
        "shadow" => world(&CONFIG.replace("policy:\n", &format!("policy:\n  shadow:\n    - {document}\n"))),
        _ => world(CONFIG),
    }
}

/// Requests of many kinds: allowed, denied by every stage, with several requirements, by their bodies.
fn requests() -> Vec<(&'static str, String, Option<&'static [u8]>)> {
    let get = |path: &str| signed("GET", path, &[], "");
    let delete = b"<Delete><Object><Key>a/1</Key></Object><Object><Key>b</Key></Object></Delete>";
    vec![
        ("10.1.2.3:1", get("/bkt/a/1"), None),
        ("10.9.9.9:1", get("/bkt/b"), None),
        ("192.0.2.1:1", get("/bkt/a/1"), None),
        ("10.1.2.3:1", get("/bkt/secret/k"), None),
        ("10.1.2.3:1", get("/nobody/k"), None),
        ("10.1.2.3:1", get("/bkt"), None),
        ("10.1.2.3:1", signed("GET", "/bkt", &[("max-keys", "x")], ""), None),
        ("10.1.2.3:1", signed("PUT", "/bkt/a/1", &[("x-amz-acl", "private")], "Content-Length: 3\r\n"), None),
        ("10.1.2.3:1", signed("POST", "/bkt", &[("delete", "")], "Content-Length: 9\r\n"), Some(delete)),
        ("10.1.2.3:1", signed("GET", "/bkt/a/1", &[("x-gate-source-ip", "10.9.9.9")], ""), None),
    ]
}

/// A document with one statement, drawn from a small world.
fn any_document() -> impl Strategy<Value = String> {
    let effect = prop::sample::select(vec!["Allow", "Deny"]);
    let action =
        prop::sample::select(vec!["s3:*", "s3:GetObject", "s3:DeleteObject", "s3:PutObjectAcl", "s3:List*"]);
    let resource = prop::sample::select(vec!["*", "arn:aws:s3:::bkt/a/*", "arn:aws:s3:::bkt"]);
    let condition = prop::sample::select(vec![
        "{}",
        r#"{"IpAddress":{"aws:SourceIp":"10.1.0.0/16"}}"#,
        r#"{"NotIpAddress":{"aws:SourceIp":"10.1.0.0/16"}}"#,
        r#"{"NumericLessThan":{"s3:max-keys":"10"}}"#,
        // not configured: cannot be answered
        r#"{"StringEquals":{"aws:userid":"x"}}"#,
        r#"{"StringEquals":{"s3:x-amz-acl":"private"}}"#,
    ]);
    (effect, action, resource, condition).prop_map(|(effect, action, resource, condition)| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"{effect}","Action":"{action}","Resource":"{resource}","Condition":{condition}}}}}"#
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn it_denies_in_the_count_alone_what_it_would_deny_as_a_guardrail(document in any_document()) {
        let (plain, shadow, guardrail) = (with(&document, ""), with(&document, "shadow"), with(&document, "guardrails"));
        for (peer, text, body) in requests() {
            let verdict = judge(&plain, peer, &text, body);
            prop_assert_eq!(&judge(&shadow, peer, &text, body), &verdict);
            let request = head::parse(text.as_bytes()).unwrap();
            let outcome = decide(&shadow, &facts(peer), &request, body, Asked::Nobody, NOW);
            let counted = outcome.access.shadow_denied.len();
            if outcome.access.said == crate::pipeline::authorize::Access::Allow {
                let denied = judge(&guardrail, peer, &text, body) == "403 explicit_deny";
                prop_assert_eq!(counted, usize::from(denied), "{} {}", document, text);
            } else {
                prop_assert_eq!(counted, 0);
            }
        }
    }
}

#[test]
fn what_passes_for_want_of_a_statement_is_counted_too() {
    let document = r#"{"Statement":{"Effect":"Deny","Action":"*","Resource":"arn:aws:s3:::kept"}}"#;
    let config = CONFIG.replace("policy:\n", &format!("policy:\n  default: pass\n  shadow: [{document}]\n"));
    let world = world(&config);
    let text = signed("GET", "/kept", &[], "");
    let request = head::parse(text.as_bytes()).unwrap();
    let outcome = decide(&world, &facts("10.0.0.1:1"), &request, None, Asked::Nobody, NOW);
    assert!(matches!(outcome.verdict, Verdict::Forward(_)));
    assert_eq!(outcome.access.shadow_denied.as_slice(), [0]);
}

#[test]
fn each_document_is_given_once() {
    let document = r#"{"Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}"#;
    let source = MemorySource::default()
        .with_file("/gate.yaml", CONFIG.replace("policy:\n", "policy:\n  shadow: [next.json, next.json]\n"))
        .with_file("/next.json", document);
    let found = build(&source, Path::new("/gate.yaml")).diagnostics;
    let errors: Vec<_> =
        found.iter().filter(|finding| finding.is_error()).map(|f| f.message.as_str()).collect();
    assert_eq!(errors, ["shadow policy `next.json` is given twice"]);
}
