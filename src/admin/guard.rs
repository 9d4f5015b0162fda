//! Who may use a route: the bearer token, and on a machine without one, nobody but its own users.
//! It must not trust a browser: a web page can send requests to loopback, and a name that it owns can point there.

use super::answer::Answer;
use super::route::Access;
use crate::request::RawRequest;
use crate::request::host::Host;
use crate::request::method::Method;
use crate::secret::Secret;
use std::net::{IpAddr, SocketAddr};

/// Why a request is turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    /// The route needs the token.
    #[error("send `Authorization: Bearer TOKEN` with the token of `admin.token`")]
    Token,
    /// There is no token, and the endpoint can be reached from elsewhere.
    #[error("set `admin.token`: without it this is answered on a loopback address only")]
    NoToken,
    /// A loopback endpoint was asked under a name that is not of this machine.
    #[error("use `localhost` or the address: another name can be a web page's")]
    ForeignHost,
    /// A web page of another origin asked.
    #[error("web pages of other origins are not answered")]
    ForeignOrigin,
    /// A browser sends what a form of any page could.
    #[error("send `Content-Type: application/json`: a form could send anything else")]
    NotJson,
}

impl Refusal {
    /// The answer.
    pub(super) fn answer(self) -> Answer {
        match self {
            Self::Token => Answer::refusal(401, &self.to_string()).header("WWW-Authenticate", "Bearer"),
            _ => Answer::refusal(403, &self.to_string()),
        }
    }
}

/// Checks a request to a route with this access, on an endpoint with this address and token.
pub(super) fn check(
    access: Access,
    address: SocketAddr,
    token: Option<&Secret>,
    request: &RawRequest<'_>,
) -> Result<(), Refusal> {
    let local = address.ip().to_canonical().is_loopback();
    match (access, token) {
        (Access::Operator, Some(token)) if has_token(request, token) => Ok(()),
        (Access::Operator, Some(_)) => Err(Refusal::Token),
        (Access::Operator, None) if !local => Err(Refusal::NoToken),
        (Access::Operator, None) => {
            own_name(request).and_then(|()| own_page(request)).and_then(|()| no_form(request))
        }
        (Access::Reader, _) if local => own_name(request),
        (Access::Anyone | Access::Reader, _) => Ok(()),
    }
}

/// Whether the Authorization header (a head with two is malformed) carries the token; the comparison takes the same time wherever it fails.
fn has_token(request: &RawRequest<'_>, token: &Secret) -> bool {
    let Some(line) = request.headers.first("authorization") else { return false };
    let Some((scheme, sent)) = line.split_at_checked(b"Bearer ".len()) else { return false };
    scheme.eq_ignore_ascii_case(b"Bearer ") && token.matches(sent)
}

/// The Host must be of this machine: a page that had its own name resolved to loopback sends that name.
fn own_name(request: &RawRequest<'_>) -> Result<(), Refusal> {
    let name = request.host.name();
    let literal = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(name);
    let own = literal.parse::<IpAddr>().map_or_else(
        |_| name.eq_ignore_ascii_case("localhost") || ends_with_label(name, ".localhost"),
        |address| address.to_canonical().is_loopback(),
    );
    if own { Ok(()) } else { Err(Refusal::ForeignHost) }
}

fn ends_with_label(name: &str, suffix: &str) -> bool {
    let start = name.len().saturating_sub(suffix.len());
    name.get(start..).is_some_and(|end| end.eq_ignore_ascii_case(suffix))
}

/// A browser says which page a request comes from (fetch standard: Origin on every POST and DELETE; Sec-Fetch-Site).
fn own_page(request: &RawRequest<'_>) -> Result<(), Refusal> {
    let same = |origin: &[u8]| {
        let host = origin.strip_prefix(b"http://").and_then(Host::parse);
        host.is_some_and(|host| host.raw().eq_ignore_ascii_case(request.host.raw()))
    };
    let site = |site: &[u8]| matches!(site, b"same-origin" | b"none");
    if request.headers.all("origin").all(same) && request.headers.all("sec-fetch-site").all(site) {
        Ok(())
    } else {
        Err(Refusal::ForeignOrigin)
    }
}

