//! The IAM policy language: documents, conditions, decisions.
//! It must not read requests or configuration: callers hand over what they have proven.

pub mod action_keys;
pub mod action_names;
pub mod arn;
pub mod case;
pub mod compile;
pub mod condition;
pub mod context;
pub mod decide;
pub mod document;
pub mod error;
pub mod key;
pub mod lint;
pub mod operator;
pub mod parse;
pub mod pattern;
pub mod principal;
pub mod query;
#[cfg(test)]
mod testing;
pub mod truth;
pub mod value;
