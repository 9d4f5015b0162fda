//! What a link costs a gate that keeps track of a million others and has called a million back, against one that knows
//! of none: decision and admission of a presigned GET, without state and with it. Its numbers stand in docs/links.md.
//! It must not check what is decided beyond that each request passes; tests do.
//!
//! Times are the fastest of many rounds, both gates in turn. With three arguments (`empty` or `full`, `plain` or
//! `counted`, a number) it only asks so often, for a tool that counts instructions in `measured`.

#![expect(clippy::print_stdout, reason = "a benchmark prints")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a benchmark fails by panicking")]

#[path = "../tests/costs/request.rs"]
mod request;

use presign_gate::auth::keyring::Asked;
use presign_gate::clock::{Clock as _, Stopwatch, SystemClock, UnixMillis};
use presign_gate::config::model::LogFormat;
use presign_gate::config::resolve;
use presign_gate::config::source::MemorySource;
use presign_gate::links::claim::{Ask, LinkClaim, Terms};
use presign_gate::links::identity::LinkId;
use presign_gate::links::revocation::{Revocation, Target};
use presign_gate::links::state::delivery::Delivery;
use presign_gate::pipeline::limits::{link_name, revoked};
use presign_gate::pipeline::{Verdict, decide};
use presign_gate::request::head;
use presign_gate::snapshot::Snapshot;
use presign_gate::store::keeper::{Keeper, WhenStoreFails};
use presign_gate::store::memory::Memory;
use presign_gate::telemetry::Telemetry;
use presign_gate::telemetry::audit::AuditLog;
use presign_gate::telemetry::metrics::{Metrics, MetricsConfig};
use presign_gate::telemetry::recent::Recent;
use presign_gate::telemetry::trace::Tracer;
use presign_gate::telemetry::writer::LineWriter;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;

const MANY: u32 = 1_000_000;
const ROUNDS: u32 = 60;
const ASKED: u32 = 2_000;

/// A gate without sockets, and how much it knows.
struct Gate {
    snapshot: Snapshot,
    keeper: Arc<Keeper>,
}

fn snapshot() -> Snapshot {
    let config = "version: 1\n\
        listeners: [{ address: '127.0.0.1:8080' }]\n\
        hosts: [s3.test]\n\
        credentials: [{ access_key_id: AKID, secret_access_key: { value: wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY }, policies: [all.json] }]\n\
        buckets: [{ name: bkt, upstream: u }]\n\
        upstreams: [{ name: u, endpoint: 'http://127.0.0.1:9000', region: us-east-1, credentials: { anonymous: true } }]\n\
        links: { grace: 0s }\n";
    let policy =
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#;
    let source = MemorySource::default().with_file("/gate.yaml", config).with_file("/all.json", policy);
    let built = resolve::build(&source, Path::new("/gate.yaml"));
    built.world.map_or_else(|| panic!("{:?}", built.diagnostics), |(_, snapshot)| snapshot)
}

fn link(number: u32) -> LinkId {
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&number.wrapping_mul(2_654_435_761).to_le_bytes());
    bytes[4..8].copy_from_slice(&number.to_le_bytes());
    LinkId::from_bytes(bytes)
}

impl Gate {
    fn new(runtime: &Runtime, known: u32) -> Self {
        let metrics = Metrics::new(&MetricsConfig::default()).unwrap();
        let dropped = metrics.log_dropped();
        let telemetry = Telemetry {
            access: LineWriter::nowhere(dropped.clone()),
            audit: AuditLog::nowhere(dropped),
            access_format: LogFormat::Json,
            recent: Recent::default(),
            tracer: Tracer::off(),
            metrics,
        };
        let keeper = Keeper::start(Arc::new(Memory::new(Arc::new(SystemClock))), Arc::new(telemetry));
        runtime.block_on(async {
            let until = UnixMillis::from_secs(4_000_000_000);
            for number in 0..known {
                let terms = Terms { max_uses: Some(1), max_bytes: None, network: None, grace: 0, until };
                let id = link(number);
                let claim = LinkClaim { id, client: "203.0.113.7".into(), ask: Ask::Download(None), terms };
                let held = keeper.hold(&claim, WhenStoreFails::Deny).await.unwrap().unwrap();
                held.settle(Delivery { got: 1, size: 1, whole: false, moved: 1 });
                let target = Target::Link(link(MANY + number));
                keeper.revoke(&Revocation { target, created: until, lapses: until }).await.unwrap();
            }
        });
        Self { snapshot: snapshot(), keeper }
    }
}

fn head_with(query: &[(&[u8], &[u8])]) -> Vec<u8> {
    request::link(query, SystemClock.now(), 604_800)
}

/// What the gate does for so many requests, from the bytes of their heads to the admission, and at their ends.
#[inline(never)]
fn measured(runtime: &Runtime, gate: &Gate, bytes: &[u8], count: u32, now: UnixMillis) {
    runtime.block_on(asked(gate, bytes, count, now));
}

async fn asked(gate: &Gate, bytes: &[u8], count: u32, now: UnixMillis) {
    let facts = request::facts("127.0.0.1:5000");
    for _ in 0..count {
        let request = head::parse(bytes).unwrap();
        let outcome = decide(&gate.snapshot, &facts, &request, None, Asked::Nobody, now);
        let Verdict::Forward(permit) = &outcome.verdict else { panic!("{:?}", outcome.verdict) };
        let refusal = gate.keeper.revocations(|list| revoked(&gate.snapshot, &outcome, list)).unwrap();
        assert!(refusal.is_none());
        if let Some(claim) = &permit.state {
            let held = gate.keeper.hold(claim, WhenStoreFails::Deny).await.unwrap().unwrap();
            held.settle(Delivery::default());
        }
        // as the access log does
        assert!(link_name(&gate.snapshot, &outcome).is_some());
    }
}

fn bytes(kind: &str) -> Vec<u8> {
    head_with(if kind == "counted" { &[(b"x-gate-max-uses", b"1000")] } else { &[] })
}

fn times(runtime: &Runtime, empty: &Gate, full: &Gate, kind: &str) {
    let (bytes, now) = (bytes(kind), SystemClock.now());
    let mut fastest = [Duration::MAX; 2];
    for _ in 0..ROUNDS {
        for (fastest, gate) in fastest.iter_mut().zip([empty, full]) {
            let watch = Stopwatch::start();
            measured(runtime, gate, &bytes, ASKED, now);
            *fastest = (*fastest).min(watch.elapsed() / ASKED);
        }
    }
    let ratio = fastest[1].as_secs_f64() / fastest[0].as_secs_f64();
    println!(
        "{kind}: {:?} knowing nothing, {:?} knowing a million, ratio {ratio:.3}",
        fastest[0], fastest[1]
    );
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let arguments: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    if let [store, kind, count] = arguments.as_slice() {
        let gate = Gate::new(&runtime, if store == "full" { MANY } else { 0 });
        return measured(&runtime, &gate, &bytes(kind), count.parse().unwrap(), SystemClock.now());
    }
    let (empty, full) = (Gate::new(&runtime, 0), Gate::new(&runtime, MANY));
    for kind in ["plain", "counted"] {
        times(&runtime, &empty, &full, kind);
    }
}
