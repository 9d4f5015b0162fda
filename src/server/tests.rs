//! Requests in the middle of which the code fails: what the client gets, what is counted, and what was reserved.
//! It must not leave a door in the product: faults come from the client's stream, from the store, or from a place that
//! only tests have.

use super::boot::{Access, boot};
use crate::auth::sigv4::key::KeyCache;
use crate::auth::sigv4::sign::{Grant, Signer, presign};
use crate::clock::{Clock as _, SystemClock};
use crate::config::resolve::build;
use crate::config::source::MemorySource;
use crate::links::claim::LinkClaim;
use crate::links::identity::LinkId;
use crate::links::state::{Answer, LinkState};
use crate::net::{ConnFacts, ListenerIndex};
use crate::proxy::edge::Edge;
use crate::proxy::listener::Ports;
use crate::proxy::panics::faults;
use crate::proxy::world::World;
use crate::secret::Secret;
use crate::store::keeper::Keeper;
use crate::store::memory::Memory;
use crate::store::{Change, Changes, Event, LinkStore, Note, StoreError};
use async_trait::async_trait;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream, ReadBuf};
use tokio::net::TcpListener;

const SECRET: &str = "a-secret-of-tests";

/// A stream of a client whose reading or writing may panic.
struct Fragile(DuplexStream);

impl AsyncRead for Fragile {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.0).poll_read(cx, buf);
        if read.is_ready() && buf.filled().get(before..).is_some_and(|read| read.starts_with(b"body")) {
            faults::at("read");
        }
        read
    }
}

impl AsyncWrite for Fragile {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let half = buf.len() / 2;
        if faults::is_armed() && buf.starts_with(b"HTTP/1.1 200") {
            // a part goes out; what follows fails
            return Pin::new(&mut self.0).poll_write(cx, &buf[..half]);
        }
        faults::at("write");
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// A store that may panic when it is asked, or when it is told of an answer.
#[derive(Debug)]
struct Faulty(Memory);

#[async_trait]
impl LinkStore for Faulty {
    async fn reserve(&self, claim: &LinkClaim, token: u64) -> Result<Answer, StoreError> {
        faults::at("reserve");
        self.0.reserve(claim, token).await
    }

    fn note(&self, note: Note) {
        if matches!(note.event, Event::Keep(_)) {
            faults::at("answered");
        }
        self.0.note(note);
    }

    async fn look(&self, link: LinkId) -> Result<Option<LinkState>, StoreError> {
        self.0.look(link).await
    }

    async fn change(&self, change: &Change) -> Result<(), StoreError> {
        self.0.change(change).await
    }

    async fn changes(&self, list: &str, number: u64) -> Result<Changes, StoreError> {
        self.0.changes(list, number).await
    }

    async fn sweep(&self) -> Result<u64, StoreError> {
        self.0.sweep().await
    }

    fn lost_notes(&self) -> u64 {
        0
    }
}

/// A gate with a store that answers `hello` to everything.
struct Gate {
    edge: Edge,
    folder: tempfile::TempDir,
}

async fn answer_all(listener: TcpListener) {
    while let Ok((mut stream, _)) = listener.accept().await {
        tokio::spawn(async move {
            let mut seen = Vec::new();
            while stream.read_buf(&mut seen).await.is_ok_and(|read| read > 0) {
                let end: &[u8] = if seen.starts_with(b"PUT") { b"body" } else { b"\r\n\r\n" };
                if seen.ends_with(end) {
                    seen.clear();
                    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
                    stream.write_all(answer).await.unwrap();
                }
            }
        });
    }
}

impl Gate {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(answer_all(listener));
        let folder = tempfile::tempdir().unwrap();
        let config = format!(
            r#"
version: 1
listeners: [{{ address: "127.0.0.1:8080" }}]
hosts: [s3.test]
credentials:
  - access_key_id: AKID
    secret_access_key: {{ value: {SECRET} }}
    principal: arn:aws:iam::111122223333:user/a
    policies: [{{ Version: "2012-10-17", Statement: [{{ Effect: Allow, Action: "*", Resource: "*" }}] }}]
buckets: [{{ name: bkt, upstream: store }}]
upstreams:
  - {{ name: store, endpoint: "http://127.0.0.1:{port}", region: us-east-1, credentials: {{ anonymous: true }} }}
links: {{ store: {{ memory: true }} }}
logs: {{ access: {{ path: "{0}/access.jsonl" }}, audit: {{ path: "{0}/audit.jsonl" }} }}
"#,
            folder.path().display()
        );
        let source = MemorySource::default().with_file("/gate.yaml", config);
        let built = build(&source, Path::new("/gate.yaml"));
        let (config, snapshot) = built.world.unwrap_or_else(|| panic!("{:?}", built.diagnostics));
        let world = boot(&config, snapshot, Access::Configured).unwrap();
        let telemetry = Arc::clone(&world.telemetry);
        // whoever keeps the first list of revocations lets go of the world now and then
        let mut world = Arc::into_inner(world).unwrap();
        world.keeper = Keeper::start(Arc::new(Faulty(Memory::new(Arc::new(SystemClock)))), telemetry);
        Self { edge: Edge { world: Arc::new(world), ports: Ports::new(Vec::new()) }, folder }
    }

