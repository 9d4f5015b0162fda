//! What one decision costs: head parse, and the whole of `pipeline::decide` for a presigned GET, allowed and denied,
//! with few and with many statements. It must not do IO, and checks each verdict inside the loop.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a bench that cannot be set up has to stop")]

#[path = "../tests/costs/request.rs"]
mod request;

use presign_gate::auth::keyring::Asked;
use presign_gate::clock::UnixMillis;
use presign_gate::config::resolve;
use presign_gate::config::source::MemorySource;
use presign_gate::pipeline::{Verdict, decide};
use presign_gate::request::head;
use presign_gate::snapshot::Snapshot;
use request::facts;
use std::fmt::Write as _;
use std::path::Path;

const NOW: UnixMillis = UnixMillis::from_secs(1_768_478_400);

fn main() {
    divan::main();
}

/// A gate whose signer has this many statements that do not match, and one that does.
fn snapshot(statements: usize) -> Snapshot {
    let mut identity = String::from("{\"Version\":\"2012-10-17\",\"Statement\":[");
    for number in 0..statements {
        let _ = write!(
            identity,
            "{{\"Effect\":\"Allow\",\"Action\":\"s3:GetObject\",\"Resource\":\"arn:aws:s3:::other-{number}/*\"}},"
        );
    }
    identity.push_str("{\"Effect\":\"Allow\",\"Action\":\"s3:*\",\"Resource\":\"arn:aws:s3:::bkt/*\"}]}");
    let config = "version: 1\n\
        listeners: [{ address: '127.0.0.1:8080' }]\n\
        hosts: [s3.test]\n\
        credentials:\n\
        \x20 - { access_key_id: AKID, secret_access_key: { value: wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY }, principal: 'arn:aws:iam::111122223333:user/a', policies: [identity.json] }\n\
        policy: { guardrails: [network.json] }\n\
        buckets: [{ name: bkt, upstream: u }]\n\
        upstreams: [{ name: u, endpoint: 'http://127.0.0.1:9000', region: us-east-1, credentials: { anonymous: true } }]\n";
    let source = MemorySource::default()
        .with_file("/gate/gate.yaml", config)
        .with_file("/gate/identity.json", identity)
        .with_file("/gate/network.json", include_str!("../src/cli/demo/network.json"));
    let built = resolve::build(&source, Path::new("/gate/gate.yaml"));
    built.world.map_or_else(|| panic!("{:?}", built.diagnostics), |(_, snapshot)| snapshot)
}

fn link() -> Vec<u8> {
    request::link(&[], NOW, 900)
}

#[divan::bench]
fn parse_head(bencher: divan::Bencher<'_, '_>) {
    let bytes = link();
    bencher.bench(|| head::parse(divan::black_box(&bytes)).map(|request| request.headers.len()));
}

#[divan::bench(args = [1, 100, 10_000])]
fn allowed(bencher: divan::Bencher<'_, '_>, statements: usize) {
    let (snapshot, bytes, facts) = (snapshot(statements), link(), facts("127.0.0.1:5000"));
    bencher.bench(|| {
        let request = head::parse(divan::black_box(&bytes)).unwrap();
        let outcome = decide(&snapshot, &facts, &request, None, Asked::Nobody, NOW);
        assert!(matches!(outcome.verdict, Verdict::Forward(_)));
    });
}

#[divan::bench]
fn denied_by_network(bencher: divan::Bencher<'_, '_>) {
    let (snapshot, bytes, facts) = (snapshot(1), link(), facts("192.0.2.1:5000"));
    bencher.bench(|| {
        let request = head::parse(divan::black_box(&bytes)).unwrap();
        let outcome = decide(&snapshot, &facts, &request, None, Asked::Nobody, NOW);
        assert!(matches!(outcome.verdict, Verdict::Answer(_)));
    });
}
