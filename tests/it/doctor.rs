//! The signature doctor, told by real clients through a real nginx: what it names, and that nothing of it opens a door.
//! It must not make requests of its own where a client can; single hypotheses have tables beside the code.

use crate::support::config::Config;
use crate::support::gate::{BINARY, Gate, Process, poll, poll_connect};
use crate::support::ports;
use crate::support::python;
use crate::support::request::Request;
use crate::support::sigv4::{MAIN, STRANGER, TEMPORARY, sha256_hex};
use crate::support::upstream::Upstream;
use std::path::Path;
use std::process::Command;

const LOGS: &str = "logs: { access: { path: access.log } }";

/// nginx with every server of the file in front of a gate, until dropped.
struct Nginx {
    _process: Process,
    ports: Vec<(String, ports::Reserved)>,
    _folder: tempfile::TempDir,
}

impl Nginx {
    #[track_caller]
    fn start(gate: &Gate) -> Self {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/clients/nginx-faults.conf");
        let folder = tempfile::tempdir().unwrap();
        let mut text = std::fs::read_to_string(file).unwrap();
        text = text.replace("GATE", &gate.address().to_string());
        text = text.replace("FOLDER", &folder.path().display().to_string());
        let mut ports = Vec::new();
        while let Some((before, rest)) = text.split_once("PORT(") {
            let (name, after) = rest.split_once(')').unwrap();
            let reserved = ports::reserve();
            let filled = format!("{before}{}{after}", reserved.address.port());
            ports.push((name.to_owned(), reserved));
            text = filled;
        }
        let config = folder.path().join("nginx.conf");
        std::fs::write(&config, text).unwrap();
        let mut command = Command::new("/usr/sbin/nginx");
        command.arg("-e").arg("stderr").arg("-c").arg(&config);
        let mut process = Process::start(&mut command, folder.path());
        poll_connect(&mut process, ports.last().unwrap().1.address);
        Self { _process: process, ports, _folder: folder }
    }
}

/// Another credential.
const OTHER: &str = "credentials:
  - access_key_id: AKIDOTHER00000000001
    secret_access_key: { value: other-secret }
    principal: arn:aws:iam::111122223333:user/other
";

#[test]
fn what_happened_to_broken_requests_is_named() {
    let upstream = Upstream::ok();
    let config = Config::resign(upstream.endpoint()).more(LOGS);
    let gate = Gate::start_with(|at, admin| config.text(at, admin).replacen("credentials:\n", OTHER, 1));
    let nginx = Nginx::start(&gate);
    let main = format!("{}:{}", MAIN.id, MAIN.secret);
    let temporary = format!("{}:{}:{}", TEMPORARY.id, TEMPORARY.secret, TEMPORARY.token.unwrap());
    let log = gate.config().with_file_name("access.log");
    let mut command = python::of_clients("clients/faults.py");
    command.args(["--key", &main, "--temporary", &temporary, "--other", "AKIDOTHER00000000001:other-secret"]);
    command.arg("--log").arg(log);
    for (name, reserved) in &nginx.ports {
        command.arg("--port").arg(format!("{name}={}", reserved.address.port()));
    }
    let table = python::run(&mut command);
    let rows: Vec<Vec<&str>> =
        table.lines().filter(|line| line.contains(" | ")).map(|line| line.split(" | ").collect()).collect();
    assert!(rows.len() >= 40, "{table}");
    let wrong: Vec<_> = rows.iter().filter(|row| row[1] != row[3]).collect();
    eprintln!("{table}{} of {} named rightly", rows.len() - wrong.len(), rows.len());
    assert!(wrong.len() * 20 <= rows.len(), "{wrong:#?}");
    // nothing got through
    upstream.assert_untouched();
    let named = gate.metric("presign_gate_signature_diagnoses_total", &[]);
    assert!(named >= f64::from(u32::try_from(rows.len()).unwrap()), "{named}");
}

/// A request whose Host was changed on the way.
fn rewritten() -> Vec<u8> {
    let sent = String::from_utf8(Request::get("/bkt/key").host("s3.test").presigned()).unwrap();
    sent.replace("Host: s3.test", "Host: localhost:8080").into_bytes()
}

#[test]
fn clients_are_not_told() {
    let upstream = Upstream::ok();
    for uniform in [false, true] {
        let config = Config::resign(upstream.endpoint())
            .more(LOGS)
            .more("expose_reasons: true")
            .signing(&format!("uniform_errors: {uniform}"));
        let gate = Gate::start(&config);
        let answer = gate.ask("GET", &rewritten());
        assert_eq!((answer.status, answer.headers.get("x-gate-reason")), (403, Some("wrong_signature")));
        // S3's answer shows what should have been signed; what was signed is in none
        assert!(!answer.text().contains("s3.test") && !answer.text().contains("host_rewritten"));
        let log = gate.config().with_file_name("access.log");
        poll("the line of the request", || {
            std::fs::read_to_string(&log)
                .unwrap()
                .contains("\"presign_gate.auth.diagnosis\":[\"host_rewritten\"]")
                .then_some(())
        });
        // a key that nobody has gets a look with uniform errors only, and nothing is said about it
        gate.ask("GET", &Request::get("/bkt/key").key(STRANGER).presigned());
        assert!((gate.metric("presign_gate_signature_diagnoses_total", &[]) - 1.0).abs() < 0.1);
    }
}

