//! The table of metric families: registration, the `metrics` command and the documentation come from it.
//! It must not list a family that nothing feeds.

use std::fmt::Write as _;

/// One metric family.
#[derive(Debug)]
pub struct Family {
    /// The full name.
    pub name: &'static str,
    /// What it measures, for people.
    pub help: &'static str,
    /// Its type.
    pub kind: Kind,
    /// The names of its labels, in the order in which values are given.
    pub labels: &'static [&'static str],
}

/// The type of a family.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// A number that only grows.
    Counter,
    /// A number that goes up and down.
    Gauge,
    /// A distribution, with the upper bounds of its buckets.
    Histogram(&'static [f64]),
}

impl Kind {
    /// The name in the text format.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram(_) => "histogram",
        }
    }
}

/// Seconds from request to end of answer: from a cached error to a large object over a slow line.
const REQUEST_SECONDS: &[f64] =
    &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0, 600.0];
/// Seconds that the upstream takes to begin its answer.
const FIRST_BYTE_SECONDS: &[f64] =
    &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Seconds spent in the gate: checks take microseconds.
const OVERHEAD_SECONDS: &[f64] =
    &[0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25];
/// Seconds that a link store takes: memory, a disk, a network.
const STORE_SECONDS: &[f64] =
    &[0.000_01, 0.000_1, 0.000_5, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 1.0, 2.5];
/// Seconds of a link's life: up to the week that SigV4 allows.
const LINK_SECONDS: &[f64] =
    &[1.0, 10.0, 60.0, 300.0, 900.0, 3600.0, 14_400.0, 43_200.0, 86_400.0, 259_200.0, 604_800.0];

macro_rules! families {
    ($($constant:ident $name:literal $kind:expr, [$($label:literal),*] $help:literal;)*) => {
        $(#[doc = $help]
        pub const $constant: &Family = &Family {
            name: concat!("presign_gate_", $name),
            help: $help,
            kind: $kind,
            labels: &[$($label),*],
        };)*

        /// Every family, in the order of the table.
        pub const ALL: &[&Family] = &[$($constant,)*];
    };
}

