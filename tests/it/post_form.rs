//! Browser uploads end to end: what reaches the upstream, what the browser is answered, and what must not pass.
//! It must not hold the rules of policies: they are tested beside the code.

use crate::support::client::Client;
use crate::support::config::Config;
use crate::support::form::{BOUNDARY, Form};
use crate::support::gate::{Gate, poll};
use crate::support::reply;
use crate::support::request::Request;
use crate::support::sigv4::{STRANGER, TEMPORARY, UPSTREAM, assert_signed_by};
use crate::support::upstream::Upstream;

/// An upstream that takes every upload.
fn store() -> Upstream {
    Upstream::always(reply::status("200 OK", &[("ETag", "\"e1\""), ("x-amz-version-id", "v1")], ""))
}

fn start(change: impl FnOnce(Config) -> Config) -> (Upstream, Gate) {
    let upstream = store();
    let gate = Gate::start(&change(Config::resign(upstream.endpoint())));
    (upstream, gate)
}

#[track_caller]
fn refuse(gate: &Gate, upstream: &Upstream, form: &Form, status: u16, code: &str) -> String {
    let answer = gate.ask("POST", &form.bytes());
    answer.assert_error(status, code);
    upstream.assert_untouched();
    answer.element("Message").unwrap_or_default()
}

#[test]
fn a_form_becomes_an_upload_of_its_file() {
    let (upstream, gate) = start(|config| config);
    let form = Form::new("user/${filename}", b"hello\r\n--world")
        .field("Content-Type", "text/x-test")
        .field("x-amz-meta-Tag", "v")
        .field("acl", "private")
        .field("tagging", "<Tagging><TagSet><Tag><Key>a</Key><Value>b c</Value></Tag></TagSet></Tagging>")
        .condition(r#"["content-length-range", 1, 100]"#)
        .line("User-Agent", "browser")
        .line("Cookie", "secret=1")
        .line("Cache-Control", "no-cache");
    let answer = gate.ask("POST", &form.bytes());
    assert_eq!(answer.status, 204, "{}", answer.text());
    assert_eq!(answer.headers.get("etag"), Some("\"e1\""));
    assert_eq!(answer.headers.get("x-amz-version-id"), Some("v1"));
    assert_eq!(answer.headers.get("location"), Some("http://s3.test/bkt/user/a.txt"));
    let seen = upstream.only_request();
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("PUT", "/bkt/user/a.txt"));
    assert_eq!(seen.body, b"hello\r\n--world");
    assert_signed_by(&seen, UPSTREAM, "us-east-1");
    for (name, value) in [
        ("content-type", Some("text/x-test")),
        ("content-length", Some("14")),
        ("x-amz-acl", Some("private")),
        ("x-amz-tagging", Some("a=b%20c")),
        ("user-agent", Some("browser")),
        ("cookie", None),
        ("cache-control", None),
        ("x-amz-meta-tag", Some("v")),
    ] {
        assert_eq!(seen.headers.get(name), value, "{name}");
    }
}

/// What a trusted balancer tells about the client holds for forms as for everything else.
#[test]
fn a_form_through_a_balancer_that_ended_its_tls() {
    let secure = r#"{ Statement: [{ Effect: Deny, Principal: "*", Action: "s3:*", Resource: "*", Condition: { Bool: { "aws:SecureTransport": "false" } } }] }"#;
    for (lines, header, passes) in [
        (&[("X-Forwarded-For", "192.0.2.7"), ("X-Forwarded-Proto", "https")][..], "x-forwarded-for", true),
        (&[("X-Forwarded-For", "192.0.2.7"), ("X-Forwarded-Proto", "http")], "x-forwarded-for", false),
        (&[("X-Forwarded-For", "192.0.2.7")], "x-forwarded-for", false),
        (&[("Forwarded", "for=192.0.2.7;proto=https")], "forwarded", true),
        (&[("Forwarded", "for=192.0.2.7;proto=http")], "forwarded", false),
    ] {
        let (upstream, gate) = start(|config| {
            let trusted = format!("forwarded: {{ trusted: [127.0.0.1], header: {header} }}");
            config.listener(trusted).bucket(&format!("policy: {secure}"))
        });
        let form = lines.iter().fold(Form::new("k", b"x"), |form, (name, value)| form.line(name, value));
        let answer = gate.ask("POST", &form.bytes());
        assert_eq!(answer.status, if passes { 204 } else { 403 }, "{lines:?} {}", answer.text());
        assert_eq!(upstream.recording().requests.len(), usize::from(passes));
    }
}

