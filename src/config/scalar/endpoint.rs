//! The address of an upstream: scheme, host and port, nothing else.
//! It must not carry a path, a query or credentials: where requests go is decided by this value alone.

use super::Malformed;
use crate::request::host::Host;

/// `http://host[:port]` or `https://host[:port]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// Whether TLS is spoken.
    pub tls: bool,
    /// The name or address in lower case; an IPv6 address stands in brackets.
    pub host: String,
    /// The port, 80 or 443 if none is written.
    pub port: u16,
}

impl Endpoint {
    /// Reads an endpoint.
    ///
    /// # Errors
    /// Another scheme, a path (even `/`), a query, a fragment, user info, or a host that is none.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let wrong = |hint: &'static str| Malformed::new(text, "an endpoint", hint);
        let (tls, rest) = match text.split_once("://") {
            Some(("https", rest)) => (true, rest),
            Some(("http", rest)) => (false, rest),
            _ => return Err(wrong("begin it with `https://` or `http://`")),
        };
        if rest.contains(['?', '#']) {
            return Err(wrong("remove the query: only scheme, host and port belong here"));
        }
        if rest.contains('/') {
            return Err(wrong("remove the path: only scheme, host and port belong here"));
        }
        if rest.contains('@') {
            return Err(wrong("remove the user: credentials go under `credentials`"));
        }
        let host = Host::parse(rest.as_bytes()).ok_or_else(|| wrong("write it as `https://host:port`"))?;
        let port = match host.raw().strip_prefix(host.name()).and_then(|port| port.strip_prefix(':')) {
            Some(digits) => digits.parse().map_err(|_| wrong("the port must be 1 to 65535"))?,
            None => Self::default_port(tls),
        };
        Ok(Self { tls, host: host.name().to_ascii_lowercase(), port })
    }

    const fn default_port(tls: bool) -> u16 {
        if tls { 443 } else { 80 }
    }

    /// Whether the host is an address and not a name, so that nothing can be put in front of it.
    #[must_use]
    pub fn is_address(&self) -> bool {
        self.host.starts_with('[') || self.host.parse::<std::net::Ipv4Addr>().is_ok()
    }

    /// Host and port as a Host header carries them: the port is left out where it is the scheme's own.
    #[must_use]
    pub fn authority(&self) -> String {
        let Self { tls, host, port } = self;
        if *port == Self::default_port(*tls) { host.clone() } else { format!("{host}:{port}") }
    }
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.authority())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints() {
        for (text, tls, host, port, authority) in [
            (
                "https://s3.eu-west-1.amazonaws.com",
                true,
                "s3.eu-west-1.amazonaws.com",
                443,
                "s3.eu-west-1.amazonaws.com",
            ),
            ("http://127.0.0.1:9009", false, "127.0.0.1", 9009, "127.0.0.1:9009"),
            ("http://MinIO:80", false, "minio", 80, "minio"),
            ("https://[2001:db8::1]:9000", true, "[2001:db8::1]", 9000, "[2001:db8::1]:9000"),
            ("https://[::1]", true, "[::1]", 443, "[::1]"),
        ] {
            let endpoint = Endpoint::parse(text).unwrap();
            assert_eq!((endpoint.tls, endpoint.host.as_str(), endpoint.port), (tls, host, port), "{text}");
            assert_eq!(endpoint.authority(), authority, "{text}");
        }
        assert!(Endpoint::parse("http://127.0.0.1").unwrap().is_address());
        assert!(!Endpoint::parse("http://localhost").unwrap().is_address());
    }

    #[test]
    fn what_is_no_endpoint() {
        for (text, hint) in [
            ("", "https://"),
            ("s3.example", "https://"),
            ("ftp://s3.example", "https://"),
            ("HTTPS://s3.example", "https://"),
            ("https://s3.example/", "path"),
            ("https://s3.example/bucket", "path"),
            ("https://s3.example?x=1", "query"),
            ("https://s3.example#x", "query"),
            ("https://user:pw@s3.example", "user"),
            ("https://", "host:port"),
            ("https://s3.example:0", "host:port"),
            ("https://s3.example:99999", "host:port"),
            ("https://s3 example", "host:port"),
            ("https://::1", "host:port"),
        ] {
            let error = Endpoint::parse(text).unwrap_err();
            assert!(error.hint.contains(hint), "{text}: {error}");
        }
    }
}
