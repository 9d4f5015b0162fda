//! Operations on an object: the daily work of the gate.
//! It must not hold logic; `table.rs` says what the columns mean.

use super::super::Operation;
use super::row::When::{CopySourceVersion, Header, HeaderEquals, HeaderNotEquals};
use super::row::{ANY_ACL, ANY_LOCK, Need, Row, bucket, current, equals, has, object, source, version};
use crate::s3::action::Action;
use crate::s3::requirement::Kind::{IfSourceHasAnnotations, IfSourceHasTags};

const VERSION: &[&str] = &["versionId"];
const READ_PARAMS: &[&str] = &[
    "partNumber",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "versionId",
];
/// What a new object needs, by the headers that come with it.
const UPLOAD: &[Need] = &[
    object(Action::PutObject),
    object(Action::PutObjectAcl).when(&[ANY_ACL]),
    object(Action::PutObjectTagging).when(&[Header("x-amz-tagging")]),
    object(Action::PutObjectRetention).when(&[ANY_LOCK]),
    object(Action::PutObjectLegalHold).when(&[Header("x-amz-object-lock-legal-hold")]),
];

/// `GET` of an object.
pub(super) const GET: &[Row] = &[
    Row::plain(Operation::GetObject)
        .params(READ_PARAMS)
        .needs(&[current(Action::GetObject), version(Action::GetObjectVersion)]),
    Row::selected(Operation::GetObjectAcl, "acl")
        .params(VERSION)
        .needs(&[current(Action::GetObjectAcl), version(Action::GetObjectVersionAcl)]),
    Row::selected(Operation::GetObjectAnnotation, "annotation")
        .query(&[has("annotationName")])
        .params(VERSION)
        .needs(&[current(Action::GetObjectAnnotation), version(Action::GetObjectVersionAnnotation)]),
    Row::selected(Operation::GetObjectAttributes, "attributes").params(VERSION).needs(&[
        current(Action::GetObject),
        current(Action::GetObjectAttributes),
        version(Action::GetObjectVersion),
        version(Action::GetObjectVersionAttributes),
    ]),
    Row::selected(Operation::GetObjectLegalHold, "legal-hold")
        .params(VERSION)
        .needs(&[object(Action::GetObjectLegalHold)]),
    Row::selected(Operation::GetObjectRetention, "retention")
        .params(VERSION)
        .needs(&[object(Action::GetObjectRetention)]),
    Row::selected(Operation::GetObjectTagging, "tagging")
        .params(VERSION)
        .needs(&[current(Action::GetObjectTagging), version(Action::GetObjectVersionTagging)]),
    Row::selected(Operation::GetObjectTorrent, "torrent").needs(&[
        current(Action::GetObject),
        version(Action::GetObjectVersion),
        current(Action::GetObjectTorrent),
        version(Action::GetObjectVersionTorrent),
    ]),
    Row::selected(Operation::ListObjectAnnotations, "annotation")
        .query_absent(&["annotationName"])
        .params(&["annotation-prefix", "continuation-token", "max-annotation-results", "versionId"])
        .needs(&[current(Action::ListObjectAnnotations), version(Action::ListObjectVersionAnnotations)]),
    Row::selected(Operation::ListParts, "uploadId")
        .params(&["max-parts", "part-number-marker"])
        .needs(&[object(Action::ListMultipartUploadParts)]),
];

/// `HEAD` of an object.
pub(super) const HEAD: &[Row] = &[Row::plain(Operation::HeadObject)
    .params(READ_PARAMS)
    .needs(&[current(Action::GetObject), version(Action::GetObjectVersion)])];

