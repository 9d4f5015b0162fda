//! The hashes that came with a request for its body: the signed SHA-256, `Content-MD5`, and one `x-amz-checksum-*`.
//! It must not take a checksum of an object for one of a body: not every operation that has the header sends the object.

use super::BodyFault;
use crate::auth::checksum::{Algorithm, Checksum, Value};
use crate::auth::error::AuthError;
use crate::auth::hex;
use crate::reason::Reason;
use crate::request::headers::Headers;
use crate::s3::error::{ErrorCode, S3Error};
use crate::s3::operation::Operation;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::Md5;
use sha2::{Digest as _, Sha256};

/// What a body must hash to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Digests {
    /// The SHA-256 that was signed; `None` if the signature does not cover the body.
    pub sha256: Option<ExpectedHash>,
    /// `Content-MD5`.
    pub md5: Option<[u8; 16]>,
    /// The one `x-amz-checksum-*` header.
    pub checksum: Option<Box<(Algorithm, Value)>>,
}

/// The SHA-256 that a body must have, as sent: 64 hexadecimal digits of either case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpectedHash([u8; 64]);

impl ExpectedHash {
    /// Reads 64 hexadecimal digits.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        hex::decode(text)?;
        Some(Self(text.try_into().ok()?))
    }

    fn is(&self, hash: [u8; 32]) -> bool {
        self.0.eq_ignore_ascii_case(&hex::encode(&hash))
    }
}

/// A hash that cannot be read, or is not that of the body.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DigestFault {
    /// `Content-MD5` is not base64 of 16 bytes.
    #[error("Content-MD5 `{0}` is not base64 of 16 bytes")]
    Md5Value(String),
    /// A checksum header is not base64 of the right width.
    #[error("{} is not base64 of the right width", .0.header())]
    ChecksumValue(Algorithm),
    /// More than one checksum came.
    #[error("more than one x-amz-checksum- header came")]
    Several,
    /// The body has another MD5.
    #[error("the MD5 of the body is not the one in Content-MD5")]
    Md5 {
        /// As it came.
        expected: [u8; 16],
        /// That of the body.
        computed: [u8; 16],
    },
    /// The body has another checksum.
    #[error("the {} of the body is not the one that came with it", .0.name())]
    Checksum(Algorithm),
}

impl From<DigestFault> for BodyFault {
    fn from(fault: DigestFault) -> Self {
        let request = |message: String| S3Error::with_message(ErrorCode::InvalidRequest, message);
        let (reason, error) = match fault {
            DigestFault::Md5Value(value) => {
                (Reason::BadParameter, S3Error::new(ErrorCode::InvalidDigest).extra("Content-MD5", value))
            }
            DigestFault::ChecksumValue(algorithm) => (
                Reason::BadParameter,
                request(format!("Value for {} header is invalid.", algorithm.header())),
            ),
            DigestFault::Several => (Reason::BadParameter, AuthError::SeveralChecksums.s3()),
            DigestFault::Md5 { expected, computed } => (
                Reason::BadDigest,
                S3Error::new(ErrorCode::BadDigest)
                    .extra("ExpectedDigest", STANDARD.encode(expected))
                    .extra("CalculatedDigest", STANDARD.encode(computed)),
            ),
            DigestFault::Checksum(algorithm) => {
                let message =
                    format!("The {} you specified did not match the calculated checksum.", algorithm.name());
                (Reason::BadDigest, S3Error::with_message(ErrorCode::BadDigest, message))
            }
        };
        Self { reason, error }
    }
}

