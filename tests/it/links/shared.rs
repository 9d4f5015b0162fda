//! Several gates and one Redis: uses are exact whoever asks where, and whoever dies in the middle.
//! It must not wait for leases; the machine is tested for those.

use super::*;
use crate::support::ports;
use crate::support::recorded::Recording;
use crate::support::redis::RedisServer;
use crate::support::reply::Latch;
use crate::support::time::PATIENCE;
use crate::support::tls::Authority;
use std::collections::HashSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::sync::{Arc, Barrier};

/// Sends a link from many clients at once; gives the statuses.
fn rush(gates: &[&Gate], request: &Request, clients: usize) -> Vec<u16> {
    let barrier = Arc::new(Barrier::new(clients));
    let threads: Vec<_> = (0..clients)
        .map(|number| {
            let (barrier, address) = (Arc::clone(&barrier), gates[number % gates.len()].address());
            let bytes = from(&format!("10.0.{number}.1"), request);
            std::thread::spawn(move || {
                let mut client = Client::connect(address);
                barrier.wait();
                client.send(&bytes);
                client.response("GET").status
            })
        })
        .collect();
    threads.into_iter().map(|thread| thread.join().unwrap()).collect()
}

fn count(statuses: &[u16], status: u16) -> usize {
    statuses.iter().filter(|seen| **seen == status).count()
}

#[test]
fn many_clients_at_two_gates_share_the_uses_exactly() {
    let server = RedisServer::start(&[]);
    for (uses, grace) in [(1, "30s"), (1, "0s"), (7, "30s")] {
        let (upstream, one) = start(&server.links(&format!(", grace: {grace}")));
        let other = gate_over(&upstream, &server.links(&format!(", grace: {grace}")));
        let request = link("GET", &[("x-gate-max-uses", &uses.to_string()), ("x-note", grace)]);
        let statuses = rush(&[&one, &other], &request, 64);
        assert_eq!((count(&statuses, 200), count(&statuses, 403)), (uses, 64 - uses), "{statuses:?}");
        let delivered = upstream.recording().requests.len();
        assert_eq!(delivered, uses, "nothing but the uses reached the store");
    }
}

/// A Redis that speaks nothing but TLS.
fn with_tls(authority: &Authority) -> (RedisServer, String) {
    let folder = tempfile::tempdir().unwrap();
    let [certificate, key] = authority.issue(&["localhost"]).write(folder.path(), "redis");
    let tls = ports::reserve();
    let port = tls.address.port().to_string();
    let (certificate, key) = (certificate.display().to_string(), key.display().to_string());
    let server = RedisServer::start(&[
        "--tls-port",
        &port,
        "--tls-cert-file",
        &certificate,
        "--tls-key-file",
        &key,
        "--tls-auth-clients",
        "no",
    ]);
    (server, format!("rediss://localhost:{port}/0"))
}

#[test]
fn a_redis_behind_tls_is_the_one_that_was_meant() {
    let (ours, other) = (Authority::new(), Authority::new());
    let folder = tempfile::tempdir().unwrap();
    let (_server, url) = with_tls(&ours);
    for (name, authority, well) in
        [("ours.pem", Some(&ours), true), ("other.pem", Some(&other), false), ("", None, false)]
    {
        let ca = authority.map_or_else(String::new, |authority| {
            let path = folder.path().join(name);
            crate::support::private_file(&path, &authority.certificate);
            format!(", ca: {}", path.display())
        });
        let (_upstream, gate) = start(&format!("{{ store: {{ redis: \"{url}\"{ca} }}, grace: 0s }}"));
        let request = link("GET", &[("x-gate-max-uses", "1"), ("x-note", name)]);
        if well {
            assert_eq!(ask(&gate, "10.0.0.1", &request).status, 200, "{name}");
            refused(&comes_to(&gate, "10.0.0.1", &request, 403), 403, "link_max_uses");
        } else {
            refused(&ask(&gate, "10.0.0.1", &request), 503, "link_store");
            assert_eq!(gate.admin("GET", "/readyz").status, 503);
        }
    }
}

/// What a Redis is asked from now on, a line each.
fn monitor(server: &RedisServer) -> BufReader<TcpStream> {
    let mut socket = TcpStream::connect(server.address()).unwrap();
    socket.write_all(b"MONITOR\r\n").unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut lines = BufReader::new(socket);
    let mut first = String::new();
    lines.read_line(&mut first).unwrap();
    assert_eq!(first, "+OK\r\n");
    lines
}

