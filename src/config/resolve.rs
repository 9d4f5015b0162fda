//! From the typed config to the compiled world, with every mistake that only the engines can see.
//! It must not read a file or the environment: the model holds all texts.

pub mod guest;
mod policies;

use super::diagnostic::{Diagnostic, Problem, Severity};
use super::model::identity::PolicyDefault;
use super::model::storage::{self, BucketName};
use super::model::{self, Config, Located, PolicySource, Uniform};
use super::source::Source;
use super::tree::Place;
use super::weakened;
use crate::auth::SigningRules;
use crate::auth::keyring::{Credential, Keyring, PrincipalId};
use crate::auth::sigv4::key::KeyCache;
use crate::links::LinkRules;
use crate::net::cidr::{CidrError, CidrSet};
use crate::net::forwarded::ForwardedHeader;
use crate::net::rules::{ForwardedRules, ListenerRules, NetworkRules, Peers, VpcEndpoint};
use crate::policy::context::Issued;
use crate::policy::document::Kind;
use crate::policy::principal::{Principal, PrincipalError};
use crate::s3::address::HostRules;
use crate::snapshot::{self, Bucket, Buckets, Identity, Limits, Listener, Snapshot};
use crate::upstream::{Addressing, Credentials, Upstream};
use policies::Policies;
use std::path::{Path, PathBuf};

/// A config file that was read as far as possible.
#[derive(Debug)]
pub struct Built {
    /// The typed file and the world built from it; `None` if there is any error.
    pub world: Option<(Config, Snapshot)>,
    /// All findings.
    pub diagnostics: Vec<Diagnostic>,
    /// The files that were read, or should have been, the config file first.
    pub files: Vec<PathBuf>,
}

/// Loads a file and builds the world that it describes.
#[must_use]
pub fn build(source: &dyn Source, path: &Path) -> Built {
    let loaded = super::load(source, path);
    let mut diagnostics = loaded.diagnostics;
    let world = loaded.config.and_then(|config| {
        diagnostics.extend(weakened::finding(&config, &path.display().to_string()));
        let mut resolver = Resolver { file: path.display().to_string(), findings: Vec::new() };
        let snapshot = resolver.snapshot(&config);
        diagnostics.append(&mut resolver.findings);
        Some((config, snapshot?))
    });
    let broken = diagnostics.iter().any(Diagnostic::is_error);
    Built { world: world.filter(|_| !broken), diagnostics, files: loaded.files }
}

/// Collects findings on the way.
struct Resolver {
    file: String,
    findings: Vec<Diagnostic>,
}

impl Resolver {
    fn error(&mut self, at: Place, path: &str, message: String) {
        let problem = Problem { at, path: path.to_owned(), severity: Severity::Error, message, hint: None };
        self.findings.push(Diagnostic::new(&self.file, problem, None));
    }

    fn error_at<T>(&mut self, located: &Located<T>, message: String) {
        self.error(located.at, &located.path, message);
    }

    fn snapshot(&mut self, config: &Config) -> Option<Snapshot> {
        let mut policies = Policies::new(config);
        let mut compiled = |sources: &[PolicySource]| {
            let one = |source| policies.compile(source, Kind::Guardrail, &mut self.findings);
            sources.iter().filter_map(one).collect()
        };
        let guardrails = compiled(&config.policy.guardrails);
        let shadow = compiled(&config.policy.shadow);
        let identities = self.identities(config, &mut policies);
        let listeners = self.listeners(config, &mut policies);
        let buckets = self.buckets(config, &mut policies);
        let hosts = self.hosts(config);
        let keyring = self.keyring(config);
        let network = self.network(config);
        Some(Snapshot {
            hosts: hosts?,
            network: network?,
            listeners,
            signing: SigningRules {
                regions: config.signing.regions.clone(),
                max_expires: config.signing.max_expires,
                clock_skew: config.signing.clock_skew,
                sigv4a: config.signing.sigv4a,
                sigv2: config.signing.sigv2,
                post_policy: config.signing.post_policy,
                header_auth: config.signing.header_auth,
                uniform_errors: config.signing.uniform_errors != Uniform::Off,
            },
            keyring: keyring?,
            key_cache: KeyCache::default(),
            identities,
            guardrails,
            shadow,
            default: match config.policy.default {
                PolicyDefault::Deny => snapshot::Default::Deny,
                PolicyDefault::Pass => snapshot::Default::Pass,
            },
            buckets: Buckets::new(buckets),
            upstreams: config.upstreams.iter().map(upstream).collect(),
            links: LinkRules { grace: config.links.grace, clock_skew: config.signing.clock_skew },
            limits: Limits {
                header_bytes: usize::try_from(config.limits.header_bytes).unwrap_or(usize::MAX),
                header_time: config.limits.header_time,
                idle_time: config.limits.idle_time,
                client_time: config.limits.client_time,
                connections: usize::try_from(config.limits.connections).unwrap_or(usize::MAX),
                body: config.limits.body,
                buffered_body: usize::try_from(config.limits.buffered_body).unwrap_or(usize::MAX),
                buffered_bodies: config.limits.buffered_bodies,
            },
            expose_reasons: config.expose_reasons,
            uniform_answers: config.signing.uniform_errors == Uniform::All,
        })
    }

