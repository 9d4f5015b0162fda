//! The worked examples of the AWS documentation and the suite of aws-c-auth.
//! It must not hold rules of its own.

use super::support::{SECRET, credential, head, keyring, read, shared};
use crate::auth::keyring::{Credential, Keyring};
use crate::auth::payload::Payload;
use crate::auth::post;
use crate::auth::post::fields::Fields;
use crate::auth::sigv4::asymmetric::PublicKey;
use crate::auth::sigv4::asymmetric::testing::coordinates;
use crate::auth::sigv4::canonical::{Canonical, StringToSign};
use crate::auth::sigv4::chunked::ChunkDecoder;
use crate::auth::sigv4::chunked::plan::ChunkSigner;
use crate::auth::sigv4::explain::signed_texts;
use crate::auth::sigv4::key::{KeyCache, SigningKey};
use crate::auth::sigv4::signed_headers::SignedHeaders;
use crate::auth::sigv4::{ALGORITHM, ALGORITHM_V4A};
use crate::auth::{Place, SigningRules, authenticate, hex};
use crate::clock::UnixMillis;
use crate::clock::civil::Civil;
use crate::request::form::{Boundary, Field, Form};
use crate::request::head as heads;
use crate::secret::Secret;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::path::Path;

fn pairs(value: &Value) -> Vec<(String, String)> {
    serde_json::from_value(value.clone()).unwrap()
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_else(|| panic!("no `{name}` in {value}"))
}

fn example_keys() -> Keyring {
    keyring(&[credential("AKIAIOSFODNN7EXAMPLE", SECRET, None)])
}

fn check_example(example: &Value, query: &str, headers: &[(String, String)], now: UnixMillis) {
    let name = text(example, "name");
    let bytes = head(text(example, "method"), text(example, "path"), query, headers);
    let request = heads::parse(&bytes).unwrap();
    let texts = signed_texts(&request).unwrap();
    assert_eq!(
        String::from_utf8(texts.canonical_request).unwrap(),
        text(example, "canonical_request"),
        "{name}"
    );
    assert_eq!(String::from_utf8(texts.string_to_sign).unwrap(), text(example, "string_to_sign"), "{name}");
    let (rules, cache, keys) = (SigningRules::default(), KeyCache::default(), example_keys());
    let authenticated = authenticate(&request, Place::default(), &keys, &rules, &cache, now).unwrap();
    if let Some(body) = example["body"].as_str() {
        authenticated.check_body(Sha256::digest(body).into()).unwrap();
    }
}

#[test]
fn worked_examples_of_the_documentation() {
    let examples: Value = serde_json::from_str(&read(&shared("aws-docs-examples.json"))).unwrap();
    let now = Civil::parse_basic(b"20130524T000000Z").unwrap().instant();
    let header = examples["sigv4_header"].as_array().unwrap();
    for example in header {
        let mut headers = pairs(&example["headers"]);
        headers.push(("Authorization".into(), text(example, "authorization").into()));
        check_example(example, text(example, "query"), &headers, now);
    }
    let presigned = examples["sigv4_presigned"].as_array().unwrap();
    for example in presigned {
        check_example(example, text(example, "query"), &pairs(&example["headers"]), now);
    }
    assert_eq!((header.len(), presigned.len()), (4, 1));
    for example in examples["key_derivation"].as_array().unwrap() {
        let secret = Secret::new(text(example, "secret_access_key"));
        let (day, region) = (text(example, "date"), text(example, "region"));
        let key = SigningKey::derive(&secret, day.as_bytes(), region, text(example, "service"));
        assert_eq!(hex::encode(&key.bytes()), text(example, "signing_key").as_bytes());
    }
    let pairs = examples["sigv4a"].as_array().unwrap();
    for example in pairs {
        let secret = Secret::new(text(example, "secret_access_key"));
        let key = PublicKey::derive(text(example, "access_key_id").as_bytes(), &secret);
        assert_eq!(
            coordinates(&key),
            (text(example, "public_x").into(), text(example, "public_y").into()),
            "{example}"
        );
    }
    assert_eq!(pairs.len(), 3);
}

