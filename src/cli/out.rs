//! Writes to standard output and standard error.
//! It must not fail a command because nobody reads: a closed pipe ends the writing, not the program. A full disk does.

use std::io::{ErrorKind, Write};
use std::sync::atomic::{AtomicBool, Ordering};

static FAILED: AtomicBool = AtomicBool::new(false);

/// Writes an answer.
pub(super) fn stdout(text: &str) {
    let mut stdout = std::io::stdout().lock();
    let outcome = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    if outcome.is_err_and(|error| error.kind() != ErrorKind::BrokenPipe)
        && !FAILED.swap(true, Ordering::Relaxed)
    {
        stderr("presign-gate: the answer cannot be written to standard output: is there room on its disk?\n");
    }
}

/// Whether a part of an answer could not be written, though somebody may read it.
pub(super) fn failed() -> bool {
    FAILED.load(Ordering::Relaxed)
}

/// Writes what went wrong.
pub(super) fn stderr(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}
