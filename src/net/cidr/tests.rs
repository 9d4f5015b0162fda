//! Tests of address ranges.
//! It must not share code with the table: the naive model looks at every range.

use std::net::{Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::*;

fn check(text: &str, expected: Result<&str, CidrError>) {
    let expected = expected.map(|net| IpNet::from_str(net).unwrap());
    assert_eq!(parse_net(text), expected, "{text}");
}

#[test]
fn a_range_is_read_strictly() {
    check("10.0.0.1", Ok("10.0.0.1/32"));
    check("10.1.2.3/8", Ok("10.0.0.0/8"));
    check("0.0.0.0/0", Ok("0.0.0.0/0"));
    check("2001:db8::1", Ok("2001:db8::1/128"));
    check("2001:db8:ffff::/32", Ok("2001:db8::/32"));
    check("::/0", Ok("::/0"));
    for text in [
        "",
        "/8",
        "10.0.0.0.0/8",
        "010.0.0.1",
        "0x0a.0.0.1",
        "10.1",
        "167772161",
        "10.0.0.1.",
        "10.0.0.256",
        " 10.0.0.1",
        "10.0.0.1 ",
        "fe80::1%eth0",
        "[::1]",
        "١٠.0.0.1",
        "10.0.0.1:80",
        "::ffff:010.0.0.1",
        "*",
        "any",
    ] {
        check(text, Err(CidrError::Address(text.to_owned())));
    }
    for text in [
        "10.0.0.0/33",
        "10.0.0.0/-1",
        "10.0.0.0/+8",
        "10.0.0.0/08",
        "10.0.0.0/",
        "10.0.0.0/8/8",
        "::/129",
        "::/256",
        "10.0.0.0/255.0.0.0",
        "10.0.0.0/ 8",
    ] {
        check(text, Err(CidrError::Prefix(text.to_owned())));
    }
    for text in ["::ffff:10.0.0.1", "::ffff:10.0.0.1/128", "::ffff:a00:0/104", "::ffff:10.0.0.1/64"] {
        check(text, Err(CidrError::Mapped(text.to_owned())));
    }
}

#[test]
fn ranges_that_were_read_by_others_are_checked_too() {
    let mapped = IpNet::from_str("::ffff:10.0.0.0/104").unwrap();
    assert_eq!(CidrSet::new([mapped]).unwrap_err(), CidrError::Mapped("::ffff:10.0.0.0/104".to_owned()));
    let set = CidrSet::new([IpNet::from_str("10.1.2.3/8").unwrap()]).unwrap();
    assert!(set.contains("10.200.0.1".parse().unwrap()));
    assert_eq!(set.iter().next(), Some(IpNet::from_str("10.0.0.0/8").unwrap()));
}

#[test]
fn the_narrowest_range_counts_and_the_edges_belong_to_it() {
    let map = CidrMap::new(
        [
            ("10.0.0.0/8", 8),
            ("10.1.0.0/16", 16),
            ("10.1.2.0/24", 24),
            ("10.1.2.255/32", 32),
            ("255.255.255.255/32", 99),
        ]
        .map(|(net, value)| (parse_net(net).unwrap(), value)),
    )
    .unwrap();
    for (address, expected) in [
        ("9.255.255.255", None),
        ("10.0.0.0", Some(8)),
        ("10.0.255.255", Some(8)),
        ("10.1.0.0", Some(16)),
        ("10.1.2.0", Some(24)),
        ("10.1.2.254", Some(24)),
        ("10.1.2.255", Some(32)),
        ("10.1.3.0", Some(16)),
        ("10.2.0.0", Some(8)),
        ("10.255.255.255", Some(8)),
        ("11.0.0.0", None),
        ("255.255.255.255", Some(99)),
        ("::ffff:10.1.2.3", Some(24)),
        ("::10.1.2.3", None),
        ("64:ff9b::10.1.2.3", None),
    ] {
        assert_eq!(map.get(address.parse().unwrap()).copied(), expected, "{address}");
    }
}

#[test]
fn each_family_has_its_own_everything() {
    let v4 = CidrSet::parse(["0.0.0.0/0"]).unwrap();
    let v6 = CidrSet::parse(["::/0"]).unwrap();
    for (address, in_v4) in
        [("0.0.0.0", true), ("255.255.255.255", true), ("::ffff:1.2.3.4", true), ("::", false)]
    {
        let address: IpAddr = address.parse().unwrap();
        assert_eq!((v4.contains(address), v6.contains(address)), (in_v4, !in_v4), "{address}");
    }
    let nobody = CidrSet::parse([]).unwrap();
    assert!(nobody.is_empty() && !nobody.contains("127.0.0.1".parse().unwrap()));
}

#[test]
fn of_equal_ranges_the_first_counts() {
    let map = CidrMap::new(["a", "b", "c"].map(|value| (parse_net("10.0.0.0/8").unwrap(), value))).unwrap();
    assert_eq!(map.get("10.1.1.1".parse().unwrap()), Some(&"a"));
    assert_eq!(map.len(), 3);
}

/// What the table must find, by looking at every range.
fn naive<T>(entries: &[(IpNet, T)], address: IpAddr) -> Option<&T> {
    let address = fold_mapped(address);
    let mut best: Option<&(IpNet, T)> = None;
    for entry in entries.iter().filter(|(net, _)| net.contains(&address)) {
        if best.is_none_or(|found| entry.0.prefix_len() > found.0.prefix_len()) {
            best = Some(entry);
        }
    }
    best.map(|(_, value)| value)
}

/// Addresses crowded at both ends of each family, so that ranges nest and touch.
fn any_address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        (0u32..64).prop_map(|low| IpAddr::V4(Ipv4Addr::from_bits(low))),
        (0u32..64).prop_map(|low| IpAddr::V4(Ipv4Addr::from_bits(u32::MAX - low))),
        any::<u32>().prop_map(|bits| IpAddr::V4(Ipv4Addr::from_bits(bits))),
        any::<u32>().prop_map(|bits| IpAddr::V6(Ipv4Addr::from_bits(bits).to_ipv6_mapped())),
        (0u128..64).prop_map(|low| IpAddr::V6(Ipv6Addr::from_bits(low))),
        (0u128..64).prop_map(|low| IpAddr::V6(Ipv6Addr::from_bits(u128::MAX - low))),
        any::<u128>().prop_map(|bits| IpAddr::V6(Ipv6Addr::from_bits(bits))),
    ]
}