/// A browser that changes something must send JSON: it asks before it sends that elsewhere, and is told no, whereas a
/// form goes out unasked. A program on the machine may leave the type out, or say what `curl -d` says.
fn no_form(request: &RawRequest<'_>) -> Result<(), Refusal> {
    let headers = &request.headers;
    let browser = ["origin", "sec-fetch-site", "sec-fetch-mode", "referer", "cookie"]
        .iter()
        .any(|name| headers.first(name).is_some())
        || headers.first("user-agent").is_some_and(|agent| agent.starts_with(b"Mozilla/"));
    let json = |kind: &[u8]| {
        let kind = kind.split(|byte| *byte == b';').next().unwrap_or_default();
        kind.trim_ascii().eq_ignore_ascii_case(b"application/json")
    };
    let told = headers.first("content-type").is_some_and(json);
    if !browser || told || request.method != Method::Post { Ok(()) } else { Err(Refusal::NotJson) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::head;

    const LOCAL: &str = "127.0.0.1:9090";
    const OPEN: &str = "0.0.0.0:9090";

    #[track_caller]
    fn check(access: Access, address: &str, token: Option<&str>, lines: &str, expected: Result<(), Refusal>) {
        let head = format!("POST /x HTTP/1.1\r\n{lines}\r\n");
        let request = head::parse(head.as_bytes()).unwrap();
        let token = token.map(Secret::new);
        let outcome = super::check(access, address.parse().unwrap(), token.as_ref(), &request);
        assert_eq!(outcome, expected, "{address} {token:?} {lines:?}");
    }

    #[test]
    fn the_token_opens_and_nothing_else() {
        let operator = |lines: &str, expected| {
            let lines = format!("Host: a\r\n{lines}");
            for address in [LOCAL, OPEN] {
                check(Access::Operator, address, Some("t0k/en="), &lines, expected);
            }
        };
        operator("Authorization: Bearer t0k/en=\r\n", Ok(()));
        operator("authorization: bearer t0k/en=\r\n", Ok(()));
        // who has the token is no browser of somebody else
        operator("Authorization: Bearer t0k/en=\r\nOrigin: https://evil.example\r\n", Ok(()));
        for lines in [
            "",
            "Authorization: Bearer t0k/en\r\n",
            "Authorization: Bearer t0k/en==\r\n",
            "Authorization: Bearer T0k/en=\r\n",
            "Authorization: Bearer \r\n",
            "Authorization: Bearer\r\n",
            "Authorization: Basic t0k/en=\r\n",
            "Authorization: t0k/en=\r\n",
        ] {
            operator(lines, Err(Refusal::Token));
        }
    }

    #[test]
    fn without_a_token_only_the_machine_itself_may_change_things() {
        let host = |host: &str| format!("Host: {host}\r\n");
        for address in [OPEN, "10.0.0.1:9090", "[::]:9090", "[2001:db8::1]:9090"] {
            check(Access::Operator, address, None, &host("localhost"), Err(Refusal::NoToken));
        }
        for address in [LOCAL, "127.9.9.9:1", "[::1]:9090", "[::ffff:127.0.0.1]:9090"] {
            check(Access::Operator, address, None, &host("localhost:9090"), Ok(()));
        }
        for name in
            ["LOCALHOST", "a.localhost:1", "127.0.0.1:9090", "127.1.2.3", "[::1]:9090", "[::ffff:127.0.0.1]"]
        {
            check(Access::Operator, LOCAL, None, &host(name), Ok(()));
        }
        for name in
            ["evil.example", "localhost.evil.example", "alocalhost", "10.0.0.1", "[2001:db8::1]", "127.1"]
        {
            check(Access::Operator, LOCAL, None, &host(name), Err(Refusal::ForeignHost));
            check(Access::Reader, LOCAL, None, &host(name), Err(Refusal::ForeignHost));
            check(Access::Reader, LOCAL, Some("t"), &host(name), Err(Refusal::ForeignHost));
            check(Access::Reader, OPEN, None, &host(name), Ok(()));
            check(Access::Anyone, LOCAL, None, &host(name), Ok(()));
        }
    }

    #[test]
    fn pages_of_other_origins_change_nothing() {
        let from = |lines: &str, expected| {
            let lines = format!("Host: localhost:9090\r\nContent-Type: application/json\r\n{lines}");
            check(Access::Operator, LOCAL, None, &lines, expected);
        };
        from("Origin: http://localhost:9090\r\nSec-Fetch-Site: same-origin\r\n", Ok(()));
        from("Sec-Fetch-Site: none\r\n", Ok(()));
        for lines in [
            "Origin: https://evil.example\r\n",
            "Origin: null\r\n",
            "Origin: http://localhost:8080\r\n",
            "Origin: https://localhost:9090\r\n",
            "Origin: http://localhost:9090\r\nOrigin: http://evil.example\r\n",
            "Sec-Fetch-Site: cross-site\r\n",
            "Sec-Fetch-Site: same-site\r\n",
        ] {
            from(lines, Err(Refusal::ForeignOrigin));
        }
    }

    #[test]
    fn browsers_change_things_with_json_alone() {
        let from = |lines: &str, expected| {
            let lines = format!("Host: localhost:9090\r\n{lines}");
            check(Access::Operator, LOCAL, None, &lines, expected);
            check(Access::Operator, LOCAL, Some("t"), &format!("{lines}Authorization: Bearer t\r\n"), Ok(()));
        };
        let browsers = [
            "Origin: http://localhost:9090\r\n",
            "Sec-Fetch-Site: none\r\n",
            "Sec-Fetch-Mode: navigate\r\n",
            "Referer: http://localhost:9090/\r\n",
            "Cookie: a=b\r\n",
            "User-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n",
        ];
        for browser in browsers {
            for kind in ["application/json", "Application/JSON; charset=utf-8"] {
                from(&format!("{browser}Content-Type: {kind}\r\n"), Ok(()));
            }
            from(browser, Err(Refusal::NotJson));
            for kind in [
                "text/plain",
                "text/plain; a=application/json",
                "multipart/form-data; boundary=application/json",
                "application/x-www-form-urlencoded",
                "application/json-seq",
                "",
            ] {
                from(&format!("{browser}Content-Type: {kind}\r\n"), Err(Refusal::NotJson));
            }
        }
        // what programs send, `curl -d` among them
        from("User-Agent: curl/8\r\nContent-Type: application/x-www-form-urlencoded\r\n", Ok(()));
        from("", Ok(()));
    }
}
