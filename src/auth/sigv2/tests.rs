//! SigV2 against the examples of the documentation, and the gate's own rules about it.
//! They must fail, not pass, when the shared data is missing.

use super::string_to_sign::{StringToSign, hmac};
use super::*;
use crate::auth::error::{Disabled, KeyFault};
use crate::auth::sigv4::key::KeyCache;
use crate::auth::tests::support::{SECRET, credential, head, keyring, read, shared};
use crate::auth::{Place, authenticate};
use crate::reason::Reason;
use crate::request::head as heads;
use crate::s3::address::Scope;
use crate::s3::operation::table::selectors;
use crate::secret::Secret;
use serde_json::Value;

const NOW: UnixMillis = UnixMillis::from_secs(1_768_478_400);

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_else(|| panic!("no `{name}` in {value}"))
}

#[test]
fn the_worked_examples_of_the_documentation() {
    let examples: Value = serde_json::from_str(&read(&shared("aws-docs-examples.json"))).unwrap();
    let examples = examples["sigv2"].as_array().unwrap();
    for example in examples {
        let mut headers: Vec<(String, String)> = serde_json::from_value(example["headers"].clone()).unwrap();
        headers.retain(|(name, _)| name != "content-length");
        if text(example, "name") == "delete-xamzdate-as-printed" {
            // the page leaves the header out of its string to sign
            headers.retain(|(name, _)| name != "x-amz-date");
        }
        headers.insert(0, ("Host".into(), "s3.test".into()));
        let bytes = head(text(example, "method"), text(example, "path"), text(example, "query"), &headers);
        let request = heads::parse(&bytes).unwrap();
        let bucket = Some(text(example, "virtual_host_bucket")).filter(|bucket| !bucket.is_empty());
        let date_line = text(example, "date_line").as_bytes();
        let to_sign = StringToSign { request: &request, date_line, hosted_bucket: bucket };
        let name = text(example, "name");
        assert_eq!(String::from_utf8(to_sign.text()).unwrap(), text(example, "string_to_sign"), "{name}");
        assert_eq!(to_sign.signature(&Secret::new(SECRET)), text(example, "signature"), "{name}");
    }
    assert_eq!(examples.len(), 14);
}

#[test]
fn the_mac_pads_and_hashes_long_keys() {
    // RFC 2202, test cases 2 and 6
    assert_eq!(hmac(&Secret::new("Jefe"), b"what do ya want for nothing?"), "7/zfauXrL6LSdBbV8YTfnCWafHk=");
    let long = hmac(&Secret::new([0xaa; 80]), b"Test Using Larger Than Block-Size Key - Hash Key First");
    assert_eq!(long, "qkrl4VJy0A6VcFY3zoo7Ve1AIRI=");
}

fn rules() -> SigningRules {
    SigningRules { sigv2: true, ..SigningRules::default() }
}

/// The outcome of a request; `{}` in the query or the header lines stands for the right signature.
fn outcome(query: &str, lines: &[(&str, &str)], rules: &SigningRules) -> Result<Scheme, AuthError> {
    let fill = |signature: &str| {
        let encoded = signature.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
        let mut headers = vec![("Host".to_owned(), "s3.test".to_owned())];
        headers
            .extend(lines.iter().map(|(name, value)| ((*name).to_owned(), value.replace("{}", signature))));
        head("PUT", "/bucket/key", &query.replace("{}", &encoded), &headers)
    };
    let unsigned = fill("x");
    let request = heads::parse(&unsigned).unwrap();
    let date_line = match request.target.query.first(b"Expires") {
        Some(expires) => expires,
        None if request.headers.has("x-amz-date") => b"",
        None => request.headers.first("date").unwrap_or_default(),
    };
    let to_sign = StringToSign { request: &request, date_line, hosted_bucket: None };
    let bytes = fill(&to_sign.signature(&Secret::new(SECRET)));
    let request = heads::parse(&bytes).unwrap();
    let keys = keyring(&[
        credential("AKIDMAIN", SECRET, None),
        credential("ASIASESSION", SECRET, Some("token/+=")),
        crate::auth::keyring::Credential { retired: Some(NOW), ..credential("AKIDRETIRED", SECRET, None) },
    ]);
    let found = authenticate(&request, Place::default(), &keys, rules, &KeyCache::default(), NOW)?;
    assert!(found.signs_header("Content-Type") && !found.signs_header("host"));
    assert_eq!(found.is_dated(), found.scheme == Scheme::HeaderV2);
    Ok(found.scheme)
}

fn check(query: &str, lines: &[(&str, &str)], expected: &Result<Scheme, AuthError>) {
    assert_eq!(outcome(query, lines, &rules()), *expected, "{query} {lines:?}");
}

const URL: &str = "AWSAccessKeyId=AKIDMAIN&Expires=1768482000&Signature={}";

#[test]
fn urls() {
    let ok = Ok(Scheme::QueryV2);
    check(URL, &[], &ok);
    check(&format!("{URL}&versionId=1&response-content-type=a%2Fb%26c&acl=&x-amz-acl=private"), &[], &ok);
    check(&format!("{URL}&prefix=p"), &[("Content-Type", "text/plain"), ("x-amz-meta-a", "1")], &ok);
    assert_eq!(outcome(URL, &[], &SigningRules::default()), Err(AuthError::Disabled(Disabled::SigV2)));
    check("Expires=1768482000&Signature={}", &[], &Err(AuthError::V2Parameters));
    check("AWSAccessKeyId=AKIDMAIN&Signature={}", &[], &Err(AuthError::V2Parameters));
    for expires in ["", "-1", "+1768482000", "1768482000.0", "0x1", "2147483648", "99999999999999999999"] {
        let query = format!("AWSAccessKeyId=AKIDMAIN&Expires={expires}&Signature={{}}").replace('+', "%2B");
        check(&query, &[], &Err(AuthError::V2Expires(expires.into())));
    }
    let wrong = outcome(&URL.replace("{}", "AAAA"), &[], &rules());
    assert_eq!(wrong.map_err(|error| error.reason()), Err(Reason::WrongSignature));
}

