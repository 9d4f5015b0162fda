//! Spans: what a collector gets for requests that are served, refused and broken off, and what happens without one.
//! It must not test how ids are read; that has a table beside the code.

use crate::support::client::Client;
use crate::support::config::Config;
use crate::support::form::Form;
use crate::support::gate::{Gate, poll};
use crate::support::ports;
use crate::support::reply;
use crate::support::request::Request;
use crate::support::sigv4::{MAIN, STRANGER, UPSTREAM};
use crate::support::time::{Deadline, PATIENCE};
use crate::support::upstream::Upstream;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use prost::Message as _;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

fn parent(flags: &str) -> String {
    format!("00-{TRACE}-{CALLER}-{flags}")
}

fn hex(bytes: &[u8]) -> String {
    crate::support::sigv4::hex(bytes)
}

/// A collector that takes everything.
fn collector() -> Upstream {
    Upstream::always(reply::status("200 OK", &[], ""))
}

fn config(upstream: &Upstream, collector: &str, more: &str) -> Config {
    Config::resign(upstream.endpoint()).more(&format!("tracing: {{ otlp: \"{collector}\"{more} }}"))
}

/// Every span that the collector has.
fn spans(collector: &Upstream) -> Vec<Span> {
    let seen = collector.recording();
    let whole = seen.requests.iter().filter(|request| request.complete);
    whole
        .flat_map(|request| {
            assert_eq!((request.method.as_str(), request.path()), ("POST", "/v1/traces"));
            assert_eq!(request.headers.get("content-type"), Some("application/x-protobuf"));
            ExportTraceServiceRequest::decode(&request.body[..]).unwrap().resource_spans
        })
        .flat_map(|resource| resource.scope_spans)
        .flat_map(|scope| scope.spans)
        .collect()
}

/// An attribute as text.
fn attribute(span: &Span, name: &str) -> String {
    let found = span.attributes.iter().find(|attribute| attribute.key == name);
    match found.and_then(|attribute| attribute.value.clone()?.value) {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        _ => String::new(),
    }
}

/// The root of a trace and its parts by name, once the collector has them.
#[track_caller]
fn tree(collector: &Upstream, root: impl Fn(&Span) -> bool, parts: &[&str]) -> (Span, Vec<Span>) {
    poll("the spans of a request", || {
        let all = spans(collector);
        let root = all.iter().find(|span| span.kind() == SpanKind::Server && root(span))?.clone();
        let inside = |span: &&Span| span.trace_id == root.trace_id && span.parent_span_id == root.span_id;
        let mut found: Vec<Span> = all.iter().filter(inside).cloned().collect();
        found.sort_by_key(|span| span.start_time_unix_nano);
        let names: Vec<_> = found.iter().map(|span| span.name.as_str()).collect();
        assert_eq!(names, parts, "of {root:?}");
        for span in found.iter().chain([&root]) {
            assert!(span.start_time_unix_nano >= root.start_time_unix_nano, "{span:?}");
            assert!(span.end_time_unix_nano <= root.end_time_unix_nano + 1, "{span:?}");
            assert!(span.end_time_unix_nano >= span.start_time_unix_nano, "{span:?}");
        }
        Some((root, found))
    })
}

#[test]
fn a_served_request_and_who_called() {
    let (upstream, collector) = (Upstream::ok(), collector());
    let gate = Gate::start(&config(&upstream, &collector.endpoint(), ""));
    let request =
        Request::get("/bkt/key").unsigned("traceparent", &parent("01")).unsigned("User-Agent", "me");
    assert_eq!(gate.ask("GET", &request.presigned()).status, 200);
    let (root, parts) = tree(&collector, |_| true, &["auth", "policy", "S3.GetObject"]);
    assert_eq!((hex(&root.trace_id), hex(&root.parent_span_id)), (TRACE.into(), CALLER.into()));
    for (name, value) in [
        ("http.request.method", "GET"),
        ("http.response.status_code", "200"),
        ("url.path", "/bkt/key"),
        ("url.scheme", "http"),
        ("server.address", "s3.test"),
        ("client.address", "127.0.0.1"),
        ("user_agent.original", "me"),
        ("network.protocol.version", "1.1"),
        ("aws.s3.bucket", "bkt"),
        ("presign_gate.decision", "allow"),
        ("presign_gate.reason", ""),
        ("error.type", ""),
    ] {
        assert_eq!(attribute(&root, name), value, "{name}");
    }
    assert_eq!((root.name.as_str(), root.status), ("GET GetObject", None));
    assert_eq!(attribute(&parts[0], "presign_gate.auth.scheme"), "query_v4");
    let store = &parts[2];
    assert_eq!((store.kind(), attribute(store, "rpc.method")), (SpanKind::Client, "GetObject".into()));
    // the store is told which span called it, by a header that nobody signed
    let got = upstream.only_request();
    let told = format!("00-{TRACE}-{}-01", hex(&store.span_id));
    assert_eq!(got.headers.get("traceparent"), Some(told.as_str()));
    assert!(!got.headers.get("authorization").unwrap().contains("traceparent"));
}

