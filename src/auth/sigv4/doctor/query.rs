//! Queries that may have been signed: parameters added, removed, edited, reordered or spelled in another way.
//! It must not show a value of a parameter.

use super::cause::Cause;
use super::edit::{Edit, What};
use super::letter::Letter;
use crate::auth::sigv4::presigned::reserved;
use crate::request::RawRequest;
use crate::request::percent::{Part, decode_into, encode_into};
use crate::request::query::Param;
use crate::secret::Secret;

/// The parameters that are left out one by one.
const MANY: usize = 10;
/// Lifetimes that people give to links, in seconds.
const USUAL_LIFETIMES: [&str; 14] = [
    "10", "30", "60", "120", "300", "600", "900", "1800", "3600", "7200", "43200", "86400", "259200",
    "604800",
];

type Pair = (Vec<u8>, Vec<u8>);

fn encoded(decoded: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(decoded.len() + 8);
    encode_into(decoded, Part::Query, &mut text);
    text
}

fn decoded_again(text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    // a plus that is there after decoding is one
    decode_into(text, Part::Path, &mut plain);
    plain
}

/// Name and value, in canonical form.
fn canonical(param: &Param<'_>) -> Pair {
    (encoded(param.name.decoded()), encoded(param.value.decoded()))
}

fn joined(pairs: &[Pair]) -> Vec<u8> {
    let pairs: Vec<Vec<u8>> = pairs.iter().map(|(name, value)| [name, &b"="[..], value].concat()).collect();
    pairs.join(&b'&')
}

fn sorted(mut pairs: Vec<Pair>) -> Vec<u8> {
    pairs.sort();
    joined(&pairs)
}

/// Collects queries, each once.
struct Queries<'l> {
    received: &'l [u8],
    edits: Vec<Edit>,
}

impl Queries<'_> {
    fn add(&mut self, cause: Cause, query: Vec<u8>, name: Option<&[u8]>) {
        let is_known = |edit: &Edit| matches!(&edit.what, What::Query(known) if *known == query);
        if query == self.received || self.edits.iter().any(is_known) {
            return;
        }
        let signed = name.map(|name| String::from_utf8_lossy(name).into_owned());
        self.edits.push(Edit { cause, what: What::Query(query), signed });
    }
}

/// Another query, the likely ones first; `token` is the one that belongs to the key.
pub(super) fn edits(request: &RawRequest<'_>, letter: &Letter<'_>, token: Option<&Secret>) -> Vec<Edit> {
    let mut queries = Queries { received: &letter.query, edits: Vec::new() };
    let params: Vec<Param<'_>> =
        request.target.query.iter().filter(|param| param.name() != b"X-Amz-Signature").collect();
    added(&params, &mut queries);
    pluses(&params, &mut queries);
    if letter.is_presigned {
        tokens(&params, token, &mut queries);
    }
    removed(&params, &mut queries);
    spellings(&params, &mut queries);
    if letter.is_presigned {
        for lifetime in USUAL_LIFETIMES {
            let edited = params.iter().map(|param| match param.name() {
                b"X-Amz-Expires" => (b"X-Amz-Expires".to_vec(), lifetime.as_bytes().to_vec()),
                _ => canonical(param),
            });
            queries.add(Cause::LifetimeEdited, sorted(edited.collect()), Some(lifetime.as_bytes()));
        }
    }
    queries.edits
}

