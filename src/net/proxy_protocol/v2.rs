//! Version 2 of the PROXY protocol: the binary header (specification section 2.2).
//! It must not read a byte past the length that the header tells.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{
    Extra, Progress, ProxyError, ProxyHeader, ProxySource, ProxyVersion, V2_FIXED, V2_MAX_VARIABLE, tlv,
};

/// How every header begins; no line of text does.
pub(super) const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";

/// The length of the addresses of Unix sockets.
const UNIX_ADDRESSES: usize = 216;

/// Reads bytes that begin with [`SIGNATURE`].
pub(super) fn parse(bytes: &[u8]) -> Result<Progress, ProxyError> {
    let missing = V2_FIXED.saturating_sub(bytes.len());
    let Some(&version_and_command) = bytes.get(12) else { return Ok(Progress::NeedMore(missing)) };
    let command = Command::read(version_and_command)?;
    let Some(&family) = bytes.get(13) else { return Ok(Progress::NeedMore(missing)) };
    let family = match command {
        // the family of LOCAL means nothing and must be ignored
        Command::Local => None,
        Command::Proxy => Some(Family::read(family)?),
    };
    let Some(&[high, low]) = bytes.get(14..V2_FIXED) else { return Ok(Progress::NeedMore(missing)) };
    let variable = usize::from(u16::from_be_bytes([high, low]));
    if variable > V2_MAX_VARIABLE {
        return Err(ProxyError::TooLong);
    }
    let len = V2_FIXED + variable;
    let Some(header) = bytes.get(..len) else { return Ok(Progress::NeedMore(len - bytes.len())) };
    let (source, extra) = match family {
        None => (ProxySource::Local, Extra::default()),
        Some(family) => family.addresses(header)?,
    };
    Ok(Progress::Done { header: ProxyHeader { version: ProxyVersion::V2, source, extra }, len })
}

enum Command {
    Local,
    Proxy,
}

impl Command {
    fn read(byte: u8) -> Result<Self, ProxyError> {
        match (byte >> 4, byte & 0x0F) {
            (2, 0) => Ok(Self::Local),
            (2, 1) => Ok(Self::Proxy),
            (2, _) => Err(ProxyError::Command),
            _ => Err(ProxyError::Version),
        }
    }
}

enum Family {
    Unspecified,
    Tcp4,
    Tcp6,
    Unix,
}

impl Family {
    /// Datagrams cannot arrive on a TCP listener, so their families are refused like those that do not exist.
    fn read(byte: u8) -> Result<Self, ProxyError> {
        match byte {
            0x00 => Ok(Self::Unspecified),
            0x11 => Ok(Self::Tcp4),
            0x21 => Ok(Self::Tcp6),
            0x31 => Ok(Self::Unix),
            _ => Err(ProxyError::Family),
        }
    }

    /// Reads what follows the fixed part of a whole header.
    fn addresses(&self, header: &[u8]) -> Result<(ProxySource, Extra), ProxyError> {
        let variable = header.get(V2_FIXED..).unwrap_or_default();
        let (source, fields) = match self {
            Self::Unspecified => return Ok((ProxySource::Unknown, Extra::default())),
            Self::Unix => {
                return match variable.len() {
                    UNIX_ADDRESSES.. => Ok((ProxySource::Unknown, Extra::default())),
                    _ => Err(ProxyError::AddressesCut),
                };
            }
            Self::Tcp4 => client::<4>(variable, |octets| Ipv4Addr::from_octets(octets).into())?,
            Self::Tcp6 => client::<16>(variable, |octets| Ipv6Addr::from_octets(octets).into())?,
        };
        let extra = tlv::read(header, fields)?;
        Ok((source, extra))
    }
}

/// Both addresses, both ports, and the bytes after them.
fn client<const N: usize>(
    bytes: &[u8],
    address: impl Fn([u8; N]) -> IpAddr,
) -> Result<(ProxySource, &[u8]), ProxyError> {
    let (source, rest) = bytes.split_first_chunk::<N>().ok_or(ProxyError::AddressesCut)?;
    let (destination, rest) = rest.split_first_chunk::<N>().ok_or(ProxyError::AddressesCut)?;
    let (source_port, rest) = rest.split_first_chunk::<2>().ok_or(ProxyError::AddressesCut)?;
    let (destination_port, fields) = rest.split_first_chunk::<2>().ok_or(ProxyError::AddressesCut)?;
    let source = SocketAddr::new(address(*source), u16::from_be_bytes(*source_port));
    let destination = SocketAddr::new(address(*destination), u16::from_be_bytes(*destination_port));
    Ok((ProxySource::Client { source, destination }, fields))
}
