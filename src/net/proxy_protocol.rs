//! The PROXY protocol, versions 1 and 2: bytes of a connection's beginning to one typed header.
//! It must not decide whether the sender may be believed, and must not skip what it cannot read.
//!
//! Source: the PROXY protocol specification of HAProxy (`doc/proxy-protocol.txt`, 2020/03/05 and later).

mod crc32c;
mod tlv;
mod v1;
mod v2;

use std::net::SocketAddr;
use std::sync::Arc;

use super::TlsVersion;

/// The longest version 1 line, with its line end, in bytes.
pub const V1_MAX: usize = 107;
/// The length of the fixed part of version 2, in bytes.
pub const V2_FIXED: usize = 16;
/// The longest variable part of version 2 that is read, in bytes; the format could tell 65,535.
pub const V2_MAX_VARIABLE: usize = 4096;

/// How far the bytes go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// At least this many bytes are missing; never 0. A reader that asks for no more never takes a byte of the stream.
    NeedMore(usize),
    /// The header is complete.
    Done {
        /// What it says.
        header: ProxyHeader,
        /// Its length in bytes; the stream begins after it.
        len: usize,
    },
}

/// A PROXY header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyHeader {
    /// The version of the format.
    pub version: ProxyVersion,
    /// Where the connection comes from.
    pub source: ProxySource,
    /// What version 2 says beyond the addresses; empty for version 1 and when there are no IP addresses.
    pub extra: Extra,
}

/// The version of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyVersion {
    /// One line of text.
    V1,
    /// Binary.
    V2,
}

/// Where the connection comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxySource {
    /// A client with a TCP connection over IP.
    Client {
        /// The address of the client.
        source: SocketAddr,
        /// The address that the client connected to.
        destination: SocketAddr,
    },
    /// The sender itself (command LOCAL), for health checks.
    Local,
    /// A client without an IP address: `UNKNOWN`, unspecified family, Unix socket.
    Unknown,
}

/// What a version 2 header says in its type-length-value fields, as far as the gate uses it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extra {
    /// The AWS VPC endpoint (type 0xEA, subtype 0x01): `vpce-` and 8 to 32 lower-case hex digits.
    pub vpce: Option<Arc<str>>,
    /// What is known about TLS between client and sender (type 0x20).
    pub ssl: Option<SslInfo>,
    /// The Azure Private Link id (type 0xEE, subtype 0x01).
    pub azure_link_id: Option<u32>,
    /// The Google Private Service Connect connection id (type 0xE0).
    pub gcp_psc_connection_id: Option<u64>,
}

/// What the sender says about TLS between the client and itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SslInfo {
    /// Whether the client connected over TLS.
    pub client_tls: bool,
    /// The version, if it is one that is known by name.
    pub version: Option<TlsVersion>,
}

/// Why a PROXY header was refused. The connection cannot be used after any of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProxyError {
    /// The bytes begin neither version.
    #[error("the connection does not begin with a PROXY header")]
    NotProxy,
    /// Version 1: no line end within 107 bytes.
    #[error("the PROXY line is longer than {V1_MAX} bytes")]
    LineTooLong,
    /// Version 1: the line does not end with CR LF.
    #[error("the PROXY line has a bare CR or LF")]
    LineEnd,
    /// Version 1: not `TCP4`, `TCP6` or `UNKNOWN` with the right number of fields.
    #[error("the PROXY line does not have the fields of its protocol")]
    LineFields,
    /// Version 1: an address that is not one of the named family.
    #[error("the PROXY line has an address that is malformed or of the other family")]
    LineAddress,
    /// Version 1: a port that is no plain decimal number up to 65,535.
    #[error("the PROXY line has a malformed port")]
    LinePort,
    /// Version 2: the version nibble is not 2.
    #[error("the PROXY header has an unknown version")]
    Version,
    /// Version 2: the command is neither LOCAL nor PROXY.
    #[error("the PROXY header has an unknown command")]
    Command,
    /// Version 2: an address family or transport that this gate cannot have.
    #[error("the PROXY header has an address family or transport that no TCP listener can have")]
    Family,
    /// Version 2: more than the cap.
    #[error("the PROXY header is longer than {} bytes", V2_FIXED + V2_MAX_VARIABLE)]
    TooLong,
    /// Version 2: shorter than the addresses of its family.
    #[error("the PROXY header is shorter than its addresses")]
    AddressesCut,
    /// Version 2: a field that ends after the header, or is too short or too long for its type.
    #[error("the PROXY header has a malformed field of type 0x{0:02x}")]
    Field(u8),
    /// Version 2: a field that must stand once stands twice.
    #[error("the PROXY header repeats the field of type 0x{0:02x}")]
    RepeatedField(u8),
    /// Version 2: ids of several clouds' private links.
    #[error("the PROXY header names private links of several kinds")]
    SeveralLinks,
    /// Version 2: the endpoint id is not `vpce-` and 8 to 32 lower-case hex digits.
    #[error("the PROXY header has a malformed VPC endpoint id")]
    EndpointId,
    /// Version 2: the checksum is not that of the header.
    #[error("the PROXY header has a wrong CRC32C")]
    Checksum,
}

/// Reads the beginning of a connection.
///
/// The result does not depend on how the bytes were split: each prefix of an input asks for more until the byte that
/// settles the matter is there.
///
/// # Errors
/// [`ProxyError`] as soon as the bytes cannot become a header any more.
pub fn parse(bytes: &[u8]) -> Result<Progress, ProxyError> {
    match (agrees(bytes, v1::START), agrees(bytes, &v2::SIGNATURE)) {
        (Agreement::Whole, _) => v1::parse(bytes),
        (_, Agreement::Whole) => v2::parse(bytes),
        // the shortest line of version 1 is shorter than the fixed part of version 2
        (Agreement::SoFar, _) => Ok(Progress::NeedMore(v1::SHORTEST - bytes.len())),
        (_, Agreement::SoFar) => Ok(Progress::NeedMore(V2_FIXED - bytes.len())),
        (Agreement::No, Agreement::No) => Err(ProxyError::NotProxy),
    }
}

/// Whether a text is a VPC endpoint id: `vpce-` and 8 to 32 lower-case hex digits.
#[must_use]
pub fn is_endpoint_id(text: &[u8]) -> bool {
    text.strip_prefix(b"vpce-").is_some_and(|digits| {
        (8..=32).contains(&digits.len())
            && digits.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    })
}

enum Agreement {
    Whole,
    SoFar,
    No,
}

/// How far the bytes begin with `start`.
fn agrees(bytes: &[u8], start: &[u8]) -> Agreement {
    if bytes.starts_with(start) {
        Agreement::Whole
    } else if start.starts_with(bytes) {
        Agreement::SoFar
    } else {
        Agreement::No
    }
}

#[cfg(test)]
mod tests;
