//! Findings about files, as `check` and `policy lint` print them.
//! It must not find anything itself.

use std::process::ExitCode;

use super::NO;
use crate::config::diagnostic::{self, Diagnostic};

/// What was found in some files.
#[derive(Debug)]
pub(super) struct Findings {
    files: usize,
    diagnostics: Vec<Diagnostic>,
}

impl Findings {
    pub(super) const fn new(files: usize, diagnostics: Vec<Diagnostic>) -> Self {
        Self { files, diagnostics }
    }

    pub(super) fn errors(&self) -> usize {
        self.diagnostics.iter().filter(|finding| finding.is_error()).count()
    }

    /// Success without errors; if `strict`, without warnings too.
    pub(super) fn exit(&self, strict: bool) -> ExitCode {
        let clean = if strict { self.diagnostics.is_empty() } else { self.errors() == 0 };
        if clean { ExitCode::SUCCESS } else { ExitCode::from(NO) }
    }

    /// Each finding with its place, the line that it is about, and a hint.
    pub(super) fn render(&self) -> String {
        self.diagnostics.iter().map(Diagnostic::render).collect()
    }

    /// The counts, on one line.
    pub(super) fn summary(&self) -> String {
        let errors = self.errors();
        let warnings = self.diagnostics.len() - errors;
        let plural =
            |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
        let counts = [plural(self.files, "file"), plural(errors, "error"), plural(warnings, "warning")];
        format!("{}\n", counts.join(", "))
    }

    /// One object: `ok`, the counts, and the findings in file order.
    pub(super) fn json(&self) -> String {
        format!("{}\n", diagnostic::report(self.files, &self.diagnostics))
    }
}
