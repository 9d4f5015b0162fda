//! Tests of the metrics, on the page as a scraper sees it.
//! It must not look into the handles.

use std::collections::HashSet;
use std::time::Duration;

use super::*;
use crate::net::identity::Proof;
use crate::reason::Reason;
use crate::telemetry::families::{self, Kind};
use crate::telemetry::record::{AuthRecord, AuthResult, ConstraintResult, Decision, UpstreamRecord};

fn config() -> MetricsConfig {
    let statement =
        |sid: &str, effect| StatementLabels { document: "main.json".into(), sid: sid.into(), effect };
    MetricsConfig {
        key_sources: vec!["tenants".into()],
        version: "1.2.3".into(),
        revision: "abc".into(),
        listeners: vec!["127.0.0.1:1".into(), "127.0.0.1:2".into()],
        buckets: vec!["reports".into()],
        upstreams: vec!["main".into()],
        statements: vec![statement("Read", "Allow"), statement("Net", "Deny")],
        shadow: vec!["next.json".into()],
        operations: vec!["GetObject", "GetBucketAcl"],
        auth_schemes: vec!["query_v4", "header_v4"],
        rate_limits: vec!["source_ip 100/1s".into(), "source_ip 1000/1m".into()],
        constraints: vec!["x-gate-source-ip"],
        weakened: vec![("signing.sigv2", true), ("policy.default", false)],
    }
}

/// The value of a series on the page; labels in alphabetical order, as the page has them.
fn value(metrics: &Metrics, series: &str) -> Option<f64> {
    let page = metrics.render().unwrap();
    let start = format!("presign_gate_{series} ");
    page.lines().find_map(|line| line.strip_prefix(&start)).map(|value| value.parse().unwrap())
}

fn check(metrics: &Metrics, expected: &[(&str, f64)]) {
    for (series, number) in expected {
        assert_eq!(value(metrics, series), Some(*number), "{series}");
    }
}

/// A request with everything in it.
fn full() -> RequestRecord {
    RequestRecord {
        operation: Some(0),
        bucket: Some(0),
        decision: Decision::Allow,
        status: 206,
        auth: Some(AuthRecord { scheme: Some(1), result: AuthResult::Verified }),
        proof: Some(Proof::VpceTlv),
        total: Duration::from_millis(30),
        overhead: Duration::from_micros(40),
        upstream: Some(UpstreamRecord {
            upstream: 0,
            status: 200,
            first_byte: Some(Duration::from_millis(3)),
            retries: 0,
        }),
        request_body_bytes: 10,
        response_body_bytes: 4096,
        link_validity: Some(Duration::from_mins(10)),
        link_age: Some(Duration::from_secs(5)),
        matched: [0, 1].into_iter().collect(),
        shadow_denied: [0].into_iter().collect(),
        constraints: [(0, ConstraintResult::Kept)].into_iter().collect(),
        ..RequestRecord::new(ListenerIndex(1))
    }
}

