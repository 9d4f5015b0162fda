//! The numbers under which metrics count policy statements.
//! It must not hold policies: it names statements that the snapshot has.

use crate::policy::compile::{Compiled, StatementRef};
use crate::policy::document::Effect;
use crate::snapshot::Snapshot;
use crate::telemetry::metrics::StatementLabels;
use std::collections::HashMap;

/// Every statement of a snapshot, numbered.
#[derive(Debug, Default)]
pub struct Statements {
    first: HashMap<String, u32>,
    labels: Vec<StatementLabels>,
}

impl Statements {
    /// Numbers the statements of every document that a snapshot holds; a document that is attached twice counts once.
    #[must_use]
    pub fn of(snapshot: &Snapshot) -> Self {
        let mut statements = Self::default();
        let identities = snapshot
            .identities
            .iter()
            .flat_map(|identity| identity.policies.iter().chain(&identity.boundary));
        let buckets = snapshot.buckets.entries().iter().filter_map(|bucket| bucket.policy.as_ref());
        let listeners = snapshot.listeners.iter().flat_map(|listener| &listener.endpoint_policy);
        for document in snapshot.guardrails.iter().chain(identities).chain(buckets).chain(listeners) {
            statements.add(document);
        }
        statements
    }

    fn add(&mut self, document: &Compiled) {
        if self.first.contains_key(document.name()) {
            return;
        }
        let first = u32::try_from(self.labels.len()).unwrap_or(u32::MAX);
        self.first.insert(document.name().to_owned(), first);
        self.labels.extend(document.statements().map(|statement| StatementLabels {
            document: document.name().to_owned(),
            sid: statement.label().to_owned(),
            effect: match statement.effect() {
                Effect::Allow => "Allow",
                Effect::Deny => "Deny",
            },
        }));
    }

    /// The number of a statement.
    #[must_use]
    pub fn number(&self, statement: StatementRef<'_>) -> Option<u32> {
        self.first.get(statement.document())?.checked_add(statement.position())
    }

    /// The labels, in the order of the numbers.
    #[must_use]
    pub fn labels(&self) -> &[StatementLabels] {
        &self.labels
    }
}
