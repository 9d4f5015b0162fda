//! Links that were called back: one by one, by key, by prefix, by date; and whether a request used one of them.
//! It must not forget an entry before the last link that it can hit has expired.

mod set;

pub use set::{Facts, RevocationSet};

use super::claim::CLOCKS_MILLIS;
use super::identity::{LinkId, UrlFault};
use crate::auth::SigningRules;
use crate::auth::keyring::Keys;
use crate::clock::UnixMillis;
use crate::clock::civil::Civil;
use crate::clock::parse::parse_time;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::Duration;

/// What is called back.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// One link.
    Link(LinkId),
    /// What a key signed before an instant.
    Key {
        /// The access key id.
        access_key_id: Box<str>,
        /// Signatures dated earlier are void.
        before: UnixMillis,
    },
    /// What was signed before an instant, by whatever key, for objects whose key begins so.
    Prefix {
        /// The bucket, as clients name it.
        bucket: Box<str>,
        /// The beginning of the keys; empty is every object and the bucket itself.
        prefix: Box<str>,
        /// Signatures dated earlier are void.
        before: UnixMillis,
    },
    /// Everything that was signed before an instant.
    SignedBefore(UnixMillis),
}

/// An entry of the list.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Revocation {
    /// What is called back.
    pub target: Target,
    /// When that was asked for.
    pub created: UnixMillis,
    /// When the last link that it can hit has expired.
    pub lapses: UnixMillis,
}

/// A request for an entry that cannot be one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RevocationError {
    /// Not exactly one of the four forms.
    #[error(
        "a revocation is an object with one of `link`, `access_key_id` (and `before`), `prefix`, `signed_before`"
    )]
    Form,
    /// A field that does not belong to the form.
    #[error("`{0}` does not belong there")]
    Field(String),
    /// A value that cannot be read.
    #[error("`{0}` has a value that cannot be read: {1}")]
    Value(&'static str, &'static str),
}

/// How long signatures are good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// The longest a link may be valid.
    pub max_expires: Duration,
    /// How far the clock of a signer may be off.
    pub clock_skew: Duration,
}

impl Lifetimes {
    /// Those of signatures that these rules accept.
    #[must_use]
    pub const fn of(rules: &SigningRules) -> Self {
        Self { max_expires: rules.max_expires, clock_skew: rules.clock_skew }
    }

    /// The end of the last signature dated before an instant.
    fn end(self, dated_before: UnixMillis) -> UnixMillis {
        let longest = self.max_expires.max(self.clock_skew).as_millis();
        dated_before.plus_millis(i64::try_from(longest).unwrap_or(i64::MAX))
    }
}

/// What somebody asks to be called back. A link may be given as a URL, which only those can name who hold the keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A link by its URL.
    Url(String),
    /// Everything else.
    Target(Target),
}

impl Asked {
    /// The access key of a link that is given as a URL.
    #[must_use]
    pub fn access_key_id(&self) -> Option<String> {
        match self {
            Self::Url(url) => LinkId::key_of_url(url),
            Self::Target(_) => None,
        }
    }

    /// Reads the object that the admin endpoint takes.
    ///
    /// # Errors
    /// See [`RevocationError`].
    pub fn from_json(value: &Value, now: UnixMillis) -> Result<Self, RevocationError> {
        let fields = value.as_object().ok_or(RevocationError::Form)?;
        let text = |name: &'static str| match fields.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(Cow::Borrowed(text.as_str()))),
            // seconds since 1970
            Some(Value::Number(number)) => Ok(Some(Cow::Owned(number.to_string()))),
            Some(_) => Err(RevocationError::Value(name, "write a text")),
        };
        let only = |allowed: &[&str]| {
            let other = fields.keys().find(|name| !allowed.contains(&name.as_str()));
            other.map_or(Ok(()), |name| Err(RevocationError::Field(name.clone())))
        };
        let given = (text("link")?, text("access_key_id")?, text("prefix")?, text("signed_before")?);
        match given {
            (Some(link), None, None, None) => {
                only(&["link"])?;
                Self::link(&link)
            }
            (None, Some(id), None, None) => {
                only(&["access_key_id", "before"])?;
                let before = text("before")?.map(|text| instant("before", &text)).transpose()?;
                if id.is_empty() {
                    return Err(RevocationError::Value("access_key_id", "it is empty"));
                }
                Ok(Self::Target(Target::Key { access_key_id: (*id).into(), before: before.unwrap_or(now) }))
            }
            (None, None, Some(prefix), None) => {
                only(&["prefix"])?;
                Self::prefix(&prefix, now)
            }
            (None, None, None, Some(before)) => {
                only(&["signed_before"])?;
                Ok(Self::Target(Target::SignedBefore(instant("signed_before", &before)?)))
            }
            _ => Err(RevocationError::Form),
        }
    }

    /// A link, by its name or its URL.
    ///
    /// # Errors
    /// [`RevocationError::Value`] if it is neither.
    pub fn link(text: &str) -> Result<Self, RevocationError> {
        if let Some(id) = LinkId::parse(text) {
            return Ok(Self::Target(Target::Link(id)));
        }
        if text.starts_with("http://") || text.starts_with("https://") {
            return Ok(Self::Url(text.to_owned()));
        }
        Err(RevocationError::Value("link", "write the URL, or the 32 digits of the name of the link"))
    }

    /// What was signed until now for keys that begin like those of `s3://BUCKET/PREFIX`.
    ///
    /// # Errors
    /// [`RevocationError::Value`] for another form.
    pub fn prefix(text: &str, now: UnixMillis) -> Result<Self, RevocationError> {
        let wrong = RevocationError::Value("prefix", "write `s3://BUCKET/PREFIX`");
        let Some(rest) = text.strip_prefix("s3://") else { return Err(wrong) };
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() {
            return Err(wrong);
        }
        Ok(Self::Target(Target::Prefix { bucket: bucket.into(), prefix: prefix.into(), before: now }))
    }
}

