//! A config file as a tree of lists, maps and scalars, each with its place in the text.
//! It must not know what any key means, nor give a scalar a type that its text does not force.

use std::collections::{HashMap, HashSet};

use super::diagnostic::{Problem, Severity};

/// A place in a text file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
}

/// A value of the file and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// What it is.
    pub kind: Kind,
    /// Where it begins.
    pub at: Place,
    /// The line that it ends on.
    pub end_line: u32,
}

/// The kinds of values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing, or one of the words for nothing.
    Null,
    /// A word, number or text.
    Scalar(Scalar),
    /// A list.
    List(Vec<Node>),
    /// Keys with values, in file order; a repeated key appears repeatedly.
    Map(Vec<Entry>),
}

/// A scalar as it stands in the file: nothing is read into its text.
#[derive(Clone, PartialEq, Eq)]
pub struct Scalar {
    /// The text, escapes of quoted forms resolved.
    pub text: String,
    /// Whether it is written without quotes, so that `true` is a truth value and `5` a number.
    pub plain: bool,
}

/// Shows nothing of the text, which may be a secret.
impl std::fmt::Debug for Scalar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scalar").field("plain", &self.plain).finish_non_exhaustive()
    }
}

/// A key with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key begins.
    pub key_at: Place,
    /// The value.
    pub value: Node,
}

impl Kind {
    /// The kind in words.
    #[must_use]
    pub const fn describe(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Scalar(_) => "a single value",
            Self::List(_) => "a list",
            Self::Map(_) => "keys with values",
        }
    }
}

/// The path of a key below `parent`.
pub(super) fn join(parent: &str, key: &str) -> String {
    if parent.is_empty() { key.to_owned() } else { format!("{parent}.{key}") }
}

/// The path of an item of the list at `parent`.
pub(super) fn index(parent: &str, item: usize) -> String {
    format!("{parent}[{item}]")
}

/// What is wrong in a file whatever its keys mean: repeated keys and nulls, at any depth.
pub(super) fn lint(root: &Node) -> Vec<Problem> {
    let mut problems = Vec::new();
    lint_node(root, "", false, &mut problems);
    problems
}

/// A key as a message may name it: where a secret belongs, the key itself may be one.
fn shown(key: &str, in_secret: bool) -> &str {
    if in_secret && !matches!(key, "file" | "env" | "value") { "?" } else { key }
}

fn lint_node(node: &Node, path: &str, secret: bool, problems: &mut Vec<Problem>) {
    match &node.kind {
        Kind::Scalar(_) => {}
        Kind::Null => {
            let what = if path.is_empty() { "the file is empty".into() } else { format!("`{path}` is null") };
            let hint = "remove the key, or give it a value; an empty text is `\"\"`, an empty list `[]`";
            problems.push(error(node.at, path.to_owned(), what, hint.into()));
        }
        Kind::List(items) => {
            for (at, item) in items.iter().enumerate() {
                lint_node(item, &index(path, at), secret, problems);
            }
        }
        Kind::Map(entries) => lint_map(entries, path, secret, problems),
    }
}

fn lint_map(entries: &[Entry], path: &str, secret: bool, problems: &mut Vec<Problem>) {
    let mut seen: HashMap<&str, Place> = HashMap::new();
    for entry in entries {
        let name = shown(&entry.key, secret);
        let path = join(path, name);
        if let Some(first) = seen.get(entry.key.as_str()) {
            let hint = format!("the first one is on line {}: remove one of them", first.line);
            problems.push(error(entry.key_at, path.clone(), format!("key `{name}` is given twice"), hint));
        } else {
            seen.insert(&entry.key, entry.key_at);
        }
        lint_node(&entry.value, &path, secret || sounds_secret(&entry.key), problems);
    }
}

fn error(at: Place, path: String, message: String, hint: String) -> Problem {
    Problem { at, path, severity: Severity::Error, message, hint: Some(hint) }
}

/// The lines that hold a secret, or something that may have been meant as one; they are never shown.
pub(super) fn secret_lines(root: &Node) -> HashSet<u32> {
    let mut lines = HashSet::new();
    // a file that is no config at all may be a secret that was named by mistake
    collect_secrets(root, !matches!(root.kind, Kind::Map(_)), &mut lines);
    lines
}

fn collect_secrets(node: &Node, secret: bool, lines: &mut HashSet<u32>) {
    if secret {
        lines.extend(node.at.line..=node.end_line);
    }
    match &node.kind {
        Kind::Null | Kind::Scalar(_) => {}
        Kind::List(items) => {
            for item in items {
                collect_secrets(item, secret, lines);
            }
        }
        Kind::Map(entries) => {
            for entry in entries {
                // a word where a section with the secret belongs may be the secret
                let misplaced = entry.key == "credentials" && matches!(entry.value.kind, Kind::Scalar(_));
                let named = sounds_secret(&entry.key) && !is_reference(&entry.value);
                let secret = secret || misplaced || named;
                if secret {
                    lines.insert(entry.key_at.line);
                }
                collect_secrets(&entry.value, secret, lines);
            }
        }
    }
}

/// Whether a value is `{file: NAME}` or `{env: NAME}`, which says where a secret is and not what it is.
fn is_reference(node: &Node) -> bool {
    let Kind::Map(entries) = &node.kind else { return false };
    let [Entry { key, value: Node { kind: Kind::Scalar(name), .. }, .. }] = entries.as_slice() else {
        return false;
    };
    matches!(key.as_str(), "file" | "env") && !name.text.contains(char::is_control)
}

/// Whether a key is the name of a secret, or near enough to one to be a slip of the hand.
fn sounds_secret(key: &str) -> bool {
    const NAMES: [&str; 5] = ["secret_access_key", "session_token", "token", "value", "private_key"];
    let lower = key.to_ascii_lowercase();
    ["secret", "token", "passw", "private"].iter().any(|word| lower.contains(word))
        || crate::nearest::nearest(key, NAMES.iter().copied()).is_some()
}
