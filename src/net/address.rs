//! Where a listener listens: an address with a port, or a Unix socket.
//! It must not touch the file system.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// How the text of a Unix socket begins.
const UNIX: &str = "unix:";
/// The longest path of a Unix socket, in bytes (unix(7): 108 with the zero byte at the end).
const LONGEST: usize = 107;

/// Where a listener listens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ListenAddress {
    /// An address with a port.
    Tcp(SocketAddr),
    /// A Unix socket with this absolute path, UTF-8, at most 107 bytes.
    Unix(PathBuf),
}

/// A text that is no place to listen at.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write an address and a port, as `0.0.0.0:8443` or `[::1]:9090`, or `unix:` and an absolute path")]
pub struct NotAnAddress;

impl ListenAddress {
    /// The address and port; `None` for a Unix socket.
    #[must_use]
    pub const fn tcp(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(address) => Some(*address),
            Self::Unix(_) => None,
        }
    }

    /// The path of a Unix socket.
    #[must_use]
    pub fn unix(&self) -> Option<&Path> {
        match self {
            Self::Tcp(_) => None,
            Self::Unix(path) => Some(path),
        }
    }
}

impl FromStr for ListenAddress {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Self, NotAnAddress> {
        let Some(path) = text.strip_prefix(UNIX) else {
            return text.parse().map(Self::Tcp).map_err(|_| NotAnAddress);
        };
        let good = path.starts_with('/')
            && !path.ends_with('/')
            && path.len() <= LONGEST
            && !path.contains(char::is_control);
        if good { Ok(Self::Unix(PathBuf::from(path))) } else { Err(NotAnAddress) }
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "{UNIX}{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_written_alike() {
        let longest = format!("unix:/{}", "a".repeat(LONGEST - 1));
        for text in ["0.0.0.0:8443", "[::1]:9090", "127.0.0.1:0", "unix:/run/gate.sock", &longest] {
            assert_eq!(text.parse::<ListenAddress>().map(|address| address.to_string()), Ok(text.to_owned()));
        }
        let too_long = format!("{longest}a");
        for text in [
            "",
            "8443",
            "localhost:80",
            "unix:",
            "unix:gate.sock",
            "unix:/run/",
            "unix:/a\nb",
            "/run/a",
            &too_long,
        ] {
            assert_eq!(text.parse::<ListenAddress>(), Err(NotAnAddress), "{text}");
        }
    }
}
