//! Requests that must not pass: the answer S3 would give, and not a byte at the upstream.
//! It must not test what reaches the upstream; nothing does.

use crate::support::client::Response;
use crate::support::config::Config;
use crate::support::gate::{Gate, poll};
use crate::support::request::Request;
use crate::support::sigv4::{Key, MAIN, STRANGER, TEMPORARY, sha256_hex};
use crate::support::upstream::Upstream;

const KEY: &str = "/bkt/key.txt";

struct Case {
    upstream: Upstream,
    gate: Gate,
}

impl Case {
    fn start(change: impl FnOnce(Config) -> Config) -> Self {
        let upstream = Upstream::ok();
        let gate = Gate::start(&change(Config::resign(upstream.endpoint())));
        Self { upstream, gate }
    }

    /// Sends the bytes and expects this S3 error, without a trace at the upstream.
    #[track_caller]
    fn refuses(&self, bytes: &[u8], status: u16, code: &str) -> Response {
        let answer = self.gate.ask("GET", bytes);
        answer.assert_error(status, code);
        assert!(!answer.headers.has("x-gate-reason"), "reasons are not for clients");
        self.upstream.assert_untouched();
        answer
    }
}

#[test]
fn freshness_of_links() {
    let case = Case::start(|config| config);
    let answer = case.refuses(&Request::get(KEY).at(-600).expires("300").presigned(), 403, "AccessDenied");
    assert_eq!(answer.element("Message").as_deref(), Some("Request has expired"));
    assert_eq!(answer.element("X-Amz-Expires").as_deref(), Some("300"));
    assert!(answer.element("Expires").is_some() && answer.element("ServerTime").is_some());
    let answer = case.refuses(&Request::get(KEY).at(3_600).presigned(), 403, "AccessDenied");
    assert_eq!(answer.element("Message").as_deref(), Some("Request is not yet valid"));
    for expires in ["604801", "-1", "+300", "0300", "3e2", " 300", "300 ", "", "99999999999999999999"] {
        case.refuses(
            &Request::get(KEY).expires(expires).presigned(),
            400,
            "AuthorizationQueryParametersError",
        );
    }
}

#[test]
fn freshness_of_header_signatures() {
    let case = Case::start(|config| config);
    for offset in [-1_000, 1_000] {
        let answer = case.refuses(&Request::get(KEY).at(offset).authorized(), 403, "RequestTimeTooSkewed");
        assert_eq!(answer.element("MaxAllowedSkewMilliseconds").as_deref(), Some("900000"));
    }
}

/// The bytes of a presigned GET with one part of it replaced after signing.
fn tampered(from: &str, to: &str) -> Vec<u8> {
    let text = String::from_utf8(Request::get(KEY).query("versionId", "one").presigned()).unwrap();
    assert!(text.contains(from), "{from} is not in {text}");
    text.replacen(from, to, 1).into_bytes()
}

#[test]
fn changes_after_signing() {
    let case = Case::start(|config| config);
    for (from, to) in [
        ("GET ", "DELETE "),
        ("/bkt/key.txt?", "/bkt/other.txt?"),
        ("/bkt/key.txt?", "/bkt/key.txt/?"),
        ("/bkt/key.txt?", "/bkt/./key.txt?"),
        ("versionId=one", "versionId=two"),
        ("versionId=one&", ""),
        ("X-Amz-Expires=300", "X-Amz-Expires=3000"),
        ("Host: s3.test", "Host: S3.test"),
        ("Host: s3.test", "Host: s3.test:8080"),
        ("Host: s3.test", "Host: localhost"),
    ] {
        let answer = case.refuses(&tampered(from, to), 403, "SignatureDoesNotMatch");
        assert!(answer.element("StringToSign").is_some() && answer.element("CanonicalRequest").is_some());
    }
    let target = Request::get(KEY).presigned_target();
    let (rest, signature) = target.split_at(target.len() - 64);
    for other in
        [signature[..63].to_owned(), format!("{signature}0"), "0".repeat(64), signature.to_uppercase()]
    {
        let answer = case.refuses(
            &Request::get(KEY).bytes(&format!("{rest}{other}"), &[]),
            403,
            "SignatureDoesNotMatch",
        );
        // what the client sent comes back as `SignatureProvided`, whatever it holds
        let text = answer.text().replace(&other, "");
        assert!(!text.contains(signature), "the right signature is in the answer");
    }
}

#[test]
fn additions_after_signing() {
    let case = Case::start(|config| config);
    case.refuses(&tampered("?", "?prefix=a&"), 403, "SignatureDoesNotMatch");
    for name in ["x-amz-acl", "x-amz-copy-source", "x-amz-meta-role", "x-amz-anything-new", "X-AMZ-Tagging"] {
        let bytes = Request::put(KEY, b"x").unsigned(name, "value").presigned();
        let answer = case.refuses(&bytes, 403, "AccessDenied");
        assert_eq!(answer.element("HeadersNotSigned"), Some(name.to_lowercase()));
    }
    let twice = Request::put(KEY, b"x")
        .signed("x-amz-acl", "private")
        .unsigned("x-amz-acl", "public-read")
        .presigned();
    case.refuses(&twice, 403, "SignatureDoesNotMatch");
}