/// `PUT` of an object.
pub(super) const PUT: &[Row] = &[
    Row::plain(Operation::CopyObject).headers(&[has("x-amz-copy-source")]).needs(&[
        source(Action::GetObject).when(&[CopySourceVersion(false)]),
        source(Action::GetObjectVersion).when(&[CopySourceVersion(true)]),
        object(Action::PutObject),
        object(Action::PutObjectAcl).when(&[ANY_ACL]),
        object(Action::PutObjectTagging).when(&[Header("x-amz-tagging")]),
        object(Action::PutObjectRetention).when(&[ANY_LOCK]),
        object(Action::PutObjectLegalHold).when(&[Header("x-amz-object-lock-legal-hold")]),
        source(Action::GetObjectTagging)
            .when(&[CopySourceVersion(false), HeaderNotEquals("x-amz-tagging-directive", "REPLACE")])
            .kind(IfSourceHasTags),
        source(Action::GetObjectVersionTagging)
            .when(&[CopySourceVersion(true), HeaderNotEquals("x-amz-tagging-directive", "REPLACE")])
            .kind(IfSourceHasTags),
        object(Action::PutObjectTagging)
            .when(&[HeaderNotEquals("x-amz-tagging-directive", "REPLACE")])
            .kind(IfSourceHasTags),
        source(Action::GetObjectAnnotation)
            .when(&[HeaderNotEquals("x-amz-object-annotation-directive", "EXCLUDE")])
            .kind(IfSourceHasAnnotations),
        object(Action::PutObjectAnnotation)
            .when(&[HeaderNotEquals("x-amz-object-annotation-directive", "EXCLUDE")])
            .kind(IfSourceHasAnnotations),
    ]),
    Row::plain(Operation::PutObject).headers_absent(&["x-amz-copy-source"]).needs(UPLOAD),
    Row::selected(Operation::PutObjectAcl, "acl")
        .params(VERSION)
        .needs(&[current(Action::PutObjectAcl), version(Action::PutObjectVersionAcl)]),
    Row::selected(Operation::PutObjectAnnotation, "annotation")
        .query(&[has("annotationName")])
        .params(VERSION)
        .needs(&[current(Action::PutObjectAnnotation), version(Action::PutObjectVersionAnnotation)]),
    Row::selected(Operation::PutObjectLegalHold, "legal-hold")
        .params(VERSION)
        .needs(&[object(Action::PutObjectLegalHold)]),
    Row::selected(Operation::PutObjectRetention, "retention").params(VERSION).needs(&[
        object(Action::PutObjectRetention),
        object(Action::BypassGovernanceRetention)
            .when(&[HeaderEquals("x-amz-bypass-governance-retention", "true")]),
    ]),
    Row::selected(Operation::PutObjectTagging, "tagging")
        .params(VERSION)
        .needs(&[current(Action::PutObjectTagging), version(Action::PutObjectVersionTagging)]),
    Row::selected(Operation::RenameObject, "renameObject").needs(&[bucket(Action::ExpressCreateSession)]),
    Row::selected(Operation::UpdateObjectEncryption, "encryption")
        .params(VERSION)
        .needs(&[object(Action::UpdateObjectEncryption)]),
    Row::selected(Operation::UploadPart, "uploadId")
        .query(&[has("partNumber")])
        .headers_absent(&["x-amz-copy-source"])
        .needs(&[object(Action::PutObject)]),
    Row::selected(Operation::UploadPartCopy, "uploadId")
        .query(&[has("partNumber")])
        .headers(&[has("x-amz-copy-source")])
        .needs(&[
            source(Action::GetObject).when(&[CopySourceVersion(false)]),
            source(Action::GetObjectVersion).when(&[CopySourceVersion(true)]),
            object(Action::PutObject),
        ]),
];

/// `POST` of an object.
pub(super) const POST: &[Row] = &[
    Row::selected(Operation::CompleteMultipartUpload, "uploadId").needs(&[object(Action::PutObject)]),
    Row::selected(Operation::CreateMultipartUpload, "uploads").needs(UPLOAD),
    Row::selected(Operation::RestoreObject, "restore")
        .params(VERSION)
        .needs(&[object(Action::RestoreObject)]),
    Row::selected(Operation::SelectObjectContent, "select")
        .query(&[equals("select-type", "2")])
        .needs(&[object(Action::GetObject)]),
];

/// `DELETE` of an object.
pub(super) const DELETE: &[Row] = &[
    Row::selected(Operation::AbortMultipartUpload, "uploadId").needs(&[object(Action::AbortMultipartUpload)]),
    Row::plain(Operation::DeleteObject).params(VERSION).needs(&[
        current(Action::DeleteObject),
        version(Action::DeleteObjectVersion),
        object(Action::BypassGovernanceRetention)
            .when(&[HeaderEquals("x-amz-bypass-governance-retention", "true")]),
    ]),
    Row::selected(Operation::DeleteObjectAnnotation, "annotation")
        .query(&[has("annotationName")])
        .params(VERSION)
        .needs(&[current(Action::DeleteObjectAnnotation), version(Action::DeleteObjectVersionAnnotation)]),
    Row::selected(Operation::DeleteObjectTagging, "tagging")
        .params(VERSION)
        .needs(&[current(Action::DeleteObjectTagging), version(Action::DeleteObjectVersionTagging)]),
];
