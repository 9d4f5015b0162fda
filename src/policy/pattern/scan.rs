//! Cuts the text of a pattern into tokens.
//! It must not know which places of a policy allow wildcards or variables: the caller says so.

use crate::policy::key::KeyRef;

use super::{Token, Variable};

/// What has a meaning in a text, and what is literal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Syntax {
    /// `*` and `?` are wildcards.
    pub wildcards: bool,
    /// What `${` is.
    pub variables: Variables,
}

/// What `${` is in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variables {
    /// Two characters: in places without variables, and in documents of version 2008-10-17.
    Literal,
    /// The beginning of a variable, which must be closed.
    Closed,
    /// The beginning of a variable, or two characters if no `}` follows: as AWS reads it, for test cases.
    ClosedOrLiteral,
}

/// What makes a text no pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// `${` without `}`.
    #[error("a `${{` is not closed")]
    Unterminated,
    /// Not a key, `key, 'default'`, `*`, `?` or `$` between the braces.
    #[error(
        "`${{{0}}}` is no variable: write `${{key}}`, `${{key, 'default'}}`, `${{*}}`, `${{?}}` or `${{$}}`"
    )]
    Malformed(String),
}

pub(super) fn tokens(text: &str, syntax: Syntax) -> Result<Vec<Token>, PatternError> {
    let mut tokens = Vec::new();
    let mut lit = String::new();
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let wildcard = match next {
            '*' if syntax.wildcards => Some(Token::Star),
            '?' if syntax.wildcards => Some(Token::Any1),
            _ => None,
        };
        if let Some(token) = wildcard {
            flush(&mut tokens, &mut lit);
            tokens.push(token);
            rest = rest.get(1..).unwrap_or_default();
        } else if let Some((body, after)) = split_variable(rest, syntax.variables)? {
            match variable(body)? {
                Expression::Char(literal) => lit.push(literal),
                Expression::Key(variable) => {
                    flush(&mut tokens, &mut lit);
                    tokens.push(Token::Var(variable));
                }
            }
            rest = after;
        } else {
            lit.push(next);
            rest = rest.get(next.len_utf8()..).unwrap_or_default();
        }
    }
    flush(&mut tokens, &mut lit);
    Ok(tokens)
}

fn flush(tokens: &mut Vec<Token>, lit: &mut String) {
    if !lit.is_empty() {
        tokens.push(Token::Lit(std::mem::take(lit).into_bytes().into_boxed_slice()));
    }
}

/// What stands between `${` and `}`, and what follows; a `}` in a quoted default does not close. `None` if no variable
/// begins here.
fn split_variable(text: &str, variables: Variables) -> Result<Option<(&str, &str)>, PatternError> {
    let Some(inner) = text.strip_prefix("${").filter(|_| variables != Variables::Literal) else {
        return Ok(None);
    };
    let mut quoted = false;
    for (at, char) in inner.char_indices() {
        match char {
            '\'' => quoted = !quoted,
            '}' if !quoted => {
                let body = inner.get(..at).unwrap_or_default();
                return Ok(Some((body, inner.get(at + 1..).unwrap_or_default())));
            }
            _ => {}
        }
    }
    match variables {
        Variables::ClosedOrLiteral => Ok(None),
        _ => Err(PatternError::Unterminated),
    }
}

enum Expression {
    Char(char),
    Key(Variable),
}

fn variable(body: &str) -> Result<Expression, PatternError> {
    let malformed = || PatternError::Malformed(body.into());
    if let "*" | "?" | "$" = body {
        return body.chars().next().map(Expression::Char).ok_or_else(malformed);
    }
    let (name, default) = match body.split_once(", '") {
        None => (body, None),
        Some((name, quoted)) => {
            let text = quoted.strip_suffix('\'').filter(|text| !text.contains('\'')).ok_or_else(malformed)?;
            (name, Some(text.as_bytes().into()))
        }
    };
    if name.contains(['\'', '{', '}', '$', ',']) {
        return Err(malformed());
    }
    let key = KeyRef::parse(name).ok_or_else(malformed)?;
    Ok(Expression::Key(Variable { key, default }))
}
