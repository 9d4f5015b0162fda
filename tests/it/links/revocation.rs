//! Links that are called back: in every form, on open connections, on every gate, and for good.
//! It must not test what entries hit in detail; a table beside the code does.

use super::*;
use crate::support::gate::BINARY;
use crate::support::redis::RedisServer;
use crate::support::time::{Watch, now};
use serde_json::{Value, json};
use std::process::Command;
use std::time::Duration;

fn url(gate: &Gate, request: &Request) -> String {
    format!("http://{}{}", gate.address(), request.presigned_target())
}

fn revoke(gate: &Gate, what: &Value) -> Value {
    let answer = gate.admin_with("POST", "/revocations", &[], &what.to_string());
    assert_eq!(answer.status, 201, "{}", answer.text());
    serde_json::from_slice(&answer.body).unwrap()
}

#[test]
fn each_form_holds_on_an_open_connection() {
    let (_upstream, gate) = start("{}");
    let early = link("GET", &[("x-note", "early")]).at(-60);
    let forms = [
        json!({ "link": url(&gate, &early) }),
        json!({ "access_key_id": early.key.id, "before": now() - 30 }),
        json!({ "prefix": "s3://bkt/k" }),
        json!({ "signed_before": now() - 30 }),
    ];
    for form in forms {
        let mut client = Client::connect(gate.address());
        let mut status = |request: &Request| {
            client.send(&from("10.0.0.1", request));
            client.response("GET")
        };
        assert_eq!(status(&early).status, 200, "{form}");
        let entry = revoke(&gate, &form);
        refused(&status(&early), 403, "link_revoked");
        // another link, signed later
        let other = Request { path: "/bkt/other".to_owned(), ..link("GET", &[]) };
        assert_eq!(status(&other).status, 200, "{form}");
        let id = entry["id"].as_str().unwrap();
        let listed: Value = serde_json::from_slice(&gate.admin("GET", "/revocations").body).unwrap();
        assert_eq!(listed["revocations"], json!([entry]));
        assert!(entry["lapses"].as_str().unwrap().ends_with('Z'), "{entry}");
        assert!((gate.metric("presign_gate_revocations", &[]) - 1.0).abs() < f64::EPSILON);
        assert_eq!(gate.admin_with("DELETE", &format!("/revocations/{id}"), &[], "").status, 200);
        assert_eq!(gate.admin_with("DELETE", &format!("/revocations/{id}"), &[], "").status, 404);
        assert_eq!(status(&early).status, 200, "{form}");
    }
}

#[test]
fn what_is_no_revocation_is_refused() {
    let (_upstream, gate) = start("{}");
    let unknown = Request::get("/bkt/key").key(crate::support::sigv4::STRANGER);
    for body in [
        String::new(),
        "{}".to_owned(),
        "[]".to_owned(),
        json!({ "link": "x" }).to_string(),
        json!({ "link": "http://s3.test/bkt/key" }).to_string(),
        json!({ "link": url(&gate, &unknown) }).to_string(),
        json!({ "prefix": "bkt/k" }).to_string(),
        json!({ "prefix": "s3://bkt/k", "signed_before": 1 }).to_string(),
        json!({ "access_key_id": "A", "befor": 1 }).to_string(),
    ] {
        let answer = gate.admin_with("POST", "/revocations", &[], &body);
        assert_eq!(answer.status, 400, "{body} {}", answer.text());
    }
    assert_eq!(gate.admin("GET", "/links/xyz").status, 400);
    assert_eq!(gate.admin("GET", &format!("/links/{}", "0".repeat(32))).status, 404);
}

#[test]
fn a_link_has_one_name_everywhere() {
    let (_upstream, gate) = start("{}");
    let request = link("GET", &[("x-gate-max-uses", "2"), ("x-gate-pin", "net")]);
    assert_eq!(ask(&gate, "10.0.0.1", &request).status, 200);
    let logged = poll("the line of the request", || {
        let output = gate.output();
        let line = output.lines().find(|line| line.contains("\"presign_gate.link.id\":"))?.to_owned();
        let value: Value = serde_json::from_str(&line).unwrap();
        Some(value["presign_gate.link.id"].as_str().unwrap().to_owned())
    });
    let explained = Command::new(BINARY)
        .args(["explain", &format!("http://s3.test{}", request.presigned_target()), "--json", "--config"])
        .arg(gate.config())
        .args(["--source-ip", "127.0.0.1"])
        .output()
        .unwrap();
    let explained: Value = serde_json::from_slice(&explained.stdout).unwrap();
    assert_eq!(explained["link"], json!(logged), "{explained}");
    let entry = revoke(&gate, &json!({ "link": url(&gate, &request) }));
    assert_eq!(entry["link"], json!(logged));
    let shown: Value = serde_json::from_slice(&gate.admin("GET", &format!("/links/{logged}")).body).unwrap();
    assert_eq!(
        (&shown["uses"], &shown["bytes"], &shown["pinned_to"], &shown["revoked"]),
        (&json!(1), &json!(SIZE), &json!("10.0.0.0/24"), &json!(true)),
        "{shown}"
    );
}

