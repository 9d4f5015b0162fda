//! Clients that are slow, silent or many: each is given up in time, costs little, and nobody else notices.
//! It must not measure speed; the figures that it prints are worth seeing with `--no-capture`.

#![expect(clippy::print_stdout, reason = "the figures are worth seeing, with `--no-capture`")]

use crate::support::client::Client;
use crate::support::config::Config;
use crate::support::gate::{Gate, poll};
use crate::support::message::Broken;
use crate::support::reply;
use crate::support::request::Request;
use crate::support::time::{Deadline, Watch};
use crate::support::tls::Authority;
use crate::support::upstream::Upstream;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::Duration;

/// Raises the limit of open files of this process, and so of its children, as far as it may go; gives it.
fn open_files() -> usize {
    let limits = || {
        let output = Command::new("prlimit")
            .args(["--pid", &std::process::id().to_string(), "--nofile", "--noheadings", "--raw"])
            .args(["--output", "SOFT,HARD"])
            .output()
            .expect("prlimit");
        let text = String::from_utf8(output.stdout).unwrap();
        let mut numbers = text.split_whitespace().map(|limit| limit.parse().unwrap_or(usize::MAX));
        (numbers.next().expect("the soft limit"), numbers.next().expect("the hard limit"))
    };
    let (soft, hard) = limits();
    if soft < hard {
        let pid = std::process::id().to_string();
        let raised =
            Command::new("prlimit").args(["--pid", &pid, &format!("--nofile={hard}:{hard}")]).status();
        assert!(raised.expect("prlimit").success());
    }
    limits().0
}

/// The requests of other clients, which must go on as if nothing were.
struct Bystander<'g> {
    gate: &'g Gate,
    slowest: Duration,
    asked: usize,
}

impl<'g> Bystander<'g> {
    const fn new(gate: &'g Gate) -> Self {
        Self { gate, slowest: Duration::ZERO, asked: 0 }
    }

    #[track_caller]
    fn asks(&mut self) {
        let watch = Watch::start();
        let request = Request::get("/bkt/other.txt").unsigned("Connection", "close").presigned();
        assert_eq!(self.gate.ask("GET", &request).status, 200);
        self.slowest = self.slowest.max(watch.elapsed());
        self.asked += 1;
    }
}

impl Drop for Bystander<'_> {
    fn drop(&mut self) {
        println!("{} other requests, the slowest took {:?}", self.asked, self.slowest);
        if !std::thread::panicking() {
            assert!(
                self.asked > 0 && self.slowest < Duration::from_secs(5),
                "others waited {:?}",
                self.slowest
            );
        }
    }
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_nonblocking(true).unwrap();
    stream
}

/// What a connection that does not block has to say.
#[derive(PartialEq, Eq)]
enum State {
    Open,
    Closed,
}

/// Reads what is there, into `seen`.
fn look(stream: &mut TcpStream, seen: &mut Vec<u8>) -> State {
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return State::Closed,
            Ok(length) => seen.extend_from_slice(&buffer[..length]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return State::Open,
            Err(_) => return State::Closed,
        }
    }
}

#[test]
fn heads_in_single_bytes_end_at_the_deadline() {
    const LIMIT: Duration = Duration::from_secs(2);
    const CLIENTS: usize = 300;
    open_files();
    let upstream = Upstream::ok();
    let gate = Gate::start(&Config::resign(upstream.endpoint()).more("limits: { header_time: 2s }"));
    let mut bystander = Bystander::new(&gate);
    let bytes = Request::get("/bkt/key.txt").unsigned("X-Slow", &"a".repeat(10_000)).presigned();
    let mut crowd: Vec<_> = (0..CLIENTS).map(|_| (connect(gate.address()), Vec::new())).collect();
    let watch = Watch::start();
    let (mut sent, mut first, mut last) = (0, Duration::MAX, Duration::ZERO);
    while !crowd.is_empty() {
        assert!(watch.elapsed() < LIMIT * 3, "{} are still open", crowd.len());
        crowd.retain_mut(|(stream, seen)| {
            // whether it is still read from or not: the reader decides
            let _ = stream.write(&bytes[sent..=sent]);
            if look(stream, seen) == State::Open {
                return true;
            }
            let text = String::from_utf8_lossy(seen);
            assert!(
                text.starts_with("HTTP/1.1 400 ") && text.contains("<Code>RequestTimeout</Code>"),
                "{text:?}"
            );
            (first, last) = (first.min(watch.elapsed()), last.max(watch.elapsed()));
            false
        });
        sent += 1;
        bystander.asks();
        std::thread::park_timeout(Duration::from_millis(50));
    }
    println!("{CLIENTS} slow heads ended between {first:?} and {last:?}; the limit is {LIMIT:?}");
    assert!(first + Duration::from_millis(300) > LIMIT && last < LIMIT * 2);
    let upstream = upstream.recording();
    assert!(upstream.requests.iter().all(|request| request.path() == "/bkt/other.txt"));
}

