//! Reads where clients connect and what is known about their networks.
//! It must not decide whom to trust: it only takes over what is written.

use std::net::SocketAddr;

use ipnet::IpNet;

use super::super::model::{Forwarded, ForwardedHeader, Listener, Located, Network, Vpc, VpcEndpoint};
use super::super::reader::{Fields, Reported};
use super::super::scalar::{self, Malformed};
use super::super::tree::Scalar;
use super::{policies, tls};

pub(super) fn listeners(top: &Fields<'_>) -> Result<Vec<Listener>, Reported> {
    top.sections("listeners", listener)
}

fn listener(fields: &Fields<'_>) -> Result<Listener, Reported> {
    let address = address(fields);
    let tls = fields.if_given("tls", tls::tls);
    let proxy_protocol = fields.if_given("proxy_protocol", |fields, name| trusted(&fields.section(name)?));
    let forwarded = fields.if_given("forwarded", |fields, name| forwarded(&fields.section(name)?));
    let endpoint_policy = fields.if_given("endpoint_policy", policies::policy);
    Ok(Listener {
        address: address?,
        tls: tls?,
        proxy_protocol: proxy_protocol?,
        forwarded: forwarded?,
        endpoint_policy: endpoint_policy?,
    })
}

/// The `address` of a section.
pub(super) fn address(fields: &Fields<'_>) -> Result<Located<SocketAddr>, Reported> {
    fields.scalar("address", |scalar| {
        let hint = "write an address and a port, as `0.0.0.0:8443` or `[::1]:9090`";
        scalar.text.parse().map_err(|_| Malformed::new(&scalar.text, "an address with a port", hint))
    })
}

fn forwarded(fields: &Fields<'_>) -> Result<Forwarded, Reported> {
    let trusted = trusted(fields);
    let words =
        [("x-forwarded-for", ForwardedHeader::XForwardedFor), ("forwarded", ForwardedHeader::Forwarded)];
    let header = fields.choice("header", &words);
    Ok(Forwarded { trusted: trusted?, header: header? })
}

fn trusted(fields: &Fields<'_>) -> Result<Vec<IpNet>, Reported> {
    let ranges = fields.scalars("trusted", cidr)?;
    for range in ranges.iter().filter(|range| range.value.prefix_len() == 0) {
        let message = format!("`{}` trusts every peer to say who the client is", range.value);
        fields.reader.warning(range.at, &range.path, message, "list the addresses of the proxies alone");
    }
    Ok(ranges.into_iter().map(|range| range.value).collect())
}

fn cidr(scalar: &Scalar) -> Result<IpNet, Malformed> {
    scalar::cidr(&scalar.text)
}

pub(super) fn network(top: &Fields<'_>) -> Result<Network, Reported> {
    let fields = top.section_or_empty("network")?;
    let vpc_endpoints = fields.sections("vpc_endpoints", vpc_endpoint);
    let vpcs = fields.sections("vpcs", vpc);
    Ok(Network { vpc_endpoints: vpc_endpoints?, vpcs: vpcs? })
}

fn vpc_endpoint(fields: &Fields<'_>) -> Result<VpcEndpoint, Reported> {
    let id = fields.scalar("id", |scalar| identifier(scalar, "vpce-", "a VPC endpoint id"));
    let vpc = fields.scalar("vpc", vpc_id);
    let account = fields.if_given("account", |fields, name| fields.scalar(name, account));
    let org = fields.if_given("org", |fields, name| fields.scalar(name, org_id));
    let region = fields.if_given("region", Fields::text);
    Ok(VpcEndpoint {
        id: id?,
        vpc: vpc?.value,
        account: value(account?),
        org: value(org?),
        region: value(region?),
    })
}

fn vpc(fields: &Fields<'_>) -> Result<Vpc, Reported> {
    let vpc = fields.scalar("vpc", vpc_id);
    let cidrs = fields.scalars("cidrs", cidr);
    Ok(Vpc { vpc: vpc?.value, cidrs: cidrs? })
}

pub(super) fn value<T>(located: Option<Located<T>>) -> Option<T> {
    located.map(|located| located.value)
}

pub(super) fn org_id(scalar: &Scalar) -> Result<String, Malformed> {
    identifier(scalar, "o-", "an organization id")
}

fn vpc_id(scalar: &Scalar) -> Result<String, Malformed> {
    identifier(scalar, "vpc-", "a VPC id")
}

fn identifier(scalar: &Scalar, prefix: &'static str, what: &'static str) -> Result<String, Malformed> {
    scalar::identifier(&scalar.text, prefix, what)
}

pub(super) fn account(scalar: &Scalar) -> Result<String, Malformed> {
    let text = scalar.text.as_str();
    if text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(text.to_owned());
    }
    Err(Malformed::new(text, "an account", "write its 12 digits"))
}
