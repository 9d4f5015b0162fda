//! What is legal in a policy, but probably not meant: for `check` and `policy lint`.
//! It must not be needed for a right decision.

use super::condition::{Operand, Test};
use super::document::{ActionPattern, Document, Effect, ResourcePattern, Statement};
use super::error::{Warning, WarningKind};
use super::key::Key;
use super::operator::{Comparison, Quantifier};
use super::pattern::{Case, Token};
use super::value::Decimal;
use crate::s3::action::Action;

/// Looks through a document; the warnings of the parser come in addition.
#[must_use]
pub fn lint(document: &Document) -> Vec<Warning> {
    document.statements.iter().flat_map(lint_statement).collect()
}

fn lint_statement(statement: &Statement) -> Vec<Warning> {
    let mut kinds = Vec::new();
    lint_principal(statement, &mut kinds);
    lint_actions(statement, &mut kinds);
    lint_resources(statement, &mut kinds);
    for test in &statement.conditions {
        lint_values(test, &mut kinds);
        if statement.effect == Effect::Allow {
            lint_for_all(test, statement, &mut kinds);
        }
    }
    if statement.effect == Effect::Deny {
        lint_network_deny(statement, &mut kinds);
    }
    kinds.into_iter().map(|kind| Warning { place: statement.place.clone(), kind }).collect()
}

fn lint_principal(statement: &Statement, kinds: &mut Vec<WarningKind>) {
    let Some(rule) = &statement.principal else { return };
    match (statement.effect, rule.is_negated()) {
        (Effect::Deny, true) => kinds.push(WarningKind::NotPrincipalDeny),
        (Effect::Allow, negated) => {
            let narrowed = statement.conditions.iter().any(narrows);
            if (negated || rule.lists_everyone()) && !narrowed {
                kinds.push(WarningKind::Public);
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

fn lint_actions(statement: &Statement, kinds: &mut Vec<WarningKind>) {
    let rule = &statement.action;
    if rule.is_negated() && statement.effect == Effect::Allow {
        kinds.push(WarningKind::AllowNotAction);
    }
    if rule.known() == 0 {
        kinds.push(WarningKind::NoServedAction);
    }
}

fn lint_resources(statement: &Statement, kinds: &mut Vec<WarningKind>) {
    let rule = &statement.resource;
    if rule.negated && statement.effect == Effect::Allow {
        kinds.push(WarningKind::AllowNotResource);
    }
    for pattern in &rule.patterns {
        if !is_served(pattern) {
            kinds.push(WarningKind::NoServedResource(pattern.to_string()));
        } else if is_loose(pattern) {
            kinds.push(WarningKind::LooseBucket(pattern.to_string()));
        }
    }
    let objects = rule.patterns.iter().all(is_of_objects).then(|| rule.patterns.first()).flatten();
    if let (Some(resource), false) = (objects, rule.negated)
        && let Some(action) = asked_on_bucket(statement)
    {
        kinds.push(WarningKind::BucketNotListed { action, resource: resource.to_string() });
    }
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

/// An action on buckets that the statement means: `s3:*` on objects is common and means the objects.
fn asked_on_bucket(statement: &Statement) -> Option<&'static str> {
    let of_buckets = [
        Action::ListBucket,
        Action::ListBucketVersions,
        Action::ListBucketMultipartUploads,
        Action::GetBucketLocation,
    ];
    let names_it = |pattern: &ActionPattern, action: Action| match pattern {
        ActionPattern::Any => false,
        ActionPattern::Named { name, .. } => {
            *name.tokens() != [Token::Star] && pattern.matches(action.name())
        }
    };
    let rule = &statement.action;
    let asked = |action: &Action| !rule.is_negated() && rule.patterns().iter().any(|p| names_it(p, *action));
    of_buckets.into_iter().find(asked).map(Action::name)
}

fn lint_for_all(test: &Test, statement: &Statement, kinds: &mut Vec<WarningKind>) {
    let asks_presence = |other: &Test| {
        other.key == test.key && matches!(&other.operand, Operand::Absent(wanted) if !wanted.contains(&true))
    };
    if test.operator.quantifier == Quantifier::All && !statement.conditions.iter().any(asks_presence) {
        kinds.push(WarningKind::VacuousForAll(test.key.to_string()));
    }
}

/// A Deny for "not from there" also hits those of whom nothing is known; usually meant, often not foreseen.
fn lint_network_deny(statement: &Statement, kinds: &mut Vec<WarningKind>) {
    let is_network = |test: &&Test| {
        matches!(
            test.key.key(),
            Some(
                Key::SourceIp
                    | Key::VpcSourceIp
                    | Key::SourceVpc
                    | Key::SourceVpce
                    | Key::SourceVpcArn
                    | Key::VpceAccount
                    | Key::VpceOrgId
            )
        )
    };
    let mut tests = statement.conditions.iter().filter(is_network);
    let (Some(test), None) = (tests.next(), tests.next()) else { return };
    if !test.operator.negated {
        return;
    }
    match (test.key.key(), &test.operand) {
        (Some(Key::SourceIp), Operand::Ips(ranges)) => {
            kinds.push(WarningKind::DeniesEndpoints);
            match ranges.families() {
                (true, false) => kinds.push(WarningKind::DeniesFamily("IPv6")),
                (false, true) => kinds.push(WarningKind::DeniesFamily("IPv4")),
                _ => {}
            }
        }
        (_, Operand::Text(set)) => {
            let names: Vec<_> = set.literals().map(String::from_utf8_lossy).collect();
            kinds.push(WarningKind::DeniesOutside(names.join(", ")));
        }
        _ => {}
    }
}

/// Values that their key never has.
fn lint_values(test: &Test, kinds: &mut Vec<WarningKind>) {
    let known: &[&'static str] = match test.key.key() {
        Some(Key::AuthType) => &["REST-HEADER", "REST-QUERY-STRING", "POST"],
        Some(Key::SignatureVersion) => &["AWS", "AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"],
        Some(Key::SignatureAge) => return lint_age(test, kinds),
        _ => return,
    };
    let Operand::Text(set) = &test.operand else { return };
    if test.operator.comparison == Comparison::StringEqualsIgnoreCase {
        return;
    }
    for text in set.literals() {
        let meant = known.iter().find(|known| known.as_bytes().eq_ignore_ascii_case(text));
        if let Some(expected) = meant.filter(|known| known.as_bytes() != text) {
            let found = String::from_utf8_lossy(text).into_owned();
            kinds.push(WarningKind::NeverValue { key: test.key.to_string(), found, expected });
        }
    }
}

fn lint_age(test: &Test, kinds: &mut Vec<WarningKind>) {
    let Operand::Numbers(_, list) = &test.operand else { return };
    let short = |age: &&Decimal| **age > Decimal::from_int(0) && **age < Decimal::from_int(1000);
    kinds.extend(list.iter().find(short).map(|age| WarningKind::AgeInSeconds(age.to_string())));
}

#[cfg(test)]
mod tests;
