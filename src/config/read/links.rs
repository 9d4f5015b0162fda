//! Reads where link state is kept and what rates hold.
//! It must not open a store.

use super::super::model::links::{Links, RedisServer, Store};
use super::super::reader::{Fields, Reported};
use super::rates;
use super::tls::authorities;
use crate::secret::Secret;

pub(super) fn links(fields: &Fields<'_>) -> Result<Links, Reported> {
    let store = fields.if_given("store", |fields, name| store(&fields.section(name)?));
    let deny_when_store_fails = fields.choice("when_store_fails", &[("deny", true), ("allow", false)]);
    let grace = fields.duration("grace");
    let rate_limits = rates::rate_limits(fields);
    Ok(Links {
        store: store?.unwrap_or(Store::Memory),
        deny_when_store_fails: deny_when_store_fails?,
        grace: grace?,
        rate_limits: rate_limits?,
    })
}

fn store(fields: &Fields<'_>) -> Result<Store, Reported> {
    let memory = fields.if_given("memory", |fields, name| fields.choice(name, &[("true", ())]));
    let redb = fields.if_given("redb", Fields::text);
    let redis = fields.if_given("redis", Fields::text);
    let ca = fields.if_given("ca", authorities);
    match (memory?, redb?, redis?, ca?) {
        (Some(()), None, None, None) => Ok(Store::Memory),
        (None, Some(file), None, None) => Ok(Store::Redb(fields.reader.locate(&file.value))),
        (None, None, Some(url), ca) => {
            let fault = |message, help| Err(fields.reader.error(url.at, &url.path, message, help));
            let is_tls = url.value.starts_with("rediss://");
            // the URL is not shown: it may hold a password
            if !is_tls && !url.value.starts_with("redis://") {
                return fault(
                    format!("`{}` is no URL of a Redis", url.path),
                    "write `redis://HOST:PORT/DATABASE`",
                );
            }
            if !is_tls && ca.is_some() {
                return fault(
                    format!("`{}` is not with TLS, and has a `ca`", url.path),
                    "begin it with `rediss://`, or leave `ca` out",
                );
            }
            let ca = ca.map(|(file, _)| file.bytes);
            Ok(Store::Redis(RedisServer { url: Secret::new(url.value), ca }))
        }
        _ => {
            let message = format!("`{}` must hold exactly one of `memory`, `redb`, `redis`", fields.path);
            Err(fields.reader.error(
                fields.at,
                &fields.path,
                message,
                "write `{redb: FILE}` or `{redis: URL}`",
            ))
        }
    }
}
