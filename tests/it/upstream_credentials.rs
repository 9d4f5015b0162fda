//! Credentials of an upstream that are found, exchanged while the gate runs, and missed.
//! It must not ask a machine's own metadata service: every place to look is a recording upstream.

use crate::support::config::Config;
use crate::support::gate::{Gate, poll};
use crate::support::recorded::Record;
use crate::support::reply::{self, Reply};
use crate::support::request::Request;
use crate::support::sigv4::{Key, assert_signed_by};
use crate::support::time::{amz_date, now};
use crate::support::upstream::Upstream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

const FIRST: Key = Key { id: "ASIAPROVIDED00000001", secret: "provided-one", token: Some("token/one") };
const SECOND: Key = Key { id: "ASIAPROVIDED00000002", secret: "provided-two", token: Some("token/two") };

/// `2026-01-01T00:00:00Z`.
fn time(seconds: i64) -> String {
    let text = amz_date(seconds);
    let part = |from: usize, to: usize| &text[from..to];
    format!("{}-{}-{}T{}:{}:{}Z", part(0, 4), part(4, 6), part(6, 8), part(9, 11), part(11, 13), part(13, 15))
}

/// The answer of a container's credentials service.
fn container(key: Key, seconds: i64) -> Reply {
    let body = serde_json::json!({
        "AccessKeyId": key.id,
        "SecretAccessKey": key.secret,
        "Token": key.token,
        "Expiration": time(now() + seconds),
    });
    reply::status("200 OK", &[("Content-Type", "application/json")], &body.to_string())
}

fn start(config: &Config, more: &str, environment: &[(&str, &str)]) -> Gate {
    let config = Config { credentials: format!("{{ provider: aws{more} }}"), ..config.clone() };
    let mut all = vec![
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_CONFIG_FILE", "/dev/null"),
        ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
    ];
    all.extend(environment);
    Gate::start_in(&all, |listener, admin| config.text(listener, admin))
}

fn get(gate: &Gate) -> u16 {
    gate.ask("GET", &Request::get("/bkt/key").presigned()).status
}

#[track_caller]
fn wait_until_ready(gate: &Gate) {
    poll("the gate to be ready", || (gate.admin("GET", "/readyz").status == 200).then_some(()));
}

#[test]
fn they_are_found_and_exchanged_before_they_expire() {
    let asked = AtomicUsize::new(0);
    let service = Upstream::scripted(move |_| match asked.fetch_add(1, Ordering::SeqCst) {
        0 => container(FIRST, 4),
        1 => reply::status("500 Internal Server Error", &[], "not now"),
        _ => container(SECOND, 3600),
    });
    let upstream = Upstream::ok();
    let uri = format!("{}/credentials", service.endpoint());
    let gate =
        start(&Config::resign(upstream.endpoint()), "", &[("AWS_CONTAINER_CREDENTIALS_FULL_URI", &uri)]);
    wait_until_ready(&gate);
    assert_eq!(get(&gate), 200);
    let request = upstream.recording().requests.last().cloned().unwrap();
    assert_signed_by(&request, FIRST, "us-east-1");
    assert_eq!(request.headers.get("x-amz-security-token"), FIRST.token);
    let expiry = |gate: &Gate| gate.metric("presign_gate_upstream_credentials_expiry_timestamp_seconds", &[]);
    poll("the second credentials", || {
        get(&gate);
        let last: Option<Record> = upstream.recording().requests.last().cloned();
        last.filter(|request| request.headers.get("x-amz-security-token") == SECOND.token)
    });
    let left = expiry(&gate) - f64::from(i32::try_from(now()).unwrap());
    assert!((3500.0..=3600.0).contains(&left), "{left}");
    for key in [FIRST, SECOND] {
        assert!(!gate.output().contains(key.secret) && !gate.output().contains(key.token.unwrap()));
    }
}

