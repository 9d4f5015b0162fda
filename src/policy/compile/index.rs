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
    /// The statements for every resource: their prefix is empty.
    everywhere: Vec<Group>,
    /// What all other prefixes begin with.
    common: Box<[u8]>,
    // INVARIANT: the beginning of each prefix after `common`, so that most of the search stays in one dense list
    keys: Vec<u128>,
    // INVARIANT: sorted by prefix, none empty
    nodes: Vec<Node>,
}

/// The first bytes of a text as a number; it orders as the texts do, but for texts whose first bytes are the same.
fn key(text: &[u8]) -> u128 {
    if let Some(first) = text.first_chunk() {
        return u128::from_be_bytes(*first);
    }
    let mut first = [0; size_of::<u128>()];
    first.iter_mut().zip(text).for_each(|(slot, byte)| *slot = *byte);
    u128::from_be_bytes(first)
}

fn common_prefix<'p>(mut prefixes: impl Iterator<Item = &'p [u8]>) -> &'p [u8] {
    let first = prefixes.next().unwrap_or_default();
    prefixes.fold(first, |common, prefix| {
        let same = common.iter().zip(prefix).take_while(|(one, other)| one == other).count();
        common.get(..same).unwrap_or_default()
    })
}

/// The number of everybody.
pub(super) const EVERYBODY: u32 = 0;

/// The number of somebody unknown: under it stands every Deny for principals by name.
// INVARIANT: limits of the parser keep the numbers of names far below this
pub(super) const SOMEBODY: u32 = u32::MAX;

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
        let groups = |groups: Groups| {
            let group = |((principal, actions), postings)| Group { principal, actions, postings };
            groups.into_iter().map(group).collect()
        };
        let everywhere = by_prefix.remove(&b""[..]).map(groups).unwrap_or_default();
        let common: Box<[u8]> = common_prefix(by_prefix.keys().map(AsRef::as_ref)).into();
        let mut nodes: Vec<Node> = Vec::with_capacity(by_prefix.len());
        for (prefix, found) in by_prefix {
            // the prefixes that this one begins with are the chain of its predecessor
            let mut parent = nodes.len().checked_sub(1);
            while let Some(node) = parent.and_then(|at| nodes.get(at)) {
                if prefix.starts_with(&node.prefix) {
                    break;
                }
                parent = node.parent;
            }
            nodes.push(Node { prefix, parent, groups: groups(found) });
        }
        let rest = |node: &Node| key(node.prefix.get(common.len()..).unwrap_or_default());
        Self { everywhere, keys: nodes.iter().map(rest).collect(), common, nodes }
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
        let mut next = self.last_before(resource);
        while let Some(node) = next.and_then(|at| self.nodes.get(at)) {
            next = node.parent;
            if resource.starts_with(&node.prefix) && visit_groups(&node.groups, numbers, action, &mut visit) {
                return;
            }
        }
        visit_groups(&self.everywhere, numbers, action, &mut visit);
    }

    /// The last prefix that does not sort behind the resource: every prefix of it is this one or on its chain.
    fn last_before(&self, resource: &[u8]) -> Option<usize> {
        let rest = resource.strip_prefix(&*self.common)?;
        let key = key(rest);
        let from = self.keys.partition_point(|other| *other < key);
        // those that begin alike have to be compared as a whole
        let alike = match self.keys.get(from..) {
            Some(keys @ [first, ..]) if *first == key => keys.partition_point(|other| *other == key),
            _ => 0,
        };
        let alike = self.nodes.get(from..from + alike).unwrap_or_default();
        (from + alike.partition_point(|node| &*node.prefix <= resource)).checked_sub(1)
    }
}

/// Visits the postings for these principals and this action; true if `visit` had enough.
fn visit_groups(
    groups: &[Group],
    numbers: &[(u32, Option<Grant>)],
    action: Option<u128>,
    visit: &mut impl FnMut(&Posting, Option<Grant>) -> bool,
) -> bool {
    for (number, grant) in numbers {
        let from = groups.partition_point(|group| group.principal < *number);
        let own = groups.iter().skip(from).take_while(|group| group.principal == *number);
        for group in own.filter(|group| action.is_none_or(|bit| group.actions & bit != 0)) {
            if group.postings.iter().any(|posting| visit(posting, *grant)) {
                return true;
            }
        }
    }
    false
}

/// The numbers of the principals of a statement; that of everybody if it is for all, or for all but some.
fn numbers_of(statement: &Statement, principals: &HashMap<Box<str>, u32>) -> Vec<u32> {
    match &statement.principal {
        Some(rule) if !rule.is_negated() => {
            let everyone = rule.lists_everyone();
            let named = rule.names().iter().filter_map(|name| principals.get(name.as_str()).copied());
            let somebody = (!everyone && statement.effect == Effect::Deny).then_some(SOMEBODY);
            everyone.then_some(EVERYBODY).into_iter().chain(named).chain(somebody).collect()
        }
        _ => vec![EVERYBODY],
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
