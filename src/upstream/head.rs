//! Writes the head of the request that S3 gets, from the parsed request and nothing else.
//! It must not write a path or query that means anything but the canonical form that was verified.

use super::body::onward::Onward;
use super::forwarding::{AWS_CHUNKED, Signature, mentions_aws_chunked, other_codings, passes};
use super::mapping::Prefix;
use super::plan::Carriage;
use super::{Addressing, Credentials, Key, Upstream};
use crate::auth::Authenticated;
use crate::auth::payload::Payload;
use crate::auth::scheme::Form;
use crate::auth::sigv4::canonical::write_query;
use crate::auth::sigv4::chunked::plan::StreamingMode;
use crate::auth::sigv4::key::KeyCache;
use crate::auth::sigv4::presigned::reserved;
use crate::auth::sigv4::sign::{SignedHeader, Signer, Upstream as ToSign, sign_headers};
use crate::auth::sigv4::{CONTENT_SHA256, UNSIGNED_PAYLOAD};
use crate::clock::UnixMillis;
use crate::links::constraint;
use crate::request::RawRequest;
use crate::request::framing::Framing;
use crate::request::headers::{Header, write_line};
use crate::request::percent::{Part, encode_into};
use crate::request::query::{Param, Query};
use crate::s3::address::{Address, Style};
use crate::s3::operation::table::SIGV2_PARAMS;
use crate::secret::Secret;
use smallvec::SmallVec;

/// Headers that the gate has to sign: name in lower case, and value.
type ToBeSigned<'h> = SmallVec<[(SmallVec<[u8; 40]>, &'h [u8]); 16]>;

/// A permitted request and where it goes.
#[derive(Debug)]
pub struct Outgoing<'a, 'r, 'h> {
    /// The request.
    pub request: &'a RawRequest<'h>,
    /// Its signature.
    pub authenticated: &'a Authenticated<'r>,
    /// Its bucket and key.
    pub address: &'a Address<'r>,
    /// The store.
    pub upstream: &'a Upstream,
    /// The name of the bucket there, if it is another one.
    pub bucket: Option<&'a str>,
    /// What keys begin with there.
    pub prefix: Option<&'a Prefix>,
    /// The query there, if it is another one.
    pub query: Option<Query<'a>>,
    /// The value of x-amz-copy-source there, if it is another one.
    pub copy_source: Option<&'a str>,
    /// The key of this moment, for a store whose key is exchanged while the gate runs. Without it the request is not
    /// signed, and must not be sent.
    pub provided: Option<&'a Key>,
    /// The trace that it belongs to, if somebody follows it: a header that no signature covers.
    pub traceparent: Option<&'a str>,
    /// How it is carried.
    pub carriage: &'a Carriage,
}

/// Headers that tell what the client's own body must be.
fn is_about_a_body(header: &Header<'_>) -> bool {
    header.is("content-md5")
        || header.is("content-encoding")
        || header.has_prefix("x-amz-checksum-")
        || header.is("x-amz-sdk-checksum-algorithm")
        || header.is("x-amz-trailer")
        || header.is("x-amz-decoded-content-length")
}

