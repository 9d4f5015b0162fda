//! Reads the buckets that clients see and the stores behind them.
//! It must not check whether they fit together; [`super::super::check`] does.

use super::super::model::Located;
use super::super::model::storage::{
    Addressing, Bucket, BucketName, Health, Pool, Timeouts, Upstream, UpstreamCredentials,
};
use super::super::reader::{Fields, Reported};
use super::super::scalar::{Malformed, endpoint::Endpoint};
use super::super::tree::Scalar;
use super::{access, credentials, policies, secrets};
use crate::s3::cors::{CorsRule, Pattern};
use crate::upstream::mapping::Prefix;

pub(super) fn buckets(top: &Fields<'_>) -> Result<Vec<Bucket>, Reported> {
    top.sections("buckets", bucket)
}

fn bucket(fields: &Fields<'_>) -> Result<Bucket, Reported> {
    let name = fields.scalar("name", |scalar| match scalar.text.as_str() {
        "*" => Ok(BucketName::Rest),
        _ => bucket_name(scalar).map(BucketName::Named),
    });
    let upstream = fields.text("upstream");
    let upstream_bucket = fields.if_given("upstream_bucket", |fields, name| fields.scalar(name, bucket_name));
    let upstream_prefix = fields.if_given("upstream_prefix", |fields, name| fields.scalar(name, prefix));
    let cors = fields.sections("cors", cors);
    let head_for_get = fields.flag("head_for_get");
    let policy = fields.if_given("policy", policies::policy);
    let account = fields.if_given("account", |fields, name| fields.scalar(name, access::account));
    let org = fields.if_given("org", |fields, name| fields.scalar(name, access::org_id));
    Ok(Bucket {
        name: name?,
        upstream: upstream?,
        upstream_bucket: upstream_bucket?,
        upstream_prefix: upstream_prefix?,
        cors: cors?,
        head_for_get: head_for_get?,
        policy: policy?,
        account: access::value(account?),
        org: access::value(org?),
    })
}

const METHODS: [&str; 5] = ["GET", "HEAD", "PUT", "POST", "DELETE"];

fn cors(fields: &Fields<'_>) -> Result<CorsRule, Reported> {
    let origins = fields.scalars("origins", pattern);
    let methods = fields.scalars("methods", |scalar| {
        let known = METHODS.into_iter().find(|method| *method == scalar.text);
        known.ok_or_else(|| {
            Malformed::new(&scalar.text, "a method of S3", "write `GET`, `HEAD`, `PUT`, `POST` or `DELETE`")
        })
    });
    let headers = fields.scalars("headers", pattern);
    let expose = fields.scalars("expose", header_name);
    let max_age = fields.if_given("max_age", Fields::duration);
    Ok(CorsRule {
        origins: values(origins?),
        methods: values(methods?),
        headers: values(headers?),
        expose: values(expose?),
        max_age: max_age?.map(|age| age.as_secs()),
    })
}

fn values<T>(list: Vec<Located<T>>) -> Vec<T> {
    list.into_iter().map(|located| located.value).collect()
}

fn pattern(scalar: &Scalar) -> Result<Pattern, Malformed> {
    let hint = "use visible ASCII characters, and `*` once at most";
    Pattern::new(&scalar.text).ok_or_else(|| Malformed::new(&scalar.text, "a pattern", hint))
}

fn header_name(scalar: &Scalar) -> Result<String, Malformed> {
    let name = scalar.text.as_str();
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"-_*".contains(&byte);
    if !name.is_empty() && name.bytes().all(token) {
        return Ok(name.to_owned());
    }
    Err(Malformed::new(name, "the name of a header", "use letters, digits and `-`"))
}

/// A bucket name, old ones included: letters, digits, `.`, `-`, `_`, 3 to 255 of them (S3 user guide, bucket naming).
fn bucket_name(scalar: &Scalar) -> Result<String, Malformed> {
    let name = scalar.text.as_str();
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    if (3..=255).contains(&name.len()) && name.bytes().all(known) && !name.starts_with(['.', '-']) {
        return Ok(name.to_owned());
    }
    Err(Malformed::new(name, "a bucket name", "use 3 to 63 lower-case letters, digits, `-` and `.`"))
}

fn prefix(scalar: &Scalar) -> Result<Prefix, Malformed> {
    let hint = "write segments of letters, digits, `-`, `_` and `.`, each followed by `/`, as `tenants/a/`";
    Prefix::parse(&scalar.text).ok_or_else(|| Malformed::new(&scalar.text, "a prefix", hint))
}

pub(super) fn upstreams(top: &Fields<'_>) -> Result<Vec<Upstream>, Reported> {
    top.sections("upstreams", upstream)
}

fn upstream(fields: &Fields<'_>) -> Result<Upstream, Reported> {
    let name = fields.text("name");
    let endpoints = fields.one_or_more("endpoint", |scalar| Endpoint::parse(&scalar.text));
    let region = fields.text("region");
    let addressing =
        fields.choice("addressing", &[("path", Addressing::Path), ("virtual", Addressing::Virtual)]);
    let credentials = fields.section("credentials").and_then(|inner| upstream_credentials(&inner));
    let unknown_keys = fields.choice("unknown_keys", &[("refuse", false), ("passthrough", true)]);
    let credentials = credentials.and_then(|inner| with_unknown_keys(fields, inner, unknown_keys?));
    let ca = fields.if_given("ca", secrets::file);
    let timeouts = fields.section_or_empty("timeouts").and_then(|inner| timeouts(&inner));
    let retries = fields.count("retries");
    let health =
        fields.if_given("health", |fields, name| fields.section(name).and_then(|inner| health(&inner)));
    let deny_addresses = fields.if_given("deny_addresses", |fields, name| fields.scalars(name, access::cidr));
    let pool = fields.section_or_empty("pool").and_then(|inner| pool(&inner));
    Ok(Upstream {
        name: name?,
        endpoints: endpoints?,
        region: region?.value,
        addressing: addressing?,
        credentials: credentials?,
        ca: ca?,
        timeouts: timeouts?,
        retries: u32::try_from(retries?).unwrap_or(u32::MAX),
        health: health?,
        deny_addresses: deny_addresses?.map(values).unwrap_or_default(),
        pool: pool?,
    })
}

