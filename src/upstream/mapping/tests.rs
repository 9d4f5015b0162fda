//! Names there and here: what goes up, and what comes back in pieces of every size.
//! It must not open a connection.

use super::rewrite::{Rewrite, RewriteError};
use super::*;
use proptest::prelude::*;

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

fn mapping(prefix: Option<&str>, encoded: bool) -> Mapping {
    Mapping {
        there: "prod-reports".to_owned(),
        here: "reports".to_owned(),
        prefix: prefix.map(|text| Prefix::parse(text).unwrap()),
        resource: "/reports/k".to_owned(),
        location: "https://s3.test/reports/k".to_owned(),
        encoded,
        names: true,
    }
}

/// The body after it went through in pieces of one size.
fn rewritten(mapping: &Mapping, body: &[u8], size: usize) -> Result<String, RewriteError> {
    let mut rewrite = Rewrite::new(mapping);
    let mut sent = Vec::new();
    for piece in body.chunks(size) {
        rewrite.next(piece, &mut sent)?;
    }
    rewrite.finish(&mut sent)?;
    Ok(String::from_utf8(sent).unwrap())
}

#[track_caller]
fn check(mapping: &Mapping, body: &str, expected: Result<&str, RewriteError>) {
    for size in 1..=body.len().max(1) {
        let seen = rewritten(mapping, body.as_bytes(), size);
        assert_eq!(seen, expected.map(str::to_owned), "{body} in pieces of {size}");
    }
}

#[test]
fn prefixes_are_whole_plain_segments() {
    for good in ["a/", "tenants/a-b_c.d/", "A1/..a/"] {
        assert_eq!(Prefix::parse(good).unwrap().as_str(), good);
    }
    let long = format!("{}/", "a".repeat(LONGEST));
    for bad in ["", "/", "a", "/a/", "a//b/", "a/../b/", "./", "../", "a b/", "a%2F/", "a&/", "é/", &long] {
        assert_eq!(Prefix::parse(bad), None, "{bad}");
    }
}

#[test]
fn without_a_prefix_the_bucket_alone_is_exchanged() {
    let mapping = mapping(None, false);
    for (before, after) in [
        ("<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>", "</Name><Prefix/>"),
        ("<ListBucketResult><Prefix>prod-reports</Prefix><Marker/> <Name>", "</Name><Key>prod-reports</Key>"),
        ("<ListVersionsResult >\n  <Name>", "</Name>"),
        ("<ListPartsResult><Bucket>", "</Bucket><Key>k</Key>"),
        ("<InitiateMultipartUploadResult><Bucket>", "</Bucket></InitiateMultipartUploadResult>"),
    ] {
        for head in ["", HEAD] {
            let there = format!("{head}{before}prod-reports{after}");
            check(&mapping, &there, Ok(&format!("{head}{before}reports{after}")));
        }
    }
    for same in [
        "",
        "prod-reports",
        "<Tagging><Name>prod-reports</Name></Tagging>",
        "<ListBucketResult/><Name>prod-reports</Name>",
        "<ListBucketResult><Name>prod-reports-2</Name></ListBucketResult>",
        "<ListBucketResult><Contents><Name>prod-reports</Name></Contents></ListBucketResult>",
        "<ListBucketResult><!-- --><Name>prod-reports</Name></ListBucketResult>",
        "<ListBucketResult><Name>prod-repo",
    ] {
        check(&mapping, same, Ok(same));
    }
    let long = vec![b'a'; 40_000];
    assert_eq!(rewritten(&mapping, &long, 1000).unwrap().len(), long.len());
}

#[test]
fn a_finished_upload_is_where_the_client_put_it() {
    let there = "<CompleteMultipartUploadResult><Location>http://10.0.0.1/prod-reports/t/a/k</Location>\
                 <Bucket>prod-reports</Bucket><Key>t/a/k</Key><ETag>\"x\"</ETag></CompleteMultipartUploadResult>";
    let here = |key: &str| {
        format!(
            "   <CompleteMultipartUploadResult><Location>https://s3.test/reports/k</Location>\
             <Bucket>reports</Bucket><Key>{key}</Key><ETag>\"x\"</ETag></CompleteMultipartUploadResult>"
        )
    };
    check(&mapping(Some("t/a/"), false), &format!("   {there}"), Ok(&here("k")));
    check(&mapping(None, false), &format!("   {there}"), Ok(&here("t/a/k")));
    // white space that keeps a connection alive does not wait for the document
    let mapping = mapping(Some("t/a/"), false);
    let (mut rewrite, mut out) = (Rewrite::new(&mapping), Vec::new());
    rewrite.next(b"  ", &mut out).unwrap();
    assert_eq!(out, b"  ");
}

