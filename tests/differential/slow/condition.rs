//! The Condition element, operator by operator, as the tables of the IAM guide have it.
//! It must not look at anything but the context of the case.

use super::value::{Pattern, compare, glob, in_range, instant, number};
use super::{Maybe, Request, many, text};
use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value;

/// Whether every test of a Condition holds: no if one fails, else unknown if one is.
pub fn all(condition: &Value, request: &Request, variables: bool) -> Maybe {
    let mut answers = Vec::new();
    for (operator, keys) in condition.as_object().into_iter().flatten() {
        for (key, values) in keys.as_object().into_iter().flatten() {
            let values: Vec<String> = many(values).iter().map(text).collect();
            answers.push(test(operator, key, &values, request, variables));
        }
    }
    every(&answers)
}

fn every(answers: &[Maybe]) -> Maybe {
    if answers.contains(&Some(false)) {
        Some(false)
    } else if answers.contains(&None) {
        None
    } else {
        Some(true)
    }
}

fn some(answers: &[Maybe]) -> Maybe {
    not(every(&answers.iter().map(|answer| not(*answer)).collect::<Vec<_>>()))
}

fn not(answer: Maybe) -> Maybe {
    answer.map(|answer| !answer)
}

fn test(operator: &str, key: &str, values: &[String], request: &Request, variables: bool) -> Maybe {
    let lower = operator.to_lowercase();
    let (quantifier, name) = lower.split_once(':').unwrap_or(("", &lower));
    let (name, if_exists) = name.strip_suffix("ifexists").map_or((name, false), |name| (name, true));
    let negated = name.contains("not");
    let found = request.context.get(&key.to_lowercase());
    let list: Vec<String> = found.map(|value| many(value).iter().map(text).collect()).unwrap_or_default();
    let is_list = matches!(found, Some(Value::Array(_)));
    if name == "null" {
        let absent = list.is_empty();
        return Some(
            values.iter().any(|value| value.eq_ignore_ascii_case(if absent { "true" } else { "false" })),
        );
    }
    let item = |value: &String| {
        let positive = matches(&name.replacen("not", "", 1), value, values, request, variables);
        if negated { not(positive) } else { positive }
    };
    let items: Vec<Maybe> = list.iter().map(item).collect();
    match (quantifier, list.is_empty()) {
        ("foranyvalue", true) => Some(false),
        ("forallvalues", true) => Some(true),
        ("foranyvalue", false) => some(&items),
        ("forallvalues", false) => every(&items),
        (_, true) => Some(if_exists || negated),
        // AWS defines no answer for several values without a prefix
        (_, false) if is_list => None,
        (_, false) => items[0],
    }
}

/// Whether the value matches one of the policy's, the negation left out.
fn matches(name: &str, value: &str, values: &[String], request: &Request, variables: bool) -> Maybe {
    let parsed = |wildcards: bool, text: &str| Pattern::parse(text, wildcards, variables, request);
    let like = |wildcards: bool, fold: bool| {
        let own = if fold { value.to_ascii_lowercase() } else { value.to_owned() };
        values
            .iter()
            .filter_map(|text| parsed(wildcards, text))
            .any(|pattern| glob(&if fold { pattern.lower() } else { pattern }, &own))
    };
    let ordered = |ordering: std::cmp::Ordering, kind: &str| match kind {
        "equals" => ordering.is_eq(),
        "lessthan" => ordering.is_lt(),
        "lessthanequals" => ordering.is_le(),
        "greaterthan" => ordering.is_gt(),
        "greaterthanequals" => ordering.is_ge(),
        other => panic!("`{other}` is no order"),
    };
    match name {
        "stringequals" => Some(like(false, false)),
        "stringequalsignorecase" => Some(like(false, true)),
        "stringlike" => Some(like(true, false)),
        "bool" => {
            let own = ["true", "false"].into_iter().find(|word| value.eq_ignore_ascii_case(word))?;
            Some(values.iter().any(|value| value.eq_ignore_ascii_case(own)))
        }
        "binaryequals" => {
            let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
            let engine = GeneralPurpose::new(&base64::alphabet::STANDARD, config);
            let own = engine.decode(value).ok()?;
            Some(values.iter().any(|value| engine.decode(value).is_ok_and(|bytes| bytes == own)))
        }
        "ipaddress" => {
            let own = value.parse().ok()?;
            Some(values.iter().any(|range| in_range(own, range)))
        }
        "arnequals" | "arnlike" => {
            if !value.starts_with("arn:") || value.split(':').count() < 6 {
                return None;
            }
            Some(values.iter().any(|pattern| request.is_arn(pattern, value, variables)))
        }
        _ if name.starts_with("numeric") => {
            let own = number(value)?;
            let kind = name.trim_start_matches("numeric");
            let number =
                |text: &String| number(text).is_some_and(|other| ordered(compare(&own, &other), kind));
            Some(values.iter().any(number))
        }
        _ if name.starts_with("date") => {
            let own = instant(value)?;
            let kind = name.trim_start_matches("date");
            Some(values.iter().any(|text| instant(text).is_some_and(|other| ordered(own.cmp(&other), kind))))
        }
        other => panic!("`{other}` is no operator"),
    }
}
