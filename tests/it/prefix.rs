//! A bucket that is a part of another one: what the store sees, what the client sees, and that neither is the other's.
//! It must not test how XML is read; tables beside the code do.

use crate::support::client::Response;
use crate::support::config::Config;
use crate::support::gate::Gate;
use crate::support::message::Broken;
use crate::support::reply;
use crate::support::request::Request;
use crate::support::sigv4::{UPSTREAM, assert_signed_by};
use crate::support::upstream::Upstream;

const PREFIX: &str = "upstream_prefix: tenants/a/";

fn config(upstream: &Upstream) -> Config {
    let config = Config::resign(upstream.endpoint()).bucket(PREFIX).more("expose_reasons: true");
    Config { upstream_bucket: Some("shared"), ..config }
}

/// An answer of the store, in XML.
fn document(status: &str, body: &str) -> reply::Reply {
    reply::status(status, &[("Content-Type", "application/xml")], body)
}

#[track_caller]
fn ask(upstream: &Upstream, method: &str, request: &Request) -> Response {
    Gate::start(&config(upstream)).ask(method, &request.authorized())
}

#[test]
fn keys_get_the_prefix_on_their_way() {
    for (request, method, expected) in [
        (Request::get("/bkt/dir/a%20b"), "GET", "/shared/tenants/a/dir/a%20b"),
        (Request::put("/bkt/a/../b", b"x"), "PUT", "/shared/tenants/a/a/../b"),
        (Request::get("/bkt"), "GET", "/shared?prefix=tenants%2Fa%2F"),
        (
            Request::get("/bkt").query("list-type", "2").query("prefix", "x/").query("start-after", "x/y"),
            "GET",
            "/shared?prefix=tenants%2Fa%2Fx%2F&list-type=2&start-after=tenants%2Fa%2Fx%2Fy",
        ),
        (
            Request::get("/bkt").query("uploads", "").query("key-marker", "k"),
            "GET",
            "/shared?prefix=tenants%2Fa%2F&uploads=&key-marker=tenants%2Fa%2Fk",
        ),
        (Request::new("HEAD", "/bkt"), "HEAD", "/shared"),
    ] {
        let upstream = Upstream::always(match method {
            "HEAD" => reply::bare("200 OK", &[("Content-Length", "0")]),
            _ => document("200 OK", "<ListBucketResult></ListBucketResult>"),
        });
        assert_eq!(ask(&upstream, method, &request).status, 200, "{expected}");
        let seen = upstream.only_request();
        assert_eq!(seen.target, expected);
        assert_signed_by(&seen, UPSTREAM, "us-east-1");
    }
}

#[test]
fn the_source_of_a_copy_and_a_list_of_deletions_too() {
    let upstream = Upstream::always(document("200 OK", "<CopyObjectResult></CopyObjectResult>"));
    let copy = Request::put("/bkt/to", b"").signed("x-amz-copy-source", "/bkt/from%20x?versionId=3");
    assert_eq!(ask(&upstream, "PUT", &copy).status, 200);
    let seen = upstream.only_request();
    assert_eq!(seen.headers.get("x-amz-copy-source"), Some("shared/tenants/a/from%20x?versionId=3"));
    assert_signed_by(&seen, UPSTREAM, "us-east-1");

    let answer = "<DeleteResult><Deleted><Key>tenants/a/k&amp;1</Key></Deleted>\
                  <Error><Key>tenants/a/l</Key><Code>AccessDenied</Code></Error></DeleteResult>";
    let upstream = Upstream::always(document("200 OK", answer));
    let body = b"<Delete><Object><Key>k&amp;1</Key></Object><Object><Key>l</Key></Object></Delete>";
    // the client's own checksum is judged, and does not go on
    let wrong = Request::new("POST", "/bkt").query("delete", "").with_body(body);
    let wrong = wrong.signed("content-md5", "1B2M2Y8AsgTpgAmY7PhCfg==");
    ask(&upstream, "POST", &wrong).assert_error(400, "BadDigest");
    upstream.assert_untouched();
    let request = Request::new("POST", "/bkt").query("delete", "").with_body(body);
    let answer = ask(&upstream, "POST", &request.signed("x-amz-checksum-crc32", &crc32(body)));
    assert_eq!(answer.text().matches("<Key>k&amp;1</Key>").count(), 1, "{}", answer.text());
    assert!(!answer.text().contains("tenants"), "{}", answer.text());
    let seen = upstream.only_request();
    assert_eq!(
        String::from_utf8_lossy(&seen.body),
        "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Object><Key>tenants/a/k&amp;1</Key></Object>\
         <Object><Key>tenants/a/l</Key></Object></Delete>"
    );
    assert!(seen.headers.has("content-md5") && !seen.headers.has("x-amz-checksum-crc32"));
    assert_signed_by(&seen, UPSTREAM, "us-east-1");
}

/// CRC32 in base64, bit by bit: the tests share no code with what they test.
fn crc32(bytes: &[u8]) -> String {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 & (0_u32.wrapping_sub(crc & 1)));
        }
    }
    let digits: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits = format!("{:032b}0000", !crc);
    let letter = |at: usize| char::from(digits[usize::from_str_radix(&bits[at..at + 6], 2).unwrap()]);
    (0..36).step_by(6).map(letter).chain("==".chars()).collect()
}

