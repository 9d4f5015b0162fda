//! `POST /reload`, and how whoever wants a reload asks the one thread that does it.
//! It must not read a file: that thread does, one reload at a time.

use super::Admin;
use super::answer::Answer;
use super::route::{Call, Later};
use crate::config::diagnostic::{Diagnostic, report};
use std::sync::mpsc::Sender;
use tokio::sync::oneshot;

/// An order to read the config again, and who wants to know how it came out.
pub type Order = Option<oneshot::Sender<Vec<Diagnostic>>>;

/// Where reloads are ordered.
#[derive(Clone, Debug)]
pub struct Reloads(Sender<Order>);

impl Reloads {
    /// Orders go to the other end of this channel.
    #[must_use]
    pub const fn new(orders: Sender<Order>) -> Self {
        Self(orders)
    }

    /// Orders a reload; how it comes out is logged and counted.
    pub fn order(&self) {
        // the thread ends with the process only
        let _ = self.0.send(None);
    }

    /// Orders a reload and waits for its findings; without an error among them the config is in force.
    async fn reload(&self) -> Option<Vec<Diagnostic>> {
        let (sender, findings) = oneshot::channel();
        self.0.send(Some(sender)).ok()?;
        findings.await.ok()
    }
}

pub(super) fn reload<'c>(admin: &'c Admin, _: &'c Call<'c>) -> Later<'c> {
    Box::pin(async {
        match admin.reloads.reload().await {
            Some(findings) => {
                let good = !findings.iter().any(Diagnostic::is_error);
                Answer::json(if good { 200 } else { 400 }, &report(1, &findings))
            }
            None => Answer::refusal(503, "the gate is ending"),
        }
    })
}
