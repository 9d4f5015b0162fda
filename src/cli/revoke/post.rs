//! One POST to the admin endpoint of a gate, and what it says.
//! It must not follow, retry or guess: an answer that is not understood is no success.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use serde_json::Value;

use crate::secret::Secret;

const PATIENCE: Duration = Duration::from_secs(10);

/// An admin endpoint and what opens it.
#[derive(Debug)]
pub(super) struct Admin {
    authority: String,
    token: Option<Secret>,
}

/// Why a revocation was not made.
#[derive(Debug, thiserror::Error)]
pub(super) enum PostError {
    /// Nobody answers.
    #[error("the admin endpoint cannot be reached: {0}")]
    Unreachable(std::io::Error),
    /// It says no.
    #[error("the gate answers {0}: {1}")]
    Refused(u16, String),
    /// It says something else.
    #[error("what answers there is no admin endpoint of a gate")]
    Malformed,
}

impl Admin {
    /// The endpoint at a URL.
    pub(super) fn parse(url: &str, token: Option<Secret>) -> Result<Self, String> {
        let authority = url.strip_prefix("http://").map(|rest| rest.trim_end_matches('/'));
        let good = |authority: &&str| !authority.is_empty() && !authority.contains(['/', '@', '?', '#', ' ']);
        match authority.filter(good) {
            Some(authority) => Ok(Self { authority: authority.to_owned(), token }),
            None => Err(format!("`{url}` is no admin endpoint: write `http://HOST:PORT`")),
        }
    }

    /// The endpoint that listens at an address.
    pub(super) fn at(address: SocketAddr, token: Option<Secret>) -> Self {
        let host = match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
            ip => ip,
        };
        Self { authority: SocketAddr::new(host, address.port()).to_string(), token }
    }

    fn connect(&self) -> std::io::Result<TcpStream> {
        let with_port = if self.authority.rsplit(']').next().is_some_and(|end| end.contains(':')) {
            self.authority.clone()
        } else {
            format!("{}:80", self.authority)
        };
        let mut last = std::io::ErrorKind::AddrNotAvailable.into();
        for address in with_port.to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, PATIENCE) {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

/// Asks for a revocation; gives the entry.
pub(super) fn post(admin: &Admin, asked: &Value) -> Result<Value, PostError> {
    let body = asked.to_string();
    let mut head = format!(
        "POST /revocations HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n",
        admin.authority,
        body.len()
    )
    .into_bytes();
    if let Some(token) = &admin.token {
        head.extend_from_slice(b"Authorization: Bearer ");
        head.extend_from_slice(token.expose());
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"\r\n");
    head.extend_from_slice(body.as_bytes());
    let answer = exchange(admin, &head).map_err(PostError::Unreachable)?;
    let text = String::from_utf8_lossy(&answer);
    let (head, body) = text.split_once("\r\n\r\n").ok_or(PostError::Malformed)?;
    let status = head.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
    let value: Value = serde_json::from_str(body).map_err(|_| PostError::Malformed)?;
    match status.ok_or(PostError::Malformed)? {
        201 => Ok(value),
        status => {
            let error = value.get("error").and_then(Value::as_str).ok_or(PostError::Malformed)?;
            Err(PostError::Refused(status, error.to_owned()))
        }
    }
}

fn exchange(admin: &Admin, request: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut stream = admin.connect()?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(request)?;
    let mut answer = Vec::new();
    stream.take(1 << 20).read_to_end(&mut answer)?;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_endpoints_are() {
        for (url, authority) in
            [("http://localhost:9090", "localhost:9090"), ("http://h/", "h"), ("http://[::1]:9/", "[::1]:9")]
        {
            assert_eq!(Admin::parse(url, None).unwrap().authority, authority);
        }
        for url in ["localhost:9090", "https://h", "http://", "http://h/x", "http://u:p@h", "http://h?x"] {
            Admin::parse(url, None).unwrap_err();
        }
        for (address, authority) in [
            ("0.0.0.0:9090", "127.0.0.1:9090"),
            ("[::]:9090", "[::1]:9090"),
            ("10.0.0.1:9090", "10.0.0.1:9090"),
        ] {
            assert_eq!(Admin::at(address.parse().unwrap(), None).authority, authority);
        }
    }
}