    fn world(&self) -> &World {
        &self.edge.world
    }

    /// What a client is sent for these bytes.
    async fn ask(&self, request: &str) -> String {
        let (ours, mut theirs) = tokio::io::duplex(64 * 1024);
        let facts = ConnFacts {
            peer: Some("10.0.0.1:1".parse().unwrap()),
            local: None,
            tls: None,
            proxy: None,
            listener: ListenerIndex(0),
        };
        let client = async move {
            let (head, body) = request.split_once("\r\n\r\n").unwrap();
            theirs.write_all(format!("{head}\r\n\r\n").as_bytes()).await.unwrap();
            tokio::task::yield_now().await;
            theirs.write_all(body.as_bytes()).await.unwrap();
            theirs.shutdown().await.unwrap();
            let mut got = Vec::new();
            tokio::time::timeout(Duration::from_secs(5), theirs.read_to_end(&mut got))
                .await
                .unwrap()
                .unwrap();
            String::from_utf8(got).unwrap()
        };
        let (got, ()) = tokio::join!(client, self.edge.serve(Fragile(ours), facts));
        got
    }

    /// The sum of the series of a family that have this in their labels.
    fn count(&self, family: &str, with: &str) -> u64 {
        let page = self.world().telemetry.metrics.render().unwrap();
        let lines = page.lines().filter(|line| {
            line.strip_prefix("presign_gate_")
                .and_then(|line| line.strip_prefix(family))
                .is_some_and(|rest| (rest.starts_with('{') || rest.starts_with(' ')) && rest.contains(with))
        });
        lines.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
    }

    fn log(&self, name: &str) -> String {
        self.world().telemetry.flush();
        std::fs::read_to_string(self.folder.path().join(name)).unwrap()
    }
}

fn request(method: &str, query: &[(&str, &str)], secret: &str, body: &str) -> (String, String) {
    let query: Vec<_> = query.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
    let grant = Grant {
        method,
        host: "s3.test",
        path: b"/bkt/key",
        query: &query,
        headers: &[],
        signed_at: SystemClock.now(),
        expires_secs: 900,
    };
    let secret = Secret::new(secret);
    let signer = Signer { access_key_id: "AKID", secret: &secret, session_token: None, region: "us-east-1" };
    let target = String::from_utf8(presign(&grant, &signer, &KeyCache::default())).unwrap();
    let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
    let text = format!("{method} {target} HTTP/1.1\r\nHost: s3.test\r\n{length}\r\n{body}");
    (text, target)
}

struct Case {
    /// Where the code fails.
    place: &'static str,
    method: &'static str,
    /// With the right secret.
    signed: bool,
    body: &'static str,
    /// How the answer begins; empty: a part of one, and its end is missing.
    status: &'static str,
    /// What is counted.
    reason: &'static str,
    /// Uses of the link afterwards.
    spent: u64,
}

const BASE: Case = Case {
    place: "judge",
    method: "GET",
    signed: true,
    body: "",
    status: "HTTP/1.1 500 Internal Server Error\r\n",
    reason: "panicked",
    spent: 0,
};

