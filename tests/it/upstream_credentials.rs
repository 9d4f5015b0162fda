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

/// The answer of STS to a call of this name.
fn sts(call: &str, key: Key) -> Reply {
    let body = format!(
        "<{call}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><{call}Result><Credentials>\
        <AccessKeyId>{}</AccessKeyId><SecretAccessKey>{}</SecretAccessKey><SessionToken>{}</SessionToken>\
        <Expiration>{}</Expiration></Credentials></{call}Result></{call}Response>",
        key.id,
        key.secret,
        key.token.unwrap(),
        time(now() + 3600)
    );
    reply::status("200 OK", &[("Content-Type", "text/xml")], &body)
}

/// A gate with credentials from such an environment signs with this key.
#[track_caller]
fn signs_with(key: Key, environment: &[(&str, &str)]) -> Gate {
    let upstream = Upstream::ok();
    let gate = start(&Config::resign(upstream.endpoint()), "", environment);
    wait_until_ready(&gate);
    assert_eq!(get(&gate), 200);
    let request = upstream.only_request();
    assert_signed_by(&request, key, "us-east-1");
    assert_eq!(request.headers.get("x-amz-security-token"), key.token);
    gate
}

/// A file of a folder that stands for a home.
fn file(folder: &tempfile::TempDir, name: &str, text: &str) -> String {
    let path = folder.path().join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_profile_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "[other]\naws_access_key_id = AKIDOTHER\naws_secret_access_key = other\n\
         [gate]\naws_access_key_id = {}\naws_secret_access_key = {}\naws_session_token = {}\n",
        FIRST.id,
        FIRST.secret,
        FIRST.token.unwrap()
    );
    let path = file(&folder, "credentials", &text);
    drop(signs_with(FIRST, &[("AWS_SHARED_CREDENTIALS_FILE", &path), ("AWS_PROFILE", "gate")]));
    // a profile that assumes a role with what another one holds
    let service = Upstream::always(sts("AssumeRole", SECOND));
    let config = "[profile role]\nrole_arn = arn:aws:iam::111122223333:role/gate\nsource_profile = gate\n";
    let config = file(&folder, "config", config);
    let environment = [
        ("AWS_SHARED_CREDENTIALS_FILE", &*path),
        ("AWS_CONFIG_FILE", &config),
        ("AWS_PROFILE", "role"),
        ("AWS_ENDPOINT_URL_STS", &service.endpoint()),
    ];
    drop(signs_with(SECOND, &environment));
    assert!(service.only_request().headers.get("authorization").unwrap().contains(FIRST.id));
}

/// As IRSA does it: a token in a file that is exchanged, a role by name.
#[test]
fn a_web_identity_is_exchanged_for_a_role() {
    let folder = tempfile::tempdir().unwrap();
    let token = file(&folder, "token", "web-identity-token");
    let service = Upstream::always(sts("AssumeRoleWithWebIdentity", FIRST));
    let environment = [
        ("AWS_WEB_IDENTITY_TOKEN_FILE", &*token),
        ("AWS_ROLE_ARN", "arn:aws:iam::111122223333:role/irsa"),
        ("AWS_ROLE_SESSION_NAME", "gate"),
        ("AWS_ENDPOINT_URL_STS", &service.endpoint()),
    ];
    let gate = signs_with(FIRST, &environment);
    let asked = service.only_request();
    let text = String::from_utf8(asked.body).unwrap();
    for part in ["Action=AssumeRoleWithWebIdentity", "role%2Firsa", "WebIdentityToken=web-identity-token"] {
        assert!(text.contains(part), "{text}");
    }
    assert!(!asked.headers.has("authorization"));
    assert!(!gate.output().contains("web-identity-token"));
}

