//! Address ranges: what is read, and membership against a search through the list.
//! It must not share the code it checks.

use super::*;
use proptest::prelude::*;

fn ranges(list: &[&str]) -> IpRanges {
    IpRanges::new(list.iter().map(|text| parse_range(text).unwrap()))
}

#[test]
fn what_is_in_a_range() {
    for (list, addr, expected) in [
        (&["203.0.113.0/24"][..], "203.0.113.255", true),
        (&["203.0.113.0/24"], "203.0.114.0", false),
        (&["203.0.113.7/25"], "203.0.113.1", true),
        (&["203.0.113.7"], "203.0.113.7", true),
        (&["203.0.113.7"], "203.0.113.6", false),
        (&["0.0.0.0/0"], "255.255.255.255", true),
        (&["0.0.0.0/0"], "2001:db8::1", false),
        (&["::/0"], "2001:db8::1", true),
        (&["::/0"], "10.0.0.1", false),
        (&["2001:db8::1"], "2001:db8::2", false),
        (&["10.0.0.0/8"], "::ffff:10.1.2.3", true),
        (&["10.0.0.0/9", "10.128.0.0/9"], "10.200.0.1", true),
        (&[], "10.200.0.1", false),
    ] {
        assert_eq!(ranges(list).contains(addr.parse().unwrap()), expected, "{addr} in {list:?}");
    }
}

#[test]
fn what_is_no_range() {
    for (text, error) in [
        ("", IpError::Malformed),
        ("*", IpError::Malformed),
        ("10.0.0.0/33", IpError::Malformed),
        ("10.0.0.0/-1", IpError::Malformed),
        ("10.0.0/24", IpError::Malformed),
        ("010.0.0.1", IpError::Malformed),
        ("10.0.0.1 ", IpError::Malformed),
        ("10.0.0.0/", IpError::Malformed),
        ("fe80::1%eth0", IpError::Malformed),
        ("2001:db8::/129", IpError::Malformed),
        ("10.0.0.1-10.0.0.9", IpError::Malformed),
        ("::ffff:10.0.0.1", IpError::MappedIpv4),
        ("::ffff:10.0.0.0/104", IpError::MappedIpv4),
        ("::ffff:10.0.0.1/90", IpError::MappedIpv4),
    ] {
        assert_eq!(parse_range(text), Err(error), "{text}");
    }
}

#[test]
fn wide_ranges_are_public() {
    for (text, expected) in [
        ("10.0.0.0/8", false),
        ("10.0.0.0/7", true),
        ("0.0.0.0/0", true),
        ("2001:db8::/32", false),
        ("::/0", true),
    ] {
        assert_eq!(ranges(&[text]).is_public(), expected, "{text}");
    }
}

fn any_net() -> impl Strategy<Value = IpNet> {
    // few high bits, so that ranges touch, nest and end at the highest address
    prop_oneof![
        (any::<u8>(), 0_u8..=32).prop_map(|(byte, len)| {
            let addr = Ipv4Addr::new(if byte > 127 { 255 } else { 10 }, 255, byte, byte);
            IpNet::new(addr.into(), len).unwrap().trunc()
        }),
        (any::<u8>(), 0_u8..=128).prop_map(|(byte, len)| {
            let high = if byte > 127 { u16::MAX } else { 0x2001 };
            let addr = Ipv6Addr::new(high, high, 0, 0, 0, 0, 0xffff, u16::from(byte));
            IpNet::new(addr.into(), len).unwrap().trunc()
        }),
    ]
}

proptest! {
    #[test]
    fn membership_is_that_of_the_list(nets in prop::collection::vec(any_net(), 0..200), probes in prop::collection::vec(any_net(), 1..20)) {
        let ranges = IpRanges::new(nets.iter().copied());
        for probe in probes {
            for addr in [probe.network(), probe.broadcast()] {
                let naive = nets.iter().any(|net| net.contains(&addr));
                prop_assert_eq!(ranges.contains(addr), naive, "{}", addr);
            }
        }
    }

    #[test]
    fn reading_never_panics(text in ".{0,40}") {
        let _ = parse_range(&text);
    }
}
