//! Tests of the PROXY protocol.
//! It must not use the parser to make its inputs: headers are built byte by byte here.

use std::net::SocketAddr;

use proptest::prelude::*;

use super::*;

const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// A header as one AWS Network Load Balancer sent it for a connection through a VPC endpoint.
const FROM_NLB: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x54\
    \xac\x1f\x07\x71\xac\x1f\x0a\x1f\xc8\xf2\x00\x50\
    \x03\x00\x04\xe8\xd6\x89\x2d\
    \xea\x00\x17\x01vpce-08d2bf15fac5001c9\
    \x04\x00\x24\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

fn v2(version_and_command: u8, family: u8, variable: &[u8]) -> Vec<u8> {
    let length = u16::try_from(variable.len()).unwrap().to_be_bytes();
    [SIGNATURE, &[version_and_command, family], &length, variable].concat()
}

fn address_block(source: SocketAddr, destination: SocketAddr) -> Vec<u8> {
    let octets = |address: SocketAddr| match address.ip() {
        std::net::IpAddr::V4(ip) => ip.octets().to_vec(),
        std::net::IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    [
        octets(source),
        octets(destination),
        source.port().to_be_bytes().to_vec(),
        destination.port().to_be_bytes().to_vec(),
    ]
    .concat()
}

fn field(kind: u8, value: &[u8]) -> Vec<u8> {
    [&[kind][..], &u16::try_from(value.len()).unwrap().to_be_bytes(), value].concat()
}

/// A TCP4 header from 192.0.2.1:1 to 192.0.2.2:2 with these fields.
fn with_fields(fields: &[Vec<u8>]) -> Vec<u8> {
    let addresses = address_block("192.0.2.1:1".parse().unwrap(), "192.0.2.2:2".parse().unwrap());
    v2(0x21, 0x11, &[addresses, fields.concat()].concat())
}

/// Puts the checksum into the header whose CRC32C field has its value at `at`.
fn seal(mut header: Vec<u8>, at: usize) -> Vec<u8> {
    header[at..at + 4].fill(0);
    let sum = crc32c::checksum(header.iter().copied());
    header[at..at + 4].copy_from_slice(&sum.to_be_bytes());
    header
}

fn client(source: &str, destination: &str) -> ProxySource {
    ProxySource::Client { source: source.parse().unwrap(), destination: destination.parse().unwrap() }
}

/// The whole input is one header, with the request after it left alone.
fn check(bytes: &[u8], expected: Result<(ProxyVersion, ProxySource, Extra), ProxyError>) {
    let stream = [bytes, b"GET / HTTP/1.1\r\n"].concat();
    let expected = expected.map(|(version, source, extra)| Progress::Done {
        header: ProxyHeader { version, source, extra },
        len: bytes.len(),
    });
    assert_eq!(parse(&stream), expected, "{}", bytes.escape_ascii());
    if expected.is_ok() {
        assert_eq!(byte_by_byte(&stream), expected, "{}", bytes.escape_ascii());
    }
}

/// What a reader gets that has one more byte each time.
fn byte_by_byte(stream: &[u8]) -> Result<Progress, ProxyError> {
    for end in 0..stream.len() {
        match parse(&stream[..end]) {
            Ok(Progress::NeedMore(missing)) => assert!(missing > 0),
            settled => return settled,
        }
    }
    parse(stream)
}

fn line(text: &str, expected: Result<ProxySource, ProxyError>) {
    check(text.as_bytes(), expected.map(|source| (ProxyVersion::V1, source, Extra::default())));
}

#[test]
fn lines_of_version_1() {
    line("PROXY TCP4 192.0.2.1 192.0.2.2 0 65535\r\n", Ok(client("192.0.2.1:0", "192.0.2.2:65535")));
    line("PROXY TCP6 2001:db8::1 ::1 1 2\r\n", Ok(client("[2001:db8::1]:1", "[::1]:2")));
    line("PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n", Ok(client("[::ffff:192.0.2.1]:1", "[::1]:2")));
    line("PROXY UNKNOWN\r\n", Ok(ProxySource::Unknown));
    line("PROXY UNKNOWN what ever  \0\r\n", Ok(ProxySource::Unknown));
    let longest = format!("PROXY UNKNOWN {}\r\n", "f".repeat(V1_MAX - 16));
    assert_eq!(longest.len(), V1_MAX);
    line(&longest, Ok(ProxySource::Unknown));
    line(&longest.replace("\r\n", "f\r\n"), Err(ProxyError::LineTooLong));
    line(&"PROXY TCP4 ".repeat(20), Err(ProxyError::LineTooLong));
}

#[test]
fn malformed_lines_of_version_1() {
    for (text, expected) in [
        ("PROXY \r\n", ProxyError::LineFields),
        ("PROXY UNKNOWNX\r\n", ProxyError::LineFields),
        ("PROXY TCP5 192.0.2.1 192.0.2.2 1 2\r\n", ProxyError::LineFields),
        ("PROXY tcp4 192.0.2.1 192.0.2.2 1 2\r\n", ProxyError::LineFields),
        ("PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n", ProxyError::LineFields),
        ("PROXY  TCP4 192.0.2.1 192.0.2.2 1 2\r\n", ProxyError::LineFields),
        ("PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n", ProxyError::LineFields),
        ("PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n", ProxyError::LineFields),
        ("PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n", ProxyError::LineFields),
        ("PROXY TCP4 192.0.2.1  192.0.2.2 1 2\r\n", ProxyError::LineFields),
        ("PROXY TCP4 010.0.2.1 192.0.2.2 1 2\r\n", ProxyError::LineAddress),
        ("PROXY TCP4 10.1 192.0.2.2 1 2\r\n", ProxyError::LineAddress),
        ("PROXY TCP4 ::1 ::1 1 2\r\n", ProxyError::LineAddress),
        ("PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n", ProxyError::LineAddress),
        ("PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n", ProxyError::LineAddress),
        ("PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n", ProxyError::LinePort),
        ("PROXY TCP4 192.0.2.1 192.0.2.2 065536 80\r\n", ProxyError::LinePort),
        ("PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n", ProxyError::LinePort),
        ("PROXY TCP4 192.0.2.1 192.0.2.2 +1 2\r\n", ProxyError::LinePort),
        ("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n", ProxyError::LineEnd),
        ("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\r\n", ProxyError::LineEnd),
        ("proxy UNKNOWN\r\n", ProxyError::NotProxy),
        ("GET / HTTP/1.1\r\n", ProxyError::NotProxy),
        (" PROXY UNKNOWN\r\n", ProxyError::NotProxy),
        ("PROXYTCP4 192.0.2.1 192.0.2.2 1 2\r\n", ProxyError::NotProxy),
        ("\r\n\r\nGET / HTTP/1.1\r\n", ProxyError::NotProxy),
        ("\x16\x03\x01\x02\x00", ProxyError::NotProxy),
    ] {
        line(text, Err(expected));
        assert_eq!(byte_by_byte(text.as_bytes()), Err(expected), "{text:?}");
    }
}

#[test]
fn the_sample_of_a_network_load_balancer() {
    let extra = Extra { vpce: Some("vpce-08d2bf15fac5001c9".into()), ..Extra::default() };
    check(FROM_NLB, Ok((ProxyVersion::V2, client("172.31.7.113:51442", "172.31.10.31:80"), extra)));
    // the type of the checksum itself is the one byte that no checksum can guard
    for at in (V2_FIXED..FROM_NLB.len()).filter(|at| *at != 28) {
        let mut bent = FROM_NLB.to_vec();
        bent[at] ^= 1;
        assert!(parse(&bent).is_err(), "byte {at} can be changed unseen");
    }
}

#[test]
fn families_and_commands_of_version_2() {
    let tcp6 = address_block("[2001:db8::1]:1".parse().unwrap(), "[::1]:2".parse().unwrap());
    let done = |source| Ok((ProxyVersion::V2, source, Extra::default()));
    check(&with_fields(&[]), done(client("192.0.2.1:1", "192.0.2.2:2")));
    check(&v2(0x21, 0x21, &tcp6), done(client("[2001:db8::1]:1", "[::1]:2")));
    check(&v2(0x20, 0x00, b""), done(ProxySource::Local));
    check(&v2(0x20, 0xFF, b"anything"), done(ProxySource::Local));
    check(&v2(0x21, 0x00, b"anything"), done(ProxySource::Unknown));
    check(&v2(0x21, 0x31, &[0; 216]), done(ProxySource::Unknown));
    check(&v2(0x21, 0x31, &[0; 215]), Err(ProxyError::AddressesCut));
    check(&v2(0x21, 0x11, &[]), Err(ProxyError::AddressesCut));
    check(&v2(0x21, 0x11, b"\n\0\0\x01"), Err(ProxyError::AddressesCut));
    check(&v2(0x21, 0x11, &[0; 11]), Err(ProxyError::AddressesCut));
    check(&v2(0x21, 0x21, &tcp6[..35]), Err(ProxyError::AddressesCut));
    for family in [0x01, 0x02, 0x10, 0x12, 0x13, 0x20, 0x22, 0x30, 0x32, 0x41, 0xFF] {
        check(&v2(0x21, family, &tcp6), Err(ProxyError::Family));
    }
    check(&v2(0x22, 0x11, &tcp6), Err(ProxyError::Command));
    check(&v2(0x2F, 0x11, &tcp6), Err(ProxyError::Command));
    check(&v2(0x11, 0x11, &tcp6), Err(ProxyError::Version));
    check(&v2(0x31, 0x11, &tcp6), Err(ProxyError::Version));
    check(&v2(0x20, 0x00, &[0; V2_MAX_VARIABLE]), done(ProxySource::Local));
    check(&v2(0x20, 0x00, &[0; V2_MAX_VARIABLE + 1]), Err(ProxyError::TooLong));
}

fn fields(fields: &[Vec<u8>], expected: Result<Extra, ProxyError>) {
    let source = client("192.0.2.1:1", "192.0.2.2:2");
    check(&with_fields(fields), expected.map(|extra| (ProxyVersion::V2, source, extra)));
}

#[test]
fn endpoint_ids() {
    let vpce = |id: &str| Ok(Extra { vpce: Some(id.into()), ..Extra::default() });
    let aws = |id: &str| field(0xEA, &[b"\x01", id.as_bytes()].concat());
    let longest = format!("vpce-{}", "f".repeat(32));
    fields(&[aws("vpce-0a1b2c3d")], vpce("vpce-0a1b2c3d"));
    fields(&[aws(&longest)], vpce(&longest));
    fields(&[field(0xEA, b"\x02vpce-0a1b2c3d")], Ok(Extra::default()));
    for id in [
        "",
        "vpce-",
        "vpce-0good",
        "vpce-0a1b2c3",
        "vpce-0A1B2C3D",
        "VPCE-0a1b2c3d",
        "vpc-0a1b2c3d4",
        "vpce-0a1b2c3d ",
        "vpce-0a1b2c3d\0",
        "vpce-0a1b2c3é",
        "vpce-0a1b2c3d\r\n",
    ] {
        fields(&[aws(id)], Err(ProxyError::EndpointId));
    }
    fields(&[aws(&(longest + "f"))], Err(ProxyError::EndpointId));
    fields(&[aws(&format!("vpce-{}", "0".repeat(1024)))], Err(ProxyError::EndpointId));
    fields(&[field(0xEA, b"\x01vpce-\xff\xff\xff\xff\xff\xff\xff\xff")], Err(ProxyError::EndpointId));
    fields(&[field(0xEA, b"")], Err(ProxyError::Field(0xEA)));
    fields(&[aws("vpce-0a1b2c3d"), aws("vpce-0a1b2c3d")], Err(ProxyError::RepeatedField(0xEA)));
    fields(&[aws("vpce-0a1b2c3d"), aws("vpce-99999999")], Err(ProxyError::RepeatedField(0xEA)));
}

#[test]
fn private_link_ids_of_other_clouds() {
    let azure = field(0xEE, b"\x01\x45\x02\x00\x10");
    let gcp = field(0xE0, b"\x00\x00\x00\x00\x00\x00\x01\x02");
    fields(std::slice::from_ref(&azure), Ok(Extra { azure_link_id: Some(0x1000_0245), ..Extra::default() }));
    fields(std::slice::from_ref(&gcp), Ok(Extra { gcp_psc_connection_id: Some(0x0102), ..Extra::default() }));
    fields(&[field(0xEE, b"\x02\x45")], Ok(Extra::default()));
    fields(&[field(0xEE, b"")], Err(ProxyError::Field(0xEE)));
    fields(&[field(0xEE, b"\x01\x45\x02\x00")], Err(ProxyError::Field(0xEE)));
    fields(&[field(0xEE, b"\x01\x45\x02\x00\x10\x00")], Err(ProxyError::Field(0xEE)));
    fields(&[field(0xE0, b"\x00\x00\x00\x00\x00\x01\x02")], Err(ProxyError::Field(0xE0)));
    fields(&[azure.clone(), azure.clone()], Err(ProxyError::RepeatedField(0xEE)));
    fields(&[gcp.clone(), gcp.clone()], Err(ProxyError::RepeatedField(0xE0)));
    fields(&[azure, gcp.clone()], Err(ProxyError::SeveralLinks));
    fields(&[gcp, field(0xEA, b"\x01vpce-0a1b2c3d")], Err(ProxyError::SeveralLinks));
}

#[test]
fn what_is_said_about_tls() {
    let ssl = |client: u8, inner: &[u8]| field(0x20, &[&[client, 0, 0, 0, 0][..], inner].concat());
    let expected =
        |client_tls, version| Ok(Extra { ssl: Some(SslInfo { client_tls, version }), ..Extra::default() });
    fields(&[ssl(7, &field(0x21, b"TLSv1.3"))], expected(true, Some(TlsVersion::Tls13)));
    fields(
        &[ssl(1, &[field(0x22, b"cn"), field(0x21, b"TLSv1.2")].concat())],
        expected(true, Some(TlsVersion::Tls12)),
    );
    fields(&[ssl(1, &field(0x21, b"SSLv3"))], expected(true, None));
    fields(&[ssl(1, b"")], expected(true, None));
    fields(&[ssl(0, &field(0x21, b"TLSv1.3"))], expected(false, None));
    fields(&[ssl(6, b"")], expected(false, None));
    fields(&[field(0x20, b"\x01\0\0\0")], Err(ProxyError::Field(0x20)));
    fields(&[ssl(1, b"\x21\0\x08TLSv1.3")], Err(ProxyError::Field(0x21)));
    fields(&[ssl(1, &field(0x21, b"TLSv1.3").repeat(2))], Err(ProxyError::RepeatedField(0x21)));
    fields(&[ssl(1, b""), ssl(0, b"")], Err(ProxyError::RepeatedField(0x20)));
}

#[test]
fn lengths_must_add_up() {
    fields(&[field(0x04, b"padding"), field(0x02, b"name"), field(0x99, b"")], Ok(Extra::default()));
    fields(&[vec![0x04]], Err(ProxyError::Field(0x04)));
    fields(&[vec![0x04, 0]], Err(ProxyError::Field(0x04)));
    fields(&[vec![0x04, 0, 1]], Err(ProxyError::Field(0x04)));
    fields(&[vec![0xEA, 0xFF, 0xFF, 1]], Err(ProxyError::Field(0xEA)));
    fields(&[field(0x03, b"\0\0\0")], Err(ProxyError::Field(0x03)));
    fields(&[field(0x03, b"\0\0\0\0\0")], Err(ProxyError::Field(0x03)));
    fields(&[field(0x03, b"\0\0\0\0")], Err(ProxyError::Checksum));
}

#[test]
fn the_checksum_is_verified_wherever_it_stands() {
    let crc = field(0x03, &[0; 4]);
    let expected = Ok((ProxyVersion::V2, client("192.0.2.1:1", "192.0.2.2:2"), Extra::default()));
    check(&seal(with_fields(&[crc.clone(), field(0x04, b"pad")]), 31), expected.clone());
    check(&seal(with_fields(&[field(0x04, b"pad"), crc.clone()]), 37), expected);
    let twice = seal(with_fields(&[crc.clone(), crc]), 31);
    check(&twice, Err(ProxyError::RepeatedField(0x03)));
}

#[test]
fn what_is_missing_never_reaches_into_the_stream() {
    for whole in [FROM_NLB, b"PROXY UNKNOWN\r\n", b"PROXY TCP4 1.1.1.1 1.1.1.1 1 1\r\n", &v2(0x20, 0, b"")] {
        // from whatever the first read brought
        for first in 0..whole.len() {
            let mut have = first;
            while let Ok(Progress::NeedMore(missing)) = parse(&whole[..have]) {
                have += missing;
                assert!(have <= whole.len(), "{}", whole.escape_ascii());
            }
            assert_eq!(have, whole.len());
        }
    }
}

fn any_socket() -> impl Strategy<Value = (SocketAddr, SocketAddr)> {
    prop_oneof![
        any::<(u32, u32, u16, u16)>().prop_map(|(a, b, p, q)| (
            SocketAddr::new(std::net::Ipv4Addr::from_bits(a).into(), p),
            SocketAddr::new(std::net::Ipv4Addr::from_bits(b).into(), q)
        )),
        any::<(u128, u128, u16, u16)>().prop_map(|(a, b, p, q)| (
            SocketAddr::new(std::net::Ipv6Addr::from_bits(a).into(), p),
            SocketAddr::new(std::net::Ipv6Addr::from_bits(b).into(), q)
        )),
    ]
}

/// Bytes near a header: the beginnings of both versions and one bent sample, with anything after.
fn near_a_header() -> impl Strategy<Value = Vec<u8>> {
    let tail = prop::collection::vec(any::<u8>(), 0..150);
    prop_oneof![
        tail.clone(),
        tail.clone().prop_map(|tail| [b"PROXY ", &tail[..]].concat()),
        "PROXY (TCP4|TCP6|UNKNOWN)[ 0-9a-f.:\r\n]{0,120}".prop_map(String::into_bytes),
        (any::<u8>(), tail.clone()).prop_map(|(family, tail)| v2(0x21, family, &tail)),
        tail.prop_map(|tail| with_fields(&[tail])),
        (0..FROM_NLB.len(), any::<u8>()).prop_map(|(at, byte)| {
            let mut bent = FROM_NLB.to_vec();
            bent[at] = byte;
            bent
        }),
    ]
}

proptest! {
    #[test]
    fn what_was_built_is_read_back_as_version_1((source, destination) in any_socket()) {
        let protocol = if source.is_ipv4() { "TCP4" } else { "TCP6" };
        let (sip, dip, sport, dport) = (source.ip(), destination.ip(), source.port(), destination.port());
        line(&format!("PROXY {protocol} {sip} {dip} {sport} {dport}\r\n"), Ok(ProxySource::Client { source, destination }));
    }

    #[test]
    fn what_was_built_is_read_back_as_version_2(
        (source, destination) in any_socket(),
        vpce in prop::option::of("vpce-[0-9a-f]{8,32}"),
        version in prop::option::of(prop::sample::select(TlsVersion::ALL)),
        padding in 0usize..300,
    ) {
        let mut fields = vec![field(0x03, &[0; 4]), field(0x04, &vec![0; padding])];
        fields.extend(vpce.iter().map(|id| field(0xEA, &[b"\x01", id.as_bytes()].concat())));
        fields.extend(version.iter().map(|version| {
            let name = field(0x21, format!("TLSv{}", version.as_str()).as_bytes());
            field(0x20, &[&[1, 0, 0, 0, 0][..], &name].concat())
        }));
        let addresses = address_block(source, destination);
        let family = if source.is_ipv4() { 0x11 } else { 0x21 };
        let header = seal(v2(0x21, family, &[addresses.clone(), fields.concat()].concat()), 16 + addresses.len() + 3);
        let ssl = version.map(|version| SslInfo { client_tls: true, version: Some(version) });
        let extra = Extra { vpce: vpce.map(Into::into), ssl, ..Extra::default() };
        check(&header, Ok((ProxyVersion::V2, ProxySource::Client { source, destination }, extra)));
    }

    #[test]
    fn splitting_the_input_anywhere_changes_nothing(bytes in near_a_header()) {
        prop_assert_eq!(byte_by_byte(&bytes), parse(&bytes));
    }
}
