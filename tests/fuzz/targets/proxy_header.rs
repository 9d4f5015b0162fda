//! PROXY headers: what we accept, another reader must read as the same addresses and fields; what it accepts and we do
//! not must be one of the spellings that are refused on purpose. How the bytes were split must not matter.
//! It must not ask whether the sender may be believed.

#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
use libfuzzer_sys::fuzz_target;
use ppp::{HeaderResult, PartialResult, v1, v2};
use presign_gate::net::proxy_protocol::{
    Extra, Progress, ProxyError, ProxyHeader, ProxySource, ProxyVersion, V1_MAX, V2_FIXED, V2_MAX_VARIABLE,
    parse,
};
use std::net::SocketAddr;

const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
const CRC: u8 = 0x03;

/// CRC-32C bit by bit.
fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |sum, byte| {
        (0..8).fold(
            sum ^ u32::from(*byte),
            |sum, _| if sum & 1 == 1 { (sum >> 1) ^ 0x82F6_3B78 } else { sum >> 1 },
        )
    })
}

/// More bytes change nothing once the matter is settled, and what is missing never reaches past the header.
fn check_splits(bytes: &[u8], whole: &Result<Progress, ProxyError>) {
    let mut settled = false;
    for end in 0..bytes.len().min(600) {
        match parse(&bytes[..end]) {
            Ok(Progress::NeedMore(missing)) => {
                assert!(missing > 0 && !settled, "a settled matter was opened again");
                if let Ok(Progress::Done { len, .. }) = whole {
                    assert!(end + missing <= *len, "{missing} bytes at {end} reach into the stream");
                }
            }
            result => {
                assert_eq!(result, *whole, "at {end}");
                settled = true;
            }
        }
    }
}

fn addresses(header: &ProxyHeader) -> Option<(SocketAddr, SocketAddr)> {
    match header.source {
        ProxySource::Client { source, destination } => Some((source, destination)),
        ProxySource::Local | ProxySource::Unknown => None,
    }
}

fn same_line(bytes: &[u8], header: &ProxyHeader) {
    assert_eq!(header.extra, Extra::default());
    assert!(bytes.len() <= V1_MAX && bytes.ends_with(b"\r\n"));
    assert_eq!(bytes.iter().filter(|byte| b"\r\n".contains(byte)).count(), 2);
    if header.source == ProxySource::Unknown {
        // the other reader counts words here, and wants UTF-8
        assert!(bytes.starts_with(b"PROXY UNKNOWN"));
        return;
    }
    let theirs = match v1::Header::try_from(bytes).expect("a line that the other reader takes").addresses {
        v1::Addresses::Unknown => None,
        v1::Addresses::Tcp4(ip) => Some((
            SocketAddr::from((ip.source_address, ip.source_port)),
            SocketAddr::from((ip.destination_address, ip.destination_port)),
        )),
        v1::Addresses::Tcp6(ip) => Some((
            SocketAddr::from((ip.source_address, ip.source_port)),
            SocketAddr::from((ip.destination_address, ip.destination_port)),
        )),
    };
    assert_eq!(addresses(header), theirs);
}

fn same_frame(bytes: &[u8], header: &ProxyHeader) {
    assert!(bytes.len() <= V2_FIXED + V2_MAX_VARIABLE);
    if header.source == ProxySource::Local {
        // the other reader wants a known family even where it means nothing
        assert_eq!((bytes[12], &header.extra), (0x20, &Extra::default()));
        return;
    }
    let theirs = v2::Header::try_from(bytes).expect("a frame that the other reader takes");
    assert_eq!((theirs.command, theirs.as_bytes()), (v2::Command::Proxy, bytes));
    let read = match theirs.addresses {
        v2::Addresses::Unspecified | v2::Addresses::Unix(_) => None,
        v2::Addresses::IPv4(ip) => Some((
            SocketAddr::from((ip.source_address, ip.source_port)),
            SocketAddr::from((ip.destination_address, ip.destination_port)),
        )),
        v2::Addresses::IPv6(ip) => Some((
            SocketAddr::from((ip.source_address, ip.source_port)),
            SocketAddr::from((ip.destination_address, ip.destination_port)),
        )),
    };
    assert_eq!(addresses(header), read);
    if read.is_none() {
        assert_eq!(header.extra, Extra::default());
        return;
    }
    let fields: Vec<_> = theirs.tlvs().map(|field| field.expect("fields that add up")).collect();
    let of =
        |kind: u8| fields.iter().filter(move |field| field.kind == kind).map(|field| field.value.to_vec());
    let one = |mut values: Vec<Vec<u8>>| {
        assert!(values.len() <= 1, "a field that counts stands twice");
        values.pop()
    };
    let id = one(of(0xEA).filter(|value| value[0] == 1).collect());
    let text = id.map(|value| String::from_utf8(value[1..].to_vec()).unwrap());
    assert_eq!(header.extra.vpce.as_deref(), text.as_deref());
    let link = one(of(0xEE).filter(|value| value[0] == 1).collect());
    let link = link.map(|value| u32::from_le_bytes(value[1..].try_into().unwrap()));
    assert_eq!(header.extra.azure_link_id, link);
    let connection = one(of(0xE0).collect()).map(|value| u64::from_be_bytes(value.try_into().unwrap()));
    assert_eq!(header.extra.gcp_psc_connection_id, connection);
    let tls = one(of(0x20).collect()).map(|value| value[0] & 1 == 1);
    assert_eq!(header.extra.ssl.map(|ssl| ssl.client_tls), tls);
    if let Some(told) = one(of(CRC).collect()) {
        let at = field_at(bytes, CRC).expect("the checksum");
        let mut zeroed = bytes.to_vec();
        zeroed[at..at + 4].fill(0);
        assert_eq!(crc32c(&zeroed).to_be_bytes(), told[..]);
    }
}

