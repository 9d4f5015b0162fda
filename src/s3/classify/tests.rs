//! Requests with the operation they call and what that needs: the shared table, every operation, every refusal.
//! It must not test addresses, keys and copy sources, which have tables of their own.

use super::*;
use crate::reason::Reason;
use crate::request::head;
use crate::s3::address::{HostRules, Scope};
use crate::s3::copy_source::CopySourceError;
use crate::s3::delete_body::DeleteBody;
use crate::s3::error::{ErrorCode, S3Error};
use crate::s3::key::{Key, KeyError};
use crate::s3::requirement::Kind;
use crate::s3::testing::shared_json;
use proptest::prelude::*;
use serde_json::Value;

const HOSTS: [&str; 3] = ["s3", "s3express-control.test", "s3-object-lambda.test"];

/// Operation, and (action, ARN, kind) of every requirement in order.
type Seen = (Operation, Vec<(String, String, Kind)>);

fn resolve(method: &str, target: &str, headers: &str, body: Option<&str>) -> Result<Seen, ClassifyError> {
    resolve_at("s3", method, target, headers, body)
}

fn resolve_at(
    host: &str,
    method: &str,
    target: &str,
    headers: &str,
    body: Option<&str>,
) -> Result<Seen, ClassifyError> {
    let head = format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n");
    let request = head::parse(head.as_bytes()).unwrap_or_else(|error| panic!("{head}: {error}"));
    let rules = HostRules::new(HOSTS.map(str::to_owned)).unwrap();
    let address = rules.address(&request).unwrap_or_else(|error| panic!("{head}: {error}"));
    let classified = classify(&request, &address)?;
    let triple = |requirement: &Requirement<'_>| {
        (requirement.action.name().to_owned(), requirement.resource.to_string(), requirement.kind)
    };
    let required = match classified.operation {
        Operation::DeleteObjects if body.is_some() => {
            let body = DeleteBody::parse(body.unwrap_or_default().as_bytes()).unwrap();
            body.requirements(*address.bucket().unwrap(), &classified).iter().map(triple).collect()
        }
        Operation::PostObject if body.is_some() => {
            let key = Key::parse(&b"k"[..]).unwrap();
            let object = BodyObject {
                bucket: *address.bucket().unwrap(),
                key: &key,
                has_version: false,
                fields: &["key", "file"],
            };
            let mut out = Vec::new();
            classified.require_body_object(object, &mut out);
            out.iter().map(triple).collect()
        }
        _ => classified.requirements.iter().map(triple).collect(),
    };
    Ok((classified.operation, required))
}

fn refuse(method: &str, target: &str, headers: &str, expected: &ClassifyError) {
    assert_eq!(resolve(method, target, headers, None).as_ref(), Err(expected), "{method} {target} {headers}");
}

/// The shared rows use the bucket `b`, which is too short for a real one.
fn real_target(target: &str) -> String {
    match target.strip_prefix("/b") {
        Some(rest) if rest.is_empty() || rest.starts_with(['/', '?']) => format!("/bkt{rest}"),
        _ => target.to_owned(),
    }
}

fn real_arn(arn: &str) -> String {
    match arn.strip_prefix("arn:aws:s3:::b") {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => format!("arn:aws:s3:::bkt{rest}"),
        _ => arn.to_owned(),
    }
}

fn expected_requirements(expect: &Value) -> Vec<(String, String, Kind)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let rows = |name: &str| expect[name].as_array().cloned().unwrap_or_default();
    let kind = |row: &Value| match row[2].as_str() {
        None => Kind::Always,
        Some("if_source_has_tags") => Kind::IfSourceHasTags,
        Some("if_source_has_annotations") => Kind::IfSourceHasAnnotations,
        Some(other) => panic!("unknown kind {other}"),
    };
    rows("actions")
        .iter()
        .chain(&rows("conditional_actions"))
        .map(|row| (text(&row[0]), real_arn(row[1].as_str().unwrap()), kind(row)))
        .collect()
}

#[test]
fn the_shared_requests() {
    let data = shared_json("data/s3_requests.json");
    let requests = data["requests"].as_array().unwrap();
    assert_eq!(requests.len(), 71);
    for row in requests {
        let headers: Vec<String> = row["headers"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| format!("{name}: {}\r\n", value.as_str().unwrap()))
            .collect();
        let method = row["method"].as_str().unwrap();
        let target = real_target(row["target"].as_str().unwrap());
        let seen = resolve(method, &target, &headers.concat(), row["body"].as_str());
        let expect = &row["expect"];
        if expect["refuse"] == true {
            assert!(seen.is_err(), "{row}: {seen:?}");
        } else {
            let (operation, required) = seen.unwrap_or_else(|error| panic!("{row}: {error}"));
            assert_eq!(operation.name(), expect["operation"].as_str().unwrap(), "{row}");
            assert_eq!(required, expected_requirements(expect), "{row}");
        }
    }
}