#[test]
fn what_can_exist_at_the_start_does() {
    let metrics = Metrics::new(&config()).unwrap();
    check(
        &metrics,
        &[
            ("build_info{revision=\"abc\",version=\"1.2.3\"}", 1.0),
            (
                "requests_total{bucket=\"reports\",decision=\"allow\",listener=\"127.0.0.1:1\",operation=\"GetObject\",status_class=\"2xx\"}",
                0.0,
            ),
            (
                "requests_total{bucket=\"other\",decision=\"deny\",listener=\"127.0.0.1:2\",operation=\"unknown\",status_class=\"4xx\"}",
                0.0,
            ),
            ("request_duration_seconds_count{operation=\"GetObject\"}", 0.0),
            ("overhead_seconds_count{decision=\"pass\"}", 0.0),
            ("requests_in_flight", 0.0),
            ("connections{listener=\"127.0.0.1:2\"}", 0.0),
            ("auth_total{result=\"anonymous\",scheme=\"none\"}", 0.0),
            ("denied_total{reason=\"wrong_signature\",stage=\"auth\"}", 0.0),
            ("policy_matches_total{document=\"main.json\",effect=\"Deny\",sid=\"Net\"}", 0.0),
            ("shadow_denied_total{document=\"next.json\"}", 0.0),
            ("network_identity_total{proof=\"vpce_tlv\"}", 0.0),
            ("link_age_seconds_count", 0.0),
            ("link_constraints_total{constraint=\"x-gate-source-ip\",result=\"broken\"}", 0.0),
            ("upstream_requests_total{status_class=\"none\",upstream=\"main\"}", 0.0),
            ("upstream_time_to_first_byte_seconds_count{upstream=\"main\"}", 0.0),
            ("config_reloads_total{result=\"refused\"}", 0.0),
            ("rate_limited_total{rule=\"source_ip 100/1s\"}", 0.0),
            ("log_dropped_total", 0.0),
        ],
    );
    assert_eq!(value(&metrics, "request_duration_seconds_count{operation=\"GetBucketAcl\"}"), None);
}

#[test]
fn every_family_of_the_table_is_on_the_page_as_the_table_has_it() {
    let metrics = Metrics::new(&config()).unwrap();
    metrics.certificates_expire(ListenerIndex(0), Some(0));
    metrics.upstream_credentials_expiry("main", UnixMillis::from_secs(0));
    let page = metrics.render().unwrap();
    let told: HashSet<&str> = page.lines().filter(|line| line.starts_with("# ")).collect();
    for family in families::ALL {
        let kind = format!("# TYPE {} {}", family.name, family.kind.as_str());
        let help = format!("# HELP {} {}", family.name, family.help);
        assert!(told.contains(kind.as_str()) && told.contains(help.as_str()), "{}", family.name);
        let suffix = if matches!(family.kind, Kind::Histogram(_)) { "_count" } else { "" };
        let start = format!("{}{suffix}", family.name);
        let line = page.lines().find(|line| line.starts_with(&start)).unwrap();
        for label in family.labels {
            assert!(line.contains(&format!("{label}=\"")), "{line}");
        }
    }
    let own = told.iter().filter(|line| line.starts_with("# TYPE presign_gate_")).count();
    assert_eq!(own, families::ALL.len());
    assert!(page.contains("\nprocess_open_fds "));
}

#[test]
fn a_request_counts_everywhere_it_belongs() {
    let metrics = Metrics::new(&config()).unwrap();
    metrics.record(&full());
    metrics.record(&full());
    check(
        &metrics,
        &[
            (
                "requests_total{bucket=\"reports\",decision=\"allow\",listener=\"127.0.0.1:2\",operation=\"GetObject\",status_class=\"2xx\"}",
                2.0,
            ),
            ("request_duration_seconds_bucket{operation=\"GetObject\",le=\"0.025\"}", 0.0),
            ("request_duration_seconds_bucket{operation=\"GetObject\",le=\"0.05\"}", 2.0),
            ("overhead_seconds_bucket{decision=\"allow\",le=\"0.00005\"}", 2.0),
            ("auth_total{result=\"verified\",scheme=\"header_v4\"}", 2.0),
            ("network_identity_total{proof=\"vpce_tlv\"}", 2.0),
            ("policy_matches_total{document=\"main.json\",effect=\"Allow\",sid=\"Read\"}", 2.0),
            ("policy_matches_total{document=\"main.json\",effect=\"Deny\",sid=\"Net\"}", 2.0),
            ("link_constraints_total{constraint=\"x-gate-source-ip\",result=\"kept\"}", 2.0),
            ("upstream_requests_total{status_class=\"2xx\",upstream=\"main\"}", 2.0),
            ("upstream_time_to_first_byte_seconds_count{upstream=\"main\"}", 2.0),
            ("request_body_bytes_total", 20.0),
            ("response_body_bytes_total", 8192.0),
            ("link_validity_remaining_seconds_sum", 1200.0),
            ("link_age_seconds_sum", 10.0),
        ],
    );
}

