//! The console in a real browser: what it shows, what it does, and that nothing that a client sends becomes part of it.
//! It must not test the answers of the routes that the page asks; `admin_routes` and `links` do.

use crate::support::config::Config;
use crate::support::gate::{Gate, poll};
use crate::support::python;
use crate::support::request::Request;
use crate::support::sigv4::STRANGER;
use crate::support::upstream::Upstream;
use serde_json::{Value, json};

/// A name that would be a script, were it markup.
const HOSTILE: &str = "<img src=x onerror=alert(1)>\"'&<script>alert(2)</script>";

fn start() -> (Upstream, Gate) {
    start_with(|text| text)
}

/// A gate with the text of its config changed, and with link state.
fn start_with(change: impl FnOnce(String) -> String) -> (Upstream, Gate) {
    let upstream = Upstream::ok();
    let config = Config::resign(upstream.endpoint()).more("links: { store: { memory: true } }");
    let gate = Gate::start_with(|listener, admin| change(config.text(listener, admin)));
    (upstream, gate)
}

fn with_token() -> (Upstream, Gate) {
    start_with(|text| text.replacen("admin:\n", "admin:\n  token: { value: admin-token }\n", 1))
}

/// What a browser saw.
#[track_caller]
fn browse(gate: &Gate, step: &str, words: &[&str]) -> Value {
    let admin = format!("http://{}", gate.admin_address());
    let mut command = python::node("browser/console.mjs");
    let text = python::run(command.arg(admin).arg(step).args(words));
    serde_json::from_str(text.lines().last().unwrap_or_default()).unwrap()
}

fn url(request: &Request) -> String {
    format!("http://{}{}", request.host, request.presigned_target())
}

#[track_caller]
fn has(text: &Value, parts: &[&str]) {
    let text = text.as_str().expect("a text");
    for part in parts {
        assert!(text.contains(part), "`{part}` in {text}");
    }
}

#[test]
fn it_shows_what_happens_and_takes_hostile_names_for_text() {
    let (_upstream, gate) = start();
    for _ in 0..3 {
        assert_eq!(gate.ask("GET", &Request::get("/bkt/key").presigned()).status, 200);
        let hostile = Request::get("/bkt/%3Cimg%20src=x%20onerror=alert(1)%3E").key(STRANGER);
        gate.ask("GET", &hostile.unsigned("User-Agent", HOSTILE).presigned());
    }
    poll("the refusals to be counted", || {
        (gate.metric("presign_gate_denied_total", &["unknown_key"]) >= 3.0).then_some(())
    });
    let data = format!("http://{}", gate.address());
    let live = Request::get("/bkt/key").presigned_target();
    let seen = browse(&gate, "numbers", &["unknown_key", "3", &data, &live]);
    assert_eq!(seen["state"], "ready");
    has(
        &seen["denials"],
        &["unknown_key", "auth 403", HOSTILE, "s3.test/bkt/%3Cimg%20src=x", "from 127.0.0.1"],
    );
    has(
        &seen["tiles"],
        &["Requests / s", "Refused / s", "Gate time, p99", "≤ ", "Links tracked", "Revocations"],
    );
    has(&seen["upstreams"], &["s3", "1 up"]);
    has(&seen["paths"], &["peer"]);
    has(&seen["checks"], &["config ok", "link-store ok", "upstream s3 ok"]);
    has(&seen["version"], &[env!("CARGO_PKG_VERSION")]);
    assert_eq!(seen["markup"], 0);
    let headers = &seen["headers"];
    has(
        &headers["content-security-policy"],
        &["default-src 'none'", "frame-ancestors 'none'", "script-src 'self'"],
    );
    assert!(!headers["content-security-policy"].as_str().unwrap().contains("unsafe"));
    assert_eq!(
        (&headers["referrer-policy"], &headers["x-content-type-options"], &headers["cache-control"]),
        (&json!("no-referrer"), &json!("nosniff"), &json!("no-store"))
    );
    let plain = browse(&gate, "plain", &[]);
    has(&plain["text"], &["[+] config ok", "denied_total{reason=\"unknown_key\",stage=\"auth\"}"]);
}

