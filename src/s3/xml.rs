//! The small part of XML 1.0 that every reader reads alike: plain elements, text, the five entities and character
//! references. It must not grow: no attributes but the namespaces and the type of a grantee, no comments, CDATA,
//! instructions or DTD.

/// The namespace of S3 documents, the only default one there may be.
const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";
/// The namespace of the type of a grantee, the only other one.
const INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";
/// The element that has a type, and the types there are (S3 API reference, `Grantee`).
const TYPED: &str = "Grantee";
const TYPES: [&str; 3] = ["CanonicalUser", "AmazonCustomerByEmail", "Group"];

/// Why a document is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum XmlError {
    /// Not UTF-8.
    #[error("it is not UTF-8")]
    Encoding,
    /// The XML declaration is not one of version 1.0 in UTF-8.
    #[error("its XML declaration is not `version=\"1.0\" encoding=\"UTF-8\"`")]
    Declaration,
    /// Markup that is not a plain element, or text where none may stand.
    #[error("it holds something other than plain elements")]
    Markup,
    /// A character that XML does not have or that readers change.
    #[error("it holds a character that cannot stand in XML as it is")]
    Character,
    /// An entity other than the five, or a reference to no character.
    #[error("it holds an unknown entity")]
    Entity,
    /// The document ends too early or goes on after its end.
    #[error("it is cut off or goes on after its end")]
    End,
}

/// A tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tag<'x> {
    /// `<name>`
    Open(&'x str),
    /// `</name>`
    Close(&'x str),
    /// `<name/>`
    Empty(&'x str),
}

/// Reads a document from its start to its end.
#[derive(Debug)]
pub(super) struct Cursor<'x> {
    rest: &'x str,
}

impl<'x> Cursor<'x> {
    pub(super) fn new(document: &'x [u8]) -> Result<Self, XmlError> {
        let rest = std::str::from_utf8(document).map_err(|_| XmlError::Encoding)?;
        let rest = match rest.strip_prefix("<?xml") {
            None => rest,
            Some(after) => {
                let (inside, after) = after.split_once("?>").ok_or(XmlError::Declaration)?;
                declaration(inside).ok_or(XmlError::Declaration)?;
                after
            }
        };
        Ok(Self { rest })
    }

    /// The opening tag of the document, with or without the namespaces. `false` if it is closed at once, which is a
    /// document without content.
    pub(super) fn root(&mut self, name: &str) -> Result<bool, XmlError> {
        let inside = self.markup()?.strip_prefix(name).ok_or(XmlError::Markup)?;
        let (attributes, empty) = inside.strip_suffix('/').map_or((inside, false), |rest| (rest, true));
        let known =
            |name: &str, value: &str| matches!((name, value), ("xmlns", NAMESPACE) | ("xmlns:xsi", INSTANCE));
        attributes_are(attributes, known)?;
        Ok(!empty)
    }

    /// The next tag, past white space.
    pub(super) fn tag(&mut self) -> Result<Tag<'x>, XmlError> {
        let inside = self.markup()?;
        let (inside, closes) = inside.strip_prefix('/').map_or((inside, false), |name| (name, true));
        let (inside, empty) = inside.strip_suffix('/').map_or((inside, false), |name| (name, true));
        let end = inside.find(|character: char| !character.is_ascii_alphabetic()).unwrap_or(inside.len());
        let (name, attributes) = inside.split_at_checked(end).ok_or(XmlError::Markup)?;
        let typed = name == TYPED && !closes && !empty;
        attributes_are(attributes, |name, value| match name {
            "xmlns:xsi" => typed && value == INSTANCE,
            "xsi:type" => typed && TYPES.contains(&value),
            _ => false,
        })?;
        // nobody writes white space into a tag that has no attributes, but for `<a />`
        if name.is_empty() || (!typed && !empty && !attributes.is_empty()) {
            return Err(XmlError::Markup);
        }
        match (closes, empty) {
            (false, false) => Ok(Tag::Open(name)),
            (true, false) => Ok(Tag::Close(name)),
            (false, true) => Ok(Tag::Empty(name)),
            (true, true) => Err(XmlError::Markup),
        }
    }

    /// The text of the element that was just opened, and its closing tag.
    pub(super) fn text(&mut self, name: &str) -> Result<String, XmlError> {
        let end = self.rest.find('<').ok_or(XmlError::End)?;
        let (raw, rest) = self.rest.split_at_checked(end).ok_or(XmlError::End)?;
        self.rest = rest;
        let text = unescape(raw)?;
        if self.tag()? != Tag::Close(name) {
            return Err(XmlError::Markup);
        }
        Ok(text)
    }

    /// The end of the document.
    pub(super) fn end(&self) -> Result<(), XmlError> {
        if self.rest.chars().all(is_space) { Ok(()) } else { Err(XmlError::End) }
    }

    /// What stands between the next `<` and `>`, past white space.
    fn markup(&mut self) -> Result<&'x str, XmlError> {
        let start = self.rest.trim_start_matches(is_space);
        if start.is_empty() {
            return Err(XmlError::End);
        }
        let inside = start.strip_prefix('<').ok_or(XmlError::Markup)?;
        let (inside, rest) = inside.split_once('>').ok_or(XmlError::End)?;
        self.rest = rest;
        Ok(inside)
    }
}

const fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\r' | '\n')
}

/// Checks the attributes of a tag: white space before each, none twice, each of them known.
fn attributes_are(text: &str, known: impl Fn(&str, &str) -> bool) -> Result<(), XmlError> {
    let mut rest = text;
    let mut seen: [Option<&str>; 2] = [None; 2];
    let mut count = 0;
    loop {
        let start = rest.trim_start_matches(is_space);
        if start.is_empty() {
            return Ok(());
        }
        if start.len() == rest.len() {
            return Err(XmlError::Markup);
        }
        let (name, after) = start.split_once('=').ok_or(XmlError::Markup)?;
        let quote = after.chars().next().filter(|c| matches!(c, '"' | '\'')).ok_or(XmlError::Markup)?;
        let (value, after) =
            after.get(1..).and_then(|after| after.split_once(quote)).ok_or(XmlError::Markup)?;
        let slot = seen.get(count).is_some() && !seen.contains(&Some(name));
        if !slot || !known(name, value) {
            return Err(XmlError::Markup);
        }
        seen.iter_mut().skip(count).take(1).for_each(|slot| *slot = Some(name));
        count += 1;
        rest = after;
    }
}

fn unquote(quoted: &str) -> Option<&str> {
    let inside = |quote| quoted.strip_prefix(quote)?.strip_suffix(quote);
    inside('"').or_else(|| inside('\''))
}

/// What stands in `<?xml …?>`: version 1.0, then perhaps the encoding, then perhaps `standalone`.
fn declaration(inside: &str) -> Option<()> {
    if !inside.starts_with(is_space) {
        return None;
    }
    let mut words = inside.split(is_space).filter(|word| !word.is_empty()).peekable();
    let mut value = |name: &str| {
        let quoted = words.peek()?.strip_prefix(name)?.strip_prefix('=')?;
        words.next();
        Some(unquote(quoted).unwrap_or_default())
    };
    let version = value("version")?;
    let encoding = value("encoding").unwrap_or("UTF-8");
    let standalone = value("standalone").unwrap_or("no");
    let valid = version == "1.0"
        && encoding.eq_ignore_ascii_case("utf-8")
        && matches!(standalone, "yes" | "no")
        && words.next().is_none();
    valid.then_some(())
}

fn unescape(raw: &str) -> Result<String, XmlError> {
    let mut text = String::with_capacity(raw.len());
    let mut pieces = raw.split('&');
    plain(pieces.next().unwrap_or_default(), &mut text)?;
    for piece in pieces {
        let (entity, after) = piece.split_once(';').ok_or(XmlError::Entity)?;
        text.push(character(entity).ok_or(XmlError::Entity)?);
        plain(after, &mut text)?;
    }
    Ok(text)
}

/// Text without entities. A raw carriage return is refused: readers make a line feed of it.
fn plain(piece: &str, text: &mut String) -> Result<(), XmlError> {
    if piece.contains("]]>") || !piece.chars().all(|c| c != '\r' && is_xml_character(c)) {
        return Err(XmlError::Character);
    }
    text.push_str(piece);
    Ok(())
}

fn character(entity: &str) -> Option<char> {
    let number = match entity {
        "amp" => return Some('&'),
        "lt" => return Some('<'),
        "gt" => return Some('>'),
        "quot" => return Some('"'),
        "apos" => return Some('\''),
        reference => reference.strip_prefix('#')?,
    };
    let (digits, radix) = number.strip_prefix('x').map_or((number, 10), |hex| (hex, 16));
    if digits.is_empty() || digits.len() > 7 || !digits.chars().all(|digit| digit.is_digit(radix)) {
        return None;
    }
    let found = char::from_u32(u32::from_str_radix(digits, radix).ok()?)?;
    is_xml_character(found).then_some(found)
}

/// `Char` of XML 1.0, section 2.2.
const fn is_xml_character(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..)
}
