//! Upstreams that fail, lie or stop half-way: the client sees a failure, and nobody else's answer.
//! It must not check what a healthy upstream gets.

use crate::support::client::Client;
use crate::support::config::Config;
use crate::support::gate::{Gate, poll};
use crate::support::message::Broken;
use crate::support::ports;
use crate::support::reply::{self, Latch, Reply, Step};
use crate::support::request::Request;
use crate::support::tls::Authority;
use crate::support::upstream::Upstream;

fn get() -> Vec<u8> {
    Request::get("/bkt/key.txt").presigned()
}

#[track_caller]
fn assert_failure(gate: &Gate) {
    let answer = gate.ask("GET", &get());
    assert!((500..=504).contains(&answer.status), "{} {}", answer.status, answer.text());
    let code = answer.element("Code").unwrap_or_default();
    answer.assert_error(answer.status, &code);
}

#[test]
fn nobody_there() {
    let nobody = ports::reserve();
    let gate = Gate::start(&Config::resign(format!("http://{}", nobody.address)));
    assert_failure(&gate);
    assert_eq!(gate.admin("GET", "/livez").status, 200);
}

#[test]
fn answers_that_are_not_http() {
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nA : b\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nA: b\r\n folded\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
        "HTTP/1.1 200 OK\r\nA: b\0c\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        "HTTP/1.1 2x0 OK\r\nContent-Length: 2\r\n\r\nok",
        "garbage\r\n\r\n",
        "",
    ] {
        let upstream = Upstream::always(reply::raw_then_close(answer));
        assert_failure(&Gate::start(&Config::resign(upstream.endpoint())));
    }
}

#[test]
fn a_giant_answer_head_is_refused() {
    let giant = format!("HTTP/1.1 200 OK\r\nA: {}\r\nContent-Length: 2\r\n\r\nok", "a".repeat(1 << 20));
    let upstream = Upstream::always(reply::raw_then_close(giant));
    assert_failure(&Gate::start(&Config::resign(upstream.endpoint())));
}

#[test]
fn a_download_that_breaks_off_never_looks_whole() {
    let torn = |head: &[(&str, &str)], body: &str| {
        let head = reply::head("200 OK", head);
        vec![Step::ReadBody, Step::Send(head), Step::Send(body.as_bytes().to_vec()), Step::Close]
    };
    for answer in [
        torn(&[("Content-Length", "100")], "part"),
        torn(&[("Transfer-Encoding", "chunked")], "4\r\npart\r\n"),
        torn(&[("Transfer-Encoding", "chunked")], "40\r\npart"),
        torn(&[("Transfer-Encoding", "chunked")], "4\r\npartX\r\n0\r\n\r\n"),
    ] {
        let upstream = Upstream::always(answer);
        let gate = Gate::start(&Config::resign(upstream.endpoint()));
        let mut client = Client::connect(gate.address());
        client.send(&get());
        let broken = client.try_response("GET");
        assert!(matches!(broken, Err(Broken::Cut | Broken::Closed)), "{broken:?}");
    }
}

/// A client of HTTP/1.0 takes the end of the connection for the end of the answer: it gets a length or an error instead.
#[test]
fn an_answer_without_a_length_has_one_for_http_1_0() {
    let request = String::from_utf8(get()).unwrap().replace("HTTP/1.1", "HTTP/1.0");
    let chunked = |body: String| {
        let head = reply::head("200 OK", &[("Transfer-Encoding", "chunked")]);
        vec![Step::ReadBody, Step::Send(head), Step::Send(body.into_bytes()), Step::Close]
    };
    let (small, large) = ("x".repeat(100_000), "x".repeat(2 << 20));
    let whole = |body: &str| format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    for (answer, expected) in [
        (chunked(whole(&small)), Ok(Some(small.len()))),
        // too large to be kept
        (chunked(whole(&large)), Ok(None)),
        (chunked("5\r\nhello\r\n".to_owned()), Err((502, "BadGateway"))),
        (chunked("5\r\nhelloX\r\n0\r\n\r\n".to_owned()), Err((502, "BadGateway"))),
    ] {
        let upstream = Upstream::always(answer);
        let gate = Gate::start(&Config::resign(upstream.endpoint()));
        let got = gate.ask("GET", request.as_bytes());
        match expected {
            Ok(length) => {
                assert_eq!(got.status, 200, "{}", got.text());
                let told = got.headers.get("content-length").map(|text| text.parse().unwrap());
                assert_eq!(told, length);
                assert_eq!(got.body.len(), length.unwrap_or(large.len()));
            }
            Err((status, code)) => got.assert_error(status, code),
        }
    }
    // what a link allows is cut off before it begins
    let upstream = Upstream::always(chunked(whole(&small)));
    let gate = Gate::start(&Config::resign(upstream.endpoint()));
    let limited = Request::get("/bkt/key.txt").query("x-gate-max-bytes", "500").presigned();
    let limited = String::from_utf8(limited).unwrap().replace("HTTP/1.1", "HTTP/1.0");
    gate.ask("GET", limited.as_bytes()).assert_error(403, "AccessDenied");
}

