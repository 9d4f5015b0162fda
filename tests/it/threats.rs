//! The attack cases beside the checkout, run against the real gate by their own runner and recorder.
//! It must not pass when the cases are missing or none ran.

use crate::support::gate::Gate;
use crate::support::ports;
use crate::support::request::Request;
use crate::support::shared;
use crate::support::sigv4::{Key, MAIN};
use crate::support::upstream::Upstream;
use serde_json::Value;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

/// A gate with the config of a profile, its fixed ports replaced.
fn start(profile: &str, upstream: SocketAddr) -> Gate {
    start_with(profile, upstream, &[])
}

/// The same with further parts of the text replaced.
fn start_with(profile: &str, upstream: SocketAddr, changes: &[(&str, &str)]) -> Gate {
    let text = std::fs::read_to_string(shared(&format!("threats/profiles/{profile}.yaml"))).unwrap();
    Gate::start_with(|listener, admin| {
        let ports = [("127.0.0.1:8080", listener), ("127.0.0.1:9090", admin), ("127.0.0.1:9009", upstream)];
        let ports = ports.map(|(from, to)| (from, to.to_string()));
        let changes = changes.iter().map(|(from, to)| (*from, (*to).to_owned()));
        ports.into_iter().chain(changes).fold(text, |text, (from, to)| {
            assert!(text.contains(from), "{from} is not in the profile {profile}");
            text.replace(from, &to)
        })
    })
}

/// Runs that send what S3 serves: the runner signs the body's own hash where the case asks for an empty one.
const RIGHT_REQUESTS: &[&str] = &["PAY-10   5 "];

/// Runs the cases of a profile; at least `floor` of them must have been judged.
#[track_caller]
fn check(profile: &str, floor: usize) {
    let recorder = ports::reserve();
    let gate = start(profile, recorder.address);
    run(&gate, recorder.address, profile, &shared("threats/cases.json"), floor);
}

/// Runs the cases of a profile in a file against this gate.
#[track_caller]
fn run(gate: &Gate, recorder: SocketAddr, profile: &str, cases: &Path, floor: usize) {
    let mut runner = Command::new("python3");
    runner.arg("-B").arg(shared("threats/runner.py")).args(["--profile", profile]).arg("--cases").arg(cases);
    runner.args(["--target", &gate.address().to_string(), "--recorder", &recorder.to_string()]);
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

/// Every case, as JSON.
fn cases() -> Value {
    serde_json::from_slice(&std::fs::read(shared("threats/cases.json")).unwrap()).unwrap()
}

/// What must be refused is refused too where the policies leave everything open and the client's own signature goes on.
#[test]
fn refusals_do_not_lean_on_policies_or_on_signing_anew() {
    let mut file = cases();
    let refusals = file["cases"].as_array_mut().unwrap();
    refusals.retain(|case| case["expect"]["verdict"] == "reject");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cases.json");
    std::fs::write(&path, file.to_string()).unwrap();
    let recorder = ports::reserve();
    let own = r#"credentials: { access_key_id: AKIDUPSTREAM0000001, secret_access_key: { value: "upstream-secret" } }"#;
    let changes = [("default: deny", "default: pass"), (own, "credentials: { passthrough: true }")];
    let gate = start_with("default", recorder.address, &changes);
    run(&gate, recorder.address, "default", &path, 95);
}

/// The cases about the edge that need a harness of their own, and the tests that are it.
const PROCEDURES: &[(&str, &str)] = &[
    ("NET-09", "network/world.rs: DualStack"),
    ("NET-12", "../../src/net/cidr/tests.rs: a_range_is_read_strictly"),
    ("NET-23", "unix_socket.rs: without_a_word_of_its_peer_nothing_is_served"),
    ("FRM-53", "upstream_faults.rs: bytes_after_an_answer_are_nobodys_answer"),
    ("FRM-54", "upstream_faults.rs: answers_that_are_not_http"),
    ("UPS-06", "forwarding.rs: redirects_and_errors_of_the_upstream_pass_unchanged"),
    ("UPS-09", "upstream_faults.rs: an_upstream_that_is_not_the_one_that_was_meant"),
    ("UPS-12", "upstream_faults.rs: an_upload_is_never_sent_twice"),
    ("DOS-01", "hostile.rs: heads_in_single_bytes_end_at_the_deadline"),
    ("DOS-02", "hostile.rs: readers_that_never_read_end_and_cost_little"),
    ("DOS-08", "../../src/s3/delete_body/tests.rs: markup_that_is_refused"),
    ("DOS-09", "hostile.rs: files_that_run_out_come_back"),
    ("DOS-11", "../../src/policy/pattern/tests.rs: a_hostile_pattern_stays_cheap"),
    ("DOS-13", "hostile.rs: compressed_bodies_pass_as_they_are"),
    ("DOS-14", "hostile.rs: forged_signatures_cost_others_little"),
    // HTTP/2 is not spoken: its preface is a malformed request, and ALPN does not offer it
    ("H2-01", "framing/refused.rs: PRI * HTTP/2.0"),
    ("H2-02", "framing/refused.rs: PRI * HTTP/2.0"),
    ("H2-03", "framing/refused.rs: PRI * HTTP/2.0"),
    ("H2-04", "framing/refused.rs: PRI * HTTP/2.0"),
    ("H2-06", "framing/refused.rs: PRI * HTTP/2.0"),
    ("H2-07", "framing/refused.rs: PRI * HTTP/2.0"),
    ("H2-08", "framing/refused.rs: PRI * HTTP/2.0"),
];

/// Cases of the same kind that have no test, and why.
const UNTESTED: &[(&str, &str)] =
    &[("UPS-10", "upstreams are named by the operator, who may mean an address of the machine itself")];

#[test]
fn procedures_about_the_edge_have_tests() {
    const ABOUT_THE_EDGE: &[&str] = &["framing", "headers", "network", "exhaustion", "upstream", "http2"];
    let file = cases();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let about = |case: &&Value| ABOUT_THE_EDGE.contains(&case["category"].as_str().unwrap());
    let mut procedures: Vec<String> = file["cases"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|case| case["request"]["kind"] == "procedure")
        .filter(about)
        .map(|case| text(&case["id"]))
        .collect();
    procedures.sort_unstable();
    let mut known: Vec<_> = PROCEDURES.iter().chain(UNTESTED).map(|(id, _)| (*id).to_owned()).collect();
    known.sort_unstable();
    assert_eq!(procedures, known);
    for (id, test) in PROCEDURES {
        let (path, name) = test.split_once(": ").unwrap();
        let source =
            std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it").join(path));
        assert!(source.unwrap().contains(name), "{id}: `{name}` is not in {path}");
    }
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
