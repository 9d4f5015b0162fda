//! X-Forwarded-For, X-Forwarded-Proto and Forwarded: the same client, or the same refusal, as a slow and obvious reader.
//! It must not compare why something is refused, only that it is.

#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
use libfuzzer_sys::fuzz_target;
use presign_gate::net::cidr::CidrSet;
use presign_gate::net::forwarded::{Proto, forwarded, x_forwarded_for};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

type Client = (IpAddr, Option<Proto>);

/// Trusted are `10.0.0.0/8` and `2001:db8:ff::/48`, read off the first bytes of an address.
fn is_trusted(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(ip) => ip.octets()[0] == 10,
        IpAddr::V6(ip) => ip.octets()[..6] == [0x20, 0x01, 0x0d, 0xb8, 0x00, 0xff],
    }
}

fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

fn slow_proto(text: &str) -> Option<Proto> {
    match text.to_ascii_lowercase().as_str() {
        "http" => Some(Proto::Http),
        "https" => Some(Proto::Https),
        _ => None,
    }
}

/// An address with an optional port, which is at most five digits; `bare_v6` tells whether IPv6 may go without brackets.
fn slow_hop(text: &str, bare_v6: bool) -> Option<IpAddr> {
    if text.contains('%') {
        return None;
    }
    let in_brackets = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let address = if let Some(inside) = in_brackets {
        IpAddr::V6(inside.parse::<Ipv6Addr>().ok()?)
    } else if let Ok(address) = text.parse::<IpAddr>() {
        if address.is_ipv6() && !bare_v6 {
            return None;
        }
        address
    } else {
        let digits = text.rsplit(':').next()?;
        if digits.len() > 5 {
            return None;
        }
        text.parse::<SocketAddr>().ok()?.ip()
    };
    Some(address.to_canonical())
}

/// The client among the hops, from the far end to the near one: the last that is not trusted, else the first.
fn pick(hops: &[IpAddr]) -> Option<usize> {
    if hops.is_empty() {
        return None;
    }
    Some((0..hops.len()).rev().find(|at| !is_trusted(hops[*at])).unwrap_or(0))
}

/// `None` if refused.
fn slow_x_forwarded_for(lines: &[&[u8]], protos: &[&[u8]]) -> Option<Option<Client>> {
    let items = |lines: &[&[u8]]| -> Option<Vec<String>> {
        let text = String::from_utf8(lines.join(&b',')).ok()?;
        Some(if lines.is_empty() {
            Vec::new()
        } else {
            text.split(',').map(|item| trim(item).to_owned()).collect()
        })
    };
    let hops: Vec<IpAddr> = items(lines)?.iter().map(|item| slow_hop(item, true)).collect::<Option<_>>()?;
    let protos: Vec<Proto> = items(protos)?.iter().map(|item| slow_proto(item)).collect::<Option<_>>()?;
    let Some(at) = pick(&hops) else { return Some(None) };
    let proto = match protos.len() {
        0 => None,
        1 => Some(protos[0]),
        count => Some(protos[count.checked_sub(hops.len() - at)?]),
    };
    Some(Some((hops[at], proto)))
}

/// Cuts at a character, but not inside quotes.
fn cut(text: &[u8], at: u8) -> Vec<&[u8]> {
    let mut quoted = false;
    text.split(|byte| {
        quoted ^= *byte == b'"';
        *byte == at && !quoted
    })
    .collect()
}

fn is_token(text: &[u8]) -> bool {
    !text.is_empty()
        && text.iter().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte))
}

/// Name in lower case and value without quotes.
fn slow_pair(text: &[u8]) -> Option<(String, Vec<u8>)> {
    let text = trim_bytes(text);
    let equals = text.iter().position(|byte| *byte == b'=')?;
    let (name, value) = (&text[..equals], &text[equals + 1..]);
    let value = match value {
        [b'"', inside @ .., b'"'] if !inside.iter().any(|byte| b"\"\\".contains(byte)) => inside,
        token if is_token(token) => token,
        _ => return None,
    };
    is_token(name).then(|| (String::from_utf8(name.to_ascii_lowercase()).unwrap(), value.to_vec()))
}

fn trim_bytes(text: &[u8]) -> &[u8] {
    let is_text = |byte: &u8| !b" \t".contains(byte);
    let start = text.iter().position(is_text).unwrap_or(text.len());
    let end = text.iter().rposition(is_text).map_or(start, |at| at + 1);
    &text[start..end]
}

fn slow_forwarded(lines: &[&[u8]]) -> Option<Option<Client>> {
    let (mut hops, mut protos) = (Vec::new(), Vec::new());
    for element in lines.iter().flat_map(|line| cut(line, b',')) {
        let pairs: Vec<_> = cut(element, b';').into_iter().map(slow_pair).collect::<Option<_>>()?;
        let value =
            |name: &str| pairs.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_slice());
        let names: std::collections::HashSet<_> = pairs.iter().map(|(name, _)| name).collect();
        if names.len() != pairs.len() || pairs.len() > 4 {
            return None;
        }
        hops.push(slow_hop(std::str::from_utf8(value("for")?).ok()?, false)?);
        protos.push(match value("proto") {
            None => None,
            Some(text) => Some(slow_proto(std::str::from_utf8(text).ok()?)?),
        });
    }
    Some(pick(&hops).map(|at| (hops[at], protos[at])))
}

fuzz_target!(|bytes: &[u8]| {
    // a line that begins with `p` is one of X-Forwarded-Proto
    let (protos, lines): (Vec<&[u8]>, Vec<&[u8]>) =
        bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).partition(|line| line[0] == b'p');
    let protos: Vec<&[u8]> = protos.iter().map(|line| &line[1..]).collect();
    let trusted = CidrSet::parse(["10.0.0.0/8", "2001:db8:ff::/48"]).unwrap();

    let ours = x_forwarded_for(lines.iter().copied(), protos.iter().copied(), &trusted);
    let ours = ours.ok().map(|client| client.map(|client| (client.address, client.proto)));
    assert_eq!(ours, slow_x_forwarded_for(&lines, &protos));

    let ours = forwarded(lines.iter().copied(), &trusted);
    let ours = ours.ok().map(|client| client.map(|client| (client.address, client.proto)));
    assert_eq!(ours, slow_forwarded(&lines));
});
