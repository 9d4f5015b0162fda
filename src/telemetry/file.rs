//! The file of a log, followed by its name: renamed or removed, the next lines go to a new file of that name.
//! It must not lose what it was given without saying so, nor leave half a line for the next one to continue.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// A file that lines are added to. It is made with mode 0640 if it is not there.
#[derive(Debug)]
pub struct LogFile {
    path: PathBuf,
    file: File,
    /// Device and inode of `file`.
    identity: (u64, u64),
    /// Whether it was told already that a new file cannot be opened.
    stuck: bool,
}

impl LogFile {
    /// Opens the file, or makes it.
    ///
    /// # Errors
    /// If it cannot be written to.
    pub fn open(path: &Path) -> io::Result<Self> {
        // read access is for those that look at the end of the file before they add to it
        let file = OpenOptions::new().create(true).append(true).read(true).mode(0o640).open(path)?;
        let identity = identity(&file.metadata()?);
        Ok(Self { path: path.to_owned(), file, identity, stuck: false })
    }

    /// The open file.
    pub const fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Its name.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the file that the name leads to now, if it is another one; gives whether it is.
    ///
    /// If that cannot be opened, lines go on to the old file, and a message says so once.
    pub fn follow(&mut self) -> bool {
        if !self.is_moved() {
            return false;
        }
        match Self::open(&self.path) {
            Ok(new) => {
                *self = new;
                true
            }
            Err(error) => {
                if !std::mem::replace(&mut self.stuck, true) {
                    log::warn!(
                        "cannot open `{}` anew, going on with the file that had its name: {error}",
                        self.path.display()
                    );
                }
                false
            }
        }
    }

    fn is_moved(&self) -> bool {
        match std::fs::metadata(&self.path) {
            Ok(found) => identity(&found) != self.identity,
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        }
    }

    /// Adds lines: all of them or none.
    ///
    /// # Errors
    /// They are not there then; unless the system does not even take back what it has written.
    pub fn add(&mut self, lines: &[u8]) -> io::Result<()> {
        let before = self.file.metadata()?.len();
        self.file.write_all(lines).inspect_err(|_| {
            // a disk that is full has taken a part; no more can be done if it does not give that back
            let _ = self.file.set_len(before);
        })
    }
}

fn identity(metadata: &std::fs::Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &Path) -> String {
        std::fs::read_to_string(path).unwrap()
    }

    #[test]
    fn it_follows_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let (path, old) = (folder.path().join("a.log"), folder.path().join("a.log.1"));
        let mut log = LogFile::open(&path).unwrap();
        log.add(b"one\n").unwrap();
        assert!(!log.follow());
        std::fs::rename(&path, &old).unwrap();
        assert!(log.follow());
        log.add(b"two\n").unwrap();
        assert!(!log.follow());
        // as logrotate's `create` leaves it
        std::fs::rename(&path, folder.path().join("a.log.2")).unwrap();
        std::fs::write(&path, "").unwrap();
        assert!(log.follow());
        log.add(b"three\n").unwrap();
        assert_eq!((read(&old).as_str(), read(&path).as_str()), ("one\n", "three\n"));
    }

    #[test]
    fn a_file_that_was_emptied_is_written_from_its_start() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        let mut log = LogFile::open(&path).unwrap();
        log.add(b"one\n").unwrap();
        // as logrotate's `copytruncate` leaves it
        File::options().write(true).truncate(true).open(&path).unwrap();
        assert!(!log.follow());
        log.add(b"two\n").unwrap();
        assert_eq!(read(&path), "two\n");
    }

    #[test]
    fn a_file_that_cannot_be_opened_is_an_error_and_the_old_one_stays() {
        let folder = tempfile::tempdir().unwrap();
        assert!(LogFile::open(folder.path()).is_err());
        let path = folder.path().join("inner/a.log");
        std::fs::create_dir(folder.path().join("inner")).unwrap();
        let mut log = LogFile::open(&path).unwrap();
        std::fs::rename(folder.path().join("inner"), folder.path().join("gone")).unwrap();
        assert!(!log.follow() && log.stuck);
        log.add(b"kept\n").unwrap();
        assert_eq!(read(&folder.path().join("gone/a.log")), "kept\n");
    }

    #[test]
    fn half_a_line_is_taken_back() {
        // a device that is always full cannot be shortened, but says so
        let mut full = LogFile::open(Path::new("/dev/full")).unwrap();
        assert_eq!(full.add(b"line\n").unwrap_err().kind(), io::ErrorKind::StorageFull);
    }
}
