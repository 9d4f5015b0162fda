//! What the gate promises, tried as a whole: random requests against a second, naive gate in the tests, which must be
//! able to explain everything that was forwarded; and links at the edges of their lives.
//! It must not share code with the gate, nor know what the gate decided before it has decided itself.

mod model;

use crate::support::client::Client;
use crate::support::config::Config;
use crate::support::gate::{Gate, poll};
use crate::support::message::Broken;
use crate::support::python;
use crate::support::reply::{self, Latch, Step};
use crate::support::request::Request;
use crate::support::sigv4::{Key, MAIN, STRANGER, TEMPORARY, decode};
use crate::support::time::now;
use crate::support::upstream::Upstream;
use fastrand::Rng;
use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};

/// What the model knows by heart: the network, the rights of the keys, and what is denied to everybody.
const GUARDRAIL: &str = r#"{ Statement: [{ Effect: Deny, Action: "s3:*", Resource: "*", Condition: { NotIpAddress: { "aws:SourceIp": ["10.0.0.0/8", "2001:db8::/32"] } } }] }"#;
const RIGHTS: &str = r#"{"Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bkt/*"}, {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::bkt/in/*"}, {"Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::bkt/*secret*"}]}"#;

fn gate(upstream: &Upstream) -> Gate {
    let config = Config::resign(upstream.endpoint())
        .policy(RIGHTS)
        .listener("forwarded: { trusted: [127.0.0.0/8] }")
        .more("links: { grace: 0s }");
    Gate::start_with(|listener, admin| {
        let guardrails = format!("  default: deny\n  guardrails: [{GUARDRAIL}]\n");
        config.text(listener, admin).replace("  default: deny\n", &guardrails)
    })
}

/// A number that the environment may set.
fn number(name: &str) -> Option<u64> {
    let value = std::env::var_os(name)?;
    Some(value.to_str().and_then(|value| value.parse().ok()).expect("a number"))
}

/// How many requests the model is asked about; `make fuzz` asks for more.
fn requests() -> u64 {
    number("PRESIGN_GATE_MODEL_REQUESTS").unwrap_or(3000)
}

fn seed() -> u64 {
    number("PRESIGN_GATE_SEED").unwrap_or_else(|| fastrand::u64(..))
}

fn one_of<T: Copy>(random: &mut Rng, choices: &[T]) -> T {
    choices[random.usize(..choices.len())]
}

/// A request that may be right; the number is in its key.
fn request(random: &mut Rng, number: u64) -> Vec<u8> {
    let method = one_of(random, &["GET", "GET", "GET", "GET", "PUT", "PUT", "HEAD", "DELETE"]);
    let folder = one_of(random, &["open", "in", "in", "in", "a secret", "t%C3%AFl", "a+b"]);
    let bucket = one_of(random, &["bkt", "bkt", "bkt", "bkt", "bkt", "bkt", "bkt", "other"]);
    let folder = folder.replace(' ', "%20");
    let mut request = Request::new(method, &format!("/{bucket}/{folder}/{number}"));
    request.key = one_of(
        random,
        &[MAIN, MAIN, MAIN, MAIN, TEMPORARY, TEMPORARY, STRANGER, Key { secret: "wrong", ..MAIN }],
    );
    request.time += one_of(random, &[0, 0, 0, 0, 0, -100, -200, -400, 600, 1200]);
    one_of(random, &["300", "300", "300", "900", "604800", "604800", "604801", "-1", "x"])
        .clone_into(&mut request.expires);
    for (name, values) in [
        ("x-gate-source-ip", &["10.0.0.0/8", "10.1.0.0/16,2001:db8::/32", "192.0.2.1", "10.0.0.300"][..]),
        ("x-gate-not-before", &["2020-01-01T00:00:00Z", "2090-01-01T00:00:00Z", "soon"]),
        ("x-gate-max-user", &["1"]),
        ("x-note", &["a b", "%", ""]),
        ("response-content-type", &["text/plain"]),
    ] {
        if random.u8(..16) == 0 {
            request = request.query(name, one_of(random, values));
        }
    }
    for (name, value) in [("x-amz-meta-a", "b  c"), ("X-Custom", "1"), ("cache-control", "no-cache")] {
        match random.u8(..12) {
            0 => request = request.signed(name, value),
            1 => request = request.unsigned(name, value),
            _ => {}
        }
    }
    let client = one_of(
        random,
        &["10.0.0.1", "10.1.2.3", "10.0.0.1", "10.1.0.9", "2001:db8::7", "192.0.2.1", "11.0.0.1"],
    );
    request = request.unsigned("X-Forwarded-For", client);
    if method == "PUT" {
        request = request.with_body(b"hello");
    }
    if random.u8(..6) == 0 { request.authorized() } else { request.presigned() }
}

