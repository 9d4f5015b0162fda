//! `presign-gate check`: every error and warning of config files, with their places.
//! It must not start anything, nor connect anywhere.

use std::path::PathBuf;
use std::process::ExitCode;

use super::args::CheckArgs;
use super::{NO, out};
use crate::config::diagnostic::{self, Diagnostic};
use crate::config::resolve;
use crate::config::source::{Source, SystemSource};

pub(super) fn run(args: &CheckArgs) -> ExitCode {
    let report = Report::of(&SystemSource, &args.files);
    if args.json {
        out::stdout(&report.json());
    } else {
        out::stderr(&report.findings());
        out::stdout(&report.summary());
    }
    if report.errors() == 0 { ExitCode::SUCCESS } else { ExitCode::from(NO) }
}

/// What was found in some files.
#[derive(Debug)]
struct Report {
    files: usize,
    diagnostics: Vec<Diagnostic>,
}

impl Report {
    fn of(source: &dyn Source, files: &[PathBuf]) -> Self {
        let diagnostics = files.iter().flat_map(|file| resolve::build(source, file).diagnostics).collect();
        Self { files: files.len(), diagnostics }
    }

    fn errors(&self) -> usize {
        self.diagnostics.iter().filter(|finding| finding.is_error()).count()
    }

    fn findings(&self) -> String {
        self.diagnostics.iter().map(Diagnostic::render).collect()
    }

    fn summary(&self) -> String {
        let errors = self.errors();
        let warnings = self.diagnostics.len() - errors;
        let plural =
            |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
        let counts = [plural(self.files, "file"), plural(errors, "error"), plural(warnings, "warning")];
        format!("{}\n", counts.join(", "))
    }

    /// One object, on one line.
    fn json(&self) -> String {
        format!("{}\n", diagnostic::report(self.files, &self.diagnostics))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::source::MemorySource;

    fn report(text: &str) -> Report {
        Report::of(&MemorySource::default().with_file("gate.yaml", text), &["gate.yaml".into()])
    }

    #[test]
    fn a_clean_file() {
        let text = include_str!("../../conf/minimal.yaml");
        let source = MemorySource::default().with_file("gate.yaml", text).with_env("GATE_SECRET", "a secret");
        let source = source.with_env("STORE_SECRET", "another");
        let report = Report::of(&source, &["gate.yaml".into()]);
        assert_eq!((report.errors(), report.summary().as_str()), (0, "1 file, 0 errors, 1 warning\n"));
    }

    #[test]
    fn a_broken_file() {
        let report = report("version: 2\n");
        assert!(report.errors() > 1);
        assert!(report.findings().starts_with("gate.yaml:1:1: error: key `listeners` is missing\n"));
        let json: serde_json::Value = serde_json::from_str(&report.json()).unwrap();
        assert_eq!(json["ok"], false);
        assert_eq!(json["errors"], report.errors());
        assert_eq!(json["diagnostics"][0]["file"], "gate.yaml");
    }

    #[test]
    fn a_missing_file() {
        let report = Report::of(&MemorySource::default(), &["absent.yaml".into()]);
        assert_eq!(report.findings(), "absent.yaml: error: cannot read `absent.yaml`: no such file\n");
    }
}
