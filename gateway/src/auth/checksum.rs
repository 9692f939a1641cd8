//! The flexible checksums of S3 (`x-amz-checksum-*`) as values.

use std::sync::{Arc, OnceLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The checksum algorithms that are verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChecksumAlgorithm {
    /// CRC-32 (ISO HDLC), 4 bytes.
    Crc32,
    /// CRC-32C (Castagnoli), 4 bytes.
    Crc32c,
    /// CRC-64/NVME, 8 bytes.
    Crc64Nvme,
    /// SHA-1, 20 bytes.
    Sha1,
    /// SHA-256, 32 bytes.
    Sha256,
}

impl ChecksumAlgorithm {
    /// The header or trailer (lower case) that carries a checksum of this kind.
    #[must_use]
    pub const fn header(self) -> &'static str {
        match self {
            Self::Crc32 => "x-amz-checksum-crc32",
            Self::Crc32c => "x-amz-checksum-crc32c",
            Self::Crc64Nvme => "x-amz-checksum-crc64nvme",
            Self::Sha1 => "x-amz-checksum-sha1",
            Self::Sha256 => "x-amz-checksum-sha256",
        }
    }

    /// The algorithm of a header or trailer name, in any case.
    #[must_use]
    pub fn from_header(name: &str) -> Option<Self> {
        [Self::Crc32, Self::Crc32c, Self::Crc64Nvme, Self::Sha1, Self::Sha256]
            .into_iter()
            .find(|algorithm| algorithm.header().eq_ignore_ascii_case(name))
    }

    /// Length of a value in bytes.
    #[must_use]
    pub const fn length(self) -> usize {
        match self {
            Self::Crc32 | Self::Crc32c => 4,
            Self::Crc64Nvme => 8,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }
}

/// A checksum: its algorithm and its raw bytes (CRCs big-endian).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Checksum {
    algorithm: ChecksumAlgorithm,
    bytes: [u8; 32],
}

impl Checksum {
    /// `None` if the number of bytes is not that of the algorithm.
    #[must_use]
    pub fn new(algorithm: ChecksumAlgorithm, value: &[u8]) -> Option<Self> {
        if value.len() != algorithm.length() {
            return None;
        }
        let mut bytes = [0; 32];
        bytes.get_mut(..value.len())?.copy_from_slice(value);
        Some(Self { algorithm, bytes })
    }

    /// From the base64 of a header or trailer; `None` if it is malformed or of the wrong length.
    #[must_use]
    pub fn from_base64(algorithm: ChecksumAlgorithm, text: &[u8]) -> Option<Self> {
        let mut buffer = [0; 36];
        if text.len() > 48 {
            return None;
        }
        let length = STANDARD.decode_slice(text, &mut buffer).ok()?;
        Self::new(algorithm, buffer.get(..length)?)
    }

    /// The algorithm.
    #[must_use]
    pub const fn algorithm(&self) -> ChecksumAlgorithm {
        self.algorithm
    }

    /// The raw value, as long as the algorithm says.
    #[must_use]
    pub fn value(&self) -> &[u8] {
        self.bytes.get(..self.algorithm.length()).unwrap_or(&self.bytes)
    }

    /// The base64 of the value, as headers and XML carry it.
    #[must_use]
    pub fn to_base64(&self) -> String {
        STANDARD.encode(self.value())
    }
}

/// Where the checksum that a client sent with a body, as header or trailer, is found once the body was read to its end and
/// verified. In the extensions of requests that announced one; empty until then.
#[derive(Debug, Clone, Default)]
pub struct ChecksumSlot(Arc<OnceLock<Checksum>>);

impl ChecksumSlot {
    /// The verified checksum.
    #[must_use]
    pub fn get(&self) -> Option<Checksum> {
        self.0.get().copied()
    }

    /// Fills the slot; a second value is ignored.
    pub(crate) fn fill(&self, checksum: Checksum) {
        let _already = self.0.set(checksum);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checksum_survives_base64() {
        let sum = Checksum::new(ChecksumAlgorithm::Crc64Nvme, &[1, 2, 3, 4, 5, 6, 7, 8]).unwrap();
        assert_eq!(
            Checksum::from_base64(ChecksumAlgorithm::Crc64Nvme, sum.to_base64().as_bytes()),
            Some(sum)
        );
        assert_eq!(sum.value(), [1, 2, 3, 4, 5, 6, 7, 8]);
    }

    #[test]
    fn a_malformed_or_misfit_value_is_none() {
        for text in ["", "AAAA", "AAAAAA=", "AAAAAAA=", "!!!!!!==", "AAAAAA==AAAAAA==", &"A".repeat(400)] {
            assert_eq!(Checksum::from_base64(ChecksumAlgorithm::Crc32, text.as_bytes()), None, "{text}");
        }
        assert!(Checksum::from_base64(ChecksumAlgorithm::Crc32, b"AAAAAA==").is_some());
    }

    #[test]
    fn names_are_matched_in_any_case_and_whole() {
        assert_eq!(ChecksumAlgorithm::from_header("X-Amz-Checksum-CRC32C"), Some(ChecksumAlgorithm::Crc32c));
        assert_eq!(ChecksumAlgorithm::from_header("x-amz-checksum-crc"), None);
        assert_eq!(ChecksumAlgorithm::from_header("x-amz-checksum-type"), None);
    }
}