    fn hosts(&mut self, config: &Config) -> Option<HostRules> {
        match &config.hosts {
            model::Hosts::AnyPathStyle => {
                let kept = |upstream: &&storage::Upstream| {
                    matches!(upstream.credentials, storage::UpstreamCredentials::Passthrough { .. })
                };
                for upstream in config.upstreams.iter().filter(kept) {
                    let text =
                        "a passthrough upstream needs `hosts`: it could read another bucket out of any Host";
                    self.error_at(&upstream.name, text.to_owned());
                }
                Some(HostRules::any_path_style())
            }
            model::Hosts::Listed(names) => match HostRules::new(names.iter().cloned()) {
                Ok(rules) => Some(rules),
                Err(error) => {
                    self.error(Place { line: 1, column: 1 }, "hosts", error.to_string());
                    None
                }
            },
        }
    }

    fn identities(&mut self, config: &Config, policies: &mut Policies) -> Vec<Identity> {
        let mut identities = Vec::with_capacity(config.credentials.len());
        for credential in &config.credentials {
            identities.extend(self.identity(credential, policies));
        }
        identities
    }

    /// Whom a credential stands for; `None` beside a finding. What is wrong with a policy is a finding alone.
    fn identity(
        &mut self,
        credential: &model::identity::Credential,
        policies: &mut Policies,
    ) -> Option<Identity> {
        let documents = credential
            .policies
            .iter()
            .filter_map(|source| policies.compile(source, Kind::Identity, &mut self.findings))
            .collect();
        let boundary = credential
            .boundary
            .as_ref()
            .and_then(|source| policies.compile(source, Kind::Boundary, &mut self.findings));
        match principal(credential) {
            Ok(principal) => Some(Identity {
                principal,
                policies: documents,
                boundary,
                issued: match (&credential.session_token, credential.issued) {
                    (None, _) => Issued::Never,
                    (Some(_), Some(at)) => Issued::At(at),
                    (Some(_), None) => Issued::Untold,
                },
            }),
            Err(error) => {
                self.error_at(&credential.principal, error.to_string());
                None
            }
        }
    }

    /// INVARIANT: the n-th credential stands for the n-th identity; a bad principal is an error of the whole file.
    fn keyring(&mut self, config: &Config) -> Option<Keyring> {
        let credentials = config
            .credentials
            .iter()
            .zip(0..)
            .map(|(credential, position)| signer(credential, PrincipalId(position)));
        match Keyring::new(credentials.collect()) {
            Ok(keyring) => Some(keyring),
            Err(error) => {
                self.error(Place { line: 1, column: 1 }, "credentials", error.to_string());
                None
            }
        }
    }

    fn listeners(&mut self, config: &Config, policies: &mut Policies) -> Vec<Listener> {
        let mut listeners = Vec::with_capacity(config.listeners.len());
        for listener in &config.listeners {
            let proxy_protocol = listener.proxy_protocol.as_ref().map(peers);
            let forwarded = listener.forwarded.as_ref().map(|rules| {
                let header = match rules.header {
                    model::ForwardedHeader::XForwardedFor => ForwardedHeader::XForwardedFor,
                    model::ForwardedHeader::Forwarded => ForwardedHeader::Forwarded,
                };
                peers(&rules.trusted).map(|trusted| ForwardedRules { trusted, header })
            });
            let endpoint_policy = listener
                .endpoint_policy
                .as_ref()
                .and_then(|source| policies.compile(source, Kind::Endpoint, &mut self.findings))
                .into_iter()
                .collect();
            match (proxy_protocol.transpose(), forwarded.transpose()) {
                (Ok(proxy_protocol), Ok(forwarded)) => listeners.push(Listener {
                    name: listener.address.value.to_string(),
                    rules: ListenerRules { proxy_protocol, forwarded },
                    endpoint_policy,
                }),
                (Err(error), _) | (_, Err(error)) => self.error_at(&listener.address, error.to_string()),
            }
        }
        listeners
    }

    fn network(&mut self, config: &Config) -> Option<NetworkRules> {
        let endpoints = config.network.vpc_endpoints.iter().map(|endpoint| VpcEndpoint {
            id: endpoint.id.value.clone(),
            vpc: Some(endpoint.vpc.clone()),
            account: endpoint.account.clone(),
            org: endpoint.org.clone(),
            region: endpoint.region.clone(),
        });
        let vpcs = config
            .network
            .vpcs
            .iter()
            .flat_map(|vpc| vpc.cidrs.iter().map(|cidr| (cidr.value, vpc.vpc.clone())));
        match NetworkRules::new(endpoints, vpcs) {
            Ok(rules) => Some(rules),
            Err(errors) => {
                for error in errors {
                    self.error(Place { line: 1, column: 1 }, "network", error.to_string());
                }
                None
            }
        }
    }

