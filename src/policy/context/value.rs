//! A value of a request, and its readings as text, number, instant, address or truth value.
//! It must not read a value in a way in which it was not written.

use std::borrow::Cow;
use std::net::IpAddr;

use smallvec::SmallVec;

use super::Tag;
use crate::clock::UnixMillis;
use crate::clock::civil::Civil;
use crate::policy::value::{Decimal, Instant, parse_bool};

/// The value of a condition key in a request.
#[derive(Clone, Copy, Debug)]
pub enum Value<'a> {
    /// The request does not have the key.
    Missing,
    /// Whether it has the key, or the value, cannot be known.
    Unknown,
    /// Text as it came, or as configured.
    Text(&'a [u8]),
    /// A bucket and a key with `/` between them.
    Path(&'a str, &'a [u8]),
    /// An address.
    Ip(IpAddr),
    /// A number.
    Number(Decimal),
    /// An instant, written as ISO 8601.
    Time(UnixMillis),
    /// An instant, written as seconds since the epoch.
    Epoch(i64),
    /// A truth value.
    Bool(bool),
    /// A whole number that is compared as text: the id of a connection.
    Id(u64),
    /// Several values.
    List(List<'a>),
}

/// The values of a key that can have several.
#[derive(Clone, Copy, Debug)]
pub enum List<'a> {
    /// The names of tags.
    TagNames(&'a [Tag<'a>]),
    /// Texts of a test case.
    Texts(&'a [String]),
}

impl<'a> List<'a> {
    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        match self {
            Self::TagNames(tags) => tags.is_empty(),
            Self::Texts(texts) => texts.is_empty(),
        }
    }

    /// The values.
    pub fn iter(self) -> impl Iterator<Item = Value<'a>> {
        let (names, texts): (&[_], &[_]) = match self {
            Self::TagNames(tags) => (tags, &[]),
            Self::Texts(texts) => (&[], texts),
        };
        let names = names.iter().map(|(name, _)| Value::Text(name));
        names.chain(texts.iter().map(|text| Value::Text(text.as_bytes())))
    }
}

/// Text, borrowed where it stands somewhere already.
#[derive(Clone, Debug)]
pub enum Text<'a> {
    /// From the request or the configuration.
    Borrowed(&'a [u8]),
    /// Written for this comparison.
    Written(SmallVec<[u8; 48]>),
}

impl Text<'_> {
    /// The bytes of the text.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Borrowed(text) => text,
            Self::Written(text) => text,
        }
    }
}

impl<'a> Value<'a> {
    /// The value as text; `None` if there is none, or several.
    #[must_use]
    pub fn into_text(self) -> Option<Text<'a>> {
        Some(match self {
            Self::Missing | Self::Unknown | Self::List(_) => return None,
            Self::Text(text) => Text::Borrowed(text),
            Self::Path(bucket, key) => {
                let mut text = SmallVec::from_slice(bucket.as_bytes());
                text.push(b'/');
                text.extend_from_slice(key);
                Text::Written(text)
            }
            Self::Bool(true) => Text::Borrowed(b"true"),
            Self::Bool(false) => Text::Borrowed(b"false"),
            Self::Ip(addr) => written(&addr),
            Self::Number(number) => written(&number),
            Self::Time(at) => written(&Civil::from_instant(at).iso()),
            Self::Epoch(secs) => written(&secs),
            Self::Id(id) => written(&id),
        })
    }

    /// The value as a number; `None` if it is written otherwise.
    #[must_use]
    pub fn number(self) -> Option<Decimal> {
        match self {
            Self::Number(number) => Some(number),
            Self::Epoch(secs) => Some(Decimal::from_int(secs)),
            Self::Text(text) => Decimal::parse(text),
            _ => None,
        }
    }

    /// The value as an instant; `None` if it is written otherwise.
    #[must_use]
    pub fn instant(self) -> Option<Instant> {
        match self {
            Self::Time(at) => Some(Instant::from_millis(at)),
            Self::Epoch(secs) => Some(Instant::from_secs(secs)),
            Self::Text(text) => Instant::parse(std::str::from_utf8(text).ok()?),
            _ => None,
        }
    }

    /// The value as an address; `None` if it is written otherwise.
    #[must_use]
    pub fn ip(self) -> Option<IpAddr> {
        match self {
            Self::Ip(addr) => Some(addr),
            Self::Text(text) => std::str::from_utf8(text).ok()?.parse().ok(),
            _ => None,
        }
    }

    /// The value as a truth value; `None` if it is written otherwise.
    #[must_use]
    pub fn bool(self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(value),
            Self::Text(text) => parse_bool(text),
            _ => None,
        }
    }
}

impl<'a> From<Option<&'a str>> for Value<'a> {
    fn from(text: Option<&'a str>) -> Self {
        text.map_or(Self::Missing, |text| Self::Text(text.as_bytes()))
    }
}

impl<'a> From<&'a Cow<'a, [u8]>> for Value<'a> {
    fn from(text: &'a Cow<'a, [u8]>) -> Self {
        Self::Text(text)
    }
}

/// Where a value is written that is compared as text; most fit without the heap.
#[derive(Default)]
struct Writer(SmallVec<[u8; 48]>);

impl std::fmt::Write for Writer {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

fn written<'a>(value: &dyn std::fmt::Display) -> Text<'a> {
    use std::fmt::Write as _;
    let mut writer = Writer::default();
    // INVARIANT: the writer never fails
    let _ = write!(writer, "{value}");
    Text::Written(writer.0)
}
