//! The attack cases beside the checkout, run against the real gate by their own runner and recorder.
//! It must not pass when the cases are missing or none ran.

use crate::support::gate::Gate;
use crate::support::ports;
use crate::support::request::Request;
use crate::support::shared;
use crate::support::sigv4::{Key, MAIN};
use crate::support::upstream::Upstream;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
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
const RIGHT_REQUESTS: &[&str] = &["\"PAY-10\" 5:"];

/// A case as the list beside this file tells it.
struct Case {
    category: &'static str,
    id: &'static str,
    profile: &'static str,
    runs: usize,
    /// `runner`, or the file and name of a test.
    tried_by: &'static str,
}

fn list() -> Vec<Case> {
    let lines = include_str!("threats/cases.tsv").lines().filter(|line| !line.starts_with('#'));
    let case = |line: &'static str| {
        let [category, id, profile, runs, tried_by] =
            line.split('\t').collect::<Vec<_>>().try_into().expect("five columns");
        Case { category, id, profile, runs: runs.parse().expect("a number"), tried_by }
    };
    lines.map(case).collect()
}

/// Runs the cases of a profile: exactly those of the list, each as often as it says.
#[track_caller]
fn check(profile: &str) {
    let recorder = ports::reserve();
    let gate = start(profile, recorder.address);
    run(&gate, recorder.address, profile, &shared("threats/cases.json"), |_| true);
}

/// Runs the cases of a profile in a file against this gate.
#[track_caller]
fn run(gate: &Gate, recorder: SocketAddr, profile: &str, cases: &Path, wanted: impl Fn(&Case) -> bool) {
    let folder = tempfile::tempdir().unwrap();
    let results = folder.path().join("results.json");
    let mut runner = Command::new("python3");
    runner.arg("-B").arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/threats.py"));
    runner.arg(shared("threats/runner.py")).args(["--profile", profile]).arg("--cases").arg(cases);
    runner.args(["--target", &gate.address().to_string(), "--recorder", &recorder.to_string()]);
    runner.arg("--json").arg(&results);
    for log in gate.logs() {
        runner.arg("--log").arg(log);
    }
    let output = runner.output().expect("python3");
    let errors = String::from_utf8_lossy(&output.stderr);
    let results = std::fs::read(&results).unwrap_or_else(|_| panic!("nothing was run: {errors}"));
    let results: Vec<Value> = serde_json::from_slice(&results).unwrap();
    let failed: Vec<String> = results
        .iter()
        .filter(|run| run["verdict"] != "pass")
        .map(|run| format!("{} {}: {} {}", run["id"], run["run"], run["statuses"], run["why"]))
        .filter(|run| !RIGHT_REQUESTS.iter().any(|right| run.starts_with(right)))
        .collect();
    assert!(failed.is_empty(), "{}\n{errors}", failed.join("\n"));
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for run in &results {
        *seen.entry(run["id"].as_str().unwrap()).or_default() += 1;
    }
    let list = list();
    let told: BTreeMap<&str, usize> = list
        .iter()
        .filter(|case| case.profile == profile && wanted(case))
        .map(|case| (case.id, case.runs))
        .collect();
    assert_eq!(seen, told, "what was run, and what tests/it/threats/cases.tsv promises");
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
    let refused: Vec<&str> =
        file["cases"].as_array().unwrap().iter().filter_map(|case| case["id"].as_str()).collect();
    run(&gate, recorder.address, "default", &path, |case| refused.contains(&case.id));
}

/// The list has every case, with its category, profile and runs, and the tests that it names are there.
#[test]
fn every_case_is_tried() {
    let file = cases();
    let of_file: BTreeSet<(String, String, String, usize)> = file["cases"]
        .as_array()
        .unwrap()
        .iter()
        .map(|case| {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            let more = |name: &str| case[name].as_array().map_or(0, Vec::len);
            let (profile, runs) = if case["request"]["kind"] == "procedure" {
                ("-".to_owned(), 1)
            } else {
                let profile = case["request"]["profile"].as_str().unwrap_or("default").to_owned();
                (profile, 1 + more("variants") + more("variants_presign"))
            };
            (text(&case["category"]), text(&case["id"]), profile, runs)
        })
        .collect();
    let list = list();
    let told: BTreeSet<_> = list
        .iter()
        .map(|case| (case.category.to_owned(), case.id.to_owned(), case.profile.to_owned(), case.runs))
        .collect();
    assert_eq!(told, of_file);
    assert_eq!(list.len(), told.len());
    for Case { id, profile, tried_by, .. } in &list {
        let (path, name) = tried_by.split_once(": ").unwrap_or((tried_by, ""));
        assert_eq!(path == "runner", *profile != "-", "{id}");
        if path != "runner" {
            let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it").join(path);
            let source = std::fs::read_to_string(file).unwrap_or_else(|_| panic!("{id}: no {path}"));
            assert!(source.contains(name), "{id}: `{name}` is not in {path}");
        }
    }
}

/// The tests that show what the gate promises: the files they are in, and the least number of them.
#[test]
fn no_test_of_what_is_promised_goes_missing() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    for line in include_str!("threats/tests.tsv").lines().filter(|line| !line.starts_with('#')) {
        let (path, floor) = line.split_once('\t').expect("two columns");
        let source = std::fs::read_to_string(folder.join(path)).unwrap_or_else(|_| panic!("no {path}"));
        let test = |line: &&str| matches!(line.trim(), "#[test]" | "#[tokio::test]");
        let count = source.lines().filter(test).count();
        assert!(count >= floor.parse().expect("a number"), "{path}: {count} tests, {floor} are promised");
    }
}

#[test]
fn profile_default() {
    check("default");
}

#[test]
fn profile_bkt_only() {
    check("bkt-only");
}

#[test]
fn profile_getobject_only() {
    check("getobject-only");
}

#[test]
fn profile_ip_10_only() {
    check("ip-10-only");
}

#[test]
fn profile_prefix_public() {
    check("prefix-public");
}

#[test]
fn profile_trusted_lb_ip_10_only() {
    check("trusted-lb+ip-10-only");
}

#[test]
fn profile_trusted_lb_deny_198() {
    check("trusted-lb+deny-198");
}

#[test]
fn profile_proxy_protocol() {
    check("proxy-protocol");
}

#[test]
fn profile_proxy_protocol_ip_10_only() {
    check("proxy-protocol+ip-10-only");
}

#[test]
fn profile_vpce_only() {
    check("vpce-only");
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
