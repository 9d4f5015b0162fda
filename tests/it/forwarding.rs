//! What reaches the upstream for a request that may pass, and what comes back: to the byte.
//! It must not look at decisions; requests here are all allowed.

use crate::support::client::Client;
use crate::support::config::Config;
use crate::support::gate::Gate;
use crate::support::message::Framing;
use crate::support::pattern;
use crate::support::reply;
use crate::support::request::Request;
use crate::support::sigv4::{TEMPORARY, UPSTREAM, assert_signed_by};
use crate::support::upstream::Upstream;

fn resigning() -> (Upstream, Gate) {
    let upstream = Upstream::ok();
    let gate = Gate::start(&Config::resign(upstream.endpoint()));
    (upstream, gate)
}

/// The query pairs in a fixed order, since a re-signed query may be sorted.
fn pairs(query: &str) -> Vec<&str> {
    let mut pairs: Vec<_> = query.split('&').filter(|pair| !pair.is_empty()).collect();
    pairs.sort_unstable();
    pairs
}

#[test]
fn a_re_signed_path_is_the_canonical_form_of_what_was_signed() {
    let cases = [
        ("/bkt/key.txt", "/bkt/key.txt"),
        ("/bkt/a%20b", "/bkt/a%20b"),
        ("/bkt/%C3%BC", "/bkt/%C3%BC"),
        ("/bkt/a+b", "/bkt/a%2Bb"),
        ("/bkt/a%2Bb", "/bkt/a%2Bb"),
        ("/bkt/%41~(x)", "/bkt/A~%28x%29"),
        ("/bkt/a%2Fb", "/bkt/a/b"),
        ("/bkt//a///b/", "/bkt//a///b/"),
        ("/bkt/..a/b..", "/bkt/..a/b.."),
        ("/bkt/a/../b", "/bkt/a/../b"),
        ("/bkt/a'\"b", "/bkt/a%27%22b"),
        ("/bkt/100%25", "/bkt/100%25"),
    ];
    let (upstream, gate) = resigning();
    for (sent, expected) in cases {
        for bytes in [Request::get(sent).presigned(), Request::get(sent).authorized()] {
            let answer = gate.ask("GET", &bytes);
            assert_eq!((answer.status, answer.text().as_str()), (200, "ok"), "{sent}");
        }
        let seen = upstream.recording();
        for request in &seen.requests[seen.requests.len() - 2..] {
            assert_eq!(request.target, expected);
            assert_signed_by(request, UPSTREAM, "us-east-1");
        }
    }
}

#[test]
fn parameters_of_the_operation_arrive_and_those_of_the_signature_do_not() {
    let (upstream, gate) = resigning();
    let request = Request::get("/bkt/key.txt")
        .key(TEMPORARY)
        .query("versionId", "a/b+c =")
        .query("response-content-type", "text/html; charset=\"utf-8\"")
        .query("x-note", "");
    assert_eq!(gate.ask("GET", &request.presigned()).status, 200);
    let seen = upstream.only_request();
    assert_eq!(seen.path(), "/bkt/key.txt");
    assert_eq!(
        pairs(seen.query()),
        [
            "response-content-type=text%2Fhtml%3B%20charset%3D%22utf-8%22",
            "versionId=a%2Fb%2Bc%20%3D",
            "x-note="
        ]
    );
    assert_signed_by(&seen, UPSTREAM, "us-east-1");
}

#[test]
fn nothing_of_the_clients_credentials_reaches_the_upstream() {
    let (upstream, gate) = resigning();
    let request = Request::get("/bkt/key.txt").key(TEMPORARY);
    let (presigned, authorized) = (request.presigned(), request.authorized());
    assert_eq!(gate.ask("GET", &presigned).status, 200);
    assert_eq!(gate.ask("GET", &authorized).status, 200);
    let seen = upstream.wait(|seen| seen.requests.iter().filter(|request| request.complete).count() == 2);
    let wire = String::from_utf8(seen.wire.concat()).unwrap().to_ascii_lowercase();
    for secret in
        [TEMPORARY.id, "tok/en", "tok%2fen", "x-amz-security-token", "x-amz-signature", "x-amz-expires"]
    {
        assert!(!wire.contains(&secret.to_ascii_lowercase()), "the upstream saw `{secret}`:\n{wire}");
    }
}

