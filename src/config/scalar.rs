//! The written forms of durations, sizes, times, address ranges and endpoints, for the config file and the command line.
//! It must not accept a form that two readers could take for different values.

pub mod endpoint;
pub mod time;

use std::borrow::Cow;
use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;

/// A text that is not of the form that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {what}: {hint}")]
pub struct Malformed {
    /// The text, cut to one line that can be shown.
    pub text: String,
    /// What it should have been, with its article.
    pub what: &'static str,
    /// What to write instead.
    pub hint: Cow<'static, str>,
}

impl Malformed {
    /// `text` is not `what`; `hint` says what to write.
    pub fn new(text: &str, what: &'static str, hint: impl Into<Cow<'static, str>>) -> Self {
        let shown = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(120).collect();
        Self { text: shown, what, hint: hint.into() }
    }

    /// What is wrong, without the hint.
    #[must_use]
    pub fn message(&self) -> String {
        let Self { text, what, .. } = self;
        if text.is_empty() { "the value is empty".to_owned() } else { format!("`{text}` is not {what}") }
    }
}

/// Units of durations, in milliseconds.
const DURATION_UNITS: [(&str, u64); 5] =
    [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// Units of sizes, in bytes. Decimal units are left out: `KB` means 1000 to one reader and 1024 to the next.
const SIZE_UNITS: [(&str, u64); 6] =
    [("", 1), ("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40)];

/// Reads `500ms`, `90s`, `15m`, `1h`, `7d`.
///
/// # Errors
/// Anything else: a bare number, a fraction, a sign, several units, an unknown unit, more than 2^64 milliseconds.
pub fn duration(text: &str) -> Result<Duration, Malformed> {
    with_unit(text, &DURATION_UNITS).map(Duration::from_millis).ok_or_else(|| {
        Malformed::new(
            text,
            "a duration",
            "write a whole number and a unit, as `500ms`, `90s`, `15m`, `1h`, `7d`",
        )
    })
}

/// Writes a duration in the largest unit that holds it exactly; the opposite of [`duration`].
#[must_use]
pub fn show_duration(duration: Duration) -> String {
    let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    show_with_unit(millis, DURATION_UNITS.iter(), "ms")
}

/// Reads `64KiB`, `5GiB`, `100B`, `100`, in bytes.
///
/// # Errors
/// Anything else: a fraction, a sign, a decimal unit, more than 2^64 bytes.
pub fn size(text: &str) -> Result<u64, Malformed> {
    with_unit(text, &SIZE_UNITS).ok_or_else(|| {
        Malformed::new(
            text,
            "a size",
            "write a whole number of bytes, or one with `KiB`, `MiB`, `GiB` or `TiB`",
        )
    })
}

/// Writes a size in the largest unit that holds it exactly; the opposite of [`size`].
#[must_use]
pub fn show_size(bytes: u64) -> String {
    show_with_unit(bytes, SIZE_UNITS.iter().skip(2), "")
}

fn with_unit(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let (_, scale) = units.iter().find(|(name, _)| *name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(*scale)
}

fn show_with_unit<'u>(
    value: u64,
    units: impl Iterator<Item = &'u (&'static str, u64)>,
    base: &str,
) -> String {
    let exact = units.filter(|(_, scale)| value >= *scale && value.is_multiple_of(*scale)).last();
    exact.map_or_else(|| format!("{value}{base}"), |(name, scale)| format!("{}{name}", value / scale))
}

/// Reads an address range, `10.0.0.0/8` or `2001:db8::/32`; a lone address is the range of itself.
///
/// # Errors
/// Anything else. Host bits must be zero, since `10.0.0.1/8` says two things, and an IPv4 range must not be written as
/// IPv6, since peers are compared as IPv4.
pub fn cidr(text: &str) -> Result<IpNet, Malformed> {
    const WHAT: &str = "an address range";
    let form = || Malformed::new(text, WHAT, "write it as `10.0.0.0/8` or `2001:db8::/32`");
    let (address, length) = match text.split_once('/') {
        Some((address, length)) => (address, Some(length)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().map_err(|_| form())?;
    let widest = if address.is_ipv4() { 32 } else { 128 };
    let length = match length {
        None => widest,
        Some(digits) => prefix_length(digits).filter(|length| *length <= widest).ok_or_else(form)?,
    };
    let net = IpNet::new(address, length).map_err(|_| form())?.trunc();
    if let IpAddr::V6(v6) = address
        && let Some(v4) = v6.to_ipv4_mapped()
    {
        let hint = format!("write it as IPv4: `{v4}/{}`", length.saturating_sub(96));
        return Err(Malformed::new(text, WHAT, hint));
    }
    if net.addr() != address {
        return Err(Malformed::new(text, WHAT, format!("its host bits are not zero: did you mean `{net}`?")));
    }
    Ok(net)
}

fn prefix_length(digits: &str) -> Option<u8> {
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let canonical = plain && (digits == "0" || !digits.starts_with('0'));
    canonical.then(|| digits.parse().ok()).flatten()
}

/// Reads an id of AWS: `prefix`, then lower-case letters or digits.
///
/// # Errors
/// Anything else; `what` names the kind of id.
pub fn identifier(text: &str, prefix: &'static str, what: &'static str) -> Result<String, Malformed> {
    let rest = text.strip_prefix(prefix).unwrap_or_default();
    if !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()) {
        return Ok(text.to_owned());
    }
    Err(Malformed::new(text, what, format!("write `{prefix}` and lower-case letters or digits")))
}

#[cfg(test)]
mod tests;
