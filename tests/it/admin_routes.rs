//! The admin endpoint's routes: who may use them, and what they answer.
//! It must not test what the numbers on the metrics page mean.

use crate::support::config::Config;
use crate::support::gate::{Gate, poll};
use crate::support::request::Request;
use crate::support::sigv4::{MAIN, STRANGER};
use crate::support::upstream::Upstream;
use serde_json::Value;

fn start() -> (Upstream, Gate) {
    let upstream = Upstream::ok();
    let gate = Gate::start(&Config::resign(upstream.endpoint()));
    (upstream, gate)
}

fn with_token() -> (Upstream, Gate) {
    let upstream = Upstream::ok();
    let config = Config::resign(upstream.endpoint());
    let gate = Gate::start_with(|listener, admin| {
        let token = format!("address: {admin}\n  token: {{ value: admin-token }}");
        config.text(listener, admin).replace(&format!("address: {admin}"), &token)
    });
    (upstream, gate)
}

fn url(request: &Request) -> String {
    format!("http://{}{}", request.host, request.presigned_target())
}

#[test]
fn explain_answers_as_the_command_does() {
    let (upstream, gate) = start();
    let question = |body: Value| gate.admin_with("POST", "/explain", &[], &body.to_string());
    let get = Request::get("/bkt/key");
    for (body, decision, reason) in [
        (serde_json::json!({ "url": url(&get), "source_ip": "10.0.0.1" }), "allow", Value::Null),
        (serde_json::json!({ "url": url(&get), "method": "HEAD" }), "deny", "wrong_signature".into()),
        (serde_json::json!({ "url": url(&get), "at": "20400101T000000Z" }), "deny", "expired".into()),
        (
            serde_json::json!({ "url": url(&get), "headers": [["x-amz-acl", "private"]] }),
            "deny",
            "headers_not_signed".into(),
        ),
    ] {
        let answer = question(body.clone());
        assert_eq!(answer.status, 200, "{}", answer.text());
        let value: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!((&value["decision"], &value["reason"]), (&decision.into(), &reason), "{body}");
        assert!(!answer.text().contains(MAIN.secret));
    }
    // what a browser keeps to itself, and a scheme in other letters
    let other = serde_json::json!({ "url": format!("{}#part", url(&get).replace("http://", "HTTP://")) });
    let value: Value = serde_json::from_slice(&question(other).body).unwrap();
    assert_eq!(value["decision"], "allow", "{value}");
    for body in ["", "{}", "{\"url\": \"ftp://x\"}", "{\"url\": \"http://h/\\r\\nA: b\"}"] {
        let answer = gate.admin_with("POST", "/explain", &[], body);
        assert_eq!(answer.status, 400, "{body}");
        let value: Value = serde_json::from_slice(&answer.body).unwrap();
        assert!(value["error"].is_string(), "{}", answer.text());
    }
    assert_eq!(gate.admin_with("POST", "/explain", &[], &"a".repeat(70_000)).status, 413);
    upstream.assert_untouched();
}

/// What a link has left is told as well, and asking does not use it up.
#[test]
fn explain_knows_what_was_used() {
    let (_upstream, gate) = start();
    let once = Request::get("/bkt/key").query("x-gate-max-uses", "1");
    let body = serde_json::json!({ "url": url(&once) }).to_string();
    let explained = || -> Value {
        serde_json::from_slice(&gate.admin_with("POST", "/explain", &[], &body).body).unwrap()
    };
    for _ in 0..3 {
        assert_eq!(explained()["decision"], "allow");
    }
    assert_eq!(gate.ask("GET", &once.presigned()).status, 200);
    // within the grace time the same client may come again
    poll("a use from elsewhere", || {
        let body = serde_json::json!({ "url": url(&once), "source_ip": "10.0.0.9" }).to_string();
        let answer = gate.admin_with("POST", "/explain", &[], &body);
        let value: Value = serde_json::from_slice(&answer.body).unwrap();
        (value["reason"] == "link_max_uses").then_some(value)
    });
    let command = std::process::Command::new(crate::support::gate::BINARY)
        .args(["explain", &url(&once), "--json", "--config"])
        .arg(gate.config())
        .output()
        .unwrap();
    let value: Value = serde_json::from_slice(&command.stdout).unwrap();
    assert_eq!(value["decision"], "allow");
    assert!(value["hint"].as_str().unwrap().contains("`POST /explain`"), "{value}");
}

