//! The life of a connection between requests: how long it waits, and how it ends with the gate.
//! It must not look at a request.

use super::{Next, Session};
use crate::proxy::within::Late;
use std::pin::{Pin, pin};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;

/// How long a connection that waits is kept when the gate is to end: a request may be on its way, and its answer says
/// that it is the last. A connection that is closed without that word costs the client a request.
pub const PARTING: Duration = Duration::from_secs(1);

/// For so long after an answer a connection keeps the room that a request needs: most that send one send another soon.
const BUSY: Duration = Duration::from_secs(1);

/// What came of waiting for a request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Began {
    Request,
    /// The time is up.
    Nothing,
    /// The client, or the gate, is leaving.
    End,
}

/// Waits until the gate is to end and nothing came for a while.
async fn forsaken(mut draining: watch::Receiver<bool>) {
    loop {
        if draining.wait_for(|draining| *draining).await.is_err() {
            return;
        }
        tokio::time::sleep(PARTING).await;
        if *draining.borrow() {
            return;
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Session<'_, S> {
    /// Serves the connection to its end.
    pub(super) async fn serve(mut self) {
        self.run().await;
        self.conn.close().await;
    }

    async fn run(&mut self) {
        let mut down = pin!(forsaken(self.world.watch_draining()));
        let busy = BUSY.min(self.conn.limits.idle);
        let idle = self.conn.limits.idle.saturating_sub(busy);
        let mut limit = self.conn.limits.idle;
        // on the heap, so that a connection that waits does not hold the room that a request needs
        while self.begins(limit, down.as_mut()).await == Began::Request
            && Box::pin(self.requests(busy, down.as_mut())).await == Next::Request
        {
            limit = idle;
        }
    }

    /// Serves requests as long as they come close behind one another.
    async fn requests(&mut self, busy: Duration, mut down: Pin<&mut impl Future<Output = ()>>) -> Next {
        loop {
            if self.request().await == Next::Close {
                return Next::Close;
            }
            match self.begins(busy, down.as_mut()).await {
                Began::Request => {}
                Began::Nothing => return Next::Request,
                Began::End => return Next::Close,
            }
        }
    }

    /// Waits for a request. INVARIANT: `down` is not asked again once it has ended, since the connection then does.
    async fn begins(&mut self, limit: Duration, down: Pin<&mut impl Future<Output = ()>>) -> Began {
        tokio::select! {
            biased;
            waited = self.conn.wait(limit) => match waited {
                Ok(true) => Began::Request,
                Ok(false) => Began::End,
                Err(Late) => Began::Nothing,
            },
            () = down => Began::End,
        }
    }
}
