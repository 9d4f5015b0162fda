//! HAProxy as the sender of PROXY headers and X-Forwarded-For: what it writes is what the gate must understand.
//! It must not make headers of its own.

use super::world::{
    Answer, PROXIED, PROXIED_TLS, TLS12, TLS13, World, XFF, answer_of, document, on_loopback,
};
use super::{answer, refused};
use crate::support::client::Client;
use crate::support::gate::{Process, poll_connect};
use crate::support::ports::{self, Reserved};
use crate::support::request::Request;
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::process::Command;
use tempfile::TempDir;

/// Ways through HAProxy: what follows `bind` and its address, and `server` and its address, and the gate's listener.
const WAYS: &[(&str, &str, usize)] = &[
    ("", "send-proxy check check-send-proxy inter 100", PROXIED),
    ("", "send-proxy-v2 check check-send-proxy inter 100", PROXIED),
    ("", "send-proxy-v2 proxy-v2-options crc32c,unique-id,authority", PROXIED),
    ("ssl crt PAIR", "send-proxy-v2-ssl", PROXIED),
    (
        "ssl crt PAIR",
        "send-proxy-v2 proxy-v2-options ssl,cert-cn,ssl-cipher,cert-sig,cert-key,crc32c",
        PROXIED,
    ),
    ("ssl crt PAIR", "send-proxy-v2", PROXIED),
    ("", "send-proxy", PROXIED_TLS),
    ("", "send-proxy-v2", PROXIED_TLS),
    ("", "send-proxy-v2 ssl verify none sni str(s3.test)", PROXIED_TLS),
    ("", "send-proxy-v2-ssl ssl verify none sni str(s3.test)", PROXIED_TLS),
];
const LINE: usize = 0;
const FRAME: usize = 1;
const CHECKED: usize = 2;
const ENDS_TLS: usize = 3;
const ENDS_TLS_AND_TELLS_ALL: usize = 4;
const ENDS_TLS_IN_SILENCE: usize = 5;
const PASSES_TLS_ON: usize = 6;
const PASSES_TLS_ON_V2: usize = 7;
const ENCRYPTS: usize = 8;
const ENCRYPTS_AND_TELLS: usize = 9;

/// A running HAProxy in front of a world.
struct HaProxy {
    _process: Process,
    /// In the order of [`WAYS`], then one of HTTP.
    ports: Vec<Reserved>,
    folder: TempDir,
}

impl Drop for HaProxy {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.folder.path().join("stdout.log")).unwrap_or_default();
            for line in log.lines().rev().take(20) {
                eprintln!("haproxy: {line}");
            }
        }
    }
}

impl HaProxy {
    #[track_caller]
    fn start(world: &World) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let pair = folder.path().join("pair.pem");
        let issued = world.authority.issue(&["s3.test"]);
        crate::support::private_file(&pair, &format!("{}{}", issued.certificate, issued.key));
        let ports: Vec<_> = (0..=WAYS.len()).map(|_| ports::reserve()).collect();
        let mut text =
            "defaults\n  log stdout format raw local0\n  option tcplog\n  timeout connect 5s\n  timeout client 20s\n  timeout server 20s\n".to_owned();
        for ((at, (bind, server, to)), reserved) in WAYS.iter().enumerate().zip(&ports) {
            let (port, gate) = (reserved.address.port(), world.port(*to));
            let bind = bind.replace("PAIR", &pair.display().to_string());
            write!(
                text,
                "listen way{at}\n  mode tcp\n  bind 127.0.0.1:{port} {bind}\n  bind ::1:{port} {bind}\n  \
                 server gate {gate} {server}\n"
            )
            .unwrap();
        }
        write!(
            text,
            "listen http\n  mode http\n  option forwardfor\n  http-request set-header X-Forwarded-Proto http\n  \
             bind {}\n  server gate {}\n",
            ports[WAYS.len()].address,
            world.port(XFF)
        )
        .unwrap();
        let config = folder.path().join("haproxy.cfg");
        std::fs::write(&config, text).unwrap();
        let mut command = Command::new("haproxy");
        // Debian puts it where not every user looks
        command.arg("-db").arg("-f").arg(&config).env("PATH", "/usr/local/sbin:/usr/sbin:/usr/bin:/bin");
        let mut process = Process::start(&mut command, folder.path());
        for reserved in &ports {
            poll_connect(&mut process, reserved.address);
        }
        Self { _process: process, ports, folder }
    }

    fn address(&self, way: usize, source: IpAddr) -> SocketAddr {
        let address = self.ports[way].address;
        match source {
            IpAddr::V4(_) => address,
            IpAddr::V6(_) => SocketAddr::new(Ipv6Addr::LOCALHOST.into(), address.port()),
        }
    }

    #[track_caller]
    fn clear(&self, way: usize, source: &str, request: &Request) -> Answer {
        let source = source.parse().unwrap();
        answer_of(Client::connect_from(source, self.address(way, source)), &request.presigned())
    }

    #[track_caller]
    fn tls(&self, world: &World, way: usize, versions: super::world::Versions) -> Answer {
        let dial = world.authority.dial("s3.test").versions(versions);
        let client = dial.connect(self.ports[way].address).unwrap();
        answer_of(client, &Request::get("/bkt/key.txt").presigned())
    }
}

