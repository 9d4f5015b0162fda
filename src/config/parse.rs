//! Text to tree: the one place that uses the YAML crate.
//! It must not know keys; anchors, tags, depth and size are bounded here, so that no file can exhaust the process.

use std::borrow::Cow;
use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};

use super::diagnostic::{Problem, Severity};
use super::tree::{Entry, Kind, Node, Place, Scalar};

/// Lists and maps inside each other.
const MAX_DEPTH: usize = 64;

/// Values that aliases may add by repeating what an anchor names.
const MAX_ALIASED: usize = 100_000;

/// Reads one YAML document (JSON is YAML too).
///
/// The tree holds every key as often as it is given; [`super::tree::lint`] reports what is repeated or null.
///
/// # Errors
/// The first thing that is not YAML, or that goes beyond the bounds of a config file.
pub(super) fn parse(text: &str) -> Result<Node, Problem> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut builder = Builder { parser: Parser::new_from_str(text), anchors: HashMap::new(), aliased: 0 };
    builder.document()
}

struct Builder<'t> {
    parser: Parser<'t, StrInput<'t>>,
    anchors: HashMap<usize, Node>,
    aliased: usize,
}

impl<'t> Builder<'t> {
    fn document(&mut self) -> Result<Node, Problem> {
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing => {}
                Event::StreamEnd => break,
                _ if root.is_some() => {
                    return Err(problem(
                        &span,
                        "a second document begins here",
                        "a config file is one document",
                    ));
                }
                event => root = Some(self.node(event, span, 0)?),
            }
        }
        let nothing = Node { kind: Kind::Null, at: Place { line: 1, column: 1 }, end_line: 1 };
        Ok(root.unwrap_or(nothing))
    }

    fn next(&mut self) -> Result<(Event<'t>, Span), Problem> {
        match self.parser.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => Err(syntax(&error)),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn node(&mut self, event: Event<'t>, span: Span, depth: usize) -> Result<Node, Problem> {
        if depth > MAX_DEPTH {
            return Err(problem(&span, "lists and keys are nested too deep", "64 levels are the most"));
        }
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                refuse_tag(tag.as_ref(), &span)?;
                let node = scalar_node(text.into_owned(), style == ScalarStyle::Plain, &span);
                self.remember(anchor, &node);
                Ok(node)
            }
            Event::SequenceStart(anchor, tag) => {
                refuse_tag(tag.as_ref(), &span)?;
                let node = self.list(&span, depth)?;
                self.remember(anchor, &node);
                Ok(node)
            }
            Event::MappingStart(anchor, tag) => {
                refuse_tag(tag.as_ref(), &span)?;
                let node = self.map(&span, depth)?;
                self.remember(anchor, &node);
                Ok(node)
            }
            Event::Alias(anchor) => self.alias(anchor, &span, depth),
            _ => Err(problem(&span, "the file ends in the middle of a value", "complete it")),
        }
    }

    fn list(&mut self, start: &Span, depth: usize) -> Result<Node, Problem> {
        let mut items = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::SequenceEnd {
                return Ok(Node { kind: Kind::List(items), at: place(start), end_line: end_line(&span) });
            }
            items.push(self.node(event, span, depth + 1)?);
        }
    }

    fn map(&mut self, start: &Span, depth: usize) -> Result<Node, Problem> {
        let mut entries = Vec::new();
        loop {
            let (event, span) = self.next()?;
            let key = match event {
                Event::MappingEnd => {
                    return Ok(Node {
                        kind: Kind::Map(entries),
                        at: place(start),
                        end_line: end_line(&span),
                    });
                }
                Event::Scalar(text, _, 0, None) if !text.is_empty() => text.into_owned(),
                _ => return Err(problem(&span, "this is no name for a key", "a key is a plain word")),
            };
            if key == "<<" {
                return Err(problem(&span, "merge keys (`<<`) are not supported", "repeat the keys instead"));
            }
            let (event, value_span) = self.next()?;
            let value = self.node(event, value_span, depth + 1)?;
            entries.push(Entry { key, key_at: place(&span), value });
        }
    }

    fn remember(&mut self, anchor: usize, node: &Node) {
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
    }

    fn alias(&mut self, anchor: usize, span: &Span, depth: usize) -> Result<Node, Problem> {
        let Some(node) = self.anchors.get(&anchor) else {
            return Err(problem(
                span,
                "an alias names a value that is not complete yet",
                "write the value out",
            ));
        };
        let (size, height) = measure(node);
        self.aliased = self.aliased.saturating_add(size);
        if self.aliased > MAX_ALIASED || depth + height > MAX_DEPTH {
            return Err(problem(
                span,
                "aliases repeat too much",
                "write fewer values, or name a policy file",
            ));
        }
        Ok(node.clone())
    }
}

/// How many values a tree holds, and how deep it is.
fn measure(node: &Node) -> (usize, usize) {
    let add = |(size, height): (usize, usize), child: &Node| {
        let (more, below) = measure(child);
        (size.saturating_add(more), height.max(below + 1))
    };
    match &node.kind {
        Kind::Null | Kind::Scalar(_) => (1, 0),
        Kind::List(items) => items.iter().fold((1, 0), add),
        Kind::Map(entries) => entries.iter().map(|entry| &entry.value).fold((1, 0), add),
    }
}

fn scalar_node(text: String, plain: bool, span: &Span) -> Node {
    // the words for nothing of YAML 1.2, core schema (section 10.3.2)
    let null = plain && matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL");
    let kind = if null { Kind::Null } else { Kind::Scalar(Scalar { text, plain }) };
    Node { kind, at: place(span), end_line: end_line(span) }
}

fn refuse_tag(tag: Option<&Cow<'_, Tag>>, span: &Span) -> Result<(), Problem> {
    match tag {
        None => Ok(()),
        Some(_) => Err(problem(span, "tags (`!name`) are not supported", "remove the tag")),
    }
}

fn place(span: &Span) -> Place {
    marker(span.start.line(), span.start.col())
}

fn end_line(span: &Span) -> u32 {
    u32::try_from(span.end.line()).unwrap_or(u32::MAX)
}

fn marker(line: usize, column: usize) -> Place {
    let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
    Place { line: number(line).max(1), column: number(column).saturating_add(1) }
}

fn problem(span: &Span, message: &str, hint: &str) -> Problem {
    Problem {
        at: place(span),
        path: String::new(),
        severity: Severity::Error,
        message: message.to_owned(),
        hint: Some(hint.to_owned()),
    }
}

fn syntax(error: &ScanError) -> Problem {
    Problem {
        at: marker(error.marker().line(), error.marker().col()),
        path: String::new(),
        severity: Severity::Error,
        message: format!("this is not YAML: {}", error.info()),
        hint: Some(
            "look at the quotes, the brackets and the indentation here and on the line before".to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests;