/// The smallest request of a row of the data, and the same with every parameter that the operation can have.
fn requests_of(row: &Value) -> [String; 2] {
    let names = |rows: &Value| -> Vec<String> {
        rows.as_array().into_iter().flatten().map(|name| format!("{}=1", name.as_str().unwrap())).collect()
    };
    let mut query: Vec<String> = row["query"]
        .as_array()
        .unwrap()
        .iter()
        .map(|term| format!("{}={}", term["name"].as_str().unwrap(), term["equals"].as_str().unwrap_or("1")))
        .collect();
    let smallest = query.join("&");
    query.extend(names(&row["params"]));
    query.extend(["x-id=1".to_owned(), "x-amz-expected-bucket-owner=1".to_owned(), "x-note=1".to_owned()]);
    [smallest, query.join("&")]
}

#[test]
fn every_operation_resolves() {
    let data = shared_json("data/s3_operations.json");
    let mut resolved = 0;
    for row in data["operations"].as_array().unwrap() {
        let path = match (row["path"].as_str(), row["scope"].as_str().unwrap()) {
            (Some(path), _) => path,
            (None, "service") => "/",
            (None, "bucket") => "/bkt",
            (None, _) => "/bkt/k",
        };
        let host = match row["host"].as_str() {
            None => "s3".to_owned(),
            Some(kind) => format!("{kind}.test"),
        };
        let headers: String = row["headers"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|term| match term["name"].as_str().unwrap() {
                "x-amz-copy-source" => "x-amz-copy-source: src/k\r\n".to_owned(),
                name => format!("{name}: {}\r\n", term["starts_with"].as_str().unwrap_or("1")),
            })
            .collect();
        let expected = row["alias_of"].as_str().or_else(|| row["op"].as_str()).unwrap();
        for query in requests_of(row) {
            let target = format!("{path}?{query}");
            let (operation, required) =
                resolve_at(&host, row["method"].as_str().unwrap(), &target, &headers, None)
                    .unwrap_or_else(|error| panic!("{expected} {target}: {error}"));
            assert_eq!(operation.name(), expected, "{target}");
            assert_eq!(required.is_empty(), expected == "CORSPreflight", "{target}");
            resolved += 1;
        }
    }
    assert_eq!(resolved, 2 * 118);
}

fn text(text: &str) -> String {
    text.to_owned()
}

#[test]
fn parameters_that_stand_twice() {
    for name in ["versionId", "partNumber", "x-amz-acl", "x-id", "prefix", "response-expires", "Expires"] {
        let target = format!("/bkt/k?{name}=1&{name}=1");
        refuse("GET", &target, "", &ClassifyError::Repeated(text(name)));
    }
    refuse("GET", "/bkt/k?acl&acl", "", &ClassifyError::Repeated(text("acl")));
    refuse("GET", "/bkt/k?versionId=1&version%49d=2", "", &ClassifyError::Repeated(text("versionId")));
    refuse("PUT", "/bkt/k?x-amz-acl=a&X-Amz-ACL=b", "", &ClassifyError::Repeated(text("X-Amz-ACL")));
    refuse("GET", "/bkt/k?X-Amz-Date=1&x-amz-date=1", "", &ClassifyError::RepeatedAuth(text("x-amz-date")));
    for name in ["versionId", "uploadId"] {
        refuse("GET", &format!("/bkt/k?{name}"), "", &ClassifyError::Empty(name));
    }
    let annotations = resolve("GET", "/bkt/k?x-note=1&x-note=2&x-gate-source-ip=::1&x-amzn=1", "", None);
    assert_eq!(annotations.unwrap().0, Operation::GetObject);
    let many = format!("/bkt/k?{}", "x-a&".repeat(129));
    refuse("GET", &many, "", &ClassifyError::TooManyParameters(129));
}

