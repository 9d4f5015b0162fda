//! Bodies as SDKs write them, and bodies that are refused.
//! It must not test the reading of XML, which the tests of `delete_body` do.

use super::*;

fn read(operation: Operation, body: &str) -> Result<Body, BodyError> {
    Body::parse(operation, body.as_bytes()).expect("an operation whose body is read")
}

fn tag(name: &str, value: &str) -> Tag {
    Tag { name: name.into(), value: value.into() }
}

#[test]
fn exactly_the_operations_with_a_parser_are_read() {
    for operation in Operation::ALL {
        assert_eq!(Body::is_read(*operation), Body::parse(*operation, b"").is_some(), "{operation}");
    }
}

#[test]
fn tags() {
    let check = |body: &str, expected: Result<Vec<Tag>, BodyError>| {
        assert_eq!(read(Operation::PutObjectTagging, body), expected.map(Body::Tagging), "{body}");
    };
    check(
        "<Tagging xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><TagSet><Tag><Key>team</Key><Value>a &amp; b</Value></Tag><Tag><Value /><Key>x</Key></Tag></TagSet></Tagging>",
        Ok(vec![tag("team", "a & b"), tag("x", "")]),
    );
    check("<Tagging><TagSet/></Tagging>", Ok(vec![]));
    check("<Tagging><TagSet></TagSet></Tagging>", Ok(vec![]));
    let one = |inside: &str| format!("<Tagging><TagSet>{inside}</TagSet></Tagging>");
    let pair = "<Tag><Key>a</Key><Value>b</Value></Tag>";
    check(&one(&format!("{pair}{pair}")), Err(BodyError::RepeatedTag));
    for broken in [
        one("<Tag><Key>a</Key></Tag>"),
        one("<Tag><Key>a</Key><Value>b</Value><Value>c</Value></Tag>"),
        one("<Tag><Key>a</Key><Value>b</Value><Other>c</Other></Tag>"),
        one("<Tags/>"),
        format!("<Tagging><TagSet>{pair}</TagSet><TagSet/></Tagging>"),
        "<Tagging/>".to_owned(),
        "<Tagging></Tagging>".to_owned(),
    ] {
        check(&broken, Err(BodyError::Element));
    }
    for broken in [
        "",
        "<Tagging>",
        "<TagSet/>",
        "<Tagging a=\"b\"><TagSet/></Tagging>",
        "<Tagging><TagSet a=\"b\"/></Tagging>",
        "<Tagging><TagSet/></Tagging >",
    ] {
        assert!(matches!(read(Operation::PutObjectTagging, broken), Err(BodyError::Xml(_))), "{broken}");
    }
}

#[test]
fn locks() {
    let retention = |mode: Option<&str>, until: Option<&str>| {
        Ok(Body::Retention(Retention { mode: mode.map(str::to_owned), until: until.map(str::to_owned) }))
    };
    for (body, expected) in [
        (
            "<Retention xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Mode>GOVERNANCE</Mode><RetainUntilDate>2026-12-01T00:00:00Z</RetainUntilDate></Retention>",
            retention(Some("GOVERNANCE"), Some("2026-12-01T00:00:00Z")),
        ),
        ("<Retention/>", retention(None, None)),
        ("<Retention></Retention>", retention(None, None)),
        ("<Retention><Mode>governance</Mode></Retention>", Err(BodyError::Value)),
        ("<Retention><Mode>COMPLIANCE</Mode><Mode>GOVERNANCE</Mode></Retention>", Err(BodyError::Element)),
        ("<Retention><Days>1</Days></Retention>", Err(BodyError::Element)),
    ] {
        assert_eq!(read(Operation::PutObjectRetention, body), expected, "{body}");
    }
    for (body, expected) in [
        ("<LegalHold><Status>ON</Status></LegalHold>", Ok(Body::LegalHold(Some("ON".into())))),
        ("<LegalHold><Status>on</Status></LegalHold>", Err(BodyError::Value)),
        ("<LegalHold><Status/></LegalHold>", Err(BodyError::Value)),
        ("<LegalHold/>", Ok(Body::LegalHold(None))),
    ] {
        assert_eq!(read(Operation::PutObjectLegalHold, body), expected, "{body}");
    }
}

