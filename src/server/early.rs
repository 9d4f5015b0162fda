//! Signals from the first moment on: what is told to end before it serves ends well, and nothing that is told later is lost.
//! It must not do more than note them: who waits for signals asks here what came before.

use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1};
use signal_hook::flag;
use std::ffi::c_int;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

/// What came before anybody waited.
#[derive(Debug)]
pub struct Early {
    /// Whether nothing is served yet, so that the process can end where it stands.
    starting: Arc<AtomicBool>,
    terminate: Arc<AtomicBool>,
    interrupt: Arc<AtomicBool>,
    quit: Arc<AtomicBool>,
    hang_up: Arc<AtomicBool>,
}

static EARLY: OnceLock<Early> = OnceLock::new();

/// Listens from now on. Until [`serving`] is called, SIGTERM, SIGINT and SIGQUIT end the process at once and with success:
/// nothing was served, the system closes its sockets, and what it has on disk survives worse.
pub fn listen() {
    EARLY.get_or_init(|| {
        let starting = Arc::new(AtomicBool::new(true));
        // where a signal cannot be caught it keeps its usual meaning
        let noted = |signal: c_int| {
            let came = Arc::new(AtomicBool::new(false));
            let _ = flag::register(signal, Arc::clone(&came));
            came
        };
        let ends = |signal: c_int| {
            let _ = flag::register_conditional_shutdown(signal, 0, Arc::clone(&starting));
            noted(signal)
        };
        let early = Early {
            terminate: ends(SIGTERM),
            interrupt: ends(SIGINT),
            quit: ends(SIGQUIT),
            hang_up: noted(SIGHUP),
            starting: Arc::clone(&starting),
        };
        // its usual meaning is the end
        noted(SIGUSR1);
        early
    });
}

/// From now on signals are noted only: there may be requests.
pub fn serving() {
    if let Some(early) = EARLY.get() {
        early.starting.store(false, Ordering::SeqCst);
    }
}

impl Early {
    /// What was noted, if anybody listened.
    #[must_use]
    pub fn noted() -> Option<&'static Self> {
        EARLY.get()
    }

    /// Whether SIGTERM came.
    #[must_use]
    pub fn terminate(&self) -> bool {
        self.terminate.load(Ordering::SeqCst)
    }

    /// Whether SIGINT came.
    #[must_use]
    pub fn interrupt(&self) -> bool {
        self.interrupt.load(Ordering::SeqCst)
    }

    /// Whether SIGQUIT came.
    #[must_use]
    pub fn quit(&self) -> bool {
        self.quit.load(Ordering::SeqCst)
    }

    /// Whether SIGHUP came; said once.
    #[must_use]
    pub fn hang_up(&self) -> bool {
        self.hang_up.swap(false, Ordering::SeqCst)
    }
}
