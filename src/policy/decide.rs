//! The decision: explicit deny, then allow, then implicit deny, over all layers of policies.
//! It must not turn an answer that cannot be known into an allow.

mod evaluate;

use std::sync::Arc;

use smallvec::SmallVec;

use super::compile::{Compiled, StatementRef};
use super::principal::PrincipalKind;
use super::query::{Query, ResourceText};

pub use evaluate::{StatementTrace, TestTrace};

use evaluate::{Evaluation, Grants};

/// All policies that apply to a request.
#[derive(Clone, Copy, Debug, Default)]
pub struct Layers<'a> {
    /// Identity policies of the access key.
    pub identity: &'a [Arc<Compiled>],
    /// The bucket policy.
    pub resource: Option<&'a Compiled>,
    /// The permissions boundary of the access key.
    pub boundary: Option<&'a Compiled>,
    /// The session policy.
    pub session: Option<&'a Compiled>,
    /// Endpoint policies of the listener; with several, one must allow.
    pub endpoint: &'a [Arc<Compiled>],
    /// Guardrails, for every principal; only their Deny statements count.
    pub guardrails: &'a [Arc<Compiled>],
}

impl<'a> Layers<'a> {
    fn documents(&self) -> impl Iterator<Item = &'a Compiled> {
        let lists = |list: &'a [Arc<Compiled>]| list.iter().map(Arc::as_ref);
        lists(self.guardrails)
            .chain(lists(self.endpoint))
            .chain(self.resource)
            .chain(self.boundary)
            .chain(self.session)
            .chain(lists(self.identity))
    }
}

/// What the policies say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Allowed.
    Allowed,
    /// A Deny statement matches.
    ExplicitlyDenied,
    /// Nothing allows it.
    ImplicitlyDenied,
}

impl Outcome {
    /// The name in `policy test`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "Allowed",
            Self::ExplicitlyDenied => "ExplicitlyDenied",
            Self::ImplicitlyDenied => "ImplicitlyDenied",
        }
    }
}

/// The layer in which an Allow is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lacking {
    /// No identity policy and no bucket policy allows it.
    Grant,
    /// The bucket policy does not let another account, or nobody, in.
    Resource,
    /// The identity policies do not allow it; the bucket policy of another account would.
    Identity,
    /// The endpoint policy does not allow it.
    Endpoint,
    /// The permissions boundary does not allow it.
    Boundary,
    /// The session policy does not allow it.
    Session,
}

/// What the policies say, and which statements made them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision<'p> {
    /// Allowed or not.
    pub outcome: Outcome,
    /// The Deny statement that matches, or the Allow statements that were needed; empty for an implicit deny.
    pub matched: SmallVec<[StatementRef<'p>; 4]>,
    /// Whether a statement could not be answered. An implicit deny with this must never be passed on.
    pub indeterminate: bool,
    /// Where an implicit deny comes from.
    pub lacking: Option<Lacking>,
}

impl<'p> Decision<'p> {
    fn denied(statement: StatementRef<'p>, indeterminate: bool) -> Self {
        let matched = std::iter::once(statement).collect();
        Self { outcome: Outcome::ExplicitlyDenied, matched, indeterminate, lacking: None }
    }

    /// Whether the request may go on.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        self.outcome == Outcome::Allowed
    }

    /// Whether nothing matched and nothing was unclear, so that a gate that passes what no rule speaks of may pass it.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.outcome == Outcome::ImplicitlyDenied && !self.indeterminate
    }
}

/// Decides over one action on one resource (IAM guide, "policy evaluation logic").
#[must_use]
pub fn decide<'p>(layers: &Layers<'p>, query: &Query<'_>) -> Decision<'p> {
    let mut text = ResourceText::default();
    let evaluation = Evaluation::new(query, layers.boundary.is_some(), &mut text);
    let mut unclear = None;
    for document in layers.documents() {
        match evaluation.deny(document) {
            Some((statement, false)) => return Decision::denied(statement, false),
            Some((statement, true)) => unclear = unclear.or(Some(statement)),
            None => {}
        }
    }
    if let Some(statement) = unclear {
        return Decision::denied(statement, true);
    }
    let allows = Allows::collect(layers, &evaluation);
    let indeterminate = allows.all().any(|grants| grants.unclear);
    match allows.judge(query) {
        Ok(matched) => Decision { outcome: Outcome::Allowed, matched, indeterminate: false, lacking: None },
        Err(lacking) => Decision {
            outcome: Outcome::ImplicitlyDenied,
            matched: SmallVec::new(),
            indeterminate,
            lacking: Some(lacking),
        },
    }
}

