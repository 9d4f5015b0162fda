//! Tests of the access log in the form of S3, read back by a parser of that form.
//! It must not share code with what it tests.

use super::super::tests::{bare, counted, full, identity, line};
use super::*;
use crate::config::model::LogFormat;
use crate::s3::operation::Operation;

fn text(record: &AccessRecord<'_>) -> String {
    String::from_utf8(line(LogFormat::S3, record)).unwrap()
}

/// The fields of a line, as the expressions that are published for Athena and others split it.
fn split(line: &str) -> Vec<&str> {
    let mut rest = line.strip_suffix('\n').unwrap();
    let mut fields = Vec::new();
    loop {
        let end = match rest.as_bytes()[0] {
            b'[' => rest.find(']').unwrap() + 1,
            b'"' => rest.match_indices('"').nth(1).unwrap().0 + 1,
            _ => rest.find(' ').unwrap_or(rest.len()),
        };
        let (field, after) = rest.split_at(end);
        fields.push(field);
        match after.strip_prefix(' ') {
            Some(more) => rest = more,
            None => return fields,
        }
    }
}

#[test]
fn a_line_has_this_form() {
    let (identity, counted) = (identity(), counted());
    assert_eq!(
        text(&full(&identity, &counted)),
        concat!(
            "- reports [15/Jan/2026:12:00:00 +0000] 203.0.113.7 arn:aws:iam::111122223333:user/main ",
            "4442587FB7D0A2F9 REST.GET.OBJECT 2026/a%20b.pdf ",
            "\"GET /reports/2026/a%20b.pdf?X-Amz-Expires=900&X-Amz-Signature=REDACTED HTTP/1.1\" 200 - 1024 - 12 9 ",
            "\"https://portal.example/?X-Amz-Signature=REDACTED\" \"aws-cli/2.0\" - - SigV4 - QueryString ",
            "s3.example.internal TLSv1.3 - - eu-west-1\n"
        )
    );
}

#[test]
fn what_a_request_never_came_to_is_a_dash() {
    let counted = crate::telemetry::record::RequestRecord::new(crate::net::ListenerIndex(0));
    assert_eq!(
        text(&bare(&counted)),
        "- - [01/Jan/1970:00:00:00 +0000] - - 1 - - - - - - - - - \"-\" \"-\" - - - - - - - - - -\n"
    );
}

#[test]
fn nothing_moves_the_borders_of_a_field() {
    let counted = counted();
    for hostile in [
        &b"\" 200 - \""[..],
        b"a b",
        b"\r\nx",
        b"]",
        b"\\\"",
        b"\x1b[31m",
        b"\xff\xfe",
        "é\u{2028}".as_bytes(),
    ] {
        let record = AccessRecord {
            method: Some("GET"),
            path: Some(hostile),
            query: Some(hostile),
            user_agent: Some(hostile),
            referer: Some(hostile),
            key: Some(hostile),
            version_id: Some(hostile),
            host: std::str::from_utf8(hostile).ok(),
            ..bare(&counted)
        };
        let line = text(&record);
        assert_eq!((split(&line).len(), line.lines().count()), (27, 1), "{line}");
        assert!(line.bytes().all(|byte| byte == b'\n' || byte == b' ' || byte.is_ascii_graphic()), "{line}");
    }
}

#[test]
fn no_secret_of_a_link_is_in_any_field() {
    let counted = counted();
    let hostile = b"/b/k?X-Amz-Security-Token=5ec4e7&x-amz-signature%3D5ec4e7&Signature=5ec4e7";
    let record = AccessRecord {
        method: Some("GET"),
        path: Some(hostile),
        query: Some(hostile),
        user_agent: Some(hostile),
        referer: Some(hostile),
        key: Some(hostile),
        version_id: Some(hostile),
        host: Some("X-Amz-Signature=5ec4e7"),
        ..bare(&counted)
    };
    assert!(!text(&record).contains("5ec4e7"), "{}", text(&record));
}

#[test]
fn operations_have_the_names_of_s3() {
    let counted = counted();
    let name = |operation, method| {
        let record = AccessRecord { operation: Some(operation), method: Some(method), ..bare(&counted) };
        super::operation(&record).unwrap()
    };
    for (operation, method, expected) in [
        ("GetObject", "GET", "REST.GET.OBJECT"),
        ("HeadBucket", "HEAD", "REST.HEAD.BUCKET"),
        ("ListObjectsV2", "GET", "REST.GET.BUCKET"),
        ("ListBuckets", "GET", "REST.GET.SERVICE"),
        ("CopyObject", "PUT", "REST.COPY.OBJECT"),
        ("UploadPart", "PUT", "REST.PUT.PART"),
        ("CreateMultipartUpload", "POST", "REST.POST.UPLOADS"),
        ("CompleteMultipartUpload", "POST", "REST.POST.UPLOAD"),
        ("DeleteObjects", "POST", "REST.POST.MULTI_OBJECT_DELETE"),
        ("GetBucketVersioning", "GET", "REST.GET.VERSIONING"),
        ("GetBucketLogging", "GET", "REST.GET.LOGGING_STATUS"),
        ("GetBucketPolicy", "GET", "REST.GET.BUCKETPOLICY"),
        ("GetBucketLifecycleConfiguration", "GET", "REST.GET.LIFECYCLE"),
        ("PutObjectTagging", "PUT", "REST.PUT.OBJECT_TAGGING"),
        ("GetPublicAccessBlock", "GET", "REST.GET.PUBLIC_ACCESS_BLOCK"),
    ] {
        assert_eq!(name(operation, method), expected);
    }
    for operation in Operation::ALL {
        let name = name(operation.name(), "GET");
        assert!(name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'.' || byte == b'_'), "{name}");
    }
}
