//! The table of settings that weaken a check: each is off unless a config asks for it, and is named wherever somebody looks.
//! It must not judge: a config with all of them loads.

use super::diagnostic::{Diagnostic, Problem, Severity};
use super::model::identity::PolicyDefault;
use super::model::links::Store;
use super::model::sources::KeyPlace;
use super::model::storage::UpstreamCredentials;
use super::model::{Config, Trusted};
use super::tree::Place;
use crate::net::address::ListenAddress;
use std::net::IpAddr;

/// A setting that weakens a check.
#[derive(Debug)]
pub struct Setting {
    /// The key in the config file: the label of `presign_gate_weakened`.
    pub name: &'static str,
    /// What it means, for people.
    pub means: &'static str,
    is_set: fn(&Config) -> bool,
}

/// Every such setting.
pub const SETTINGS: &[Setting] = &[
    Setting {
        name: "policy.default",
        means: "`pass`: what no statement speaks of is forwarded, and the store decides",
        is_set: |config| config.policy.default == PolicyDefault::Pass,
    },
    Setting {
        name: "signing.sigv2",
        means: "`true`: signatures by SHA-1 that cover neither all of a request nor the name of the host",
        is_set: |config| config.signing.sigv2,
    },
    Setting {
        name: "links.when_store_fails",
        means: "`allow`: without its store, links pass as if they had no limits of uses, bytes and network",
        is_set: |config| !config.links.deny_when_store_fails,
    },
    Setting {
        name: "links.store.redis",
        means: "a Redis on another machine without TLS: whoever is on the way can give uses back",
        is_set: |config| match &config.links.store {
            Store::Redis(server) => is_open(&String::from_utf8_lossy(server.url.expose()), "redis://"),
            Store::Memory | Store::Redb(_) => false,
        },
    },
    Setting {
        name: "listeners.proxy_protocol.trusted",
        means: "a range of all addresses: any client can say where it comes from",
        is_set: |config| {
            let trusted = config.listeners.iter().filter_map(|listener| listener.proxy_protocol.as_ref());
            trusted.into_iter().any(has_everybody)
        },
    },
    Setting {
        name: "listeners.forwarded.trusted",
        means: "a range of all addresses: any client can say where it comes from",
        is_set: |config| {
            let forwarded = config.listeners.iter().filter_map(|listener| listener.forwarded.as_ref());
            forwarded.into_iter().any(|forwarded| has_everybody(&forwarded.trusted))
        },
    },
    Setting {
        name: "listeners.mode",
        means: "a Unix socket that every user of the machine may write to",
        is_set: |config| {
            let is_unix = |address: &ListenAddress| matches!(address, ListenAddress::Unix(_));
            config.listeners.iter().any(|it| is_unix(&it.address.value) && it.mode & 0o002 != 0)
        },
    },
    Setting {
        name: "network.vpcs.cidrs",
        means: "a range of all addresses: every client counts as inside the VPC",
        is_set: |config| {
            let ranges = config.network.vpcs.iter().flat_map(|vpc| &vpc.cidrs);
            ranges.into_iter().any(|range| range.value.prefix_len() == 0)
        },
    },
    Setting {
        name: "upstreams.endpoint",
        means: "`http://` to another machine: objects and signatures cross the network in the clear",
        is_set: |config| {
            let endpoints = config.upstreams.iter().flat_map(|upstream| &upstream.endpoints);
            endpoints.into_iter().any(|it| !it.value.tls && !is_own(&it.value.host))
        },
    },
    Setting {
        name: "upstreams.unknown_keys",
        means: "`passthrough`: keys that nobody here knows go on, and the store alone verifies them",
        is_set: |config| {
            let leaves = |credentials: &_| {
                matches!(credentials, UpstreamCredentials::Passthrough { unknown_keys: true })
            };
            config.upstreams.iter().any(|upstream| leaves(&upstream.credentials))
        },
    },
    Setting {
        name: "credential_sources.webhook.url",
        means: "`http://` to another machine: secrets of signers cross the network in the clear",
        is_set: |config| {
            config.sources.iter().any(|source| match &source.place {
                KeyPlace::Webhook(webhook) => is_open(&webhook.url, "http://"),
                KeyPlace::Directory(_) => false,
            })
        },
    },
    Setting {
        name: "admin.token",
        means: "left out: every user of the machine may reload, revoke and take revocations back",
        is_set: |config| config.admin.as_ref().is_some_and(|admin| admin.token.is_none()),
    },
    Setting {
        name: "expose_reasons",
        means: "`true`: clients are told why they are refused, attackers as well",
        is_set: |config| config.expose_reasons,
    },
];

/// Whether each setting of the table weakens this config, in the order of the table.
pub fn states(config: &Config) -> impl Iterator<Item = (&'static Setting, bool)> {
    SETTINGS.iter().map(|setting| (setting, (setting.is_set)(config)))
}

/// One warning that names them all; `None` if there is none.
#[must_use]
pub fn finding(config: &Config, file: &str) -> Option<Diagnostic> {
    let set: Vec<String> =
        states(config).filter(|(_, is_set)| *is_set).map(|(it, _)| format!("`{}`", it.name)).collect();
    if set.is_empty() {
        return None;
    }
    let problem = Problem {
        at: Place { line: 0, column: 0 },
        path: String::new(),
        severity: Severity::Warning,
        message: format!("checks are weakened by {}", set.join(", ")),
        hint: Some(
            "turn off what you do not need: docs/reference/weakened.md says what each means".to_owned(),
        ),
    };
    Some(Diagnostic::new(file, problem, None))
}

/// The table as Markdown, for the documentation.
#[must_use]
pub fn markdown() -> String {
    let rows = SETTINGS.iter().map(|it| format!("| `{}` | {} |\n", it.name, it.means));
    std::iter::once("| setting | what weakens the gate |\n|---|---|\n".to_owned()).chain(rows).collect()
}