#[test]
fn headers_and_the_parameters_that_stand_in_for_them() {
    let acl = "x-amz-acl: public-read\r\n";
    refuse("PUT", "/bkt/k?x-amz-acl=private", acl, &ClassifyError::HeaderAndQuery(text("x-amz-acl")));
    refuse("PUT", "/bkt/k?X-Amz-Acl=private", acl, &ClassifyError::HeaderAndQuery(text("X-Amz-Acl")));
    refuse("PUT", "/bkt/k?x-amz-acl", acl, &ClassifyError::HeaderAndQuery(text("x-amz-acl")));
    let both = resolve("PUT", "/bkt/k?X-Amz-Acl=public-read", acl, None).unwrap();
    assert_eq!(both.1.len(), 2);
    // the token of a signed header beats one in the query: auth sees to it
    let token = resolve("GET", "/bkt/k?X-Amz-Security-Token=a", "x-amz-security-token: b\r\n", None);
    assert_eq!(token.unwrap().0, Operation::GetObject);
    let twice = "x-amz-acl: private\r\nX-Amz-Acl: public-read\r\n";
    refuse("PUT", "/bkt/k", twice, &ClassifyError::RepeatedHeader(text("X-Amz-Acl")));
    assert!(resolve("PUT", "/bkt/k", "x-amz-meta-a: 1\r\nx-amz-meta-a: 2\r\n", None).is_ok());
    for name in ["x-amz-acl%20", "x-amz-a_b", "x-amz-%C3%A9", "x-amz-a%FF", "X-Amz-%0d%0a"] {
        let seen = resolve("PUT", &format!("/bkt/k?{name}=1"), "", None);
        assert!(matches!(seen, Err(ClassifyError::BadName(_))), "{name}");
    }
}

#[test]
fn values_that_ask_for_more_or_less() {
    let bypass = |query: &str, header: &str| {
        let (_, required) = resolve("DELETE", &format!("/bkt/k{query}"), header, None).unwrap();
        required.iter().any(|(action, ..)| action == "s3:BypassGovernanceRetention")
    };
    assert!(bypass("", "x-amz-bypass-governance-retention: TRUE\r\n"));
    assert!(bypass("?x-amz-bypass-governance-retention=+true%0A", ""));
    assert!(!bypass("", "x-amz-bypass-governance-retention: false\r\n"));
    let tags = |directive: &str| {
        let target = format!("/bkt/k?x-amz-tagging-directive={directive}");
        let (_, required) = resolve("PUT", &target, "x-amz-copy-source: src/k\r\n", None).unwrap();
        required.iter().filter(|(.., kind)| *kind == Kind::IfSourceHasTags).count()
    };
    assert_eq!((tags("REPLACE"), tags("replace"), tags("COPY"), tags("REPLACE%20")), (0, 0, 2, 2));
}

