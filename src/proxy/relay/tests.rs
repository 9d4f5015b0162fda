//! Requests carried to a scripted upstream: what it saw, and what the client got, byte for byte.
//! It must not need the pipeline: heads and carriages are written by hand.

use super::super::conn::ConnLimits;
use super::super::peer::endpoint::Endpoint;
use super::super::peer::{Peer, Spec, Timeouts};
use super::*;
use crate::request::Version;
use crate::upstream::body::BodyRules;
use crate::upstream::body::digests::{Digests, ExpectedHash};
use crate::upstream::mapping::Mapping;
use bytes::BytesMut;
use sha2::Digest as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::net::{TcpListener, TcpStream};

const GET: &str = "GET /k HTTP/1.1\r\nHost: u\r\n\r\n";
const PUT: &str = "PUT /k HTTP/1.1\r\nHost: u\r\n\r\n";

/// One step of the upstream's script.
#[derive(Clone, Debug)]
enum Step {
    /// Read until what was received ends with this.
    Until(&'static str),
    /// Write this.
    Say(&'static str),
    /// Close the connection and wait for the next one.
    Reconnect,
}
use Step::{Reconnect, Say, Until};

struct Case {
    script: Vec<Step>,
    head: &'static str,
    framing: Framing,
    /// What the client sends, and whether it then closes.
    body: &'static str,
    closes: bool,
    expects_continue: bool,
    rules: BodyRules,
    mapping: Option<Mapping>,
    version: Version,
    /// Whether the request goes out over a connection that was used before.
    warm: bool,
    limits: LinkLimits<'static>,
}

impl Default for Case {
    fn default() -> Self {
        Self {
            script: Vec::new(),
            head: GET,
            framing: Framing::None,
            body: "",
            closes: false,
            expects_continue: false,
            rules: BodyRules { max: 1000, ..BodyRules::default() },
            mapping: None,
            version: Version::Http11,
            warm: false,
            limits: LinkLimits::default(),
        }
    }
}

struct Seen {
    upstream: String,
    client: String,
    relayed: Relayed,
    left: BytesMut,
}

fn peer(port: u16) -> Peer {
    let time = Duration::from_secs(5);
    let timeouts = Timeouts { connect: time, read: time, write: time, idle: time };
    let configured = crate::config::scalar::endpoint::Endpoint::parse(&format!("http://127.0.0.1:{port}"));
    let spec = Spec {
        denied: crate::proxy::peer::class::Denied::default(),
        pool: crate::proxy::peer::Pool { connections: usize::MAX, idle: 9 },
        name: "u".to_owned(),
        endpoints: vec![configured.unwrap()],
        ca: None,
        timeouts,
        retries: 0,
        health: None,
    };
    Peer::new(spec, vec![Endpoint::new("127.0.0.1", port, "u".to_owned(), None)])
}

async fn act(listener: TcpListener, script: Vec<Step>) -> String {
    let mut seen = Vec::new();
    let mut stream: Option<TcpStream> = None;
    for step in script {
        if stream.is_none() {
            stream = Some(listener.accept().await.unwrap().0);
        }
        let socket = stream.as_mut().unwrap();
        match step {
            Say(text) => socket.write_all(text.as_bytes()).await.unwrap(),
            Reconnect => stream = None,
            Until(end) => {
                while !seen.ends_with(end.as_bytes()) {
                    if socket.read_buf(&mut seen).await.unwrap() == 0 {
                        break;
                    }
                }
            }
        }
    }
    if let Some(mut socket) = stream {
        // whatever else comes until the gate lets go
        let rest = tokio::time::timeout(Duration::from_millis(100), socket.read_to_end(&mut seen));
        drop(rest.await);
    }
    String::from_utf8(seen).unwrap()
}

async fn play(case: Case) -> Seen {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let peer = peer(listener.local_addr().unwrap().port());
    if case.warm {
        pool::put(peer.round().connect().await.0.unwrap(), peer.timeouts(), 9);
    }
    let upstream = tokio::spawn(act(listener, case.script));
    let (ours, mut theirs): (DuplexStream, DuplexStream) = tokio::io::duplex(1024 * 1024);
    let time = Duration::from_secs(5);
    let limits = ConnLimits { header_bytes: 1000, header_time: time, idle: time, read: time, write: time };
    let mut conn =
        Conn { stream: ours, input: BytesMut::new(), out: Vec::new(), has_answered: false, limits };
    let carriage = Carriage {
        mapping: case.mapping.clone().map(Box::new),
        replacement: None,
        to_head: case.head.starts_with("HEAD"),
        framing: case.framing,
        sent: case.framing,
        expects_continue: case.expects_continue,
        rules: case.rules,
        posted: None,
    };
    let client = Client { version: case.version, keep_alive: true };
    let request = Request {
        head: case.head.as_bytes(),
        carriage: &carriage,
        repeatable: case.head == GET,
        client,
        draining: &watch::Sender::new(false),
        cors: None,
        limits: &case.limits,
    };
    let talk = async {
        let mut got = Vec::new();
        if case.expects_continue {
            while !got.ends_with(b"\r\n\r\n") {
                theirs.read_buf(&mut got).await.unwrap();
            }
        }
        theirs.write_all(case.body.as_bytes()).await.unwrap();
        if case.closes {
            theirs.shutdown().await.unwrap();
        }
        (theirs, got)
    };
    let mut relayed = Relayed::default();
    let ((mut theirs, mut got), ()) = tokio::join!(talk, relay(&mut conn, &peer, request, &mut relayed));
    let left = std::mem::take(&mut conn.input);
    drop(conn);
    theirs.read_to_end(&mut got).await.unwrap();
    let upstream = upstream.await.unwrap();
    Seen { upstream, client: String::from_utf8(got).unwrap(), relayed, left }
}

fn ok(text: &str) -> String {
    format!("HTTP/1.1 200 OK\r\n{text}")
}

#[tokio::test]
async fn answers_of_every_framing_arrive() {
    for (answer, version, expected, keep) in [
        ("Content-Length: 2\r\n\r\nok", Version::Http11, "Content-Length: 2\r\n\r\nok", true),
        (
            "Transfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n",
            Version::Http11,
            "Transfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n",
            true,
        ),
        (
            "Transfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\nX: y\r\n\r\n",
            Version::Http10,
            "Connection: close\r\nContent-Length: 2\r\n\r\nok",
            false,
        ),
    ] {
        let answer: &'static str = ok(answer).leak();
        let seen =
            play(Case { script: vec![Until("\r\n\r\n"), Say(answer)], version, ..Case::default() }).await;
        assert_eq!(seen.client, ok(expected));
        assert_eq!(seen.upstream, GET);
        assert_eq!((seen.relayed.status, seen.relayed.keep_client), (Some(200), keep));
        assert_eq!(seen.relayed.response_bytes, 2);
        assert_eq!(seen.relayed.failure, None);
    }
}

#[tokio::test]
async fn a_bucket_is_named_as_the_client_knows_it() {
    let mapping = Some(Mapping {
        there: "prod".to_owned(),
        here: "reports".to_owned(),
        prefix: None,
        resource: String::new(),
        location: String::new(),
        encoded: false,
        names: true,
    });
    let list = "<ListBucketResult><Name>prod</Name></ListBucketResult>";
    let sent = "<ListBucketResult><Name>reports</Name></ListBucketResult>";
    for (version, answer, expected) in [
        (
            Version::Http11,
            ok(&format!("Content-Length: {}\r\n\r\n{list}", list.len())),
            ok(&format!("Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{sent}\r\n0\r\n\r\n", sent.len())),
        ),
        (
            Version::Http10,
            ok(
                "Transfer-Encoding: chunked\r\n\r\n1c\r\n<ListBucketResult><Name>prod\r\n1c\r\n</Name></ListBucketResult>  \r\n0\r\n\r\n",
            ),
            ok(&format!("Connection: close\r\nContent-Length: {}\r\n\r\n{sent}  ", sent.len() + 2)),
        ),
        // compressed: not looked into
        (
            Version::Http11,
            ok(&format!("Content-Encoding: gzip\r\nContent-Length: {}\r\n\r\n{list}", list.len())),
            ok(&format!("Content-Encoding: gzip\r\nContent-Length: {}\r\n\r\n{list}", list.len())),
        ),
        // held back until its end
        (
            Version::Http11,
            ok("Content-Length: 5\r\n\r\n<List"),
            ok("Transfer-Encoding: chunked\r\n\r\n5\r\n<List\r\n0\r\n\r\n"),
        ),
        (Version::Http11, ok("Content-Length: 0\r\n\r\n"), ok("Content-Length: 0\r\n\r\n")),
    ] {
        let answer: &'static str = answer.leak();
        let script = vec![Until("\r\n\r\n"), Say(answer)];
        let seen = play(Case { script, version, mapping: mapping.clone(), ..Case::default() }).await;
        assert_eq!(seen.client, expected);
        assert_eq!(seen.relayed.failure, None);
    }
}

#[tokio::test]
async fn an_answer_until_close_becomes_chunks() {
    let script = vec![Until("\r\n\r\n"), Say("HTTP/1.1 200 OK\r\n\r\nok"), Reconnect];
    let seen = play(Case { script, ..Case::default() }).await;
    assert_eq!(seen.client, ok("Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"));
    assert!(seen.relayed.keep_client);
}

#[tokio::test]
async fn answers_without_a_body_end_at_once() {
    for (head, answer) in [
        ("HEAD /k HTTP/1.1\r\nHost: u\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"),
        (GET, "HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n"),
        (GET, "HTTP/1.1 204 No Content\r\n\r\n"),
    ] {
        let seen = play(Case { head, script: vec![Until("\r\n\r\n"), Say(answer)], ..Case::default() }).await;
        assert_eq!(seen.client, answer);
        assert_eq!(seen.relayed.failure, None);
    }
}

#[tokio::test]
async fn an_answer_that_is_cut_off_does_not_look_complete() {
    for (answer, client) in [
        ("Content-Length: 5\r\n\r\nok", "Content-Length: 5\r\n\r\nok"),
        ("Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n"),
    ] {
        let script = vec![Until("\r\n\r\n"), Say(ok(answer).leak()), Reconnect];
        let seen = play(Case { script, ..Case::default() }).await;
        assert_eq!(seen.client, ok(client));
        assert!(!seen.relayed.keep_client);
        assert_eq!(seen.relayed.failure, Some(Failure { reason: Reason::UpstreamProtocol, answer: None }));
    }
}

#[tokio::test]
async fn a_malformed_answer_is_the_upstreams_failure() {
    for answer in [
        "SMTP ready\r\n\r\n",
        "HTTP/1.1 101 Switching\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1,1\r\n\r\n",
    ] {
        let seen = play(Case { script: vec![Until("\r\n\r\n"), Say(answer)], ..Case::default() }).await;
        assert_eq!(seen.client, "");
        assert_eq!(seen.relayed.failure, Some(Failure::upstream(Reason::UpstreamProtocol)), "{answer}");
    }
}

#[tokio::test]
async fn a_dead_reused_connection_is_replaced_for_a_get_only() {
    let script = vec![
        Until("\r\n\r\n"),
        Reconnect,
        Until("\r\n\r\n"),
        Say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    ];
    let seen = play(Case { script: script.clone(), warm: true, ..Case::default() }).await;
    assert_eq!(seen.relayed.status, Some(200));
    assert_eq!(seen.upstream, [GET, GET].concat());
    let delete = "DELETE /k HTTP/1.1\r\nHost: u\r\n\r\n";
    let seen = play(Case { script: script[..2].to_vec(), warm: true, head: delete, ..Case::default() }).await;
    assert_eq!(seen.upstream, delete);
    assert_eq!(seen.relayed.failure, Some(Failure::upstream(Reason::UpstreamProtocol)));
}

#[tokio::test]
async fn bodies_arrive_in_their_framing_and_the_next_request_stays() {
    let answer = Say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let case = Case {
        head: PUT,
        framing: Framing::Known(5),
        body: "helloGET",
        script: vec![Until("hello"), answer.clone()],
        ..Case::default()
    };
    let seen = play(case).await;
    assert_eq!(seen.upstream, format!("{PUT}hello"));
    assert_eq!(&seen.left[..], b"GET");
    assert!(seen.relayed.keep_client);
    let body = "2\r\nhe\r\n3\r\nllo\r\n0\r\nDrop: me\r\n\r\nGET";
    let case = Case {
        head: PUT,
        framing: Framing::Chunked,
        body,
        script: vec![Until("0\r\n\r\n"), answer],
        ..Case::default()
    };
    let seen = play(case).await;
    assert_eq!(seen.upstream, format!("{PUT}2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"));
    assert_eq!(&seen.left[..], b"GET");
    assert_eq!(seen.relayed.request_bytes, 5);
}

#[tokio::test]
async fn a_body_that_was_not_signed_never_completes() {
    let expected = ExpectedHash::parse(&[b'0'; 64]).unwrap();
    let digests = Digests { sha256: Some(expected), ..Digests::default() };
    let rules = BodyRules { digests, max: 100_000, ..BodyRules::default() };
    let check = async |framing, body, script| {
        let seen =
            play(Case { head: PUT, framing, body, rules: rules.clone(), script, ..Case::default() }).await;
        let failure = seen.relayed.failure.unwrap();
        assert_eq!(failure.reason, Reason::PayloadMismatch);
        assert_eq!(failure.answer.unwrap().code, ErrorCode::XAmzContentSHA256Mismatch);
        seen.upstream
    };
    // a small one does not even make the gate connect
    check(Framing::Known(5), "hello", Vec::new()).await;
    let upstream = check(Framing::Chunked, "5\r\nhello\r\n0\r\n\r\n", vec![Until("never")]).await;
    assert!(!upstream.ends_with("0\r\n\r\n"), "{upstream}");
    let large: &'static str = "a".repeat(70_000).leak();
    let upstream = check(Framing::Known(70_000), large, vec![Until("never")]).await;
    assert!(upstream.len() < PUT.len() + 70_000);
}

#[tokio::test]
async fn a_small_body_that_is_checked_goes_with_its_head() {
    let digests = Digests {
        sha256: ExpectedHash::parse(&crate::auth::hex::encode(&sha2::Sha256::digest("hello").into())),
        ..Digests::default()
    };
    let rules = BodyRules { digests, max: 1000, ..BodyRules::default() };
    for expects_continue in [false, true] {
        let case = Case {
            head: PUT,
            framing: Framing::Known(5),
            body: "helloGET",
            expects_continue,
            rules: rules.clone(),
            script: vec![Until("hello"), Say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")],
            ..Case::default()
        };
        let seen = play(case).await;
        assert_eq!((seen.upstream, &seen.left[..]), (format!("{PUT}hello"), &b"GET"[..]));
        assert_eq!(seen.client.starts_with("HTTP/1.1 100 Continue\r\n\r\n"), expects_continue);
        assert!(seen.client.ends_with("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), "{}", seen.client);
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_or_cut_off_never_completes() {
    let rules = BodyRules { max: 3, ..BodyRules::default() };
    let body = "5\r\nhello\r\n0\r\n\r\n";
    let case = Case {
        head: PUT,
        framing: Framing::Chunked,
        body,
        rules,
        script: vec![Until("never")],
        ..Case::default()
    };
    let seen = play(case).await;
    assert_eq!(seen.relayed.failure.unwrap().reason, Reason::BodyTooLarge);
    assert!(!seen.upstream.contains("hello"), "{}", seen.upstream);
    let case = Case {
        head: PUT,
        framing: Framing::Known(9),
        body: "hello",
        closes: true,
        script: vec![Until("never")],
        ..Case::default()
    };
    let seen = play(case).await;
    assert_eq!(seen.relayed.failure, Some(Failure::client()));
}

#[tokio::test]
async fn continue_is_the_upstreams_word() {
    let script = vec![
        Until("\r\n\r\n"),
        Say("HTTP/1.1 100 Continue\r\n\r\n"),
        Until("hello"),
        Say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    ];
    let case = Case {
        head: PUT,
        framing: Framing::Known(5),
        body: "hello",
        expects_continue: true,
        script,
        ..Case::default()
    };
    let seen = play(case).await;
    assert_eq!(seen.client, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
}

#[tokio::test]
async fn a_silent_upstream_does_not_keep_a_client_waiting() {
    let script = vec![Until("hello"), Say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")];
    let case = Case {
        head: PUT,
        framing: Framing::Known(5),
        body: "hello",
        expects_continue: true,
        script,
        ..Case::default()
    };
    let seen = play(case).await;
    assert!(seen.client.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200"), "{}", seen.client);
}

#[tokio::test]
async fn an_early_answer_ends_the_upload() {
    let script = vec![
        Until("\r\n\r\n"),
        Say("HTTP/1.1 307 Temporary Redirect\r\nLocation: x\r\nContent-Length: 0\r\n\r\n"),
    ];
    let case =
        Case { head: PUT, framing: Framing::Known(5), expects_continue: true, script, ..Case::default() };
    let seen = play(case).await;
    assert_eq!(
        seen.client,
        "HTTP/1.1 307 Temporary Redirect\r\nLocation: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
    assert_eq!(seen.upstream, PUT);
    assert!(!seen.relayed.keep_client);
}
