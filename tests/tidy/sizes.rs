//! Budgets: lines of a file, their median, lines of a function.
//! It must not count what a reader does not read: blank lines and comments inside functions.

use super::lexer::{identifier, item_end, words};
use super::tree::{self, Source};
use super::{assert_clean, assert_found};

const FILE: usize = 500;
const MEDIAN: usize = 200;
const FUNCTION: usize = 80;

fn file_findings(sources: &[Source]) -> Vec<String> {
    sources
        .iter()
        .map(|source| (source, source.text.lines().count()))
        .filter(|(_, lines)| *lines > FILE)
        .map(|(source, lines)| format!("{}: {lines} lines, at most {FILE}", source.path))
        .collect()
}

fn median_finding(sources: &[Source]) -> Vec<String> {
    let mut lines: Vec<_> = sources.iter().map(|source| source.text.lines().count()).collect();
    lines.sort_unstable();
    let median = lines[lines.len() / 2];
    if median > MEDIAN {
        vec![format!("the median file has {median} lines, at most {MEDIAN}")]
    } else {
        vec![]
    }
}

/// Lines of code from the signature to the closing brace, for each function: its position, name and length.
fn functions(code: &str) -> Vec<(usize, &str, usize)> {
    words(code, "fn ")
        .map(|at| (at, identifier(code, at + "fn ".len())))
        .filter(|(_, name)| !name.is_empty())
        .map(|(at, name)| {
            let body = &code[at..item_end(code, at)];
            (at, name, body.lines().filter(|line| !line.trim().is_empty()).count())
        })
        .collect()
}

fn function_findings(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        let code = source.code();
        for (at, name, lines) in functions(&code) {
            if lines > FUNCTION {
                found.push(format!("{}: `{name}` has {lines} lines, at most {FUNCTION}", source.at(at)));
            }
        }
    }
    found
}

#[test]
fn files_are_short() {
    assert_clean(&file_findings(&tree::all_rust()));
    assert_clean(&median_finding(&tree::src()));
}

#[test]
fn functions_are_short() {
    let sources = tree::all_rust();
    let count: usize = sources.iter().map(|source| functions(&source.code()).len()).sum();
    assert!(count > 100, "only {count} functions were seen");
    assert_clean(&function_findings(&sources));
}

#[test]
fn long_files_are_found() {
    assert_clean(&file_findings(&[Source::new("a.rs", &"x\n".repeat(FILE))]));
    assert_found(&file_findings(&[Source::new("a.rs", &"x\n".repeat(FILE + 1))]), "501 lines");
    assert_found(&median_finding(&vec![Source::new("a.rs", &"x\n".repeat(MEDIAN + 1)); 3]), "201 lines");
}

#[test]
fn long_functions_are_found() {
    let function = |lines: usize| {
        format!("impl X {{ fn f(a: [u8; 2]) -> u8 {{\n{}}} }}\n", "a(\"}\", '}'); // }\n\n".repeat(lines))
    };
    assert_clean(&function_findings(&[Source::new("a.rs", &function(FUNCTION - 2))]));
    assert_found(&function_findings(&[Source::new("a.rs", &function(FUNCTION - 1))]), "`f` has 81 lines");
}
