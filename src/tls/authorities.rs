//! The authorities that vouch for client certificates.
//! It must not leave out what it cannot read: fewer authorities than listed are an error.

use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::TlsError;

/// One or more authorities.
#[derive(Clone, Debug)]
pub struct Authorities(Arc<RootCertStore>);

impl Authorities {
    /// Reads a file of certificates.
    ///
    /// # Errors
    /// [`TlsError::Authorities`] if there is none, or one that cannot be read.
    pub fn read(pem: &[u8]) -> Result<Self, TlsError> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|error| TlsError::Authorities(error.to_string()))?;
            roots.add(certificate).map_err(|error| TlsError::Authorities(error.to_string()))?;
        }
        if roots.is_empty() {
            return Err(TlsError::Authorities("there is no certificate in PEM".to_owned()));
        }
        Ok(Self(Arc::new(roots)))
    }

    pub(super) fn roots(&self) -> Arc<RootCertStore> {
        Arc::clone(&self.0)
    }
}
