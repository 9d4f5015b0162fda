//! The set of files that one listener needs, as names or as contents.
//! It must not read them.

use std::path::{Path, PathBuf};

use super::{About, Authorities, KeyPair, Served, TlsError, serve};
use crate::secret::Secret;

/// The two files of one certificate.
#[derive(Clone, Debug)]
pub struct Pair<T> {
    /// The certificate chain.
    pub certificate: T,
    /// The private key of its first certificate.
    pub private_key: T,
}

/// All files of one listener: names of files, or what they hold.
#[derive(Clone, Debug)]
pub struct Files<T> {
    /// The certificates; the first is for every name that none of the others is for.
    pub pairs: Vec<Pair<T>>,
    /// The authorities for client certificates, if clients must have one.
    pub client_ca: Option<T>,
}

/// A fault, and the position of the pair that has it; of the authorities it means nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The position of the pair.
    pub pair: usize,
    /// The fault.
    pub error: TlsError,
}

impl<T> Files<T> {
    /// The same set of something else.
    pub fn map<U>(&self, map: impl Fn(&T) -> U) -> Files<U> {
        let pair = |pair: &Pair<T>| Pair {
            certificate: map(&pair.certificate),
            private_key: map(&pair.private_key),
        };
        Files { pairs: self.pairs.iter().map(pair).collect(), client_ca: self.client_ca.as_ref().map(&map) }
    }

    /// The same set of something else, as contents for names.
    ///
    /// # Errors
    /// The first that `map` gives.
    pub fn try_map<U, E>(&self, map: impl Fn(&T) -> Result<U, E>) -> Result<Files<U>, E> {
        let pair = |pair: &Pair<T>| {
            Ok(Pair { certificate: map(&pair.certificate)?, private_key: map(&pair.private_key)? })
        };
        let pairs = self.pairs.iter().map(pair).collect::<Result<_, E>>()?;
        Ok(Files { pairs, client_ca: self.client_ca.as_ref().map(map).transpose()? })
    }

    /// Every file.
    pub fn each(&self) -> impl Iterator<Item = &T> {
        self.pairs.iter().flat_map(|pair| [&pair.certificate, &pair.private_key]).chain(&self.client_ca)
    }
}

impl Files<PathBuf> {
    /// The name of the file that a fault lies in.
    #[must_use]
    pub fn at_fault(&self, fault: &Fault) -> Option<&Path> {
        let pair = self.pairs.get(fault.pair);
        let path = match fault.error.about() {
            About::Certificate => pair.map(|pair| &pair.certificate),
            About::PrivateKey => pair.map(|pair| &pair.private_key),
            About::Authorities => self.client_ca.as_ref(),
        };
        path.map(PathBuf::as_path)
    }
}

impl Files<Secret> {
    /// What these contents serve.
    ///
    /// # Errors
    /// The first fault.
    pub fn serve(&self) -> Result<Served, Fault> {
        let read = |(at, pair): (usize, &Pair<Secret>)| {
            KeyPair::read(pair.certificate.expose(), &pair.private_key)
                .map_err(|error| Fault { pair: at, error })
        };
        let pairs = self.pairs.iter().enumerate().map(read).collect::<Result<Vec<_>, _>>()?;
        let whole = |error| Fault { pair: 0, error };
        let authorities = self
            .client_ca
            .as_ref()
            .map(|text| Authorities::read(text.expose()))
            .transpose()
            .map_err(whole)?;
        serve(&pairs, authorities.as_ref()).map_err(whole)
    }

    /// Whether both hold the same.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        let (ours, theirs): (Vec<_>, Vec<_>) = (self.each().collect(), other.each().collect());
        let same = |(one, other): (&&Secret, &&Secret)| one.matches(other.expose());
        ours.len() == theirs.len() && ours.iter().zip(&theirs).all(same)
    }
}
