//! The integration tests: one binary, one module a subject, the real gate on real sockets.
//! It must not test pure functions; those have tables beside them.

#![expect(unreachable_pub, reason = "a test binary has no callers outside; `pub` is for its other modules")]
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod sigv2;
mod support;

mod admin;
mod body_hash;
mod cli;
mod forwarding;
mod harness;
mod keep_alive;
mod large;
mod post_form;
mod refusals;
mod sdk;
mod threats;
mod upstream_faults;
