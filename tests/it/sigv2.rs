//! SigV2 end to end: refused by name unless it is switched on, and what reaches the upstream then.
//! It must not test the text that is signed: the vectors beside the code do.

use crate::support::config::Config;
use crate::support::gate::Gate;
use crate::support::request::Request;
use crate::support::sigv4::MAIN;
use crate::support::time::{amz_date, now};
use crate::support::upstream::Upstream;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};

fn signature(text: &str) -> String {
    let mut mac = Hmac::<sha1::Sha1>::new_from_slice(MAIN.secret.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

/// A URL for `GET /bkt/key.txt` with further parameters that the signature does not cover.
fn link(lines: &[(&str, &str)], more: &str) -> Vec<u8> {
    let expires = now() + 300;
    let signed = signature(&format!("GET\n\n\n{expires}\n/bkt/key.txt"));
    let signed = signed.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    let mut request = Request::get("/bkt/key.txt");
    for (name, value) in lines {
        request = request.unsigned(name, value);
    }
    let target =
        format!("/bkt/key.txt?AWSAccessKeyId={}&Expires={expires}&Signature={signed}{more}", MAIN.id);
    request.bytes(&target, &[])
}

#[test]
fn it_is_off_and_says_so() {
    let upstream = Upstream::ok();
    let gate = Gate::start(&Config::resign(upstream.endpoint()));
    let answer = gate.ask("GET", &link(&[], ""));
    answer.assert_error(400, "InvalidRequest");
    let message = answer.element("Message").unwrap();
    assert!(message.contains("not supported") && message.contains("AWS4-HMAC-SHA256"), "{message}");
    let header = Request::get("/bkt/key.txt").unsigned("Authorization", "AWS a:b").bytes("/bkt/key.txt", &[]);
    gate.ask("GET", &header).assert_error(400, "InvalidRequest");
    // a constraint that nothing covers is named first
    let answer = gate.ask("GET", &link(&[], "&x-gate-source-ip=10.0.0.1"));
    answer.assert_error(400, "InvalidArgument");
    assert_eq!(answer.element("ArgumentName").as_deref(), Some("x-gate-source-ip"));
    upstream.assert_untouched();
}

#[test]
fn switched_on_it_is_signed_again() {
    let date = amz_date(now());
    let signed = signature(&format!("GET\n\n\n\nx-amz-date:{date}\n/bkt/key.txt"));
    let header = Request::get("/bkt/key.txt")
        .unsigned("x-amz-date", &date)
        .unsigned("Authorization", &format!("AWS {}:{signed}", MAIN.id));
    for (bytes, query) in
        [(link(&[], "&x-id=GetObject"), "x-id=GetObject"), (header.bytes("/bkt/key.txt", &[]), "")]
    {
        let upstream = Upstream::ok();
        let gate = Gate::start(&Config::resign(upstream.endpoint()).signing("sigv2: true"));
        assert_eq!(gate.ask("GET", &bytes).status, 200);
        let seen = upstream.only_request();
        assert_eq!((seen.path(), seen.query()), ("/bkt/key.txt", query));
        assert!(seen.headers.get("authorization").unwrap().starts_with("AWS4-HMAC-SHA256 "));
    }
}

#[test]
fn switched_on_it_is_not_mixed_with_anything() {
    let upstream = Upstream::ok();
    let gate = Gate::start(&Config::resign(upstream.endpoint()).signing("sigv2: true"));
    for (bytes, status, code) in [
        (link(&[], "&x-gate-max-bytes=1"), 400, "InvalidArgument"),
        (link(&[("Authorization", "Bearer t")], ""), 400, "InvalidArgument"),
        (link(&[], "&X-Amz-Algorithm=AWS4-HMAC-SHA256"), 400, "InvalidArgument"),
        (link(&[], "&acl"), 403, "SignatureDoesNotMatch"),
        (link(&[("x-amz-meta-a", "1")], ""), 403, "SignatureDoesNotMatch"),
    ] {
        gate.ask("GET", &bytes).assert_error(status, code);
        upstream.assert_untouched();
    }
}

/// A link without a date passed for one that is signed at the time of its use, so calling back by date never hit it.
#[test]
fn what_was_signed_before_a_date_includes_links_without_one() {
    let upstream = Upstream::ok();
    let gate = Gate::start(&Config::resign(upstream.endpoint()).signing("sigv2: true"));
    for what in [
        format!(r#"{{"signed_before": {}}}"#, now() - 3600),
        format!(r#"{{"access_key_id": "{}", "before": {}}}"#, MAIN.id, now() - 3600),
        r#"{"prefix": "s3://bkt/key"}"#.to_owned(),
    ] {
        assert_eq!(gate.ask("GET", &link(&[], "")).status, 200, "{what}");
        let answer = gate.admin_with("POST", "/revocations", &[], &what);
        assert_eq!(answer.status, 201, "{}", answer.text());
        gate.ask("GET", &link(&[], "")).assert_error(403, "AccessDenied");
        let entry: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        let path = format!("/revocations/{}", entry["id"].as_str().unwrap());
        assert_eq!(gate.admin_with("DELETE", &path, &[], "").status, 200);
    }
}
