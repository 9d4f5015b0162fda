//! How many instructions it takes to read, judge and write down a request, counted by valgrind: the same on every machine
//! and under any load. `instructions.txt` has the numbers; a change that moves one by more than a tenth has to say so there.

use super::scene::{NOW, altered, facts, link, snapshot, uniform, unknown};
use super::served;
use presign_gate::auth::keyring::Asked;
use presign_gate::config::model::LogFormat;
use presign_gate::net::ConnFacts;
use presign_gate::pipeline::{Verdict, decide};
use presign_gate::request::head;
use presign_gate::snapshot::Snapshot;
use presign_gate::telemetry::access::{AccessRecord, push_line};
use std::process::Command;

const STATED: &str = include_str!("instructions.txt");

/// What a loop over a thousand numbers takes at most if the compiler has optimised it.
const OPTIMISED: u64 = 12_000;

#[inline(never)]
fn counted_link(snapshot: &Snapshot, facts: &ConnFacts, bytes: &[u8], forwarded: bool) {
    let request = head::parse(bytes).unwrap();
    let outcome = decide(snapshot, facts, &request, None, Asked::Nobody, NOW);
    assert_eq!(matches!(outcome.verdict, Verdict::Forward(_)), forwarded);
}

fn refuse(snapshot: &Snapshot, facts: &ConnFacts, bytes: &[u8]) {
    let request = head::parse(bytes).unwrap();
    let outcome = decide(snapshot, facts, &request, None, Asked::Nobody, NOW);
    assert!(matches!(outcome.verdict, Verdict::Answer(_)));
}

#[inline(never)]
fn counted_refusal(snapshot: &Snapshot, facts: &ConnFacts, bytes: &[u8]) {
    refuse(snapshot, facts, bytes);
}

/// This and the next are what the answer does not tell apart.
#[inline(never)]
fn counted_wrong(snapshot: &Snapshot, facts: &ConnFacts, bytes: &[u8]) {
    refuse(snapshot, facts, bytes);
}

#[inline(never)]
fn counted_unknown(snapshot: &Snapshot, facts: &ConnFacts, bytes: &[u8]) {
    refuse(snapshot, facts, bytes);
}

/// Writes the line of the access log for a link that was served.
#[inline(never)]
fn counted_line(record: &AccessRecord<'_>, out: &mut Vec<u8>) {
    out.clear();
    push_line(LogFormat::Json, record, out);
}

#[inline(never)]
fn counted_loop(numbers: &[u64]) -> u64 {
    numbers.iter().filter(|number| **number % 3 == 0).map(|number| number ^ 5).sum()
}

/// What valgrind runs; each part once before it is counted, so that keys are known.
#[test]
fn subject() {
    let (snapshot, bytes) = (snapshot(), link());
    let (here, elsewhere) = (facts("127.0.0.1:5000"), facts("192.0.2.1:5000"));
    let request = head::parse(&bytes).unwrap();
    assert!(matches!(
        decide(&snapshot, &here, &request, None, Asked::Nobody, NOW).verdict,
        Verdict::Forward(_)
    ));
    counted_link(&snapshot, &here, &bytes, true);
    counted_refusal(&snapshot, &elsewhere, &bytes);
    let (snapshot, wrong, unknown) = (uniform(), altered(0), unknown());
    for bytes in [&wrong, &unknown] {
        refuse(&snapshot, &here, bytes);
    }
    counted_wrong(&snapshot, &here, &wrong);
    counted_unknown(&snapshot, &here, &unknown);
    let counted = served::counted();
    let mut line = Vec::with_capacity(2048);
    counted_line(&served::record(&counted), &mut line);
    assert!(line.ends_with(b"}\n"));
    let numbers: Vec<u64> = (0..1000).collect();
    assert!(counted_loop(&numbers) > 0);
}

/// The instructions between entering and leaving a function of this file.
fn count(function: &str) -> u64 {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("counts");
    let run = Command::new("valgrind")
        .args(["--tool=callgrind", "--dump-line=no", "--collect-atstart=no"])
        .arg(format!("--toggle-collect=*instructions::{function}*"))
        .arg(format!("--callgrind-out-file={}", file.display()))
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "instructions::subject"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stderr).into_owned();
    assert!(run.status.success(), "{said}");
    let counts = std::fs::read_to_string(&file).unwrap();
    let total = counts.lines().find_map(|line| line.strip_prefix("totals: ")).unwrap();
    let total = total.trim().parse().unwrap();
    assert!(total > 0, "`{function}` was not found: {said}");
    total
}

/// The number that is stated for a case, at one level of optimisation; `-` is none.
fn stated(case: &str, optimised: bool) -> Option<u64> {
    let line = STATED.lines().find(|line| line.split_whitespace().next() == Some(case)).unwrap();
    let column = if optimised { 1 } else { 2 };
    let text = line.split_whitespace().nth(column).unwrap();
    (text != "-").then(|| text.parse().unwrap())
}

#[test]
fn instructions_are_as_stated() {
    // some who work on it build without optimisation, which is faster to build
    let optimised = count("counted_loop") < OPTIMISED;
    let mut wrong = Vec::new();
    for (case, function) in
        [("link", "counted_link"), ("refusal", "counted_refusal"), ("line", "counted_line")]
    {
        let Some(stated) = stated(case, optimised) else { continue };
        let found = count(function);
        if found.abs_diff(stated) > stated / 10 {
            wrong.push(format!("{case}: {found} instructions, stated are {stated}"));
        }
    }
    assert!(wrong.is_empty(), "optimised: {optimised}\n{}", wrong.join("\n"));
}

/// Where the answer does not tell which keys exist, the time must not: to one part in a hundred of the instructions.
#[test]
fn a_key_that_nobody_has_takes_as_many_as_a_wrong_signature() {
    let (wrong, unknown) = (count("counted_wrong"), count("counted_unknown"));
    println!("a wrong signature: {wrong} instructions, a key that nobody has: {unknown}");
    assert!(wrong.abs_diff(unknown) < wrong / 100, "{wrong} and {unknown}");
}
