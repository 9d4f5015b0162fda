//! Time limits of single steps, made for steps that nearly always end long before: the timers are kept and set seldom.
//! It must not be used for anything but to give up: the limit may be noticed a little late.

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep_until};

/// The most timers that a thread keeps for later.
const KEPT: usize = 1024;
/// The longest limit; longer ones are as good as none.
const LONGEST: Duration = Duration::from_hours(24 * 365);

thread_local! {
    static FREE: RefCell<Vec<Pin<Box<Sleep>>>> = const { RefCell::new(Vec::new()) };
}

/// The step took too long and was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Late;

impl From<Late> for std::io::Error {
    fn from(_: Late) -> Self {
        std::io::ErrorKind::TimedOut.into()
    }
}

/// Does a step, for so long at most. A step that is ready at once costs no look at the clock.
///
/// # Errors
/// [`Late`]; the step was given up where it waited.
pub async fn within<T>(limit: Duration, step: impl Future<Output = T>) -> Result<T, Late> {
    let mut step = pin!(step);
    let mut alarm = None;
    poll_fn(|cx| {
        if let Poll::Ready(done) = step.as_mut().poll(cx) {
            return Poll::Ready(Ok(done));
        }
        alarm.get_or_insert_with(|| Alarm::set(limit)).poll(cx).map(|()| Err(Late))
    })
    .await
}

/// A timer of the thread that goes off at the deadline, or earlier for nothing: where an earlier step has left it set, it
/// is set anew only when it goes off.
struct Alarm {
    deadline: Instant,
    /// `None` once it was given back.
    timer: Option<Pin<Box<Sleep>>>,
}

impl Alarm {
    fn set(limit: Duration) -> Self {
        let deadline = Instant::now() + limit.min(LONGEST);
        let timer = match FREE.with_borrow_mut(Vec::pop) {
            None => Box::pin(sleep_until(deadline)),
            Some(mut kept) => {
                if kept.deadline() > deadline {
                    kept.as_mut().reset(deadline);
                }
                kept
            }
        };
        Self { deadline, timer: Some(timer) }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(timer) = &mut self.timer else { return Poll::Ready(()) };
        loop {
            std::task::ready!(timer.as_mut().poll(cx));
            if timer.deadline() >= self.deadline {
                return Poll::Ready(());
            }
            timer.as_mut().reset(self.deadline);
        }
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        let Some(timer) = self.timer.take() else { return };
        // a thread that ends has no place for it any more
        let _ = FREE.try_with(|free| {
            if let Ok(mut free) = free.try_borrow_mut()
                && free.len() < KEPT
            {
                free.push(timer);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Stopwatch;
    use std::future::{pending, ready};
    use tokio::time::sleep;

    const STEP: Duration = Duration::from_millis(10);

    async fn is_late_after(limit: Duration) {
        let watch = Stopwatch::start();
        assert_eq!(within(limit, pending::<()>()).await, Err(Late));
        assert!(watch.elapsed() >= limit, "{:?}", watch.elapsed());
    }

    #[tokio::test]
    async fn a_step_has_its_own_limit_whatever_the_timer_was_set_to() {
        assert_eq!(within(Duration::ZERO, ready(7)).await, Ok(7));
        is_late_after(3 * STEP).await;
        // the timer is past
        is_late_after(2 * STEP).await;
        // it is set for later than it is needed
        let long = Duration::from_hours(1);
        assert_eq!(within(long, sleep(STEP)).await, Ok(()));
        let watch = Stopwatch::start();
        is_late_after(2 * STEP).await;
        assert!(watch.elapsed() < long);
        // it is set for earlier, and goes off while the next step still has time
        assert_eq!(within(2 * STEP, ready(())).await, Ok(()));
        assert_eq!(within(2 * STEP, tokio::task::yield_now()).await, Ok(()));
        assert_eq!(within(long, sleep(4 * STEP)).await, Ok(()));
        assert_eq!(FREE.with_borrow(Vec::len), 1);
        assert_eq!(within(Duration::MAX, tokio::task::yield_now()).await, Ok(()));
    }

    #[tokio::test]
    async fn steps_that_wait_at_the_same_time_have_a_timer_each() {
        let long = Duration::from_hours(1);
        let (short, long) = tokio::join!(within(STEP, pending::<()>()), within(long, sleep(3 * STEP)));
        assert_eq!((short, long), (Err(Late), Ok(())));
        assert_eq!(FREE.with_borrow(Vec::len), 2);
    }
}
