//! Tests of the audit log on real files: what survives restarts, moves, crashes and full disks.
//! It must not look into the chain other than by reading it back.

use std::path::PathBuf;

use serde_json::Value as Json;
use tempfile::TempDir;

use super::chain::{Broken, Chain};
use super::output::Chained;
use super::verify::{Fault, Part, verify};
use super::*;
use crate::clock::ManualClock;
use crate::net::ListenerIndex;
use crate::telemetry::access::tests::{bare, full, identity};
use crate::telemetry::metrics::{Metrics, MetricsConfig};
use crate::telemetry::record::RequestRecord;

const SOON: Duration = Duration::from_secs(20);
const AT: UnixMillis = UnixMillis::from_millis(1_768_478_400_005);

struct Log {
    folder: TempDir,
}

impl Log {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Opens the log, records one event and closes it.
    fn run(&self, version: &str) {
        let dropped = Metrics::new(&MetricsConfig::default()).unwrap().log_dropped();
        let log = AuditLog::file(&self.path("a"), clock(), dropped).unwrap();
        log.record(AT, &Event::Started { version });
        assert!(log.flush(SOON));
        // the lock goes with the thread
        drop(log);
        let deadline = crate::clock::Stopwatch::start();
        while std::fs::File::open(self.path("a")).unwrap().try_lock().is_err() {
            assert!(deadline.elapsed() < SOON);
            std::thread::yield_now();
        }
    }

