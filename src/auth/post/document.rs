//! The policy of a form: its document, and whether a form keeps to it.
//! It must not skip a condition that it does not know.

use super::fields::Fields;
use crate::clock::UnixMillis;
use crate::clock::parse::parse_time;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use std::ops::RangeInclusive;

/// Why a form is refused by its policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicyFault {
    /// The document cannot be read; in S3's words.
    Malformed(String),
    /// It has expired.
    Expired,
    /// This condition does not hold, written as a list.
    Condition(String),
    /// No condition speaks of these fields.
    ExtraFields(String),
    /// The file is larger than the policy allows.
    TooLarge {
        /// Its bytes.
        proposed: u64,
        /// The most.
        max: u64,
    },
    /// The file is smaller than the policy allows.
    TooSmall {
        /// Its bytes.
        proposed: u64,
        /// The least.
        min: u64,
    },
}

/// A policy document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Policy {
    pub(super) expiration: UnixMillis,
    conditions: Vec<Condition>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Condition {
    Field {
        operator: Operator,
        /// As written, without the `$`.
        field: String,
        value: String,
    },
    Size(RangeInclusive<u64>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equals,
    StartsWith,
}

impl Operator {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Equals => "eq",
            Self::StartsWith => "starts-with",
        }
    }
}

fn malformed(text: impl Into<String>) -> PolicyFault {
    PolicyFault::Malformed(text.into())
}

impl Policy {
    /// Reads a document out of base64.
    pub(super) fn parse(base64: &str) -> Result<Self, PolicyFault> {
        let json = STANDARD.decode(base64).map_err(|_| malformed("invalid Base64 encoding."))?;
        let Pairs(entries) = serde_json::from_slice(&json).map_err(|_| malformed("Invalid JSON."))?;
        let (mut expiration, mut conditions) = (None, None);
        for (name, entry) in entries {
            let repeated = match (name.as_str(), entry) {
                ("expiration", Entry::Other(Value::String(text))) => {
                    expiration.replace(instant(&text)?).is_some()
                }
                ("expiration", _) => return Err(malformed("Invalid 'expiration' value.")),
                ("conditions", Entry::List(list)) => conditions.replace(list).is_some(),
                _ => return Err(malformed(format!("Unexpected: '{name}'."))),
            };
            if repeated {
                return Err(malformed(format!("Unexpected: '{name}'.")));
            }
        }
        let expiration = expiration.ok_or_else(|| malformed("Policy missing expiration."))?;
        let conditions = conditions.ok_or_else(|| malformed("Policy missing conditions."))?;
        let conditions: Vec<_> = conditions.into_iter().map(Condition::read).collect::<Result<_, _>>()?;
        if conditions.is_empty() {
            return Err(malformed("Policy missing conditions."));
        }
        Ok(Self { expiration, conditions })
    }

    /// Holds a form against the policy; gives the sizes that its file may have.
    pub(super) fn check(&self, fields: &Fields, now: UnixMillis) -> Result<RangeInclusive<u64>, PolicyFault> {
        if now > self.expiration {
            return Err(PolicyFault::Expired);
        }
        let (mut min, mut max) = (0, u64::MAX);
        for condition in &self.conditions {
            match condition {
                Condition::Field { operator, field, value } if !holds(fields, *operator, field, value) => {
                    let text = |text: &str| Value::from(text).to_string();
                    let field = text(&format!("${field}"));
                    let operator = text(operator.as_str());
                    return Err(PolicyFault::Condition(format!("[{operator}, {field}, {}]", text(value))));
                }
                Condition::Field { .. } => {}
                Condition::Size(range) => (min, max) = (min.max(*range.start()), max.min(*range.end())),
            }
        }
        self.check_coverage(fields)?;
        let proposed = fields.file_length();
        if proposed > max {
            return Err(PolicyFault::TooLarge { proposed, max });
        }
        if proposed < min {
            return Err(PolicyFault::TooSmall { proposed, min });
        }
        Ok(min..=max)
    }

    /// Every field is spoken of, and so is the bucket, which is no field.
    fn check_coverage(&self, fields: &Fields) -> Result<(), PolicyFault> {
        let spoken_of = |name: &str| {
            self.conditions.iter().any(|condition| match condition {
                Condition::Field { field, .. } => field.eq_ignore_ascii_case(name),
                Condition::Size(_) => false,
            })
        };
        let names = fields.iter().map(|field| field.name.as_str()).filter(|name| !is_free(name));
        let extra: Vec<_> = ["bucket"]
            .into_iter()
            .chain(names.filter(|name| *name != "bucket"))
            .filter(|name| !spoken_of(name))
            .collect();
        if extra.is_empty() { Ok(()) } else { Err(PolicyFault::ExtraFields(extra.join(", "))) }
    }
}