#[test]
fn keys_lose_the_prefix_and_none_is_beyond_it() {
    let plain = mapping(Some("t/a/"), false);
    let encoded = mapping(Some("t/a/"), true);
    for (there, here) in [
        ("<Prefix>t/a/</Prefix>", "<Prefix></Prefix>"),
        (
            "<Prefix>t/a/x</Prefix><Marker></Marker><KeyMarker/>",
            "<Prefix>x</Prefix><Marker></Marker><KeyMarker/>",
        ),
        (
            "<Contents><Key>t/a/t/a/k</Key><Size>1</Size></Contents>",
            "<Contents><Key>t/a/k</Key><Size>1</Size></Contents>",
        ),
        (
            "<CommonPrefixes><Prefix>t/a/x/</Prefix></CommonPrefixes>",
            "<CommonPrefixes><Prefix>x/</Prefix></CommonPrefixes>",
        ),
        ("<NextMarker>t/a/&amp;</NextMarker>", "<NextMarker>&amp;</NextMarker>"),
        ("<Owner><ID>t/a/</ID></Owner>", "<Owner><ID></ID></Owner>"),
    ] {
        let body = |inner: &str| format!("{HEAD}<ListBucketResult>\n {inner}</ListBucketResult>\n");
        check(&plain, &body(there), Ok(&body(here)));
        check(&encoded, &body(there), Ok(&body(here)));
    }
    let one = |key: &str| format!("<DeleteResult><Deleted><Key>{key}</Key></Deleted></DeleteResult>");
    check(&encoded, &one("t%2Fa%2fx%20y"), Ok(&one("x%20y")));
    check(&plain, &one("t%2Fa%2Fx"), Err(RewriteError::Outside));
    for outside in ["t/b/k", "t/a", "/t/a/k", "T/a/k", "k", "&#x74;/a/k"] {
        check(&plain, &one(outside), Err(RewriteError::Outside));
        check(&encoded, &one(outside), Err(RewriteError::Outside));
    }
}

#[test]
fn errors_speak_of_what_the_client_asked_for() {
    let mapping = mapping(Some("t/a/"), false);
    for (there, here) in [
        ("<Code>NoSuchKey</Code><Key>t/a/k</Key>", "<Code>NoSuchKey</Code><Key>k</Key>"),
        ("<Key>t/b/k</Key>", "<Key></Key>"),
        ("<Resource>/prod-reports/t/a/k</Resource>", "<Resource>/reports/k</Resource>"),
        ("<BucketName>prod-reports</BucketName>", "<BucketName>reports</BucketName>"),
        ("<Message>no t/a/k there</Message>", "<Message></Message>"),
    ] {
        let body = |inner: &str| format!("<Error>{inner}</Error>");
        check(&mapping, &body(there), Ok(&body(here)));
    }
    for unreadable in [
        "<html><body>t/a/</body></html>",
        "text",
        "<Error><!-- --></Error>",
        "<Error><![CDATA[t/b/k]]></Error>",
        "<Error>",
        "<Error></Error><Error></Error>",
        "</Error>",
        "<Error><Message>a",
    ] {
        check(&mapping, unreadable, Err(RewriteError::Unreadable));
    }
    assert_eq!(rewritten(&mapping, &vec![b'<'; 20_000], 999), Err(RewriteError::Unreadable));
}

#[track_caller]
fn listing_of(operation: Operation, query: &str) -> Option<String> {
    let prefix = Prefix::parse("t/a/").unwrap();
    listing(operation, &Query::parse(query.as_bytes()).unwrap(), &prefix)
        .map(|out| String::from_utf8(out).unwrap())
}

