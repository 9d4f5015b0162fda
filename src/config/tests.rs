//! Whole config files: what loads, what is said about what does not, and that no key of the table is ignored.
//! It must not test single forms of values; they have tables of their own.

mod leaks;
mod rules;
mod table;

use std::path::{Path, PathBuf};

use super::source::{FileBytes, MemorySource, SourceError, SystemSource};
use super::*;
use crate::config::model::Uniform;
use crate::secret::Secret;

/// Files of this machine, and an environment in which every variable is set.
#[derive(Debug)]
struct NamedEnv;

impl Source for NamedEnv {
    fn read(&self, path: &Path) -> Result<FileBytes, SourceError> {
        SystemSource.read(path)
    }

    fn env(&self, name: &str) -> Result<Secret, SourceError> {
        Ok(Secret::new(format!("what {name} holds")))
    }
}

fn from_root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn load_text(text: &str) -> Loaded {
    load(&MemorySource::default().with_file("gate.yaml", text), Path::new("gate.yaml"))
}

fn rendered(loaded: &Loaded) -> String {
    loaded.diagnostics.iter().map(Diagnostic::render).collect()
}

#[test]
fn the_commented_example_loads_without_a_finding() {
    let loaded = load(&NamedEnv, &from_root("conf/presign-gate.yaml"));
    assert_eq!(rendered(&loaded), "");
    let config = loaded.config.unwrap();
    assert_eq!((config.listeners.len(), config.credentials.len(), config.buckets.len()), (2, 3, 2));
    assert_eq!(loaded.files.len(), 7, "the file and its six policies: {:?}", loaded.files);
}

#[test]
fn the_minimal_example_loads_and_its_defaults_hold() {
    let loaded = load(&NamedEnv, &from_root("conf/minimal.yaml"));
    let config = loaded.config.unwrap();
    let messages: Vec<&str> = loaded.diagnostics.iter().map(|finding| finding.message.as_str()).collect();
    assert_eq!(messages, ["`hosts` is left out: a link signed for any host name is accepted"]);
    assert!(config.admin.is_none() && !config.expose_reasons);
    assert_eq!(config.hosts, model::Hosts::AnyPathStyle);
    assert_eq!(config.signing.regions, ["us-east-1"]);
    assert_eq!(config.signing.max_expires.as_secs(), 7 * 86_400);
    assert_eq!(config.signing.clock_skew.as_secs(), 900);
    assert!(config.signing.header_auth && config.signing.uniform_errors == Uniform::Off);
    assert_eq!((config.limits.header_bytes, config.limits.header_time.as_secs()), (32 << 10, 5));
    assert_eq!((config.limits.idle_time.as_secs(), config.limits.client_time.as_secs()), (60, 60));
    assert_eq!((config.limits.connections, config.limits.body), (50_000, 5 << 40));
    assert_eq!(config.limits.buffered_body, 2 << 20);
    assert_eq!(config.logs.access, model::LogTarget::Stdout);
    assert_eq!(config.policy.default, model::identity::PolicyDefault::Deny);
    assert_eq!(config.upstreams[0].addressing, model::storage::Addressing::Path);
    let times = &config.upstreams[0].timeouts;
    let seconds = [times.connect, times.read, times.write, times.idle].map(|time| time.as_secs());
    assert_eq!(seconds, [2, 60, 60, 50]);
    assert_eq!(config.credentials[0].principal.value, "arn:aws:iam::000000000000:user/AKIAREPORTS000000001");
}

#[test]
fn the_fixture_profiles_load() {
    let folder = from_root("../shared/threats/profiles");
    let names = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("this test needs the folder {}: {error}", folder.display()));
    let mut count = 0;
    for entry in names {
        let path = entry.unwrap().path();
        let loaded = load(&MemorySource::default(), &path);
        assert!(loaded.config.is_none(), "a file that is not there must not load");
        let loaded = load(&SystemSource, &path);
        assert!(loaded.config.is_some(), "{}", rendered(&loaded));
        let config = loaded.config.unwrap();
        assert_eq!(config.credentials[1].access_key_id.value, "AKID/WITH/SLASH");
        assert!(config.credentials[2].session_token.as_ref().unwrap().matches(b"tok/en+="));
        count += 1;
    }
    assert!(count >= 12, "only {count} profiles");
}

#[test]
fn all_mistakes_are_shown_at_once() {
    let text = include_str!("../../tests/golden/config/broken.yaml");
    let source = MemorySource::default().with_file("broken.yaml", text);
    let found = rendered(&load(&source, Path::new("broken.yaml")));
    let golden = include_str!("../../tests/golden/config/broken.txt");
    assert_eq!(found, golden, "--- found ---\n{found}");
}

#[test]
fn a_warning_does_not_keep_a_file_from_loading() {
    let text = include_str!("../../conf/minimal.yaml");
    let source = MemorySource::default()
        .with_file("conf/gate.yaml", text.replace("{ env: GATE_SECRET }", "{ file: main.secret }"))
        .with_exposed_file("conf/main.secret", "hunter2\r\n")
        .with_env("STORE_SECRET", "s");
    let loaded = load(&source, Path::new("conf/gate.yaml"));
    assert!(
        rendered(&loaded).contains("`conf/main.secret` can be read by every user"),
        "{}",
        rendered(&loaded)
    );
    assert!(loaded.config.unwrap().credentials[0].secret.matches(b"hunter2"));
    assert_eq!(loaded.files, [PathBuf::from("conf/gate.yaml"), PathBuf::from("conf/main.secret")]);
}

#[test]
fn what_is_no_text_is_refused() {
    let source = MemorySource::default().with_file("gate.yaml", [0xff, 0xfe]);
    let loaded = load(&source, Path::new("gate.yaml"));
    assert_eq!(rendered(&loaded), "gate.yaml: error: the file is not UTF-8\n");
    assert_eq!(
        rendered(&load_text("")),
        "gate.yaml:1:1: error: the file is empty\n       = remove the key, or give it a value; an empty text is `\"\"`, an empty list `[]`\n"
    );
}
