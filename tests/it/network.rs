//! Network paths end to end: the example policies against real addresses, balancers' headers and TLS.
//! It must not test how policies are read; what a path proves is what counts here.

mod haproxy;
mod world;

use crate::support::proxy_header as proxy;
use crate::support::request::Request;
use world::{Answer, TLS12, TLS13, Via, World, document, on_loopback};

/// Where a request comes from, as the worked table of the policy language tells places apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// The company's range, 203.0.113.0/24.
    Inside,
    /// Another IPv4 address.
    Outside,
    /// An IPv6 address.
    V6,
    /// The endpoint `vpce-1a2b3c4d` in `vpc-111bbb22`.
    OwnEndpoint,
    /// An address inside `vpc-111bbb22`, through no endpoint.
    OwnVpc,
    /// Another endpoint, or another VPC.
    OtherNetwork,
}

use Place::{Inside, OtherNetwork, Outside, OwnEndpoint, OwnVpc, V6};

const EVERYWHERE: &[Place] = &[Inside, Outside, V6, OwnEndpoint, OwnVpc, OtherNetwork];

fn proxied(header: Vec<u8>) -> Via {
    Via::Proxy(header)
}

/// Every way to come from each place, as the policies name them.
fn as_written() -> Vec<(Place, Via)> {
    let mut ways = vec![];
    let mut add = |place: Place, vias: Vec<Via>| ways.extend(vias.into_iter().map(|via| (place, via)));
    add(
        Inside,
        vec![
            proxied(proxy::line("203.0.113.7")),
            proxied(proxy::frame("203.0.113.7", &[])),
            proxied(proxy::frame("::ffff:203.0.113.7", &[])),
            Via::Headers(&[("X-Forwarded-For", "203.0.113.7")]),
            Via::Headers(&[("X-Forwarded-For", "198.51.100.9, 203.0.113.7:4711")]),
            Via::Headers(&[("X-Forwarded-For", "::ffff:cb00:7107")]),
            Via::Headers(&[("Forwarded", "for=203.0.113.7")]),
        ],
    );
    add(
        Outside,
        vec![
            Via::Socket("127.0.0.1"),
            Via::Forged(&[("X-Forwarded-For", "203.0.113.7"), ("Forwarded", "for=203.0.113.7")]),
            Via::Forged(&[("X-Real-IP", "203.0.113.7"), ("aws-SourceVpce", "vpce-1a2b3c4d")]),
            proxied(proxy::line("198.51.100.9")),
            proxied(proxy::frame("198.51.100.9", &[])),
            Via::Headers(&[("X-Forwarded-For", "203.0.113.7, 198.51.100.9")]),
            Via::Headers(&[("X-Forwarded-For", "203.0.113.7"), ("X-Forwarded-For", "198.51.100.9")]),
            Via::Headers(&[("Forwarded", "for=203.0.113.7, for=198.51.100.9")]),
        ],
    );
    add(
        V6,
        vec![
            proxied(proxy::line("2001:db8:1234:5678::1")),
            proxied(proxy::frame("2001:db8:1234:5678::1", &[])),
            Via::Headers(&[("X-Forwarded-For", "[2001:db8:1234:5678::1]:443")]),
            Via::Headers(&[("Forwarded", "for=\"[2001:db8:1234:5678::1]\"")]),
        ],
    );
    add(
        OwnEndpoint,
        vec![
            // the address inside the VPC is the client's own choice and proves nothing
            proxied(proxy::balanced("172.31.7.113", "vpce-1a2b3c4d")),
            proxied(proxy::balanced("203.0.113.7", "vpce-1a2b3c4d")),
            proxied(proxy::balanced("10.30.0.5", "vpce-1a2b3c4d")),
            proxied(proxy::frame("172.31.7.113", &[proxy::endpoint("vpce-1a2b3c4d")])),
        ],
    );
    add(
        OwnVpc,
        vec![
            proxied(proxy::frame("10.20.0.5", &[])),
            Via::Headers(&[("X-Forwarded-For", "203.0.113.7, 10.20.0.5")]),
        ],
    );
    add(
        OtherNetwork,
        vec![
            proxied(proxy::balanced("203.0.113.7", "vpce-99999999")),
            // an endpoint that the config does not know has no VPC
            proxied(proxy::balanced("10.20.0.5", "vpce-0123456789")),
            proxied(proxy::frame("10.30.0.5", &[])),
        ],
    );
    ways
}

