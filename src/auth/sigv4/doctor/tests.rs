//! The signature doctor, over tables of what happens to requests.
//! They must not reach for a signature in any way but by signing with a secret that they know.

use super::*;
use crate::auth::hex;
use crate::auth::keyring::Keyring;
use crate::auth::tests::support::{credential, keyring};
use crate::request::head;
use crate::secret::Secret;
use proptest::prelude::*;

const KEY: &str = "AKIDTESTMAIN00000001";
const HOSTS: &[&str] = &["s3.test", "files.example"];

fn world() -> Keyring {
    let mut retired = credential("AKIDRETIRED000000001", "retired secret", None);
    retired.retired = Some(crate::clock::UnixMillis::from_secs(1));
    keyring(&[
        credential(KEY, "the secret", None),
        credential("AKIDOTHER00000000001", "another secret", None),
        retired,
        credential("ASIATEMPKEY000000001", "temp secret", Some("tok/en+=")),
    ])
}

fn secret(key: &str) -> Secret {
    world().get(key.as_bytes()).map_or_else(|| Secret::new("nobody's"), |found| found.secret.clone())
}

/// The head of a request with its signature in the place of `SIGNATURE`, made by a secret over the parts as edited.
fn signed_by(secret: &Secret, head: &str, edits: &[What]) -> String {
    let request = head::parse(head.as_bytes()).unwrap();
    let letter = Letter::read(&request).unwrap();
    // the signature that holds is found by asking for the parts, with the digits of the one that would hold
    let edits: Vec<Edit> = edits.iter().map(|what| Edit::new(Cause::Unknown, copied(what))).collect();
    let edits: Vec<&Edit> = edits.iter().collect();
    let mac = letter.mac(&letter.key(secret), &edits);
    head.replace("SIGNATURE", std::str::from_utf8(&hex::encode(&mac)).unwrap())
}

fn copied(what: &What) -> What {
    match what {
        What::Path(path) => What::Path(path.clone()),
        What::Query(query) => What::Query(query.clone()),
        What::Header(name, value) => What::Header(name.clone(), value.clone()),
        What::Payload(line) => What::Payload(line.clone()),
        What::Key(key) => What::Key(key.clone()),
        _ => panic!("not needed here"),
    }
}

/// The head of a presigned URL.
fn presigned(host: &str, method: &str, path: &str, more: &str, list: &str, lines: &str) -> String {
    format!(
        "{method} {path}?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={KEY}%2F20260115%2Fus-east-1%2Fs3%2Faws4_request&\
         X-Amz-Date=20260115T120000Z&X-Amz-Expires=900&X-Amz-SignedHeaders={list}{more}&X-Amz-Signature=SIGNATURE HTTP/1.1\r\n\
         Host: {host}\r\n{lines}\r\n"
    )
}

/// The head of a request with an Authorization header.
fn authorized(lines: &str, list: &str) -> String {
    format!(
        "PUT /bkt/key HTTP/1.1\r\nHost: s3.test\r\nX-Amz-Date: 20260115T120000Z\r\n\
         x-amz-content-sha256: UNSIGNED-PAYLOAD\r\n{lines}Authorization: AWS4-HMAC-SHA256 \
         Credential={KEY}/20260115/us-east-1/s3/aws4_request, SignedHeaders={list}, Signature=SIGNATURE\r\n\r\n"
    )
}

fn diagnosed(head: &str, reason: Reason, uniform: bool) -> Option<Diagnosis> {
    let request = head::parse(head.as_bytes()).unwrap_or_else(|error| panic!("{error}: {head}"));
    let keyring = world();
    let rules = SigningRules { uniform_errors: uniform, ..SigningRules::default() };
    let scene =
        Scene { hosts: HOSTS, ports: &[8443], buckets: &["bkt", "two"], ..Scene::new(&keyring, &rules) };
    diagnose(&request, reason, &scene, Effort::Bounded)
}

/// What is found, with uniform errors and without.
#[track_caller]
fn check_reason(head: &str, reason: Reason, expected: &[Cause]) {
    for uniform in [false, true] {
        let found =
            diagnosed(head, reason, uniform).unwrap_or_else(|| panic!("nothing is said about {head}"));
        let causes: Vec<_> = found.findings.iter().map(|finding| finding.cause).collect();
        assert_eq!(causes, expected, "{found:?} for {head}");
        let suspected = [Cause::Unknown, Cause::SignatureForm, Cause::HtmlEscaped].contains(&causes[0]);
        assert!(found.is_proven || suspected || causes[0] == Cause::HeaderRemoved, "{found:?}");
    }
}