#[test]
fn sub_resources_that_conflict_or_do_not_exist() {
    let conflict = |names: &[&'static str]| ClassifyError::Conflicting(names.to_vec());
    refuse("GET", "/bkt/k?tagging&acl", "", &conflict(&["acl", "tagging"]));
    refuse("GET", "/bkt/k?uploads&uploadId=u", "", &conflict(&["uploadId", "uploads"]));
    refuse("GET", "/bkt?policy&list-type=2&acl", "", &conflict(&["acl", "list-type", "policy"]));
    for (target, name) in [
        ("/bkt/k?policy", "policy"),
        ("/bkt/k?newfeature", "newfeature"),
        ("/bkt/k?ACL", "ACL"),
        ("/bkt/k?versionid=1", "versionid"),
        ("/bkt/k?prefix=1", "prefix"),
        ("/bkt/k?X-Gate-Source-Ip=1", "X-Gate-Source-Ip"),
        ("/bkt/k?%FF", "\u{fffd}"),
        ("/bkt?start-after=1", "start-after"),
        ("/bkt?acl&prefix=1", "prefix"),
        ("/?list-type=2", "list-type"),
    ] {
        refuse("GET", target, "", &ClassifyError::Unknown(text(name)));
    }
    let none = |method: &str, scope| ClassifyError::NoOperation { method: text(method), scope };
    for (method, target, scope) in [
        ("POST", "/bkt/k", Scope::Object),
        ("PATCH", "/bkt/k", Scope::Object),
        ("get", "/bkt/k", Scope::Object),
        ("HEAD", "/bkt/k?acl", Scope::Object),
        ("DELETE", "/bkt/k?acl", Scope::Object),
        ("PUT", "/bkt/k?uploadId=u", Scope::Object),
        ("POST", "/bkt/k?select", Scope::Object),
        ("POST", "/bkt/k?select&select-type=1", Scope::Object),
        ("POST", "/bkt", Scope::Bucket),
        ("PUT", "/bkt?delete", Scope::Bucket),
        ("GET", "/bkt?list-type=3", Scope::Bucket),
        ("GET", "/bkt?list-type", Scope::Bucket),
        ("PUT", "/", Scope::Service),
        ("POST", "/", Scope::Service),
        ("OPTIONS", "/bkt/k", Scope::Object),
    ] {
        refuse(method, target, "", &none(method, scope));
    }
    for target in ["/bkt", "/bkt/k"] {
        let seen = resolve_at("s3express-control.test", "GET", target, "", None);
        assert!(matches!(seen, Err(ClassifyError::NoOperation { .. })), "{target}");
    }
}

#[test]
fn copies() {
    let source = |value: &str| {
        let target = "/bkt/a/../k";
        resolve("PUT", target, &format!("x-amz-copy-source: {value}\r\n"), None)
    };
    let (operation, required) = source("src/x/../y").unwrap();
    assert_eq!(operation, Operation::CopyObject);
    let required: Vec<(&str, &str)> = required
        .iter()
        .filter(|(.., kind)| *kind == Kind::Always)
        .map(|(action, arn, _)| (action.as_str(), arn.as_str()))
        .collect();
    // each object under both readings
    assert_eq!(
        required,
        [
            ("s3:GetObject", "arn:aws:s3:::src/x/../y"),
            ("s3:GetObject", "arn:aws:s3:::src/y"),
            ("s3:PutObject", "arn:aws:s3:::bkt/a/../k"),
            ("s3:PutObject", "arn:aws:s3:::bkt/k"),
        ]
    );
    for (value, error) in [
        ("", CopySourceError::Form),
        ("arn:aws:s3:us-east-1:111122223333:accesspoint/p/object/k", CopySourceError::Bucket),
        ("src/../../k", CopySourceError::Key(KeyError::DotSegments)),
        ("src/k?versionId=", CopySourceError::Version),
    ] {
        assert_eq!(source(value), Err(ClassifyError::CopySource(error)), "{value}");
    }
    // other operations do not read it
    let seen = resolve("POST", "/bkt/k?uploads", "x-amz-copy-source: ?\r\n", None).unwrap();
    assert_eq!(seen.0, Operation::CreateMultipartUpload);
}

#[test]
fn answers() {
    let argument = |message: &'static str| S3Error::with_message(ErrorCode::InvalidArgument, message);
    for (error, answer, reason) in [
        (
            ClassifyError::Conflicting(vec!["acl", "policy"]),
            argument("Conflicting query string parameters: acl, policy")
                .extra("ArgumentName", "ResourceType")
                .extra("ArgumentValue", "acl"),
            Reason::ConflictingSubresources,
        ),
        (
            ClassifyError::NoOperation { method: text("POST"), scope: Scope::Object },
            S3Error::new(ErrorCode::MethodNotAllowed).extra("Method", "POST").extra("ResourceType", "OBJECT"),
            Reason::UnknownOperation,
        ),
        (
            ClassifyError::Empty("versionId"),
            argument("Version id cannot be the empty string")
                .extra("ArgumentName", "versionId")
                .extra("ArgumentValue", ""),
            Reason::BadParameter,
        ),
        (
            ClassifyError::CopySource(CopySourceError::Form),
            argument("Copy Source must mention the source bucket and key: sourcebucket/sourcekey")
                .extra("ArgumentName", "x-amz-copy-source"),
            Reason::BadParameter,
        ),
    ] {
        assert_eq!((error.s3(), error.reason()), (answer, reason));
    }
    for (error, code, reason) in [
        (ClassifyError::Repeated(text("a")), ErrorCode::InvalidArgument, Reason::RepeatedParameter),
        (
            ClassifyError::RepeatedAuth(text("a")),
            ErrorCode::AuthorizationQueryParametersError,
            Reason::MalformedAuth,
        ),
        (ClassifyError::RepeatedHeader(text("a")), ErrorCode::InvalidArgument, Reason::RepeatedHeader),
        (ClassifyError::HeaderAndQuery(text("a")), ErrorCode::InvalidRequest, Reason::BadParameter),
        (ClassifyError::Unknown(text("a")), ErrorCode::InvalidArgument, Reason::UnknownParameter),
        (ClassifyError::BadName(text("a")), ErrorCode::InvalidArgument, Reason::BadParameter),
        (ClassifyError::TooManyParameters(200), ErrorCode::InvalidArgument, Reason::BadParameter),
    ] {
        assert_eq!(
            (error.s3().code, error.s3().status(), error.reason()),
            (code, error.s3().status(), reason)
        );
    }
}

/// Of all requests that SDKs sign and S3 serves, the gate refuses these and no other.
#[test]
fn signed_requests_that_are_refused() {
    const REFUSED: [(&str, Reason); 12] = [
        // keys that another reader of the path would take for something else
        ("key-35-delete-virtual", Reason::BadTarget),
        ("key-36-get-path", Reason::BadTarget),
        ("key-38-put-path", Reason::BadTarget),
        // parameters that no operation has
        ("query-03", Reason::RepeatedParameter),
        ("query-04", Reason::RepeatedParameter),
        ("query-06", Reason::UnknownParameter),
        ("query-11", Reason::UnknownParameter),
        ("query-13", Reason::UnknownParameter),
        ("query-dup-swapped", Reason::RepeatedParameter),
        // a bucket name of one letter
        ("auth-port", Reason::BadBucketName),
        ("auth-unicode", Reason::BadBucketName),
        ("v2-unsigned-param-added", Reason::UnknownParameter),
    ];
    let data = shared_json("data/sigv4/corpus.json");
    let hosts = [
        "s3.amazonaws.com",
        "s3.us-east-1.amazonaws.com",
        "s3.eu-central-1.amazonaws.com",
        "s3.dualstack.eu-west-1.amazonaws.com",
        "s3.example.internal",
        "other.example",
        "localhost",
        "127.0.0.1",
    ];
    let rules = HostRules::new(hosts.map(str::to_owned)).unwrap();
    let (mut served, mut refused) = (0, Vec::new());
    for case in data["cases"].as_array().unwrap() {
        let (id, request) = (case["id"].as_str().unwrap(), &case["req"]);
        // a signature parameter twice is auth's to answer
        if request.is_null() || case["expect"]["ok"] != true || id.starts_with("dup-") {
            continue;
        }
        let text = |name: &str| request[name].as_str().unwrap_or_default();
        let query = if text("query").is_empty() { String::new() } else { format!("?{}", text("query")) };
        let headers: Vec<String> = request["headers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|line| format!("{}: {}\r\n", line[0].as_str().unwrap(), line[1].as_str().unwrap()))
            .collect();
        let head = format!("{} {}{query} HTTP/1.1\r\n{}\r\n", text("method"), text("path"), headers.concat());
        let request = head::parse(head.as_bytes()).unwrap_or_else(|error| panic!("{id}: {error}"));
        let verdict = rules
            .address(&request)
            .map_err(|error| error.reason())
            .and_then(|address| classify(&request, &address).map(drop).map_err(|error| error.reason()));
        match verdict {
            Ok(()) => served += 1,
            Err(reason) => refused.push((id, reason)),
        }
    }
    refused.sort_unstable();
    let mut expected = REFUSED;
    expected.sort_unstable();
    assert_eq!(refused, expected);
    assert!(served > 100, "{served}");
}

proptest! {
    /// No head panics, and another spelling of the same path and query is the same operation on the same objects.
    #[test]
    fn one_spelling_one_operation(
        method in "(GET|PUT|POST|DELETE|HEAD)",
        path in "/bkt(/[a-z/.]{0,8})?",
        query in "((acl|tagging|versionId|uploadId|uploads|partNumber|list-type|prefix|delete|x-amz-acl|x-id)(=[12a]?)?&){0,3}",
        escape in any::<u64>(),
    ) {
        let spell = |text: &str| -> String {
            text.chars().enumerate().map(|(at, c)| {
                if !"/?&=".contains(c) && escape >> (at % 64) & 1 == 1 { format!("%{:02x}", u32::from(c)) } else { c.to_string() }
            }).collect()
        };
        let rules = HostRules::new(["s3".to_owned()]).unwrap();
        let outcome = |target: &str| {
            let head = format!("{method} {target} HTTP/1.1\r\nHost: s3\r\n\r\n");
            let request = head::parse(head.as_bytes()).unwrap();
            let address = rules.address(&request).map_err(|error| error.to_string())?;
            let classified = classify(&request, &address).map_err(|error| error.to_string())?;
            let required: Vec<_> = classified.requirements.iter()
                .map(|requirement| (requirement.action, requirement.resource.to_string())).collect();
            Ok::<_, String>((classified.operation, required))
        };
        let plain = format!("{path}?{query}");
        prop_assert_eq!(outcome(&plain), outcome(&spell(&plain)));
    }
}
