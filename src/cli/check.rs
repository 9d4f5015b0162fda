//! `presign-gate check`: every error and warning of config files, with their places.
//! It must not start anything, nor connect anywhere.

use std::path::PathBuf;
use std::process::ExitCode;

use super::args::CheckArgs;
use super::findings::Findings;
use super::out;
use crate::config::resolve;
use crate::config::source::{Source, SystemSource};

pub(super) fn run(args: &CheckArgs) -> ExitCode {
    let findings = findings(&SystemSource, &args.files);
    if args.json {
        out::stdout(&findings.json());
    } else {
        out::stderr(&findings.render());
        out::stdout(&findings.summary());
    }
    findings.exit(false)
}

fn findings(source: &dyn Source, files: &[PathBuf]) -> Findings {
    let diagnostics = files.iter().flat_map(|file| resolve::build(source, file).diagnostics).collect();
    Findings::new(files.len(), diagnostics)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::source::MemorySource;

    fn report(text: &str) -> Findings {
        findings(&MemorySource::default().with_file("gate.yaml", text), &["gate.yaml".into()])
    }

    #[test]
    fn a_clean_file() {
        let text = include_str!("../../conf/minimal.yaml");
        let source = MemorySource::default().with_file("gate.yaml", text).with_env("GATE_SECRET", "a secret");
        let source = source.with_env("STORE_SECRET", "another");
        let report = findings(&source, &["gate.yaml".into()]);
        assert_eq!((report.errors(), report.summary().as_str()), (0, "1 file, 0 errors, 1 warning\n"));
    }

    #[test]
    fn a_broken_file() {
        let report = report("version: 2\n");
        assert!(report.errors() > 1);
        assert!(report.render().starts_with("gate.yaml:1:1: error: key `listeners` is missing\n"));
        let json: serde_json::Value = serde_json::from_str(&report.json()).unwrap();
        assert_eq!(json["ok"], false);
        assert_eq!(json["errors"], report.errors());
        assert_eq!(json["diagnostics"][0]["file"], "gate.yaml");
    }

    #[test]
    fn a_missing_file() {
        let report = findings(&MemorySource::default(), &["absent.yaml".into()]);
        assert_eq!(report.render(), "absent.yaml: error: cannot read `absent.yaml`: no such file\n");
    }
}