impl Digests {
    /// Whether any body is right.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.sha256.is_none() && self.md5.is_none() && self.checksum.is_none()
    }

    /// Adds what the headers of a PUT or POST say about its body.
    ///
    /// Only headers: a checksum that an SDK moved into the query of a link is ignored by S3 (SDKs put that of an empty
    /// body there, because they have none when they sign), so it goes on as it is.
    ///
    /// # Errors
    /// A value cannot be read, or several checksums came.
    pub fn read(&mut self, headers: &Headers<'_>, operation: Operation) -> Result<(), DigestFault> {
        if let Some(text) = headers.first("content-md5") {
            let mut bytes = [0; 18];
            let value = STANDARD.decode_slice(text, &mut bytes).ok().and_then(|length| bytes.get(..length));
            let malformed = || DigestFault::Md5Value(String::from_utf8_lossy(text).into_owned());
            self.md5 = Some(value.and_then(|value| value.try_into().ok()).ok_or_else(malformed)?);
        }
        if !covers_body(operation) {
            return Ok(());
        }
        let mut sums = headers
            .iter()
            .filter_map(|header| Some((Algorithm::from_header(header.name.as_bytes())?, header.value)));
        let Some((algorithm, text)) = sums.next() else { return Ok(()) };
        if sums.next().is_some() {
            return Err(DigestFault::Several);
        }
        let value = algorithm.decode(text).ok_or(DigestFault::ChecksumValue(algorithm))?;
        // what is pinned by the signature already need not be hashed twice
        let is_pinned = algorithm == Algorithm::Sha256
            && value[..].try_into().is_ok_and(|hash| self.sha256.is_some_and(|expected| expected.is(hash)));
        self.checksum = (!is_pinned).then(|| Box::new((algorithm, value)));
        Ok(())
    }
}

/// Whether `x-amz-checksum-*` headers of an operation are about its body (S3 API reference: the operations of a PUT or
/// POST that have no `ChecksumAlgorithm` of their own; that of a completed upload is about the whole object).
const fn covers_body(operation: Operation) -> bool {
    !matches!(
        operation,
        Operation::CompleteMultipartUpload
            | Operation::CopyObject
            | Operation::CreateMultipartUpload
            | Operation::CreateSession
            | Operation::RenameObject
            | Operation::SelectObjectContent
            | Operation::UploadPartCopy
            | Operation::WriteGetObjectResponse
    )
}

/// The hashes of a body in the making.
#[derive(Debug)]
pub(super) struct Hashing<'r> {
    expected: &'r Digests,
    sha256: Option<Sha256>,
    md5: Option<Md5>,
    checksum: Option<Checksum>,
}

impl<'r> Hashing<'r> {
    pub(super) fn new(expected: &'r Digests) -> Self {
        Self {
            expected,
            sha256: expected.sha256.map(|_| Sha256::new()),
            md5: expected.md5.map(|_| Md5::new()),
            checksum: expected.checksum.as_ref().map(|expected| Checksum::new(expected.0)),
        }
    }

    pub(super) fn update(&mut self, data: &[u8]) {
        if let Some(hash) = &mut self.sha256 {
            hash.update(data);
        }
        if let Some(hash) = &mut self.md5 {
            hash.update(data);
        }
        if let Some(checksum) = &mut self.checksum {
            checksum.update(data);
        }
    }