#[test]
fn connections_without_a_request_end() {
    let upstream = Upstream::ok();
    let gate = Gate::start(&Config::resign(upstream.endpoint()).more("limits: { idle_time: 1s }"));
    let mut fresh = Client::connect(gate.address());
    let mut used = Client::connect(gate.address());
    used.send(&Request::get("/bkt/key.txt").presigned());
    assert_eq!(used.response("GET").status, 200);
    let watch = Watch::start();
    assert!(fresh.is_closed() && used.is_closed());
    let took = watch.elapsed();
    println!("idle connections ended after {took:?}");
    assert!((Duration::from_millis(500)..Duration::from_secs(3)).contains(&took), "{took:?}");
}

#[test]
fn uploads_that_stand_still_end() {
    let upstream = Upstream::ok();
    let gate = Gate::start(&Config::resign(upstream.endpoint()).more("limits: { client_time: 1s }"));
    let put = Request::new("PUT", "/bkt/key.txt");
    for (request, begun) in [
        (put.clone().unsigned("Content-Length", "1000000"), &b"some"[..]),
        (put.clone().unsigned("Content-Length", "1000000"), b""),
        (put.clone().unsigned("Transfer-Encoding", "chunked"), b"5\r\nhello\r\n5\r\nhel"),
        (put.unsigned("Transfer-Encoding", "chunked"), b"5\r\nhello\r\n0\r\n"),
    ] {
        let mut client = Client::connect(gate.address());
        client.send(&[&request.presigned(), begun].concat());
        let watch = Watch::start();
        assert!(matches!(client.try_response("PUT"), Err(Broken::Closed | Broken::Cut)));
        let took = watch.elapsed();
        println!("an upload that stands still ended after {took:?}");
        assert!((Duration::from_millis(500)..Duration::from_secs(4)).contains(&took), "{took:?}");
    }
    poll("the end of the uploads", || (upstream.recording().closed >= 4).then_some(()));
    upstream.assert_nothing_completed();
    let aborted = gate.metric("presign_gate_denied_total", &["reason=\"client_aborted\""]);
    assert!((aborted - 4.0).abs() < 0.5, "{aborted} were counted");
}

#[test]
fn readers_that_never_read_end_and_cost_little() {
    const CLIENTS: usize = 100;
    const LENGTH: u64 = 1 << 30;
    open_files();
    let upstream = Upstream::scripted(|request| match request.path() {
        "/bkt/large" => reply::pattern(LENGTH),
        _ => reply::ok("ok"),
    });
    let mut gate = Gate::start(&Config::resign(upstream.endpoint()).more("limits: { client_time: 2s }"));
    Bystander::new(&gate).asks();
    let before = gate.process().resident_kib();
    let watch = Watch::start();
    let crowd: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let mut stream = connect(gate.address());
            stream.write_all(&Request::get("/bkt/large").presigned()).unwrap();
            stream
        })
        .collect();
    let in_flight = |gate: &Gate| gate.metric("presign_gate_requests_in_flight", &[]);
    poll("all requests", || (upstream.recording().requests.len() > CLIENTS).then_some(()));
    let mut most = before;
    {
        let gate_pid = gate.process().id();
        let mut bystander = Bystander::new(&gate);
        poll("the end of the downloads", || {
            most = most.max(crate::support::gate::resident_kib(gate_pid));
            bystander.asks();
            (in_flight(&gate) < 0.5).then_some(())
        });
    }
    let took = watch.elapsed();
    let each = (most - before) / u64::try_from(CLIENTS).unwrap();
    println!("{CLIENTS} readers that never read ended after {took:?}; {each} KiB each, from {before} KiB");
    assert!((Duration::from_secs(1)..Duration::from_secs(12)).contains(&took), "{took:?}");
    assert!(each < 256, "{each} KiB for each reader that never reads");
    drop(crowd);
}

