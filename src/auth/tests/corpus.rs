//! Every case of the corpus, with the exact answer of S3 or the stricter one of the gate.
//! It must not hold rules of its own.

use super::support::{Ordered, credential, head, instant, keyring, read, shared};
use crate::auth::payload::Payload;
use crate::auth::post;
use crate::auth::post::fields::Fields;
use crate::auth::sigv4::chunked::ChunkDecoder;
use crate::auth::sigv4::chunked::fault::ChunkFault;
use crate::auth::sigv4::chunked::plan::ChunkPlan;
use crate::auth::sigv4::key::KeyCache;
use crate::auth::{Place, SigningRules, authenticate};
use crate::request::form::{Boundary, Field, Form};
use crate::request::head as heads;
use crate::s3::error::S3Error;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};

#[derive(Deserialize)]
struct Corpus {
    credentials: HashMap<String, Key>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Key {
    secret_access_key: String,
    session_token: Option<String>,
}

#[derive(Deserialize)]
struct Case {
    id: String,
    group: String,
    now: String,
    region: String,
    req: Option<Req>,
    form: Option<PostForm>,
    expect: Expect,
}

#[derive(Deserialize)]
struct Req {
    method: String,
    path: String,
    query: Option<String>,
    headers: Vec<(String, String)>,
    body: Option<String>,
    body_segments: Option<Vec<Segment>>,
    vhost_bucket: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Segment {
    Text { text: String },
    Repeat { repeat: String, n: usize },
}

impl Segment {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Text { text } => text.clone().into_bytes(),
            Self::Repeat { repeat, n } => repeat.repeat(*n).into_bytes(),
        }
    }
}

#[derive(Deserialize)]
struct PostForm {
    url: String,
    fields: Vec<(String, String)>,
    filename: String,
    file_size: u64,
}

#[derive(Deserialize)]
struct Expect {
    ok: bool,
    #[serde(default)]
    status: u16,
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    extra: Ordered,
}

#[derive(Deserialize)]
struct Stricter {
    cases: HashMap<String, (u16, Vec<String>)>,
}

fn corpus() -> Corpus {
    serde_json::from_str(&read(&shared("corpus.json"))).unwrap()
}

fn outcome(case: &Case, req: &Req, keys: &HashMap<String, Key>, cache: &KeyCache) -> Result<(), S3Error> {
    let credentials: Vec<_> = keys
        .iter()
        .map(|(id, key)| credential(id, &key.secret_access_key, key.session_token.as_deref()))
        .collect();
    let regions = vec![case.region.clone()];
    let rules = SigningRules { regions, sigv2: case.group == "sigv2", ..SigningRules::default() };
    let body = req.body.as_deref().unwrap_or_default();
    let mut headers = req.headers.clone();
    if !body.is_empty() && !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-length")) {
        headers.push(("Content-Length".into(), body.len().to_string()));
    }
    let bytes = head(&req.method, &req.path, req.query.as_deref().unwrap_or_default(), &headers);
    let keyring = keyring(&credentials);
    let request = heads::parse(&bytes).unwrap_or_else(|error| panic!("{}: {error}", case.id));
    let place = Place { hosted_bucket: req.vhost_bucket.as_deref(), ..Place::default() };
    let authenticated = authenticate(&request, place, &keyring, &rules, cache, instant(&case.now));
    let authenticated = authenticated.map_err(|error| error.s3())?;
    match (&req.body, &req.body_segments, authenticated.payload.clone()) {
        (Some(body), None, _) => {
            authenticated.check_body(Sha256::digest(body).into()).map_err(|error| error.s3())
        }
        (None, Some(segments), Payload::Streaming(plan)) => {
            let body: Vec<u8> = segments.iter().flat_map(Segment::bytes).collect();
            decode(*plan, &body).map_err(|fault| fault.s3())
        }
        (None, None, _) => Ok(()),
        _ => panic!("{}: a body in segments that is not streaming", case.id),
    }
}

/// The outcome of a form.
fn form_outcome(
    case: &Case,
    form: &PostForm,
    keys: &HashMap<String, Key>,
    cache: &KeyCache,
) -> Result<(), S3Error> {
    let credentials: Vec<_> = keys
        .iter()
        .map(|(id, key)| credential(id, &key.secret_access_key, key.session_token.as_deref()))
        .collect();
    let rules = SigningRules { regions: vec![case.region.clone()], ..SigningRules::default() };
    let fields = form.fields.iter().map(|(name, value)| Field { name: name.clone(), value: value.clone() });
    let parsed = Form {
        fields: fields.collect(),
        file_name: form.filename.clone(),
        file_length: form.file_size,
        boundary: Boundary::of(b"multipart/form-data; boundary=b").unwrap(),
    };
    let bucket = form.url.rsplit('/').next().unwrap();
    let fields = Fields::of(&parsed, bucket).map_err(|error| error.s3())?;
    post::authenticate(&fields, &keyring(&credentials), &rules, cache, instant(&case.now))
        .map(|_| ())
        .map_err(|error| error.s3())
}

