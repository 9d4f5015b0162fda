//! Amazon resource names cut into their six parts, and patterns over those parts.
//! It must not let a wildcard reach over a `:` between two parts.

use super::context::Source;
use super::pattern::{Case, Pattern, PatternError, Syntax, Token, Variables};
use super::truth::Truth;

/// The six parts of an ARN: `arn`, partition, service, region, account, resource.
pub type Parts<'a> = [&'a [u8]; 6];

/// Cuts at the first five `:`; `None` for anything that is no ARN. The sixth part may hold more of them.
#[must_use]
pub fn split(text: &[u8]) -> Option<Parts<'_>> {
    let mut parts = text.splitn(6, |byte| *byte == b':');
    let mut next = || parts.next();
    let cut = [next()?, next()?, next()?, next()?, next()?, next()?];
    (cut.first() == Some(&&b"arn"[..])).then_some(cut)
}

/// Why a text is no ARN pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArnError {
    /// Not `arn:` and five more parts.
    #[error("is no ARN")]
    Malformed,
    /// A variable before the resource part of a Resource.
    #[error("has a variable outside the last part of the ARN, where none is allowed")]
    Variable,
    /// A wildcard in the service part of a Resource.
    #[error("has a wildcard in the service part of the ARN, where none is allowed")]
    ServiceWildcard,
    /// A wildcard in the partition part of a Resource, other than `*` and `aws*`.
    #[error("has a wildcard in the partition part of the ARN, where only `*` and `aws*` are allowed")]
    PartitionWildcard,
    /// A malformed variable.
    #[error("is malformed: {0}")]
    Pattern(#[from] PatternError),
}

/// A pattern for each part of an ARN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArnPattern {
    parts: Box<[Pattern; 6]>,
}

impl ArnPattern {
    /// Reads the value of an `ArnEquals`, `ArnLike`, … condition: wildcards and variables in every part but the first.
    ///
    /// # Errors
    /// What is no ARN, or has a malformed variable.
    pub fn parse(text: &str, variables: Variables) -> Result<Self, ArnError> {
        let whole = Pattern::parse(text, Syntax { wildcards: true, variables })?;
        let parts = cut(whole.tokens())?;
        let arn = Self { parts: Box::new(parts) };
        if arn.part(0).literal() != Some(b"arn") || arn.part(5).tokens().is_empty() {
            return Err(ArnError::Malformed);
        }
        Ok(arn)
    }

    /// Reads an entry of Resource or `NotResource`: as above, but variables in the last part only, and
    /// neither service nor partition may be vague.
    ///
    /// # Errors
    /// What is no ARN, or has a wildcard or variable where none is allowed.
    pub fn parse_resource(text: &str, variables: Variables) -> Result<Self, ArnError> {
        let arn = Self::parse(text, variables)?;
        let is_variable = |token: &Token| matches!(token, Token::Var(_));
        if arn.parts.iter().take(5).any(|part| part.tokens().iter().any(is_variable)) {
            return Err(ArnError::Variable);
        }
        if variables != Variables::Literal && fixed_parts(text).contains("${") {
            return Err(ArnError::Variable);
        }
        let service = arn.part(2).literal().ok_or(ArnError::ServiceWildcard)?;
        if service.is_empty() {
            return Err(ArnError::Malformed);
        }
        match arn.part(1).tokens() {
            [Token::Star | Token::Lit(_)] => Ok(arn),
            [Token::Lit(start), Token::Star] if **start == *b"aws" => Ok(arn),
            [] => Err(ArnError::Malformed),
            _ => Err(ArnError::PartitionWildcard),
        }
    }

    /// The pattern of one part, 0 to 5.
    #[must_use]
    pub fn part(&self, at: usize) -> &Pattern {
        static EMPTY: std::sync::LazyLock<Pattern> =
            std::sync::LazyLock::new(|| Pattern::from_tokens(Vec::new()));
        self.parts.get(at).unwrap_or(&EMPTY)
    }

    /// The pattern of the resource part.
    #[must_use]
    pub fn resource(&self) -> &Pattern {
        self.part(5)
    }

    /// Whether all six parts match; the service part regardless of case, as service prefixes are.
    #[must_use]
    pub fn matches(&self, arn: &Parts<'_>, source: &Source<'_>) -> Truth {
        let case = |at| if at == 2 { Case::IgnoreAscii } else { Case::Exact };
        let part =
            |(at, (pattern, part)): (usize, (&Pattern, &&[u8]))| pattern.matches(part, case(at), source);
        Truth::all(self.parts.iter().zip(arn).enumerate().map(part))
    }
}

impl std::fmt::Display for ArnPattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (at, part) in self.parts.iter().enumerate() {
            write!(f, "{}{part}", if at == 0 { "" } else { ":" })?;
        }
        Ok(())
    }
}

/// The text before the fifth `:`.
fn fixed_parts(text: &str) -> &str {
    let end = text.match_indices(':').nth(4).map_or(text.len(), |(at, _)| at);
    text.get(..end).unwrap_or(text)
}

