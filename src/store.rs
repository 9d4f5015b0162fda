//! Where the state of links and the list of revocations are kept, behind one small trait.
//! It must not decide: `links::state` and `links::revocation` say what comes next, a store makes it atomic and durable.

pub mod keeper;
pub mod memory;
pub mod pace;

pub mod redb;
pub mod redis;

use crate::links::claim::LinkClaim;
use crate::links::identity::LinkId;
use crate::links::revocation::Revocation;
use crate::links::state::delivery::Delivery;
use crate::links::state::{Answer, LinkState, Told};
use async_trait::async_trait;

/// Why a store could not do what it was asked to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It cannot be reached, or did not answer in time.
    #[error("the store cannot be reached: {0}")]
    Unreachable(String),
    /// It answered something that makes no sense, or failed to write.
    #[error("the store failed: {0}")]
    Failed(String),
}

impl StoreError {
    /// Nothing is known about a link that is as old as some that were forgotten since they had expired: the clock was
    /// set back, and this may be one of them.
    #[must_use]
    pub fn forgotten() -> Self {
        Self::Failed("links that end so early were forgotten when the clock was ahead".to_owned())
    }
}

/// What a gate tells about a request under way, without waiting for an answer. Each may be told twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Note {
    /// The link.
    pub link: LinkId,
    /// The request.
    pub token: u64,
    /// The grace time of the link, in milliseconds.
    pub grace: u64,
    /// What happened.
    pub event: Event,
}

/// What happened to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// It goes on; perhaps the head of its answer came.
    Keep(Option<Told>),
    /// It ended.
    Settle(Delivery),
}

impl Note {
    /// Applies it.
    pub fn apply(&self, state: &mut LinkState, now: i64) {
        match &self.event {
            Event::Keep(told) => state.keep(self.token, *told, now),
            Event::Settle(delivery) => state.settle(self.token, delivery, self.grace, now),
        }
    }
}

/// An entry of the list of revocations, or one that was taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The entry.
    pub entry: Revocation,
    /// Whether it was taken back.
    pub is_gone: bool,
}

/// What changed in the list since a gate last asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Another name means that the list was lost and begun anew: numbers start from the beginning.
    pub list: String,
    /// The number of the last change.
    pub last: u64,
    /// The changes, oldest first.
    pub changes: Vec<Change>,
    /// Whether there are more.
    pub more: bool,
}

/// A store.
#[async_trait]
pub trait LinkStore: Send + Sync + std::fmt::Debug {
    /// Asks for a claim, under a token that no other request of the link has. One step, whoever else asks. A link that
    /// nothing is known about is refused if it may be one of those that were forgotten.
    async fn reserve(&self, claim: &LinkClaim, token: u64) -> Result<Answer, StoreError>;

    /// Takes a note. Notes of one request arrive in their order.
    fn note(&self, note: Note);

    /// What is known about a link.
    async fn look(&self, link: LinkId) -> Result<Option<LinkState>, StoreError>;

    /// Adds an entry to the list of revocations, or takes one back. Once it returns, the change is kept.
    async fn change(&self, change: &Change) -> Result<(), StoreError>;

    /// What changed after `number` in the list that had this name.
    async fn changes(&self, list: &str, number: u64) -> Result<Changes, StoreError>;

    /// Forgets links that have expired, some at a time; gives the number of links that are known.
    async fn sweep(&self) -> Result<u64, StoreError>;

    /// Notes that could not be kept since this was last asked.
    fn lost_notes(&self) -> u64;

    /// Whether no other process can use it at the same time.
    fn is_exclusive(&self) -> bool {
        false
    }

    /// Lets another process have it: everything before is kept, everything after fails.
    async fn close(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Takes it up again.
    async fn reopen(&self) -> Result<(), StoreError> {
        Ok(())
    }
}
