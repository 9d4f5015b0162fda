//! The values of one section, each read by the form that its table gives.
//! It must not know any key by name.

use std::time::Duration;

use crate::nearest::nearest;

use super::super::keys::{Form, Key, Presence, Section, Served};
use super::super::model::Located;
use super::super::scalar::{self, Malformed};
use super::super::tree::{self, Entry, Kind, Node, Place, Scalar};
use super::{Reader, Reported, all, text, wrong_kind};

/// One section of the file and the table that says what may stand in it.
#[derive(Clone, Debug)]
pub(crate) struct Fields<'r> {
    /// Where problems go.
    pub(crate) reader: &'r Reader<'r>,
    /// The keys that lead here.
    pub(crate) path: String,
    /// Where the section begins.
    pub(crate) at: Place,
    entries: &'r [Entry],
    section: &'static Section,
}

impl<'r> Fields<'r> {
    /// Takes a value as a section; reports what is no key of it, what this version does not serve and what is missing.
    pub(crate) fn open(
        reader: &'r Reader<'r>,
        node: &'r Node,
        path: &str,
        section: &'static Section,
    ) -> Result<Self, Reported> {
        let Kind::Map(entries) = &node.kind else {
            return Err(wrong_kind(reader, node, path, Form::Keys(section)));
        };
        let fields = Self { reader, path: path.to_owned(), at: node.at, entries, section };
        for entry in entries {
            fields.check_entry(entry);
        }
        for key in section.keys {
            if key.presence == Presence::Required && fields.find(key.name).is_none() {
                let message = format!("key `{}` is missing", key.name);
                reader.error(node.at, &tree::join(path, key.name), message, key.doc);
            }
        }
        Ok(fields)
    }

    fn check_entry(&self, entry: &Entry) {
        let path = tree::join(&self.path, &entry.key);
        let Some(key) = self.section.key(&entry.key) else {
            let hint = match nearest(&entry.key, self.section.names()) {
                Some(name) => format!("did you mean `{name}`?"),
                None => format!("known here: {}", self.section.names().collect::<Vec<_>>().join(", ")),
            };
            self.reader.error(entry.key_at, &path, format!("unknown key `{}`", entry.key), hint);
            return;
        };
        match key.served {
            Served::Yes => {}
            Served::No => {
                let message = format!("`{path}` is not served by this version");
                self.reader.error(entry.key_at, &path, message, "remove it");
            }
            Served::Only(value) if is_value(&entry.value, value) => {}
            Served::Only(value) => {
                let message = format!("`{path}` may only be `{value}` in this version");
                self.reader.error(entry.value.at, &path, message, "remove it");
            }
        }
    }

    /// The path of a key of this section.
    pub(crate) fn path_of(&self, name: &str) -> String {
        tree::join(&self.path, name)
    }

