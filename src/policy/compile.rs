//! Documents made ready for requests: statements found by effect, resource, principal and action.
//! It must not leave out a statement that could match: the index is an upper bound, matching decides.

mod index;

use std::collections::HashMap;

use smallvec::SmallVec;

use super::document::{Document, Effect, Kind, Statement};
use super::principal::{Grant, Principal, PrincipalRule};

pub(super) use index::Posting;
use index::{EVERYBODY, Index, SOMEBODY};

/// A document that is ready for requests.
pub struct Compiled {
    name: Box<str>,
    document: Document,
    labels: Vec<Box<str>>,
    // every name in a Principal, and its number in the index; 0 stands for everybody, the last one for somebody unknown
    principals: HashMap<Box<str>, u32>,
    denies: Index,
    allows: Index,
}

impl Compiled {
    /// Prepares a document; `name` is what metrics, audit and `explain` call it.
    #[must_use]
    pub fn compile(name: &str, document: &Document) -> Self {
        let label = |(at, statement): (usize, &Statement)| {
            statement
                .sid
                .as_deref()
                .map_or_else(|| format!("statement[{at}]"), str::to_owned)
                .into_boxed_str()
        };
        let mut principals = HashMap::new();
        let rules = document.statements.iter().filter_map(|statement| statement.principal.as_ref());
        for name in rules.filter(|rule| !rule.is_negated()).flat_map(PrincipalRule::names) {
            let next = u32::try_from(principals.len()).unwrap_or(u32::MAX).saturating_add(1);
            principals.entry(name.as_str().into()).or_insert(next);
        }
        Self {
            name: name.into(),
            labels: document.statements.iter().enumerate().map(label).collect(),
            denies: Index::new(&document.statements, Effect::Deny, &principals),
            allows: Index::new(&document.statements, Effect::Allow, &principals),
            principals,
            document: document.clone(),
        }
    }

    /// The name given to the document.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the document is attached to.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.document.kind
    }

    /// The document itself.
    #[must_use]
    pub const fn document(&self) -> &Document {
        &self.document
    }

    /// All statements, in the order of the document.
    pub fn statements(&self) -> impl Iterator<Item = StatementRef<'_>> {
        let whole = u32::try_from(self.labels.len()).unwrap_or(u32::MAX);
        (0..whole).map(|index| StatementRef { document: self, index })
    }

    pub(super) fn statement(&self, index: u32) -> Option<&Statement> {
        self.document.statements.get(usize::try_from(index).ok()?)
    }

    pub(super) const fn index(&self, effect: Effect) -> &Index {
        match effect {
            Effect::Allow => &self.allows,
            Effect::Deny => &self.denies,
        }
    }

    /// The numbers under which the index keeps statements for this principal, and how closely they name it.
    /// The first is 0, for everybody.
    pub(super) fn numbers(&self, principal: &Principal) -> SmallVec<[(u32, Option<Grant>); 6]> {
        let mut numbers = SmallVec::new();
        numbers.push((EVERYBODY, None));
        if principal.is_unknown() {
            numbers.push((SOMEBODY, None));
            return numbers;
        }
        if self.principals.is_empty() {
            return numbers;
        }
        for (name, grant) in principal.names() {
            if let Some(number) = self.principals.get(name.as_str()) {
                numbers.push((*number, Some(*grant)));
            }
        }
        numbers
    }
}

impl std::fmt::Debug for Compiled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Compiled")
            .field("name", &self.name)
            .field("kind", &self.document.kind)
            .field("labels", &self.labels)
            .finish_non_exhaustive()
    }
}

/// A statement of a compiled document: what metrics, audit and `explain` name.
#[derive(Clone, Copy)]
pub struct StatementRef<'p> {
    document: &'p Compiled,
    index: u32,
}

impl<'p> StatementRef<'p> {
    pub(super) const fn new(document: &'p Compiled, index: u32) -> Self {
        Self { document, index }
    }

    /// The name of the document.
    #[must_use]
    pub fn document(self) -> &'p str {
        &self.document.name
    }

    /// The kind of the document.
    #[must_use]
    pub const fn kind(self) -> Kind {
        self.document.document.kind
    }

    /// The Sid, or `statement[N]` counted from 0.
    #[must_use]
    pub fn label(self) -> &'p str {
        usize::try_from(self.index).ok().and_then(|at| self.document.labels.get(at)).map_or("", |label| label)
    }

    /// The position in the document, from 0.
    #[must_use]
    pub const fn position(self) -> u32 {
        self.index
    }

    /// The statement as it was read.
    #[must_use]
    pub fn statement(self) -> Option<&'p Statement> {
        self.document.statement(self.index)
    }

    /// Allow or Deny.
    #[must_use]
    pub fn effect(self) -> Effect {
        self.statement().map_or(Effect::Deny, |statement| statement.effect)
    }
}

impl PartialEq for StatementRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.document, other.document) && self.index == other.index
    }
}

impl Eq for StatementRef<'_> {}

impl std::fmt::Debug for StatementRef<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}#{} ({})", self.document(), self.label(), self.effect().as_str())
    }
}

#[cfg(test)]
mod tests;