#[test]
fn bytes_after_an_answer_are_nobodys_answer() {
    let evil = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";
    for first in [
        format!("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok{evil}"),
        format!("HTTP/1.1 204 No Content\r\n\r\n{evil}"),
        format!("HTTP/1.1 304 Not Modified\r\n\r\n{evil}"),
        format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n{evil}"),
    ] {
        let upstream = Upstream::scripted(move |request| {
            if request.connection == 0 { reply::raw(first.clone()) } else { reply::ok("mine") }
        });
        let gate = Gate::start(&Config::resign(upstream.endpoint()));
        gate.ask("GET", &get());
        for _ in 0..3 {
            assert_eq!(gate.ask("GET", &get()).text(), "mine");
        }
    }
}

#[test]
fn an_upload_is_never_sent_twice() {
    let upstream = Upstream::always(vec![Step::ReadBody, Step::Close]);
    let gate = Gate::start(&Config::resign(upstream.endpoint()));
    let answer = gate.ask("PUT", &Request::put("/bkt/key.txt", b"body").presigned());
    assert!((500..=504).contains(&answer.status));
    assert_eq!(upstream.recording().requests.len(), 1);
}

#[test]
fn an_answer_before_the_end_of_an_upload_is_passed_on() {
    let denied = reply::message("403 Forbidden", &[("Connection", "close")], b"<Error/>");
    let upstream = Upstream::always(vec![Step::Send(denied), Step::ReadBody, Step::Close]);
    let gate = Gate::start(&Config::resign(upstream.endpoint()));
    let answer = gate.ask("PUT", &Request::put("/bkt/key.txt", &vec![b'a'; 200_000]).presigned());
    assert_eq!((answer.status, answer.text().as_str()), (403, "<Error/>"));
}

#[test]
fn a_client_that_goes_away_ends_the_upload_at_the_upstream() {
    let upstream = Upstream::ok();
    let gate = Gate::start(&Config::resign(upstream.endpoint()));
    let bytes = Request::put("/bkt/key.txt", &vec![b'a'; 500_000]).presigned();
    let mut client = Client::connect(gate.address());
    client.send(&bytes[..bytes.len() - 1]);
    drop(client);
    drop(upstream.wait(|seen| seen.requests.is_empty() || seen.closed == seen.wire.len()));
    upstream.assert_nothing_completed();
}

/// A store that shows no good certificate gets no byte of a request. Another gate plays it.
#[test]
fn an_upstream_that_is_not_the_one_that_was_meant() {
    let (ours, other) = (Authority::new(), Authority::new());
    let folder = tempfile::tempdir().unwrap();
    let authorities = folder.path().join("ca.pem");
    crate::support::private_file(&authorities, &ours.certificate);
    let behind = Upstream::ok();
    for (issued, reached) in [
        (Some(ours.issue(&["localhost"])), true),
        (Some(other.issue(&["localhost"])), false),
        (Some(ours.issue(&["s3.test"])), false),
        (Some(ours.issue_until(&["localhost"], 2025)), false),
        (None, false),
    ] {
        let mut store = Config::resign(behind.endpoint());
        if let Some(issued) = &issued {
            let [chain, key] = issued.write(folder.path(), "store");
            let (chain, key) = (chain.display(), key.display());
            store = store.listener(format!("tls: {{ certificate: {chain}, private_key: {key} }}"));
        }
        let store = Gate::start(&store);
        let endpoint = format!("https://localhost:{}", store.address().port());
        let mut config = Config::resign(endpoint);
        config.credentials = format!("{}\n    ca: {}", config.credentials, authorities.display());
        let gate = Gate::start(&config);
        if reached {
            // the store does not know the key that the gate signs with, and says so
            gate.ask("GET", &get()).assert_error(403, "InvalidAccessKeyId");
        } else {
            assert_failure(&gate);
        }
        let seen = || store.metric("presign_gate_denied_total", &["reason=\"unknown_key\""]) > 0.5;
        if reached {
            poll("the refusal to be counted", || seen().then_some(()));
        } else {
            assert!(!seen());
        }
    }
    behind.assert_untouched();
}

/// A fault of the upstream, and what the client, the metrics and the upstream show of it.
struct Fault {
    reply: Reply,
    status: u16,
    code: &'static str,
    reason: &'static str,
}

