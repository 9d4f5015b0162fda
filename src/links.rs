//! What a link itself limits: constraints signed into its URL.
//! It must not widen what signature and policies allow, nor know how a link is stored.

pub mod constraint;
