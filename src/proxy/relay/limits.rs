//! What a link lets pass of one request: its hold on the state, and what slows its bodies down.
//! It must not count anything itself: it tells the store what happened.

use super::Relayed;
use crate::links::state::delivery::Delivery;
use crate::request::method::Method;
use crate::store::keeper::{Held, SIGN_OF_LIFE};
use crate::store::pace::Pace;
use crate::upstream::plan::Carriage;
use std::borrow::Cow;
use std::pin::Pin;

/// What a link lets pass of one request.
#[derive(Debug, Default)]
pub struct LinkLimits<'a> {
    /// Its hold on the state of the link, if that has limits that need one.
    pub held: Option<Held<'a>>,
    /// What slows its bodies down.
    pub pace: Pace,
}

impl LinkLimits<'_> {
    /// The carriage of a request whose body may not be longer than what is left.
    #[must_use]
    pub fn carriage<'c>(&self, carriage: &'c Carriage) -> Cow<'c, Carriage> {
        match self.held.as_ref().and_then(Held::upload_limit) {
            None => Cow::Borrowed(carriage),
            Some(limit) => {
                let mut carriage = carriage.clone();
                carriage.rules.max = carriage.rules.max.min(limit);
                Cow::Owned(carriage)
            }
        }
    }

    /// Waits for a relay, and tells the store from time to time that it goes on.
    pub async fn alive(&self, mut relay: Pin<&mut impl Future<Output = ()>>) {
        let Some(held) = &self.held else { return relay.await };
        loop {
            tokio::select! {
                biased;
                () = &mut relay => return,
                () = tokio::time::sleep(SIGN_OF_LIFE) => held.keep(),
            }
        }
    }
}

/// What a request was let pass and what it took. The store is told when the request ends, whichever way it ends: also
/// when the code that serves it fails.
#[derive(Debug)]
pub struct Bill<'l, 'm> {
    /// What it was let pass.
    pub limits: LinkLimits<'l>,
    /// What became of it; bytes are counted before they are sent, so that this is never too little.
    pub relayed: Relayed,
    method: Method<'m>,
}

impl<'l, 'm> Bill<'l, 'm> {
    /// A request of which nothing was sent.
    #[must_use]
    pub fn new(limits: LinkLimits<'l>, method: Method<'m>) -> Self {
        Self { limits, relayed: Relayed::default(), method }
    }

    /// Tells the store what came of the request, once.
    pub fn settle(&mut self) {
        if let Some(held) = self.limits.held.take() {
            let Relayed { answer, data_bytes, response_bytes, complete, .. } = self.relayed;
            held.settle(Delivery::of(self.method, answer, data_bytes, response_bytes, complete));
        }
    }
}

impl Drop for Bill<'_, '_> {
    fn drop(&mut self) {
        self.settle();
    }
}
