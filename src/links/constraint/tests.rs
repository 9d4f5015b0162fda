//! Constraints with the requests that meet them, and values that are refused.
//! It must not test times, which have a table of their own.

use super::*;
use crate::reason::Reason;
use crate::s3::error::{ErrorCode, S3Error};
use proptest::prelude::*;

const NOW: UnixMillis = UnixMillis::from_secs(1_768_478_400);

fn parse(query: &str) -> Result<Constraints, ConstraintError> {
    Constraints::parse(&Query::parse(query.as_bytes()).unwrap())
}

const NOTHING: LinkFacts<'_> = LinkFacts {
    source_ip: None,
    source_vpc: None,
    source_vpce: None,
    now: NOW,
    upload: UploadLength::NoUpload,
};

fn check(query: &str, facts: &LinkFacts<'_>, expected: Result<(), ConstraintError>) {
    let constraints = parse(query).unwrap_or_else(|error| panic!("{query}: {error}"));
    assert_eq!((query, constraints.check(facts)), (query, expected), "{facts:?}");
}

fn from(address: &str) -> LinkFacts<'static> {
    LinkFacts { source_ip: Some(address.parse().unwrap()), ..NOTHING }
}

#[test]
fn a_link_without_constraints() {
    for query in ["", "x-note=1&X-Amz-Signature=s", "x-gate=1", "x-gatex=1", "gate-source-ip=1"] {
        assert!(parse(query).unwrap().is_empty(), "{query}");
        check(query, &NOTHING, Ok(()));
    }
}

#[test]
fn source_addresses() {
    let unmet = || Err(ConstraintError::Unmet(Constraint::SourceIp));
    for (list, inside, outside) in [
        ("10.1.2.3", "10.1.2.3", "10.1.2.4"),
        ("10.1.2.99/24", "10.1.2.0", "10.1.3.0"),
        ("192.0.2.1,10.0.0.0%2F8", "10.255.255.255", "11.0.0.0"),
        ("0.0.0.0/0", "203.0.113.9", "::1"),
        ("2001:db8::/32", "2001:db8::9", "2001:db9::"),
        ("::/0", "2001:db8::9", "10.0.0.1"),
        ("10.1.2.3", "::ffff:10.1.2.3", "::10.1.2.3"),
    ] {
        let query = format!("x-gate-source-ip={list}");
        check(&query, &from(inside), Ok(()));
        check(&query, &from(outside), unmet());
        check(&query, &NOTHING, unmet());
    }
}

#[test]
fn source_networks() {
    let through = |vpc, vpce| LinkFacts { source_vpc: vpc, source_vpce: vpce, ..NOTHING };
    let (vpc, vpce) = (Constraint::SourceVpc, Constraint::SourceVpce);
    let query = "x-gate-source-vpc=vpc-11112222,vpc-33334444";
    check(query, &through(Some("vpc-33334444"), None), Ok(()));
    for other in [None, Some("vpc-5555"), Some(""), Some("VPC-33334444")] {
        check(query, &through(other, Some("vpce-0a1b2c3d")), Err(ConstraintError::Unmet(vpc)));
    }
    let query = "x-gate-source-vpce=vpce-0a1b2c3d";
    check(query, &through(None, Some("vpce-0a1b2c3d")), Ok(()));
    for other in [None, Some("vpce-0a1b2c3e"), Some("")] {
        check(query, &through(Some("vpc-11112222"), other), Err(ConstraintError::Unmet(vpce)));
    }
}

#[test]
fn not_before() {
    let unmet = || Err(ConstraintError::Unmet(Constraint::NotBefore));
    check("x-gate-not-before=2026-01-15T12:00:00Z", &NOTHING, Ok(()));
    check("x-gate-not-before=2026-01-15T14:00:00%2B02:00", &NOTHING, Ok(()));
    check("x-gate-not-before=20260115T115959Z", &NOTHING, Ok(()));
    check("x-gate-not-before=2026-01-15T12:00:00.001Z", &NOTHING, unmet());
    check("x-gate-not-before=1768478401", &NOTHING, unmet());
}

