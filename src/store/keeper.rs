//! What the data path asks about links: a hold on one, and whether it was called back. Talks to the store, counts how
//! that goes, and keeps the list of revocations at hand. It must not decide: refusals come from `links`.

use super::{Change, Event, LinkStore, Note, StoreError};
use crate::clock::Stopwatch;
use crate::links::claim::{Ask, LinkClaim, Refusal};
use crate::links::identity::LinkId;
use crate::links::revocation::{Revocation, RevocationSet};
use crate::links::state::delivery::{AnswerFacts, Delivery};
use crate::links::state::{Answer, LinkState, Told};
use crate::pipeline::Denial;
use crate::reason::Reason;
use crate::request::framing::Framing;
use crate::s3::error::ErrorCode;
use crate::telemetry::Telemetry;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

mod refresh;

/// How often a busy link is asked for again, and with what pause.
const BUSY: (u32, Duration) = (40, Duration::from_millis(25));

/// How often a request under way tells that it is.
pub const SIGN_OF_LIFE: Duration = Duration::from_secs(15);

/// What happens to links with state when the store fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenStoreFails {
    /// They are refused.
    Deny,
    /// They pass as if they had no limits that need state.
    Allow,
}

/// The state of links, as the data path sees it.
#[derive(Debug)]
pub struct Keeper {
    store: Arc<dyn LinkStore>,
    telemetry: Arc<Telemetry>,
    revoked: RwLock<RevocationSet>,
    /// Whether there is any entry: most gates have none, and then nobody takes the lock.
    any: AtomicBool,
    /// Whether the list was read once.
    known: AtomicBool,
    /// Whether the store answered when it was last asked for changes.
    well: AtomicBool,
}

impl Keeper {
    /// Starts to keep the list up to date, and waits a moment for its first reading.
    #[must_use]
    pub fn start(store: Arc<dyn LinkStore>, telemetry: Arc<Telemetry>) -> Arc<Self> {
        let keeper = Arc::new(Self {
            store,
            telemetry,
            revoked: RwLock::default(),
            any: AtomicBool::new(false),
            known: AtomicBool::new(false),
            well: AtomicBool::new(false),
        });
        refresh::start(&keeper);
        keeper
    }

    /// Waits until what was told so far is kept, but not for long.
    pub fn flush(&self, patience: Duration) {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        // a question that is answered was behind everything that was told before it; without an answer the store is gone
        let _ = runtime.block_on(async { tokio::time::timeout(patience, self.store.sweep()).await });
    }

    /// Whether two gates cannot have the store at the same time.
    #[must_use]
    pub fn is_exclusive(&self) -> bool {
        self.store.is_exclusive()
    }

    /// Lets another gate have the store. From now on links with state are answered as when the store fails.
    ///
    /// # Errors
    /// The store fails.
    pub async fn close(&self) -> Result<(), StoreError> {
        self.store.close().await
    }

    /// Takes the store up again.
    ///
    /// # Errors
    /// The store fails.
    pub async fn reopen(&self) -> Result<(), StoreError> {
        self.store.reopen().await
    }

