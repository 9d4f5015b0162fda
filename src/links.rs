//! What a link says about its own use, what it is called, and what is known about how it was used.
//! It must not keep anything: stores do, and ask here what comes next.

pub mod constraint;
pub mod identity;
