//! Condition keys that headers, parameters and bodies of whole requests give, as statements see them.
//! It must not test the reading of bodies, which has tables of its own.

use super::*;

/// The verdict on a request, where this Condition guards an Allow and then a Deny of everything.
fn verdicts(condition: &str, text: &str, body: Option<&str>) -> (String, String) {
    let config = |effect: &str| {
        let allow = r#"{ Effect: Allow, Action: "*", Resource: "*" }"#;
        let guarded =
            format!(r#"{{ Effect: {effect}, Action: "*", Resource: "*", Condition: {condition} }}"#);
        let statements = if effect == "Allow" { guarded } else { format!("{allow}, {guarded}") };
        format!(
            r#"
version: 1
listeners: [{{ address: "127.0.0.1:8080" }}]
hosts: [s3.test]
credentials:
  - access_key_id: AKID
    secret_access_key: {{ value: secret }}
    principal: arn:aws:iam::111122223333:user/a
    policies: [{{ Version: "2012-10-17", Statement: [{statements}] }}]
buckets: [{{ name: bkt, upstream: store }}]
upstreams:
  - {{ name: store, endpoint: "http://127.0.0.1:9000", region: us-east-1, credentials: {{ anonymous: true }} }}
limits: {{ body: 5GiB }}
"#
        )
    };
    let ask = |effect: &str| {
        let world = world(&config(effect));
        let judge = |body| judge(&world, "10.0.0.1:1", text, body);
        match judge(None).as_str() {
            "body" => judge(Some(body.unwrap_or_default().as_bytes())),
            other => other.to_owned(),
        }
    };
    (ask("Allow"), ask("Deny"))
}

/// What a condition says about a request.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Said {
    /// It holds.
    Holds,
    /// It does not hold.
    Fails,
    /// It cannot be answered: no Allow, but a Deny.
    Unclear,
}

#[track_caller]
fn check(condition: &str, text: &str, body: Option<&str>, expected: Said) {
    let (allow, deny) = verdicts(condition, text, body);
    let said = match (allow.as_str(), deny.as_str()) {
        ("forward", "403 explicit_deny") => Said::Holds,
        ("403 implicit_deny", "forward") => Said::Fails,
        ("403 implicit_deny", "403 explicit_deny") => Said::Unclear,
        other => panic!("{other:?}: {condition} {text}"),
    };
    assert_eq!(said, expected, "{condition} {text} {body:?}");
}

/// A request that carries this body.
fn with_body(method: &str, path: &str, query: &[(&str, &str)], body: &str) -> String {
    signed(method, path, query, &format!("Content-Length: {}\r\n", body.len()))
}

const GOES: Said = Said::Holds;
const STAYS: Said = Said::Fails;

