//! Our signer against the published signatures and against our verifier.
//! It must not hold verification.

use super::support::{SECRET, credential, head, instant, keyring};
use crate::auth::sigv4::explain::signed_texts;
use crate::auth::sigv4::key::KeyCache;
use crate::auth::sigv4::sign::{Grant, Signer, Upstream, date_text, presign, sign_headers};
use crate::auth::{Place, SigningRules, authenticate};
use crate::clock::UnixMillis;
use crate::clock::civil::Civil;
use crate::reason::Reason;
use crate::request::head as heads;
use crate::request::percent::Sink;
use crate::secret::Secret;
use proptest::prelude::*;

#[test]
fn header_lines_of_the_documentation() {
    let secret = Secret::new(SECRET);
    let signer = Signer {
        access_key_id: "AKIAIOSFODNN7EXAMPLE",
        secret: &secret,
        session_token: None,
        region: "us-east-1",
    };
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let mut lines = b"GET /test.txt HTTP/1.1\r\n".to_vec();
    let upstream = Upstream {
        method: "GET",
        path: b"/test.txt",
        query: |_: &mut sha2::Sha256| (),
        headers: &[("host", b"examplebucket.s3.amazonaws.com"), ("range", b"bytes=0-9")],
        payload: empty.as_bytes(),
    };
    sign_headers(&mut lines, &upstream, &signer, &KeyCache::default(), instant("2013-05-24T00:00:00Z"));
    let expected = format!(
        "GET /test.txt HTTP/1.1\r\nx-amz-content-sha256: {empty}\r\nx-amz-date: 20130524T000000Z\r\n\
         Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, \
         SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, \
         Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41\r\n"
    );
    assert_eq!(String::from_utf8(lines).unwrap(), expected);
}

#[test]
fn the_link_of_the_documentation() {
    let secret = Secret::new(SECRET);
    let signer = Signer {
        access_key_id: "AKIAIOSFODNN7EXAMPLE",
        secret: &secret,
        session_token: None,
        region: "us-east-1",
    };
    let grant = Grant {
        method: "GET",
        host: "examplebucket.s3.amazonaws.com",
        path: b"/test.txt",
        query: &[],
        headers: &[],
        signed_at: instant("2013-05-24T00:00:00Z"),
        expires_secs: 86_400,
    };
    let target = String::from_utf8(presign(&grant, &signer, &KeyCache::default())).unwrap();
    assert_eq!(
        target,
        "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1\
         %2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host\
         &X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
    );
}

/// Parameters, and headers, that a link may carry: nothing that other rules would refuse.
fn pairs(name: &'static str, value: &'static str) -> impl Strategy<Value = Vec<(String, String)>> {
    proptest::collection::vec((name, value), 0..5)
}

