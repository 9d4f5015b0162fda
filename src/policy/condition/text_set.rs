//! The texts and patterns of a String test: texts found by halving, patterns tried one by one.
//! It must not fold letters outside ASCII.

use crate::policy::context::Source;
use crate::policy::pattern::{Case, Pattern};
use crate::policy::truth::Truth;

/// The values of a String test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextSet {
    case: Case,
    // INVARIANT: sorted; in lower case where case is ignored
    literals: Vec<Box<[u8]>>,
    patterns: Vec<Pattern>,
}

impl TextSet {
    /// The set of these texts and patterns.
    #[must_use]
    pub fn new(case: Case, values: Vec<Pattern>) -> Self {
        let mut literals: Vec<Box<[u8]>> = Vec::new();
        let mut patterns = Vec::new();
        for value in values {
            match (value.literal(), case) {
                (Some(text), Case::Exact) => literals.push(text.into()),
                (Some(text), Case::IgnoreAscii) => literals.push(text.to_ascii_lowercase().into()),
                (None, _) => patterns.push(value),
            }
        }
        literals.sort_unstable();
        literals.dedup();
        Self { case, literals, patterns }
    }

    /// The values that are plain texts; in lower case where case is ignored.
    pub fn literals(&self) -> impl Iterator<Item = &[u8]> {
        self.literals.iter().map(|text| &**text)
    }

    /// The values with wildcards or variables.
    #[must_use]
    pub fn patterns(&self) -> &[Pattern] {
        &self.patterns
    }

    pub(super) fn matches(&self, text: &[u8], source: &Source<'_>) -> Truth {
        let compare = |literal: &[u8]| match self.case {
            Case::Exact => literal.cmp(text),
            Case::IgnoreAscii => literal.iter().copied().cmp(text.iter().map(u8::to_ascii_lowercase)),
        };
        if self.literals.binary_search_by(|literal| compare(literal)).is_ok() {
            return Truth::Yes;
        }
        Truth::any(self.patterns.iter().map(|pattern| pattern.matches(text, self.case, source)))
    }
}
