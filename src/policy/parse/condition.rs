//! The Condition element: operators, keys and typed values.
//! It must not accept a value that its operator could not compare.

use super::elements::check_length;
use super::json::{Member, Node};
use super::report::Report;
use crate::policy::arn::ArnPattern;
use crate::policy::condition::{Operand, Test, TextSet};
use crate::policy::error::{ErrorKind, Place, WarningKind};
use crate::policy::key::{Arity, Key, KeyRef, KeyType, Known};
use crate::policy::operator::{Comparison, Operator, Quantifier};
use crate::policy::pattern::{Case, Pattern, Syntax, Token, Variables};
use crate::policy::value::{Decimal, Instant, IpRanges, base64, ip, parse_bool};

/// Reads a Condition: its tests and where they stand. `None` if something is wrong with it, which has then been reported.
pub(super) fn read(member: &Member, report: &mut Report<'_>) -> Option<(Vec<Test>, Vec<Place>)> {
    report.inside_member(member, |report, node| {
        let (mut tests, mut places, mut clean) = (Vec::new(), Vec::new(), true);
        for member in report.object(node)? {
            match read_operator(member, report) {
                Some((more, at)) => {
                    tests.extend(more);
                    places.extend(at);
                }
                None => clean = false,
            }
        }
        clean.then_some((tests, places))
    })
}

/// The tests of one operator, one for each key, and where they stand.
fn read_operator(member: &Member, report: &mut Report<'_>) -> Option<(Vec<Test>, Vec<Place>)> {
    let operator = match Operator::parse(&member.name) {
        Ok(operator) => operator,
        Err(error) => {
            report.error(member.at, ErrorKind::Operator(member.name.clone(), error));
            return None;
        }
    };
    report.inside_member(member, |report, node| {
        let members = report.object(node)?;
        if members.is_empty() {
            report.error(node.at, ErrorKind::Empty);
            return None;
        }
        let mut tests: Vec<Test> = Vec::with_capacity(members.len());
        let mut places = Vec::with_capacity(members.len());
        let mut clean = true;
        for member in members {
            match read_test(operator, member, report) {
                Some(test) if tests.iter().any(|earlier| earlier.key == test.key) => {
                    report.error(member.at, ErrorKind::Duplicate(member.name.clone()));
                    clean = false;
                }
                Some(test) => {
                    tests.push(test);
                    places.push(report.inside_member(member, |report, _| report.place(member.at)));
                }
                None => clean = false,
            }
        }
        clean.then_some((tests, places))
    })
}

fn read_test(operator: Operator, member: &Member, report: &mut Report<'_>) -> Option<Test> {
    let Some(key) = KeyRef::parse(&member.name) else {
        report.error(member.at, ErrorKind::Key(member.name.clone()));
        return None;
    };
    if !check_key(member.at, &key, report) {
        return None;
    }
    if let Some(known) = key.key() {
        let set = operator.quantifier != Quantifier::One || operator.comparison == Comparison::Null;
        if known.arity() == Arity::Many && !set {
            report.error(member.at, ErrorKind::NeedsSetPrefix(member.name.clone()));
            return None;
        }
        if !fits(operator.comparison, known.kind()) {
            let (operator, key) = (operator.to_string(), member.name.clone());
            report.warn(member.at, WarningKind::TypeMismatch { operator, key });
        }
    }
    let operand = report.inside_member(member, |report, node| read_operand(operator, node, report))?;
    Some(Test { operator, key, operand })
}

/// Whether the key may be used; warns of keys that no request has.
fn check_key(at: usize, key: &KeyRef, report: &mut Report<'_>) -> bool {
    if report.options().any_key {
        return true;
    }
    match key.key().map(Key::known) {
        Some(Known::Gate) => {}
        Some(Known::Never) => {
            report.error(at, ErrorKind::UnknowableKey(key.to_string()));
            return false;
        }
        Some(Known::NeverPresent) => report.warn(at, WarningKind::NeverPresentKey(key.to_string())),
        None => report.warn(at, WarningKind::UnknownKey(key.to_string())),
    }
    true
}

/// Checks the keys of the variables in a pattern as keys of conditions are.
pub(super) fn check_variables(node: &Node, pattern: &Pattern, report: &mut Report<'_>) {
    for token in pattern.tokens() {
        if let Token::Var(variable) = token {
            // the verdict is in the report: an unusable key is an error there
            check_key(node.at, &variable.key, report);
        }
    }
}

