//! presign-gate: a reverse proxy that enforces presigned access in front of S3.
//!
//! Bytes to verdict is a plain function, [`pipeline`]; everything below `config` in the list of modules is free of
//! IO, clocks and logging. The shell (`proxy`, `admin`, `server`, `cli`) reads, asks, relays and records, and decides
//! nothing. A module imports only from those listed before it; `tests/tidy.rs` keeps that.

pub mod clock;
pub mod secret;

pub mod reason;

pub mod nearest;

pub mod field;

pub mod net;

pub mod request;

pub mod s3;

pub mod auth;

pub mod policy;

pub mod links;

pub mod upstream;

pub mod response;

pub mod snapshot;

pub mod pipeline;

pub mod tls;

pub mod explain;

pub mod config;

pub mod outbound;

pub mod telemetry;

pub mod store;

pub mod signers;

pub mod proxy;

pub mod admin;

pub mod server;

pub mod cli;
