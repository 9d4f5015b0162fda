//! A gate as the benches have it, and the requests that are judged.
//! It must not measure.

use presign_gate::auth::sigv4::key::KeyCache;
use presign_gate::auth::sigv4::sign::{Grant, Signer, presign};
use presign_gate::clock::UnixMillis;
use presign_gate::config::resolve;
use presign_gate::config::source::MemorySource;
use presign_gate::net::{ConnFacts, ListenerIndex};
use presign_gate::secret::Secret;
use presign_gate::snapshot::Snapshot;
use std::path::Path;

pub(crate) const NOW: UnixMillis = UnixMillis::from_secs(1_768_478_400);

const CONFIG: &str = "version: 1
listeners: [{ address: '127.0.0.1:8080' }]
hosts: [s3.test]
network: { vpcs: [{ vpc: vpc-33334444, cidrs: [10.20.0.0/16] }] }
credentials:
  - access_key_id: AKID
    secret_access_key: { value: secret }
    principal: 'arn:aws:iam::111122223333:user/a'
    policies: [identity.json]
policy: { guardrails: [network.json] }
buckets: [{ name: bkt, upstream: u }]
upstreams: [{ name: u, endpoint: 'http://127.0.0.1:9000', region: us-east-1, credentials: { access_key_id: B, secret_access_key: { value: b } } }]
";

const IDENTITY: &str = r#"{"Version":"2012-10-17","Statement":[
    {"Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":"arn:aws:s3:::bkt/*"}]}"#;

/// The policy that the gate was made for: nothing but from these networks, whoever signed.
const NETWORK: &str = r#"{"Version":"2012-10-17","Statement":[
    {"Sid":"NetworkRestrictions","Effect":"Deny","Action":"*","Resource":"*","Condition":{
        "NotIpAddressIfExists":{"aws:SourceIp":["127.0.0.1/32","203.0.113.0/24"]},
        "StringNotEqualsIfExists":{"aws:SourceVpc":"vpc-33334444"},
        "BoolIfExists":{"aws:ViaAWSService":"false"}}}]}"#;

/// A gate with one signer, and a guardrail about networks.
pub(crate) fn snapshot() -> Snapshot {
    let source = MemorySource::default()
        .with_file("/gate/gate.yaml", CONFIG)
        .with_file("/gate/identity.json", IDENTITY)
        .with_file("/gate/network.json", NETWORK);
    resolve::build(&source, Path::new("/gate/gate.yaml")).world.unwrap().1
}

/// The head of a presigned GET, as a browser or a tool sends it.
pub(crate) fn link() -> Vec<u8> {
    let grant = Grant {
        method: "GET",
        host: "s3.test",
        path: b"/bkt/reports/2026/january.csv",
        query: &[],
        headers: &[],
        signed_at: NOW,
        expires_secs: 900,
    };
    let secret = Secret::new("secret");
    let signer = Signer { access_key_id: "AKID", secret: &secret, session_token: None, region: "us-east-1" };
    let mut head = b"GET ".to_vec();
    head.extend_from_slice(&presign(&grant, &signer, &KeyCache::default()));
    head.extend_from_slice(b" HTTP/1.1\r\nHost: s3.test\r\nUser-Agent: curl/8\r\nAccept: */*\r\n\r\n");
    head
}

/// A connection from this peer.
pub(crate) fn facts(peer: &str) -> ConnFacts {
    ConnFacts { peer: peer.parse().ok(), local: None, tls: None, proxy: None, listener: ListenerIndex(0) }
}
