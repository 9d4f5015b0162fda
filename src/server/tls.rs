//! From the configured certificates to those that the data path serves.
//! It must not read a file: the config did.

use std::path::PathBuf;
use std::sync::Arc;

use crate::config::model::{Config, LoadedFile, Tls};
use crate::proxy::certificates::Certificates;
use crate::secret::Secret;

/// The certificates of each listener, in the order of the configuration.
#[must_use]
pub fn certificates(config: &Config) -> Vec<Option<Arc<Certificates>>> {
    let one = |tls: &Tls| {
        let (paths, contents) = (tls.files.map(path), tls.files.map(content));
        Arc::new(Certificates::new(paths, contents, tls.served.clone()))
    };
    config.listeners.iter().map(|listener| listener.tls.as_ref().map(one)).collect()
}

fn path(file: &LoadedFile) -> PathBuf {
    file.path.clone()
}

fn content(file: &LoadedFile) -> Secret {
    file.bytes.clone()
}
