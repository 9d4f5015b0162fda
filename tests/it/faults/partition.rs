//! A Redis that is cut off, slow, or killed under load: links with state are answered as configured, everything else is
//! served, and when it is back nothing was lost and nothing was given twice.
//! It must not test gates that die; `links::shared` and `crash` do.

use super::get;
use crate::support::between::{Between, Manner};
use crate::support::client::Client;
use crate::support::config::Config;
use crate::support::gate::{Gate, poll};
use crate::support::load::Load;
use crate::support::redis::RedisServer;
use crate::support::request::Request;
use crate::support::time::Watch;
use crate::support::upstream::Upstream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A gate that reaches its Redis through something that can fail.
fn start(upstream: &Upstream, redis: &Between, more: &str) -> Gate {
    let store = format!("links: {{ store: {{ redis: \"redis://{}/0\" }}, grace: 0s{more} }}", redis.address);
    Gate::start(&Config::resign(upstream.endpoint()).more("expose_reasons: true").more(&store))
}

fn limited(uses: u32) -> Request {
    Request::get("/bkt/limited").query("x-gate-max-uses", &uses.to_string())
}

fn ask(gate: &Gate, request: &Request) -> (u16, Option<String>) {
    let answer = gate.ask("GET", &request.presigned());
    (answer.status, answer.headers.get("x-gate-reason").map(str::to_owned))
}

/// A partition, both ways, with nothing closed: the gate cannot know but by waiting.
#[test]
fn a_partition_is_noticed_within_seconds_and_links_are_answered_as_configured() {
    for (fails, during) in [("deny", 503), ("allow", 200)] {
        let server = RedisServer::start(&[]);
        let between = Between::start(server.address(), Manner::Whole);
        let upstream = Upstream::ok();
        let gate = start(&upstream, &between, &format!(", when_store_fails: {fails}"));
        let link = limited(2);
        assert_eq!(ask(&gate, &link).0, 200);
        // others are served all the while, and never wait for it
        let load = Load::with(gate.address(), 2, |_, _| ("GET", get("plain")));
        between.set(Manner::Cut);
        let watch = Watch::start();
        let (status, reason) = ask(&gate, &link);
        let took = watch.elapsed();
        assert_eq!(status, during, "{fails} {reason:?}");
        assert!(took < Duration::from_secs(5), "{took:?}");
        poll("the gate to be not ready", || (gate.admin("GET", "/readyz").status == 503).then_some(()));
        let before = load.served();
        poll("others to be served", || (load.served() > before + 20).then_some(()));
        between.set(Manner::Whole);
        poll("the gate to be ready", || (gate.admin("GET", "/readyz").status == 200).then_some(()));
        // what was refused did not count, and what was let through uncounted neither
        poll("the second use", || (ask(&gate, &link).0 == 200).then_some(()));
        assert_eq!(ask(&gate, &link), (403, Some("link_max_uses".to_owned())), "{fails}");
        println!(
            "{fails}: a link in a partition was answered {status} after {took:?}; {} others served",
            load.finish()
        );
    }
}

/// A Redis that is slow is waited for while that is bearable, and not for longer.
#[test]
fn a_slow_store_slows_links_with_state_alone() {
    let server = RedisServer::start(&[]);
    let between = Between::start(server.address(), Manner::Late(Duration::from_millis(100)));
    let upstream = Upstream::ok();
    let gate = start(&upstream, &between, "");
    let link = limited(3);
    let watch = Watch::start();
    poll("a use", || (ask(&gate, &link).0 == 200).then_some(()));
    assert_eq!(ask(&gate, &link).0, 200);
    println!("two uses over a store 200 ms away took {:?}", watch.elapsed());
    let mut client = Client::connect(gate.address());
    let mut plain = || {
        let watch = Watch::start();
        client.send(&get("plain"));
        assert_eq!(client.response("GET").status, 200);
        watch.elapsed()
    };
    let quickest = (0..10).map(|_| plain()).min().unwrap();
    assert!(quickest < Duration::from_millis(100), "{quickest:?}");
    // slower than what a request waits for
    between.set(Manner::Late(Duration::from_secs(2)));
    let watch = Watch::start();
    assert_eq!(ask(&gate, &link), (503, Some("link_store".to_owned())));
    assert!(watch.elapsed() < Duration::from_secs(6), "{:?}", watch.elapsed());
    between.set(Manner::Whole);
    poll("the third use", || (ask(&gate, &link).0 == 200).then_some(()));
    assert_eq!(ask(&gate, &link), (403, Some("link_max_uses".to_owned())));
}

/// Clients use one link through partitions and kills; in the end it was used as often as it says.
#[test]
fn uses_are_exact_through_partitions_and_kills_under_load() {
    const USES: u32 = 60;
    const CLIENTS: usize = 6;
    let mut server = RedisServer::start(&[]);
    let between = Between::start(server.address(), Manner::Whole);
    let upstream = Upstream::ok();
    let gate = start(&upstream, &between, "");
    let (link, stop) = (limited(USES), AtomicBool::new(false));
    let delivered = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| {
                scope.spawn(|| {
                    let (mut client, mut delivered) = (Client::connect(gate.address()), 0_usize);
                    while !stop.load(Ordering::Relaxed) {
                        client.send(&link.presigned());
                        let answer = client.response("GET");
                        assert!(matches!(answer.status, 200 | 403 | 503), "{}", answer.text());
                        delivered += usize::from(answer.status == 200);
                        if answer.status != 200 {
                            std::thread::park_timeout(Duration::from_millis(50));
                        }
                    }
                    delivered
                })
            })
            .collect();
        let reached = |count: usize| drop(upstream.wait(|seen| seen.requests.len() >= count));
        reached(5);
        between.set(Manner::Cut);
        let errors = gate.metric("presign_gate_store_errors_total", &[]);
        poll("the partition to be noticed", || {
            (gate.metric("presign_gate_store_errors_total", &[]) > errors).then_some(())
        });
        between.set(Manner::Whole);
        reached(15);
        server.kill_and_start();
        reached(25);
        between.set(Manner::Cut);
        server.kill_and_start();
        between.set(Manner::Whole);
        reached(40);
        // whatever is left is used up, and what others still hold and do not get comes back
        reached(USES as usize);
        let used_up = || ask(&gate, &link).1.as_deref() == Some("link_max_uses");
        poll("a link that is used up", || used_up().then_some(()));
        stop.store(true, Ordering::Relaxed);
        clients.into_iter().map(|client| client.join().unwrap()).sum::<usize>()
    });
    let reached = upstream.recording().requests.len();
    println!("{reached} of {USES} uses reached the store, {delivered} of them for the crowd");
    assert!(delivered <= reached && reached == USES as usize, "{reached} uses of {USES}");
}
