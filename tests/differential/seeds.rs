//! The fuzz targets as tests: each is run over its seeds, on the stable compiler, so that none stops to compile or to hold.
//! It must not search: `make fuzz` does.

#![expect(
    clippy::default_trait_access,
    clippy::expect_used,
    clippy::format_collect,
    clippy::format_push_string,
    clippy::option_option,
    reason = "a fuzz target finds what it looks for by panicking, and its slow readers are written to be read"
)]

use std::path::Path;

#[path = "../fuzz/targets/chunks.rs"]
mod chunks;
#[path = "../fuzz/targets/form.rs"]
mod form;
#[path = "../fuzz/targets/forwarded.rs"]
mod forwarded;
#[path = "../fuzz/targets/head.rs"]
mod head;
#[path = "../fuzz/targets/policy.rs"]
mod policy;
#[path = "../fuzz/targets/policy_case.rs"]
mod policy_case;
#[path = "../fuzz/targets/proxy_header.rs"]
mod proxy_header;
#[path = "../fuzz/targets/query.rs"]
mod query;

type Target = fn(&[u8]);

const TARGETS: [(&str, Target); 8] = [
    ("chunks", chunks::run),
    ("form", form::run),
    ("forwarded", forwarded::run),
    ("head", head::run),
    ("policy", policy::run),
    ("policy_case", policy_case::run),
    ("proxy_header", proxy_header::run),
    ("query", query::run),
];

fn names(folder: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz").join(folder);
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn every_target_holds_for_its_seeds() {
    let ours = TARGETS.map(|(name, _)| name);
    assert_eq!(names("targets"), ours);
    for (name, run) in TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/seeds").join(name);
        let mut count = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            run(&std::fs::read(entry.unwrap().path()).unwrap());
            count += 1;
        }
        assert!(count > 0, "{name} has no seed");
        // and for what is no input at all
        for bytes in [&b""[..], b"\0", &[0xff; 300]] {
            run(bytes);
        }
    }
}