/// Changes some bytes of the head as whoever holds a link may.
fn change(random: &mut Rng, bytes: &mut Vec<u8>) {
    let end = bytes.windows(4).position(|end| end == b"\r\n\r\n").unwrap();
    let first = bytes.windows(2).position(|end| end == b"\r\n").unwrap();
    match random.u8(..8) {
        0 => {
            let at = random.usize(..first);
            bytes[at] = random.u8(33..127);
        }
        1 => {
            let at = random.usize(..end);
            bytes[at] = bytes[at].swap_bytes() ^ 0x20;
        }
        2 => {
            let more = one_of(
                random,
                &["&x=1", "&x-gate-source-ip=10.0.0.0%2F8", "&X-Amz-Expires=900", "&partNumber=1"],
            );
            let at = first - " HTTP/1.1".len();
            bytes.splice(at..at, more.bytes());
        }
        3 => {
            let more = one_of(
                random,
                &[
                    "\r\nx-amz-acl: public-read",
                    "\r\nX-Forwarded-For: 10.0.0.1",
                    "\r\nx-amz-copy-source: /bkt/a",
                    "\r\nHost: a",
                ],
            );
            bytes.splice(end..end, more.bytes());
        }
        4 => {
            // leaves one parameter out
            let text = String::from_utf8_lossy(bytes).into_owned();
            let marks: Vec<usize> = text[..first].match_indices('&').map(|(at, _)| at).collect();
            if let Some(at) = marks.get(random.usize(..marks.len().max(1))) {
                let next = text[at + 1..first].find(['&', ' ']).map_or(first, |length| at + 1 + length);
                bytes.drain(*at..next);
            }
        }
        5 => {
            let method = bytes.iter().position(|byte| *byte == b' ').unwrap();
            let other = one_of(random, &["PUT", "DELETE", "HEAD", "POST", "get"]);
            bytes.splice(..method, other.bytes());
        }
        6 => {
            let at = random.usize(..end);
            bytes.insert(at, random.u8(..));
        }
        _ => {
            let at = random.usize(..end);
            bytes.remove(at);
        }
    }
}

/// The status that a gate answers to bytes that may be no request; 0 if it closes without a word.
fn status(gate: &Gate, bytes: &[u8]) -> u16 {
    let mut stream = TcpStream::connect(gate.address()).unwrap();
    stream.set_read_timeout(Some(crate::support::time::PATIENCE)).unwrap();
    // it may answer before it has read everything
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(Shutdown::Write);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let text = String::from_utf8_lossy(&answer);
    text.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok()).unwrap_or(0)
}

/// The numbers of the requests that reached the store; every byte there belongs to one of them.
fn reached(upstream: &Upstream) -> BTreeSet<u64> {
    let seen = upstream.recording();
    assert!(seen.violations.is_empty(), "{:?}", seen.violations);
    let number = |target: &str| {
        let path = target.split('?').next()?;
        path.rsplit('/').next()?.parse().ok()
    };
    seen.requests.iter().filter_map(|request| number(&request.target)).collect()
}

#[test]
fn everything_that_is_forwarded_is_explained_by_a_naive_model() {
    let seed = seed();
    let mut random = Rng::with_seed(seed);
    let upstream = Upstream::ok();
    let gate = gate(&upstream);
    let (mut forwarded, mut explained) = (0, 0);
    for number in 0..requests() {
        let mut bytes = request(&mut random, number);
        let is_changed = random.bool();
        if is_changed {
            change(&mut random, &mut bytes);
        }
        let expected = model::explain(&bytes, now());
        let before = upstream.recording().requests.len();
        let status = status(&gate, &bytes);
        let came = upstream.recording().requests.len() > before;
        let shown = || {
            format!(
                "seed {seed}, request {number}: {status} {expected:?}\n{}",
                String::from_utf8_lossy(&bytes)
            )
        };
        // nothing that anybody sends is the gate's own fault; 505 is for another version of HTTP
        assert!(status < 500 || status == 505, "{}", shown());
        if came {
            assert!(expected.is_ok(), "forwarded, and nobody knows why: {}", shown());
            assert_eq!(status, 200, "{}", shown());
        } else {
            assert!(!(200..400).contains(&status), "{}", shown());
        }
        if !is_changed {
            assert_eq!(came, expected.is_ok(), "{}", shown());
        }
        forwarded += u64::from(came);
        explained += u64::from(expected.is_ok());
    }
    // the mix has to be one
    assert!(forwarded * 100 > requests() * 5 && forwarded * 100 < requests() * 60, "{forwarded} {explained}");
}

