//! The gate's own rules: what it refuses beyond S3, retired keys, tokens, uniform errors, the edges of time.
//! It must not hold what the vectors show already.

use super::support::{SECRET, credential, head, keyring};
use crate::auth::error::{AuthError, Disabled, KeyFault};
use crate::auth::keyring::{Credential, Keyring};
use crate::auth::payload::Payload;
use crate::auth::scheme::{Scheme, Version};
use crate::auth::sigv4::key::KeyCache;
use crate::auth::sigv4::scope::ScopeFault;
use crate::auth::sigv4::sign::{Grant, SignedHeader, Signer, Upstream, presign, sign_headers};
use crate::auth::{Place, Signer as Signed, SigningRules, authenticate};
use crate::clock::UnixMillis;
use crate::reason::Reason;
use crate::request::head as heads;
use crate::request::percent::Sink;
use crate::secret::Secret;
use std::time::Duration;

const NOW: UnixMillis = UnixMillis::from_secs(1_768_478_400);
const TOKEN: &str = "token/+=";

fn keys() -> Keyring {
    let retired = |at| Credential { retired: Some(at), ..credential("AKIDRETIRED", SECRET, None) };
    keyring(&[
        credential("AKIDMAIN", SECRET, None),
        credential("AKID/SLASH", SECRET, None),
        credential("ASIASESSION", SECRET, Some(TOKEN)),
        retired(NOW),
        Credential { expires: Some(NOW), ..credential("ASIAENDING", SECRET, Some(TOKEN)) },
    ])
}

type Params = &'static [(&'static [u8], &'static [u8])];

/// A link for `PUT /bucket/key`, good for an hour.
struct Link {
    method: &'static str,
    key: &'static str,
    token: Option<&'static str>,
    signed_at: UnixMillis,
    query: Params,
    headers: &'static [SignedHeader<'static>],
}

const LINK: Link =
    Link { method: "PUT", key: "AKIDMAIN", token: None, signed_at: NOW, query: &[], headers: &[] };

impl Link {
    fn target(&self) -> String {
        let (secret, token) = (Secret::new(SECRET), self.token.map(Secret::new));
        let signer = Signer {
            access_key_id: self.key,
            secret: &secret,
            session_token: token.as_ref(),
            region: "us-east-1",
        };
        let grant = Grant {
            method: self.method,
            host: "s3.test",
            path: b"/bucket/key",
            query: self.query,
            headers: self.headers,
            signed_at: self.signed_at,
            expires_secs: 3600,
        };
        String::from_utf8(presign(&grant, &signer, &KeyCache::default())).unwrap()
    }
}

