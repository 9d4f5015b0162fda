//! The operation table as Markdown, for the documentation.
//! It must not leave out a row: what the gate knows is what this shows.

use super::row::{On, Row, Term, TermValue};
use super::table::{Verb, rows};
use crate::s3::address::Scope;
use std::fmt::Write as _;

const SCOPES: [(Scope, &str); 3] =
    [(Scope::Service, "/"), (Scope::Bucket, "/BUCKET"), (Scope::Object, "/BUCKET/KEY")];

const VERBS: [(Verb, &str); 5] = [
    (Verb::Get, "GET"),
    (Verb::Head, "HEAD"),
    (Verb::Put, "PUT"),
    (Verb::Post, "POST"),
    (Verb::Delete, "DELETE"),
];

/// Every request that is an operation, and the actions that it may need.
#[must_use]
pub fn markdown() -> String {
    let mut text = "| operation | request | actions |\n|---|---|---|\n".to_owned();
    for (scope, path) in SCOPES {
        for (verb, method) in VERBS {
            for row in rows(verb, scope) {
                let (request, actions) = (request(row, method, path), actions(row));
                // writing to a String cannot fail
                let _ = writeln!(text, "| `{}` | `{request}` | {actions} |", row.operation.name());
            }
        }
    }
    text
}

fn request(row: &Row, method: &str, path: &str) -> String {
    let selector = row.selector.map(str::to_owned);
    let query: Vec<String> = selector.into_iter().chain(row.query.iter().map(|it| term(it, "="))).collect();
    let mark = if query.is_empty() { "" } else { "?" };
    let headers = row.headers.iter().fold(String::new(), |text, it| text + " + " + &term(it, ": "));
    format!("{method} {path}{mark}{}{headers}", query.join("&"))
}

fn term(term: &Term, sign: &str) -> String {
    match term.value {
        TermValue::Any => term.name.to_owned(),
        TermValue::Equals(value) => format!("{}{sign}{value}", term.name),
        TermValue::StartsWith(value) => format!("{}{sign}{value}…", term.name),
    }
}

fn actions(row: &Row) -> String {
    let mut seen: Vec<String> = Vec::new();
    for need in row.needs {
        let on = match need.on {
            On::CopySource => " on the source",
            On::BodyObjects => " on every object of the body",
            On::FormObject => " on the object of the form",
            On::Service | On::Bucket | On::Object => "",
        };
        let sometimes = if need.when.is_empty() { "" } else { " (sometimes)" };
        let shown = format!("`{}`{on}{sometimes}", need.action.name());
        if !seen.contains(&shown) {
            seen.push(shown);
        }
    }
    seen.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::s3::operation::Operation;

    #[test]
    fn every_operation_is_shown() {
        let text = markdown();
        assert!(text.contains("| `GetObject` | `GET /BUCKET/KEY` | `s3:GetObject` (sometimes)"), "{text}");
        let shown = |operation: &&Operation| text.contains(&format!("| `{}` |", operation.name()));
        let missing: Vec<_> = Operation::ALL.iter().filter(|it| !shown(it)).map(|it| it.name()).collect();
        assert_eq!(missing, ["CORSPreflight"], "of another method");
    }
}
