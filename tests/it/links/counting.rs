//! What counts as a use: the four ways in which counting requests goes wrong, and what must not be free.
//! It must not race; `shared` does.

use super::*;
use crate::support::reply::Latch;
use crate::support::time::{Deadline, PATIENCE};

fn single() -> Request {
    link("GET", &[("x-gate-max-uses", "1")])
}

fn range(request: &Request, range: &str) -> Request {
    request.clone().unsigned("Range", range)
}

/// The client is gone when so many bytes of the body have come to it, and nobody can take what the gate sends then.
fn break_off(gate: &Gate, address: &str, request: &Request, bytes: usize) {
    let mut client = Client::connect(gate.address());
    client.send(&from(address, request));
    let stream = client.stream();
    let deadline = Deadline::after(PATIENCE);
    let mut seen = [0; 8192];
    loop {
        stream.set_read_timeout(Some(deadline.left())).unwrap();
        let length = stream.peek(&mut seen).unwrap();
        let head = seen[..length].windows(4).position(|end| end == b"\r\n\r\n");
        if head.is_some_and(|head| length >= head + 4 + bytes) {
            // what was not read makes the end of the connection an abort
            return;
        }
        std::thread::yield_now();
    }
}

#[test]
fn a_browser_that_looks_before_it_loads() {
    let (_upstream, gate) = start("{}");
    let look = link("HEAD", &[("x-gate-max-uses", "1")]);
    for _ in 0..3 {
        assert_eq!(ask(&gate, "10.0.0.1", &look).status, 200);
        assert_eq!(ask(&gate, "10.0.0.9", &look).status, 200);
        let cached = single().unsigned("If-None-Match", "\"abc\"");
        assert_eq!(ask(&gate, "10.0.0.9", &cached).status, 304);
    }
    assert_eq!(comes_to(&gate, "10.0.0.1", &single(), 200).body, object());
    refused(&ask(&gate, "10.0.0.9", &single()), 403, "link_max_uses");
}

#[test]
fn a_download_manager_with_parallel_ranges() {
    for grace in ["30s", "0s"] {
        let (_upstream, gate) = start(&format!("{{ grace: {grace} }}"));
        // the first range tells the size
        assert_eq!(ask(&gate, "10.0.0.1", &range(&single(), "bytes=0-99")).body, &object()[..100]);
        let address = gate.address();
        let parts: Vec<_> = (1..10)
            .map(|part| {
                let request = range(&single(), &format!("bytes={}-{}", part * 100, part * 100 + 99));
                std::thread::spawn(move || {
                    crate::support::client::ask(address, "GET", &from("10.0.0.1", &request))
                })
            })
            .collect();
        let mut whole = object()[..100].to_vec();
        for part in parts {
            let answer = part.join().unwrap();
            assert_eq!(answer.status, 206, "{grace} {}", answer.text());
            whole.extend(answer.body);
        }
        assert_eq!(whole, object());
        poll("the use to be spent", || {
            Some(ask(&gate, "10.0.0.2", &single())).filter(|answer| answer.status == 403)
        });
    }
}

#[test]
fn a_virus_scanner_that_fetches_it_again() {
    let (_upstream, gate) = start("{ grace: 30s }");
    for _ in 0..3 {
        assert_eq!(ask(&gate, "10.0.0.1", &single()).status, 200);
    }
    refused(&ask(&gate, "10.0.0.2", &single()), 403, "link_max_uses");
    let (_upstream, gate) = start("{ grace: 200ms }");
    assert_eq!(ask(&gate, "10.0.0.1", &single()).status, 200);
    // the grace time is counted from the end of the delivery and not from the last request
    comes_to(&gate, "10.0.0.1", &single(), 403);
}

/// A store whose answers to a GET of the whole stop after 400 bytes, and after 500.
fn stalling(latches: [&Latch; 2]) -> Upstream {
    let [first, second] = latches.map(Latch::clone);
    Upstream::scripted(move |request| {
        if request.headers.has("range") {
            return serve(request);
        }
        vec![
            Step::ReadBody,
            Step::Send(reply::head("200 OK", &[("Content-Length", "1000")])),
            Step::Send(object()[..400].to_vec()),
            Step::Wait(first.clone()),
            Step::Send(object()[400..500].to_vec()),
            Step::Wait(second.clone()),
            Step::Send(object()[500..].to_vec()),
        ]
    })
}

