//! Every file says at its top what it is for and what it must not do, and modules lie beside their folders.
//! It must not judge the prose.

use super::tree::{self, Source};
use super::{assert_clean, assert_found};

/// Sentences in the `//!` lines at the top of a file.
fn sentences(text: &str) -> usize {
    let opening: Vec<_> = text.lines().map_while(|line| line.strip_prefix("//!")).collect();
    let opening = opening.join(" ");
    opening.split_whitespace().filter(|word| word.ends_with(['.', '!', '?'])).count()
}

fn opening_findings(sources: &[Source]) -> Vec<String> {
    sources
        .iter()
        .filter(|source| sentences(&source.text) < 2)
        .map(|source| {
            format!(
                "{}: begins with fewer than two sentences of `//!` (what it is for, what it must not do)",
                source.path
            )
        })
        .collect()
}

fn module_file_findings(sources: &[Source]) -> Vec<String> {
    sources
        .iter()
        .filter(|source| source.path.ends_with("/mod.rs"))
        .map(|source| format!("{}: write `x.rs` beside `x/`, not `x/mod.rs`", source.path))
        .collect()
}

#[test]
fn files_say_what_they_are_for() {
    assert_clean(&opening_findings(&tree::all_rust()));
}

#[test]
fn modules_lie_beside_their_folders() {
    assert_clean(&module_file_findings(&tree::all_rust()));
}

#[test]
fn missing_openings_are_found() {
    for text in ["", "//! One sentence.\n", "use a;\n//! Two.\n//! Sentences.\n", "// Two. Sentences.\n"] {
        assert_found(&opening_findings(&[Source::new("a.rs", text)]), "two sentences");
    }
    for text in ["//! One. Two.\n", "//! One\n//! goes on.\n//!\n//! Two.\nuse a;\n"] {
        assert_clean(&opening_findings(&[Source::new("a.rs", text)]));
    }
    assert_found(&module_file_findings(&[Source::new("src/net/mod.rs", "")]), "beside");
}
