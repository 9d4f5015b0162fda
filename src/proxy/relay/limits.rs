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
    pub async fn alive(&self, mut relay: Pin<&mut impl Future<Output = Relayed>>) -> Relayed {
        let Some(held) = &self.held else { return relay.await };
        loop {
            tokio::select! {
                biased;
                relayed = &mut relay => return relayed,
                () = tokio::time::sleep(SIGN_OF_LIFE) => held.keep(),
            }
        }
    }

    /// Tells the store what came of the request.
    pub fn settle(self, method: Method<'_>, relayed: &Relayed) {
        if let Some(held) = self.held {
            let Relayed { answer, request_bytes, response_bytes, complete, .. } = *relayed;
            held.settle(Delivery::of(method, answer, request_bytes, response_bytes, complete));
        }
    }
}