#[test]
fn what_the_browser_is_answered() {
    for (fields, status, location) in [
        (&[("success_action_status", "200")][..], 200, "http://s3.test/bkt/k"),
        (&[("success_action_status", "201")], 201, "http://s3.test/bkt/k"),
        (&[("success_action_status", "404")], 204, "http://s3.test/bkt/k"),
        (
            &[("success_action_redirect", "https://app.test/done?a=1"), ("success_action_status", "200")],
            303,
            "https://app.test/done?a=1&bucket=bkt&key=k&etag=%22e1%22",
        ),
        (&[("success_action_redirect", "javascript:alert(1)")], 204, "http://s3.test/bkt/k"),
    ] {
        let (_upstream, gate) = start(|config| config);
        let form = fields.iter().fold(Form::new("k", b"x"), |form, (name, value)| form.field(name, value));
        let answer = gate.ask("POST", &form.bytes());
        assert_eq!((answer.status, answer.headers.get("location")), (status, Some(location)), "{fields:?}");
        let expected = (status == 201).then_some("\"e1\"".replace('"', "&quot;"));
        assert_eq!(answer.element("ETag"), expected, "{fields:?}");
    }
}

#[test]
fn large_files_stream_through() {
    let (upstream, gate) = start(|config| config);
    let file: Vec<u8> =
        (0..400_000_u32).flat_map(|number| (number.wrapping_mul(7919) % 251).to_le_bytes()).collect();
    let (head, body) = Form::new("large", &file).line("Expect", "100-continue").parts();
    let mut client = Client::connect(gate.address());
    client.send(&head);
    assert_eq!(client.interim(), 100);
    for piece in body.chunks(10_007) {
        client.send(piece);
    }
    assert_eq!(client.response("POST").status, 204);
    let seen = upstream.only_request();
    assert!(seen.body == file, "the file was changed on its way");
    // the connection goes on
    client.send(&Request::get("/bkt/key.txt").presigned());
    assert_eq!(client.response("GET").status, 200);
}

