//! What only shows when parts of a config are compared: names given twice, references to nothing, rules that contradict.
//! It must not read files nor the policy language.

use std::collections::HashMap;
use std::hash::Hash;

use super::model::identity::{Credential, PolicyDefault, PolicyRules};
use super::model::sources::KeySource;
use super::model::storage::{Addressing, Bucket, BucketName, Upstream, UpstreamCredentials};
use super::model::{Admin, Listener, Located, Network};
use super::reader::Reader;

/// The parts of a config that did read; what did not is `None`, and was reported already.
#[derive(Debug)]
pub(crate) struct Parts<'c> {
    /// Where clients connect.
    pub(crate) listeners: Option<&'c [Listener]>,
    /// The admin endpoint.
    pub(crate) admin: Option<&'c Admin>,
    /// What is known about networks.
    pub(crate) network: Option<&'c Network>,
    /// Who may sign.
    pub(crate) credentials: Option<&'c [Credential]>,
    /// Who else knows signers.
    pub(crate) sources: Option<&'c [KeySource]>,
    /// Policies that hold for everybody.
    pub(crate) policy: Option<&'c PolicyRules>,
    /// The buckets that clients see.
    pub(crate) buckets: Option<&'c [Bucket]>,
    /// Where the objects are.
    pub(crate) upstreams: Option<&'c [Upstream]>,
}

/// Compares the parts of a config; what is wrong goes to `reader`.
pub(crate) fn check(parts: &Parts<'_>, reader: &Reader<'_>) {
    names_are_unique(parts, reader);
    if let (Some(listeners), Some(admin)) = (parts.listeners, parts.admin) {
        admin_has_its_own_address(listeners, admin, reader);
    }
    if let (Some(buckets), Some(upstreams)) = (parts.buckets, parts.upstreams) {
        for bucket in buckets {
            check_bucket(upstreams, bucket, reader);
        }
        for upstream in upstreams {
            check_upstream(buckets, upstream, reader);
        }
    }
    if let (Some(credentials), Some(policy), Some(buckets)) = (parts.credentials, parts.policy, parts.buckets)
    {
        signers_may_do_something(credentials, policy, buckets, reader);
    }
}

fn names_are_unique(parts: &Parts<'_>, reader: &Reader<'_>) {
    let addresses = parts.listeners.unwrap_or_default().iter().map(|listener| &listener.address);
    unique(reader, "address", addresses.filter(|at| at.value.tcp().is_none_or(|tcp| tcp.port() != 0)));
    let credentials = parts.credentials.unwrap_or_default();
    unique(reader, "access key id", credentials.iter().map(|credential| &credential.access_key_id));
    unique(reader, "credential source", parts.sources.unwrap_or_default().iter().map(|source| &source.name));
    unique(reader, "bucket", parts.buckets.unwrap_or_default().iter().map(|bucket| &bucket.name));
    unique(reader, "upstream", parts.upstreams.unwrap_or_default().iter().map(|upstream| &upstream.name));
    if let Some(network) = parts.network {
        unique(reader, "VPC endpoint", network.vpc_endpoints.iter().map(|endpoint| &endpoint.id));
        unique(reader, "address range", network.vpcs.iter().flat_map(|vpc| &vpc.cidrs));
    }
}

/// Reports every value that was seen before: the last one must not win silently.
fn unique<'a, T: Eq + Hash + std::fmt::Display + 'a>(
    reader: &Reader<'_>,
    what: &str,
    items: impl Iterator<Item = &'a Located<T>>,
) {
    let mut seen: HashMap<&T, u32> = HashMap::new();
    for Located { value, at, path } in items {
        if let Some(line) = seen.get(value) {
            let hint = format!("the first one is on line {line}: remove or rename one");
            reader.error(*at, path, format!("{what} `{value}` is given twice"), hint);
        } else {
            seen.insert(value, at.line);
        }
    }
}

