//! The certificates of one listener, exchanged under open connections when their files change.
//! It must not let go of certificates that work for files that do not.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use rustls::ServerConfig;

use crate::config::source::Source;
use crate::secret::Secret;
use crate::tls::{Fault, Files, Served};

/// The certificates of one listener.
#[derive(Debug)]
pub struct Certificates {
    paths: Files<PathBuf>,
    served: ArcSwap<Served>,
    seen: Mutex<Seen>,
}

/// What is known about the files.
#[derive(Debug)]
struct Seen {
    /// The contents that are served.
    good: Files<Secret>,
    /// What was wrong when they were last read.
    wrong: Option<Wrong>,
}

/// Files that cannot be served.
#[derive(Debug)]
struct Wrong {
    why: String,
    told: bool,
}

/// What came of looking at the files again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Looked {
    /// They are as before.
    Same,
    /// They changed, and new connections get the new ones.
    Changed,
    /// They cannot be served, for the first time, which may be in the middle of being written; the old ones stay.
    Odd,
    /// They cannot be served, as when they were last looked at, and why; the old ones stay. Said once.
    Wrong(String),
}

impl Certificates {
    /// What a config holds: the files by name, what was in them, and what was made from it.
    #[must_use]
    pub fn new(paths: Files<PathBuf>, good: Files<Secret>, served: Served) -> Self {
        let seen = Mutex::new(Seen { good, wrong: None });
        Self { paths, served: ArcSwap::from_pointee(served), seen }
    }

    /// The settings for the next handshake.
    #[must_use]
    pub fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.served.load().config)
    }

    /// When the first of the certificates expires, in seconds since the epoch.
    #[must_use]
    pub fn not_after(&self) -> i64 {
        self.served.load().not_after
    }

    /// Reads the files again. Contents are compared, so that every way to exchange a file is noticed, that of mounted
    /// secrets (a symbolic link to another folder) included.
    pub fn look(&self, source: &dyn Source) -> Looked {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let why = match self.paths.try_map(|path| source.read(path).map(|file| file.bytes)) {
            Ok(contents) if contents.matches(&seen.good) => {
                seen.wrong = None;
                return Looked::Same;
            }
            Ok(contents) => match contents.serve() {
                Ok(served) => {
                    self.served.store(Arc::new(served));
                    *seen = Seen { good: contents, wrong: None };
                    return Looked::Changed;
                }
                Err(fault) => self.why(&fault),
            },
            Err(error) => error.to_string(),
        };
        match &mut seen.wrong {
            Some(wrong) if wrong.why == why && wrong.told => Looked::Same,
            Some(wrong) if wrong.why == why => {
                wrong.told = true;
                Looked::Wrong(why)
            }
            _ => {
                seen.wrong = Some(Wrong { why, told: false });
                Looked::Odd
            }
        }
    }

    fn why(&self, fault: &Fault) -> String {
        let path = self.paths.at_fault(fault).map(|path| path.display().to_string()).unwrap_or_default();
        format!("`{path}` cannot be used: {}", fault.error)
    }
}
