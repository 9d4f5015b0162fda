//! The checksums that S3 takes beside an upload: one table of names, widths and functions.
//! They must not be taken for a proof of who sent something: only a signature is one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crc_fast::CrcAlgorithm;
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha512};
use smallvec::SmallVec;
use xxhash_rust::xxh3::Xxh3;
use xxhash_rust::xxh64::Xxh64;

/// A checksum function of S3 (API reference, "Checking object integrity").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// CRC-32 of ISO-HDLC.
    Crc32,
    /// CRC-32C, Castagnoli.
    Crc32c,
    /// CRC-64 of NVM Express.
    Crc64Nvme,
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
    /// MD5.
    Md5,
    /// XXH64 with seed 0.
    Xxhash64,
    /// XXH3 of 64 bits with seed 0.
    Xxhash3,
    /// XXH3 of 128 bits with seed 0.
    Xxhash128,
}

impl Algorithm {
    /// Every function with its name, the header that carries it, and its width in bytes.
    const TABLE: [(Self, &'static str, &'static str, usize); 10] = [
        (Self::Crc32, "CRC32", "x-amz-checksum-crc32", 4),
        (Self::Crc32c, "CRC32C", "x-amz-checksum-crc32c", 4),
        (Self::Crc64Nvme, "CRC64NVME", "x-amz-checksum-crc64nvme", 8),
        (Self::Sha1, "SHA1", "x-amz-checksum-sha1", 20),
        (Self::Sha256, "SHA256", "x-amz-checksum-sha256", 32),
        (Self::Sha512, "SHA512", "x-amz-checksum-sha512", 64),
        (Self::Md5, "MD5", "x-amz-checksum-md5", 16),
        (Self::Xxhash64, "XXHASH64", "x-amz-checksum-xxhash64", 8),
        (Self::Xxhash3, "XXHASH3", "x-amz-checksum-xxhash3", 8),
        (Self::Xxhash128, "XXHASH128", "x-amz-checksum-xxhash128", 16),
    ];

    fn row(self) -> (&'static str, &'static str, usize) {
        let row = Self::TABLE.into_iter().find(|(algorithm, ..)| *algorithm == self);
        row.map_or(("", "", 0), |(_, name, header, width)| (name, header, width))
    }

    /// The name in S3's messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().0
    }

    /// The header or trailer that carries the value, in lower case.
    #[must_use]
    pub fn header(self) -> &'static str {
        self.row().1
    }

    /// Every function.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::TABLE.into_iter().map(|(algorithm, ..)| algorithm)
    }

    /// The length of a value in base64.
    #[must_use]
    pub fn text_length(self) -> usize {
        self.row().2.div_ceil(3) * 4
    }

    /// The function that a header carries, its name in any letter case.
    #[must_use]
    pub fn from_header(name: &[u8]) -> Option<Self> {
        Self::TABLE
            .into_iter()
            .find(|(_, _, header, _)| name.eq_ignore_ascii_case(header.as_bytes()))
            .map(|(algorithm, ..)| algorithm)
    }

    /// Reads a value: base64 of exactly the width of the function.
    #[must_use]
    pub fn decode(self, text: &[u8]) -> Option<Value> {
        let mut bytes = [0; 66];
        let length = STANDARD.decode_slice(text, &mut bytes).ok()?;
        bytes.get(..length).filter(|value| value.len() == self.row().2).map(SmallVec::from_slice)
    }
}

/// A checksum in the byte order in which it is sent: most significant first.
pub type Value = SmallVec<[u8; 32]>;

/// A checksum in the making.
#[derive(Clone)]
pub enum Checksum {
    /// Of 32 bits.
    Crc32(crc_fast::Digest),
    /// Of 64 bits.
    Crc64(crc_fast::Digest),
    /// SHA-1.
    Sha1(Sha1),
    /// SHA-256.
    Sha256(Sha256),
    /// SHA-512.
    Sha512(Box<Sha512>),
    /// MD5.
    Md5(Md5),
    /// XXH64.
    Xxhash64(Xxh64),
    /// XXH3 of 64 bits.
    Xxhash3(Box<Xxh3>),
    /// XXH3 of 128 bits.
    Xxhash128(Box<Xxh3>),
}

impl std::fmt::Debug for Checksum {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Checksum")
    }
}

