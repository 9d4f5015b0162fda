//! Cross-origin rules end to end: preflights never reach the upstream, and every answer tells the page what it may see.
//! It must not hold the rules themselves: they are tested beside the code.

use crate::support::client::Response;
use crate::support::config::Config;
use crate::support::form::Form;
use crate::support::gate::Gate;
use crate::support::reply;
use crate::support::request::Request;
use crate::support::upstream::Upstream;

const RULES: &str = r#"cors: [{ origins: ["https://app.example"], methods: [GET, PUT, POST], headers: ["*"], expose: [ETag], max_age: 1h }]"#;

fn start(bucket: &[&str]) -> (Upstream, Gate) {
    let answer =
        reply::status("200 OK", &[("Access-Control-Allow-Origin", "https://upstream.example")], "ok");
    let upstream = Upstream::always(answer);
    let config = bucket.iter().fold(Config::resign(upstream.endpoint()), |config, key| config.bucket(key));
    let gate = Gate::start(&config);
    (upstream, gate)
}

fn preflight(path: &str, origin: &str) -> Vec<u8> {
    Request::new("OPTIONS", path)
        .unsigned("Origin", origin)
        .unsigned("Access-Control-Request-Method", "PUT")
        .unsigned("Access-Control-Request-Headers", "Content-Type,x-amz-acl")
        .bytes(path, &[])
}

/// The origin that may see an answer.
fn allowed(answer: &Response) -> Option<&str> {
    let mut found = answer.headers.all("access-control-allow-origin");
    let first = found.next();
    assert_eq!(found.next(), None);
    first
}

#[test]
fn preflights_are_answered_from_the_rules() {
    let (upstream, gate) = start(&[RULES]);
    let link = Request::put("/bkt/k", b"").presigned_target();
    for path in ["/bkt/k", "/bkt", link.as_str()] {
        let answer = gate.ask("OPTIONS", &preflight(path, "https://app.example"));
        assert_eq!((answer.status, answer.text().as_str()), (200, ""));
        assert_eq!(allowed(&answer), Some("https://app.example"));
        for (name, value) in [
            ("access-control-allow-methods", "GET, PUT, POST"),
            ("access-control-allow-headers", "content-type, x-amz-acl"),
            ("access-control-expose-headers", "ETag"),
            ("access-control-max-age", "3600"),
            ("access-control-allow-credentials", "true"),
            ("vary", "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"),
        ] {
            assert_eq!(answer.headers.get(name), Some(value), "{name}");
        }
    }
    // a bucket without rules and one that is not there look the same
    let told: Vec<_> = ["/bkt/k", "/other/k", "/nobody-has-this"]
        .iter()
        .map(|path| {
            let (_, without) = start(&[]);
            let answer = without.ask("OPTIONS", &preflight(path, "https://app.example"));
            answer.assert_error(403, "AccessForbidden");
            assert_eq!(allowed(&answer), None);
            answer.element("Message")
        })
        .collect();
    assert!(told.iter().all(|message| *message == told[0]), "{told:?}");
    let answer = gate.ask("OPTIONS", &preflight("/bkt/k", "https://evil.example"));
    answer.assert_error(403, "AccessForbidden");
    assert_eq!(allowed(&answer), None);
    upstream.assert_untouched();
    // what is no preflight is an operation like every other, and S3 has none
    let bare = Request::new("OPTIONS", "/bkt/k");
    assert_eq!(gate.ask("OPTIONS", &bare.bytes("/bkt/k", &[])).status, 403);
    assert_eq!(gate.ask("OPTIONS", &bare.presigned()).status, 405);
    upstream.assert_untouched();
}

#[test]
fn the_connection_goes_on_behind_a_preflight() {
    let (_upstream, gate) = start(&[RULES]);
    let mut client = crate::support::client::Client::connect(gate.address());
    client.send(&preflight("/bkt/k", "https://app.example"));
    assert_eq!(client.response("OPTIONS").status, 200);
    client.send(&Request::get("/bkt/k").presigned());
    assert_eq!(client.response("GET").status, 200);
}

#[test]
fn every_answer_tells_the_page() {
    let (_upstream, gate) = start(&[RULES]);
    let from = |origin: &str| Request::get("/bkt/k").unsigned("Origin", origin);
    let answer = gate.ask("GET", &from("https://app.example").presigned());
    assert_eq!((answer.status, allowed(&answer)), (200, Some("https://app.example")));
    // refusals too, whatever the reason
    for bytes in [
        from("https://app.example").expires("0").at(-60).presigned(),
        from("https://app.example").bytes("/bkt/k", &[]),
    ] {
        let answer = gate.ask("GET", &bytes);
        answer.assert_error(403, "AccessDenied");
        assert_eq!(allowed(&answer), Some("https://app.example"));
    }
    let form = Form { expires: -1, ..Form::new("k", b"x") }.line("Origin", "https://app.example");
    let answer = gate.ask("POST", &form.bytes());
    answer.assert_error(403, "AccessDenied");
    assert_eq!(allowed(&answer), Some("https://app.example"));
    let answer = gate.ask("POST", &Form::new("k", b"x").line("Origin", "https://app.example").bytes());
    assert_eq!((answer.status, allowed(&answer)), (204, Some("https://app.example")));
    // what the upstream says to other pages does not count
    let answer = gate.ask("GET", &from("https://evil.example").presigned());
    assert_eq!((answer.status, allowed(&answer)), (200, None));
    let answer = gate.ask("GET", &Request::get("/bkt/k").presigned());
    assert_eq!((answer.status, allowed(&answer)), (200, None));
    // without rules the upstream has the word
    let (_upstream, gate) = start(&[]);
    let answer = gate.ask("GET", &from("https://evil.example").presigned());
    assert_eq!((answer.status, allowed(&answer)), (200, Some("https://upstream.example")));
}

#[test]
fn head_for_get_is_for_links_alone() {
    let link = Request::get("/bkt/k").presigned_target();
    let head = |target: &str| Request::new("HEAD", "/bkt/k").bytes(target, &[]);
    let (upstream, gate) = start(&[]);
    assert_eq!(gate.ask("HEAD", &head(&link)).status, 403);
    upstream.assert_untouched();
    let (upstream, gate) = start(&["head_for_get: true"]);
    assert_eq!(gate.ask("HEAD", &head(&link)).status, 200);
    assert_eq!(upstream.only_request().method, "HEAD");
    // nothing else is widened
    let (upstream, gate) = start(&["head_for_get: true"]);
    for method in ["PUT", "DELETE", "POST"] {
        assert_eq!(
            gate.ask(method, &Request::new(method, "/bkt/k").bytes(&link, &[])).status,
            403,
            "{method}"
        );
    }
    let put = Request::new("PUT", "/bkt/k").presigned_target();
    assert_eq!(gate.ask("HEAD", &head(&put)).status, 403);
    let header = String::from_utf8(Request::get("/bkt/k").authorized()).unwrap().replace("GET ", "HEAD ");
    assert_eq!(gate.ask("HEAD", header.as_bytes()).status, 403);
    let other = link.replace("/bkt/k?", "/bkt/other?");
    assert_eq!(gate.ask("HEAD", &head(&other)).status, 403);
    upstream.assert_untouched();
}
