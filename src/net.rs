//! Who is on the wire: the facts of a connection, and the network path that they prove.
//! It must not read a socket, and must not believe an address that no rule says may be believed.

pub mod address;
pub mod cidr;
pub mod forwarded;
pub mod identity;
pub mod proxy_protocol;
pub mod rules;
pub mod source;

use std::net::SocketAddr;

use proxy_protocol::ProxyHeader;

/// What the listener knows about a connection; made once per connection, after PROXY header and TLS handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnFacts {
    /// The other end of the socket; `None` when it has no address (a Unix socket, or the kernel would not say).
    pub peer: Option<SocketAddr>,
    /// This end of the socket.
    pub local: Option<SocketAddr>,
    /// The TLS version that this gate negotiated; `None` for cleartext.
    pub tls: Option<TlsVersion>,
    /// The PROXY header that the connection began with.
    pub proxy: Option<ProxyHeader>,
    /// The listener that accepted the connection.
    pub listener: ListenerIndex,
}

/// The position of a listener in the config, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ListenerIndex(pub u16);

impl ListenerIndex {
    /// The position, for looking up in a slice.
    #[must_use]
    pub fn get(self) -> usize {
        usize::from(self.0)
    }
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TlsVersion {
    /// TLS 1.0 (RFC 2246); only a trusted front can have negotiated it.
    Tls10,
    /// TLS 1.1 (RFC 4346); only a trusted front can have negotiated it.
    Tls11,
    /// TLS 1.2 (RFC 5246).
    Tls12,
    /// TLS 1.3 (RFC 8446).
    Tls13,
}

impl TlsVersion {
    /// Every version, oldest first.
    pub const ALL: &[Self] = &[Self::Tls10, Self::Tls11, Self::Tls12, Self::Tls13];

    /// The value of the condition key `s3:TlsVersion`: `1.0` to `1.3`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tls10 => "1.0",
            Self::Tls11 => "1.1",
            Self::Tls12 => "1.2",
            Self::Tls13 => "1.3",
        }
    }

    /// The version with the name that TLS libraries print, as in `PP2_SUBTYPE_SSL_VERSION`: `TLSv1` to `TLSv1.3`.
    #[must_use]
    pub fn from_library_name(name: &[u8]) -> Option<Self> {
        match name {
            b"TLSv1" | b"TLSv1.0" => Some(Self::Tls10),
            b"TLSv1.1" => Some(Self::Tls11),
            b"TLSv1.2" => Some(Self::Tls12),
            b"TLSv1.3" => Some(Self::Tls13),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tls_versions_keep_their_order_and_names() {
        for pair in TlsVersion::ALL.windows(2) {
            assert!(pair[0] < pair[1] && pair[0].as_str() < pair[1].as_str());
        }
        for version in TlsVersion::ALL {
            let name = format!("TLSv{}", version.as_str());
            assert_eq!(TlsVersion::from_library_name(name.as_bytes()), Some(*version));
        }
        for other in ["SSLv3", "TLSv1.4", "tlsv1.2", "1.2", ""] {
            assert_eq!(TlsVersion::from_library_name(other.as_bytes()), None, "{other}");
        }
    }
}
