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

mod support;

mod admin;
mod admin_routes;
mod body_hash;
#[cfg(feature = "embedded-s3")]
mod browser;
mod checksums;
mod chunks;
mod cli;
mod clients;
mod console;
mod cors;
mod desync;
mod doctor;
mod faults;
mod forwarding;
mod framing;
mod generated;
mod harness;
mod hostile;
mod keep_alive;
mod key_sources;
mod large;
mod links;
mod logs;
mod network;
mod policy;
mod post_form;
mod prefix;
mod promises;
mod rates;
mod refusals;
mod reload;
mod sdk;
mod shutdown;
mod sigv2;
mod soak;
mod threats;
mod tls;
#[cfg(feature = "otlp")]
mod tracing;
mod unix_socket;
mod upgrade;
mod upstream_credentials;
mod upstream_faults;
mod upstreams;