fn admin_has_its_own_address(listeners: &[Listener], admin: &Admin, reader: &Reader<'_>) {
    let Located { value, at, path } = &admin.address;
    if value.port() != 0 && listeners.iter().any(|listener| listener.address.value.tcp() == Some(*value)) {
        let message = format!("`{value}` is the address of a listener already");
        reader.error(*at, path, message, "give the admin endpoint a port of its own");
    }
}

fn check_bucket(upstreams: &[Upstream], bucket: &Bucket, reader: &Reader<'_>) {
    let name = &bucket.upstream;
    let Some(upstream) = upstreams.iter().find(|upstream| upstream.name.value == name.value) else {
        let names = upstreams.iter().map(|upstream| upstream.name.value.as_str());
        let hint = match crate::nearest::nearest(&name.value, names.clone()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known here: {}", names.collect::<Vec<_>>().join(", ")),
        };
        reader.error(name.at, &name.path, format!("there is no upstream `{}`", name.value), hint);
        return;
    };
    if let Some(prefix) = &bucket.upstream_prefix
        && matches!(upstream.credentials, UpstreamCredentials::Passthrough { .. })
    {
        let message = format!("keys cannot get a prefix on their way to `{}`", upstream.name.value);
        let hint =
            "the client's signature covers the key: remove `upstream_prefix`, or give the upstream a key";
        reader.error(prefix.at, &prefix.path, message, hint);
    }
    let Some(renamed) = &bucket.upstream_bucket else { return };
    match &bucket.name.value {
        BucketName::Rest => {
            let message = "bucket `*` cannot have an `upstream_bucket`".to_owned();
            let hint = "all other buckets would become one: remove it, or name the bucket";
            reader.error(renamed.at, &renamed.path, message, hint);
        }
        BucketName::Named(own)
            if *own != renamed.value
                && matches!(upstream.credentials, UpstreamCredentials::Passthrough { .. }) =>
        {
            let message = format!("bucket `{own}` cannot be renamed on its way to `{}`", upstream.name.value);
            let hint = "the client's signature covers the name: remove `upstream_bucket`, or give the upstream a key";
            reader.error(renamed.at, &renamed.path, message, hint);
        }
        BucketName::Named(_) => {}
    }
}

fn check_upstream(buckets: &[Bucket], upstream: &Upstream, reader: &Reader<'_>) {
    unique(reader, "endpoint", upstream.endpoints.iter());
    for endpoint in &upstream.endpoints {
        if upstream.addressing == Addressing::Virtual && endpoint.value.is_address() {
            let message = format!("`{}` is an address: no bucket can stand in front of it", endpoint.value);
            reader.error(endpoint.at, &endpoint.path, message, "use `addressing: path`, or name the host");
        }
        if upstream.endpoints.first().is_some_and(|first| first.value.tls != endpoint.value.tls) {
            let message = format!("`{}` speaks another scheme than the first endpoint", endpoint.value);
            reader.error(endpoint.at, &endpoint.path, message, "use `https://` for all of them, or for none");
        }
    }
    if !buckets.iter().any(|bucket| bucket.upstream.value == upstream.name.value) {
        let message = format!("no bucket uses upstream `{}`", upstream.name.value);
        reader.warning(
            upstream.name.at,
            &upstream.name.path,
            message,
            "remove it, or name it under `buckets`",
        );
    }
}

/// Under `default: deny` a signer without an identity policy can only be allowed by a bucket policy.
fn signers_may_do_something(
    credentials: &[Credential],
    policy: &PolicyRules,
    buckets: &[Bucket],
    reader: &Reader<'_>,
) {
    let granted = buckets.iter().any(|bucket| bucket.policy.is_some());
    if granted || policy.default == PolicyDefault::Pass {
        return;
    }
    for credential in credentials.iter().filter(|credential| credential.policies.is_empty()) {
        let id = &credential.access_key_id;
        let message = format!("`{}` is allowed nothing: it has no policy, and no bucket has one", id.value);
        reader.warning(id.at, &id.path, message, "add `policies`");
    }
}