fn instant(name: &'static str, text: &str) -> Result<UnixMillis, RevocationError> {
    parse_time(text).ok_or(RevocationError::Value(name, "write a time as `2026-01-01T00:00:00Z`"))
}

impl Revocation {
    /// An entry from now on; `end` is after the end of the one link, if something is known about that.
    #[must_use]
    pub fn new(target: Target, now: UnixMillis, end: Option<UnixMillis>, lifetimes: Lifetimes) -> Self {
        let skew = i64::try_from(lifetimes.clock_skew.as_millis()).unwrap_or(i64::MAX);
        let lapses = match &target {
            Target::Link(_) => end.unwrap_or_else(|| lifetimes.end(now.plus_millis(skew))),
            Target::Key { before, .. } | Target::Prefix { before, .. } | Target::SignedBefore(before) => {
                lifetimes.end(*before)
            }
        };
        Self { target, created: now, lapses }
    }

    /// The entry that somebody asks for.
    ///
    /// # Errors
    /// A URL names no link of these keys.
    pub fn of<'k>(
        asked: Asked,
        keys: impl Into<Keys<'k>>,
        lifetimes: Lifetimes,
        now: UnixMillis,
    ) -> Result<Self, UrlFault> {
        let (target, end) = match asked {
            Asked::Target(target) => (target, None),
            Asked::Url(url) => {
                let (id, signed_at) = LinkId::of_url(&url, keys)?;
                // not when the URL says that it ends: nobody has verified that, and the link has its name without it
                (Target::Link(id), Some(lifetimes.end(signed_at)))
            }
        };
        Ok(Self::new(target, now, end, lifetimes))
    }

    /// The name of the entry: one for one target.
    #[must_use]
    pub fn id(&self) -> String {
        let digest = Sha256::digest(Value::Object(self.target_fields()).to_string());
        let mut text = String::with_capacity(16);
        for byte in digest.iter().take(8) {
            // writing to a String cannot fail
            let _ = write!(text, "{byte:02x}");
        }
        text
    }

    /// When it may be forgotten, on every gate whose clock is right to a quarter of an hour.
    #[must_use]
    pub const fn forget_at(&self) -> UnixMillis {
        self.lapses.plus_millis(CLOCKS_MILLIS)
    }

    /// What it is about, as the admin endpoint takes and shows it.
    #[must_use]
    pub fn target_fields(&self) -> Map<String, Value> {
        let fields = match &self.target {
            Target::Link(id) => json!({ "link": id.to_string() }),
            Target::Key { access_key_id, before } => {
                json!({ "access_key_id": access_key_id, "before": show(*before) })
            }
            Target::Prefix { bucket, prefix, before } => {
                json!({ "prefix": format!("s3://{bucket}/{prefix}"), "before": show(*before) })
            }
            Target::SignedBefore(before) => json!({ "signed_before": show(*before) }),
        };
        match fields {
            Value::Object(fields) => fields,
            _ => Map::new(),
        }
    }

    /// The entry as the admin endpoint shows it and as stores keep it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut fields = Map::new();
        fields.insert("id".to_owned(), json!(self.id()));
        fields.append(&mut self.target_fields());
        fields.insert("created".to_owned(), json!(show(self.created)));
        fields.insert("lapses".to_owned(), json!(show(self.lapses)));
        Value::Object(fields)
    }

    /// Reads what [`Self::to_json`] wrote; `None` for anything else.
    #[must_use]
    pub fn from_json(value: &Value) -> Option<Self> {
        let text = |name: &str| value.get(name).and_then(Value::as_str);
        let time = |name: &str| text(name).and_then(parse_time);
        let target = if let Some(link) = text("link") {
            Target::Link(LinkId::parse(link)?)
        } else if let Some(id) = text("access_key_id") {
            Target::Key { access_key_id: id.into(), before: time("before")? }
        } else if let Some(prefix) = text("prefix") {
            match Asked::prefix(prefix, time("before")?).ok()? {
                Asked::Target(target) => target,
                Asked::Url(_) => return None,
            }
        } else {
            Target::SignedBefore(time("signed_before")?)
        };
        Some(Self { target, created: time("created")?, lapses: time("lapses")? })
    }
}

/// A time with milliseconds, since `before` is compared exactly.
fn show(at: UnixMillis) -> String {
    let text = Civil::from_instant(at).iso();
    match at.millis().rem_euclid(1000) {
        0 => text,
        millis => text.replacen('Z', &format!(".{millis:03}Z"), 1),
    }
}

#[cfg(test)]
mod tests;
