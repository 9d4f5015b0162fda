//! Tests of forwarded-address headers.
//! It must not test who may send them: that is the matter of the identity.

use proptest::prelude::*;

use super::*;

fn trusted() -> CidrSet {
    CidrSet::parse(["10.0.0.0/8", "2001:db8:ff::/48"]).unwrap()
}

fn client(address: &str, proto: Option<Proto>) -> ForwardedClient {
    ForwardedClient { address: address.parse().unwrap(), proto }
}

fn read_xff(lines: &[&str], protos: &[&str]) -> Result<Option<ForwardedClient>, ForwardedError> {
    x_forwarded_for(lines.iter().map(|l| l.as_bytes()), protos.iter().map(|l| l.as_bytes()), &trusted())
}

/// X-Forwarded-For alone.
fn xff(lines: &[&str], expected: Result<&str, ForwardedError>) {
    let expected = expected.map(|address| Some(client(address, None)));
    assert_eq!(read_xff(lines, &[]), expected, "{lines:?}");
}

/// X-Forwarded-Proto for the client 192.0.2.1 behind the hops of `chain`.
fn proto(chain: &str, protos: &[&str], expected: Result<Option<Proto>, ForwardedError>) {
    let expected = expected.map(|proto| Some(client("192.0.2.1", proto)));
    assert_eq!(read_xff(&[chain], protos), expected, "{chain} {protos:?}");
}

fn rfc7239(lines: &[&str], expected: Result<(&str, Option<Proto>), ForwardedError>) {
    let expected = expected.map(|(address, proto)| Some(client(address, proto)));
    assert_eq!(forwarded(lines.iter().map(|l| l.as_bytes()), &trusted()), expected, "{lines:?}");
}

#[test]
fn the_nearest_untrusted_hop_is_the_client() {
    xff(&["192.0.2.1"], Ok("192.0.2.1"));
    xff(&["10.0.0.1, 192.0.2.1"], Ok("192.0.2.1"));
    xff(&["192.0.2.9, 192.0.2.1, 10.0.0.1,10.0.0.2"], Ok("192.0.2.1"));
    xff(&["192.0.2.9", "192.0.2.1\t,\t10.0.0.1", "10.0.0.2"], Ok("192.0.2.1"));
    xff(&["10.0.0.3, 10.0.0.2, 10.0.0.1"], Ok("10.0.0.3"));
    xff(&["192.0.2.1, 2001:db8:ff::1, ::ffff:10.0.0.1"], Ok("192.0.2.1"));
    assert_eq!(read_xff(&[], &["https"]), Ok(None));
    assert_eq!(forwarded(std::iter::empty(), &trusted()), Ok(None));
    let nobody = CidrSet::parse([]).unwrap();
    let lines = [&b"192.0.2.1, 10.0.0.1"[..]];
    assert_eq!(
        x_forwarded_for(lines.into_iter(), std::iter::empty(), &nobody),
        Ok(Some(client("10.0.0.1", None)))
    );
}

