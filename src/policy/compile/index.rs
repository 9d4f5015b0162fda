//! The statements of one effect, kept under the literal beginnings of their resources.
//! It must not match: it only tells which statements are worth looking at.

use std::collections::{BTreeMap, HashMap};

use crate::policy::document::{Effect, Statement};
use crate::policy::principal::Grant;

/// One entry of a Resource element, or a whole `NotResource` element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::policy) struct Posting {
    /// The position of the statement in its document.
    pub(in crate::policy) statement: u32,
    /// The position of the pattern in the statement; `None` for `NotResource`, where all count together.
    pub(in crate::policy) pattern: Option<u32>,
}

/// Postings of statements for the same principal and the same actions.
#[derive(Debug)]
struct Group {
    principal: u32,
    actions: u128,
    postings: Vec<Posting>,
}

#[derive(Debug)]
struct Node {
    prefix: Box<[u8]>,
    /// The longest other prefix that this one begins with.
    parent: Option<usize>,
    // INVARIANT: sorted by principal
    groups: Vec<Group>,
}

/// Finds the statements for a resource in the logarithm of their number.
#[derive(Debug)]
pub(in crate::policy) struct Index {
    // INVARIANT: sorted by prefix
    nodes: Vec<Node>,
}

/// Prefix, principal number and action set of some postings.
type Groups = BTreeMap<(u32, u128), Vec<Posting>>;

impl Index {
    pub(super) fn new(statements: &[Statement], effect: Effect, principals: &HashMap<Box<str>, u32>) -> Self {
        let mut by_prefix: BTreeMap<Box<[u8]>, Groups> = BTreeMap::new();
        for (at, statement) in
            statements.iter().enumerate().filter(|(_, statement)| statement.effect == effect)
        {
            let numbers = numbers_of(statement, principals);
            for (prefix, pattern) in places_of(statement) {
                let groups = by_prefix.entry(prefix.into()).or_default();
                let posting = Posting { statement: number(at), pattern };
                for principal in &numbers {
                    groups.entry((*principal, statement.action.known())).or_default().push(posting);
                }
            }
        }
        let mut nodes: Vec<Node> = Vec::with_capacity(by_prefix.len());
        for (prefix, groups) in by_prefix {
            // the prefixes that this one begins with are the chain of its predecessor
            let mut parent = nodes.len().checked_sub(1);
            while let Some(node) = parent.and_then(|at| nodes.get(at)) {
                if prefix.starts_with(&node.prefix) {
                    break;
                }
                parent = node.parent;
            }
            let group = |((principal, actions), postings)| Group { principal, actions, postings };
            nodes.push(Node { prefix, parent, groups: groups.into_iter().map(group).collect() });
        }
        Self { nodes }
    }

    /// Calls `visit` with each posting that could match: under a prefix of this resource, for one of these numbers of
    /// the principal, and for this action (`None`: any). Stops when `visit` returns true.
    pub(in crate::policy) fn visit(
        &self,
        resource: &[u8],
        numbers: &[(u32, Option<Grant>)],
        action: Option<u128>,
        mut visit: impl FnMut(&Posting, Option<Grant>) -> bool,
    ) {
        // every prefix of the resource sorts before it, and is the nearest predecessor or on its chain
        let mut next = self.nodes.partition_point(|node| &*node.prefix <= resource).checked_sub(1);
        while let Some(node) = next.and_then(|at| self.nodes.get(at)) {
            next = node.parent;
            if !resource.starts_with(&node.prefix) {
                continue;
            }
            for (number, grant) in numbers {
                let from = node.groups.partition_point(|group| group.principal < *number);
                let groups = node.groups.iter().skip(from).take_while(|group| group.principal == *number);
                for group in groups.filter(|group| action.is_none_or(|bit| group.actions & bit != 0)) {
                    if group.postings.iter().any(|posting| visit(posting, *grant)) {
                        return;
                    }
                }
            }
        }
    }
}

/// The numbers of the principals of a statement; 0 if it is for everybody, or for everybody but some.
fn numbers_of(statement: &Statement, principals: &HashMap<Box<str>, u32>) -> Vec<u32> {
    match &statement.principal {
        Some(rule) if !rule.is_negated() => {
            let everyone = rule.lists_everyone().then_some(0);
            let named = rule.names().iter().filter_map(|name| principals.get(name.as_str()).copied());
            everyone.into_iter().chain(named).collect()
        }
        _ => vec![0],
    }
}

/// Each pattern of a statement, and what its resources begin with.
fn places_of(statement: &Statement) -> Vec<(&[u8], Option<u32>)> {
    if statement.resource.negated {
        return vec![(b"", None)];
    }
    let patterns = statement.resource.patterns.iter().enumerate();
    patterns.map(|(at, pattern)| (pattern.literal_prefix(), Some(number(at)))).collect()
}

// INVARIANT: limits of the parser keep numbers far below this
fn number(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
