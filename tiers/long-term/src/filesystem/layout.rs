//! Where things are below the directory. No path is ever made of a user's bytes.

use std::path::{Path, PathBuf};

use crate::uploads::Name;

/// Names of the two things beside the buckets.
const UPLOADS: &str = "uploads";
const MARKER: &str = "terrace-deployment";

/// The paths of one directory of blobs.
#[derive(Debug)]
pub(super) struct Layout {
    root: PathBuf,
}

impl Layout {
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn marker(&self) -> PathBuf {
        self.root.join(MARKER)
    }

    pub(super) fn uploads(&self) -> PathBuf {
        self.root.join(UPLOADS)
    }

    /// The temporary file of a put, named by the blob and the number of the put.
    pub(super) fn upload(&self, (bid, rev): Name, number: u64) -> PathBuf {
        self.uploads().join(format!("{bid:016x}-{:032x}-{number}", u128::from_be_bytes(rev)))
    }

    pub(super) fn bucket(&self, bid: u64) -> PathBuf {
        self.root.join(format!("{bid:016x}"))
    }

    /// The directory of the blobs of a bucket whose revisions end with `byte`.
    pub(super) fn shard(&self, bid: u64, byte: u8) -> PathBuf {
        self.root.join(format!("{bid:016x}/{byte:02x}"))
    }

    pub(super) fn blob(&self, (bid, rev): Name) -> PathBuf {
        self.root.join(format!("{bid:016x}/{:02x}/{:032x}", last_byte(rev), u128::from_be_bytes(rev)))
    }
}

/// The byte that spreads the blobs of a bucket: the random tail of a uuid v7, where its head is the time.
pub(super) fn last_byte([.., last]: [u8; 16]) -> u8 {
    last
}

/// Reads a name of exactly `digits` lower-case hexadecimal digits.
fn hex(name: &str, digits: usize) -> Option<u128> {
    let plain = name.len() == digits && name.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    plain.then(|| u128::from_str_radix(name, 16).ok()).flatten()
}

/// The bucket that a directory in the root holds; `None`: not a bucket.
pub(super) fn bucket_of(name: &str) -> Option<u64> {
    hex(name, 16).and_then(|bid| u64::try_from(bid).ok())
}

/// The byte of a directory in a bucket; `None`: not one of ours.
pub(super) fn shard_of(name: &str) -> Option<u8> {
    hex(name, 2).and_then(|byte| u8::try_from(byte).ok())
}

/// The revision of a file in the directory of `byte`; `None`: not a blob of this directory.
pub(super) fn rev_of(name: &str, byte: u8) -> Option<[u8; 16]> {
    hex(name, 32).map(u128::to_be_bytes).filter(|rev| last_byte(*rev) == byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_the_data_model() {
        let layout = Layout::new(PathBuf::from("/blobs"));
        let rev = 0x0189_0000_0000_7000_8000_0000_0000_00ab_u128.to_be_bytes();
        assert_eq!(
            layout.blob((0x2a, rev)).to_str().unwrap(),
            "/blobs/000000000000002a/ab/018900000000700080000000000000ab"
        );
        assert_eq!(layout.shard(0x2a, 0x0b).to_str().unwrap(), "/blobs/000000000000002a/0b");
        assert_eq!(
            layout.upload((1, rev), 7).to_str().unwrap(),
            "/blobs/uploads/0000000000000001-018900000000700080000000000000ab-7"
        );
    }

    #[test]
    fn only_exact_names_are_read_back() {
        assert_eq!(bucket_of("000000000000002a"), Some(0x2a));
        assert_eq!(bucket_of("ffffffffffffffff"), Some(u64::MAX));
        for foreign in ["uploads", "2a", "000000000000002A", "+00000000000002a", "000000000000002a0", ""] {
            assert_eq!(bucket_of(foreign), None, "{foreign}");
        }
        let name = "018900000000700080000000000000ab";
        assert_eq!(rev_of(name, 0xab).map(u128::from_be_bytes), u128::from_str_radix(name, 16).ok());
        assert_eq!(rev_of(name, 0xac), None);
        assert_eq!(shard_of("0b"), Some(0x0b));
        assert_eq!(shard_of("b"), None);
    }
}
