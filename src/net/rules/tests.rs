//! Tests of network rules.
//! It must not test what a connection makes of them: that is the matter of the identity.

use super::*;
use crate::net::cidr::parse_net;

fn endpoint(id: &str) -> VpcEndpoint {
    VpcEndpoint { id: id.to_owned(), ..VpcEndpoint::default() }
}

fn full() -> VpcEndpoint {
    VpcEndpoint {
        id: "vpce-0a1b2c3d".to_owned(),
        vpc: Some("vpc-11112222".to_owned()),
        account: Some("111122223333".to_owned()),
        org: Some("o-abcd".to_owned()),
        region: Some("eu-west-1".to_owned()),
    }
}

fn ranges(entries: &[(&str, &str)]) -> Vec<(IpNet, String)> {
    entries.iter().map(|(net, vpc)| (parse_net(net).unwrap(), (*vpc).to_owned())).collect()
}

fn refused(endpoints: Vec<VpcEndpoint>, vpcs: &[(&str, &str)], expected: &[NetworkRulesError]) {
    assert_eq!(NetworkRules::new(endpoints, ranges(vpcs)).unwrap_err(), expected);
}

#[test]
fn a_known_endpoint_tells_what_the_config_tells() {
    let rules = NetworkRules::new([full(), endpoint("vpce-99999999")], []).unwrap();
    let known = rules.endpoint("vpce-0a1b2c3d").unwrap();
    assert_eq!(known.vpc(), Some("vpc-11112222"));
    assert_eq!(known.vpc_arn(), Some("arn:aws:ec2:eu-west-1:111122223333:vpc/vpc-11112222"));
    assert_eq!((known.account(), known.org()), (Some("111122223333"), Some("o-abcd")));
    let bare = rules.endpoint("vpce-99999999").unwrap();
    assert_eq!((bare.vpc(), bare.vpc_arn(), bare.account(), bare.org()), (None, None, None, None));
    assert_eq!(rules.endpoint("vpce-0a1b2c3e"), None);
}

#[test]
fn the_arn_needs_all_its_parts_and_the_right_partition() {
    for missing in [
        VpcEndpoint { vpc: None, ..full() },
        VpcEndpoint { account: None, ..full() },
        VpcEndpoint { region: None, ..full() },
    ] {
        assert_eq!(missing.compile().vpc_arn(), None);
    }
    for (region, partition) in [
        ("us-east-1", "aws"),
        ("cn-north-1", "aws-cn"),
        ("us-gov-west-1", "aws-us-gov"),
        ("us-isob-east-1", "aws-iso-b"),
    ] {
        let known = VpcEndpoint { region: Some(region.to_owned()), ..full() }.compile();
        let expected = format!("arn:{partition}:ec2:{region}:111122223333:vpc/vpc-11112222");
        assert_eq!(known.vpc_arn(), Some(expected.as_str()));
    }
}

#[test]
fn what_can_never_match_is_refused_and_all_of_it_is_told() {
    use NetworkRulesError as E;
    let wrong = VpcEndpoint {
        id: "vpce-XYZ".to_owned(),
        vpc: Some("vpce-11112222".to_owned()),
        account: Some("11112222333".to_owned()),
        org: Some("o-".to_owned()),
        region: Some("EU".to_owned()),
    };
    let errors = ["vpce-XYZ", "vpce-11112222", "11112222333", "o-", "EU"].map(str::to_owned);
    let [id, vpc, account, org, region] = errors;
    refused(
        vec![wrong, full(), full()],
        &[("10.0.0.0/8", "vpc-1")],
        &[
            E::EndpointId(id),
            E::VpcId(vpc),
            E::Account(account),
            E::Org(org),
            E::Region(region),
            E::RepeatedEndpoint("vpce-0a1b2c3d".to_owned()),
            E::VpcId("vpc-1".to_owned()),
        ],
    );
    let mapped: IpNet = "::ffff:10.0.0.0/104".parse().unwrap();
    let errors = NetworkRules::new([], [(mapped, "vpc-11111111".to_owned())]).unwrap_err();
    assert_eq!(errors, [E::Range(CidrError::Mapped("::ffff:10.0.0.0/104".to_owned()))]);
}

#[test]
fn a_range_belongs_to_one_vpc() {
    let (a, b) = ("vpc-aaaaaaaa", "vpc-bbbbbbbb");
    let shared = NetworkRulesError::SharedRange(parse_net("10.0.0.0/8").unwrap(), a.to_owned(), b.to_owned());
    refused(vec![], &[("10.0.0.0/8", a), ("10.1.0.0/16", a), ("10.9.9.9/8", b)], &[shared]);
    assert!(NetworkRules::new([], ranges(&[("10.0.0.0/8", a), ("10.0.0.0/8", a)])).is_ok());
}

#[test]
fn overlaps_of_different_vpcs_are_reported_once_each() {
    let (a, b, c) = ("vpc-aaaaaaaa", "vpc-bbbbbbbb", "vpc-cccccccc");
    let rules = NetworkRules::new(
        [],
        ranges(&[
            ("10.1.2.0/24", c),
            ("10.0.0.0/8", a),
            ("10.1.0.0/16", b),
            ("10.1.3.0/24", b),
            ("10.2.0.0/16", a),
            ("11.0.0.0/8", b),
            ("2001:db8::/32", a),
            ("2001:db8:1::/48", b),
        ]),
    )
    .unwrap();
    let found: Vec<_> = rules
        .overlaps()
        .iter()
        .map(|overlap| {
            (overlap.outer.to_string(), &*overlap.outer_vpc, overlap.inner.to_string(), &*overlap.inner_vpc)
        })
        .collect();
    let expected = [
        ("10.0.0.0/8", a, "10.1.0.0/16", b),
        ("10.1.0.0/16", b, "10.1.2.0/24", c),
        ("10.0.0.0/8", a, "10.1.3.0/24", b),
        ("2001:db8::/32", a, "2001:db8:1::/48", b),
    ]
    .map(|(outer, outer_vpc, inner, inner_vpc)| (outer.to_owned(), outer_vpc, inner.to_owned(), inner_vpc));
    assert_eq!(found, expected);
    assert_eq!(rules.vpcs().get("10.1.3.4".parse().unwrap()).map(|vpc| &**vpc), Some(b));
}
