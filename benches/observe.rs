//! What counting and describing one request costs: metrics, a line of the access log, its spans.
//! It must not measure what waits for a disk or a collector.

#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use divan::{Bencher, black_box};
use presign_gate::clock::UnixMillis;
use presign_gate::config::model::LogFormat;
use presign_gate::net::ListenerIndex;
use presign_gate::net::identity::Proof;
use presign_gate::telemetry::access::{AccessRecord, line};
use presign_gate::telemetry::metrics::{Metrics, MetricsConfig};
use presign_gate::telemetry::record::{AuthRecord, AuthResult, Decision, RequestRecord, UpstreamRecord};
use std::time::Duration;

fn main() {
    divan::main();
}

fn counted() -> RequestRecord {
    RequestRecord {
        operation: Some(0),
        bucket: Some(0),
        decision: Decision::Allow,
        status: 200,
        auth: Some(AuthRecord { scheme: Some(0), result: AuthResult::Verified }),
        proof: Some(Proof::Peer),
        total: Duration::from_millis(12),
        overhead: Duration::from_micros(40),
        upstream: Some(UpstreamRecord {
            upstream: 0,
            status: 200,
            first_byte: Some(Duration::from_millis(9)),
            retries: 0,
        }),
        response_body_bytes: 1024,
        link_validity: Some(Duration::from_mins(14)),
        link_age: Some(Duration::from_mins(1)),
        matched: std::iter::once(0).collect(),
        ..RequestRecord::new(ListenerIndex(0))
    }
}

#[divan::bench]
fn metrics(bencher: Bencher<'_, '_>) {
    let config = MetricsConfig {
        listeners: vec!["127.0.0.1:8080".into()],
        buckets: vec!["data".into()],
        upstreams: vec!["store".into()],
        operations: vec!["GetObject"],
        auth_schemes: vec!["query_v4"],
        ..MetricsConfig::default()
    };
    let (metrics, record) = (Metrics::new(&config).unwrap(), counted());
    bencher.bench(|| metrics.record(black_box(&record)));
}

#[divan::bench(args = [LogFormat::Json, LogFormat::S3])]
fn access_line(bencher: Bencher<'_, '_>, format: LogFormat) {
    let counted = counted();
    let record = AccessRecord {
        at: UnixMillis::from_secs(1_768_478_400),
        request_id: "4442587FB7D0A2F9",
        listener: "127.0.0.1:8080",
        peer: Some("203.0.113.7:50000".parse().unwrap()),
        identity: None,
        method: Some("GET"),
        host: Some("s3.example.internal"),
        path: Some(b"/data/2026/a%20b.pdf"),
        query: Some(b"X-Amz-Expires=900&X-Amz-Signature=5ec4e7"),
        version: None,
        referer: None,
        key: Some(b"2026/a b.pdf"),
        version_id: None,
        region: Some("us-east-1"),
        user_agent: Some(b"aws-sdk-rust/1.0"),
        operation: Some("GetObject"),
        bucket: Some("data"),
        link: None,
        auth_scheme: Some("query_v4"),
        principal: Some("arn:aws:iam::111122223333:user/main"),
        access_key_id: Some("AKIDTESTMAIN00000001"),
        error_code: None,
        upstream: Some("store"),
        shadow_denied: &[],
        diagnosis: &[],
        counted: &counted,
    };
    bencher.bench(|| line(format, black_box(&record)));
}