/// Feeds a body in pieces of an odd size.
fn decode(plan: ChunkPlan, body: &[u8]) -> Result<(), ChunkFault> {
    let mut decoder = ChunkDecoder::new(plan);
    for mut piece in body.chunks(333) {
        while decoder.next(&mut piece)?.is_some() {}
    }
    decoder.finish()
}

/// What is wrong with an outcome, if something is.
fn difference(case: &Case, outcome: &Result<(), S3Error>) -> Option<String> {
    let error = match outcome {
        Ok(()) if case.expect.ok => return None,
        Ok(()) => return Some("served".into()),
        Err(error) if case.expect.ok => return Some(format!("refused: {error:?}")),
        Err(error) => error,
    };
    let expect = &case.expect;
    let mut extras = error.extras.clone();
    if error.code.as_str() == "SignatureDoesNotMatch" {
        let names: Vec<_> = extras.iter().map(|(name, _)| *name).collect();
        let all = [
            "AWSAccessKeyId",
            "StringToSign",
            "SignatureProvided",
            "StringToSignBytes",
            "CanonicalRequest",
            "CanonicalRequestBytes",
        ];
        let told = if matches!(case.group.as_str(), "sigv2" | "post-policy") { &all[..4] } else { &all };
        assert_eq!(names, told, "{}", case.id);
    }
    if error.code.as_str() == "SignatureDoesNotMatch" || case.group == "chunked" {
        // the corpus leaves these out
        extras.retain(|(name, _)| expect.extra.0.iter().any(|(other, _)| other == name));
    }
    let is_right = error.status() == expect.status
        && error.code.as_str() == expect.code
        && error.message == expect.message
        && extras.iter().map(|(name, value)| (*name, value)).eq(expect
            .extra
            .0
            .iter()
            .map(|(n, v)| (n.as_str(), v)));
    (!is_right).then(|| format!("{error:?}, not {} {} {}", expect.status, expect.code, expect.message))
}

fn stricter_difference(outcome: &Result<(), S3Error>, status: u16, codes: &[String]) -> Option<String> {
    match outcome {
        Ok(()) => Some("served".into()),
        Err(error) => {
            let is_right = error.status() == status && codes.iter().any(|code| code == error.code.as_str());
            (!is_right).then(|| format!("{error:?}, not {status} {codes:?}"))
        }
    }
}

#[test]
fn every_case_gets_its_answer() {
    let corpus = corpus();
    let stricter: Stricter = serde_json::from_str(&read(&shared("stricter.json"))).unwrap();
    let cache = KeyCache::default();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut differing = Vec::new();
    for case in &corpus.cases {
        let kind = match (&case.req, case.group.as_str()) {
            (None, _) => "form",
            (Some(_), group @ ("sigv2" | "sigv4a")) => group,
            (Some(req), _) if req.body_segments.is_some() => "chunked",
            _ if stricter.cases.contains_key(&case.id) => "stricter",
            _ => "as S3",
        };
        *counts.entry(kind).or_default() += 1;
        let outcome = match (&case.req, &case.form) {
            (Some(req), _) => outcome(case, req, &corpus.credentials, &cache),
            (None, Some(form)) => form_outcome(case, form, &corpus.credentials, &cache),
            (None, None) => panic!("{} asks for nothing", case.id),
        };
        let difference = match kind {
            "as S3" | "chunked" | "sigv4a" | "sigv2" | "form" => difference(case, &outcome),
            "stricter" => {
                let (status, codes) = &stricter.cases[&case.id];
                stricter_difference(&outcome, *status, codes)
            }
            _ => Some("unknown kind".into()),
        };
        differing.extend(difference.map(|text| format!("{}: {text}", case.id)));
    }
    assert!(differing.is_empty(), "{} differ:\n{}", differing.len(), differing.join("\n"));
    let expected =
        [("as S3", 260), ("chunked", 15), ("form", 7), ("sigv2", 11), ("sigv4a", 10), ("stricter", 8)];
    assert_eq!(counts, BTreeMap::from(expected));
}
