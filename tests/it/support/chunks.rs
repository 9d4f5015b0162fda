//! Uploads in chunks as SDKs frame and sign them (S3 API reference, "Transferring payload in multiple chunks" and
//! "... with trailing headers").
//! It must not check them: what a test breaks on purpose leaves broken.

use super::request::Request;
use super::sigv4::{Key, hex, hmac, sha256_hex, signing_key};
use super::time::amz_date;
use std::fmt::Write as _;

pub const SIGNED: &str = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
pub const SIGNED_TRAILER: &str = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER";
pub const UNSIGNED_TRAILER: &str = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";

/// Frames chunk after chunk, and signs them if the mode does.
#[derive(Clone, Debug)]
pub struct Chain {
    mode: &'static str,
    key: Vec<u8>,
    date: String,
    scope: String,
    previous: String,
}

impl Chain {
    /// After a request with this signature.
    pub fn new(mode: &'static str, key: Key, date: &str, scope: &str, seed: &str) -> Self {
        let key = signing_key(key, scope);
        Self { mode, key, date: date.to_owned(), scope: scope.to_owned(), previous: seed.to_owned() }
    }

    fn sign(&mut self, kind: &str, last: &str) -> &str {
        let text =
            format!("AWS4-HMAC-SHA256-{kind}\n{}\n{}\n{}\n{last}", self.date, self.scope, self.previous);
        self.previous = hex(&hmac(&self.key, &text));
        &self.previous
    }

    /// A chunk; nothing is the last one.
    pub fn chunk(&mut self, data: &[u8]) -> Vec<u8> {
        let mut line = format!("{:x}", data.len());
        if self.mode != UNSIGNED_TRAILER {
            let hashes = format!("{}\n{}", sha256_hex(b""), sha256_hex(data));
            write!(line, ";chunk-signature={}", self.sign("PAYLOAD", &hashes)).unwrap();
        }
        let end = if data.is_empty() { "" } else { "\r\n" };
        [line.as_bytes(), b"\r\n", data, end.as_bytes()].concat()
    }

    /// What follows the last chunk.
    pub fn end(&mut self, trailer: Option<(&str, &str)>) -> String {
        let line = trailer.map_or_else(String::new, |(name, value)| format!("{name}:{value}"));
        let mut text = if line.is_empty() { String::new() } else { format!("{line}\r\n") };
        if self.mode == SIGNED_TRAILER {
            let hash = sha256_hex(format!("{line}\n").as_bytes());
            write!(text, "x-amz-trailer-signature:{}\r\n", self.sign("TRAILER", &hash)).unwrap();
        }
        text + "\r\n"
    }
}

/// An upload in chunks.
#[derive(Clone, Debug)]
pub struct Upload {
    pub request: Request,
    pub mode: &'static str,
    pub pieces: Vec<Vec<u8>>,
    /// The one that is declared and sent.
    pub trailer: Option<(&'static str, String)>,
    /// `x-amz-decoded-content-length`.
    pub declared: Option<String>,
}

impl Upload {
    /// Chunks of `size` bytes, all of it declared as it is.
    pub fn new(mode: &'static str, body: &[u8], size: usize) -> Self {
        Self {
            request: Request::new("PUT", "/bkt/key.txt").unsigned("Content-Encoding", "aws-chunked"),
            mode,
            pieces: body.chunks(size).map(<[u8]>::to_vec).collect(),
            trailer: None,
            declared: Some(body.len().to_string()),
        }
    }

    pub fn trailer(mut self, name: &'static str, value: &str) -> Self {
        self.trailer = Some((name, value.to_owned()));
        self
    }

    /// The checksum that SDKs send by default.
    pub fn crc32(self) -> Self {
        let value = crc32(&self.pieces.concat());
        self.trailer("x-amz-checksum-crc32", &value)
    }

    pub fn map(mut self, change: impl FnOnce(Request) -> Request) -> Self {
        self.request = change(self.request);
        self
    }