impl Outgoing<'_, '_, '_> {
    const fn signature(&self) -> Signature {
        match self.upstream.credentials {
            Credentials::Passthrough { .. } => Signature::Kept,
            Credentials::Static { .. } | Credentials::Provided | Credentials::Anonymous => {
                Signature::Replaced
            }
        }
    }

    /// Appends the whole head, its empty line included.
    pub fn write(&self, cache: &KeyCache, now: UnixMillis, out: &mut Vec<u8>) {
        let path = self.path();
        let host = self.host();
        out.extend_from_slice(self.request.method.as_str().as_bytes());
        out.push(b' ');
        out.extend_from_slice(&path);
        self.write_sent_query(out);
        out.extend_from_slice(b" HTTP/1.1\r\n");
        write_line(out, b"Host", &host);
        let mut signed = ToBeSigned::new();
        self.write_headers(&mut signed, out);
        let is_theirs = self.signature() == Signature::Kept && self.authenticated.signs_header("traceparent");
        if let Some(traceparent) = self.traceparent.filter(|_| !is_theirs) {
            write_line(out, b"traceparent", traceparent.as_bytes());
        }
        match self.carriage.sent {
            Framing::None | Framing::UntilClose => {}
            Framing::Known(length) => {
                write_line(out, b"Content-Length", itoa::Buffer::new().format(length).as_bytes());
            }
            Framing::Chunked => out.extend_from_slice(b"Transfer-Encoding: chunked\r\n"),
        }
        // a body that was read already goes with its head
        if self.carriage.expects_continue && !self.carriage.is_judged_first() {
            out.extend_from_slice(b"Expect: 100-continue\r\n");
        }
        match &self.upstream.credentials {
            Credentials::Anonymous => {}
            Credentials::Passthrough { .. } => self.write_kept_authorization(out),
            Credentials::Static { access_key_id, secret, session_token } => {
                let author = self.signer(access_key_id, secret, session_token.as_ref());
                self.sign(&path, &host, &mut signed, &author, (cache, now), out);
            }
            Credentials::Provided => {
                if let Some(Key { access_key_id, secret, session_token }) = self.provided {
                    let author = self.signer(access_key_id, secret, session_token.as_ref());
                    self.sign(&path, &host, &mut signed, &author, (cache, now), out);
                }
            }
        }
        out.extend_from_slice(b"\r\n");
    }

    fn signer<'s>(
        &'s self,
        access_key_id: &'s str,
        secret: &'s Secret,
        session_token: Option<&'s Secret>,
    ) -> Signer<'s> {
        Signer { access_key_id, secret, session_token, region: &self.upstream.region }
    }

    /// The canonical path.
    fn path(&self) -> SmallVec<[u8; 256]> {
        let mut path = SmallVec::new();
        let same_style = match self.upstream.addressing {
            Addressing::Path => self.address.style() == Style::Path && self.bucket.is_none(),
            Addressing::Virtual => {
                self.address.style() == Style::VirtualHosted || self.address.bucket().is_none()
            }
        };
        if self.signature() == Signature::Kept {
            self.request.target.path.write_sent(&mut path);
            return path;
        }
        let moved = self.prefix.is_some() && self.address.key().is_some();
        if same_style && !moved {
            self.request.target.path.write_canonical(&mut path);
            return path;
        }
        path.push(b'/');
        if self.upstream.addressing == Addressing::Path && self.address.bucket().is_some() {
            encode_into(self.bucket_there(), Part::Path, &mut path);
        }
        if let Some(key) = self.address.key() {
            if self.upstream.addressing == Addressing::Path {
                path.push(b'/');
            }
            if let Some(prefix) = self.prefix {
                encode_into(prefix.as_str().as_bytes(), Part::Path, &mut path);
            }
            encode_into(key.bytes(), Part::Path, &mut path);
        }
        path
    }

    fn bucket_there(&self) -> &[u8] {
        match (self.bucket, self.address.bucket()) {
            (Some(name), _) => name.as_bytes(),
            (None, Some(name)) => name.as_bytes(),
            (None, None) => b"",
        }
    }

    fn host(&self) -> SmallVec<[u8; 128]> {
        if self.signature() == Signature::Kept {
            // the client signed it
            return SmallVec::from_slice(self.request.host.raw().as_bytes());
        }
        let mut host = SmallVec::new();
        if self.upstream.addressing == Addressing::Virtual && self.address.bucket().is_some() {
            host.extend_from_slice(self.bucket_there());
            host.push(b'.');
        }
        host.extend_from_slice(self.upstream.authority.as_bytes());
        host
    }

    /// The query that S3 gets, but for what [`keeps`](Self::keeps) leaves out.
    const fn query(&self) -> &Query<'_> {
        match &self.query {
            Some(query) => query,
            None => &self.request.target.query,
        }
    }

    /// The parameters that S3 gets: without the client's signature and the gate's constraints when the gate signs.
    fn keeps(&self, param: &Param<'_>) -> bool {
        self.signature() == Signature::Kept
            || (reserved(param.name()).is_none()
                && !SIGV2_PARAMS.iter().any(|name| name.as_bytes() == param.name())
                && !param.name().starts_with(constraint::PREFIX.as_bytes()))
    }

    /// Appends the query as it is sent: in wire order, `=` where the client had one; each part in canonical form, or as
    /// it came where the client's own signature goes on.
    fn write_sent_query(&self, out: &mut Vec<u8>) {
        for (position, param) in self.query().iter().filter(|param| self.keeps(param)).enumerate() {
            out.push(if position == 0 { b'?' } else { b'&' });
            if self.signature() == Signature::Kept {
                out.extend_from_slice(param.name.raw());
            } else {
                param.name.write_canonical(out);
            }
            if param.has_equals {
                out.push(b'=');
                if self.signature() == Signature::Kept {
                    out.extend_from_slice(param.value.raw());
                } else {
                    param.value.write_canonical(out);
                }
            }
        }
    }

    /// Appends the client's headers that are passed on; collects those that the gate has to sign, names in lower case.
    fn write_headers<'h>(&'h self, signed: &mut ToBeSigned<'h>, out: &mut Vec<u8>) {
        let signature = self.signature();
        let recoded = signature == Signature::Replaced && self.write_content_encoding(out);
        if let Some(replacement) = &self.carriage.replacement {
            write_line(out, b"Content-MD5", replacement.md5.as_bytes());
            signed.push((SmallVec::from_slice(b"content-md5"), replacement.md5.as_bytes()));
        }
        for header in &self.request.headers {
            if self.carriage.replacement.is_some() && is_about_a_body(header) {
                continue;
            }
            if !passes(header, signature, || self.authenticated.signs_header(header.name))
                || (recoded && header.is("content-encoding"))
            {
                continue;
            }
            let Some(value) = self.value_of(header) else { continue };
            write_line(out, header.name.as_bytes(), value);
            if signature == Signature::Replaced && (header.has_prefix("x-amz-") || header.is("content-md5")) {
                let mut name = SmallVec::<[u8; 40]>::from_slice(header.name.as_bytes());
                name.make_ascii_lowercase();
                signed.push((name, value));
            }
        }
    }

    /// The value of a header that is passed on; `None` if it speaks of a framing that ends here.
    fn value_of<'h>(&'h self, header: &Header<'h>) -> Option<&'h [u8]> {
        if let Some(source) = self.copy_source
            && header.is("x-amz-copy-source")
        {
            return Some(source.as_bytes());
        }
        let speaks_of_chunks = header.is("x-amz-decoded-content-length") || header.is("x-amz-trailer");
        match self.carriage.rules.onward {
            Onward::Reframed(algorithm) if header.is("x-amz-trailer") => Some(algorithm.header().as_bytes()),
            Onward::Decoded if speaks_of_chunks || self.lacks_checksum(header) => None,
            // what is not in chunks must not look so to a store
            Onward::Same
                if self.signature() == Signature::Replaced && header.is("x-amz-decoded-content-length") =>
            {
                None
            }
            _ => Some(header.value),
        }
    }

    /// Whether a header names the algorithm of a checksum that was in a trailer which ends here.
    fn lacks_checksum(&self, header: &Header<'_>) -> bool {
        header.is("x-amz-sdk-checksum-algorithm")
            && matches!(&self.authenticated.payload, Payload::Streaming(plan) if plan.trailer.is_some())
    }

    /// Writes one Content-Encoding that says `aws-chunked` exactly if the body that the store gets is; gives whether it
    /// had to.
    fn write_content_encoding(&self, out: &mut Vec<u8>) -> bool {
        let reframed = matches!(self.carriage.rules.onward, Onward::Reframed(_));
        let lines = || self.request.headers.all("content-encoding");
        if !reframed && !lines().any(mentions_aws_chunked) {
            return false;
        }
        let mut value = SmallVec::<[u8; 64]>::new();
        let mut add = |coding: &[u8]| {
            if !value.is_empty() {
                value.push(b',');
            }
            value.extend_from_slice(coding);
        };
        if reframed {
            add(AWS_CHUNKED);
        }
        lines().flat_map(other_codings).for_each(&mut add);
        if !value.is_empty() {
            write_line(out, b"Content-Encoding", &value);
        }
        true
    }

    /// A header signature that goes on needs its own header again.
    fn write_kept_authorization(&self, out: &mut Vec<u8>) {
        if self.authenticated.scheme.form() == Form::Header
            && let Some(value) = self.request.headers.first("authorization")
        {
            write_line(out, b"Authorization", value);
        }
    }

    fn sign(
        &self,
        path: &[u8],
        host: &[u8],
        signed: &mut ToBeSigned<'_>,
        author: &Signer<'_>,
        (cache, now): (&KeyCache, UnixMillis),
        out: &mut Vec<u8>,
    ) {
        signed.sort_by(|(left, _), (right, _)| left.cmp(right));
        let mut headers: SmallVec<[SignedHeader<'_>; 20]> = signed
            .iter()
            .filter_map(|(name, value)| Some((std::str::from_utf8(name).ok()?, *value)))
            .collect();
        let at = headers.partition_point(|(name, _)| *name < "host");
        headers.insert(at, ("host", host));
        let mut params = self.query().sorted();
        params.retain(|param| self.keeps(param));
        let digest;
        let replaced = self.carriage.replacement.as_ref();
        let payload = match &self.authenticated.payload {
            _ if replaced.is_some() => replaced.map_or(&b""[..], |replacement| replacement.sha256.as_bytes()),
            // the body is checked on its way: S3 may rely on the same hash
            Payload::Sha256(hash) => {
                digest = crate::auth::hex::encode(hash);
                &digest[..]
            }
            Payload::Streaming(_) if matches!(self.carriage.rules.onward, Onward::Reframed(_)) => {
                StreamingMode::UnsignedTrailer.keyword().as_bytes()
            }
            Payload::Unsigned | Payload::Unmatchable(_) | Payload::Streaming(_) => {
                UNSIGNED_PAYLOAD.as_bytes()
            }
        };
        debug_assert!(
            headers.iter().all(|(name, _)| *name != CONTENT_SHA256),
            "the client's hash header ends here"
        );
        let request = ToSign {
            method: self.request.method.as_str(),
            path,
            query: |hash: &mut sha2::Sha256| write_query(&params, hash),
            headers: &headers,
            payload,
        };
        sign_headers(out, &request, author, cache, now);
    }
}
