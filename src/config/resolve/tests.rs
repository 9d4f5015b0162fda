//! A world built from a config, the verdicts of whole requests in it, and the heads that its stores get.
//! It must not test what a stage has tables for: only how the stages hang together.

mod keys;
mod shadow;

use super::*;
use crate::auth::keyring::Asked;
use crate::auth::sigv4::key::KeyCache;
use crate::auth::sigv4::sign::{Grant, Signer, presign};
use crate::clock::UnixMillis;
use crate::config::source::MemorySource;
use crate::net::ConnFacts;
use crate::net::ListenerIndex;
use crate::pipeline::{Verdict, decide};
use crate::request::head;
use crate::secret::Secret;
use std::path::Path;

const NOW: UnixMillis = UnixMillis::from_secs(1_768_478_400);

const CONFIG: &str = r#"
version: 1
listeners: [{ address: "127.0.0.1:8080" }]
hosts: [s3.test]
credentials:
  - access_key_id: AKID
    secret_access_key: { value: secret }
    principal: arn:aws:iam::111122223333:user/a
    policies:
      - Version: "2012-10-17"
        Statement:
          - { Sid: Own, Effect: Allow, Action: "s3:*", Resource: ["arn:aws:s3:::bkt", "arn:aws:s3:::bkt/*", "arn:aws:s3:::gone/*", "arn:aws:s3:::kept/*"] }
          - { Sid: Hidden, Effect: Deny, Action: "s3:*", Resource: "arn:aws:s3:::bkt/secret/*" }
policy:
  guardrails:
    - Version: "2012-10-17"
      Statement: { Sid: Net, Effect: Deny, Action: "*", Resource: "*", Condition: { NotIpAddressIfExists: { "aws:SourceIp": 10.0.0.0/8 }, BoolIfExists: { "aws:ViaAWSService": "false" } } }
buckets:
  - { name: bkt, upstream: store, upstream_bucket: real }
  - { name: kept, upstream: other }
upstreams:
  - { name: store, endpoint: "https://store.example", region: eu-west-1, addressing: virtual, credentials: { access_key_id: UP, secret_access_key: { value: up } } }
  - { name: other, endpoint: "http://127.0.0.1:9000", region: us-east-1, credentials: { passthrough: true } }
limits: { body: 10 }
"#;

fn world(config: &str) -> Snapshot {
    let source = MemorySource::default().with_file("/gate.yaml", config);
    let built = build(&source, Path::new("/gate.yaml"));
    built.world.map_or_else(|| panic!("{:?}", built.diagnostics), |(_, snapshot)| snapshot)
}

/// A request that AKID signed: method, decoded path, query, further header lines.
fn signed(method: &str, path: &str, query: &[(&str, &str)], lines: &str) -> String {
    let query: Vec<_> = query.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
    let grant = Grant {
        method,
        host: "s3.test",
        path: path.as_bytes(),
        query: &query,
        headers: &[],
        signed_at: NOW,
        expires_secs: 900,
    };
    let secret = Secret::new("secret");
    let signer = Signer { access_key_id: "AKID", secret: &secret, session_token: None, region: "us-east-1" };
    let target = String::from_utf8(presign(&grant, &signer, &KeyCache::default())).unwrap();
    format!("{method} {target} HTTP/1.1\r\nHost: s3.test\r\n{lines}\r\n")
}

fn facts(peer: &str) -> ConnFacts {
    ConnFacts { peer: peer.parse().ok(), local: None, tls: None, proxy: None, listener: ListenerIndex(0) }
}

/// The reason of a refusal, `forward`, or `body`.
fn judge(snapshot: &Snapshot, peer: &str, text: &str, body: Option<&[u8]>) -> String {
    let request = head::parse(text.as_bytes()).unwrap();
    match decide(snapshot, &facts(peer), &request, body, Asked::Nobody, NOW).verdict {
        Verdict::Forward(_) => "forward".to_owned(),
        Verdict::ReadBody => "body".to_owned(),
        Verdict::ReadForm => "form".to_owned(),
        Verdict::AskKey(id) => format!("ask {id}"),
        Verdict::Preflight(_) => "preflight".to_owned(),
        Verdict::Answer(denial) => format!("{} {}", denial.error.status(), denial.reason),
    }
}

