//! One question against the statements of one document.
//! It must not combine documents.

use crate::policy::arn::Parts;
use crate::policy::compile::{Compiled, Posting, StatementRef};
use crate::policy::context::Source;
use crate::policy::document::{Effect, ResourcePattern, Statement};
use crate::policy::principal::{Grant, Principal};
use crate::policy::query::{ActionRef, Query, ResourceText};
use crate::policy::truth::Truth;

/// A question, with everything in the form in which statements ask for it.
pub(super) struct Evaluation<'a> {
    principal: &'a Principal,
    action: ActionRef<'a>,
    arn: Parts<'a>,
    source: Source<'a>,
    has_boundary: bool,
}

/// The Allow statements of one document that match, the first of each closeness.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Grants<'p> {
    /// To the principal by its own name, to everybody, or in a document without principals.
    pub(super) direct: Option<StatementRef<'p>>,
    /// To its role.
    pub(super) role: Option<StatementRef<'p>>,
    /// To its account.
    pub(super) account: Option<StatementRef<'p>>,
    /// Whether a statement could not be answered.
    pub(super) unclear: bool,
}

impl<'p> Grants<'p> {
    /// The closest grant.
    pub(super) fn any(&self) -> Option<StatementRef<'p>> {
        self.direct.or(self.role).or(self.account)
    }

    pub(super) fn or(self, other: Self) -> Self {
        Self {
            direct: self.direct.or(other.direct),
            role: self.role.or(other.role),
            account: self.account.or(other.account),
            unclear: self.unclear || other.unclear,
        }
    }

    fn add(&mut self, grant: Grant, statement: StatementRef<'p>) {
        let slot = match grant {
            Grant::Direct | Grant::Everyone => &mut self.direct,
            Grant::Role => &mut self.role,
            Grant::Account => &mut self.account,
            // a role of this name, whose path is not known, grants nothing
            Grant::RoleName => return,
        };
        *slot = slot.or(Some(statement));
    }
}

impl<'a> Evaluation<'a> {
    pub(super) fn new(query: &Query<'a>, has_boundary: bool, text: &'a mut ResourceText) -> Self {
        let arn = text.parts(&query.resource);
        Self { principal: query.principal, action: query.action, arn, source: query.source(), has_boundary }
    }

