//! What a link limits beyond one request: the claim that the shell takes to the store, and whether it was called back.
//! It must not keep state: that is the shell's, and comes in as a value.

use super::outcome::{Denial, Outcome, Verdict};
use crate::auth::Signer;
use crate::links::identity::LinkId;
use crate::links::revocation::{Facts, RevocationSet};
use crate::reason::Reason;
use crate::s3::error::ErrorCode;
use crate::snapshot::Snapshot;

/// The name of the link that a verified request used.
#[must_use]
pub fn link_name(snapshot: &Snapshot, outcome: &Outcome<'_>) -> Option<LinkId> {
    if let Verdict::Forward(permit) = &outcome.verdict
        && let Some(claim) = &permit.state
    {
        return Some(claim.id);
    }
    *outcome.link.get_or_init(|| LinkId::of(outcome.authenticated()?, snapshot.keys(outcome.asked)))
}

/// The refusal of a request whose link was called back.
#[must_use]
pub fn revoked(snapshot: &Snapshot, outcome: &Outcome<'_>, list: &RevocationSet) -> Option<Denial> {
    let refusal = || Denial::new(Reason::LinkRevoked, ErrorCode::AccessDenied);
    let (Some(found), Some(address)) = (outcome.authenticated(), outcome.address.as_ref()) else {
        // nothing else is forwarded; what is not understood counts as called back
        return Some(refusal());
    };
    let access_key_id = outcome.access_key_id(snapshot).unwrap_or("");
    let facts = Facts { access_key_id, signed_at: found.dated(), address };
    let is_hit = match found.signer {
        Signer::Known { .. } => list.hits(&facts, || link_name(snapshot, outcome)),
        // what nobody here has verified has no name that could have been called back
        Signer::Unknown(_) => list.hits_many(&facts),
    };
    is_hit.then(refusal)
}
