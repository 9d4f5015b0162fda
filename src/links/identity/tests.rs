//! Spellings of one link and links that only look alike.
//! It must not test signatures: those that do not verify have no name at all.

use super::*;
use crate::auth::keyring::{Credential, Keyring, PrincipalId};
use crate::auth::sigv4::key::KeyCache;
use crate::auth::sigv4::sign::{Grant, Signer, presign};
use crate::auth::{Place, SigningRules, authenticate};
use crate::clock::UnixMillis;
use crate::request::head;
use crate::secret::Secret;
use std::collections::HashSet;

const NOW: UnixMillis = UnixMillis::from_secs(1_768_478_400);

fn keyring(secret: &str) -> Keyring {
    let credential = |id: &str, secret: &str| Credential {
        access_key_id: id.to_owned(),
        secret: Secret::new(secret),
        session_token: None,
        principal: PrincipalId(0),
        retired: None,
        expires: None,
    };
    Keyring::new(vec![credential("AKIDA", secret), credential("AKIDB", secret)]).unwrap()
}

#[derive(Clone, Copy)]
struct Link {
    key: &'static str,
    secret: &'static str,
    method: &'static str,
    path: &'static str,
    query: &'static [(&'static [u8], &'static [u8])],
    signed_at: UnixMillis,
    expires: u32,
}

const LINK: Link = Link {
    key: "AKIDA",
    secret: "secret",
    method: "GET",
    path: "/bkt/a b~",
    query: &[(b"x-gate-max-uses", b"1"), (b"response-content-type", b"a/b")],
    signed_at: NOW,
    expires: 60,
};

impl Link {
    fn target(self) -> String {
        let grant = Grant {
            method: self.method,
            host: "s3.test",
            path: self.path.as_bytes(),
            query: self.query,
            headers: &[],
            signed_at: self.signed_at,
            expires_secs: self.expires,
        };
        let secret = Secret::new(self.secret);
        let signer =
            Signer { access_key_id: self.key, secret: &secret, session_token: None, region: "us-east-1" };
        String::from_utf8(presign(&grant, &signer, &KeyCache::default())).unwrap()
    }

    fn name(self) -> LinkId {
        name(self.method, &self.target(), "", self.secret)
    }
}

#[track_caller]
fn name(method: &str, target: &str, headers: &str, secret: &str) -> LinkId {
    let text = format!("{method} {target} HTTP/1.1\r\nHost: s3.test\r\n{headers}\r\n");
    let request = head::parse(text.as_bytes()).unwrap();
    let (keyring, rules) = (keyring(secret), SigningRules::default());
    let found =
        authenticate(&request, Place::default(), &keyring, &rules, &KeyCache::default(), NOW).unwrap();
    LinkId::of(&found, &keyring).unwrap()
}

#[test]
fn every_spelling_of_a_link_has_one_name() {
    let target = LINK.target();
    let expected = LINK.name();
    let (path, query) = target.split_once('?').unwrap();
    let mut params: Vec<&str> = query.split('&').collect();
    params.reverse();
    let spellings = [
        format!("{path}?{}", params.join("&")),
        target.replace("a%20b~", "%61%20b%7e"),
        target.replace("/bkt/", "/%62kt/"),
        target.replace("a%2Fb", "a%2fb"),
        target.replace("a%2Fb", "a/b"),
        target.replace("%2F", "%2f"),
        target.replace("x-gate-max-uses=1", "x-gate-max-uses=%31"),
        target.replacen('?', "?&", 1),
        format!("http://s3.test{target}"),
    ];
    for spelling in spellings {
        assert_ne!(spelling, target);
        assert_eq!(name("GET", &spelling, "", "secret"), expected, "{spelling}");
    }
    // what the signature does not cover may differ from request to request
    assert_eq!(name("GET", &target, "Range: bytes=0-1\r\nUser-Agent: x\r\n", "secret"), expected);
}

#[test]
fn what_the_signature_covers_makes_another_link() {
    let others = [
        LINK,
        Link { key: "AKIDB", ..LINK },
        Link { secret: "other", ..LINK },
        Link { method: "PUT", ..LINK },
        Link { path: "/bkt/a", ..LINK },
        Link { query: &[(b"x-gate-max-uses", b"2"), (b"response-content-type", b"a/b")], ..LINK },
        Link { query: &[(b"x-gate-max-uses", b"1")], ..LINK },
        Link { signed_at: UnixMillis::from_secs(1_768_478_399), ..LINK },
        Link { expires: 61, ..LINK },
    ];
    let names: HashSet<_> = others.iter().map(|link| link.name()).collect();
    assert_eq!(names.len(), others.len());
}

#[test]
fn a_url_alone_has_the_name_that_its_requests_get() {
    let of = |target: &str| LinkId::of_url(&format!("https://s3.test{target}"), &keyring("secret"));
    let target = LINK.target();
    assert_eq!(of(&target), Ok((LINK.name(), NOW)));
    assert_eq!(of("/bkt/key"), Err(UrlFault::NotPresigned));
    assert_eq!(of("/bkt/key?%"), Err(UrlFault::NotPresigned));
    assert_eq!(of(&target.replace("AKIDA", "AKIDC")), Err(UrlFault::UnknownKey));
    assert_eq!(of(&target.replace("HMAC-SHA256", "ECDSA-P256-SHA256")), Err(UrlFault::Algorithm));
    for parameter in ["Algorithm", "Credential", "Date", "Expires", "Signature"] {
        let broken = target.replace(&format!("X-Amz-{parameter}="), &format!("X-Amz-{parameter}s="));
        assert_eq!(of(&broken), Err(UrlFault::NotPresigned), "{parameter}");
    }
}

#[test]
fn names_are_read_as_they_are_written() {
    let name = LINK.name();
    assert_eq!(LinkId::parse(&name.to_string()), Some(name));
    assert_eq!(LinkId::from_bytes(*name.bytes()), name);
    let text = name.to_string();
    for wrong in
        ["", text.get(1..).unwrap(), &format!("{text}0"), &text.replace(|c: char| c.is_ascii_digit(), "g")]
    {
        assert_eq!(LinkId::parse(wrong), None, "{wrong}");
    }
    assert_eq!(LinkId::parse("ABCDEFABCDEFABCDEFABCDEFABCDEFAB"), None);
}