#[test]
fn no_byte_reaches_the_store_before_every_check() {
    let seed = seed();
    let upstream = Upstream::ok();
    let gate = gate(&upstream);
    let (expected, statuses): (Vec<BTreeSet<u64>>, Vec<usize>) = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..8_u64)
            .map(|client| {
                let gate = &gate;
                scope.spawn(move || {
                    let mut random = Rng::with_seed(seed ^ client);
                    let (mut expected, mut answers) = (BTreeSet::new(), 0);
                    let mut connection: Option<Client> = None;
                    for number in 0..100 {
                        let number = client * 1000 + number;
                        let bytes = request(&mut random, number);
                        if model::explain(&bytes, now()).is_ok() {
                            expected.insert(number);
                        }
                        let method = String::from_utf8_lossy(
                            &bytes[..bytes.iter().position(|byte| *byte == b' ').unwrap()],
                        )
                        .into_owned();
                        let mut open = connection.take().unwrap_or_else(|| Client::connect(gate.address()));
                        open.send(&bytes);
                        match open.try_response(&method) {
                            Ok(answer) => {
                                answers += 1;
                                let closes = answer.headers.get("connection") == Some("close");
                                connection = (!closes).then_some(open);
                            }
                            Err(broken) => panic!("{broken:?}"),
                        }
                    }
                    (expected, answers)
                })
            })
            .collect();
        clients.into_iter().map(|client| client.join().unwrap()).unzip()
    });
    assert_eq!(statuses.iter().sum::<usize>(), 800);
    let expected: BTreeSet<u64> = expected.into_iter().flatten().collect();
    assert_eq!(reached(&upstream), expected, "seed {seed}");
    assert_eq!(upstream.recording().requests.len(), expected.len(), "seed {seed}");
}

#[test]
fn an_expired_link_is_refused_by_the_weakest_gate() {
    for credentials in ["{ anonymous: true }", "{ passthrough: true }"] {
        let upstream = Upstream::ok();
        let config = Config {
            credentials: credentials.to_owned(),
            default: "pass",
            policy: r#"{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}"#.to_owned(),
            ..Config::resign(upstream.endpoint())
        };
        let gate = Gate::start(&config);
        let link = Request::get("/bkt/key").expires("60");
        gate.ask("GET", &link.clone().at(-61).presigned()).assert_error(403, "AccessDenied");
        upstream.assert_untouched();
        assert_eq!(gate.ask("GET", &link.at(-30).presigned()).status, 200);
    }
}

#[test]
fn a_link_that_ends_in_the_middle_of_a_download() {
    let latch = Latch::default();
    let steps = vec![
        Step::ReadBody,
        Step::Send(reply::head("200 OK", &[("Content-Length", "10")])),
        Step::Send(b"01234".to_vec()),
        Step::Wait(latch.clone()),
        Step::Send(b"56789".to_vec()),
    ];
    let upstream = Upstream::always(steps);
    let gate = Gate::start(&Config::resign(upstream.endpoint()));
    let link = Request::get("/bkt/key").expires("4");
    let mut client = Client::connect(gate.address());
    client.send(&link.presigned());
    drop(upstream.wait(|seen| !seen.requests.is_empty()));
    // it is over now, and what began goes on
    let rest = link.clone().unsigned("Range", "bytes=5-").presigned();
    // its last instant still belongs to it
    poll("the end of the link", || (now() > link.time + 4).then_some(()));
    gate.ask("GET", &rest).assert_error(403, "AccessDenied");
    latch.open();
    assert_eq!(client.response("GET").text(), "0123456789");
    assert_eq!(upstream.recording().requests.len(), 1);
}

#[test]
fn keys_of_every_byte_arrive_as_they_were_signed() {
    let upstream = Upstream::ok();
    let gate = Gate::start(&Config::resign(upstream.endpoint()));
    let endpoint = format!("http://{}", gate.address());
    let mut command = python::script("keys.py");
    command.args(["--gate", &endpoint, "--key", &format!("{}:{}", MAIN.id, MAIN.secret)]);
    let pairs: Vec<[String; 2]> = serde_json::from_str(&python::run(&mut command)).unwrap();
    assert!(pairs.len() > 400, "{}", pairs.len());
    let mut client = Client::connect(gate.address());
    for (number, [key, url]) in pairs.iter().enumerate() {
        let target = url.strip_prefix(&endpoint).unwrap();
        client.send(format!("GET {target} HTTP/1.1\r\nHost: {}\r\n\r\n", gate.address()).as_bytes());
        let answer = client.try_response("GET").unwrap_or_else(|broken: Broken| panic!("{key:?} {broken:?}"));
        assert_eq!(answer.status, 200, "{key:?} {url} {}", answer.text());
        let seen = upstream.recording().requests[number].target.clone();
        let path = seen.split('?').next().unwrap();
        assert_eq!(decode(path), format!("/bkt/{key}").into_bytes(), "{url} {seen}");
    }
}
