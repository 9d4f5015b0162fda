//! What the binary prints from its tables: schema, metrics, completions, manual.
//! It must not test the tables.

use crate::support::config::Config;
use crate::support::gate::{BINARY, Gate};
use crate::support::python;
use crate::support::upstream::Upstream;
use std::path::{Path, PathBuf};
use std::process::Command;

fn printed(arguments: &[&str]) -> String {
    let output = Command::new(BINARY).args(arguments).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_schema_takes_what_the_gate_takes() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| -> PathBuf {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let schema = write("schema.json", &printed(&["schema"]));
    let conf = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("conf")).unwrap();
    let mut good: Vec<PathBuf> = conf.map(|entry| entry.unwrap().path()).collect();
    good.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    assert!(good.len() >= 2);
    let address = |port| std::net::SocketAddr::from(([127, 0, 0, 1], port));
    let text = Config::resign("http://127.0.0.1:9009").text(address(8080), address(9090));
    good.push(write("test.yaml", &text));
    good.push(write("endpoints.yaml", &text.replace("http://127.0.0.1:9009", "['http://a', 'http://b']")));
    let bad: Vec<PathBuf> = [
        ("version: 1", "version: 2"),
        ("version: 1\n", ""),
        ("hosts: [s3.test, 127.0.0.1, localhost]", "hosts:"),
        ("regions: [us-east-1]", "regionen: [us-east-1]"),
        ("default: deny", "default: maybe"),
        ("{ value: \"temp-secret\" }", "{ value: a, file: b }"),
        ("endpoint: http://127.0.0.1:9009", "endpoint: ftp://127.0.0.1:9009"),
        ("endpoint: http://127.0.0.1:9009", "endpoint: http://127.0.0.1:9009\n    retries: many"),
        ("endpoint: http://127.0.0.1:9009", "endpoint: http://127.0.0.1:9009\n    timeouts: { read: 5 }"),
    ]
    .iter()
    .enumerate()
    .map(|(number, (from, to))| {
        assert!(text.contains(from), "{from}");
        write(&format!("bad-{number}.yaml"), &text.replacen(from, to, 1))
    })
    .collect();
    python::run(python::script("schema.py").arg(schema).args(good).arg("--").args(bad));
}

#[test]
fn the_table_of_metrics_is_that_of_the_page() {
    let table = printed(&["metrics"]);
    let upstream = Upstream::ok();
    let gate = Gate::start(&Config::resign(upstream.endpoint()));
    let page = gate.admin("GET", "/metrics").text();
    let families = page.lines().filter_map(|line| line.strip_prefix("# TYPE presign_gate_"));
    let names: Vec<_> = families.filter_map(|line| line.split(' ').next()).collect();
    assert!(names.len() > 20);
    for name in &names {
        assert!(table.contains(&format!("| `presign_gate_{name}` |")), "{name}");
    }
    // some families have series only where the config asks for them
    assert!(table.lines().count() >= names.len() + 2);
}

#[test]
fn completions_and_manual_know_the_commands() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = printed(&["completions", shell]);
        assert!(
            script.contains("presign") && script.contains("explain") && script.contains("check"),
            "{shell}"
        );
    }
    let script = printed(&["completions", "bash"]);
    let checked = Command::new("bash").arg("-n").arg("-c").arg(&script).output().unwrap();
    assert!(checked.status.success(), "{checked:?}");
    let man = printed(&["man"]);
    assert!(man.contains(".TH presign-gate 1") && man.contains(".SH \"PRESIGN-GATE EXPLAIN\"\n"), "{man}");
    assert!(!man.contains("reference"));
    assert_eq!(Command::new(BINARY).args(["completions", "tcsh"]).output().unwrap().status.code(), Some(2));
}
