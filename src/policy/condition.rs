//! One test of a Condition: operator, key and values, and whether a request passes it.
//! It must not decide what a test that cannot be answered leads to.

mod text_set;

use super::arn::{self, ArnPattern};
use super::context::{Source, Value};
use super::key::KeyRef;
use super::operator::{Operator, Order, Quantifier};
use super::truth::Truth;
use super::value::{Decimal, Instant, IpRanges, base64};

pub use text_set::TextSet;

/// One operator on one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Test {
    /// The operator.
    pub operator: Operator,
    /// The key.
    pub key: KeyRef,
    /// The values of the policy; the type fits the operator.
    pub operand: Operand,
}

/// The values of a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operand {
    /// Texts or patterns.
    Text(TextSet),
    /// Numbers.
    Numbers(Order, Vec<Decimal>),
    /// Instants.
    Dates(Order, Vec<Instant>),
    /// Truth values.
    Bools(Vec<bool>),
    /// Byte strings.
    Bytes(Vec<Vec<u8>>),
    /// Address ranges.
    Ips(IpRanges),
    /// ARNs.
    Arns(Vec<ArnPattern>),
    /// For `Null`: true asks for an absent key, false for a present one.
    Absent(Vec<bool>),
}

impl Test {
    /// Whether the request passes (IAM guide, "conditions with multiple context keys or values").
    #[must_use]
    pub fn passes(&self, source: &Source<'_>) -> Truth {
        let value = source.value(&self.key);
        if let Value::Unknown = value {
            return Truth::Unknown;
        }
        let absent = match value {
            Value::Missing => true,
            Value::List(list) => list.is_empty(),
            _ => false,
        };
        if let Operand::Absent(wanted) = &self.operand {
            return wanted.contains(&absent).into();
        }
        match (self.operator.quantifier, value) {
            (Quantifier::Any, _) if absent => Truth::No,
            (Quantifier::All, _) if absent => Truth::Yes,
            (Quantifier::One, _) if absent => (self.operator.if_exists || self.operator.negated).into(),
            (Quantifier::Any, Value::List(list)) => {
                Truth::any(list.iter().map(|value| self.item(value, source)))
            }
            (Quantifier::All, Value::List(list)) => {
                Truth::all(list.iter().map(|value| self.item(value, source)))
            }
            // several values without a set prefix: AWS defines no answer
            (Quantifier::One, Value::List(_)) => Truth::Unknown,
            (_, value) => self.item(value, source),
        }
    }

    /// One value of the request against the list of the policy.
    fn item(&self, value: Value<'_>, source: &Source<'_>) -> Truth {
        self.operand.matches(value, source).negated_if(self.operator.negated)
    }
}

impl std::fmt::Display for Test {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.operator, self.key)
    }
}

impl Operand {
    /// Whether one of the values matches; unknown if the request's value is not of the type.
    fn matches(&self, value: Value<'_>, source: &Source<'_>) -> Truth {
        let typed = |answer: Option<bool>| answer.map_or(Truth::Unknown, Truth::from);
        match self {
            Self::Text(set) => {
                value.into_text().map_or(Truth::Unknown, |text| set.matches(text.bytes(), source))
            }
            Self::Numbers(order, list) => {
                typed(value.number().map(|number| list.iter().any(|other| order.holds(&number, other))))
            }
            Self::Dates(order, list) => {
                typed(value.instant().map(|at| list.iter().any(|other| order.holds(&at, other))))
            }
            Self::Bools(list) => typed(value.bool().map(|value| list.contains(&value))),
            Self::Bytes(list) => {
                let bytes = value.into_text().and_then(|text| base64::decode(text.bytes()));
                typed(bytes.map(|bytes| list.contains(&bytes)))
            }
            Self::Ips(ranges) => typed(value.ip().map(|addr| ranges.contains(addr))),
            Self::Arns(list) => {
                let Some(text) = value.into_text() else { return Truth::Unknown };
                let Some(parts) = arn::split(text.bytes()) else { return Truth::Unknown };
                Truth::any(list.iter().map(|pattern| pattern.matches(&parts, source)))
            }
            // INVARIANT: answered in `passes`
            Self::Absent(_) => Truth::Unknown,
        }
    }
}

#[cfg(test)]
mod tests;
