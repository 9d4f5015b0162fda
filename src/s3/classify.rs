//! One request to one operation and to everything that must be allowed for it: the walk through the operation table.
//! It must not guess: what fits no row, or could be read in two ways, is refused.

mod body;
mod error;
mod names;

pub use body::BodyObject;
pub use error::ClassifyError;

use super::address::Address;
use super::copy_source::CopySource;
use super::effective::effective_header;
use super::operation::Operation;
use super::operation::row::{Need, On, Row, Term, TermValue, When};
use super::operation::table::{self, Verb};
use super::requirement::{Requirement, Resource};
use crate::request::RawRequest;
use crate::request::method::Method;
use smallvec::SmallVec;
use std::borrow::Cow;

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Classified<'r> {
    /// The operation.
    pub operation: Operation,
    /// All that must be allowed, or not be denied. Empty for the CORS preflight only.
    pub requirements: SmallVec<[Requirement<'r>; 4]>,
    /// The source of a copy.
    pub copy_source: Option<CopySource>,
}

impl Classified<'_> {
    /// Whether objects are named in the body: the request must not go on before the body was read and the
    /// requirements of its objects were asked for.
    #[must_use]
    pub fn needs_body(&self) -> bool {
        self.requirements.iter().any(|requirement| requirement.resource.is_marker())
    }
}

/// Finds the operation of a request and what it needs.
///
/// # Errors
/// See [`ClassifyError`].
pub fn classify<'r>(
    request: &'r RawRequest<'_>,
    address: &'r Address<'_>,
) -> Result<Classified<'r>, ClassifyError> {
    let scope = address.scope();
    let none = || ClassifyError::NoOperation { method: request.method.as_str().to_owned(), scope };
    let verb = verb(request.method).ok_or_else(none)?;
    let selector = names::check(request, scope)?;
    let row = best_row(request, address, verb, selector).ok_or_else(none)?;
    names::only_known(request, row)?;
    let copies = row.needs.iter().any(|need| need.on == On::CopySource);
    let copy_source = match effective_header(request, "x-amz-copy-source") {
        Some(value) if copies => Some(CopySource::parse(value)?),
        _ => None,
    };
    let subject = Subject { request, address, copy_source: copy_source.as_ref() };
    let mut requirements = SmallVec::new();
    for need in row.needs.iter().filter(|need| need.when.iter().all(|when| subject.holds(*when))) {
        subject.require(need, &mut requirements).ok_or_else(none)?;
    }
    Ok(Classified { operation: row.operation, requirements, copy_source })
}

const fn verb(method: Method<'_>) -> Option<Verb> {
    Some(match method {
        Method::Get => Verb::Get,
        Method::Head => Verb::Head,
        Method::Put => Verb::Put,
        Method::Post => Verb::Post,
        Method::Delete => Verb::Delete,
        Method::Options => Verb::Options,
        Method::Other(_) => return None,
    })
}

/// The row that fits with most conditions; of two names of one request, the one of today.
fn best_row(
    request: &RawRequest<'_>,
    address: &Address<'_>,
    verb: Verb,
    selector: Option<&'static str>,
) -> Option<&'static Row> {
    table::rows(verb, address.scope())
        .iter()
        .filter(|row| row.endpoint == address.endpoint())
        // a preflight is about a later request, whose sub-resource may be any
        .filter(|row| row.selector == selector || row.params.is_none())
        .filter(|row| fits(request, row))
        .max_by_key(|row| (row.conditions(), row.alias_of.is_none()))
}

fn fits(request: &RawRequest<'_>, row: &Row) -> bool {
    let query = &request.target.query;
    row.query.iter().all(|term| meets(query.first(term.name.as_bytes()), term))
        && !row.query_absent.iter().any(|name| query.has(name.as_bytes()))
        && row.headers.iter().all(|term| meets(effective_header(request, term.name), term))
        && !row.headers_absent.iter().any(|name| effective_header(request, name).is_some())
}

fn meets(value: Option<&[u8]>, term: &Term) -> bool {
    value.is_some_and(|value| match term.value {
        TermValue::Any => true,
        TermValue::Equals(text) => value == text.as_bytes(),
        TermValue::StartsWith(text) => {
            value.get(..text.len()).is_some_and(|start| start.eq_ignore_ascii_case(text.as_bytes()))
        }
    })
}

/// What the needs of a row are about.
struct Subject<'r, 'h, 'c> {
    request: &'r RawRequest<'h>,
    address: &'r Address<'r>,
    copy_source: Option<&'c CopySource>,
}

impl<'r> Subject<'r, '_, '_> {
    fn holds(&self, when: When) -> bool {
        let query = &self.request.target.query;
        let header = |name| effective_header(self.request, name);
        let equals = |value: &[u8], text: &str| value.eq_ignore_ascii_case(text.as_bytes());
        match when {
            When::Query(name) => query.has(name.as_bytes()),
            When::NotQuery(name) => !query.has(name.as_bytes()),
            When::Header(name) => header(name).is_some(),
            When::AnyHeader(names) => names.iter().any(|name| header(name).is_some()),
            // asks for more: white space in a hoisted value must not hide it
            When::HeaderEquals(name, text) => {
                header(name).is_some_and(|value| equals(value.trim_ascii(), text))
            }
            // asks for less: nothing but the exact text may do that
            When::HeaderNotEquals(name, text) => !header(name).is_some_and(|value| equals(value, text)),
            When::CopySourceVersion(named) => {
                self.copy_source.is_some_and(|source| source.version.is_some() == named)
            }
            // decided when the body has been read
            When::BodyKeyVersion(_) | When::FormField(_) => true,
        }
    }

    /// Adds what a need asks for; `None` if the request lacks what the need is about, which no row lets happen.
    fn require(&self, need: &Need, out: &mut SmallVec<[Requirement<'r>; 4]>) -> Option<()> {
        let mut push = |resource| out.push(Requirement { action: need.action, resource, kind: need.kind });
        match need.on {
            On::Service => push(Resource::Service),
            On::BodyObjects => push(Resource::BodyObjects),
            On::FormObject => push(Resource::FormObject),
            On::Bucket => push(Resource::Bucket(*self.address.bucket()?)),
            On::Object => {
                let bucket = *self.address.bucket()?;
                for key in self.address.key()?.readings() {
                    push(Resource::Object { bucket, key: Cow::Borrowed(key) });
                }
            }
            On::CopySource => {
                let source = self.copy_source?;
                for key in source.key.readings() {
                    push(Resource::Object { bucket: source.bucket, key: Cow::Owned(key.to_vec()) });
                }
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests;
