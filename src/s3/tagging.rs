//! Tags in the XML of a form's field, as the header writes them.
//! It must not judge tags: the store does.

use super::xml::{Cursor, Tag, XmlError};
use crate::request::percent::{Part, encode_into};

/// Reads `<Tagging><TagSet><Tag>..` and writes it as the value of `x-amz-tagging`: `name=value&name=value`.
///
/// # Errors
/// See [`XmlError`].
pub fn to_header(xml: &str) -> Result<String, XmlError> {
    let mut cursor = Cursor::new(xml.as_bytes())?;
    cursor.root("Tagging")?;
    expect(&mut cursor, Tag::Open("TagSet"))?;
    let mut value = Vec::new();
    loop {
        match cursor.tag()? {
            Tag::Close("TagSet") => break,
            Tag::Open("Tag") => {}
            _ => return Err(XmlError::Markup),
        }
        expect(&mut cursor, Tag::Open("Key"))?;
        let name = cursor.text("Key")?;
        expect(&mut cursor, Tag::Open("Value"))?;
        let text = cursor.text("Value")?;
        expect(&mut cursor, Tag::Close("Tag"))?;
        if !value.is_empty() {
            value.push(b'&');
        }
        encode_into(name.as_bytes(), Part::Query, &mut value);
        value.push(b'=');
        encode_into(text.as_bytes(), Part::Query, &mut value);
    }
    expect(&mut cursor, Tag::Close("Tagging"))?;
    cursor.end()?;
    String::from_utf8(value).map_err(|_| XmlError::Encoding)
}

fn expect(cursor: &mut Cursor<'_>, tag: Tag<'_>) -> Result<(), XmlError> {
    if cursor.tag()? == tag { Ok(()) } else { Err(XmlError::Markup) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_of_a_form() {
        let check = |inside: &str, expected: Result<&str, XmlError>| {
            let xml = format!("<Tagging><TagSet>{inside}</TagSet></Tagging>");
            assert_eq!(to_header(&xml), expected.map(str::to_owned), "{inside}");
        };
        let tag = |name: &str, value: &str| format!("<Tag><Key>{name}</Key><Value>{value}</Value></Tag>");
        check("", Ok(""));
        check(&tag("a", "1"), Ok("a=1"));
        check(&format!("{} \n{}", tag("a&amp;b=", "\u{e9} +"), tag("c", "")), Ok("a%26b%3D=%C3%A9%20%2B&c="));
        check("<Tag><Value>1</Value><Key>a</Key></Tag>", Err(XmlError::Markup));
        check("<Tag><Key>a</Key></Tag>", Err(XmlError::Markup));
        check("x", Err(XmlError::Markup));
        assert_eq!(to_header("<Tagging></Tagging>"), Err(XmlError::Markup));
        assert_eq!(to_header("a=1"), Err(XmlError::Markup));
    }
}
