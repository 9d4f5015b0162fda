//! The signature doctor: why a signature does not hold, found by trying what usually happens to requests.
//! It must not authenticate: a diagnosis is about a request that stays refused, and shows no secret and no signature.
//!
//! A hypothesis is a part of the request as it may have been when it was signed. If the signature holds with it, that is
//! a proof: nobody makes a signature hold by chance. Nothing that is tried here is ever forwarded or allowed, and the
//! only way out is a [`Diagnosis`].

mod cause;
mod edit;
mod headers;
mod hosts;
mod keys;
mod letter;
mod paths;
mod query;

pub use cause::{Cause, markdown};

use crate::auth::SigningRules;
use crate::auth::keyring::{Credential, Keys};
use crate::auth::sigv4::key::SigningKey;
use crate::reason::Reason;
use crate::request::RawRequest;
use edit::{Edit, Part, What};
use letter::Letter;
use smallvec::{SmallVec, smallvec};

/// What is known beside the request itself.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'s> {
    /// The names that clients sign for.
    pub hosts: &'s [&'s str],
    /// The ports of the listeners.
    pub ports: &'s [u16],
    /// The buckets that clients see.
    pub buckets: &'s [&'s str],
    /// Who may sign; a key that somebody was asked for among them.
    pub keys: Keys<'s>,
    /// Which signatures are accepted.
    pub rules: &'s SigningRules,
}

impl<'s> Scene<'s> {
    /// What a config knows.
    #[must_use]
    pub fn new(keys: impl Into<Keys<'s>>, rules: &'s SigningRules) -> Self {
        Self { hosts: &[], ports: &[], buckets: &[], keys: keys.into(), rules }
    }
}

/// How much may be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// For a request that anybody may send: a thousand hashes.
    Bounded,
    /// For a person who asks: every port, and more combinations.
    Thorough,
}

impl Effort {
    /// The most trials, and the most bytes that they hash.
    const fn limits(self) -> (usize, usize) {
        match self {
            Self::Bounded => (1000, 512 * 1024),
            Self::Thorough => (100_000, 64 * 1024 * 1024),
        }
    }
}

/// One thing that happened between the signer and the gate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub cause: Cause,
    /// What was signed: a host, a path, the name of a header or parameter, an access key id; never a value.
    pub signed: Option<String>,
}

/// Why a signature does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnosis {
    /// What happened, at least one thing.
    pub findings: SmallVec<[Finding; 2]>,
    /// Whether the signature holds if all of it is undone. Otherwise it is only what meets the eye.
    pub is_proven: bool,
}

impl Diagnosis {
    fn suspected(cause: Cause, signed: Option<String>) -> Self {
        Self { findings: smallvec![Finding { cause, signed }], is_proven: false }
    }

    /// That nobody looked.
    #[must_use]
    pub fn skipped() -> Self {
        Self::suspected(Cause::Skipped, None)
    }

    /// For people: what happened and what to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        let mut text = if self.is_proven {
            "the signature holds if this is undone:".to_owned()
        } else {
            "not proven, but seen:".to_owned()
        };
        for Finding { cause, signed } in &self.findings {
            text.extend([" ", cause.text()]);
            if let Some(signed) = signed {
                text.extend([" Signed: `", signed, "`."]);
            }
            text.extend([" ", cause.advice()]);
        }
        text
    }
}

/// Whether a request that was refused for `reason` has a signature that is worth a look. Cheap.
#[must_use]
pub fn is_case(request: &RawRequest<'_>, reason: Reason) -> bool {
    let is_signed = || request.headers.has("authorization") || request.target.query.has(b"X-Amz-Algorithm");
    match reason {
        Reason::MissingParameter => is_html(request),
        Reason::WrongSignature
        | Reason::UnknownHost
        | Reason::UnknownKey
        | Reason::RetiredKey
        | Reason::BadToken
        | Reason::ClockSkew
        | Reason::NotYetValid
        | Reason::WrongRegion
        | Reason::WrongService
        | Reason::ScopeDate
        | Reason::HeadersNotSigned => is_signed(),
        _ => false,
    }
}

