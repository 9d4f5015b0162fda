//! `policy test`: each case of a file through the policy engine, and whether the decision is the expected one.
//! It must not decide anything: the engine does, as it does for requests.

use std::fmt::Write as _;
use std::process::ExitCode;

use serde::Serialize;

use super::DATA;
use crate::cli::args::PolicyTestArgs;
use crate::cli::{NO, NO_INPUT, out};
use crate::config::source::{Source as _, SystemSource};
use crate::policy::case::{CaseError, CaseResult, run_case};

pub(in crate::cli) fn run(args: &PolicyTestArgs) -> ExitCode {
    let file = args.cases.display().to_string();
    let content = match SystemSource.read(&args.cases) {
        Ok(content) => content,
        Err(error) => {
            out::stderr(&format!("presign-gate: {error}: name a file with one case a line\n"));
            return ExitCode::from(NO_INPUT);
        }
    };
    let Ok(text) = std::str::from_utf8(content.bytes.expose()) else {
        out::stderr(&format!("presign-gate: `{file}` is not UTF-8: write one JSON object a line\n"));
        return ExitCode::from(DATA);
    };
    let report = Report::of(&file, text, args.any_key);
    out::stderr(&report.remarks);
    out::stdout(&if args.json { report.json } else { report.text });
    report.exit
}

/// What came out of a file of cases.
#[derive(Debug)]
struct Report {
    /// One line for each case.
    json: String,
    /// The cases that differ, and the counts.
    text: String,
    /// Lines that are no case, and keys that no gate can know.
    remarks: String,
    exit: ExitCode,
}

/// A line of the JSON output; the names and their order are stable.
#[derive(Serialize)]
struct Line<'r> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl Line<'_> {
    fn push_to(&self, out: &mut String) {
        // INVARIANT: texts can always be written as JSON
        out.push_str(&serde_json::to_string(self).unwrap_or_default());
        out.push('\n');
    }
}

impl Report {
    fn of(file: &str, text: &str, any_key: bool) -> Self {
        let mut report = Self {
            json: String::new(),
            text: String::new(),
            remarks: String::new(),
            exit: ExitCode::SUCCESS,
        };
        let (mut cases, mut differing, mut unreadable) = (0_usize, 0_usize, 0_usize);
        for (line, number) in text.lines().zip(1_usize..).filter(|(line, _)| !line.trim().is_empty()) {
            cases += 1;
            let place = format!("{file}:{number}");
            match run_case(line, any_key) {
                Ok(result) => {
                    differing += usize::from(!result.agrees());
                    report.decided(&place, &result);
                }
                Err(error) => {
                    unreadable += 1;
                    report.refused(&place, line, &error);
                }
            }
        }
        let plural = if cases == 1 { "" } else { "s" };
        // writing to a String cannot fail
        let _ = writeln!(
            report.text,
            "{cases} case{plural}, {} as expected, {differing} differ, {unreadable} cannot be run",
            cases - differing - unreadable
        );
        report.exit = match (differing, unreadable) {
            (0, 0) => ExitCode::SUCCESS,
            (_, 0) => ExitCode::from(NO),
            _ => ExitCode::from(DATA),
        };
        report
    }

    fn decided(&mut self, place: &str, result: &CaseResult) {
        let decision = result.outcome.as_str();
        Line { id: Some(&result.id), decision: Some(decision), error: None }.push_to(&mut self.json);
        for (name, error) in &result.unknowable {
            let _ = writeln!(
                self.remarks,
                "{place}: warning: {}: {name}: {}: {}: `check` refuses this document; `--any-key` allows it here",
                result.id, error.place, error.kind
            );
        }
        let Some(expected) = result.expected.filter(|expected| *expected != result.outcome) else { return };
        let _ = writeln!(self.text, "{place}: {}: {decision}, expected {}", result.id, expected.as_str());
        for (document, label, effect) in &result.matched {
            let _ = writeln!(self.text, "    {effect} by `{label}` of {document}");
        }
    }

    fn refused(&mut self, place: &str, line: &str, error: &CaseError) {
        let case: Option<serde_json::Value> = serde_json::from_str(line).ok();
        let id = case.as_ref().and_then(|case| case.get("id")).and_then(serde_json::Value::as_str);
        Line { id, decision: None, error: Some(error.to_string()) }.push_to(&mut self.json);
        let named = id.map_or_else(String::new, |id| format!(" {id}:"));
        let _ = writeln!(self.remarks, "{place}: error:{named} {error}");
    }
}
