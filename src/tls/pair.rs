//! A certificate chain with its private key, both checked.
//! It must not show any part of the key.

use std::sync::Arc;

use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::{TlsError, provider};
use crate::secret::Secret;

/// A certificate chain with the private key of its first certificate.
#[derive(Clone, Debug)]
pub struct KeyPair {
    certified: Arc<CertifiedKey>,
    names: Arc<[String]>,
    not_after: i64,
}

impl KeyPair {
    /// Reads both files. Their PEM may hold other blocks, also in one file together; the first key counts.
    ///
    /// # Errors
    /// [`TlsError`]; [`TlsError::about`] tells in which of the files the fault lies.
    pub fn read(certificate: &[u8], private_key: &Secret) -> Result<Self, TlsError> {
        let chain = chain(certificate)?;
        let (mut names, mut not_after) = (Vec::new(), i64::MAX);
        for (at, der) in chain.iter().enumerate() {
            let malformed = |_| TlsError::Certificate(at + 1);
            let (_, certificate) = X509Certificate::from_der(der).map_err(malformed)?;
            not_after = not_after.min(certificate.validity().not_after.timestamp());
            if at == 0 {
                names = dns_names(&certificate);
            }
        }
        let key = key(private_key)?;
        let certified = CertifiedKey::from_der(chain, key, &provider()).map_err(|error| match error {
            Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => TlsError::Mismatch,
            Error::InvalidCertificate(_) => TlsError::Certificate(1),
            _ => TlsError::KeyKind,
        })?;
        Ok(Self { certified: Arc::new(certified), names: names.into(), not_after })
    }

    /// When the first certificate of the chain expires, in seconds since the epoch.
    #[must_use]
    pub const fn not_after(&self) -> i64 {
        self.not_after
    }

    /// The DNS names that the certificate is for, in lower case; `*.` stands for one label.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    pub(super) const fn certified(&self) -> &Arc<CertifiedKey> {
        &self.certified
    }
}

fn chain(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let chain = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| TlsError::CertificatePem(error.to_string()))?;
    if chain.is_empty() { Err(TlsError::NoCertificate) } else { Ok(chain) }
}

fn key(pem: &Secret) -> Result<PrivateKeyDer<'static>, TlsError> {
    let pem = pem.expose();
    match PrivateKeyDer::from_pem_slice(pem) {
        Ok(key) => Ok(key),
        // PKCS #8 in a block of its own kind, or the older form with a header line
        Err(_) if memchr::memmem::find(pem, b"ENCRYPTED").is_some() => Err(TlsError::EncryptedKey),
        Err(pem::Error::NoItemsFound) => Err(TlsError::NoKey),
        Err(_) => Err(TlsError::KeyPem),
    }
}

fn dns_names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let alternatives = certificate.subject_alternative_name().ok().flatten();
    let names = alternatives.iter().flat_map(|extension| &extension.value.general_names);
    names
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
            _ => None,
        })
        .collect()
}