/// As EKS pod identity does it: a full address of the node, and a token in a file that is read each time.
#[test]
fn a_pod_shows_the_token_of_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let token = file(&folder, "token", "pod-token-1");
    let asked = AtomicUsize::new(0);
    let service = Upstream::scripted(move |_| match asked.fetch_add(1, Ordering::SeqCst) {
        0 => container(FIRST, 4),
        _ => container(SECOND, 3600),
    });
    let uri = format!("{}/v1/credentials", service.endpoint());
    let environment =
        [("AWS_CONTAINER_CREDENTIALS_FULL_URI", &*uri), ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", &token)];
    let gate = signs_with(FIRST, &environment);
    file(&folder, "token", "pod-token-2");
    let seen = service.wait(|seen| seen.requests.len() >= 2).requests.clone();
    for (request, token) in seen.iter().zip(["pod-token-1", "pod-token-2"]) {
        assert_eq!((request.path(), request.headers.get("authorization")), ("/v1/credentials", Some(token)));
    }
    assert!(!gate.output().contains("pod-token"));
}

/// A machine's metadata service in its second version: no question without a token.
#[test]
fn a_machine_asks_its_metadata_service_with_a_token() {
    const ROLE: &str = "/latest/meta-data/iam/security-credentials/";
    let service = Upstream::scripted(|request| match (request.method.as_str(), request.path()) {
        ("PUT", "/latest/api/token") => {
            let lines = [("x-aws-ec2-metadata-token-ttl-seconds", "21600"), ("Content-Type", "text/plain")];
            reply::status("200 OK", &lines, "session-token-of-the-machine")
        }
        ("GET", path) if request.headers.get("x-aws-ec2-metadata-token").is_none() => {
            reply::status("401 Unauthorized", &[], path)
        }
        ("GET", ROLE) => reply::ok("machine-role"),
        ("GET", path) if path.strip_prefix(ROLE) == Some("machine-role") => {
            let body = serde_json::json!({
                "Code": "Success", "Type": "AWS-HMAC", "LastUpdated": time(now()),
                "AccessKeyId": FIRST.id, "SecretAccessKey": FIRST.secret, "Token": FIRST.token,
                "Expiration": time(now() + 3600),
            });
            reply::ok(&body.to_string())
        }
        _ => reply::status("404 Not Found", &[], "none"),
    });
    let environment =
        [("AWS_EC2_METADATA_DISABLED", "false"), ("AWS_EC2_METADATA_SERVICE_ENDPOINT", &*service.endpoint())];
    drop(signs_with(FIRST, &environment));
    let seen = service.recording();
    assert_eq!(seen.requests[0].method, "PUT");
    for request in seen.requests.iter().filter(|request| request.method == "GET") {
        let shown = request.headers.get("x-aws-ec2-metadata-token");
        assert_eq!(shown, Some("session-token-of-the-machine"), "{}", request.path());
    }
}

/// Whoever logged in by single sign-on has a token in a cache, which the portal exchanges for a role.
#[test]
fn a_login_by_single_sign_on_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let config = "[profile work]\nsso_session = corp\nsso_account_id = 111122223333\nsso_role_name = gate\n\
                  [sso-session corp]\nsso_region = us-east-1\nsso_start_url = https://corp.example/start\n";
    let config = file(&folder, "config", config);
    let cached = serde_json::json!({
        "accessToken": "token-of-the-login", "expiresAt": time(now() + 3600),
        "region": "us-east-1", "startUrl": "https://corp.example/start",
    });
    // the SHA-1 of the name of the session
    let cache = ".aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json";
    file(&folder, cache, &cached.to_string());
    let millis = (now() + 3600) * 1000;
    let body = serde_json::json!({ "roleCredentials": {
        "accessKeyId": FIRST.id, "secretAccessKey": FIRST.secret, "sessionToken": FIRST.token, "expiration": millis,
    }});
    let service =
        Upstream::always(reply::status("200 OK", &[("Content-Type", "application/json")], &body.to_string()));
    let environment = [
        ("AWS_CONFIG_FILE", &*config),
        ("AWS_PROFILE", "work"),
        ("HOME", folder.path().to_str().unwrap()),
        ("AWS_ENDPOINT_URL_SSO", &service.endpoint()),
    ];
    let gate = signs_with(FIRST, &environment);
    let asked = service.only_request();
    assert_eq!(asked.path(), "/federation/credentials");
    assert!(asked.query().contains("role_name=gate") && asked.query().contains("account_id=111122223333"));
    assert_eq!(asked.headers.get("x-amz-sso_bearer_token"), Some("token-of-the-login"));
    assert!(!gate.output().contains("token-of-the-login"));
}