#[test]
fn each_place_of_the_cross_product_is_its_own_series() {
    let metrics = Metrics::new(&config()).unwrap();
    let mut expected = Vec::new();
    for (listener, listener_label) in config().listeners.iter().enumerate() {
        for (bucket, bucket_label) in [(Some(0), "reports"), (None, "other"), (Some(9), "other")] {
            for (operation, operation_label) in
                [(Some(0), "GetObject"), (Some(1), "GetBucketAcl"), (None, "unknown")]
            {
                for decision in Decision::ALL {
                    for (status, class) in
                        [(0, "none"), (200, "2xx"), (304, "3xx"), (403, "4xx"), (500, "5xx")]
                    {
                        let listener = ListenerIndex(u16::try_from(listener).unwrap());
                        let base = RequestRecord::new(listener);
                        metrics.record(&RequestRecord {
                            operation,
                            bucket,
                            decision: *decision,
                            status,
                            ..base
                        });
                        let decision = decision.as_str();
                        let series = format!(
                            "requests_total{{bucket=\"{bucket_label}\",decision=\"{decision}\",listener=\"{listener_label}\",operation=\"{operation_label}\",status_class=\"{class}\"}}"
                        );
                        expected.push((series, if bucket_label == "other" { 2.0 } else { 1.0 }));
                    }
                }
            }
        }
    }
    let page = metrics.render().unwrap();
    let lines: HashSet<&str> = page.lines().collect();
    for (series, number) in &expected {
        let line = format!("presign_gate_{series} {number}");
        assert!(lines.contains(line.as_str()), "{line}");
    }
}

#[test]
fn reasons_count_under_their_own_code_and_stage() {
    let metrics = Metrics::new(&config()).unwrap();
    for reason in Reason::ALL {
        metrics.record(&RequestRecord { reason: Some(*reason), ..RequestRecord::new(ListenerIndex(0)) });
    }
    for reason in Reason::ALL {
        let series =
            format!("denied_total{{reason=\"{}\",stage=\"{}\"}}", reason.code(), reason.stage().as_str());
        check(&metrics, &[(&series, 1.0)]);
    }
}

#[test]
fn positions_outside_the_lists_count_as_the_rest_or_nowhere() {
    let metrics = Metrics::new(&config()).unwrap();
    let outside = RequestRecord {
        operation: Some(999),
        bucket: Some(999),
        status: 403,
        auth: Some(AuthRecord { scheme: Some(99), result: AuthResult::Refused }),
        upstream: Some(UpstreamRecord {
            upstream: 9,
            status: 200,
            first_byte: Some(Duration::ZERO),
            retries: 0,
        }),
        matched: [77].into_iter().collect(),
        constraints: [(77, ConstraintResult::Broken)].into_iter().collect(),
        ..RequestRecord::new(ListenerIndex(0))
    };
    metrics.record(&outside);
    metrics.record(&RequestRecord { listener: ListenerIndex(99), ..outside });
    check(
        &metrics,
        &[
            (
                "requests_total{bucket=\"other\",decision=\"deny\",listener=\"127.0.0.1:1\",operation=\"unknown\",status_class=\"4xx\"}",
                1.0,
            ),
            ("auth_total{result=\"refused\",scheme=\"none\"}", 2.0),
            ("request_duration_seconds_count{operation=\"unknown\"}", 2.0),
            ("upstream_requests_total{status_class=\"2xx\",upstream=\"main\"}", 0.0),
            ("link_constraints_total{constraint=\"x-gate-source-ip\",result=\"broken\"}", 0.0),
        ],
    );
    assert!(metrics.connection(ListenerIndex(99)).is_none());
}