#[test]
fn sizes_of_uploads() {
    let of = |length: Option<u64>| {
        let upload = length.map_or(UploadLength::Unknown, UploadLength::Told);
        LinkFacts { upload, ..NOTHING }
    };
    let query = "x-gate-content-length-range=10,20";
    check(query, &of(Some(10)), Ok(()));
    check(query, &of(Some(20)), Ok(()));
    check(query, &of(Some(9)), Err(ConstraintError::TooSmall { proposed: 9, min: 10 }));
    check(query, &of(Some(21)), Err(ConstraintError::TooLarge { proposed: 21, max: 20 }));
    check(query, &of(None), Err(ConstraintError::UnknownLength));
    // a download has no such size
    check(query, &NOTHING, Ok(()));
    check("x-gate-content-length-range=0,0", &of(Some(0)), Ok(()));
    assert_eq!(parse(query).unwrap().content_length_range(), Some(&(10..=20)));
}

#[test]
fn limits_that_need_more_than_one_request() {
    let limits =
        parse("x-gate-max-uses=1000000&x-gate-max-bytes=9007199254740991&x-gate-pin=net&x-gate-rate=1")
            .unwrap();
    assert_eq!((limits.max_uses(), limits.max_bytes()), (Some(1_000_000), Some((1 << 53) - 1)));
    assert_eq!((limits.pin(), limits.rate(), limits.needs_state()), (Some(Pin::Net), Some(1), true));
    assert!(!limits.is_empty());
    assert_eq!(limits.check(&NOTHING), Ok(()));
    for (query, stateful) in [
        ("x-gate-max-uses=1", true),
        ("x-gate-max-bytes=1", true),
        ("x-gate-pin=ip", true),
        ("x-gate-rate=1", false),
        ("x-gate-not-before=0", false),
        ("", false),
    ] {
        assert_eq!(parse(query).unwrap().needs_state(), stateful, "{query}");
    }
}

#[test]
fn fields_of_a_form_are_read_as_parameters_are() {
    let read = |fields: &[(&'static str, &'static str)]| {
        Constraints::from_fields(fields.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())))
    };
    assert!(read(&[("key", "k"), ("x-amz-date", "d")]).unwrap().is_empty());
    assert_eq!(read(&[("x-gate-max-uses", "3")]), parse("x-gate-max-uses=3"));
    assert_eq!(
        read(&[("X-Gate-Max-Uses", "3")]),
        Err(ConstraintError::Unknown("X-Gate-Max-Uses".to_owned()))
    );
    assert_eq!(
        read(&[("x-gate-pin", "ip"), ("x-gate-pin", "ip")]),
        Err(ConstraintError::Repeated(Constraint::Pin))
    );
    assert!(Constraints::claims(b"X-GATE-pin") && !Constraints::claims(b"x-amz-date"));
}

#[test]
fn every_constraint_must_be_met() {
    let query = "x-gate-source-ip=10.0.0.0/8&x-gate-source-vpce=vpce-0a1b2c3d&x-gate-not-before=0";
    let facts = from("10.0.0.1");
    check(query, &facts, Err(ConstraintError::Unmet(Constraint::SourceVpce)));
    check(query, &LinkFacts { source_vpce: Some("vpce-0a1b2c3d"), ..facts }, Ok(()));
    let constraints = parse(query).unwrap();
    let carried: Vec<_> = Constraint::ALL.iter().filter(|constraint| constraints.has(**constraint)).collect();
    assert_eq!(carried, [&Constraint::SourceIp, &Constraint::SourceVpce, &Constraint::NotBefore]);
}