#[test]
fn the_form_of_the_documentation() {
    let examples: Value = serde_json::from_str(&read(&shared("aws-docs-examples.json"))).unwrap();
    let examples = examples["post_policy"].as_array().unwrap();
    for example in examples {
        let field = |name: &str, value: &str| Field { name: name.into(), value: value.into() };
        let form = Form {
            fields: vec![
                field("key", "user/user1/${filename}"),
                field("acl", "public-read"),
                field(
                    "success_action_redirect",
                    "http://sigv4examplebucket.s3.amazonaws.com/successful_upload.html",
                ),
                field("Content-Type", "image/jpeg"),
                field("x-amz-meta-uuid", "14365123651274"),
                field("x-amz-server-side-encryption", "AES256"),
                field("X-Amz-Credential", text(example, "credential")),
                field("X-Amz-Algorithm", text(example, "algorithm")),
                field("X-Amz-Date", text(example, "date")),
                field("x-amz-meta-tag", ""),
                field("Policy", text(example, "policy_base64")),
                field("X-Amz-Signature", text(example, "signature")),
            ],
            file_name: "a.jpg".into(),
            file_length: 10,
            boundary: Boundary::of(b"multipart/form-data; boundary=b").unwrap(),
        };
        let fields = Fields::of(&form, "sigv4examplebucket").unwrap();
        let now = Civil::parse_basic(b"20151230T115959Z").unwrap().instant();
        let (rules, cache) = (SigningRules::default(), KeyCache::default());
        let posted = post::authenticate(&fields, &example_keys(), &rules, &cache, now).unwrap();
        assert_eq!(posted.authenticated.scheme.as_str(), "post_v4");
        assert_eq!(fields.get("key"), Some("user/user1/a.jpg"));
    }
    assert_eq!(examples.len(), 1);
}

#[test]
fn streaming_examples_of_the_documentation() {
    let examples: Value = serde_json::from_str(&read(&shared("aws-docs-examples.json"))).unwrap();
    let now = Civil::parse_basic(b"20130524T000000Z").unwrap().instant();
    let (streaming, trailers): (Vec<_>, Vec<_>) = examples["sigv4_streaming"]
        .as_array()
        .unwrap()
        .iter()
        .partition(|example| example.get("chunks").is_some());
    assert_eq!((streaming.len(), trailers.len()), (2, 1));
    for example in trailers {
        let previous = text(example, "previous_signature").as_bytes().try_into().unwrap();
        let (scope, date) = ("20130524/us-east-1/s3/aws4_request", "20130524T000000Z");
        let key = SigningKey::derive(&Secret::new(SECRET), b"20130524", "us-east-1", "s3");
        let signer = ChunkSigner::new(key, date.as_bytes(), scope.as_bytes(), previous, None);
        let digest = hex::encode(&Sha256::digest(text(&example["trailer"], "canonical")).into());
        let signature = signer.signature("AWS4-HMAC-SHA256-TRAILER", &[&digest]);
        assert_eq!(signature, text(&example["trailer"], "signature").as_bytes());
    }
    for example in streaming {
        let mut headers = pairs(&example["headers"]);
        headers.push(("Authorization".into(), text(example, "authorization").into()));
        check_example(example, "", &headers, now);
        let bytes = head("PUT", text(example, "path"), "", &headers);
        let request = heads::parse(&bytes).unwrap();
        let (rules, cache, keys) = (SigningRules::default(), KeyCache::default(), example_keys());
        let authenticated = authenticate(&request, Place::default(), &keys, &rules, &cache, now).unwrap();
        let Payload::Streaming(plan) = authenticated.payload else { panic!("{example}") };
        let (body, data_length) = streaming_body(example);
        if let Some(length) = example["body_length"].as_u64() {
            assert_eq!(body.len() as u64, length);
        }
        let mut decoder = ChunkDecoder::new(*plan);
        let (mut input, mut seen) = (body.as_slice(), 0);
        while let Some(data) = decoder.next(&mut input).unwrap() {
            seen += data.len();
        }
        decoder.finish().unwrap();
        assert_eq!(seen, data_length);
    }
}

fn streaming_body(example: &Value) -> (Vec<u8>, usize) {
    let (mut body, mut data_length) = (Vec::new(), 0);
    for chunk in example["chunks"].as_array().unwrap() {
        let size = usize::try_from(chunk["size"].as_u64().unwrap()).unwrap();
        let line = format!("{size:x};chunk-signature={}\r\n", text(chunk, "signature"));
        body.extend_from_slice(line.as_bytes());
        body.extend_from_slice(text(chunk, "byte").repeat(size).as_bytes());
        body.extend_from_slice(if size == 0 { b"" } else { b"\r\n" });
        data_length += size;
    }
    if let Some(trailer) = example.get("trailer") {
        let line = text(trailer, "canonical").replace('\n', "\r\n");
        let signature = text(trailer, "signature");
        body.extend_from_slice(format!("{line}x-amz-trailer-signature:{signature}\r\n").as_bytes());
    }
    body.extend_from_slice(b"\r\n");
    (body, data_length)
}

