//! Clocks that step while the gate runs, as NTP, suspended machines and mistaken hands let them.
//! It must not test the rules of expiry themselves; tables beside the code do.

use crate::support::client::Client;
use crate::support::config::Config;
use crate::support::gate::{BINARY, Gate, poll};
use crate::support::request::Request;
use crate::support::time::{now, seconds};
use crate::support::upstream::Upstream;
use std::path::PathBuf;
use std::process::Command;
use tempfile::TempDir;

/// Where Debian's `libfaketime` is; the folder is named after the machine.
#[track_caller]
fn library() -> PathBuf {
    let places = std::fs::read_dir("/usr/lib").unwrap().flatten();
    let found =
        places.map(|place| place.path().join("faketime/libfaketimeMT.so.1")).find(|path| path.exists());
    found.expect("libfaketime, which `make test` installs")
}

/// A gate whose wall clock stands where a file says, in seconds from the true one. Deadlines use another clock, as they
/// do on a machine whose clock is set.
struct Clock {
    folder: TempDir,
}

impl Clock {
    fn new() -> Self {
        let clock = Self { folder: tempfile::tempdir().unwrap() };
        clock.step(0);
        clock
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("offset")
    }

    /// Sets the clock, all at once.
    fn step(&self, offset: i64) {
        let new = self.folder.path().join("new");
        std::fs::write(&new, format!("{offset:+}")).unwrap();
        std::fs::rename(new, self.path()).unwrap();
    }

    fn start(&self, config: &Config) -> Gate {
        let mut command = Command::new(BINARY);
        command.env("LD_PRELOAD", library()).env("FAKETIME_TIMESTAMP_FILE", self.path());
        command
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .env("DONT_FAKE_MONOTONIC", "1");
        Gate::start_by(command, |listener, admin| config.text(listener, admin))
    }
}

fn at(date: &str) -> i64 {
    seconds(date).unwrap() - now()
}

/// The gate's own idea of the time, from what it answers.
fn shown(gate: &Gate) -> i64 {
    let answer = gate.ask("GET", b"GET /bkt/key HTTP/1.1\r\nHost: s3.test\r\n\r\n");
    http_date(answer.headers.get("date").expect("a date"))
}

/// `Tue, 19 Jan 2038 03:14:07 GMT`
fn http_date(text: &str) -> i64 {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let words: Vec<&str> = text.split(' ').collect();
    let [_, day, month, year, time, "GMT"] = words.as_slice() else { panic!("{text}") };
    let month = MONTHS.iter().position(|name| name == month).unwrap() + 1;
    seconds(&format!("{year}{month:02}{day}T{}Z", time.replace(':', ""))).expect("a date")
}

/// F-21 and the attack case EXP-16.
#[test]
fn a_clock_that_steps_decides_by_what_it_shows_then_and_nothing_panics() {
    const LIFETIME: i64 = 900;
    const SKEW: i64 = 900;
    let upstream = Upstream::ok();
    let clock = Clock::new();
    let mut gate = clock.start(&Config::resign(upstream.endpoint()));
    // signed at the true time, and asked for after each step, over a connection that is older than all of them
    let link =
        |at: i64| Request { time: now() + at, ..Request::get("/bkt/key").expires(&LIFETIME.to_string()) };
    let mut client = Client::connect(gate.address());
    let mut status = |request: &Request| {
        client.send(&request.presigned());
        client.response("GET").status
    };
    let old = link(0);
    let last_second = at("20380119T031407Z");
    let mut tried = 0;
    for offset in [
        0,
        -3600,
        0,
        8 * 86_400,
        -3600,
        last_second,
        last_second + 1,
        last_second + 60,
        -60,
        at("21060207T062816Z"),
        at("99991231T000000Z"),
        0,
        at("19700101T000100Z"),
        0,
    ] {
        clock.step(offset);
        let seen = shown(&gate) - now();
        assert!((seen - offset).abs() <= 1, "the clock shows {seen} instead of {offset}");
        // the reference: what S3's rules say at the time that is shown
        let valid = |request: &Request| {
            let age = now() + offset - request.time;
            (-SKEW..LIFETIME).contains(&age)
        };
        let edges =
            [offset - LIFETIME + 3, offset - LIFETIME - 3, offset + SKEW - 3, offset + SKEW + 3, offset];
        // dates have four digits, and begin with 1970
        let dated = edges.iter().filter(|edge| (0..=253_402_300_799).contains(&(now() + **edge)));
        for request in std::iter::once(old.clone()).chain(dated.map(|edge| link(*edge))) {
            let expected = valid(&request);
            let seen = status(&request);
            assert_eq!(seen == 200, expected, "{offset}: a link signed at {} got {seen}", request.time);
            assert!(matches!(seen, 200 | 400 | 403), "{seen}");
            tried += 1;
        }
        assert_eq!(gate.admin("GET", "/livez").status, 200);
    }
    println!("{tried} links at 14 positions of the clock");
    let output = gate.output();
    assert!(!output.contains("panicked"), "{output}");
    // it still serves, reloads and ends
    assert_eq!(gate.reload().status, 200);
    assert_eq!(status(&link(0)), 200);
    gate.process().signal("TERM");
    assert_eq!(gate.process().wait().code(), Some(0));
}

/// F-21: a link that was used up and forgotten while the clock was ahead is not new when the clock comes back. The store
/// in memory has a test beside it; Redis forgets by its own clock.
#[test]
fn a_clock_that_runs_ahead_and_comes_back_gives_no_use_again() {
    let upstream = Upstream::ok();
    let clock = Clock::new();
    let gate = clock.start(
        &Config::resign(upstream.endpoint())
            .more("expose_reasons: true")
            .more("links: { store: { redb: links.redb }, grace: 0s }"),
    );
    let link = |key: &str| Request::get(key).query("x-gate-max-uses", "1").expires("900");
    let reason = |request: &Request| {
        let answer = gate.ask("GET", &request.presigned());
        (answer.status, answer.headers.get("x-gate-reason").map(str::to_owned))
    };
    let tracked = || gate.metric("presign_gate_links_tracked", &[]);
    let used = link("/bkt/once");
    assert_eq!(reason(&used), (200, None));
    assert_eq!(reason(&used), (403, Some("link_max_uses".to_owned())));
    poll("the link to be known", || (tracked() >= 1.0).then_some(()));
    clock.step(8 * 86_400);
    poll("the link to be forgotten", || (tracked() < 0.5).then_some(()));
    clock.step(0);
    assert_eq!(reason(&used), (503, Some("link_store".to_owned())));
    // one that ends later than whatever was forgotten is as good as any
    assert_eq!(reason(&link("/bkt/later").expires("1000")), (200, None));
    assert_eq!(upstream.recording().requests.len(), 2);
}
