//! What the gate writes down: access lines, the audit log and its chain, and that nothing of it opens a door.
//! It must not test the form of single fields; those have tables beside them.

use crate::support::client::Client;
use crate::support::config::Config;
use crate::support::gate::{BINARY, Gate, poll};
use crate::support::ports;
use crate::support::request::Request;
use crate::support::sigv4::{Key, MAIN, STRANGER, TEMPORARY, UPSTREAM};
use crate::support::upstream::Upstream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const LOGS: &str = "logs: { access: { path: access.log }, audit: { path: audit.jsonl } }";

fn file(gate: &Gate, name: &str) -> PathBuf {
    gate.config().with_file_name(name)
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

/// The lines of a file, once there are so many.
#[track_caller]
fn lines(path: &Path, count: usize) -> Vec<String> {
    poll(&format!("{count} lines in {}", path.display()), || {
        let lines: Vec<String> = read(path).lines().map(str::to_owned).collect();
        (lines.len() >= count).then_some(lines)
    })
}

fn verify(files: &[&Path]) -> Output {
    Command::new(BINARY).args(["audit", "verify"]).args(files).output().unwrap()
}

#[test]
fn refusals_are_in_the_audit_log_and_its_chain_outlives_the_process() {
    let upstream = Upstream::ok();
    let folder = tempfile::tempdir().unwrap();
    let audit = folder.path().join("audit.jsonl");
    let logs = format!("logs: {{ access: {{ path: access.log }}, audit: {{ path: {} }} }}", audit.display());
    for round in 1..=2 {
        let mut gate = Gate::start(&Config::resign(upstream.endpoint()).more(&logs));
        gate.ask("GET", &Request::get("/bkt/key").presigned());
        gate.ask("GET", &Request::get("/bkt/key").key(STRANGER).presigned());
        // it is written after the answer, perhaps by another thread than the next one
        lines(&audit, 3 * round - 1);
        gate.ask("GET", b"GET / HTTP/1.1\r\nbroken\r\n\r\n");
        lines(&audit, 3 * round);
        gate.process().signal("TERM");
        assert_eq!(gate.process().wait().code(), Some(0));
        // what was served is in the access log alone
        assert_eq!(read(&file(&gate, "access.log")).lines().count(), 3);
    }
    let lines = lines(&audit, 6);
    for (line, expected) in lines.iter().zip([
        "\"kind\":\"started\"",
        "\"event.reason\":\"unknown_key\"",
        "\"event.reason\":\"malformed_head\"",
        "\"kind\":\"started\"",
    ]) {
        assert!(line.contains(expected), "{line}");
    }
    let good = verify(&[&audit]);
    let text = String::from_utf8(good.stdout).unwrap();
    assert!(good.status.success() && text.contains("6 lines, 1 to 6, last hash "), "{text}");

    let changed = folder.path().join("changed.jsonl");
    std::fs::write(&changed, read(&audit).replace("unknown_key", "expired")).unwrap();
    let bad = verify(&[&changed]);
    let text = String::from_utf8(bad.stderr).unwrap();
    assert_eq!(bad.status.code(), Some(1));
    assert!(text.ends_with("line 2: the line was changed: its hash is not that of its content\n"), "{text}");

    // the two halves are one chain in this order alone
    let (first, second) = (folder.path().join("1"), folder.path().join("2"));
    std::fs::write(&first, lines[..3].join("\n") + "\n").unwrap();
    std::fs::write(&second, lines[3..].join("\n") + "\n").unwrap();
    assert!(verify(&[&first, &second]).status.success());
    assert_eq!(verify(&[&second, &first]).status.code(), Some(1));
}

#[test]
fn changes_are_in_the_audit_log() {
    let upstream = Upstream::ok();
    let config = Config::resign(upstream.endpoint()).more(LOGS);
    let gate = Gate::start(&config);
    let audit = file(&gate, "audit.jsonl");
    gate.rewrite(|listener, admin| config.text(listener, admin).replace("temp-secret", "temp-secret-2"));
    assert_eq!(gate.reload().status, 200);
    gate.rewrite(|listener, admin| config.text(listener, admin).replace("version: 1", "version: 2"));
    assert_eq!(gate.reload().status, 400);
    let lines = lines(&audit, 4);
    for (line, parts) in lines.iter().zip([
        &["\"kind\":\"started\""][..],
        &["\"kind\":\"credential_changed\"", "\"presign_gate.credential.id\":\"ASIATEMPKEY000000001\""],
        &["\"kind\":\"reloaded\"", "\"presign_gate.by\":\"admin\""],
        &["\"kind\":\"reload_refused\"", "\"error.message\":\"", "version"],
    ]) {
        for part in parts {
            assert!(line.contains(part), "`{part}` in {line}");
        }
    }
    assert!(verify(&[&audit]).status.success());
    assert!(!read(&audit).contains("temp-secret"));
}

#[test]
fn files_that_were_moved_are_opened_anew() {
    let upstream = Upstream::ok();
    let mut gate = Gate::start(&Config::resign(upstream.endpoint()).more(LOGS));
    let (access, audit) = (file(&gate, "access.log"), file(&gate, "audit.jsonl"));
    let refused = |gate: &Gate| gate.ask("GET", &Request::get("/bkt/key").key(STRANGER).presigned());
    refused(&gate);
    lines(&access, 1);
    lines(&audit, 2);
    // what rotates the logs of other servers sends it
    gate.process().signal("USR1");
    for path in [&access, &audit] {
        std::fs::rename(path, path.with_extension("1")).unwrap();
    }
    refused(&gate);
    lines(&access, 1);
    lines(&audit, 2);
    assert!(verify(&[&audit.with_extension("1"), &audit]).status.success());
}

#[test]
fn a_second_gate_does_not_write_the_same_audit_log() {
    let upstream = Upstream::ok();
    let gate = Gate::start(&Config::resign(upstream.endpoint()).more(LOGS));
    let (listener, admin) = (ports::reserve(), ports::reserve());
    let config = file(&gate, "second.yaml");
    let text = Config::resign(upstream.endpoint()).more(LOGS).text(listener.address, admin.address);
    std::fs::write(&config, text).unwrap();
    let second = Command::new(BINARY).arg("run").arg("--config").arg(&config).output().unwrap();
    let text = String::from_utf8(second.stderr).unwrap();
    assert_eq!(second.status.code(), Some(1), "{text}");
    assert!(text.contains("another process writes the audit log"), "{text}");
}

#[test]
fn access_lines_can_have_the_form_of_s3() {
    let upstream = Upstream::ok();
    let logs = "logs: { access: { path: access.log, format: s3 } }";
    let gate = Gate::start(&Config::resign(upstream.endpoint()).more(logs));
    gate.ask("GET", &Request::get("/bkt/a%20key").unsigned("User-Agent", "te\"st").presigned());
    gate.ask("GET", &Request::get("/bkt/key").key(STRANGER).authorized());
    let lines = lines(&file(&gate, "access.log"), 2);
    let has = |line: &str, parts: &[&str]| {
        for part in parts {
            assert!(line.contains(part), "`{part}` in {line}");
        }
    };
    has(
        &lines[0],
        &[
            "- bkt [",
            " 127.0.0.1 arn:aws:iam::111122223333:user/main ",
            " REST.GET.OBJECT a%20key \"GET /bkt/a%20key?",
            "X-Amz-Signature=REDACTED HTTP/1.1\" 200 - ",
            " \"-\" \"te%22st\" - - SigV4 - QueryString s3.test - - - us-east-1",
        ],
    );
    has(&lines[1], &[" - ", " 403 InvalidAccessKeyId ", " SigV4 - AuthHeader s3.test - - - -"]);
}

/// A key of the gate's with a secret that is not its own.
const WRONG: Key = Key { secret: "not the secret of it", ..MAIN };

/// What a link with a wrong signature should have had, and the link.
fn wrongly_signed() -> (String, String) {
    let wrong = Request::get("/bkt/wrong").key(WRONG);
    let right = Request { key: MAIN, ..wrong.clone() }.presigned_target();
    (right.split("X-Amz-Signature=").nth(1).unwrap().to_owned(), wrong.presigned_target())
}

/// Sends what carries signatures, tokens and secrets in every place that is written down somewhere; gives the signatures.
/// What a client is answered is put into `answers`.
fn provoke(gate: &Gate, answers: &mut String) -> Vec<String> {
    let good = Request::get("/bkt/key").presigned_target();
    let token = Request::get("/bkt/key").key(TEMPORARY);
    let mut signatures = Vec::new();
    let mut send = |bytes: Vec<u8>| {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        for mark in ["X-Amz-Signature=", "Signature="] {
            signatures.extend(text.split(mark).skip(1).filter_map(|rest| rest.get(..64)).map(str::to_owned));
        }
        let mut client = Client::connect(gate.address());
        client.send(&bytes);
        // some are answered, some are cut off
        if let Ok(answer) = client.try_response("GET") {
            answers.push_str(&answer.text());
        }
    };
    send(Request::get("/bkt/key").presigned());
    send(Request::get("/bkt/key").authorized());
    send(token.presigned());
    send(token.authorized());
    send(Request::get("/other/key").presigned());
    send(Request::get("/bkt/key").at(-1000).expires("10").presigned());
    send(Request::get("/bkt/key").key(STRANGER).presigned());
    for line in [
        format!("GET {good}&acl= HTTP/1.1\r\nHost: s3.test\r\n\r\n"),
        format!("GET {good} HTTP/1.1\r\nHost: s3.test\r\nBad Header\u{1}: {good}\r\n\r\n"),
        format!(
            "GET {good} HTTP/1.1\r\nHost: s3.test\r\nReferer: http://h{good}\r\nUser-Agent: {good}\r\n\r\n"
        ),
        format!(
            "GET {} HTTP/1.1\r\nHost: s3.test\r\n\r\n",
            good.replace("X-Amz-Signature", "x-amz-signature")
        ),
        format!("GET {} HTTP/1.1\r\nHost: s3.test\r\n\r\n", good.replace('?', "%3F")),
        format!("GET {} HTTP/1.1\r\nHost: s3.test\r\n\r\n", good.replace("Signature=", "Signature%3D")),
        format!("GET {good} HTTP/1.1\r\nHost: other.test{good}\r\n\r\n"),
        format!("GET {good} HTTP/1.1\r\nHost: s3.test\r\nAuthorization: AWS4-HMAC-SHA256 {good}\r\n\r\n"),
        format!("GET {good} HTTP/1.1\r\nHost: s3.test\r\nX-Amz-Security-Token: tok/en+=\r\n\r\n"),
        format!("GET {good}"),
        format!("{good}\r\n\r\n"),
    ] {
        send(line.into_bytes());
    }
    signatures.sort_unstable();
    signatures.dedup();
    assert!(signatures.len() > 6 && signatures.iter().all(|it| it.bytes().all(|b| b.is_ascii_hexdigit())));
    signatures
}

#[test]
fn nothing_that_is_written_opens_a_door() {
    let nobody = ports::reserve();
    let upstream = Upstream::ok();
    for endpoint in [upstream.endpoint(), format!("http://{}", nobody.address)] {
        for format in ["json", "s3"] {
            let logs = format!(
                "logs: {{ access: {{ path: \"-\", format: {format} }}, audit: {{ path: audit.jsonl }} }}"
            );
            let gate = Gate::start(&Config::resign(&endpoint).more(&logs).more("expose_reasons: true"));
            let (right, wrong) = wrongly_signed();
            let mut answers = gate.ask("GET", &Request::get("/bkt/key").bytes(&wrong, &[])).text();
            let signatures = provoke(&gate, &mut answers);
            assert!(answers.contains("SignatureDoesNotMatch") && !answers.contains(&right), "{answers}");
            let target = Request::get("/bkt/key").presigned_target();
            let mut written = ["/metrics", "/denials", "/", "/config", "/revocations"]
                .map(|page| gate.admin("GET", page).text())
                .concat();
            let urls = [&target, &wrong].map(|target| format!("http://s3.test{target}"));
            for url in &urls {
                let body = serde_json::json!({ "url": url }).to_string();
                written.push_str(&gate.admin_with("POST", "/explain", &[], &body).text());
            }
            for (more, url) in
                [&["--json"][..], &[]].into_iter().flat_map(|more| urls.iter().map(move |url| (more, url)))
            {
                let explained = Command::new(BINARY)
                    .args(["explain", url, "--config"])
                    .arg(gate.config())
                    .args(more)
                    .output()
                    .unwrap();
                written.push_str(&String::from_utf8_lossy(&[explained.stdout, explained.stderr].concat()));
            }
            poll("the last line", || {
                (gate.output().matches("malformed_head").count() > 0 || format == "s3").then_some(())
            });
            lines(&file(&gate, "audit.jsonl"), 8);
            written.push_str(&gate.output());
            written.push_str(&read(&file(&gate, "audit.jsonl")));
            let own = target.split("X-Amz-Signature=").nth(1).unwrap().to_owned();
            let secrets = [MAIN, TEMPORARY, UPSTREAM, STRANGER]
                .into_iter()
                .flat_map(|key| [Some(key.secret), key.token]);
            let forbidden = secrets.flatten().map(str::to_owned).chain(signatures).chain([own, right]);
            for secret in forbidden {
                let at = written.find(&secret);
                assert!(at.is_none(), "`{secret}` in {}", &written[at.unwrap_or(0).saturating_sub(300)..]);
            }
        }
    }
}

#[test]
fn revocations_are_in_the_audit_log() {
    let upstream = Upstream::ok();
    let gate = Gate::start(&Config::resign(upstream.endpoint()).more(LOGS));
    let audit = file(&gate, "audit.jsonl");
    let answer = gate.admin_with("POST", "/revocations", &[], r#"{"prefix": "s3://bkt/gone/"}"#);
    let entry: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    let id = entry["id"].as_str().unwrap();
    assert_eq!(gate.admin_with("DELETE", &format!("/revocations/{id}"), &[], "").status, 200);
    let lines = lines(&audit, 3);
    for (line, parts) in lines
        .iter()
        .skip(1)
        .zip([["\"kind\":\"revoked\"", "s3://bkt/gone/"], ["\"kind\":\"revocation_lifted\"", id]])
    {
        for part in parts {
            assert!(line.contains(part), "`{part}` in {line}");
        }
    }
    assert!(verify(&[&audit]).status.success());
}
