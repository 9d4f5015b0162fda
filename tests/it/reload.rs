//! A new config under a running gate: in force as a whole at the next request, or not at all.
//! It must not test what a config means.

use crate::support::client::Client;
use crate::support::config::{ALLOW_BUCKET, Config};
use crate::support::gate::{Gate, poll};
use crate::support::load::Load;
use crate::support::reply::{self, Latch};
use crate::support::request::Request;
use crate::support::sigv4::{Key, MAIN};
use crate::support::upstream::Upstream;
use serde_json::Value;
use std::net::SocketAddr;

const ALLOW_NOTHING: &str = r#"{"Version": "2012-10-17", "Statement": [{"Sid": "Nothing", "Effect": "Deny", "Action": "s3:*", "Resource": "*"}]}"#;

fn start() -> (Upstream, Config, Gate) {
    let upstream = Upstream::ok();
    let config = Config::resign(upstream.endpoint());
    let gate = Gate::start(&config);
    (upstream, config, gate)
}

fn get() -> Vec<u8> {
    Request::get("/bkt/key").presigned()
}

#[test]
fn a_signal_changes_the_rules_of_open_connections() {
    let (_upstream, config, mut gate) = start();
    let mut client = Client::connect(gate.address());
    let mut status = || {
        client.send(&get());
        client.response("GET").status
    };
    assert_eq!(status(), 200);
    gate.rewrite(|listener, admin| config.clone().policy(ALLOW_NOTHING).text(listener, admin));
    gate.process().signal("HUP");
    poll("the new rules", || (status() == 403).then_some(()));
    gate.rewrite(|listener, admin| config.text(listener, admin));
    gate.process().signal("HUP");
    poll("the old rules", || (status() == 200).then_some(()));
    assert!(gate.metric("presign_gate_config_reloads_total", &["result=\"loaded\""]) >= 2.0);
}

#[test]
fn a_request_ends_under_the_rules_that_it_began_with() {
    let latch = Latch::default();
    let upstream = Upstream::always(reply::delayed(&latch, "late"));
    let config = Config::resign(upstream.endpoint());
    let gate = Gate::start(&config);
    let mut client = Client::connect(gate.address());
    client.send(&get());
    drop(upstream.wait(|seen| seen.requests.len() == 1));
    gate.rewrite(|listener, admin| config.policy(ALLOW_NOTHING).text(listener, admin));
    assert_eq!(gate.reload().status, 200);
    latch.open();
    assert_eq!(client.response("GET").text(), "late");
    client.send(&get());
    assert_eq!(client.response("GET").status, 403);
}

#[test]
fn a_wrong_file_changes_nothing_and_is_reported() {
    let (_upstream, config, gate) = start();
    let loaded_at = gate.metric("presign_gate_config_last_reload_timestamp_seconds", &[]);
    for (from, to, place) in [
        ("version: 1", "version: 2", "gate.yaml:1:"),
        ("regions: [us-east-1]", "regionen: [us-east-1]", "signing.regionen"),
        ("\"Effect\": \"Allow\"", "\"Effect\": \"Permit\"", "Permit"),
        ("hosts: [s3.test, 127.0.0.1, localhost]", "hosts:", "hosts"),
        ("version: 1", "\tversion: 1", "gate.yaml:1:"),
    ] {
        gate.rewrite(|listener, admin| {
            let text = config.text(listener, admin);
            assert!(text.contains(from), "{from}");
            text.replacen(from, to, 1)
        });
        let answer = gate.reload();
        assert_eq!(answer.status, 400, "{to}: {}", answer.text());
        let report: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(report["ok"], false);
        assert!(report["errors"].as_u64().unwrap() > 0);
        let findings = report["diagnostics"].to_string();
        assert!(findings.contains(place.split(':').next().unwrap()), "{to}: {findings}");
        assert!(gate.metric("presign_gate_config_last_reload_successful", &[]).abs() < f64::EPSILON);
        assert_eq!(gate.ask("GET", &get()).status, 200, "{to}");
        poll("the message", || gate.output().contains("the config stays as it is").then_some(()));
    }
    assert!(gate.metric("presign_gate_config_reloads_total", &["result=\"refused\""]) >= 5.0);
    assert!(
        (gate.metric("presign_gate_config_last_reload_timestamp_seconds", &[]) - loaded_at).abs()
            < f64::EPSILON
    );
    std::fs::remove_file(gate.config()).unwrap();
    assert_eq!(gate.reload().status, 400);
    gate.rewrite(|listener, admin| config.text(listener, admin));
    let answer = gate.reload();
    assert_eq!(answer.status, 200, "{}", answer.text());
    let report: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(report["ok"], true);
    assert!((gate.metric("presign_gate_config_last_reload_successful", &[]) - 1.0).abs() < f64::EPSILON);
}

