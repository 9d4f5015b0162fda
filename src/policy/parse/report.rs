//! The findings about one document, and where in it the reader is.
//! It must not know what a policy is made of.

use std::fmt::Write as _;

use super::json::{Json, Member, Node};
use super::{MAX_VALUES, ParseOptions, Parsed};
use crate::policy::document::{Document, Kind, Version};
use crate::policy::error::{ErrorKind, Place, PolicyError, Warning, WarningKind};
use crate::policy::pattern::Variables;

pub(super) struct Report<'a> {
    text: Option<&'a str>,
    kind: Kind,
    options: ParseOptions,
    version: Version,
    path: String,
    // lengths of the path before each step that was taken
    steps: Vec<usize>,
    counted: Counted,
    /// The beginning of the statement that is being read.
    mark: Counted,
    errors: Vec<PolicyError>,
    warnings: Vec<Warning>,
}

/// A byte of the text and its line and column, from which the next place is counted on: places come in the order of
/// the text but for those inside one statement, so a long document is not gone through once for each place.
#[derive(Clone, Copy)]
struct Counted {
    at: usize,
    line: usize,
    column: usize,
}

impl Counted {
    const START: Self = Self { at: 0, line: 1, column: 1 };

    fn count_to(&mut self, text: &str, at: usize, mark: Self) -> (usize, usize) {
        if at < self.at {
            *self = if at < mark.at { Self::START } else { mark };
        }
        for char in text.get(self.at..at).unwrap_or_default().chars() {
            if char == '\n' {
                (self.line, self.column) = (self.line + 1, 1);
            } else {
                self.column += 1;
            }
        }
        self.at = at;
        (self.line, self.column)
    }
}

impl<'a> Report<'a> {
    pub(super) fn new(text: Option<&'a str>, kind: Kind, options: ParseOptions) -> Self {
        Self {
            text,
            kind,
            options,
            version: Version::V2012,
            path: String::new(),
            steps: Vec::new(),
            counted: Counted::START,
            mark: Counted::START,
            errors: Vec::new(),
            warnings: Vec::new(),
        }
    }

    pub(super) const fn kind(&self) -> Kind {
        self.kind
    }

    pub(super) const fn options(&self) -> ParseOptions {
        self.options
    }

    pub(super) fn set_version(&mut self, version: Version) {
        self.version = version;
    }

    /// What `${` is in this document, where variables may stand.
    pub(super) fn variables(&self) -> Variables {
        match self.version {
            Version::V2008 => Variables::Literal,
            Version::V2012 if self.options.unclosed_variable_is_literal => Variables::ClosedOrLiteral,
            Version::V2012 => Variables::Closed,
        }
    }

    pub(super) fn finish(self, document: Option<Document>) -> Result<Parsed, Vec<PolicyError>> {
        match document {
            Some(document) if self.errors.is_empty() => Ok(Parsed { document, warnings: self.warnings }),
            _ => Err(self.errors),
        }
    }

    /// The place where the reader is, at this byte of the text.
    pub(super) fn place(&mut self, at: usize) -> Place {
        let position = self.text.map(|text| self.counted.count_to(text, at, self.mark));
        Place { path: self.path.clone(), position }
    }

    /// The place where a statement begins; places inside it are found from there.
    pub(super) fn statement_place(&mut self, at: usize) -> Place {
        let place = self.place(at);
        self.mark = self.counted;
        place
    }

    pub(super) fn error(&mut self, at: usize, kind: ErrorKind) {
        let place = self.place(at);
        self.errors.push(PolicyError { place, kind });
    }

    pub(super) fn warn(&mut self, at: usize, kind: WarningKind) {
        let place = self.place(at);
        self.warnings.push(Warning { place, kind });
    }

    pub(super) fn enter_name(&mut self, name: &str) {
        self.steps.push(self.path.len());
        if !self.path.is_empty() {
            self.path.push('.');
        }
        self.path.push_str(name);
    }

    pub(super) fn enter_index(&mut self, index: usize) {
        self.steps.push(self.path.len());
        // INVARIANT: writing to a String does not fail
        let _ = write!(self.path, "[{index}]");
    }

    pub(super) fn leave(&mut self) {
        let len = self.steps.pop().unwrap_or_default();
        self.path.truncate(len);
    }

    /// Reads the value of a member, with its name in the path.
    pub(super) fn inside_member<'n, T>(
        &mut self,
        member: &'n Member,
        read: impl FnOnce(&mut Self, &'n Node) -> T,
    ) -> T {
        self.enter_name(&member.name);
        let value = read(self, &member.node);
        self.leave();
        value
    }

    /// The members of an object; a name that stands twice is an error.
    pub(super) fn object<'n>(&mut self, node: &'n Node) -> Option<&'n [Member]> {
        let Json::Object(members) = &node.value else {
            self.wrong_type(node, "an object");
            return None;
        };
        let mut seen = std::collections::HashSet::new();
        for member in members {
            if !seen.insert(member.name.as_str()) {
                self.error(member.at, ErrorKind::Duplicate(member.name.clone()));
            }
        }
        Some(members)
    }

    /// Refuses members with other names.
    pub(super) fn known_elements(&mut self, members: &[Member], names: &'static [&'static str]) {
        for member in members.iter().filter(|member| !names.contains(&member.name.as_str())) {
            self.error(member.at, ErrorKind::UnknownElement(member.name.clone(), names));
        }
    }

    #[expect(clippy::unused_self, reason = "reads like the other accessors")]
    pub(super) fn member<'n>(&self, members: &'n [Member], name: &str) -> Option<&'n Member> {
        members.iter().find(|member| member.name == name)
    }

    /// A text.
    pub(super) fn text<'n>(&mut self, node: &'n Node) -> Option<&'n str> {
        if let Json::Text(text) = &node.value {
            return Some(text);
        }
        self.wrong_type(node, "a text");
        None
    }

    /// A text, or a number or truth value as it is written.
    pub(super) fn scalar<'n>(&mut self, node: &'n Node) -> Option<&'n str> {
        match &node.value {
            Json::Text(text) | Json::Number(text) => Some(text),
            Json::Bool(true) => Some("true"),
            Json::Bool(false) => Some("false"),
            _ => {
                self.wrong_type(node, "a text, number or truth value");
                None
            }
        }
    }

    /// The items of a list, or the one value that stands without brackets. An empty list is an error.
    pub(super) fn one_or_many<'n>(&mut self, node: &'n Node, most: usize) -> &'n [Node] {
        let Json::List(nodes) = &node.value else { return std::slice::from_ref(node) };
        if nodes.is_empty() {
            self.error(node.at, ErrorKind::Empty);
        }
        if nodes.len() > most {
            self.error(node.at, ErrorKind::TooMany(nodes.len(), most));
            return &[];
        }
        nodes
    }

    /// Reads each item of a list, or the one value, with its index in the path.
    pub(super) fn each<'n, T>(
        &mut self,
        node: &'n Node,
        mut read: impl FnMut(&mut Self, &'n Node) -> Option<T>,
    ) -> Vec<T> {
        let listed = matches!(node.value, Json::List(_));
        let mut values = Vec::new();
        for (at, node) in self.one_or_many(node, MAX_VALUES).iter().enumerate() {
            if listed {
                self.enter_index(at);
            }
            values.extend(read(self, node));
            if listed {
                self.leave();
            }
        }
        values
    }

    fn wrong_type(&mut self, node: &Node, expected: &'static str) {
        let kind =
            if matches!(node.value, Json::Null) { ErrorKind::Null } else { ErrorKind::WrongType(expected) };
        self.error(node.at, kind);
    }
}
