//! Signers that the config file does not list: folders and webhooks that know access keys, and what they said.
//! It must not decide about a request: it says who a key belongs to, that nobody has it, or that it cannot be known.

pub mod directory;
pub mod webhook;

use crate::auth::keyring::Asked;
use crate::config::model::sources::{KeyPlace, KeySource};
use crate::outbound::OutboundError;
use crate::snapshot::Guest;
use crate::telemetry::metrics::{KeyResult, Metrics};
use directory::{Change, Directory};
use std::sync::Arc;
use webhook::Webhook;

/// What is known about a key.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Whose it is.
    Known(Arc<Guest>),
    /// Every source says that it is none.
    Nobody,
    /// A source that may know it cannot tell.
    Unavailable,
}

impl Answer {
    /// The same for the pipeline.
    #[must_use]
    pub fn asked(&self) -> Asked<&Guest> {
        match self {
            Self::Known(guest) => Asked::Known(guest),
            Self::Nobody => Asked::Nobody,
            Self::Unavailable => Asked::Unavailable,
        }
    }
}

/// All sources of a config, in its order.
#[derive(Debug, Default)]
pub struct Signers(Vec<Arc<Source>>);

/// A source and its description.
#[derive(Debug)]
struct Source {
    spec: KeySource,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Directory(Directory),
    Webhook(Box<Webhook>),
}

impl Signers {
    /// The sources of a config; those that did not change are taken over with what they know. Folders are read at once.
    ///
    /// # Errors
    /// See [`OutboundError`]: the TLS library refuses its own defaults.
    pub fn new(specs: &[KeySource], before: Option<&Self>, metrics: &Metrics) -> Result<Self, OutboundError> {
        let mut sources = Vec::with_capacity(specs.len());
        for (at, spec) in specs.iter().enumerate() {
            let same = |source: &&Arc<Source>| source.spec.is_same(spec);
            if let Some(kept) = before.and_then(|before| before.0.iter().find(same)) {
                sources.push(Arc::clone(kept));
                continue;
            }
            let kind = match &spec.place {
                KeyPlace::Directory(folder) => {
                    let directory = Directory::open(&spec.name.value, folder);
                    directory.count(metrics, at);
                    Kind::Directory(directory)
                }
                KeyPlace::Webhook(webhook) => {
                    Kind::Webhook(Box::new(Webhook::new(&spec.name.value, webhook)?))
                }
            };
            sources.push(Arc::new(Source { spec: spec.clone(), kind }));
        }
        Ok(Self(sources))
    }

    /// What is known of a key before anybody was asked.
    #[must_use]
    pub const fn unasked(&self) -> Asked<&Guest> {
        if self.0.is_empty() { Asked::Nobody } else { Asked::NotYet }
    }

    /// Finds out about a key. Folders come first, since they know for sure; then webhooks in their order, and one that
    /// cannot tell ends the search, as another could bring a key that the first one would have brought otherwise.
    pub async fn find(&self, id: &str, metrics: &Metrics) -> Answer {
        for (at, source) in self.0.iter().enumerate() {
            if let Kind::Directory(directory) = &source.kind
                && let Some(guest) = directory.get(id)
            {
                metrics.key_source(at, KeyResult::Hit);
                return Answer::Known(guest);
            }
        }
        for (at, source) in self.0.iter().enumerate() {
            let Kind::Webhook(webhook) = &source.kind else { continue };
            let (answer, result) = webhook.find(id).await;
            metrics.key_source(at, result);
            if !matches!(answer, Answer::Nobody) {
                return answer;
            }
        }
        Answer::Nobody
    }

    /// Looks at the folders again; gives what has changed.
    #[must_use]
    pub fn look(&self, metrics: &Metrics) -> Vec<Change> {
        let mut changes = Vec::new();
        for (at, source) in self.0.iter().enumerate() {
            if let Kind::Directory(directory) = &source.kind {
                changes.extend(directory.look());
                directory.count(metrics, at);
            }
        }
        changes
    }

    /// Brings the gauges up to date.
    pub fn measure(&self, metrics: &Metrics) {
        for source in &self.0 {
            let keys = match &source.kind {
                Kind::Directory(directory) => directory.len(),
                Kind::Webhook(webhook) => webhook.len(),
            };
            metrics.key_source_keys(&source.spec.name.value, keys);
        }
    }

    /// Name of each source, and whether it told what it knows when it was last asked.
    pub fn states(&self) -> impl Iterator<Item = (&str, bool)> {
        self.0.iter().map(|source| {
            let is_well = match &source.kind {
                Kind::Directory(directory) => directory.is_well(),
                Kind::Webhook(webhook) => webhook.is_well(),
            };
            (source.spec.name.value.as_str(), is_well)
        })
    }

    /// The names of the sources.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|source| source.spec.name.value.as_str())
    }
}

/// What is known of a key for a command that asks nobody: folders are read, and a webhook cannot tell.
#[must_use]
pub fn at_rest(specs: &[KeySource], id: &str) -> Answer {
    let found = specs.iter().find_map(|spec| match &spec.place {
        KeyPlace::Directory(folder) => Directory::open(&spec.name.value, folder).get(id),
        KeyPlace::Webhook(_) => None,
    });
    match found {
        Some(guest) => Answer::Known(guest),
        None if specs.iter().any(|spec| matches!(spec.place, KeyPlace::Webhook(_))) => Answer::Unavailable,
        None => Answer::Nobody,
    }
}
