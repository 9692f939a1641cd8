//! Checksums that clients send and get back.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;

/// Kind of a checksum (S3 API, `ChecksumAlgorithm`). The discriminants are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Algorithm {
    /// CRC-32 (ISO-HDLC), 4 bytes.
    Crc32 = 1,
    /// CRC-32C (Castagnoli), 4 bytes.
    Crc32c = 2,
    /// CRC-64/NVME, 8 bytes.
    Crc64Nvme = 3,
    /// SHA-1, 20 bytes.
    Sha1 = 4,
    /// SHA-256, 32 bytes.
    Sha256 = 5,
}

impl Algorithm {
    /// The algorithm stored as `code`.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        [Self::Crc32, Self::Crc32c, Self::Crc64Nvme, Self::Sha1, Self::Sha256]
            .into_iter()
            .find(|algorithm| *algorithm as u8 == code)
    }

    /// Bytes of a value.
    #[must_use]
    pub fn width(self) -> usize {
        match self {
            Self::Crc32 | Self::Crc32c => 4,
            Self::Crc64Nvme => 8,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }
}

/// A checksum over a whole body, verified when the body was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checksum {
    /// Its kind.
    pub algorithm: Algorithm,
    /// Its value, big-endian, [`Algorithm::width`] bytes.
    pub value: Bytes,
}

/// Where the front puts the checksum once it has verified it, at the latest when the body's stream ends: a trailer comes behind the
/// body. The store reads it after the end of the body.
pub type ChecksumSlot = Arc<OnceLock<Checksum>>;
