//! A policy document as types: what parsing has proven right.
//! It must not hold anything that could still turn out to be wrong.

use super::arn::ArnPattern;
use super::condition::Test;
use super::error::Place;
use super::pattern::{Case, Pattern, Token};
use super::principal::PrincipalRule;
use crate::s3::action::Action;

/// What a document is attached to; it decides which elements it may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// An access key.
    Identity,
    /// A bucket.
    Resource,
    /// An access key, as the most that it may do.
    Boundary,
    /// A session, as the most that it may do.
    Session,
    /// A listener, as the policy of a VPC endpoint.
    Endpoint,
    /// Every principal, anonymous too; only its Deny statements count.
    Guardrail,
}

impl Kind {
    /// Whether statements say for whom they are.
    #[must_use]
    pub const fn has_principals(self) -> bool {
        matches!(self, Self::Resource | Self::Endpoint)
    }

    /// The name in messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity policy",
            Self::Resource => "bucket policy",
            Self::Boundary => "permissions boundary",
            Self::Session => "session policy",
            Self::Endpoint => "endpoint policy",
            Self::Guardrail => "guardrail",
        }
    }
}

/// The version of the policy language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Version {
    /// `2008-10-17`, also when no version is named: `${…}` is literal text.
    V2008,
    /// `2012-10-17`
    V2012,
}

/// A policy document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// What it is attached to.
    pub kind: Kind,
    /// The version of the language.
    pub version: Version,
    /// The optional name that bucket policies can have.
    pub id: Option<String>,
    /// The statements; at least one.
    pub statements: Vec<Statement>,
}

/// Allow or Deny.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Grants.
    Allow,
    /// Refuses, whatever else grants.
    Deny,
}

impl Effect {
    /// The word in policies, metrics and audit.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "Allow",
            Self::Deny => "Deny",
        }
    }
}

/// One statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Where it and its parts stand.
    pub places: Box<Places>,
    /// Its name; unique in the document.
    pub sid: Option<String>,
    /// Allow or Deny.
    pub effect: Effect,
    /// For whom; there only if [`Kind::has_principals`].
    pub principal: Option<PrincipalRule>,
    /// For which actions.
    pub action: ActionRule,
    /// On which resources.
    pub resource: ResourceRule,
    /// Under which conditions; all must hold.
    pub conditions: Vec<Test>,
}

/// Where a statement stands, and where in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// The statement.
    pub statement: Place,
    /// Its Principal or `NotPrincipal`.
    pub principal: Place,
    /// Its Action or `NotAction`.
    pub action: Place,
    /// Its Resource or `NotResource`.
    pub resource: Place,
    /// Its tests, in the order of the conditions.
    pub tests: Vec<Place>,
}

/// The Action or `NotAction` element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionRule {
    negated: bool,
    patterns: Vec<ActionPattern>,
    // one bit for each action of the table that a request can need, negation applied
    known: u128,
}

/// One entry of Action or `NotAction`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ActionPattern {
    /// `*`
    Any,
    /// `service:Name`, with wildcards in the name.
    Named {
        /// The service in lower case.
        service: String,
        /// The pattern of the name.
        name: Pattern,
    },
}

impl ActionPattern {
    /// Whether the action of this name matches, letter case ignored.
    #[must_use]
    pub fn matches(&self, action: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Named { service, name } => action.split_once(':').is_some_and(|(prefix, rest)| {
                prefix.eq_ignore_ascii_case(service) && name.matches_plain(rest.as_bytes(), Case::IgnoreAscii)
            }),
        }
    }
}

impl ActionRule {
    /// A rule for the actions that match one of the patterns, or none of them if `negated`.
    #[must_use]
    pub fn new(negated: bool, patterns: Vec<ActionPattern>) -> Self {
        let matches =
            |action: &&Action| patterns.iter().any(|pattern| pattern.matches(action.name())) != negated;
        let known =
            Action::ALL.iter().filter(matches).fold(0, |bits, action| bits | 1_u128 << action.index());
        Self { negated, patterns, known }
    }

    /// Whether this is a `NotAction`.
    #[must_use]
    pub const fn is_negated(&self) -> bool {
        self.negated
    }

    /// The patterns.
    #[must_use]
    pub fn patterns(&self) -> &[ActionPattern] {
        &self.patterns
    }

    /// The actions of the table that the rule covers, one bit at each [`Action::index`].
    #[must_use]
    pub const fn known(&self) -> u128 {
        self.known
    }

    /// Whether the rule covers an action of this name.
    #[must_use]
    pub fn covers_name(&self, action: &str) -> bool {
        self.patterns.iter().any(|pattern| pattern.matches(action)) != self.negated
    }
}

/// The Resource or `NotResource` element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceRule {
    /// `NotResource`: everything but the listed.
    pub negated: bool,
    /// What is listed.
    pub patterns: Vec<ResourcePattern>,
}

/// One entry of Resource or `NotResource`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResourcePattern {
    /// `*`
    Any,
    /// An ARN.
    Arn(ArnPattern),
}

impl ResourcePattern {
    /// What the resource part of every ARN that matches begins with.
    #[must_use]
    pub fn literal_prefix(&self) -> &[u8] {
        match self {
            Self::Any => b"",
            Self::Arn(arn) => arn.resource().literal_prefix(),
        }
    }

    /// Whether the pattern is `*`, or an ARN whose resource part is.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        match self {
            Self::Any => true,
            Self::Arn(arn) => *arn.resource().tokens() == [Token::Star],
        }
    }
}

impl std::fmt::Display for ResourcePattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Arn(arn) => arn.fmt(f),
        }
    }
}
