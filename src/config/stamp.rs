//! What tells one state of some files from another without reading them.
//! It must not miss an exchange: links are followed, and a file put in place of another is another file.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// The states of some files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamps(Vec<(PathBuf, Option<Stamp>)>);

/// The state of one file: which it is, how long, and when contents and metadata were last changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    /// `None` if there is no such file, or it may not be looked at.
    fn of(path: &Path) -> Option<Self> {
        let found = std::fs::metadata(path).ok()?;
        Some(Self {
            device: found.dev(),
            inode: found.ino(),
            size: found.size(),
            modified: (found.mtime(), found.mtime_nsec()),
            changed: (found.ctime(), found.ctime_nsec()),
        })
    }
}

impl Stamps {
    /// The files as they are now.
    #[must_use]
    pub fn of(files: &[PathBuf]) -> Self {
        Self(files.iter().map(|file| (file.clone(), Stamp::of(file))).collect())
    }

    /// These, and of the files that are not among them as they are now.
    #[must_use]
    pub fn and_of(mut self, files: &[PathBuf]) -> Self {
        for file in files {
            if !self.0.iter().any(|(known, _)| known == file) {
                self.0.push((file.clone(), Stamp::of(file)));
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(change: impl FnOnce(&Path)) -> bool {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a");
        std::fs::write(&file, "one").unwrap();
        // another time than that of the write to come, however coarse the clock of the file system is
        let past = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000);
        std::fs::File::open(&file).unwrap().set_modified(past).unwrap();
        let files = [file, folder.path().join("absent")];
        let before = Stamps::of(&files);
        assert_eq!(before, Stamps::of(&files));
        change(folder.path());
        before != Stamps::of(&files)
    }

    #[test]
    fn every_way_to_exchange_a_file_is_seen() {
        assert!(!check(|folder| std::fs::write(folder.join("other"), "x").unwrap()));
        assert!(check(|folder| std::fs::write(folder.join("a"), "two").unwrap()));
        assert!(check(|folder| std::fs::write(folder.join("absent"), "").unwrap()));
        assert!(check(|folder| std::fs::remove_file(folder.join("a")).unwrap()));
        assert!(check(|folder| {
            std::fs::write(folder.join("new"), "two").unwrap();
            std::fs::rename(folder.join("new"), folder.join("a")).unwrap();
        }));
    }

    #[test]
    fn a_folder_exchanged_under_a_link_is_seen() {
        // as mounted secrets and config maps are exchanged: file -> ..data/file, ..data -> a folder with a time in its name
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["..1", "..2"] {
            std::fs::create_dir(at(name)).unwrap();
            std::fs::write(at(name).join("a"), "same").unwrap();
        }
        std::os::unix::fs::symlink("..1", at("..data")).unwrap();
        std::os::unix::fs::symlink("..data/a", at("a")).unwrap();
        let files = [at("a")];
        let before = Stamps::of(&files);
        std::os::unix::fs::symlink("..2", at("..data_tmp")).unwrap();
        std::fs::rename(at("..data_tmp"), at("..data")).unwrap();
        assert_ne!(before, Stamps::of(&files));
    }

    #[test]
    fn files_that_come_later_are_added_once() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (folder.path().join("1"), folder.path().join("2"));
        let both = [one.clone(), two];
        assert_eq!(Stamps::of(&[one]).and_of(&both), Stamps::of(&both));
    }
}
