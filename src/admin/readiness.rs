//! Whether the gate can serve: the checks behind `/readyz`.
//! It must not ask anything over the network: probes come often, and what they need is known already.

use crate::proxy::world::World;
use std::borrow::Cow;
use std::fmt;

/// One thing that must be so.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Check {
    /// What.
    pub(super) name: Cow<'static, str>,
    /// Whether it is so.
    pub(super) good: bool,
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mark, word) = if self.good { ('+', "ok") } else { ('-', "failed") };
        write!(f, "[{mark}] {} {word}", self.name)
    }
}

/// Every check. That the config is in force and the listeners are bound is certain: this endpoint starts after them.
pub(super) fn checks(world: &World) -> Vec<Check> {
    let check = |name: &'static str, good| Check { name: Cow::Borrowed(name), good };
    vec![check("config", true), check("listeners", true), check("not-draining", !world.is_draining())]
}
