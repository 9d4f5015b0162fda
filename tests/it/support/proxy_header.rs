//! PROXY protocol headers as balancers send them, built byte by byte.
//! It must not use the parser under test, nor its checksum.

use std::net::{IpAddr, SocketAddr};

/// A header as an AWS Network Load Balancer sent it for a connection through a VPC endpoint: from 172.31.7.113, with a
/// checksum, the endpoint `vpce-08d2bf15fac5001c9`, and padding.
pub const CAPTURED: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x54\
    \xac\x1f\x07\x71\xac\x1f\x0a\x1f\xc8\xf2\x00\x50\
    \x03\x00\x04\xe8\xd6\x89\x2d\
    \xea\x00\x17\x01vpce-08d2bf15fac5001c9\
    \x04\x00\x24\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

/// The endpoint of [`CAPTURED`].
pub const CAPTURED_ENDPOINT: &str = "vpce-08d2bf15fac5001c9";

const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
const DESTINATION_PORT: u16 = 8080;

/// Where clients of the other family seem to connect to.
const fn destination(source: IpAddr) -> IpAddr {
    match source {
        IpAddr::V4(_) => IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 2)),
        IpAddr::V6(_) => IpAddr::V6(std::net::Ipv6Addr::LOCALHOST),
    }
}

/// Version 1.
pub fn line(source: &str) -> Vec<u8> {
    let ip: IpAddr = source.parse().unwrap();
    let family = if ip.is_ipv4() { "TCP4" } else { "TCP6" };
    format!("PROXY {family} {ip} {} 40000 {DESTINATION_PORT}\r\n", destination(ip)).into_bytes()
}

/// One field of version 2.
pub fn field(kind: u8, value: &[u8]) -> Vec<u8> {
    [&[kind][..], &u16::try_from(value.len()).unwrap().to_be_bytes(), value].concat()
}

/// The field that names a VPC endpoint.
pub fn endpoint(id: &str) -> Vec<u8> {
    field(0xEA, &[b"\x01", id.as_bytes()].concat())
}

/// The field that tells about TLS on the client's leg; no version is told for an empty one.
pub fn tls(client_uses_it: bool, version: &str) -> Vec<u8> {
    let version = if version.is_empty() { vec![] } else { field(0x21, version.as_bytes()) };
    field(0x20, &[&[u8::from(client_uses_it), 0, 0, 0, 0][..], &version].concat())
}

/// Version 2, with these fields.
pub fn frame(source: &str, fields: &[Vec<u8>]) -> Vec<u8> {
    let source = SocketAddr::new(source.parse().unwrap(), 40_000);
    let octets = |ip: IpAddr| match ip {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    let mut variable = [octets(source.ip()), octets(destination(source.ip()))].concat();
    variable.extend([source.port().to_be_bytes(), DESTINATION_PORT.to_be_bytes()].concat());
    variable.extend(fields.concat());
    let length = u16::try_from(variable.len()).unwrap().to_be_bytes();
    let family = if source.is_ipv4() { 0x11 } else { 0x21 };
    [SIGNATURE, &[0x21, family], &length, &variable].concat()
}

/// Version 2 as a network load balancer writes it: its checksum, the endpoint, padding.
pub fn balanced(source: &str, endpoint_id: &str) -> Vec<u8> {
    let mut header = frame(source, &[field(0x03, &[0; 4]), endpoint(endpoint_id), field(0x04, &[0; 36])]);
    let sum = crc32c(&header).to_be_bytes();
    let at = SIGNATURE.len() + 4 + 12 + 3;
    header[at..at + 4].copy_from_slice(&sum);
    header
}

/// Version 2 of the balancer's own health checks.
pub fn local() -> Vec<u8> {
    [SIGNATURE, b"\x20\x00\x00\x00"].concat()
}

fn crc32c(bytes: &[u8]) -> u32 {
    let bit = |sum: u32, _| if sum & 1 == 1 { (sum >> 1) ^ 0x82F6_3B78 } else { sum >> 1 };
    !bytes.iter().fold(!0, |sum, byte| (0..8).fold(sum ^ u32::from(*byte), bit))
}

#[test]
fn what_is_built_is_what_was_captured() {
    let mut rebuilt = balanced("172.31.7.113", CAPTURED_ENDPOINT);
    // destination and ports differ, so the checksum does
    let same = |at: usize| !(20..28).contains(&at) && !(31..35).contains(&at);
    for (at, byte) in rebuilt.iter().enumerate().filter(|(at, _)| same(*at)) {
        assert_eq!(*byte, CAPTURED[at], "byte {at}");
    }
    rebuilt[20..28].copy_from_slice(&CAPTURED[20..28]);
    rebuilt[31..35].fill(0);
    assert_eq!(crc32c(&rebuilt).to_be_bytes(), CAPTURED[31..35]);
}
