//! What the config says about networks: who is believed on a listener, and what lies behind endpoints and ranges.
//! It must not hold anything that a request can change.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use super::cidr::{CidrError, CidrMap, CidrSet};
use super::forwarded::ForwardedHeader;
use super::proxy_protocol::is_endpoint_id;

/// Whom a listener believes about where a connection comes from. The default believes nobody.
#[derive(Clone, Debug, Default)]
pub struct ListenerRules {
    /// The peers that must send a PROXY header; every other peer is refused. `None`: no header is expected.
    pub proxy_protocol: Option<Peers>,
    /// The peers that are believed about forwarded requests. `None`: such headers mean nothing.
    pub forwarded: Option<ForwardedRules>,
}

/// Peers that are believed about others.
#[derive(Clone, Debug)]
pub struct Peers {
    ranges: CidrSet,
    unix: bool,
}

impl Peers {
    /// The peers with an address in `ranges`, and with `unix` those of a Unix socket, which have none.
    #[must_use]
    pub const fn new(ranges: CidrSet, unix: bool) -> Self {
        Self { ranges, unix }
    }

    /// Whether a peer is one of them; `None` is one without an address.
    #[must_use]
    pub fn contains(&self, peer: Option<IpAddr>) -> bool {
        peer.map_or(self.unix, |peer| self.ranges.contains(peer))
    }

    /// The addresses.
    #[must_use]
    pub const fn ranges(&self) -> &CidrSet {
        &self.ranges
    }

    /// Whether those of a Unix socket are among them.
    #[must_use]
    pub const fn unix(&self) -> bool {
        self.unix
    }
}

impl From<CidrSet> for Peers {
    fn from(ranges: CidrSet) -> Self {
        Self::new(ranges, false)
    }
}

/// Who tells the client's address in a header, and in which.
#[derive(Clone, Debug)]
pub struct ForwardedRules {
    /// The proxies that are believed, and that are passed over in the chain.
    pub trusted: Peers,
    /// The header that they write.
    pub header: ForwardedHeader,
}

/// A VPC endpoint as the config describes it: what AWS knows and a proxy must be told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VpcEndpoint {
    /// `vpce-` and 8 to 32 lower-case hex digits.
    pub id: String,
    /// The VPC that it stands in: `vpc-` and 8 to 32 lower-case hex digits.
    pub vpc: Option<String>,
    /// The account that owns it: 12 digits.
    pub account: Option<String>,
    /// The organization of that account: `o-` and lower-case letters and digits.
    pub org: Option<String>,
    /// Its Region.
    pub region: Option<String>,
}

/// What condition keys can tell about a known endpoint. What the config leaves out is absent.
#[derive(Debug, PartialEq, Eq)]
pub struct KnownEndpoint {
    vpc: Option<Box<str>>,
    vpc_arn: Option<Box<str>>,
    account: Option<Box<str>>,
    org: Option<Box<str>>,
}

impl KnownEndpoint {
    /// The id of the VPC.
    #[must_use]
    pub fn vpc(&self) -> Option<&str> {
        self.vpc.as_deref()
    }

    /// The ARN of the VPC; known if VPC, account and Region are.
    #[must_use]
    pub fn vpc_arn(&self) -> Option<&str> {
        self.vpc_arn.as_deref()
    }

    /// The account that owns the endpoint.
    #[must_use]
    pub fn account(&self) -> Option<&str> {
        self.account.as_deref()
    }

    /// The organization of that account.
    #[must_use]
    pub fn org(&self) -> Option<&str> {
        self.org.as_deref()
    }
}

/// What lies behind endpoints and address ranges, the same for every listener.
#[derive(Clone, Debug)]
pub struct NetworkRules {
    endpoints: HashMap<Box<str>, Arc<KnownEndpoint>>,
    vpcs: CidrMap<Arc<str>>,
    overlaps: Vec<Overlap>,
}

/// Two ranges of different VPCs that share addresses. The narrower one counts for them, which may be the wrong VPC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overlap {
    /// The wider range.
    pub outer: IpNet,
    /// The VPC of the wider range.
    pub outer_vpc: Arc<str>,
    /// The narrower range.
    pub inner: IpNet,
    /// The VPC of the narrower range.
    pub inner_vpc: Arc<str>,
}

impl std::fmt::Display for Overlap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { outer, outer_vpc, inner, inner_vpc } = self;
        write!(
            f,
            "`{inner}` of `{inner_vpc}` lies inside `{outer}` of `{outer_vpc}`: the narrower range counts"
        )
    }
}

/// Why network rules were refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworkRulesError {
    /// An id that no connection can ever carry.
    #[error("`{0}` is no VPC endpoint id: write `vpce-` and 8 to 32 lower-case hex digits")]
    EndpointId(String),
    /// Two entries for one endpoint.
    #[error("the VPC endpoint `{0}` is listed twice: merge the entries")]
    RepeatedEndpoint(String),
    /// An id that no policy can mean.
    #[error("`{0}` is no VPC id: write `vpc-` and 8 to 32 lower-case hex digits")]
    VpcId(String),
    /// An account that AWS cannot have.
    #[error("`{0}` is no account: write 12 digits, in quotes")]
    Account(String),
    /// An organization that AWS cannot have.
    #[error("`{0}` is no organization: write `o-` and lower-case letters and digits")]
    Org(String),
    /// A Region that AWS cannot have.
    #[error("`{0}` is no Region: write lower-case letters, digits and `-`")]
    Region(String),
    /// One range given to two VPCs, so that nobody can know which one a peer is in.
    #[error("the range `{0}` is given to `{1}` and to `{2}`: it can belong to one VPC only")]
    SharedRange(IpNet, String, String),
    /// A range that is refused.
    #[error(transparent)]
    Range(#[from] CidrError),
}