#[test]
fn the_upstream_is_addressed_by_its_own_name_and_bucket() {
    let upstream = Upstream::ok();
    let mut config = Config::resign(upstream.endpoint());
    config.upstream_bucket = Some("prod-reports");
    config.region = "eu-west-1";
    let gate = Gate::start(&config);
    for (host, path) in
        [("s3.test", "/bkt/dir/key"), ("bkt.s3.test", "/dir/key"), ("bkt.s3.test:8443", "/dir/key")]
    {
        assert_eq!(gate.ask("GET", &Request::get(path).host(host).presigned()).status, 200, "{host}");
    }
    for request in &upstream.wait(|seen| seen.requests.len() == 3).requests {
        assert_eq!(request.target, "/prod-reports/dir/key");
        assert_eq!(request.headers.get("host"), Some(upstream.address.to_string().as_str()));
        assert_signed_by(request, UPSTREAM, "eu-west-1");
    }
}

#[test]
fn hop_by_hop_and_foreign_headers_stay_here() {
    let (upstream, gate) = resigning();
    let foreign = [
        ("Keep-Alive", "timeout=5"),
        ("TE", "trailers"),
        ("Upgrade", "h2c"),
        ("HTTP2-Settings", "AAMAAABkAARAAAAAAAIAAAAA"),
        ("Proxy-Authorization", "Basic YTpi"),
        ("Cookie", "sid=1"),
        ("Referer", "https://app.example/?X-Amz-Signature=abc"),
        ("X-Forwarded-For", "10.0.0.1"),
        ("X-Forwarded-Host", "evil.example"),
        ("Forwarded", "for=10.0.0.1"),
    ];
    let mut request =
        Request::get("/bkt/key.txt").unsigned("Connection", "keep-alive, TE, Upgrade, HTTP2-Settings");
    for (name, value) in foreign {
        request = request.unsigned(name, value);
    }
    assert_eq!(gate.ask("GET", &request.presigned()).status, 200);
    let seen = upstream.only_request();
    for (name, _) in foreign {
        assert!(!seen.headers.has(name), "the upstream saw `{name}`");
    }
    for option in seen.headers.all("connection") {
        assert!(option.eq_ignore_ascii_case("keep-alive"), "the upstream saw `Connection: {option}`");
    }
}

#[test]
fn headers_of_the_operation_arrive() {
    let (upstream, gate) = resigning();
    let headers = [
        ("x-amz-meta-name", "a  b"),
        ("x-amz-storage-class", "STANDARD_IA"),
        ("Content-Type", "text/plain"),
        ("Cache-Control", "max-age=60"),
        ("Content-Disposition", "attachment; filename=\"a;b\""),
        ("Content-MD5", "hBotaJrYa9FhFEdFPCLG/A=="),
        ("If-None-Match", "*"),
    ];
    let mut request = Request::put("/bkt/key.txt", b"body");
    for (name, value) in headers {
        request = request.signed(name, value);
    }
    assert_eq!(gate.ask("PUT", &request.presigned()).status, 200);
    let seen = upstream.only_request();
    for (name, value) in headers {
        assert_eq!(seen.headers.get(name), Some(value), "{name}");
    }
    assert_eq!(seen.body, b"body");
    assert_signed_by(&seen, UPSTREAM, "us-east-1");
}