fn has_everybody(trusted: &Trusted) -> bool {
    trusted.ranges.iter().any(|range| range.prefix_len() == 0)
}

/// Whether a URL leads to another machine under this scheme, which does not encrypt.
fn is_open(url: &str, scheme: &str) -> bool {
    let Some(rest) = url.strip_prefix(scheme) else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let end = if host.starts_with('[') { host.find(']').map(|at| at + 1) } else { host.find(':') };
    !is_own(host.split_at_checked(end.unwrap_or(host.len())).map_or(host, |(name, _)| name))
}

/// Whether a host is this machine by its name or address.
fn is_own(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::super::source::MemorySource;
    use super::*;
    use std::path::Path;

    const PLAIN: &str = r#"
version: 1
listeners: [{ address: "127.0.0.1:8080" }]
hosts: [s3.test]
credentials:
  - access_key_id: A
    secret_access_key: { env: SECRET }
buckets: [{ name: bkt, upstream: u }]
upstreams: [{ name: u, endpoint: "http://127.0.0.1:9000", region: us-east-1, credentials: { passthrough: true } }]
"#;

    fn set(text: &str) -> Vec<&'static str> {
        let source = MemorySource::default().with_file("/gate.yaml", text).with_env("SECRET", "s");
        let loaded = crate::config::load(&source, Path::new("/gate.yaml"));
        let config = loaded.config.unwrap_or_else(|| panic!("{text}: {:?}", loaded.diagnostics));
        states(&config).filter(|(_, is_set)| *is_set).map(|(it, _)| it.name).collect()
    }

    /// What sets each; and what looks like it and does not.
    #[test]
    fn each_setting_is_seen_and_off_otherwise() {
        assert!(set(PLAIN).is_empty());
        let listener = |more: &str| PLAIN.replace("8080\" }", &format!("8080\", {more} }}"));
        let with = |more: &str| format!("{PLAIN}{more}\n");
        let endpoint = |url: &str| PLAIN.replace("http://127.0.0.1:9000", url);
        let redis = |url: &str| with(&format!("links: {{ store: {{ redis: '{url}' }} }}"));
        let hook =
            |url: &str| with(&format!("credential_sources: [{{ name: w, webhook: {{ url: '{url}' }} }}]"));
        let unix =
            |mode: &str| PLAIN.replace("\"127.0.0.1:8080\"", &format!("'unix:/run/g', mode: '{mode}'"));
        let mut seen = Vec::new();
        for (weak, name, fine) in [
            (with("policy: { default: pass }"), "policy.default", with("policy: { default: deny }")),
            (with("signing: { sigv2: true }"), "signing.sigv2", with("signing: { sigv2: false }")),
            (
                with("links: { when_store_fails: allow }"),
                "links.when_store_fails",
                with("links: { when_store_fails: deny }"),
            ),
            (redis("redis://cache:6379"), "links.store.redis", redis("rediss://cache:6379")),
            (redis("redis://:pw@10.0.0.1/0"), "links.store.redis", redis("redis://:pw@[::1]:6379/0")),
            (
                listener("proxy_protocol: { trusted: ['0.0.0.0/0'] }"),
                "listeners.proxy_protocol.trusted",
                listener("proxy_protocol: { trusted: [10.0.0.0/8] }"),
            ),
            (
                listener("forwarded: { trusted: ['::/0'] }"),
                "listeners.forwarded.trusted",
                listener("forwarded: { trusted: ['fd00::/8'] }"),
            ),
            (unix("0666"), "listeners.mode", unix("0660")),
            (
                with("network: { vpcs: [{ vpc: vpc-11112222, cidrs: ['0.0.0.0/0'] }] }"),
                "network.vpcs.cidrs",
                with("network: { vpcs: [{ vpc: vpc-11112222, cidrs: [10.0.0.0/8] }] }"),
            ),
            (endpoint("http://store.example"), "upstreams.endpoint", endpoint("https://store.example")),
            (endpoint("http://10.0.0.1:9000"), "upstreams.endpoint", endpoint("http://[::1]:9000")),
            (
                PLAIN.replace("region: us", "unknown_keys: passthrough, region: us"),
                "upstreams.unknown_keys",
                PLAIN.replace("region: us", "unknown_keys: refuse, region: us"),
            ),
            (
                hook("http://broker.example/key"),
                "credential_sources.webhook.url",
                hook("http://localhost:1/key"),
            ),
            (
                with("admin: { address: '127.0.0.1:9090' }"),
                "admin.token",
                with("admin: { address: '127.0.0.1:9090', token: { env: SECRET } }"),
            ),
            (with("expose_reasons: true"), "expose_reasons", with("expose_reasons: false")),
        ] {
            assert_eq!(set(&weak), [name], "{weak}");
            assert!(set(&fine).is_empty(), "{fine}");
            seen.push(name);
        }
        assert!(SETTINGS.iter().all(|setting| seen.contains(&setting.name)), "a row without a test");
    }

    #[test]
    fn one_warning_names_them_all() {
        let text = format!("{PLAIN}policy: {{ default: pass }}\nsigning: {{ sigv2: true }}\n");
        let source = MemorySource::default().with_file("/gate.yaml", text).with_env("SECRET", "s");
        let built = crate::config::resolve::build(&source, Path::new("/gate.yaml"));
        let found: Vec<_> = built.diagnostics.iter().filter(|it| it.message.contains("weakened")).collect();
        assert_eq!(found.len(), 1, "{:?}", built.diagnostics);
        assert_eq!(found[0].message, "checks are weakened by `policy.default`, `signing.sigv2`");
        assert!(!found[0].is_error());
    }
}