#[test]
fn the_life_of_a_url_is_bounded() {
    let at = |secs: i64| format!("AWSAccessKeyId=AKIDMAIN&Expires={}&Signature={{}}", NOW.secs() + secs);
    check(&at(0), &[], &Ok(Scheme::QueryV2));
    let expired = AuthError::Expired { lifetime: None, expires_at: NOW.plus_millis(-1000), now: NOW };
    check(&at(-1), &[], &Err(expired));
    check(&at(604_800), &[], &Ok(Scheme::QueryV2));
    check(&at(604_801), &[], &Err(AuthError::LifetimeTooLong { max_secs: 604_800 }));
}

#[test]
fn the_header_form() {
    let date = ("Date", "Thu, 15 Jan 2026 12:00:00 GMT");
    let authorization = ("Authorization", "AWS AKIDMAIN:{}");
    check("", &[date, authorization], &Ok(Scheme::HeaderV2));
    check("", &[("Date", "Thu, 15 Jan 2026 12:10:00 +0000"), authorization], &Ok(Scheme::HeaderV2));
    check("", &[date, ("x-amz-date", "20260115T115000Z"), authorization], &Ok(Scheme::HeaderV2));
    check("", &[authorization], &Err(AuthError::HeaderDate));
    check("", &[date, ("x-amz-date", "soon"), authorization], &Err(AuthError::HeaderDate));
    let late = "Thu, 15 Jan 2026 12:15:01 GMT";
    let skewed = AuthError::Skewed { date: late.into(), now: NOW, max_millis: 900_000 };
    check("", &[("Date", late), authorization], &Err(skewed));
    for value in ["AKIDMAIN", ":{}", "AKIDMAIN:", ""] {
        let line = format!("AWS {value}");
        let seen = outcome("", &[date, ("Authorization", &line)], &rules()).unwrap_err();
        // white space at the end of a line is none of its value
        assert!(matches!(seen, AuthError::V2Authorization(_) | AuthError::AuthorizationSpace(_)), "{seen:?}");
    }
}

#[test]
fn keys_and_tokens() {
    let key = |key_id: &str, fault| Err(AuthError::Key { key_id: key_id.into(), fault });
    let url = |id: &str| URL.replace("AKIDMAIN", id);
    check(&url("AKIDNOBODY"), &[], &key("AKIDNOBODY", KeyFault::Unknown));
    // no date tells that the URL is older than the retirement
    check(&url("AKIDRETIRED"), &[], &key("AKIDRETIRED", KeyFault::Retired));
    check(&url("ASIASESSION"), &[], &key("ASIASESSION", KeyFault::Token));
    for name in ["x-amz-security-token", "X-Amz-Security-Token"] {
        check(&format!("{}&{name}=token%2F%2B%3D", url("ASIASESSION")), &[], &Ok(Scheme::QueryV2));
        check(&format!("{}&{name}=other", url("ASIASESSION")), &[], &key("ASIASESSION", KeyFault::Token));
    }
    check(
        &format!("{URL}&x-amz-security-token=t"),
        &[],
        &Err(AuthError::UnexpectedToken { token: "t".into() }),
    );
    let uniform = SigningRules { uniform_errors: true, ..rules() };
    for query in [url("AKIDNOBODY"), URL.replace("{}", "AAAA")] {
        let error = outcome(&query, &[], &uniform).unwrap_err();
        assert!(matches!(error, AuthError::Uniform(_)), "{error:?}");
    }
}

#[test]
fn what_the_signature_does_not_cover_is_refused() {
    let not_signed = |name| Err(AuthError::ParameterNotSigned(name));
    check(&format!("{URL}&session"), &[], &not_signed("session"));
    check(&format!("{URL}&renameObject"), &[], &not_signed("renameObject"));
    // the same text to sign as two parameters
    check(&format!("{URL}&partNumber=1%26uploadId%3Dx"), &[], &not_signed("partNumber"));
    check(&format!("{URL}&response-content-type=a%26versionId"), &[], &not_signed("response-content-type"));
    check(&format!("{URL}&x-amz-meta-a=1%0Ax-amz-meta-b:2"), &[], &not_signed("x-amz-*"));
    let reserved = |name| Err(AuthError::ReservedParameter { name, scheme: Scheme::QueryV2 });
    check(&format!("{URL}&Expires=1"), &[], &reserved("Expires"));
    check(&format!("{URL}&Signature=1"), &[], &reserved("Signature"));
    check(&URL.replace("Expires", "%45xpires"), &[], &reserved("Expires"));
    check(&format!("{URL}&X-Amz-Credential=1"), &[], &reserved("X-Amz-Credential"));
}

#[test]
fn sub_resources_are_in_order_and_once() {
    assert!(SUB_RESOURCES.is_sorted_by(|left, right| left < right));
}

/// The two lists say different things: this one what S3 signs, parameters of answers among it, the table of operations what
/// picks one. What picks an operation must be in the first, or be refused: else a link for one could be turned into another.
/// But for the two forms of one listing, which S3 itself does not sign and which need the same rights.
#[test]
fn whatever_picks_an_operation_is_signed_or_refused() {
    for scope in [Scope::Service, Scope::Bucket, Scope::Object] {
        for name in selectors(scope).iter().filter(|name| **name != "list-type") {
            assert!(SUB_RESOURCES.contains(name) || NOT_COVERED.contains(name), "{name}");
        }
    }
}
