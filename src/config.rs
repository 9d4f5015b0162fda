//! The configuration file: text to model to snapshot, with every mistake shown at once and at its place.
//! It must not let a file load that holds anything it did not understand.

mod check;
pub mod diagnostic;
pub mod keys;
pub mod model;
mod parse;
pub mod policy_file;
mod read;
mod reader;
pub mod reference;
pub mod resolve;
pub mod scalar;
pub mod schema;
mod shown;
pub mod source;
pub mod stamp;
pub mod tree;
pub mod weakened;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use diagnostic::{Diagnostic, Problem, Severity, Snippet};
use model::Config;
use reader::Reader;
use source::Source;
use tree::Node;

/// The outcome of reading a config file.
#[derive(Debug)]
pub struct Loaded {
    /// The config; `None` if there is an error among the findings.
    pub config: Option<Config>,
    /// Everything that was found, in the order of the file.
    pub diagnostics: Vec<Diagnostic>,
    /// The files that were read, the config file first: when one changes, the config may have changed. Good files of
    /// certificates are not among them, since they are exchanged by themselves.
    pub files: Vec<PathBuf>,
}

impl Loaded {
    fn refused(path: &Path, diagnostics: Vec<Diagnostic>) -> Self {
        Self { config: None, diagnostics, files: vec![path.to_owned()] }
    }
}

/// Reads a config file and all that it names.
pub fn load(source: &dyn Source, path: &Path) -> Loaded {
    let file = path.display().to_string();
    let content = match source.read(path) {
        Ok(content) => content,
        Err(error) => return Loaded::refused(path, vec![Diagnostic::about_file(&file, error.to_string())]),
    };
    let Ok(text) = std::str::from_utf8(content.bytes.expose()) else {
        return Loaded::refused(
            path,
            vec![Diagnostic::about_file(&file, "the file is not UTF-8".to_owned())],
        );
    };
    let root = match parse::parse(text) {
        Ok(root) => root,
        // without a tree it is not known which lines hold secrets, so none is shown
        Err(problem) => return Loaded::refused(path, vec![Diagnostic::new(&file, problem, None)]),
    };
    let reader = Reader::new(source, &file, path);
    let config = read::config(&reader, &root);
    let (mut problems, mut files) = reader.finish();
    problems.extend(tree::lint(&root));
    let broken = problems.iter().any(|problem| problem.severity == Severity::Error);
    files.insert(0, path.to_owned());
    let diagnostics = with_snippets(&file, text, &root, problems);
    Loaded { config: config.ok().filter(|_| !broken), diagnostics, files }
}

fn with_snippets(file: &str, text: &str, root: &Node, mut problems: Vec<Problem>) -> Vec<Diagnostic> {
    problems.sort_by_key(|problem| problem.at);
    let secret = tree::secret_lines(root);
    let lines: Vec<&str> = text.lines().collect();
    let snippet = |line: u32| snippet(&lines, &secret, line);
    problems
        .into_iter()
        .map(|problem| (snippet(problem.at.line), problem))
        .map(|(s, p)| Diagnostic::new(file, p, s))
        .collect()
}

fn snippet(lines: &[&str], secret: &HashSet<u32>, line: u32) -> Option<Snippet> {
    let source = lines.get(usize::try_from(line).ok()?.checked_sub(1)?)?;
    if secret.contains(&line) {
        return Some(Snippet::Hidden);
    }
    Some(Snippet::Line(source.trim_start_matches('\u{feff}').chars().take(160).collect()))
}

#[cfg(test)]
mod tests;
