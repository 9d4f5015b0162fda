//! Patterns, numbers, instants and addresses, each read the long way.
//! It must not be clever.

use super::Request;
use std::net::IpAddr;

/// One step of a pattern.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    Char(char),
    One,
    Any,
}

/// A pattern as characters and wildcards; variables are characters already.
#[derive(Clone, Debug, Default)]
pub struct Pattern(Vec<Step>);

impl Pattern {
    /// `*` and `?` are wildcards, nothing else is anything.
    pub fn wild(text: &str) -> Self {
        let step = |char| match char {
            '*' => Step::Any,
            '?' => Step::One,
            char => Step::Char(char),
        };
        Self(text.chars().map(step).collect())
    }

    /// A text of a policy; `None` if a variable in it has no value.
    pub fn parse(text: &str, wildcards: bool, variables: bool, request: &Request) -> Option<Self> {
        let mut steps = Vec::new();
        let mut rest: Vec<char> = text.chars().collect();
        while !rest.is_empty() {
            if variables
                && rest.starts_with(&['$', '{'])
                && let Some(end) = end_of_variable(&rest)
            {
                let body: String = rest[2..end].iter().collect();
                rest.drain(..=end);
                let value = match body.as_str() {
                    "*" | "?" | "$" => body.clone(),
                    _ => {
                        let (key, default) = match body.split_once(", '") {
                            Some((key, default)) => (key, Some(default.trim_end_matches('\'').to_owned())),
                            None => (body.as_str(), None),
                        };
                        request.value(key).or(default)?
                    }
                };
                steps.extend(value.chars().map(Step::Char));
                continue;
            }
            let char = rest.remove(0);
            steps.extend(if wildcards { Self::wild(&char.to_string()).0 } else { vec![Step::Char(char)] });
        }
        Some(Self(steps))
    }

    /// The six parts of an ARN: only colons of the policy itself divide it, those of a value do so too.
    pub fn split_arn(&self) -> Vec<Self> {
        let mut parts = vec![Self::default()];
        for step in &self.0 {
            if *step == Step::Char(':') && parts.len() < 6 {
                parts.push(Self::default());
            } else if let Some(part) = parts.last_mut() {
                part.0.push(step.clone());
            }
        }
        parts
    }

    /// The same pattern for comparing without letter case of ASCII.
    pub fn lower(&self) -> Self {
        let lower = |step: &Step| match step {
            Step::Char(char) => Step::Char(char.to_ascii_lowercase()),
            other => other.clone(),
        };
        Self(self.0.iter().map(lower).collect())
    }
}

/// Where the `}` of a variable is; one inside quotes does not count.
fn end_of_variable(chars: &[char]) -> Option<usize> {
    let mut quoted = false;
    for (at, char) in chars.iter().enumerate() {
        match char {
            '\'' => quoted = !quoted,
            '}' if !quoted => return Some(at),
            _ => {}
        }
    }
    None
}

/// Whether the whole text matches: a table of "the first `i` steps match the first `j` characters".
pub fn glob(pattern: &Pattern, text: &str) -> bool {
    let chars: Vec<char> = text.chars().collect();
    let mut row = vec![false; chars.len() + 1];
    row[0] = true;
    for step in &pattern.0 {
        let mut next = vec![false; chars.len() + 1];
        for j in 0..=chars.len() {
            next[j] = match step {
                Step::Any => row[j] || (j > 0 && next[j - 1]),
                Step::One => j > 0 && row[j - 1],
                Step::Char(char) => j > 0 && row[j - 1] && chars[j - 1] == *char,
            };
        }
        row = next;
    }
    row[chars.len()]
}

/// A decimal number as its sign, digits before and digits after the point, without zeros that change nothing.
pub fn number(text: &str) -> Option<(bool, String, String)> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let plain = |part: &str| !part.is_empty() && part.chars().all(|char| char.is_ascii_digit());
    if !plain(whole) || !plain(fraction) {
        return None;
    }
    let (whole, fraction) =
        (whole.trim_start_matches('0').to_owned(), fraction.trim_end_matches('0').to_owned());
    let zero = whole.is_empty() && fraction.is_empty();
    Some((negative && !zero, whole, fraction))
}

