//! The sockets that are listened on: bound here, passed by the service manager, or taken over from another gate.
//! It must not accept connections.

use super::unix;
use crate::net::address::ListenAddress;
use std::io;
use std::net::TcpListener;
use std::os::fd::{AsFd, BorrowedFd, IntoRawFd as _, OwnedFd, RawFd};
use std::os::unix::net::UnixListener;

/// The most connections that wait to be accepted; the system has a bound of its own (`net.core.somaxconn`).
const BACKLOG: i32 = 65535;

/// Who made a socket, and so who removes the file of a Unix socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A gate.
    Own,
    /// The service manager, which keeps it.
    Lent,
}

/// A socket that is listened on.
#[derive(Debug)]
pub struct Socket {
    /// Where.
    pub address: ListenAddress,
    /// Who made it.
    pub origin: Origin,
    fd: OwnedFd,
}

/// Why an address is not listened on.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// It cannot be.
    #[error("cannot listen on `{address}`: {error}; stop what uses it or choose another address")]
    Bind {
        /// The address.
        address: ListenAddress,
        /// What the system says.
        error: io::Error,
    },
    /// A socket was passed that the config does not name.
    #[error(
        "the service manager passed a socket for `{0}`, where the config has no listener: let both name one address"
    )]
    Unasked(ListenAddress),
    /// A socket was passed that cannot be listened on.
    #[error("descriptor {0} from the service manager is no stream socket that listens")]
    Unfit(usize),
}

impl Socket {
    /// A socket that listens already; `None` if it does not, or listens on no address that a config can name.
    #[must_use]
    pub fn adopt(fd: OwnedFd, origin: Origin) -> Option<Self> {
        // acceptors share their thread with connections, and must not wait in the system
        rustix::io::ioctl_fionbio(&fd, true).ok()?;
        if !rustix::net::sockopt::socket_acceptconn(&fd).ok()? {
            return None;
        }
        let domain = rustix::net::sockopt::socket_domain(&fd).ok()?;
        if domain == rustix::net::AddressFamily::UNIX {
            let listener = UnixListener::from(fd);
            let path = listener.local_addr().ok()?.as_pathname()?.to_owned();
            return Some(Self { address: ListenAddress::Unix(path), origin, fd: listener.into() });
        }
        let listener = TcpListener::from(fd);
        let address = ListenAddress::Tcp(listener.local_addr().ok()?);
        Some(Self { address, origin, fd: listener.into() })
    }

    /// Binds an address that nobody listens on.
    ///
    /// # Errors
    /// [`SocketError::Bind`].
    pub fn bind(address: &ListenAddress) -> Result<Self, SocketError> {
        let bound = match address {
            ListenAddress::Tcp(at) => TcpListener::bind(at).map(OwnedFd::from),
            ListenAddress::Unix(path) => {
                unix::claim(path).and_then(|()| UnixListener::bind(path)).map(OwnedFd::from)
            }
        };
        let listening = bound.and_then(|fd| {
            rustix::net::listen(&fd, BACKLOG)?;
            rustix::io::ioctl_fionbio(&fd, true)?;
            Ok(fd)
        });
        let bind = |error| SocketError::Bind { address: address.clone(), error };
        Ok(Self { address: address.clone(), origin: Origin::Own, fd: listening.map_err(bind)? })
    }

    /// Another descriptor of the socket, for the framework, which owns what it is given by number.
    ///
    /// # Errors
    /// The process may open no more.
    pub fn duplicate(&self) -> io::Result<RawFd> {
        Ok(self.fd.try_clone()?.into_raw_fd())
    }

    /// Removes the file of a Unix socket that a gate made.
    pub fn remove(&self) {
        if let (ListenAddress::Unix(path), Origin::Own) = (&self.address, self.origin) {
            unix::remove(path);
        }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// The sockets that the service manager passed (`sd_listen_fds(3)`).
///
/// # Errors
/// [`SocketError::Unfit`].
pub fn passed() -> Result<Vec<Socket>, SocketError> {
    let mut passed = listenfd::ListenFd::from_env();
    let mut sockets = Vec::new();
    for number in 0..passed.len() {
        let tcp = passed.take_tcp_listener(number).ok().flatten().map(OwnedFd::from);
        let fd = tcp.or_else(|| passed.take_unix_listener(number).ok().flatten().map(OwnedFd::from));
        let socket = fd.and_then(|fd| Socket::adopt(fd, Origin::Lent));
        sockets.push(socket.ok_or(SocketError::Unfit(number + 3))?);
    }
    Ok(sockets)
}

/// A socket for each address, in their order: one of those at hand, else a new one.
///
/// # Errors
/// An address cannot be bound, or one that the service manager passed is not asked for. One that another gate had is
/// closed then, which is how a listener goes.
pub fn open(addresses: &[ListenAddress], mut at_hand: Vec<Socket>) -> Result<Vec<Socket>, SocketError> {
    let mut sockets = Vec::with_capacity(addresses.len());
    for address in addresses {
        let found = at_hand.iter().position(|socket| socket.address == *address);
        sockets.push(match found {
            Some(position) => at_hand.swap_remove(position),
            None => Socket::bind(address)?,
        });
    }
    match at_hand.into_iter().find(|left| left.origin == Origin::Lent) {
        Some(left) => Err(SocketError::Unasked(left.address)),
        None => Ok(sockets),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listening() -> (ListenAddress, OwnedFd) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        (ListenAddress::Tcp(listener.local_addr().unwrap()), listener.into())
    }

    #[test]
    fn what_is_at_hand_is_used_and_the_rest_bound() {
        let (address, fd) = listening();
        let held = fd.try_clone().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = ListenAddress::Unix(folder.path().join("gate.sock"));
        let at_hand = vec![Socket::adopt(fd, Origin::Lent).unwrap()];
        let sockets = open(&[path.clone(), address.clone()], at_hand).unwrap();
        assert_eq!(sockets.iter().map(|socket| &socket.address).collect::<Vec<_>>(), [&path, &address]);
        assert_eq!((sockets[0].origin, sockets[1].origin), (Origin::Own, Origin::Lent));
        // bound already, and not at hand
        assert!(matches!(open(std::slice::from_ref(&address), Vec::new()), Err(SocketError::Bind { .. })));
        sockets.iter().for_each(Socket::remove);
        assert!(!folder.path().join("gate.sock").exists());
        drop((sockets, held));
        assert!(open(&[address], Vec::new()).is_ok());
    }

    #[test]
    fn a_lent_socket_must_be_asked_for_and_an_own_one_goes() {
        let (address, fd) = listening();
        let own = Socket::adopt(fd.try_clone().unwrap(), Origin::Own).unwrap();
        assert!(open(&[], vec![own]).unwrap().is_empty());
        let lent = Socket::adopt(fd, Origin::Lent).unwrap();
        let error = open(&[], vec![lent]).unwrap_err();
        assert!(matches!(&error, SocketError::Unasked(found) if *found == address), "{error}");
    }

    #[test]
    fn what_does_not_listen_is_no_socket() {
        let (address, _listener) = listening();
        let client = std::net::TcpStream::connect(address.tcp().unwrap()).unwrap();
        assert!(Socket::adopt(client.into(), Origin::Lent).is_none());
        assert!(Socket::adopt(std::fs::File::open("/dev/null").unwrap().into(), Origin::Lent).is_none());
    }
}