    /// Whether the store answers.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.well.load(Ordering::Relaxed)
    }

    /// The list of revocations, as far as it is known.
    pub fn list(&self) -> RwLockReadGuard<'_, RevocationSet> {
        self.revoked.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at the list of revocations.
    ///
    /// # Errors
    /// The refusal of everything, until the list was read for the first time: nobody knows what is on it.
    pub fn revocations<T: Default>(&self, look: impl FnOnce(&RevocationSet) -> T) -> Result<T, Denial> {
        if !self.known.load(Ordering::Acquire) {
            return Err(Denial::new(Reason::LinkStore, ErrorCode::ServiceUnavailable));
        }
        if self.any.load(Ordering::Acquire) { Ok(look(&self.list())) } else { Ok(T::default()) }
    }

    /// Asks for a link. `None`: the store failed and its links pass all the same.
    ///
    /// # Errors
    /// The link refuses, or the store fails.
    pub async fn hold(&self, claim: &LinkClaim, fails: WhenStoreFails) -> Result<Option<Held<'_>>, Denial> {
        // below 2^53, and never 0
        let token = fastrand::u64(1..1 << 53);
        let mut tries = 0;
        loop {
            let refusal = match self.timed(self.store.reserve(claim, token)).await {
                Ok(Answer::Granted(limit)) => {
                    let (link, grace) = (claim.id, claim.terms.grace);
                    return Ok(Some(Held { keeper: self, link, token, grace, limit, ask: claim.ask }));
                }
                Ok(Answer::Refused(refusal)) => refusal,
                Err(error) => {
                    log::warn!("the link store: {error}");
                    // it may have been granted and the answer lost: nothing comes of it, so it must not count
                    let event = Event::Settle(Delivery::default());
                    self.store.note(Note { link: claim.id, token, grace: claim.terms.grace, event });
                    return match fails {
                        WhenStoreFails::Allow => Ok(None),
                        WhenStoreFails::Deny => {
                            Err(Denial::new(Reason::LinkStore, ErrorCode::ServiceUnavailable))
                        }
                    };
                }
            };
            tries += 1;
            if refusal != Refusal::Busy || tries > BUSY.0 {
                return Err(Denial { reason: refusal.reason(), error: refusal.s3() });
            }
            // what the others hold is more than they need only until the heads of their answers come
            tokio::time::sleep(BUSY.1).await;
        }
    }

    /// What is known about a link.
    ///
    /// # Errors
    /// The store fails.
    pub async fn look(&self, link: LinkId) -> Result<Option<LinkState>, StoreError> {
        self.timed(self.store.look(link)).await
    }

    /// Adds an entry to the list; it is in force here when this returns, and elsewhere within half a second.
    ///
    /// # Errors
    /// The store fails; the entry is in force here nevertheless, until this gate ends.
    pub async fn revoke(&self, entry: &Revocation) -> Result<(), StoreError> {
        let change = Change { entry: entry.clone(), is_gone: false };
        self.apply(std::slice::from_ref(&change), |_| ());
        self.timed(self.store.change(&change)).await
    }

    /// Takes the entry with this name back; `None` if there is none.
    ///
    /// # Errors
    /// The store fails; the entry stays in force.
    pub async fn restore(&self, id: &str) -> Result<Option<Revocation>, StoreError> {
        let found = self.list().iter().find(|entry| entry.id() == id);
        let Some(entry) = found else { return Ok(None) };
        let change = Change { entry: entry.clone(), is_gone: true };
        self.timed(self.store.change(&change)).await?;
        self.apply(&[change], |_| ());
        Ok(Some(entry))
    }

    /// Every entry, the youngest first.
    #[must_use]
    pub fn entries(&self) -> Vec<Revocation> {
        let mut entries: Vec<Revocation> = self.list().iter().collect();
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.created));
        entries
    }

    /// Whether a link itself is on the list.
    #[must_use]
    pub fn is_listed(&self, link: LinkId) -> bool {
        self.list().has_link(link)
    }

    /// Follows changes; `told` gets those that change something here.
    fn apply(&self, changes: &[Change], told: impl Fn(&Change)) {
        let mut list = self.revoked.write().unwrap_or_else(PoisonError::into_inner);
        for change in changes {
            let is_news =
                if change.is_gone { list.remove(&change.entry.target) } else { list.insert(&change.entry) };
            if is_news {
                told(change);
            }
        }
        self.any.store(!list.is_empty(), Ordering::Release);
        self.telemetry.metrics.revocations(list.len());
    }

    async fn timed<T>(&self, call: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        let watch = Stopwatch::start();
        let outcome = call.await;
        self.telemetry.metrics.store_call(watch.elapsed(), outcome.is_ok());
        outcome
    }
}

/// A request that its link let pass.
#[derive(Debug)]
pub struct Held<'k> {
    keeper: &'k Keeper,
    link: LinkId,
    token: u64,
    grace: u64,
    limit: Option<u64>,
    ask: Ask,
}

impl Held<'_> {
    /// The most bytes of the request body.
    #[must_use]
    pub fn upload_limit(&self) -> Option<u64> {
        self.limit.filter(|_| matches!(self.ask, Ask::Upload(_)))
    }

    /// The most bytes of the answer's body.
    #[must_use]
    pub fn download_limit(&self) -> Option<u64> {
        self.limit.filter(|_| matches!(self.ask, Ask::Download(_)))
    }

    /// Tells what the head of the answer said.
    ///
    /// # Errors
    /// [`Refusal::Bytes`]: the body is longer than what is left, and nothing of it may go.
    pub fn answered(&self, answer: &AnswerFacts) -> Result<(), Refusal> {
        let Framing::Known(length) = answer.framing else { return Ok(()) };
        if self.download_limit().is_some_and(|limit| length > limit) {
            return Err(Refusal::Bytes);
        }
        if matches!(self.ask, Ask::Download(_)) {
            let size = match answer.status {
                200 => length,
                206 => answer.range_total.unwrap_or(0),
                _ => 0,
            };
            self.note(Event::Keep(Some(Told { size, length })));
        }
        Ok(())
    }

    /// Tells that the request goes on.
    pub fn keep(&self) {
        self.note(Event::Keep(None));
    }

    /// Tells how it ended.
    pub fn settle(self, delivery: Delivery) {
        if self.ask != Ask::Look {
            self.note(Event::Settle(delivery));
        }
    }

    fn note(&self, event: Event) {
        let Self { link, token, grace, .. } = *self;
        self.keeper.store.note(Note { link, token, grace, event });
    }
}