#[test]
fn a_caller_that_a_client_has_signed_goes_on_as_it_came() {
    let (upstream, collector) = (Upstream::ok(), collector());
    let config = Config {
        credentials: "{ passthrough: true }".to_owned(),
        ..config(&upstream, &collector.endpoint(), "")
    };
    let gate = Gate::start(&config);
    let request = Request::get("/bkt/key").signed("traceparent", &parent("01"));
    assert_eq!(gate.ask("GET", &request.presigned()).status, 200);
    let got = upstream.only_request();
    assert_eq!(got.headers.all("traceparent").collect::<Vec<_>>(), [parent("01")]);
}

#[test]
fn refused_and_broken_off() {
    let (upstream, collector) = (Upstream::ok(), collector());
    let gate = Gate::start(&config(&upstream, &collector.endpoint(), ""));
    gate.ask("GET", &Request::get("/bkt/unknown").key(STRANGER).presigned());
    let at = |path: &'static str| move |span: &Span| attribute(span, "url.path") == path;
    let (root, parts) = tree(&collector, at("/bkt/unknown"), &["auth"]);
    assert_eq!(attribute(&root, "presign_gate.reason"), "unknown_key");
    assert_eq!(attribute(&parts[0], "presign_gate.reason"), "unknown_key");
    // what a client does wrong is no error of the server
    assert_eq!((root.status, root.parent_span_id.len()), (None, 0));

    gate.ask("GET", &Request::get("/other/denied").presigned());
    let (root, parts) = tree(&collector, at("/other/denied"), &["auth", "policy"]);
    assert_eq!(attribute(&root, "presign_gate.decision"), "deny");
    assert_eq!(attribute(&parts[1], "presign_gate.reason"), "implicit_deny");

    gate.ask("GET", &Request::get("/bkt/used").query("x-gate-max-uses", "1").presigned());
    tree(&collector, at("/bkt/used"), &["auth", "policy", "link state", "S3.GetObject"]);

    // a body larger than what is judged before the store hears of it, and half of it
    let body = vec![b'x'; 200_000];
    let bytes = Request::put("/bkt/torn", &body).presigned();
    let mut client = Client::connect(gate.address());
    client.send(&bytes[..bytes.len() - 100_000]);
    drop(client);
    let (root, parts) = tree(&collector, at("/bkt/torn"), &["auth", "policy", "S3.PutObject"]);
    assert_eq!(attribute(&root, "error.type"), "client_aborted");
    assert_eq!((root.status.unwrap().code, parts[2].status.clone().unwrap().code), (2, 2));
}

#[test]
fn forms_have_the_spans_of_the_upload_that_they_are() {
    let (upstream, collector) = (Upstream::ok(), collector());
    let gate = Gate::start(&config(&upstream, &collector.endpoint(), ""));
    let by_reason = |reason: &'static str| {
        move |span: &Span| span.name.starts_with("POST") && attribute(span, "presign_gate.reason") == reason
    };
    assert_eq!(gate.ask("POST", &Form::new("user/a", b"hello").bytes()).status, 204);
    let (root, parts) = tree(&collector, by_reason(""), &["auth", "policy", "S3.PostObject"]);
    assert_eq!(
        (root.name.as_str(), attribute(&root, "presign_gate.decision")),
        ("POST PostObject", "allow".into())
    );
    assert!(!attribute(&parts[0], "presign_gate.auth.scheme").is_empty());

    let limited = Form::new("user/a", b"hello").field("x-gate-max-uses", "1");
    assert_eq!(gate.ask("POST", &limited.line("User-Agent", "limited").bytes()).status, 204);
    let agent = |span: &Span| attribute(span, "user_agent.original") == "limited";
    tree(&collector, agent, &["auth", "policy", "link state", "S3.PostObject"]);

    let stranger = Form { key: STRANGER, ..Form::new("user/a", b"hello") };
    assert_eq!(gate.ask("POST", &stranger.bytes()).status, 403);
    let (_, parts) = tree(&collector, by_reason("unknown_key"), &["auth"]);
    assert_eq!(attribute(&parts[0], "presign_gate.reason"), "unknown_key");

    let elsewhere = Form {
        path: "/other".to_owned(),
        conditions: vec![r#"{"bucket": "other"}"#.to_owned(), r#"["starts-with", "$key", ""]"#.to_owned()],
        ..Form::new("user/a", b"hello")
    };
    assert_eq!(gate.ask("POST", &elsewhere.bytes()).status, 403);
    let (_, parts) = tree(&collector, by_reason("implicit_deny"), &["auth", "policy"]);
    assert_eq!(attribute(&parts[1], "presign_gate.reason"), "implicit_deny");
}

