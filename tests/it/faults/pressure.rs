//! More work than there is machine: readers, scrapers, forgers and neighbours that take what they get.
//! It must not measure speed: others have to be served in time, and what a crowd costs has to be bounded.

use super::clients::{descriptors_at_rest, nothing_is_left};
use super::{get, in_flight};
use crate::support::client::Client;
use crate::support::config::Config;
use crate::support::gate::{BINARY, Gate, Process, poll, resident_kib};
use crate::support::pattern;
use crate::support::reply;
use crate::support::request::Request;
use crate::support::time::{Deadline, Watch};
use crate::support::upstream::Upstream;
use std::fmt::Write as _;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::time::Duration;

/// What others may have to wait on a machine that is full.
const SOON: Duration = Duration::from_secs(5);

/// A connection whose system takes little ahead.
fn narrow(address: SocketAddr) -> TcpStream {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    let stream = runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(16_384).unwrap();
        socket.connect(address).await.expect("a connection").into_std().unwrap()
    });
    stream.set_nonblocking(false).unwrap();
    stream
}

/// F-10. Readers that never read are `hostile::readers_that_never_read_end_and_cost_little`; these read too much for a
/// deadline and too little to finish.
#[test]
fn two_hundred_slow_readers_cost_bounded_memory_and_others_are_served() {
    const READERS: usize = 200;
    // it takes a moment to make
    assert_eq!(pattern::bytes(1).len(), 1);
    let upstream = Upstream::scripted(|request| match request.path() {
        "/bkt/large" => reply::pattern(1 << 30),
        _ => reply::ok("ok"),
    });
    let mut gate = Gate::start(&Config::resign(upstream.endpoint()));
    assert_eq!(gate.ask("GET", &get("other")).status, 200);
    let (id, before, base) =
        (gate.process().id(), gate.process().resident_kib(), descriptors_at_rest(&mut gate));
    let mut readers: Vec<TcpStream> = (0..READERS)
        .map(|_| {
            let mut stream = narrow(gate.address());
            stream.write_all(&get("large")).unwrap();
            stream.set_nonblocking(true).unwrap();
            stream
        })
        .collect();
    drop(upstream.wait(|seen| seen.requests.len() > READERS));
    let (mut most, mut slowest, mut read) = (before, Duration::ZERO, 0);
    let end = Deadline::after(Duration::from_secs(2));
    while !end.passed() {
        for reader in &mut readers {
            let mut piece = [0; 4096];
            match reader.read(&mut piece) {
                Ok(length) => read += length,
                Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
            }
        }
        let watch = Watch::start();
        assert_eq!(gate.ask("GET", &get("other")).status, 200);
        slowest = slowest.max(watch.elapsed());
        most = most.max(resident_kib(id));
        std::thread::park_timeout(Duration::from_millis(20));
    }
    let each = (most - before) / u64::try_from(READERS).unwrap();
    println!(
        "{READERS} slow readers took {read} bytes and {each} KiB each; others waited {slowest:?} at most"
    );
    assert!(read > READERS * 1000 && each < 256, "{read} bytes, {each} KiB");
    assert!(slowest < SOON, "{slowest:?}");
    drop(readers);
    nothing_is_left(&mut gate, base);
}

/// Good requests, one after the other, until `ends`; gives their number and the longest that one took.
fn others(gate: &Gate, mut ends: impl FnMut() -> bool) -> (usize, Duration) {
    let (mut asked, mut slowest) = (0, Duration::ZERO);
    loop {
        let watch = Watch::start();
        assert_eq!(gate.ask("GET", &get("other")).status, 200);
        slowest = slowest.max(watch.elapsed());
        asked += 1;
        if ends() {
            return (asked, slowest);
        }
    }
}

/// F-24.
#[test]
fn scrapers_that_never_read_and_a_hundred_at_once_cost_the_data_path_nothing() {
    let upstream = Upstream::ok();
    let mut gate = Gate::start(&Config::resign(upstream.endpoint()));
    assert_eq!(gate.ask("GET", &get("other")).status, 200);
    let (before, base) = (gate.process().resident_kib(), descriptors_at_rest(&mut gate));
    let scrape = format!("GET /metrics HTTP/1.1\r\nHost: {}\r\n\r\n", gate.admin_address());
    // each asks for more pages than its line holds, and reads none
    let never: Vec<TcpStream> = (0..50)
        .map(|_| {
            let mut stream = narrow(gate.admin_address());
            stream.write_all(scrape.repeat(100).as_bytes()).unwrap();
            stream
        })
        .collect();
    let ((asked, slowest), pages) = std::thread::scope(|scope| {
        let scrapers: Vec<_> = (0..100)
            .map(|_| {
                let (address, scrape) = (gate.admin_address(), &scrape);
                scope.spawn(move || {
                    let answer = crate::support::client::ask(address, "GET", scrape.as_bytes());
                    assert_eq!(answer.status, 200);
                    answer.text().contains("presign_gate_build_info")
                })
            })
            .collect();
        let seen = others(&gate, || scrapers.iter().all(std::thread::ScopedJoinHandle::is_finished));
        (seen, scrapers.into_iter().map(|it| it.join().unwrap()).filter(|whole| *whole).count())
    });
    let grown = gate.process().resident_kib().saturating_sub(before);
    println!(
        "100 scrapes beside 50 that nobody reads: {asked} other requests, the slowest {slowest:?}; {grown} KiB more"
    );
    assert_eq!(pages, 100);
    assert!(slowest < SOON && grown < 64 * 1024, "{slowest:?} {grown} KiB");
    drop(never);
    nothing_is_left(&mut gate, base);
}

