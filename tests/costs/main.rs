//! What a decision costs, in numbers that no other load on the machine changes: allocations and instructions.
//! It must not measure time: `benches` do.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod heap;
mod instructions;
mod request;
mod scene;