#[test]
fn forms_that_do_not_keep_to_their_policy() {
    let (upstream, gate) = start(|config| config);
    let form = || Form::new("user/${filename}", b"hello");
    let cases = [
        (form().unsigned("x-amz-meta-a", "1"), 403, "AccessDenied", "Extra input fields: x-amz-meta-a"),
        (
            form().field("acl", "private").unsigned("acl", "public-read"),
            403,
            "AccessDenied",
            "Condition failed",
        ),
        (Form { expires: -1, ..form() }, 403, "AccessDenied", "Policy expired"),
        (form().condition(r#"["content-length-range", 0, 4]"#), 400, "EntityTooLarge", ""),
        (form().condition(r#"["content-length-range", 6, 9]"#), 400, "EntityTooSmall", ""),
        (form().condition(r#"["starts-with", "$name", ""]"#), 403, "AccessDenied", "Condition failed"),
        (Form { key: STRANGER, ..form() }, 403, "InvalidAccessKeyId", ""),
        (form().unsigned("x-amz-signature", &"0".repeat(64)), 403, "SignatureDoesNotMatch", ""),
        (form().unsigned("policy", "e30="), 403, "SignatureDoesNotMatch", ""),
        (form().line("Authorization", "Bearer t"), 400, "InvalidArgument", ""),
        (form().line("x-amz-content-sha256", "UNSIGNED-PAYLOAD"), 400, "InvalidArgument", ""),
        (form().line("x-amz-acl", "public-read"), 403, "AccessDenied", ""),
        (Form { path: "/bkt?x-amz-acl=public-read".into(), ..form() }, 400, "InvalidArgument", ""),
        (Form { path: "/other".into(), ..form() }, 403, "AccessDenied", "Condition failed"),
    ];
    for (form, status, code, message) in cases {
        let told = refuse(&gate, &upstream, &form, status, code);
        assert!(told.contains(message), "{told}");
    }
}

#[test]
fn fields_that_would_make_another_request() {
    let (upstream, gate) = start(|config| config);
    let form = |key: &str| Form::new(key, b"hello");
    for (form, status, code) in [
        (form("k").field("x-amz-copy-source", "/bkt/secret"), 400, "InvalidArgument"),
        (form("k").field("x-amz-acl", "public-read"), 400, "InvalidArgument"),
        (form("k").field("Content-Type", "a\r\nx-amz-acl: public-read"), 400, "InvalidArgument"),
        (form("k").field("x-amz-meta-a b", "1"), 400, "InvalidArgument"),
        (form(""), 400, "InvalidArgument"),
        (form("../other/k"), 400, "InvalidURI"),
        (form("k").unsigned("key", "again"), 400, "InvalidArgument"),
        (form("k").field("tagging", "a=b"), 400, "MalformedXML"),
        (form("k").field("x-amz-meta-a", &"a".repeat(21_000)), 400, "MaxPostPreDataLengthExceededError"),
    ] {
        refuse(&gate, &upstream, &form, status, code);
    }
    // a key of dots is judged in every reading, and one that could be read as a query is none
    let odd = form("a/${filename}");
    let odd = Form { file_name: "b?acl#c %2F".into(), ..odd };
    assert_eq!(gate.ask("POST", &odd.bytes()).status, 204);
    assert_eq!(upstream.only_request().target, "/bkt/a/b%3Facl%23c%20%252F");
}

#[test]
fn nothing_is_stored_of_a_form_that_ends_wrongly() {
    let (small, large) = (vec![b'a'; 100], vec![b'a'; 200_000]);
    for file in [&small, &large] {
        for end in [
            format!(
                "\r\n--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"late\"\r\n\r\nx\r\n--{BOUNDARY}--\r\n"
            ),
            format!("\r\n--{BOUNDARY}--\r\nmore"),
            format!("\r\n--{BOUNDARY}"),
            "no end".to_owned(),
        ] {
            let (upstream, gate) = start(|config| config);
            let answer = gate.ask("POST", &Form::new("k", file).end(&end).bytes());
            assert_eq!(answer.status, 400, "{end:?}");
            upstream.assert_nothing_completed();
        }
    }
    // some browsers leave the last line break out
    let (upstream, gate) = start(|config| config);
    let form = Form::new("k", &small).end(&format!("\r\n--{BOUNDARY}--"));
    assert_eq!(gate.ask("POST", &form.bytes()).status, 204);
    assert_eq!(upstream.only_request().body, small);
}

#[test]
fn the_size_is_held_while_the_file_streams() {
    let (upstream, gate) = start(|config| config);
    let form = Form::new("k", &vec![b'a'; 200_000]).condition(r#"["content-length-range", 0, 150000]"#);
    refuse(&gate, &upstream, &form, 400, "EntityTooLarge");
    // cut off in the middle
    let (head, body) = Form::new("k", &vec![b'a'; 200_000]).parts();
    let mut client = Client::connect(gate.address());
    client.send(&head);
    client.send(&body[..150_000]);
    client.finish();
    let _ = client.try_response("POST");
    upstream.assert_nothing_completed();
}

#[test]
fn a_refused_form_does_not_cost_the_connection() {
    let (upstream, gate) = start(|config| config);
    let mut client = Client::connect(gate.address());
    client.send(&Form { expires: -1, ..Form::new("k", b"hello") }.bytes());
    client.response("POST").assert_error(403, "AccessDenied");
    client.send(&Form::new("k", b"hello").bytes());
    assert_eq!(client.response("POST").status, 204);
    assert_eq!(upstream.only_request().body, b"hello");
}

#[test]
fn constraints_are_fields() {
    let (upstream, gate) = start(|config| config);
    let form = |name: &str, value: &str| Form::new("k", b"hello").field(name, value);
    refuse(&gate, &upstream, &form("x-gate-source-ip", "10.0.0.0/8"), 403, "AccessDenied");
    refuse(&gate, &upstream, &form("x-gate-content-length-range", "6,9"), 400, "EntityTooSmall");
    refuse(&gate, &upstream, &form("x-gate-unknown", "1"), 400, "InvalidArgument");
    refuse(&gate, &upstream, &form("X-Gate-Source-Ip", "127.0.0.1"), 400, "InvalidArgument");
    refuse(
        &gate,
        &upstream,
        &Form::new("k", b"x").unsigned("x-gate-source-ip", "127.0.0.1"),
        403,
        "AccessDenied",
    );
    let bound = form("x-gate-source-ip", "127.0.0.0/8").field("x-gate-content-length-range", "5,5");
    assert_eq!(gate.ask("POST", &bound.bytes()).status, 204);
    assert_eq!(upstream.only_request().target, "/bkt/k", "constraints end at the gate");
}

/// The boundary behind a file is not of the file.
#[test]
fn a_limit_of_bytes_counts_the_files() {
    let (upstream, gate) = start(|config| config);
    let form = Form::new("k", b"hello").field("x-gate-max-bytes", "12").bytes();
    for sent in 1..=2 {
        assert_eq!(gate.ask("POST", &form).status, 204);
        assert_eq!(upstream.wait(|seen| seen.requests.len() >= sent).requests.len(), sent);
    }
    poll("the end of what the link allows", || {
        let answer = gate.ask("POST", &form);
        (answer.status == 403).then(|| answer.assert_error(403, "AccessDenied"))
    });
    assert_eq!(upstream.recording().requests.len(), 2);
}

#[test]
fn tokens_of_temporary_keys_are_fields() {
    let (upstream, gate) = start(|config| config);
    let form = Form { key: TEMPORARY, ..Form::new("k", b"hello") };
    let other = form.clone().unsigned("x-amz-security-token", "other");
    refuse(&gate, &upstream, &other, 403, "InvalidAccessKeyId");
    assert_eq!(gate.ask("POST", &form.bytes()).status, 204);
    assert_eq!(upstream.only_request().headers.get("x-amz-security-token"), None);
}

#[test]
fn policies_see_an_upload_by_form() {
    let policy = |statement: &str| {
        format!(
            r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::bkt/user/*"}}{statement}]}}"#
        )
    };
    let (upstream, gate) = start(|config| config.policy(&policy("")));
    refuse(&gate, &upstream, &Form::new("other/k", b"x"), 403, "AccessDenied");
    refuse(&gate, &upstream, &Form::new("user/k", b"x").field("acl", "private"), 403, "AccessDenied");
    let form = Form::new("user/k", b"x");
    assert_eq!(gate.ask("POST", &form.bytes()).status, 204);
    let deny = r#", {"Effect": "Deny", "Action": "s3:*", "Resource": "*", "Condition": {"StringEquals": {"s3:authType": "POST"}}}"#;
    let (upstream, gate) = start(|config| config.policy(&policy(deny)));
    refuse(&gate, &upstream, &form, 403, "AccessDenied");
}

#[test]
fn styles_stores_and_the_switch() {
    let (upstream, gate) = start(|config| config);
    let hosted = Form { host: "bkt.s3.test".into(), path: "/".into(), ..Form::new("k", b"x") };
    let answer = gate.ask("POST", &hosted.bytes());
    assert_eq!((answer.status, answer.headers.get("location")), (204, Some("http://bkt.s3.test/k")));
    assert_eq!(upstream.only_request().target, "/bkt/k");
    let (upstream, gate) = start(|config| config.signing("post_policy: false"));
    refuse(&gate, &upstream, &Form::new("k", b"x"), 400, "InvalidRequest");
    let upstream = store();
    let gate = Gate::start(&Config::passthrough(upstream.endpoint()));
    refuse(&gate, &upstream, &Form::new("k", b"x"), 501, "NotImplemented");
    // S3's own refusal reaches the browser as it is
    let upstream =
        Upstream::always(reply::status("403 Forbidden", &[("Content-Type", "application/xml")], "<Error/>"));
    let gate = Gate::start(&Config::resign(upstream.endpoint()));
    let answer = gate.ask("POST", &Form::new("k", b"x").bytes());
    assert_eq!((answer.status, answer.text().as_str()), (403, "<Error/>"));
}
