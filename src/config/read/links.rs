//! Reads where link state is kept and what rates hold.
//! It must not open a store.

use super::super::model::links::{Links, Store};
use super::super::reader::{Fields, Reported};
use super::rates;
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
    match (memory?, redb?, redis?) {
        (Some(()), None, None) => Ok(Store::Memory),
        (None, Some(file), None) => Ok(Store::Redb(fields.reader.locate(&file.value))),
        (None, None, Some(url)) => {
            if !["redis://", "rediss://"].iter().any(|scheme| url.value.starts_with(scheme)) {
                // not shown: it may hold a password
                let message = format!("`{}` is no URL of a Redis", url.path);
                return Err(fields.reader.error(
                    url.at,
                    &url.path,
                    message,
                    "write `redis://HOST:PORT/DATABASE`",
                ));
            }
            Ok(Store::Redis(Secret::new(url.value)))
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
