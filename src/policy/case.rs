//! A case of `policy test`: a question, the policies around it, and the answer that is expected.
//! It must not read files or print.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::compile::Compiled;
use super::context::{KeyMap, KeyMapError};
use super::decide::{Layers, Outcome, decide};
use super::document::Kind;
use super::error::PolicyError;
use super::parse::{self, ParseOptions, parse_value};
use super::principal::{Principal, PrincipalError};
use super::query::{ActionRef, ContextRef, Owner, Query, ResourceRef};

/// Why a case cannot be run.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CaseError {
    /// The line is no JSON object.
    #[error("the case is no JSON object: {0}")]
    Syntax(String),
    /// A name that stands twice in one object.
    #[error("`{0}` stands twice in one object")]
    Repeated(String),
    /// A member that must be there, or has another type.
    #[error("`{0}` is missing or has another type")]
    Member(&'static str),
    /// A member that cases do not have.
    #[error("`{0}` is no member of a case")]
    UnknownMember(String),
    /// The principal.
    #[error(transparent)]
    Principal(#[from] PrincipalError),
    /// The resource.
    #[error("`{0}` is no ARN")]
    Resource(String),
    /// The context.
    #[error(transparent)]
    Context(#[from] KeyMapError),
    /// More than one permissions boundary.
    #[error("a principal has one permissions boundary, the case has {0}")]
    Boundaries(usize),
    /// The expected outcome.
    #[error("`{0}` is no outcome; write `Allowed`, `ExplicitlyDenied` or `ImplicitlyDenied`")]
    Expect(String),
    /// A policy of the case.
    #[error("{0}: {1}")]
    Policy(&'static str, PolicyError),
}

/// What came out of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseResult {
    /// The id of the case.
    pub id: String,
    /// What the policies say.
    pub outcome: Outcome,
    /// What the case expects, if it does.
    pub expected: Option<Outcome>,
    /// The statements that decided: document, label, effect.
    pub matched: Vec<(String, String, &'static str)>,
    /// What the gate would refuse in these policies, since it cannot know it; a case brings the values itself.
    pub unknowable: Vec<(&'static str, PolicyError)>,
}

impl CaseResult {
    /// Whether the outcome is the expected one; a case without expectation agrees.
    #[must_use]
    pub fn agrees(&self) -> bool {
        self.expected.is_none_or(|expected| expected == self.outcome)
    }
}

const MEMBERS: &[&str] =
    &["id", "request", "identity", "resource_policy", "boundary", "session", "vpce", "guardrails", "expect"];
/// Notes for readers of the cases.
const NOTES: &[&str] = &["tag", "basis", "class", "why", "simulator", "comment"];
const REQUEST_MEMBERS: &[&str] = &["principal", "action", "resource", "resource_account", "context"];

/// Runs one line of a case file. Without `any_key`, keys that no gate can know are reported beside the outcome.
///
/// # Errors
/// Lines that are no case, and policies that are refused.
pub fn run_case(line: &str, any_key: bool) -> Result<CaseResult, CaseError> {
    let case: Map<String, Value> =
        serde_json::from_str(line).map_err(|error| CaseError::Syntax(error.to_string()))?;
    if let Some(name) = parse::repeated_name(line) {
        return Err(CaseError::Repeated(name));
    }
    known_members(&case, MEMBERS, NOTES)?;
    let id = case.get("id").and_then(Value::as_str).ok_or(CaseError::Member("id"))?.to_owned();
    let expected = case.get("expect").map(read_outcome).transpose()?;
    let options =
        ParseOptions { any_key: true, allow_not_principal_allow: true, unclosed_variable_is_literal: true };
    let documents = Documents::read(&case, options)?;
    let unknowable = if any_key { Vec::new() } else { unknowable(&case, options) };
    let request = case.get("request").and_then(Value::as_object).ok_or(CaseError::Member("request"))?;
    known_members(request, REQUEST_MEMBERS, &[])?;
    let principal = read_principal(request.get("principal"))?;
    let keys = match request.get("context") {
        None => KeyMap::default(),
        Some(Value::Object(object)) => KeyMap::from_json(object)?,
        Some(_) => return Err(CaseError::Member("context")),
    };
    let resource = text(request, "resource")?;
    let account =
        request.contains_key("resource_account").then(|| text(request, "resource_account")).transpose()?;
    let query = Query {
        principal: &principal,
        owner: Owner { account, org: None },
        action: ActionRef::from_name(text(request, "action")?),
        resource: ResourceRef::from_arn(resource).ok_or_else(|| CaseError::Resource(resource.into()))?,
        context: ContextRef::Keys(&keys),
    };
    let decision = decide(&documents.layers(), &query);
    let named = decision.matched.iter();
    let matched = named.map(|s| (s.document().into(), s.label().into(), s.effect().as_str())).collect();
    Ok(CaseResult { id, outcome: decision.outcome, expected, matched, unknowable })
}

fn known_members(object: &Map<String, Value>, members: &[&str], notes: &[&str]) -> Result<(), CaseError> {
    let known = |name: &&String| members.contains(&name.as_str()) || notes.contains(&name.as_str());
    match object.keys().find(|name| !known(name)) {
        Some(name) => Err(CaseError::UnknownMember(name.clone())),
        None => Ok(()),
    }
}

fn text<'a>(object: &'a Map<String, Value>, name: &'static str) -> Result<&'a str, CaseError> {
    object.get(name).and_then(Value::as_str).ok_or(CaseError::Member(name))
}

fn read_outcome(value: &Value) -> Result<Outcome, CaseError> {
    let text = value.as_str().ok_or(CaseError::Member("expect"))?;
    let all = [Outcome::Allowed, Outcome::ExplicitlyDenied, Outcome::ImplicitlyDenied];
    all.into_iter().find(|outcome| outcome.as_str() == text).ok_or_else(|| CaseError::Expect(text.into()))
}

/// An ARN, or `{"type": "Anonymous"}`.
fn read_principal(value: Option<&Value>) -> Result<Principal, CaseError> {
    match value {
        Some(Value::String(arn)) => Ok(Principal::from_arn(arn)?),
        Some(Value::Object(object)) if object.len() == 1 => {
            match object.get("type").and_then(Value::as_str) {
                Some("Anonymous") => Ok(Principal::anonymous()),
                _ => Err(CaseError::Member("principal")),
            }
        }
        _ => Err(CaseError::Member("principal")),
    }
}

/// The members that hold policies, and what those are attached to.
const POLICIES: &[(&str, Kind)] = &[
    ("identity", Kind::Identity),
    ("resource_policy", Kind::Resource),
    ("boundary", Kind::Boundary),
    ("session", Kind::Session),
    ("vpce", Kind::Endpoint),
    ("guardrails", Kind::Guardrail),
];

/// The keys in the policies of a case that no gate can know.
fn unknowable(case: &Map<String, Value>, options: ParseOptions) -> Vec<(&'static str, PolicyError)> {
    let options = ParseOptions { any_key: false, ..options };
    let mut found = Vec::new();
    for (name, kind) in POLICIES {
        let value = case.get(*name);
        let one = value.filter(|value| value.is_object());
        let many = value.and_then(Value::as_array).into_iter().flatten();
        for document in one.into_iter().chain(many) {
            let errors = parse_value(document, *kind, &options).err().unwrap_or_default();
            found.extend(errors.into_iter().map(|error| (*name, error)));
        }
    }
    found
}

/// The policies of a case.
struct Documents {
    identity: Vec<Arc<Compiled>>,
    resource: Vec<Arc<Compiled>>,
    boundary: Vec<Arc<Compiled>>,
    session: Vec<Arc<Compiled>>,
    endpoint: Vec<Arc<Compiled>>,
    guardrails: Vec<Arc<Compiled>>,
}

impl Documents {
    fn read(case: &Map<String, Value>, options: ParseOptions) -> Result<Self, CaseError> {
        let list = |name, kind| read_documents(case, name, kind, true, options);
        let one = |name, kind| read_documents(case, name, kind, false, options);
        let boundary = list("boundary", Kind::Boundary)?;
        if boundary.len() > 1 {
            return Err(CaseError::Boundaries(boundary.len()));
        }
        Ok(Self {
            identity: list("identity", Kind::Identity)?,
            resource: one("resource_policy", Kind::Resource)?,
            boundary,
            session: one("session", Kind::Session)?,
            endpoint: list("vpce", Kind::Endpoint)?,
            guardrails: list("guardrails", Kind::Guardrail)?,
        })
    }

    fn layers(&self) -> Layers<'_> {
        Layers {
            identity: &self.identity,
            resource: self.resource.first().map(Arc::as_ref),
            boundary: self.boundary.first().map(Arc::as_ref),
            session: self.session.first().map(Arc::as_ref),
            endpoint: &self.endpoint,
            guardrails: &self.guardrails,
        }
    }
}

fn read_documents(
    case: &Map<String, Value>,
    name: &'static str,
    kind: Kind,
    list: bool,
    options: ParseOptions,
) -> Result<Vec<Arc<Compiled>>, CaseError> {
    let values = match case.get(name) {
        None => return Ok(Vec::new()),
        Some(Value::Array(values)) if list => values.iter().collect::<Vec<_>>(),
        Some(value @ Value::Object(_)) if !list => vec![value],
        Some(_) => return Err(CaseError::Member(name)),
    };
    let read = |(at, value): (usize, &Value)| match parse_value(value, kind, &options) {
        Ok(parsed) => {
            let label = if list { format!("{name}[{at}]") } else { name.to_owned() };
            Ok(Arc::new(Compiled::compile(&label, &parsed.document)))
        }
        Err(errors) => match errors.into_iter().next() {
            Some(error) => Err(CaseError::Policy(name, error)),
            None => Err(CaseError::Member(name)),
        },
    };
    values.into_iter().enumerate().map(read).collect()
}

#[cfg(test)]
mod tests;