families! {
    BUILD_INFO "build_info" Kind::Gauge, ["version", "revision"]
        "Always 1; the labels tell the build.";
    REQUESTS "requests_total" Kind::Counter, ["listener", "operation", "bucket", "decision", "status_class"]
        "Requests that have ended, by what was asked, what was decided and what was answered.";
    REQUEST_DURATION "request_duration_seconds" Kind::Histogram(REQUEST_SECONDS), ["operation"]
        "Time from the first byte of a request to the last byte of its answer.";
    OVERHEAD "overhead_seconds" Kind::Histogram(OVERHEAD_SECONDS), ["decision"]
        "Time from the head of a request to the decision, without waiting for client or upstream.";
    IN_FLIGHT "requests_in_flight" Kind::Gauge, []
        "Requests whose answer is not finished.";
    CONNECTIONS "connections" Kind::Gauge, ["listener"]
        "Open client connections.";
    AUTH "auth_total" Kind::Counter, ["scheme", "result"]
        "Authentications, by the kind of signature and how they came out.";
    DENIED "denied_total" Kind::Counter, ["stage", "reason"]
        "Requests and connections that were refused or failed, by the stage that did it and why.";
    DIAGNOSES "signature_diagnoses_total" Kind::Counter, ["cause"]
        "What was found to have happened to requests whose signatures do not hold.";
    POLICY_MATCHES "policy_matches_total" Kind::Counter, ["document", "sid", "effect"]
        "Policy statements that matched a request.";
    SHADOW_DENIED "shadow_denied_total" Kind::Counter, ["document"]
        "Requests that the policies allowed and that this shadow policy would have denied as a guardrail.";
    NETWORK_IDENTITY "network_identity_total" Kind::Counter, ["proof"]
        "Requests, by how their network path was proven.";
    LINK_VALIDITY "link_validity_remaining_seconds" Kind::Histogram(LINK_SECONDS), []
        "How long links were still valid when they were used.";
    LINK_AGE "link_age_seconds" Kind::Histogram(LINK_SECONDS), []
        "How long ago links were signed when they were used.";
    LINK_CONSTRAINTS "link_constraints_total" Kind::Counter, ["constraint", "result"]
        "Constraints signed into links, by whether the request kept them.";
    UPSTREAM_REQUESTS "upstream_requests_total" Kind::Counter, ["upstream", "status_class"]
        "Requests sent to an upstream, by its answer.";
    UPSTREAM_FIRST_BYTE "upstream_time_to_first_byte_seconds" Kind::Histogram(FIRST_BYTE_SECONDS), ["upstream"]
        "Time from a request being ready for the upstream to the first byte of the answer.";
    UPSTREAM_RETRIES "upstream_retries_total" Kind::Counter, ["upstream"]
        "Connections to an upstream that were tried again, and requests sent again since a pooled connection was dead.";
    UPSTREAM_ENDPOINTS "upstream_endpoints" Kind::Gauge, ["upstream", "state"]
        "Addresses of an upstream, by whether they get requests: up, ejected after failures, or unhealthy by probes.";
    UPSTREAM_CREDENTIALS_EXPIRY "upstream_credentials_expiry_timestamp_seconds" Kind::Gauge, ["upstream"]
        "When the credentials of an upstream expire that come from elsewhere: 0 without valid ones, the year 9999 if never.";
    UPSTREAM_CONNECTIONS "upstream_connections" Kind::Gauge, ["upstream"]
        "Connections to an upstream that carry a request.";
    BUFFERED "buffered_body_bytes" Kind::Gauge, []
        "Memory that is set aside for bodies which rules read whole; at most `limits.buffered_bodies`.";
    LINKS_TRACKED "links_tracked" Kind::Gauge, []
        "Links whose use is known, as the store counted them a moment ago.";
    REVOCATIONS "revocations" Kind::Gauge, []
        "Revocations in force.";
    STORE_ERRORS "store_errors_total" Kind::Counter, []
        "Questions to the link store that failed, and ends of requests that it was never told.";
    STORE_DURATION "store_duration_seconds" Kind::Histogram(STORE_SECONDS), []
        "Time that the link store took to answer.";
    REQUEST_BODY_BYTES "request_body_bytes_total" Kind::Counter, []
        "Body bytes taken from clients.";
    RESPONSE_BODY_BYTES "response_body_bytes_total" Kind::Counter, []
        "Body bytes sent to clients.";
    RELOAD_SUCCESSFUL "config_last_reload_successful" Kind::Gauge, []
        "Whether the config was good when it was last read.";
    WEAKENED "weakened" Kind::Gauge, ["setting"]
        "Whether a setting of the config weakens a check: 1 if it does. The reference tells what each means.";
    RELOAD_TIMESTAMP "config_last_reload_timestamp_seconds" Kind::Gauge, []
        "When the config in force was read, as a Unix time.";
    RELOADS "config_reloads_total" Kind::Counter, ["result"]
        "Times that the config was read again, by how it came out.";
    CREDENTIAL_SOURCE_KEYS "credential_source_keys" Kind::Gauge, ["source"]
        "Access keys that are known from a source beside the config file.";
    CREDENTIAL_SOURCE_RESULTS "credential_source_results_total" Kind::Counter, ["source", "result"]
        "What came of a source of access keys: hit (known already), stale (known, and the source fails), found, absent, failed, limited (not asked, for too many questions), and of files loaded, removed, refused.";
    RATE_LIMITED "rate_limited_total" Kind::Counter, ["rule"]
        "Requests that were too much for a limit, by the limit.";
    TLS_EXPIRY "tls_certificate_expiry_timestamp_seconds" Kind::Gauge, ["listener"]
        "When the first certificate of a listener expires, its chains included, as a Unix time.";
    PANICS "panics_total" Kind::Counter, []
        "Requests and connections in which the code of the gate failed: each is a fault to report.";
    SPANS_DROPPED "trace_spans_dropped_total" Kind::Counter, []
        "Spans that were dropped because the collector could not keep up or be reached.";
    LOG_DROPPED "log_dropped_total" Kind::Counter, []
        "Lines of logs that were dropped because the log could not keep up or could not be written.";
}

/// The table as Markdown, for the documentation.
#[must_use]
pub fn markdown() -> String {
    let mut text = "| name | type | labels | meaning |\n|---|---|---|---|\n".to_owned();
    for Family { name, help, kind, labels } in ALL {
        let labels: Vec<String> = labels.iter().map(|label| format!("`{label}`")).collect();
        // writing to a string cannot fail
        let _ = writeln!(text, "| `{name}` | {} | {} | {help} |", kind.as_str(), labels.join(", "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_conventions_of_prometheus() {
        for family in ALL {
            let counter = matches!(family.kind, Kind::Counter);
            assert_eq!(family.name.ends_with("_total"), counter, "{}", family.name);
            assert_eq!(ALL.iter().filter(|other| other.name == family.name).count(), 1, "{}", family.name);
            assert!(family.help.ends_with('.') && !family.help.contains('|'), "{}", family.name);
            if let Kind::Histogram(bounds) = family.kind {
                assert!(bounds.is_sorted() && family.name.ends_with("_seconds"), "{}", family.name);
            }
        }
    }

    #[test]
    fn every_family_is_documented() {
        let text = markdown();
        assert_eq!(text.lines().count(), ALL.len() + 2);
        assert!(text.contains("| `presign_gate_denied_total` | counter | `stage`, `reason` | "));
    }
}