/// A presigned URL that changed on its way.
#[track_caller]
fn check(signed: &str, change: (&str, &str), expected: &[Cause]) {
    let head = signed_by(&secret(KEY), signed, &[]);
    assert!(diagnosed(&head, Reason::WrongSignature, false).is_none(), "the signature is right: {head}");
    assert!(head.contains(change.0), "`{}` in {head}", change.0);
    check_reason(&head.replacen(change.0, change.1, 1), Reason::WrongSignature, expected);
}

fn link(host: &str, path: &str) -> String {
    presigned(host, "GET", path, "", "host", "")
}

#[test]
fn hosts_that_a_proxy_changes() {
    let host = |signed: &str, arrived: &str, expected| {
        check(
            &link(signed, "/bkt/k"),
            (&format!("Host: {signed}"), &format!("Host: {arrived}")),
            &[expected],
        );
    };
    host("s3.test", "127.0.0.1:8080", Cause::HostRewritten);
    host("files.example", "s3.test", Cause::HostRewritten);
    host("s3.test:8443", "gate.internal", Cause::HostRewritten);
    host("s3.test:9000", "127.0.0.1", Cause::HostRewritten);
    host("bkt.s3.test", "s3.test", Cause::HostRewritten);
    host("s3.test:9000", "s3.test", Cause::PortRemoved);
    host("s3.test:8443", "s3.test", Cause::PortRemoved);
    host("s3.test", "s3.test:443", Cause::PortAdded);
    host("s3.test", "s3.test:80", Cause::PortAdded);
    host("s3.test:8443", "s3.test:8080", Cause::PortChanged);
    host("s3.test", "S3.test", Cause::HostCase);
    let told = |line: &str, signed: &str, expected| {
        let head = presigned(signed, "GET", "/bkt/k", "", "host", line);
        check(&head, (&format!("Host: {signed}"), "Host: gate.internal"), &[expected]);
    };
    told("X-Forwarded-Host: cdn.example:4711\r\n", "cdn.example:4711", Cause::HostRewritten);
    told(
        "X-Forwarded-Host: cdn.example\r\nX-Forwarded-Port: 4711\r\n",
        "cdn.example:4711",
        Cause::HostRewritten,
    );
    told(
        "Forwarded: for=10.0.0.1;host=\"cdn.example:1\";proto=https\r\n",
        "cdn.example:1",
        Cause::HostRewritten,
    );
    told("X-Forwarded-Port: 4711\r\n", "gate.internal:4711", Cause::PortRemoved);
}

#[test]
fn buckets_that_move() {
    let moved = |signed: (&str, &str), arrived: (&str, &str)| {
        let head = signed_by(&secret(KEY), &link(signed.0, signed.1), &[]);
        let head = head.replace(&format!("GET {}?", signed.1), &format!("GET {}?", arrived.1));
        let head = head.replace(&format!("Host: {}", signed.0), &format!("Host: {}", arrived.0));
        check_reason(&head, Reason::WrongSignature, &[Cause::BucketMoved]);
    };
    moved(("bkt.s3.test", "/a/b"), ("s3.test", "/bkt/a/b"));
    moved(("bkt.s3.test:8443", "/a/b"), ("s3.test", "/bkt/a/b"));
    moved(("s3.test", "/bkt/a/b"), ("bkt.s3.test", "/a/b"));
    moved(("bkt.s3.test", "/"), ("s3.test", "/bkt/"));
    moved(("files.example", "/bkt/a"), ("bkt.s3.test", "/a"));
}