fn command(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(BINARY).arg("revoke").args(arguments).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn the_command_tells_a_running_gate() {
    let (_upstream, gate) = start("{}");
    let request = link("GET", &[]);
    assert_eq!(ask(&gate, "10.0.0.1", &request).status, 200);
    let config = gate.config();
    let (code, out, error) =
        command(&["--link", &url(&gate, &request), "--config", config.to_str().unwrap()]);
    assert_eq!((code, error.as_str()), (Some(0), ""), "{out}");
    refused(&ask(&gate, "10.0.0.1", &request), 403, "link_revoked");
    let admin = format!("http://{}", gate.admin_address());
    let (code, out, _) = command(&["--prefix", "s3://bkt/other", "--admin", &admin]);
    assert_eq!(code, Some(0));
    let entry: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(entry["prefix"], "s3://bkt/other");
    // nobody is there
    let (code, _, error) = command(&["--prefix", "s3://bkt/other", "--admin", "http://127.0.0.1:1"]);
    assert_eq!(code, Some(69), "{error}");
    let (code, _, error) = command(&["--prefix", "bkt", "--admin", &admin]);
    assert_eq!(code, Some(2), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
}

#[test]
fn the_command_needs_the_token() {
    let upstream = Upstream::ok();
    let config = Config::resign(upstream.endpoint());
    let gate = Gate::start_with(|listener, admin| {
        let token = format!("address: {admin}\n  token: {{ value: t0ken }}");
        config.text(listener, admin).replace(&format!("address: {admin}"), &token)
    });
    let admin = format!("http://{}", gate.admin_address());
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, "t0ken\n").unwrap();
    let before = ["--signed-before", "20200101T000000Z", "--admin", &admin];
    let (code, _, error) = command(&before);
    assert_eq!(code, Some(1), "{error}");
    let (code, _, error) = command(&[&before[..], &["--token", token.to_str().unwrap()]].concat());
    assert_eq!(code, Some(0), "{error}");
}

#[test]
fn a_revocation_survives_a_gate_that_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let store = format!("{{ store: {{ redb: {} }} }}", folder.path().join("links.redb").display());
    let (upstream, mut gate) = start(&store);
    let request = link("GET", &[("x-note", "1")]);
    assert_eq!(ask(&gate, "10.0.0.1", &request).status, 200);
    revoke(&gate, &json!({ "link": url(&gate, &request) }));
    gate.process().signal("KILL");
    gate.process().wait();
    // nobody has the file: the command writes to it
    let other = link("GET", &[("x-note", "2")]);
    let config = gate.config();
    let (code, out, error) = command(&["--link", &url(&gate, &other), "--config", config.to_str().unwrap()]);
    assert_eq!(code, Some(0), "{out} {error}");
    let gate = gate_over(&upstream, &store);
    refused(&ask(&gate, "10.0.0.1", &request), 403, "link_revoked");
    refused(&ask(&gate, "10.0.0.1", &other), 403, "link_revoked");
}

#[test]
fn other_gates_follow_within_a_second() {
    let server = RedisServer::start(&[]);
    let (upstream, one) = start(&server.links(""));
    let other = gate_over(&upstream, &server.links(""));
    let request = link("GET", &[]).at(-60);
    // an open connection, in use all the time
    let mut client = Client::connect(other.address());
    let mut status = || {
        client.send(&from("10.0.0.1", &request));
        client.response("GET").status
    };
    let mut entry = Value::Null;
    for form in [
        json!({ "access_key_id": request.key.id, "before": now() - 30 }),
        json!({ "prefix": "s3://bkt/k" }),
        json!({ "signed_before": now() - 30 }),
        json!({ "link": url(&one, &request) }),
    ] {
        if let Some(id) = entry["id"].as_str() {
            assert_eq!(one.admin_with("DELETE", &format!("/revocations/{id}"), &[], "").status, 200);
            poll("the other gate to follow again", || (status() == 200).then_some(()));
        }
        assert_eq!(status(), 200);
        let watch = Watch::start();
        entry = revoke(&one, &form);
        poll("the other gate to follow", || (status() == 403).then_some(()));
        assert!(watch.elapsed() < Duration::from_secs(1), "{form} {:?}", watch.elapsed());
    }
    let path = format!("/revocations/{}", entry["id"].as_str().unwrap());
    assert_eq!(one.admin_with("DELETE", &path, &[], "").status, 200);
    poll("the other gate to follow again", || (status() == 200).then_some(()));
    // the command tells the store itself
    let config = one.config();
    let (code, _, error) = command(&["--prefix", "s3://bkt/key", "--config", config.to_str().unwrap()]);
    assert_eq!(code, Some(0), "{error}");
    poll("the gates to follow the command", || (status() == 403).then_some(()));
}