#[test]
fn spellings_of_one_hop() {
    for (text, expected) in [
        ("192.0.2.1:0", "192.0.2.1"),
        ("192.0.2.1:65535", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("2001:DB8:0:0::1", "2001:db8::1"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("::ffff:c633:6407", "198.51.100.7"),
        ("0:0:0:0:0:ffff:198.51.100.7", "198.51.100.7"),
        ("[::ffff:198.51.100.7]:80", "198.51.100.7"),
    ] {
        xff(&[text], Ok(expected));
    }
}

#[test]
fn an_unreadable_hop_anywhere_refuses_the_chain() {
    for text in [
        "",
        ",",
        "192.0.2.1,",
        ",192.0.2.1",
        "192.0.2.1,,10.0.0.1",
        "unknown",
        "_secret",
        "localhost",
        "\"192.0.2.1\"",
        "010.0.0.1",
        "0x0a.0.0.1",
        "10.1",
        "167772161",
        "10.0.0.1.",
        "10.0.0.256",
        "١٠.0.0.1",
        "192.0.2.1 10.0.0.1",
        "192.0.2.1:",
        "192.0.2.1:99999",
        "192.0.2.1:65536",
        "192.0.2.1:+1",
        "192.0.2.1:080000",
        "192.0.2.1:_port",
        "[::1",
        "::1]",
        "[::1]x",
        "[::1]:",
        "[::1]:99999",
        "[192.0.2.1]",
        "[]",
        "[::1]]",
        "[[::1]]",
        "fe80::1%eth0",
        "fe80::1%25eth0",
        "[fe80::1%eth0]:80",
        "192.0.2.1/32",
        "192.0.2.1\u{a0}",
        "\u{b}192.0.2.1",
    ] {
        xff(&[text], Err(ForwardedError::Hop));
        xff(&["192.0.2.7", text], Err(ForwardedError::Hop));
        xff(&[text, "192.0.2.7, 10.0.0.1"], Err(ForwardedError::Hop));
    }
    let not_utf8 = [&b"192.0.2.1\xff"[..]];
    let result = x_forwarded_for(not_utf8.into_iter(), std::iter::empty(), &trusted());
    assert_eq!(result, Err(ForwardedError::Hop));
}

#[test]
fn the_scheme_is_that_of_the_client() {
    use Proto::{Http, Https};
    proto("192.0.2.1", &["https"], Ok(Some(Https)));
    proto("192.0.2.1", &["HTTP"], Ok(Some(Http)));
    proto("192.0.2.1, 10.0.0.1", &["https"], Ok(Some(Https)));
    proto("192.0.2.9, 192.0.2.1", &["https, http"], Ok(Some(Http)));
    proto("192.0.2.9, 192.0.2.1", &["https", "http"], Ok(Some(Http)));
    proto("192.0.2.9, 192.0.2.1, 10.0.0.1", &["http,https,http"], Ok(Some(Https)));
    proto("192.0.2.1, 10.0.0.1, 10.0.0.2", &["https, http"], Err(ForwardedError::ProtoMissing));
    for value in ["", "ws", "https ,", "\"https\"", "https;http", "httpss"] {
        proto("192.0.2.1", &[value], Err(ForwardedError::Proto));
        proto("192.0.2.1", &[value, "https"], Err(ForwardedError::Proto));
    }
}

#[test]
fn elements_of_rfc_7239() {
    use Proto::{Http, Https};
    rfc7239(&["for=192.0.2.1"], Ok(("192.0.2.1", None)));
    rfc7239(&["For=\"192.0.2.1\""], Ok(("192.0.2.1", None)));
    rfc7239(&["for=\"192.0.2.1:47011\""], Ok(("192.0.2.1", None)));
    rfc7239(&["for=\"[2001:db8:cafe::17]:4711\""], Ok(("2001:db8:cafe::17", None)));
    rfc7239(&["for=\"[::ffff:198.51.100.7]:80\""], Ok(("198.51.100.7", None)));
    rfc7239(&["for=192.0.2.1;proto=http;by=203.0.113.43"], Ok(("192.0.2.1", Some(Http))));
    rfc7239(&["proto=https; host=\"a,b;for=10.0.0.1\" ;for=192.0.2.1"], Ok(("192.0.2.1", Some(Https))));
    rfc7239(&["for=10.0.0.1;proto=https, for=192.0.2.1;proto=http"], Ok(("192.0.2.1", Some(Http))));
    rfc7239(&["for=192.0.2.1;proto=https", "for=10.0.0.1;proto=http"], Ok(("192.0.2.1", Some(Https))));
    rfc7239(&["for=10.0.0.2;proto=https,for=10.0.0.1"], Ok(("10.0.0.2", Some(Https))));
}

#[test]
fn what_rfc_7239_does_not_allow_refuses_the_header() {
    for text in [
        "",
        ",",
        "for",
        "for=",
        "for=192.0.2.1,",
        ",for=192.0.2.1",
        "for=192.0.2.1;",
        ";for=192.0.2.1",
        "192.0.2.1",
        "for =192.0.2.1",
        "for= 192.0.2.1",
        "for=\"192.0.2.1",
        "for=192.0.2.1\"",
        "for=\"192.0.2.1\"x",
        "for=[::1]",
        "for=192.0.2.1:80",
        "for=192.0.2.1 proto=http",
        "for=192.0.2.1;for=10.0.0.1",
        "for=192.0.2.1;FOR=192.0.2.1",
        "for=\"\\192.0.2.1\"",
        "for=192.0.2.1;a=1;b=2;c=3;d=4",
        "for=192.0.2.1;\u{a0}proto=https",
        "for=\"a\\\"\"",
    ] {
        rfc7239(&[text], Err(ForwardedError::Syntax));
        rfc7239(&["for=192.0.2.7", text], Err(ForwardedError::Syntax));
    }
    for text in [
        "for=unknown",
        "for=_hidden",
        "for=\"_hidden:80\"",
        "for=\"\"",
        "by=192.0.2.1",
        "for=\"::1\"",
        "for=10.1",
        "for=\"[192.0.2.1]\"",
        "for=\"[fe80::1%eth0]\"",
        "for=010.0.0.1",
        "for=\"192.0.2.1:_port\"",
    ] {
        rfc7239(&[text], Err(ForwardedError::Hop));
        rfc7239(&[text, "for=192.0.2.7"], Err(ForwardedError::Hop));
    }
    rfc7239(&["for=192.0.2.1;proto=ws"], Err(ForwardedError::Proto));
}

#[test]
fn a_quote_of_the_client_cannot_swallow_what_a_proxy_adds() {
    rfc7239(&["for=10.0.0.1;x=\", for=192.0.2.1"], Err(ForwardedError::Syntax));
    rfc7239(&["for=10.0.0.1;x=\", for=\"[2001:db8::1]\""], Err(ForwardedError::Syntax));
    rfc7239(&["for=10.0.0.1;x=\"", "for=192.0.2.1"], Err(ForwardedError::Syntax));
}

fn any_hop() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        any::<u8>().prop_map(|low| IpAddr::from([10, 0, 0, low])),
        any::<u32>().prop_map(|bits| IpAddr::V4(std::net::Ipv4Addr::from_bits(bits))),
        any::<u128>().prop_map(|bits| IpAddr::V6(std::net::Ipv6Addr::from_bits(bits)).to_canonical()),
    ]
}