#[test]
fn what_lasts_is_counted_until_it_is_dropped() {
    let metrics = Metrics::new(&config()).unwrap();
    let (one, two) = (metrics.request(), metrics.request());
    let connection = metrics.connection(ListenerIndex(1));
    check(&metrics, &[("requests_in_flight", 2.0), ("connections{listener=\"127.0.0.1:2\"}", 1.0)]);
    drop((one, two, connection));
    check(&metrics, &[("requests_in_flight", 0.0), ("connections{listener=\"127.0.0.1:2\"}", 0.0)]);
}

#[test]
fn a_reload_keeps_what_was_counted_and_follows_the_new_lists() {
    let before = Metrics::new(&config()).unwrap();
    before.record(&full());
    let mut changed = config();
    changed.listeners.remove(0);
    changed.buckets = vec!["media".into(), "reports".into()];
    let after = before.with_config(&changed);
    after.record(&RequestRecord { listener: ListenerIndex(0), bucket: Some(1), ..full() });
    let reports = "requests_total{bucket=\"reports\",decision=\"allow\",listener=\"127.0.0.1:2\",operation=\"GetObject\",status_class=\"2xx\"}";
    let media = "requests_total{bucket=\"media\",decision=\"allow\",listener=\"127.0.0.1:2\",operation=\"GetObject\",status_class=\"2xx\"}";
    check(&before, &[(reports, 2.0), (media, 0.0)]);
    check(&after, &[(reports, 2.0), ("response_body_bytes_total", 8192.0)]);
}

#[test]
fn reloads_are_told_apart() {
    let metrics = Metrics::new(&config()).unwrap();
    metrics.config_loaded(UnixMillis::from_secs(100));
    check(
        &metrics,
        &[("config_last_reload_successful", 1.0), ("config_last_reload_timestamp_seconds", 100.0)],
    );
    metrics.config_refused();
    check(
        &metrics,
        &[("config_last_reload_successful", 0.0), ("config_last_reload_timestamp_seconds", 100.0)],
    );
    metrics.config_reloaded(UnixMillis::from_secs(200));
    check(
        &metrics,
        &[
            ("config_last_reload_successful", 1.0),
            ("config_last_reload_timestamp_seconds", 200.0),
            ("config_reloads_total{result=\"loaded\"}", 1.0),
            ("config_reloads_total{result=\"refused\"}", 1.0),
        ],
    );
}

#[test]
fn many_buckets_make_no_series_before_they_are_used() {
    let buckets = (0..1000).map(|number| format!("bucket-{number}")).collect();
    let metrics = Metrics::new(&MetricsConfig { buckets, ..config() }).unwrap();
    assert!(!metrics.render().unwrap().contains("bucket-7"));
    metrics.record(&RequestRecord { bucket: Some(7), ..full() });
    assert!(metrics.render().unwrap().contains("bucket=\"bucket-7\""));
}

#[test]
fn certificates_expire_per_listener_and_are_forgotten_with_it() {
    let metrics = Metrics::new(&config()).unwrap();
    for (at, not_after) in [(0, None), (1, Some(2_000_000_000)), (99, Some(1))] {
        metrics.certificates_expire(ListenerIndex(at), not_after);
    }
    let series = "tls_certificate_expiry_timestamp_seconds{listener=\"127.0.0.1:2\"}";
    check(&metrics, &[(series, 2_000_000_000.0)]);
    let count =
        |page: String| page.matches("\npresign_gate_tls_certificate_expiry_timestamp_seconds{").count();
    assert_eq!(count(metrics.render().unwrap()), 1);
    metrics.certificates_expire(ListenerIndex(1), None);
    assert_eq!(count(metrics.render().unwrap()), 0);
}

#[test]
fn limits_count_by_their_position() {
    let metrics = Metrics::new(&config()).unwrap();
    for rule in [1, 1, 7] {
        metrics.rate_limited(rule);
    }
    let series = |rule| format!("rate_limited_total{{rule=\"{rule}\"}}");
    check(&metrics, &[(&series("source_ip 100/1s"), 0.0), (&series("source_ip 1000/1m"), 2.0)]);
}
