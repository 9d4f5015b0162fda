//! Cross-origin rules against preflights and requests.
//! They must not ask a store.

use super::*;
use crate::request::head;

fn rule(origins: &[&str], methods: &[&'static str], headers: &[&str]) -> CorsRule {
    let patterns = |list: &[&str]| list.iter().map(|text| Pattern::new(text).unwrap()).collect();
    CorsRule {
        origins: patterns(origins),
        methods: methods.to_vec(),
        headers: patterns(headers),
        expose: vec!["ETag".into(), "x-amz-version-id".into()],
        max_age: Some(3600),
    }
}

fn rules() -> Vec<CorsRule> {
    vec![
        rule(
            &["https://app.example", "https://*.dev.example"],
            &["PUT", "POST"],
            &["x-amz-*", "Content-Type"],
        ),
        CorsRule { expose: vec![], max_age: None, ..rule(&["*"], &["GET"], &["*"]) },
    ]
}

/// The lines without those that are always the same, joined by `|`.
fn shown(lines: &[u8]) -> String {
    let text = String::from_utf8(lines.to_vec()).unwrap();
    let text =
        text.strip_suffix("Vary: Origin, Access-Control-Request-Headers, Access-Control-Request-Method\r\n");
    text.unwrap().replace("Access-Control-", "").trim_end().replace("\r\n", "|")
}

#[test]
fn patterns_hold_one_star() {
    let check = |pattern: &str, text: &str, expected: bool| {
        let pattern = Pattern::new(pattern).unwrap();
        assert_eq!(
            pattern.matches(text.as_bytes(), |left, right| left == right),
            expected,
            "{pattern:?} {text}"
        );
    };
    check("*", "", true);
    check("*", "null", true);
    check("https://a", "https://a", true);
    check("https://a", "https://ab", false);
    check("https://a", "https://A", false);
    check("https://*.b", "https://a.b", true);
    check("https://*.b", "https://.b", true);
    check("https://*.b", "https://b", false);
    check("https://*.b", "https://a.b.evil", false);
    check("a*a", "a", false);
    check("a*a", "aa", true);
    for text in ["", "a b", "**", "a*b*", "h\u{e9}", "a\r\n"] {
        assert_eq!(Pattern::new(text), None, "{text}");
    }
}

fn check_preflight(rules: &[CorsRule], lines: &str, expected: Result<&str, &str>) {
    let text = format!("OPTIONS /bkt/k HTTP/1.1\r\nHost: h\r\n{lines}\r\n");
    let request = head::parse(text.as_bytes()).unwrap();
    let outcome = preflight(rules, &request);
    match (&outcome, expected) {
        (Ok(found), Ok(expected)) => assert_eq!(shown(found), expected, "{lines}"),
        (Err(error), Err(expected)) => {
            assert_eq!((error.status(), error.code.as_str()), (403, "AccessForbidden"), "{lines}");
            assert!(error.message.contains(expected), "{error:?}");
        }
        _ => panic!("{lines}: {outcome:?}"),
    }
}

#[test]
fn preflights() {
    let check = |lines: &str, expected: Result<&str, &str>| check_preflight(&rules(), lines, expected);
    let put = |origin: &str, headers: &str| {
        let headers = if headers.is_empty() {
            String::new()
        } else {
            format!("Access-Control-Request-Headers: {headers}\r\n")
        };
        format!("Origin: {origin}\r\nAccess-Control-Request-Method: PUT\r\n{headers}")
    };
    let granted = |origin: &str, headers: &str| {
        let headers = if headers.is_empty() { String::new() } else { format!("|Allow-Headers: {headers}") };
        format!(
            "Allow-Origin: {origin}|Allow-Methods: PUT, POST{headers}|Expose-Headers: ETag, x-amz-version-id|\
             Max-Age: 3600|Allow-Credentials: true"
        )
    };
    for (origin, headers, told) in [
        ("https://app.example", "", ""),
        ("https://x.dev.example", "content-type", "content-type"),
        (
            "https://app.example",
            "X-Amz-Date,content-Type , x-amz-meta-a",
            "x-amz-date, content-type, x-amz-meta-a",
        ),
    ] {
        check(&put(origin, headers), Ok(&granted(origin, told)));
    }
    let denied = Err("not whitelisted");
    check(&put("https://evil.example", ""), denied);
    check(&put("https://app.example.evil", ""), denied);
    check(&put("https://app.example", "authorization"), denied);
    check(&put("https://app.example", "x-amz-date, cookie"), denied);
    check(&put("https://app.example", "").replace("PUT", "put"), denied);
    check(&put("https://app.example", "").replace("PUT", "DELETE"), denied);
    check(&put("https://app.example\r\nOrigin: https://evil.example", ""), denied);
    let get =
        "Origin: null\r\nAccess-Control-Request-Method: GET\r\nAccess-Control-Request-Headers: range\r\n";
    check(get, Ok("Allow-Origin: *|Allow-Methods: GET|Allow-Headers: range"));
    check_preflight(&[], get, Err("not enabled"));
}

#[test]
fn answers() {
    let check = |method: &str, lines: &str, expected: Option<&str>| {
        let text = format!("{method} /bkt/k HTTP/1.1\r\nHost: h\r\n{lines}\r\n");
        let request = head::parse(text.as_bytes()).unwrap();
        let found = answer(&rules(), &request);
        assert_eq!(found.as_deref().map(shown).as_deref(), expected, "{method} {lines}");
    };
    let put = "Allow-Origin: https://app.example|Allow-Methods: PUT, POST|Expose-Headers: ETag, x-amz-version-id|\
               Max-Age: 3600|Allow-Credentials: true";
    check("PUT", "Origin: https://app.example\r\n", Some(put));
    check("GET", "Origin: https://app.example\r\n", Some("Allow-Origin: *|Allow-Methods: GET"));
    check("GET", "", None);
    check("GET", "Origin:\r\n", None);
    check("HEAD", "Origin: https://app.example\r\n", None);
    check("PUT", "Origin: https://evil.example\r\n", None);
    check("GET", "Origin: a b\r\n", None);
}
