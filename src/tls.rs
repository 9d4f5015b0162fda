//! Certificates, keys and authorities in PEM to what a TLS listener serves with.
//! It must not read a file, know an address, or take what it does not understand for less than an error.

mod authorities;
mod error;
mod files;
mod pair;
mod resolver;

pub use authorities::Authorities;
pub use error::{About, TlsError};
pub use files::{Fault, Files, Pair};
pub use pair::KeyPair;

use std::sync::Arc;

use resolver::BySni;
use rustls::crypto::{CryptoProvider, ring};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, ServerConfig, WantsVerifier};

/// The one protocol that is offered over TLS (ALPN; RFC 7301).
const ALPN: &[u8] = b"http/1.1";

/// What a listener serves TLS with.
#[derive(Clone, Debug)]
pub struct Served {
    /// The settings of the library: TLS 1.2 and 1.3, no early data.
    pub config: Arc<ServerConfig>,
    /// When the first of the certificates expires, in seconds since the epoch.
    pub not_after: i64,
}

/// Puts together what a listener serves. The first pair is for clients that name no server, or one that no certificate
/// is for. With `authorities` every client must show a certificate that they vouch for.
///
/// # Errors
/// There is no pair, the authorities are empty, or the library refuses its own defaults.
pub fn serve(pairs: &[KeyPair], authorities: Option<&Authorities>) -> Result<Served, TlsError> {
    let not_after = pairs.iter().map(KeyPair::not_after).min().ok_or(TlsError::NoCertificate)?;
    let resolver = Arc::new(BySni::new(pairs));
    let mut config = match authorities {
        None => builder()?.with_no_client_auth().with_cert_resolver(resolver),
        Some(authorities) => {
            let verifier =
                WebPkiClientVerifier::builder_with_provider(authorities.roots(), Arc::new(provider()))
                    .build()
                    .map_err(|error| TlsError::Authorities(error.to_string()))?;
            builder()?.with_client_cert_verifier(verifier).with_cert_resolver(resolver)
        }
    };
    config.alpn_protocols = vec![ALPN.to_vec()];
    if authorities.is_some() {
        // a resumed session shows no certificate: it could outlive the one that it began with
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
    } else {
        config.ticketer = ring::Ticketer::new().map_err(library)?;
    }
    Ok(Served { config: Arc::new(config), not_after })
}

/// What the gate connects with as a client: TLS 1.2 and 1.3, servers that `authorities` or the public authorities vouch
/// for.
///
/// # Errors
/// [`TlsError::Library`] if the library refuses its own defaults.
pub fn client_config(authorities: Option<&Authorities>) -> Result<ClientConfig, TlsError> {
    let roots = match authorities {
        Some(authorities) => authorities.roots(),
        None => Arc::new(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() }),
    };
    let builder = ClientConfig::builder_with_provider(Arc::new(provider()))
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(library)?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

fn builder() -> Result<ConfigBuilder<ServerConfig, WantsVerifier>, TlsError> {
    ServerConfig::builder_with_provider(Arc::new(provider()))
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(library)
}

fn provider() -> CryptoProvider {
    ring::default_provider()
}

#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn library(error: rustls::Error) -> TlsError {
    TlsError::Library(error.to_string())
}

#[cfg(test)]
mod tests;
