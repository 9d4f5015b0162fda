//! Bodies with the keys they name, and bodies that are refused.
//! It must not test the rules of keys, which have a table of their own.

use super::*;
use crate::s3::action::Action;
use crate::s3::address::HostRules;
use crate::s3::classify::classify;
use crate::s3::requirement::Resource;
use proptest::prelude::*;

type Seen = Vec<(String, Option<String>)>;

fn read(body: &[u8]) -> Result<Seen, DeleteBodyError> {
    let text = |key: &Key<'_>| String::from_utf8(key.bytes().to_vec()).unwrap();
    DeleteBody::parse(body)
        .map(|body| body.objects.into_iter().map(|object| (text(&object.key), object.version)).collect())
}

fn check(body: &str, expected: &[(&str, Option<&str>)]) {
    let expected: Seen =
        expected.iter().map(|(key, version)| ((*key).to_owned(), version.map(str::to_owned))).collect();
    assert_eq!(read(body.as_bytes()), Ok(expected), "{body}");
}

fn check_refused(body: &str, expected: DeleteBodyError) {
    assert_eq!(read(body.as_bytes()), Err(expected), "{body}");
}

fn one(inside: &str) -> String {
    format!("<Delete><Object>{inside}</Object></Delete>")
}

#[test]
fn bodies_that_sdks_send() {
    check(
        "<Delete><Object><Key>a</Key></Object><Object><Key>b</Key><VersionId>v</VersionId></Object></Delete>",
        &[("a", None), ("b", Some("v"))],
    );
    check(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n\
         <Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\n\t<Quiet>true</Quiet>\n\
         <Object>\n<VersionId>3.x_y-z</VersionId>\n<Key>a/b c</Key>\n</Object>\n</Delete>\n",
        &[("a/b c", Some("3.x_y-z"))],
    );
    check(
        "<?xml version='1.0' encoding='utf-8' standalone='yes'?><Delete  xmlns='http://s3.amazonaws.com/doc/2006-03-01/' >\
         <Object><Key>k</Key><ETag>&quot;e&quot;</ETag><LastModifiedTime>t</LastModifiedTime><Size>1</Size></Object>\
         <Quiet>false</Quiet></Delete>",
        &[("k", None)],
    );
    check(&one("<Key>&lt;&amp;&gt;&quot;&apos;é</Key>"), &[("<&>\"'é", None)]);
    check(&one("<Key>a&#13;&#xA;&#x1F600;b>]</Key>"), &[("a\r\n\u{1f600}b>]", None)]);
    check(&one("<Key>&amp;lt;</Key>"), &[("&lt;", None)]);
    check(&one("<Key>a\n b</Key>"), &[("a\n b", None)]);
}

#[test]
fn markup_that_is_refused() {
    for inside in [
        "<Key>a<!-- x -->b</Key>",
        "<Key><![CDATA[a]]></Key>",
        "<Key>a<?x?></Key>",
        "<Key a=\"b\">a</Key>",
        "<Key >a</Key>",
        "<Key>a</Key >",
        "<s:Key>a</s:Key>",
        "<Key>a<b>c</b></Key>",
        "<Key>a</Object>",
        "text<Key>a</Key>",
        "<>",
        "<!DOCTYPE a>",
    ] {
        check_refused(&one(inside), DeleteBodyError::Xml(XmlError::Markup));
    }
    for body in [
        "<!DOCTYPE d [<!ENTITY e \"x\">]><Delete></Delete>",
        "<Delete xmlns=\"urn:x\"></Delete>",
        "<Delete xmlns:s=\"http://s3.amazonaws.com/doc/2006-03-01/\"></Delete>",
        "<Deletexmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"></Delete>",
        "<delete></delete>",
        "x<Delete></Delete>",
        "\u{feff}<Delete></Delete>",
        "<!-- --><Delete></Delete>",
    ] {
        check_refused(body, DeleteBodyError::Xml(XmlError::Markup));
    }
    for declaration in [
        "version=\"1.1\"",
        "version=\"1.0\" encoding=\"UTF-16\"",
        "encoding=\"UTF-8\"",
        "version=\"1.0\" x=\"y\"",
        "",
        "version=1.0",
        "version=\"1.0\" encoding=UTF-7",
    ] {
        let body = format!("<?xml {declaration}?>{}", one("<Key>a</Key>"));
        check_refused(&body, DeleteBodyError::Xml(XmlError::Declaration));
    }
    let whole = one("<Key>a</Key>");
    check_refused(&format!("{whole}<Delete></Delete>"), DeleteBodyError::Xml(XmlError::End));
    check_refused(&format!("{whole}x"), DeleteBodyError::Xml(XmlError::End));
    for end in 0..whole.len() {
        assert!(matches!(read(&whole.as_bytes()[..end]), Err(DeleteBodyError::Xml(_))), "{end}");
    }
}

#[test]
fn text_that_is_refused() {
    for entity in [
        "&x;",
        "&",
        "&amp",
        "&#0;",
        "&#1;",
        "&#xD800;",
        "&#xFFFE;",
        "&#;",
        "&#x;",
        "&#+65;",
        "&#X41;",
        "&#x110000;",
    ] {
        check_refused(&one(&format!("<Key>a{entity}b</Key>")), DeleteBodyError::Xml(XmlError::Entity));
    }
    for text in ["a\rb", "a\u{1}b", "a]]>b", "\u{ffff}"] {
        check_refused(&one(&format!("<Key>{text}</Key>")), DeleteBodyError::Xml(XmlError::Character));
    }
    assert_eq!(read(b"<Delete>\xff"), Err(DeleteBodyError::Xml(XmlError::Encoding)));
    for key in [" a", "a ", "a\n", "&#32;a", "a&#9;"] {
        check_refused(&one(&format!("<Key>{key}</Key>")), DeleteBodyError::KeySpace);
    }
}

