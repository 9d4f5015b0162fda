//! What happens to links when their store fails, and to those that need none.
//! It must not test the stores.

use super::*;
use crate::support::redis::RedisServer;

#[test]
fn a_store_that_is_gone_refuses_links_with_state_and_no_others() {
    for (fails, status) in [("deny", 503), ("allow", 200)] {
        let mut server = RedisServer::start(&[]);
        let (_upstream, gate) = start(&server.links(&format!(", when_store_fails: {fails}")));
        let limited = link("GET", &[("x-gate-max-uses", "1")]);
        assert_eq!(gate.admin("GET", "/readyz?verbose").status, 200);
        server.kill();
        let answer = ask(&gate, "10.0.0.1", &limited);
        assert_eq!(answer.status, status, "{fails} {}", answer.text());
        let url = format!("http://s3.test{}", limited.presigned_target());
        let body = serde_json::json!({ "url": url, "source_ip": "10.0.0.1" }).to_string();
        let explained = gate.admin_with("POST", "/explain", &[], &body).text();
        // a hint that asks for what was just done would help nobody
        assert!(!explained.contains("ask its"), "{explained}");
        assert_eq!(
            explained.contains("`links.when_store_fails` is `allow`"),
            fails == "allow",
            "{explained}"
        );
        assert_eq!(ask(&gate, "10.0.0.1", &link("GET", &[])).status, 200);
        assert!(gate.metric("presign_gate_store_errors_total", &[]) >= 1.0);
        let text = poll("the gate to be not ready", || {
            let answer = gate.admin("GET", "/readyz?verbose");
            (answer.status == 503).then(|| answer.text())
        });
        assert!(text.contains("[-] link-store failed"), "{text}");
    }
}

#[test]
fn a_gate_that_never_saw_the_list_serves_nothing() {
    let upstream = Upstream::scripted(serve);
    let at = crate::support::ports::reserve();
    let gate = gate_over(&upstream, &format!("{{ store: {{ redis: \"redis://{}\" }} }}", at.address));
    refused(&ask(&gate, "10.0.0.1", &link("GET", &[])), 503, "link_store");
    assert_eq!(gate.admin("GET", "/readyz").status, 503);
    upstream.assert_untouched();
}

#[test]
fn links_are_counted_on_the_metrics_page() {
    let (_upstream, gate) = start("{}");
    assert_eq!(ask(&gate, "10.0.0.1", &link("GET", &[("x-gate-max-uses", "3")])).status, 200);
    poll("the link to be counted", || (gate.metric("presign_gate_links_tracked", &[]) >= 1.0).then_some(()));
    assert!(gate.metric("presign_gate_store_duration_seconds_count", &[]) >= 1.0);
    let kept = ["constraint=\"x-gate-max-uses\"", "result=\"kept\""];
    poll("the limit to be counted", || {
        (gate.metric("presign_gate_link_constraints_total", &kept) >= 1.0).then_some(())
    });
}