    fn lines(&self, name: &str) -> Vec<Json> {
        let text = std::fs::read_to_string(self.path(name)).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn kinds(&self, name: &str) -> Vec<String> {
        self.lines(name).iter().map(|line| line["kind"].as_str().unwrap().to_owned()).collect()
    }

    fn verify(&self, name: &str, before: Option<Chain>) -> Result<Part, Fault> {
        verify(&std::fs::read(self.path(name)).unwrap()[..], before)
    }
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(ManualClock::new(AT))
}

fn fault(found: Result<Part, Fault>) -> (u64, Broken) {
    match found.unwrap_err() {
        Fault::Line { line, broken } => (line, broken),
        Fault::Io(error) => panic!("{error}"),
    }
}

fn body(event: &Event<'_>) -> Json {
    let body = event.body(AT);
    serde_json::from_str(&format!("{{{}}}", String::from_utf8(body).unwrap())).unwrap()
}

#[test]
fn events_have_these_fields() {
    let by = Actor::Admin(Some("10.0.0.7".parse().unwrap()));
    for (event, expected) in [
        (Event::Started { version: "1.2.3" }, r#"{"kind":"started","service.version":"1.2.3"}"#),
        (Event::Reloaded { by: Actor::Signal }, r#"{"kind":"reloaded","presign_gate.by":"signal"}"#),
        (
            Event::ReloadRefused { by: Actor::File, error: "gate.yaml:3:1: error: \"x\"" },
            r#"{"kind":"reload_refused","presign_gate.by":"file","error.message":"gate.yaml:3:1: error: \"x\""}"#,
        ),
        (
            Event::Revoked {
                id: "r1",
                what: "link https://h/b/k?X-Amz-Signature=5ec4e7&x",
                lapses: Some(AT),
                by,
            },
            r#"{"kind":"revoked","presign_gate.by":"admin","source.ip":"10.0.0.7",
                "presign_gate.revocation.id":"r1",
                "presign_gate.revocation.of":"link https://h/b/k?X-Amz-Signature=REDACTED&x",
                "presign_gate.revocation.lapses":"2026-01-15T12:00:00.005Z"}"#,
        ),
        (
            Event::RevocationLifted { id: "r1", by: Actor::Admin(None) },
            r#"{"kind":"revocation_lifted","presign_gate.by":"admin","presign_gate.revocation.id":"r1"}"#,
        ),
        (
            Event::Credential {
                access_key_id: "AKID",
                principal: Some("arn:x"),
                change: CredentialChange::Retired,
            },
            r#"{"kind":"credential_retired","presign_gate.credential.id":"AKID","user.id":"arn:x"}"#,
        ),
    ] {
        let mut expected: Json = serde_json::from_str(expected).unwrap();
        expected["@timestamp"] = "2026-01-15T12:00:00.005Z".into();
        assert_eq!(body(&event), expected);
    }
}

#[test]
fn a_refusal_has_the_fields_of_the_access_log() {
    let (identity, counted) = (identity(), RequestRecord::new(ListenerIndex(0)));
    let line = body(&Event::Denied(&full(&identity, &counted)));
    assert_eq!((&line["kind"], &line["presign_gate.decision"]), (&"denied".into(), &"deny".into()));
    assert_eq!(
        (&line["client.ip"], &line["url.path"]),
        (&"203.0.113.7".into(), &"/reports/2026/a%20b.pdf".into())
    );
    assert!(!line.to_string().contains("5ec4e7"), "{line}");
    assert_eq!(body(&Event::Denied(&bare(&counted)))["kind"], "denied");
}

#[test]
fn the_chain_goes_on_after_a_restart() {
    let log = Log::new();
    for version in ["1", "2", "3"] {
        log.run(version);
    }
    let part = log.verify("a", None).unwrap();
    assert_eq!((part.lines, part.first, part.last.seq), (3, Some(1), 3));
    assert_eq!(log.lines("a")[2]["service.version"], "3");
}

#[test]
fn the_chain_goes_on_in_a_new_file() {
    let log = Log::new();
    log.run("1");
    std::fs::rename(log.path("a"), log.path("a.1")).unwrap();
    log.run("2");
    // nobody was there to see the move: a new chain, and that shows
    assert_eq!(
        fault(log.verify("a", Some(log.verify("a.1", None).unwrap().last))).1,
        Broken::Seq { expected: 2, found: 1 }
    );

    let mut chained = Chained::open(&log.path("a"), clock()).unwrap();
    std::fs::rename(log.path("a"), log.path("a.2")).unwrap();
    chained.write(&Lines::default(), 0).unwrap();
    drop(chained);
    log.run("3");
    let before = log.verify("a.2", None).unwrap().last;
    assert_eq!(log.verify("a", Some(before)).unwrap().last.seq, 3);
    assert_eq!(log.kinds("a"), ["continued", "started"]);
}

#[test]
fn what_is_lost_is_marked_and_does_not_break_the_chain() {
    let log = Log::new();
    let mut chained = Chained::open(&log.path("a"), clock()).unwrap();
    let mut send = |lost, bodies: &[&str], written: bool| {
        let mut lines = Lines::default();
        for body in bodies {
            lines.push(body.as_bytes());
        }
        if written {
            chained.write(&lines, lost).unwrap();
        } else {
            assert!(!chained.batch(&lines, lost).is_empty());
        }
    };
    send(0, &["\"kind\":\"one\""], true);
    // a batch that the disk did not take
    send(0, &["\"kind\":\"two\"", "\"kind\":\"three\""], false);
    send(2, &["\"kind\":\"four\""], true);
    assert_eq!(log.kinds("a"), ["one", "dropped", "four"]);
    assert_eq!(log.lines("a")[1]["presign_gate.audit.dropped"], 2);
    assert_eq!(log.verify("a", None).unwrap().lines, 3);
}

#[test]
fn a_chain_that_is_handed_over_goes_on_and_comes_back() {
    let log = Log::new();
    let mut old = Chained::open(&log.path("a"), clock()).unwrap();
    let add = |chained: &mut Chained, kind: &str| {
        let mut lines = Lines::default();
        lines.push(format!("\"kind\":\"{kind}\"").as_bytes());
        chained.write(&lines, 0).is_ok()
    };
    assert!(add(&mut old, "one"));
    assert!(matches!(Chained::open(&log.path("a"), clock()), Err(OpenError::Locked(_))));
    old.release(true);
    assert!(!add(&mut old, "lost"), "the file is another's now");
    let mut new = Chained::open(&log.path("a"), clock()).unwrap();
    assert!(add(&mut new, "two"));
    old.release(false);
    assert!(!add(&mut old, "lost"), "the other has it still");
    drop(new);
    old.release(false);
    assert!(add(&mut old, "three"));
    assert_eq!(log.kinds("a"), ["one", "two", "three"]);
    assert_eq!(log.verify("a", None).unwrap().lines, 3);
}

#[test]
fn a_line_that_a_crash_cut_off_is_kept_and_does_not_break_the_chain() {
    let log = Log::new();
    log.run("1");
    let mut file = std::fs::OpenOptions::new().append(true).open(log.path("a")).unwrap();
    std::io::Write::write_all(&mut file, b"{\"seq\":2,\"prev\":\"00").unwrap();
    assert_eq!(fault(log.verify("a", None)), (2, Broken::Torn));
    log.run("2");
    assert_eq!(log.kinds("a"), ["started", "recovered", "started"]);
    assert_eq!(log.lines("a")[1]["presign_gate.audit.cut_off"], "{\"seq\":2,\"prev\":\"00");
    assert_eq!(log.verify("a", None).unwrap().last.seq, 3);
    // nothing but a piece of a line
    std::fs::write(log.path("a"), "{\"seq\"").unwrap();
    log.run("3");
    assert_eq!(log.kinds("a"), ["recovered", "started"]);
}

#[test]
fn long_lines_are_found_at_the_end() {
    let log = Log::new();
    for length in [10, 64 * 1024, 200_000] {
        log.run(&"v".repeat(length));
    }
    assert_eq!(log.verify("a", None).unwrap().last.seq, 3);
}

#[test]
fn what_cannot_be_continued_is_refused() {
    let log = Log::new();
    log.run("1");
    let open = |name| Chained::open(&log.path(name), clock());
    let held = open("a").unwrap();
    assert!(matches!(open("a"), Err(OpenError::Locked(path)) if path == log.path("a")));
    drop(held);
    let text = std::fs::read_to_string(log.path("a")).unwrap();
    for (bad, expected) in [
        (text.replace("\"1\"", "\"2\""), Broken::Hash),
        ("hello\n".to_owned(), Broken::Form),
        (text.clone() + "\n", Broken::Form),
    ] {
        std::fs::write(log.path("a"), bad).unwrap();
        assert!(
            matches!(open("a"), Err(OpenError::Broken { error, .. }) if error == expected),
            "{expected:?}"
        );
    }
    assert!(matches!(Chained::open(log.folder.path(), clock()), Err(OpenError::Io(_))));
}

#[test]
fn verifying_tells_the_first_line_that_is_wrong() {
    let log = Log::new();
    for version in ["1", "2", "3"] {
        log.run(version);
    }
    let text = std::fs::read_to_string(log.path("a")).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let check = |text: String, expected| {
        std::fs::write(log.path("b"), text).unwrap();
        assert_eq!(fault(log.verify("b", None)), expected);
    };
    check(text.replace("\"2\"", "\"9\""), (2, Broken::Hash));
    check([lines[0], lines[2]].join("\n") + "\n", (2, Broken::Seq { expected: 2, found: 3 }));
    check(format!("{text}{}\n", lines[0]), (4, Broken::Seq { expected: 4, found: 1 }));
    // the tail of a chain is one, an empty file too
    std::fs::write(log.path("b"), format!("{}\n{}\n", lines[1], lines[2])).unwrap();
    assert_eq!(log.verify("b", None).unwrap().first, Some(2));
    std::fs::write(log.path("b"), "").unwrap();
    assert_eq!(log.verify("b", None).unwrap().lines, 0);
}
