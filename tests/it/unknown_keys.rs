//! Keys that only the store knows (`unknown_keys: passthrough`): what goes on, byte for byte, and what never does.
//! It must not test what policies mean for whoever signed; those have tables beside them.

use crate::support::chunks::{SIGNED, SIGNED_TRAILER, UNSIGNED_TRAILER, Upload};
use crate::support::config::Config;
use crate::support::form::Form;
use crate::support::gate::{BINARY, Gate, poll};
use crate::support::pattern;
use crate::support::request::Request;
use crate::support::sigv4::{Key, STRANGER, sha256_hex};
use crate::support::upstream::Upstream;
use std::process::Command;

/// Everybody may everything in the bucket; from 127.0.0.0/8 alone, and not in its folder `ops`, which is somebody's.
const BUCKET: &str = r#"policy: {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": ["arn:aws:s3:::bkt", "arn:aws:s3:::bkt/*"]}, {"Effect": "Deny", "Principal": {"AWS": "arn:aws:iam::111122223333:user/guest"}, "Action": "s3:*", "Resource": "arn:aws:s3:::bkt/ops/*"}]}"#;
const LOGS: &str = "logs: { access: { path: access.log }, audit: { path: audit.jsonl } }";

/// A key of the store.
fn stranger(request: Request) -> Request {
    request.key(STRANGER)
}

fn config(upstream: &Upstream) -> Config {
    Config::passthrough(upstream.endpoint()).more("    unknown_keys: passthrough").more(LOGS).bucket(BUCKET)
}

fn open() -> (Upstream, Gate) {
    let upstream = Upstream::ok();
    let gate = Gate::start(&config(&upstream));
    (upstream, gate)
}

/// The lines of a head but for those of one hop, sorted.
fn lines(head: &str) -> Vec<String> {
    let hop = |name: &str| matches!(name, "connection" | "expect");
    let mut lines: Vec<_> = head
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value))
        .filter(|(name, _)| !hop(name))
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    lines.sort_unstable();
    lines
}

#[test]
fn what_the_store_is_to_verify_goes_on_byte_for_byte() {
    let (upstream, gate) = open();
    let large = pattern::bytes(300_000);
    let hash = sha256_hex(&large);
    let put = |body: &[u8]| stranger(Request::put("/bkt/a%20b/%2B(c)", body)).signed("x-amz-meta-a", "b  c");
    let upload = |mode, body: &[u8]| {
        let upload = Upload::new(mode, body, 65_536).map(stranger);
        if mode == SIGNED { upload } else { upload.crc32() }
    };
    let token = Key { token: Some("tok/en+="), ..STRANGER };
    let requests = [
        stranger(Request::get("/bkt/key")).presigned(),
        stranger(Request::get("/bkt/key")).authorized(),
        Request::get("/bkt/key").key(token).presigned(),
        Request::get("/bkt/key").key(token).authorized(),
        stranger(Request::new("HEAD", "/bkt/key")).presigned(),
        stranger(Request::new("DELETE", "/bkt/key")).authorized(),
        stranger(Request::get("/bkt").query("list-type", "2").query("prefix", "a b/")).presigned(),
        stranger(Request::get("/bkt/key").query("x-note", "1").query("x-gate-source-ip", "127.0.0.0/8"))
            .presigned(),
        stranger(Request::get("/").host("bkt.s3.test")).presigned(),
        put(b"body").presigned(),
        put(b"").authorized(),
        put(&large).authorized(),
        put(&large).signed("x-amz-content-sha256", &hash).authorized(),
        upload(SIGNED, &large).bytes(),
        upload(SIGNED_TRAILER, &large).bytes(),
        upload(UNSIGNED_TRAILER, &large).bytes(),
        // only the store could find these wrong
        upload(SIGNED, &large).edited(|body| body[200_000] ^= 1),
    ];
    for (sent, bytes) in requests.into_iter().enumerate() {
        let split = bytes.windows(4).position(|end| end == b"\r\n\r\n").unwrap() + 4;
        let (head, body) = (String::from_utf8(bytes[..split].to_vec()).unwrap(), &bytes[split..]);
        let mut words = head.split(' ');
        let (method, target) = (words.next().unwrap(), words.next().unwrap());
        assert_eq!(gate.ask(method, &bytes).status, 200, "{head}");
        let seen = upstream.wait(|seen| seen.requests.get(sent).is_some_and(|request| request.complete));
        let seen = &seen.requests[sent];
        assert_eq!((seen.method.as_str(), seen.target.as_str()), (method, target));
        assert!(seen.body == body, "{head}");
        let there: Vec<_> = seen.headers.0.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        assert_eq!(lines(&format!("\n{}", there.join("\n"))), lines(&head));
    }
}

