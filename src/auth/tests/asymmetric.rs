//! SigV4A as a whole: both forms, its switch, tokens, unknown keys, and what it does not cover.
//! It must not hold what the vectors show already.

use super::support::{SECRET, credential, head, keyring};
use crate::auth::error::{AuthError, Disabled, KeyFault};
use crate::auth::payload::Payload;
use crate::auth::scheme::Scheme;
use crate::auth::sigv4::ALGORITHM_V4A;
use crate::auth::sigv4::asymmetric::testing::sign;
use crate::auth::sigv4::explain::signed_texts;
use crate::auth::sigv4::key::KeyCache;
use crate::auth::{Place, SigningRules, authenticate};
use crate::clock::UnixMillis;
use crate::reason::Reason;
use crate::request::head as heads;
use crate::secret::Secret;

const NOW: UnixMillis = UnixMillis::from_secs(1_768_478_400);
const SCOPE: &str = "20260115/s3/aws4_request";

/// One header-signed upload; the signature is that of `signer` over what the request says.
struct Upload<'u> {
    key_id: &'u str,
    signer: &'u str,
    region_set: &'u str,
    payload: &'u str,
    lines: &'u [(&'u str, &'u str)],
}

const UPLOAD: Upload<'static> = Upload {
    key_id: "AKIDMAIN",
    signer: SECRET,
    region_set: "us-*",
    payload: "UNSIGNED-PAYLOAD",
    lines: &[],
};

impl Upload<'_> {
    fn bytes(&self, signature: &str) -> Vec<u8> {
        let mut headers = vec![
            ("host", "s3.test".to_owned()),
            ("x-amz-content-sha256", self.payload.to_owned()),
            ("x-amz-date", "20260115T120000Z".to_owned()),
            ("x-amz-region-set", self.region_set.to_owned()),
        ];
        headers.extend(self.lines.iter().map(|(name, value)| (*name, (*value).to_owned())));
        headers.sort();
        let names: Vec<_> = headers.iter().map(|(name, _)| *name).collect();
        let authorization = format!(
            "{ALGORITHM_V4A} Credential={}/{SCOPE}, SignedHeaders={}, Signature={signature}",
            self.key_id,
            names.join(";")
        );
        headers.push(("Authorization", authorization));
        let headers: Vec<_> = headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        head("PUT", "/bucket/key", "", &headers)
    }

    fn outcome(&self, rules: &SigningRules) -> Result<Scheme, AuthError> {
        let unsigned = self.bytes("00");
        let texts = signed_texts(&heads::parse(&unsigned).unwrap()).unwrap();
        let signature = sign(self.key_id, &Secret::new(self.signer), &texts.string_to_sign);
        let bytes = self.bytes(&signature);
        let request = heads::parse(&bytes).unwrap();
        let keys = keyring(&[
            credential("AKIDMAIN", SECRET, None),
            credential("ASIASESSION", SECRET, Some("token")),
        ]);
        let found = authenticate(&request, Place::default(), &keys, rules, &KeyCache::default(), NOW)?;
        assert_eq!(found.region, "us-east-1");
        assert!(matches!(found.payload, Payload::Unsigned | Payload::Streaming(_)));
        Ok(found.scheme)
    }
}

fn check(upload: &Upload<'_>, expected: &Result<Scheme, AuthError>) {
    assert_eq!(upload.outcome(&SigningRules::default()), *expected);
}

#[test]
fn the_header_form_and_its_switches() {
    check(&UPLOAD, &Ok(Scheme::HeaderV4a));
    let off = SigningRules { sigv4a: false, ..SigningRules::default() };
    let refused = UPLOAD.outcome(&off).unwrap_err();
    assert!(matches!(refused, AuthError::Disabled(Disabled::SigV4aHeader(_))), "{refused:?}");
    let off = SigningRules { header_auth: false, ..SigningRules::default() };
    assert_eq!(UPLOAD.outcome(&off), Err(AuthError::Disabled(Disabled::Header)));
}

#[test]
fn regions_must_be_named() {
    let mismatch =
        |given: &str| Err(AuthError::RegionSet { given: given.into(), expected: "us-east-1".into() });
    check(&Upload { region_set: "eu-*,ap-*", ..UPLOAD }, &mismatch("eu-*,ap-*"));
    check(&Upload { region_set: "", ..UPLOAD }, &mismatch(""));
}

#[test]
fn keys_and_tokens_are_those_of_the_other_forms() {
    let key = |key_id: &str, fault| Err(AuthError::Key { key_id: key_id.into(), fault });
    check(&Upload { key_id: "AKIDNOBODY", ..UPLOAD }, &key("AKIDNOBODY", KeyFault::Unknown));
    check(&Upload { key_id: "ASIASESSION", ..UPLOAD }, &key("ASIASESSION", KeyFault::Token));
    let token = [("x-amz-security-token", "token")];
    check(&Upload { key_id: "ASIASESSION", lines: &token, ..UPLOAD }, &Ok(Scheme::HeaderV4a));
    check(&Upload { lines: &token, ..UPLOAD }, &Err(AuthError::UnexpectedToken { token: "token".into() }));
    let wrong = Upload { signer: "another", ..UPLOAD }.outcome(&SigningRules::default());
    assert_eq!(wrong.map_err(|error| error.reason()), Err(Reason::WrongSignature));
    // the secret of the decoy is public
    let decoy = Upload { signer: "no request is ever accepted by this one.", key_id: "AKIDX", ..UPLOAD };
    check(&decoy, &key("AKIDX", KeyFault::Unknown));
}

#[test]
fn chunks_that_carry_signatures_are_refused() {
    let lines = [("x-amz-decoded-content-length", "5")];
    for payload in [
        "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD",
        "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER",
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
    ] {
        check(&Upload { payload, lines: &lines, ..UPLOAD }, &Err(AuthError::PayloadMode(payload.into())));
    }
    // the mode of today's SDKs over TLS: nothing in its chunks is signed
    let payload = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
    check(&Upload { payload, lines: &lines, ..UPLOAD }, &Ok(Scheme::HeaderV4a));
}

#[test]
fn one_public_key_is_kept_for_each_key_that_exists() {
    let cache = KeyCache::default();
    let keys = keyring(&[credential("AKIDMAIN", SECRET, None)]);
    let look = |key_id| {
        let bytes = Upload { key_id, ..UPLOAD }.bytes("00");
        let request = heads::parse(&bytes).unwrap();
        let rules = SigningRules::default();
        assert!(authenticate(&request, Place::default(), &keys, &rules, &cache, NOW).is_err());
        cache.len()
    };
    assert_eq!(["AKIDA", "AKIDB", "AKIDMAIN", "AKIDC", "AKIDMAIN"].map(look), [1, 1, 2, 2, 2]);
}