/// Cuts tokens at the first five `:` of their literals; a `:` inside a variable does not count.
fn cut(tokens: &[Token]) -> Result<[Pattern; 6], ArnError> {
    let mut parts: Vec<Vec<Token>> = vec![Vec::new()];
    let push = |parts: &mut Vec<Vec<Token>>, token: Token| {
        if let Some(part) = parts.last_mut() {
            part.push(token);
        }
    };
    for token in tokens {
        let Token::Lit(text) = token else {
            push(&mut parts, token.clone());
            continue;
        };
        for (at, piece) in text.splitn(7 - parts.len(), |byte| *byte == b':').enumerate() {
            if at > 0 {
                parts.push(Vec::new());
            }
            if !piece.is_empty() {
                push(&mut parts, Token::Lit(piece.into()));
            }
        }
    }
    let parts: Vec<Pattern> = parts.into_iter().map(Pattern::from_tokens).collect();
    parts.try_into().map_err(|_| ArnError::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::context::KeyMap;

    fn matches(pattern: &str, arn: &str) -> Truth {
        let map = KeyMap::from_pairs([("aws:username", "a:b*"), ("aws:PrincipalAccount", "111122223333")]);
        let pattern = ArnPattern::parse(pattern, Variables::Closed).unwrap();
        pattern.matches(&split(arn.as_bytes()).unwrap(), &Source::from(&map))
    }

    #[test]
    fn parts_are_matched_one_by_one() {
        use Truth::{No, Yes};
        for (pattern, arn, expected) in [
            ("arn:aws:s3:::media/*", "arn:aws:s3:::media/a:b/c", Yes),
            ("arn:aws:s3:::media/*", "arn:aws:s3:::media", No),
            ("arn:aws:S3:::media", "arn:aws:s3:::media", Yes),
            ("arn:aws:s3:::Media", "arn:aws:s3:::media", No),
            ("arn:*:s3:::media", "arn:aws-cn:s3:::media", Yes),
            ("arn:aws:s3:*:*:media", "arn:aws:s3:::media", Yes),
            ("arn:aws:s3:us-east-1::media", "arn:aws:s3:::media", No),
            (
                "arn:aws:x:*:111122223333:finance/*",
                "arn:aws:x:us-east-2:999999999999:store/abc:111122223333:finance/d",
                No,
            ),
            ("arn:aws:iam::${aws:PrincipalAccount}:user/x", "arn:aws:iam::111122223333:user/x", Yes),
            ("arn:aws:iam::1:user/${aws:username}", "arn:aws:iam::1:user/a:b*", Yes),
            ("arn:aws:iam::1:user/${aws:username}", "arn:aws:iam::1:user/a:bc", No),
            ("arn:aws:iam:${aws:username}:1:x", "arn:aws:iam:a:b*:1:x", No),
        ] {
            assert_eq!(matches(pattern, arn), expected, "{pattern} on {arn}");
        }
    }

    #[test]
    fn what_is_no_arn() {
        for text in
            ["", "*", "arn", "arn:aws:s3:::", "arn:aws:s3::media", "ARN:aws:s3:::media", "a*:aws:s3:::m"]
        {
            assert_eq!(ArnPattern::parse(text, Variables::Closed), Err(ArnError::Malformed), "{text}");
        }
        assert_eq!(split(b"arn:aws:s3:::m").map(|parts| parts[5]), Some(&b"m"[..]));
        assert_eq!(split(b"arn:aws:s3::m"), None);
        assert_eq!(split(b"xrn:aws:s3:::m"), None);
    }

    #[test]
    fn resources_are_stricter() {
        for (text, error) in [
            ("media", ArnError::Malformed),
            ("arn:aws::::media", ArnError::Malformed),
            ("arn::s3:::media", ArnError::Malformed),
            ("arn:aws:*:::media", ArnError::ServiceWildcard),
            ("arn:aws:s?:::media", ArnError::ServiceWildcard),
            ("arn:a*:s3:::media", ArnError::PartitionWildcard),
            ("arn:aws?:s3:::media", ArnError::PartitionWildcard),
            ("arn:aws:s3:::${x", ArnError::Pattern(PatternError::Unterminated)),
            ("arn:aws:s3::${aws:PrincipalAccount}:media", ArnError::Variable),
            ("arn:aws:s3:${*}::media", ArnError::Variable),
        ] {
            assert_eq!(ArnPattern::parse_resource(text, Variables::Closed), Err(error), "{text}");
        }
        for text in ["arn:aws*:s3:::media", "arn:*:s3:*:*:media/*", "arn:aws:s3:::${aws:username}"] {
            assert!(ArnPattern::parse_resource(text, Variables::Closed).is_ok(), "{text}");
        }
        assert!(ArnPattern::parse_resource("arn:aws:s3:::${x", Variables::Literal).is_ok());
    }
}
