//! The gate's own probe of an upstream address: one unsigned GET, any answer below 500 is good.
//! It must not be reachable by a client: nothing of a request goes into it.

use super::Peer;
use super::address::Address;
use super::endpoint::Endpoint;
use super::stream::PeerStream;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// The most bytes of an answer that are read: its status line.
const ENOUGH: u64 = 256;

/// How an upstream is probed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// The path, as sent.
    pub path: String,
    /// The time from one probe to the next.
    pub interval: Duration,
}

/// Starts a probe of every address, and notes how each comes out.
pub fn probe(peer: &Peer) {
    let Some(probe) = &peer.spec.health else { return };
    let timeouts = peer.timeouts();
    // a probe that outlives the interval would pile up
    let limit = (timeouts.connect + timeouts.read).min(probe.interval);
    for endpoint in &peer.endpoints {
        for address in endpoint.addresses().iter() {
            let (endpoint, address, path) = (Arc::clone(endpoint), Arc::clone(address), probe.path.clone());
            tokio::spawn(async move {
                let asked = tokio::time::timeout(limit, ask(&endpoint, &address, &path)).await;
                address.probed(matches!(asked, Ok(Ok(status)) if status < 500));
            });
        }
    }
}

async fn ask(endpoint: &Endpoint, address: &Address, path: &str) -> io::Result<u16> {
    let mut stream: PeerStream = endpoint.connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", endpoint.authority);
    stream.write_all(request.as_bytes()).await?;
    stream.flush().await?;
    let mut answer = Vec::new();
    let mut reader = stream.take(ENOUGH);
    while !answer.contains(&b'\n') && reader.read_buf(&mut answer).await? > 0 {}
    status(&answer).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// The status of an answer that begins with a status line.
fn status(answer: &[u8]) -> Option<u16> {
    let (version, rest) = answer.split_at_checked(b"HTTP/1.1 ".len())?;
    if !matches!(version, b"HTTP/1.1 " | b"HTTP/1.0 ") {
        return None;
    }
    let (digits, rest) = rest.split_at_checked(3)?;
    let status: u16 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    matches!(rest.first(), Some(b' ' | b'\r')).then_some(status).filter(|status| (100..600).contains(status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_status_line_has_a_status() {
        for (answer, expected) in [
            ("HTTP/1.1 200 OK\r\n", Some(200)),
            ("HTTP/1.0 403 \r\n", Some(403)),
            ("HTTP/1.1 503\r\n", Some(503)),
            ("HTTP/1.1 20", None),
            ("HTTP/1.1 2000 OK\r\n", None),
            ("HTTP/1.1 999 OK\r\n", None),
            ("HTTP/2.0 200 OK\r\n", None),
            ("SSH-2.0-OpenSSH\r\n", None),
            ("", None),
        ] {
            assert_eq!(status(answer.as_bytes()), expected, "{answer:?}");
        }
    }
}
