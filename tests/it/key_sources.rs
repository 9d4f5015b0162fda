//! Access keys from folders and webhooks under a running gate: they come, change and go without a reload.
//! It must not test what a policy means.

use crate::support::client::Client;
use crate::support::config::{ALLOW_BUCKET, Config};
use crate::support::form::Form;
use crate::support::gate::{Gate, poll};
use crate::support::reply;
use crate::support::request::Request;
use crate::support::sigv4::{Key, MAIN};
use crate::support::time::{Deadline, iso_date, now};
use crate::support::upstream::Upstream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const TENANT: Key = Key { id: "AKIDTENANT0000000001", secret: "tenant-secret", token: None };
const OTHER: Key = Key { id: "AKIDTENANT0000000002", secret: "other-secret", token: None };

fn entry(key: Key, policy: &str) -> String {
    format!(
        "{{\"access_key_id\": \"{}\", \"secret_access_key\": {{\"value\": \"{}\"}}, \"policies\": [{policy}]}}",
        key.id, key.secret
    )
}

fn get(key: Key) -> Vec<u8> {
    Request::get("/bkt/key").key(key).presigned()
}

fn put(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(".new"), text).unwrap();
    std::fs::rename(folder.join(".new"), folder.join(name)).unwrap();
}

#[test]
fn a_folder_of_keys_is_followed_on_open_connections() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "tenant.yaml", &entry(TENANT, ALLOW_BUCKET));
    let upstream = Upstream::ok();
    let sources =
        format!("credential_sources:\n  - {{ name: tenants, directory: {} }}", folder.path().display());
    let gate = Gate::start(&Config::resign(upstream.endpoint()).more(&sources));
    let mut client = Client::connect(gate.address());
    let mut status = |key: Key| {
        client.send(&get(key));
        client.response("GET").status
    };
    assert_eq!((status(TENANT), status(OTHER)), (200, 403));
    put(folder.path(), "other.json", &entry(OTHER, ALLOW_BUCKET));
    poll("the new key", || (status(OTHER) == 200).then_some(()));
    // a policy that cannot be read opens nothing and closes nothing
    put(folder.path(), "other.json", &entry(OTHER, "{\"Statement\": 1}"));
    let refused = || gate.metric("presign_gate_credential_source_results_total", &["result=\"refused\""]);
    poll("the wrong file", || (refused() > 0.0).then_some(()));
    assert_eq!(status(OTHER), 200);
    assert!(gate.admin("GET", "/readyz?verbose").text().contains("credential source tenants failed"));
    std::fs::remove_file(folder.path().join("other.json")).unwrap();
    let soon = Deadline::after(Duration::from_secs(2));
    poll("the end of the key", || (status(OTHER) == 403).then_some(()));
    assert!(!soon.passed(), "the key lived on");
    assert_eq!(status(TENANT), 200);
    assert!((gate.metric("presign_gate_credential_source_keys", &["source=\"tenants\""]) - 1.0).abs() < 0.1);
    assert_eq!(gate.reload().status, 200);
    assert_eq!(status(TENANT), 200);
}

/// A webhook that knows one key as long as it is told to, and the gate before it.
fn hooked(known: &Arc<AtomicUsize>, terms: &str) -> (Upstream, Upstream, Gate) {
    let state = Arc::clone(known);
    let hook = Upstream::scripted(move |_| match state.load(Ordering::SeqCst) {
        KNOWN => reply::ok(&entry(TENANT, ALLOW_BUCKET)),
        GONE => reply::status("404 Not Found", &[], ""),
        _ => reply::status("500 Internal Server Error", &[], ""),
    });
    let upstream = Upstream::ok();
    let sources = format!(
        "credential_sources:\n  - {{ name: broker, webhook: {{ url: '{}/key', token: {{ value: letmein }}, {terms} }} }}\nexpose_reasons: true",
        hook.endpoint()
    );
    let gate = Gate::start(&Config::resign(upstream.endpoint()).more(&sources));
    (hook, upstream, gate)
}

const KNOWN: usize = 0;
const GONE: usize = 1;
const BROKEN: usize = 2;

