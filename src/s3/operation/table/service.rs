//! Operations without a bucket, and the CORS preflight that any address can have.
//! It must not hold logic; `table.rs` says what the columns mean.

use super::super::Operation;
use super::row::{Row, has, service};
use crate::s3::action::Action;
use crate::s3::address::Endpoint;

/// `GET` of the service.
pub(super) const GET: &[Row] = &[
    Row::plain(Operation::ListBuckets)
        .params(&["bucket-region", "continuation-token", "max-buckets", "prefix"])
        .needs(&[service(Action::ListAllMyBuckets)]),
    Row::plain(Operation::ListDirectoryBuckets)
        .params(&["continuation-token", "max-directory-buckets"])
        .endpoint(Endpoint::DirectoryControl)
        .needs(&[service(Action::ExpressListAllMyDirectoryBuckets)]),
];

/// `POST` to the service.
pub(super) const POST: &[Row] = &[Row::plain(Operation::WriteGetObjectResponse)
    .endpoint(Endpoint::ObjectLambda)
    .needs(&[service(Action::ObjectLambdaWriteGetObjectResponse)])];

/// `OPTIONS` of anything.
pub(super) const OPTIONS: &[Row] = &[Row::plain(Operation::CORSPreflight)
    .headers(&[has("origin"), has("access-control-request-method")])
    .any_params()];