#[test]
fn stages_refuse_in_their_order() {
    let world = world(CONFIG);
    let check = |text: &str, peer: &str, expected: &str| {
        assert_eq!(judge(&world, peer, text, None), expected, "{text}");
    };
    let (home, abroad) = ("10.1.2.3:1", "192.0.2.1:1");
    let get = |path: &str| signed("GET", path, &[], "");
    check(&get("/bkt/k"), home, "forward");
    check(&get("/bkt/k"), abroad, "403 explicit_deny");
    check(&get("/bkt/secret/k"), home, "403 explicit_deny");
    // a store that resolves dots would read secret/k
    check(&get("/bkt/a/../secret/k"), home, "403 explicit_deny");
    check(&get("/bkt/a/../k"), home, "forward");
    check(&get("/bkt/../k"), home, "400 bad_target");
    check(&get("/nobody/k"), home, "403 implicit_deny");
    check(&get("/gone/k"), home, "404 unknown_bucket");
    check(&get("/Bad_Bucket/k"), home, "400 bad_bucket_name");
    check("GET /bkt/k HTTP/1.1\r\nHost: s3.test\r\n\r\n", home, "403 anonymous");
    check("GET /Bad_Bucket/k HTTP/1.1\r\nHost: s3.test\r\n\r\n", home, "403 anonymous");
    check("GET /bkt/k HTTP/1.1\r\nHost: elsewhere\r\n\r\n", home, "400 unknown_host");
    check(&get("/bkt/k").replace("/bkt/k?", "/bkt/l?"), home, "403 wrong_signature");
    check(
        &signed("GET", "/bkt/k", &[("acl", ""), ("tagging", "")], ""),
        home,
        "400 conflicting_subresources",
    );
    check(&signed("GET", "/bkt/k", &[("x-gate-source-ip", "10.1.2.3")], ""), home, "forward");
    check(&signed("GET", "/bkt/k", &[("x-gate-source-ip", "10.9.9.9")], ""), home, "403 link_source_ip");
    check(&signed("GET", "/bkt/k", &[("x-gate-max-users", "1")], ""), home, "400 unknown_constraint");
    check(&signed("PUT", "/bkt/k", &[], "Content-Length: 10\r\n"), home, "forward");
    check(&signed("PUT", "/bkt/k", &[], "Content-Length: 11\r\n"), home, "400 body_too_large");
    check(&get("/bkt/k"), "nonsense", "403 unknown_network");
}

#[test]
fn objects_of_a_body_are_judged_one_by_one() {
    let world = world(CONFIG);
    let text = signed("POST", "/bkt", &[("delete", "")], "Content-Length: 9\r\n");
    let delete = |key: &str| {
        format!("<Delete><Object><Key>{key}</Key></Object><Object><Key>b</Key></Object></Delete>")
    };
    let ask = |body: Option<&[u8]>| judge(&world, "10.0.0.1:1", &text, body);
    assert_eq!(ask(None), "body");
    assert_eq!(ask(Some(delete("a").as_bytes())), "forward");
    assert_eq!(ask(Some(delete("secret/a").as_bytes())), "403 explicit_deny");
    assert_eq!(ask(Some(b"<Delete>")), "400 malformed_body");
}

#[test]
fn pass_forwards_what_no_statement_settles() {
    let passing = world(&CONFIG.replace("policy:\n", "policy:\n  default: pass\n"));
    assert_eq!(judge(&passing, "10.0.0.1:1", &signed("GET", "/kept", &[], ""), None), "forward");
    assert_eq!(judge(&passing, "192.0.2.1:1", &signed("GET", "/kept", &[], ""), None), "403 explicit_deny");
}

fn sent(world: &Snapshot, text: &str) -> String {
    let request = head::parse(text.as_bytes()).unwrap();
    let outcome = decide(world, &facts("10.0.0.1:1"), &request, None, Asked::Nobody, NOW);
    let mut out = Vec::new();
    outcome.outgoing(world, &request).unwrap().write(&world.key_cache, NOW, &mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn a_store_gets_its_own_address_and_signature() {
    let world = world(CONFIG);
    let text = signed(
        "PUT",
        "/bkt/a b",
        &[("x-amz-acl", "private"), ("x-gate-not-before", "1"), ("x-note", "n")],
        "Content-Length: 3\r\nCookie: c\r\nConnection: close\r\nContent-Type: text/plain\r\n",
    );
    let head = sent(&world, &text);
    let lines: Vec<_> = head.split("\r\n").collect();
    assert_eq!(
        lines[..6],
        [
            "PUT /a%20b?x-amz-acl=private&x-note=n HTTP/1.1",
            "Host: real.store.example",
            "Content-Type: text/plain",
            "Content-Length: 3",
            "x-amz-content-sha256: UNSIGNED-PAYLOAD",
            "x-amz-date: 20260115T120000Z",
        ]
    );
    let scope = "Authorization: AWS4-HMAC-SHA256 Credential=UP/20260115/eu-west-1/s3/aws4_request, \
                 SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=";
    assert!(lines[6].starts_with(scope), "{head}");
    assert_eq!(lines[7..], ["", ""]);
}

#[test]
fn a_kept_signature_goes_on_untouched() {
    let world = world(CONFIG);
    let text =
        signed("GET", "/kept/k", &[("x-gate-source-ip", "10.0.0.1")], "Cookie: c\r\nRange: bytes=0-1\r\n");
    let (target, _) = text.split_once(" HTTP/1.1").unwrap();
    assert_eq!(
        sent(&world, &text),
        format!("{target} HTTP/1.1\r\nHost: s3.test\r\nRange: bytes=0-1\r\n\r\n")
    );
}
