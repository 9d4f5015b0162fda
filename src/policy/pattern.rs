//! Text patterns: literals, `*`, `?` and policy variables, cut into tokens once and matched in linear space.
//! It must not substitute a variable before matching: the value of a variable is text, never a pattern.

mod scan;

use smallvec::SmallVec;

use super::context::{Source, Text, Value};
use super::key::KeyRef;
use super::truth::Truth;

pub use scan::{PatternError, Syntax, Variables};

/// A piece of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// These bytes.
    Lit(Box<[u8]>),
    /// Any run of characters, also none.
    Star,
    /// Exactly one character.
    Any1,
    /// The value of a context key.
    Var(Variable),
}

/// `${key}` or `${key, 'default'}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// The key whose value stands here.
    pub key: KeyRef,
    /// What stands here if the key has no value.
    pub default: Option<Box<[u8]>>,
}

/// Whether letters of ASCII match regardless of case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// Letter case counts.
    Exact,
    /// ASCII letter case does not count; other letters are compared as they are.
    IgnoreAscii,
}

/// A pattern of a resource, an action or a condition value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    tokens: Box<[Token]>,
    variables: bool,
}

impl Pattern {
    /// Cuts a text into tokens.
    ///
    /// # Errors
    /// A `${` that is not closed, or a variable that is malformed, where `syntax` has variables.
    pub fn parse(text: &str, syntax: Syntax) -> Result<Self, PatternError> {
        Ok(Self::from_tokens(scan::tokens(text, syntax)?))
    }

    /// A pattern of these tokens; neighbouring stars are one.
    #[must_use]
    pub fn from_tokens(mut tokens: Vec<Token>) -> Self {
        tokens.dedup_by(|next, last| *next == Token::Star && *last == Token::Star);
        let variables = tokens.iter().any(|token| matches!(token, Token::Var(_)));
        Self { tokens: tokens.into_boxed_slice(), variables }
    }

    /// The tokens.
    #[must_use]
    pub fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// The only text that this pattern matches, if there is just one.
    #[must_use]
    pub fn literal(&self) -> Option<&[u8]> {
        match &*self.tokens {
            [] => Some(b""),
            [Token::Lit(text)] => Some(text),
            _ => None,
        }
    }

    /// What every text that this pattern matches begins with.
    #[must_use]
    pub fn literal_prefix(&self) -> &[u8] {
        match self.tokens.first() {
            Some(Token::Lit(text)) => text,
            _ => b"",
        }
    }

    /// Whether `text` matches; `Unknown` if it depends on a variable whose value cannot be known.
    /// A variable without value and default makes the pattern match nothing.
    #[must_use]
    pub fn matches(&self, text: &[u8], case: Case, source: &Source<'_>) -> Truth {
        if self.variables {
            return self.matches_with_values(text, case, source);
        }
        glob(|at| self.tokens.get(at).map(|token| Piece::of(token, b"")), text, case).into()
    }

    /// As [`Pattern::matches`], for patterns of places that have no variables; a variable matches nothing.
    #[must_use]
    pub fn matches_plain(&self, text: &[u8], case: Case) -> bool {
        !self.variables && glob(|at| self.tokens.get(at).map(|token| Piece::of(token, b"")), text, case)
    }

    fn matches_with_values(&self, text: &[u8], case: Case, source: &Source<'_>) -> Truth {
        let mut values: SmallVec<[Text<'_>; 4]> = SmallVec::new();
        for token in &self.tokens {
            let Token::Var(variable) = token else {
                values.push(Text::Borrowed(b""));
                continue;
            };
            match source.value(&variable.key) {
                Value::Unknown => return Truth::Unknown,
                value => match (value.into_text(), &variable.default) {
                    (Some(value), _) => values.push(value),
                    (None, Some(default)) => values.push(Text::Borrowed(default)),
                    (None, None) => return Truth::No,
                },
            }
        }
        let piece = |at: usize| Some(Piece::of(self.tokens.get(at)?, values.get(at)?.bytes()));
        glob(piece, text, case).into()
    }
}

impl std::fmt::Display for Pattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for token in &self.tokens {
            match token {
                Token::Lit(text) => write!(f, "{}", String::from_utf8_lossy(text))?,
                Token::Star => f.write_str("*")?,
                Token::Any1 => f.write_str("?")?,
                Token::Var(variable) => write!(f, "${{{}}}", variable.key)?,
            }
        }
        Ok(())
    }
}

/// A token whose variable has been replaced by its value.
enum Piece<'a> {
    Lit(&'a [u8]),
    Star,
    Any1,
}

impl<'a> Piece<'a> {
    fn of(token: &'a Token, value: &'a [u8]) -> Self {
        match token {
            Token::Lit(text) => Self::Lit(text),
            Token::Star => Self::Star,
            Token::Any1 => Self::Any1,
            Token::Var(_) => Self::Lit(value),
        }
    }
}

/// Matches the whole text against the pieces. On a mismatch only the last star is moved on, so the cost is at most
/// length of the text times length of the pattern, and nothing recurses.
fn glob<'a>(piece: impl Fn(usize) -> Option<Piece<'a>>, text: &[u8], case: Case) -> bool {
    let (mut at, mut next) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        let step = match piece(next) {
            None if rest.is_empty() => return true,
            None => None,
            Some(Piece::Any1) => char_len(rest),
            Some(Piece::Lit(lit)) => starts_with(rest, lit, case).then_some(lit.len()),
            Some(Piece::Star) => {
                next += 1;
                if piece(next).is_none() {
                    return true;
                }
                star = Some((next, at));
                continue;
            }
        };
        if let Some(len) = step {
            (at, next) = (at + len, next + 1);
            continue;
        }
        let Some((after, from)) = star else { return false };
        let Some(len) = char_len(text.get(from..).unwrap_or_default()) else { return false };
        (at, next) = (from + len, after);
        star = Some((after, at));
    }
}

fn starts_with(text: &[u8], lit: &[u8], case: Case) -> bool {
    match case {
        Case::Exact => text.starts_with(lit),
        Case::IgnoreAscii => text.get(..lit.len()).is_some_and(|head| head.eq_ignore_ascii_case(lit)),
    }
}

/// The length of the first character: a Unicode scalar, or one byte where the text is no UTF-8. `None` at the end.
fn char_len(text: &[u8]) -> Option<usize> {
    let expected = match *text.first()? {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => 1,
    };
    let whole = text.get(1..expected).is_some_and(|tail| tail.iter().all(|byte| byte & 0xc0 == 0x80));
    Some(if whole { expected } else { 1 })
}

#[cfg(test)]
mod tests;
