//! Writes to standard output and standard error.
//! It must not fail a command because nobody reads: a closed pipe ends the writing, not the program.

use std::io::Write;

/// Writes an answer.
pub(super) fn stdout(text: &str) {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

/// Writes what went wrong.
pub(super) fn stderr(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}
