//! What a request that may be forwarded still has to get past: rates, the list of revocations, the state of its link.
//! It must not decide: each refusal comes from a pure function or a store that runs one.

use super::quotas::Quotas;
use super::relay::LinkLimits;
use super::world::{Running, World};
use crate::pipeline::limits::revoked;
use crate::pipeline::{Denial, Outcome, Verdict};

/// Asks for what the link lets pass; counts the request for the rates whether it is forwarded or not.
///
/// # Errors
/// The refusal.
pub(super) async fn admit<'w>(
    world: &'w World,
    running: &Running,
    outcome: &Outcome<'_>,
) -> Result<LinkLimits<'w>, Denial> {
    let quotas = Quotas { running, paces: &world.paces, outcome };
    if let Some((rule, denial)) = quotas.refusal() {
        running.metrics.rate_limited(rule);
        return Err(denial);
    }
    let Verdict::Forward(permit) = &outcome.verdict else { return Ok(LinkLimits::default()) };
    if let Some(denial) = world.keeper.revocations(|list| revoked(&running.snapshot, outcome, list))? {
        return Err(denial);
    }
    let held = match &permit.state {
        None => None,
        // few links have state: the others need not carry this about
        Some(claim) => Box::pin(world.keeper.hold(claim, running.when_store_fails)).await?,
    };
    Ok(LinkLimits { held, pace: quotas.pace() })
}
