//! The checksums that S3 takes beside an upload: one table of names, widths and functions.
//! They must not be taken for a proof of who sent something: only a signature is one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crc_fast::CrcAlgorithm;
use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use smallvec::SmallVec;

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
}

impl Algorithm {
    /// Every function with its name, the header that carries it, and its width in bytes.
    const TABLE: [(Self, &'static str, &'static str, usize); 5] = [
        (Self::Crc32, "CRC32", "x-amz-checksum-crc32", 4),
        (Self::Crc32c, "CRC32C", "x-amz-checksum-crc32c", 4),
        (Self::Crc64Nvme, "CRC64NVME", "x-amz-checksum-crc64nvme", 8),
        (Self::Sha1, "SHA1", "x-amz-checksum-sha1", 20),
        (Self::Sha256, "SHA256", "x-amz-checksum-sha256", 32),
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
        let mut bytes = [0; 48];
        let length = STANDARD.decode_slice(text, &mut bytes).ok()?;
        bytes.get(..length).filter(|value| value.len() == self.row().2).map(SmallVec::from_slice)
    }
}

/// A checksum in the byte order in which it is sent: most significant first.
pub type Value = SmallVec<[u8; 32]>;

/// A checksum in the making.
#[derive(Clone, Debug)]
pub enum Checksum {
    /// Of 32 bits.
    Crc32(crc_fast::Digest),
    /// Of 64 bits.
    Crc64(crc_fast::Digest),
    /// SHA-1.
    Sha1(Sha1),
    /// SHA-256.
    Sha256(Sha256),
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
        }
    }

    /// Takes the next bytes.
    pub fn update(&mut self, data: &[u8]) {
        match self {
            Self::Crc32(crc) | Self::Crc64(crc) => crc.update(data),
            Self::Sha1(hash) => hash.update(data),
            Self::Sha256(hash) => hash.update(data),
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
        assert_eq!(Algorithm::from_header(b"x-amz-checksum-md5"), None);
    }
}
