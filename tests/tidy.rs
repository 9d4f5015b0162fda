//! Keeps the shape of the code: import order, sizes, openings of files, words, the manifest.
//! It must not test behaviour. Every rule has a fixture that breaks it, since a rule that cannot fail says nothing.

#![expect(unreachable_pub, reason = "a test binary has no callers outside; `pub` is for its other modules")]
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

#[path = "tidy/layers.rs"]
mod layers;
#[path = "tidy/lexer.rs"]
mod lexer;
#[path = "tidy/manifest.rs"]
mod manifest;
#[path = "tidy/openings.rs"]
mod openings;
#[path = "tidy/sizes.rs"]
mod sizes;
#[path = "tidy/tree.rs"]
mod tree;
#[path = "tidy/words.rs"]
mod words;

/// Fails with every finding at once, one a line.
#[track_caller]
fn assert_clean(findings: &[String]) {
    assert!(findings.is_empty(), "{} findings:\n{}", findings.len(), findings.join("\n"));
}

/// Fails unless exactly one finding was made and it says `expected`.
#[track_caller]
fn assert_found(findings: &[String], expected: &str) {
    assert!(
        findings.len() == 1 && findings[0].contains(expected),
        "expected `{expected}`, found {findings:?}"
    );
}
