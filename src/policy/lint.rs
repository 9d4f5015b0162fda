//! What is legal in a policy, but probably not meant: for `check` and `policy lint`.
//! It must not be needed for a right decision.

mod conditions;
mod network;
mod resources;

use super::document::{Document, Effect, Kind, Statement};
use super::error::{Place, Warning, WarningKind};
use super::key::{Key, Known};
use super::operator::{Comparison, Quantifier};
use crate::s3::action::Action;

use super::condition::{Operand, Test};

pub use resources::foreign;

/// Looks through a document; the warnings of the parser come in addition.
#[must_use]
pub fn lint(document: &Document) -> Vec<Warning> {
    let mut findings = Findings::default();
    for statement in &document.statements {
        lint_principal(statement, &mut findings);
        lint_actions(statement, &mut findings);
        resources::lint(statement, &mut findings);
        conditions::lint(document, statement, &mut findings);
        if statement.effect == Effect::Deny {
            lint_lockout(document.kind, statement, &mut findings);
            network::lint(statement, &mut findings);
        }
    }
    network::lint_pairs(document, &mut findings);
    findings.warnings
}

/// What was found, in the order in which it was looked for.
#[derive(Debug, Default)]
struct Findings {
    warnings: Vec<Warning>,
}

impl Findings {
    fn push(&mut self, place: &Place, kind: WarningKind) {
        self.warnings.push(Warning { place: place.clone(), kind });
    }
}

fn lint_principal(statement: &Statement, findings: &mut Findings) {
    let Some(rule) = &statement.principal else { return };
    let place = &statement.places.principal;
    match (statement.effect, rule.is_negated()) {
        (Effect::Deny, true) => findings.push(place, WarningKind::NotPrincipalDeny),
        (Effect::Allow, negated) => {
            let narrowed = statement.conditions.iter().any(narrows);
            if (negated || rule.lists_everyone()) && !narrowed {
                findings.push(place, WarningKind::Public);
            }
        }
        (Effect::Deny, false) => {}
    }
}

/// Whether a test lets in only those who cannot choose to pass it (S3 guide, "blocking public access").
fn narrows(test: &Test) -> bool {
    if test.operator.negated || test.operator.if_exists || test.operator.quantifier != Quantifier::One {
        return false;
    }
    match (test.key.key(), &test.operand) {
        (Some(Key::SourceIp | Key::VpcSourceIp), Operand::Ips(ranges)) => !ranges.is_public(),
        (
            Some(
                Key::SourceVpc
                | Key::SourceVpce
                | Key::SourceVpcArn
                | Key::VpceAccount
                | Key::VpceOrgId
                | Key::PrincipalAccount
                | Key::PrincipalArn
                | Key::PrincipalOrgId
                | Key::UserId,
            ),
            Operand::Text(set),
        ) => set.patterns().is_empty(),
        (Some(Key::PrincipalArn | Key::SourceVpcArn), Operand::Arns(list)) => {
            list.iter().all(|arn| arn.part(4).literal().is_some_and(|account| !account.is_empty()))
        }
        _ => false,
    }
}

fn lint_actions(statement: &Statement, findings: &mut Findings) {
    let rule = &statement.action;
    if rule.is_negated() && statement.effect == Effect::Allow {
        findings.push(&statement.places.action, WarningKind::AllowNotAction);
    }
    if rule.known() == 0 {
        findings.push(&statement.places.action, WarningKind::NoServedAction);
    }
}

/// A Deny of every action for everybody that nothing but the resource narrows.
fn lint_lockout(kind: Kind, statement: &Statement, findings: &mut Findings) {
    let everybody =
        statement.principal.as_ref().is_none_or(|rule| !rule.is_negated() && rule.lists_everyone());
    let mut all = Action::ALL.iter().filter(|action| action.name().starts_with("s3:"));
    let everything = all.all(|action| statement.action.known() & (1 << action.index()) != 0);
    if !everybody || !everything || !statement.conditions.iter().all(always_holds) {
        return;
    }
    let rule = &statement.resource;
    let whole = !rule.negated && rule.patterns.iter().any(super::document::ResourcePattern::is_everything);
    // a bucket policy sees nothing but its bucket
    let what = match kind {
        _ if whole => "everything",
        Kind::Resource if !rule.negated => "every action on these resources",
        _ => return,
    };
    findings.push(&statement.places.statement, WarningKind::DeniesEverybody(what));
}

/// Whether every request that reaches the gate passes the test.
fn always_holds(test: &Test) -> bool {
    let Some(key) = test.key.key() else {
        return test.operator.if_exists || test.operator.negated;
    };
    match (&test.operand, key.known()) {
        (Operand::Absent(wanted), Known::NeverPresent) => wanted.contains(&true),
        (Operand::Absent(wanted), _) => always_present(key) && wanted.contains(&false),
        (Operand::Bools(list), _) if constant_false(key) => list.contains(&false),
        (_, Known::NeverPresent) => test.operator.if_exists || test.operator.negated,
        _ => false,
    }
}

/// Keys of which every signed request has one and the same value.
const fn constant_false(key: Key) -> bool {
    matches!(key, Key::ViaAwsService | Key::PrincipalIsAwsService)
}

/// Keys that AWS calls "always present".
const fn always_present(key: Key) -> bool {
    matches!(
        key,
        Key::SecureTransport
            | Key::ViaAwsService
            | Key::CurrentTime
            | Key::EpochTime
            | Key::UserAgent
            | Key::RequestedRegion
            | Key::PrincipalAccount
            | Key::PrincipalType
            | Key::UserId
            | Key::ResourceAccount
            | Key::S3ResourceAccount
            | Key::MaxKeys
    )
}

/// Whether the test asks for the value of a key that must be there.
fn needs_value(test: &Test) -> bool {
    let operator = test.operator;
    operator.comparison != Comparison::Null
        && operator.quantifier != Quantifier::All
        && !operator.if_exists
        && (!operator.negated || operator.quantifier == Quantifier::Any)
}

/// Whether another test of the statement makes sure that the key is there.
fn presence_is_asked(test: &Test, statement: &Statement) -> bool {
    statement.conditions.iter().any(|other| {
        other.key == test.key
            && match &other.operand {
                Operand::Absent(wanted) => !wanted.contains(&true),
                _ => needs_value(other),
            }
    })
}

#[cfg(test)]
mod tests;