/// A program that does nothing but take the processor, seconds of it at most whatever becomes of this test.
fn busy() -> Process {
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -t 10; while :; do :; done"]).stdout(Stdio::null()).stderr(Stdio::null());
    Process::adopt(command.spawn().unwrap())
}

/// F-26.
#[test]
fn without_a_processor_deadlines_hold_and_nothing_expires_early() {
    const LIMIT: Duration = Duration::from_secs(1);
    let upstream = Upstream::ok();
    let mut nice = Command::new("nice");
    nice.args(["-n", "19", BINARY]);
    let config = Config::resign(upstream.endpoint()).more("limits: { header_time: 1s }");
    let gate = Gate::start_by(nice, |listener, admin| config.text(listener, admin));
    let _crowd: Vec<Process> = (0..8).map(|_| busy()).collect();
    let watch = Watch::start();
    let mut half = Client::connect(gate.address());
    half.send(b"GET /bkt/key HTTP/1.1\r\nHost: s3.te");
    // links with seconds left are good until then, and not after
    let (mut asked, mut slowest) = (0, Duration::ZERO);
    while watch.elapsed() < LIMIT * 2 {
        let one = Watch::start();
        let link = Request::get("/bkt/key").expires("6");
        assert_eq!(gate.ask("GET", &link.presigned()).status, 200);
        gate.ask("GET", &link.at(-7).presigned()).assert_error(403, "AccessDenied");
        asked += 2;
        slowest = slowest.max(one.elapsed());
    }
    let answer = half.response("GET");
    answer.assert_error(400, "RequestTimeout");
    assert!(half.is_closed());
    println!("{asked} requests beside 8 busy loops, the slowest two took {slowest:?}");
    assert!(slowest < SOON, "{slowest:?}");
    assert!(upstream.recording().requests.iter().all(|request| request.path() == "/bkt/key"));
}

/// F-29. Four forgers with two thousand requests are `hostile::forged_signatures_cost_others_little`; these send as
/// fast as they can, and what is written about them has a bound.
#[test]
fn a_flood_of_forged_signatures_fails_no_good_request_and_its_log_is_bounded() {
    const FORGERS: usize = 4;
    let upstream = Upstream::ok();
    let gate = Gate::start(&Config::resign(upstream.endpoint()).more("logs: { access: { path: \"-\" } }"));
    let text = String::from_utf8(get("key")).unwrap();
    let at = text.find("X-Amz-Signature=").unwrap() + "X-Amz-Signature=".len();
    let end = Deadline::after(Duration::from_secs(2));
    let ((asked, slowest), forged) = std::thread::scope(|scope| {
        let forgers: Vec<_> = (0..FORGERS)
            .map(|forger| {
                let (address, text) = (gate.address(), &text);
                scope.spawn(move || {
                    let mut client = Client::connect(address);
                    let mut count = 0_usize;
                    while !end.passed() {
                        // a pipeline of them, each with a signature of its own
                        let mut batch = String::new();
                        for number in 0..10 {
                            let number = forger * 10_000_000 + count + number;
                            write!(batch, "{}{number:064x}{}", &text[..at], &text[at + 64..]).unwrap();
                        }
                        client.send(batch.as_bytes());
                        for _ in 0..10 {
                            assert_eq!(client.response("GET").status, 403);
                        }
                        count += 10;
                    }
                    count
                })
            })
            .collect();
        let seen = others(&gate, || end.passed());
        (seen, forgers.into_iter().map(|forger| forger.join().unwrap()).sum::<usize>())
    });
    let whole = |value: usize| f64::from(u32::try_from(value).unwrap());
    // each is counted; each is a line, or counted as dropped
    poll("every forgery to be counted", || {
        let seen = gate.metric("presign_gate_denied_total", &["reason=\"wrong_signature\""]);
        (seen + 0.5 > whole(forged)).then_some(())
    });
    let dropped = gate.metric("presign_gate_log_dropped_total", &[]);
    let (lines, bytes) = poll("the lines", || {
        let output = gate.output();
        let lines = output.lines().filter(|line| line.contains("wrong_signature")).count();
        (whole(lines) + dropped + 0.5 > whole(forged)).then_some((lines, output.len()))
    });
    println!(
        "{forged} forged in 2 s, {asked} good ones beside them, the slowest {slowest:?}; {lines} lines, {} bytes each, {dropped} dropped",
        bytes / lines.max(1)
    );
    assert!(forged > 200 && asked > 2 && slowest < SOON, "{forged} {asked} {slowest:?}");
    assert!(bytes < (forged + asked) * 2048, "{bytes} bytes for {forged}");
    assert!(upstream.recording().requests.iter().all(|request| request.path() == "/bkt/other"));
    assert!(in_flight(&gate) < 0.5);
}