#[test]
fn answers_name_what_the_client_knows() {
    let upload = "<CompleteMultipartUploadResult><Location>http://10.1.1.1/shared/tenants/a/k</Location>\
                  <Bucket>shared</Bucket><Key>tenants/a/k</Key></CompleteMultipartUploadResult>";
    let upstream = Upstream::always(document("200 OK", upload));
    let gate = Gate::start(&config(&upstream));
    let complete =
        Request::new("POST", "/bkt/k").query("uploadId", "1").with_body(b"<CompleteMultipartUpload/>");
    let answer = gate.ask("POST", &complete.authorized());
    assert_eq!(answer.element("Location").as_deref(), Some("http://s3.test/bkt/k"), "{}", answer.text());
    assert_eq!(
        (answer.element("Bucket").as_deref(), answer.element("Key").as_deref()),
        (Some("bkt"), Some("k"))
    );

    let error =
        "<Error><Code>NoSuchKey</Code><Key>tenants/a/k</Key><Resource>/shared/tenants/a/k</Resource></Error>";
    let upstream = Upstream::always(document("404 Not Found", error));
    let answer = ask(&upstream, "GET", &Request::get("/bkt/k"));
    assert_eq!(answer.status, 404);
    assert_eq!(answer.text(), "<Error><Code>NoSuchKey</Code><Key>k</Key><Resource>/bkt/k</Resource></Error>");
}

#[test]
fn an_answer_from_beyond_is_cut_off() {
    for (status, kind, body) in [
        (
            "200 OK",
            "application/xml",
            "<ListBucketResult><Contents><Key>tenants/b/k</Key></Contents></ListBucketResult>",
        ),
        ("200 OK", "application/xml", "<Unknown><Key>tenants/b/k</Key></Unknown>"),
        ("200 OK", "text/plain", "tenants/b/k"),
        ("403 Forbidden", "text/html", "<html>tenants/b/k</html>"),
        ("307 Temporary Redirect", "application/xml", "<Error><Endpoint>tenants/b/k</Endpoint></Error>"),
    ] {
        let upstream = Upstream::always(reply::status(status, &[("Content-Type", kind)], body));
        let gate = Gate::start(&config(&upstream));
        let mut client = crate::support::client::Client::connect(gate.address());
        client.send(&Request::get("/bkt").presigned());
        let mut seen = Vec::new();
        let outcome = client.response_into("GET", &mut |piece| seen.extend_from_slice(piece));
        match outcome {
            Ok(answer) => assert_eq!(answer.status, 502, "{body}"),
            Err(broken) => assert!(matches!(broken, Broken::Cut | Broken::Closed), "{broken:?}"),
        }
        assert!(!String::from_utf8_lossy(&seen).contains("tenants/b"), "{}", String::from_utf8_lossy(&seen));
    }
}

#[test]
fn what_reaches_beyond_is_refused() {
    let upstream = Upstream::ok();
    let gate = Gate::start(&config(&upstream));
    for (method, path, query) in [
        ("GET", "/bkt", "policy"),
        ("PUT", "/bkt", "lifecycle"),
        ("DELETE", "/bkt", ""),
        ("PUT", "/bkt", ""),
        ("GET", "/bkt", "inventory"),
        ("PUT", "/bkt", "versioning"),
        ("GET", "/bkt/k", "torrent"),
    ] {
        let request = Request::new(method, path);
        let request = if query.is_empty() { request } else { request.query(query, "") };
        let answer = gate.ask(method, &request.authorized());
        assert_eq!(answer.status, 501, "{method} {path}?{query}: {}", answer.text());
        assert_eq!(answer.headers.get("x-gate-reason"), Some("outside_prefix"), "{method} {query}");
    }
    for key in ["..", "../b/k", "a/../../b/k", "."] {
        assert_eq!(gate.ask("GET", &Request::get(&format!("/bkt/{key}")).presigned()).status, 400, "{key}");
    }
    let long = "k".repeat(1020);
    gate.ask("GET", &Request::get(&format!("/bkt/{long}")).presigned()).assert_error(400, "KeyTooLongError");
    let copy = Request::put("/bkt/k", b"").signed("x-amz-copy-source", "/bkt/../b/k");
    assert_eq!(gate.ask("PUT", &copy.authorized()).status, 400);
    let copy = Request::put("/bkt/k", b"").signed("x-amz-copy-source", &format!("/bkt/{long}"));
    gate.ask("PUT", &copy.authorized()).assert_error(400, "KeyTooLongError");
    upstream.assert_untouched();
}

#[test]
fn policies_see_the_names_that_clients_use() {
    let upstream = Upstream::ok();
    let policy = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bkt/open/*"}]}"#;
    let gate = Gate::start(&config(&upstream).policy(policy));
    assert_eq!(gate.ask("GET", &Request::get("/bkt/open/k").presigned()).status, 200);
    assert_eq!(gate.ask("GET", &Request::get("/bkt/tenants/a/open/k").presigned()).status, 403);
    assert_eq!(upstream.only_request().target, "/shared/tenants/a/open/k");
}