#[test]
fn paths_that_change() {
    let path = |signed: &str, arrived: &str, expected| {
        check(&link("s3.test", signed), (&format!("GET {signed}?"), &format!("GET {arrived}?")), &[expected]);
    };
    path("/s3/bkt/k", "/bkt/k", Cause::PathPrefixRemoved);
    path("/bkt/k", "/k", Cause::PathPrefixRemoved);
    path("/bkt/k", "/storage/bkt/k", Cause::PathPrefixAdded);
    path("/bkt/k", "/a/b/bkt/k", Cause::PathPrefixAdded);
    path("/bkt/a%2520b", "/bkt/a%20b", Cause::PathEncodedMore);
    path("/bkt/a%252Fb", "/bkt/a%2Fb", Cause::PathEncodedMore);
    path("/bkt/a%20b", "/bkt/a%2520b", Cause::PathEncodedLess);
    path("/bkt/a%2Bb", "/bkt/a%20b", Cause::PathPlus);
    path("/bkt/a%20b", "/bkt/a+b", Cause::PathPlus);
    path("/bkt/%C3%A9", "/bkt/e%CC%81", Cause::PathUnicode);
    path("/bkt/e%CC%81", "/bkt/%C3%A9", Cause::PathUnicode);
    path("/bkt//k", "/bkt/k", Cause::SlashesMerged);
    path("/bkt/a//b/c", "/bkt/a/b/c", Cause::SlashesMerged);
    path("//bkt/k", "/bkt/k", Cause::SlashesMerged);
    path("/bkt/k/", "/bkt/k", Cause::TrailingSlash);
    path("/bkt/k", "/bkt/k/", Cause::TrailingSlash);
    let told = presigned("s3.test", "GET", "/own/bkt/k", "", "host", "X-Forwarded-Prefix: /own/\r\n");
    check(&told, ("GET /own/bkt/k?", "GET /bkt/k?"), &[Cause::PathPrefixRemoved]);
}

#[test]
fn paths_that_signers_get_wrong() {
    let signed = |path: &str, as_if: &str, expected| {
        let head = signed_by(&secret(KEY), &link("s3.test", path), &[What::Path(as_if.as_bytes().to_vec())]);
        check_reason(&head, Reason::WrongSignature, &[expected]);
    };
    signed("/bkt/a%20b", "/bkt/a%2520b", Cause::PathEncodedMore);
    signed("/bkt/a(1)", "/bkt/a(1)", Cause::PathEncodedLess);
    signed("/bkt/a%20b", "/bkt/a b", Cause::PathEncodedLess);
    signed("/bkt/a%28%27%29", "/bkt/a(')", Cause::PathEncodedLess);
    signed("/bkt/%C3%A9", "/bkt/%c3%a9", Cause::PathEncodedLess);
    signed("/bkt//a/../b", "/bkt/b", Cause::PathNormalised);
}

#[test]
fn methods_and_queries_that_change() {
    use Cause::{LifetimeEdited, Method, ParameterAdded, ParameterRemoved, QueryPlus};
    let more = |more: &str| presigned("s3.test", "GET", "/bkt/k", more, "host", "");
    check(&link("s3.test", "/bkt/k"), ("GET ", "HEAD "), &[Method]);
    check(&link("s3.test", "/bkt/k"), ("GET ", "PUT "), &[Method]);
    check(&more("&versionId=a%2Bb"), ("a%2Bb", "a+b"), &[QueryPlus]);
    check(&more("&prefix=a%20b"), ("a%20b", "a%2Bb"), &[QueryPlus]);
    check(&more(""), ("X-Amz-Signature", "utm_source=mail&X-Amz-Signature"), &[ParameterAdded]);
    check(&more(""), ("X-Amz-Signature", "a=1&b=2&X-Amz-Signature"), &[ParameterAdded]);
    check(&more("&x-id=GetObject"), ("&x-id=GetObject", ""), &[ParameterRemoved]);
    check(&more("&x-amz-checksum-mode=ENABLED"), ("&x-amz-checksum-mode=ENABLED", ""), &[ParameterRemoved]);
    check(&more(""), ("X-Amz-Expires=900", "X-Amz-Expires=86400"), &[LifetimeEdited]);
    check(&more(""), ("X-Amz-Signature", "X-Amz-Security-Token=tok&X-Amz-Signature"), &[Cause::SessionToken]);
}

#[test]
fn queries_that_signers_get_wrong() {
    let signed = |more: &str, change: &dyn Fn(String) -> String, expected| {
        let head = presigned("s3.test", "GET", "/bkt", more, "host", "");
        let query = {
            let request = head::parse(head.as_bytes()).unwrap();
            String::from_utf8(Letter::read(&request).unwrap().query).unwrap()
        };
        let head = signed_by(&secret(KEY), &head, &[What::Query(change(query).into_bytes())]);
        check_reason(&head, Reason::WrongSignature, &[expected]);
    };
    signed(
        "&prefix=a%2Fb",
        &|query| query.replace("a%2Fb", "a%252Fb").replace("%2F", "%252F").replace("%25252F", "%252F"),
        Cause::QueryEncoding,
    );
    signed("&acl", &|query| query.replace("acl=", "acl"), Cause::QueryEncoding);
    signed("&prefix=a%20b", &|query| query.replace("%20", "+"), Cause::QueryPlus);
    let moved = |query: String| format!("{}&A=x", query.replace("A=x&", ""));
    signed("&A=x", &moved, Cause::QueryOrder);
}

