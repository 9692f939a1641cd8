//! Digests of bodies: computed as the bytes pass, a large piece beside the task that reads them, and for a multipart object from those
//! of its parts.

mod aside;
mod over_parts;
mod sums;

use bytes::Bytes;
use crc_fast::CrcAlgorithm;
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use crate::object::{Algorithm, Checksum};

pub use aside::{Absorb, Aside, Lost};
pub(crate) use over_parts::{combined, composite};
pub(crate) use sums::{Sums, Wanted, summed, sums_of};

/// A checksum being computed.
pub struct Hasher {
    algorithm: Algorithm,
    state: State,
}

enum State {
    Crc(crc_fast::Digest),
    Sha1(Sha1),
    Sha256(Sha256),
}

impl Hasher {
    /// Of no byte yet.
    #[must_use]
    pub fn new(algorithm: Algorithm) -> Self {
        let state = match crc_of(algorithm) {
            Some(crc) => State::Crc(crc_fast::Digest::new(crc)),
            None if algorithm == Algorithm::Sha1 => State::Sha1(Sha1::new()),
            None => State::Sha256(Sha256::new()),
        };
        Self { algorithm, state }
    }

    /// Of which kind it will be.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.state {
            State::Crc(crc) => crc.update(bytes),
            State::Sha1(sha1) => sha1.update(bytes),
            State::Sha256(sha256) => sha256.update(bytes),
        }
    }

    /// The checksum of all bytes taken.
    #[must_use]
    pub fn finish(self) -> Checksum {
        let Self { algorithm, state } = self;
        let value = match state {
            State::Crc(crc) => big_endian(algorithm, crc.finalize()),
            State::Sha1(sha1) => Bytes::copy_from_slice(&sha1.finalize()),
            State::Sha256(sha256) => Bytes::copy_from_slice(&sha256.finalize()),
        };
        Checksum { algorithm, value }
    }
}

/// About how many bytes digests take together in a microsecond of one core with the SHA instructions (measured 2026-11: MD5 700, SHA
/// 2,000, CRC 65,000).
#[must_use]
pub fn speed(md5: bool, checksums: impl IntoIterator<Item = Algorithm>) -> usize {
    const MD5: f64 = 700.0;
    let of = |algorithm: Algorithm| if algorithm.combines() { 65_000.0 } else { 2_000.0 };
    let slowness: f64 = checksums.into_iter().map(|algorithm| 1.0 / of(algorithm)).sum();
    (1.0 / (slowness + if md5 { 1.0 / MD5 } else { 0.0 })) as usize
}

/// The parameters of a CRC; `None` for what is none.
fn crc_of(algorithm: Algorithm) -> Option<CrcAlgorithm> {
    match algorithm {
        Algorithm::Crc32 => Some(CrcAlgorithm::Crc32IsoHdlc),
        Algorithm::Crc32c => Some(CrcAlgorithm::Crc32Iscsi),
        Algorithm::Crc64Nvme => Some(CrcAlgorithm::Crc64Nvme),
        Algorithm::Sha1 | Algorithm::Sha256 => None,
    }
}

/// The bytes of a CRC.
fn big_endian(algorithm: Algorithm, number: u64) -> Bytes {
    let bytes = number.to_be_bytes();
    Bytes::copy_from_slice(bytes.get(bytes.len().saturating_sub(algorithm.width())..).unwrap_or(&bytes))
}

/// What is known of `123456789`: the catalogue of parametrised CRC algorithms, and sha1sum and sha256sum.
#[cfg(test)]
pub(crate) const KNOWN: [(Algorithm, &str); 5] = [
    (Algorithm::Crc32, "cbf43926"),
    (Algorithm::Crc32c, "e3069283"),
    (Algorithm::Crc64Nvme, "ae8b14860a799888"),
    (Algorithm::Sha1, "f7c3bc1d808e04732adf679965ccc34ca7ae3441"),
    (Algorithm::Sha256, "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_the_standards_in_whatever_pieces_the_bytes_come() {
        for (algorithm, known) in KNOWN {
            for cut in 0..=9 {
                let (front, back) = b"123456789".split_at(cut);
                let mut hasher = Hasher::new(algorithm);
                hasher.update(front);
                hasher.update(back);
                let checksum = hasher.finish();
                assert_eq!((checksum.algorithm, hex::encode(&checksum.value)), (algorithm, known.to_owned()));
            }
        }
    }
}
