//! Tells the service manager how the process is doing (`sd_notify(3)`): a line on the socket that it named.
//! It must not fail for want of one, nor wait for it.

use crate::config::source::{Source as _, SystemSource};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// What is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    /// Requests are served; or a reload is over, however it came out.
    Ready,
    /// The config is read again.
    Reloading,
    /// The process is about to end.
    Stopping,
}

impl News {
    const fn line(self) -> &'static str {
        match self {
            Self::Ready => "READY=1",
            Self::Reloading => "RELOADING=1",
            Self::Stopping => "STOPPING=1",
        }
    }
}

/// Tells the service manager, if there is one.
pub(super) fn tell(news: News) {
    say(news.line());
}

/// Tells the service manager which process is the service from now on. It believes that of the process that was it.
pub(super) fn tell_successor(pid: i32) {
    say(&format!("MAINPID={pid}"));
}

fn say(line: &str) {
    if let Ok(name) = SystemSource.env("NOTIFY_SOCKET")
        && let Err(error) = send(name.expose(), line)
    {
        log::warn!("the service manager cannot be told {line}: {error}");
    }
}

/// A name that begins with `@` is an abstract one.
fn send(name: &[u8], line: &str) -> std::io::Result<()> {
    let address = match name.split_first() {
        Some((b'@', rest)) => SocketAddr::from_abstract_name(rest)?,
        _ => SocketAddr::from_pathname(std::path::Path::new(&*String::from_utf8_lossy(name)))?,
    };
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    socket.send_to_addr(line.as_bytes(), &address)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_paths_or_abstract() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        send(path.to_str().unwrap().as_bytes(), News::Ready.line()).unwrap();
        let mut line = [0; 64];
        let length = manager.recv(&mut line).unwrap();
        assert_eq!(&line[..length], b"READY=1");

        let name = format!("presign-gate-test-{}", std::process::id());
        let manager = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        send(format!("@{name}").as_bytes(), News::Stopping.line()).unwrap();
        let length = manager.recv(&mut line).unwrap();
        assert_eq!(&line[..length], b"STOPPING=1");
        assert!(send(b"/nowhere/at/all", "READY=1").is_err());
    }
}