#[test]
fn a_request_asks_a_redis_once_and_without_state_never() {
    let server = RedisServer::start(&[]);
    let (_upstream, gate) = start(&server.links(", grace: 0s"));
    // the first one brings the script along
    assert_eq!(ask(&gate, "10.0.0.1", &link("GET", &[("x-gate-max-uses", "3")])).status, 200);
    let mut lines = monitor(&server);
    for _ in 0..10 {
        let plain = link("GET", &[("x-note", "plain"), ("x-gate-source-ip", "10.0.0.0/8")]);
        assert_eq!(ask(&gate, "10.0.0.1", &plain).status, 200);
        let counted = link("GET", &[("x-gate-max-uses", "1000"), ("x-gate-pin", "net")]);
        assert_eq!(ask(&gate, "10.0.0.1", &counted).status, 200);
    }
    let last = link("GET", &[("x-gate-max-uses", "2")]);
    assert_eq!(ask(&gate, "10.0.0.1", &last).status, 200);
    // what is waited for; notes about the end of a request are not, and scripts ask for no more
    let (mut waited, mut names) = (0, HashSet::new());
    while names.len() < 2 {
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        if let Some((_, name)) = line.split_once("\"presign-gate:link:{")
            && !line.contains(" lua]")
            && line.contains("\"reserve\"")
        {
            waited += 1;
            names.insert(name[..32].to_owned());
        }
    }
    assert_eq!(waited, 11);
}

#[test]
fn bytes_are_shared_exactly_too() {
    let server = RedisServer::start(&[]);
    let (upstream, one) = start(&server.links(""));
    let other = gate_over(&upstream, &server.links(""));
    let request = link("GET", &[("x-gate-max-bytes", "5500")]);
    let statuses = rush(&[&one, &other], &request, 24);
    assert_eq!(count(&statuses, 200), 5, "{statuses:?}");
}

#[test]
fn a_use_is_not_lost_with_its_gate() {
    let server = RedisServer::start(&[]);
    let latch = Latch::default();
    let head = reply::head("200 OK", &[("Content-Length", "1000")]);
    let upstream = slowly(vec![
        Step::Send(head),
        Step::Send(object()[..999].to_vec()),
        Step::Wait(latch.clone()),
        Step::Send(object()[999..].to_vec()),
    ]);
    let mut dying = gate_over(&upstream, &server.links(""));
    let other = gate_over(&upstream, &server.links(""));
    let request = link("GET", &[("x-gate-max-uses", "1")]);
    let mut client = Client::connect(dying.address());
    client.send(&from("10.0.0.1", &request));
    drop(upstream.wait(|seen| seen.requests.len() == 1));
    dying.process().signal("KILL");
    dying.process().wait();
    latch.open();
    // nobody knows how much arrived: it counts
    refused(&ask(&other, "10.0.0.2", &request), 403, "link_max_uses");
}

#[test]
fn a_use_is_not_lost_with_a_file_store() {
    let folder = tempfile::tempdir().unwrap();
    let store = format!("{{ store: {{ redb: {} }} }}", folder.path().join("links.redb").display());
    let (upstream, mut gate) = start(&store);
    let spent = link("GET", &[("x-gate-max-uses", "1"), ("x-note", "spent")]);
    let half = link("GET", &[("x-gate-max-uses", "2"), ("x-note", "half")]);
    assert_eq!(ask(&gate, "10.0.0.1", &spent).status, 200);
    assert_eq!(ask(&gate, "10.0.0.1", &half).status, 200);
    gate.process().signal("KILL");
    gate.process().wait();
    let gate = gate_over(&upstream, &store);
    refused(&ask(&gate, "10.0.0.2", &spent), 403, "link_max_uses");
    assert_eq!(ask(&gate, "10.0.0.2", &half).status, 200);
    refused(&ask(&gate, "10.0.0.3", &half), 403, "link_max_uses");
}

#[test]
fn uses_are_exact_when_redis_is_killed_in_the_middle() {
    let mut server = RedisServer::start(&[]);
    let (upstream, one) = start(&server.links(", grace: 0s"));
    let other = gate_over(&upstream, &server.links(", grace: 0s"));
    let request = link("GET", &[("x-gate-max-uses", "20")]);
    let look = link("HEAD", &[("x-gate-max-uses", "1")]);
    let gets = |seen: &Recording| seen.requests.iter().filter(|seen| seen.method == "GET").count();
    let mut delivered = 0;
    for round in 1..4 {
        // a server that has just started may still read what it wrote down
        for gate in [&one, &other] {
            comes_to(gate, "10.9.0.2", &look, 200);
        }
        let statuses = std::thread::scope(|scope| {
            let clients = scope.spawn(|| rush(&[&one, &other], &request, 12));
            // some were served in this round, others are on their way
            drop(upstream.wait(|seen| gets(seen) > delivered));
            server.kill_and_start();
            clients.join().unwrap()
        });
        delivered += count(&statuses, 200);
        assert!(delivered <= 20 && delivered >= round, "{delivered} {statuses:?}");
        if delivered > 8 {
            break;
        }
    }
    // what is left is there for whoever comes, and not one more
    while delivered < 20 {
        comes_to(&one, "10.9.0.1", &request, 200);
        delivered += 1;
    }
    comes_to(&other, "10.9.0.1", &request, 403);
    assert_eq!(gets(&upstream.recording()), 20);
}
