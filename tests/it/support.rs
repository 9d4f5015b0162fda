//! What the integration tests share: a running gate, a recording upstream, a client that speaks raw bytes, a signer.
//! It must not use the library under test: code is not judged by itself.

pub mod between;
pub mod chunks;
pub mod client;
pub mod config;
pub mod form;
pub mod gate;
pub mod leaks;
pub mod load;
pub mod message;
pub mod pattern;
pub mod ports;
pub mod proxy_header;
pub mod python;
pub mod recorded;
pub mod redis;
pub mod reply;
pub mod request;
pub mod sigv4;
pub mod time;
pub mod tls;
pub mod upstream;

#[cfg(feature = "embedded-s3")]
pub mod s3;

use std::path::{Path, PathBuf};

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

/// Writes a file that only its owner may read.
pub fn private_file(path: &Path, content: &str) {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.create(true).write(true).truncate(true).mode(0o600).open(path).unwrap();
    file.write_all(content.as_bytes()).unwrap();
}
