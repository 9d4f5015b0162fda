//! When the signature doctor is asked about a request that anybody may have sent: after its answer, and not too often.
//! It must not look itself, nor be asked before the client has its answer.

use super::world::Running;
use crate::auth::sigv4::doctor::{Diagnosis, Effort};
use crate::links::rate::Rate;
use crate::pipeline::Outcome;
use crate::pipeline::diagnosis::Case;
use crate::request::RawRequest;
use crate::store::pace::Paces;
use std::time::Duration;

/// Diagnoses of all keys together: a look costs about a millisecond, so this is about a hundredth of a core.
const TOGETHER: u64 = 100;
/// Diagnoses of one key, so that one does not use up what there is.
const EACH: u64 = 50;
/// The time in which so many are made.
const EVERY: Duration = Duration::from_secs(10);

/// Who has been looked at lately.
#[derive(Debug, Default)]
pub struct Clinic {
    paces: Paces,
}

impl Clinic {
    /// Looks at a refused request, or says that it was too much. `None` if there is nothing to look at.
    #[must_use]
    pub fn examine(
        &self,
        running: &Running,
        request: &RawRequest<'_>,
        outcome: &Outcome<'_>,
    ) -> Option<Diagnosis> {
        let case = Case::of(&running.snapshot, request, outcome)?;
        let is_free =
            |count: u64, of: Option<&[u8]>| self.paces.request(&Rate::requests(count, EVERY), of).is_ok();
        if is_free(EACH, Some(case.key_id)) && is_free(TOGETHER, None) {
            case.diagnose(Effort::Bounded)
        } else {
            Some(Diagnosis::skipped())
        }
    }
}
