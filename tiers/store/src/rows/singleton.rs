//! `S`: single rows by name. Their values are of fixed width, without a version byte: every release must be able to read the layout
//! version of every other.

use bytes::Bytes;
use terrace_high_volume::Key;

use crate::name::Revision;
use crate::rows::{Damaged, Family, codec};

/// Row of the layout version: which release may open this data.
pub(crate) fn layout() -> Key {
    codec::key(Family::Singleton, &[b"layout"])
}

/// Row of the deployment's id, which binds both tiers to one another.
pub(crate) fn deployment() -> Key {
    codec::key(Family::Singleton, &[b"deployment"])
}

/// Row of the id that the last bucket got.
pub(crate) fn last_bucket() -> Key {
    codec::key(Family::Singleton, &[b"last_bucket"])
}

/// Value of [`layout`].
pub(crate) fn encode_layout(version: u32) -> Bytes {
    Bytes::copy_from_slice(&version.to_be_bytes())
}

/// Reads [`layout`].
///
/// # Errors
/// [`Damaged`].
pub(crate) fn decode_layout(value: &Bytes) -> Result<u32, Damaged> {
    fixed(value).map(u32::from_be_bytes)
}

/// Value of [`deployment`].
pub(crate) fn encode_deployment(id: Revision) -> Bytes {
    Bytes::copy_from_slice(&id.0)
}

/// Reads [`deployment`].
///
/// # Errors
/// [`Damaged`].
pub(crate) fn decode_deployment(value: &Bytes) -> Result<Revision, Damaged> {
    fixed(value).map(Revision)
}

/// Value of a row that counts.
pub(crate) fn encode_number(number: u64) -> Bytes {
    Bytes::copy_from_slice(&number.to_be_bytes())
}

/// Reads a row that counts.
///
/// # Errors
/// [`Damaged`].
pub(crate) fn decode_number(value: &Bytes) -> Result<u64, Damaged> {
    fixed(value).map(u64::from_be_bytes)
}

fn fixed<const N: usize>(value: &Bytes) -> Result<[u8; N], Damaged> {
    value.as_ref().try_into().map_err(|_| Damaged { family: Family::Singleton })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layout_version_is_four_bytes_for_ever() {
        assert_eq!(&*layout(), b"Slayout");
        assert_eq!(&*encode_layout(0x0102), [0, 0, 1, 2]);
        assert_eq!(decode_layout(&encode_layout(7)), Ok(7));
        assert!(decode_layout(&Bytes::from_static(&[0; 5])).is_err());
    }

    #[test]
    fn singletons_read_back_as_they_were_written() {
        assert_eq!(decode_deployment(&encode_deployment(Revision([9; 16]))), Ok(Revision([9; 16])));
        assert_eq!(decode_number(&encode_number(3)), Ok(3));
        assert!(decode_deployment(&Bytes::new()).is_err() && decode_number(&Bytes::new()).is_err());
    }
}