/// Opens as many idle connections as the limit of open files allows, up to ten thousand, each after `prepare`.
fn idle_crowd(prepare: impl Fn(&mut TcpStream)) {
    let many = 10_000.min((open_files() - 500) / 2);
    let upstream = Upstream::ok();
    let mut gate = Gate::start(&Config::resign(upstream.endpoint()).more("limits: { idle_time: 1h }"));
    Bystander::new(&gate).asks();
    let before = gate.process().resident_kib();
    let watch = Watch::start();
    let crowd: Vec<_> = (0..many)
        .map(|_| {
            let mut stream = TcpStream::connect(gate.address()).unwrap();
            prepare(&mut stream);
            stream
        })
        .collect();
    let listener = format!("listener=\"{}\"", gate.address());
    poll("all connections", || {
        let open = gate.metric("presign_gate_connections", &[&listener]);
        (open + 0.5 > f64::from(u32::try_from(many).unwrap())).then_some(())
    });
    let opened = watch.elapsed();
    // for a second after an answer a connection keeps the room that a request needs; it is idle from then on, and the
    // allocator gives memory back when it is next asked for some
    let pid = gate.process().id();
    let mut bystander = Bystander::new(&gate);
    let (after, each) = poll("less than 20 KiB for each idle connection", || {
        bystander.asks();
        let after = crate::support::gate::resident_kib(pid);
        let each = after.saturating_sub(before) * 1024 / u64::try_from(many).unwrap();
        (each < 20 * 1024).then_some((after, each))
    });
    println!(
        "{many} idle connections in {opened:?}: {each} bytes each, {before} KiB before and {after} KiB with them"
    );
    for _ in 0..50 {
        bystander.asks();
    }
    drop(crowd);
    poll("the end of all connections", || {
        (gate.metric("presign_gate_connections", &[&listener]) < 10.0).then_some(())
    });
}

#[test]
fn idle_connections_that_never_asked() {
    idle_crowd(|_| {});
}

#[test]
fn idle_connections_that_asked_once() {
    let request = Request::get("/bkt/key.txt").presigned();
    idle_crowd(|stream| {
        stream.write_all(&request).unwrap();
        let mut buffer = [0; 4096];
        let length = stream.read(&mut buffer).unwrap();
        assert!(buffer[..length].starts_with(b"HTTP/1.1 200 "));
    });
}

#[test]
fn handshakes_that_never_end_are_given_up() {
    let (authority, folder) = (Authority::new(), tempfile::tempdir().unwrap());
    let [chain, key] = authority.issue(&["s3.test"]).write(folder.path(), "tls");
    let upstream = Upstream::ok();
    let config = Config::resign(upstream.endpoint()).listener(format!(
        "tls: {{ certificate: {}, private_key: {} }}",
        chain.display(),
        key.display()
    ));
    let gate = Gate::start(&config);
    let mut half_hello = Client::connect(gate.address());
    half_hello.send(b"\x16\x03\x01\x02\x00\x01\x00\x01");
    let mut silent = Client::connect(gate.address());
    let watch = Watch::start();
    // others get through meanwhile
    let mut client = authority.dial("s3.test").connect(gate.address()).unwrap();
    client.send(&Request::get("/bkt/key.txt").presigned());
    assert_eq!(client.response("GET").status, 200);
    for waiting in [&mut half_hello, &mut silent] {
        waiting.extend(Deadline::after(Duration::from_secs(30)));
        assert!(waiting.is_closed());
    }
    let took = watch.elapsed();
    println!("handshakes that never end were given up after {took:?}");
    assert!(took < Duration::from_secs(15), "{took:?}");
}

