//! From JSON text to a policy document, strictly: what is not understood is refused, and all errors are told together.
//! It must not accept what another reader of the same text could take for something else.

mod condition;
mod elements;
mod json;
mod report;
mod statement;

use super::document::{Document, Kind, Statement, Version};
use super::error::{ErrorKind, PolicyError, Warning, WarningKind};

use json::{Json, Member, Node};
use report::Report;

/// Bytes of a document. AWS takes 20 KB for a bucket policy; lists of addresses in files of one's own are longer.
pub const MAX_BYTES: usize = 16 * 1024 * 1024;
/// Statements of a document.
pub const MAX_STATEMENTS: usize = 100_000;
/// Values of one test, entries of one Action, Resource or Principal.
pub const MAX_VALUES: usize = 1_000_000;
/// Bytes of one value or pattern; keys of objects have at most 1,024.
pub const MAX_VALUE_BYTES: usize = 2048;
/// Bytes of a bucket policy that AWS takes.
const AWS_BYTES: usize = 20 * 1024;

/// The elements of a document.
const DOCUMENT: &[&str] = &["Version", "Id", "Statement"];

/// What a reader of documents tolerates beyond the rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ParseOptions {
    /// Every key may be used, also those that a gate cannot know: for test cases, which bring the values.
    pub any_key: bool,
    /// `NotPrincipal` may stand in an Allow: for test cases.
    pub allow_not_principal_allow: bool,
    /// `${` that is not closed is text: for test cases.
    pub unclosed_variable_is_literal: bool,
}

/// A document that has been read, and what is doubtful about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// The document.
    pub document: Document,
    /// What is legal, but probably not meant; `lint` finds more.
    pub warnings: Vec<Warning>,
}

/// Reads a document.
///
/// # Errors
/// All that is wrong with it, each with path, line and column.
pub fn parse(text: &str, kind: Kind, options: &ParseOptions) -> Result<Parsed, Vec<PolicyError>> {
    let mut report = Report::new(Some(text), kind, *options);
    if text.len() > MAX_BYTES {
        report.error(0, ErrorKind::TooLarge(text.len(), MAX_BYTES));
        return report.finish(None);
    }
    if text.len() > AWS_BYTES && kind == Kind::Resource {
        report.warn(0, WarningKind::NotForAws("a bucket policy of more than 20 KB"));
    }
    let foreign = |char: char| !matches!(char, '\t' | '\n' | '\r' | '\u{20}'..='\u{ff}');
    if let Some(at) = text.find(foreign) {
        report.warn(at, WarningKind::NotForAws("a character beyond U+00FF, or a control character"));
    }
    let document = match json::read(text) {
        Ok(root) => read_document(&root, &mut report),
        Err((at, kind)) => {
            report.error(at, kind);
            None
        }
    };
    report.finish(document)
}

/// Reads a document that stands inside another file and has been read with it. Elements that stood twice cannot be
/// seen here any more: the reader of that file must refuse them. Places have paths only.
///
/// # Errors
/// All that is wrong with it, each with its path.
pub fn parse_value(
    value: &serde_json::Value,
    kind: Kind,
    options: &ParseOptions,
) -> Result<Parsed, Vec<PolicyError>> {
    let mut report = Report::new(None, kind, *options);
    let document = match json::convert(value) {
        Ok(root) => read_document(&root, &mut report),
        Err((at, kind)) => {
            report.error(at, kind);
            None
        }
    };
    report.finish(document)
}

/// Whether a statement of this document says for whom it is, as bucket and endpoint policies do.
#[must_use]
pub fn names_principals(text: &str) -> bool {
    let member = |node: &Node, names: &[&str]| match &node.value {
        Json::Object(members) => members
            .iter()
            .find(|member| names.contains(&member.name.as_str()))
            .map(|found| found.node.clone()),
        _ => None,
    };
    let names_one = |node: &Node| member(node, &["Principal", "NotPrincipal"]).is_some();
    let root = json::read(text).ok();
    root.and_then(|root| member(&root, &["Statement"])).is_some_and(|statements| match &statements.value {
        Json::List(nodes) => nodes.iter().any(names_one),
        _ => names_one(&statements),
    })
}

/// A name that stands twice in one object of this JSON text, which readers of JSON pass over.
#[must_use]
pub fn repeated_name(text: &str) -> Option<String> {
    fn within(node: &Node) -> Option<&str> {
        match &node.value {
            Json::List(nodes) => nodes.iter().find_map(within),
            Json::Object(members) => {
                let mut seen = std::collections::HashSet::new();
                let twice = members.iter().find(|member| !seen.insert(member.name.as_str()));
                let twice = twice.map(|member| member.name.as_str());
                twice.or_else(|| members.iter().find_map(|member| within(&member.node)))
            }
            _ => None,
        }
    }
    within(&json::read(text).ok()?).map(str::to_owned)
}

fn read_document(root: &Node, report: &mut Report<'_>) -> Option<Document> {
    let members = report.object(root)?;
    report.known_elements(members, DOCUMENT);
    let version =
        report.member(members, "Version").map_or(Some(Version::V2008), |node| read_version(node, report));
    // INVARIANT: statements are read after the version, which says whether `${` is a variable
    report.set_version(version.unwrap_or(Version::V2012));
    let id = report.member(members, "Id").and_then(|node| read_id(node, report));
    let statements = match report.member(members, "Statement") {
        None => {
            report.error(root.at, ErrorKind::Missing("Statement"));
            None
        }
        Some(node) => Some(read_statements(node, report)),
    };
    Some(Document { kind: report.kind(), version: version?, id, statements: statements? })
}

fn read_version(member: &Member, report: &mut Report<'_>) -> Option<Version> {
    report.inside_member(member, |report, node| match report.text(node)? {
        "2012-10-17" => Some(Version::V2012),
        "2008-10-17" => Some(Version::V2008),
        other => {
            report.error(node.at, ErrorKind::Version(other.into()));
            None
        }
    })
}

fn read_id(member: &Member, report: &mut Report<'_>) -> Option<String> {
    report.inside_member(member, |report, node| {
        if !report.kind().has_principals() {
            report.error(node.at, ErrorKind::NotInKind { element: "Id", kind: report.kind() });
            return None;
        }
        report.text(node).map(str::to_owned)
    })
}

fn read_statements(member: &Member, report: &mut Report<'_>) -> Vec<Statement> {
    report.inside_member(member, |report, node| {
        let nodes = report.one_or_many(node, MAX_STATEMENTS);
        let listed = matches!(node.value, Json::List(_));
        let mut sids = std::collections::HashSet::new();
        let mut statements = Vec::with_capacity(nodes.len());
        for (at, node) in nodes.iter().enumerate() {
            if listed {
                report.enter_index(at);
            }
            if let Some(statement) = statement::read(node, report) {
                if let Some(sid) = statement.sid.clone()
                    && !sids.insert(sid.clone())
                {
                    report.error(node.at, ErrorKind::DuplicateSid(sid));
                }
                statements.push(statement);
            }
            if listed {
                report.leave();
            }
        }
        statements
    })
}

#[cfg(test)]
mod tests;