fn any_net() -> impl Strategy<Value = IpNet> {
    (any_address(), any::<prop::sample::Index>(), any::<bool>()).prop_map(|(address, index, narrow)| {
        let address = fold_mapped(address);
        let width: u8 = if address.is_ipv4() { 32 } else { 128 };
        let span = if narrow { 8 } else { width };
        let prefix = width - u8::try_from(index.index(usize::from(span) + 1)).unwrap();
        IpNet::new(address, prefix).unwrap().trunc()
    })
}

proptest! {
    #[test]
    fn the_table_agrees_with_looking_at_every_range(
        nets in prop::collection::vec(any_net(), 0..40),
        addresses in prop::collection::vec(any_address(), 1..40),
    ) {
        let entries: Vec<(IpNet, usize)> = nets.into_iter().enumerate().map(|(index, net)| (net, index)).collect();
        let map = CidrMap::new(entries.iter().copied()).unwrap();
        let edges: Vec<IpAddr> = entries.iter().flat_map(|(net, _)| [net.network(), net.broadcast()]).collect();
        for address in addresses.into_iter().chain(edges) {
            prop_assert_eq!(map.get(address), naive(&entries, address), "{}", address);
        }
    }

    #[test]
    fn what_is_printed_is_read_back(net in any_net()) {
        let mapped = matches!(net, IpNet::V6(v6) if v6.addr().to_ipv4_mapped().is_some());
        prop_assert_eq!(parse_net(&net.to_string()).ok(), (!mapped).then_some(net));
    }

    #[test]
    fn any_text_is_read_without_panic(text in "[0-9a-fx:./%\\[\\] -]{0,45}") {
        if let Ok(net) = parse_net(&text) {
            prop_assert_eq!(net, net.trunc());
        }
    }
}
