//! Hosts that may have been signed: names and ports that the config, the listeners and proxies' headers know.
//! It must not believe a header: what it says is only tried.

use super::Scene;
use super::cause::Cause;
use super::edit::{Edit, What};
use super::letter::Letter;
use super::paths::encoded;
use crate::request::RawRequest;
use crate::request::host::Host;

/// Ports at which people run S3 and what stands in front of it.
const USUAL_PORTS: [u16; 16] =
    [80, 443, 8080, 8443, 9000, 8000, 9001, 3000, 5000, 4566, 8333, 3900, 7480, 8888, 10443, 4443];
/// The names of the config that are tried.
const MANY: usize = 8;

/// What proxies say that Host was.
fn told<'r>(request: &RawRequest<'r>) -> impl Iterator<Item = Host<'r>> {
    let trimmed = |name: &'static str| {
        let value = request.headers.text(name).unwrap_or_default();
        value.split(',').map(str::trim).next().unwrap_or_default()
    };
    let forwarded = request.headers.text("forwarded").unwrap_or_default();
    let pairs = forwarded.split([',', ';']).filter_map(|pair| pair.trim().split_once('='));
    let element = pairs
        .filter(|(name, _)| name.eq_ignore_ascii_case("host"))
        .map(|(_, value)| value.trim_matches('"'))
        .next();
    let values = [trimmed("x-forwarded-host"), trimmed("x-original-host"), element.unwrap_or_default()];
    values.into_iter().filter_map(|value| Host::parse(value.as_bytes()))
}

/// The port that a proxy says it was asked at.
fn told_port(request: &RawRequest<'_>) -> Option<u16> {
    request.headers.text("x-forwarded-port")?.split(',').next()?.trim().parse().ok()
}

/// The port of a host, with its colon.
fn port(host: Host<'_>) -> &str {
    host.raw().get(host.name().len()..).unwrap_or_default()
}

fn cause(received: Host<'_>, name: &str, port_of: &str) -> Cause {
    if !received.name().eq_ignore_ascii_case(name) {
        return Cause::HostRewritten;
    }
    match (port(received), port_of) {
        (old, new) if old == new => Cause::HostCase,
        ("", _) => Cause::PortRemoved,
        (_, "") => Cause::PortAdded,
        _ => Cause::PortChanged,
    }
}

/// Collects hosts, each once.
struct Hosts<'r> {
    received: Host<'r>,
    edits: Vec<Edit>,
}

impl Hosts<'_> {
    fn add(&mut self, name: &str, port: &str) {
        let host = format!("{name}{port}");
        let is_known = |edit: &Edit| matches!(&edit.what, What::Host(known) if *known == host.as_bytes());
        if host != self.received.raw() && !self.edits.iter().any(is_known) {
            let cause = cause(self.received, name, port);
            let what = What::Host(host.clone().into_bytes());
            self.edits.push(Edit::shown(cause, what, host));
        }
    }
}

/// Another host alone, the likely ones first.
pub(super) fn edits(request: &RawRequest<'_>, scene: &Scene<'_>) -> Vec<Edit> {
    let received = request.host;
    let mut hosts = Hosts { received, edits: Vec::new() };
    let colon = |port: u16| format!(":{port}");
    let near: Vec<String> =
        told_port(request).into_iter().chain(scene.ports.iter().copied()).map(colon).collect();
    for host in told(request) {
        hosts.add(host.name(), port(host));
        if let Some(port) = told_port(request) {
            hosts.add(host.name(), &colon(port));
        }
        hosts.add(host.name(), "");
    }
    hosts.add(received.name(), "");
    let names = || scene.hosts.iter().take(MANY);
    names().for_each(|name| hosts.add(name, ""));
    for port in &near {
        hosts.add(received.name(), port);
    }
    for name in names() {
        hosts.add(name, port(received));
        for port in &near {
            hosts.add(name, port);
        }
    }
    for port in USUAL_PORTS {
        hosts.add(received.name(), &colon(port));
    }
    hosts.add(&received.name().to_ascii_lowercase(), port(received));
    for name in names() {
        for port in USUAL_PORTS {
            hosts.add(name, &colon(port));
        }
    }
    for bucket in scene.buckets.iter().take(MANY) {
        hosts.add(&format!("{bucket}.{}", received.name()), port(received));
    }
    hosts.edits
}

/// The received name with every port there is: for who has the time.
pub(super) fn every_port(request: &RawRequest<'_>) -> impl Iterator<Item = Edit> {
    let (name, cause) = (
        request.host.name(),
        if port(request.host).is_empty() { Cause::PortRemoved } else { Cause::PortChanged },
    );
    (1..=u16::MAX).map(move |port| {
        let host = format!("{name}:{port}");
        Edit::shown(cause, What::Host(host.clone().into_bytes()), host)
    })
}

/// The bucket in the host instead of the path, and the other way round.
pub(super) fn moved(request: &RawRequest<'_>, letter: &Letter<'_>, scene: &Scene<'_>) -> Vec<Edit> {
    let received = request.host;
    let path = request.target.path.decoded();
    let mut edits = Vec::new();
    let mut add = |host: String, path: Vec<u8>| {
        let shown = format!("{host}{}", String::from_utf8_lossy(&path));
        let what = What::HostAndPath(host.into_bytes(), path);
        edits.push(Edit::shown(Cause::BucketMoved, what, shown));
    };
    let ports: Vec<String> = [String::new(), port(received).to_owned()]
        .into_iter()
        .chain(
            told_port(request).into_iter().chain(scene.ports.iter().copied()).map(|port| format!(":{port}")),
        )
        .take(5)
        .collect();
    let names = || std::iter::once(received.name()).chain(scene.hosts.iter().copied()).take(MANY);
    let rest = path.get(1..).unwrap_or_default();
    let end = memchr::memchr(b'/', rest).unwrap_or(rest.len());
    if let (Some(Ok(bucket)), Some(key)) = (rest.get(..end).map(std::str::from_utf8), path.get(end + 1..))
        && !bucket.is_empty()
    {
        let key = if key.is_empty() { b"/".to_vec() } else { encoded(key) };
        for name in names() {
            for port in &ports {
                add(format!("{bucket}.{name}{port}"), key.clone());
            }
        }
    }
    for name in names() {
        let label = received.name().strip_suffix(name).and_then(|label| label.strip_suffix('.'));
        if let Some(bucket) = label.or_else(|| received.name().split_once('.').map(|(label, _)| label)) {
            let behind = received.name().strip_prefix(bucket).and_then(|rest| rest.strip_prefix('.'));
            let path = [b"/", bucket.as_bytes(), &letter.path].concat();
            for name in [Some(name), behind].into_iter().flatten() {
                for port in &ports {
                    add(format!("{name}{port}"), path.clone());
                }
            }
        }
    }
    edits.truncate(64);
    edits
}
