//! What counting and describing one request costs: metrics, a line of the access log, its spans.
//! It must not measure what waits for a disk or a collector.

#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

#[path = "../tests/costs/served.rs"]
mod served;

use divan::{Bencher, black_box};
use presign_gate::config::model::LogFormat;
use presign_gate::telemetry::access::push_line;
use presign_gate::telemetry::metrics::{Metrics, MetricsConfig};

fn main() {
    divan::main();
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
    let (metrics, record) = (Metrics::new(&config).unwrap(), served::counted());
    bencher.bench(|| metrics.record(black_box(&record)));
}

#[divan::bench(args = [LogFormat::Json, LogFormat::S3])]
fn access_line(bencher: Bencher<'_, '_>, format: LogFormat) {
    let counted = served::counted();
    let record = served::record(&counted);
    bencher
        .with_inputs(|| Vec::with_capacity(2048))
        .bench_refs(|out| push_line(format, black_box(&record), out));
}