proptest! {
    #[test]
    fn it_finds_what_a_walk_from_the_right_finds(hops in prop::collection::vec(any_hop(), 1..8), split in any::<prop::sample::Index>()) {
        let set = trusted();
        let expected = hops.iter().rev().find(|hop| !set.contains(**hop)).or_else(|| hops.first()).copied();
        let texts: Vec<String> = hops.iter().map(ToString::to_string).collect();
        let elements: Vec<String> = hops
            .iter()
            .map(|hop| if hop.is_ipv4() { format!("for={hop}") } else { format!("for=\"[{hop}]\"") })
            .collect();
        let at = split.index(hops.len());
        let lines = |items: &[String]| [items[..at].join(","), items[at..].join(", ")].into_iter().filter(|l| !l.is_empty()).collect::<Vec<_>>();
        let (xff, rfc) = (lines(&texts), lines(&elements));
        let found = x_forwarded_for(xff.iter().map(String::as_bytes), std::iter::empty(), &set).unwrap();
        prop_assert_eq!(found.map(|client| client.address), expected);
        let found = forwarded(rfc.iter().map(String::as_bytes), &set).unwrap();
        prop_assert_eq!(found.map(|client| client.address), expected);
    }

    #[test]
    fn any_bytes_are_read_without_panic(line in prop_oneof![
        prop::collection::vec(any::<u8>(), 0..60),
        "(for=|proto=|by=|[\"\\\\;, \t\\[\\]:.0-9a-f_=]){0,30}".prop_map(String::into_bytes),
    ]) {
        let set = trusted();
        let _ = x_forwarded_for(std::iter::once(&line[..]), std::iter::once(&line[..]), &set);
        let _ = forwarded(std::iter::once(&line[..]), &set);
    }

    #[test]
    fn what_stands_to_the_left_of_the_client_never_counts(left in prop::collection::vec(any_hop(), 0..6)) {
        let mut chain: Vec<String> = left.iter().map(ToString::to_string).collect();
        chain.extend(["192.0.2.1".to_owned(), "10.0.0.9".to_owned()]);
        prop_assert_eq!(read_xff(&[&chain.join(",")], &[]), Ok(Some(client("192.0.2.1", None))));
    }
}