    /// The first Deny statement that matches; true with it if that could not be answered for certain.
    pub(super) fn deny<'p>(&self, document: &'p Compiled) -> Option<(StatementRef<'p>, bool)> {
        let mut found = None;
        self.visit(document, Effect::Deny, |index, truth, _| {
            let statement = StatementRef::new(document, index);
            match truth {
                Truth::No => false,
                Truth::Unknown => {
                    found = found.or(Some((statement, true)));
                    false
                }
                Truth::Yes => {
                    found = Some((statement, false));
                    true
                }
            }
        });
        found
    }

    /// The Allow statements that match.
    pub(super) fn grants<'p>(&self, document: &'p Compiled) -> Grants<'p> {
        let mut grants = Grants::default();
        self.visit(document, Effect::Allow, |index, truth, grant| {
            match truth {
                Truth::No => {}
                Truth::Unknown => grants.unclear = true,
                Truth::Yes => grants.add(grant, StatementRef::new(document, index)),
            }
            // nothing closer can come
            grants.direct.is_some()
        });
        grants
    }

    /// Calls `found` with each statement of this effect that is worth it, until it returns true.
    fn visit(&self, document: &Compiled, effect: Effect, mut found: impl FnMut(u32, Truth, Grant) -> bool) {
        let [.., path] = self.arn;
        let action = match self.action {
            ActionRef::Known(action) => Some(1 << action.index()),
            ActionRef::Name(_) => None,
        };
        let numbers = document.numbers(self.principal);
        document.index(effect).visit(path, &numbers, action, |posting, grant| {
            let Some(statement) = document.statement(posting.statement) else { return false };
            let Some(grant) = grant.or_else(|| self.general_grant(statement)) else { return false };
            found(posting.statement, self.holds(statement, posting).and(self.certainty(statement)), grant)
        });
    }

    /// Whether a statement that is for the principal is so for certain.
    fn certainty(&self, statement: &Statement) -> Truth {
        statement.principal.as_ref().map_or(Truth::Yes, |rule| rule.certainty(self.principal))
    }

    /// How closely a statement that the index keeps for everybody names the principal; `None` if it exempts it.
    fn general_grant(&self, statement: &Statement) -> Option<Grant> {
        match &statement.principal {
            // a document without principals is attached to this one
            None => Some(Grant::Direct),
            Some(rule) if !rule.is_negated() => Some(Grant::Everyone),
            // the IAM guide: NotPrincipal with Deny denies whoever has a boundary, listed or not
            Some(_) if self.has_boundary && statement.effect == Effect::Deny => Some(Grant::Everyone),
            Some(rule) => rule.grant(self.principal, statement.effect),
        }
    }

    /// Whether the statement holds for action, resource and conditions.
    fn holds(&self, statement: &Statement, posting: &Posting) -> Truth {
        if !self.covers_action(statement) {
            return Truth::No;
        }
        let patterns = &statement.resource.patterns;
        let resource = match posting.pattern {
            None => self.covers_resource(statement),
            Some(at) => usize::try_from(at)
                .ok()
                .and_then(|at| patterns.get(at))
                .map_or(Truth::No, |pattern| self.matches_resource(pattern)),
        };
        if resource == Truth::No {
            return Truth::No;
        }
        Truth::all(statement.conditions.iter().map(|test| test.passes(&self.source))).and(resource)
    }

    fn covers_action(&self, statement: &Statement) -> bool {
        match self.action {
            ActionRef::Known(action) => statement.action.known() & (1 << action.index()) != 0,
            ActionRef::Name(name) => statement.action.covers_name(name),
        }
    }

    fn covers_resource(&self, statement: &Statement) -> Truth {
        let rule = &statement.resource;
        Truth::any(rule.patterns.iter().map(|pattern| self.matches_resource(pattern)))
            .negated_if(rule.negated)
    }

    fn matches_resource(&self, pattern: &ResourcePattern) -> Truth {
        match pattern {
            ResourcePattern::Any => Truth::Yes,
            ResourcePattern::Arn(arn) => arn.matches(&self.arn, &self.source),
        }
    }

    /// Each part of one statement on its own.
    pub(super) fn trace<'p>(&self, statement: StatementRef<'p>) -> StatementTrace<'p> {
        let Some(parsed) = statement.statement() else {
            return StatementTrace {
                statement,
                principal: Truth::No,
                action: false,
                resource: Truth::No,
                tests: Vec::new(),
            };
        };
        let forced = self.has_boundary && parsed.effect == Effect::Deny;
        let is_for_it = parsed.principal.as_ref().is_none_or(|rule| {
            (rule.is_negated() && forced) || rule.grant(self.principal, parsed.effect).is_some()
        });
        let principal = Truth::from(is_for_it).and(self.certainty(parsed));
        let test = |test: &'p crate::policy::condition::Test| TestTrace {
            operator: test.operator.to_string(),
            key: test.key.to_string(),
            truth: test.passes(&self.source),
        };
        StatementTrace {
            statement,
            principal,
            action: self.covers_action(parsed),
            resource: self.covers_resource(parsed),
            tests: parsed.conditions.iter().map(test).collect(),
        }
    }
}

/// What one test of a statement says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestTrace {
    /// The operator.
    pub operator: String,
    /// The key.
    pub key: String,
    /// Its answer.
    pub truth: Truth,
}

/// What each part of a statement says about a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementTrace<'p> {
    /// The statement.
    pub statement: StatementRef<'p>,
    /// Whether it is for the principal.
    pub principal: Truth,
    /// Whether it is for the action.
    pub action: bool,
    /// Whether it is for the resource.
    pub resource: Truth,
    /// Its tests, in the order of the document.
    pub tests: Vec<TestTrace>,
}

impl StatementTrace<'_> {
    /// Whether the statement matches as a whole.
    #[must_use]
    pub fn truth(&self) -> Truth {
        let parts = [self.principal, Truth::from(self.action), self.resource];
        Truth::all(parts.into_iter().chain(self.tests.iter().map(|test| test.truth)))
    }
}
