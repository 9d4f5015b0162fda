//! Request smuggling through a real nginx and a real HAProxy in front of the gate: known payloads on the connections that
//! they share, and other clients who must get their own answers.
//! It must not judge the proxies: what they let through, whatever it is, must mean to the gate what it means to the store.

#![expect(clippy::print_stdout, reason = "who refused what is worth seeing, with `--no-capture`")]

mod fronts;
mod payloads;

use crate::support::client::Client;
use crate::support::config::Config;
use crate::support::gate::Gate;
use crate::support::reply;
use crate::support::request::Request;
use crate::support::upstream::Upstream;
use fronts::Front;
use payloads::Payload;
use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// For the answer to a payload; those that wait for more get none.
const MOMENT: Duration = Duration::from_millis(60);

/// A store that answers with the path that it was asked for.
fn store() -> Upstream {
    Upstream::scripted(|request| {
        let told = [("X-Store", "yes")];
        match request.method.as_str() {
            "HEAD" => reply::bare("200 OK", &[("Content-Length", "2"), ("X-Store", "yes")]),
            _ => reply::status("200 OK", &told, request.path()),
        }
    })
}

/// Sends a payload and leaves its connection open; gives who answered first.
fn attack(address: SocketAddr, bytes: &[u8]) -> (TcpStream, &'static str) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(MOMENT)).unwrap();
    // it may be refused before it is read
    let _ = stream.write_all(bytes);
    let mut seen = [0; 4096];
    let length = stream.read(&mut seen).unwrap_or(0);
    let text = String::from_utf8_lossy(&seen[..length]).to_ascii_lowercase();
    let who = if text.contains("x-store: yes") {
        "served"
    } else if text.contains("x-amz-request-id") {
        "gate"
    } else if text.contains("http/1.") {
        "front"
    } else {
        "nobody"
    };
    (stream, who)
}

/// Sends every payload through a front, each followed by two other clients.
#[track_caller]
fn try_all(front: impl FnOnce(SocketAddr) -> Front) {
    let upstream = store();
    let gate = Gate::start(&Config::resign(upstream.endpoint()));
    let front = front(gate.address());
    let mut tally: BTreeMap<&'static str, BTreeMap<&'static str, usize>> = BTreeMap::new();
    let all = payloads::all();
    for (number, Payload { family, name, bytes }) in all.iter().enumerate() {
        let (attacker, who) = attack(front.address(), bytes);
        *tally.entry(family).or_default().entry(who).or_default() += 1;
        for victim in 0..2 {
            let path = format!("/bkt/victim/{number}-{victim}");
            let mut client = Client::connect(front.address());
            client.send(&Request::get(&path).presigned());
            let answer = client.try_response("GET");
            let body = answer.as_ref().map(|answer| (answer.status, answer.text()));
            assert_eq!(body, Ok((200, path)), "{} after {family}: {name}\n{answer:?}", front.name);
        }
        drop(attacker);
    }
    let seen = upstream.recording();
    assert!(seen.violations.is_empty(), "{:?}", seen.violations);
    let mut victims = BTreeMap::new();
    for request in &seen.requests {
        let path = request.path();
        assert!(request.headers.has("authorization"), "{request:?}");
        if path.starts_with("/bkt/victim/") {
            assert_eq!((request.method.as_str(), request.body_length), ("GET", 0), "{request:?}");
            *victims.entry(path.to_owned()).or_insert(0) += 1;
        } else {
            assert!(payloads::SIGNED.contains(&path), "{}: nobody signed {request:?}", front.name);
        }
    }
    assert!(victims.len() == all.len() * 2 && victims.values().all(|count| *count == 1), "{victims:?}");
    println!("{}: {} payloads, {} requests at the store", front.name, all.len(), seen.requests.len());
    for (family, by) in tally {
        println!("  {family}: {by:?}");
    }
}

#[test]
fn nothing_is_smuggled_through_nginx() {
    try_all(|gate| Front::nginx(gate, ""));
}

#[test]
fn nothing_is_smuggled_through_an_nginx_that_passes_odd_headers_on() {
    try_all(|gate| Front::nginx(gate, "ignore_invalid_headers off; underscores_in_headers on;"));
}

#[test]
fn nothing_is_smuggled_through_haproxy() {
    try_all(|gate| Front::haproxy(gate, ""));
}

#[test]
fn nothing_is_smuggled_through_an_haproxy_that_accepts_what_is_invalid() {
    try_all(|gate| Front::haproxy(gate, "option accept-invalid-http-request"));
}

/// The attacks would show if something were there to show: the store alone, which reads as the gate does not have to.
#[test]
fn a_payload_that_gets_through_is_seen() {
    let upstream = store();
    let gate = Gate::start(&Config::resign(upstream.endpoint()));
    let (_attacker, who) = attack(gate.address(), &Request::get("/bkt/attacker").presigned());
    assert_eq!(who, "served");
    let (_attacker, who) = attack(gate.address(), payloads::INNER.as_bytes());
    assert_eq!(who, "gate");
    assert_eq!(upstream.recording().requests.len(), 1);
    assert!(payloads::all().len() > 150, "{}", payloads::all().len());
}