fn pool(fields: &Fields<'_>) -> Result<Pool, Reported> {
    let connections = fields.if_given("connections", Fields::count);
    let idle = fields.count("idle");
    Ok(Pool { connections: connections?, idle: idle? })
}

fn health(fields: &Fields<'_>) -> Result<Health, Reported> {
    let path = fields.scalar("path", |scalar| {
        let path = scalar.text.as_str();
        let sendable = path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
        if path.starts_with('/') && sendable {
            return Ok(path.to_owned());
        }
        Err(Malformed::new(path, "a path", "begin it with `/`, and percent-encode what is not visible ASCII"))
    });
    let interval = fields.duration("interval");
    Ok(Health { path: path?.value, interval: interval? })
}

fn upstream_credentials(fields: &Fields<'_>) -> Result<UpstreamCredentials, Reported> {
    const KEY: [&str; 3] = ["access_key_id", "secret_access_key", "session_token"];
    let keyed = KEY.iter().any(|name| fields.node(name).is_some());
    let passthrough = fields.node("passthrough").is_some();
    let anonymous = fields.node("anonymous").is_some();
    let provided = ["provider", "role_arn", "external_id"].iter().any(|name| fields.node(name).is_some());
    let on = |name| fields.choice(name, &[("true", ())]);
    match (keyed, passthrough, anonymous, provided) {
        (true, false, false, false) => static_key(fields),
        (false, true, false, false) => {
            on("passthrough").map(|()| UpstreamCredentials::Passthrough { unknown_keys: false })
        },
        (false, false, true, false) => on("anonymous").map(|()| UpstreamCredentials::Anonymous),
        (false, false, false, true) => provider(fields),
        _ => Err(fields.has_refused().unwrap_or_else(|| {
            let message = format!("`{}` must say one way to sign", fields.path);
            let hint =
                "give `access_key_id` and `secret_access_key`, or `provider: aws`, `passthrough: true` or `anonymous: true`";
            fields.reader.error(fields.at, &fields.path, message, hint)
        })),
    }
}

/// Whoever signs anew must know whom for: `unknown_keys` belongs to `passthrough`.
fn with_unknown_keys(
    fields: &Fields<'_>,
    credentials: UpstreamCredentials,
    go_on: bool,
) -> Result<UpstreamCredentials, Reported> {
    match (credentials, fields.node("unknown_keys")) {
        (UpstreamCredentials::Passthrough { .. }, _) => {
            Ok(UpstreamCredentials::Passthrough { unknown_keys: go_on })
        }
        (_, Some(node)) if go_on => {
            let message = "unknown keys can only go on where the store verifies them".to_owned();
            let hint = "remove it, or use `credentials: { passthrough: true }`";
            Err(fields.reader.error(node.at, &fields.path_of("unknown_keys"), message, hint))
        }
        (credentials, _) => Ok(credentials),
    }
}

fn provider(fields: &Fields<'_>) -> Result<UpstreamCredentials, Reported> {
    if !cfg!(feature = "aws") {
        let message = "this build finds no credentials by itself".to_owned();
        return Err(fields.reader.error(fields.at, &fields.path, message, "build it with the feature `aws`"));
    }
    let missing = |name: &'static str| {
        let message = format!("key `{name}` is missing");
        fields.reader.error(fields.at, &fields.path_of(name), message, "the other keys belong to it")
    };
    let provider = match fields.node("provider") {
        Some(_) => fields.choice("provider", &[("aws", ())]),
        None => Err(missing("provider")),
    };
    let role = fields.if_given("role_arn", |fields, name| fields.scalar(name, credentials::arn));
    let id = fields.if_given("external_id", Fields::text);
    provider?;
    match (role?, id?) {
        (None, Some(_)) => Err(missing("role_arn")),
        (role, id) => {
            let role = role.map(|role| (role.value, id.map(|id| id.value)));
            Ok(UpstreamCredentials::Aws { role })
        }
    }
}

fn static_key(fields: &Fields<'_>) -> Result<UpstreamCredentials, Reported> {
    let access_key_id =
        half(fields, "access_key_id").and_then(|name| fields.scalar(name, credentials::access_key_id));
    let secret = half(fields, "secret_access_key").and_then(|name| secrets::secret(fields, name));
    let session_token = fields.if_given("session_token", secrets::secret);
    Ok(UpstreamCredentials::Static {
        access_key_id: access_key_id?.value,
        secret: secret?,
        session_token: session_token?,
    })
}

/// A key is an id and a secret: the name of one half, if it is there.
fn half(fields: &Fields<'_>, name: &'static str) -> Result<&'static str, Reported> {
    let missing = || {
        let message = format!("key `{name}` is missing");
        fields.reader.error(fields.at, &fields.path_of(name), message, "a key is an id and a secret")
    };
    fields.node(name).map(|_| name).ok_or_else(missing)
}

fn timeouts(fields: &Fields<'_>) -> Result<Timeouts, Reported> {
    let connect = fields.duration("connect");
    let read = fields.duration("read");
    let write = fields.duration("write");
    let idle = fields.duration("idle");
    Ok(Timeouts { connect: connect?, read: read?, write: write?, idle: idle? })
}
