//! A gate as the benches have it, and the requests that are judged.
//! It must not measure.

pub(crate) use super::request::facts;

use super::request;
use presign_gate::clock::UnixMillis;
use presign_gate::config::resolve;
use presign_gate::config::source::MemorySource;
use presign_gate::snapshot::Snapshot;
use std::path::Path;

pub(crate) const NOW: UnixMillis = UnixMillis::from_secs(1_768_478_400);

const CONFIG: &str = "version: 1
listeners: [{ address: '127.0.0.1:8080' }]
hosts: [s3.test]
network: { vpcs: [{ vpc: vpc-33334444, cidrs: [10.20.0.0/16] }] }
credentials:
  - access_key_id: AKID
    secret_access_key: { value: wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY }
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
    with(CONFIG)
}

/// The same, which tells nobody why a signature is refused.
pub(crate) fn uniform() -> Snapshot {
    with(&format!("{CONFIG}signing: {{ uniform_errors: true }}\n"))
}

fn with(config: &str) -> Snapshot {
    let source = MemorySource::default()
        .with_file("/gate/gate.yaml", config)
        .with_file("/gate/identity.json", IDENTITY)
        .with_file("/gate/network.json", NETWORK);
    resolve::build(&source, Path::new("/gate/gate.yaml")).world.unwrap().1
}

/// The head of a presigned GET.
pub(crate) fn link() -> Vec<u8> {
    request::link(&[], NOW, 900)
}

/// Another hexadecimal digit.
pub(crate) const fn other(digit: u8) -> u8 {
    if digit == b'0' { b'1' } else { b'0' }
}

/// Where the value of a parameter begins.
fn value_of(bytes: &[u8], name: &[u8]) -> usize {
    bytes.windows(name.len()).position(|part| part == name).unwrap() + name.len()
}

/// The same with a digit of its signature changed.
pub(crate) fn altered(digit: usize) -> Vec<u8> {
    let mut bytes = link();
    let at = value_of(&bytes, b"X-Amz-Signature=") + digit;
    bytes[at] = other(bytes[at]);
    bytes
}

/// The same from a key that nobody has, with a signature that is as wrong.
pub(crate) fn unknown() -> Vec<u8> {
    let mut bytes = altered(0);
    let at = value_of(&bytes, b"X-Amz-Credential=");
    bytes[at..at + 4].copy_from_slice(b"DIKA");
    bytes
}
