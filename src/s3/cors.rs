//! Cross-origin rules of a bucket: what a browser's page of another origin may do, and the headers that tell it.
//! It must not authorise anything: a rule only lets a page see an answer that the gate or S3 gives.
//!
//! Rules: S3 User Guide, "Using cross-origin resource sharing"; the first rule that fits counts.

use super::error::{ErrorCode, S3Error};
use super::operation::Operation;
use crate::field::trim;
use crate::request::RawRequest;
use crate::request::headers::write_line;

/// What depends on these request headers must not be kept for requests with others.
const VARY: &[u8] = b"Origin, Access-Control-Request-Headers, Access-Control-Request-Method";

/// A text with at most one `*`, which stands for any run of characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(String);

impl Pattern {
    /// Takes a text of visible ASCII; `None` if it holds another character, nothing, or more than one `*`.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let visible = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        (visible && text.matches('*').count() <= 1).then(|| Self(text.to_owned()))
    }

    fn is_any(&self) -> bool {
        self.0 == "*"
    }

    fn matches(&self, text: &[u8], same: impl Fn(&[u8], &[u8]) -> bool) -> bool {
        let Some((start, end)) = self.0.split_once('*') else { return same(self.0.as_bytes(), text) };
        text.len() >= start.len() + end.len()
            && text.get(..start.len()).is_some_and(|found| same(start.as_bytes(), found))
            && text.get(text.len() - end.len()..).is_some_and(|found| same(end.as_bytes(), found))
    }
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CorsRule {
    /// Origins whose pages it is for; letter case counts.
    pub origins: Vec<Pattern>,
    /// Methods: `GET`, `HEAD`, `PUT`, `POST`, `DELETE`.
    pub methods: Vec<&'static str>,
    /// Headers that a page may send; letter case does not count.
    pub headers: Vec<Pattern>,
    /// Headers of answers that a page may read.
    pub expose: Vec<String>,
    /// For how many seconds a browser may keep the answer to a preflight.
    pub max_age: Option<u64>,
}

/// The headers that tell a page what it may do.
fn write(rule: &CorsRule, origin: &[u8], headers: Option<&[u8]>, out: &mut Vec<u8>) {
    let any = rule.origins.iter().find(|pattern| pattern.matches(origin, |left, right| left == right));
    let is_any = any.is_some_and(Pattern::is_any);
    write_line(out, b"Access-Control-Allow-Origin", if is_any { b"*" } else { origin });
    write_line(out, b"Access-Control-Allow-Methods", rule.methods.join(", ").as_bytes());
    if let Some(headers) = headers {
        write_line(out, b"Access-Control-Allow-Headers", headers);
    }
    if !rule.expose.is_empty() {
        write_line(out, b"Access-Control-Expose-Headers", rule.expose.join(", ").as_bytes());
    }
    if let Some(seconds) = rule.max_age {
        write_line(out, b"Access-Control-Max-Age", seconds.to_string().as_bytes());
    }
    if !is_any {
        write_line(out, b"Access-Control-Allow-Credentials", b"true");
    }
    write_line(out, b"Vary", VARY);
}

/// Whether a rule is for an origin and a method.
fn is_for(rule: &CorsRule, origin: &[u8], method: &[u8]) -> bool {
    rule.origins.iter().any(|pattern| pattern.matches(origin, |left, right| left == right))
        && rule.methods.iter().any(|known| known.as_bytes() == method)
}

/// The header lines of the answer to a request from a page; `None` if it comes from none, or no rule is for it.
#[must_use]
pub fn answer(rules: &[CorsRule], request: &RawRequest<'_>) -> Option<Vec<u8>> {
    let origin = origin(request)?;
    let method = request.method.as_str().as_bytes();
    let rule = rules.iter().find(|rule| is_for(rule, origin, method))?;
    let mut lines = Vec::new();
    write(rule, origin, None, &mut lines);
    Some(lines)
}

/// The one Origin, of visible ASCII as every browser writes it.
fn origin<'r>(request: &RawRequest<'r>) -> Option<&'r [u8]> {
    let mut lines = request.headers.all("origin");
    let origin =
        lines.next().filter(|origin| !origin.is_empty() && origin.iter().all(u8::is_ascii_graphic))?;
    lines.next().is_none().then_some(origin)
}

/// The header lines of the answer to a preflight ([`Operation::CORSPreflight`]).
///
/// # Errors
/// S3's refusal, the same for a bucket without rules and one that is not there.
pub fn preflight(rules: &[CorsRule], request: &RawRequest<'_>) -> Result<Vec<u8>, S3Error> {
    let method = request.headers.first("access-control-request-method").unwrap_or_default();
    let refused = |message: &'static str| {
        let shown = String::from_utf8_lossy(method).into_owned();
        S3Error::with_message(ErrorCode::AccessForbidden, message)
            .extra("Method", shown)
            .extra("ResourceType", "OBJECT")
    };
    if rules.is_empty() {
        return Err(refused("CORSResponse: CORS is not enabled for this bucket."));
    }
    let not_allowed = || {
        refused(
            "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request \
             method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the \
             resource's CORS spec.",
        )
    };
    let origin = origin(request).ok_or_else(not_allowed)?;
    let mut asked: Vec<&[u8]> = Vec::new();
    for line in request.headers.all("access-control-request-headers") {
        asked.extend(line.split(|&byte| byte == b',').map(trim).filter(|name| !name.is_empty()));
    }
    let allows = |rule: &&CorsRule| {
        let allowed = |name: &&[u8]| {
            let same = |left: &[u8], right: &[u8]| left.eq_ignore_ascii_case(right);
            name.iter().all(u8::is_ascii_graphic)
                && rule.headers.iter().any(|pattern| pattern.matches(name, same))
        };
        is_for(rule, origin, method) && asked.iter().all(allowed)
    };
    let rule = rules.iter().find(allows).ok_or_else(not_allowed)?;
    let headers = (!asked.is_empty()).then(|| asked.join(&b", "[..]).to_ascii_lowercase());
    let mut lines = Vec::new();
    write(rule, origin, headers.as_deref(), &mut lines);
    Ok(lines)
}

/// Whether an operation is a preflight.
#[must_use]
pub fn is_preflight(operation: Option<Operation>) -> bool {
    operation == Some(Operation::CORSPreflight)
}

#[cfg(test)]
mod tests;
