//! The vocabulary of S3: addresses, operations, actions and errors.
//! It must not know signatures, policies or configuration.

pub mod action;
pub mod address;
pub mod body;
pub mod bucket;
pub mod classify;
pub mod copy_source;
pub mod cors;
pub mod delete_body;
pub mod effective;
pub mod error;
pub mod key;
pub mod operation;
pub mod requirement;
pub mod tags;
pub mod xml;

#[cfg(test)]
pub(crate) mod testing;