/// The documents, by position, that would deny the request if they were guardrails beside `layers`, for certain or
/// because a statement cannot be answered. It changes no decision: the caller asks about requests that are allowed.
pub fn would_deny<'d>(
    documents: &'d [Arc<Compiled>],
    layers: &Layers<'_>,
    query: &'d Query<'_>,
) -> impl Iterator<Item = usize> + use<'d> {
    let has_boundary = layers.boundary.is_some();
    let denies = move |document: &Compiled| {
        Evaluation::new(query, has_boundary, &mut ResourceText::default()).deny(document).is_some()
    };
    documents.iter().enumerate().filter(move |(_, document)| denies(document)).map(|(at, _)| at)
}

/// Looks at every statement of every layer, also those that decide nothing: for `explain`.
#[must_use]
pub fn trace<'p>(layers: &Layers<'p>, query: &Query<'_>) -> Vec<StatementTrace<'p>> {
    let mut text = ResourceText::default();
    let evaluation = Evaluation::new(query, layers.boundary.is_some(), &mut text);
    layers.documents().flat_map(Compiled::statements).map(|statement| evaluation.trace(statement)).collect()
}

/// What each layer grants; `None` for a layer that is not there.
struct Allows<'p> {
    identity: Grants<'p>,
    resource: Grants<'p>,
    boundary: Option<Grants<'p>>,
    session: Option<Grants<'p>>,
    endpoint: Option<Grants<'p>>,
}

type Matched<'p> = SmallVec<[StatementRef<'p>; 4]>;

impl<'p> Allows<'p> {
    fn collect(layers: &Layers<'p>, evaluation: &Evaluation<'_>) -> Self {
        let any = |list: &'p [Arc<Compiled>]| {
            list.iter().fold(Grants::default(), |grants, document| grants.or(evaluation.grants(document)))
        };
        let one = |document: Option<&'p Compiled>| document.map(|document| evaluation.grants(document));
        Self {
            identity: any(layers.identity),
            resource: one(layers.resource).unwrap_or_default(),
            boundary: one(layers.boundary),
            session: one(layers.session),
            endpoint: (!layers.endpoint.is_empty()).then(|| any(layers.endpoint)),
        }
    }

    fn all(&self) -> impl Iterator<Item = &Grants<'p>> {
        [&self.identity, &self.resource]
            .into_iter()
            .chain(&self.boundary)
            .chain(&self.session)
            .chain(&self.endpoint)
    }

    /// The statements that allow the request together, or the layer in which one is missing.
    fn judge(&self, query: &Query<'_>) -> Result<Matched<'p>, Lacking> {
        let mut matched = Matched::new();
        if let Some(endpoint) = &self.endpoint {
            matched.push(endpoint.any().ok_or(Lacking::Endpoint)?);
        }
        let resource = &self.resource;
        if matches!(query.principal.kind(), PrincipalKind::Anonymous | PrincipalKind::Unknown) {
            matched.push(resource.direct.ok_or(Lacking::Resource)?);
            return Ok(matched);
        }
        if query.same_account() {
            // a grant to the principal itself is not limited by what boundary and session leave out
            if let Some(statement) = resource.direct {
                matched.push(statement);
                return Ok(matched);
            }
            matched.push(resource.role.or(self.identity.direct).ok_or(Lacking::Grant)?);
        } else {
            matched.push(resource.any().ok_or(Lacking::Resource)?);
            matched.push(self.identity.direct.ok_or(Lacking::Identity)?);
        }
        if let Some(boundary) = &self.boundary {
            matched.push(boundary.direct.ok_or(Lacking::Boundary)?);
        }
        if let Some(session) = &self.session {
            matched.push(session.direct.ok_or(Lacking::Session)?);
        }
        Ok(matched)
    }
}

#[cfg(test)]
mod tests;
