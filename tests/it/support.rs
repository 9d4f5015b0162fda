//! What the integration tests share: a running gate, a recording upstream, a client that speaks raw bytes, a signer.
//! It must not use the library under test: code is not judged by itself.

pub mod client;
pub mod config;
pub mod form;
pub mod gate;
pub mod message;
pub mod pattern;
pub mod ports;
pub mod python;
pub mod recorded;
pub mod reply;
pub mod request;
pub mod sigv4;
pub mod time;
pub mod upstream;

#[cfg(feature = "embedded-s3")]
pub mod s3;

use std::path::PathBuf;

/// A file of the folder that lies beside the checkout and holds vectors and attack cases.
///
/// # Panics
/// If it is not there: a test that needs it must not pass without it.
#[track_caller]
pub fn shared(path: &str) -> PathBuf {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared").join(path);
    assert!(
        file.exists(),
        "`{}` is missing: this test needs the folder `shared` beside the checkout",
        file.display()
    );
    file
}
