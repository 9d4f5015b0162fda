//! Policy documents of a config: parsed and compiled once each, their findings mapped back to the file they stand in.
//! It must not let a document in that has an error.

use super::super::diagnostic::{Diagnostic, Problem};
use super::super::model::PolicySource;
use super::super::policy_file::{Finding, examine};
use super::super::tree::Place;
use crate::policy::compile::Compiled;
use crate::policy::document::Kind;
use std::sync::Arc;

/// The documents compiled so far.
#[derive(Debug, Default)]
pub(super) struct Policies {
    done: Vec<(Arc<str>, Kind, Arc<Compiled>)>,
}

impl Policies {
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
        if let Some((_, _, compiled)) = self.done.iter().find(same) {
            return Some(Arc::clone(compiled));
        }
        let (parsed, found) = examine(&source.text, kind, bucket);
        findings.extend(found.into_iter().map(|finding| diagnostic(source, finding)));
        let compiled = Arc::new(Compiled::compile(&source.name, &parsed?.document));
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
