//! What the body of a permitted request must be, as far as its head tells.
//! It must not read the body: the guard of the relay does.

use super::Denial;
use super::form::FormUpload;
use crate::auth::Authenticated;
use crate::auth::payload::Payload;
use crate::links::constraint::UploadLength;
use crate::reason::Reason;
use crate::request::framing::{Encoder, Framing};
use crate::request::method::Method;
use crate::request::{BodyLength, RawRequest};
use crate::s3::error::{ErrorCode, S3Error};
use crate::s3::operation::Operation;
use crate::upstream::Credentials;
use crate::upstream::body::digests::{Digests, ExpectedHash};
use crate::upstream::body::guard::BodyGuard;
use crate::upstream::body::onward::Onward;
use crate::upstream::body::{BodyFault, BodyRules, too_large};
use crate::upstream::plan::Carriage;
use std::ops::RangeInclusive;

/// A permitted request, as far as its body depends on it.
#[derive(Clone, Debug)]
pub(super) struct Upload<'a, 'r, 'h> {
    pub(super) request: &'a RawRequest<'h>,
    pub(super) operation: Operation,
    pub(super) authenticated: &'a Authenticated<'r>,
    /// The most bytes of data.
    pub(super) limit: u64,
    /// What the link says about their number.
    pub(super) range: Option<&'a RangeInclusive<u64>>,
    /// The form that brings it, and what its policy says about their number.
    pub(super) form: Option<(&'a FormUpload, RangeInclusive<u64>)>,
}

impl From<BodyFault> for Denial {
    fn from(fault: BodyFault) -> Self {
        Self { reason: fault.reason, error: fault.error }
    }
}

/// The number of bytes of data that was told before them; `None` if the request brings nothing, or does not tell.
pub(super) fn told_length(request: &RawRequest<'_>, payload: &Payload<'_>) -> Option<u64> {
    match (payload, request.body) {
        (Payload::Streaming(plan), _) => Some(plan.decoded_length),
        (_, BodyLength::Known(length)) => Some(length),
        (_, BodyLength::None | BodyLength::Chunked) => None,
    }
}

/// Whether sizes of uploads apply: a multipart upload begins without data, and its parts are uploads.
fn is_upload(method: Method<'_>, operation: Operation) -> bool {
    matches!(method, Method::Put | Method::Post) && operation != Operation::CreateMultipartUpload
}

/// The size of the object data that a request brings, or of the document that it brings instead.
pub(super) fn upload_length(
    request: &RawRequest<'_>,
    operation: Operation,
    payload: &Payload<'_>,
) -> UploadLength {
    if !is_upload(request.method, operation) {
        return UploadLength::NoUpload;
    }
    told_length(request, payload).map_or(UploadLength::Unknown, UploadLength::Told)
}

const NEEDS_SIGNER: &str = "Uploads with a form need a store that the gate signs for: the signature of a form is good for \
                            no other request.";

impl Upload<'_, '_, '_> {
    /// How the request is carried, if nothing about its body is wrong already.
    pub(super) fn carriage(self, credentials: &Credentials) -> Result<Carriage, Denial> {
        let request = self.request;
        let told = told_length(request, &self.authenticated.payload);
        if let Some(length) = told.filter(|length| *length > self.limit) {
            return Err(too_large(length, self.limit).into());
        }
        let rules = self.rules(credentials)?;
        if let Some((form, _)) = &self.form {
            if matches!(credentials, Credentials::Passthrough { .. }) {
                let error = S3Error::with_message(ErrorCode::NotImplemented, NEEDS_SIGNER);
                return Err(Denial { reason: Reason::SchemeDisabled, error });
            }
            return Ok(Carriage {
                to_head: false,
                framing: Framing::Known(form.rest),
                sent: Framing::Known(form.file.length),
                // whoever sent the fields does not wait any more
                expects_continue: false,
                rules,
                posted: Some(Box::new(form.answer.clone())),
                mapping: None,
                replacement: None,
            });
        }
        let framing = Framing::from(request.body);
        if framing == Framing::None {
            if matches!(self.operation, Operation::PutObject | Operation::UploadPart) {
                // as S3 does: an object is not to be replaced by nothing because a client forgot to send it
                return Err(Denial::new(Reason::MissingLength, ErrorCode::MissingContentLength));
            }
            // nothing follows that anybody could judge later
            BodyGuard::new(&rules).finish(&mut Encoder::new(framing, &mut Vec::new()))?;
        }
        Ok(Carriage {
            to_head: request.method == Method::Head,
            framing,
            sent: rules.onward.framing(framing, told.unwrap_or(0)),
            expects_continue: request.expects_continue,
            rules,
            posted: None,
            mapping: None,
            replacement: None,
        })
    }

    fn rules(&self, credentials: &Credentials) -> Result<BodyRules, Denial> {
        let payload = &self.authenticated.payload;
        let brings_data = matches!(self.request.method, Method::Put | Method::Post);
        let range = self.range.filter(|_| is_upload(self.request.method, self.operation));
        let (mut min, mut max) = range.map_or((0, self.limit), |range| (*range.start(), *range.end()));
        if let Some((_, size)) = &self.form {
            (min, max) = (min.max(*size.start()), max.min(*size.end()));
        }
        let mut rules = BodyRules {
            digests: Digests::default(),
            chunks: None,
            form: self.form.as_ref().map(|(form, _)| form.file.clone()),
            onward: Onward::of(payload, credentials),
            min,
            max: max.min(self.limit),
        };
        match payload {
            Payload::Unsigned => {}
            Payload::Sha256(_) => rules.digests.sha256 = ExpectedHash::parse(self.authenticated.payload_line),
            Payload::Streaming(plan) => rules.chunks = Some(plan.clone()),
            Payload::Unmatchable(text) => {
                // no body hashes to that: nothing of it needs to travel
                let error = S3Error::new(ErrorCode::XAmzContentSHA256Mismatch)
                    .extra("ClientComputedContentSHA256", String::from_utf8_lossy(text).into_owned());
                return Err(Denial { reason: Reason::PayloadMismatch, error });
            }
        }
        if brings_data {
            rules.digests.read(&self.request.headers, self.operation).map_err(BodyFault::from)?;
        }
        Ok(rules)
    }
}