    /// The request, and its chunks one by one; the last one with what follows it.
    pub fn parts(&self) -> (Request, Vec<Vec<u8>>) {
        let mut request = self.request.clone().signed("x-amz-content-sha256", self.mode);
        if let Some(length) = &self.declared {
            request = request.signed("x-amz-decoded-content-length", length);
        }
        if let Some((name, _)) = &self.trailer {
            request = request.signed("x-amz-trailer", name);
        }
        let mut chain = request.chain(self.mode);
        let mut parts: Vec<_> = self.pieces.iter().map(|piece| chain.chunk(piece)).collect();
        let mut last = chain.chunk(b"");
        last.extend(chain.end(self.trailer.as_ref().map(|(name, value)| (*name, value.as_str()))).bytes());
        parts.push(last);
        (request, parts)
    }

    /// The bytes of the request, its length told.
    pub fn bytes(&self) -> Vec<u8> {
        self.edited(|_| {})
    }

    /// The same with a body that was changed after it was signed.
    pub fn edited(&self, edit: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let (request, parts) = self.parts();
        let mut body = parts.concat();
        edit(&mut body);
        request.with_body(&body).authorized()
    }

    /// The same in the chunks of HTTP, which have other borders.
    pub fn chunked(&self, size: usize) -> Vec<u8> {
        let (request, parts) = self.parts();
        let body = parts.concat();
        request.chunked(&body.chunks(size).collect::<Vec<_>>()).authorized()
    }

    /// The body as it is sent.
    pub fn body(&self) -> Vec<u8> {
        self.parts().1.concat()
    }
}

impl Request {
    /// The chain of chunks behind this request.
    pub fn chain(&self, mode: &'static str) -> Chain {
        let date = amz_date(self.time);
        Chain::new(mode, self.key, &date, &self.scope(&date), &self.authorized_with_seed().1)
    }
}

/// CRC-32 of ISO-HDLC in base64, by the definition.
pub fn crc32(bytes: &[u8]) -> String {
    let table: Vec<u32> = (0..256_u32)
        .map(|byte| (0..8).fold(byte, |crc, _| (crc >> 1) ^ (0xEDB8_8320 & 0_u32.wrapping_sub(crc & 1))))
        .collect();
    let index = |crc: u32, byte: u8| usize::from(crc.to_le_bytes()[0] ^ byte);
    let crc = bytes.iter().fold(u32::MAX, |crc, &byte| (crc >> 8) ^ table[index(crc, byte)]);
    base64(&(!crc).to_be_bytes())
}

pub fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let value = group.iter().fold(0_usize, |value, &byte| value << 8 | usize::from(byte))
            << (8 * (3 - group.len()));
        for place in 0..4 {
            let digit = char::from(DIGITS[value >> (18 - 6 * place) & 63]);
            text.push(if place > group.len() { '=' } else { digit });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: Key =
        Key { id: "AKIAIOSFODNN7EXAMPLE", secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", token: None };

    /// The worked examples of both pages: 66 560 times `a`, in chunks of 64 KiB.
    #[test]
    fn the_published_chunks_come_out() {
        let scope = "20130524/us-east-1/s3/aws4_request";
        let (first, second) = (vec![b'a'; 65_536], vec![b'a'; 1_024]);
        let text = |mode, seed: &str, trailer| {
            let mut chain = Chain::new(mode, EXAMPLE, "20130524T000000Z", scope, seed);
            let mut body = [chain.chunk(&first), chain.chunk(&second), chain.chunk(b"")].concat();
            body.extend(chain.end(trailer).bytes());
            String::from_utf8(body).unwrap()
        };
        let seed = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";
        let body = text(SIGNED, seed, None);
        for line in [
            "10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n",
            "400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n",
            "0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n",
        ] {
            assert!(body.contains(line), "{line}");
        }
        let seed = "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e";
        let body = text(SIGNED_TRAILER, seed, Some(("x-amz-checksum-crc32c", "sOO8/Q==")));
        let end = "0;chunk-signature=2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992\r\n\
                   x-amz-checksum-crc32c:sOO8/Q==\r\n\
                   x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n";
        assert!(body.ends_with(end), "{}", &body[body.len() - 300..]);
    }

    #[test]
    fn check_values() {
        assert_eq!(crc32(b"123456789"), "y/Q5Jg==");
        for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")]
        {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }
}