#[test]
fn headers_that_change() {
    let lists =
        ["host;x-amz-content-sha256;x-amz-date", "accept-encoding;host;x-amz-content-sha256;x-amz-date"];
    let one = |name: &str, value: &str, arrived: &str, expected| {
        let mut list = [name, "host", "x-amz-content-sha256", "x-amz-date"];
        list.sort_unstable();
        let head = authorized(&format!("{name}: {value}\r\n"), &list.join(";"));
        let arrived = if arrived.is_empty() { String::new() } else { format!("{name}: {arrived}\r\n") };
        check(&head, (&format!("{name}: {value}\r\n"), &arrived), &[expected]);
    };
    one("accept-encoding", "identity", "gzip", Cause::AcceptEncoding);
    one("accept-encoding", "gzip, br", "br", Cause::AcceptEncoding);
    one("accept-encoding", "identity", "", Cause::AcceptEncoding);
    one("content-type", "text/plain", "text/plain;charset=UTF-8", Cause::ContentType);
    one("content-type", "application/octet-stream", "", Cause::ContentType);
    one("content-type", "own/type; charset=utf-8", "own/type", Cause::ContentType);
    one("te", "trailers", "", Cause::HeaderRemoved);
    one("expect", "100-continue", "", Cause::HeaderRemoved);
    one("connection", "keep-alive", "close", Cause::HeaderChanged);
    one("accept-language", "en-US", "de", Cause::HeaderChanged);
    one("x-forwarded-for", "10.0.0.1", "10.0.0.1, 10.0.0.2", Cause::HeaderChanged);
    one("x-forwarded-proto", "https", "http", Cause::HeaderChanged);
    one("x-amzn-trace-id", "Root=1-a", "Self=1-b;Root=1-a", Cause::HeaderChanged);
    one("user-agent", "whoever/1.0", "", Cause::HeaderRemoved);
    one("user-agent", "whoever/1.0", "else/2.0", Cause::Unknown);
    let head = authorized("Content-Length: 0\r\n", lists[0]);
    check(&head, ("UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"), &[Cause::PayloadHash]);
    let added = signed_by(&secret(KEY), &authorized("x-amz-acl: private\r\n", lists[0]), &[]);
    check_reason(&added, Reason::HeadersNotSigned, &[Cause::HeaderAdded]);
    let chunked = authorized(
        "transfer-encoding: chunked\r\n",
        "host;transfer-encoding;x-amz-content-sha256;x-amz-date",
    );
    let plain = What::Header("transfer-encoding".into(), b"identity".to_vec());
    let head = signed_by(&secret(KEY), &chunked, &[plain]);
    check_reason(&head, Reason::WrongSignature, &[Cause::HeaderChanged]);
    let spaces = authorized("x-amz-meta-a: a   b\r\n", "host;x-amz-content-sha256;x-amz-date;x-amz-meta-a");
    let raw = What::Header("x-amz-meta-a".into(), b"a   b".to_vec());
    let head = signed_by(&secret(KEY), &spaces, &[raw]);
    check_reason(&head, Reason::WrongSignature, &[Cause::HeaderSpacing]);
}

#[test]
fn keys_that_are_not_the_right_ones() {
    let by = |secret: &Secret, expected| {
        let head = signed_by(secret, &link("s3.test", "/bkt/k"), &[]);
        check_reason(&head, Reason::WrongSignature, &[expected]);
    };
    by(&secret("AKIDOTHER00000000001"), Cause::OtherSecret);
    by(&secret("AKIDRETIRED000000001"), Cause::RetiredSecret);
    by(&Secret::new("the secret\n"), Cause::SecretSpace);
    by(&Secret::new("somebody else's"), Cause::Unknown);
    let derived = |day: &[u8], region, service, expected| {
        let key = SigningKey::derive(&secret(KEY), day, region, service);
        let head = signed_by(&secret(KEY), &link("s3.test", "/bkt/k"), &[What::Key(key)]);
        check_reason(&head, Reason::WrongSignature, &[expected]);
    };
    derived(b"20260115", "eu-west-1", "s3", Cause::Region);
    derived(b"20260115", "us-east-1", "execute-api", Cause::Service);
    derived(b"20260114", "us-east-1", "s3", Cause::Clock);
    derived(b"20260116", "us-east-1", "s3", Cause::Clock);
}

