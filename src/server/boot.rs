//! From a loaded config to a world that can serve.
//! It must not listen yet.

use super::peers::{PeerError, keys, peers};
use super::{descriptors, links, tls};
use crate::clock::{Clock as _, SystemClock};
use crate::config::model::{Config, LogTarget};
use crate::config::weakened;
use crate::links::constraint::Constraint;
use crate::outbound::OutboundError;
use crate::proxy::journal::SCHEMES;
use crate::proxy::rates::Rates;
use crate::proxy::statements::Statements;
use crate::proxy::world::{Running, World};
use crate::s3::operation::Operation;
use crate::signers::Signers;
use crate::snapshot::Snapshot;
use crate::store::keeper::{Keeper, WhenStoreFails};
use crate::telemetry::audit::{AuditLog, Event, OpenError};
use crate::telemetry::metrics::{Metrics, MetricsConfig, MetricsError};
use crate::telemetry::recent::Recent;
use crate::telemetry::trace::Tracer;
use crate::telemetry::writer::LineWriter;
use crate::telemetry::{Telemetry, build};
use std::path::PathBuf;
use std::sync::Arc;

/// Why a config that loaded cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum BootError {
    /// An upstream cannot be reached as configured.
    #[error(transparent)]
    Peer(#[from] PeerError),
    /// No webhook can be asked.
    #[error("cannot ask a webhook: {0}")]
    Webhook(#[from] OutboundError),
    /// The metrics cannot be set up.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    /// The link store cannot be opened.
    #[error(transparent)]
    LinkStore(#[from] links::LinkStoreError),
    /// The access log cannot be opened.
    #[error("cannot write the access log to `{path}`: {error}")]
    AccessLog {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// The audit log cannot be continued.
    #[error(transparent)]
    AuditLog(#[from] OpenError),
    /// The thread that sends spans cannot be started.
    #[error("cannot send spans: {0}")]
    Tracing(std::io::Error),
}

/// Whether logs are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// As configured.
    Configured,
    /// Nowhere: somebody looks at the terminal.
    Off,
}

/// Makes the world.
///
/// # Errors
/// See [`BootError`].
pub fn boot(config: &Config, snapshot: Snapshot, logged: Access) -> Result<Arc<World>, BootError> {
    let metrics = Metrics::new(&metrics_config(config, &snapshot, &Statements::default()))?;
    metrics.config_loaded(SystemClock.now());
    let audit = match (logged, &config.logs.audit) {
        (Access::Configured, Some(path)) => {
            AuditLog::file(path, Arc::new(SystemClock), metrics.log_dropped())?
        }
        (Access::Off, _) | (_, None) => AuditLog::nowhere(metrics.log_dropped()),
    };
    audit.record(SystemClock.now(), &Event::Started { version: env!("CARGO_PKG_VERSION") });
    let access = match (logged, &config.logs.access) {
        (Access::Off, _) | (_, LogTarget::Nowhere) => LineWriter::nowhere(metrics.log_dropped()),
        (Access::Configured, LogTarget::Stdout) => LineWriter::stdout(metrics.log_dropped())
            .map_err(|error| BootError::AccessLog { path: PathBuf::from("-"), error })?,
        (Access::Configured, LogTarget::File(path)) => LineWriter::file(path, metrics.log_dropped())
            .map_err(|error| BootError::AccessLog { path: path.clone(), error })?,
    };
    let tracer = match (logged, &config.tracing) {
        (Access::Configured, Some(tracing)) => {
            Tracer::start(tracing, metrics.spans_dropped()).map_err(BootError::Tracing)?
        }
        (Access::Off, _) | (_, None) => Tracer::off(),
    };
    let running = running(config, snapshot, None, &metrics)?;
    let access_format = config.logs.access_format;
    let recent = Recent::default();
    let telemetry = Arc::new(Telemetry { metrics, access, access_format, audit, recent, tracer });
    let keeper = Keeper::start(links::store(&config.links.store)?, Arc::clone(&telemetry));
    Ok(Arc::new(World::new(running, Arc::new(SystemClock), telemetry, keeper)))
}

/// What a config makes of the running gate; upstreams that did not change are taken over from `before`.
///
/// # Errors
/// [`BootError::Peer`], [`BootError::Webhook`].
pub(super) fn running(
    config: &Config,
    snapshot: Snapshot,
    before: Option<&Running>,
    metrics: &Metrics,
) -> Result<Running, BootError> {
    let statements = Statements::of(&snapshot);
    let metrics = metrics.with_config(&metrics_config(config, &snapshot, &statements));
    let signers = Signers::new(&config.sources, before.map(|before| &before.signers), &metrics)?;
    Ok(Running {
        connections: descriptors::connections(snapshot.limits.connections),
        signers,
        peers: peers(config, before.map_or(&[], |before| &before.peers))?,
        keys: keys(config, before.map_or(&[], |before| &before.keys)),
        tls: tls::certificates(config),
        rates: Rates::new(&config.links.rate_limits),
        snapshot,
        statements,
        metrics,
        quotas: links::quotas(&config.links),
        when_store_fails: if config.links.deny_when_store_fails {
            WhenStoreFails::Deny
        } else {
            WhenStoreFails::Allow
        },
        admin_token: config.admin.as_ref().and_then(|admin| admin.token.clone()),
        shutdown: config.shutdown,
        shown: config.shown.clone(),
    })
}

fn metrics_config(config: &Config, snapshot: &Snapshot, statements: &Statements) -> MetricsConfig {
    MetricsConfig {
        version: build::VERSION.to_owned(),
        revision: build::REVISION.to_owned(),
        listeners: snapshot.listeners.iter().map(|listener| listener.name.clone()).collect(),
        buckets: snapshot.buckets.entries().iter().map(|bucket| bucket.name.clone()).collect(),
        upstreams: snapshot.upstreams.iter().map(|upstream| upstream.name.clone()).collect(),
        statements: statements.labels().to_vec(),
        shadow: snapshot.shadow.iter().map(|document| document.name().to_owned()).collect(),
        operations: Operation::ALL.iter().map(|operation| operation.name()).collect(),
        auth_schemes: SCHEMES.iter().map(|scheme| scheme.as_str()).collect(),
        key_sources: config.sources.iter().map(|source| source.name.value.clone()).collect(),
        weakened: weakened::states(config).map(|(setting, is_set)| (setting.name, is_set)).collect(),
        rate_limits: config.links.rate_limits.iter().map(ToString::to_string).collect(),
        constraints: Constraint::ALL.iter().map(|constraint| constraint.parameter()).collect(),
    }
}