async fn check(case: &Case) {
    let Case { place, method, signed, body, status, reason, spent } = *case;
    let gate = Gate::start().await;
    let secret = if signed { SECRET } else { "another" };
    let (text, target) = request(method, &[("x-gate-max-uses", "1")], secret, body);
    faults::arm(place);
    let got = gate.ask(&text).await;
    assert!(!faults::is_armed(), "{place}: nothing failed; {got}");
    if status.is_empty() {
        assert!(got.starts_with("HTTP/1.1 200 OK\r\n") && !got.ends_with("hello"), "{place}: {got}");
    } else {
        assert!(got.starts_with(status), "{place}: {got}");
    }
    if reason == "panicked" && !status.is_empty() {
        assert!(got.contains("<Code>InternalError</Code>") == (method != "HEAD"), "{place}: {got}");
        assert!(got.to_ascii_lowercase().contains("connection: close\r\n"), "{place}: {got}");
    }
    let world = gate.world();
    assert_eq!((world.requests(), world.connections()), (0, 0), "{place}");
    assert_eq!((gate.count("requests_in_flight", ""), gate.count("connections", "")), (0, 0), "{place}");
    assert_eq!(gate.count("requests_total", ""), 1, "{place}");
    assert_eq!(gate.count("panics_total", ""), 1, "{place}");
    assert_eq!(gate.count("denied_total", ""), 1, "{place}");
    assert_eq!(gate.count("denied_total", &format!("reason=\"{reason}\"")), 1, "{place}");
    for log in ["access.jsonl", "audit.jsonl"] {
        let text = gate.log(log);
        let lines: Vec<&str> = text.lines().filter(|line| line.contains(reason)).collect();
        assert_eq!(lines.len(), 1, "{place} {log}: {text}");
        assert!(lines[0].contains("/bkt/key"), "{place} {log}: {text}");
    }
    let url = format!("http://s3.test{target}");
    let (link, _) = LinkId::of_url(&url, &world.running.load().snapshot.keyring).unwrap();
    let state = world.keeper.look(link).await.unwrap().unwrap_or_default();
    assert_eq!((state.spent, state.holds.len()), (spent, 0), "{place}: {state:?}");
    // the same thread, the same pool, and the link if it has a use left
    let again =
        if spent == 0 && signed && method == "GET" { text } else { request("GET", &[], SECRET, "").0 };
    let got = gate.ask(&again).await;
    assert!(got.starts_with("HTTP/1.1 200 OK\r\n") && got.ends_with("hello"), "{place}: {got}");
    assert_eq!((gate.count("requests_total", ""), gate.count("panics_total", "")), (2, 1), "{place}");
}

#[tokio::test]
async fn code_that_fails_ends_one_request() {
    for case in [
        BASE,
        Case { method: "HEAD", ..BASE },
        Case { place: "reserve", ..BASE },
        // the head of the answer is there, and nothing of it was sent
        Case { place: "answered", ..BASE },
        Case { place: "read", method: "PUT", body: "body", ..BASE },
        // all of the object was on its way
        Case { place: "write", status: "", spent: 1, ..BASE },
        // the answer was complete, and counted, before the code failed
        Case {
            place: "read",
            method: "PUT",
            signed: false,
            body: "body",
            status: "HTTP/1.1 403 Forbidden\r\n",
            reason: "wrong_signature",
            ..BASE
        },
    ] {
        check(&case).await;
    }
}

#[tokio::test]
async fn code_that_fails_between_requests_ends_the_connection() {
    let gate = Gate::start().await;
    faults::arm("read");
    let (ours, mut theirs) = tokio::io::duplex(1024);
    theirs.write_all(b"body").await.unwrap();
    let facts = ConnFacts { peer: None, local: None, tls: None, proxy: None, listener: ListenerIndex(0) };
    gate.edge.serve(Fragile(ours), facts).await;
    assert!(!faults::is_armed());
    let mut got = Vec::new();
    assert_eq!(theirs.read_to_end(&mut got).await.unwrap(), 0);
    assert_eq!((gate.world().connections(), gate.count("connections", "")), (0, 0));
    assert_eq!(gate.count("panics_total", ""), 1);
    assert_eq!((gate.count("requests_total", ""), gate.count("denied_total", "panicked")), (0, 1));
    assert!(gate.log("access.jsonl").contains("panicked"));
}