#[test]
fn without_any_the_gate_is_not_ready_and_nothing_is_sent() {
    let service = Upstream::always(reply::status("404 Not Found", &[], "none"));
    let upstream = Upstream::ok();
    let uri = format!("{}/credentials", service.endpoint());
    let gate =
        start(&Config::resign(upstream.endpoint()), "", &[("AWS_CONTAINER_CREDENTIALS_FULL_URI", &uri)]);
    drop(service.wait(|seen| !seen.requests.is_empty()));
    assert_eq!(gate.admin("GET", "/readyz").status, 503);
    let verbose = gate.admin("GET", "/readyz?verbose").text();
    assert!(verbose.contains("[-] credentials of upstream s3 failed\n"), "{verbose}");
    let answer = gate.ask("GET", &Request::get("/bkt/key").presigned());
    answer.assert_error(503, "ServiceUnavailable");
    let put = gate.ask("PUT", &Request::put("/bkt/key", b"body").presigned());
    put.assert_error(503, "ServiceUnavailable");
    upstream.assert_untouched();
    poll("the failures to be counted", || {
        (gate.metric("presign_gate_denied_total", &["reason=\"upstream_credentials\""]) >= 2.0).then_some(())
    });
    assert_eq!(gate.admin("GET", "/livez").status, 200);
}

#[test]
fn a_link_loses_no_use_to_a_gate_that_cannot_sign() {
    let missing = Arc::new(AtomicBool::new(true));
    let seen = Arc::clone(&missing);
    let service = Upstream::scripted(move |_| {
        if seen.load(Ordering::SeqCst) {
            reply::status("404 Not Found", &[], "none")
        } else {
            container(FIRST, 3600)
        }
    });
    let upstream = Upstream::ok();
    let uri = format!("{}/credentials", service.endpoint());
    let config = Config::resign(upstream.endpoint()).more("links: { grace: 0s }");
    let gate = start(&config, "", &[("AWS_CONTAINER_CREDENTIALS_FULL_URI", &uri)]);
    let single = Request::get("/bkt/key").query("x-gate-max-uses", "1").presigned();
    for _ in 0..3 {
        gate.ask("GET", &single).assert_error(503, "ServiceUnavailable");
    }
    upstream.assert_untouched();
    missing.store(false, Ordering::SeqCst);
    wait_until_ready(&gate);
    assert_eq!(gate.ask("GET", &single).status, 200);
    gate.ask("GET", &single).assert_error(403, "AccessDenied");
}

#[test]
fn a_role_is_assumed_with_its_external_id() {
    let expiration = time(now() + 3600);
    let body = format!(
        "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult><Credentials>\
        <AccessKeyId>{}</AccessKeyId><SecretAccessKey>{}</SecretAccessKey><SessionToken>{}</SessionToken>\
        <Expiration>{expiration}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>",
        FIRST.id,
        FIRST.secret,
        FIRST.token.unwrap()
    );
    let service = Upstream::always(reply::status("200 OK", &[("Content-Type", "text/xml")], &body));
    let upstream = Upstream::ok();
    let role = ", role_arn: 'arn:aws:iam::111122223333:role/gate', external_id: only-for-us";
    let environment = [
        ("AWS_ACCESS_KEY_ID", "AKIDENVIRONMENT00001"),
        ("AWS_SECRET_ACCESS_KEY", "environment-secret"),
        ("AWS_ENDPOINT_URL_STS", &service.endpoint()),
    ];
    let gate = start(&Config::resign(upstream.endpoint()), role, &environment);
    wait_until_ready(&gate);
    assert_eq!(get(&gate), 200);
    assert_signed_by(&upstream.only_request(), FIRST, "us-east-1");
    let asked = service.recording().requests[0].clone();
    let text = String::from_utf8(asked.body).unwrap();
    for part in [
        "Action=AssumeRole",
        "RoleArn=arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2Fgate",
        "ExternalId=only-for-us",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert!(asked.headers.get("authorization").unwrap().contains("AKIDENVIRONMENT00001"));
}

#[test]
fn a_key_of_the_environment_does_not_expire() {
    let upstream = Upstream::ok();
    let environment =
        [("AWS_ACCESS_KEY_ID", "AKIDENVIRONMENT00001"), ("AWS_SECRET_ACCESS_KEY", "environment-secret")];
    let gate = start(&Config::resign(upstream.endpoint()), "", &environment);
    wait_until_ready(&gate);
    assert_eq!(get(&gate), 200);
    let key = Key { id: "AKIDENVIRONMENT00001", secret: "environment-secret", token: None };
    assert_signed_by(&upstream.only_request(), key, "us-east-1");
    assert!(gate.metric("presign_gate_upstream_credentials_expiry_timestamp_seconds", &[]) > 2e11);
    // a reload does not look for them anew
    assert_eq!(gate.reload().status, 200);
    assert_eq!(get(&gate), 200);
}
