//! What operators see: metrics, the access log, and the gate's own messages.
//! It must not take part in a decision, nor let a usable link into any output.

pub mod families;
pub mod metrics;
pub mod record;