#[test]
fn a_flood_is_not_looked_at() {
    let upstream = Upstream::ok();
    let gate = Gate::start(&Config::resign(upstream.endpoint()));
    for _ in 0..300 {
        assert_eq!(gate.ask("GET", &rewritten()).status, 403);
    }
    let count = |cause| gate.metric("presign_gate_signature_diagnoses_total", &[cause]);
    assert!((count("host_rewritten") + count("skipped") - 300.0).abs() < 0.1);
    assert!(count("host_rewritten") >= 50.0 && count("skipped") >= 50.0, "{}", count("skipped"));
    upstream.assert_untouched();
}

/// What `explain` shows, in each of its forms, of a request with a session token: all but that and the signature.
#[test]
fn explain_shows_no_token() {
    let upstream = Upstream::ok();
    let gate = Gate::start(&Config::resign(upstream.endpoint()));
    let at = 1_768_478_400;
    let request = Request { time: at, ..Request::get("/bkt/key").key(TEMPORARY) };
    let target = request.presigned_target();
    let presigned = (format!("http://s3.test{target}"), Vec::new());
    let head = String::from_utf8(request.authorized()).unwrap();
    let lines: Vec<(&str, &str)> = head.lines().skip(2).filter_map(|line| line.split_once(": ")).collect();
    let (_, provided) = head.split_once("Signature=").unwrap();
    let authorized = ("http://s3.test/bkt/key".to_owned(), lines);
    let in_query = "GET\n/bkt/key\nX-Amz-Algorithm=AWS4-HMAC-SHA256&\
        X-Amz-Credential=ASIATEMPKEY000000001%2F20260115%2Fus-east-1%2Fs3%2Faws4_request&\
        X-Amz-Date=20260115T120000Z&X-Amz-Expires=300&X-Amz-Security-Token=[redacted, 8 bytes]&\
        X-Amz-SignedHeaders=host\nhost:s3.test\n\nhost\nUNSIGNED-PAYLOAD";
    let in_header = "GET\n/bkt/key\n\nhost:s3.test\nx-amz-content-sha256:UNSIGNED-PAYLOAD\n\
        x-amz-date:20260115T120000Z\nx-amz-security-token:[redacted, 8 bytes]\n\n\
        host;x-amz-content-sha256;x-amz-date;x-amz-security-token\nUNSIGNED-PAYLOAD";
    for ((url, lines), golden) in [(presigned, in_query), (authorized, in_header)] {
        let explain = |more: &[&str]| {
            let mut command = Command::new(BINARY);
            command.args(["explain", &url, "--at", "2026-01-15T12:00:00Z", "--config"]).arg(gate.config());
            command
                .args(lines.iter().flat_map(|(name, value)| ["--header".into(), format!("{name}: {value}")]));
            let output = command.args(more).output().unwrap();
            String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
        };
        let asked = serde_json::json!({ "url": url, "headers": lines, "at": at }).to_string();
        let answer = gate.admin_with("POST", "/explain", &[], &asked).text();
        let (json, text) = (explain(&["--json"]), explain(&[]));
        for object in [&json, &answer] {
            let object: serde_json::Value = serde_json::from_str(object).unwrap();
            assert_eq!(object["canonical_request"], golden, "{object}");
            assert_eq!(object["decision"], "allow", "{object}");
            // what was signed is the digest of the true text
            let digest = object["string_to_sign"].as_str().unwrap().rsplit('\n').next().unwrap();
            assert_ne!(digest, sha256_hex(golden.as_bytes()));
        }
        assert!(text.contains(&golden.replace('\n', "\n    ")), "{text}");
        let signature = target.split("X-Amz-Signature=").nth(1).unwrap();
        for secret in ["tok/en", "tok%2Fen", "temp-secret", signature, provided.trim()] {
            for shown in [&json, &text, &answer] {
                assert!(!shown.contains(secret), "`{secret}` in {shown}");
            }
        }
    }
    // not even of a URL that is none
    let wrong = format!("ftp://s3.test{target}");
    let output =
        Command::new(BINARY).args(["explain", &wrong, "--config"]).arg(gate.config()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("`ftp://s3.test/bkt/key?[redacted]` is no URL"), "{said}");
}

#[test]
fn explain_names_it_too() {
    let upstream = Upstream::ok();
    let gate = Gate::start(&Config::resign(upstream.endpoint()));
    let target = Request::get("/bkt/key").host("s3.test:23456").presigned_target();
    let url = format!("http://s3.test{target}");
    let explain = |more: &[&str]| {
        let output =
            Command::new(BINARY).args(["explain", &url, "--config"]).arg(gate.config()).args(more).output();
        let output = output.unwrap();
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stdout).unwrap()
    };
    let report: serde_json::Value = serde_json::from_str(&explain(&["--json"])).unwrap();
    let expected =
        serde_json::json!([{ "cause": "port_removed", "signed": "s3.test:23456", "proven": true }]);
    assert_eq!(report["diagnosis"], expected);
    assert!(report["hint"].as_str().unwrap().contains("`s3.test:23456`"), "{report}");
    assert!(explain(&[]).contains("port_removed"));
    let asked = serde_json::json!({ "url": url }).to_string();
    let answer = gate.admin_with("POST", "/explain", &[], &asked);
    let answer: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(answer["diagnosis"], expected);
}
