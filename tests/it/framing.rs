//! Message framing and everything else that two readers of HTTP/1.1 could read differently: what the client is
//! answered, and what the upstream receives, byte for byte.
//! It must not test rules of S3: every request here is signed and allowed.

mod forwarded;
mod refused;

/// A request target that is signed for this method.
fn target(method: &str) -> String {
    crate::support::request::Request::new(method, "/bkt/key.txt").presigned_target()
}