/// Fields that no condition has to speak of.
fn is_free(lower_name: &str) -> bool {
    matches!(lower_name, "policy" | "x-amz-signature" | "awsaccesskeyid" | "signature" | "file")
        || lower_name.starts_with("x-ignore-")
}

/// Whether a condition holds. A field that is not there meets none, not even the one that it begins with nothing.
fn holds(fields: &Fields, operator: Operator, field: &str, value: &str) -> bool {
    let name = field.to_ascii_lowercase();
    if name == "bucket" {
        // a field of that name must not say otherwise
        let given = [Some(fields.bucket()), fields.get("bucket")];
        return given.into_iter().flatten().all(|given| compares(operator, given, value))
            && fields.get("bucket").is_none_or(|given| given == fields.bucket());
    }
    let Some(given) = fields.get(&name) else { return false };
    if name == "content-type" && operator == Operator::StartsWith {
        return given.split(',').all(|member| compares(operator, member.trim(), value));
    }
    compares(operator, given, value)
}

fn compares(operator: Operator, given: &str, value: &str) -> bool {
    match operator {
        Operator::Equals => given == value,
        Operator::StartsWith => given.starts_with(value),
    }
}

/// `2026-01-15T13:00:00Z`, with fractions or without.
fn instant(text: &str) -> Result<UnixMillis, PolicyFault> {
    let is_iso = text.contains('T') && text.contains('-') && text.ends_with('Z');
    let wrong = || malformed(format!("Invalid 'expiration' value: '{text}'"));
    Some(text).filter(|_| is_iso).and_then(parse_time).ok_or_else(wrong)
}

impl Condition {
    fn read(raw: RawCondition) -> Result<Self, PolicyFault> {
        match raw {
            RawCondition::Simple(pairs) => {
                let mut pairs = pairs.into_iter();
                let (Some((field, value)), None) = (pairs.next(), pairs.next()) else {
                    return Err(malformed(
                        "Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.",
                    ));
                };
                let Value::String(value) = value else {
                    return Err(malformed("Invalid Simple-Condition: value must be a string."));
                };
                Ok(Self::Field { operator: Operator::Equals, field, value })
            }
            RawCondition::List(items) => Self::of_list(&items),
        }
    }

    fn of_list(items: &[Value]) -> Result<Self, PolicyFault> {
        let [Value::String(name), left, right] = items else {
            return Err(malformed("Invalid Condition: wrong number of arguments."));
        };
        let operator = match name.to_ascii_lowercase().as_str() {
            "eq" => Operator::Equals,
            "starts-with" => Operator::StartsWith,
            "content-length-range" => {
                let bounds = (number(left), number(right));
                let (Some(min), Some(max)) = bounds else {
                    return Err(malformed("Invalid content-length-range: values must be whole numbers."));
                };
                if min > max {
                    return Err(malformed("Invalid content-length-range: the minimum is above the maximum."));
                }
                return Ok(Self::Size(min..=max));
            }
            _ => return Err(malformed(format!("Invalid Condition: unknown operation '{name}'."))),
        };
        let (Value::String(field), Value::String(value)) = (left, right) else {
            return Err(malformed("Invalid Condition: the arguments must be strings."));
        };
        let field = field
            .strip_prefix('$')
            .ok_or_else(|| malformed("Invalid Condition: the name of the field must begin with '$'."))?;
        Ok(Self::Field { operator, field: field.to_owned(), value: value.clone() })
    }
}

/// A whole number, in digits or in a string of them.
fn number(value: &Value) -> Option<u64> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        _ => return None,
    };
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// The top of a document, nothing merged.
struct Pairs(Vec<(String, Entry)>);

enum Entry {
    List(Vec<RawCondition>),
    Other(Value),
}

enum RawCondition {
    Simple(Vec<(String, Value)>),
    List(Vec<Value>),
}

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Top;
        impl<'de> Visitor<'de> for Top {
            type Value = Pairs;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut entries = Vec::new();
                while let Some(name) = map.next_key::<String>()? {
                    let entry = match name.as_str() {
                        "conditions" => Entry::List(map.next_value()?),
                        _ => Entry::Other(map.next_value()?),
                    };
                    entries.push((name, entry));
                }
                Ok(Pairs(entries))
            }
        }
        deserializer.deserialize_map(Top)
    }
}

impl<'de> Deserialize<'de> for RawCondition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = RawCondition;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object or a list")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawCondition, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(RawCondition::Simple(pairs))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<RawCondition, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element()? {
                    items.push(item);
                }
                Ok(RawCondition::List(items))
            }
        }
        deserializer.deserialize_any(Either)
    }
}