/// Where the value of the first field of this type begins.
fn field_at(frame: &[u8], kind: u8) -> Option<usize> {
    let mut at = V2_FIXED
        + match frame[13] >> 4 {
            1 => 12,
            2 => 36,
            _ => return None,
        };
    while at + 3 <= frame.len() {
        if frame[at] == kind {
            return Some(at + 3);
        }
        at += 3 + usize::from(u16::from_be_bytes([frame[at + 1], frame[at + 2]]));
    }
    None
}

/// A frame that only its checksum speaks against is read once the checksum is right.
fn mend(bytes: &[u8]) -> Option<Vec<u8>> {
    let length = V2_FIXED + usize::from(u16::from_be_bytes([bytes[14], bytes[15]]));
    let mut frame = bytes[..length].to_vec();
    let at = field_at(&frame, CRC)?;
    frame[at..at + 4].fill(0);
    let sum = crc32c(&frame).to_be_bytes();
    frame[at..at + 4].copy_from_slice(&sum);
    Some(frame)
}

/// Whether we refuse on purpose what another reader takes.
fn is_stricter(bytes: &[u8], error: ProxyError) -> bool {
    match error {
        // `+1`
        ProxyError::LinePort => bytes.contains(&b'+'),
        // a bare LF before the line end
        ProxyError::LineEnd | ProxyError::LineFields => {
            bytes.starts_with(b"PROXY UNKNOWN") || bytes.contains(&b'\n')
        }
        // datagrams, and families without a protocol
        ProxyError::Family => !matches!(bytes[13], 0x00 | 0x11 | 0x21 | 0x31),
        ProxyError::TooLong
        | ProxyError::Field(_)
        | ProxyError::RepeatedField(_)
        | ProxyError::SeveralLinks
        | ProxyError::EndpointId
        | ProxyError::Checksum => bytes.starts_with(SIGNATURE),
        _ => false,
    }
}

fn check(bytes: &[u8]) -> Result<Progress, ProxyError> {
    let ours = parse(bytes);
    check_splits(bytes, &ours);
    let theirs = HeaderResult::parse(bytes);
    let accepted = matches!(theirs, HeaderResult::V1(Ok(_)) | HeaderResult::V2(Ok(_)));
    match &ours {
        Ok(Progress::Done { header, len }) => match header.version {
            ProxyVersion::V1 => same_line(&bytes[..*len], header),
            ProxyVersion::V2 => same_frame(&bytes[..*len], header),
        },
        Ok(Progress::NeedMore(_)) => assert!(!accepted, "the other reader is done"),
        Err(error) => {
            let prefix = error == &ProxyError::NotProxy && !bytes.is_empty() && theirs.is_incomplete();
            assert!(!prefix || !bytes.starts_with(b"PROXY "), "the other reader still hopes");
            assert!(!accepted || is_stricter(bytes, *error), "the other reader takes what is {error:?}");
        }
    }
    ours
}

fuzz_target!(|bytes: &[u8]| {
    if check(bytes) == Err(ProxyError::Checksum)
        && let Some(frame) = mend(bytes)
    {
        assert_ne!(check(&frame), Err(ProxyError::Checksum));
    }
});
