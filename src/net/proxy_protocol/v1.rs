//! Version 1 of the PROXY protocol: one line of text (specification section 2.1).
//! It must not accept a second spelling of a line: one space between fields, plain decimals, CR LF.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use super::{Extra, Progress, ProxyError, ProxyHeader, ProxySource, ProxyVersion, V1_MAX};

/// How every line begins.
pub(super) const START: &[u8] = b"PROXY ";
/// The length of the shortest line, `PROXY UNKNOWN` and CR LF.
pub(super) const SHORTEST: usize = 15;

/// Reads bytes that begin with [`START`].
pub(super) fn parse(bytes: &[u8]) -> Result<Progress, ProxyError> {
    let window = bytes.get(..V1_MAX - 1).unwrap_or(bytes);
    let Some(end) = memchr::memchr2(b'\r', b'\n', window) else {
        if bytes.len() >= V1_MAX - 1 {
            return Err(ProxyError::LineTooLong);
        }
        return Ok(Progress::NeedMore(SHORTEST.saturating_sub(bytes.len()).max(2)));
    };
    let (line, rest) = bytes.split_at(end);
    match rest {
        [b'\r'] => Ok(Progress::NeedMore(1)),
        [b'\r', b'\n', ..] => {
            let source = read_line(line)?;
            let header = ProxyHeader { version: ProxyVersion::V1, source, extra: Extra::default() };
            Ok(Progress::Done { header, len: end + 2 })
        }
        _ => Err(ProxyError::LineEnd),
    }
}

/// Reads the line without its end.
fn read_line(line: &[u8]) -> Result<ProxySource, ProxyError> {
    let line = line.strip_prefix(START).ok_or(ProxyError::LineFields)?;
    // what follows UNKNOWN must be ignored up to the line end
    if line == b"UNKNOWN" || line.starts_with(b"UNKNOWN ") {
        return Ok(ProxySource::Unknown);
    }
    let line = std::str::from_utf8(line).map_err(|_| ProxyError::LineFields)?;
    let mut fields = line.split(' ');
    let fields = [(); 6].map(|()| fields.next());
    let [Some(protocol), Some(source), Some(destination), Some(source_port), Some(destination_port), None] =
        fields
    else {
        return Err(ProxyError::LineFields);
    };
    let address = match protocol {
        "TCP4" => address::<Ipv4Addr>,
        "TCP6" => address::<Ipv6Addr>,
        _ => return Err(ProxyError::LineFields),
    };
    Ok(ProxySource::Client {
        source: SocketAddr::new(address(source)?, port(source_port)?),
        destination: SocketAddr::new(address(destination)?, port(destination_port)?),
    })
}

fn address<A: FromStr + Into<IpAddr>>(text: &str) -> Result<IpAddr, ProxyError> {
    text.parse::<A>().map(Into::into).map_err(|_| ProxyError::LineAddress)
}

/// Digits without a leading zero, up to 65,535.
fn port(text: &str) -> Result<u16, ProxyError> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().map_err(|_| ProxyError::LinePort) } else { Err(ProxyError::LinePort) }
}
