//! What a SigV2 signature is made over, and the MAC.
//! It must not look at anything that the request does not carry.

use crate::field::trim;
use crate::request::RawRequest;
use crate::request::percent::Sink;
use crate::s3::effective::is_amz;
use crate::secret::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;
use smallvec::SmallVec;

/// Parameters that belong to the resource, in order: those that S3 was seen to sign, which are more than its
/// documentation lists.
pub(super) const SUB_RESOURCES: [&str; 49] = [
    "abac",
    "accelerate",
    "acl",
    "analytics",
    "annotation",
    "annotationName",
    "attributes",
    "cors",
    "delete",
    "encryption",
    "intelligent-tiering",
    "inventory",
    "legal-hold",
    "lifecycle",
    "location",
    "logging",
    "metadataAnnotationTable",
    "metadataConfiguration",
    "metadataInventoryTable",
    "metadataJournalTable",
    "metadataTable",
    "metrics",
    "notification",
    "object-lock",
    "ownershipControls",
    "partNumber",
    "policy",
    "policyStatus",
    "publicAccessBlock",
    "replication",
    "requestPayment",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "restore",
    "retention",
    "select",
    "select-type",
    "tagging",
    "torrent",
    "uploadId",
    "uploads",
    "versionId",
    "versioning",
    "versions",
    "website",
];

/// Those of them whose value is signed too.
const VALUED: [&str; 10] = [
    "partNumber",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "select-type",
    "uploadId",
    "versionId",
];

/// HMAC-SHA1 in base64.
pub(in crate::auth) fn hmac(secret: &Secret, text: &[u8]) -> String {
    // RFC 2104: a key longer than a block is hashed, a shorter one is padded with zeros
    let mut block = zeroize::Zeroizing::new([0_u8; 64]);
    let key = secret.expose();
    if let Some(start) = block.get_mut(..key.len()) {
        start.copy_from_slice(key);
    } else if let Some(start) = block.get_mut(..20) {
        start.copy_from_slice(&<Sha1 as sha1::Digest>::digest(key));
    }
    let mut mac = Hmac::<Sha1>::new((&*block).into());
    mac.update(text);
    STANDARD.encode(mac.finalize().into_bytes())
}

/// The parts of a string to sign.
#[derive(Clone, Copy, Debug)]
pub(super) struct StringToSign<'r, 'h> {
    pub(super) request: &'r RawRequest<'h>,
    /// `Expires` as sent, `Date` as sent, or nothing.
    pub(super) date_line: &'r [u8],
    /// The bucket, if the host names it.
    pub(super) hosted_bucket: Option<&'r str>,
}

impl StringToSign<'_, '_> {
    /// The signature that a secret makes.
    pub(super) fn signature(&self, secret: &Secret) -> String {
        hmac(secret, &self.text())
    }

    /// The text.
    pub(super) fn text(&self) -> Vec<u8> {
        let mut text = Vec::with_capacity(256);
        let header = |name| self.request.headers.first(name).unwrap_or_default();
        let lines = [
            self.request.method.as_str().as_bytes(),
            header("content-md5"),
            header("content-type"),
            self.date_line,
        ];
        for line in lines {
            text.put(line);
            text.put(b"\n");
        }
        self.write_amz_headers(&mut text);
        self.write_resource(&mut text);
        text
    }

    /// `x-amz-` headers in order, several lines of one as a list; a parameter that stands in for a header instead of it.
    fn write_amz_headers(&self, out: &mut Vec<u8>) {
        let mut values: SmallVec<[(String, Vec<u8>); 8]> = SmallVec::new();
        for header in self.request.headers.iter().filter(|header| header.has_prefix("x-amz-")) {
            let name = header.name.to_ascii_lowercase();
            match values.iter_mut().find(|(known, _)| *known == name) {
                Some((_, value)) => {
                    value.put(b",");
                    value.put(trim(header.value));
                }
                None => values.push((name, trim(header.value).to_vec())),
            }
        }
        for param in self.request.target.query.iter().filter(|param| is_amz(param.name())) {
            let name = String::from_utf8_lossy(param.name()).to_ascii_lowercase();
            let value = param.value.decoded().to_vec();
            match values.iter_mut().find(|(known, _)| *known == name) {
                Some(known) => known.1 = value,
                None => values.push((name, value)),
            }
        }
        values.sort();
        for (name, value) in &values {
            for piece in [name.as_bytes(), b":", value, b"\n"] {
                out.put(piece);
            }
        }
    }

    /// Bucket, path as sent, and sub-resources; the first of several with one name.
    fn write_resource(&self, out: &mut Vec<u8>) {
        if let Some(bucket) = self.hosted_bucket {
            out.put(b"/");
            out.put(bucket.as_bytes());
        }
        out.put(self.request.target.path.text().raw());
        let query = &self.request.target.query;
        let mut separator = b"?";
        for name in SUB_RESOURCES {
            let Some(value) = query.first(name.as_bytes()) else { continue };
            out.put(separator);
            out.put(name.as_bytes());
            if VALUED.contains(&name) {
                out.put(b"=");
                out.put(value);
            }
            separator = b"&";
        }
    }
}