#[test]
fn a_webhook_is_asked_for_unknown_keys_alone() {
    let known = Arc::new(AtomicUsize::new(KNOWN));
    let (hook, _upstream, gate) = hooked(&known, "ttl: 1h");
    assert_eq!(gate.ask("GET", &Request::get("/bkt/key").presigned()).status, 200);
    assert_eq!(hook.recording().requests.len(), 0, "the config knows that key");
    for _ in 0..5 {
        assert_eq!(gate.ask("GET", &get(TENANT)).status, 200);
    }
    let wrong = Key { secret: "another-secret", ..TENANT };
    let answer = gate.ask("GET", &get(wrong));
    assert!(answer.status == 403 && answer.text().contains("SignatureDoesNotMatch"), "{}", answer.text());
    assert_eq!(gate.ask("GET", &Request::get("/other/key").key(TENANT).presigned()).status, 403);
    assert_eq!(hook.recording().requests.len(), 1);
    let seen = hook.only_request();
    assert_eq!(seen.path(), "/key");
    // a link that is too old is asked about by nobody
    let old = Request::get("/bkt/key").key(OTHER).at(-7200).expires("60").presigned();
    assert_eq!(gate.ask("GET", &old).status, 403);
    assert_eq!(hook.recording().requests.len(), 1);
    // a webhook that answers with another key answers nothing
    let answer = gate.ask("GET", &get(OTHER));
    assert!(answer.status == 503 && answer.text().contains("ServiceUnavailable"), "{}", answer.text());
    assert_eq!(answer.headers.get("x-gate-reason"), Some("key_source"));
    let question =
        format!("{{\"url\": \"http://s3.test{}\"}}", Request::get("/bkt/key").key(TENANT).presigned_target());
    let explained = gate.admin_with("POST", "/explain", &[], &question).text();
    assert!(explained.contains("\"decision\":\"allow\""), "{explained}");
}

#[test]
fn a_key_outlives_its_webhook_for_a_time_and_a_denial_ends_it() {
    let known = Arc::new(AtomicUsize::new(KNOWN));
    let (_hook, _upstream, gate) = hooked(&known, "ttl: 1s, negative_ttl: 100ms, stale: 1h");
    let status = |key| gate.ask("GET", &get(key)).status;
    assert_eq!(status(TENANT), 200);
    known.store(BROKEN, Ordering::SeqCst);
    let stale = || gate.metric("presign_gate_credential_source_results_total", &["result=\"stale\""]);
    poll("a stale key", || (status(TENANT) == 200 && stale() > 0.0).then_some(()));
    assert_eq!(status(OTHER), 503, "what was never known cannot be known");
    assert!(gate.admin("GET", "/readyz?verbose").text().contains("credential source broker failed"));
    assert_eq!(gate.admin("GET", "/readyz").status, 200);
    known.store(GONE, Ordering::SeqCst);
    poll("the end of the key", || (status(TENANT) == 403).then_some(()));
    let answer = gate.ask("GET", &get(TENANT));
    assert!(answer.text().contains("InvalidAccessKeyId"), "{}", answer.text());
    known.store(KNOWN, Ordering::SeqCst);
    poll("the key again", || (status(TENANT) == 200).then_some(()));
}

const TEMPORARY: Key =
    Key { id: "ASIATENANT0000000001", secret: "tenant-secret", token: Some("tenant-token") };

/// An entry for a temporary key that runs out so many seconds from now.
fn ending(seconds: i64) -> String {
    let more = format!(
        ", \"session_token\": {{\"value\": \"{}\"}}, \"expires\": \"{}\"}}",
        TEMPORARY.token.unwrap(),
        iso_date(now() + seconds)
    );
    entry(TEMPORARY, ALLOW_BUCKET).strip_suffix('}').unwrap().to_owned() + &more
}

