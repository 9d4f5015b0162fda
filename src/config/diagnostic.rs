//! What is wrong with a config file, where, and what to do about it; as text for people and as JSON for tools.
//! It must not show a line that holds a secret.

use std::fmt::Write as _;

use super::tree::Place;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The file does not load.
    Error,
    /// The file loads; somebody should look.
    Warning,
}

impl Severity {
    /// `error` or `warning`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// Findings in a number of files as one JSON object: `ok`, the counts, and the findings in their order.
#[must_use]
pub fn report(files: usize, findings: &[Diagnostic]) -> serde_json::Value {
    let errors = findings.iter().filter(|finding| finding.is_error()).count();
    serde_json::json!({
        "ok": errors == 0,
        "files": files,
        "errors": errors,
        "warnings": findings.len() - errors,
        "diagnostics": findings.iter().map(Diagnostic::json).collect::<Vec<_>>(),
    })
}

/// A finding inside the file that is being read, before the file is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where in the file.
    pub at: Place,
    /// The keys that lead there, as `buckets[2].upstream`; empty for the file as a whole.
    pub path: String,
    /// Whether the file can load in spite of it.
    pub severity: Severity,
    /// What is wrong, in one line.
    pub message: String,
    /// What to do, in one line.
    pub hint: Option<String>,
}

/// A finding in a named file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file, as the user named it.
    pub file: String,
    /// The line, from 1; 0 if the finding is about the file as a whole.
    pub line: u32,
    /// The column in characters, from 1; 0 if the finding is about the file as a whole.
    pub column: u32,
    /// The keys that lead there.
    pub path: String,
    /// Whether the file can load in spite of it.
    pub severity: Severity,
    /// What is wrong, in one line.
    pub message: String,
    /// What to do, in one line.
    pub hint: Option<String>,
    /// The line of the file; `None` if there is none to show.
    pub snippet: Option<Snippet>,
}

/// The line of the file that a finding points at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Snippet {
    /// The text of the line.
    Line(String),
    /// The line holds a secret and is not shown.
    Hidden,
}

impl Diagnostic {
    /// An error about a file as a whole.
    #[must_use]
    pub fn about_file(file: &str, message: String) -> Self {
        let at = Place { line: 0, column: 0 };
        let problem = Problem { at, path: String::new(), severity: Severity::Error, message, hint: None };
        Self::new(file, problem, None)
    }

    /// A finding with the file that it is in.
    #[must_use]
    pub fn new(file: &str, problem: Problem, snippet: Option<Snippet>) -> Self {
        let Problem { at, path, severity, message, hint } = problem;
        Self {
            file: file.to_owned(),
            line: at.line,
            column: at.column,
            path,
            severity,
            message,
            hint,
            snippet,
        }
    }

    /// Whether this keeps the file from loading.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// `file:line:column: error: path: message`, then the line with a mark under the place, then the hint; ends in a newline.
    #[must_use]
    pub fn render(&self) -> String {
        let Self { file, line, column, .. } = self;
        let severity = self.severity.name();
        let message = self.message_with_path();
        let mut text = match line {
            0 => format!("{file}: {severity}: {message}\n"),
            _ => format!("{file}:{line}:{column}: {severity}: {message}\n"),
        };
        match &self.snippet {
            Some(Snippet::Line(source)) => {
                let before = usize::try_from(column.saturating_sub(1)).unwrap_or(0);
                let pad: String =
                    source.chars().take(before).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
                let _ = write!(text, "{line:>6} | {source}\n       | {pad}^\n");
            }
            Some(Snippet::Hidden) => {
                let _ = writeln!(text, "{line:>6} | (not shown: this line holds a secret)");
            }
            None => {}
        }
        if let Some(hint) = &self.hint {
            let _ = writeln!(text, "       = {hint}");
        }
        text
    }

    /// `file:line:column: path: message (hint)`, for a log; without the line of the file.
    #[must_use]
    pub fn line(&self) -> String {
        let Self { file, line, column, .. } = self;
        let place = if *line == 0 { file.clone() } else { format!("{file}:{line}:{column}") };
        let hint = self.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
        format!("{place}: {}{hint}", self.message_with_path())
    }

    /// The message, with the path before it where it does not name the path itself.
    fn message_with_path(&self) -> String {
        let Self { path, message, .. } = self;
        let named = path.is_empty() || message.contains(&format!("`{path}`"));
        if named { message.clone() } else { format!("{path}: {message}") }
    }

    /// The finding as a JSON object; the line of the file is left out.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::json!({
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "path": self.path,
            "severity": self.severity.name(),
            "message": self.message,
            "hint": self.hint,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(snippet: Option<Snippet>) -> Diagnostic {
        let problem = Problem {
            at: Place { line: 12, column: 5 },
            path: "buckets[0]".into(),
            severity: Severity::Error,
            message: "unknown key `nmae`".into(),
            hint: Some("did you mean `name`?".into()),
        };
        Diagnostic::new("gate.yaml", problem, snippet)
    }

    #[test]
    fn text_points_at_the_place() {
        let text = sample(Some(Snippet::Line("  - nmae: b".into()))).render();
        let expected = "gate.yaml:12:5: error: buckets[0]: unknown key `nmae`\n    12 |   - nmae: b\n       |     ^\n       = did you mean `name`?\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_line_with_a_secret_is_not_shown() {
        assert!(sample(Some(Snippet::Hidden)).render().contains("(not shown: this line holds a secret)"));
    }

    #[test]
    fn a_finding_about_the_file_has_no_line() {
        let text = Diagnostic::about_file("gate.yaml", "cannot be read".into()).render();
        assert_eq!(text, "gate.yaml: error: cannot be read\n");
    }

    #[test]
    fn json_names_every_field() {
        let json = sample(None).json();
        assert_eq!(json["line"], 12);
        assert_eq!(json["severity"], "error");
        assert_eq!(json["hint"], "did you mean `name`?");
        assert_eq!(json.as_object().map(serde_json::Map::len), Some(7));
    }
}
