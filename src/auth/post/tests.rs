//! Forms against their policies: every kind of condition, and what the fields must be.
//! They must not hold what the vectors show already.

use super::document::Policy;
use super::*;
use crate::auth::error::{Disabled, KeyFault};
use crate::auth::tests::support::{SECRET, credential, keyring};
use crate::reason::Reason;
use crate::request::form::{Boundary, Field, Form};
use crate::secret::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const NOW: UnixMillis = UnixMillis::from_secs(1_768_478_400);
const TOKEN: &str = "token/+=";

fn form(fields: &[(&str, &str)], file_name: &str, file_length: u64) -> Form {
    Form {
        fields: fields
            .iter()
            .map(|(name, value)| Field { name: (*name).into(), value: (*value).into() })
            .collect(),
        file_name: file_name.into(),
        file_length,
        boundary: Boundary::of(b"multipart/form-data; boundary=b").unwrap(),
    }
}

fn fields(list: &[(&str, &str)]) -> Fields {
    Fields::of(&form(list, "C:\\dir\\a b.txt", 10), "bkt").unwrap()
}

/// Holds fields against conditions; `bucket` and `key` are spoken of.
fn check(conditions: &str, list: &[(&str, &str)], expected: impl Into<Expected>) {
    let Expected(expected) = expected.into();
    let json = format!(
        r#"{{"expiration": "2026-01-15T13:00:00Z", "conditions": [{{"bucket": "bkt"}}, ["starts-with", "$key", ""]{conditions}]}}"#
    );
    let mut all = vec![("key", "k")];
    all.extend_from_slice(list);
    let outcome = Policy::parse(&STANDARD.encode(&json))
        .and_then(|policy| policy.check(&fields(&all), NOW))
        .map(|range| (*range.start(), *range.end()));
    assert_eq!(outcome, expected, "{conditions} {list:?}");
}

/// What a check gives.
struct Expected(Result<(u64, u64), PolicyFault>);

impl From<Result<(u64, u64), PolicyFault>> for Expected {
    fn from(outcome: Result<(u64, u64), PolicyFault>) -> Self {
        Self(outcome)
    }
}

const ANY: Result<(u64, u64), PolicyFault> = Ok((0, u64::MAX));

fn failed(text: &str) -> Result<(u64, u64), PolicyFault> {
    Err(PolicyFault::Condition(text.into()))
}

