//! The order of import: a folder of `src/` uses only those before it, and the pure ones touch nothing outside.
//! It must not know what a folder is for.

use super::lexer::{identifier, without_tests, words};
use super::tree::{self, Source};
use super::{assert_clean, assert_found};

/// The folders of `src/`, each allowed to import from those before it.
const ORDER: &[&str] = &[
    "clock",
    "secret",
    "reason",
    "nearest",
    "field",
    "net",
    "request",
    "s3",
    "auth",
    "policy",
    "links",
    "upstream",
    "response",
    "snapshot",
    "pipeline",
    "tls",
    "explain",
    "config",
    "outbound",
    "telemetry",
    "store",
    "signers",
    "proxy",
    "admin",
    "server",
    "cli",
    "main",
];

/// Folders whose code is a function of its arguments.
const PURE: &[&str] = &[
    "net", "request", "s3", "auth", "policy", "links", "upstream", "response", "snapshot", "pipeline",
    "explain",
];

/// What code that is a function of its arguments has no use for.
const IMPURE: &[&str] = &[
    "tokio",
    "pingora",
    "pingora_core",
    "pingora_timeout",
    "SystemTime",
    "Instant::now",
    "env::",
    "std::env",
    "std::fs",
    "std::process",
    "std::thread",
    "TcpStream",
    "UdpSocket",
    "log::",
    "tracing",
    "prometheus",
    "fastrand",
    "async",
    "await",
    "println!",
    "eprintln!",
];

/// `src/net/cidr.rs` -> `net`; `None` for the root of the library, which names every folder.
fn folder(path: &str) -> Option<&str> {
    let name = path.strip_prefix("src/")?.split('/').next()?.trim_end_matches(".rs");
    (name != "lib").then_some(name)
}

/// How deep the module of a file is: `src/net.rs` is 1, `src/net/cidr.rs` is 2.
fn depth(path: &str) -> usize {
    path.matches('/').count()
}

/// How many inline modules are open at `at`.
fn inline_modules(code: &str, at: usize) -> usize {
    words(code, "mod")
        .filter(|&start| start < at)
        .filter_map(|start| code[start..].find(['{', ';']).map(|length| start + length))
        .filter(|&open| code.as_bytes()[open] == b'{')
        .filter(|&open| open < at && super::lexer::block_end(code.as_bytes(), open) > at)
        .count()
}

/// The folders named right after a path to the root of the crate ends at `at`: one, or those of a braced list.
fn named(code: &str, at: usize) -> Vec<&str> {
    if code.as_bytes().get(at) != Some(&b'{') {
        return vec![identifier(code, at)];
    }
    let end = super::lexer::block_end(code.as_bytes(), at);
    let mut found = Vec::new();
    let (mut nested, mut fresh) = (0, true);
    for (offset, byte) in code.as_bytes()[..end].iter().enumerate().skip(at + 1) {
        match byte {
            b'{' => nested += 1,
            b'}' => nested -= 1,
            b',' if nested == 0 => fresh = true,
            b if fresh && nested == 0 && (b.is_ascii_alphabetic() || *b == b'_') => {
                found.push(identifier(code, offset));
                fresh = false;
            }
            _ => {}
        }
    }
    found
}

/// Every mention of a folder through the root of the crate: `crate::x`, `crate::{x, y}`, or enough `super::`.
fn mentions<'a>(path: &str, code: &'a str) -> Vec<(usize, &'a str)> {
    let mut found = Vec::new();
    for at in words(code, "crate::") {
        found.extend(named(code, at + "crate::".len()).into_iter().map(|name| (at, name)));
    }
    for at in words(code, "super::").filter(|&at| !code[..at].ends_with("super::")) {
        let mut rest = &code[at..];
        let mut count = 0;
        while let Some(after) = rest.strip_prefix("super::") {
            rest = after;
            count += 1;
        }
        if count == depth(path) + inline_modules(code, at) {
            let after = at + count * "super::".len();
            found.extend(named(code, after).into_iter().map(|name| (at, name)));
        }
    }
    found
}

fn layer_findings(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        let Some(own) = folder(&source.path) else { continue };
        let Some(rank) = ORDER.iter().position(|name| *name == own) else {
            found.push(format!("{}: `{own}` has no place in the order of import", source.path));
            continue;
        };
        let code = source.code();
        for (at, name) in mentions(&source.path, &code) {
            if ORDER.iter().position(|other| *other == name).is_some_and(|other| other > rank) {
                found.push(format!("{}: `{own}` imports from `{name}`, which comes after it", source.at(at)));
            }
        }
    }
    found
}

