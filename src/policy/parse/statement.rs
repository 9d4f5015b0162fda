//! One statement: which elements it must have, may have and must not have.
//! It must not read the values of the elements.

use super::json::{Member, Node};
use super::report::Report;
use super::{condition, elements};
use crate::policy::document::{Effect, Kind, Places, Statement};
use crate::policy::error::{ErrorKind, Place, WarningKind};
use crate::policy::principal::PrincipalRule;

/// The elements of a statement.
pub(super) const ELEMENTS: &[&str] = &[
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
];

/// Reads a statement; `None` if something is wrong with it, which has then been reported.
pub(super) fn read(node: &Node, report: &mut Report<'_>) -> Option<Statement> {
    let place = report.statement_place(node.at);
    let members = report.object(node)?;
    report.known_elements(members, ELEMENTS);
    let sid = report.member(members, "Sid").and_then(|member| read_sid(member, report));
    let effect = match report.member(members, "Effect") {
        Some(member) => read_effect(member, report),
        None => missing(node, "Effect", report),
    };
    let principal = read_principal(node, members, effect, report);
    let action = one_of(node, members, ["Action", "NotAction"], report)
        .and_then(|(negated, member)| elements::read_actions(negated, member, report));
    let resource = one_of(node, members, ["Resource", "NotResource"], report)
        .and_then(|(negated, member)| elements::read_resources(negated, member, report));
    let conditions = report
        .member(members, "Condition")
        .map_or(Some((Vec::new(), Vec::new())), |member| condition::read(member, report));
    if report.kind() == Kind::Guardrail && effect == Some(Effect::Allow) {
        report.warn(node.at, WarningKind::AllowWithoutEffect(Kind::Guardrail));
    }
    let (conditions, tests) = conditions?;
    let mut place_of = |names: [&str; 2]| {
        let member = names.into_iter().find_map(|name| report.member(members, name));
        member.map_or_else(Place::default, |member| {
            report.inside_member(member, |report, _| report.place(member.at))
        })
    };
    let places = Places {
        principal: place_of(["Principal", "NotPrincipal"]),
        action: place_of(["Action", "NotAction"]),
        resource: place_of(["Resource", "NotResource"]),
        statement: place,
        tests,
    };
    Some(Statement {
        places: Box::new(places),
        sid,
        effect: effect?,
        principal: principal.ok()?,
        action: action?,
        resource: resource?,
        conditions,
    })
}

fn missing<T>(node: &Node, name: &'static str, report: &mut Report<'_>) -> Option<T> {
    report.error(node.at, ErrorKind::Missing(name));
    None
}

fn read_sid(member: &Member, report: &mut Report<'_>) -> Option<String> {
    report.inside_member(member, |report, node| {
        let sid = report.text(node)?;
        if sid.is_empty() {
            report.error(node.at, ErrorKind::Empty);
            return None;
        }
        if sid.chars().any(char::is_control) {
            report.error(node.at, ErrorKind::Sid(sid.into()));
            return None;
        }
        Some(sid.to_owned())
    })
}

fn read_effect(member: &Member, report: &mut Report<'_>) -> Option<Effect> {
    report.inside_member(member, |report, node| match report.text(node)? {
        "Allow" => Some(Effect::Allow),
        "Deny" => Some(Effect::Deny),
        other => {
            report.error(node.at, ErrorKind::Effect(other.into()));
            None
        }
    })
}

/// The one of two elements that stands there, and whether it is the second, the negated one.
fn one_of<'n>(
    node: &Node,
    members: &'n [Member],
    names: [&'static str; 2],
    report: &mut Report<'_>,
) -> Option<(bool, &'n Member)> {
    let [plain, negated] = names;
    match (report.member(members, plain), report.member(members, negated)) {
        (Some(member), None) => Some((false, member)),
        (None, Some(member)) => Some((true, member)),
        (None, None) => missing(node, plain, report),
        (Some(_), Some(second)) => {
            report.error(second.at, ErrorKind::Both(plain, negated));
            None
        }
    }
}

/// Something was wrong and has been reported.
struct Reported;

/// The rule; `None` where the kind of document has none.
fn read_principal(
    node: &Node,
    members: &[Member],
    effect: Option<Effect>,
    report: &mut Report<'_>,
) -> Result<Option<PrincipalRule>, Reported> {
    if !report.kind().has_principals() {
        let mut clean = true;
        for name in ["Principal", "NotPrincipal"] {
            if let Some(member) = report.member(members, name) {
                report.error(member.at, ErrorKind::NotInKind { element: name, kind: report.kind() });
                clean = false;
            }
        }
        return clean.then_some(None).ok_or(Reported);
    }
    let (negated, member) = one_of(node, members, ["Principal", "NotPrincipal"], report).ok_or(Reported)?;
    if negated && effect == Some(Effect::Allow) && !report.options().allow_not_principal_allow {
        report.error(member.at, ErrorKind::NotPrincipalAllow);
    }
    elements::read_principals(negated, member, report).map(Some).ok_or(Reported)
}
