//! The families of the table as vectors of the metrics library.
//! It must not name, describe or label anything itself: the table does.

use prometheus::core::Collector;
use prometheus::{
    Error, HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry,
    Result as PrometheusResult,
};

use crate::telemetry::families::{self, Family, Kind};

macro_rules! vectors {
    ($($field:ident: $kind:ident $family:ident,)*) => {
        /// One vector per family; a clone counts into the same series.
        #[derive(Clone, Debug)]
        pub(super) struct Vectors { $(pub(super) $field: $kind,)* }

        impl Vectors {
            pub(super) fn new(registry: &Registry) -> PrometheusResult<Self> {
                Ok(Self { $($field: register::<$kind>(registry, families::$family)?,)* })
            }
        }
    };
}

vectors! {
    build_info: IntGaugeVec BUILD_INFO,
    requests: IntCounterVec REQUESTS,
    request_duration: HistogramVec REQUEST_DURATION,
    overhead: HistogramVec OVERHEAD,
    in_flight: IntGaugeVec IN_FLIGHT,
    connections: IntGaugeVec CONNECTIONS,
    auth: IntCounterVec AUTH,
    denied: IntCounterVec DENIED,
    diagnoses: IntCounterVec DIAGNOSES,
    policy_matches: IntCounterVec POLICY_MATCHES,
    shadow_denied: IntCounterVec SHADOW_DENIED,
    network_identity: IntCounterVec NETWORK_IDENTITY,
    link_validity: HistogramVec LINK_VALIDITY,
    link_age: HistogramVec LINK_AGE,
    link_constraints: IntCounterVec LINK_CONSTRAINTS,
    upstream_requests: IntCounterVec UPSTREAM_REQUESTS,
    upstream_first_byte: HistogramVec UPSTREAM_FIRST_BYTE,
    upstream_retries: IntCounterVec UPSTREAM_RETRIES,
    upstream_endpoints: IntGaugeVec UPSTREAM_ENDPOINTS,
    upstream_credentials_expiry: IntGaugeVec UPSTREAM_CREDENTIALS_EXPIRY,
    upstream_connections: IntGaugeVec UPSTREAM_CONNECTIONS,
    buffered: IntGaugeVec BUFFERED,
    links_tracked: IntGaugeVec LINKS_TRACKED,
    revocations: IntGaugeVec REVOCATIONS,
    store_errors: IntCounterVec STORE_ERRORS,
    store_duration: HistogramVec STORE_DURATION,
    request_body_bytes: IntCounterVec REQUEST_BODY_BYTES,
    response_body_bytes: IntCounterVec RESPONSE_BODY_BYTES,
    reload_successful: IntGaugeVec RELOAD_SUCCESSFUL,
    weakened: IntGaugeVec WEAKENED,
    reload_timestamp: IntGaugeVec RELOAD_TIMESTAMP,
    reloads: IntCounterVec RELOADS,
    credential_source_keys: IntGaugeVec CREDENTIAL_SOURCE_KEYS,
    credential_source_results: IntCounterVec CREDENTIAL_SOURCE_RESULTS,
    rate_limited: IntCounterVec RATE_LIMITED,
    tls_expiry: IntGaugeVec TLS_EXPIRY,
    panics: IntCounterVec PANICS,
    spans_dropped: IntCounterVec SPANS_DROPPED,
    log_dropped: IntCounterVec LOG_DROPPED,
}

/// A vector that can be made from a row of the table.
trait FromFamily: Collector + Clone + Sized + 'static {
    fn from_family(family: &Family) -> PrometheusResult<Self>;
}

fn register<V: FromFamily>(registry: &Registry, family: &Family) -> PrometheusResult<V> {
    let vector = V::from_family(family)?;
    registry.register(Box::new(vector.clone()))?;
    Ok(vector)
}

impl FromFamily for IntCounterVec {
    fn from_family(family: &Family) -> PrometheusResult<Self> {
        match family.kind {
            Kind::Counter => Self::new(Opts::new(family.name, family.help), family.labels),
            other => Err(mismatch(family, other)),
        }
    }
}

impl FromFamily for IntGaugeVec {
    fn from_family(family: &Family) -> PrometheusResult<Self> {
        match family.kind {
            Kind::Gauge => Self::new(Opts::new(family.name, family.help), family.labels),
            other => Err(mismatch(family, other)),
        }
    }
}

impl FromFamily for HistogramVec {
    fn from_family(family: &Family) -> PrometheusResult<Self> {
        match family.kind {
            Kind::Histogram(bounds) => Self::new(
                HistogramOpts::new(family.name, family.help).buckets(bounds.to_vec()),
                family.labels,
            ),
            other => Err(mismatch(family, other)),
        }
    }
}

fn mismatch(family: &Family, kind: Kind) -> Error {
    Error::Msg(format!("`{}` is not used as the {} that it is", family.name, kind.as_str()))
}
