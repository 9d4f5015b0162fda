//! Findings about policy documents, in the form of findings about config files.
//! It must not have rules: the policy engine does.

use std::path::Path;

use super::diagnostic::{Diagnostic, Problem, Severity, Snippet};
use super::source::{Source, SourceError};
use super::tree::Place;
use crate::policy::document::Kind;
use crate::policy::error::{Place as PolicyPlace, Warning};
use crate::policy::lint::lint as lint_document;
use crate::policy::parse::{ParseOptions, Parsed, names_principals, parse};

/// A finding about a policy document, before it is known which file that stands in.
#[derive(Debug)]
pub(super) struct Finding {
    pub(super) place: PolicyPlace,
    pub(super) severity: Severity,
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

impl From<Warning> for Finding {
    fn from(warning: Warning) -> Self {
        Self {
            severity: Severity::Warning,
            message: warning.kind.to_string(),
            hint: warning.kind.hint(),
            place: warning.place,
        }
    }
}

/// Reads a document; `None` if it is refused. The findings are in the order of the text.
pub(super) fn examine(text: &str, kind: Kind) -> (Option<Parsed>, Vec<Finding>) {
    let (parsed, mut findings): (_, Vec<Finding>) = match parse(text, kind, &ParseOptions::default()) {
        Ok(parsed) => {
            let linted = lint_document(&parsed.document);
            let findings = parsed.warnings.iter().cloned().chain(linted).map(Finding::from).collect();
            (Some(parsed), findings)
        }
        Err(errors) => {
            let finding = |error: crate::policy::error::PolicyError| Finding {
                severity: Severity::Error,
                message: error.kind.to_string(),
                hint: error.kind.hint(),
                place: error.place,
            };
            (None, errors.into_iter().map(finding).collect())
        }
    };
    findings.sort_by_key(|finding| finding.place.position);
    (parsed, findings)
}

/// What is wrong or doubtful in a file that holds a policy document. Without a `kind`, the document is a bucket policy if
/// it names principals, else an identity policy.
///
/// # Errors
/// The file cannot be read.
pub fn lint(source: &dyn Source, path: &Path, kind: Option<Kind>) -> Result<Vec<Diagnostic>, SourceError> {
    let file = path.display().to_string();
    let content = source.read(path)?;
    let Ok(text) = std::str::from_utf8(content.bytes.expose()) else {
        return Ok(vec![Diagnostic::about_file(&file, "the file is not UTF-8".to_owned())]);
    };
    let guess = || if names_principals(text) { Kind::Resource } else { Kind::Identity };
    let (_, findings) = examine(text, kind.unwrap_or_else(guess));
    let lines: Vec<&str> = text.lines().collect();
    Ok(findings.into_iter().map(|finding| diagnostic(&file, &lines, finding)).collect())
}

fn diagnostic(file: &str, lines: &[&str], finding: Finding) -> Diagnostic {
    let small = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let (line, column) = finding.place.position.unwrap_or((1, 1));
    let snippet =
        lines.get(line.saturating_sub(1)).map(|line| Snippet::Line(line.chars().take(160).collect()));
    let problem = Problem {
        at: Place { line: small(line), column: small(column) },
        path: finding.place.path,
        severity: finding.severity,
        message: finding.message,
        hint: finding.hint,
    };
    Diagnostic::new(file, problem, snippet)
}