#[test]
fn it_explains_stage_by_stage() {
    let (upstream, gate) = start();
    let get = Request::get("/bkt/key");
    let ask = |url: String, method: &str, headers: &str| json!([url, method, headers]).to_string();
    let hostile = format!("x-hostile: {HOSTILE}");
    let questions = [
        ask(url(&get), "GET", ""),
        ask(url(&get), "HEAD", &hostile),
        ask(url(&get.clone().at(-100).expires("10")), "GET", ""),
        ask(url(&Request::get("/bkt/key").query("x-gate-source-ip", "10.0.0.0/8")), "GET", ""),
        ask(format!("http://s3.test/bkt/{HOSTILE}"), "GET", ""),
        ask("ftp://h/b".to_owned(), "GET", ""),
        ask(url(&get), "GET", "no colon"),
    ];
    let seen = browse(&gate, "explain", &questions.each_ref().map(String::as_str));
    let expected: &[&[&str]] = &[
        &[
            "allowed",
            "auth\npassed",
            "links\npassed",
            "s3:GetObject on arn:aws:s3:::bkt/key",
            "user/main",
            "proof: peer",
            "Time left",
            "Allow: AllowBkt",
            "Canonical request",
        ],
        &[
            "refused",
            "wrong_signature",
            "request\npassed",
            "auth\nrefused here",
            "policy\nnot reached",
            "HEAD\n/bkt/key\n",
        ],
        &["expired", "auth\nrefused here", " before, at "],
        &["link_source_ip", "policy\npassed", "links\nrefused here"],
        &["refused", "request\nrefused here", "auth\nnot reached"],
        &["✗ `ftp://h/b` is no URL"],
        &["✗ a header line is `name: value`, not `no colon`"],
    ];
    let answers = seen["answers"].as_array().unwrap();
    assert_eq!(answers.len(), expected.len());
    for (answer, expected) in answers.iter().zip(expected) {
        has(&answer["text"], expected);
        assert_eq!(answer["markup"], 0, "{answer}");
    }
    upstream.assert_untouched();
}

#[test]
fn a_link_that_is_called_back_there_answers_403() {
    let (_upstream, gate) = with_token();
    let link = Request::get("/bkt/key");
    assert_eq!(gate.ask("GET", &link.presigned()).status, 200);
    let seen = browse(&gate, "revoke", &[&url(&link), "admin-token"]);
    assert_eq!((&seen["locked"], &seen["shown"]), (&json!(true), &json!(false)));
    assert_eq!(seen["stored"], json!([0, 0, ""]));
    has(&seen["confirmed"], &["link: http://s3.test/bkt/key?…"]);
    has(&seen["told"], &["link: "]);
    gate.ask("GET", &link.presigned()).assert_error(403, "AccessDenied");
    assert_eq!(gate.ask("GET", &Request::get("/bkt/other").presigned()).status, 200);
}

#[test]
fn every_kind_of_revocation_is_made_and_taken_back() {
    let (_upstream, gate) = start();
    let link = Request::get("/bkt/key").query("x-gate-max-uses", "5");
    assert_eq!(gate.ask("GET", &link.presigned()).status, 200);
    let seen = browse(&gate, "kinds", &[&url(&link)]);
    let told = seen["told"].as_array().unwrap();
    has(
        &told[0],
        &[
            "access_key_id: AKIDTESTMAIN00000001",
            "before: 2030-01-01",
            "s3://bkt/<b>old</b>/",
            "signed_before: 2030",
        ],
    );
    has(&told[1], &["Uses", "not called back"]);
    has(&told[2], &["\"access_key_id\": \"AKIDTESTMAIN00000001\"", "REDACTED"]);
    has(&told[3], &["✓ read, and in force"]);
    assert_eq!(seen["markup"], 0);
    assert_eq!(gate.ask("GET", &link.presigned()).status, 200);
}

#[test]
fn it_can_be_used_without_a_mouse_on_a_small_screen_and_in_the_dark() {
    let (_upstream, gate) = start();
    gate.ask("GET", &Request::get("/bkt/key").key(STRANGER).presigned());
    let seen = browse(&gate, "access", &[]);
    let found = seen["found"].as_array().unwrap();
    assert_eq!(found.len(), 3);
    for one in found {
        assert_eq!((&one["overflow"], &one["findings"]), (&json!(0), &json!([])), "{one}");
        assert_eq!((&one["first"], &one["reached"]), (&json!("Skip to the content"), &json!([])), "{one}");
        assert!(one["written"].as_u64().unwrap() > 50, "{one}");
    }
    assert_ne!(found[0]["background"], found[1]["background"]);
}
