//! What a decision costs, in numbers that no other load on the machine changes: allocations and instructions.
//! And whether the time of a refusal tells anything: two times are compared, none is stated; `benches` do that.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking, and its figures are worth seeing"
)]

mod heap;
mod instructions;
mod request;
mod scene;
mod served;
mod timing;
