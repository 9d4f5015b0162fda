//! Asks the signature doctor about a request that was refused, with what the snapshot knows.
//! It must not change the outcome: what is refused stays refused.

use super::{Outcome, Verdict};
use crate::auth::keyring::Keys;
use crate::auth::sigv4::doctor::{self, Diagnosis, Effort, Scene};
use crate::reason::Reason;
use crate::request::RawRequest;
use crate::snapshot::Snapshot;
use smallvec::SmallVec;

/// The most names of each kind that are handed on.
const MANY: usize = 8;

/// A refused request whose signature is worth a look.
#[derive(Clone, Copy, Debug)]
pub struct Case<'c, 'h> {
    snapshot: &'c Snapshot,
    request: &'c RawRequest<'h>,
    /// Those of the snapshot, and what was found out for this request.
    keys: Keys<'c>,
    reason: Reason,
    /// The access key id that it names.
    pub key_id: &'c [u8],
}

impl<'c, 'h> Case<'c, 'h> {
    /// The case of an outcome; `None` if a look would tell nothing. Cheap: no hash is made.
    #[must_use]
    pub fn of(snapshot: &'c Snapshot, request: &'c RawRequest<'h>, outcome: &'c Outcome<'_>) -> Option<Self> {
        let Verdict::Answer(denial) = &outcome.verdict else { return None };
        if !doctor::is_case(request, denial.reason) {
            return None;
        }
        let key_id = doctor::key_id(request);
        let keys = snapshot.keys(outcome.asked);
        let is_known = keys.index(key_id).is_some();
        // with uniform errors a key that nobody has is put through the same
        (is_known || snapshot.signing.uniform_errors || denial.reason == Reason::MissingParameter)
            .then_some(Self { snapshot, request, keys, reason: denial.reason, key_id })
    }

    /// Looks.
    #[must_use]
    pub fn diagnose(&self, effort: Effort) -> Option<Diagnosis> {
        let Self { snapshot, request, keys, reason, .. } = *self;
        let hosts: SmallVec<[&str; MANY]> = snapshot.hosts.names().take(MANY).collect();
        let port = |name: &str| name.rsplit_once(':')?.1.parse().ok();
        let ports: SmallVec<[u16; MANY]> =
            snapshot.listeners.iter().filter_map(|listener| port(&listener.name)).take(MANY).collect();
        let named = snapshot.buckets.entries().iter().map(|bucket| bucket.name.as_str());
        let buckets: SmallVec<[&str; MANY]> = named.filter(|name| *name != "*").take(MANY).collect();
        let scene =
            Scene { hosts: &hosts, ports: &ports, buckets: &buckets, ..Scene::new(keys, &snapshot.signing) };
        doctor::diagnose(request, reason, &scene, effort)
    }
}