/// Requests of a stranger, each with what is wrong with it and the answer.
type Faults = Vec<(&'static str, Vec<u8>, u16, &'static str)>;

fn get() -> Request {
    stranger(Request::get("/bkt/key"))
}

fn replaced(bytes: Vec<u8>, from: &str, to: &str) -> Vec<u8> {
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.contains(from), "{from}");
    text.replacen(from, to, 1).into_bytes()
}

/// With the declared hash of another body.
fn mistaken(body: &[u8]) -> Vec<u8> {
    let request = stranger(Request::put("/bkt/key", body));
    request.signed("x-amz-content-sha256", &sha256_hex(b"other")).authorized()
}

fn about_the_claim() -> Faults {
    const PARAMETERS: &str = "AuthorizationQueryParametersError";
    let sigv2 = b"GET /bkt/key?AWSAccessKeyId=AKIDTESTSTRANGER0001&Expires=4102444800&Signature=c2ln HTTP/1.1\r\nHost: s3.test\r\n\r\n";
    let elsewhere = Request { region: "eu-west-1".into(), ..get() };
    let service = Request { service: "ec2".into(), ..get() };
    let missing = get().signed("x-note", "1").presigned();
    let sigv4a = replaced(get().authorized(), "AWS4-HMAC-SHA256 ", "AWS4-ECDSA-P256-SHA256 ");
    let malformed = replaced(get().presigned(), "X-Amz-Signature=", "X-Amz-Signature=zz");
    vec![
        ("expired", get().at(-400).presigned(), 403, "AccessDenied"),
        ("from the future", get().at(1000).presigned(), 403, "AccessDenied"),
        ("a date that is off", get().at(-1000).authorized(), 403, "RequestTimeTooSkewed"),
        ("too long", get().expires("604801").presigned(), 400, PARAMETERS),
        ("another region", elsewhere.presigned(), 400, PARAMETERS),
        ("another service", service.presigned(), 400, PARAMETERS),
        (
            "two forms",
            get().unsigned("Authorization", "AWS4-HMAC-SHA256 x").presigned(),
            400,
            "InvalidArgument",
        ),
        ("none", get().bytes("/bkt/key", &[]), 403, "AccessDenied"),
        (
            "a header that is not signed",
            get().unsigned("x-amz-acl", "private").presigned(),
            403,
            "AccessDenied",
        ),
        ("a signed header that is gone", replaced(missing, "x-note: 1\r\n", ""), 403, "AccessDenied"),
        ("a parameter twice", get().query("x-amz-date", "20260101T000000Z").presigned(), 400, PARAMETERS),
        ("nothing like a signature", malformed, 403, "InvalidAccessKeyId"),
        ("SigV4A", sigv4a, 400, "AuthorizationHeaderMalformed"),
        ("SigV2", sigv2.to_vec(), 400, "InvalidRequest"),
        ("a form", Form { key: STRANGER, ..Form::new("k", b"x") }.bytes(), 403, "InvalidAccessKeyId"),
    ]
}

fn about_what_it_asks() -> Faults {
    let with = |name: &str, value: &str| get().query(name, value).presigned();
    let small = stranger(Request::put("/bkt/key", b"body")).query("x-gate-content-length-range", "5,10");
    vec![
        ("another body", mistaken(b"body"), 400, "XAmzContentSHA256Mismatch"),
        ("another network", with("x-gate-source-ip", "203.0.113.0/24"), 403, "AccessDenied"),
        ("another VPC", with("x-gate-source-vpc", "vpc-11112222"), 403, "AccessDenied"),
        ("another endpoint", with("x-gate-source-vpce", "vpce-0a1b2c3d"), 403, "AccessDenied"),
        ("not yet", with("x-gate-not-before", "2100-01-01T00:00:00Z"), 403, "AccessDenied"),
        ("no constraint", with("x-gate-foo", "1"), 400, "InvalidArgument"),
        ("too small", small.presigned(), 400, "EntityTooSmall"),
        ("somebody's folder", stranger(Request::get("/bkt/ops/x")).presigned(), 403, "AccessDenied"),
        ("another bucket", stranger(Request::get("/other/x")).presigned(), 403, "InvalidAccessKeyId"),
    ]
}

