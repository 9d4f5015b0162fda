//! The request that S3 gets: its head, its signature, what its body must be.
//! It must not do IO.

pub mod body;
pub mod plan;
