//! Where access keys come from that the config file does not list.
//! It must not know how they are asked for.

use std::path::PathBuf;
use std::time::Duration;

use super::Located;
use crate::secret::Secret;
use crate::tls::Authorities;

/// Somebody who knows access keys.
#[derive(Clone, Debug)]
pub struct KeySource {
    /// Its name in metrics and logs.
    pub name: Located<String>,
    /// Who it is.
    pub place: KeyPlace,
}

/// Who knows access keys.
#[derive(Clone, Debug)]
pub enum KeyPlace {
    /// The files of a folder, one for each key.
    Directory(PathBuf),
    /// An HTTP service.
    Webhook(Box<Webhook>),
}

/// How a webhook is asked, and for how long an answer counts.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// The URL, without query.
    pub url: String,
    /// Whether the key stands in a JSON body; else in the query of a GET.
    pub post: bool,
    /// The bearer token.
    pub token: Option<Secret>,
    /// Who signs its certificate; `None`: the public authorities. The bytes tell one file from another.
    pub ca: Option<(Secret, Authorities)>,
    /// For a whole answer.
    pub timeout: Duration,
    /// How long a key counts at most.
    pub ttl: Duration,
    /// How long it counts that there is no such key.
    pub negative_ttl: Duration,
    /// For how long beyond its time a key counts while the webhook fails.
    pub stale: Duration,
    /// The most keys that are remembered; and as many that are none.
    pub keys: usize,
    /// The most questions about new keys at a time; and as many about known ones.
    pub concurrency: usize,
    /// The most questions about new keys in a second.
    pub rate: u32,
}

impl KeySource {
    /// Whether the other one would tell the same, so that what is known from it still counts.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.name.value == other.name.value
            && match (&self.place, &other.place) {
                (KeyPlace::Directory(one), KeyPlace::Directory(other)) => one == other,
                (KeyPlace::Webhook(one), KeyPlace::Webhook(other)) => one.is_same(other),
                _ => false,
            }
    }
}

impl Webhook {
    fn is_same(&self, other: &Self) -> bool {
        let same = |one: Option<&Secret>, other: Option<&Secret>| match (one, other) {
            (None, None) => true,
            (Some(one), Some(other)) => one.matches(other.expose()),
            _ => false,
        };
        let plain = |it: &Self| {
            let times = (it.timeout, it.ttl, it.negative_ttl, it.stale);
            (it.url.clone(), it.post, times, it.keys, it.concurrency, it.rate)
        };
        let ca = |it: &'_ Self| it.ca.as_ref().map(|(pem, _)| pem.clone());
        plain(self) == plain(other)
            && same(self.token.as_ref(), other.token.as_ref())
            && same(ca(self).as_ref(), ca(other).as_ref())
    }
}
