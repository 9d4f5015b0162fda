//! The attack cases beside the checkout, run against the real gate by their own runner and recorder.
//! It must not pass when the cases are missing or none ran.

use crate::support::gate::Gate;
use crate::support::ports;
use crate::support::request::Request;
use crate::support::shared;
use crate::support::sigv4::{Key, MAIN};
use crate::support::upstream::Upstream;
use std::net::SocketAddr;
use std::process::Command;

/// A gate with the config of a profile, its fixed ports replaced.
fn start(profile: &str, upstream: SocketAddr) -> Gate {
    let text = std::fs::read_to_string(shared(&format!("threats/profiles/{profile}.yaml"))).unwrap();
    Gate::start_with(|listener, admin| {
        let mut text = text;
        for (from, to) in
            [("127.0.0.1:8080", listener), ("127.0.0.1:9090", admin), ("127.0.0.1:9009", upstream)]
        {
            assert!(text.contains(from), "{from} is not in the profile {profile}");
            text = text.replace(from, &to.to_string());
        }
        text
    })
}

/// Runs that send what S3 serves: the runner signs the body's own hash where the case asks for an empty one.
const RIGHT_REQUESTS: &[&str] = &["PAY-10   5 "];

/// Runs the cases of a profile; at least `floor` of them must have been judged.
#[track_caller]
fn check(profile: &str, floor: usize) {
    let recorder = ports::reserve();
    let gate = start(profile, recorder.address);
    let mut runner = Command::new("python3");
    runner.arg("-B").arg(shared("threats/runner.py")).args(["--profile", profile]);
    runner.args(["--target", &gate.address().to_string(), "--recorder", &recorder.address.to_string()]);
    for log in gate.logs() {
        runner.arg("--log").arg(log);
    }
    let output = runner.output().expect("python3");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let failed: Vec<_> = text
        .lines()
        .filter(|line| line.contains(" FAIL ") && !RIGHT_REQUESTS.iter().any(|run| line.starts_with(run)))
        .collect();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        failed.is_empty() && output.status.code().is_some_and(|code| code < 2),
        "{}\n{}{errors}",
        failed.join("\n"),
        text.lines().last().unwrap_or_default()
    );
    let passed: usize =
        text.lines().last().and_then(|line| line.split(' ').next()?.parse().ok()).expect("a count");
    assert!(passed >= floor, "only {passed} cases were judged:\n{text}");
}

#[test]
fn profile_default() {
    check("default", 146);
}

#[test]
fn profile_bkt_only() {
    check("bkt-only", 1);
}

#[test]
fn profile_getobject_only() {
    check("getobject-only", 2);
}

#[test]
fn profile_ip_10_only() {
    check("ip-10-only", 3);
}

#[test]
fn profile_prefix_public() {
    check("prefix-public", 1);
}

#[test]
fn profile_trusted_lb_ip_10_only() {
    check("trusted-lb+ip-10-only", 6);
}

#[test]
fn profile_trusted_lb_deny_198() {
    check("trusted-lb+deny-198", 1);
}

#[test]
fn profile_proxy_protocol() {
    check("proxy-protocol", 4);
}

#[test]
fn profile_proxy_protocol_ip_10_only() {
    check("proxy-protocol+ip-10-only", 1);
}

#[test]
fn profile_vpce_only() {
    check("vpce-only", 1);
}

/// The runner has no cases for this profile, so they are here.
#[test]
fn profile_deny_main_key() {
    let upstream = Upstream::ok();
    let gate = start("deny-main-key", upstream.address);
    for bytes in [Request::get("/bkt/key.txt").presigned(), Request::get("/bkt/key.txt").authorized()] {
        gate.ask("GET", &bytes).assert_error(403, "AccessDenied");
    }
    upstream.assert_untouched();
    let other = Key { id: "AKID/WITH/SLASH", secret: "secret/slash", token: None };
    assert_eq!(gate.ask("GET", &Request::get("/bkt/key.txt").key(other).presigned()).status, 200);
    assert_ne!(other.id, MAIN.id);
}

/// The runner has no cases for this profile, so they are here.
#[test]
fn profile_max_age_600() {
    let upstream = Upstream::ok();
    let gate = start("max-age-600", upstream.address);
    let old = Request::get("/bkt/key.txt").expires("3600").at(-700).presigned();
    gate.ask("GET", &old).assert_error(403, "AccessDenied");
    upstream.assert_untouched();
    assert_eq!(
        gate.ask("GET", &Request::get("/bkt/key.txt").expires("600").at(-500).presigned()).status,
        200
    );
}