/// How two numbers compare.
pub fn compare(left: &(bool, String, String), right: &(bool, String, String)) -> std::cmp::Ordering {
    let absolute = |one: &(bool, String, String), other: &(bool, String, String)| {
        one.1.len().cmp(&other.1.len()).then_with(|| one.1.cmp(&other.1)).then_with(|| one.2.cmp(&other.2))
    };
    match (left.0, right.0) {
        (false, true) => std::cmp::Ordering::Greater,
        (true, false) => std::cmp::Ordering::Less,
        (false, false) => absolute(left, right),
        (true, true) => absolute(right, left),
    }
}

/// Nanoseconds since 1970 of `2026-11-23`, `2026-11-23T17:00[:00[.5]](Z|+01:00)` or whole seconds.
pub fn instant(text: &str) -> Option<i128> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if !digits.is_empty() && digits.chars().all(|char| char.is_ascii_digit()) {
        return (digits.len() != 4)
            .then(|| text.parse::<i128>().ok())
            .flatten()
            .map(|seconds| seconds * 1_000_000_000);
    }
    let (date, time) = text.split_once('T').map_or((text, None), |(date, time)| (date, Some(time)));
    let fields: Vec<&str> = date.split('-').collect();
    let field = |text: &str, width: usize| {
        (text.len() == width && text.chars().all(|char| char.is_ascii_digit()))
            .then(|| text.parse::<i128>().ok())?
    };
    let (year, month) = (field(fields.first()?, 4)?, field(fields.get(1)?, 2)?);
    let day = fields.get(2).map_or(Some(1), |day| field(day, 2))?;
    if fields.len() > 3 || (time.is_some() && fields.len() != 3) {
        return None;
    }
    let leap = |year: i128| (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let days = |year: i128, month: i128| match month {
        2 => 28 + i128::from(leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    if !(1..=12).contains(&month) || day < 1 || day > days(year, month) {
        return None;
    }
    let years: i128 = if year >= 1970 {
        (1970..year).map(|year| 365 + i128::from(leap(year))).sum()
    } else {
        -(year..1970).map(|year| 365 + i128::from(leap(year))).sum::<i128>()
    };
    let months: i128 = (1..month).map(|month| days(year, month)).sum();
    let midnight = (years + months + day - 1) * 86_400;
    let Some(time) = time else { return Some(midnight * 1_000_000_000) };
    let (clock, offset) = if let Some(clock) = time.strip_suffix('Z') {
        (clock, 0)
    } else {
        let at = time.rfind(['+', '-'])?;
        let (hours, minutes) = time[at + 1..].split_once(':')?;
        let (hours, minutes) = (field(hours, 2)?, field(minutes, 2)?);
        if hours > 23 || minutes > 59 {
            return None;
        }
        let sign = if time[at..].starts_with('+') { 1 } else { -1 };
        (&time[..at], sign * (hours * 3600 + minutes * 60))
    };
    let parts: Vec<&str> = clock.split(':').collect();
    let (hour, minute) = (field(parts.first()?, 2)?, field(parts.get(1)?, 2)?);
    let (second, fraction) = match parts.get(2) {
        None => (0, String::new()),
        Some(seconds) => {
            let (second, fraction) = seconds.split_once('.').map_or((*seconds, None), |(s, f)| (s, Some(f)));
            if fraction.is_some_and(|f| f.is_empty() || f.len() > 9 || !f.chars().all(|c| c.is_ascii_digit()))
            {
                return None;
            }
            (field(second, 2)?, fraction.unwrap_or_default().to_owned())
        }
    };
    if parts.len() > 3 || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let nanos: i128 = format!("{fraction:0<9}").parse().ok()?;
    Some((midnight + hour * 3600 + minute * 60 + second - offset) * 1_000_000_000 + nanos)
}

/// Whether an address lies in a range, bit by bit; an address alone is a range of one.
pub fn in_range(address: IpAddr, range: &str) -> bool {
    let (base, length) = range.split_once('/').map_or((range, None), |(base, length)| (base, Some(length)));
    let Ok(base) = base.parse::<IpAddr>() else { return false };
    let bits = |address: IpAddr| -> Vec<bool> {
        let bytes = match address {
            IpAddr::V4(v4) => v4.octets().to_vec(),
            IpAddr::V6(v6) => v6.octets().to_vec(),
        };
        bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1 == 1)).collect()
    };
    let (base, own) = (bits(base), bits(address));
    let length = length.map_or(Some(base.len()), |length| length.parse().ok()).unwrap_or(usize::MAX);
    base.len() == own.len() && length <= base.len() && base[..length] == own[..length]
}
