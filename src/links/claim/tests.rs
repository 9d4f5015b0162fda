//! What requests ask for, and whom they count for.
//! It must not test what is answered.

use super::*;
use crate::auth::keyring::{Credential, Keyring, PrincipalId};
use crate::auth::sigv4::key::KeyCache;
use crate::auth::sigv4::sign::{Signer, Upstream, sign_headers};
use crate::auth::{Place, SigningRules, authenticate};
use crate::links::LinkRules;
use crate::net::identity::identify;
use crate::net::rules::{ListenerRules, NetworkRules};
use crate::net::{ConnFacts, ListenerIndex};
use crate::request::head;
use crate::request::percent::Sink;
use crate::secret::Secret;
use std::time::Duration;

const NOW: UnixMillis = UnixMillis::from_secs(1_768_478_400);

fn ask(method: &str, headers: &str) -> Ask {
    let text = format!("{method} /b/k HTTP/1.1\r\nHost: h\r\n{headers}\r\n");
    Ask::of(&head::parse(text.as_bytes()).unwrap())
}

#[test]
fn what_a_head_tells_about_the_bytes_to_come() {
    let get = |range: &str| ask("GET", &format!("Range: {range}\r\n"));
    assert_eq!(ask("HEAD", ""), Ask::Look);
    assert_eq!(ask("HEAD", "Range: bytes=0-1\r\n"), Ask::Look);
    assert_eq!(ask("GET", ""), Ask::Download(None));
    for (range, length) in [
        ("bytes=0-0", Some(1)),
        ("bytes=10-19", Some(10)),
        ("bytes=-5", Some(5)),
        ("bytes=5-", None),
        ("bytes=9-0", None),
        ("bytes=0-18446744073709551615", None),
        ("bytes=0-1,5-6", None),
        ("bytes=+0-1", None),
        ("bytes=0x0-1", None),
        ("lines=0-1", None),
        ("bytes=-", None),
    ] {
        assert_eq!(get(range), Ask::Download(length), "{range}");
    }
    assert_eq!(ask("PUT", "Content-Length: 7\r\n"), Ask::Upload(Some(7)));
    assert_eq!(ask("PUT", "Transfer-Encoding: chunked\r\n"), Ask::Upload(None));
    assert_eq!(ask("DELETE", ""), Ask::Upload(Some(0)));
}

#[test]
fn who_counts_as_one_client() {
    let of = |vpce, address: &str| client(vpce, Some(address.parse().unwrap()));
    assert_eq!(&*of(None, "203.0.113.7"), "203.0.113.7");
    assert_eq!(&*of(None, "::ffff:203.0.113.7"), "203.0.113.7");
    assert_eq!(of(None, "2001:db8::1"), of(None, "2001:db8::2:3"));
    assert_ne!(of(None, "2001:db8::1"), of(None, "2001:db8:0:1::1"));
    assert_eq!(&*of(Some("vpce-1"), "10.0.0.1"), "vpce-1 10.0.0.1");
    assert_eq!(&*client(None, None), "");
}

#[test]
fn networks() {
    let of = |address: &str| network_of(address.parse().unwrap());
    assert_eq!(of("203.0.113.7"), "203.0.113.0/24");
    assert_eq!(of("::ffff:203.0.113.7"), "203.0.113.0/24");
    assert_eq!(of("2001:db8:1:2:3::4"), "2001:db8:1:2::/64");
}

/// Anybody with the keys can sign a header anew while its date is taken: the uses are remembered for as long.
#[test]
fn what_is_signed_without_an_end_is_remembered_while_its_date_is_taken() {
    let secret = Secret::new("secret");
    let keyring = Keyring::new(vec![Credential {
        access_key_id: "AKID".to_owned(),
        secret: secret.clone(),
        session_token: None,
        principal: PrincipalId(0),
        retired: None,
        expires: None,
    }])
    .unwrap();
    let signer = Signer { access_key_id: "AKID", secret: &secret, session_token: None, region: "us-east-1" };
    let query = "x-gate-max-uses=1";
    let mut bytes = format!("GET /b/k?{query} HTTP/1.1\r\nHost: s3.test\r\n").into_bytes();
    let upstream = Upstream {
        method: "GET",
        path: b"/b/k",
        query: |out: &mut sha2::Sha256| out.put(query.as_bytes()),
        headers: &[("host", b"s3.test")],
        payload: b"UNSIGNED-PAYLOAD",
    };
    sign_headers(&mut bytes, &upstream, &signer, &KeyCache::default(), NOW);
    bytes.extend_from_slice(b"\r\n");
    let (request, rules, cache) =
        (head::parse(&bytes).unwrap(), SigningRules::default(), KeyCache::default());
    let signature = authenticate(&request, Place::default(), &keyring, &rules, &cache, NOW).unwrap();
    let id = LinkId::of(&signature, &keyring).unwrap();
    let constraints = Constraints::parse(&request.target.query).unwrap();
    let facts = ConnFacts { peer: None, local: None, tls: None, proxy: None, listener: ListenerIndex(0) };
    let network = identify(&facts, &ListenerRules::default(), &NetworkRules::new([], []).unwrap(), |_| {
        std::iter::empty()
    })
    .unwrap();
    for skew in [0, 900] {
        let links = LinkRules { grace: Duration::ZERO, clock_skew: Duration::from_secs(skew) };
        let claim = LinkClaim::of(id, &constraints, &request, &signature, &network, &links).unwrap().unwrap();
        let expected = i64::try_from(skew).unwrap() * 1000 + CLOCKS_MILLIS;
        assert_eq!(claim.terms.until.millis_since(NOW), expected, "{skew}");
    }
}