#[test]
fn names_that_are_refused() {
    for name in [
        "x-gate-",
        "x-gate-max-use",
        "x-gate-maxuses",
        "X-gate-max-uses",
        "x-gate-pins",
        "x-gate-rates",
        "x-gate-source-ips",
        "x-gate-source-ip%20",
        "x-gate-source_ip",
        "X-Gate-Source-Ip",
        "x-gate-Source-ip",
        "X-GATE-NOT-BEFORE",
        "x-gate-source%2Dip",
        "%78-gate-source-ip",
        "x%2dgate-max-uses",
    ] {
        let expected = Err(ConstraintError::Unknown(name.to_owned()));
        assert_eq!(parse(&format!("{name}=10.0.0.1")), expected, "{name}");
        let query = format!("a=1&{name}=1");
        assert!(Constraints::refuse_all(&Query::parse(query.as_bytes()).unwrap()).is_err(), "{name}");
    }
    assert_eq!(Constraints::refuse_all(&Query::parse(b"x-note=1").unwrap()), Ok(()));
    assert!(Constraints::refuse_all(&Query::parse(b"x-gate-source-ip=1").unwrap()).is_err());
}

#[test]
fn values_that_are_refused() {
    for (constraint, values) in [
        (
            Constraint::SourceIp,
            &[
                "",
                ",",
                "10.0.0.1,",
                "10.0.0.1,%2010.0.0.2",
                "10.0.0.1+",
                "10.0.0",
                "010.0.0.1",
                "0x0a.0.0.1",
                "10.0.0.0/33",
                "10.0.0.0/",
                "10.0.0.0/+8",
                "10.0.0.0/08",
                "10.0.0.0/8/8",
                "10.0.0.0/255.0.0.0",
                "10.0.0.1:80",
                "::ffff:10.0.0.1",
                "::ffff:0:0/96",
                "fe80::1%25eth0",
                "[::1]",
                "::/129",
                "%FF",
                "localhost",
            ][..],
        ),
        (
            Constraint::SourceVpc,
            &[
                "",
                "vpc-",
                "vpc-1234567",
                "vpc-1111222G",
                "VPC-11112222",
                "vpce-0a1b2c3d",
                "vpc-11112222,",
                "*",
            ],
        ),
        (
            Constraint::SourceVpce,
            &["", "vpce-1234567", "vpce-0A1B2C3D", "vpc-11112222", "vpce-0a1b2c3d;vpce-0a1b2c3e", "vpce-*"],
        ),
        (Constraint::NotBefore, &["", "tomorrow", "2026-01-15", "-1", "2026-01-15T14:00:00+02:00"]),
        (
            Constraint::ContentLengthRange,
            &[
                "",
                "1",
                ",",
                "1,",
                ",1",
                "2,1",
                "1,2,3",
                "-1,2",
                "+1,2",
                "1,%202",
                "01,2",
                "1KiB,2",
                "0,18446744073709551616",
            ],
        ),
    ] {
        let name = constraint.parameter();
        for value in values {
            assert_eq!(
                parse(&format!("{name}={value}")),
                Err(ConstraintError::Malformed(constraint)),
                "{name} {value}"
            );
        }
        assert_eq!(parse(name), Err(ConstraintError::Malformed(constraint)), "{name}");
    }
    let long = format!("x-gate-source-vpc=vpc-{}", "a".repeat(33));
    assert_eq!(parse(&long), Err(ConstraintError::Malformed(Constraint::SourceVpc)));
}

#[test]
fn values_of_limits_that_are_refused() {
    for (constraint, values) in [
        (Constraint::Pin, &["", "IP", "ip,net", "vpc", "/24", "ip%20"][..]),
        (
            Constraint::MaxUses,
            &["", "0", "-1", "+1", "01", "1.0", "1000001", "4294967297", "1,2", "unlimited"],
        ),
        (Constraint::MaxBytes, &["", "0", "-1", "1KiB", "9007199254740992", "18446744073709551617"]),
        (Constraint::Rate, &["", "0", "1MiB", "1/s", "9007199254740992"]),
    ] {
        for value in values {
            let query = format!("{}={value}", constraint.parameter());
            assert_eq!(parse(&query), Err(ConstraintError::Malformed(constraint)), "{query}");
        }
    }
}

