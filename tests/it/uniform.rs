//! One answer to all that depends on key, signature, lifetime, policy, network and link: `signing.uniform_errors: all`.
//! It must not compare less than the whole answer.

use crate::support::client::Response;
use crate::support::config::Config;
use crate::support::form::Form;
use crate::support::gate::{BINARY, Gate, poll};
use crate::support::request::Request;
use crate::support::sigv4::{Key, MAIN, STRANGER, TEMPORARY};
use crate::support::upstream::Upstream;
use std::process::Command;

/// The whole bucket from a network that the tests are not in, and a part of it from anywhere.
const POLICY: &str = r#"{"Version": "2012-10-17", "Statement": [
  {"Effect": "Allow", "Action": "s3:*", "Resource": ["arn:aws:s3:::bkt", "arn:aws:s3:::bkt/*"], "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}},
  {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::bkt/open/*"}]}"#;

/// An answer without what differs between any two.
fn told(answer: &Response) -> (u16, Vec<(String, String)>, String) {
    let id = answer.headers.get("x-amz-request-id").unwrap().to_owned();
    let host_id = answer.headers.get("x-amz-id-2").unwrap().to_owned();
    let headers = answer.headers.0.iter().map(|(name, value)| {
        let own = ["x-amz-request-id", "x-amz-id-2", "date"].contains(&name.to_ascii_lowercase().as_str());
        (name.clone(), if own { String::new() } else { value.clone() })
    });
    (answer.status, headers.collect(), answer.text().replace(&host_id, "HOST").replace(&id, "ID"))
}

/// Attack case POL-13, and what else must look the same.
#[test]
fn pol_13_callers_from_outside_cannot_tell_one_link_from_another() {
    let upstream = Upstream::ok();
    let config = Config::resign(upstream.endpoint())
        .policy(&POLICY.replace('\n', ""))
        .signing("uniform_errors: all")
        .more("logs: { access: { path: access.log } }");
    let gate = Gate::start(&config);
    let link = Request::get("/bkt/key");
    let revoked = Request::get("/bkt/open/revoked");
    let target = revoked.presigned_target();
    assert_eq!(gate.ask("GET", &revoked.bytes(&target, &[])).status, 200);
    let body = serde_json::json!({ "link": format!("http://s3.test{target}") }).to_string();
    assert_eq!(gate.admin_with("POST", "/revocations", &[], &body).status, 201);
    upstream.recording().requests.clear();

    let forged = Key { secret: "not the secret of it", ..MAIN };
    let without_token = Key { token: None, ..TEMPORARY };
    let cases = [
        ("implicit_deny", link.presigned()),
        ("expired", link.clone().at(-7200).expires("60").presigned()),
        ("wrong_signature", link.clone().key(forged).presigned()),
        ("unknown_key", link.clone().key(STRANGER).presigned()),
        ("link_revoked", revoked.bytes(&target, &[])),
        ("bad_token", link.clone().key(without_token).presigned()),
        ("not_yet_valid", link.clone().at(7200).presigned()),
        ("anonymous", link.bytes("/bkt/key", &[])),
        ("missing_parameter", link.bytes("/bkt/key?X-Amz-Algorithm=AWS4-HMAC-SHA256", &[])),
        ("implicit_deny", link.authorized()),
        ("wrong_signature", link.clone().key(forged).authorized()),
        ("clock_skew", link.clone().at(-7200).authorized()),
        (
            "link_not_before",
            Request::get("/bkt/open/k").query("x-gate-not-before", "2099-01-01T00:00:00Z").presigned(),
        ),
        ("link_source_ip", Request::get("/bkt/open/k").query("x-gate-source-ip", "10.0.0.1").presigned()),
        ("malformed_constraint", Request::get("/bkt/open/k").query("x-gate-max-uses", "no").presigned()),
        // S3 tells who can sign that there is no such operation or bucket
        ("unknown_parameter", Request::get("/bkt/open/k").query("nonsense", "").presigned()),
        ("implicit_deny", Request::get("/nowhere/key").presigned()),
    ];
    let mut seen = Vec::new();
    for (reason, bytes) in &cases {
        let before = gate.metric("presign_gate_denied_total", &[&format!("reason=\"{reason}\"")]);
        let answer = gate.ask("GET", bytes);
        answer.assert_error(403, "AccessDenied");
        assert_eq!(answer.element("Message").as_deref(), Some("Access Denied"), "{reason}");
        // what is told to nobody is counted and written down
        let counted = || gate.metric("presign_gate_denied_total", &[&format!("reason=\"{reason}\"")]);
        poll(reason, || (counted() - before > 0.5).then_some(()));
        seen.push((reason, told(&answer)));
    }
    for (reason, answer) in &seen {
        assert_eq!(answer, &seen[0].1, "{reason}");
    }
    let forms = [
        Form::new("a", b"x"),
        Form { key: forged, ..Form::new("a", b"x") },
        Form { expires: -60, ..Form::new("a", b"x") },
    ];
    for form in forms {
        assert_eq!(told(&gate.ask("POST", &form.bytes())), seen[0].1);
    }
    let head = |key: Key| told(&gate.ask("HEAD", &Request::new("HEAD", "/bkt/key").key(key).presigned()));
    assert!(head(MAIN) == head(forged) && head(MAIN) == head(STRANGER));
    let upload = |key: Key| told(&gate.ask("PUT", &Request::put("/bkt/key", b"body").key(key).presigned()));
    assert!(upload(MAIN) == upload(forged) && upload(MAIN) == seen[0].1);
    assert!(upstream.recording().requests.is_empty());

    let log = std::fs::read_to_string(gate.config().with_file_name("access.log")).unwrap();
    for part in [
        "\"event.reason\":\"wrong_signature\"",
        "\"error.code\":\"SignatureDoesNotMatch\"",
        "\"http.response.status_code\":403",
    ] {
        assert!(log.contains(part), "{part} in {log}");
    }
    let question = serde_json::json!({ "url": format!("http://s3.test{}", link.clone().key(forged).presigned_target()) });
    let explained = gate.admin_with("POST", "/explain", &[], &question.to_string()).text();
    assert!(explained.contains("\"reason\":\"wrong_signature\""), "{explained}");
    // what depends on none of it is told as ever
    gate.ask("GET", &link.host("other.test").presigned()).assert_error(400, "InvalidRequest");
    assert_eq!(gate.ask("GET", &Request::get("/bkt/open/k").presigned()).status, 200);
}

#[test]
fn without_it_answers_are_those_of_s3() {
    for (uniform, unknown) in [("false", "InvalidAccessKeyId"), ("true", "SignatureDoesNotMatch")] {
        let upstream = Upstream::ok();
        let gate =
            Gate::start(&Config::resign(upstream.endpoint()).signing(&format!("uniform_errors: {uniform}")));
        gate.ask("GET", &Request::get("/bkt/key").key(STRANGER).presigned()).assert_error(403, unknown);
        let old = gate.ask("GET", &Request::get("/bkt/key").at(-7200).expires("60").presigned());
        assert_eq!(old.element("Message").as_deref(), Some("Request has expired"));
    }
}

/// Attack case CFG-08: each setting that weakens a check is named at the start, by `check`, and as a metric.
#[test]
fn cfg_08_settings_that_weaken_a_check_are_named() {
    let upstream = Upstream::ok();
    let folder = tempfile::tempdir().unwrap();
    let plain = || Config::resign(upstream.endpoint());
    let open = |url: &str| Config { endpoint: url.to_owned(), ..plain() };
    let socket = format!("- {{ address: 'unix:{}', mode: '0666' }}", folder.path().join("s").display());
    // without a token whoever is on the machine may tell these gates what to do
    for (name, config) in [
        ("admin.token", plain()),
        ("policy.default", Config { default: "pass", ..plain() }),
        ("signing.sigv2", plain().signing("sigv2: true")),
        ("links.when_store_fails", plain().more("links: { when_store_fails: allow }")),
        ("links.store.redis", plain().more("links: { store: { redis: 'redis://cache.invalid:6379' } }")),
        (
            "listeners.proxy_protocol.trusted",
            plain()
                .another_listener("- { address: '127.0.0.2:0', proxy_protocol: { trusted: ['0.0.0.0/0'] } }"),
        ),
        ("listeners.forwarded.trusted", plain().listener("forwarded: { trusted: ['0.0.0.0/0'] }")),
        ("listeners.mode", plain().another_listener(socket)),
        ("network.vpcs.cidrs", plain().more("network: { vpcs: [{ vpc: vpc-11112222, cidrs: ['::/0'] }] }")),
        ("upstreams.endpoint", open("http://store.invalid")),
        (
            "upstreams.unknown_keys",
            Config::passthrough(upstream.endpoint()).more("    unknown_keys: passthrough"),
        ),
        (
            "credential_sources.webhook.url",
            plain().more("credential_sources: [{ name: w, webhook: { url: 'http://broker.invalid/k' } }]"),
        ),
        ("expose_reasons", plain().more("expose_reasons: true")),
    ] {
        let gate = Gate::start(&config);
        let weakened = |gate: &Gate| {
            let page = gate.admin("GET", "/metrics").text();
            let lines = page.lines().filter_map(|line| line.strip_prefix("presign_gate_weakened{setting=\""));
            let series: Vec<(String, bool)> = lines
                .map(|line| {
                    let (setting, value) = line.split_once("\"} ").unwrap();
                    (setting.to_owned(), value == "1")
                })
                .collect();
            let rows = include_str!("../../docs/reference/weakened.md").matches("\n| `").count();
            assert_eq!(series.len(), rows, "every setting has its series from the start: {series:?}");
            series.into_iter().filter(|(_, set)| *set).map(|(setting, _)| setting).collect::<Vec<_>>()
        };
        let mut expected = vec!["admin.token".to_owned(), name.to_owned()];
        expected.sort();
        expected.dedup();
        assert_eq!(weakened(&gate), expected, "{name}");
        let is_named = |text: &str| {
            let lines: Vec<_> = text.lines().filter(|line| line.contains("checks are weakened by")).collect();
            assert_eq!(lines.len(), 1, "{name}: {text}");
            assert!(expected.iter().all(|name| lines[0].contains(&format!("`{name}`"))), "{name}: {text}");
        };
        is_named(&gate.wait_for_message("checks are weakened by"));
        let checked = Command::new(BINARY).arg("check").arg(gate.config()).output().unwrap();
        is_named(&String::from_utf8(checked.stderr).unwrap());
        if name == "policy.default" {
            gate.rewrite(|listener, admin| plain().signing("sigv2: true").text(listener, admin));
            assert_eq!(gate.reload().status, 200);
            assert_eq!(weakened(&gate), ["admin.token", "signing.sigv2"]);
            let last = poll("a second message", || {
                let messages = gate.messages();
                let mut told =
                    messages.lines().filter(|line| line.contains("checks are weakened by")).skip(1);
                told.next().map(str::to_owned)
            });
            assert!(last.contains("`signing.sigv2`") && !last.contains("`policy.default`"), "{last}");
        }
    }
}