fn purity_findings(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        let pure = folder(&source.path).is_some_and(|name| PURE.contains(&name));
        let of_tests = ["/tests.rs", "/testing.rs", "/tests/"].iter().any(|part| source.path.contains(part));
        if !pure || of_tests {
            continue;
        }
        let code = without_tests(&source.code());
        for word in IMPURE {
            for at in words(&code, word) {
                found.push(format!("{}: `{word}` in a pure folder", source.at(at)));
            }
        }
        // the clocks of the standard library; types of our own may have these names
        for at in words(&code, "std::time::") {
            for name in named(&code, at + "std::time::".len()) {
                if name != "Duration" {
                    found.push(format!("{}: `std::time::{name}` in a pure folder", source.at(at)));
                }
            }
        }
    }
    found
}

#[test]
fn folders_import_only_from_those_before_them() {
    assert_clean(&layer_findings(&tree::src()));
}

#[test]
fn the_library_lists_the_folders_in_the_order_of_import() {
    let lib = tree::src().into_iter().find(|source| source.path == "src/lib.rs").expect("src/lib.rs");
    let code = lib.code();
    let listed: Vec<_> = words(&code, "pub mod").map(|at| identifier(&code, at + "pub mod ".len())).collect();
    assert_eq!(listed, &ORDER[..ORDER.len() - 1]);
}

#[test]
fn pure_folders_touch_nothing_outside() {
    assert_clean(&purity_findings(&tree::src()));
}

#[test]
fn imports_against_the_order_are_found() {
    let cases = [
        ("src/net.rs", "use crate::policy::Set;"),
        ("src/net/cidr.rs", "fn f() { crate::auth::verify() }"),
        ("src/net.rs", "use crate::{clock::{A, B}, reason, cli::Args};"),
        ("src/net.rs", "use super::config::Model;"),
        ("src/net/cidr.rs", "use super::super::config;"),
        ("src/net.rs", "mod inner { use super::super::config; }"),
        ("src/net/tests.rs", "use crate::upstream::Plan;"),
    ];
    for (path, text) in cases {
        assert_found(&layer_findings(&[Source::new(path, text)]), "comes after it");
    }
    assert_found(&layer_findings(&[Source::new("src/util.rs", "")]), "no place");
}

#[test]
fn imports_along_the_order_are_not() {
    let cases = [
        (
            "src/auth/verify.rs",
            "use crate::{clock, secret::Secret, request::RawRequest}; use super::keyring;",
        ),
        ("src/auth.rs", "// crate::policy\nconst A: &str = \"crate::policy\"; use crate::auth::verify;"),
        ("src/net/cidr.rs", "mod tests { use super::super::cidr; use super::config; }"),
        ("src/lib.rs", "pub use crate::cli::run;"),
        ("src/main.rs", "use crate::cli;"),
    ];
    for (path, text) in cases {
        assert_clean(&layer_findings(&[Source::new(path, text)]));
    }
}

#[test]
fn clocks_are_found_and_types_of_their_names_are_not() {
    let findings = |text| purity_findings(&[Source::new("src/policy/decide.rs", text)]);
    assert_found(&findings("use std::time::Instant;"), "std::time::Instant");
    assert_found(&findings("use std::time::{Duration, Instant};"), "std::time::Instant");
    assert_clean(&findings("use std::time::Duration; use super::value::Instant; fn f(at: Instant) {}"));
}

#[test]
fn impure_words_are_found_in_code_only() {
    for word in IMPURE {
        let text = format!("//! {word}\nfn f() {{ let _ = {word} ; }}\n");
        let found = purity_findings(&[Source::new("src/policy/decide.rs", &text)]);
        assert!(found.iter().any(|finding| finding.contains(word)), "{word}");
        assert_clean(&purity_findings(&[Source::new("src/proxy/relay.rs", &text)]));
        assert_clean(&purity_findings(&[Source::new("src/policy/tests.rs", &text)]));
        let inline = format!("#[cfg(test)]\nmod tests {{ fn f() {{ {word} }} }}\n");
        assert_clean(&purity_findings(&[Source::new("src/policy/decide.rs", &inline)]));
    }
}
