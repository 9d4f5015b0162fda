//! The data path: connections, message framing, relaying.
//! It must not decide about a request: `pipeline` does, and every verdict comes from there.

mod admit;
pub mod buffers;
pub mod certificates;
pub mod clinic;
pub mod conn;
pub mod edge;
pub mod form;
pub mod handshake;
pub mod journal;
pub mod keys;
pub mod ledger;
pub mod link;
pub mod listener;
pub mod panics;
pub mod peer;
pub mod pool;
pub mod preamble;
pub mod quotas;
pub mod rates;
pub mod relay;
pub mod statements;
pub mod within;
pub mod world;
