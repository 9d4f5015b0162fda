//! Short messages and open sockets between two gates of one machine: one packet each.
//! It must not know what they mean.

use crate::server::sockets::{Origin, Socket};
use rustix::net::sockopt::{Timeout, set_socket_timeout, socket_peercred};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketAddrUnix, SocketFlags, SocketType, accept_with, bind, connect,
    listen, recvmsg, sendmsg, socket_with,
};
use rustix::process::Uid;
use std::fs::Permissions;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The most sockets that are passed: what the system lets one message carry (unix(7), `SCM_MAX_FD`).
const MOST: usize = 253;
/// The longest message: that many lines.
const LONGEST: usize = 2048;

/// One end.
#[derive(Debug)]
pub(super) struct Wire(OwnedFd);

fn open() -> io::Result<OwnedFd> {
    Ok(socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?)
}

fn invalid(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text.to_owned())
}

/// Whether a process of this user may have the sockets of one of that user, or give them to it.
fn is_friend(peer: Uid, own: Uid) -> bool {
    peer == own || peer.is_root()
}

impl Wire {
    /// `None` if nobody listens there.
    pub(super) fn connect(path: &Path, patience: Duration) -> io::Result<Option<Self>> {
        let fd = open()?;
        match connect(&fd, &SocketAddrUnix::new(path)?) {
            Ok(()) => Self::new(fd, patience).map(Some),
            Err(rustix::io::Errno::NOENT | rustix::io::Errno::CONNREFUSED) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn new(fd: OwnedFd, patience: Duration) -> io::Result<Self> {
        for side in [Timeout::Recv, Timeout::Send] {
            set_socket_timeout(&fd, side, Some(patience))?;
        }
        Ok(Self(fd))
    }

    /// Whether the process at the other end runs as this one's user, or as root.
    pub(super) fn is_friend(&self) -> bool {
        socket_peercred(&self.0).is_ok_and(|peer| is_friend(peer.uid, rustix::process::geteuid()))
    }

    /// The process at the other end.
    pub(super) fn peer(&self) -> Option<i32> {
        socket_peercred(&self.0).ok().map(|peer| peer.pid.as_raw_pid())
    }

    /// Sends one message and open descriptors with it.
    pub(super) fn send(&self, text: &str, fds: &[BorrowedFd<'_>]) -> io::Result<()> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !fds.is_empty() && !control.push(SendAncillaryMessage::ScmRights(fds)) {
            return Err(invalid("too many sockets"));
        }
        sendmsg(&self.0, &[IoSlice::new(text.as_bytes())], &mut control, SendFlags::NOSIGNAL)?;
        Ok(())
    }

    pub(super) fn receive(&self) -> io::Result<String> {
        self.receive_with_fds().map(|(text, _)| text)
    }

    fn receive_with_fds(&self) -> io::Result<(String, Vec<OwnedFd>)> {
        let mut text = vec![0; LONGEST];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let message =
            recvmsg(&self.0, &mut [IoSliceMut::new(&mut text)], &mut control, RecvFlags::CMSG_CLOEXEC)?;
        let mut fds = Vec::new();
        for carried in control.drain() {
            if let RecvAncillaryMessage::ScmRights(rights) = carried {
                fds.extend(rights);
            }
        }
        if message.bytes == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        text.truncate(message.bytes);
        Ok((String::from_utf8(text).map_err(|_| invalid("this is no text"))?, fds))
    }

    /// Sends sockets that are listened on, each with who made it; their addresses are known to the system.
    pub(super) fn send_sockets(&self, sockets: &[&Socket]) -> io::Result<()> {
        let line = |socket: &&Socket| if socket.origin == Origin::Lent { "lent\n" } else { "own\n" };
        let text: String = sockets.iter().map(line).collect();
        let fds: Vec<_> = sockets.iter().map(|socket| socket.as_fd()).collect();
        self.send(&text, &fds)
    }

    pub(super) fn receive_sockets(&self) -> io::Result<Vec<Socket>> {
        let (text, fds) = self.receive_with_fds()?;
        if text.lines().count() != fds.len() {
            return Err(invalid("sockets are missing"));
        }
        let socket = |(origin, fd): (&str, OwnedFd)| {
            Socket::adopt(fd, if origin == "lent" { Origin::Lent } else { Origin::Own })
        };
        let sockets: Option<Vec<Socket>> = text.lines().zip(fds).map(socket).collect();
        sockets.ok_or_else(|| invalid("a socket does not listen"))
    }
}

/// Where wires are accepted: a socket that only this user can connect to.
#[derive(Debug)]
pub(super) struct Hook {
    fd: OwnedFd,
    path: PathBuf,
}

impl Hook {
    /// Makes the socket under another name first, so that there is never none, nor one that others may use.
    pub(super) fn new(path: &Path) -> io::Result<Self> {
        let fd = open()?;
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{}", std::process::id()));
        let beside = PathBuf::from(name);
        // left by a process that had the same number
        let _ = std::fs::remove_file(&beside);
        bind(&fd, &SocketAddrUnix::new(&beside)?)?;
        // nobody can connect before it is listened on
        std::fs::set_permissions(&beside, Permissions::from_mode(0o600))?;
        listen(&fd, 1)?;
        std::fs::rename(&beside, path)?;
        Ok(Self { fd, path: path.to_owned() })
    }

    /// Waits for the next one.
    pub(super) fn accept(&self, patience: Duration) -> io::Result<Wire> {
        Wire::new(accept_with(self.fd.as_fd(), SocketFlags::CLOEXEC)?, patience)
    }

    /// Removes the file; not after a hand-over, since it is the successor's then.
    pub(super) fn remove(&self) {
        crate::server::unix::remove(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_a_friend() {
        for (peer, own, expected) in
            [(1000, 1000, true), (0, 1000, true), (0, 0, true), (1000, 0, false), (1001, 1000, false)]
        {
            let (peer, own) = (Uid::from_raw(peer), Uid::from_raw(own));
            assert_eq!(is_friend(peer, own), expected, "{peer:?} {own:?}");
        }
    }
}