#[test]
fn each_fault_has_its_answer_and_its_reason() {
    let head = |lines: &[(&str, &str)]| reply::head("200 OK", lines);
    let silent = Latch::default();
    let faults = [
        // accepts and says nothing
        Fault {
            reply: vec![Step::ReadBody, Step::Wait(silent.clone())],
            status: 504,
            code: "GatewayTimeout",
            reason: "upstream_timeout",
        },
        // dies before a byte
        Fault {
            reply: vec![Step::ReadBody, Step::Close],
            status: 502,
            code: "BadGateway",
            reason: "upstream_protocol",
        },
        // dies in the head
        Fault {
            reply: vec![Step::ReadBody, Step::Send(b"HTTP/1.1 200 OK\r\nContent-Le".to_vec()), Step::Close],
            status: 502,
            code: "BadGateway",
            reason: "upstream_protocol",
        },
        // says that it will answer, again and again, and stops
        Fault {
            reply: vec![
                Step::ReadBody,
                Step::Send(b"HTTP/1.1 102 Processing\r\n\r\n".repeat(50)),
                Step::Close,
            ],
            status: 502,
            code: "BadGateway",
            reason: "upstream_protocol",
        },
        // a length that is none
        Fault {
            reply: vec![Step::ReadBody, Step::Send(head(&[("Content-Length", "1x")])), Step::Close],
            status: 502,
            code: "BadGateway",
            reason: "upstream_protocol",
        },
    ];
    for Fault { reply, status, code, reason } in faults {
        let upstream = Upstream::always(reply);
        let mut config = Config::resign(upstream.endpoint());
        config.credentials.push_str("\n    timeouts: { read: 300ms }");
        let gate = Gate::start(&config);
        gate.ask("GET", &get()).assert_error(status, code);
        poll("the failure to be counted", || {
            (gate.metric("presign_gate_denied_total", &[&format!("reason=\"{reason}\"")]) >= 1.0)
                .then_some(())
        });
        // a request that was sent is not sent again
        assert_eq!(upstream.recording().requests.len(), 1, "{reason}");
        assert_eq!(gate.metric("presign_gate_upstream_retries_total", &[]).to_bits(), 0.0_f64.to_bits());
        poll("the request to be counted", || {
            (gate.metric("presign_gate_upstream_requests_total", &["status_class=\"none\""]) >= 1.0)
                .then_some(())
        });
    }
    silent.open();
}

#[test]
fn answers_of_a_store_in_trouble_are_passed_on() {
    let slow_down = "<Error><Code>SlowDown</Code></Error>";
    let upstream = Upstream::always(reply::status("503 Slow Down", &[("Retry-After", "1")], slow_down));
    let gate = Gate::start(&Config::resign(upstream.endpoint()));
    for _ in 0..20 {
        let answer = gate.ask("GET", &get());
        assert_eq!((answer.status, answer.text().as_str()), (503, slow_down));
        assert_eq!(answer.headers.get("retry-after"), Some("1"));
    }
    // the client decides when to try again, and the store is not taken for dead
    assert_eq!(upstream.recording().requests.len(), 20);
    assert!(gate.metric("presign_gate_upstream_endpoints", &["state=\"up\""]) > 0.5);
    poll("the answers to be counted", || {
        (gate.metric("presign_gate_upstream_requests_total", &["status_class=\"5xx\""]) >= 20.0).then_some(())
    });
}

#[test]
fn an_answer_in_single_bytes_is_the_same_answer() {
    let bytes = reply::message("200 OK", &[("ETag", "\"abc\"")], b"drop by drop");
    let mut steps = vec![Step::ReadBody];
    steps.extend(bytes.iter().map(|byte| Step::Send(vec![*byte])));
    let upstream = Upstream::always(steps);
    let gate = Gate::start(&Config::resign(upstream.endpoint()));
    let mut client = Client::connect(gate.address());
    for _ in 0..2 {
        client.send(&get());
        assert_eq!(client.response("GET").text(), "drop by drop");
    }
    assert_eq!(upstream.recording().wire.len(), 1);
}

#[test]
fn a_pooled_connection_that_died_is_made_up_for() {
    // each connection answers once and closes without saying so
    let upstream = Upstream::always(reply::raw_then_close(reply::message("200 OK", &[], b"ok")));
    let gate = Gate::start(&Config::resign(upstream.endpoint()));
    let mut client = Client::connect(gate.address());
    for _ in 0..10 {
        client.send(&get());
        assert_eq!(client.response("GET").status, 200);
        client.send(&Request::put("/bkt/key.txt", b"body").presigned());
        match client.try_response("PUT") {
            Ok(answer) => assert!(matches!(answer.status, 200 | 502), "{}", answer.status),
            Err(broken) => panic!("{broken:?}"),
        }
        client = Client::connect(gate.address());
    }
    let seen = upstream.recording();
    let puts = seen.requests.iter().filter(|request| request.method == "PUT").count();
    assert!(puts <= 10, "{puts} uploads reached the upstream for 10 of clients");
}
