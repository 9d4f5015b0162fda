//! A gate that is killed under load and started again over its link store.
//! It must not test a store that is shared; `links::shared` does.

use crate::support::client::Client;
use crate::support::config::Config;
use crate::support::gate::{Gate, poll};
use crate::support::request::Request;
use crate::support::time::Watch;
use crate::support::upstream::Upstream;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const USES: usize = 40;
const LINKS: usize = 8;
const CLIENTS: usize = 4;

/// Each client uses one link after the other until it is told to stop or nobody is there; gives the deliveries and
/// what is not known, for each link.
fn use_links(
    address: std::net::SocketAddr,
    requests: &[Vec<u8>],
    stop: &AtomicBool,
) -> BTreeMap<usize, [usize; 2]> {
    let mut seen: BTreeMap<usize, [usize; 2]> = BTreeMap::new();
    let Ok(mut client) = Client::try_connect(address) else { return seen };
    for number in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let link = number % requests.len();
        client.send(&requests[link]);
        let counted = seen.entry(link).or_default();
        match client.try_response("GET") {
            Ok(answer) if answer.status == 200 => counted[0] += 1,
            Ok(answer) => assert!(matches!(answer.status, 403 | 503), "{}", answer.text()),
            // it may have been delivered to nobody: that it counts is right, and that it does not as well
            Err(_) => {
                counted[1] += 1;
                break;
            }
        }
    }
    seen
}

/// F-15.
#[test]
fn a_gate_killed_under_load_starts_cleanly_and_forgets_no_use_and_no_revocation() {
    const ROUNDS: usize = 4;
    let upstream = Upstream::ok();
    let folder = tempfile::tempdir().unwrap();
    let config = Config::resign(upstream.endpoint()).more("expose_reasons: true").more(&format!(
        "links: {{ store: {{ redb: {} }}, grace: 0s }}",
        folder.path().join("links.redb").display()
    ));
    let links: Vec<Request> = (0..LINKS)
        .map(|number| Request::get(&format!("/bkt/{number}")).query("x-gate-max-uses", &USES.to_string()))
        .collect();
    let requests: Vec<Vec<u8>> = links.iter().map(Request::presigned).collect();
    let revoked = Request::get("/bkt/revoked");
    let mut totals = vec![[0_usize; 2]; LINKS];
    let mut slowest = Duration::ZERO;
    for round in 0..ROUNDS {
        let watch = Watch::start();
        let mut gate = Gate::start(&config);
        slowest = slowest.max(watch.elapsed());
        if round == 0 {
            let link = format!("http://{}{}", gate.address(), revoked.presigned_target());
            let answer = gate.admin_with("POST", "/revocations", &[], &json!({ "link": link }).to_string());
            assert_eq!(answer.status, 201, "{}", answer.text());
        }
        let refused = gate.ask("GET", &revoked.presigned());
        assert_eq!(refused.headers.get("x-gate-reason"), Some("link_revoked"), "round {round}");
        let before = upstream.recording().requests.len();
        let (stop, address) = (AtomicBool::new(false), gate.address());
        let seen = std::thread::scope(|scope| {
            let clients: Vec<_> =
                (0..CLIENTS).map(|_| scope.spawn(|| use_links(address, &requests, &stop))).collect();
            // in the middle of it
            drop(upstream.wait(|seen| seen.requests.len() >= before + LINKS * 4));
            gate.process().signal("KILL");
            gate.process().wait();
            stop.store(true, Ordering::Relaxed);
            clients.into_iter().map(|client| client.join().unwrap()).collect::<Vec<_>>()
        });
        for (link, [whole, unknown]) in seen.into_iter().flatten() {
            totals[link][0] += whole;
            totals[link][1] += unknown;
        }
    }
    // what is left is delivered to whoever comes, and not one more
    let gate = Gate::start(&config);
    for (link, total) in totals.iter_mut().enumerate() {
        poll("the link to be used up", || {
            let answer = gate.ask("GET", &requests[link]);
            total[0] += usize::from(answer.status == 200);
            (answer.headers.get("x-gate-reason") == Some("link_max_uses")).then_some(())
        });
        let [whole, unknown] = *total;
        assert!(whole <= USES && whole + unknown >= USES, "link {link}: {whole} whole, {unknown} unknown");
    }
    println!(
        "{ROUNDS} kills, deliveries and unknown ones of each link of {USES} uses: {totals:?}; the slowest start {slowest:?}"
    );
    assert!(slowest < Duration::from_secs(5), "{slowest:?}");
    let refused = gate.ask("GET", &revoked.presigned());
    assert_eq!(refused.headers.get("x-gate-reason"), Some("link_revoked"));
}