#[test]
fn it_tells_the_address_of_the_client() {
    let world = World::start(&on_loopback(&document("network.json")));
    let proxy = HaProxy::start(&world);
    let request = Request::get("/bkt/key.txt");
    for way in [LINE, FRAME, CHECKED, ENCRYPTS, ENCRYPTS_AND_TELLS] {
        for (source, inside) in [("127.0.0.2", true), ("127.0.0.3", false), ("::1", false)] {
            let seen = proxy.clear(way, source, &request);
            assert_eq!(seen, answer(inside), "{} from {source}", WAYS[way].1);
        }
    }
    let forged = request.clone().unsigned("X-Forwarded-For", "127.0.0.2");
    let http = WAYS.len();
    assert_eq!(proxy.clear(http, "127.0.0.2", &request), answer(true));
    assert_eq!(proxy.clear(http, "127.0.0.3", &forged), answer(false));
    // a client's own header does not become the balancer's
    let forged = [&b"PROXY TCP4 127.0.0.2 127.0.0.1 1 2\r\n"[..], &request.presigned()].concat();
    let client = Client::connect_from("127.0.0.3".parse().unwrap(), proxy.ports[LINE].address);
    assert_eq!(answer_of(client, &forged), Answer::Of(400, Some("malformed_head".to_owned())));
}

#[test]
fn it_tells_about_tls_on_the_clients_leg() {
    let secure = World::start(&document("only-with-tls.json"));
    let proxy = HaProxy::start(&secure);
    for (way, expected) in
        [(ENDS_TLS, true), (ENDS_TLS_AND_TELLS_ALL, true), (PASSES_TLS_ON, true), (PASSES_TLS_ON_V2, true)]
    {
        for versions in [TLS12, TLS13] {
            assert_eq!(proxy.tls(&secure, way, versions), answer(expected), "{}", WAYS[way].1);
        }
    }
    // TLS that ended there unsaid is no proof, nor is TLS between it and the gate if it says that the client had none
    assert_eq!(proxy.tls(&secure, ENDS_TLS_IN_SILENCE, TLS13), answer(false));
    let request = Request::get("/bkt/key.txt");
    for way in [LINE, FRAME, CHECKED, ENCRYPTS_AND_TELLS] {
        assert_eq!(proxy.clear(way, "127.0.0.1", &request), answer(false), "{}", WAYS[way].1);
    }
    let modern = World::start(&document("no-old-tls.json"));
    let proxy = HaProxy::start(&modern);
    for way in [ENDS_TLS, ENDS_TLS_AND_TELLS_ALL, PASSES_TLS_ON] {
        for versions in [TLS12, TLS13] {
            assert_eq!(proxy.tls(&modern, way, versions), answer(true), "{}", WAYS[way].1);
        }
    }
}

/// Its health checks carry the header of nobody: the connection is good, but no request of it is served.
#[test]
fn its_health_checks_are_good_connections() {
    let world = World::start(&document("network.json"));
    let refused_before = world.refused_headers();
    let proxy = HaProxy::start(&world);
    // a check is a connection and nothing else; that many times ten of them went through the first listeners
    let up = |proxy: &HaProxy| proxy.clear(FRAME, "127.0.0.3", &Request::get("/bkt/key.txt"));
    for _ in 0..20 {
        assert_eq!(up(&proxy), answer(false));
        std::thread::park_timeout(std::time::Duration::from_millis(20));
    }
    let refused_now = world.refused_headers() - refused_before;
    assert!(refused_now < 0.5, "{refused_now} checks were refused");
    let by_hand = super::proxied(crate::support::proxy_header::local());
    assert_eq!(world.ask(&by_hand, &Request::get("/bkt/key.txt")), refused("unknown_network"));
}