proptest! {
    #[test]
    fn dates_are_written_as_civil_writes_them(secs in -62_167_219_200_i64..=253_402_300_799) {
        let at = UnixMillis::from_secs(secs);
        prop_assert_eq!(date_text(at).to_vec(), Civil::from_instant(at).basic().into_bytes());
    }

    /// Whatever we sign verifies; whatever single byte of the target changes, it does not.
    #[test]
    fn what_we_sign_verifies_and_nothing_else(
        path in proptest::collection::vec(1..=255_u8, 0..20),
        query in pairs("[a-w][ -~é]{0,6}", "[ -~é]{0,8}"),
        headers in pairs("x-amz-meta-[a-f]", "[!-~]{0,4} {0,3}[!-~]{1,4}"),
        token in proptest::option::of("[!-~]{1,8}"),
        at in any::<proptest::sample::Index>(),
        with in 0x21..=0x7e_u8,
    ) {
        let (secret, token_secret) = (Secret::new(SECRET), token.as_deref().map(Secret::new));
        let path = [b"/", path.as_slice()].concat();
        let query: Vec<_> = query.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
        let signed: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let signer = Signer {
            access_key_id: "AKID",
            secret: &secret,
            session_token: token_secret.as_ref(),
            region: "us-east-1",
        };
        let now = UnixMillis::from_secs(1_768_478_400);
        let grant = Grant {
            method: "PUT",
            host: "s3.test",
            path: &path,
            query: &query,
            headers: &signed,
            signed_at: now,
            expires_secs: 60,
        };
        let cache = KeyCache::default();
        let target = presign(&grant, &signer, &cache);
        let keys = keyring(&[credential("AKID", SECRET, token.as_deref())]);
        let rules = SigningRules::default();
        let mut lines = headers.clone();
        lines.push(("Host".into(), "s3.test".into()));
        let outcome = |target: &[u8]| {
            let target = std::str::from_utf8(target).unwrap();
            let bytes = head("PUT", target, "", &lines);
            let request = heads::parse(&bytes).map_err(|error| error.reason())?;
            authenticate(&request, Place::default(), &keys, &rules, &cache, now).map(|_| ()).map_err(|error| error.reason())
        };
        prop_assert_eq!(outcome(&target), Ok(()));

        let mut changed = target.clone();
        let place = at.index(changed.len());
        changed[place] = with;
        if same_meaning(&target, &changed) {
            return Ok(());
        }
        prop_assert!(outcome(&changed).is_err(), "{}", String::from_utf8_lossy(&changed));
    }
}

/// Whether two targets are spellings of one request, both decoded once and the parameters in any order.
fn same_meaning(left: &[u8], right: &[u8]) -> bool {
    let texts = |target: &[u8]| {
        let bytes = head("PUT", std::str::from_utf8(target).unwrap(), "", &[("Host".into(), "h".into())]);
        let texts = heads::parse(&bytes).ok().and_then(|request| signed_texts(&request));
        let signature = target.get(target.len() - 64..).map(<[u8]>::to_vec);
        texts.map(|texts| (texts, signature))
    };
    let (left, right) = (texts(left), texts(right));
    left.is_some() && left == right
}

#[test]
fn the_token_of_the_signer_is_signed() {
    let (secret, token) = (Secret::new(SECRET), Secret::new("t/+="));
    let signer =
        Signer { access_key_id: "AKID", secret: &secret, session_token: Some(&token), region: "eu-west-1" };
    let now = UnixMillis::from_secs(1_768_478_400);
    let headers: [(&str, &[u8]); 4] =
        [("host", b"s3.test"), ("x-amz-acl", b"private"), ("x-amz-meta-a", b"1"), ("x-amz-meta-a", b"2  3")];
    let mut bytes = b"PUT /b/%C3%A9?acl HTTP/1.1\r\nHost: s3.test\r\nx-amz-acl: private\r\n\
                      x-amz-meta-a: 1\r\nx-amz-meta-a: 2  3\r\n"
        .to_vec();
    let upstream = Upstream {
        method: "PUT",
        path: b"/b/%C3%A9",
        query: |out: &mut sha2::Sha256| out.put(b"acl="),
        headers: &headers,
        payload: b"UNSIGNED-PAYLOAD",
    };
    sign_headers(&mut bytes, &upstream, &signer, &KeyCache::default(), now);
    bytes.extend_from_slice(b"\r\n");
    let request = heads::parse(&bytes).unwrap();
    let rules = SigningRules { regions: vec!["eu-west-1".into()], ..SigningRules::default() };
    let with = |token| {
        let keys = keyring(&[credential("AKID", SECRET, token)]);
        authenticate(&request, Place::default(), &keys, &rules, &KeyCache::default(), now)
            .map(|authenticated| authenticated.signed_headers.as_str().to_owned())
            .map_err(|error| error.reason())
    };
    let list = "host;x-amz-acl;x-amz-content-sha256;x-amz-date;x-amz-meta-a;x-amz-security-token";
    assert_eq!(with(Some("t/+=")), Ok(list.to_owned()));
    assert_eq!(with(Some("other")), Err(Reason::BadToken));
    assert_eq!(with(None), Err(Reason::BadToken));
}