#[test]
fn addresses_stay_as_they_are() {
    let (_upstream, config, gate) = start();
    let other = crate::support::ports::reserve();
    gate.rewrite(|listener, _| config.text(listener, other.address));
    let answer = gate.reload();
    assert_eq!(answer.status, 400);
    assert!(answer.text().contains("admin.address"), "{}", answer.text());
    gate.rewrite(|_, admin| config.text(other.address, admin));
    let answer = gate.reload();
    assert!(answer.status == 400 && answer.text().contains(&other.address.to_string()), "{}", answer.text());
    assert_eq!(gate.ask("GET", &get()).status, 200);
}

/// The config with the main key's secret in a file.
fn with_secret_file(config: &Config, listener: SocketAddr, admin: SocketAddr, path: &str) -> String {
    let value = format!("{{ value: \"{}\" }}", MAIN.secret);
    let text = config.text(listener, admin);
    assert!(text.contains(&value));
    text.replacen(&value, &format!("{{ file: {path} }}"), 1)
}

#[test]
fn a_secret_file_is_taken_up_without_a_signal() {
    let (_upstream, config, gate) = start();
    let folder = gate.config().parent().unwrap().to_owned();
    let at = |name: &str| folder.join(name);
    // as secrets are mounted: main.secret -> ..data/main.secret, ..data -> a folder that is exchanged
    for (name, secret) in [("..1", MAIN.secret), ("..2", "rotated")] {
        std::fs::create_dir(at(name)).unwrap();
        std::fs::write(at(name).join("main.secret"), secret).unwrap();
    }
    std::os::unix::fs::symlink("..1", at("..data")).unwrap();
    std::os::unix::fs::symlink("..data/main.secret", at("main.secret")).unwrap();
    gate.rewrite(|listener, admin| with_secret_file(&config, listener, admin, "main.secret"));
    assert_eq!(gate.reload().status, 200);
    let ask = |key: Key| gate.ask("GET", &Request::get("/bkt/key").key(key).presigned()).status;
    let rotated = Key { secret: "rotated", ..MAIN };
    assert_eq!((ask(MAIN), ask(rotated)), (200, 403));
    std::os::unix::fs::symlink("..2", at("..new")).unwrap();
    std::fs::rename(at("..new"), at("..data")).unwrap();
    poll("the exchanged folder", || (ask(rotated) == 200).then_some(()));
    assert_eq!(ask(MAIN), 403);
    // in place
    std::fs::write(at("..2/main.secret"), MAIN.secret).unwrap();
    poll("the rewritten file", || (ask(MAIN) == 200).then_some(()));
    // an empty file is no secret
    std::fs::write(at("..2/main.secret"), "").unwrap();
    poll("the refusal", || {
        (gate.metric("presign_gate_config_last_reload_successful", &[]) < 0.5).then_some(())
    });
    assert_eq!(ask(MAIN), 200);
}

#[test]
fn what_is_new_has_its_series() {
    let (_upstream, config, gate) = start();
    gate.rewrite(|listener, admin| {
        let text = config.text(listener, admin).replace("AllowBkt", "NewName");
        text.replace("buckets:\n", "buckets:\n  - name: another\n    upstream: s3\n")
    });
    assert_eq!(gate.reload().status, 200);
    assert!(gate.metric("presign_gate_policy_matches_total", &["sid=\"NewName\""]).abs() < f64::EPSILON);
    assert!(gate.metric("presign_gate_requests_total", &["bucket=\"another\""]).abs() < f64::EPSILON);
    gate.ask("GET", &get());
    poll("the new statement to count", || {
        (gate.metric("presign_gate_policy_matches_total", &["sid=\"NewName\""]) >= 1.0).then_some(())
    });
    assert!(gate.metric("presign_gate_requests_total", &["bucket=\"bkt\"", "decision=\"allow\""]) >= 1.0);
}

#[test]
fn reloads_under_load_fail_no_request() {
    let (_upstream, config, gate) = start();
    let load = Load::start(gate.address(), 4);
    for number in 0..120 {
        // a sixth of them is wrong; the others differ in a statement's name
        let wrong = number % 6 == 5;
        let policy = ALLOW_BUCKET.replace("AllowBkt", &format!("Allow{number}"));
        gate.rewrite(|listener, admin| {
            let text = config.clone().policy(&policy).text(listener, admin);
            if wrong { text.replace("upstream: s3", "upstream: nowhere") } else { text }
        });
        assert_eq!(gate.reload().status, if wrong { 400 } else { 200 });
    }
    let served = load.finish();
    assert!(served > 100, "{served} requests");
    assert!(gate.metric("presign_gate_config_reloads_total", &["result=\"loaded\""]) >= 100.0);
    assert!(gate.metric("presign_gate_config_reloads_total", &["result=\"refused\""]) >= 20.0);
}
