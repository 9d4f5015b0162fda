//! The files of Unix sockets: whether one can be taken, and its removal.
//! It must not remove what is no socket, nor one that somebody listens on.

use std::io::{Error, ErrorKind};
use std::os::unix::fs::FileTypeExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

/// Makes sure that a socket can be bound at `path`; one that a process left behind is removed.
///
/// # Errors
/// Somebody listens there, something else has the name, or the folder does not allow it.
pub fn claim(path: &Path) -> std::io::Result<()> {
    match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error),
        Ok(found) if !found.file_type().is_socket() => {
            return Err(Error::new(ErrorKind::AlreadyExists, "the file is no socket"));
        }
        Ok(_) => match UnixStream::connect(path) {
            Ok(_) => return Err(ErrorKind::AddrInUse.into()),
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => std::fs::remove_file(path)?,
            Err(error) => return Err(error),
        },
    }
    UnixListener::bind(path)?;
    std::fs::remove_file(path)
}

/// Removes the file of a socket that was bound here.
pub fn remove(path: &Path) {
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket());
    if let Err(error) = if is_socket { std::fs::remove_file(path) } else { Ok(()) } {
        log::warn!("cannot remove the socket `{}`: {error}", path.display());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nobody_uses_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gate.sock");
        claim(&path).unwrap();
        assert!(!path.exists());
        let live = UnixListener::bind(&path).unwrap();
        assert_eq!(claim(&path).unwrap_err().kind(), ErrorKind::AddrInUse);
        drop(live);
        assert!(path.exists(), "a stale socket");
        claim(&path).unwrap();
        assert!(!path.exists());
        std::fs::write(&path, "something").unwrap();
        assert_eq!(claim(&path).unwrap_err().kind(), ErrorKind::AlreadyExists);
        remove(&path);
        assert_eq!(std::fs::read(&path).unwrap(), b"something");
        assert!(claim(&folder.path().join("absent/gate.sock")).is_err());
    }
}