#[test]
fn callers_and_the_config_say_what_is_followed() {
    let (upstream, collector) = (Upstream::ok(), collector());
    let mut gate = Gate::start(&config(&upstream, &collector.endpoint(), ", sample: 0"));
    let ask = |path: &str, line: Option<&str>| {
        let request = Request::get(path);
        let request = match line {
            Some(line) => request.unsigned("traceparent", line),
            None => request,
        };
        assert_eq!(gate.ask("GET", &request.presigned()).status, 200);
    };
    ask("/bkt/nobody", None);
    ask("/bkt/not", Some(&parent("00")));
    ask("/bkt/malformed", Some(&parent("01").to_ascii_uppercase()));
    ask("/bkt/followed", Some(&parent("01")));
    // the last batch is sent before the process ends
    gate.process().signal("TERM");
    assert_eq!(gate.process().wait().code(), Some(0));
    let roots: Vec<_> =
        spans(&collector).into_iter().filter(|span| span.kind() == SpanKind::Server).collect();
    let paths: Vec<_> = roots.iter().map(|span| attribute(span, "url.path")).collect();
    assert_eq!(paths, ["/bkt/followed"]);
}

#[test]
fn nothing_that_is_sent_opens_a_door() {
    let (upstream, collector) = (Upstream::ok(), collector());
    let mut gate = Gate::start(&config(&upstream, &collector.endpoint(), ""));
    let target = Request::get("/bkt/key").presigned_target();
    let signature = target.split("X-Amz-Signature=").nth(1).unwrap().to_owned();
    for line in [
        format!(
            "GET {target} HTTP/1.1\r\nHost: s3.test\r\nUser-Agent: {target}\r\nReferer: {target}\r\n\r\n"
        ),
        format!("GET {} HTTP/1.1\r\nHost: s3.test\r\n\r\n", target.replace('?', "%3F")),
        format!("GET {target}&acl= HTTP/1.1\r\nHost: s3.test\r\n\r\n"),
    ] {
        gate.ask("GET", line.as_bytes());
    }
    gate.process().signal("TERM");
    assert_eq!(gate.process().wait().code(), Some(0));
    assert!(spans(&collector).len() >= 3);
    for request in &collector.recording().requests {
        let sent = String::from_utf8_lossy(&request.body);
        for secret in [signature.as_str(), MAIN.secret, UPSTREAM.secret] {
            assert!(!sent.contains(secret), "{sent}");
        }
    }
}

#[test]
fn a_collector_that_is_down_slows_nobody() {
    let upstream = Upstream::ok();
    let nobody = ports::reserve();
    let gate = Gate::start(&config(&upstream, &format!("http://{}", nobody.address), ""));
    let deadline = Deadline::after(PATIENCE);
    for _ in 0..200 {
        assert_eq!(gate.ask("GET", &Request::get("/bkt/key").presigned()).status, 200);
    }
    assert!(!deadline.passed());
    poll("lost spans to be counted", || {
        (gate.metric("presign_gate_trace_spans_dropped_total", &[]) >= 4.0).then_some(())
    });
    poll("a word about it", || gate.messages().contains("cannot send spans to").then_some(()));
    // it is told once, not for each batch
    assert_eq!(gate.messages().matches("cannot send spans").count(), 1);
}

#[test]
fn a_collector_that_comes_back_gets_what_is_new() {
    let upstream = Upstream::ok();
    let collector = Upstream::scripted({
        let count = std::sync::atomic::AtomicUsize::new(0);
        move |_| match count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
            0 => reply::status("503 Service Unavailable", &[], ""),
            _ => reply::status("200 OK", &[], ""),
        }
    });
    let gate = Gate::start(&config(&upstream, &collector.endpoint(), ""));
    assert_eq!(gate.ask("GET", &Request::get("/bkt/key").presigned()).status, 200);
    // sent again, not lost
    poll("the batch to be sent again", || (collector.recording().requests.len() >= 2).then_some(()));
    assert!(gate.metric("presign_gate_trace_spans_dropped_total", &[]) < 0.1);
}
