//! Reads policies: names of files, or documents in the config itself, which become JSON laid out as they stood there.
//! It must not know the policy language.

use std::fmt::Write as _;
use std::sync::Arc;

use super::super::keys::Form;
use super::super::model::PolicySource;
use super::super::model::identity::{PolicyDefault, PolicyRules};
use super::super::reader::{Fields, Reader, Reported, wrong_kind};
use super::super::tree::{Kind, Node, Place, Scalar};

pub(super) fn rules(fields: &Fields<'_>) -> Result<PolicyRules, Reported> {
    let default = fields.choice("default", &[("deny", PolicyDefault::Deny), ("pass", PolicyDefault::Pass)]);
    let guardrails = list(fields, "guardrails");
    let shadow = list(fields, "shadow");
    for (at, source) in shadow.iter().flatten().enumerate() {
        if shadow.iter().flatten().take(at).any(|earlier| earlier.name == source.name) {
            let message = format!("shadow policy `{}` is given twice", source.name);
            fields.reader.error(source.at, &source.path, message, "remove one of them");
        }
    }
    if let (Ok(PolicyDefault::Pass), Some(node)) = (&default, fields.node("default")) {
        let message = "`policy.default: pass` forwards what no policy allows".to_owned();
        let hint = "the upstream must decide on its own who may do what";
        fields.reader.warning(node.at, "policy.default", message, hint);
    }
    Ok(PolicyRules { default: default?, guardrails: guardrails?, shadow: shadow? })
}

/// The policies of a list; none if it is left out.
pub(super) fn list(fields: &Fields<'_>, name: &'static str) -> Result<Vec<PolicySource>, Reported> {
    fields.list(name, |node, path| read(fields.reader, node, path))
}

/// A policy that is given, or needed.
pub(super) fn policy(fields: &Fields<'_>, name: &'static str) -> Result<PolicySource, Reported> {
    read(fields.reader, fields.needed(name)?, &fields.path_of(name))
}

fn read(reader: &Reader<'_>, node: &Node, path: &str) -> Result<PolicySource, Reported> {
    match &node.kind {
        Kind::Scalar(scalar) => from_file(reader, node, path, &scalar.text),
        Kind::Map(_) => Ok(PolicySource {
            name: path.to_owned(),
            text: json(node).into(),
            file: reader.file.to_owned(),
            line_offset: node.at.line.saturating_sub(1),
            at: node.at,
            path: path.to_owned(),
        }),
        Kind::Null | Kind::List(_) => Err(wrong_kind(reader, node, path, Form::Policy)),
    }
}

fn from_file(reader: &Reader<'_>, node: &Node, path: &str, name: &str) -> Result<PolicySource, Reported> {
    let file = reader.locate(name);
    let known = reader.policy_files.borrow().get(&file).cloned();
    let text = match known {
        Some(text) => text,
        None => read_text(reader, name).map_err(|why| {
            let hint = "name a file, relative to the config file, or write the document here";
            reader.error(node.at, path, why, hint)
        })?,
    };
    reader.policy_files.borrow_mut().insert(file.clone(), Arc::clone(&text));
    Ok(PolicySource {
        name: name.to_owned(),
        text,
        file: file.display().to_string(),
        line_offset: 0,
        at: node.at,
        path: path.to_owned(),
    })
}

/// The text of a policy file, or what to say about it.
fn read_text(reader: &Reader<'_>, name: &str) -> Result<Arc<str>, String> {
    let (_, content) = reader.read_file(name).map_err(|error| error.to_string())?;
    let text = std::str::from_utf8(content.bytes.expose()).map_err(|_| format!("`{name}` is not UTF-8"))?;
    Ok(text.into())
}

/// A document as JSON. Each token stands on the line that it has in the config file, the first line being the one that
/// the document begins on, and in the same column where that is possible.
pub(super) fn json(node: &Node) -> String {
    let mut writer = Writer { out: String::new(), line: node.at.line, column: 1 };
    writer.node(node);
    writer.out
}

struct Writer {
    out: String,
    line: u32,
    column: u32,
}

impl Writer {
    /// White space up to a place that lies ahead. What an alias repeats lies behind, and needs none.
    fn go_to(&mut self, at: Place) {
        while self.line < at.line {
            self.out.push('\n');
            self.line = self.line.saturating_add(1);
            self.column = 1;
        }
        while self.line == at.line && self.column < at.column {
            self.put(" ");
        }
    }

    fn put(&mut self, token: &str) {
        self.out.push_str(token);
        let width = u32::try_from(token.chars().count()).unwrap_or(u32::MAX);
        self.column = self.column.saturating_add(width);
    }

    fn node(&mut self, node: &Node) {
        match &node.kind {
            Kind::Null => self.at(node.at, "null"),
            Kind::Scalar(scalar) if scalar.plain && is_json_word(&scalar.text) => {
                self.at(node.at, &scalar.text);
            }
            Kind::Scalar(Scalar { text, .. }) => self.at(node.at, &quote(text)),
            Kind::List(items) => {
                self.at(node.at, "[");
                for (index, item) in items.iter().enumerate() {
                    self.put(if index == 0 { "" } else { "," });
                    self.node(item);
                }
                self.put("]");
            }
            Kind::Map(entries) => {
                self.at(node.at, "{");
                for (index, entry) in entries.iter().enumerate() {
                    self.put(if index == 0 { "" } else { "," });
                    self.at(entry.key_at, &quote(&entry.key));
                    self.put(":");
                    self.node(&entry.value);
                }
                self.put("}");
            }
        }
    }

    fn at(&mut self, at: Place, token: &str) {
        self.go_to(at);
        self.put(token);
    }
}

/// `true`, `false` or a number as JSON writes it (RFC 8259 section 6); other plain words are texts.
fn is_json_word(text: &str) -> bool {
    matches!(text, "true" | "false") || is_json_number(text)
}

fn is_json_number(text: &str) -> bool {
    text.starts_with(|first: char| first == '-' || first.is_ascii_digit())
        && serde_json::from_str::<serde_json::Number>(text).is_ok()
}

/// A JSON string (RFC 8259 section 7).
fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if u32::from(c) < 0x20 => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