#[test]
fn changes_need_the_token() {
    let (_upstream, gate) = with_token();
    let body = serde_json::json!({ "url": url(&Request::get("/bkt/key")) }).to_string();
    let ask = |lines: &[(&str, &str)]| gate.admin_with("POST", "/explain", lines, &body).status;
    assert_eq!(ask(&[("Authorization", "Bearer admin-token")]), 200);
    for lines in [&[][..], &[("Authorization", "Bearer wrong")], &[("Authorization", "Basic admin-token")]] {
        let answer = gate.admin_with("POST", "/explain", lines, &body);
        assert_eq!((answer.status, answer.headers.get("www-authenticate")), (401, Some("Bearer")));
    }
    for path in ["/livez", "/readyz", "/metrics", "/version", "/config"] {
        assert_eq!(gate.admin("GET", path).status, 200, "{path}");
    }
    assert!(!gate.output().contains("admin-token"));
}

#[test]
fn web_pages_get_nothing_out_of_a_local_endpoint() {
    let (_upstream, gate) = start();
    let body = serde_json::json!({ "url": url(&Request::get("/bkt/key")) }).to_string();
    for lines in [
        [("Host", "rebound.example"), ("Accept", "*/*")],
        [("Origin", "https://evil.example"), ("Content-Type", "text/plain")],
        [("Origin", "null"), ("Content-Type", "text/plain")],
        [("Sec-Fetch-Site", "cross-site"), ("Content-Type", "text/plain")],
    ] {
        assert_eq!(gate.admin_with("POST", "/explain", &lines, &body).status, 403, "{lines:?}");
    }
    let own = format!("http://{}", gate.admin_address());
    for (kind, status) in
        [("text/plain", 403), ("application/x-www-form-urlencoded", 403), ("application/json", 200)]
    {
        let lines = [("Origin", own.as_str()), ("Content-Type", kind)];
        assert_eq!(gate.admin_with("POST", "/explain", &lines, &body).status, status, "{kind}");
    }
    for path in ["/", "/config", "/denials", "/revocations"] {
        assert_eq!(gate.admin_with("GET", path, &[("Host", "rebound.example")], "").status, 403, "{path}");
    }
    for lines in [[("Origin", "https://evil.example")], [("Sec-Fetch-Site", "cross-site")]] {
        assert_eq!(gate.admin_with("GET", "/denials", &lines, "").status, 403, "{lines:?}");
    }
    assert_eq!(gate.admin_with("GET", "/metrics", &[("Host", "node.example:9090")], "").status, 200);
}

#[test]
fn the_config_is_shown_without_its_secrets() {
    let (_upstream, gate) = start();
    let answer = gate.admin("GET", "/config");
    assert_eq!(answer.headers.get("content-type"), Some("application/json"));
    let value: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(value["buckets"][0]["name"], "bkt");
    assert_eq!(value["limits"]["header_bytes"], "32KiB");
    assert_eq!(value["credentials"][0]["secret_access_key"]["value"], "REDACTED");
    for secret in [MAIN.secret, "temp-secret", "tok/en+=", "upstream-secret"] {
        assert!(!answer.text().contains(secret), "{secret}");
    }
}

#[test]
fn methods_and_paths_are_told_apart() {
    let (_upstream, gate) = start();
    let answer = gate.admin("DELETE", "/metrics");
    assert_eq!((answer.status, answer.headers.get("allow")), (405, Some("GET, HEAD")));
    assert_eq!(gate.admin("GET", "/explain").headers.get("allow"), Some("POST"));
    assert_eq!(gate.admin("GET", "/metrics/").status, 404);
    let head = gate.admin("HEAD", "/metrics");
    assert_eq!((head.status, head.body.len()), (200, 0));
    let verbose = gate.admin("GET", "/readyz?verbose").text();
    assert!(verbose.contains("[+] config ok\n") && verbose.ends_with("ok\n"), "{verbose}");
}

#[test]
fn examples_of_refusals_hold_no_query_and_need_the_token() {
    let (_upstream, gate) = with_token();
    let refused = Request::get("/bkt/key").key(STRANGER).query("secret-word", "hidden");
    gate.ask("GET", &refused.clone().unsigned("Referer", &url(&refused)).presigned());
    gate.ask("GET", &Request::get("/bkt/key").presigned());
    gate.ask("GET", b"GET /bkt/key?X-Amz-Signature=abcdef HTTP/1.1\r\nbroken\r\n\r\n");
    assert_eq!(gate.admin("GET", "/denials").status, 401);
    let ask = || gate.admin_with("GET", "/denials", &[("Authorization", "Bearer admin-token")], "");
    let text = poll("both refusals", || {
        let text = ask().text();
        (text.matches("event.reason").count() == 2).then_some(text)
    });
    let value: Value = serde_json::from_str(&text).unwrap();
    let reasons = ["malformed_head", "unknown_key"].map(|reason| {
        let all = value["denials"].as_array().unwrap();
        all.iter().find(|one| one["event.reason"] == reason).expect(reason)
    });
    assert_eq!(
        (&reasons[1]["url.path"], &reasons[1]["http.response.status_code"]),
        (&"/bkt/key".into(), &403.into())
    );
    for secret in ["hidden", "secret-word", "X-Amz", "abcdef", STRANGER.secret] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}