#[test]
fn access_control_lists() {
    let policy = |grants: &str| {
        format!(
            "<AccessControlPolicy xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Owner><ID>o</ID><DisplayName>d</DisplayName></Owner><AccessControlList>{grants}</AccessControlList></AccessControlPolicy>"
        )
    };
    let grant = |kind: &str, who: &str, permission: &str| {
        format!(
            "<Grant><Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"{kind}\">{who}</Grantee><Permission>{permission}</Permission></Grant>"
        )
    };
    let acl = |permissions: &[Permission], to_group| {
        Ok(Body::Acl(Acl { permissions: permissions.to_vec(), to_group }))
    };
    let owner = grant("CanonicalUser", "<ID>o</ID><DisplayName>d</DisplayName>", "FULL_CONTROL");
    let all = grant("Group", "<URI>http://acs.amazonaws.com/groups/global/AllUsers</URI>", "READ");
    for (body, expected) in [
        (policy(""), acl(&[], false)),
        (policy(&owner), acl(&[Permission::FullControl], false)),
        (policy(&format!("{owner}{owner}{all}")), acl(&[Permission::FullControl, Permission::Read], true)),
        ("<AccessControlPolicy><AccessControlList/></AccessControlPolicy>".to_owned(), acl(&[], false)),
        (policy(&grant("CanonicalUser", "<ID>o</ID>", "ALL")), Err(BodyError::Value)),
        (policy(&grant("CanonicalUser", "", "READ")), Err(BodyError::Element)),
        (policy(&grant("CanonicalUser", "<ID>o</ID><URI>u</URI>", "READ")), Err(BodyError::Element)),
        (policy(&grant("CanonicalUser", "<ID>o</ID><Name>u</Name>", "READ")), Err(BodyError::Element)),
        (policy("<Grant><Permission>READ</Permission></Grant>"), Err(BodyError::Element)),
        (policy("<Owner/>"), Err(BodyError::Element)),
    ] {
        assert_eq!(read(Operation::PutObjectAcl, &body), expected, "{body}");
        assert_eq!(read(Operation::PutBucketAcl, &body), expected, "{body}");
    }
    for broken in [
        policy(&grant("Robot", "<ID>o</ID>", "READ")),
        policy(&owner.replace("XMLSchema-instance", "XMLSchema")),
        policy(&owner.replace(" xsi:type", " xsi:kind")),
        policy(
            &owner.replace(" xsi:type", " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type"),
        ),
        policy(&owner.replace("\" xsi:type", "\"xsi:type")),
        policy(&owner.replace("</Grantee>", "</Grantee xsi:type=\"Group\">")),
    ] {
        assert!(matches!(read(Operation::PutObjectAcl, &broken), Err(BodyError::Xml(_))), "{broken}");
    }
}

#[test]
fn new_buckets() {
    let made = |location: Option<&str>, tags: Option<Vec<Tag>>| {
        Ok(Body::CreateBucket(CreateBucket { location: location.map(str::to_owned), tags }))
    };
    let document = |inside: &str| {
        format!(
            "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{inside}</CreateBucketConfiguration>"
        )
    };
    for (inside, expected) in [
        ("<LocationConstraint>eu-west-1</LocationConstraint>", made(Some("eu-west-1"), None)),
        ("", made(None, None)),
        ("<LocationConstraint/>", made(Some(""), None)),
        ("<Tags><Tag><Key>a</Key><Value>b</Value></Tag></Tags>", made(None, Some(vec![tag("a", "b")]))),
        (
            "<Location><Name>z</Name><Type>AvailabilityZone</Type></Location><Bucket><Type>Directory</Type><DataRedundancy>r</DataRedundancy></Bucket>",
            made(None, None),
        ),
        ("<Location><Name>z</Name><Name>y</Name></Location>", Err(BodyError::Element)),
        (
            "<LocationConstraint>a</LocationConstraint><LocationConstraint>b</LocationConstraint>",
            Err(BodyError::Element),
        ),
        ("<Region>a</Region>", Err(BodyError::Element)),
    ] {
        assert_eq!(read(Operation::CreateBucket, &document(inside)), expected, "{inside}");
    }
}
