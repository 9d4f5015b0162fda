//! What the client is sent: answers of the gate itself, and S3's answers framed anew.
//! It must not choose an answer; it only writes the one it is given.

pub mod error;
pub mod form;
pub mod head;
pub mod preflight;