#[test]
fn listings_begin_inside() {
    use Operation::{GetObject, ListMultipartUploads, ListObjectVersions, ListObjects, ListObjectsV2};
    for (operation, query, expected) in [
        (ListObjects, "", Some("prefix=t%2Fa%2F")),
        (ListObjects, "prefix=&marker=", Some("prefix=t%2Fa%2F&marker=")),
        (ListObjects, "marker=k&delimiter=/", Some("prefix=t%2Fa%2F&marker=t%2Fa%2Fk&delimiter=%2F")),
        (
            ListObjectsV2,
            "list-type=2&prefix=x%2F&start-after=x/y+z&continuation-token=a/b",
            Some("prefix=t%2Fa%2Fx%2F&list-type=2&start-after=t%2Fa%2Fx%2Fy%20z&continuation-token=a%2Fb"),
        ),
        (ListObjectVersions, "versions&key-marker=k", Some("prefix=t%2Fa%2F&versions&key-marker=t%2Fa%2Fk")),
        (ListMultipartUploads, "uploads=&prefix=..%2F", Some("prefix=t%2Fa%2F..%2F&uploads=")),
        (GetObject, "prefix=k", None),
    ] {
        assert_eq!(listing_of(operation, query).as_deref(), expected, "{query}");
    }
}

#[test]
fn lists_of_objects_to_delete_are_written_anew() {
    let list = DeleteBody::parse(
        b"<Delete><Quiet>true</Quiet><Object><Key>a&amp;b&#10;c</Key></Object>\
          <Object><Key>k</Key><VersionId>3</VersionId></Object>\
          <Object><Key>c</Key><ETag>&quot;e&quot;</ETag><LastModifiedTime>t</LastModifiedTime><Size>1</Size></Object></Delete>",
    )
    .unwrap();
    let made = deletion(&list, &Prefix::parse("t/a/").unwrap());
    assert_eq!(
        String::from_utf8(made.body.clone()).unwrap(),
        "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Quiet>true</Quiet>\
         <Object><Key>t/a/a&amp;b&#10;c</Key></Object>\
         <Object><Key>t/a/k</Key><VersionId>3</VersionId></Object>\
         <Object><Key>t/a/c</Key><ETag>\"e\"</ETag><LastModifiedTime>t</LastModifiedTime><Size>1</Size></Object></Delete>"
    );
    let again = DeleteBody::parse(&made.body).unwrap();
    assert_eq!(again.objects[0].key.bytes(), b"t/a/a&b\nc");
    // a deletion with a condition must not become one without
    assert_eq!(again.objects[2].conditions, list.objects[2].conditions);
}

#[test]
fn what_stays_inside_is_a_list() {
    // a new operation is outside until somebody looked at it
    let inside = Operation::ALL.iter().filter(|operation| stays_inside(**operation)).count();
    assert_eq!(inside, 30);
    let names = |operation: &&Operation| names_something(**operation) && !stays_inside(**operation);
    assert_eq!(Operation::ALL.iter().find(names), None);
}

proptest! {
    #[test]
    fn no_key_of_an_answer_lies_outside(
        keys in proptest::collection::vec("(t/a/|t/b/|t%2Fa%2F|T/a/|)[a-z/%&;.]{0,8}", 0..6),
        encoded in any::<bool>(),
        size in 1_usize..50,
    ) {
        let items = keys.iter().fold(String::new(), |all, key| all + "<Contents><Key>" + key + "</Key></Contents>");
        let body = format!("<ListBucketResult><Prefix>t/a/</Prefix>{items}</ListBucketResult>");
        let mapping = mapping(Some("t/a/"), encoded);
        let mut rewrite = Rewrite::new(&mapping);
        let mut out = Vec::new();
        let outcome = body.as_bytes().chunks(size).try_for_each(|piece| rewrite.next(piece, &mut out));
        let sent = String::from_utf8(out).unwrap();
        let shown: Vec<&str> =
            sent.split("<Key>").skip(1).map(|rest| rest.split("</Key>").next().unwrap()).collect();
        let inside = |key: &String| {
            key.is_empty() || key.starts_with("t/a/") || (encoded && key.starts_with("t%2Fa%2F"))
        };
        // everything before the first key beyond the prefix, and nothing from there on
        let expected: Vec<String> = keys
            .iter()
            .take_while(|key| inside(key))
            .map(|key| key.strip_prefix("t/a/").or_else(|| key.strip_prefix("t%2Fa%2F")).unwrap_or(key).to_owned())
            .collect();
        prop_assert_eq!(outcome.is_ok(), keys.iter().all(inside));
        prop_assert!(shown.len() <= expected.len() + usize::from(outcome.is_err()));
        for (shown, expected) in shown.iter().zip(&expected) {
            prop_assert_eq!(shown, expected);
        }
    }
}