#[test]
fn content_that_is_refused() {
    for inside in [
        "",
        "<VersionId>v</VersionId>",
        "<Key>a</Key><Key>b</Key>",
        "<Key>a</Key><VersionId>v</VersionId><VersionId>w</VersionId>",
        "<Key>a</Key><ETag>e</ETag><ETag>e</ETag>",
        "<Key>a</Key><Other>x</Other>",
        "<Object><Key>a</Key></Object>",
        "<Quiet>true</Quiet><Key>a</Key>",
        "<key>a</key>",
        "<Key/>",
        "<Key>a</Key><VersionId/>",
    ] {
        check_refused(&one(inside), DeleteBodyError::Element);
    }
    check_refused("<Delete><Key>a</Key></Delete>", DeleteBodyError::Element);
    check_refused("<Delete><Quiet>true</Quiet><Quiet>true</Quiet></Delete>", DeleteBodyError::Element);
    check_refused("<Delete><Quiet>yes</Quiet></Delete>", DeleteBodyError::Quiet);
    check_refused("<Delete></Delete>", DeleteBodyError::Count);
    for version in ["", "a b", "a/b"] {
        check_refused(
            &one(&format!("<Key>a</Key><VersionId>{version}</VersionId>")),
            DeleteBodyError::Version,
        );
    }
    check_refused(&one("<Key></Key>"), DeleteBodyError::Key(KeyError::Empty));
    check_refused(&one("<Key>../a</Key>"), DeleteBodyError::Key(KeyError::DotSegments));
    let long = one(&format!("<Key>{}</Key>", "k".repeat(1025)));
    check_refused(&long, DeleteBodyError::Key(KeyError::TooLong(1025)));
}

#[test]
fn a_thousand_objects_and_no_more() {
    let body = |count| format!("<Delete>{}</Delete>", "<Object><Key>a</Key></Object>".repeat(count));
    assert_eq!(read(body(1000).as_bytes()).map(|seen| seen.len()), Ok(1000));
    check_refused(&body(1001), DeleteBodyError::Count);
}

#[test]
fn answers() {
    assert_eq!(DeleteBodyError::Element.s3(), S3Error::new(ErrorCode::MalformedXML));
    assert_eq!(DeleteBodyError::Key(KeyError::TooLong(2000)).s3().code, ErrorCode::KeyTooLongError);
    assert_eq!(DeleteBodyError::Count.reason(), Reason::MalformedBody);
}

#[test]
fn requirements_of_each_object() {
    let required = |header: &str| {
        let head = format!("POST /bkt?delete HTTP/1.1\r\nHost: s3\r\n{header}\r\n");
        let request = crate::request::head::parse(head.as_bytes()).unwrap();
        let address = HostRules::new(["s3".to_owned()]).unwrap().address(&request).unwrap();
        let classified = classify(&request, &address).unwrap();
        assert!(classified.needs_body());
        let body = "<Delete><Object><Key>a</Key></Object>\
                    <Object><Key>x/../b</Key><VersionId>v</VersionId></Object></Delete>";
        let body = DeleteBody::parse(body.as_bytes()).unwrap();
        body.requirements(*address.bucket().unwrap(), &classified)
            .iter()
            .map(|requirement| {
                assert!(matches!(requirement.resource, Resource::Object { .. }));
                (requirement.action, requirement.resource.to_string())
            })
            .collect::<Vec<_>>()
    };
    let arn = |key: &str| format!("arn:aws:s3:::bkt/{key}");
    assert_eq!(
        required(""),
        [
            (Action::DeleteObject, arn("a")),
            (Action::DeleteObjectVersion, arn("x/../b")),
            (Action::DeleteObjectVersion, arn("b")),
        ]
    );
    assert_eq!(
        required("x-amz-bypass-governance-retention: true\r\n"),
        [
            (Action::DeleteObject, arn("a")),
            (Action::BypassGovernanceRetention, arn("a")),
            (Action::DeleteObjectVersion, arn("x/../b")),
            (Action::DeleteObjectVersion, arn("b")),
            (Action::BypassGovernanceRetention, arn("x/../b")),
            (Action::BypassGovernanceRetention, arn("b")),
        ]
    );
}

proptest! {
    #[test]
    fn no_body_panics(body in "(<|>|/|Delete|Object|Key|&|;|#|x|\"| |=|xmlns|<\\?xml|\\?>|a){0,40}") {
        drop(read(body.as_bytes()));
        drop(read(one(&body).as_bytes()));
    }

    /// What was escaped comes back.
    #[test]
    fn escaped_keys_come_back(key in "[!-~é]{1,30}") {
        prop_assume!(Key::parse(key.as_bytes()).is_ok());
        let escaped = key.chars().map(|c| format!("&#{};", u32::from(c))).collect::<Vec<_>>().concat();
        let seen = read(one(&format!("<Key>{escaped}</Key>")).as_bytes());
        prop_assert_eq!(seen, Ok(vec![(key, None)]));
    }
}
