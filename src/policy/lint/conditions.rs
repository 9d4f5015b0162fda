//! Tests that do not say what they seem to say: missing keys, values that never come, tests that exclude each other.
//! It must not judge the network path on its own: `network.rs` does.

use super::{Findings, always_present, needs_value, presence_is_asked};
use crate::policy::action_keys;
use crate::policy::condition::{Operand, Test};
use crate::policy::document::{Document, Effect, Statement};
use crate::policy::error::{Place, WarningKind};
use crate::policy::key::Key;
use crate::policy::operator::{Comparison, Order, Quantifier};
use crate::policy::value::Decimal;
use crate::s3::action::Action;

pub(super) fn lint(document: &Document, statement: &Statement, findings: &mut Findings) {
    for (test, place) in statement.conditions.iter().zip(&statement.places.tests) {
        lint_values(test, place, findings);
        lint_actions(test, statement, place, findings);
        match statement.effect {
            Effect::Allow => lint_allow(test, statement, place, findings),
            Effect::Deny => lint_deny(test, document, place, findings),
        }
    }
    lint_together(statement, findings);
}

/// An Allow that a request without the key passes.
fn lint_allow(test: &Test, statement: &Statement, place: &Place, findings: &mut Findings) {
    if presence_is_asked(test, statement) || test.key.key().is_some_and(always_present) {
        return;
    }
    let operator = test.operator;
    match operator.quantifier {
        Quantifier::All => findings.push(place, WarningKind::VacuousForAll(test.key.to_string())),
        Quantifier::One if operator.if_exists || operator.negated => {
            let (operator, key) = (operator.to_string(), test.key.to_string());
            findings.push(place, WarningKind::AllowsMissing { operator, key });
        }
        Quantifier::One | Quantifier::Any => {}
    }
}

/// A Deny that a request without the key escapes, where the key's absence is no virtue.
fn lint_deny(test: &Test, document: &Document, place: &Place, findings: &mut Findings) {
    let (who, other) = match test.key.key() {
        Some(Key::SignatureAge) => ("those whose signature is in a header", Key::AuthType),
        Some(Key::TlsVersion) => ("those without TLS", Key::SecureTransport),
        _ => return,
    };
    let covers = |found: &Test| {
        found.key.key() == Some(other)
            || (found.key == test.key
                && matches!(&found.operand, Operand::Absent(wanted) if wanted.contains(&true)))
    };
    let denies = document.statements.iter().filter(|statement| statement.effect == Effect::Deny);
    if needs_value(test) && !denies.flat_map(|statement| &statement.conditions).any(covers) {
        findings.push(place, WarningKind::SparesMissing { key: test.key.to_string(), who });
    }
}

/// A key that no action of the statement has: the test is about a key that is always missing.
fn lint_actions(test: &Test, statement: &Statement, place: &Place, findings: &mut Findings) {
    let Some(key) = test.key.key().filter(|key| key.is_of_actions()) else { return };
    let covered = |action: &&Action| statement.action.known() & (1 << action.index()) != 0;
    let mut actions = Action::ALL.iter().filter(covered).peekable();
    if actions.peek().is_some() && actions.all(|action| action_keys::of(*action) & key.bit() == 0) {
        findings.push(place, WarningKind::KeyNotOfActions(test.key.to_string()));
    }
}

/// Tests of one statement that no request passes all.
fn lint_together(statement: &Statement, findings: &mut Findings) {
    let tests = || statement.conditions.iter().zip(&statement.places.tests);
    let direct = tests().find(|(test, _)| needs_value(test) && test.key.key() == Some(Key::SourceIp));
    for (test, place) in tests() {
        let excluded = match test.key.key() {
            // a request has a source address or comes through an endpoint, never both
            Some(
                Key::SourceVpc
                | Key::SourceVpce
                | Key::SourceVpcArn
                | Key::VpcSourceIp
                | Key::VpceAccount
                | Key::VpceOrgId,
            ) if needs_value(test) => direct.map(|(other, _)| other),
            _ => None,
        };
        let excluded = excluded.or_else(|| {
            let Operand::Absent(wanted) = &test.operand else { return None };
            let absent = !wanted.contains(&false);
            absent.then(|| {
                statement.conditions.iter().find(|other| other.key == test.key && needs_value(other))
            })?
        });
        let excluded = excluded.or_else(|| disjoint(test, statement));
        if let Some(other) = excluded {
            findings.push(place, WarningKind::NeverTogether(other.to_string()));
        }
    }
}

/// An earlier test that asks the same key for other values.
fn disjoint<'s>(test: &Test, statement: &'s Statement) -> Option<&'s Test> {
    let literal = |test: &Test| match &test.operand {
        Operand::Text(set) if needs_value(test) && test.operator.quantifier == Quantifier::One => {
            let exact = test.operator.comparison != Comparison::StringEqualsIgnoreCase;
            (exact && set.patterns().is_empty())
                .then(|| set.literals().map(<[u8]>::to_vec).collect::<Vec<_>>())
        }
        _ => None,
    };
    let own = literal(test)?;
    let earlier = statement.conditions.iter().take_while(|other| !std::ptr::eq(*other, test));
    earlier
        .filter(|other| other.key == test.key)
        .find(|other| literal(other).is_some_and(|values| !values.iter().any(|value| own.contains(value))))
}

/// Values that their key never has.
fn lint_values(test: &Test, place: &Place, findings: &mut Findings) {
    let known: &[&'static str] = match test.key.key() {
        Some(Key::AuthType) => &["REST-HEADER", "REST-QUERY-STRING", "POST"],
        Some(Key::SignatureVersion) => &["AWS", "AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"],
        Some(Key::SignatureAge) => return lint_age(test, place, findings),
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
            findings.push(place, WarningKind::NeverValue { key: test.key.to_string(), found, expected });
        }
    }
}

fn lint_age(test: &Test, place: &Place, findings: &mut Findings) {
    let Operand::Numbers(order, list) = &test.operand else { return };
    let zero = Decimal::from_int(0);
    let short = |age: &&Decimal| **age > zero && **age < Decimal::from_int(1000);
    // no age is negative
    let never = |age: &&Decimal| **age < zero || (**age == zero && *order == Order::Less);
    if let Some(age) = list.iter().find(short) {
        findings.push(place, WarningKind::AgeInSeconds(age.to_string()));
    } else if let Some(age) = list.iter().find(never) {
        let (key, found) = (test.key.to_string(), age.to_string());
        findings.push(place, WarningKind::NeverValue { key, found, expected: "0 or more" });
    }
}