#[test]
fn files_that_run_out_come_back() {
    const CLIENTS: usize = 1000;
    open_files();
    let upstream = Upstream::ok();
    let mut gate = Gate::start(&Config::resign(upstream.endpoint()));
    let id = gate.process().id().to_string();
    let limited = Command::new("prlimit").args(["--pid", &id, "--nofile=256:256"]).status();
    assert!(limited.expect("prlimit").success());
    let crowd: Vec<_> = (0..CLIENTS).map(|_| connect(gate.address())).collect();
    poll("files to run out", || gate.output().contains("Accept() failed").then_some(()));
    let (watch, before) = (Watch::start(), processor_time(&id));
    std::thread::park_timeout(Duration::from_secs(2));
    let busy = processor_time(&id).saturating_sub(before).as_secs_f64() / watch.elapsed().as_secs_f64();
    drop(crowd);
    let watch = Watch::start();
    poll("service", || {
        let mut client = Client::try_connect(gate.address()).ok()?;
        client.send(&Request::get("/bkt/key.txt").presigned());
        client.try_response("GET").ok().filter(|answer| answer.status == 200)
    });
    let took = watch.elapsed();
    println!(
        "without files the gate took {busy:.2} of a processor; {took:?} after they came back it served again"
    );
    assert!(busy < 0.5 && took < Duration::from_secs(5));
}

/// The processor time that a process took so far.
fn processor_time(id: &str) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
    let (_, rest) = stat.rsplit_once(") ").unwrap();
    let ticks: u64 = rest.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap()).sum();
    // USER_HZ is 100 wherever Linux runs
    Duration::from_millis(ticks * 10)
}

#[test]
fn forged_signatures_cost_others_little() {
    const FORGERS: usize = 4;
    const EACH: usize = 500;
    let upstream = Upstream::ok();
    let config = Config::resign(upstream.endpoint()).more("logs: { access: { path: \"-\", format: json } }");
    let gate = Gate::start(&config);
    let forged = |number: usize| {
        let text = String::from_utf8(Request::get("/bkt/key.txt").presigned()).unwrap();
        let at = text.find("X-Amz-Signature=").unwrap() + "X-Amz-Signature=".len();
        format!("{}{number:064x}{}", &text[..at], &text[at + 64..]).into_bytes()
    };
    let mut bystander = Bystander::new(&gate);
    std::thread::scope(|scope| {
        let forgers: Vec<_> = (0..FORGERS)
            .map(|forger| {
                let address = gate.address();
                scope.spawn(move || {
                    let mut client = Client::connect(address);
                    for number in 0..EACH {
                        client.send(&forged(forger * EACH + number));
                        assert_eq!(client.response("GET").status, 403);
                    }
                })
            })
            .collect();
        while forgers.iter().any(|forger| !forger.is_finished()) {
            bystander.asks();
        }
        bystander.asks();
    });
    let lines = || {
        let output = gate.output();
        let lines = output.lines().filter(|line| line.contains("\"event.reason\":\"wrong_signature\""));
        lines.map(str::len).collect::<Vec<_>>()
    };
    poll("a line for each", || (lines().len() >= FORGERS * EACH).then_some(()));
    assert_eq!(lines().len(), FORGERS * EACH);
    assert!(lines().into_iter().max() < Some(2048));
    assert!(upstream.recording().requests.iter().all(|request| request.path() == "/bkt/other.txt"));
}

#[test]
fn compressed_bodies_pass_as_they_are() {
    // a stream that would unpack to much more: gzip of zeros is almost all the same byte
    let packed = [&b"\x1f\x8b\x08\0\0\0\0\0\x02\x03"[..], &vec![0; 100_000]].concat();
    let answer = reply::message("200 OK", &[("Content-Encoding", "gzip")], &packed);
    let upstream = Upstream::always(reply::raw(answer));
    let gate = Gate::start(&Config::resign(upstream.endpoint()));
    let put = Request::put("/bkt/key.txt", &packed).unsigned("Content-Encoding", "gzip");
    let answer = gate.ask("PUT", &put.presigned());
    assert!(answer.status == 200 && answer.body == packed, "the answer was changed");
    let request = upstream.only_request();
    assert!(request.body == packed && request.headers.get("content-encoding") == Some("gzip"));
}