/// One signed request of the suite as a strict head: CR LF, no folded lines, nothing raw in the target.
fn suite_head(path: &Path) -> Vec<u8> {
    let text = read(path);
    let (lines, _) = text.split_once("\n\n").unwrap_or((&text, ""));
    let mut lines = lines.split('\n');
    let line = lines.next().unwrap();
    let (method, rest) = line.split_once(' ').unwrap();
    let target = rest.strip_suffix(" HTTP/1.1").unwrap();
    let mut strict = format!("{method} ");
    for byte in target.bytes() {
        match byte {
            0x21..=0x7e => strict.push(byte.into()),
            raw => strict.extend(["%".to_owned(), format!("{raw:02X}")]),
        }
    }
    strict.push_str(" HTTP/1.1");
    for line in lines {
        // the suite folds lines, which a strict head does not: a folded value means the joined one
        let folded = line.starts_with(' ');
        strict.push_str(if folded { " " } else { "\r\n" });
        strict.push_str(if folded { line.trim_start() } else { line });
    }
    strict.push_str("\r\n\r\n");
    strict.into_bytes()
}

struct Suite {
    algorithm: &'static str,
    same: usize,
    not_s3: usize,
}

/// Whether our canonical request, string to sign and signature are those of the suite.
fn check_suite(folder: &Path, form: &str, suite: &mut Suite) {
    let name = format!("{} {form}", folder.display());
    let file = |part: &str| read(&folder.join(format!("{form}-{part}.txt")));
    let bytes = suite_head(&folder.join(format!("{form}-signed-request.txt")));
    let request = heads::parse(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
    let canonical_text = file("canonical-request");
    let mut last_lines = canonical_text.rsplit('\n');
    let payload = last_lines.next().unwrap();
    let signed = SignedHeaders::parse(last_lines.next().unwrap().as_bytes()).unwrap();
    let canonical = Canonical::new(&request, signed, payload.as_bytes());

    let context: Value = serde_json::from_str(&read(&folder.join("context.json"))).unwrap();
    if canonical.text() != canonical_text.as_bytes() {
        // dots and slashes are normalised, or the token is added after signing: S3 does neither
        let folder = folder.file_name().unwrap().to_str().unwrap();
        let normalises = context["normalize"].as_bool().unwrap()
            && (folder.starts_with("get-slash") || folder.starts_with("get-relative"));
        assert!(normalises || folder == "post-sts-header-after", "{name}: {canonical_text}");
        suite.not_s3 += 1;
        return;
    }
    let date = text(&context, "timestamp").replace(['-', ':'], "");
    let day = date.get(..8).unwrap();
    let (region, service) = (text(&context, "region"), text(&context, "service"));
    let scope = match suite.algorithm {
        ALGORITHM => format!("{day}/{region}/{service}/aws4_request"),
        _ => format!("{day}/{service}/aws4_request"),
    };
    let to_sign = StringToSign {
        algorithm: suite.algorithm.as_bytes(),
        date: date.as_bytes(),
        scope: scope.as_bytes(),
    };
    assert_eq!(
        String::from_utf8(to_sign.text(&canonical.digest())).unwrap(),
        file("string-to-sign"),
        "{name}"
    );
    let secret = Secret::new(text(&context["credentials"], "secret_access_key"));
    suite.same += 1;
    if suite.algorithm == ALGORITHM {
        let key = SigningKey::derive(&secret, day.as_bytes(), region, service);
        let mac = to_sign.pieces(&canonical.digest(), |pieces| key.mac(pieces));
        assert_eq!(hex::encode(&mac), file("signature").as_bytes(), "{name}");
        return;
    }
    let key = PublicKey::derive(text(&context["credentials"], "access_key_id").as_bytes(), &secret);
    let expected: Value = serde_json::from_str(&read(&folder.join("public-key.json"))).unwrap();
    assert_eq!(coordinates(&key), (text(&expected, "X").into(), text(&expected, "Y").into()), "{name}");
    let right = to_sign
        .pieces(&canonical.digest(), |pieces| key.verifies(pieces, file("signature").trim().as_bytes()));
    assert!(right, "{name}");
}

#[test]
fn suite_of_aws_c_auth() {
    for (folder, algorithm) in [("v4", ALGORITHM), ("v4a", ALGORITHM_V4A)] {
        let mut suite = Suite { algorithm, same: 0, not_s3: 0 };
        for entry in std::fs::read_dir(shared("aws-c-auth").join(folder)).unwrap() {
            let path = entry.unwrap().path();
            // two cases of SigV4A say nothing about what is right
            if path.join("header-signed-request.txt").exists() {
                check_suite(&path, "header", &mut suite);
                check_suite(&path, "query", &mut suite);
            }
        }
        assert_eq!((suite.same, suite.not_s3), (63, 13), "{folder}");
    }
}

#[test]
fn a_credential_of_the_examples_shows_no_secret() {
    let shown =
        format!("{:?} {:?}", example_keys(), Credential { ..credential("A", SECRET, Some("token9")) });
    assert!(!shown.contains("wJalr") && !shown.contains("token9"), "{shown}");
}