#[test]
fn what_the_gate_can_check_it_checks() {
    let (upstream, gate) = open();
    for (what, bytes, status, code) in about_the_claim().into_iter().chain(about_what_it_asks()) {
        let method = String::from_utf8_lossy(&bytes[..4]).trim().to_owned();
        let answer = gate.ask(&method, &bytes);
        assert_eq!((answer.status, answer.element("Code").as_deref()), (status, Some(code)), "{what}");
    }
    upstream.assert_untouched();
    // a large upload with another hash than it declares never completes
    let large = pattern::bytes(300_000);
    gate.ask("PUT", &mistaken(&large)).assert_error(400, "XAmzContentSHA256Mismatch");
    // chunks without signatures where they have to be
    let bare = Upload::new(SIGNED, &large, 65_536).map(stranger);
    let bare = bare.edited(|body| {
        let text = b";chunk-signature=";
        let at = body.windows(text.len()).position(|part| part == text).unwrap();
        body.drain(at..at + text.len() + 64);
    });
    assert_eq!(gate.ask("PUT", &bare).status, 400);
    upstream.assert_nothing_completed();
}

#[test]
fn nothing_is_counted_for_a_signature_that_nobody_verified() {
    let (upstream, gate) = open();
    for (name, value) in
        [("x-gate-max-uses", "1"), ("x-gate-max-bytes", "10"), ("x-gate-pin", "ip"), ("x-gate-rate", "1000")]
    {
        let request = stranger(Request::get("/bkt/key")).query(name, value);
        for bytes in [request.presigned(), request.authorized()] {
            gate.ask("GET", &bytes).assert_error(403, "AccessDenied");
        }
    }
    upstream.assert_untouched();
    let counted = |name: &str, labels: &[&str]| gate.metric(name, labels).to_string();
    let refused = || counted("presign_gate_denied_total", &["reason=\"unverified_limit\""]) == "8";
    poll("each refusal to be counted", || refused().then_some(()));
    assert_eq!(counted("presign_gate_links_tracked", &[]), "0");
    assert_eq!(gate.ask("GET", &stranger(Request::get("/bkt/key")).presigned()).status, 200);
    let page = gate.admin("GET", "/metrics").text();
    assert!(
        page.contains("presign_gate_link_age_seconds_count 0"),
        "an age that nobody has verified is counted"
    );
    for (kind, expected) in [("query_v4", "5"), ("header_v4", "4")] {
        let labels = [&*format!("scheme=\"{kind}\""), "result=\"unverified\""];
        poll("each signature to be counted", || {
            (counted("presign_gate_auth_total", &labels) == expected).then_some(())
        });
    }
}

