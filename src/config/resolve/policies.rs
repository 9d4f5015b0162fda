//! Policy documents of a config: parsed and compiled once each, their findings mapped back to the file they stand in.
//! It must not let a document in that has an error.

use super::super::diagnostic::{Diagnostic, Problem, Severity};
use super::super::model::identity::Credential;
use super::super::model::storage::Bucket;
use super::super::model::{Config, PolicySource};
use super::super::policy_file::{Finding, examine};
use super::super::tree::Place;
use crate::policy::compile::Compiled;
use crate::policy::document::{Document, Kind, Statement};
use crate::policy::key::Key;
use crate::policy::lint::foreign;
use std::sync::Arc;

/// The documents compiled so far.
#[derive(Debug, Default)]
pub(super) struct Policies {
    untold: Vec<(Key, &'static str)>,
    done: Vec<(Arc<str>, Kind, Arc<Compiled>)>,
}

impl Policies {
    /// None so far, for a config in which some keys are told of nobody, or not of everybody.
    pub(super) fn new(config: &Config) -> Self {
        let buckets = |told: fn(&Bucket) -> bool| config.buckets.iter().all(told);
        let mut untold = Vec::new();
        if !buckets(|bucket| bucket.account.is_some()) {
            untold
                .extend([Key::ResourceAccount, Key::S3ResourceAccount].map(|key| (key, "buckets[].account")));
        }
        if !buckets(|bucket| bucket.org.is_some()) {
            untold.push((Key::ResourceOrgId, "buckets[].org"));
        }
        if !config.credentials.iter().all(|credential| credential.user_id.is_some()) {
            untold.push((Key::UserId, "credentials[].user_id"));
        }
        let issued =
            |credential: &Credential| credential.session_token.is_none() || credential.issued.is_some();
        if !config.credentials.iter().all(issued) {
            untold.push((Key::TokenIssueTime, "credentials[].issued"));
        }
        Self { untold, done: Vec::new() }
    }

    /// Tests on keys that nobody has told the gate: they cannot be answered, so a Deny holds and an Allow does not.
    fn untold(&self, document: &Document) -> Vec<Finding> {
        let tests = |statement: &'_ Statement| {
            let pairs = statement.conditions.iter().zip(&statement.places.tests);
            pairs.map(|(test, place)| (test.key.clone(), place.clone())).collect::<Vec<_>>()
        };
        let found = document.statements.iter().flat_map(tests).filter_map(|(key, place)| {
            let (_, told_by) = self.untold.iter().find(|(untold, _)| key.key() == Some(*untold))?;
            Some(Finding {
                place,
                severity: Severity::Warning,
                message: format!("the gate is not told `{key}`: the test cannot be answered"),
                hint: Some(format!("add `{told_by}` everywhere, or remove the test")),
            })
        });
        found.collect()
    }

    /// The compiled document, or its errors among the findings.
    pub(super) fn compile(
        &mut self,
        source: &PolicySource,
        kind: Kind,
        findings: &mut Vec<Diagnostic>,
    ) -> Option<Arc<Compiled>> {
        self.compile_for(None, source, kind, findings)
    }

    /// The same for the policy of a bucket, whose statements should be about it.
    pub(super) fn compile_for(
        &mut self,
        bucket: Option<&str>,
        source: &PolicySource,
        kind: Kind,
        findings: &mut Vec<Diagnostic>,
    ) -> Option<Arc<Compiled>> {
        let same = |(text, other, compiled): &&(Arc<str>, Kind, Arc<Compiled>)| {
            Arc::ptr_eq(text, &source.text) && *other == kind && compiled.name() == source.name
        };
        let outside = |document: &Document| {
            let warnings = bucket.map(|bucket| foreign(document, bucket)).unwrap_or_default();
            warnings.into_iter().map(|warning| diagnostic(source, warning.into())).collect::<Vec<_>>()
        };
        if let Some((_, _, compiled)) = self.done.iter().find(same) {
            findings.extend(outside(compiled.document()));
            return Some(Arc::clone(compiled));
        }
        let (parsed, found) = examine(&source.text, kind);
        findings.extend(found.into_iter().map(|finding| diagnostic(source, finding)));
        let document = parsed?.document;
        findings.extend(outside(&document));
        findings.extend(self.untold(&document).into_iter().map(|finding| diagnostic(source, finding)));
        let compiled = Arc::new(Compiled::compile(&source.name, &document));
        self.done.push((Arc::clone(&source.text), kind, Arc::clone(&compiled)));
        Some(compiled)
    }
}

fn diagnostic(source: &PolicySource, finding: Finding) -> Diagnostic {
    let Finding { place, severity, message, hint } = finding;
    let small = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let at = place.position.map_or(source.at, |(line, column)| Place {
        line: small(line).saturating_add(source.line_offset),
        column: small(column),
    });
    let path =
        if place.path.is_empty() { source.path.clone() } else { format!("{}: {}", source.path, place.path) };
    let problem = Problem { at, path, severity, message, hint };
    Diagnostic::new(&source.file, problem, None)
}
