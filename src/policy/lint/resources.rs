//! What is doubtful about the resources of a statement.
//! It must not look at conditions.

use super::Findings;
use crate::policy::document::{ActionPattern, Document, Effect, ResourcePattern, Statement};
use crate::policy::error::{Warning, WarningKind};
use crate::policy::pattern::{Case, Token};
use crate::s3::action::Action;

pub(super) fn lint(statement: &Statement, findings: &mut Findings) {
    let rule = &statement.resource;
    let place = &statement.places.resource;
    if rule.negated && statement.effect == Effect::Allow {
        findings.push(place, WarningKind::AllowNotResource);
    }
    for pattern in &rule.patterns {
        if !is_served(pattern) {
            findings.push(place, WarningKind::NoServedResource(pattern.to_string()));
        } else if is_loose(pattern) {
            findings.push(place, WarningKind::LooseBucket(pattern.to_string()));
        }
    }
    if rule.negated {
        return;
    }
    let all = |is: fn(&ResourcePattern) -> bool| rule.patterns.iter().all(is).then(|| rule.patterns.first());
    if let (Some(Some(resource)), Some(action)) = (all(is_of_objects), named(statement, OF_BUCKETS)) {
        findings.push(place, WarningKind::BucketNotListed { action, resource: resource.to_string() });
    }
    if let (Some(Some(resource)), Some(action)) = (all(is_of_buckets), named(statement, OF_OBJECTS)) {
        findings.push(place, WarningKind::ObjectsNotListed { action, resource: resource.to_string() });
    }
}

/// Resources of a bucket policy that are not in its bucket.
#[must_use]
pub fn foreign(document: &Document, bucket: &str) -> Vec<Warning> {
    let mut findings = Findings::default();
    for statement in document.statements.iter().filter(|statement| !statement.resource.negated) {
        for pattern in statement.resource.patterns.iter().filter(|pattern| is_served(pattern)) {
            let ResourcePattern::Arn(arn) = pattern else { continue };
            let Some(Token::Lit(start)) = arn.resource().tokens().first() else { continue };
            let name = start.split(|byte| *byte == b'/').next().unwrap_or_default();
            let whole = start.contains(&b'/') || arn.resource().tokens().len() == 1;
            let inside = if whole { name == bucket.as_bytes() } else { bucket.as_bytes().starts_with(name) };
            if !inside {
                let (resource, bucket) = (pattern.to_string(), bucket.to_owned());
                findings.push(&statement.places.resource, WarningKind::ForeignBucket { resource, bucket });
            }
        }
    }
    findings.warnings
}

/// Whether the pattern can match a bucket or an object: those ARNs have neither region nor account.
fn is_served(pattern: &ResourcePattern) -> bool {
    let ResourcePattern::Arn(arn) = pattern else { return true };
    let empty = |at| arn.part(at).matches_plain(b"", Case::Exact);
    arn.part(2).matches_plain(b"s3", Case::IgnoreAscii) && empty(3) && empty(4)
}

/// Whether a wildcard stands in the name of the bucket, after its beginning.
fn is_loose(pattern: &ResourcePattern) -> bool {
    let ResourcePattern::Arn(arn) = pattern else { return false };
    matches!(arn.resource().tokens(), [Token::Lit(start), Token::Star, ..] if !start.contains(&b'/'))
}

/// Whether the pattern needs a `/`, which no bucket has.
fn is_of_objects(pattern: &ResourcePattern) -> bool {
    let ResourcePattern::Arn(arn) = pattern else { return false };
    arn.resource().tokens().iter().any(|token| matches!(token, Token::Lit(text) if text.contains(&b'/')))
}

/// Whether the pattern can have no `/`, which every object has.
fn is_of_buckets(pattern: &ResourcePattern) -> bool {
    let ResourcePattern::Arn(arn) = pattern else { return false };
    arn.resource().literal().is_some_and(|name| !name.contains(&b'/'))
}

const OF_BUCKETS: &[Action] = &[
    Action::ListBucket,
    Action::ListBucketVersions,
    Action::ListBucketMultipartUploads,
    Action::GetBucketLocation,
];

const OF_OBJECTS: &[Action] = &[Action::GetObject, Action::PutObject, Action::DeleteObject];

/// One of these actions that the statement means: `s3:*` on objects is common and means the objects.
fn named(statement: &Statement, actions: &[Action]) -> Option<&'static str> {
    let names_it = |pattern: &ActionPattern, action: Action| match pattern {
        ActionPattern::Any => false,
        ActionPattern::Named { name, .. } => {
            *name.tokens() != [Token::Star] && pattern.matches(action.name())
        }
    };
    let rule = &statement.action;
    let asked = |action: &&Action| {
        !rule.is_negated() && rule.patterns().iter().any(|pattern| names_it(pattern, **action))
    };
    actions.iter().find(asked).map(|action| action.name())
}
