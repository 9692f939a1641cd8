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

    /// Whether the checksum of a whole follows from those of its parts.
    #[must_use]
    pub fn combines(self) -> bool {
        match self {
            Self::Crc32 | Self::Crc32c | Self::Crc64Nvme => true,
            Self::Sha1 | Self::Sha256 => false,
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

/// What the checksum of a multipart object is over (S3 API, `ChecksumType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChecksumType {
    /// Over all bytes.
    FullObject,
    /// Over the checksums of the parts.
    Composite,
}

/// How the checksum of a multipart object is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChecksumChoice {
    /// With which algorithm.
    pub algorithm: Algorithm,
    /// Over what.
    pub kind: ChecksumType,
}

impl ChecksumChoice {
    /// What an upload has that names only an algorithm (S3 user guide, "Checking object integrity").
    #[must_use]
    pub fn default_of(algorithm: Algorithm) -> Self {
        let kind = match algorithm {
            Algorithm::Crc64Nvme => ChecksumType::FullObject,
            Algorithm::Crc32 | Algorithm::Crc32c | Algorithm::Sha1 | Algorithm::Sha256 => {
                ChecksumType::Composite
            }
        };
        Self { algorithm, kind }
    }

    /// Whether S3 has it: no SHA over all bytes of several parts, no composite CRC-64/NVME.
    #[must_use]
    pub fn is_possible(self) -> bool {
        match self.kind {
            ChecksumType::FullObject => self.algorithm.combines(),
            ChecksumType::Composite => self.algorithm != Algorithm::Crc64Nvme,
        }
    }
}

/// The checksum of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectChecksum {
    /// Its value.
    pub checksum: Checksum,
    /// `None`: over all bytes; else over the checksums of this many parts.
    pub composite_of: Option<u32>,
}

impl ObjectChecksum {
    /// What it is over.
    #[must_use]
    pub fn kind(&self) -> ChecksumType {
        if self.composite_of.is_some() { ChecksumType::Composite } else { ChecksumType::FullObject }
    }

    /// The checksum, if it is one over all bytes.
    #[must_use]
    pub fn of_all_bytes(&self) -> Option<&Checksum> {
        self.composite_of.is_none().then_some(&self.checksum)
    }
}

impl From<Checksum> for ObjectChecksum {
    /// A checksum over all bytes.
    fn from(checksum: Checksum) -> Self {
        Self { checksum, composite_of: None }
    }
}

/// Where the front puts the checksum once it has verified it, at the latest when the body's stream ends: a trailer comes behind the
/// body. The store reads it after the end of the body.
pub type ChecksumSlot = Arc<OnceLock<Checksum>>;
