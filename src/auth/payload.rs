//! How the body of a verified request is bound to its signature.
//! It must not read a body: the shell does, and checks it by what stands here.

use super::error::AuthError;
use super::hex;
use super::scheme::{Form, Scheme, Version, lossy};
use super::sigv4::UNSIGNED_PAYLOAD;
use super::sigv4::chunked::plan::{Chain, ChunkPlan, StreamingMode};
use crate::request::method::Method;
use crate::request::{BodyLength, RawRequest};

/// Keywords of SigV4A, which S3 takes for valid and the gate cannot check.
const ASYMMETRIC: [&str; 2] =
    ["STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER"];

fn is_asymmetric(text: &[u8]) -> bool {
    ASYMMETRIC.iter().any(|keyword| keyword.as_bytes() == text)
}

/// Whether a text is one that `x-amz-content-sha256` may hold beside a header signature.
pub(super) fn is_valid(text: &[u8]) -> bool {
    text == UNSIGNED_PAYLOAD.as_bytes()
        || hex::decode(text).is_some()
        || StreamingMode::from_keyword(text).is_some()
        || is_asymmetric(text)
}

/// What the signature says about the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload<'r> {
    /// Nothing: any body is right.
    Unsigned,
    /// The body has this SHA-256.
    Sha256([u8; 32]),
    /// The signature covers this text, which is no SHA-256: no body is right. S3 finds out after the body, so that
    /// it can tell the body's hash; a gate may refuse at once.
    Unmatchable(&'r [u8]),
    /// The body comes in chunks that carry signatures or a trailer of their own; a
    /// [`ChunkDecoder`](super::sigv4::chunked::ChunkDecoder) judges it.
    Streaming(Box<ChunkPlan>),
}

impl<'r> Payload<'r> {
    /// Reads the payload line of a request whose signature is proven, or left to the store; `chain` says who looks at the
    /// signatures of its chunks, if anybody can.
    ///
    /// On a presigned URL the line is a literal hash, whatever it says, and streaming keywords mean nothing: the body
    /// mode never chooses the verifier.
    pub(super) fn of(
        request: &RawRequest<'_>,
        scheme: Scheme,
        line: &'r [u8],
        chain: impl FnOnce() -> Option<Chain>,
    ) -> Result<Self, AuthError> {
        let mode = StreamingMode::from_keyword(line);
        if scheme.form() == Form::Header
            && scheme.version() != Version::V2
            && (mode.is_some() || is_asymmetric(line))
        {
            return match mode {
                _ if request.method != Method::Put => Err(AuthError::PayloadModeMethod(lossy(line))),
                Some(mode) => Ok(Self::Streaming(Box::new(ChunkPlan::of(request, mode, chain)?))),
                None => Err(AuthError::PayloadMode(lossy(line))),
            };
        }
        // S3 never compares the body of these
        if matches!(request.method, Method::Get | Method::Head) || line == UNSIGNED_PAYLOAD.as_bytes() {
            return Ok(Self::Unsigned);
        }
        Ok(hex::decode(line).map_or(Self::Unmatchable(line), Self::Sha256))
    }
}

/// Checks the length that a presigned request tells for its decoded body: it is never decoded, so the two are equal.
pub(super) fn check_presigned_length(request: &RawRequest<'_>) -> Result<(), AuthError> {
    if matches!(request.method, Method::Get | Method::Head) {
        return Ok(());
    }
    let Some(expected) = request.headers.first("x-amz-decoded-content-length") else { return Ok(()) };
    let provided = match request.body {
        BodyLength::None => 0,
        BodyLength::Known(length) => length,
        BodyLength::Chunked => return Err(AuthError::MissingLength),
    };
    if provided.to_string().as_bytes() != expected {
        return Err(AuthError::BodyLength { expected: lossy(expected), provided });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::head;

    const DIGEST: &str = "E3B0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn check(method: &str, scheme: Scheme, line: &str, expected: &Result<Payload<'_>, AuthError>) {
        let text = format!("{method} /k HTTP/1.1\r\nHost: h\r\nx-amz-decoded-content-length: 5\r\n\r\n");
        let request = head::parse(text.as_bytes()).unwrap();
        let signer = || panic!("nothing here is signed in chunks");
        assert_eq!(Payload::of(&request, scheme, line.as_bytes(), signer), *expected, "{method} {line}");
    }

    #[test]
    fn what_a_payload_line_means() {
        use Scheme::{HeaderV4, QueryV4};
        let digest = hex::decode(DIGEST.as_bytes()).unwrap();
        let keyword = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
        for scheme in [HeaderV4, QueryV4] {
            check("PUT", scheme, UNSIGNED_PAYLOAD, &Ok(Payload::Unsigned));
            check("PUT", scheme, DIGEST, &Ok(Payload::Sha256(digest)));
            check("POST", scheme, DIGEST, &Ok(Payload::Sha256(digest)));
            check("DELETE", scheme, DIGEST, &Ok(Payload::Sha256(digest)));
            check("GET", scheme, DIGEST, &Ok(Payload::Unsigned));
            check("HEAD", scheme, DIGEST, &Ok(Payload::Unsigned));
        }
        let mode = StreamingMode::UnsignedTrailer;
        let plan = ChunkPlan { mode, decoded_length: 5, trailer: None, chain: None };
        check("PUT", HeaderV4, keyword, &Ok(Payload::Streaming(Box::new(plan))));
        check("PUT", QueryV4, keyword, &Ok(Payload::Unmatchable(keyword.as_bytes())));
        check("GET", QueryV4, keyword, &Ok(Payload::Unsigned));
        for method in ["GET", "DELETE", "POST", "put"] {
            check(method, HeaderV4, keyword, &Err(AuthError::PayloadModeMethod(keyword.into())));
        }
        let asymmetric = ASYMMETRIC[0];
        check("PUT", HeaderV4, asymmetric, &Err(AuthError::PayloadMode(asymmetric.into())));
        check("PUT", QueryV4, "invalid", &Ok(Payload::Unmatchable(b"invalid")));
    }

    #[test]
    fn keywords_keep_their_letter_case() {
        for text in [DIGEST, UNSIGNED_PAYLOAD, ASYMMETRIC[1], "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"] {
            assert!(is_valid(text.as_bytes()), "{text}");
        }
        for text in [
            "",
            "unsigned-payload",
            "STREAMING-",
            "STREAMING-FOO",
            DIGEST.get(1..).unwrap(),
            "UNSIGNED-PAYLOAD ",
        ] {
            assert!(!is_valid(text.as_bytes()), "{text}");
        }
    }
}
