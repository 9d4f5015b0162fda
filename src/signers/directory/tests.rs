//! What a folder of keys does when its files come, change, break and go.
//! It must not sleep: each look is a call.

use super::*;
use std::fs;
use std::os::unix::fs::symlink;
use tempfile::TempDir;

fn entry(id: &str, secret: &str) -> String {
    format!("{{access_key_id: {id}, secret_access_key: {{value: {secret}}}}}")
}

struct World {
    folder: TempDir,
    directory: Directory,
}

impl World {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let directory = Directory::open("tenants", folder.path());
        Self { folder, directory }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Puts a file in the place of another, so that it is another whatever the clock of the file system is.
    fn put(&self, name: &str, text: &str) {
        fs::write(self.at(".new"), text).unwrap();
        fs::rename(self.at(".new"), self.at(name)).unwrap();
    }

    fn looks(&self, times: usize) -> Vec<CredentialChange> {
        (0..times).flat_map(|_| self.directory.look()).map(|it| it.change).collect()
    }

    #[track_caller]
    fn check(&self, expected: &[(&str, &str)]) {
        for (id, secret) in expected {
            let guest = self.directory.get(id).unwrap_or_else(|| panic!("no {id}"));
            assert!(guest.key.credential().secret.matches(secret.as_bytes()), "{id}");
        }
        assert_eq!(self.directory.len(), expected.len());
    }
}

#[test]
fn keys_come_change_and_go_with_their_files() {
    let world = World::new(&[("a.yaml", &entry("A", "a1")), ("b.json", &entry("B", "b1"))]);
    world.check(&[("A", "a1"), ("B", "b1")]);
    assert_eq!(world.looks(3), []);
    world.put("a.yaml", &entry("A", "a2"));
    assert_eq!(world.looks(1), [], "it may still be written");
    assert_eq!(world.looks(1), [CredentialChange::Changed]);
    world.put("c.yml", &entry("C", "c1"));
    assert_eq!(world.looks(2), [CredentialChange::Added]);
    world.check(&[("A", "a2"), ("B", "b1"), ("C", "c1")]);
    fs::remove_file(world.at("b.json")).unwrap();
    assert_eq!(world.looks(1), [CredentialChange::Removed], "a key goes at once");
    world.check(&[("A", "a2"), ("C", "c1")]);
    // another key in the same file
    world.put("c.yml", &entry("D", "d1"));
    assert_eq!(world.looks(2), [CredentialChange::Removed, CredentialChange::Added]);
    world.check(&[("A", "a2"), ("D", "d1")]);
    assert!(world.directory.is_well());
}

#[test]
fn a_wrong_file_leaves_the_last_good_version_of_its_key_alone() {
    let world = World::new(&[("a.yaml", &entry("A", "a1")), ("wrong.yaml", "access_key_id: W\n")]);
    world.check(&[("A", "a1")]);
    assert!(!world.directory.is_well());
    for text in ["", "{", "{access_key_id: A}", &entry("A", "''"), "\u{0}"] {
        world.put("a.yaml", text);
        assert_eq!(world.looks(2), [], "{text:?}");
        world.check(&[("A", "a1")]);
    }
    world.put("wrong.yaml", &entry("W", "w1"));
    world.put("a.yaml", &entry("A", "a2"));
    assert_eq!(world.looks(2).len(), 2);
    world.check(&[("A", "a2"), ("W", "w1")]);
    assert!(world.directory.is_well());
    world.put("a.yaml", "");
    assert_eq!(world.looks(2), []);
    fs::remove_file(world.at("a.yaml")).unwrap();
    assert_eq!(world.looks(1), [CredentialChange::Removed], "also that of a wrong file");
    world.check(&[("W", "w1")]);
}

#[test]
fn of_two_files_with_one_key_the_first_counts() {
    let world = World::new(&[("1.yaml", &entry("A", "first")), ("2.yaml", &entry("A", "second"))]);
    world.check(&[("A", "first")]);
    fs::remove_file(world.at("1.yaml")).unwrap();
    assert_eq!(world.looks(1), [CredentialChange::Changed]);
    world.check(&[("A", "second")]);
}

#[test]
fn files_that_are_named_are_looked_at_too() {
    let text = "{access_key_id: A, secret_access_key: {file: a.secret}}";
    let world = World::new(&[("a.yaml", text), ("a.secret", "one")]);
    world.check(&[("A", "one")]);
    world.put("a.secret", "two");
    assert_eq!(world.looks(2), [CredentialChange::Changed]);
    world.check(&[("A", "two")]);
    fs::remove_file(world.at("a.secret")).unwrap();
    assert_eq!(world.looks(2), []);
    world.check(&[("A", "two")]);
    world.put("a.secret", "three");
    assert_eq!(world.looks(2), [CredentialChange::Changed]);
}

#[test]
fn a_mounted_folder_is_exchanged_as_a_whole() {
    // file -> ..data/file, ..data -> a folder with a time in its name
    let world = World::new(&[]);
    for (folder, secret) in [("..1", "one"), ("..2", "two")] {
        fs::create_dir(world.at(folder)).unwrap();
        fs::write(world.at(folder).join("a.yaml"), entry("A", secret)).unwrap();
    }
    symlink("..1", world.at("..data")).unwrap();
    symlink("..data/a.yaml", world.at("a.yaml")).unwrap();
    assert_eq!(world.looks(2), [CredentialChange::Added]);
    world.check(&[("A", "one")]);
    symlink("..2", world.at("..tmp")).unwrap();
    fs::rename(world.at("..tmp"), world.at("..data")).unwrap();
    assert_eq!(world.looks(2), [CredentialChange::Changed]);
    world.check(&[("A", "two")]);
    // the link may outlive the file
    fs::remove_file(world.at("..2").join("a.yaml")).unwrap();
    assert_eq!(world.looks(1), [CredentialChange::Removed]);
}

#[test]
fn a_folder_that_is_gone_holds_no_keys() {
    let world =
        World::new(&[("a.yaml", &entry("A", "a")), ("notes.txt", "no key"), (".b.yaml", &entry("B", "b"))]);
    world.check(&[("A", "a")]);
    let elsewhere = tempfile::tempdir().unwrap();
    fs::rename(world.folder.path(), elsewhere.path().join("moved")).unwrap();
    assert_eq!(world.looks(1), [CredentialChange::Removed]);
    assert!(!world.directory.is_well());
    fs::rename(elsewhere.path().join("moved"), world.folder.path()).unwrap();
    assert_eq!(world.looks(2), [CredentialChange::Added]);
    assert!(world.directory.is_well());
}
