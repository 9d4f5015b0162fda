//! Contexts of test cases: any key, named as text.
//! It must not be used for requests: those have typed contexts, in which no key can be made up.

use std::collections::BTreeMap;

use super::value::{List, Value};

/// Why a context of a test case is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyMapError {
    /// Two spellings of one key.
    #[error("the context holds `{0}` twice; letter case does not make keys different")]
    Duplicate(String),
    /// A value of another type.
    #[error(
        "the value of `{0}` in the context is neither a text, a number, a truth value, nor a list of those"
    )]
    WrongType(String),
}

#[derive(Clone, Debug)]
enum Entry {
    One(String),
    Many(Vec<String>),
}

/// Keys in lower case and their values.
#[derive(Clone, Debug, Default)]
pub struct KeyMap {
    entries: BTreeMap<String, Entry>,
}

impl KeyMap {
    /// Reads the context of a case: an object of texts and lists of texts. Numbers and truth values are texts, as in
    /// policies.
    ///
    /// # Errors
    /// Values of other types, and two spellings of one key.
    pub fn from_json(object: &serde_json::Map<String, serde_json::Value>) -> Result<Self, KeyMapError> {
        use serde_json::Value as Json;
        let mut map = Self::default();
        for (name, value) in object {
            let text = |value: &Json| match value {
                Json::String(text) => Ok(text.clone()),
                Json::Number(number) => Ok(number.to_string()),
                Json::Bool(value) => Ok(value.to_string()),
                _ => Err(KeyMapError::WrongType(name.clone())),
            };
            let entry = match value {
                Json::Array(list) => Entry::Many(list.iter().map(text).collect::<Result<_, _>>()?),
                value => Entry::One(text(value)?),
            };
            if map.entries.insert(name.to_ascii_lowercase(), entry).is_some() {
                return Err(KeyMapError::Duplicate(name.clone()));
            }
        }
        Ok(map)
    }

    /// Keys with one value each; a later spelling of a key replaces an earlier one.
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let entry = |(name, value): (&str, &str)| (name.to_ascii_lowercase(), Entry::One(value.to_owned()));
        Self { entries: pairs.into_iter().map(entry).collect() }
    }

    pub(super) fn value(&self, lower: &str) -> Value<'_> {
        match self.entries.get(lower) {
            None => Value::Missing,
            Some(Entry::One(text)) => Value::Text(text.as_bytes()),
            Some(Entry::Many(texts)) => Value::List(List::Texts(texts)),
        }
    }
}
