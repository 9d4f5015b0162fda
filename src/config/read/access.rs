//! Reads where clients connect and what is known about their networks.
//! It must not decide whom to trust: it only takes over what is written.

use std::net::SocketAddr;

use ipnet::IpNet;

use super::super::model::{
    Forwarded, ForwardedHeader, Listener, Located, Network, Trusted, Vpc, VpcEndpoint,
};
use super::super::reader::{Fields, Reported};
use super::super::scalar::{self, Malformed};
use super::super::tree::Scalar;
use super::{policies, tls};
use crate::net::address::{ListenAddress, NotAnAddress};

pub(super) fn listeners(top: &Fields<'_>) -> Result<Vec<Listener>, Reported> {
    top.sections("listeners", listener)
}

fn listener(fields: &Fields<'_>) -> Result<Listener, Reported> {
    let address = fields.scalar("address", |scalar| {
        let wrong =
            |error: NotAnAddress| Malformed::new(&scalar.text, "an address to listen at", error.to_string());
        scalar.text.parse::<ListenAddress>().map_err(wrong)
    });
    let mode = fields.scalar("mode", mode);
    let tls = fields.if_given("tls", tls::tls);
    let proxy_protocol = fields.if_given("proxy_protocol", |fields, name| trusted(&fields.section(name)?));
    let forwarded = fields.if_given("forwarded", |fields, name| forwarded(&fields.section(name)?));
    let endpoint_policy = fields.if_given("endpoint_policy", policies::policy);
    let (address, proxy_protocol, forwarded) = (address?, proxy_protocol?, forwarded?);
    unix_where_it_belongs(fields, &address.value, proxy_protocol.as_ref(), forwarded.as_ref())?;
    Ok(Listener {
        address,
        mode: mode?.value,
        tls: tls?,
        proxy_protocol,
        forwarded,
        endpoint_policy: endpoint_policy?,
    })
}

/// Permissions in octal, as `chmod` takes them.
fn mode(scalar: &Scalar) -> Result<u32, Malformed> {
    let text = scalar.text.as_str();
    let digits = (3..=4).contains(&text.len()) && text.bytes().all(|byte| matches!(byte, b'0'..=b'7'));
    let mode = u32::from_str_radix(text, 8).ok().filter(|mode| digits && *mode <= 0o777);
    mode.ok_or_else(|| Malformed::new(text, "a file mode", "write it in octal, as `0660`"))
}

/// The peers of a Unix socket have no address, and those of a port are never such.
fn unix_where_it_belongs(
    fields: &Fields<'_>,
    address: &ListenAddress,
    proxy_protocol: Option<&Trusted>,
    forwarded: Option<&Forwarded>,
) -> Result<(), Reported> {
    let complain = |name: &'static str, message: &str, hint: &str| {
        let at = fields.node(name).map_or(fields.at, |node| node.at);
        Err(fields.reader.error(at, &fields.path_of(name), message.to_owned(), hint))
    };
    let forwarded = forwarded.map(|forwarded| &forwarded.trusted);
    if address.unix().is_none() {
        let given = [("proxy_protocol", proxy_protocol), ("forwarded", forwarded)];
        if let Some((name, _)) = given.into_iter().find(|(_, trusted)| trusted.is_some_and(|it| it.unix)) {
            return complain(name, "`unix` is for a listener on a Unix socket", "list addresses");
        }
        if fields.node("mode").is_some() {
            return complain("mode", "`mode` is for a listener on a Unix socket", "remove it");
        }
        return Ok(());
    }
    match (proxy_protocol, forwarded) {
        (Some(trusted), _) if !trusted.unix || !trusted.ranges.is_empty() => complain(
            "proxy_protocol",
            "the peers of a Unix socket have no address",
            "write `trusted: [unix]`",
        ),
        (None, Some(trusted)) if !trusted.unix => {
            complain("forwarded", "the peers of a Unix socket have no address", "add `unix` to `trusted`")
        }
        (None, None) => {
            let message = "nobody can know where requests over a Unix socket come from: all are refused";
            let hint = "let its peer tell, with `proxy_protocol: { trusted: [unix] }`";
            fields.reader.warning(fields.at, &fields.path_of("address"), message.to_owned(), hint);
            Ok(())
        }
        _ => Ok(()),
    }
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

fn trusted(fields: &Fields<'_>) -> Result<Trusted, Reported> {
    let peers = fields.scalars("trusted", |scalar| match scalar.text.as_str() {
        "unix" => Ok(None),
        _ => cidr(scalar).map(Some),
    })?;
    let unix = peers.iter().any(|peer| peer.value.is_none());
    let ranges: Vec<Located<IpNet>> = peers
        .into_iter()
        .filter_map(|Located { value, at, path }| Some(Located { value: value?, at, path }))
        .collect();
    for range in ranges.iter().filter(|range| range.value.prefix_len() == 0) {
        let message = format!("`{}` trusts every peer to say who the client is", range.value);
        fields.reader.warning(range.at, &range.path, message, "list the addresses of the proxies alone");
    }
    Ok(Trusted { ranges: ranges.into_iter().map(|range| range.value).collect(), unix })
}

pub(super) fn cidr(scalar: &Scalar) -> Result<IpNet, Malformed> {
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