#[test]
fn keys_scopes_and_tokens() {
    let case = Case::start(|config| config);
    for bytes in [Request::get(KEY).key(STRANGER).presigned(), Request::get(KEY).key(STRANGER).authorized()] {
        let answer = case.refuses(&bytes, 403, "InvalidAccessKeyId");
        assert_eq!(answer.element("AWSAccessKeyId").as_deref(), Some(STRANGER.id));
    }
    let wrong_secret = Key { secret: "secret/main+1", ..MAIN };
    case.refuses(&Request::get(KEY).key(wrong_secret).presigned(), 403, "SignatureDoesNotMatch");
    case.refuses(&Request::get(KEY).key(wrong_secret).authorized(), 403, "SignatureDoesNotMatch");
    for token in [None, Some("other")] {
        let key = Key { token, ..TEMPORARY };
        case.refuses(&Request::get(KEY).key(key).presigned(), 403, "InvalidAccessKeyId");
        case.refuses(&Request::get(KEY).key(key).authorized(), 403, "InvalidAccessKeyId");
    }
    case.refuses(&Request::get(KEY).key(Key { token: Some("any"), ..MAIN }).presigned(), 400, "InvalidToken");

    let mut region = Request::get(KEY);
    region.region = "eu-west-1".to_owned();
    let answer = case.refuses(&region.presigned(), 400, "AuthorizationQueryParametersError");
    assert_eq!(answer.element("Region").as_deref(), Some("us-east-1"));
    case.refuses(&region.authorized(), 400, "AuthorizationHeaderMalformed");
    let mut service = Request::get(KEY);
    service.service = "sts".to_owned();
    case.refuses(&service.presigned(), 400, "AuthorizationQueryParametersError");
}

#[test]
fn no_authentication_or_too_much() {
    let case = Case::start(|config| config);
    case.refuses(&Request::get(KEY).bytes(KEY, &[]), 403, "AccessDenied");
    case.refuses(&Request::get("/").bytes("/", &[]), 403, "AccessDenied");
    let preflight = Request::new("OPTIONS", KEY)
        .unsigned("Origin", "https://app.example")
        .unsigned("Access-Control-Request-Method", "GET");
    case.refuses(&preflight.bytes(KEY, &[]), 403, "AccessForbidden");
    let both = Request::get(KEY).unsigned("Authorization", "Bearer other");
    let answer = case.refuses(&both.presigned(), 400, "InvalidArgument");
    assert_eq!(answer.element("ArgumentName").as_deref(), Some("Authorization"));
    let twice = Request::get(KEY).unsigned("Authorization", "AWS4-HMAC-SHA256 Credential=other");
    let answer = case.refuses(&twice.authorized(), 501, "NotImplemented");
    assert_eq!(answer.element("Header").as_deref(), Some("Authorization"));
    case.refuses(
        &Request::get(KEY).unsigned("Authorization", "Basic YTpi").bytes(KEY, &[]),
        400,
        "InvalidArgument",
    );
    case.refuses(
        &Request::get(KEY).unsigned("Authorization", "AWS a:b").bytes(KEY, &[]),
        400,
        "InvalidRequest",
    );
}

#[test]
fn heads_get_the_status_and_no_body() {
    let case = Case::start(|config| config);
    // a link for GET is none for HEAD
    let target = Request::get(KEY).presigned_target();
    for target in [target.as_str(), KEY] {
        let answer = case.gate.ask("HEAD", &Request::new("HEAD", KEY).bytes(target, &[]));
        assert_eq!((answer.status, answer.body.len()), (403, 0));
        assert!(answer.headers.has("x-amz-request-id"));
    }
    case.upstream.assert_untouched();
}

#[test]
fn uploads_are_refused_before_the_client_may_send_them() {
    let case = Case::start(|config| config);
    let request = Request::new("PUT", KEY)
        .key(STRANGER)
        .unsigned("Content-Length", "1000000")
        .unsigned("Expect", "100-continue");
    let answer = case.refuses(&request.presigned(), 403, "InvalidAccessKeyId");
    assert!(answer.interim.is_empty());
    let hash = sha256_hex(b"");
    let late = request.signed("x-amz-content-sha256", &hash).key(MAIN).at(-1_000).authorized();
    case.refuses(&late, 403, "RequestTimeTooSkewed");
}

const DENY_ELSEWHERE: &str = r#"{"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "s3:*", "Resource": "*"},
    {"Effect": "Deny", "Action": "s3:*", "Resource": "*", "Condition": {"NotIpAddress": {"aws:SourceIp": "NETWORK"}}}]}"#;

