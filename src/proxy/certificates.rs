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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::source::MemorySource;
    use crate::tls::Pair;

    struct Made {
        certificate: String,
        key: String,
    }

    fn make() -> Made {
        let made = rcgen::generate_simple_self_signed(vec!["a.example".to_owned()]).unwrap();
        Made { certificate: made.cert.pem(), key: made.signing_key.serialize_pem() }
    }

    fn source(certificate: &str, key: &str) -> MemorySource {
        MemorySource::default().with_file("tls.crt", certificate).with_file("tls.key", key)
    }

    fn certificates(source: &MemorySource) -> Certificates {
        let pair = Pair { certificate: PathBuf::from("tls.crt"), private_key: PathBuf::from("tls.key") };
        let paths = Files { pairs: vec![pair], client_ca: None };
        let contents = paths.try_map(|path| source.read(path).map(|file| file.bytes)).unwrap();
        let served = contents.serve().unwrap();
        Certificates::new(paths, contents, served)
    }

    #[test]
    fn good_files_take_the_place_of_old_ones_and_bad_ones_do_not() {
        let (old, new) = (make(), make());
        let before = source(&old.certificate, &old.key);
        let certificates = certificates(&before);
        let first = certificates.config();
        let half = source(&new.certificate, &old.key);
        let wrong = || {
            Looked::Wrong("`tls.key` cannot be used: the private key is not that of the certificate".into())
        };
        for (source, expected) in [
            (&before, Looked::Same),
            // in the middle of being exchanged: said only when it stays so, and then once
            (&half, Looked::Odd),
            (&half, wrong()),
            (&half, Looked::Same),
            (&before, Looked::Same),
            (&half, Looked::Odd),
            (&half, wrong()),
            (&source("", &new.key), Looked::Odd),
        ] {
            assert_eq!(certificates.look(source), expected);
            assert!(Arc::ptr_eq(&first, &certificates.config()));
        }
        let gone = MemorySource::default().with_file("tls.crt", &*old.certificate);
        assert_eq!(certificates.look(&gone), Looked::Odd);
        assert_eq!(certificates.look(&gone), Looked::Wrong("cannot read `tls.key`: no such file".into()));
        let after = source(&new.certificate, &new.key);
        assert_eq!(certificates.look(&after), Looked::Changed);
        assert!(!Arc::ptr_eq(&first, &certificates.config()));
        assert_eq!(certificates.look(&after), Looked::Same);
    }
}
