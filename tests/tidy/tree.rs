//! The files of the checkout that rules look at.
//! It must not judge them.

use super::lexer;
use std::path::{Path, PathBuf};

/// One text file: its path from the top of the checkout, and its text.
#[derive(Clone, Debug)]
pub struct Source {
    pub path: String,
    pub text: String,
}

impl Source {
    pub fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    /// The text with comments and the insides of literals blanked out; lines and columns stay.
    pub fn code(&self) -> String {
        lexer::blank(&self.text)
    }

    /// Path and line for a position in the text.
    pub fn at(&self, position: usize) -> String {
        let line = self.text[..position].matches('\n').count() + 1;
        format!("{}:{line}", self.path)
    }
}

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Folders that hold no source: version control, build output, what fuzzers write.
const SKIPPED: &[&str] = &[".git", "target", "artifacts", "corpus", ".venv", "__pycache__"];

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> =
        std::fs::read_dir(folder).expect("a readable folder").map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if SKIPPED.contains(&name.as_str()) {
            continue;
        }
        if path.is_dir() {
            walk(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// Every text file below `folder` (a path from the top; `""` is the whole checkout) for which `wanted` says yes.
pub fn files(folder: &str, wanted: impl Fn(&str) -> bool) -> Vec<Source> {
    let folder = top().join(folder);
    let mut paths = Vec::new();
    if folder.is_dir() {
        walk(&folder, &mut paths);
    }
    let relative = |path: &Path| path.strip_prefix(top()).unwrap().to_string_lossy().into_owned();
    paths
        .iter()
        .filter(|path| wanted(&relative(path)))
        .filter_map(|path| Some(Source { path: relative(path), text: std::fs::read_to_string(path).ok()? }))
        .collect()
}

fn is_rust(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|extension| extension == "rs")
}

/// Every Rust file of the library and the binary.
pub fn src() -> Vec<Source> {
    let found = files("src", is_rust);
    assert!(found.len() > 20, "src/ was not found");
    found
}

/// Every Rust file: library, tests, benches, fuzz targets.
pub fn all_rust() -> Vec<Source> {
    let mut found = src();
    found.extend(files("tests", is_rust));
    found.extend(files("benches", is_rust));
    found
}