#[test]
fn conditions_and_ranges_pass_and_so_do_their_answers() {
    for (header, value, answer, status) in [
        (
            "Range",
            "bytes=0-1",
            reply::status("206 Partial Content", &[("Content-Range", "bytes 0-1/9")], "ok"),
            206,
        ),
        ("If-None-Match", "\"abc\"", reply::bare("304 Not Modified", &[("ETag", "\"abc\"")]), 304),
        ("If-Match", "\"x\"", reply::status("412 Precondition Failed", &[], "<Error/>"), 412),
        ("If-Modified-Since", "Wed, 21 Oct 2015 07:28:00 GMT", reply::ok("ok"), 200),
    ] {
        let upstream = Upstream::always(answer);
        let gate = Gate::start(&Config::resign(upstream.endpoint()));
        let bytes = Request::get("/bkt/key.txt").unsigned(header, value).presigned();
        let mut client = Client::connect(gate.address());
        for _ in 0..2 {
            // twice on one connection: a 304 must not leave a body to wait for
            client.send(&bytes);
            assert_eq!(client.response("GET").status, status, "{header}");
        }
        for request in &upstream.wait(|seen| seen.requests.len() == 2).requests {
            assert_eq!(request.headers.get(header), Some(value));
        }
    }
}

#[test]
fn head_gets_headers_and_no_body() {
    let (upstream, gate) = resigning();
    let mut client = Client::connect(gate.address());
    let bytes = Request::new("HEAD", "/bkt/key.txt").presigned();
    for _ in 0..2 {
        client.send(&bytes);
        let answer = client.response("HEAD");
        assert_eq!((answer.status, answer.headers.get("content-length")), (200, Some("2")));
        assert_eq!(answer.headers.get("etag"), Some("\"abc\""));
    }
    assert!(
        upstream
            .wait(|seen| seen.requests.len() == 2)
            .requests
            .iter()
            .all(|request| request.method == "HEAD")
    );
}

#[test]
fn deletions_have_no_body_either_way() {
    let upstream = Upstream::always(reply::bare("204 No Content", &[("x-amz-delete-marker", "true")]));
    let gate = Gate::start(&Config::resign(upstream.endpoint()));
    let answer = gate.ask("DELETE", &Request::new("DELETE", "/bkt/key.txt").presigned());
    assert_eq!((answer.status, answer.headers.get("x-amz-delete-marker")), (204, Some("true")));
    assert_eq!(upstream.only_request().framing, Framing::None);
}

#[test]
fn uploads_arrive_whole_in_either_framing() {
    let body = pattern::bytes(700_000);
    let pieces: Vec<&[u8]> = body.chunks(65_537).collect();
    for request in [
        Request::put("/bkt/key.txt", &body),
        Request::put("/bkt/key.txt", b""),
        Request::put("/bkt/key.txt", b"x"),
        Request::new("PUT", "/bkt/key.txt").chunked(&pieces),
    ] {
        let (upstream, gate) = resigning();
        let expected: &[u8] = if request.body.len() < 2 { &request.body } else { &body };
        assert_eq!(gate.ask("PUT", &request.presigned()).status, 200);
        let seen = upstream.only_request();
        assert!(seen.body == expected, "{} bytes of {}", seen.body.len(), expected.len());
    }
}

#[test]
fn downloads_arrive_whole_in_every_framing() {
    for (answer, expected) in [
        (reply::ok("ok"), "ok"),
        (reply::ok(""), ""),
        (reply::chunked(&["one", "two", "three"]), "onetwothree"),
        (reply::chunked(&[]), ""),
        (reply::until_close("to the end"), "to the end"),
    ] {
        let upstream = Upstream::always(answer);
        let gate = Gate::start(&Config::resign(upstream.endpoint()));
        let answer = gate.ask("GET", &Request::get("/bkt/key.txt").presigned());
        assert_eq!((answer.status, answer.text().as_str()), (200, expected));
    }
}

