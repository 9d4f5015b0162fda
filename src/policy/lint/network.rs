//! Deny statements for "not from there", which also hit those of whom nothing is known.
//! It must not say that they are wrong: they are usually meant, but often not foreseen.

use super::Findings;
use crate::policy::condition::{Operand, Test};
use crate::policy::document::{Document, Effect, Statement};
use crate::policy::error::WarningKind;
use crate::policy::key::Key;

pub(super) fn lint(statement: &Statement, findings: &mut Findings) {
    let Some((at, test)) = only_network_test(statement).filter(|(_, test)| test.operator.negated) else {
        return;
    };
    let place = statement.places.tests.get(at).unwrap_or(&statement.places.statement);
    match (test.key.key(), &test.operand) {
        (Some(Key::SourceIp), Operand::Ips(ranges)) => {
            findings.push(place, WarningKind::DeniesEndpoints);
            match ranges.families() {
                (true, false) => findings.push(place, WarningKind::DeniesFamily("IPv6")),
                (false, true) => findings.push(place, WarningKind::DeniesFamily("IPv4")),
                _ => {}
            }
        }
        (_, Operand::Text(set)) => {
            let names: Vec<_> = set.literals().map(String::from_utf8_lossy).collect();
            findings.push(place, WarningKind::DeniesOutside(names.join(", ")));
        }
        _ => {}
    }
}

/// A Deny for "not from these addresses" beside one for "not through this endpoint": no request escapes both.
pub(super) fn lint_pairs(document: &Document, findings: &mut Findings) {
    let of_everybody = |statement: &&Statement| {
        let everybody =
            statement.principal.as_ref().is_none_or(super::super::principal::PrincipalRule::lists_everyone);
        statement.effect == Effect::Deny && everybody
    };
    let mut by_address = None;
    let mut by_endpoint = None;
    for (number, statement) in document.statements.iter().enumerate().filter(|(_, it)| of_everybody(it)) {
        let tests = statement.conditions.iter().filter(|test| !super::always_holds(test)).count();
        let negated = only_network_test(statement).filter(|(_, test)| test.operator.negated && tests == 1);
        let Some((at, test)) = negated else { continue };
        let slots = match test.key.key() {
            Some(Key::SourceIp) => (&mut by_address, &by_endpoint),
            _ => (&mut by_endpoint, &by_address),
        };
        let label = statement.sid.clone().unwrap_or_else(|| format!("statement[{number}]"));
        if let Some(other) = slots.1 {
            let place = statement.places.tests.get(at).unwrap_or(&statement.places.statement);
            findings.push(place, WarningKind::DeniesBothWays(String::clone(other)));
        }
        slots.0.get_or_insert(label);
    }
}

/// The one test of the network path, if there is just one.
fn only_network_test(statement: &Statement) -> Option<(usize, &Test)> {
    let is_network = |test: &Test| {
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
    let mut tests = statement.conditions.iter().enumerate().filter(|(_, test)| is_network(test));
    match (tests.next(), tests.next()) {
        (Some(test), None) => Some(test),
        _ => None,
    }
}