#[test]
fn a_temporary_key_runs_out_with_all_that_it_has_signed() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "tenant.json", &ending(2));
    let ended = Upstream::always(reply::ok(&ending(-1)));
    let upstream = Upstream::ok();
    let of_folder = format!("{{ name: tenants, directory: {} }}", folder.path().display());
    let of_webhook = format!("{{ name: broker, webhook: {{ url: '{}/key' }} }}", ended.endpoint());
    let link = get(TEMPORARY);
    let start = |source: &str| {
        let more = format!("credential_sources:\n  - {source}\nexpose_reasons: true");
        Gate::start(&Config::resign(upstream.endpoint()).more(&more))
    };
    let (gate, hooked) = (start(&of_folder), start(&of_webhook));
    poll("the end of the key", || (gate.ask("GET", &link).status == 400).then_some(()));
    let form = Form { key: TEMPORARY, ..Form::new("user/a.txt", b"hello") };
    upstream.recording().requests.clear();
    for gate in [&gate, &hooked] {
        let authorized = Request::get("/bkt/key").key(TEMPORARY).authorized();
        for (method, bytes) in [("GET", &link), ("GET", &authorized), ("POST", &form.bytes())] {
            let answer = gate.ask(method, bytes);
            answer.assert_error(400, "ExpiredToken");
            assert_eq!(answer.element("Message").as_deref(), Some("The provided token has expired."));
            assert_eq!(answer.headers.get("x-gate-reason"), Some("expired_token"));
        }
    }
    assert!(upstream.recording().requests.is_empty());
    assert!(gate.metric("presign_gate_denied_total", &["reason=\"expired_token\""]) > 2.5);
}

#[test]
fn the_doctor_looks_at_keys_that_were_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "tenant.yaml", &entry(TENANT, ALLOW_BUCKET));
    let upstream = Upstream::ok();
    let sources =
        format!("credential_sources:\n  - {{ name: tenants, directory: {} }}", folder.path().display());
    let of_folder = Gate::start(&Config::resign(upstream.endpoint()).more(&sources));
    let (_hook, _upstream, of_webhook) = hooked(&Arc::new(AtomicUsize::new(KNOWN)), "ttl: 1h");
    let rewritten = Request::get("/bkt/key").key(TENANT).host("old.example").presigned_target();
    let main = Key { secret: MAIN.secret, ..TENANT };
    let mixed_up = Request::get("/bkt/key").key(main).presigned_target();
    for gate in [of_folder, of_webhook] {
        for (target, line, cause) in [
            (&rewritten, "X-Forwarded-Host: old.example\r\n", "host_rewritten"),
            (&mixed_up, "", "other_secret"),
        ] {
            let bytes = format!("GET {target} HTTP/1.1\r\nHost: s3.test\r\n{line}\r\n");
            assert_eq!(gate.ask("GET", bytes.as_bytes()).status, 403);
            let label = format!("cause=\"{cause}\"");
            poll(cause, || {
                (gate.metric("presign_gate_signature_diagnoses_total", &[&label]) > 0.5).then_some(())
            });
            let lines: Vec<_> = line.trim_end().split_once(": ").into_iter().collect();
            let question =
                serde_json::json!({ "url": format!("http://s3.test{target}"), "headers": lines }).to_string();
            let explained = gate.admin_with("POST", "/explain", &[], &question).text();
            assert!(explained.contains(cause) && explained.contains("\"proven\":true"), "{explained}");
        }
    }
}

#[test]
fn a_form_may_be_signed_with_a_key_of_a_webhook() {
    let known = Arc::new(AtomicUsize::new(KNOWN));
    let (hook, upstream, gate) = hooked(&known, "ttl: 1h");
    let form = Form { key: TENANT, ..Form::new("user/a.txt", b"hello") };
    for _ in 0..2 {
        let answer = gate.ask("POST", &form.bytes());
        assert_eq!(answer.status, 204, "{}", answer.text());
    }
    assert_eq!((hook.recording().requests.len(), upstream.recording().requests.len()), (1, 2));
    let wrong = Form { key: Key { secret: "another-secret", ..TENANT }, ..form };
    assert_eq!(gate.ask("POST", &wrong.bytes()).status, 403);
    assert_eq!((hook.recording().requests.len(), upstream.recording().requests.len()), (1, 2));
}
