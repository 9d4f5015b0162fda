//! The elements of a Forwarded line (RFC 7239 section 4).
//! It must not give a meaning to the values, and must not resume after an error: a stray quote can hide an element.

use super::{ForwardedError, Proto};
use crate::field::{is_token_byte, trim};

/// What one element tells, as far as the gate uses it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Element<'h> {
    /// The value of `for`, without quotes.
    pub(super) node: Option<&'h [u8]>,
    /// The value of `proto`.
    pub(super) proto: Option<Proto>,
}

/// The elements of one line, from left to right; ends after an error.
#[derive(Debug)]
pub(super) struct Elements<'h>(Option<&'h [u8]>);

impl<'h> Elements<'h> {
    pub(super) const fn of(line: &'h [u8]) -> Self {
        Self(Some(line))
    }
}

impl<'h> Iterator for Elements<'h> {
    type Item = Result<Element<'h>, ForwardedError>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.0.take()?;
        Some(element(rest).map(|(element, rest)| {
            self.0 = rest;
            element
        }))
    }
}

/// Reads one element, and returns what follows the comma after it.
fn element(mut text: &[u8]) -> Result<(Element<'_>, Option<&[u8]>), ForwardedError> {
    let mut element = Element::default();
    let mut seen: [Option<&[u8]>; 4] = [None; 4];
    let mut count = 0;
    loop {
        let Pair { name, value, after } = pair(text)?;
        if seen.iter().flatten().any(|earlier| earlier.eq_ignore_ascii_case(name)) {
            return Err(ForwardedError::Syntax);
        }
        // RFC 7239 knows four parameters; more than that in one element is nothing that a proxy writes
        *seen.get_mut(count).ok_or(ForwardedError::Syntax)? = Some(name);
        count += 1;
        if name.eq_ignore_ascii_case(b"for") {
            element.node = Some(value);
        } else if name.eq_ignore_ascii_case(b"proto") {
            element.proto = Some(Proto::read(value)?);
        }
        match trim(after) {
            [] => return Ok((element, None)),
            [b',', rest @ ..] => return Ok((element, Some(rest))),
            [b';', rest @ ..] => text = rest,
            _ => return Err(ForwardedError::Syntax),
        }
    }
}

/// One parameter, and what follows it.
struct Pair<'h> {
    name: &'h [u8],
    value: &'h [u8],
    after: &'h [u8],
}

/// Reads `name=value`; the value without its quotes.
fn pair(text: &[u8]) -> Result<Pair<'_>, ForwardedError> {
    let (name, rest) = token(trim(text))?;
    let [b'=', rest @ ..] = rest else { return Err(ForwardedError::Syntax) };
    let (value, after) = match rest {
        [b'"', inside @ ..] => {
            // no value that the gate reads needs an escape, and a value with one would have to be copied
            let end =
                inside.iter().position(|byte| matches!(byte, b'"' | b'\\')).ok_or(ForwardedError::Syntax)?;
            match inside.split_at(end) {
                (value, [b'"', after @ ..]) => (value, after),
                _ => return Err(ForwardedError::Syntax),
            }
        }
        _ => token(rest)?,
    };
    Ok(Pair { name, value, after })
}

/// Reads a token (RFC 9110 section 5.6.2).
fn token(text: &[u8]) -> Result<(&[u8], &[u8]), ForwardedError> {
    let end = text.iter().position(|byte| !is_token_byte(*byte)).unwrap_or(text.len());
    if end == 0 { Err(ForwardedError::Syntax) } else { Ok(text.split_at(end)) }
}
