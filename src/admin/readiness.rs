//! Whether the gate can serve: the checks behind `/readyz`.
//! It must not ask anything over the network: probes come often, and what they need is known already.

use crate::proxy::peer::address::now;
use crate::proxy::world::World;
use std::borrow::Cow;
use std::fmt;

/// One thing that should be so.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Check {
    /// What.
    name: Cow<'static, str>,
    /// Whether it is so.
    good: bool,
    /// Whether the gate is not ready without it.
    needed: bool,
}

impl Check {
    fn needed(name: impl Into<Cow<'static, str>>, good: bool) -> Self {
        Self { name: name.into(), good, needed: true }
    }

    /// Whether the gate may be ready.
    pub(super) const fn passes(&self) -> bool {
        self.good || !self.needed
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.good, self.needed) {
            (true, _) => write!(f, "[+] {} ok", self.name),
            (false, true) => write!(f, "[-] {} failed", self.name),
            (false, false) => write!(f, "[~] {} failed, and the gate is ready all the same", self.name),
        }
    }
}

/// Every check. That the config is in force and the listeners are bound is certain: this endpoint starts after them.
/// An upstream that is down does not count: all gates would leave the balancer at once, and clients would see nothing
/// where they now see an error that says what is wrong.
pub(super) fn checks(world: &World) -> Vec<Check> {
    let mut checks = vec![
        Check::needed("config", true),
        Check::needed("listeners", true),
        Check::needed("link-store", world.keeper.is_well()),
        Check::needed("not-draining", !world.is_leaving()),
    ];
    let at = now();
    let running = world.running.load();
    checks.extend(running.keys.iter().flatten().map(|keys| {
        let name = format!("credentials of upstream {}", keys.source.upstream);
        Check::needed(name, keys.valid(world.clock.now()).is_some())
    }));
    // the keys of the config, and those that are known, work without them
    checks.extend(running.signers.states().map(|(name, good)| Check {
        name: format!("credential source {name}").into(),
        good,
        needed: false,
    }));
    checks.extend(running.peers.iter().map(|peer| Check {
        name: format!("upstream {}", peer.spec.name).into(),
        good: peer.endpoints.iter().any(|endpoint| endpoint.is_usable(at)),
        needed: false,
    }));
    checks
}