#[test]
fn the_network_path_decides() {
    let denying = Case::start(|config| {
        config.policy(&DENY_ELSEWHERE.replace('\n', " ").replace("NETWORK", "10.0.0.0/8"))
    });
    let forged =
        Request::get(KEY).unsigned("X-Forwarded-For", "10.0.0.1").unsigned("Forwarded", "for=10.0.0.1");
    for request in [Request::get(KEY), forged] {
        let answer = denying.refuses(&request.presigned(), 403, "AccessDenied");
        assert!(answer.element("StringToSign").is_none(), "{}", answer.text());
        denying.refuses(&request.authorized(), 403, "AccessDenied");
    }
    let allowing = Case::start(|config| {
        config.policy(&DENY_ELSEWHERE.replace('\n', " ").replace("NETWORK", "127.0.0.0/8"))
    });
    assert_eq!(allowing.gate.ask("GET", &Request::get(KEY).presigned()).status, 200);
}

#[test]
fn the_default_decides_where_no_statement_does() {
    let policy = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "s3:DeleteObject", "Resource": "*"}}"#;
    let passing = Case::start(|config| Config { default: "pass", ..config.policy(policy) });
    assert_eq!(passing.gate.ask("GET", &Request::get(KEY).presigned()).status, 200);
    let before = passing.upstream.recording().requests.len();
    for (request, code) in [
        (Request::new("DELETE", KEY), "AccessDenied"),
        (Request::get(KEY).key(STRANGER), "InvalidAccessKeyId"),
        (Request::get(KEY).at(-600), "AccessDenied"),
    ] {
        passing.gate.ask("GET", &request.presigned()).assert_error(403, code);
    }
    assert_eq!(passing.upstream.recording().requests.len(), before);
    let denying = Case::start(|config| config.policy(policy));
    denying.refuses(&Request::get(KEY).presigned(), 403, "AccessDenied");
}

const FROM_VPC: &str = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bkt/*", "Condition": {"StringEquals": {"aws:SourceVpc": "vpc-11112222"}}}}"#;

#[test]
fn a_vpc_is_known_by_its_addresses() {
    let inside = Case::start(|config| {
        config.policy(FROM_VPC).more("network:\n  vpcs:\n    - { vpc: vpc-11112222, cidrs: [127.0.0.0/8] }")
    });
    assert_eq!(inside.gate.ask("GET", &Request::get(KEY).presigned()).status, 200);
    let outside = Case::start(|config| {
        config.policy(FROM_VPC).more("network:\n  vpcs:\n    - { vpc: vpc-11112222, cidrs: [10.20.0.0/16] }")
    });
    outside.refuses(&Request::get(KEY).presigned(), 403, "AccessDenied");
}

#[test]
fn actions_and_resources_decide() {
    let policy = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bkt/public/*"}}"#;
    let case = Case::start(|config| config.policy(policy));
    for request in [
        Request::get("/bkt/key.txt"),
        Request::get("/bkt/publi"),
        Request::get("/bkt/%70ubliC/a"),
        Request::get("/bkt/public/../key.txt"),
        Request::get("/bkt/public/%2e%2e/key.txt"),
        Request::get("/bkt/"),
        Request::get("/bkt").query("list-type", "2"),
        Request::get("/bkt/public/a").query("acl", ""),
        Request::get("/bkt/public/a").query("tagging", ""),
        Request::put("/bkt/public/a", b"x"),
        Request::new("DELETE", "/bkt/public/a"),
    ] {
        case.refuses(&request.presigned(), 403, "AccessDenied");
    }
    for path in ["/bkt/public/a", "/bkt/%70ublic/a"] {
        assert_eq!(case.gate.ask("GET", &Request::get(path).presigned()).status, 200, "{path}");
    }
}

#[test]
fn no_secret_is_written_anywhere() {
    let case = Case::start(|config| config.more("logs: { access: { path: \"-\", format: json } }"));
    let signatures: Vec<String> = [
        Request::get(KEY),
        Request::get(KEY).at(-600),
        Request::get(KEY).key(TEMPORARY),
        Request::get("/bkt/%zz"),
        Request::get(KEY).host("other.example"),
    ]
    .iter()
    .map(|request| {
        case.gate.ask("GET", &request.presigned());
        request.presigned_target().rsplit('=').next().unwrap().to_owned()
    })
    .collect();
    // lines gather for a moment before they are written
    let output = poll("a line for each request", || {
        let output = case.gate.output();
        (output.matches("\"presign_gate.decision\"").count() == signatures.len()).then_some(output)
    });
    assert!(output.contains("GetObject"), "there is no access log in\n{output}");
    let metrics = case.gate.admin("GET", "/metrics").text();
    for secret in
        ["secret/main", "upstream-secret", "tok/en", "tok%2Fen"].map(str::to_owned).iter().chain(&signatures)
    {
        assert!(!output.contains(secret.as_str()), "the output shows `{secret}`");
        assert!(!metrics.contains(secret.as_str()), "the metrics show `{secret}`");
    }
}
