//! Words that have no place in the project: machine paths, registries' addresses, unfinished or switched-off code.
//! It must not contain them itself, so each is put together from two halves.

use super::lexer::words;
use super::tree::{self, Source};
use super::{assert_clean, assert_found};

/// Places on one machine, and hosts that a package manager knows and we need not.
const EVERYWHERE: &[&str] = &[
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
    concat!("/tmp/", "wt"),
    concat!("index.", "crates.io"),
    concat!("static.", "crates.io"),
    concat!("pypi", ".org"),
    concat!("registry.", "npmjs"),
    concat!("static.", "rust-lang"),
    concat!("FIX", "ME"),
    concat!("TO", "DO"),
    concat!("XX", "X"),
];

/// Code that is not there yet, or does not run.
const IN_CODE: &[&str] = &[
    concat!("#[", "ignore"),
    concat!("to", "do!"),
    concat!("unimple", "mented!"),
    concat!("dbg", "!"),
    concat!("thread::", "sleep"),
    concat!("time::", "sleep"),
];

fn text_findings(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        for word in EVERYWHERE {
            for (at, _) in source.text.match_indices(word) {
                found.push(format!("{}: `{word}` has no place here", source.at(at)));
            }
        }
    }
    found
}

fn code_findings(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        let code = source.code();
        for word in IN_CODE {
            for at in words(&code, word) {
                found.push(format!("{}: `{word}` has no place here", source.at(at)));
            }
        }
    }
    found
}

/// Sleeping is right in one place only: where the shell paces itself.
fn allowed(finding: &str) -> bool {
    finding.contains("sleep")
        && ["src/proxy/", "src/server", "src/cli/", "src/store/"]
            .iter()
            .any(|place| finding.starts_with(place))
}

#[test]
fn no_file_holds_words_that_do_not_belong() {
    let sources = tree::files("", |path| path != "Cargo.lock");
    assert!(sources.iter().any(|source| source.path == "README.md"), "the checkout was not found");
    assert_clean(&text_findings(&sources));
}

#[test]
fn no_code_is_unfinished_or_switched_off() {
    let found: Vec<_> =
        code_findings(&tree::all_rust()).into_iter().filter(|found| !allowed(found)).collect();
    assert_clean(&found);
}

#[test]
fn words_that_do_not_belong_are_found() {
    for word in EVERYWHERE {
        assert_found(&text_findings(&[Source::new("docs/a.md", &format!("see {word}x\n"))]), word);
    }
    for word in IN_CODE {
        assert_found(&code_findings(&[Source::new("src/a.rs", &format!("fn f() {{ {word} }}\n"))]), word);
        assert_clean(&code_findings(&[Source::new("src/a.rs", &format!("// {word}\n"))]));
    }
    assert!(allowed(concat!("src/proxy/relay.rs:1: `time::", "sleep` has no place here")));
    assert!(!allowed(concat!("tests/it/admin.rs:1: `thread::", "sleep` has no place here")));
}