    /// Compares in the order of S3: the signed hash first.
    pub(super) fn finish(&mut self) -> Result<(), BodyFault> {
        if let (Some(hash), Some(expected)) = (self.sha256.take(), &self.expected.sha256) {
            let computed: [u8; 32] = hash.finalize().into();
            if !expected.is(computed) {
                let claimed = String::from_utf8_lossy(&expected.0).into_owned();
                let mismatch = AuthError::PayloadMismatch { claimed, computed };
                return Err(BodyFault { reason: mismatch.reason(), error: mismatch.s3() });
            }
        }
        if let (Some(hash), Some(expected)) = (self.md5.take(), self.expected.md5) {
            let computed: [u8; 16] = hash.finalize().into();
            if expected != computed {
                return Err(DigestFault::Md5 { expected, computed }.into());
            }
        }
        if let (Some(checksum), Some(expected)) = (self.checksum.take(), &self.expected.checksum)
            && checksum.finish() != expected.1
        {
            return Err(DigestFault::Checksum(expected.0).into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::head;

    fn read(operation: Operation, lines: &[&str]) -> Result<Digests, DigestFault> {
        let lines = [&["PUT /b/k HTTP/1.1", "Host: h"], lines, &["", ""]].concat();
        let text = lines.join("\r\n");
        let request = head::parse(text.as_bytes()).unwrap();
        let mut digests = Digests::default();
        digests.read(&request.headers, operation).map(|()| digests)
    }

    /// Of `hello`.
    const MD5: &str = "Content-MD5: XUFAKrxLKna5cZ2REBfFkg==";
    const CRC32: &str = "x-amz-checksum-crc32: NhCmhg==";
    const SHA256: &str = "x-amz-checksum-sha256: LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=";

    fn check(lines: &[&str], body: &str, expected: Result<(), (u16, &str)>) {
        let digests = read(Operation::PutObject, lines).unwrap();
        let mut hashing = Hashing::new(&digests);
        for byte in body.bytes() {
            hashing.update(&[byte]);
        }
        let outcome = hashing.finish();
        assert_eq!(
            outcome.as_ref().map_err(|fault| (fault.error.status(), fault.error.code.as_str())).copied(),
            expected,
            "{lines:?}"
        );
    }

    #[test]
    fn a_body_has_the_hashes_that_came_with_it() {
        for lines in [&[][..], &[MD5], &[CRC32], &[SHA256], &[MD5, CRC32]] {
            check(lines, "hello", Ok(()));
        }
        for lines in [&[MD5][..], &[CRC32], &[SHA256], &[MD5, CRC32]] {
            for body in ["", "hell", "hellO", "hello!"] {
                check(lines, body, Err((400, "BadDigest")));
            }
        }
    }

    #[test]
    fn what_is_told_about_a_mismatch() {
        let digests = read(Operation::PutObject, &[MD5]).unwrap();
        let fault = Hashing::new(&digests).finish().unwrap_err();
        assert_eq!(fault.reason, Reason::BadDigest);
        let expected = [
            ("ExpectedDigest", "XUFAKrxLKna5cZ2REBfFkg=="),
            ("CalculatedDigest", "1B2M2Y8AsgTpgAmY7PhCfg=="),
        ];
        assert_eq!(fault.error.extras, expected.map(|(name, value)| (name, value.to_owned())));
        let digests = read(Operation::PutObject, &[CRC32]).unwrap();
        let fault = Hashing::new(&digests).finish().unwrap_err();
        assert_eq!(fault.error.message, "The CRC32 you specified did not match the calculated checksum.");
    }

    #[test]
    fn values_that_cannot_be_read() {
        for value in
            ["", "x", "XUFAKrxLKna5cZ2REBfFkg=", "XUFAKrxLKna5cZ2REBfF", "XUFAKrxLKna5cZ2REBfFkgAAAAAAAAAA"]
        {
            let fault = read(Operation::PutObject, &[&format!("Content-MD5: {value}")]);
            assert_eq!(fault, Err(DigestFault::Md5Value(value.into())));
        }
        let fault = read(Operation::PutObject, &["x-amz-checksum-sha1: NhCmhg=="]);
        assert_eq!(fault, Err(DigestFault::ChecksumValue(Algorithm::Sha1)));
        assert_eq!(read(Operation::PutObject, &[CRC32, SHA256]), Err(DigestFault::Several));
        assert_eq!(read(Operation::PutObject, &[CRC32, CRC32]), Err(DigestFault::Several));
    }

    #[test]
    fn checksums_of_an_object_are_not_of_the_body() {
        for operation in [Operation::CompleteMultipartUpload, Operation::CreateMultipartUpload] {
            let lines = [CRC32, SHA256, "x-amz-checksum-type: COMPOSITE", "x-amz-checksum-algorithm: CRC32"];
            assert_eq!(read(operation, &lines), Ok(Digests::default()));
            assert!(read(operation, &[MD5]).unwrap().md5.is_some());
        }
        for operation in [Operation::UploadPart, Operation::DeleteObjects, Operation::PutObjectTagging] {
            assert!(read(operation, &[CRC32]).unwrap().checksum.is_some());
        }
    }

    #[test]
    fn the_signed_hash_comes_first_and_is_not_computed_twice() {
        let sha256 = ExpectedHash::parse(&hex::encode(&Sha256::digest("hello").into()).to_ascii_uppercase());
        assert!(sha256.is_some());
        let text = format!("PUT /b/k HTTP/1.1\r\nHost: h\r\n{MD5}\r\n{SHA256}\r\n\r\n");
        let request = head::parse(text.as_bytes()).unwrap();
        let mut digests = Digests { sha256, ..Digests::default() };
        digests.read(&request.headers, Operation::PutObject).unwrap();
        assert_eq!(digests.checksum, None);
        let fault = Hashing::new(&digests).finish().unwrap_err();
        assert_eq!(fault.error.code, ErrorCode::XAmzContentSHA256Mismatch);
    }
}