/// A config with an audit log of its own.
fn audited(upstream: &Upstream, links: &str, audit: &std::path::Path) -> Gate {
    let logs = format!("logs: {{ audit: {{ path: {} }} }}\nlinks: {links}", audit.display());
    Gate::start(&Config::resign(upstream.endpoint()).more(&logs))
}

/// The lines of an audit log about this prefix, once there are so many.
#[track_caller]
fn noted(audit: &std::path::Path, prefix: &str, count: usize) -> Vec<Value> {
    poll(&format!("{count} lines about {prefix}"), || {
        let text = std::fs::read_to_string(audit).unwrap_or_default();
        let lines: Vec<Value> = text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .filter(|line: &Value| {
                line["presign_gate.revocation.of"].as_str().is_some_and(|of| of.contains(prefix))
            })
            .collect();
        (lines.len() >= count).then_some(lines)
    })
}

#[track_caller]
fn verify(audit: &std::path::Path) {
    let output = Command::new(BINARY).args(["audit", "verify"]).arg(audit).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_revocation_that_the_store_does_not_take_is_in_the_audit_log() {
    let mut server = RedisServer::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let audit = folder.path().join("audit.jsonl");
    let upstream = Upstream::scripted(serve);
    let gate = audited(&upstream, &server.links(""), &audit);
    assert_eq!(gate.ask("GET", &link("GET", &[]).presigned()).status, 200);
    server.kill();
    let answer = gate.admin_with("POST", "/revocations", &[], r#"{"prefix": "s3://bkt/k"}"#);
    assert_eq!(answer.status, 503, "{}", answer.text());
    // it holds here
    gate.ask("GET", &link("GET", &[]).presigned()).assert_error(403, "AccessDenied");
    assert_eq!(noted(&audit, "s3://bkt/k", 1)[0]["presign_gate.by"], "admin");
}

#[test]
fn every_gate_writes_down_what_it_finds_in_the_store() {
    let server = RedisServer::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let upstream = Upstream::scripted(serve);
    let audits = ["one.jsonl", "other.jsonl"].map(|name| folder.path().join(name));
    let [one, other] = [0, 1].map(|at: usize| audited(&upstream, &server.links(""), &audits[at]));
    let answer = one.admin_with("POST", "/revocations", &[], r#"{"prefix": "s3://bkt/by-admin"}"#);
    assert_eq!(answer.status, 201);
    assert_eq!(noted(&audits[1], "by-admin", 1)[0]["presign_gate.by"], "store");
    let config = other.config();
    let prefix = "s3://bkt/by-command";
    let (code, _, error) = command(&["--prefix", prefix, "--config", config.to_str().unwrap()]);
    assert_eq!((code, error.as_str()), (Some(0), ""));
    for audit in &audits {
        assert_eq!(noted(audit, "by-command", 1)[0]["presign_gate.by"], "store");
    }
    // once each
    assert_eq!(noted(&audits[0], "by-admin", 1).len(), 1);
    // what was there before is no event of a gate that starts
    drop((one, other));
    let _again = audited(&upstream, &server.links(""), &audits[0]);
    assert_eq!(noted(&audits[0], "by-command", 1).len(), 1);
    for audit in &audits {
        verify(audit);
    }
}

#[test]
fn the_command_goes_on_with_an_audit_log_that_no_gate_writes() {
    let folder = tempfile::tempdir().unwrap();
    let audit = folder.path().join("audit.jsonl");
    let links = format!("{{ store: {{ redb: {} }} }}", folder.path().join("links.redb").display());
    let upstream = Upstream::scripted(serve);
    let mut gate = audited(&upstream, &links, &audit);
    let config = gate.config();
    gate.process().signal("TERM");
    assert!(gate.process().wait().success());
    let revoke = |prefix: &str| command(&["--prefix", prefix, "--config", config.to_str().unwrap()]);
    let (code, _, error) = revoke("s3://bkt/one");
    assert_eq!((code, error.as_str()), (Some(0), ""));
    assert_eq!(noted(&audit, "bkt/one", 1)[0]["presign_gate.by"], "command");
    let gate = audited(&upstream, &links, &audit);
    assert_eq!(gate.admin("GET", "/readyz").status, 200);
    drop(gate);
    verify(&audit);
    // it does not begin one, which might then not be the gate's
    std::fs::remove_file(&audit).unwrap();
    let (code, _, error) = revoke("s3://bkt/two");
    assert!(code == Some(0) && error.contains("revoked, but not written to"), "{error}");
    assert!(!audit.exists());
}
