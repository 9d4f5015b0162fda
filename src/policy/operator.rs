//! The table of condition operators.
//! It must not compare: that is `condition`.

/// How two ordered values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// Equal.
    Equal,
    /// The request's value is less than the policy's.
    Less,
    /// Less or equal.
    LessOrEqual,
    /// The request's value is greater than the policy's.
    Greater,
    /// Greater or equal.
    GreaterOrEqual,
}

impl Order {
    /// Whether the request's value stands in this order to the policy's.
    #[must_use]
    pub fn holds<T: Ord>(self, request: &T, policy: &T) -> bool {
        match self {
            Self::Equal => request == policy,
            Self::Less => request < policy,
            Self::LessOrEqual => request <= policy,
            Self::Greater => request > policy,
            Self::GreaterOrEqual => request >= policy,
        }
    }
}

/// What an operator compares, its negation left aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// Same text.
    StringEquals,
    /// Same text, ASCII letter case ignored.
    StringEqualsIgnoreCase,
    /// Text matches a pattern.
    StringLike,
    /// Numbers in order.
    Numeric(Order),
    /// Instants in order.
    Date(Order),
    /// Same truth value.
    Bool,
    /// Same bytes.
    Binary,
    /// Address in a range.
    IpAddress,
    /// ARN matches a pattern part by part.
    Arn,
    /// The key is absent or present.
    Null,
}

macro_rules! operators {
    ($($name:literal $comparison:expr, $negated:literal;)*) => {
        const TABLE: &[(&str, Comparison, bool)] = &[$(($name, $comparison, $negated),)*];
    };
}

operators! {
    "StringEquals" Comparison::StringEquals, false;
    "StringNotEquals" Comparison::StringEquals, true;
    "StringEqualsIgnoreCase" Comparison::StringEqualsIgnoreCase, false;
    "StringNotEqualsIgnoreCase" Comparison::StringEqualsIgnoreCase, true;
    "StringLike" Comparison::StringLike, false;
    "StringNotLike" Comparison::StringLike, true;
    "NumericEquals" Comparison::Numeric(Order::Equal), false;
    "NumericNotEquals" Comparison::Numeric(Order::Equal), true;
    "NumericLessThan" Comparison::Numeric(Order::Less), false;
    "NumericLessThanEquals" Comparison::Numeric(Order::LessOrEqual), false;
    "NumericGreaterThan" Comparison::Numeric(Order::Greater), false;
    "NumericGreaterThanEquals" Comparison::Numeric(Order::GreaterOrEqual), false;
    "DateEquals" Comparison::Date(Order::Equal), false;
    "DateNotEquals" Comparison::Date(Order::Equal), true;
    "DateLessThan" Comparison::Date(Order::Less), false;
    "DateLessThanEquals" Comparison::Date(Order::LessOrEqual), false;
    "DateGreaterThan" Comparison::Date(Order::Greater), false;
    "DateGreaterThanEquals" Comparison::Date(Order::GreaterOrEqual), false;
    "Bool" Comparison::Bool, false;
    "BinaryEquals" Comparison::Binary, false;
    "IpAddress" Comparison::IpAddress, false;
    "NotIpAddress" Comparison::IpAddress, true;
    "ArnEquals" Comparison::Arn, false;
    "ArnNotEquals" Comparison::Arn, true;
    "ArnLike" Comparison::Arn, false;
    "ArnNotLike" Comparison::Arn, true;
    "Null" Comparison::Null, false;
}

/// Which of the request's values a test looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Quantifier {
    /// The only one.
    One,
    /// `ForAnyValue:` at least one must pass.
    Any,
    /// `ForAllValues:` all must pass.
    All,
}

/// An operator as a policy writes it: prefix, name and suffix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Operator {
    /// The set prefix.
    pub quantifier: Quantifier,
    /// The name in AWS's spelling.
    pub name: &'static str,
    /// What is compared.
    pub comparison: Comparison,
    /// Whether the comparison must fail.
    pub negated: bool,
    /// Whether a missing key passes (`IfExists`).
    pub if_exists: bool,
}

const SUFFIX: &str = "IfExists";

/// Why an operator is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OperatorError {
    /// No such operator.
    #[error("is no condition operator")]
    Unknown,
    /// `Null` with a set prefix or `IfExists`.
    #[error("puts a prefix or suffix to `Null`, which has none")]
    DecoratedNull,
}

impl Operator {
    /// The names of all operators, without prefix and suffix.
    pub fn names() -> impl Iterator<Item = &'static str> {
        TABLE.iter().map(|(name, ..)| *name)
    }

    /// Reads an operator, letter case ignored.
    ///
    /// # Errors
    /// Unknown names, and `Null` with prefix or suffix.
    pub fn parse(text: &str) -> Result<Self, OperatorError> {
        let (quantifier, rest) = match text.split_once(':') {
            None => (Quantifier::One, text),
            Some((prefix, rest)) if prefix.eq_ignore_ascii_case("ForAnyValue") => (Quantifier::Any, rest),
            Some((prefix, rest)) if prefix.eq_ignore_ascii_case("ForAllValues") => (Quantifier::All, rest),
            Some(_) => return Err(OperatorError::Unknown),
        };
        let cut = rest.len().checked_sub(SUFFIX.len()).and_then(|at| rest.split_at_checked(at));
        let (name, if_exists) = match cut {
            Some((name, suffix)) if suffix.eq_ignore_ascii_case(SUFFIX) => (name, true),
            _ => (rest, false),
        };
        let row = TABLE.iter().find(|(known, ..)| known.eq_ignore_ascii_case(name));
        let (name, comparison, negated) = *row.ok_or(OperatorError::Unknown)?;
        if comparison == Comparison::Null && (if_exists || quantifier != Quantifier::One) {
            return Err(OperatorError::DecoratedNull);
        }
        Ok(Self { quantifier, name, comparison, negated, if_exists })
    }
}

impl std::fmt::Display for Operator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let prefix = match self.quantifier {
            Quantifier::One => "",
            Quantifier::Any => "ForAnyValue:",
            Quantifier::All => "ForAllValues:",
        };
        write!(f, "{prefix}{}{}", self.name, if self.if_exists { "IfExists" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_27_with_prefix_and_suffix() {
        assert_eq!(Operator::names().count(), 27);
        for name in Operator::names() {
            assert_eq!(Operator::parse(name).unwrap().to_string(), name);
            assert_eq!(Operator::parse(&name.to_uppercase()).unwrap().to_string(), name);
            for decorated in [
                format!("{name}IfExists"),
                format!("ForAnyValue:{name}"),
                format!("ForAllValues:{name}"),
                format!("ForAnyValue:{name}IfExists"),
            ] {
                let read = Operator::parse(&decorated).map(|operator| operator.to_string());
                let expected = if name == "Null" { Err(OperatorError::DecoratedNull) } else { Ok(decorated) };
                assert_eq!(read, expected);
            }
            let negated = name.contains("Not");
            assert_eq!(Operator::parse(name).unwrap().negated, negated, "{name}");
        }
    }

    #[test]
    fn what_is_no_operator() {
        for text in [
            "",
            "Equals",
            "StringEqualsIfExistsIfExists",
            "ForSomeValue:Bool",
            "Bool:",
            ":Bool",
            "NotBool",
            "IfExists",
        ] {
            assert_eq!(Operator::parse(text), Err(OperatorError::Unknown), "{text}");
        }
    }
}
