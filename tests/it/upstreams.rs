//! Upstreams with several addresses: turns, retries, ejection, probes, names.
//! It must not test what a single request looks like there.

use crate::support::config::Config;
use crate::support::gate::{Gate, poll};
use crate::support::ports;
use crate::support::reply::{self, Step};
use crate::support::request::Request;
use crate::support::upstream::Upstream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

fn get(gate: &Gate) -> u16 {
    gate.ask("GET", &Request::get("/bkt/key").presigned()).status
}

/// A gate for several endpoints, with more keys of the upstream.
fn start(endpoints: &[String], more: &str) -> Gate {
    let mut config = Config::resign(format!("[{}]", endpoints.join(", ")));
    config.credentials.extend(["\n    ", more]);
    Gate::start(&config)
}

fn endpoints(gate: &Gate, state: &str) -> f64 {
    gate.metric("presign_gate_upstream_endpoints", &[&format!("state=\"{state}\"")])
}

fn is(value: f64, expected: f64) -> bool {
    (value - expected).abs() < f64::EPSILON
}

#[test]
fn endpoints_share_the_requests_under_one_host() {
    let (one, two) = (Upstream::ok(), Upstream::ok());
    let gate = start(&[one.endpoint(), two.endpoint()], "retries: 0");
    for _ in 0..10 {
        assert_eq!(get(&gate), 200);
    }
    let (one, two) = (one.recording(), two.recording());
    assert_eq!(one.requests.len() + two.requests.len(), 10);
    assert!(one.requests.len() >= 3 && two.requests.len() >= 3);
    assert_eq!(one.requests[0].headers.get("host"), two.requests[0].headers.get("host"));
}

#[test]
fn nobody_at_one_endpoint_is_made_up_for_by_the_other() {
    let (nobody, upstream) = (ports::reserve(), Upstream::ok());
    let gate = start(&[format!("http://{}", nobody.address), upstream.endpoint()], "retries: 2");
    for number in 0..20 {
        let status = match number % 2 {
            0 => get(&gate),
            // nothing was sent yet, so an upload may go elsewhere too
            _ => gate.ask("PUT", &Request::put("/bkt/key", b"body").presigned()).status,
        };
        assert_eq!(status, 200);
    }
    assert_eq!(upstream.recording().requests.len(), 20);
    assert!(is(endpoints(&gate, "ejected"), 1.0) && is(endpoints(&gate, "up"), 1.0));
    poll("the retries to be counted", || {
        (gate.metric("presign_gate_upstream_retries_total", &[]) >= 3.0).then_some(())
    });
    assert_eq!(gate.admin("GET", "/readyz").status, 200);
}

#[test]
fn without_retries_the_client_sees_it() {
    let nobody = ports::reserve();
    let gate = start(&[format!("http://{}", nobody.address)], "retries: 0");
    let answer = gate.ask("GET", &Request::get("/bkt/key").presigned());
    answer.assert_error(503, "ServiceUnavailable");
    assert!(is(gate.metric("presign_gate_upstream_retries_total", &[]), 0.0));
    // counted when the answer is on its way
    poll("the failure to be counted", || {
        is(gate.metric("presign_gate_denied_total", &["reason=\"upstream_connect\""]), 1.0).then_some(())
    });
}

#[test]
fn probes_decide_who_gets_requests() {
    let healthy = Arc::new(AtomicBool::new(true));
    let told = Arc::clone(&healthy);
    let sick =
        Upstream::scripted(move |request| match (request.target.as_str(), told.load(Ordering::SeqCst)) {
            ("/health", false) => reply::status("503 Service Unavailable", &[], "sick"),
            ("/health", true) => reply::status("403 Forbidden", &[], "who are you"),
            _ => reply::ok("ok"),
        });
    let well = Upstream::ok();
    let gate = start(&[sick.endpoint(), well.endpoint()], "health: { path: /health, interval: 100ms }");
    drop(sick.wait(|seen| seen.requests.iter().any(|request| request.target == "/health")));
    assert!(is(endpoints(&gate, "up"), 2.0));
    healthy.store(false, Ordering::SeqCst);
    poll("the probes to fail", || is(endpoints(&gate, "unhealthy"), 1.0).then_some(()));
    let asked = |upstream: &Upstream| {
        upstream.recording().requests.iter().filter(|request| request.target.starts_with("/bkt")).count()
    };
    let before = asked(&sick);
    for _ in 0..10 {
        assert_eq!(get(&gate), 200);
    }
    assert_eq!((asked(&sick), asked(&well) >= 10), (before, true));
    healthy.store(true, Ordering::SeqCst);
    poll("the probes to succeed", || is(endpoints(&gate, "up"), 2.0).then_some(()));
    poll("a request there", || {
        get(&gate);
        (asked(&sick) > before).then_some(())
    });
    let probe = sick.recording().requests.iter().find(|request| request.target == "/health").unwrap().clone();
    assert!(probe.headers.get("authorization").is_none() && probe.method == "GET");
}

#[test]
fn a_name_is_looked_up() {
    let upstream = Upstream::ok();
    let gate = start(&[format!("http://localhost:{}", upstream.address.port())], "retries: 2");
    assert_eq!(get(&gate), 200);
    let gate = start(&["http://nowhere.invalid".to_owned()], "retries: 0");
    gate.ask("GET", &Request::get("/bkt/key").presigned()).assert_error(503, "ServiceUnavailable");
    assert_eq!(gate.admin("GET", "/livez").status, 200);
}

#[test]
fn an_address_that_is_silent_is_put_aside() {
    let silent = Upstream::always(vec![Step::ReadBody, Step::Close]);
    let well = Upstream::ok();
    let gate = start(&[silent.endpoint(), well.endpoint()], "retries: 2");
    let statuses: Vec<u16> = (0..12).map(|_| get(&gate)).collect();
    // a request that was sent and not answered is not repeated on a fresh connection: it may have had an effect
    assert_eq!(statuses.iter().filter(|status| **status == 502).count(), 3, "{statuses:?}");
    assert!(is(endpoints(&gate, "ejected"), 1.0));
    let verbose = gate.admin("GET", "/readyz?verbose").text();
    assert!(verbose.contains("[+] upstream s3 ok\n"), "{verbose}");
}

#[test]
fn a_reload_keeps_connections_and_forgets_what_is_gone() {
    let upstream = Upstream::ok();
    let config = Config::resign(upstream.endpoint());
    let gate = Gate::start(&config);
    let mut client = crate::support::client::Client::connect(gate.address());
    let mut ask = || {
        client.send(&Request::get("/bkt/key").presigned());
        assert_eq!(client.response("GET").status, 200);
    };
    ask();
    assert_eq!(gate.reload().status, 200);
    ask();
    assert_eq!(upstream.recording().wire.len(), 1, "connections to the upstream");
    gate.rewrite(|listener, admin| {
        config
            .text(listener, admin)
            .replace("upstream: s3", "upstream: new")
            .replace("- name: s3", "- name: new")
    });
    assert_eq!(gate.reload().status, 200);
    ask();
    let page = gate.admin("GET", "/metrics").text();
    assert!(page.contains("presign_gate_upstream_endpoints{state=\"up\",upstream=\"new\"} 1"), "{page}");
    assert!(!page.contains("presign_gate_upstream_endpoints{state=\"up\",upstream=\"s3\"}"));
    assert!(page.contains("presign_gate_upstream_requests_total{status_class=\"2xx\",upstream=\"s3\"} 2"));
}