#[test]
fn answers_keep_their_headers_but_for_those_of_the_connection() {
    let headers = [
        ("ETag", "\"abc\""),
        ("Last-Modified", "Wed, 21 Oct 2015 07:28:00 GMT"),
        ("x-amz-meta-a", "b"),
        ("x-amz-version-id", "null"),
        ("Content-Type", "text/plain"),
        ("Accept-Ranges", "bytes"),
        ("Keep-Alive", "timeout=5"),
        ("Proxy-Authenticate", "Basic"),
    ];
    let upstream = Upstream::always(reply::status("200 OK", &headers, "ok"));
    let gate = Gate::start(&Config::resign(upstream.endpoint()));
    let answer = gate.ask("GET", &Request::get("/bkt/key.txt").presigned());
    for (name, value) in &headers[..6] {
        assert_eq!(answer.headers.get(name), Some(*value), "{name}");
    }
    for (name, _) in &headers[6..] {
        assert!(!answer.headers.has(name), "{name}");
    }
}

#[test]
fn redirects_and_errors_of_the_upstream_pass_unchanged() {
    let error = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>NoSuchKey</Code></Error>";
    let location = "http://127.0.0.1:1/elsewhere";
    for (status, code) in [
        ("307 Temporary Redirect", 307),
        ("301 Moved Permanently", 301),
        ("404 Not Found", 404),
        ("503 Slow Down", 503),
    ] {
        let upstream = Upstream::always(reply::status(
            status,
            &[("Location", location), ("Content-Type", "application/xml")],
            error,
        ));
        let gate = Gate::start(&Config::resign(upstream.endpoint()));
        let answer = gate.ask("GET", &Request::get("/bkt/key.txt").presigned());
        assert_eq!((answer.status, answer.text().as_str()), (code, error));
        assert_eq!(answer.headers.get("location"), Some(location));
        assert_eq!(upstream.recording().requests.len(), 1);
    }
}

#[test]
fn an_upload_waits_for_permission_and_gets_it_once() {
    for request in [
        Request::put("/bkt/key.txt", b"body"),
        Request::put("/bkt/key.txt", b"body").signed("Expect", "100-continue"),
    ] {
        let upstream = Upstream::scripted(|request| match request.headers.get("expect") {
            Some(_) => reply::continued("ok"),
            None => reply::ok("ok"),
        });
        let gate = Gate::start(&Config::resign(upstream.endpoint()));
        let mut request = request;
        if request.signed.is_empty() {
            request = request.unsigned("Expect", "100-continue");
        }
        let bytes = request.presigned();
        let (head, body) = bytes.split_at(bytes.len() - 4);
        let mut client = Client::connect(gate.address());
        client.send(head);
        assert_eq!(client.interim(), 100);
        client.send(body);
        let answer = client.response("PUT");
        assert_eq!((answer.status, answer.interim), (200, vec![]));
        assert_eq!(upstream.only_request().body, b"body");
    }
}

#[test]
fn passthrough_changes_nothing_that_was_signed() {
    let upstream = Upstream::ok();
    let gate = Gate::start(&Config::passthrough(upstream.endpoint()));
    let request = Request::put("/bkt/a%20b/%2B(c)", b"body").signed("x-amz-meta-a", "b").query("x-note", "1");
    let target = request.presigned_target();
    assert_eq!(gate.ask("PUT", &request.bytes(&target, &[])).status, 200);
    assert_eq!(gate.ask("PUT", &request.authorized()).status, 200);
    let seen = upstream.wait(|seen| seen.requests.iter().filter(|request| request.complete).count() == 2);
    assert_eq!(seen.requests[0].target, target);
    assert!(!seen.requests[0].headers.has("authorization"));
    assert_eq!(seen.requests[1].target, "/bkt/a%20b/%2B(c)?x-note=1");
    let sent = String::from_utf8(request.authorized()).unwrap();
    let authorization = sent.lines().find_map(|line| line.strip_prefix("Authorization: ")).unwrap();
    // the two were signed in the same second or not; the credential is the client's either way
    assert_eq!(
        seen.requests[1].headers.get("authorization").unwrap().split(',').next(),
        authorization.split(',').next()
    );
    for request in &seen.requests {
        assert_eq!(request.headers.get("host"), Some("s3.test"));
        assert_eq!(request.headers.get("x-amz-meta-a"), Some("b"));
        assert_eq!(request.body, b"body");
    }
}