#[test]
fn a_download_that_broke_off_and_is_resumed() {
    for grace in ["30s", "0s"] {
        let latches = [Latch::default(), Latch::default()];
        let upstream = stalling(latches.each_ref());
        let gate = gate_over(&upstream, &format!("{{ grace: {grace} }}"));
        break_off(&gate, "10.0.0.1", &single(), 400);
        // what the gate has now is for nobody, and so it finds out
        latches[0].open();
        let rest = comes_to(&gate, "10.0.0.1", &range(&single(), "bytes=400-"), 206);
        assert_eq!(rest.body, &object()[400..], "{grace}");
        // that was the one use
        refused(&comes_to(&gate, "10.0.0.2", &single(), 403), 403, "link_max_uses");
        refused(&ask(&gate, "10.0.0.2", &range(&single(), "bytes=0-0")), 403, "link_max_uses");
        latches[1].open();
    }
    let (_upstream, gate) = start("{ grace: 0s }");
    assert_eq!(ask(&gate, "10.0.0.1", &range(&single(), "bytes=0-399")).status, 206);
    let rest = comes_to(&gate, "10.0.0.1", &range(&single(), "bytes=400-"), 206);
    assert_eq!(rest.body, &object()[400..]);
    comes_to(&gate, "10.0.0.1", &range(&single(), "bytes=0-0"), 403);
}

#[test]
fn nothing_but_deliveries_counts() {
    let (_upstream, gate) = start("{ grace: 0s }");
    let absent = Request { path: "/bkt/absent".to_owned(), ..single() };
    for _ in 0..5 {
        comes_to(&gate, "10.0.0.1", &absent, 404);
    }
    let upload = |path: &str| Request { path: path.to_owned(), ..link("PUT", &[("x-gate-max-uses", "1")]) };
    comes_to(&gate, "10.0.0.1", &upload("/bkt/absent").with_body(b"x"), 500);
    comes_to(&gate, "10.0.0.1", &upload("/bkt/absent").with_body(b"x"), 500);
    assert_eq!(ask(&gate, "10.0.0.1", &upload("/bkt/key").with_body(b"x")).status, 200);
    refused(&ask(&gate, "10.0.0.1", &upload("/bkt/key").with_body(b"x")), 403, "link_max_uses");
}

#[test]
fn ranges_of_the_same_bytes_add_up() {
    let (_upstream, gate) = start("{ grace: 0s }");
    let half = range(&single(), "bytes=0-499");
    assert_eq!(ask(&gate, "10.0.0.1", &half).status, 206);
    assert_eq!(comes_to(&gate, "10.0.0.1", &half, 206).body, &object()[..500]);
    comes_to(&gate, "10.0.0.1", &half, 403);
}

#[test]
fn bytes_are_counted_to_the_last() {
    let (_upstream, gate) = start("{}");
    let limited = link("GET", &[("x-gate-max-bytes", "1500")]);
    assert_eq!(ask(&gate, "10.0.0.1", &limited).body.len(), SIZE);
    refused(&comes_to(&gate, "10.0.0.1", &limited, 403), 403, "link_max_bytes");
    assert_eq!(ask(&gate, "10.0.0.2", &range(&limited, "bytes=0-399")).status, 206);
    assert_eq!(ask(&gate, "10.0.0.2", &range(&limited, "bytes=0-99")).status, 206);
    refused(&comes_to(&gate, "10.0.0.2", &range(&limited, "bytes=0-0"), 403), 403, "link_max_bytes");
    // an answer of unknown length is cut off where the limit is
    let upstream = Upstream::always(reply::chunked(&["0123456789", "0123456789"]));
    let gate = gate_over(&upstream, "{}");
    let mut client = Client::connect(gate.address());
    client.send(&from("10.0.0.1", &link("GET", &[("x-gate-max-bytes", "15")])));
    let mut body: Vec<u8> = Vec::new();
    client.response_into("GET", &mut |piece| body.extend(piece)).unwrap_err();
    assert_eq!(body, b"012345678901234");
}

#[test]
fn uploads_take_bytes_whole_or_not_at_all() {
    let (upstream, gate) = start("{}");
    let upload = |body: &[u8]| link("PUT", &[("x-gate-max-bytes", "10")]).with_body(body);
    assert_eq!(ask(&gate, "10.0.0.1", &upload(b"1234567")).status, 200);
    refused(&comes_to(&gate, "10.0.0.1", &upload(b"1234"), 403), 403, "link_max_bytes");
    assert_eq!(ask(&gate, "10.0.0.1", &upload(b"123")).status, 200);
    let chunked = link("PUT", &[("x-gate-max-bytes", "4")]).chunked(&[b"123", b"45"]);
    assert!(ask(&gate, "10.0.0.1", &chunked).status >= 400);
    let seen: Vec<usize> = upstream
        .recording()
        .requests
        .iter()
        .filter(|request| request.complete)
        .map(|request| request.body.len())
        .collect();
    assert_eq!(seen, [7, 3]);
}