/// Every way to come from real addresses of this machine.
fn from_loopback() -> Vec<(Place, Via)> {
    vec![
        (Inside, Via::Socket("127.0.0.2")),
        (Inside, Via::DualStack("127.0.0.2")),
        (Outside, Via::Socket("127.0.0.3")),
        (Outside, Via::DualStack("127.0.0.3")),
        (Outside, Via::Tls(TLS13)),
        (V6, Via::Socket("::1")),
        (OwnVpc, Via::Socket("127.0.0.4")),
        (OwnVpc, Via::DualStack("127.0.0.4")),
        (OtherNetwork, Via::Socket("127.0.0.5")),
        (OwnEndpoint, proxied(proxy::CAPTURED.to_vec())),
        (OwnEndpoint, Via::ProxyTls(proxy::CAPTURED.to_vec())),
    ]
}

/// Paths that prove nothing: refused whatever the policy says, and no policy is asked.
fn unknown() -> Vec<Via> {
    vec![
        proxied(proxy::local()),
        proxied(b"PROXY UNKNOWN\r\n".to_vec()),
        Via::Headers(&[("X-Forwarded-Proto", "https")]),
        Via::Headers(&[("X-Forwarded-Host", "s3.test")]),
    ]
}

/// What the gate answers if the policy lets the request pass, or not.
fn answer(passes: bool) -> Answer {
    if passes { Answer::Of(200, None) } else { refused("explicit_deny") }
}

fn refused(reason: &str) -> Answer {
    Answer::Of(403, Some(reason.to_owned()))
}

/// Asks on every way, with a link that was signed that long ago.
#[track_caller]
fn check(name: &str, signed_seconds_ago: i64, allowed: &[Place]) {
    let text = document(name);
    let request = Request::get("/bkt/key.txt").expires("3600").at(-signed_seconds_ago);
    for (text, ways) in [(text.clone(), as_written()), (on_loopback(&text), from_loopback())] {
        let world = World::start(&text);
        let mut forwarded = 0;
        for (place, via) in ways {
            let passes = allowed.contains(&place);
            forwarded += usize::from(passes);
            assert_eq!(world.ask(&via, &request), answer(passes), "{name}: {place:?} {via:?}");
        }
        for via in unknown() {
            assert_eq!(world.ask(&via, &request), refused("unknown_network"), "{name}: {via:?}");
        }
        assert_eq!(
            world.upstream.recording().requests.len(),
            forwarded,
            "requests that reached the upstream"
        );
    }
}

#[test]
fn only_from_the_ranges() {
    check("network.json", 0, &[Inside]);
}

#[test]
fn only_from_the_endpoint() {
    check("only-from-endpoint.json", 0, &[OwnEndpoint]);
}

#[test]
fn only_from_the_vpc() {
    check("only-from-vpc.json", 0, &[OwnEndpoint, OwnVpc]);
}

#[test]
fn from_the_ranges_or_the_vpc() {
    check("from-ranges-or-vpc.json", 0, &[Inside, OwnEndpoint, OwnVpc]);
}

#[test]
fn links_of_less_than_ten_minutes() {
    check("links-for-ten-minutes.json", 590, EVERYWHERE);
}

#[test]
fn links_of_more_than_ten_minutes() {
    check("links-for-ten-minutes.json", 602, &[]);
}