/// Whether values of a key can pass an operator that is not negated.
const fn fits(comparison: Comparison, kind: KeyType) -> bool {
    match comparison {
        Comparison::Null => true,
        Comparison::StringEquals | Comparison::StringEqualsIgnoreCase | Comparison::StringLike => {
            matches!(kind, KeyType::String | KeyType::Arn | KeyType::Bool)
        }
        Comparison::Numeric(_) => matches!(kind, KeyType::Numeric | KeyType::Epoch),
        Comparison::Date(_) => matches!(kind, KeyType::Date | KeyType::Epoch),
        Comparison::Bool => matches!(kind, KeyType::Bool),
        Comparison::Binary => false,
        Comparison::IpAddress => matches!(kind, KeyType::Ip),
        Comparison::Arn => matches!(kind, KeyType::Arn),
    }
}

fn read_operand(operator: Operator, node: &Node, report: &mut Report<'_>) -> Option<Operand> {
    match operator.comparison {
        Comparison::StringEquals => text_set(node, Case::Exact, false, report),
        Comparison::StringEqualsIgnoreCase => text_set(node, Case::IgnoreAscii, false, report),
        Comparison::StringLike => text_set(node, Case::Exact, true, report),
        Comparison::Numeric(order) => {
            let read =
                |text: &str| Decimal::parse(text.as_bytes()).ok_or_else(|| ErrorKind::Number(text.into()));
            plain(node, report, read).map(|list| Operand::Numbers(order, list))
        }
        Comparison::Date(order) => plain(node, report, read_date).map(|list| Operand::Dates(order, list)),
        Comparison::Bool => plain(node, report, read_bool).map(Operand::Bools),
        Comparison::Null => plain(node, report, read_bool).map(Operand::Absent),
        Comparison::Binary => {
            let read =
                |text: &str| base64::decode(text.as_bytes()).ok_or_else(|| ErrorKind::Base64(text.into()));
            plain(node, report, read).map(Operand::Bytes)
        }
        Comparison::IpAddress => {
            let read = |text: &str| ip::parse_range(text).map_err(|error| ErrorKind::Ip(text.into(), error));
            plain(node, report, read).map(|nets| Operand::Ips(IpRanges::new(nets)))
        }
        Comparison::Arn => arns(node, report).map(Operand::Arns),
    }
}

fn read_date(text: &str) -> Result<Instant, ErrorKind> {
    Instant::parse(text).ok_or_else(|| {
        let digits = text.strip_prefix('-').unwrap_or(text);
        if digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            ErrorKind::AmbiguousDate(text.into())
        } else {
            ErrorKind::Date(text.into())
        }
    })
}

fn read_bool(text: &str) -> Result<bool, ErrorKind> {
    parse_bool(text.as_bytes()).ok_or_else(|| ErrorKind::Bool(text.into()))
}

/// Values of a type that has no variables; `None` if one of them is wrong.
fn plain<T>(
    node: &Node,
    report: &mut Report<'_>,
    read: impl Fn(&str) -> Result<T, ErrorKind>,
) -> Option<Vec<T>> {
    values(node, report, |report, _, text| {
        if text.contains("${") && report.variables() != Variables::Literal {
            return Err(ErrorKind::Variable(text.into()));
        }
        read(text)
    })
}

fn text_set(node: &Node, case: Case, wildcards: bool, report: &mut Report<'_>) -> Option<Operand> {
    let patterns = values(node, report, |report, node, text| {
        let pattern = Pattern::parse(text, Syntax { wildcards, variables: report.variables() })
            .map_err(ErrorKind::Pattern)?;
        check_variables(node, &pattern, report);
        Ok(pattern)
    })?;
    Some(Operand::Text(TextSet::new(case, patterns)))
}

fn arns(node: &Node, report: &mut Report<'_>) -> Option<Vec<ArnPattern>> {
    values(node, report, |report, node, text| {
        let arn = ArnPattern::parse(text, report.variables())
            .map_err(|error| ErrorKind::Arn(text.into(), error))?;
        for at in 0..6 {
            check_variables(node, arn.part(at), report);
        }
        Ok(arn)
    })
}

/// Reads each value; `None` if one of them is wrong, which has then been reported.
fn values<T>(
    node: &Node,
    report: &mut Report<'_>,
    read: impl Fn(&mut Report<'_>, &Node, &str) -> Result<T, ErrorKind>,
) -> Option<Vec<T>> {
    let list = report.each(node, |report, node| {
        let text = report.scalar(node)?;
        if !check_length(node, text, report) {
            return Some(None);
        }
        match read(report, node, text) {
            Ok(value) => Some(Some(value)),
            Err(kind) => {
                report.error(node.at, kind);
                Some(None)
            }
        }
    });
    list.into_iter().collect()
}