    fn find(&self, name: &str) -> Option<&'r Node> {
        self.entries.iter().find(|entry| entry.key == name).map(|entry| &entry.value)
    }

    /// Whether the section holds a key that was reported as unknown or not served.
    pub(crate) fn has_refused(&self) -> Option<Reported> {
        let refused =
            |entry: &Entry| self.section.key(&entry.key).is_none_or(|key| key.served != Served::Yes);
        self.entries.iter().any(refused).then_some(Reported(()))
    }

    /// The value of a key; `None` if it is left out, null (which [`tree::lint`] reports), or not served.
    pub(crate) fn node(&self, name: &'static str) -> Option<&'r Node> {
        let served = self.section.key(name).is_some_and(|key| key.served == Served::Yes);
        debug_assert!(served, "`{name}` is read, but the table does not serve it");
        self.find(name).filter(|node| node.kind != Kind::Null)
    }

    /// The value of a key that is needed; if it is not there, [`Self::open`] or [`tree::lint`] has said so.
    pub(crate) fn needed(&self, name: &'static str) -> Result<&'r Node, Reported> {
        debug_assert!(
            self.key(name).presence == Presence::Required || self.find(name).is_some(),
            "`{name}` is needed, but the table does not say so"
        );
        self.node(name).ok_or(Reported(()))
    }

    /// Reads a key unless it is left out.
    pub(crate) fn if_given<T>(
        &self,
        name: &'static str,
        read: impl FnOnce(&Self, &'static str) -> Result<T, Reported>,
    ) -> Result<Option<T>, Reported> {
        self.node(name).map(|_| read(self, name)).transpose()
    }

    fn key(&self, name: &str) -> &'static Key {
        const NONE: &Key =
            &Key { name: "", form: Form::Unread, presence: Presence::Optional, served: Served::No, doc: "" };
        self.section.key(name).unwrap_or(NONE)
    }

    /// The value of a key, read by `parse`; the default of the table if it is left out.
    pub(crate) fn scalar<T>(
        &self,
        name: &'static str,
        parse: impl Fn(&Scalar) -> Result<T, Malformed>,
    ) -> Result<Located<T>, Reported> {
        let key = self.key(name);
        let path = self.path_of(name);
        let (Presence::Default(text), None) = (key.presence, self.node(name)) else {
            return super::scalar(self.reader, self.needed(name)?, &path, key.form, parse);
        };
        match parse(&Scalar { text: text.to_owned(), plain: true }) {
            Ok(value) => Ok(Located { value, at: self.at, path }),
            Err(wrong) => Err(self.reader.malformed(self.at, &path, &wrong)),
        }
    }

    /// A text that is not empty.
    pub(crate) fn text(&self, name: &'static str) -> Result<Located<String>, Reported> {
        self.scalar(name, text)
    }

    /// `true` or `false`.
    pub(crate) fn flag(&self, name: &'static str) -> Result<bool, Reported> {
        let parse = |scalar: &Scalar| match (scalar.plain, scalar.text.as_str()) {
            (true, "true") => Ok(true),
            (true, "false") => Ok(false),
            _ => {
                Err(Malformed::new(&scalar.text, "a truth value", "write `true` or `false`, without quotes"))
            }
        };
        self.scalar(name, parse).map(|located| located.value)
    }

    /// One of the words of the table, mapped to a value.
    pub(crate) fn choice<T: Copy>(
        &self,
        name: &'static str,
        values: &[(&'static str, T)],
    ) -> Result<T, Reported> {
        let words: Vec<&str> = values.iter().map(|(word, _)| *word).collect();
        debug_assert!(
            matches!(self.key(name).form, Form::Choice(table) if table == words),
            "`{name}`: {words:?}"
        );
        let parse = |scalar: &Scalar| {
            let found = values.iter().find(|(word, _)| *word == scalar.text);
            found.map(|(_, value)| *value).ok_or_else(|| not_a_word(&scalar.text, &words))
        };
        self.scalar(name, parse).map(|located| located.value)
    }

    /// A duration in the bounds of the table.
    pub(crate) fn duration(&self, name: &'static str) -> Result<Duration, Reported> {
        let (least, most) = self.key(name).form.bounds();
        let bounds = Duration::from_millis(least)..=Duration::from_millis(most);
        let show = |value: &Duration| scalar::show_duration(*value);
        self.scalar(name, |scalar| in_bounds(scalar, scalar::duration, &bounds, show))
            .map(|located| located.value)
    }

    /// A size in the bounds of the table, in bytes.
    pub(crate) fn size(&self, name: &'static str) -> Result<u64, Reported> {
        let (least, most) = self.key(name).form.bounds();
        let show = |value: &u64| scalar::show_size(*value);
        self.scalar(name, |scalar| in_bounds(scalar, scalar::size, &(least..=most), show))
            .map(|located| located.value)
    }

    /// A whole number in the bounds of the table.
    pub(crate) fn count(&self, name: &'static str) -> Result<u64, Reported> {
        let (least, most) = self.key(name).form.bounds();
        let parse = |text: &str| {
            text.parse().map_err(|_| Malformed::new(text, "a whole number", "write it in digits, as `50000`"))
        };
        self.scalar(name, |scalar| in_bounds(scalar, parse, &(least..=most), u64::to_string))
            .map(|located| located.value)
    }

    /// The section under a key that is given.
    pub(crate) fn section(&self, name: &'static str) -> Result<Self, Reported> {
        Self::open(self.reader, self.needed(name)?, &self.path_of(name), self.key(name).form.section())
    }

    /// The section under a key, or an empty one if it is left out, so that its defaults hold.
    pub(crate) fn section_or_empty(&self, name: &'static str) -> Result<Self, Reported> {
        if self.node(name).is_some() {
            return self.section(name);
        }
        let section = self.key(name).form.section();
        Ok(Self { reader: self.reader, path: self.path_of(name), at: self.at, entries: &[], section })
    }

    /// The items of a list, each with its path, read by `read`; none if it is left out.
    pub(crate) fn list<T>(
        &self,
        name: &'static str,
        read: impl Fn(&'r Node, &str) -> Result<T, Reported>,
    ) -> Result<Vec<T>, Reported> {
        let form = self.key(name).form;
        let path = self.path_of(name);
        let node = match self.key(name).presence {
            Presence::Required => self.needed(name)?,
            Presence::Optional | Presence::Default(_) | Presence::Defaults => match self.node(name) {
                Some(node) => node,
                None => return Ok(Vec::new()),
            },
        };
        let Kind::List(items) = &node.kind else {
            return Err(wrong_kind(self.reader, node, &path, form));
        };
        let least = if let Form::List(_, least) = form { least } else { 1 };
        if items.len() < least {
            let hint = "an empty list could mean nobody or everybody: list at least one, or remove the key";
            return Err(self.reader.error(node.at, &path, format!("`{path}` is empty"), hint));
        }
        all(items.iter().enumerate().map(|(at, item)| read(item, &tree::index(&path, at))))
    }

    /// One value or a list of them that is not empty.
    pub(crate) fn one_or_more<T>(
        &self,
        name: &'static str,
        parse: impl Fn(&Scalar) -> Result<T, Malformed>,
    ) -> Result<Vec<Located<T>>, Reported> {
        match self.needed(name)?.kind {
            Kind::List(_) => {
                let item = self.key(name).form.item();
                self.list(name, |node, path| super::scalar(self.reader, node, path, item, &parse))
            }
            _ => Ok(vec![self.scalar(name, parse)?]),
        }
    }

    /// The items of a list of sections, read by `read`.
    pub(crate) fn sections<T>(
        &self,
        name: &'static str,
        read: impl Fn(&Self) -> Result<T, Reported>,
    ) -> Result<Vec<T>, Reported> {
        let section = self.key(name).form.section();
        self.list(name, |node, path| {
            Self::open(self.reader, node, path, section).and_then(|fields| read(&fields))
        })
    }

    /// The items of a list of scalars; the default of the table if it is left out.
    pub(crate) fn scalars<T>(
        &self,
        name: &'static str,
        parse: impl Fn(&Scalar) -> Result<T, Malformed>,
    ) -> Result<Vec<Located<T>>, Reported> {
        let key = self.key(name);
        if let (None, Presence::Default(_)) = (self.node(name), key.presence) {
            return Ok(vec![self.scalar(name, parse)?]);
        }
        self.list(name, |node, path| super::scalar(self.reader, node, path, key.form.item(), &parse))
    }
}

fn not_a_word(text: &str, words: &[&str]) -> Malformed {
    let known = words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(" or ");
    Malformed::new(text, "known here", format!("write {known}"))
}

fn in_bounds<T: PartialOrd>(
    scalar: &Scalar,
    parse: impl Fn(&str) -> Result<T, Malformed>,
    bounds: &std::ops::RangeInclusive<T>,
    show: impl Fn(&T) -> String,
) -> Result<T, Malformed> {
    let value = parse(&scalar.text)?;
    if bounds.contains(&value) {
        return Ok(value);
    }
    let hint = format!("the least is `{}`, the most is `{}`", show(bounds.start()), show(bounds.end()));
    Err(Malformed::new(&scalar.text, "in bounds", hint))
}

/// Whether a value is the one that a table allows.
fn is_value(node: &Node, allowed: &str) -> bool {
    match &node.kind {
        Kind::Scalar(scalar) => scalar.text == allowed,
        Kind::List(items) => items.is_empty() && allowed == "[]",
        Kind::Null => true, // reported by `tree::lint`
        Kind::Map(_) => false,
    }
}