impl NetworkRules {
    /// Checks and compiles the rules; `vpcs` gives each range with the VPC that it belongs to.
    ///
    /// # Errors
    /// Everything that is wrong, in the order of the input.
    pub fn new(
        endpoints: impl IntoIterator<Item = VpcEndpoint>,
        vpcs: impl IntoIterator<Item = (IpNet, String)>,
    ) -> Result<Self, Vec<NetworkRulesError>> {
        let mut errors = Vec::new();
        let mut known = HashMap::new();
        for endpoint in endpoints {
            endpoint.check(&mut errors);
            let id = endpoint.id.clone();
            if known.insert(endpoint.id.clone().into_boxed_str(), Arc::new(endpoint.compile())).is_some() {
                errors.push(NetworkRulesError::RepeatedEndpoint(id));
            }
        }
        let ranges: Vec<(IpNet, Arc<str>)> =
            vpcs.into_iter().map(|(net, vpc)| (net.trunc(), Arc::from(vpc))).collect();
        let bad_ids = ranges.iter().filter(|(_, vpc)| !is_vpc_id(vpc));
        errors.extend(bad_ids.map(|(_, vpc)| NetworkRulesError::VpcId(vpc.to_string())));
        let overlaps = find_overlaps(&ranges, &mut errors);
        match CidrMap::new(ranges) {
            Ok(vpcs) if errors.is_empty() => Ok(Self { endpoints: known, vpcs, overlaps }),
            Ok(_) => Err(errors),
            Err(error) => {
                errors.push(error.into());
                Err(errors)
            }
        }
    }

    /// What is known about the endpoint with this id.
    #[must_use]
    pub fn endpoint(&self, id: &str) -> Option<&Arc<KnownEndpoint>> {
        self.endpoints.get(id)
    }

    /// The ranges of VPCs.
    #[must_use]
    pub const fn vpcs(&self) -> &CidrMap<Arc<str>> {
        &self.vpcs
    }

    /// The ranges of different VPCs that share addresses, for a warning at load.
    #[must_use]
    pub fn overlaps(&self) -> &[Overlap] {
        &self.overlaps
    }
}

impl VpcEndpoint {
    fn check(&self, errors: &mut Vec<NetworkRulesError>) {
        use NetworkRulesError as E;
        let mut check = |value: Option<&String>, valid: fn(&str) -> bool, error: fn(String) -> E| {
            errors.extend(value.filter(|value| !valid(value)).cloned().map(error));
        };
        check(Some(&self.id), |id| is_endpoint_id(id.as_bytes()), E::EndpointId);
        check(self.vpc.as_ref(), is_vpc_id, E::VpcId);
        check(self.account.as_ref(), is_account, E::Account);
        check(self.org.as_ref(), is_org, E::Org);
        check(self.region.as_ref(), is_region, E::Region);
    }

    fn compile(self) -> KnownEndpoint {
        let vpc_arn = match (&self.vpc, &self.account, &self.region) {
            (Some(vpc), Some(account), Some(region)) => {
                Some(format!("arn:{}:ec2:{region}:{account}:vpc/{vpc}", partition(region)).into_boxed_str())
            }
            _ => None,
        };
        let boxed = |text: Option<String>| text.map(String::into_boxed_str);
        KnownEndpoint { vpc: boxed(self.vpc), vpc_arn, account: boxed(self.account), org: boxed(self.org) }
    }
}

fn is_vpc_id(text: &str) -> bool {
    // the digits of both kinds of id follow the same rule
    text.strip_prefix("vpc-").is_some_and(|digits| is_endpoint_id(format!("vpce-{digits}").as_bytes()))
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_org(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    text.strip_prefix("o-").is_some_and(|rest| !rest.is_empty() && rest.bytes().all(plain))
}

fn is_region(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !text.is_empty() && text.bytes().all(plain)
}

/// The partition of a Region, the second part of its ARNs (AWS, "Amazon Resource Names").
fn partition(region: &str) -> &'static str {
    const BY_PREFIX: &[(&str, &str)] = &[
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("us-iso-", "aws-iso"),
        ("us-isob-", "aws-iso-b"),
        ("eusc-", "aws-eusc"),
    ];
    BY_PREFIX.iter().find(|(prefix, _)| region.starts_with(prefix)).map_or("aws", |(_, partition)| partition)
}

/// Each range that lies in one of another VPC, with the narrowest such range; equal ranges are errors.
fn find_overlaps(ranges: &[(IpNet, Arc<str>)], errors: &mut Vec<NetworkRulesError>) -> Vec<Overlap> {
    let mut sorted: Vec<&(IpNet, Arc<str>)> = ranges.iter().collect();
    sorted.sort_by_key(|(net, _)| (net.network(), net.prefix_len()));
    let mut overlaps = Vec::new();
    // INVARIANT: each range in `around` holds those after it
    let mut around: Vec<&(IpNet, Arc<str>)> = Vec::new();
    for range in sorted {
        let (inner, inner_vpc) = range;
        while around.pop_if(|(outer, _)| !outer.contains(inner)).is_some() {}
        if let Some((outer, outer_vpc)) = around.iter().rev().find(|(_, vpc)| vpc != inner_vpc) {
            if outer == inner {
                let (one, other) = (outer_vpc.to_string(), inner_vpc.to_string());
                errors.push(NetworkRulesError::SharedRange(*inner, one, other));
            } else {
                let (outer_vpc, inner_vpc) = (outer_vpc.clone(), inner_vpc.clone());
                overlaps.push(Overlap { outer: *outer, outer_vpc, inner: *inner, inner_vpc });
            }
        }
        around.push(range);
    }
    overlaps
}

#[cfg(test)]
mod tests;