#[test]
fn a_network_that_is_closed_is_closed_to_keys_that_nobody_knows() {
    let guardrail = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "s3:*", "Resource": "*", "Condition": {"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}, "ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::111122223333:user/ops"}}}]}"#;
    for default in ["deny", "pass"] {
        let upstream = Upstream::ok();
        let closed = format!("default: {default}\n  guardrails:\n    - {guardrail}");
        let gate = Gate::start_with(|listener, admin| {
            config(&upstream).text(listener, admin).replacen("default: deny", &closed, 1)
        });
        for bytes in [
            stranger(Request::get("/bkt/key")).presigned(),
            stranger(Request::get("/bkt/key")).authorized(),
            stranger(Request::put("/bkt/key", b"body")).presigned(),
            Upload::new(SIGNED, b"hello", 9).map(stranger).bytes(),
        ] {
            let method = String::from_utf8_lossy(&bytes[..4]).trim().to_owned();
            gate.ask(&method, &bytes).assert_error(403, "AccessDenied");
        }
        upstream.assert_untouched();
    }
}

#[test]
fn what_no_statement_speaks_of() {
    // under `deny` nothing allows it, under `pass` the store decides
    for (default, policy, status) in [
        ("deny", "", 403),
        ("pass", "", 200),
        // allowed to somebody whom nobody can tell from others
        (
            "deny",
            r#"policy: {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "s3:*", "Resource": "arn:aws:s3:::bkt/*"}]}"#,
            403,
        ),
    ] {
        let upstream = Upstream::ok();
        let plain = Config { default, ..Config::passthrough(upstream.endpoint()) };
        let plain = plain.more("    unknown_keys: passthrough");
        let gate = Gate::start(&if policy.is_empty() { plain } else { plain.bucket(policy) });
        assert_eq!(
            gate.ask("GET", &stranger(Request::get("/bkt/key")).presigned()).status,
            status,
            "{default}"
        );
        let passed = upstream.recording().requests.len();
        assert_eq!(passed, usize::from(status == 200));
    }
}

#[test]
fn without_it_an_unknown_key_is_refused() {
    for keys in ["", "    unknown_keys: refuse"] {
        let upstream = Upstream::ok();
        let gate = Gate::start(&Config::passthrough(upstream.endpoint()).more(keys).bucket(BUCKET));
        for bytes in
            [stranger(Request::get("/bkt/key")).presigned(), stranger(Request::get("/bkt/key")).authorized()]
        {
            gate.ask("GET", &bytes).assert_error(403, "InvalidAccessKeyId");
        }
        upstream.assert_untouched();
    }
    // the bucket of another upstream, which signs anew
    let (upstream, other) = (Upstream::ok(), Upstream::ok());
    let gate = Gate::start_with(|listener, admin| {
        let text = config(&upstream).text(listener, admin);
        let more = format!(
            "  - name: own\n    endpoint: {}\n    region: us-east-1\n    credentials: {{ anonymous: true }}\n{LOGS}",
            other.endpoint()
        );
        text.replacen(LOGS, &more, 1).replacen(
            "buckets:\n",
            "buckets:\n  - { name: own, upstream: own }\n",
            1,
        )
    });
    gate.ask("GET", &stranger(Request::get("/own/key")).presigned()).assert_error(403, "InvalidAccessKeyId");
    assert_eq!(gate.ask("GET", &stranger(Request::get("/bkt/key")).presigned()).status, 200);
    other.assert_untouched();
}

#[test]
fn keys_that_are_called_back_stay_so() {
    let (upstream, gate) = open();
    let bytes = stranger(Request::get("/bkt/key").at(-5)).presigned();
    assert_eq!(gate.ask("GET", &bytes).status, 200);
    let revoke = |what: &str| {
        let answer = gate.admin_with("POST", "/revocations", &[("Content-Type", "application/json")], what);
        assert_eq!(answer.status, 201, "{}", answer.text());
    };
    // the name of a link of somebody else
    revoke(r#"{"link": "00000000000000000000000000000001"}"#);
    assert_eq!(gate.ask("GET", &bytes).status, 200);
    revoke(&format!(r#"{{"access_key_id": "{}"}}"#, STRANGER.id));
    gate.ask("GET", &bytes).assert_error(403, "AccessDenied");
    assert_eq!(upstream.recording().requests.len(), 2);
}

#[test]
fn it_shows_in_what_is_written_and_explained() {
    let (_upstream, gate) = open();
    let request = stranger(Request::get("/bkt/key"));
    assert_eq!(gate.ask("GET", &request.presigned()).status, 200);
    gate.ask("GET", &request.clone().query("x-gate-max-uses", "1").presigned())
        .assert_error(403, "AccessDenied");
    let read = |name: &str| std::fs::read_to_string(gate.config().with_file_name(name)).unwrap_or_default();
    let key = format!("\"presign_gate.auth.access_key_id\":\"{}\"", STRANGER.id);
    let result = "\"presign_gate.auth.result\":\"unverified\"";
    let line = poll("the access lines", || {
        let text = read("access.log");
        (text.lines().count() == 2).then_some(text)
    });
    for line in line.lines() {
        assert!(line.contains(&key) && line.contains(result), "{line}");
        assert!(!line.contains("presign_gate.link.id") && !line.contains("user.id"), "{line}");
    }
    let audit = poll("the audit line", || read("audit.jsonl").lines().nth(1).map(str::to_owned));
    assert!(audit.contains(&key) && audit.contains(result) && audit.contains("unverified_limit"), "{audit}");
    let url = format!("http://s3.test{}", request.presigned_target());
    let output = Command::new(BINARY)
        .args(["explain", &url, "--json", "--config"])
        .arg(gate.config())
        .output()
        .unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["decision"], "allow");
    assert_eq!(
        (&report["access_key_id"], &report["principal"]),
        (&STRANGER.id.into(), &serde_json::Value::Null)
    );
    assert_eq!(report["signature_verified"], false);
}

#[test]
fn a_store_that_the_gate_signs_for_cannot_have_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gate.yaml");
    let address = |port| std::net::SocketAddr::from(([127, 0, 0, 1], port));
    for credentials in ["{ anonymous: true }", "{ access_key_id: AK, secret_access_key: { value: s } }"] {
        let config = Config { credentials: credentials.to_owned(), ..Config::resign("http://127.0.0.1:9") };
        let text = config.more("    unknown_keys: passthrough").text(address(8080), address(9090));
        std::fs::write(&path, text).unwrap();
        let output = Command::new(BINARY).arg("check").arg(&path).output().unwrap();
        let shown = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert_eq!(output.status.code(), Some(1), "{shown}");
        assert!(shown.contains("unknown keys can only go on where the store verifies them"), "{shown}");
    }
}