    fn buckets(&mut self, config: &Config, policies: &mut Policies) -> Vec<Bucket> {
        let mut buckets = Vec::with_capacity(config.buckets.len());
        for bucket in &config.buckets {
            let upstream =
                config.upstreams.iter().position(|upstream| upstream.name.value == bucket.upstream.value);
            if let (BucketName::Named(name), Err(error)) = (
                &bucket.name.value,
                crate::s3::bucket::BucketName::parse(bucket.name.value.to_string().as_bytes()),
            ) {
                self.error_at(&bucket.name, format!("`{name}`: {error}"));
            }
            let passthrough = upstream.and_then(|at| config.upstreams.get(at)).is_some_and(|upstream| {
                matches!(upstream.credentials, storage::UpstreamCredentials::Passthrough { .. })
            });
            if passthrough && bucket.head_for_get {
                let text = "a passthrough upstream cannot have `head_for_get`: it checks the signature for the method that it sees";
                self.error_at(&bucket.name, text.to_owned());
            }
            if let Some(other) = bucket.upstream_bucket.as_ref().filter(|_| passthrough) {
                let text = "a passthrough upstream cannot have another bucket name: the client signed the one it used";
                self.error_at(other, text.to_owned());
            }
            let name = match &bucket.name.value {
                BucketName::Named(name) => Some(name.as_str()),
                BucketName::Rest => None,
            };
            let policy = bucket
                .policy
                .as_ref()
                .and_then(|source| policies.compile_for(name, source, Kind::Resource, &mut self.findings));
            // that the upstream exists was checked when the file was read
            let Some(upstream) = upstream else { continue };
            buckets.push(Bucket {
                name: bucket.name.value.to_string(),
                upstream,
                upstream_prefix: bucket.upstream_prefix.as_ref().map(|prefix| prefix.value.clone()),
                upstream_bucket: bucket.upstream_bucket.as_ref().map(|name| name.value.clone()),
                cors: bucket.cors.clone(),
                head_for_get: bucket.head_for_get,
                policy,
                account: bucket.account.clone(),
                org: bucket.org.clone(),
            });
        }
        buckets
    }
}

/// What verifies the signatures of a credential.
fn signer(credential: &model::identity::Credential, principal: PrincipalId) -> Credential {
    Credential {
        access_key_id: credential.access_key_id.value.clone(),
        secret: credential.secret.clone(),
        session_token: credential.session_token.clone(),
        principal,
        retired: credential.retired,
        expires: credential.expires,
    }
}

/// Whom a credential stands for, with all that the file tells about it.
fn principal(credential: &model::identity::Credential) -> Result<Principal, PrincipalError> {
    let mut principal = Principal::from_arn(&credential.principal.value)?;
    if let Some(role) = &credential.role {
        principal = principal.with_role_arn(&role.value)?;
    }
    if let Some(id) = &credential.user_id {
        principal = principal.with_userid(id);
    }
    if let Some(org) = &credential.org {
        principal = principal.with_org_id(org);
    }
    if let Some(id) = &credential.canonical_user {
        principal = principal.with_canonical_id(id);
    }
    principal.with_tags(credential.tags.iter().cloned())
}

fn peers(trusted: &model::Trusted) -> Result<Peers, CidrError> {
    CidrSet::new(trusted.ranges.iter().copied()).map(|ranges| Peers::new(ranges, trusted.unix))
}

fn upstream(upstream: &storage::Upstream) -> Upstream {
    Upstream {
        name: upstream.name.value.clone(),
        authority: upstream.endpoints.first().map_or_else(String::new, |endpoint| endpoint.value.authority()),
        region: upstream.region.clone(),
        addressing: match upstream.addressing {
            storage::Addressing::Path => Addressing::Path,
            storage::Addressing::Virtual => Addressing::Virtual,
        },
        credentials: match &upstream.credentials {
            storage::UpstreamCredentials::Static { access_key_id, secret, session_token } => {
                Credentials::Static {
                    access_key_id: access_key_id.clone(),
                    secret: secret.clone(),
                    session_token: session_token.clone(),
                }
            }
            storage::UpstreamCredentials::Aws { .. } => Credentials::Provided,
            storage::UpstreamCredentials::Passthrough { unknown_keys } => {
                Credentials::Passthrough { unknown_keys: *unknown_keys }
            }
            storage::UpstreamCredentials::Anonymous => Credentials::Anonymous,
        },
    }
}

#[cfg(test)]
mod tests;
