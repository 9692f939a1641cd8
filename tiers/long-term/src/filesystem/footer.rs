//! What stands behind the body in the file of a blob, so that the file alone says what it is:
//!
//! ```text
//! body (size bytes) | key | version u8 | key length u16 | bid u64 | rev 16 | size u64 | crc32c u32 | magic 8
//! ```
//!
//! Integers are big-endian. The checksum covers everything from the key to the size. The body has no checksum here: the record has it.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use bytes::Bytes;
use crc_fast::crc32_iscsi as crc32c;

use crate::key::BlobKey;

const MAGIC: &[u8; 8] = b"TerrBlob";
const VERSION: u8 = 1;
/// Bytes behind the key: version, key length, bid, rev, size, checksum, magic.
const FIXED: usize = 1 + 2 + 8 + 16 + 8 + 4 + 8;
/// The longest key that is stored, bytes.
const LONGEST_KEY: usize = 1_024;

/// The footer of a blob: its name and size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Footer {
    pub(super) key: BlobKey,
    pub(super) size: u64,
}

/// Why a file is not a whole blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Damage {
    #[error("the file is shorter than the smallest footer")]
    TooShort,
    #[error("the file does not end with the magic of a blob")]
    Magic,
    #[error("the checksum of the footer is wrong")]
    Checksum,
    #[error("the footer has format version {0}, which this program does not know")]
    Version(u8),
    #[error("the file has {file} bytes, its footer asks for {footer}")]
    Length { file: u64, footer: u64 },
    #[error("the file bears the name of another blob")]
    Name,
}

/// Reading a footer failed: the disk, or what is on it.
#[derive(Debug, thiserror::Error)]
pub(super) enum FooterError {
    #[error("read the footer of a blob")]
    Io(#[from] io::Error),
    #[error("the blob is damaged")]
    Damage(#[from] Damage),
}

/// Whether a key fits a footer: 1 to 1,024 bytes.
pub(super) fn key_fits(key: &[u8]) -> bool {
    (1..=LONGEST_KEY).contains(&key.len())
}

/// Takes the first `N` bytes.
fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (head, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*head)
}

impl Footer {
    pub(super) fn encode(&self) -> Bytes {
        let mut bytes = Vec::with_capacity(self.key.key.len() + FIXED);
        bytes.extend_from_slice(&self.key.key);
        bytes.push(VERSION);
        bytes.extend_from_slice(&u16::try_from(self.key.key.len()).unwrap_or(u16::MAX).to_be_bytes());
        bytes.extend_from_slice(&self.key.bid.to_be_bytes());
        bytes.extend_from_slice(&self.key.rev);
        bytes.extend_from_slice(&self.size.to_be_bytes());
        bytes.extend_from_slice(&crc32c(&bytes).to_be_bytes());
        bytes.extend_from_slice(MAGIC);
        bytes.into()
    }

    /// Reads the footer from the last bytes of a file (all of it, or enough for the longest footer) that has `file` bytes in all.
    fn decode(tail: &[u8], file: u64) -> Result<Self, Damage> {
        let (front, fixed) =
            tail.len().checked_sub(FIXED).map(|at| tail.split_at(at)).ok_or(Damage::TooShort)?;
        let mut rest = fixed;
        let mut parse = || {
            let [version] = take(&mut rest)?;
            let key_length = usize::from(u16::from_be_bytes(take(&mut rest)?));
            let bid = u64::from_be_bytes(take(&mut rest)?);
            let rev = take::<16>(&mut rest)?;
            let size = u64::from_be_bytes(take(&mut rest)?);
            let expected = u32::from_be_bytes(take(&mut rest)?);
            Some((version, key_length, bid, rev, size, expected))
        };
        let (version, key_length, bid, rev, size, expected) = parse().ok_or(Damage::TooShort)?;
        if rest != MAGIC {
            return Err(Damage::Magic);
        }
        if version != VERSION {
            return Err(Damage::Version(version));
        }
        let key_at = front.len().checked_sub(key_length).ok_or(Damage::Checksum)?;
        let covered = tail.get(key_at..tail.len() - 12).ok_or(Damage::Checksum)?;
        if crc32c(covered) != expected {
            return Err(Damage::Checksum);
        }
        let footer = size.saturating_add((key_length + FIXED) as u64);
        if footer != file {
            return Err(Damage::Length { file, footer });
        }
        let key = Bytes::copy_from_slice(&front[key_at..]);
        Ok(Self { key: BlobKey { bid, key, rev }, size })
    }

    /// Reads and checks the footer of an open file. One positioned read.
    pub(super) fn read(file: &File) -> Result<Self, FooterError> {
        let length = file.metadata()?.len();
        let mut buffer = [0; LONGEST_KEY + FIXED];
        let want = buffer.len().min(usize::try_from(length).unwrap_or(usize::MAX));
        let tail = &mut buffer[..want];
        match file.read_exact_at(tail, length - want as u64) {
            Ok(()) => Ok(Self::decode(tail, length)?),
            // The file became shorter between the two calls.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(Damage::TooShort.into()),
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Footer {
        Footer { key: BlobKey { bid: 7, key: Bytes::from_static(b"a//b\0../"), rev: [9; 16] }, size: 5 }
    }

    #[test]
    fn a_footer_survives_its_encoding() {
        let bytes = [b"hello".as_slice(), &sample().encode()].concat();
        assert_eq!(Footer::decode(&bytes, bytes.len() as u64).unwrap(), sample());
        let longest =
            Footer { key: BlobKey { key: vec![b'k'; LONGEST_KEY].into(), ..sample().key }, size: 0 };
        let bytes = longest.encode();
        assert_eq!(Footer::decode(&bytes, bytes.len() as u64).unwrap(), longest);
    }

    #[test]
    fn no_flipped_bit_and_no_missing_byte_goes_unseen() {
        let bytes = [b"hello".as_slice(), &sample().encode()].concat();
        for at in 5 * 8..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[at / 8] ^= 1 << (at % 8);
            assert!(Footer::decode(&flipped, bytes.len() as u64).is_err(), "bit {at}");
        }
        for length in 0..bytes.len() {
            assert!(Footer::decode(&bytes[..length], length as u64).is_err(), "{length} bytes");
            assert!(Footer::decode(&bytes[length + 1..], (bytes.len() - length - 1) as u64).is_err());
        }
    }

    #[test]
    fn the_checksum_is_crc32c() {
        assert_eq!(crc32c(b"123456789"), 0xE306_9283);
    }
}
