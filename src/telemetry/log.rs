//! The one sink of the `log` crate: plain lines on standard error.
//! It must not let a usable link through, whoever wrote the message: values of signature parameters are replaced.

use log::{LevelFilter, Log, Metadata, Record};
use std::borrow::Cow;
use std::io::Write as _;

/// Parameters whose values must not be shown, in lower case.
const SECRET: &[&str] =
    &["x-amz-signature=", "x-amz-credential=", "x-amz-security-token=", "awsaccesskeyid=", "signature="];

/// What stands in place of a value.
const REDACTED: &str = "REDACTED";

/// Replaces the values of signature parameters, in any letter case.
#[must_use]
pub fn redact(text: &str) -> Cow<'_, str> {
    let lower = text.to_ascii_lowercase();
    if !SECRET.iter().any(|name| lower.contains(name)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(rest) = lower.get(at..).filter(|rest| !rest.is_empty()) {
        let found = SECRET.iter().filter_map(|name| Some((rest.find(name)?, name.len()))).min();
        let Some((begin, length)) = found else { break };
        let value = at + begin + length;
        out.push_str(text.get(at..value).unwrap_or_default());
        out.push_str(REDACTED);
        let tail = text.get(value..).unwrap_or_default();
        let end = tail.find(['&', ' ', '"', '\'', ',']).unwrap_or(tail.len());
        at = value + end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    Cow::Owned(out)
}

struct Sink;

impl Log for Sink {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let own = metadata.target().starts_with("presign_gate");
        // the framework's own words: only what matters
        metadata.level() <= if own { log::Level::Info } else { log::Level::Warn }
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let message = record.args().to_string();
        let line: String = redact(&message).chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        // nowhere to report that standard error is gone
        let _ = writeln!(std::io::stderr(), "{} {line}", record.level().as_str().to_ascii_lowercase());
    }

    fn flush(&self) {}
}

/// Makes this the sink of the process; a second call changes nothing.
pub fn install() {
    if log::set_logger(&Sink).is_ok() {
        log::set_max_level(LevelFilter::Info);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_signatures_are_replaced() {
        for (text, expected) in [
            ("nothing here", "nothing here"),
            ("GET /b/k?X-Amz-Signature=abc&x=1", "GET /b/k?X-Amz-Signature=REDACTED&x=1"),
            ("a x-amz-SIGNATURE=abc", "a x-amz-SIGNATURE=REDACTED"),
            (
                "?X-Amz-Credential=A%2FB&X-Amz-Security-Token=t, Host: h",
                "?X-Amz-Credential=REDACTED&X-Amz-Security-Token=REDACTED, Host: h",
            ),
            ("AWSAccessKeyId=A&Signature=b%3D HTTP", "AWSAccessKeyId=REDACTED&Signature=REDACTED HTTP"),
            ("Signature=", "Signature=REDACTED"),
        ] {
            assert_eq!(redact(text), expected);
        }
    }
}
