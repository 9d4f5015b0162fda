//! Every key of the config file: its form, whether it is needed, what it defaults to, whether this version serves it.
//! It must not hold code: reading, hints, the schema and the reference are made from these tables.

mod table;

pub use table::{ROOT, all};

/// A place in the file that holds keys.
#[derive(Debug)]
pub struct Section {
    /// The keys, in the order that the reference shows them.
    pub keys: &'static [Key],
}

/// One key.
#[derive(Debug)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What its value looks like.
    pub form: Form,
    /// What happens when it is left out.
    pub presence: Presence,
    /// Whether this version does what it says.
    pub served: Served,
    /// What it means, in one line.
    pub doc: &'static str,
}

/// What happens when a key is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// The file does not load.
    Required,
    /// There is no such thing.
    Optional,
    /// As if this value were given.
    Default(&'static str),
    /// As if the section were given without keys, so that their defaults hold.
    Defaults,
}

/// Whether this version does what a key says. A key that it does not serve is refused, never ignored: a rule that its
/// author believes in and that nobody enforces is worse than none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Served {
    /// Every value.
    Yes,
    /// No value.
    No,
    /// This value alone, as a word that switches the function off; `[]` is the empty list.
    Only(&'static str),
}

/// What a value looks like.
#[derive(Clone, Copy, Debug)]
pub enum Form {
    /// A text that is not empty.
    Text,
    /// `true` or `false`, without quotes.
    Flag,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A whole number in these bounds.
    Count(u64, u64),
    /// A size in these bounds, in bytes.
    Size(u64, u64),
    /// A duration in these bounds, in milliseconds.
    Duration(u64, u64),
    /// A time.
    Time,
    /// A number from 0 to 1.
    Ratio,
    /// `address:port`.
    Address,
    /// An address range.
    Cidr,
    /// `http[s]://host[:port]`.
    Endpoint,
    /// The name of a file, relative to the config file.
    File,
    /// `{file: ..}`, `{env: ..}` or `{value: ..}`.
    Secret,
    /// The name of a policy file, or a policy document.
    Policy,
    /// Names of one's own with texts.
    Texts,
    /// A list of at least this many.
    List(&'static Self, usize),
    /// One of these, or a list of them that is not empty.
    OneOrMore(&'static Self),
    /// Keys.
    Keys(&'static Section),
    /// Whatever it is, this version does not read it.
    Unread,
}

impl Section {
    /// The key of this name.
    #[must_use]
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    /// The names of all keys.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.keys.iter().map(|key| key.name)
    }
}

/// A section without keys.
static EMPTY: Section = Section { keys: &[] };

impl Form {
    /// The least and the most of a number, size or duration.
    #[must_use]
    pub const fn bounds(self) -> (u64, u64) {
        match self {
            Self::Count(least, most) | Self::Size(least, most) | Self::Duration(least, most) => (least, most),
            _ => (0, 0),
        }
    }

    /// The section that this is, or that the items of the list are; else one without keys.
    #[must_use]
    pub const fn section(self) -> &'static Section {
        match self {
            Self::Keys(section) => section,
            Self::List(item, _) => item.section(),
            _ => &EMPTY,
        }
    }

    /// What the items of a list look like; of no list, the form itself.
    #[must_use]
    pub const fn item(self) -> Self {
        match self {
            Self::List(item, _) | Self::OneOrMore(item) => *item,
            form => form,
        }
    }

    /// The form in words, with its article; for "`x` must be ..".
    #[must_use]
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Flag => "`true` or `false`",
            Self::Choice(_) => "one of a few words",
            Self::Count(..) => "a whole number",
            Self::Size(..) => "a size",
            Self::Duration(..) => "a duration",
            Self::Time => "a time",
            Self::Ratio => "a number from 0 to 1",
            Self::Address => "an address with a port",
            Self::Cidr => "an address range",
            Self::Endpoint => "an endpoint",
            Self::File => "the name of a file",
            Self::Secret => "one of `{file: ..}`, `{env: ..}` or `{value: ..}`",
            Self::Policy => "the name of a policy file or a policy document",
            Self::Texts | Self::Keys(_) => "keys with values",
            Self::List(..) => "a list",
            Self::OneOrMore(_) => "one value or a list",
            Self::Unread => "left out",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_documented_and_named_once() {
        for (path, key) in all() {
            assert!(key.doc.len() > 10 && !key.doc.ends_with('.'), "{path} lacks a one-line doc");
            let twins = all().into_iter().filter(|(other, _)| *other == path).count();
            assert_eq!(twins, 1, "{path}");
        }
    }

    #[test]
    fn what_is_not_served_is_never_needed() {
        for (path, key) in all() {
            if key.served != Served::Yes {
                assert_eq!(key.presence, Presence::Optional, "{path}");
            }
        }
    }
}