#[test]
fn conditions_on_fields() {
    check("", &[], ANY);
    check(r#", {"acl": "private"}"#, &[("ACL", "private")], ANY);
    check(r#", ["Eq", "$aCl", "private"]"#, &[("acl", "private")], ANY);
    check(r#", {"acl": "private"}"#, &[("acl", "Private")], failed(r#"["eq", "$acl", "private"]"#));
    check(r#", ["starts-with", "$x-amz-meta-a", "a\"b"]"#, &[("x-amz-meta-a", "a\"bc")], ANY);
    check(
        r#", ["STARTS-WITH", "$x-amz-meta-a", "a\"b"]"#,
        &[("x-amz-meta-a", "a")],
        failed(r#"["starts-with", "$x-amz-meta-a", "a\"b"]"#),
    );
    // a field that is not there meets no condition
    check(r#", ["starts-with", "$filename", ""]"#, &[], failed(r#"["starts-with", "$filename", ""]"#));
    check(r#", ["eq", "$acl", ""]"#, &[], failed(r#"["eq", "$acl", ""]"#));
    check(r#", ["starts-with", "$filename", ""]"#, &[("Filename", "x")], ANY);
    // all conditions on one field hold
    let two = r#", ["starts-with", "$key", "a"], ["starts-with", "$key", "k"]"#;
    check(two, &[], failed(r#"["starts-with", "$key", "a"]"#));
    check(r#", {"bucket": "other"}"#, &[], failed(r#"["eq", "$bucket", "other"]"#));
    check(
        r#", ["starts-with", "$bucket", ""]"#,
        &[("bucket", "other")],
        failed(r#"["eq", "$bucket", "bkt"]"#),
    );
    check("", &[("bucket", "bkt")], ANY);
}

#[test]
fn lists() {
    let images = r#", ["starts-with", "$Content-Type", "image/"]"#;
    let wrong = || failed(r#"["starts-with", "$Content-Type", "image/"]"#);
    check(images, &[("content-type", "image/png, image/gif")], ANY);
    check(images, &[("content-type", "image/png,text/html")], wrong());
    check(images, &[("content-type", "")], wrong());
    // nothing else is a list
    check(r#", {"Content-Type": "a/b,c/d"}"#, &[("content-type", "a/b,c/d")], ANY);
    check(r#", ["starts-with", "$x-amz-meta-a", "a"]"#, &[("x-amz-meta-a", "a,b")], ANY);
    // several fields of one name are one list
    let twice = [("x-amz-meta-a", "1"), ("X-Amz-Meta-A", "2")];
    check(r#", {"x-amz-meta-a": "1,2"}"#, &twice, ANY);
    check(r#", {"x-amz-meta-a": "1"}"#, &twice, failed(r#"["eq", "$x-amz-meta-a", "1"]"#));
}

#[test]
fn every_field_is_spoken_of() {
    let extra = |names: &str| Err(PolicyFault::ExtraFields(names.into()));
    check("", &[("submit", "Go")], extra("submit"));
    check("", &[("acl", "private"), ("X-Amz-Security-Token", "t")], extra("acl, x-amz-security-token"));
    check("", &[("x-gate-source-ip", "10.0.0.0/8")], extra("x-gate-source-ip"));
    check("", &[("x-ignore-a", "1"), ("X-Ignore-B", "2"), ("policy", "p"), ("x-amz-signature", "s")], ANY);
    check("", &[("AWSAccessKeyId", "a"), ("Signature", "s")], ANY);
    check("", &[("x-ignored", "1")], extra("x-ignored"));
    let parse = |json: &str| Policy::parse(&STANDARD.encode(json)).unwrap();
    let without = |conditions: &str| {
        parse(&format!(r#"{{"expiration": "2026-01-15T13:00:00Z", "conditions": [{conditions}]}}"#))
            .check(&fields(&[("key", "k")]), NOW)
    };
    assert_eq!(without(r#"{"key": "k"}"#), Err(PolicyFault::ExtraFields("bucket".into())));
    assert_eq!(without(r#"{"bucket": "bkt"}"#), Err(PolicyFault::ExtraFields("key".into())));
}

#[test]
fn sizes() {
    check(r#", ["content-length-range", 10, 10]"#, &[], Ok((10, 10)));
    check(r#", ["content-length-range", "1", "20"], ["content-length-range", 5, 30]"#, &[], Ok((5, 20)));
    check(r#", ["content-length-range", 0, 9]"#, &[], Err(PolicyFault::TooLarge { proposed: 10, max: 9 }));
    check(r#", ["content-length-range", 11, 20]"#, &[], Err(PolicyFault::TooSmall { proposed: 10, min: 11 }));
}

#[test]
fn documents_that_are_none() {
    let check = |json: &str, expected: &str| {
        let outcome = Policy::parse(&STANDARD.encode(json)).map(|_| ());
        assert_eq!(outcome, Err(PolicyFault::Malformed(expected.into())), "{json}");
    };
    let with = |conditions: &str| {
        format!(r#"{{"expiration": "2026-01-15T13:00:00Z", "conditions": [{conditions}]}}"#)
    };
    assert_eq!(
        Policy::parse("e30").map(|_| ()),
        Err(PolicyFault::Malformed("invalid Base64 encoding.".into()))
    );
    assert_eq!(
        Policy::parse("e3\n0=").map(|_| ()),
        Err(PolicyFault::Malformed("invalid Base64 encoding.".into()))
    );
    for json in
        ["", "[]", "{", r#"{"conditions": {}}"#, &with("1"), &with(r#""eq""#), r#"{"expiration": "x"} x"#]
    {
        check(json, "Invalid JSON.");
    }
    check("{}", "Policy missing expiration.");
    check(r#"{"expiration": "2026-01-15T13:00:00Z"}"#, "Policy missing conditions.");
    check(&with(""), "Policy missing conditions.");
    check(r#"{"Expiration": "x"}"#, "Unexpected: 'Expiration'.");
    check(r#"{"expiration": 1}"#, "Invalid 'expiration' value.");
    for text in
        ["", "soon", "1768478400", "20260115T130000Z", "2026-01-15T13:00:00", "2026-01-15T13:00:00+01:00"]
    {
        let json = format!(r#"{{"expiration": "{text}"}}"#);
        check(&json, &format!("Invalid 'expiration' value: '{text}'"));
    }
    check(r#"{"conditions": [{"a": "b"}], "conditions": []}"#, "Unexpected: 'conditions'.");
    let one = "Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.";
    check(&with("{}"), one);
    check(&with(r#"{"a": "b", "c": "d"}"#), one);
    check(&with(r#"{"a": "b", "a": "b"}"#), one);
    check(&with(r#"{"a": 1}"#), "Invalid Simple-Condition: value must be a string.");
    let count = "Invalid Condition: wrong number of arguments.";
    for list in ["[]", r#"["eq", "$a"]"#, r#"["eq", "$a", "b", "c"]"#, r#"[1, "$a", "b"]"#] {
        check(&with(list), count);
    }
    check(&with(r#"["ends-with", "$a", "b"]"#), "Invalid Condition: unknown operation 'ends-with'.");
    check(&with(r#"["eq", "a", "b"]"#), "Invalid Condition: the name of the field must begin with '$'.");
    check(&with(r#"["eq", "$a", 1]"#), "Invalid Condition: the arguments must be strings.");
    for bounds in ["-1, 0", "0, 1.5", "0, 1e3", r#""a", 1"#, "0, null", "0, 99999999999999999999"] {
        check(
            &with(&format!(r#"["content-length-range", {bounds}]"#)),
            "Invalid content-length-range: values must be whole numbers.",
        );
    }
    let order = "Invalid content-length-range: the minimum is above the maximum.";
    check(&with(r#"["content-length-range", 2, 1]"#), order);
}

#[test]
fn the_key_takes_the_name_of_the_file() {
    let key = |value: &str, file: &str| {
        let found = Fields::of(&form(&[("Key", value)], file, 1), "bkt").unwrap();
        found.get("key").unwrap().to_owned()
    };
    assert_eq!(key("u/${filename}", "a.txt"), "u/a.txt");
    assert_eq!(key("${filename}/${filename}", "C:\\x\\a b.txt"), "a b.txt/a b.txt");
    assert_eq!(key("u/${filename}", "../../etc/x"), "u/x");
    assert_eq!(key("u/${filename}", ""), "u/");
    assert_eq!(key("u/${FILENAME}", "a"), "u/${FILENAME}");
    let repeated = Fields::of(&form(&[("key", "a"), ("KEY", "b")], "", 1), "bkt");
    assert_eq!(repeated, Err(AuthError::FormArgument { name: "key", value: "b".into() }));
    let gate = Fields::of(&form(&[("x-gate-max-uses", "1"), ("x-gate-max-uses", "9")], "", 1), "bkt");
    assert_eq!(gate, Err(AuthError::FormArgument { name: "x-gate-*", value: "9".into() }));
}

/// The form of a signer, with some of its fields changed afterwards.
struct Signed<'s> {
    key_id: &'s str,
    secret: &'s str,
    token: Option<&'s str>,
    date: &'s str,
    expiration: &'s str,
    /// Fields that take the place of others, or leave them out.
    change: &'s [(&'s str, Option<&'s str>)],
}

const SIGNED: Signed<'static> = Signed {
    key_id: "AKIDMAIN",
    secret: SECRET,
    token: None,
    date: "20260115T120000Z",
    expiration: "2026-01-15T13:00:00.000Z",
    change: &[],
};

impl Signed<'_> {
    fn outcome(&self, rules: &SigningRules) -> Result<Scheme, AuthError> {
        let day = self.date.get(..8).unwrap_or(self.date);
        let credential_text = format!("{}/{day}/us-east-1/s3/aws4_request", self.key_id);
        let token = self
            .token
            .map_or_else(String::new, |token| format!(r#", {{"x-amz-security-token": "{token}"}}"#));
        let json = format!(
            r#"{{"expiration": "{}", "conditions": [{{"bucket": "bkt"}}, {{"key": "k"}}, {{"x-amz-algorithm": "{ALGORITHM}"}},
               {{"x-amz-credential": "{credential_text}"}}, {{"x-amz-date": "{}"}}{token}]}}"#,
            self.expiration, self.date
        );
        let policy = STANDARD.encode(json);
        let day_bytes = day.as_bytes();
        let key = crate::auth::sigv4::key::SigningKey::derive(
            &Secret::new(self.secret),
            day_bytes,
            "us-east-1",
            "s3",
        );
        let signature = String::from_utf8(hex::encode(&key.mac(&[policy.as_bytes()])).to_vec()).unwrap();
        let mut list = vec![
            ("key", "k".to_owned()),
            ("X-Amz-Algorithm", ALGORITHM.to_owned()),
            ("X-Amz-Credential", credential_text),
            ("X-Amz-Date", self.date.to_owned()),
            ("Policy", policy),
            ("X-Amz-Signature", signature),
        ];
        list.extend(self.token.map(|token| ("X-Amz-Security-Token", token.to_owned())));
        for (name, value) in self.change {
            list.retain(|(known, _)| known != name);
            list.extend(value.map(|value| (*name, value.to_owned())));
        }
        let list: Vec<_> = list.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let keys = keyring(&[
            credential("AKIDMAIN", SECRET, None),
            credential("ASIASESSION", SECRET, Some(TOKEN)),
            crate::auth::keyring::Credential {
                retired: Some(NOW),
                ..credential("AKIDRETIRED", SECRET, None)
            },
        ]);
        let found = authenticate(&fields(&list), &keys, rules, &KeyCache::default(), NOW)?;
        Ok(found.authenticated.scheme)
    }
}

fn judge(signed: &Signed<'_>, expected: &Result<Scheme, AuthError>) {
    assert_eq!(signed.outcome(&SigningRules::default()), *expected);
}

#[test]
fn who_signed_it() {
    let key = |key_id: &str, fault| Err(AuthError::Key { key_id: key_id.into(), fault });
    judge(&SIGNED, &Ok(Scheme::PostV4));
    judge(&Signed { key_id: "AKIDNOBODY", ..SIGNED }, &key("AKIDNOBODY", KeyFault::Unknown));
    judge(&Signed { key_id: "AKIDRETIRED", ..SIGNED }, &key("AKIDRETIRED", KeyFault::Retired));
    judge(&Signed { key_id: "ASIASESSION", ..SIGNED }, &key("ASIASESSION", KeyFault::Token));
    judge(
        &Signed { key_id: "ASIASESSION", token: Some("t"), ..SIGNED },
        &key("ASIASESSION", KeyFault::Token),
    );
    judge(&Signed { key_id: "ASIASESSION", token: Some(TOKEN), ..SIGNED }, &Ok(Scheme::PostV4));
    judge(&Signed { token: Some("t"), ..SIGNED }, &Err(AuthError::UnexpectedToken { token: "t".into() }));
    let wrong = Signed { secret: "other", ..SIGNED }.outcome(&SigningRules::default()).unwrap_err();
    assert_eq!(wrong.reason(), Reason::WrongSignature);
    let uniform = SigningRules { uniform_errors: true, ..SigningRules::default() };
    for signed in [Signed { key_id: "AKIDNOBODY", ..SIGNED }, Signed { secret: "other", ..SIGNED }] {
        assert!(matches!(signed.outcome(&uniform), Err(AuthError::Uniform(_))));
    }
}

#[test]
fn the_life_of_a_form() {
    judge(&Signed { expiration: "2026-01-15T12:00:00Z", ..SIGNED }, &Ok(Scheme::PostV4));
    judge(
        &Signed { expiration: "2026-01-15T11:59:59Z", ..SIGNED },
        &Err(AuthError::Policy(PolicyFault::Expired)),
    );
    // as long as a link may live, whatever the policy says
    let week = Signed { date: "20260108T120000Z", expiration: "2030-01-01T00:00:00Z", ..SIGNED };
    judge(&week, &Ok(Scheme::PostV4));
    let older = Signed { date: "20260108T115959Z", ..week };
    assert_eq!(older.outcome(&SigningRules::default()).unwrap_err().reason(), Reason::Expired);
    judge(&Signed { date: "20260115T121500Z", ..SIGNED }, &Ok(Scheme::PostV4));
    let early = Signed { date: "20260115T121501Z", ..SIGNED }.outcome(&SigningRules::default());
    assert_eq!(early.map_err(|error| error.reason()), Err(Reason::NotYetValid));
}

#[test]
fn fields_that_are_missing_or_wrong() {
    for name in ["X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Signature", "Policy", "key"] {
        judge(&Signed { change: &[(name, None)], ..SIGNED }, &Err(AuthError::FormField(name)));
    }
    let argument = |name, value: &str| Err(AuthError::FormArgument { name, value: value.into() });
    for value in ["", "aws4-hmac-sha256", "AWS4-ECDSA-P256-SHA256"] {
        let change = [("X-Amz-Algorithm", Some(value))];
        judge(&Signed { change: &change, ..SIGNED }, &argument("x-amz-algorithm", value));
    }
    for value in ["", "2026-01-15T12:00:00Z", "20260116T120000Z"] {
        let change = [("X-Amz-Date", Some(value))];
        judge(&Signed { change: &change, ..SIGNED }, &argument("x-amz-date", value));
    }
    let change = [("X-Amz-Credential", Some("AKIDMAIN/20260115/eu-west-1/s3/aws4_request"))];
    let error = Signed { change: &change, ..SIGNED }.outcome(&SigningRules::default()).unwrap_err();
    assert_eq!((error.reason(), error.s3().extras.len()), (Reason::WrongRegion, 3));
    let all =
        ["X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Signature"].map(|name| (name, None));
    judge(&Signed { change: &all, ..SIGNED }, &Err(AuthError::FormUnsigned));
    let nothing = ["X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Signature", "Policy"];
    judge(&Signed { change: &nothing.map(|name| (name, None)), ..SIGNED }, &Err(AuthError::Anonymous));
    let both = [("Signature", Some("s"))];
    judge(&Signed { change: &both, ..SIGNED }, &Err(AuthError::SeveralMechanisms { authorization: None }));
}

#[test]
fn the_old_kind_of_signature() {
    let json = r#"{"expiration": "2026-01-15T13:00:00Z", "conditions": [{"bucket": "bkt"}, {"key": "k"}]}"#;
    let policy = STANDARD.encode(json);
    let signature = sigv2::hmac(&Secret::new(SECRET), policy.as_bytes());
    let outcome = |key_id: &str, signature: &str, sigv2| {
        let list = [("key", "k"), ("AWSAccessKeyId", key_id), ("policy", &*policy), ("signature", signature)];
        let rules = SigningRules { sigv2, ..SigningRules::default() };
        let keys = keyring(&[credential("AKIDMAIN", SECRET, None)]);
        let found = authenticate(&fields(&list), &keys, &rules, &KeyCache::default(), NOW)?;
        assert!(!found.authenticated.is_dated());
        Ok(found.authenticated.scheme)
    };
    assert_eq!(outcome("AKIDMAIN", &signature, true), Ok(Scheme::PostV2));
    assert_eq!(outcome("AKIDMAIN", &signature, false), Err(AuthError::Disabled(Disabled::SigV2)));
    let wrong: Result<Scheme, AuthError> = outcome("AKIDMAIN", "AAAA", true);
    assert_eq!(wrong.map_err(|error| error.reason()), Err(Reason::WrongSignature));
}