#[test]
fn tags_of_a_body() {
    let body = "<Tagging><TagSet><Tag><Key>team</Key><Value>a b</Value></Tag><Tag><Key>x</Key><Value/></Tag></TagSet></Tagging>";
    let text = with_body("PUT", "/bkt/k", &[("tagging", "")], body);
    for (condition, expected) in [
        (r#"{ StringEquals: { "s3:RequestObjectTag/team": "a b" } }"#, GOES),
        (r#"{ StringEquals: { "s3:RequestObjectTag/TEAM": "a b" } }"#, GOES),
        (r#"{ StringEquals: { "s3:RequestObjectTag/team": "b" } }"#, STAYS),
        (r#"{ StringEquals: { "s3:RequestObjectTag/x": "" } }"#, GOES),
        (r#"{ "Null": { "s3:RequestObjectTag/other": true } }"#, GOES),
        (r#"{ "ForAllValues:StringEquals": { "s3:RequestObjectTagKeys": [team, x] } }"#, GOES),
        (r#"{ "ForAllValues:StringEquals": { "s3:RequestObjectTagKeys": [team] } }"#, STAYS),
        (r#"{ "ForAnyValue:StringEquals": { "s3:RequestObjectTagKeys": [x] } }"#, GOES),
    ] {
        check(condition, &text, Some(body), expected);
    }
    // the header means nothing beside a body
    let header =
        signed("PUT", "/bkt/k", &[("tagging", ""), ("x-amz-tagging", "team=z")], "Content-Length: 9\r\n");
    check(r#"{ StringEquals: { "s3:RequestObjectTag/team": "z" } }"#, &header, Some(body), STAYS);
    // S3 keeps these apart, keys do not
    let twins = "<Tagging><TagSet><Tag><Key>a</Key><Value>1</Value></Tag><Tag><Key>A</Key><Value>2</Value></Tag></TagSet></Tagging>";
    check(r#"{ StringEquals: { "s3:RequestObjectTag/a": "1" } }"#, &text, Some(twins), Said::Unclear);
}

#[test]
fn tags_of_a_header() {
    let put = |value: &str| signed("PUT", "/bkt/k", &[("x-amz-tagging", value)], "Content-Length: 1\r\n");
    let team = r#"{ StringEquals: { "s3:RequestObjectTag/team": "a b" } }"#;
    check(team, &put("team=a%20b&x=y"), None, GOES);
    check(team, &put("team=a+b"), None, GOES);
    check(team, &put("team=c"), None, STAYS);
    check(team, &signed("PUT", "/bkt/k", &[], "Content-Length: 1\r\n"), None, STAYS);
    check(team, &signed("POST", "/bkt/k", &[("uploads", ""), ("x-amz-tagging", "team=a+b")], ""), None, GOES);
    // a condition of the object's own keys is not one of the bucket's
    check(team, &signed("GET", "/bkt", &[("x-amz-tagging", "team=a+b")], ""), None, STAYS);
    let copy = |directive: &str| {
        let query = [
            ("x-amz-copy-source", "bkt/s"),
            ("x-amz-tagging", "team=a+b"),
            ("x-amz-tagging-directive", directive),
        ];
        signed("PUT", "/bkt/k", &query, "")
    };
    // Get and Put are asked for in one statement here: the source has no such key, so no Allow holds
    let deny = |text: &str| verdicts(team, text, None).1;
    assert_eq!(deny(&copy("REPLACE")), "403 explicit_deny");
    assert_eq!(deny(&copy("COPY")), "403 explicit_deny", "the tags of the source are not known");
    let world = world(CONFIG);
    for broken in ["team", "a=b&a=c", "=x", "a=%zz"] {
        let expected = if broken == "team" { "forward" } else { "400 bad_parameter" };
        let text = signed("PUT", "/bkt/k", &[("x-amz-tagging", broken)], "Content-Length: 1\r\n");
        assert_eq!(judge(&world, "10.0.0.1:1", &text, None), expected, "{broken}");
    }
}

#[test]
fn locks() {
    let body = |days: i64| {
        let until = crate::clock::civil::Civil::from_instant(NOW.plus_millis(days * 43_200_000)).iso();
        format!("<Retention><Mode>GOVERNANCE</Mode><RetainUntilDate>{until}</RetainUntilDate></Retention>")
    };
    let retention = |body: &str| with_body("PUT", "/bkt/k", &[("retention", "")], body);
    // half days
    for (condition, half_days, expected) in [
        (r#"{ NumericGreaterThan: { "s3:object-lock-remaining-retention-days": 10 } }"#, 20, STAYS),
        (r#"{ NumericGreaterThan: { "s3:object-lock-remaining-retention-days": 10 } }"#, 21, GOES),
        (r#"{ NumericLessThan: { "s3:object-lock-remaining-retention-days": 10 } }"#, 19, GOES),
        (r#"{ NumericEquals: { "s3:object-lock-remaining-retention-days": 10.5 } }"#, 21, GOES),
        (r#"{ StringEquals: { "s3:object-lock-mode": GOVERNANCE } }"#, 1, GOES),
        (r#"{ StringEquals: { "s3:object-lock-mode": COMPLIANCE } }"#, 1, STAYS),
        (r#"{ DateGreaterThan: { "s3:object-lock-retain-until-date": "2026-01-20" } }"#, 20, GOES),
    ] {
        check(condition, &retention(&body(half_days)), Some(&body(half_days)), expected);
    }
    let days = r#"{ NumericLessThan: { "s3:object-lock-remaining-retention-days": 10 } }"#;
    let odd = "<Retention><RetainUntilDate>soon</RetainUntilDate></Retention>";
    check(days, &retention(odd), Some(odd), Said::Unclear);
    check(days, &retention("<Retention/>"), Some("<Retention/>"), STAYS);
    // the header of another operation does not stand in for the body
    let header = signed(
        "PUT",
        "/bkt/k",
        &[("retention", ""), ("x-amz-object-lock-mode", "COMPLIANCE")],
        "Content-Length: 9\r\n",
    );
    check(r#"{ StringEquals: { "s3:object-lock-mode": COMPLIANCE } }"#, &header, Some("<Retention/>"), STAYS);
    let put = |name: &str, value: &str| signed("PUT", "/bkt/k", &[(name, value)], "Content-Length: 1\r\n");
    // the other actions of the upload do not have the keys: only a Deny is asked
    let deny = |condition: &str, text: &str| verdicts(condition, text, None).1 == "403 explicit_deny";
    assert!(deny(days, &put("x-amz-object-lock-retain-until-date", "2026-01-16T00:00:00Z")));
    assert!(!deny(days, &put("x-amz-object-lock-retain-until-date", "2026-02-16T00:00:00Z")));
    assert!(deny(days, &put("x-amz-object-lock-retain-until-date", "in May")));
    let hold = "<LegalHold><Status>OFF</Status></LegalHold>";
    let text = with_body("PUT", "/bkt/k", &[("legal-hold", "")], hold);
    check(r#"{ StringEquals: { "s3:object-lock-legal-hold": "OFF" } }"#, &text, Some(hold), GOES);
    check(r#"{ StringEquals: { "s3:object-lock-legal-hold": "ON" } }"#, &text, Some(hold), STAYS);
}

#[test]
fn access_control_lists() {
    let grant = |who: &str| {
        format!(
            "<AccessControlPolicy><AccessControlList><Grant><Grantee>{who}</Grantee><Permission>READ</Permission></Grant></AccessControlList></AccessControlPolicy>"
        )
    };
    let (one, group) =
        (grant("<ID>o</ID>"), grant("<URI>http://acs.amazonaws.com/groups/global/AllUsers</URI>"));
    let acl = r#"{ StringEquals: { "s3:x-amz-acl": public-read } }"#;
    let read = r#"{ StringLike: { "s3:x-amz-grant-read": "*" } }"#;
    let write = r#"{ StringLike: { "s3:x-amz-grant-write": "*" } }"#;
    for (path, query) in [("/bkt/k", [("acl", "")]), ("/bkt", [("acl", "")])] {
        let text = with_body("PUT", path, &query, &one);
        check(acl, &text, Some(&one), STAYS);
        check(acl, &text, Some(&group), Said::Unclear);
        check(read, &text, Some(&one), Said::Unclear);
        check(write, &text, Some(&one), STAYS);
    }
    let header = signed("PUT", "/bkt/k", &[("acl", ""), ("x-amz-acl", "public-read")], "");
    check(acl, &header, None, GOES);
    let both = signed("PUT", "/bkt/k", &[("acl", ""), ("x-amz-acl", "private")], "Content-Length: 9\r\n");
    assert_eq!(judge(&world(CONFIG), "10.0.0.1:1", &both, Some(one.as_bytes())), "400 bad_parameter");
}

#[test]
fn new_buckets() {
    let body = "<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint><Tags><Tag><Key>team</Key><Value>a</Value></Tag></Tags></CreateBucketConfiguration>";
    let text = with_body("PUT", "/bkt", &[], body);
    for (condition, expected) in [
        (r#"{ StringEquals: { "s3:LocationConstraint": eu-west-1 } }"#, GOES),
        (r#"{ StringEquals: { "s3:LocationConstraint": us-west-1 } }"#, STAYS),
        (r#"{ StringEquals: { "aws:RequestTag/team": a } }"#, GOES),
        (r#"{ "ForAllValues:StringEquals": { "aws:TagKeys": [team] } }"#, GOES),
    ] {
        check(condition, &text, Some(body), expected);
    }
    let bare = signed("PUT", "/bkt", &[], "");
    check(r#"{ "Null": { "s3:LocationConstraint": true } }"#, &bare, None, GOES);
    check(r#"{ "Null": { "aws:TagKeys": true } }"#, &bare, None, GOES);
}

#[test]
fn what_follows_from_the_operation() {
    let creates = r#"{ Bool: { "s3:ObjectCreationOperation": true } }"#;
    let put = "Content-Length: 1\r\n";
    check(creates, &signed("PUT", "/bkt/k", &[], put), None, GOES);
    check(creates, &signed("POST", "/bkt/k", &[("uploadId", "u")], put), None, GOES);
    check(creates, &signed("POST", "/bkt/k", &[("uploads", "")], ""), None, STAYS);
    check(creates, &signed("PUT", "/bkt/k", &[("uploadId", "u"), ("partNumber", "1")], put), None, STAYS);
    check(creates, &signed("GET", "/bkt/k", &[], ""), None, STAYS);
    let source = |value: &str| format!(r#"{{ StringEquals: {{ "s3:x-amz-copy-source": "{value}" }} }}"#);
    let copy = |value: &str| signed("PUT", "/bkt/k", &[("x-amz-copy-source", value)], "");
    let denies =
        |value: &str, sent: &str| verdicts(&source(value), &copy(sent), None).1 == "403 explicit_deny";
    assert!(denies("bkt/a b", "/bkt/a%20b?versionId=v"));
    assert!(denies("bkt/a", "bkt/a"));
    assert!(!denies("bkt/b", "bkt/a"));
    assert!(denies("bkt/b", "bkt/x/../a"), "two stores could copy two objects");
    // UpdateObjectEncryption says it in a body that is not read
    let update = with_body("PUT", "/bkt/k", &[("encryption", "")], "x");
    check(r#"{ StringEquals: { "s3:x-amz-server-side-encryption": AES256 } }"#, &update, None, Said::Unclear);
    let list = signed("GET", "/bkt", &[("prefix", "a b")], "");
    check(r#"{ StringEquals: { "s3:prefix": "a b" } }"#, &list, None, GOES);
    check(r#"{ NumericEquals: { "s3:max-keys": 1000 } }"#, &list, None, GOES);
}

#[test]
fn bodies_that_a_rule_cannot_read() {
    let world = world(CONFIG);
    let tagging = |lines: &str| signed("PUT", "/bkt/k", &[("tagging", "")], lines);
    for (lines, body, expected) in [
        ("Content-Length: 9\r\n", None, "body"),
        ("Content-Length: 9\r\n", Some("<Tagging>"), "400 malformed_body"),
        ("Content-Length: 9\r\n", Some("<Tagging><TagSet/></Tagging>"), "forward"),
        ("Transfer-Encoding: chunked\r\n", None, "body"),
        ("Transfer-Encoding: chunked\r\n", Some(""), "forward"),
        ("", None, "forward"),
        ("Content-Length: 2097153\r\n", None, "400 malformed_body"),
    ] {
        let text = tagging(lines);
        assert_eq!(judge(&world, "10.0.0.1:1", &text, body.map(str::as_bytes)), expected, "{lines} {body:?}");
    }
}

#[test]
fn what_the_config_tells_of_signers_and_buckets() {
    let told = |credential: &str, bucket: &str, condition: &str| {
        let statement = format!(r#"{{ Effect: Deny, Action: "*", Resource: "*", Condition: {condition} }}"#);
        let config = CONFIG
            .replace(
                "    secret_access_key: { value: secret }\n",
                &format!("    secret_access_key: {{ value: secret }}\n{credential}"),
            )
            .replace("upstream_bucket: real }", &format!("upstream_bucket: real{bucket} }}"))
            .replace(
                "policy:\n  guardrails:\n",
                &format!(
                    "policy:\n  guardrails:\n    - {{ Version: \"2012-10-17\", Statement: {statement} }}\n"
                ),
            );
        let source = MemorySource::default().with_file("/gate.yaml", config);
        let built = build(&source, Path::new("/gate.yaml"));
        let warned = built.diagnostics.iter().any(|found| found.message.starts_with("the gate is not told"));
        let (_, world) = built.world.unwrap_or_else(|| panic!("{:?}", built.diagnostics));
        let denied =
            judge(&world, "10.0.0.1:1", &signed("GET", "/bkt/k", &[], ""), None) == "403 explicit_deny";
        (denied, warned)
    };
    let not = |key: &str, value: &str| format!(r#"{{ StringNotEquals: {{ "{key}": "{value}" }} }}"#);
    let is = |key: &str, value: &str| format!(r#"{{ StringEquals: {{ "{key}": "{value}" }} }}"#);
    for (credential, bucket, key, value) in [
        ("    user_id: AIDA1\n", "", "aws:userid", "AIDA1"),
        ("    org: o-signer\n", "", "aws:PrincipalOrgID", "o-signer"),
        ("", ", account: \"111122223333\"", "aws:ResourceAccount", "111122223333"),
        ("", ", account: \"111122223333\"", "s3:ResourceAccount", "111122223333"),
        ("", ", org: o-owner", "aws:ResourceOrgID", "o-owner"),
    ] {
        assert!(!told(credential, bucket, &not(key, value)).0, "{key}");
        assert!(told(credential, bucket, &is(key, value)).0, "{key}");
        // untold is not the same as another value
        assert!(told("", "", &not(key, value)).0, "{key}");
        let (denied, warned) = told("", "", &is(key, value));
        assert_eq!((denied, warned), (key != "aws:PrincipalOrgID", key != "aws:PrincipalOrgID"), "{key}");
    }
    let foreign =
        CONFIG.replace("upstream_bucket: real }", "upstream_bucket: real, account: \"444455556666\" }");
    let text = signed("GET", "/bkt/k", &[], "");
    assert_eq!(
        judge(&world(&foreign), "10.0.0.1:1", &text, None),
        "403 implicit_deny",
        "another account needs both"
    );
}

#[test]
fn when_a_temporary_credential_runs_out() {
    let check = |more: &str, expected: Option<&str>| {
        let text = CONFIG.replace(
            "    secret_access_key: { value: secret }\n",
            &format!("    secret_access_key: {{ value: secret }}\n{more}"),
        );
        let source = MemorySource::default().with_file("/gate.yaml", text);
        let built = build(&source, Path::new("/gate.yaml"));
        let errors: Vec<_> =
            built.diagnostics.iter().filter(|it| it.is_error()).map(|it| it.message.as_str()).collect();
        assert_eq!(errors, expected.into_iter().collect::<Vec<_>>(), "{more}");
        built.world
    };
    let token = "    session_token: { value: token }\n";
    let ends = "    expires: 2026-01-15T12:00:00Z\n";
    let (_, snapshot) = check(&format!("{token}{ends}"), None).unwrap();
    assert_eq!(snapshot.keyring.get(b"AKID").unwrap().expires, Some(NOW));
    check(ends, Some("a permanent credential does not run out by itself"));
    check(
        &format!("{token}{ends}    issued: 2026-01-15T12:00:00Z\n"),
        Some("the credential runs out before it was issued"),
    );
}

#[test]
fn when_a_temporary_credential_was_issued() {
    let config = |issued: &str| {
        let deny = r#"{ Version: "2012-10-17", Statement: { Effect: Deny, Action: "*", Resource: "*", Condition: { DateLessThan: { "aws:TokenIssueTime": "2026-01-01" } } } }"#;
        CONFIG
            .replace(
                "    secret_access_key: { value: secret }\n",
                &format!("    secret_access_key: {{ value: secret }}\n{issued}"),
            )
            .replace("policy:\n  guardrails:\n", &format!("policy:\n  guardrails:\n    - {deny}\n"))
    };
    let ask = |issued: &str| {
        let text = signed("GET", "/bkt/k", &[], "");
        judge(&world(&config(issued)), "10.0.0.1:1", &text, None)
    };
    assert_eq!(ask(""), "forward", "a permanent credential has no such key");
    let refused =
        MemorySource::default().with_file("/gate.yaml", config("    issued: 2026-01-02T00:00:00Z\n"));
    let found = build(&refused, Path::new("/gate.yaml")).diagnostics;
    assert!(
        found.iter().any(|found| found.message == "a permanent credential has no time of issue"),
        "{found:?}"
    );
}