#[test]
fn constraints_that_stand_twice() {
    for (constraint, value) in [
        (Constraint::SourceIp, "::1"),
        (Constraint::SourceVpc, "vpc-11112222"),
        (Constraint::SourceVpce, "vpce-0a1b2c3d"),
        (Constraint::NotBefore, "0"),
        (Constraint::ContentLengthRange, "0,1"),
        (Constraint::Pin, "ip"),
        (Constraint::MaxUses, "1"),
        (Constraint::MaxBytes, "1"),
        (Constraint::Rate, "1"),
    ] {
        let name = constraint.parameter();
        let query = format!("{name}={value}&{name}={value}");
        assert_eq!(parse(&query), Err(ConstraintError::Repeated(constraint)), "{name}");
    }
}

#[test]
fn answers() {
    let argument = |message: &'static str, name: &str| {
        S3Error::with_message(ErrorCode::InvalidArgument, message).extra("ArgumentName", name)
    };
    for (error, answer, reason) in [
        (
            ConstraintError::Unknown("x-gate-a".into()),
            argument("A query string parameter is not known.", "x-gate-a"),
            Reason::UnknownConstraint,
        ),
        (
            ConstraintError::Malformed(Constraint::SourceIp),
            argument("A query string parameter is malformed.", "x-gate-source-ip"),
            Reason::MalformedConstraint,
        ),
        (
            ConstraintError::Repeated(Constraint::NotBefore),
            argument("A query string parameter is given more than once.", "x-gate-not-before"),
            Reason::MalformedConstraint,
        ),
        (
            ConstraintError::TooLarge { proposed: 9, max: 5 },
            S3Error::new(ErrorCode::EntityTooLarge).extra("ProposedSize", "9").extra("MaxSizeAllowed", "5"),
            Reason::LinkContentLength,
        ),
        (
            ConstraintError::TooSmall { proposed: 1, min: 5 },
            S3Error::new(ErrorCode::EntityTooSmall).extra("ProposedSize", "1").extra("MinSizeAllowed", "5"),
            Reason::LinkContentLength,
        ),
        (
            ConstraintError::UnknownLength,
            S3Error::new(ErrorCode::MissingContentLength),
            Reason::LinkContentLength,
        ),
    ] {
        assert_eq!((error.s3(), error.reason()), (answer, reason));
    }
    for (constraint, reason) in [
        (Constraint::SourceIp, Reason::LinkSourceIp),
        (Constraint::SourceVpc, Reason::LinkSourceVpc),
        (Constraint::SourceVpce, Reason::LinkSourceVpce),
        (Constraint::NotBefore, Reason::LinkNotBefore),
    ] {
        // the plain answer of a policy: nothing about the link
        let error = ConstraintError::Unmet(constraint);
        assert_eq!((error.s3(), error.reason()), (S3Error::new(ErrorCode::AccessDenied), reason));
    }
}

proptest! {
    /// More constraints never allow more.
    #[test]
    fn a_constraint_only_narrows(
        first in "x-gate-(source-ip=(10[.]0[.]0[.]0/8|::1)|source-vpc=vpc-1111222[23]|not-before=(0|1768478401))",
        second in "x-gate-(source-vpce=vpce-0a1b2c3[de]|content-length-range=(0,5|6,9))",
        address in proptest::option::of(prop_oneof![Just("10.0.0.1"), Just("::1")]),
        inside in any::<bool>(),
        upload_length in proptest::option::of(0_u64..10),
    ) {
        let facts = LinkFacts {
            source_ip: address.map(|address| address.parse().unwrap()),
            source_vpc: inside.then_some("vpc-11112222"),
            source_vpce: inside.then_some("vpce-0a1b2c3d"),
            now: NOW,
            upload: upload_length.map_or(UploadLength::Unknown, UploadLength::Told),
        };
        let allowed = |query: &str| parse(query).unwrap().check(&facts).is_ok();
        let both = allowed(&format!("{first}&{second}"));
        prop_assert_eq!(both, allowed(&first) && allowed(&second));
    }

    /// No name that begins like a constraint is passed over.
    #[test]
    fn no_gate_parameter_is_ignored(name in "[xX]-[gG][aA][tT][eE]-[a-z-]{0,12}", value in "[a-z0-9.,/:]{0,12}") {
        if let Ok(constraints) = parse(&format!("{name}={value}")) {
            prop_assert!(!constraints.is_empty());
        }
    }
}
