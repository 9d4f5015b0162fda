//! Where the config gets files and environment variables from; the only place that reads the environment.
//! It must not log or keep what it reads.

use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::secret::Secret;

/// The largest file that is read: no key, certificate or policy comes near it.
const MAX_FILE_BYTES: u64 = 16 << 20;

/// A file that was read.
#[derive(Clone, Debug)]
pub struct FileBytes {
    /// What it holds; any file may turn out to be a secret.
    pub bytes: Secret,
    /// Whether users other than the owner and the group may read it.
    pub exposed: bool,
}

/// Why something could not be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// The file system said no.
    #[error("cannot read `{}`: {why}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the file system said.
        why: String,
    },
    /// The file is larger than any that belongs here.
    #[error("`{}` is larger than 16MiB", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// The environment variable is not set, or is no text.
    #[error("environment variable `{name}` is not set")]
    Env {
        /// Its name.
        name: String,
    },
}

/// The outside world, as far as a config file may refer to it.
pub trait Source: std::fmt::Debug {
    /// Reads a file.
    ///
    /// # Errors
    /// It does not exist, cannot be read, or is too large.
    fn read(&self, path: &Path) -> Result<FileBytes, SourceError>;

    /// Reads an environment variable.
    ///
    /// # Errors
    /// It is not set, or is not UTF-8.
    fn env(&self, name: &str) -> Result<Secret, SourceError>;
}

/// What a text from elsewhere may refer to: nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSource;

impl Source for NoSource {
    fn read(&self, path: &Path) -> Result<FileBytes, SourceError> {
        let why = "a text that comes over the network names no files of this machine".to_owned();
        Err(SourceError::File { path: path.to_owned(), why })
    }

    fn env(&self, name: &str) -> Result<Secret, SourceError> {
        Err(SourceError::Env { name: name.to_owned() })
    }
}

/// The file system and the environment of this process.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemSource;

impl Source for SystemSource {
    fn read(&self, path: &Path) -> Result<FileBytes, SourceError> {
        let failed =
            |error: std::io::Error| SourceError::File { path: path.to_owned(), why: error.to_string() };
        let file = std::fs::File::open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        let mut bytes = Vec::new();
        file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
        if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > MAX_FILE_BYTES {
            return Err(SourceError::TooLarge { path: path.to_owned() });
        }
        Ok(FileBytes { bytes: Secret::new(bytes), exposed: others_may_read(&metadata) })
    }

    fn env(&self, name: &str) -> Result<Secret, SourceError> {
        #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
        let value = std::env::var(name);
        value.map(Secret::new).map_err(|_| SourceError::Env { name: name.to_owned() })
    }
}

#[cfg(unix)]
fn others_may_read(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o004 != 0
}

#[cfg(not(unix))]
fn others_may_read(_: &std::fs::Metadata) -> bool {
    false
}

/// Files and variables held in memory: for tests, and for checking a file that is not on this machine.
#[derive(Clone, Debug, Default)]
pub struct MemorySource {
    files: HashMap<PathBuf, FileBytes>,
    env: HashMap<String, Secret>,
}

impl MemorySource {
    /// Adds a file that only its owner may read.
    #[must_use]
    pub fn with_file(mut self, path: impl Into<PathBuf>, content: impl Into<Vec<u8>>) -> Self {
        let file = FileBytes { bytes: Secret::new(content), exposed: false };
        self.files.insert(path.into(), file);
        self
    }

    /// Adds a file that everybody may read.
    #[must_use]
    pub fn with_exposed_file(mut self, path: impl Into<PathBuf>, content: impl Into<Vec<u8>>) -> Self {
        let file = FileBytes { bytes: Secret::new(content), exposed: true };
        self.files.insert(path.into(), file);
        self
    }

    /// Adds an environment variable.
    #[must_use]
    pub fn with_env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.insert(name.into(), Secret::new(value.into()));
        self
    }
}

impl Source for MemorySource {
    fn read(&self, path: &Path) -> Result<FileBytes, SourceError> {
        let missing = || SourceError::File { path: path.to_owned(), why: "no such file".to_owned() };
        self.files.get(path).cloned().ok_or_else(missing)
    }

    fn env(&self, name: &str) -> Result<Secret, SourceError> {
        self.env.get(name).cloned().ok_or_else(|| SourceError::Env { name: name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_tell_who_may_read_them() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        std::fs::write(&path, "hunter2").unwrap();
        for (mode, exposed) in [(0o600, false), (0o640, false), (0o644, true)] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let file = SystemSource.read(&path).unwrap();
            assert_eq!((file.bytes.expose(), file.exposed), (b"hunter2".as_slice(), exposed), "{mode:o}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("absent");
        assert!(
            matches!(SystemSource.read(&path), Err(SourceError::File { path: named, .. }) if named == path)
        );
        assert!(matches!(SystemSource.read(dir.path()), Err(SourceError::File { .. })));
        let large = dir.path().join("large");
        std::fs::File::create(&large).unwrap().set_len(MAX_FILE_BYTES + 1).unwrap();
        assert_eq!(SystemSource.read(&large).unwrap_err(), SourceError::TooLarge { path: large });
        let name = "PRESIGN_GATE_TEST_ABSENT";
        assert_eq!(SystemSource.env(name).unwrap_err(), SourceError::Env { name: name.into() });
    }
}