fn outcome_at(
    target: &str,
    lines: &[(&str, &str)],
    rules: &SigningRules,
    now: UnixMillis,
) -> Result<(), AuthError> {
    let (path, query) = target.split_once('?').unwrap();
    let mut headers = vec![("Host".to_owned(), "s3.test".to_owned())];
    headers.extend(lines.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let bytes = head("PUT", path, query, &headers);
    let request = heads::parse(&bytes).unwrap();
    let authenticated = authenticate(&request, Place::default(), &keys(), rules, &KeyCache::default(), now)?;
    // whoever remembers a link forgets it then
    assert_eq!(authenticated.expires_at, Some(authenticated.signed_at.plus_millis(3_600_000)));
    Ok(())
}

fn check(target: &str, lines: &[(&str, &str)], expected: &Result<(), AuthError>) {
    assert_eq!(&outcome_at(target, lines, &SigningRules::default(), NOW), expected, "{target} {lines:?}");
}

fn check_reason(target: &str, lines: &[(&str, &str)], expected: Reason) {
    let outcome = outcome_at(target, lines, &SigningRules::default(), NOW);
    assert_eq!(outcome.map_err(|error| error.reason()), Err(expected), "{target} {lines:?}");
}

#[test]
fn both_ends_of_the_life_of_a_link_belong_to_it() {
    let target = LINK.target();
    let at = |millis| outcome_at(&target, &[], &SigningRules::default(), NOW.plus_millis(millis));
    assert_eq!(at(0), Ok(()));
    assert_eq!(at(3_600_000), Ok(()));
    assert_eq!(at(3_600_001).map_err(|error| error.reason()), Err(Reason::Expired));
    assert_eq!(at(-900_000), Ok(()));
    assert_eq!(at(-900_001).map_err(|error| error.reason()), Err(Reason::NotYetValid));
}

#[test]
fn what_a_temporary_credential_has_signed_ends_with_it() {
    let link = Link { key: "ASIAENDING", token: Some(TOKEN), signed_at: NOW.plus_millis(-60_000), ..LINK };
    let uniform = SigningRules { uniform_errors: true, ..SigningRules::default() };
    let at =
        |target: &str, rules: &SigningRules, millis| outcome_at(target, &[], rules, NOW.plus_millis(millis));
    let over = AuthError::ExpiredToken { token: TOKEN.into() };
    let target = link.target();
    for rules in [&SigningRules::default(), &uniform] {
        // the link would be good for an hour
        assert_eq!(at(&target, rules, -1), Ok(()));
        assert_eq!(at(&target, rules, 0), Ok(()));
        assert_eq!(at(&target, rules, 1), Err(over.clone()));
        assert_eq!(at(&target, rules, 1000), Err(over.clone()));
    }
    let answer = over.s3();
    assert_eq!((answer.status(), answer.code.as_str()), (400, "ExpiredToken"));
    assert_eq!(answer.message, "The provided token has expired.");
    // whoever cannot show the token, or sign, learns nothing of it
    let wrong = target.replace("X-Amz-Signature=", "X-Amz-Signature=0");
    assert_eq!(at(&wrong, &uniform, 1), Err(AuthError::Uniform(Reason::WrongSignature)));
    let without = Link { token: None, ..link }.target();
    let reason = |target: &str, rules| at(target, rules, 1).unwrap_err().reason();
    assert_eq!(
        (reason(&without, &uniform), reason(&without, &SigningRules::default())),
        (Reason::BadToken, Reason::BadToken)
    );
}

#[test]
fn a_link_must_not_live_longer_than_configured() {
    let with = |secs| {
        let rules = SigningRules { max_expires: Duration::from_secs(secs), ..SigningRules::default() };
        outcome_at(&LINK.target(), &[], &rules, NOW)
    };
    assert_eq!(with(3600), Ok(()));
    assert_eq!(with(3599), Err(AuthError::LifetimeTooLong { max_secs: 3599 }));
}

#[test]
fn reserved_parameters_have_one_spelling() {
    let refused = |name| Err(AuthError::ReservedParameter { name, scheme: Scheme::QueryV4 });
    // signed along, so that only this rule stands against them
    let signed: [(Params, _); 5] = [
        (&[(b"x-amz-credential", b"x")], "X-Amz-Credential"),
        (&[(b"X-Amz-Expires", b"1")], "X-Amz-Expires"),
        (&[(b"X-AMZ-SIGNEDHEADERS", b"host;x-amz-acl")], "X-Amz-SignedHeaders"),
        (&[(b"x-amz-signature", b"0")], "X-Amz-Signature"),
        (&[(b"x-amz-security-token", b"t")], "X-Amz-Security-Token"),
    ];
    for (query, name) in signed {
        let outcome = outcome_at(&Link { query, ..LINK }.target(), &[], &SigningRules::default(), NOW);
        // the first of two is authoritative; where that one is ours, S3 itself refuses
        if name == "X-Amz-Expires" {
            assert_eq!(outcome.map_err(|error| error.reason()), Err(Reason::MalformedAuth));
        } else {
            assert_eq!(outcome, refused(name), "{name}");
        }
    }
    let target = LINK.target();
    check(&format!("{target}&X-Amz-Signature={}", "0".repeat(64)), &[], &refused("X-Amz-Signature"));
    check(&target.replace("X-Amz-Date", "X-Amz-%44ate"), &[], &refused("X-Amz-Date"));
    check(&target.replace("X-Amz-Signature", "X%2DAmz-Signature"), &[], &refused("X-Amz-Signature"));
    check(&Link { query: &[(b"X-Amz-Content-Sha256", b"UNSIGNED-PAYLOAD")], ..LINK }.target(), &[], &Ok(()));
}

#[test]
fn headers_are_signed_and_there() {
    let link = Link { headers: &[("x-amz-meta-a", b""), ("content-type", b"text/plain")], ..LINK };
    let both = [("X-Amz-Meta-A", ""), ("Content-Type", "text/plain")];
    check(&link.target(), &both, &Ok(()));
    check(&link.target(), &both[1..], &Err(AuthError::SignedHeaderMissing("x-amz-meta-a".into())));
    check_reason(&link.target(), &both[..1], Reason::WrongSignature);
    let unsigned = |names: &str| Err(AuthError::HeadersNotSigned(names.into()));
    check(&LINK.target(), &[("x-amz-acl", "public-read")], &unsigned("x-amz-acl"));
    check(&LINK.target(), &[("X-AMZ-ACL", "a"), ("Content-MD5", "m")], &unsigned("x-amz-acl, content-md5"));
    check(&LINK.target(), &[("x-amzn-trace-id", "a"), ("Range", "bytes=0-1"), ("Cookie", "a")], &Ok(()));
    let list = LINK.target().replace("X-Amz-SignedHeaders=host", "X-Amz-SignedHeaders=Host");
    check(&list, &[], &Err(AuthError::SignedHeaders(Scheme::QueryV4)));
}

#[test]
fn tokens_and_retirement() {
    let key = |key_id: &str, fault| Err(AuthError::Key { key_id: key_id.into(), fault });
    let session = Link { key: "ASIASESSION", token: Some(TOKEN), ..LINK };
    check(&session.target(), &[], &Ok(()));
    check(&Link { token: None, ..session }.target(), &[], &key("ASIASESSION", KeyFault::Token));
    check(&Link { token: Some("other"), ..session }.target(), &[], &key("ASIASESSION", KeyFault::Token));
    let in_header = Link { token: None, headers: &[("x-amz-security-token", b"token/+=")], ..session };
    check(&in_header.target(), &[("x-amz-security-token", TOKEN)], &Ok(()));
    let unexpected = AuthError::UnexpectedToken { token: "t".into() };
    check(&Link { token: Some("t"), ..LINK }.target(), &[], &Err(unexpected));
    check(&Link { key: "AKIDRETIRED", ..LINK }.target(), &[], &key("AKIDRETIRED", KeyFault::Retired));
    let before = NOW.plus_millis(-1000);
    check(&Link { key: "AKIDRETIRED", signed_at: before, ..LINK }.target(), &[], &Ok(()));
}

#[test]
fn a_slash_in_a_key_id_needs_such_a_key() {
    check(&Link { key: "AKID/SLASH", ..LINK }.target(), &[], &Ok(()));
    let parts = AuthError::Scope { scheme: Scheme::QueryV4, fault: ScopeFault::Parts(Version::V4) };
    check(&Link { key: "AKID/OTHER", ..LINK }.target(), &[], &Err(parts));
}

#[test]
fn uniform_errors_tell_nothing_about_keys() {
    let rules = SigningRules { uniform_errors: true, ..SigningRules::default() };
    let wrong = LINK.target().replace("X-Amz-Signature=", "X-Amz-Signature=0");
    let cases = [
        (wrong, Reason::WrongSignature),
        (Link { key: "AKIDNOBODY", ..LINK }.target(), Reason::UnknownKey),
        (Link { key: "AKID/NOBODY", ..LINK }.target(), Reason::UnknownKey),
        (Link { key: "ASIASESSION", ..LINK }.target(), Reason::BadToken),
        (Link { key: "AKIDRETIRED", ..LINK }.target(), Reason::RetiredKey),
    ];
    for (target, reason) in cases {
        let error = outcome_at(&target, &[], &rules, NOW).unwrap_err();
        assert_eq!(error.reason(), reason, "{target}");
        let answer = error.s3();
        assert_eq!((answer.status(), answer.code.as_str()), (403, "SignatureDoesNotMatch"), "{target}");
        assert!(answer.extras.is_empty(), "{target}");
    }
}

#[test]
fn unknown_keys_do_the_same_work_and_leave_nothing() {
    let cache = KeyCache::default();
    let look = |key| {
        let target = Link { key, ..LINK }.target();
        let (path, query) = target.split_once('?').unwrap();
        let bytes = head("PUT", path, query, &[("Host".into(), "s3.test".into())]);
        let request = heads::parse(&bytes).unwrap();
        let _ = authenticate(&request, Place::default(), &keys(), &SigningRules::default(), &cache, NOW);
        cache.len()
    };
    // one entry for the decoy, however many ids are tried
    assert_eq!(["AKIDA", "AKIDB", "AKIDC", "AKIDMAIN", "AKIDD"].map(look), [1, 1, 1, 2, 2]);
}

#[test]
fn a_link_for_get_answers_head_where_it_may_and_nothing_else() {
    let target = Link { method: "GET", ..LINK }.target();
    let (path, query) = target.split_once('?').unwrap();
    let (keyring, rules) = (keys(), SigningRules::default());
    for (method, head_for_get, expected) in [
        ("GET", true, None),
        ("GET", false, None),
        ("HEAD", true, None),
        ("HEAD", false, Some(Reason::WrongSignature)),
        ("PUT", true, Some(Reason::WrongSignature)),
        ("POST", true, Some(Reason::WrongSignature)),
        ("DELETE", true, Some(Reason::WrongSignature)),
    ] {
        let bytes = head(method, path, query, &[("Host".into(), "s3.test".into())]);
        let request = heads::parse(&bytes).unwrap();
        let place = Place { head_for_get, ..Place::default() };
        let found = authenticate(&request, place, &keyring, &rules, &KeyCache::default(), NOW);
        assert_eq!(found.map_err(|error| error.reason()).err(), expected, "{method} {head_for_get}");
    }
}

/// What is said to a link of a key that nobody here knows, where the store is to verify it.
fn foreign(target: &str) -> Result<String, AuthError> {
    let (path, query) = target.split_once('?').unwrap();
    let bytes = head("PUT", path, query, &[("Host".into(), "s3.test".into())]);
    let (request, keyring, rules) = (heads::parse(&bytes).unwrap(), keys(), SigningRules::default());
    let place = Place { unknown_keys: true, ..Place::default() };
    let found = authenticate(&request, place, &keyring, &rules, &KeyCache::default(), NOW)?;
    match found.signer {
        Signed::Unknown(key_id) => Ok(key_id.to_owned()),
        Signed::Known { .. } => panic!("somebody signed with a key that nobody has: {target}"),
    }
}

#[test]
fn only_what_the_store_could_find_right_is_left_to_it() {
    let target = Link { key: "AKIDNOBODY", ..LINK }.target();
    assert_eq!(foreign(&target), Ok("AKIDNOBODY".to_owned()));
    let (start, signature) = target.split_at(target.len() - 64);
    let unknown = |key_id: &str| Err(AuthError::Key { key_id: key_id.into(), fault: KeyFault::Unknown });
    let (upper, longer) = ("A".repeat(64), format!("{signature}0"));
    for other in ["", signature.get(1..).unwrap(), &upper, &longer, &"g".repeat(64)] {
        assert_eq!(foreign(&format!("{start}{other}")), unknown("AKIDNOBODY"), "{other}");
    }
    assert_eq!(foreign(&Link { key: "A,B", ..LINK }.target()), unknown("A,B"));
}

#[test]
fn nobody_can_sign_with_the_decoy() {
    let secret = Secret::new(*b"no request is ever accepted by this one.");
    for access_key_id in ["", "AKIDNOBODY"] {
        let signer = Signer { access_key_id, secret: &secret, session_token: None, region: "us-east-1" };
        let grant = Grant {
            method: "PUT",
            host: "s3.test",
            path: b"/bucket/key",
            query: &[],
            headers: &[],
            signed_at: NOW,
            expires_secs: 60,
        };
        let target = String::from_utf8(presign(&grant, &signer, &KeyCache::default())).unwrap();
        check(&target, &[], &Err(AuthError::Key { key_id: access_key_id.into(), fault: KeyFault::Unknown }));
    }
}

#[test]
fn a_changed_signature_never_matches() {
    let target = LINK.target();
    let (start, signature) = target.split_at(target.len() - 64);
    let upper = signature.to_ascii_uppercase();
    let spaced = format!("{signature}%20");
    let longer = format!("{signature}0");
    for changed in ["", signature.get(..1).unwrap(), signature.get(..63).unwrap(), &upper, &spaced, &longer] {
        check_reason(&format!("{start}{changed}"), &[], Reason::WrongSignature);
    }
    for at in 0..64 {
        let mut changed = signature.to_owned().into_bytes();
        changed[at] = if changed[at] == b'0' { b'1' } else { b'0' };
        check_reason(&format!("{start}{}", String::from_utf8(changed).unwrap()), &[], Reason::WrongSignature);
    }
}

#[test]
fn the_body_of_a_link_is_never_decoded() {
    let link = Link { headers: &[("x-amz-decoded-content-length", b"5")], ..LINK };
    let length = ("x-amz-decoded-content-length", "5");
    check(&link.target(), &[length, ("Content-Length", "5")], &Ok(()));
    let wrong = |provided| Err(AuthError::BodyLength { expected: "5".into(), provided });
    check(&link.target(), &[length, ("Content-Length", "88")], &wrong(88));
    check(&link.target(), &[length], &wrong(0));
    check(&link.target(), &[length, ("Transfer-Encoding", "chunked")], &Err(AuthError::MissingLength));
}

/// The header form, signed by our own signer.
fn header_form(rules: &SigningRules, query: &'static str, payload: &str) -> Result<bool, AuthError> {
    let secret = Secret::new(SECRET);
    let signer =
        Signer { access_key_id: "AKIDMAIN", secret: &secret, session_token: None, region: "us-east-1" };
    let mut bytes = format!("PUT /k?{query} HTTP/1.1\r\nHost: s3.test\r\nX-Amz-Meta-A: 1\r\n").into_bytes();
    let upstream = Upstream {
        method: "PUT",
        path: b"/k",
        query: |out: &mut sha2::Sha256| out.put(query.as_bytes()),
        headers: &[("host", b"s3.test"), ("x-amz-meta-a", b"1")],
        payload: payload.as_bytes(),
    };
    sign_headers(&mut bytes, &upstream, &signer, &KeyCache::default(), NOW);
    bytes.extend_from_slice(b"\r\n");
    let request = heads::parse(&bytes).unwrap();
    let authenticated = authenticate(&request, Place::default(), &keys(), rules, &KeyCache::default(), NOW)?;
    assert_eq!((authenticated.scheme, authenticated.expires_at), (Scheme::HeaderV4, None));
    assert!(authenticated.signs_header("X-Amz-Date") && !authenticated.signs_header("range"));
    Ok(authenticated.payload == Payload::Unsigned)
}

#[test]
fn the_header_form_and_its_switch() {
    let rules = SigningRules::default();
    assert_eq!(header_form(&rules, "acl=", "UNSIGNED-PAYLOAD"), Ok(true));
    assert_eq!(header_form(&rules, "", &"0".repeat(64)), Ok(false));
    let off = SigningRules { header_auth: false, ..SigningRules::default() };
    assert_eq!(header_form(&off, "", "UNSIGNED-PAYLOAD"), Err(AuthError::Disabled(Disabled::Header)));
    let nowhere = SigningRules { regions: Vec::new(), ..SigningRules::default() };
    let region = ScopeFault::Region { given: "us-east-1".into(), expected: String::new() };
    let scope = AuthError::Scope { scheme: Scheme::HeaderV4, fault: region };
    assert_eq!(header_form(&nowhere, "", "UNSIGNED-PAYLOAD"), Err(scope));
    let reserved = |name| Err(AuthError::ReservedParameter { name, scheme: Scheme::HeaderV4 });
    assert_eq!(header_form(&rules, "x-amz-date=1", "UNSIGNED-PAYLOAD"), reserved("X-Amz-Date"));
    assert_eq!(header_form(&rules, "X-Amz-Credential=1", "UNSIGNED-PAYLOAD"), reserved("X-Amz-Credential"));
}
