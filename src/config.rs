//! The configuration file: text to model to snapshot.
//! It must not let a file load that holds anything it did not understand.

pub mod diagnostic;
mod nearest;
mod parse;
pub mod scalar;
pub mod source;
pub mod tree;
