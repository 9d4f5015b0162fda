//! The values of Principal, Action and Resource.
//! It must not read conditions.

use super::MAX_VALUE_BYTES;
use super::json::{Json, Member, Node};
use super::report::Report;
use crate::policy::action_names;
use crate::policy::arn::ArnPattern;
use crate::policy::document::{ActionPattern, ActionRule, ResourcePattern, ResourceRule};
use crate::policy::error::{ErrorKind, WarningKind};
use crate::policy::pattern::{Pattern, Syntax, Variables};
use crate::policy::principal::{Entry, PrincipalRule};

/// A text of a reasonable length; the limit keeps the cost of matching small.
pub(super) fn bounded<'n>(node: &'n Node, report: &mut Report<'_>) -> Option<&'n str> {
    let text = report.text(node)?;
    check_length(node, text, report).then_some(text)
}

/// Whether the text is short enough; reports it if not. Warns of `${` where it is literal.
pub(super) fn check_length(node: &Node, text: &str, report: &mut Report<'_>) -> bool {
    if text.len() > MAX_VALUE_BYTES {
        report.error(node.at, ErrorKind::TooLong(text.len(), MAX_VALUE_BYTES));
        return false;
    }
    if report.variables() == Variables::Literal && text.contains("${") {
        report.warn(node.at, WarningKind::LiteralVariable);
    }
    true
}

pub(super) fn read_actions(negated: bool, member: &Member, report: &mut Report<'_>) -> Option<ActionRule> {
    report.inside_member(member, |report, node| {
        let patterns = report.each(node, |report, node| read_action(node, report));
        (!patterns.is_empty()).then(|| ActionRule::new(negated, patterns))
    })
}

fn read_action(node: &Node, report: &mut Report<'_>) -> Option<ActionPattern> {
    let text = bounded(node, report)?;
    if text == "*" {
        return Some(ActionPattern::Any);
    }
    let refuse = |report: &mut Report<'_>, kind: ErrorKind| {
        report.error(node.at, kind);
        None
    };
    if text.contains("${") {
        return refuse(report, ErrorKind::Variable(text.into()));
    }
    let Some((service, name)) = text.split_once(':') else {
        return refuse(report, ErrorKind::Action(text.into()));
    };
    if service.contains(['*', '?']) {
        return refuse(report, ErrorKind::ActionService(text.into()));
    }
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'*' | b'?' | b'-' | b'_');
    if service.is_empty() || !service.bytes().all(is_word) || name.is_empty() || !name.bytes().all(is_name) {
        return refuse(report, ErrorKind::Action(text.into()));
    }
    let literal = !name.contains(['*', '?']);
    if literal && service.eq_ignore_ascii_case("s3") && !action_names::exists(text) {
        report.warn(node.at, WarningKind::UnknownAction(text.into()));
    }
    // INVARIANT: without variables every text is a pattern
    let name = Pattern::parse(name, Syntax { wildcards: true, variables: Variables::Literal }).ok()?;
    Some(ActionPattern::Named { service: service.to_ascii_lowercase(), name })
}

pub(super) fn read_resources(
    negated: bool,
    member: &Member,
    report: &mut Report<'_>,
) -> Option<ResourceRule> {
    report.inside_member(member, |report, node| {
        let patterns = report.each(node, |report, node| {
            let text = bounded(node, report)?;
            if text == "*" {
                return Some(ResourcePattern::Any);
            }
            match ArnPattern::parse_resource(text, report.variables()) {
                Ok(arn) => {
                    super::condition::check_variables(node, arn.resource(), report);
                    Some(ResourcePattern::Arn(arn))
                }
                Err(error) => {
                    report.error(node.at, ErrorKind::Resource(text.into(), error));
                    None
                }
            }
        });
        (!patterns.is_empty()).then_some(ResourceRule { negated, patterns })
    })
}

pub(super) fn read_principals(
    negated: bool,
    member: &Member,
    report: &mut Report<'_>,
) -> Option<PrincipalRule> {
    report.inside_member(member, |report, node| {
        let entries = match &node.value {
            Json::Text(text) if text == "*" => vec![Entry::Everyone],
            Json::Text(text) => {
                report.error(node.at, ErrorKind::PrincipalText(text.clone()));
                Vec::new()
            }
            _ => {
                let members = report.object(node)?;
                if members.is_empty() {
                    report.error(node.at, ErrorKind::Empty);
                }
                members.iter().flat_map(|member| read_typed_principals(member, report)).collect()
            }
        };
        (!entries.is_empty()).then(|| PrincipalRule::new(negated, entries))
    })
}

fn read_typed_principals(member: &Member, report: &mut Report<'_>) -> Vec<Entry> {
    report.inside_member(member, |report, node| {
        report.each(node, |report, node| {
            let text = bounded(node, report)?;
            let entry = match member.name.as_str() {
                "AWS" => Entry::parse_aws(text).map_err(|error| ErrorKind::Principal(text.into(), error)),
                "CanonicalUser" => canonical_user(text),
                "Federated" | "Service" if text.is_empty() => Err(ErrorKind::Empty),
                "Federated" | "Service" => Ok(Entry::Nobody(text.into())),
                other => Err(ErrorKind::PrincipalType(other.into())),
            };
            match entry {
                Ok(entry) => {
                    if let Entry::Nobody(name) = &entry {
                        report.warn(node.at, WarningKind::NobodyPrincipal(name.clone()));
                    }
                    Some(entry)
                }
                Err(kind) => {
                    report.error(node.at, kind);
                    None
                }
            }
        })
    })
}

fn canonical_user(text: &str) -> Result<Entry, ErrorKind> {
    if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        Ok(Entry::CanonicalUser(text.to_ascii_lowercase()))
    } else {
        Err(ErrorKind::CanonicalUser(text.into()))
    }
}
