//! The acknowledgement mark: the version up to which commits were acknowledged, in a file beside the journal that is written after
//! the journal's sync. What the journal holds must reach it, or acknowledged commits are missing.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use xxhash_rust::xxh3::xxh3_64;

use crate::kv::Version;

const NAME: &str = "acknowledged";

/// The open file. 16 bytes: version and xxh3 of it, little-endian.
#[derive(Debug)]
pub(super) struct Mark {
    file: File,
}

/// What the file of a directory says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Missing,
    /// Not 16 bytes, or the checksum is wrong.
    Unreadable,
    Version(Version),
}

impl Mark {
    /// Opens the file, making an empty one if there is none.
    pub(super) fn open(directory: &Path) -> io::Result<(Self, Found)> {
        let path = directory.join(NAME);
        let missing = !path.try_exists()?;
        let file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path)?;
        let found = if missing { Found::Missing } else { read(&file)? };
        Ok((Self { file }, found))
    }

    /// Writes the version in place. Not synced: exact after a crash of the process, at worst old after one of the machine.
    pub(super) fn write(&self, version: Version) -> io::Result<()> {
        let mut bytes = [0; 16];
        let (high, low) = bytes.split_at_mut(8);
        high.copy_from_slice(&version.0.to_le_bytes());
        low.copy_from_slice(&xxh3_64(high).to_le_bytes());
        self.file.write_all_at(&bytes, 0)
    }

    /// Writes and syncs.
    pub(super) fn settle(&self, version: Version) -> io::Result<()> {
        self.write(version)?;
        self.file.sync_all()
    }
}

fn read(file: &File) -> io::Result<Found> {
    if file.metadata()?.len() != 16 {
        return Ok(Found::Unreadable);
    }
    let mut bytes = [0; 16];
    file.read_exact_at(&mut bytes, 0)?;
    let (Some(version), Some(check)) = (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) else {
        return Ok(Found::Unreadable);
    };
    if xxh3_64(version) != u64::from_le_bytes(*check) {
        return Ok(Found::Unreadable);
    }
    Ok(Found::Version(Version(u64::from_le_bytes(*version))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_version_written_is_found_and_damage_is_noticed() {
        let directory = tempfile::tempdir().unwrap();
        let (mark, found) = Mark::open(directory.path()).unwrap();
        assert_eq!(found, Found::Missing);
        assert_eq!(Mark::open(directory.path()).unwrap().1, Found::Unreadable);
        mark.write(Version(7)).unwrap();
        mark.settle(Version(9)).unwrap();
        assert_eq!(Mark::open(directory.path()).unwrap().1, Found::Version(Version(9)));
        mark.file.write_all_at(&[1], 3).unwrap();
        assert_eq!(Mark::open(directory.path()).unwrap().1, Found::Unreadable);
    }
}
