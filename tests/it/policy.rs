//! The commands under `policy` as a user types them, over documents and cases with known answers.
//! It must not share code with the policy engine.

use crate::support::config::Config;
use crate::support::gate::{BINARY, Gate, poll};
use crate::support::request::Request;
use crate::support::upstream::Upstream;
use std::path::{Path, PathBuf};
use std::process::Command;

struct Ran {
    code: i32,
    stdout: String,
    stderr: String,
}

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/policy")
}

/// Runs `policy` in the folder of the golden files, so that their names are short.
fn policy(arguments: &[&str]) -> Ran {
    let output = Command::new(BINARY)
        .arg("policy")
        .args(arguments)
        .current_dir(golden())
        .output()
        .expect("the binary");
    Ran {
        code: output.status.code().expect("an exit code"),
        stdout: String::from_utf8(output.stdout).expect("UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

/// Compares an output with a file; says how to accept a change that is meant.
#[track_caller]
fn assert_golden(found: &str, name: &str) {
    let expected = std::fs::read_to_string(golden().join(name)).unwrap_or_default();
    assert_eq!(found, expected, "tests/golden/policy/{name} differs; this was found:\n{found}");
}

fn shared(name: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/iam").join(name);
    assert!(file.exists(), "the shared test data is missing: {}", file.display());
    file.display().to_string()
}

#[test]
fn every_case_of_the_corpora_comes_out_as_labelled() {
    for (name, count) in [("corpus.jsonl", 3306), ("corpus_docs.jsonl", 52)] {
        let file = shared(name);
        let ran = policy(&["test", &file, "--any-key"]);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{}", ran.stdout);
        assert_eq!(ran.stdout, format!("{count} cases, {count} as expected, 0 differ, 0 cannot be run\n"));
        let json = policy(&["test", &file, "--json"]);
        assert_eq!(json.code, 0, "without the flag the outcomes are the same");
        let cases = std::fs::read_to_string(&file).unwrap();
        assert_eq!(json.stdout.lines().count(), count);
        for (case, line) in cases.lines().zip(json.stdout.lines()) {
            let case: serde_json::Value = serde_json::from_str(case).unwrap();
            let expected = format!(r#"{{"id":{},"decision":{}}}"#, case["id"], case["expect"]);
            assert_eq!(line, expected);
        }
    }
}

#[test]
fn differing_cases_are_shown_and_fail() {
    let ran = policy(&["test", "cases.jsonl"]);
    assert_eq!(ran.code, 1);
    assert_golden(&ran.stdout, "cases.txt");
    assert_golden(&ran.stderr, "cases.stderr.txt");
    let ran = policy(&["test", "cases.jsonl", "--json", "--any-key"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (1, ""));
    assert_golden(&ran.stdout, "cases.out.jsonl");
}

#[test]
fn what_is_no_file_of_cases() {
    let ran = policy(&["test", "absent.jsonl"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (66, ""));
    assert!(ran.stderr.contains("absent.jsonl") && ran.stderr.lines().count() == 1, "{}", ran.stderr);
    let ran = policy(&["test", "broken.json", "--json"]);
    assert_eq!(ran.code, 65);
    assert!(ran.stdout.lines().all(|line| line.starts_with(r#"{"error":"#)), "{}", ran.stdout);
    assert!(ran.stderr.starts_with("broken.json:1: error: "), "{}", ran.stderr);
    for arguments in
        [&["test"][..], &["lint"], &["test", "a", "b"], &["lint", "--kind", "bucket-policy", "a"]]
    {
        assert_eq!(policy(arguments).code, 2, "{arguments:?}");
    }
}

#[test]
fn traps_are_found_at_their_places() {
    let ran = policy(&["lint", "traps.json"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    assert_golden(&ran.stdout, "traps.txt");
    assert_eq!(policy(&["lint", "traps.json", "--strict"]).code, 1);
}

#[test]
fn errors_are_told_all_at_once_with_a_hint_each() {
    let ran = policy(&["lint", "broken.json", "--kind", "identity"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (1, ""));
    assert_golden(&ran.stdout, "broken.txt");
    let ran = policy(&["lint", "broken.json", "traps.json", "--json"]);
    assert_eq!(ran.code, 1);
    let value: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let findings = value["diagnostics"].as_array().unwrap();
    assert_eq!((value["ok"].as_bool(), value["files"].as_u64()), (Some(false), Some(2)));
    for finding in findings {
        assert!(finding["line"].as_u64() > Some(0) && finding["column"].as_u64() > Some(0), "{finding}");
        assert!(finding["hint"].is_string() && finding["path"].is_string(), "{finding}");
    }
    assert_eq!(policy(&["lint", "absent.json"]).code, 66);
}

#[test]
fn a_config_shows_the_findings_of_all_its_documents_at_once() {
    let output = Command::new(BINARY).args(["check", "gate.yaml"]).current_dir(golden()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_golden(&String::from_utf8(output.stderr).unwrap(), "check.txt");
}

#[test]
fn a_shadow_policy_is_counted_and_logged_and_stops_nobody() {
    let upstream = Upstream::ok();
    let shadow = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bkt/a/*"}}"#;
    let text = |listener, admin| {
        let text = Config::resign(upstream.endpoint()).text(listener, admin);
        let changed = text.replace(
            "policy:\n  default: deny\n",
            &format!("policy:\n  default: deny\n  shadow:\n    - {shadow}\n"),
        );
        assert_ne!(text, changed);
        changed
    };
    let gate = Gate::start_with(text);
    let denied = || gate.metric("presign_gate_shadow_denied_total", &["document=\"policy.shadow[0]\""]);
    assert!(denied().abs() < f64::EPSILON, "the series exists at the start");
    for path in ["/bkt/a/1", "/bkt/b", "/bkt/a/2"] {
        assert_eq!(gate.ask("GET", &Request::get(path).presigned()).status, 200, "{path}");
    }
    poll("two requests to be counted", || (denied() > 1.5).then_some(()));
    assert!(denied() < 2.5);
    poll("their lines in the log", || {
        let lines = gate.output();
        let named = lines
            .lines()
            .filter(|line| line.contains(r#""presign_gate.policy.shadow_denied":["policy.shadow[0]"]"#));
        let paths: Vec<_> = named.filter(|line| line.contains(r#""url.path":"/bkt/a/"#)).collect();
        (paths.len() == 2).then_some(())
    });
}

#[test]
fn a_body_that_a_rule_reads_is_judged_and_forwarded_byte_for_byte() {
    let upstream = Upstream::ok();
    let policy = r#"{"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "s3:PutObjectTagging", "Resource": "arn:aws:s3:::bkt/*",
         "Condition": {"ForAllValues:StringEquals": {"s3:RequestObjectTagKeys": ["team"]}, "StringEquals": {"s3:RequestObjectTag/team": "a"}}}]}"#;
    let gate = Gate::start(&Config::resign(upstream.endpoint()).policy(&policy.replace('\n', " ")));
    let body = |tags: &str| {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<Tagging>\n <TagSet>{tags}</TagSet>\n</Tagging>\n"
        )
    };
    let tag = |name: &str, value: &str| format!("<Tag><Key>{name}</Key><Value>{value}</Value></Tag>");
    let ask = |body: &str| {
        let request = Request::put("/bkt/key", body.as_bytes()).query("tagging", "");
        gate.ask("PUT", &request.presigned())
    };
    for refused in [tag("team", "b"), tag("team", "a") + &tag("other", "a"), String::new()] {
        ask(&body(&refused)).assert_error(403, "AccessDenied");
    }
    ask("<Tagging><TagSet>").assert_error(400, "MalformedXML");
    upstream.assert_untouched();
    let right = body(&tag("team", "&#97;"));
    assert_eq!(ask(&right).status, 200);
    let seen = upstream.wait(|seen| seen.requests.len() == 1);
    assert_eq!(seen.requests[0].body, right.as_bytes());
}