#[test]
fn a_listing_shows_the_name_that_the_client_uses() {
    let listing = |request: &crate::support::recorded::Record| {
        let name = request.path().trim_matches('/').to_owned();
        let key = format!("<Contents><Key>{name}</Key></Contents>");
        let body =
            format!("<?xml version=\"1.0\"?>\n<ListBucketResult><Name>{name}</Name>{key}</ListBucketResult>");
        reply::status("200 OK", &[("Content-Type", "application/xml")], &body)
    };
    let upstream = Upstream::scripted(listing);
    let config = Config { upstream_bucket: Some("prod-bkt"), ..Config::resign(upstream.endpoint()) };
    let gate = Gate::start(&config);
    let mut client = Client::connect(gate.address());
    for _ in 0..2 {
        client.send(&Request::get("/bkt").query("list-type", "2").presigned());
        let text = client.response("GET").text();
        assert!(text.contains("<Name>bkt</Name><Contents><Key>prod-bkt</Key>"), "{text}");
    }
}

/// The source of a copy means one object to policy and store, in whatever spelling it came.
#[test]
fn the_source_of_a_copy_means_one_object() {
    let copy = |source: &str| Request::new("PUT", "/bkt/new").signed("x-amz-copy-source", source);
    let (upstream, gate) = resigning();
    let sources = [("bkt/a+b%2B", "bkt/a%20b%2B"), ("/bkt/a%20b", "/bkt/a%20b"), ("bkt%2Fa", "bkt%2Fa")];
    for (source, expected) in sources {
        for bytes in [copy(source).presigned(), copy(source).authorized()] {
            assert_eq!(gate.ask("PUT", &bytes).status, 200, "{source}");
            let seen = upstream.recording().requests.last().unwrap().clone();
            assert_eq!(seen.headers.get("x-amz-copy-source"), Some(expected));
            assert_signed_by(&seen, UPSTREAM, "us-east-1");
        }
    }
    // a source that cannot be rewritten: a store may read another object in it
    let hoisted = Request::new("PUT", "/bkt/new").query("x-amz-copy-source", "bkt/a+b");
    gate.ask("PUT", &hoisted.presigned()).assert_error(501, "NotImplemented");
    let upstream = Upstream::ok();
    let gate = Gate::start(&Config::passthrough(upstream.endpoint()));
    gate.ask("PUT", &copy("bkt/a+b").authorized()).assert_error(501, "NotImplemented");
    upstream.assert_untouched();
}

#[test]
fn a_denied_source_of_a_copy_is_denied_in_every_spelling() {
    let policy = r#"{"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "s3:*", "Resource": "*"},
        {"Effect": "Deny", "Action": "s3:PutObject", "Resource": "*", "Condition": {"StringLike": {"s3:x-amz-copy-source": "bkt/secret one/*"}}}]}"#;
    let upstream = Upstream::ok();
    let gate = Gate::start(&Config::resign(upstream.endpoint()).policy(&policy.replace('\n', " ")));
    for source in [
        "bkt/secret%20one/k",
        "/bkt/secret%20one/k",
        "bkt/secret+one/k",
        "bkt/%73ecret%20one%2Fk",
        "bkt%2Fsecret%20one/k?versionId=1",
    ] {
        let request = Request::new("PUT", "/bkt/new").signed("x-amz-copy-source", source);
        gate.ask("PUT", &request.authorized()).assert_error(403, "AccessDenied");
    }
    upstream.assert_untouched();
    let request = Request::new("PUT", "/bkt/new").signed("x-amz-copy-source", "bkt/open/k");
    assert_eq!(gate.ask("PUT", &request.authorized()).status, 200);
}
