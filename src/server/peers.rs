//! From the configured stores to the peers that the data path connects to.
//! It must not connect.

use crate::config::model::Config;
use crate::config::model::storage::{Upstream, UpstreamCredentials};
use crate::proxy::keys::{Keys, Role, Source};
use crate::proxy::peer::class::Denied;
use crate::proxy::peer::endpoint::{Endpoint, PeerTls};
use crate::proxy::peer::health::Probe;
use crate::proxy::peer::{Peer, Pool, Spec, Timeouts};
use crate::tls::{Authorities, TlsError, client_config};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::sync::Arc;

/// Why a store cannot be reached as configured.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeerError {
    /// The file of authorities holds no certificate.
    #[error("the `ca` of upstream `{0}` cannot be used: {1}")]
    Authorities(String, TlsError),
    /// The host is no name that a certificate can have.
    #[error("the host of upstream `{0}` is no valid server name")]
    ServerName(String),
    /// The TLS library refuses its own defaults.
    #[error(transparent)]
    Library(TlsError),
}

/// The peers, in the order of the configuration; those of `before` that are reached in the same way are kept, with
/// their connections and what is known about their addresses.
///
/// # Errors
/// See [`PeerError`].
pub fn peers(config: &Config, before: &[Arc<Peer>]) -> Result<Vec<Arc<Peer>>, PeerError> {
    let peer = |upstream: &Upstream| {
        let spec = spec(upstream);
        match before.iter().find(|known| known.spec == spec) {
            Some(known) => Ok(Arc::clone(known)),
            None => peer(spec).map(Arc::new),
        }
    };
    config.upstreams.iter().map(peer).collect()
}

/// The credentials that come from elsewhere, in the same order; those of `before` from the same place are kept.
#[must_use]
pub fn keys(config: &Config, before: &[Option<Arc<Keys>>]) -> Vec<Option<Arc<Keys>>> {
    let keys = |upstream: &Upstream| {
        let UpstreamCredentials::Aws { role } = &upstream.credentials else { return None };
        let role = role.as_ref().map(|(arn, id)| Role { arn: arn.clone(), external_id: id.clone() });
        let (name, region) = (upstream.name.value.clone(), upstream.region.clone());
        let source = Source { upstream: name, region, role };
        let known = before.iter().flatten().find(|known| known.source == source);
        Some(known.map_or_else(|| Arc::new(Keys::new(source.clone())), Arc::clone))
    };
    config.upstreams.iter().map(keys).collect()
}

fn spec(upstream: &Upstream) -> Spec {
    Spec {
        name: upstream.name.value.clone(),
        endpoints: upstream.endpoints.iter().map(|endpoint| endpoint.value.clone()).collect(),
        ca: upstream.ca.as_ref().map(|file| file.bytes.clone()),
        timeouts: Timeouts {
            connect: upstream.timeouts.connect,
            read: upstream.timeouts.read,
            write: upstream.timeouts.write,
            idle: upstream.timeouts.idle,
        },
        retries: upstream.retries,
        health: upstream
            .health
            .as_ref()
            .map(|health| Probe { path: health.path.clone(), interval: health.interval }),
        denied: Denied(upstream.deny_addresses.clone()),
        pool: Pool {
            connections: upstream.pool.connections.map_or(usize::MAX, count),
            idle: count(upstream.pool.idle),
        },
    }
}

fn count(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn peer(spec: Spec) -> Result<Peer, PeerError> {
    let config = spec.endpoints.iter().any(|endpoint| endpoint.tls).then(|| tls(&spec)).transpose()?;
    let mut endpoints = Vec::with_capacity(spec.endpoints.len());
    for endpoint in &spec.endpoints {
        let tls = match &config {
            Some(config) if endpoint.tls => {
                let bare = endpoint.host.trim_start_matches('[').trim_end_matches(']').to_owned();
                let name =
                    ServerName::try_from(bare).map_err(|_| PeerError::ServerName(spec.name.clone()))?;
                Some(PeerTls { config: Arc::clone(config), name })
            }
            _ => None,
        };
        let made = Endpoint::new(&endpoint.host, endpoint.port, endpoint.authority(), tls);
        endpoints.push(made.denying(spec.denied.clone()).with_room(spec.pool.connections));
    }
    Ok(Peer::new(spec, endpoints))
}

fn tls(spec: &Spec) -> Result<Arc<ClientConfig>, PeerError> {
    let authorities = spec
        .ca
        .as_ref()
        .map(|pem| Authorities::read(pem.expose()))
        .transpose()
        .map_err(|error| PeerError::Authorities(spec.name.clone(), error))?;
    let config = client_config(authorities.as_ref()).map_err(PeerError::Library)?;
    Ok(Arc::new(config))
}
