//! From the configured stores to the peers that the data path connects to.
//! It must not connect.

use crate::config::model::Config;
use crate::config::model::storage::Upstream;
use crate::proxy::peer::{Peer, PeerTls, Timeouts};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Why a store cannot be reached as configured.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeerError {
    /// The file of authorities holds no certificate.
    #[error("the `ca` of upstream `{0}` holds no usable certificate in PEM")]
    Authorities(String),
    /// The host is no name that a certificate can have.
    #[error("the host of upstream `{0}` is no valid server name")]
    ServerName(String),
    /// The TLS library refuses its own defaults.
    #[error("cannot set up TLS: {0}")]
    Library(String),
}

/// The peers, in the order of the configuration.
///
/// # Errors
/// See [`PeerError`].
pub fn peers(config: &Config) -> Result<Vec<Peer>, PeerError> {
    config.upstreams.iter().map(peer).collect()
}

/// The next key; none is used twice, so that a new config never gets a connection of an old one.
static NEXT: AtomicU64 = AtomicU64::new(0);

fn peer(upstream: &Upstream) -> Result<Peer, PeerError> {
    let key = NEXT.fetch_add(1, Ordering::Relaxed);
    let endpoint = &upstream.endpoint.value;
    let tls = endpoint.tls.then(|| tls(upstream)).transpose()?;
    let timeouts = Timeouts {
        connect: upstream.timeouts.connect,
        read: upstream.timeouts.read,
        write: upstream.timeouts.write,
        idle: upstream.timeouts.idle,
    };
    Ok(Peer { key, host: endpoint.host.clone(), port: endpoint.port, tls, timeouts })
}

fn tls(upstream: &Upstream) -> Result<PeerTls, PeerError> {
    let name = || upstream.name.value.clone();
    let mut roots = RootCertStore::empty();
    match &upstream.ca {
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(file) => {
            let certificates: Vec<_> =
                CertificateDer::pem_slice_iter(file.bytes.expose()).flatten().collect();
            let (added, _) = roots.add_parsable_certificates(certificates);
            if added == 0 {
                return Err(PeerError::Authorities(name()));
            }
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| PeerError::Library(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let host = upstream.endpoint.value.host.clone();
    let server_name = ServerName::try_from(host).map_err(|_| PeerError::ServerName(name()))?;
    Ok(PeerTls { config: Arc::new(config), name: server_name })
}
