//! Checks the names of query parameters and `x-amz-` headers: none twice, none unknown, none saying two things.
//! It must not pick an operation.

use super::error::ClassifyError;
use crate::request::RawRequest;
use crate::request::query::Param;
use crate::s3::address::Scope;
use crate::s3::effective::is_amz;
use crate::s3::operation::row::Row;
use crate::s3::operation::table::{self, BENIGN_PARAMS, SIGV2_PARAMS, SIGV4_PARAMS};
use smallvec::SmallVec;

/// The most query parameters of a request; every one is compared with every other.
pub(super) const MAX_PARAMS: usize = 128;

/// Checks all that does not depend on the operation and tells the one sub-resource that the query names.
pub(super) fn check(request: &RawRequest<'_>, scope: Scope) -> Result<Option<&'static str>, ClassifyError> {
    let query = &request.target.query;
    if query.len() > MAX_PARAMS {
        return Err(ClassifyError::TooManyParameters(query.len()));
    }
    let params: SmallVec<[Param<'_>; 20]> = query.iter().collect();
    for (position, param) in params.iter().enumerate() {
        let name = param.name.decoded();
        let before = params.get(..position).unwrap_or_default();
        if !is_annotation(name) && before.iter().any(|other| same_name(other.name.decoded(), name)) {
            let repeated = if is_sigv4(name) { ClassifyError::RepeatedAuth } else { ClassifyError::Repeated };
            return Err(repeated(shown(name)));
        }
        for needs_value in ["versionId", "uploadId"] {
            if name == needs_value.as_bytes() && param.value.decoded().is_empty() {
                return Err(ClassifyError::Empty(needs_value));
            }
        }
        if is_amz(name) {
            hoisted(request, name, param.value.decoded())?;
        }
    }
    single_headers(request)?;
    one_selector(&params, scope)
}

/// A log annotation or a constraint of the gate: S3 ignores parameters that begin with `x-`, and so does this table.
/// Constraints are read, and wrong ones refused, by `links`.
fn is_annotation(name: &[u8]) -> bool {
    name.starts_with(b"x-") && !is_amz(name) && !BENIGN_PARAMS.iter().any(|known| known.as_bytes() == name)
}

fn is_sigv4(name: &[u8]) -> bool {
    // nearly all are spelled as they should be
    SIGV4_PARAMS.iter().any(|known| known.as_bytes() == name)
        || SIGV4_PARAMS.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(name))
}

/// Parameters that stand in for headers are the same in any letter case, as headers are.
fn same_name(left: &[u8], right: &[u8]) -> bool {
    left.len() == right.len() && (left == right || is_amz(left) && left.eq_ignore_ascii_case(right))
}

/// A parameter that stands in for a header: its name must be able to be one, and must agree with a header that is
/// there. Those of the signature are left to `auth`, where a header may take precedence.
fn hoisted(request: &RawRequest<'_>, name: &[u8], value: &[u8]) -> Result<(), ClassifyError> {
    if is_sigv4(name) {
        return Ok(());
    }
    let bad = || ClassifyError::BadName(shown(name));
    let text = std::str::from_utf8(name).map_err(|_| bad())?;
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"-.!#$%&'*+^`|~".contains(&byte);
    if !text.bytes().all(token) {
        return Err(bad());
    }
    match request.headers.first(text) {
        Some(header) if header != value => Err(ClassifyError::HeaderAndQuery(shown(name))),
        _ => Ok(()),
    }
}

/// Several lines of one `x-amz-` header are one list to S3 and the first or last line to others. Only user metadata,
/// which nothing is decided on, may come so.
fn single_headers(request: &RawRequest<'_>) -> Result<(), ClassifyError> {
    let lines: SmallVec<[&str; 24]> = request
        .headers
        .iter()
        .filter(|header| header.has_prefix("x-amz-") && !header.has_prefix("x-amz-meta-"))
        .map(|header| header.name)
        .collect();
    for (position, name) in lines.iter().enumerate() {
        if lines.get(..position).unwrap_or_default().iter().any(|other| other.eq_ignore_ascii_case(name)) {
            return Err(ClassifyError::RepeatedHeader((*name).to_owned()));
        }
    }
    Ok(())
}

fn one_selector(params: &[Param<'_>], scope: Scope) -> Result<Option<&'static str>, ClassifyError> {
    let known = table::selectors(scope);
    let selector = |param: &Param<'_>| {
        // INVARIANT: no sub-resource has such a name; most parameters do
        let others = if is_amz(param.name.decoded()) { &[][..] } else { known };
        others.iter().copied().find(|selector| selector.as_bytes() == param.name.decoded())
    };
    let mut found = params.iter().filter_map(selector);
    let first = found.next();
    if found.next().is_some() {
        let mut names: Vec<&'static str> = params.iter().filter_map(selector).collect();
        names.sort_unstable();
        return Err(ClassifyError::Conflicting(names));
    }
    Ok(first)
}

/// Refuses a parameter that the operation does not have: a store that knows it would do something else.
pub(super) fn only_known(request: &RawRequest<'_>, row: &Row) -> Result<(), ClassifyError> {
    let Some(params) = row.params else { return Ok(()) };
    let known = |name: &[u8]| {
        let among = |list: &[&str]| list.iter().any(|known| known.as_bytes() == name);
        is_amz(name)
            || is_annotation(name)
            || row.selector.is_some_and(|selector| selector.as_bytes() == name)
            || row.query.iter().any(|term| term.name.as_bytes() == name)
            || among(params)
            || among(SIGV2_PARAMS)
            || among(BENIGN_PARAMS)
    };
    match request.target.query.iter().find(|param| !known(param.name.decoded())) {
        Some(param) => Err(ClassifyError::Unknown(shown(param.name.decoded()))),
        None => Ok(()),
    }
}

/// A name for an answer or a log: text, and not too much of it.
fn shown(name: &[u8]) -> String {
    String::from_utf8_lossy(name.get(..128).unwrap_or(name)).into_owned()
}