/// Each way to come, whether it counts as TLS, and whether its version is known not to be old.
fn under_tls() -> Vec<(Via, bool, bool)> {
    let told = |by_client, version| proxied(proxy::frame("192.0.2.1", &[proxy::tls(by_client, version)]));
    vec![
        (Via::Tls(TLS13), true, true),
        (Via::Tls(TLS12), true, true),
        // cleartext has no version that could be too old: the second policy alone lets it pass, as in S3
        (Via::Socket("127.0.0.1"), false, true),
        (Via::Socket("::1"), false, true),
        (
            Via::Forged(&[("X-Forwarded-Proto", "https"), ("Forwarded", "for=192.0.2.1;proto=https")]),
            false,
            true,
        ),
        (proxied(proxy::frame("192.0.2.1", &[])), false, true),
        (proxied(proxy::line("192.0.2.1")), false, true),
        (told(true, "TLSv1.3"), true, true),
        (told(true, "TLSv1.2"), true, true),
        (told(true, "TLSv1.1"), true, false),
        (told(true, "TLSv1"), true, false),
        (told(false, "TLSv1.3"), false, true),
        // TLS of a version that nobody tells may be old
        (told(true, ""), true, false),
        (told(true, "SSLv3"), true, false),
        (Via::Headers(&[("X-Forwarded-For", "192.0.2.1"), ("X-Forwarded-Proto", "https")]), true, false),
        (Via::Headers(&[("X-Forwarded-For", "192.0.2.1"), ("X-Forwarded-Proto", "http")]), false, true),
        (Via::Headers(&[("X-Forwarded-For", "192.0.2.1")]), false, true),
        (Via::Headers(&[("Forwarded", "for=192.0.2.1;proto=https")]), true, false),
        (Via::Headers(&[("Forwarded", "for=192.0.2.1;proto=http")]), false, true),
        // the balancer passed TLS through, or ended it and tells about the client's leg
        (Via::ProxyTls(proxy::line("192.0.2.1")), true, true),
        (Via::ProxyTls(proxy::balanced("172.31.7.113", "vpce-1a2b3c4d")), true, true),
        (Via::ProxyTls(proxy::frame("192.0.2.1", &[proxy::tls(false, "")])), false, true),
        (Via::ProxyTls(proxy::frame("192.0.2.1", &[proxy::tls(true, "TLSv1.1")])), true, false),
    ]
}

#[track_caller]
fn check_tls(name: &str, expected: impl Fn((Via, bool, bool)) -> (Via, bool)) {
    let world = World::start(&document(name));
    for (via, allows) in under_tls().into_iter().map(expected) {
        assert_eq!(world.ask(&via, &Request::get("/bkt/key.txt")), answer(allows), "{name}: {via:?}");
    }
}

#[test]
fn only_with_tls() {
    check_tls("only-with-tls.json", |(via, tls, _)| (via, tls));
}

#[test]
fn no_old_tls() {
    check_tls("no-old-tls.json", |(via, _, modern)| (via, modern));
}

#[test]
fn a_balancer_is_believed_only_as_it_should_be() {
    let world = World::start(&document("only-from-endpoint.json"));
    let request = Request::get("/bkt/key.txt");
    let own = proxy::balanced("172.31.7.113", "vpce-1a2b3c4d");
    assert_eq!(world.ask(&proxied(own.clone()), &request), answer(true));
    let (before, refused_before) = (world.upstream.recording().requests.len(), world.refused_headers());
    let mut bent = own.clone();
    bent[60] ^= 1;
    let two = [proxy::endpoint("vpce-1a2b3c4d"), proxy::endpoint("vpce-1a2b3c4d")];
    for closed in [
        Via::Stranger(own.clone()),
        Via::Stranger(proxy::line("203.0.113.7")),
        Via::Stranger(vec![]),
        // the trusted balancer must send a header, and a whole and right one
        proxied(vec![]),
        proxied(bent),
        proxied(proxy::frame("172.31.7.113", &two)),
        proxied(proxy::frame("172.31.7.113", &[proxy::endpoint("vpce-1A2B3C4D")])),
        proxied(proxy::frame("172.31.7.113", &[proxy::endpoint("")])),
    ] {
        assert_eq!(world.ask(&closed, &request), Answer::Closed, "{closed:?}");
    }
    // what a client sent before the balancer's header was put in front is no header any more
    for (inner, reason) in [(own.clone(), "malformed_head"), (proxy::line("203.0.113.7"), "malformed_head")] {
        let nested = proxied([proxy::line("198.51.100.9"), inner].concat());
        assert_eq!(world.ask(&nested, &request), Answer::Of(400, Some(reason.to_owned())), "{nested:?}");
    }
    // where none is expected, one is a malformed request
    let direct =
        crate::support::client::ask(world.gate.address(), "GET", &[own, request.presigned()].concat());
    assert_eq!(direct.status, 400);
    assert_eq!(world.upstream.recording().requests.len(), before);
    let refused = world.refused_headers() - refused_before;
    assert!((refused - 8.0).abs() < 0.5, "{refused} connections were counted as refused");
}