/// The access key id that a request names, for whoever counts.
#[must_use]
pub fn key_id<'r>(request: &'r RawRequest<'_>) -> &'r [u8] {
    Letter::read(request).map(|letter| letter.key_id).unwrap_or_default()
}

/// Looks for what happened to a request that was refused for `reason`. `None` if there is nothing to be said: no
/// signature of the kind that can be tried, a key that nobody has, or a signature that is right.
///
/// With uniform errors a key that nobody has takes as long as another, and nothing ends early.
#[must_use]
pub fn diagnose(
    request: &RawRequest<'_>,
    reason: Reason,
    scene: &Scene<'_>,
    effort: Effort,
) -> Option<Diagnosis> {
    if !is_case(request, reason) {
        return None;
    }
    if is_html(request) {
        return Some(Diagnosis::suspected(Cause::HtmlEscaped, None));
    }
    let letter = Letter::read(request)?;
    let found = scene.keys.find(letter.key_id).ok()?;
    if found.index.is_none() && !scene.rules.uniform_errors {
        return None;
    }
    let mut trials = Trials::new(&letter, found.credential, scene.rules.uniform_errors, effort);
    trials.one(&[]);
    let is_right = trials.proof.is_some();
    if !is_right || trials.is_exhaustive {
        trials.all(&hypotheses(request, &letter, scene, found.credential));
    }
    if effort == Effort::Thorough && trials.proof.is_none() {
        hosts::every_port(request).for_each(|edit| trials.one(&[&edit]));
    }
    trials.finish();
    // what only the decoy verifies does not count
    found.index?;
    if is_right {
        let finding = Finding { cause: unchanged(reason)?, signed: None };
        return Some(Diagnosis { findings: smallvec![finding], is_proven: true });
    }
    Some(trials.proof.unwrap_or_else(|| suspicion(request, &letter)))
}

/// What a reason means if the signature itself is right.
const fn unchanged(reason: Reason) -> Option<Cause> {
    match reason {
        Reason::UnknownHost => Some(Cause::HostNotConfigured),
        Reason::RetiredKey => Some(Cause::RetiredSecret),
        Reason::BadToken => Some(Cause::SessionToken),
        Reason::ClockSkew | Reason::NotYetValid | Reason::ScopeDate => Some(Cause::Clock),
        Reason::WrongRegion => Some(Cause::Region),
        Reason::WrongService => Some(Cause::Service),
        Reason::HeadersNotSigned => Some(Cause::HeaderAdded),
        _ => None,
    }
}

/// Everything that may have happened, the likely first within each part.
fn hypotheses(
    request: &RawRequest<'_>,
    letter: &Letter<'_>,
    scene: &Scene<'_>,
    own: &Credential,
) -> Vec<Edit> {
    let mut edits = hosts::edits(request, scene);
    edits.extend(
        ["GET", "HEAD", "PUT", "POST", "DELETE"]
            .into_iter()
            .filter(|it| *it != letter.method)
            .map(|method| Edit::shown(Cause::Method, What::Method(method), method)),
    );
    edits.extend(paths::edits(request, letter, scene));
    edits.extend(headers::edits(request, letter, scene, own.session_token.as_ref()));
    edits.extend(headers::payloads(request, letter));
    edits.extend(query::edits(request, letter, own.session_token.as_ref()));
    edits.extend(told_target(request, letter));
    edits.extend(keys::edits(letter, scene, own));
    edits.extend(hosts::moved(request, letter, scene));
    edits.push(Edit::new(Cause::SignatureForm, What::UpperCase));
    edits
}

