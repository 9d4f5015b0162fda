//! Code that fails in the middle of a request: the failure ends that request, and neither its connection's task unseen
//! nor its thread. It must not hide one: whoever catches it counts it and answers.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::Poll;

#[cfg(panic = "abort")]
compile_error!("a request in which the code fails must not end the others: build with `panic = \"unwind\"`");

/// The code of a step panicked. What it held was dropped, and what panicked told its place to the log already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Panicked;

/// Does a step that may panic; pinned by the caller, so that there is room for it once.
///
/// # Errors
/// [`Panicked`]. Whatever the step was working on is as it left it: callers look at nothing but what is whole at any time.
pub async fn caught<T>(mut step: Pin<&mut impl Future<Output = T>>) -> Result<T, Panicked> {
    std::future::poll_fn(|cx| {
        // INVARIANT: a step that panicked is not polled again, since this is ready then
        match catch_unwind(AssertUnwindSafe(|| step.as_mut().poll(cx))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(done)) => Poll::Ready(Ok(done)),
            Err(_) => Poll::Ready(Err(Panicked)),
        }
    })
    .await
}

/// Places in the code where a test lets it fail. Nothing of this is in the product.
#[cfg(test)]
pub mod faults {
    use std::cell::Cell;

    thread_local! {
        static ARMED: Cell<Option<&'static str>> = const { Cell::new(None) };
    }

    /// Lets the next one that passes `place` on this thread panic.
    pub fn arm(place: &'static str) {
        ARMED.set(Some(place));
    }

    /// Whether the fault has not happened.
    #[must_use]
    pub fn is_armed() -> bool {
        ARMED.get().is_some()
    }

    /// Fails if that is wanted here.
    ///
    /// # Panics
    /// That is what it is for.
    pub fn at(place: &'static str) {
        if ARMED.get() == Some(place) {
            ARMED.set(None);
            panic!("a fault at `{place}`");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;

    #[tokio::test]
    async fn a_step_ends_as_itself_or_as_a_panic() {
        assert_eq!(caught(pin!(async { 7 })).await, Ok(7));
        let late = async {
            tokio::task::yield_now().await;
            panic!("late");
        };
        assert_eq!(caught::<()>(pin!(late)).await, Err(Panicked));
    }
}
