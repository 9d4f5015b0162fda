//! Reads where access keys come from that the config file does not list.
//! It must not ask anybody: a source that is not there is found when it is used.

use super::super::model::Located;
use super::super::model::sources::{KeyPlace, KeySource, Webhook};
use super::super::reader::{Fields, Reported};
use super::super::scalar::Malformed;
use super::super::tree::Scalar;
use super::secrets;
use crate::tls::Authorities;
use hyper::Uri;

pub(super) fn sources(top: &Fields<'_>) -> Result<Vec<KeySource>, Reported> {
    top.sections("credential_sources", source)
}

fn source(fields: &Fields<'_>) -> Result<KeySource, Reported> {
    let name = fields.text("name");
    let directory = fields.if_given("directory", Fields::text);
    let webhook = fields.if_given("webhook", |fields, name| webhook(&fields.section(name)?));
    let place = match (directory?, webhook?) {
        (Some(folder), None) => KeyPlace::Directory(fields.reader.locate(&folder.value)),
        (None, Some(webhook)) => KeyPlace::Webhook(Box::new(webhook)),
        (Some(_), Some(_)) | (None, None) => {
            let message = "a source needs exactly one of `directory` and `webhook`".to_owned();
            return Err(fields.reader.error(fields.at, &fields.path, message, "write one of them"));
        }
    };
    Ok(KeySource { name: name?, place })
}

fn webhook(fields: &Fields<'_>) -> Result<Webhook, Reported> {
    let url = fields.scalar("url", url);
    if let Ok(url) = &url {
        warn_of_cleartext(fields, url);
    }
    let post = fields.choice("method", &[("POST", true), ("GET", false)]);
    let token = fields.if_given("token", secrets::secret);
    let ca = fields.if_given("ca", ca);
    let timeout = fields.duration("timeout");
    let ttl = fields.duration("ttl");
    let negative_ttl = fields.duration("negative_ttl");
    let stale = fields.duration("stale");
    let (keys, concurrency, rate) = (fields.count("keys"), fields.count("concurrency"), fields.count("rate"));
    Ok(Webhook {
        url: url?.value,
        post: post?,
        token: token?,
        ca: ca?,
        timeout: timeout?,
        ttl: ttl?,
        negative_ttl: negative_ttl?,
        stale: stale?,
        keys: usize::try_from(keys?).unwrap_or(usize::MAX),
        concurrency: usize::try_from(concurrency?).unwrap_or(usize::MAX),
        rate: u32::try_from(rate?).unwrap_or(u32::MAX),
    })
}

fn ca(fields: &Fields<'_>, name: &'static str) -> Result<(crate::secret::Secret, Authorities), Reported> {
    let file = secrets::file(fields, name)?;
    match Authorities::read(file.bytes.expose()) {
        Ok(authorities) => Ok((file.bytes, authorities)),
        Err(error) => {
            let path = fields.path_of(name);
            Err(fields.reader.error(fields.at, &path, error.to_string(), "name a file of certificates, PEM"))
        }
    }
}

/// A URL to which a query can be added. What does not read is not shown: it may hold a password.
fn url(scalar: &Scalar) -> Result<String, Malformed> {
    let text = scalar.text.as_str();
    let is_good = |uri: &Uri| {
        let authority = uri.authority().is_some_and(|it| !it.as_str().contains('@') && !it.host().is_empty());
        authority && uri.query().is_none() && matches!(uri.scheme_str(), Some("http" | "https"))
    };
    match text.parse::<Uri>().ok().filter(is_good) {
        Some(_) if !text.contains('#') => Ok(text.to_owned()),
        _ => Err(Malformed::new(
            "",
            "the URL of a webhook",
            "write `https://host[:port]/path`, without user, query and fragment",
        )),
    }
}

/// What comes back are secrets.
fn warn_of_cleartext(fields: &Fields<'_>, url: &Located<String>) {
    let Ok(uri) = url.value.parse::<Uri>() else { return };
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let loopback =
        host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    if uri.scheme_str() == Some("http") && !loopback {
        let message = "secrets come from this webhook in the clear".to_owned();
        fields.reader.warning(url.at, &url.path, message, "use `https://`");
    }
}