/// Path and query as a proxy says that they were.
fn told_target(request: &RawRequest<'_>, letter: &Letter<'_>) -> Vec<Edit> {
    let told = ["x-original-uri", "x-original-url", "x-rewrite-url", "x-envoy-original-path"];
    let targets = told.iter().filter_map(|name| request.headers.first(name));
    let parsed = targets.filter_map(|raw| crate::request::target::Target::parse(raw, b"").ok());
    let edit = |target: crate::request::target::Target<'_>| {
        let (mut path, mut query) = (Vec::new(), Vec::new());
        target.path.write_canonical(&mut path);
        let mut params = target.query.sorted();
        params.retain(|param| param.name() != b"X-Amz-Signature");
        super::canonical::write_query(&params, &mut query);
        let cause = match (path == letter.path, path.ends_with(&letter.path), letter.path.ends_with(&path)) {
            (true, ..) => Cause::QueryEncoding,
            (_, true, _) => Cause::PathPrefixRemoved,
            (_, _, true) => Cause::PathPrefixAdded,
            _ => Cause::PathRewritten,
        };
        let shown = String::from_utf8_lossy(&path).into_owned();
        Edit::shown(cause, What::PathAndQuery(path, query), shown)
    };
    parsed.map(edit).collect()
}

/// What can be seen without a proof.
fn suspicion(request: &RawRequest<'_>, letter: &Letter<'_>) -> Diagnosis {
    let digits = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
    if letter.signature.len() != 64 || !letter.signature.iter().all(digits) {
        return Diagnosis::suspected(Cause::SignatureForm, None);
    }
    let missing = letter.headers.iter().find(|(name, _)| !request.headers.has(name));
    match missing {
        Some((name, _)) => Diagnosis::suspected(Cause::HeaderRemoved, Some((*name).to_owned())),
        None => Diagnosis::suspected(Cause::Unknown, None),
    }
}

/// Whether the query has been through HTML.
fn is_html(request: &RawRequest<'_>) -> bool {
    request.target.query.iter().any(|param| param.name().starts_with(b"amp;X-Amz-"))
}

/// Trials of one signature, and what they may cost.
struct Trials<'l, 'r> {
    letter: &'l Letter<'r>,
    key: SigningKey,
    left: usize,
    is_exhaustive: bool,
    proof: Option<Diagnosis>,
}

impl<'l, 'r> Trials<'l, 'r> {
    fn new(letter: &'l Letter<'r>, own: &Credential, is_exhaustive: bool, effort: Effort) -> Self {
        let (most, bytes) = effort.limits();
        let left = most.min(bytes / letter.size());
        Self { letter, key: letter.key(&own.secret), left, is_exhaustive, proof: None }
    }

    /// Tries edits together.
    fn one(&mut self, edits: &[&Edit]) {
        if self.left == 0 || (self.proof.is_some() && !self.is_exhaustive) {
            return;
        }
        self.left -= 1;
        if self.letter.holds(&self.key, edits) && self.proof.is_none() {
            let finding = |edit: &&Edit| Finding { cause: edit.cause, signed: edit.signed.clone() };
            self.proof = Some(Diagnosis { findings: edits.iter().map(finding).collect(), is_proven: true });
        }
    }

    /// Does what is left to be done, so that all take the same time.
    fn finish(&mut self) {
        while self.is_exhaustive && self.left > 0 {
            self.one(&[]);
        }
    }

    /// Tries each edit alone, then those pairs of them that go together.
    fn all(&mut self, edits: &[Edit]) {
        for edit in edits {
            self.one(&[edit]);
        }
        let most_likely =
            |part: Part, count: usize| edits.iter().filter(move |it| it.part() == part).take(count);
        for [(one, few), (other, many)] in [
            [(Part::Host, 8), (Part::Path, 24)],
            [(Part::Host, 8), (Part::Header, 24)],
            [(Part::Path, 10), (Part::Header, 10)],
            [(Part::Header, 12), (Part::Header, 12)],
            [(Part::Alone, 5), (Part::Host, 5)],
            [(Part::Host, 5), (Part::Query, 12)],
            [(Part::Host, 4), (Part::Payload, 3)],
            [(Part::Path, 12), (Part::Query, 12)],
            [(Part::Host, 60), (Part::Path, 60)],
        ] {
            for first in most_likely(one, few) {
                for second in most_likely(other, many).filter(|second| first.goes_with(second)) {
                    self.one(&[first, second]);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
