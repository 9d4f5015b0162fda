//! The type-length-value fields of a version 2 header (specification section 2.2.7 and the clouds' own pages).
//! It must not skip a malformed field: lengths that do not add up refuse the header.

use std::sync::Arc;

use super::{Extra, ProxyError, SslInfo, crc32c, is_endpoint_id};
use crate::net::TlsVersion;

/// `PP2_TYPE_CRC32C`: 4 bytes, big-endian, over the whole header with these 4 bytes as zero.
const CRC32C: u8 = 0x03;
/// `PP2_TYPE_SSL`: client flags (1 byte), verify result (4), then fields of its own.
const SSL: u8 = 0x20;
/// `PP2_SUBTYPE_SSL_VERSION`: the version as text.
const SSL_VERSION: u8 = 0x21;
/// `PP2_CLIENT_SSL`: the client flag that says that the client connected over TLS.
const CLIENT_SSL: u8 = 0x01;
/// `PP2_TYPE_GCP`: 8 bytes, big-endian (Google, "Private Service Connect", consumer connection id).
const GCP: u8 = 0xE0;
/// `PP2_TYPE_AWS`: a subtype byte, then its value (AWS, Network Load Balancer, "Proxy protocol").
const AWS: u8 = 0xEA;
/// `PP2_SUBTYPE_AWS_VPCE_ID`: the id of the VPC endpoint as text.
const AWS_VPCE_ID: u8 = 0x01;
/// `PP2_TYPE_AZURE`: a subtype byte, then its value (Azure, Private Link service, "TCP Proxy v2").
const AZURE: u8 = 0xEE;
/// `PP2_SUBTYPE_AZURE_PRIVATEENDPOINT_LINKID`: 4 bytes, little-endian.
const AZURE_LINK_ID: u8 = 0x01;

/// Reads the fields that end the header. Types that the gate does not use are passed over.
pub(super) fn read(header: &[u8], fields: &[u8]) -> Result<Extra, ProxyError> {
    let mut extra = Extra::default();
    let mut checked = None;
    for field in Fields(fields) {
        let Field { kind, value, rest } = field?;
        match kind {
            CRC32C => {
                let told: [u8; 4] = value.try_into().map_err(|_| ProxyError::Field(kind))?;
                once(&mut checked, (), kind)?;
                let zeroed = header.len() - rest.len() - told.len();
                verify(header, zeroed, u32::from_be_bytes(told))?;
            }
            SSL => once(&mut extra.ssl, ssl(value)?, kind)?,
            GCP => {
                let id: [u8; 8] = value.try_into().map_err(|_| ProxyError::Field(kind))?;
                once(&mut extra.gcp_psc_connection_id, u64::from_be_bytes(id), kind)?;
            }
            AWS => match value {
                [] => return Err(ProxyError::Field(kind)),
                [AWS_VPCE_ID, id @ ..] => once(&mut extra.vpce, endpoint_id(id)?, kind)?,
                [_, ..] => {}
            },
            AZURE => match *value {
                [AZURE_LINK_ID, a, b, c, d] => {
                    once(&mut extra.azure_link_id, u32::from_le_bytes([a, b, c, d]), kind)?;
                }
                [] | [AZURE_LINK_ID, ..] => return Err(ProxyError::Field(kind)),
                [_, ..] => {}
            },
            _ => {}
        }
    }
    let links = [extra.vpce.is_some(), extra.azure_link_id.is_some(), extra.gcp_psc_connection_id.is_some()];
    if links.into_iter().filter(|present| *present).count() > 1 {
        return Err(ProxyError::SeveralLinks);
    }
    Ok(extra)
}

/// Fills a place that must be filled once.
fn once<T>(place: &mut Option<T>, value: T, kind: u8) -> Result<(), ProxyError> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(ProxyError::RepeatedField(kind)),
    }
}

/// Compares the checksum of the header, with the 4 bytes at `zeroed` as zero.
fn verify(header: &[u8], zeroed: usize, told: u32) -> Result<(), ProxyError> {
    let hole = zeroed..zeroed + 4;
    let bytes = header.iter().enumerate().map(|(at, byte)| if hole.contains(&at) { 0 } else { *byte });
    if crc32c::checksum(bytes) == told { Ok(()) } else { Err(ProxyError::Checksum) }
}

fn endpoint_id(id: &[u8]) -> Result<Arc<str>, ProxyError> {
    match std::str::from_utf8(id) {
        Ok(text) if is_endpoint_id(id) => Ok(text.into()),
        _ => Err(ProxyError::EndpointId),
    }
}

fn ssl(value: &[u8]) -> Result<SslInfo, ProxyError> {
    let [client, _, _, _, _, fields @ ..] = value else { return Err(ProxyError::Field(SSL)) };
    let mut name = None;
    for field in Fields(fields) {
        let Field { kind, value, .. } = field?;
        if kind == SSL_VERSION {
            once(&mut name, value, kind)?;
        }
    }
    let client_tls = client & CLIENT_SSL != 0;
    let version = name.filter(|_| client_tls).and_then(TlsVersion::from_library_name);
    Ok(SslInfo { client_tls, version })
}

/// One field: type (1 byte), length (2, big-endian), value.
struct Field<'a> {
    kind: u8,
    value: &'a [u8],
    /// The bytes after it.
    rest: &'a [u8],
}

/// The fields of some bytes; ends after the first that is cut.
struct Fields<'a>(&'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, ProxyError>;

    fn next(&mut self) -> Option<Self::Item> {
        let (&kind, after) = std::mem::take(&mut self.0).split_first()?;
        let field = after.split_first_chunk::<2>().and_then(|(length, after)| {
            let (value, rest) = after.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
            self.0 = rest;
            Some(Field { kind, value, rest })
        });
        Some(field.ok_or(ProxyError::Field(kind)))
    }
}