impl Checksum {
    /// Of nothing yet.
    #[must_use]
    pub fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Crc32 => Self::Crc32(crc_fast::Digest::new(CrcAlgorithm::Crc32IsoHdlc)),
            Algorithm::Crc32c => Self::Crc32(crc_fast::Digest::new(CrcAlgorithm::Crc32Iscsi)),
            Algorithm::Crc64Nvme => Self::Crc64(crc_fast::Digest::new(CrcAlgorithm::Crc64Nvme)),
            Algorithm::Sha1 => Self::Sha1(Sha1::new()),
            Algorithm::Sha256 => Self::Sha256(Sha256::new()),
            Algorithm::Sha512 => Self::Sha512(Box::default()),
            Algorithm::Md5 => Self::Md5(Md5::new()),
            Algorithm::Xxhash64 => Self::Xxhash64(Xxh64::new(0)),
            Algorithm::Xxhash3 => Self::Xxhash3(Box::new(Xxh3::new())),
            Algorithm::Xxhash128 => Self::Xxhash128(Box::new(Xxh3::new())),
        }
    }

    /// Takes the next bytes.
    pub fn update(&mut self, data: &[u8]) {
        match self {
            Self::Crc32(crc) | Self::Crc64(crc) => crc.update(data),
            Self::Sha1(hash) => hash.update(data),
            Self::Sha256(hash) => hash.update(data),
            Self::Sha512(hash) => hash.update(data),
            Self::Md5(hash) => hash.update(data),
            Self::Xxhash64(hash) => hash.update(data),
            Self::Xxhash3(hash) | Self::Xxhash128(hash) => hash.update(data),
        }
    }

    /// The checksum.
    #[must_use]
    pub fn finish(self) -> Value {
        match self {
            Self::Crc32(crc) => crc.finalize().to_be_bytes().into_iter().skip(4).collect(),
            Self::Crc64(crc) => crc.finalize().to_be_bytes().into_iter().collect(),
            Self::Sha1(hash) => SmallVec::from_slice(&hash.finalize()),
            Self::Sha256(hash) => SmallVec::from_slice(&hash.finalize()),
            Self::Sha512(hash) => SmallVec::from_slice(&hash.finalize()),
            Self::Md5(hash) => SmallVec::from_slice(&hash.finalize()),
            Self::Xxhash64(hash) => SmallVec::from_slice(&hash.digest().to_be_bytes()),
            Self::Xxhash3(hash) => SmallVec::from_slice(&hash.digest().to_be_bytes()),
            Self::Xxhash128(hash) => SmallVec::from_slice(&hash.digest128().to_be_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::hex;

    #[test]
    fn check_values() {
        let check = |algorithm, expected: &str| {
            let mut checksum = Checksum::new(algorithm);
            checksum.update(b"1234");
            checksum.update(b"56789");
            let mut pairs = Vec::new();
            hex::write_pairs(&checksum.finish(), &mut pairs);
            assert_eq!(String::from_utf8(pairs).unwrap().replace(' ', ""), expected, "{algorithm:?}");
        };
        check(Algorithm::Crc32, "cbf43926");
        check(Algorithm::Crc32c, "e3069283");
        check(Algorithm::Crc64Nvme, "ae8b14860a799888");
        check(Algorithm::Sha1, "f7c3bc1d808e04732adf679965ccc34ca7ae3441");
        check(Algorithm::Sha256, "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225");
        check(
            Algorithm::Sha512,
            "d9e6762dd1c8eaf6d61b3c6192fc408d4d6d5f1176d0c29169bc24e71c3f274a\
             d27fcd5811b313d681f7e55ec02d73d499c95455b6b5bb503acf574fba8ffe85",
        );
        check(Algorithm::Md5, "25f9e794323b453885f5181f1b624d0b");
    }

    /// The values of nothing that the reference implementation gives, most significant byte first.
    #[test]
    fn check_values_of_xxhash() {
        let check = |algorithm, expected: &str| {
            let mut pairs = Vec::new();
            hex::write_pairs(&Checksum::new(algorithm).finish(), &mut pairs);
            assert_eq!(String::from_utf8(pairs).unwrap().replace(' ', ""), expected, "{algorithm:?}");
        };
        check(Algorithm::Xxhash64, "ef46db3751d8e999");
        check(Algorithm::Xxhash3, "2d06800538d394c2");
        check(Algorithm::Xxhash128, "99aa06d3014798d86001c324468d497f");
    }

    #[test]
    fn the_length_of_a_text_is_that_of_its_values() {
        for algorithm in Algorithm::all() {
            let text = STANDARD.encode(Checksum::new(algorithm).finish());
            assert_eq!(algorithm.text_length(), text.len(), "{algorithm:?}");
            assert!(algorithm.decode(text.as_bytes()).is_some(), "{algorithm:?}");
        }
    }

    #[test]
    fn values_are_base64_of_the_right_width() {
        let check = |text: &str, is_value: bool| {
            assert_eq!(Algorithm::Crc32.decode(text.as_bytes()).is_some(), is_value, "{text}");
        };
        check("ibRlVQ==", true);
        let too_long = "A".repeat(200);
        for text in
            ["", "ibRlVQ", "ibRlVQ=", "ibRlVR==", "ibRlVQ== ", "ibRl", "AAAAAAAAAAA=", "ib-lVQ==", &too_long]
        {
            check(text, false);
        }
    }

    #[test]
    fn the_table_has_a_row_for_every_function() {
        for (algorithm, name, header, width) in Algorithm::TABLE {
            assert_eq!(
                (algorithm.name(), Algorithm::from_header(header.as_bytes())),
                (name, Some(algorithm))
            );
            assert_eq!(Checksum::new(algorithm).finish().len(), width);
        }
        assert_eq!(Algorithm::from_header(b"X-AMZ-CHECKSUM-SHA1"), Some(Algorithm::Sha1));
        assert_eq!(Algorithm::from_header(b"x-amz-checksum-sha3"), None);
    }
}
