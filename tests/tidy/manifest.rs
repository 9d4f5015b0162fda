//! Every dependency in the manifest says what it is for.
//! It must not judge versions; `deny.toml` does.

use super::tree::{self, Source};
use super::{assert_clean, assert_found};

/// Dependencies without a comment on the line before them.
fn findings(manifest: &Source) -> Vec<String> {
    let mut found = Vec::new();
    let (mut in_dependencies, mut previous) = (false, "");
    for line in manifest.text.lines() {
        if line.starts_with('[') {
            in_dependencies = line.ends_with("dependencies]");
        } else if in_dependencies
            && line.contains('=')
            && !line.starts_with('#')
            && !previous.starts_with('#')
        {
            let name = line.split('=').next().unwrap_or_default().trim();
            found.push(format!("{}: nothing says what `{name}` is for", manifest.path));
        }
        previous = line;
    }
    found
}

#[test]
fn dependencies_say_what_they_are_for() {
    let manifests = tree::files("", |path| path.ends_with("Cargo.toml"));
    assert!(manifests.iter().any(|manifest| manifest.path == "Cargo.toml"), "Cargo.toml was not found");
    for manifest in &manifests {
        assert_clean(&findings(manifest));
    }
}

#[test]
fn dependencies_without_a_comment_are_found() {
    let manifest = |text: &str| Source::new("Cargo.toml", text);
    assert_found(&findings(&manifest("[dependencies]\n# why\na = \"1\"\nb = \"1\"\n")), "`b`");
    assert_found(&findings(&manifest("[dev-dependencies]\na = \"1\"\n")), "`a`");
    assert_clean(&findings(&manifest(
        "[package]\nname = \"x\"\n[dependencies]\n# why\na = \"1\"\n[lints]\nb = 1\n",
    )));
}
