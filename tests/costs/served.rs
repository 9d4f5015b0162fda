//! A link that was served, as it is counted and written down.
//! It must not measure.

use presign_gate::clock::UnixMillis;
use presign_gate::net::ListenerIndex;
use presign_gate::net::identity::Proof;
use presign_gate::telemetry::access::AccessRecord;
use presign_gate::telemetry::record::{AuthRecord, AuthResult, Decision, RequestRecord, UpstreamRecord};
use std::time::Duration;

/// What is counted of it.
pub(crate) fn counted() -> RequestRecord {
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

/// What is written of it.
pub(crate) fn record(counted: &RequestRecord) -> AccessRecord<'_> {
    AccessRecord {
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
        counted,
    }
}
