//! Tests of the whole stage against published vectors and our corpus.
//! They must fail, not pass, when the shared data is missing.

mod asymmetric;
mod corpus;
mod differential;
mod rules;
mod signing;
pub(super) mod support;
mod vectors;