#[test]
fn a_right_signature_that_is_refused_for_something_else() {
    let head = signed_by(&secret(KEY), &link("s3.test", "/bkt/k"), &[]);
    for (reason, expected) in [
        (Reason::UnknownHost, Cause::HostNotConfigured),
        (Reason::ClockSkew, Cause::Clock),
        (Reason::NotYetValid, Cause::Clock),
        (Reason::WrongRegion, Cause::Region),
        (Reason::WrongService, Cause::Service),
        (Reason::BadToken, Cause::SessionToken),
        (Reason::RetiredKey, Cause::RetiredSecret),
    ] {
        check_reason(&head, reason, &[expected]);
    }
    for reason in [Reason::Expired, Reason::Anonymous, Reason::ExplicitDeny, Reason::LinkRevoked] {
        assert_eq!(diagnosed(&head, reason, false), None, "{reason}");
        // nor is a wrong one looked at: that is not what the request was refused for
        assert_eq!(diagnosed(&head.replace("/bkt/k", "/bkt/k/"), reason, false), None, "{reason}");
    }
}

#[test]
fn two_things_at_once() {
    let head = link("files.example", "/s3/bkt/k");
    let head = signed_by(&secret(KEY), &head, &[]);
    let head = head.replace("/s3/bkt", "/bkt").replace("Host: files.example", "Host: 127.0.0.1:8080");
    check_reason(&head, Reason::WrongSignature, &[Cause::HostRewritten, Cause::PathPrefixRemoved]);
    let lines = "Accept-Encoding: identity\r\n";
    let head = authorized(lines, "accept-encoding;host;x-amz-content-sha256;x-amz-date");
    let head = signed_by(&secret(KEY), &head, &[]);
    let head = head.replace("identity", "gzip").replace("Host: s3.test", "Host: gate:8080");
    check_reason(&head, Reason::WrongSignature, &[Cause::HostRewritten, Cause::AcceptEncoding]);
    let lines = "Connection: keep-alive\r\nTE: trailers\r\n";
    let head = authorized(lines, "connection;host;te;x-amz-content-sha256;x-amz-date");
    let head =
        signed_by(&secret(KEY), &head, &[]).replace("keep-alive", "close").replace("TE: trailers\r\n", "");
    check_reason(&head, Reason::WrongSignature, &[Cause::HeaderChanged, Cause::HeaderRemoved]);
}

#[test]
fn a_token_that_another_took_the_place_of() {
    let list = "host;x-amz-content-sha256;x-amz-date;x-amz-security-token";
    let head = authorized("x-amz-security-token: tok/en+=\r\n", list).replace(KEY, "ASIATEMPKEY000000001");
    let head = signed_by(&secret("ASIATEMPKEY000000001"), &head, &[]).replace("tok/en+=", "another");
    check_reason(&head, Reason::WrongSignature, &[Cause::SessionToken]);
}

#[test]
fn what_a_proxy_says_that_path_and_query_were() {
    let told = |signed: &str, arrived: &str, expected| {
        let (path, query) = signed.split_once('?').unwrap();
        let head = presigned("s3.test", "GET", path, &format!("&{query}"), "host", "");
        let head = signed_by(&secret(KEY), &head, &[]);
        let target = head.split(' ').nth(1).unwrap();
        let (new_path, new_query) = arrived.split_once('?').unwrap();
        let changed = head
            .replace(&format!("GET {path}?"), &format!("GET {new_path}?"))
            .replace(&format!("&{query}&"), &format!("&{new_query}&"))
            .replace("\r\n\r\n", &format!("\r\nX-Original-URI: {target}\r\n\r\n"));
        check_reason(&changed, Reason::WrongSignature, &[expected]);
    };
    told("/bkt/k?versionId=one", "/bkt/k?versionId=two", Cause::QueryEncoding);
    told("/bkt/k?versionId=one", "/elsewhere?versionId=two", Cause::PathRewritten);
    told("/qqq/bkt/k?versionId=one", "/bkt/k?versionId=two", Cause::PathPrefixRemoved);
    told("/bkt/k?versionId=one", "/qqq/bkt/k?versionId=two", Cause::PathPrefixAdded);
}

