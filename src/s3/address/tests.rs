//! Hosts and paths with the bucket and key they name.
//! It must not test the rules of bucket names and keys, which have tables of their own.

use super::*;
use crate::request::head;
use proptest::prelude::*;

const HOSTS: &[&str] =
    &["s3.test", "EU.s3.test", "127.0.0.1", "::1", "s3express-control.test", "s3-object-lambda.test"];

fn rules() -> HostRules {
    HostRules::new(HOSTS.iter().map(|host| (*host).to_owned())).unwrap()
}

type Seen = (Option<String>, Option<String>, Style);

fn address(host: &str, target: &str) -> Result<Seen, AddressError> {
    let head = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n");
    let request = head::parse(head.as_bytes()).unwrap();
    rules().address(&request).map(|address| {
        let key = address.key().map(|key| String::from_utf8(key.bytes().to_vec()).unwrap());
        (address.bucket().map(ToString::to_string), key, address.style())
    })
}

fn check(host: &str, target: &str, bucket: &str, key: &str, style: Style) {
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    assert_eq!(address(host, target), Ok((text(bucket), text(key), style)), "{host} {target}");
}

#[test]
fn path_style() {
    for host in ["s3.test", "S3.TEST", "s3.test:9000", "127.0.0.1", "127.0.0.1:80", "[::1]:80", "[0:0::1]"] {
        check(host, "/bkt/a/k", "bkt", "a/k", Style::Path);
    }
    check("s3.test", "/", "", "", Style::Path);
    check("s3.test", "/?list-type=2", "", "", Style::Path);
    check("s3.test", "/bkt", "bkt", "", Style::Path);
    check("s3.test", "/bkt/", "bkt", "", Style::Path);
    check("s3.test", "/bkt//k", "bkt", "/k", Style::Path);
    check("s3.test", "/bkt//", "bkt", "/", Style::Path);
    check("s3.test", "/bkt/a%2Fb%20c+d", "bkt", "a/b c+d", Style::Path);
    check("s3.test", "/bkt/a%252Fb", "bkt", "a%2Fb", Style::Path);
    check("s3.test", "/bkt%2Fk", "bkt", "k", Style::Path);
    check("s3.test", "/%62kt/%6b", "bkt", "k", Style::Path);
    check("s3.test", "/bkt/a/../k", "bkt", "a/../k", Style::Path);
    check("s3express-control.test", "/", "", "", Style::Path);
    check("s3-object-lambda.test", "/WriteGetObjectResponse", "", "", Style::Path);
}

#[test]
fn virtual_hosted_style() {
    check("bkt.s3.test", "/", "bkt", "", Style::VirtualHosted);
    check("BKT.S3.test:1", "/bkt/k", "bkt", "bkt/k", Style::VirtualHosted);
    check("bkt.s3.test", "//k", "bkt", "/k", Style::VirtualHosted);
    check("a.b.s3.test", "/k", "a.b", "k", Style::VirtualHosted);
    // of two names that fit, the longer one is meant
    check("eu.s3.test", "/bkt/k", "bkt", "k", Style::Path);
    check("bkt.eu.s3.test", "/k", "bkt", "k", Style::VirtualHosted);
}

#[test]
fn hosts_that_are_not_served() {
    for host in [
        "other.test",
        "xs3.test",
        "s3.test.evil",
        "s3-test",
        "other.127.0.0.1",
        "bkt.127.0.0.1",
        "127.0.0.2",
        "[::2]",
        "[::ffff:127.0.0.1]",
        "0.1",
        "bkt.s3express-control.test",
        "route.s3-object-lambda.test",
        "test",
    ] {
        let expected = Err(AddressError::UnknownHost(host.to_owned()));
        assert_eq!(address(host, "/bkt/k"), expected, "{host}");
    }
    let head = b"GET / HTTP/1.1\r\nHost: s3.test\r\n\r\n";
    let nothing = HostRules::new([]).unwrap();
    assert!(nothing.address(&head::parse(head).unwrap()).is_err());
}

#[test]
fn paths_that_are_refused() {
    for target in
        ["//b/k", "//", "/%2e%2e/key", "/../bkt/key", "/UPPER_Bucket!/key", "/a:80/key", "/a%40b/key"]
    {
        assert!(matches!(address("s3.test", target), Err(AddressError::Bucket(_))), "{target}");
    }
    for host in ["ab.s3.test", "my_bucket.s3.test", "1.2.3.4.s3.test"] {
        assert!(matches!(address(host, "/k"), Err(AddressError::Bucket(_))), "{host}");
    }
    for target in
        ["/bkt/../other/key", "/bkt/%2e%2e/other/key", "/bkt/.%2E/other", "/bkt/./key", "/bkt/a/..%2f..%2fo"]
    {
        assert_eq!(address("s3.test", target), Err(AddressError::Key(KeyError::DotSegments)), "{target}");
    }
    assert_eq!(address("bkt.s3.test", "/../k"), Err(AddressError::Key(KeyError::DotSegments)));
    assert_eq!(address("s3.test", "/bkt/%c0%ae%c0%ae/x"), Err(AddressError::Key(KeyError::NotUtf8)));
    let long = format!("/bkt/{}", "k".repeat(1025));
    assert_eq!(address("s3.test", &long), Err(AddressError::Key(KeyError::TooLong(1025))));
    for path in ["/", "/bkt/k", "/WriteGetObjectResponse/"] {
        assert_eq!(address("s3-object-lambda.test", path), Err(AddressError::ObjectLambdaPath), "{path}");
    }
}

#[test]
fn configured_hosts_that_are_no_hosts() {
    for host in ["", "s3.test:80", "s3.test.", "https://s3.test", "a b", "*.s3.test", "[::1", "s3..test"] {
        assert_eq!(HostRules::new([host.to_owned()]).unwrap_err(), BadHostName(host.to_owned()));
    }
}

#[test]
fn answers() {
    for (error, code, reason) in [
        (AddressError::UnknownHost("a".into()), ErrorCode::InvalidRequest, Reason::UnknownHost),
        (
            AddressError::Bucket(BadBucketName("a".into())),
            ErrorCode::InvalidBucketName,
            Reason::BadBucketName,
        ),
        (AddressError::Key(KeyError::NotUtf8), ErrorCode::InvalidURI, Reason::BadTarget),
        (AddressError::Key(KeyError::TooLong(2000)), ErrorCode::KeyTooLongError, Reason::BadTarget),
        (AddressError::ObjectLambdaPath, ErrorCode::InvalidURI, Reason::BadTarget),
    ] {
        assert_eq!((error.s3().code, error.s3().status(), error.reason()), (code, 400, reason), "{error}");
    }
}

proptest! {
    /// Both styles name the same object.
    #[test]
    fn styles_agree(key in "[a-z/.%]{1,20}") {
        let escaped = key.replace('%', "%25");
        let by_path = address("s3.test", &format!("/bkt/{escaped}"));
        let by_host = address("bkt.s3.test", &format!("/{escaped}"));
        prop_assert_eq!(by_path.map(|seen| (seen.0, seen.1)), by_host.map(|seen| (seen.0, seen.1)));
    }
}
