//! Rates: of one link, and those of the config.
//! It must not measure exactly: only that it is never too fast.

use super::*;
use crate::support::time::Watch;
use std::time::Duration;

#[test]
fn a_link_with_a_rate_takes_its_time() {
    let (_upstream, gate) = start("{}");
    let watch = Watch::start();
    let answer = ask(&gate, "10.0.0.1", &link("GET", &[("x-gate-rate", "2000")]));
    assert_eq!(answer.body, object());
    assert!(watch.elapsed() >= Duration::from_millis(350), "{:?}", watch.elapsed());
    let watch = Watch::start();
    let upload = link("PUT", &[("x-gate-rate", "2000")]).with_body(&object());
    assert_eq!(ask(&gate, "10.0.0.1", &upload).status, 200);
    assert!(watch.elapsed() >= Duration::from_millis(350), "{:?}", watch.elapsed());
}

#[test]
fn requests_beyond_a_rate_are_told_when_to_come_again() {
    let rules = "[{ per: access_key_id, requests: 3, every: 1h }, { per: link, requests: 2, every: 1h }]";
    let (_upstream, gate) = start(&format!("{{ rate_limits: {rules} }}"));
    let one = link("GET", &[("x-note", "1")]);
    assert_eq!([200, 200], [(); 2].map(|()| ask(&gate, "10.0.0.1", &one).status));
    let answer = ask(&gate, "10.0.0.1", &one);
    refused(&answer, 503, "link_rate_limited");
    answer.assert_error(503, "SlowDown");
    let seconds: u64 = answer.headers.get("retry-after").unwrap().parse().unwrap();
    assert!((1..=3600).contains(&seconds), "{seconds}");
    let other = ask(&gate, "10.0.0.1", &link("GET", &[("x-note", "2")]));
    refused(&other, 503, "link_rate_limited");
    for (rule, least) in [("link 2/1h", 1.0), ("access_key_id 3/1h", 1.0)] {
        let label = format!("rule=\"{rule}\"");
        assert!(gate.metric("presign_gate_rate_limited_total", &[&label]) >= least, "{rule}");
    }
}

#[test]
fn bytes_beyond_a_rate_wait() {
    let (_upstream, gate) = start("{ rate_limits: [{ per: access_key_id, bytes_per_second: 2000 }] }");
    let watch = Watch::start();
    for number in ["1", "2"] {
        assert_eq!(ask(&gate, "10.0.0.1", &link("GET", &[("x-note", number)])).body, object());
    }
    assert!(watch.elapsed() >= Duration::from_millis(800), "{:?}", watch.elapsed());
}