#[test]
fn signatures_that_are_none() {
    let head = signed_by(&secret(KEY), &link("s3.test", "/bkt/k"), &[]);
    let (before, signature) = head.split_once("X-Amz-Signature=").unwrap();
    let (signature, _) = signature.split_at(64);
    let with = |other: &str| {
        head.replace(
            &format!("{before}X-Amz-Signature={signature}"),
            &format!("{before}X-Amz-Signature={other}"),
        )
    };
    check_reason(&with(&signature.to_ascii_uppercase()), Reason::WrongSignature, &[Cause::SignatureForm]);
    check_reason(&with(signature.split_at(60).0), Reason::WrongSignature, &[Cause::SignatureForm]);
    check_reason(&with(""), Reason::WrongSignature, &[Cause::SignatureForm]);
    check_reason(&head.replace("&X-Amz", "&amp;X-Amz"), Reason::MissingParameter, &[Cause::HtmlEscaped]);
}

#[test]
fn nothing_is_said_about_keys_that_nobody_has() {
    let head = signed_by(&secret(KEY), &link("s3.test", "/bkt/k"), &[]).replace(KEY, "AKIDNOBODY0000000001");
    for uniform in [false, true] {
        assert_eq!(diagnosed(&head, Reason::UnknownKey, uniform), None);
    }
    // the decoy proves nothing
    let decoy = Secret::new(*b"no request is ever accepted by this one.");
    let head = link("s3.test", "/bkt/k").replace(KEY, "AKIDNOBODY0000000001");
    let head = signed_by(&decoy, &head, &[]);
    assert_eq!(diagnosed(&head, Reason::WrongSignature, true), None);
}

#[test]
fn what_is_shown_is_no_secret() {
    let head = link("s3.test", "/bkt/k").replace("&X-Amz-Signature", "&own=hidden&X-Amz-Signature");
    let head = signed_by(&secret(KEY), &head, &[]).replace("Host: s3.test", "Host: else");
    let text = format!(
        "{:?}{}",
        diagnosed(&head, Reason::WrongSignature, false),
        diagnosed(&head, Reason::WrongSignature, false).unwrap().hint()
    );
    assert!(text.contains("s3.test") && !text.contains("the secret") && !text.contains("hidden"), "{text}");
}

#[test]
fn the_effort_is_bounded_whatever_arrives() {
    let long = "a/".repeat(6000);
    let head = signed_by(&Secret::new("else"), &link("s3.test", &format!("/bkt/{long}")), &[]);
    let request = head::parse(head.as_bytes()).unwrap();
    let letter = Letter::read(&request).unwrap();
    let (most, bytes) = Effort::Bounded.limits();
    let trials = Trials::new(&letter, world().get(KEY.as_bytes()).unwrap(), false, Effort::Bounded);
    assert!(trials.left * letter.size() <= bytes && trials.left <= most && trials.left > 10);
    check_reason(&head, Reason::WrongSignature, &[Cause::Unknown]);
    for uniform in [false, true] {
        let mut trials = Trials::new(&letter, world().get(KEY.as_bytes()).unwrap(), uniform, Effort::Bounded);
        trials.one(&[]);
        trials.finish();
        assert_eq!(trials.left == 0, uniform);
    }
}

#[test]
fn every_port_is_tried_for_who_asks() {
    let head = signed_by(&secret(KEY), &link("s3.test:54321", "/bkt/k"), &[]).replace(":54321", "");
    check_reason(&head, Reason::WrongSignature, &[Cause::Unknown]);
    let request = head::parse(head.as_bytes()).unwrap();
    let (keyring, rules) = (world(), SigningRules::default());
    let found = diagnose(&request, Reason::WrongSignature, &Scene::new(&keyring, &rules), Effort::Thorough);
    let expected = Finding { cause: Cause::PortRemoved, signed: Some("s3.test:54321".into()) };
    assert_eq!(found.unwrap().findings.as_slice(), [expected]);
}

proptest! {
    /// A signature by somebody else is never explained away, and nothing panics.
    #[test]
    fn nothing_is_proven_by_chance(path in "/[a-z%+/ -]{0,30}", host in "[a-z.]{1,20}", query in "[a-z&=+%]{0,30}") {
        let head = presigned(&host, "GET", &path, &format!("&{query}"), "host", "");
        if head::parse(head.as_bytes()).is_ok() {
            let head = signed_by(&Secret::new("else"), &head, &[]);
            for reason in Reason::ALL {
                let found = diagnosed(&head, *reason, false);
                prop_assert!(found.is_none_or(|found| !found.is_proven));
            }
        }
    }
}