fn tokens(params: &[Param<'_>], token: Option<&Secret>, queries: &mut Queries<'_>) {
    const NAME: &[u8] = b"X-Amz-Security-Token";
    let without: Vec<Pair> = params.iter().filter(|param| param.name() != NAME).map(canonical).collect();
    if without.len() < params.len() {
        queries.add(Cause::SessionToken, sorted(without.clone()), None);
    }
    if let Some(token) = token {
        let with = without.into_iter().chain([(NAME.to_vec(), encoded(token.expose()))]);
        queries.add(Cause::SessionToken, sorted(with.collect()), None);
    }
}

/// Without what somebody may have added.
fn added(params: &[Param<'_>], queries: &mut Queries<'_>) {
    let own: Vec<_> = params.iter().enumerate().filter(|(_, it)| reserved(it.name()).is_none()).collect();
    for (at, extra) in own.iter().rev().take(MANY) {
        let kept =
            params.iter().enumerate().filter(|(other, _)| other != at).map(|(_, param)| canonical(param));
        queries.add(Cause::ParameterAdded, sorted(kept.collect()), Some(extra.name()));
    }
    let kept = params.iter().filter(|param| reserved(param.name()).is_some()).map(canonical);
    queries.add(Cause::ParameterAdded, sorted(kept.collect()), None);
}

/// With what SDKs send and somebody may have dropped.
fn removed(params: &[Param<'_>], queries: &mut Queries<'_>) {
    for (name, value) in [
        ("x-id", "GetObject"),
        ("x-id", "PutObject"),
        ("x-id", "HeadObject"),
        ("x-id", "UploadPart"),
        ("x-id", "DeleteObject"),
        ("x-amz-checksum-mode", "ENABLED"),
        ("list-type", "2"),
        ("response-content-disposition", "attachment"),
        ("response-content-disposition", "inline"),
    ] {
        let more = (name.as_bytes().to_vec(), encoded(value.as_bytes()));
        let pairs = params.iter().filter(|param| param.name() != name.as_bytes()).map(canonical);
        queries.add(Cause::ParameterRemoved, sorted(pairs.chain([more]).collect()), Some(name.as_bytes()));
    }
    if let (Some(lower), true) = (params.iter().find(|it| it.name() == b"x-id"), params.len() > 1) {
        // SDKs put both or none
        let pairs = params.iter().filter(|it| it.name() != lower.name()).map(canonical);
        let more = (b"x-amz-checksum-mode".to_vec(), b"ENABLED".to_vec());
        queries.add(Cause::ParameterRemoved, sorted(pairs.chain([more, canonical(lower)]).collect()), None);
    }
}

/// The parameters with other values.
fn each(params: &[Param<'_>], value: impl Fn(&Param<'_>) -> Vec<u8>) -> Vec<Pair> {
    params.iter().map(|param| (encoded(param.name.decoded()), value(param))).collect()
}

/// A plus for a space, and the other way round.
fn pluses(params: &[Param<'_>], queries: &mut Queries<'_>) {
    // a plus that arrived bare was one; an escaped one was a space
    let literal = |param: &Param<'_>| encoded(&decoded_again(param.value.raw()));
    queries.add(Cause::QueryPlus, sorted(each(params, literal)), None);
    let spaces = |param: &Param<'_>| {
        let plain: Vec<u8> =
            param.value.decoded().iter().map(|&byte| if byte == b'+' { b' ' } else { byte }).collect();
        encoded(&plain)
    };
    queries.add(Cause::QueryPlus, sorted(each(params, spaces)), None);
    let form = |param: &Param<'_>| {
        let text = encoded(param.value.decoded());
        let mut pieces = Vec::new();
        let mut rest = text.as_slice();
        while let Some((before, after)) =
            memchr::memmem::find(rest, b"%20").and_then(|at| rest.split_at_checked(at))
        {
            pieces.extend_from_slice(before);
            pieces.push(b'+');
            rest = after.get(3..).unwrap_or_default();
        }
        pieces.extend_from_slice(rest);
        pieces
    };
    queries.add(Cause::QueryPlus, sorted(each(params, form)), None);
}

/// The same parameters, written in another way.
fn spellings(params: &[Param<'_>], queries: &mut Queries<'_>) {
    let again = |param: &Param<'_>| encoded(&decoded_again(param.value.decoded()));
    queries.add(Cause::QueryEncoding, sorted(each(params, again)), None);
    let twice = |param: &Param<'_>| encoded(&encoded(param.value.decoded()));
    queries.add(Cause::QueryEncoding, sorted(each(params, twice)), None);
    let bare = |param: &Param<'_>| param.value.decoded().to_vec();
    queries.add(Cause::QueryEncoding, sorted(each(params, bare)), None);
    let sent: Vec<Pair> =
        params.iter().map(|param| (param.name.raw().to_vec(), param.value.raw().to_vec())).collect();
    queries.add(Cause::QueryEncoding, sorted(sent.clone()), None);
    queries.add(Cause::QueryOrder, joined(&params.iter().map(canonical).collect::<Vec<_>>()), None);
    queries.add(Cause::QueryEncoding, joined(&sent), None);
    // `acl` without its `=`
    let mut valueless: Vec<Vec<u8>> = params
        .iter()
        .map(canonical)
        .map(|(name, value)| if value.is_empty() { name } else { [name, value].join(&b'=') })
        .collect();
    valueless.sort();
    queries.add(Cause::QueryEncoding, valueless.join(&b'&'), None);
    // sorted as text, where `=` comes after `-`
    let mut whole: Vec<Vec<u8>> =
        params.iter().map(canonical).map(|(name, value)| [name, value].join(&b'=')).collect();
    whole.sort();
    queries.add(Cause::QueryOrder, whole.join(&b'&'), None);
    let mut by_case: Vec<Pair> = params.iter().map(canonical).collect();
    by_case.sort_by_key(|(name, value)| (name.to_ascii_lowercase(), value.clone()));
    queries.add(Cause::QueryOrder, joined(&by_case), None);
}
